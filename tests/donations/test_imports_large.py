"""The largest spreadsheet: in bounded memory, while scans go on. Run by `make soak`."""

import resource
import threading
import time

import pytest
from flask import Flask

from bank.donations import jobs
from bank.donations.models import ImportState
from bank.inventory import replay
from bank.inventory.models import Category
from tests.donations.test_imports import announced, confirm, draft, laptops, seen, send
from tests.factories import World

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]
ROWS = 100_000
GROWTH_MB = 150
SLOWEST_SCAN_S = 2.0


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def test_a_hundred_thousand_rows_go_in_while_scans_go_on(app: Flask, world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    codes = [world.device().code for _ in range(20)]
    scanner, before = world.api(world.supervisor), peak_mb()
    found = send(donor, ref, laptops(ROWS))
    confirm(donor, found.id)

    def write() -> None:
        with app.app_context():
            jobs.write_rows(found.id)

    writer = threading.Thread(target=write)
    writer.start()
    slowest, looked = 0.0, 0
    while writer.is_alive():
        began = time.monotonic()
        answer = scanner.get(f"/devices/{codes[looked % len(codes)]}")
        assert answer.status_code == 200
        slowest, looked = max(slowest, time.monotonic() - began), looked + 1
    writer.join()

    done = seen(donor, found.id)
    assert (done.state, done.new) == (ImportState.DONE, ROWS)
    assert announced(ref) == {Category.LAPTOP: ROWS}
    assert peak_mb() - before < GROWTH_MB
    assert looked > 20
    assert slowest < SLOWEST_SCAN_S
    assert replay.verify().faults == []
