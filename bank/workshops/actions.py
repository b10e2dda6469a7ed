"""A device at work: it enters its route, passes its steps, and is ready after the last; or something stops it.

Each action takes what the scan desk gives (`scanning/actions.py`) and decides before it writes: the
register's move is the first write, or `register.hold` comes before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity.models import Person
from bank.inventory import actions as drives
from bank.inventory import conditions, finding, identify, lifecycle, register
from bank.inventory import rules as inventory_rules
from bank.inventory.actions import Finding
from bank.inventory.finding import PlaceFound
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import StepKind
from bank.inventory.register import ScanMark, Standing
from bank.web.pages import today_in_paris
from bank.workshops import queries, rules
from bank.workshops.models import DANGERS, Blocker, BlockerOutcome, HelpCall, Problem
from bank.workshops.queries import StepOfRoute
from bank.workshops.rules import NOTHING_SEEN, Outcome, Repair, Seen


@dataclass(frozen=True, slots=True)
class Work:
    """What a person says of a device: at which station, what they saw and did, by which scan.

    `began` is where in the device's chain the scan began that comes to several entries; `undoes` names the scan
    that it takes back; `place` is the label of the place where the device is put.
    """

    station: StepKind | None = None
    seen: Seen = NOTHING_SEEN
    scan: ScanMark | None = None
    began: int | None = None
    undoes: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What it came to, where the device stands now, and what stops it or sent it back."""

    outcome: Outcome
    standing: Standing
    problem: Problem | None = None


# --- into the route ---


