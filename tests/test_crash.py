"""kill -9 in the middle of the work: what was acknowledged is there, what was not is whole or absent.

Real processes, real HTTP, several senders at once: each sends again what nobody answered, as a scanner does.
"""

import http.client
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from bank import db
from bank.donations.models import Batch, BatchState
from bank.inventory import replay
from bank.inventory.models import Category, Device
from bank.journal import Entry
from tests.factories import World
from tests.test_serve import Served

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
    pytest.mark.timeout(180),
]

SCANNERS, DEVICES = 3, 30
RECEIVERS, BATCHES, LORRY = 2, 6, 120
# What is killed, and when, in seconds from the first request on.
KILLS = ((0.7, ("gunicorn",), 1), (1.6, ("gunicorn", "bank worker"), None), (4.0, ("gunicorn",), None))
LASTS = 7.0
OPENS_AGAIN = 40.0
SECRETS = {
    "SECRET_KEY": "a test's own secret, long enough to pass",
    "DATA_KEY": "a test's own data key, long enough to pass",
}


@dataclass
class Senders:
    """Those who work through the API, and what the server has told them is done."""

    port: int
    secret: str
    stop: threading.Event = field(default_factory=threading.Event)
    scans: dict[str, str] = field(default_factory=dict)
    received: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    unanswered: int = 0

    def scan(self, codes: list[str]) -> None:
        """Carry each device through its route, scan by scan."""
        for code in codes:
            for body in (
                {"outcome": "look"},
                {"outcome": "done", "station": "erasure", "facts": {"no_drive": True}},
                {"outcome": "done", "station": "control"},
            ):
                scan_id = str(uuid4())
                answer = self.until_answered("/scans", {**body, "scan_id": scan_id, "code": code}, scan_id)
                if answer is None:
                    return
                self.scans[scan_id] = answer["outcome"]

    def receive(self, refs: list[str]) -> None:
        """Receive each batch."""
        body = {"lines": [{"category": "laptop", "received": LORRY}]}
        for ref in refs:
            answer = self.until_answered(f"/batches/{ref}/reception", body, f"reception of {ref}")
            if answer is None:
                return
            self.received[ref] = answer["codes"]

    def until_answered(self, path: str, body: dict[str, Any], key: str) -> Any:
        """Send until somebody answers; None when it is time to stop."""
        while not self.stop.is_set():
            try:
                status, answer = self.post(path, body, key)
            except (OSError, http.client.HTTPException, ValueError):
                self.unanswered += 1
                self.stop.wait(0.05)
                continue
            if status in (200, 201):
                return answer
            if status != 503:
                self.wrong.append(f"{path}: {status} {answer}")
                return None
        return None

    def post(self, path: str, body: dict[str, Any], key: str) -> tuple[int, Any]:
        """One request."""
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())


@pytest.fixture
def served(world: World, tmp_path: Path) -> Iterator[Served]:
    """`banque serve` on the database of the test."""
    address = make_url(world.app.config["SQLALCHEMY_DATABASE_URI"])
    one = Served(
        tmp_path / "var", DATABASE_URL=address.render_as_string(hide_password=False), **SECRETS
    ).opened()
    yield one
    for pid in one.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    one.launcher.wait()


def kill(one: Served, part: str, how_many: int | None) -> None:
    """kill -9 the youngest processes with this in their command line: workers before their parent."""
    found = sorted((pid for pid, command in one.processes().items() if part in command), reverse=True)
    for pid in found[:how_many]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    limit = time.monotonic() + OPENS_AGAIN
    while not holds():
        assert time.monotonic() < limit, "it did not open again"
        time.sleep(0.1)


def is_ready(one: Served) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return one.status_of("/readyz") == 200
    return False


def test_killed_in_the_middle_of_the_work_nothing_is_lost_and_nothing_is_half(
    world: World, served: Served
) -> None:
    queues = [[world.device().code for _ in range(DEVICES)] for _ in range(SCANNERS)]
    lorries = [[world.batch({Category.LAPTOP: LORRY}) for _ in range(BATCHES)] for _ in range(RECEIVERS)]
    senders = Senders(served.port, world.token(world.supervisor))
    threads = [threading.Thread(target=senders.scan, args=(codes,)) for codes in queues]
    threads += [threading.Thread(target=senders.receive, args=(refs,)) for refs in lorries]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for at, parts, how_many in KILLS:
        time.sleep(max(0.0, began + at - time.monotonic()))
        for part in parts:
            kill(served, part, how_many)
    time.sleep(max(0.0, began + LASTS - time.monotonic()))
    eventually(lambda: is_ready(served))
    senders.stop.set()
    for thread in threads:
        thread.join(30)

    assert senders.wrong == []
    assert senders.unanswered, "somebody was cut off, or nothing was proven"
    assert senders.scans, "somebody was answered"
    assert replay.verify().faults == []
    with db.read() as session:
        kept = session.execute(sa.select(Entry.scan_id, Entry.kind).where(Entry.scan_id.is_not(None))).all()
        counted = session.execute(
            sa.select(Batch.ref, Batch.state, sa.func.count(Device.id))
            .outerjoin(Device, Device.batch_ref == Batch.ref)
            .group_by(Batch.ref, Batch.state)
        ).all()
    outcomes = {"device.enter": "entered", "device.pass": "passed", "device.finish": "finished"}
    assert {scan_id: outcomes[kind] for scan_id, kind in kept}.items() >= senders.scans.items()
    whole = {(BatchState.ACCEPTED, 0), (BatchState.RECEIVED, LORRY)}
    assert {(state, made) for _ref, state, made in counted} <= whole
    received = {ref for ref, state, _made in counted if state is BatchState.RECEIVED}
    assert received >= senders.received.keys()
    assert all(len(codes) == LORRY for codes in senders.received.values())
