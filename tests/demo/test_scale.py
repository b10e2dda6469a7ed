"""`banque demo --scale N`: many devices by bulk writes, in a journal that verifies, on both databases."""

import resource
import time
from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db, demo
from bank.allocation.models import Allocation, AllocationState, Request
from bank.config import BankEnv
from bank.demo import people
from bank.inventory import register, replay
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Device, Drive, ErasureProof, Label, Step
from bank.workshops.models import Blocker
from tests.factories import World


@pytest.fixture
def settled(app: Flask, world: World) -> Flask:
    """A bank with the demo's people, its whole routes, and no history."""
    world.whole_routes()
    with db.transaction() as session:
        people.settle(session, "no password")
    return app


def count(model: type[db.Base]) -> int:
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_two_thousand_lives_replay_without_a_fault(settled: Flask) -> None:
    demo.grow(2_000)
    report = replay.verify()
    assert (report.devices, report.faults) == (2_000, [])
    assert report.entries > 15_000
    with db.read() as session:
        states = Counter(session.scalars(sa.select(Device.state)))
        steps = set(session.scalars(sa.select(Step.kind).join(Device, Device.step_id == Step.id)))
        live = session.scalar(sa.select(sa.func.count()).where(Allocation.state == AllocationState.LIVE))
        blocked = session.scalar(sa.select(sa.func.count()).where(Device.blocker_id.is_not(None)))
    assert set(states) == set(State) - {State.ANNOUNCED}
    assert states[State.RESERVED] == live
    assert len(steps) == 10
    assert blocked == count(Blocker) > 0
    assert count(Label) == 2_000
    assert count(Drive) > count(ErasureProof) > 500


def test_what_comes_after_takes_the_next_ids(settled: Flask) -> None:
    demo.grow(100)
    with db.transaction() as session:
        standing = register.receive(
            session,
            people.cast_of(session)["encadrant"],
            category=Category.LAPTOP,
            origin_id=session.scalars(sa.select(Device.origin_id).limit(1)).one(),
            owner_id=session.scalars(sa.select(Device.owner_id).where(Device.owner_id > 0).limit(1)).one(),
            batch_ref="L-AFTER",
        )
    demo.grow(100)
    assert count(Device) == 201
    assert standing.device_id > 100
    assert replay.verify().faults == []


def test_it_asks_for_the_people_of_the_demo(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="not the demo bank"):
        demo.grow(10)
    assert count(Device) == 0


def test_production_refuses_it(settled: Flask) -> None:
    settled.config["BANK"] = replace(settled.config["BANK"], env=BankEnv.PRODUCTION)
    with pytest.raises(RuntimeError, match="production"):
        demo.grow(10)


def test_a_price_of_the_law_is_on_each_promise(settled: Flask) -> None:
    demo.grow(1_000)
    with db.read() as session:
        above = session.scalar(
            sa.select(sa.func.count()).where(Allocation.price_cents > Allocation.cap_cents)
        )
        requests = session.scalar(sa.select(sa.func.count(Request.id)))
        promises = session.scalar(sa.select(sa.func.count(Allocation.id)))
    assert above == 0
    assert requests == promises > 300


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_a_million_devices_come_in_minutes_and_in_bounded_memory(settled: Flask) -> None:
    begun = time.monotonic()
    demo.grow(1_000_000)
    assert time.monotonic() - begun < 30 * 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 600 * 1024
    report = replay.verify()
    assert (report.devices, report.faults) == (1_000_000, [])
    assert report.entries > 10_000_000