def enter(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Start the route in force today.

    Raises Refusal(other-custodian, blocked, no-route, out-of-step, illegal-move).
    """
    inventory_rules.must_hold(actor, standing.custodian_id)
    _must_be_free(session, standing)
    first = _first_step(session, standing)
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
    entered = enter(session, actor, standing, replace(work, scan=None)).standing
    return pass_step(session, actor, entered, replace(work, began=entered.seq))


def enter_and_block(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Start the route and say at once what is wrong at its first step."""
    entered = enter(session, actor, standing, replace(work, scan=None)).standing
    return block(session, actor, entered, replace(work, began=entered.seq))


def _first_step(session: Session, standing: Standing) -> StepOfRoute:
    first = queries.first_step(session, standing.category, today_in_paris(utcnow()))
    if first is None:
        raise Refusal(Code.NO_ROUTE, category=standing.category.value)
    return first


# --- looking ---


def show(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Say which step the device waits for, or what stops it. Raises Refusal(other-custodian, out-of-step)."""
    inventory_rules.must_hold(actor, standing.custodian_id)
    problem = queries.what_stops(session, standing.blocker_id)
    if problem is None:
        rules.must_stand_at(standing.step_kind, work.station)
    return Done(Outcome.NOTHING, standing, problem)


def look_at_received(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Start the route, unless something stops the device: then that is shown."""
    if standing.blocker_id is not None:
        return show(session, actor, standing, work)
    return enter(session, actor, standing, work)


def tell(_session: Session, actor: Actor, standing: Standing, _work: Work) -> Done:
    """Say what a device is that no step awaits. Raises Refusal(other-custodian)."""
    if standing.custodian_id is not None:
        inventory_rules.must_hold(actor, standing.custodian_id)
    return Done(Outcome.NOTHING, standing)


# --- a step is done ---


def pass_step(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Pass the current step: to the next, or, after the last, ready.

    What the record itself says is wrong (a drive left open, a function that does not work, a weak battery) is
    written all the same, and the device does not go on.
    Raises Refusal(other-custodian, blocked, out-of-step, same-person, evidence-missing, illegal-move, invalid,
    row-taken).
    """
    step = may_pass(session, actor, standing, work)
    seen = work.seen
    if not rules.RECORDS[step]:
        return _advance(session, actor, standing, work)
    problem = rules.found_wrong(seen, today_in_paris(utcnow()))
    if problem is not None:
        return _stop(session, actor, standing, work, problem)
    if Repair.STORAGE in seen.repairs:
        return _erase_again(session, actor, standing, work)
    return _advance(session, actor, _described(session, actor, standing, seen), work)


def may_pass(session: Session, actor: Actor, standing: Standing, work: Work) -> StepKind:
    """The step that this person may say is done, with what they bring. Writes nothing.

    Raises Refusal(other-custodian, illegal-move, blocked, out-of-step, evidence-missing, same-person).
    """
    inventory_rules.must_hold(actor, standing.custodian_id)
    lifecycle.after(standing.state, Move.PASS)
    _must_be_free(session, standing)
    step = rules.must_stand_at(standing.step_kind, work.station)
    today = today_in_paris(utcnow()) if rules.RECORDS[step] else date.min
    rules.must_be_recorded(step, standing.category, work.seen, today)
    _must_be_another_person(session, actor, standing)
    return step


def once_entered(session: Session, actor: Actor, standing: Standing) -> Standing:
    """Where a device that was received will stand when it enters its route; any other as it stands. Writes nothing.

    Raises Refusal(other-custodian, blocked, no-route).
    """
    if standing.state is not State.RECEIVED:
        return standing
    inventory_rules.must_hold(actor, standing.custodian_id)
    _must_be_free(session, standing)
    first = _first_step(session, standing)
    return replace(standing, state=State.IN_WORK, step_id=first.step_id, step_kind=first.kind)


def _must_be_free(session: Session, standing: Standing) -> None:
    problem = queries.what_stops(session, standing.blocker_id)
    if problem is not None:
        raise Refusal(Code.BLOCKED, problem=problem.value, danger=problem in DANGERS)


def _must_be_another_person(session: Session, actor: Actor, standing: Standing) -> None:
    """A control is a second pair of eyes; the supervisor counts as one, whatever they did before."""
    if standing.step_kind is not StepKind.CONTROL or actor.can(Permission.WORKSHOP_RUN):
        return
    if queries.has_worked_on(session, actor, standing.device_id):
        raise Refusal(Code.SAME_PERSON)


def _described(session: Session, actor: Actor, standing: Standing, seen: Seen) -> Standing:
    read = rules.identity(seen)
    return identify.tell(session, actor, standing, read).standing if read else standing


def _advance(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    evidence = work.seen.drives
    finding = drives.examine(session, standing.device_id, evidence, utcnow()) if evidence else None
    if finding and finding.open_drives:
        return _keep(session, actor, standing, work, finding)
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
        facts=_entry_facts(standing, work),
        scan=work.scan,
    )
    if finding:
        drives.record(session, actor, standing.device_id, finding, register.last_entry(session, after))
    _note(session, standing, work)
    outcome = Outcome.FINISHED if last else Outcome.PASSED
    return Done(outcome, replace(after, step_kind=standing.next_step_kind))


def _entry_facts(standing: Standing, work: Work) -> dict[str, Any]:
    began = {"began": work.began} if work.began else {}
    if standing.step_kind is None or work.seen is NOTHING_SEEN:
        return {"step": standing.step_kind, **began}
    return rules.entry_facts(standing.step_kind, work.seen) | began


def _note(session: Session, standing: Standing, work: Work) -> None:
    values = rules.condition(work.seen) if work.seen is not NOTHING_SEEN else {}
    if values:
        conditions.note(session, standing.device_id, values)


def _keep(session: Session, actor: Actor, standing: Standing, work: Work, finding: Finding) -> Done:
    after = register.move(
        session,
        actor,
        standing,
        Move.DRIVES,
        to={"open_drives": finding.open_drives},
        facts={"reason": Code.DRIVES_OPEN.value, "began": work.began},
        scan=work.scan,
    )
    drives.record(session, actor, standing.device_id, finding, register.last_entry(session, after))
    return Done(Outcome.KEPT, after)


def _erase_again(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """A drive was put in: nobody has proven it empty, so the device goes back to the erasure."""
    to = {"open_drives": standing.open_drives + 1}
    done = _send_back(session, actor, standing, work, (StepKind.ERASURE,), to=to)
    if done is None:
        raise Refusal(Code.OUT_OF_STEP, step=standing.step_kind)
    drives.add_unseen(session, standing.device_id, register.last_entry(session, done.standing))
    return done


def _send_back(
    session: Session,
    actor: Actor,
    standing: Standing,
    work: Work,
    steps: tuple[StepKind, ...],
    *,
    to: Mapping[str, int | None] | None = None,
) -> Done | None:
    """Back to the first of the steps that the route has; None where it has none of them."""
    for kind in steps:
        step_id = queries.step_of_same_route(session, standing.step_id, kind)
        if step_id is None:
            continue
        facts = _entry_facts(standing, work) | {"to": kind.value}
        if work.seen.reason:
            facts["reason"] = work.seen.reason.value
        after = register.move(
            session,
            actor,
            standing,
            Move.SEND_BACK,
            to={**(to or {}), "step_id": step_id},
            facts=facts,
            scan=work.scan,
        )
        return Done(Outcome.SENT_BACK, replace(after, step_kind=kind), work.seen.reason)
    return None


# --- something is wrong ---


def block(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Stop the device at its step, with the reason.

    Raises Refusal(other-custodian, blocked, out-of-step, invalid, illegal-move).
    """
    problem = may_block(session, actor, standing, work)
    return _stop(session, actor, standing, work, problem)


def may_block(session: Session, actor: Actor, standing: Standing, work: Work) -> Problem:
    """The problem that this person may say of the device at its step. Writes nothing.

    Raises Refusal(other-custodian, blocked, out-of-step, invalid).
    """
    inventory_rules.must_hold(actor, standing.custodian_id)
    _must_be_free(session, standing)
    step = rules.must_stand_at(standing.step_kind, work.station)
    return rules.must_be_a_problem(step, work.seen.reason)


def fail_control(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """What the control found goes back to the step that mends it; what no step of the route mends is blocked."""
    problem = may_block(session, actor, standing, work)
    back = _send_back(session, actor, standing, work, rules.BACK_TO.get(problem, ()))
    return back or _stop(session, actor, standing, work, problem)


def _stop(session: Session, actor: Actor, standing: Standing, work: Work, problem: Problem) -> Done:
    danger = problem in DANGERS
    register.hold(session, standing)
    blocker_id = _open_blocker(session, actor, standing, problem)
    after = register.move(
        session,
        actor,
        standing,
        Move.BLOCK,
        to={"blocker_id": blocker_id},
        facts=_entry_facts(standing, work) | {"reason": problem.value, "danger": danger},
        scan=work.scan,
    )
    _note(session, standing, work)
    return Done(Outcome.BLOCKED, after, problem)


def _open_blocker(session: Session, actor: Actor, standing: Standing, problem: Problem) -> int:
    """The device's blocker: a new one, or the one it has, which turns into a danger."""
    if standing.blocker_id is not None:
        known = session.get_one(Blocker, standing.blocker_id)
        known.problem, known.danger = problem, problem in DANGERS
        session.flush()
        return known.id
    blocker = Blocker(
        device_id=standing.device_id,
        organisation_id=actor.organisation_id,
        step=standing.step_kind,
        problem=problem,
        danger=problem in DANGERS,
        opened_by=actor.person_id,
        opened_at=utcnow(),
    )
    session.add(blocker)
    session.flush()
    return blocker.id


def stop_danger(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """A danger stops the device, at work or on its shelf. Raises Refusal(other-custodian, invalid)."""
    inventory_rules.must_hold(actor, standing.custodian_id)
    problem = rules.must_be_a_danger(work.seen.reason)
    if standing.state is State.READY:
        standing = _recheck(session, actor, standing, problem)
    return _stop(session, actor, standing, replace(work, seen=NOTHING_SEEN), problem)


def _recheck(session: Session, actor: Actor, standing: Standing, problem: Problem) -> Standing:
    first = _first_step(session, standing)
    after = register.move(
        session,
        actor,
        standing,
        Move.RECHECK,
        to={"step_id": first.step_id},
        facts={"reason": problem.value},
    )
    return register.look_by_id(session, after.device_id)


def tell_danger(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """A danger in a device that is promised to somebody, or gone: only a person can take it back, so one is called.

    Raises Refusal(other-custodian, invalid).
    """
    problem = rules.must_be_a_danger(work.seen.reason)
    done = call_help(session, actor, standing, replace(work, seen=Seen(reason=problem)))
    return replace(done, problem=problem)


# --- where it stands ---


def put(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Put the device in the place whose label `work.place` is; where it stands there already nothing is written.

    Raises Refusal(other-custodian, invalid, not-found, illegal-move).
    """
    place = may_put(session, actor, standing, work)
    if standing.place_id == place.id:
        return Done(Outcome.PUT, standing)
    after = register.move(session, actor, standing, Move.PUT, to={"place_id": place.id}, scan=work.scan)
    return Done(Outcome.PUT, after)


def may_put(session: Session, actor: Actor, standing: Standing, work: Work) -> PlaceFound:
    """The place where this person may put the device. Writes nothing.

    Raises Refusal(other-custodian, invalid, illegal-move, not-found).
    """
    inventory_rules.must_hold(actor, standing.custodian_id)
    if not work.place:
        raise Refusal(Code.INVALID, errors={"facts": {"place": ["the label of a place"]}})
    lifecycle.after(standing.state, Move.PUT, standing.open_drives)
    return finding.place(session, actor, work.place)


# --- help ---


def call_help(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Somebody is asked to come; the work goes on. Raises Refusal(other-custodian)."""
    if standing.custodian_id is not None:
        inventory_rules.must_hold(actor, standing.custodian_id)
    danger = work.seen.reason if work.seen.reason in DANGERS else None
    ask_for_help(session, actor, standing, work.scan, danger)
    return Done(Outcome.HELP_CALLED, standing)


def ask_for_help(
    session: Session,
    actor: Actor,
    standing: Standing | None = None,
    scan: ScanMark | None = None,
    danger: Problem | None = None,
) -> int:
    """A person's one open call for help, with the device that they last held; its id."""
    # Two presses at once are one call: the person's own row decides which is the first.
    session.execute(sa.select(Person.id).where(Person.id == actor.person_id).with_for_update())
    call = session.scalars(
        sa.select(HelpCall).where(HelpCall.person_id == actor.person_id, HelpCall.answered_at.is_(None))
    ).one_or_none()
    if call is None:
        call = HelpCall(organisation_id=actor.organisation_id, person_id=actor.person_id, called_at=utcnow())
        session.add(call)
    if standing is not None:
        call.device_id, call.step = standing.device_id, standing.step_kind
    session.flush()
    entry = journal.compose(
        actor,
        journal.Kind.HELP_CALLED,
        call.id,
        {"device": standing.device_id if standing else None, "step": call.step, "reason": danger},
        scan_id=scan.scan_id if scan else None,
        client_at_us=scan.client_at_us if scan else None,
    )
    journal.write(session, entry)
    return call.id


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
