"""kill -9 of a real worker in the middle of a long print: restarted, no code was burnt and there is one file."""

import os
import signal

import pytest
import sqlalchemy as sa

from bank import db, work
from bank.office import rules
from bank.office.models import PrintedLabel
from bank.office.queries import Drawn, Selection
from bank.work import Job, JobState
from tests.donations.test_imports_killed import Workers, until, worker
from tests.factories import World
from tests.office.test_runs import Label, count, ordered, printed, seen, stored

__all__ = ["worker"]
pytestmark = pytest.mark.timeout(120)


def test_a_killed_print_ends_as_an_undisturbed_one(world: World, worker: Workers) -> None:
    actor = world.operator
    first = worker()
    run_id = ordered(actor, Selection(blanks=rules.RUN_MAX))
    until(lambda: seen(actor, run_id).made > 0)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()

    halfway = seen(actor, run_id)
    assert halfway.state is not Drawn.DONE, "it was killed too late: nothing was proven"
    assert halfway.made == count(Label) == count(PrintedLabel)
    with db.transaction() as session:
        # What a minute of silence does.
        session.execute(sa.update(Job).where(Job.state == JobState.RUNNING).values(due_at=db.utcnow()))
    worker()
    assert work.sweep() == 1
    until(lambda: seen(actor, run_id).state is Drawn.DONE)

    assert count(Label) == count(PrintedLabel) == rules.RUN_MAX
    assert len({code for code, _lines in printed(actor, run_id)}) == rules.RUN_MAX
    assert stored(world) == [seen(actor, run_id).file]
