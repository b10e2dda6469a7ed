"""kill -9 of a real worker in the middle of an import: restarted, it ends as an undisturbed one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.engine import make_url

from bank import db, work
from bank.donations.models import ImportState
from bank.inventory import replay
from bank.inventory.models import Category
from bank.work import Job, JobState
from tests.donations.test_imports import announced, confirm, draft, items, laptops, seen, send
from tests.factories import World

pytestmark = pytest.mark.timeout(120)
ROWS = 12_000
SECRETS = {
    "SECRET_KEY": "a test's own secret, long enough to pass",
    "DATA_KEY": "a test's own data key, long enough to pass",
}
Workers = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def worker(app: Flask, valkey_url: str) -> Iterator[Workers]:
    """Starts `banque worker` on the database and the queue of the test, in a group of its own."""
    started: list[subprocess.Popen[bytes]] = []
    address = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).render_as_string(hide_password=False)
    settings = {
        "BANK_ENV": "test",
        "DATABASE_URL": address,
        "REDIS_URL": valkey_url,
        "VAR_DIR": str(app.config["BANK"].var_dir),
        **SECRETS,
    }
    work.init(app, app.extensions["bank.reactions"], valkey_url)

    def start() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "bank", "worker"]
        started.append(subprocess.Popen(command, env=os.environ | settings, start_new_session=True))
        return started[-1]

    yield start
    for each in started:
        with suppress(ProcessLookupError):
            os.killpg(each.pid, signal.SIGKILL)
        each.wait()


def until(holds: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_killed_import_ends_as_an_undisturbed_one(world: World, worker: Workers) -> None:
    donor = world.donor_user
    ref = draft(donor)
    found = send(donor, ref, laptops(ROWS))
    first = worker()
    confirm(donor, found.id)
    until(lambda: seen(donor, found.id).cursor > 0)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()

    halfway = seen(donor, found.id)
    assert halfway.state is ImportState.RUNNING, "it was killed too late: nothing was proven"
    assert 0 < halfway.cursor < ROWS
    assert halfway.cursor == halfway.new == len(items(ref)) == announced(ref)[Category.LAPTOP]
    with db.transaction() as session:
        # What a minute of silence does.
        session.execute(sa.update(Job).where(Job.state == JobState.RUNNING).values(due_at=db.utcnow()))
    worker()
    assert work.sweep() == 1
    until(lambda: seen(donor, found.id).state is ImportState.DONE)

    done = seen(donor, found.id)
    assert (done.cursor, done.new, done.same, done.changed) == (ROWS, ROWS, 0, 0)
    assert announced(ref) == {Category.LAPTOP: ROWS}
    assert len({item.key for item in items(ref)}) == ROWS
    assert replay.verify().faults == []
