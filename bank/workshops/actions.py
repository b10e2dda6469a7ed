"""A device at work: it enters its route, passes its steps, and is ready after the last.

Each action takes what the scan desk gives (`scanning/actions.py`) and decides before it writes: the
register's move is the first write.
"""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.inventory import actions as drives
from bank.inventory import lifecycle, register
from bank.inventory import rules as inventory_rules
from bank.inventory.actions import Evidence, Finding
from bank.inventory.lifecycle import Move
from bank.inventory.models import StepKind
from bank.inventory.register import ScanMark, Standing
from bank.web.pages import today_in_paris
from bank.workshops import queries, rules
from bank.workshops.models import Blocker, BlockerOutcome, HelpCall
from bank.workshops.rules import Outcome


@dataclass(frozen=True, slots=True)
class Work:
    """What a person says of a device: at which station, with what evidence, by which scan."""

    station: StepKind | None = None
    evidence: Evidence | None = None
    scan: ScanMark | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What it came to, and where the device stands now."""

    outcome: Outcome
    standing: Standing


def enter(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Start the route in force today.

    Raises Refusal(other-custodian, no-route, out-of-step, illegal-move).
    """
    inventory_rules.must_hold(actor, standing.custodian_id)
    first = queries.first_step(session, standing.category, today_in_paris(utcnow()))
    if first is None:
        raise Refusal(Code.NO_ROUTE, category=standing.category.value)
    rules.must_stand_at(first.kind, work.station)
    after = register.move(
        session,
        actor,
        standing,
        Move.ENTER,
        to={"step_id": first.step_id},
        facts={"route": first.route_id},
        scan=work.scan,
    )
    return Done(Outcome.ENTERED, register.look_by_id(session, after.device_id))


def enter_and_pass(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Start the route and pass its first step by the same scan, which names the second of the two entries."""
    entered = enter(session, actor, standing, replace(work, scan=None))
    return pass_step(session, actor, entered.standing, work)


def show(_session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Say which step the device waits for. Raises Refusal(other-custodian, out-of-step)."""
    inventory_rules.must_hold(actor, standing.custodian_id)
    rules.must_stand_at(standing.step_kind, work.station)
    return Done(Outcome.NOTHING, standing)


def tell(_session: Session, actor: Actor, standing: Standing, _work: Work) -> Done:
    """Say what a device is that no step awaits. Raises Refusal(other-custodian)."""
    if standing.custodian_id is not None:
        inventory_rules.must_hold(actor, standing.custodian_id)
    return Done(Outcome.NOTHING, standing)


def pass_step(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Pass the current step: to the next, or, after the last, ready.

    Evidence that leaves a drive open is recorded all the same, and the device stays at its step.
    Raises Refusal(other-custodian, out-of-step, evidence-missing, illegal-move, drives-open).
    """
    inventory_rules.must_hold(actor, standing.custodian_id)
    lifecycle.after(standing.state, Move.PASS)
    step = rules.must_stand_at(standing.step_kind, work.station)
    rules.must_be_proven(step, work.evidence)
    if work.evidence is None:
        return _advance(session, actor, standing, work, None)
    finding = drives.examine(session, standing.device_id, work.evidence, utcnow())
    if finding.open_drives:
        return _keep(session, actor, standing, work, finding)
    return _advance(session, actor, standing, work, finding)


def _keep(session: Session, actor: Actor, standing: Standing, work: Work, finding: Finding) -> Done:
    after = register.move(
        session,
        actor,
        standing,
        Move.DRIVES,
        to={"open_drives": finding.open_drives},
        facts={"reason": Code.DRIVES_OPEN.value},
        scan=work.scan,
    )
    drives.record(session, actor, standing.device_id, finding, register.last_entry(session, after))
    return Done(Outcome.KEPT, after)


def _advance(session: Session, actor: Actor, standing: Standing, work: Work, finding: Finding | None) -> Done:
    last = standing.next_step_id is None
    to: dict[str, int | None] = {"open_drives": finding.open_drives} if finding else {}
    if not last:
        to["step_id"] = standing.next_step_id
    after = register.move(
        session,
        actor,
        standing,
        Move.FINISH if last else Move.PASS,
        to=to,
        facts={"step": standing.step_kind},
        scan=work.scan,
    )
    if finding:
        drives.record(session, actor, standing.device_id, finding, register.last_entry(session, after))
    outcome = Outcome.FINISHED if last else Outcome.PASSED
    return Done(outcome, replace(after, step_kind=standing.next_step_kind))


# --- the supervisor's answers ---


def resolve(session: Session, actor: Actor, standing: Standing, to_step: StepKind | None = None) -> Standing:
    """What stopped the device is settled: it goes on at its step, or at another step of its route.

    Raises Refusal(not-allowed, other-custodian, not-blocked, illegal-move, out-of-step).
    """
    blocker_id = _must_be_blocked(actor, standing)
    if to_step is None or to_step is standing.step_kind:
        after = register.move(
            session,
            actor,
            standing,
            Move.UNBLOCK,
            to={"blocker_id": None},
            facts={"blocker": blocker_id, "outcome": BlockerOutcome.RESOLVED.value},
        )
        close_blocker(session, actor, blocker_id, BlockerOutcome.RESOLVED)
        return after
    lifecycle.after(standing.state, Move.SEND_BACK)
    step_id = queries.step_of_same_route(session, standing.step_id, to_step)
    if step_id is None:
        raise Refusal(Code.OUT_OF_STEP, step=standing.step_kind)
    blocker = session.get_one(Blocker, blocker_id)
    after = register.move(
        session,
        actor,
        standing,
        Move.SEND_BACK,
        to={"step_id": step_id, "blocker_id": None},
        facts={"step": standing.step_kind, "reason": blocker.problem.value, "to": to_step.value},
    )
    close_blocker(session, actor, blocker_id, BlockerOutcome.SENT_TO_STEP)
    return register.look_by_id(session, after.device_id)


def _must_be_blocked(actor: Actor, standing: Standing) -> int:
    actor.must(Permission.WORKSHOP_RUN)
    inventory_rules.must_hold(actor, standing.custodian_id)
    if standing.blocker_id is None:
        raise Refusal(Code.NOT_BLOCKED)
    return standing.blocker_id


def close_blocker(session: Session, actor: Actor, blocker_id: int, outcome: BlockerOutcome) -> None:
    """Write how a blocker ended, after the move that took it from its device.

    A move that takes the device out of the workshop's hands (harvest, recycle, back to the donor) leaves its
    blocker behind: give LEFT here, with the blocker that the device had before.
    """
    blocker = session.get_one(Blocker, blocker_id)
    blocker.closed_by, blocker.closed_at, blocker.outcome = actor.person_id, utcnow(), outcome
    session.flush()


def answer_help(session: Session, actor: Actor, call_id: int) -> None:
    """Somebody went. A call that was answered already stays as it is. Raises Refusal(not-allowed, not-found)."""
    actor.must(Permission.WORKSHOP_RUN)
    call = session.get(HelpCall, call_id, with_for_update=True)
    if call is None or call.organisation_id != actor.organisation_id:
        raise Refusal(Code.NOT_FOUND)
    if call.answered_at is None:
        call.answered_by, call.answered_at = actor.person_id, utcnow()
        session.flush()
        journal.append(session, actor, journal.Kind.HELP_ANSWERED, call.id, {})
