"""What leaves the route: for a reason, through the erasure gate, by who holds it; and what comes back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from bank import db, journal
from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.inventory import register, replay
from bank.inventory.lifecycle import TABLE, Move, State
from bank.inventory.models import Category, Drive, DriveFate, DriveKind, LegalBasis, Origin, StepKind
from bank.inventory.register import Standing
from bank.workshops import exits
from bank.workshops.exits import REASONS, Exit, ExitReason, Leaving
from bank.workshops.models import Blocker, BlockerOutcome, Incident, Problem
from bank.workshops.words import WORDS
from tests.factories import World

R = ExitReason


def now(standing: Standing) -> Standing:
    with db.read() as session:
        return register.look(session, standing.code)


def leave(
    actor: Actor, standing: Standing, which: Exit, reason: ExitReason | None = None, **more: Any
) -> Standing:
    with db.transaction() as session:
        return exits.leave(session, actor, standing.code, Leaving(which, reason, **more))


def take_out(actor: Actor, standing: Standing, fate: DriveFate) -> Standing:
    with db.transaction() as session:
        return exits.take_out(session, actor, standing.code, fate)


@contextmanager
def refused(code: Code) -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code is code
    assert replay.verify().faults == []


def entries(standing: Standing) -> list[tuple[str, dict[str, Any]]]:
    with db.read() as session:
        rows = session.execute(
            sa.select(journal.Entry.kind, journal.Entry.facts)
            .where(journal.Entry.subject == "device", journal.Entry.subject_id == standing.device_id)
            .order_by(journal.Entry.seq)
        )
        return [(kind, json.loads(facts)) for kind, facts in rows]


def block(actor: Actor, standing: Standing) -> Standing:
    with db.transaction() as session:
        row = Blocker(
            device_id=standing.device_id,
            organisation_id=actor.organisation_id,
            step=standing.step_kind,
            problem=Problem.NOT_REPAIRABLE,
            danger=False,
            opened_by=actor.person_id,
        )
        session.add(row)
        session.flush()
        return register.move(session, actor, standing, Move.BLOCK, to={"blocker_id": row.id})


def test_every_exit_is_a_move_and_has_its_words() -> None:
    assert all(any(move is each.move for _state, move in TABLE) for each in Exit)
    assert set(REASONS) == set(Exit)
    assert {reason for reasons in REASONS.values() for reason in reasons} == set(ExitReason)
    assert set(WORDS["exit"]) == set(WORDS["exit_said"]) == set(WORDS["exit_means"]) == set(Exit)
    assert set(WORDS["exit_reason"]) == set(ExitReason)


def test_what_is_offered_is_what_the_life_of_a_device_allows() -> None:
    assert exits.offered(State.MISSING) == (Exit.FIND,)
    assert exits.offered(State.HANDED_OVER) == ()
    assert Exit.HARVEST in exits.offered(State.IN_WORK)
    assert Exit.HARVEST not in exits.offered(State.READY)


@pytest.mark.parametrize(
    ("which", "reason", "state"),
    [
        (Exit.HARVEST, R.TOO_OLD, State.HARVESTED),
        (Exit.RECYCLE, R.TOO_DAMAGED, State.RECYCLED),
        (Exit.RETURN_TO_DONOR, R.DONOR_ASKS, State.RETURNED_TO_DONOR),
        (Exit.LOSE, R.NOT_IN_PLACE, State.MISSING),
    ],
)
def test_a_blocked_device_leaves_with_its_reason_and_leaves_its_blocker(
    world: World, which: Exit, reason: ExitReason, state: State
) -> None:
    supervisor = world.supervisor
    device = block(supervisor, world.device(State.IN_WORK, erased=True))
    after = leave(supervisor, device, which, reason)
    assert (after.state, after.blocker_id, after.step_id) == (state, None, None)
    assert after == now(device)
    kind, facts = entries(device)[-1]
    assert (kind, facts["reason"]) == (f"device.{which.value}", reason.value)
    with db.read() as session:
        row = session.scalars(sa.select(Blocker).where(Blocker.device_id == device.device_id)).one()
    assert (row.outcome, row.closed_by) == (BlockerOutcome.LEFT, supervisor.person_id)
    assert replay.verify().faults == []


def test_nothing_is_taken_apart_with_a_drive_that_is_open(world: World) -> None:
    device, supervisor = world.device(State.IN_WORK), world.supervisor
    with refused(Code.DRIVES_OPEN):
        leave(supervisor, device, Exit.HARVEST, R.TOO_OLD)
    taken = take_out(supervisor, device, DriveFate.REMOVED)
    assert taken.open_drives == 0
    assert leave(supervisor, device, Exit.HARVEST, R.TOO_OLD).state is State.HARVESTED


def test_an_open_drive_goes_to_recycling_only_to_be_destroyed_and_somebody_answers_for_it(
    world: World,
) -> None:
    device, supervisor = world.device(State.IN_WORK), world.supervisor
    with refused(Code.DRIVES_OPEN):
        leave(supervisor, device, Exit.RECYCLE, R.TOO_OLD)
    assert now(device) == device
    after = leave(supervisor, device, Exit.RECYCLE, R.TOO_OLD, to_destruction=True)
    assert (after.state, after.open_drives) == (State.RECYCLED, 1)
    assert entries(device)[-1][1]["to_destruction"] is True


def test_what_is_erased_needs_no_destruction(world: World) -> None:
    device = world.device(State.IN_WORK, erased=True)
    leave(world.supervisor, device, Exit.RECYCLE, R.TOO_OLD, to_destruction=True)
    assert "to_destruction" not in entries(device)[-1][1]


def test_a_device_goes_back_to_its_own_donor_even_with_its_data(world: World) -> None:
    device = world.device(State.RECEIVED, donor=world.bnp)
    after = leave(world.supervisor, device, Exit.RETURN_TO_DONOR, R.SENT_BY_MISTAKE)
    assert (after.state, after.open_drives, after.custodian_id) == (State.RETURNED_TO_DONOR, 1, world.bnp)


def test_a_device_of_nobody_goes_back_to_nobody(world: World) -> None:
    device = world.device(State.RECEIVED)
    with db.transaction() as session:
        session.execute(
            sa.update(Origin)
            .where(Origin.id == device.origin_id)
            .values(donor_id=None, legal_basis=LegalBasis.UNKNOWN)
        )
    with refused(Code.NO_DONOR):
        leave(world.supervisor, device, Exit.RETURN_TO_DONOR, R.DONOR_ASKS)


@pytest.mark.parametrize(
    ("which", "reason"),
    [(Exit.HARVEST, None), (Exit.HARVEST, R.DONOR_ASKS), (Exit.FIND, R.STOLEN), (Exit.LOSE, R.TOO_OLD)],
)
def test_each_exit_has_its_own_reasons(world: World, which: Exit, reason: ExitReason | None) -> None:
    device = world.device(State.MISSING if which is Exit.FIND else State.RECEIVED, erased=True)
    with refused(Code.INVALID):
        leave(world.supervisor, device, which, reason)


def test_only_the_supervisor_who_holds_a_device_decides(world: World) -> None:
    device = world.device(State.IN_WORK, erased=True)
    with refused(Code.NOT_ALLOWED):
        leave(world.operator, device, Exit.HARVEST, R.TOO_OLD)
    elsewhere = Actor(world.other_operator.person_id, world.other_workshop, world.supervisor.permissions)
    with refused(Code.NOT_FOUND):
        leave(elsewhere, device, Exit.HARVEST, R.TOO_OLD)
    with refused(Code.NOT_FOUND):
        take_out(elsewhere, device, DriveFate.REMOVED)


def test_what_left_for_good_does_not_leave_again(world: World) -> None:
    device = world.device(State.RECYCLED)
    with refused(Code.ILLEGAL_MOVE):
        leave(world.supervisor, device, Exit.LOSE, R.STOLEN)


def test_a_ready_device_that_failed_its_second_check_is_worked_on_again(world: World) -> None:
    world.whole_routes()
    device = world.device(State.READY)
    after = leave(world.supervisor, device, Exit.RECHECK, R.CHECK_FAILED)
    assert (after.state, after.step_kind) == (State.IN_WORK, StepKind.FUNCTIONAL)


def test_on_a_short_route_it_is_controlled_again(world: World) -> None:
    after = leave(world.supervisor, world.device(State.READY), Exit.RECHECK, R.FAULT_SEEN)
    assert after.step_kind is StepKind.CONTROL


def test_what_is_found_is_received_again(world: World) -> None:
    device = world.device(State.MISSING, category=Category.SCREEN)
    assert leave(world.supervisor, device, Exit.FIND).state is State.RECEIVED


# ---- drives ----


def drives_of(standing: Standing) -> list[tuple[DriveKind, DriveFate]]:
    with db.read() as session:
        rows = session.scalars(sa.select(Drive).where(Drive.device_id == standing.device_id))
        return [(row.kind, row.fate) for row in rows]


@pytest.mark.parametrize("fate", exits.WITHOUT_ERASURE)
def test_what_became_of_a_drive_nobody_could_erase_is_recorded(world: World, fate: DriveFate) -> None:
    device = world.device(State.IN_WORK)
    after = take_out(world.supervisor, device, fate)
    assert (after.open_drives, after.state, after.step_kind) == (0, State.IN_WORK, device.step_kind)
    assert drives_of(device) == [(DriveKind.UNSEEN, fate)]
    kind, facts = entries(device)[-1]
    assert (kind, facts["reason"], len(facts["drives"])) == ("device.drives", fate.value, 1)
    # Said again, it changes nothing.
    assert take_out(world.supervisor, device, fate) == now(device) == after
    assert replay.verify().faults == []


def test_a_drive_that_was_seen_is_not_absent(world: World) -> None:
    device = world.device(State.IN_WORK)
    with db.transaction() as session:
        session.execute(
            sa.update(Drive)
            .where(Drive.device_id == device.device_id)
            .values(kind=DriveKind.SSD, serial="S1")
        )
    with refused(Code.INVALID):
        take_out(world.supervisor, device, DriveFate.ABSENT)
    assert take_out(world.supervisor, device, DriveFate.DESTROYED).open_drives == 0


def test_a_drive_is_not_put_back_in_place_by_a_word(world: World) -> None:
    with refused(Code.INVALID):
        take_out(world.supervisor, world.device(State.IN_WORK), DriveFate.PRESENT)


def test_no_incident_without_open_drives(world: World) -> None:
    leave(world.supervisor, world.device(State.READY), Exit.LOSE, R.STOLEN)
    with db.read() as session:
        assert session.scalars(sa.select(Incident)).all() == []
