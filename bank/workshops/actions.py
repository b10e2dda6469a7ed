"""A device at work: it enters its route, passes its steps, and is ready after the last.

Each action takes what the scan desk gives (`scanning/actions.py`) and decides before it writes: the
register's move is the first write.
"""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from bank.actor import Actor
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
