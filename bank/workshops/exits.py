"""What leaves the route and what comes back to it: parts, recycling, the donor, missing, found, recheck."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.inventory import actions as drives
from bank.inventory import codes, lifecycle, register
from bank.inventory import rules as inventory_rules
from bank.inventory.actions import Change, Finding, KnownDrive
from bank.inventory.lifecycle import TABLE, Move, State
from bank.inventory.models import DriveFate, DriveKind, Origin, StepKind
from bank.inventory.register import Standing
from bank.web.pages import today_in_paris
from bank.workshops import actions, incidents, queries
from bank.workshops.models import BlockerOutcome


class Exit(StrEnum):
    """What the supervisor decides of a device besides its route. Each is the move of the same name."""

    HARVEST = "harvest"
    RECYCLE = "recycle"
    RETURN_TO_DONOR = "return_to_donor"
    LOSE = "lose"
    FIND = "find"
    RECHECK = "recheck"

    @property
    def move(self) -> Move:
        """The move that the register makes of it."""
        return Move(self.value)


class ExitReason(StrEnum):
    """Why. Kept in the journal, for ever: codes, never a text."""

    NOT_REPAIRABLE = "not_repairable"
    TOO_DAMAGED = "too_damaged"
    TOO_OLD = "too_old"
    LOCKED = "locked"
    DANGEROUS = "dangerous"
    PARTS_TAKEN = "parts_taken"
    DONOR_ASKS = "donor_asks"
    SENT_BY_MISTAKE = "sent_by_mistake"
    NOT_OUR_KIND = "not_our_kind"
    NOT_IN_PLACE = "not_in_place"
    NOT_AT_COUNT = "not_at_count"
    STOLEN = "stolen"
    LOST_ON_THE_WAY = "lost_on_the_way"
    NOT_BROUGHT_BACK = "not_brought_back"
    CHECK_FAILED = "check_failed"
    STORED_LONG = "stored_long"
    FAULT_SEEN = "fault_seen"
    NOT_AS_SAID = "not_as_said"


R = ExitReason
REASONS: Mapping[Exit, tuple[ExitReason, ...]] = {
    Exit.HARVEST: (R.NOT_REPAIRABLE, R.TOO_DAMAGED, R.TOO_OLD, R.LOCKED),
    Exit.RECYCLE: (R.NOT_REPAIRABLE, R.TOO_DAMAGED, R.TOO_OLD, R.LOCKED, R.DANGEROUS, R.PARTS_TAKEN),
    Exit.RETURN_TO_DONOR: (R.DONOR_ASKS, R.SENT_BY_MISTAKE, R.LOCKED, R.NOT_OUR_KIND),
    Exit.LOSE: (R.NOT_IN_PLACE, R.NOT_AT_COUNT, R.STOLEN, R.LOST_ON_THE_WAY, R.NOT_BROUGHT_BACK),
    Exit.FIND: (),
    Exit.RECHECK: (R.CHECK_FAILED, R.STORED_LONG, R.FAULT_SEEN, R.NOT_AS_SAID),
}
# Where a device that is looked at again starts, on whichever of these its route has.
RECHECKED_AT = (StepKind.FUNCTIONAL, StepKind.CONTROL)
# What can become of a drive without an erasure. That one is absent can be said only of what nobody has seen.
WITHOUT_ERASURE = (DriveFate.ABSENT, DriveFate.REMOVED, DriveFate.DESTROYED)


@dataclass(frozen=True, slots=True)
class Leaving:
    """One decision. `to_destruction`: whoever takes the device destroys its drives and will certify it."""

    exit: Exit
    reason: ExitReason | None = None
    to_destruction: bool = False


def offered(state: State | None) -> tuple[Exit, ...]:
    """What can be decided of a device in this state. Pure."""
    return tuple(each for each in Exit if (state, each.move) in TABLE)


def leave(session: Session, actor: Actor, code: str, leaving: Leaving) -> Standing:
    """Take a device off its route, or put it back on it; where it stands then.

    Raises Refusal(not-allowed, not-found, other-custodian, illegal-move, invalid, drives-open, no-donor, no-route)
    and, for the label, what `register.look` raises.
    """
    actor.must(Permission.WORKSHOP_RUN)
    reasons = REASONS[leaving.exit]
    if leaving.reason not in (reasons or (None,)):
        raise Refusal(Code.INVALID, errors={"reason": ["not-a-reason"]})
    return register.retried(lambda: _leave(session, actor, code, leaving))


def _leave(session: Session, actor: Actor, code: str, leaving: Leaving) -> Standing:
    standing = _in_charge(session, actor, code)
    move = leaving.exit.move
    lifecycle.after(standing.state, move, standing.open_drives)
    facts: dict[str, object] = {"reason": leaving.reason.value} if leaving.reason else {}
    if move is Move.RECYCLE and standing.open_drives:
        if not leaving.to_destruction:
            raise Refusal(Code.DRIVES_OPEN, open_drives=standing.open_drives)
        facts["to_destruction"] = True
    to = _columns(session, standing, move)
    after = register.move(session, actor, standing, move, to=to, facts=facts)
    if standing.blocker_id is not None and after.blocker_id is None:
        actions.close_blocker(session, actor, standing.blocker_id, BlockerOutcome.LEFT)
    if move is Move.LOSE and after.open_drives:
        incidents.open_for(session, actor, after)
    if move is Move.FIND:
        incidents.close_found(session, actor, after.device_id)
    return register.look_by_id(session, after.device_id)


def _in_charge(session: Session, actor: Actor, code: str) -> Standing:
    """The device, for who holds it; for its owner, once nobody of the bank does. Raises Refusal."""
    standing = register.look(session, codes.read(code))
    if actor.organisation_id not in {standing.custodian_id, standing.owner_id}:
        raise Refusal(Code.NOT_FOUND)
    if standing.custodian_id is not None:
        inventory_rules.must_hold(actor, standing.custodian_id)
    return standing


def _columns(session: Session, standing: Standing, move: Move) -> dict[str, int | None]:
    """What of the register changes besides the state. Raises Refusal(no-donor, no-route)."""
    if move is Move.RETURN_TO_DONOR:
        donor_id = session.scalar(select(Origin.donor_id).where(Origin.id == standing.origin_id))
        if donor_id is None:
            raise Refusal(Code.NO_DONOR)
        return {"custodian_id": donor_id}
    if move is not Move.RECHECK:
        return {}
    first = queries.first_step(session, standing.category, today_in_paris(utcnow()))
    if first is None:
        raise Refusal(Code.NO_ROUTE, category=standing.category.value)
    found = (queries.step_of_same_route(session, first.step_id, kind) for kind in RECHECKED_AT)
    return {"step_id": next((step_id for step_id in found if step_id is not None), first.step_id)}


def take_out(session: Session, actor: Actor, code: str, fate: DriveFate) -> Standing:
    """Say of every drive that still is to erase that it was absent, taken out or destroyed.

    Where no drive is to erase, nothing changes. Raises Refusal(not-allowed, not-found, other-custodian,
    illegal-move, invalid).
    """
    actor.must(Permission.WORKSHOP_RUN)
    if fate not in WITHOUT_ERASURE:
        raise Refusal(Code.INVALID, errors={"fate": ["not-a-fate"]})
    return register.retried(lambda: _take_out(session, actor, code, fate))


def _take_out(session: Session, actor: Actor, code: str, fate: DriveFate) -> Standing:
    standing = _in_charge(session, actor, code)
    if not standing.open_drives:
        return standing
    lifecycle.after(standing.state, Move.DRIVES, standing.open_drives)
    still_open = _open_drives(session, standing)
    meant = [drive for drive in still_open if fate is not DriveFate.ABSENT or drive.kind is DriveKind.UNSEEN]
    if not meant:
        raise Refusal(Code.INVALID, errors={"fate": ["drive-was-seen"]})
    changes = tuple(Change(_ended(drive, fate), None) for drive in meant)
    left = len(still_open) - len(meant)
    after = register.move(
        session,
        actor,
        standing,
        Move.DRIVES,
        to={"open_drives": left},
        facts={"drives": [drive.drive_id for drive in meant], "reason": fate.value},
    )
    finding = Finding(changes, left, utcnow())
    drives.record(session, actor, standing.device_id, finding, register.last_entry(session, after))
    return after


def _open_drives(session: Session, standing: Standing) -> list[KnownDrive]:
    asked = session.scalar(select(Origin.purge_asked).where(Origin.id == standing.origin_id))
    known = drives.known_drives(session, standing.device_id)
    return [drive for drive in known if inventory_rules.is_open(drive.facts, purge_asked=bool(asked))]


def _ended(drive: KnownDrive, fate: DriveFate) -> KnownDrive:
    return replace(drive, facts=replace(drive.facts, fate=fate))
