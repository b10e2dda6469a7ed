"""One scan, one action, by one table."""

from uuid import uuid4

import pytest
import sqlalchemy as sa

from bank import db
from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.inventory import register
from bank.inventory.lifecycle import State
from bank.inventory.models import Step, StepKind
from bank.inventory.register import Standing
from bank.scanning import actions
from bank.scanning.actions import DESK, Scan
from bank.scanning.queries import Asked
from bank.workshops.rules import Outcome
from tests.factories import World


def test_the_desk_knows_every_step_and_every_answer() -> None:
    assert {key for key in DESK if isinstance(key[0], StepKind)} == {
        (step, asked) for step in StepKind for asked in Asked
    }


def _scan(standing: Standing) -> Scan:
    return Scan(str(uuid4()), standing.code, Asked.DONE)


def test_a_step_that_somebody_else_has_just_passed_is_not_the_next_one(world: World) -> None:
    """Two people at the same step at once: the slower one's word must not pass the step that follows."""
    device, fast_one, slow_one = world.device(State.IN_WORK, step=2), world.operator, world.supervisor
    with db.transaction() as session:
        # A second control after the first one.
        last = session.get_one(Step, device.step_id)
        session.add(following := Step(route_id=last.route_id, position=3, kind=StepKind.CONTROL))
        session.flush()
        last.next_id = following.id
        stale = register.look(session, device.code)
    with db.transaction() as session:
        fast = actions.scan(session, _scan(device), lambda: (fast_one, register.look(session, device.code)))
    assert (fast.outcome, fast.step) == (Outcome.PASSED, StepKind.CONTROL)

    seen: list[int | None] = []

    def look() -> tuple[Actor, Standing]:
        standing = stale if not seen else register.look(session, device.code)
        seen.append(standing.step_id)
        return slow_one, standing

    with pytest.raises(Refusal) as caught, db.transaction() as session:
        actions.scan(session, _scan(device), look)
    assert caught.value.code is Code.MOVED_MEANWHILE
    assert len(set(seen)) == 2
    with db.read() as session:
        assert register.look(session, device.code).step_id == following.id


def test_a_scan_goes_on_when_the_device_moved_but_its_step_did_not(world: World) -> None:
    device, operator, supervisor = world.device(State.IN_WORK, step=2), world.operator, world.supervisor
    with db.transaction() as session:
        stale = register.look(session, device.code)
    with db.transaction() as session:
        register.move(session, supervisor, stale, register.Move.DRIVES, to={"open_drives": 0})
    looks = iter([stale])
    with db.transaction() as session:
        result = actions.scan(
            session,
            _scan(device),
            lambda: (operator, next(looks, None) or register.look(session, device.code)),
        )
    assert result.outcome is Outcome.FINISHED


def test_every_scan_leaves_its_name_on_one_entry(world: World) -> None:
    device, operator = world.device(State.IN_WORK, step=2), world.operator
    scan = _scan(device)
    with db.transaction() as session:
        actions.scan(session, scan, lambda: (operator, register.look(session, device.code)))
    entry = sa.table("journal_entry", sa.column("scan_id"), sa.column("kind"))
    with db.read() as session:
        found = (
            session.execute(sa.select(entry.c.kind).where(entry.c.scan_id == scan.scan_id)).scalars().all()
        )
    assert found == ["device.finish"]
