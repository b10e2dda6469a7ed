"""What stops a device, and how the supervisor answers."""

import pytest
import sqlalchemy as sa

from bank import db
from bank.errors import Code, Refusal
from bank.inventory import register, replay
from bank.inventory.lifecycle import State
from bank.inventory.models import StepKind
from bank.inventory.register import Standing
from bank.workshops import actions
from bank.workshops.models import Blocker, BlockerOutcome, HelpCall, Problem
from tests.factories import World


def now(standing: Standing) -> Standing:
    with db.read() as session:
        return register.look(session, standing.code)


@pytest.fixture
def blocked(world: World) -> Standing:
    """A device that a problem stops at its second step."""
    device, supervisor = world.device(State.IN_WORK, step=2), world.supervisor
    with db.transaction() as session:
        register.hold(session, device)
        row = Blocker(
            device_id=device.device_id,
            organisation_id=supervisor.organisation_id,
            step=device.step_kind,
            problem=Problem.NO_POWER,
            danger=False,
            opened_by=supervisor.person_id,
        )
        session.add(row)
        session.flush()
        return register.move(session, supervisor, device, register.Move.BLOCK, to={"blocker_id": row.id})


def blocker(standing: Standing) -> Blocker:
    with db.read() as session:
        return session.scalars(sa.select(Blocker).where(Blocker.device_id == standing.device_id)).one()


def test_what_is_settled_goes_on_at_its_step(world: World, blocked: Standing) -> None:
    supervisor = world.supervisor
    with db.transaction() as session:
        actions.resolve(session, supervisor, blocked)
    after = now(blocked)
    assert (after.blocker_id, after.step_kind) == (None, StepKind.CONTROL)
    row = blocker(blocked)
    assert (row.outcome, row.closed_by) == (BlockerOutcome.RESOLVED, supervisor.person_id)
    assert replay.verify().faults == []


def test_what_is_settled_may_go_to_another_step_of_its_route(world: World, blocked: Standing) -> None:
    supervisor = world.supervisor
    with db.transaction() as session:
        after = actions.resolve(session, supervisor, blocked, StepKind.ERASURE)
    assert after == now(blocked)
    assert (after.blocker_id, after.step_kind) == (None, StepKind.ERASURE)
    assert blocker(blocked).outcome is BlockerOutcome.SENT_TO_STEP


@pytest.mark.parametrize(
    ("who", "to_step", "code"),
    [
        ("operator", None, Code.NOT_ALLOWED),
        ("other_operator", None, Code.NOT_ALLOWED),
        ("supervisor", StepKind.GRADING, Code.OUT_OF_STEP),
    ],
)
def test_what_cannot_be_settled_so_is_refused(
    world: World, blocked: Standing, who: str, to_step: StepKind | None, code: Code
) -> None:
    actor = getattr(world, who)
    with pytest.raises(Refusal) as caught, db.transaction() as session:
        actions.resolve(session, actor, blocked, to_step)
    assert caught.value.code is code
    assert now(blocked) == blocked


def test_what_is_not_blocked_cannot_be_settled(world: World) -> None:
    device, supervisor = world.device(State.IN_WORK), world.supervisor
    with pytest.raises(Refusal) as caught, db.transaction() as session:
        actions.resolve(session, supervisor, device)
    assert caught.value.code is Code.NOT_BLOCKED


def test_a_call_is_answered_once(world: World) -> None:
    operator, supervisor, elsewhere = world.operator, world.supervisor, world.other_operator
    with db.transaction() as session:
        session.add(call := HelpCall(organisation_id=world.workshop, person_id=operator.person_id))
        session.flush()
        call_id = call.id
    for _ in range(2):
        with db.transaction() as session:
            actions.answer_help(session, supervisor, call_id)
    with db.read() as session:
        assert session.get_one(HelpCall, call_id).answered_by == supervisor.person_id
    with pytest.raises(Refusal), db.transaction() as session:
        actions.answer_help(session, elsewhere, call_id)
