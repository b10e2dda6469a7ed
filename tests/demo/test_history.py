"""The demo bank as a first start makes it: six months that end yesterday, the same at every run."""

import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from bank import db, demo
from bank.allocation import actions as allocation
from bank.allocation.models import Allocation, AllocationState, Handover, Programme, Request, RequestState
from bank.config import BankEnv
from bank.db import utcnow
from bank.demo import people
from bank.donations.models import Batch, BatchLine, BatchState
from bank.errors import Code, Refusal
from bank.inventory import replay
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Device, Label, Origin, Step, StepKind
from bank.journal import Entry
from bank.work import Job
from bank.workshops.models import Blocker, HelpCall, Incident
from tests.factories import World

pytestmark = pytest.mark.timeout(300)

# Of one processor; a machine that does nothing else needs a quarter of that.
PATIENCE_S = 60
TOLD = (
    sa.select(Label.code, Device.category, Device.state, Device.seq)
    .join(Device, Label.device_id == Device.id)
    .order_by(Device.id),
    sa.select(Batch.ref, Batch.state).order_by(Batch.id),
    sa.select(Request.ref, Request.state, Request.slip_code).order_by(Request.id),
    sa.select(Handover.ref, Handover.paid_cents).order_by(Handover.id),
)


def told(connection: Any) -> list[list[tuple[Any, ...]]]:
    return [[tuple(row) for row in connection.execute(query)] for query in TOLD]


def loaded_elsewhere(folder: Path) -> Any:
    """The same demo, made by the command in another process, with another order of its sets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BANK", "DATABASE"))}
    environ = kept | {
        "BANK_ENV": "demo",
        "VAR_DIR": str(folder),
        "SECRET_KEY": "another secret, long enough to pass here",
        "DATA_KEY": "another data key, long enough to pass here",
        "PYTHONHASHSEED": "7",
    }
    for command in (["migrate"], ["demo", "--if-empty"], ["demo", "--if-empty"], ["journal", "verify"]):
        subprocess.run([sys.executable, "-m", "bank", *command], env=environ, check=True, capture_output=True)
    [path] = folder.glob("*.sqlite3")
    return sa.create_engine(f"sqlite:///{path}")


@pytest.mark.soak
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_it_is_the_same_at_every_run_on_every_database(app: Flask, world: World, tmp_path: Path) -> None:
    world.whole_routes()
    demo.load()
    assert replay.verify().faults == []
    folder = tmp_path / "var"
    folder.mkdir()
    engine = loaded_elsewhere(folder)
    with db.read() as session, engine.connect() as connection:
        assert told(session) == told(connection)
    engine.dispose()


def counted(session: Session, column: Any, *where: Any) -> Counter[Any]:
    return Counter(session.scalars(sa.select(column).where(*where)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_person_of_the_bank_finds_something_to_do(app: Flask, world: World) -> None:
    world.whole_routes()
    begun = time.process_time()
    demo.load()
    assert time.process_time() - begun < PATIENCE_S
    assert not demo.is_empty()
    assert replay.verify().faults == []
    with db.read() as session:
        _devices(session)
        _batches(session)
        _requests(session)
        assert session.scalar(sa.select(sa.func.count(Job.id))) == 0
        assert session.scalar(sa.select(sa.func.max(Entry.at_us))) < utcnow().timestamp() * 1_000_000
    _the_room_of_le_thillay()


def _devices(session: Session) -> None:
    states = counted(session, Device.state)
    assert 550 < sum(states.values()) < 650
    assert set(states) == set(State) - {State.ANNOUNCED}
    steps = set(session.scalars(sa.select(Step.kind).join(Device, Device.step_id == Step.id)))
    assert steps == set(StepKind)
    assert set(counted(session, Device.category, Device.state == State.READY)) == set(Category)
    problems = counted(session, Blocker.problem, Blocker.closed_at.is_(None))
    assert len(problems) >= 6
    assert counted(session, Blocker.danger, Blocker.closed_at.is_(None))[True] >= 1
    assert len(counted(session, Blocker.outcome, Blocker.closed_at.is_not(None))) >= 2
    assert session.scalar(sa.select(sa.func.count()).where(HelpCall.answered_at.is_(None))) == 1
    assert session.scalar(sa.select(sa.func.count()).where(Incident.closed_at.is_(None))) == 1
    assert len(counted(session, Incident.outcome, Incident.closed_at.is_not(None))) == 2


def _batches(session: Session) -> None:
    assert set(counted(session, Batch.state)) == set(BatchState)
    assert counted(session, Origin.donor_id)[None] == 1
    gaps = counted(session, BatchLine.gap_reason, BatchLine.gap_reason.is_not(None))
    assert len(gaps) == 3


def _requests(session: Session) -> None:
    assert set(counted(session, Request.state)) == set(RequestState)
    assert set(counted(session, Allocation.state)) >= {AllocationState.LIVE, AllocationState.RETURNED}
    promised = sa.select(Allocation.request_id).where(Allocation.state == AllocationState.LIVE)
    partly = sa.and_(Request.state == RequestState.OPEN, Request.id.in_(promised))
    assert sum(counted(session, Request.state, partly).values()) >= 1
    ahead = sa.and_(Request.state == RequestState.ALLOCATED, Request.appointment_at > utcnow())
    assert sum(counted(session, Request.state, ahead).values()) >= 2
    used = set(session.scalars(sa.select(Programme.code).join(Request, Request.programme_id == Programme.id)))
    assert used == {scheme.code for scheme in people.SCHEMES}


def _the_room_of_le_thillay() -> None:
    """Ten desktops and ten screens: filled from what BNP gave; what the Département gave is refused."""
    with db.transaction() as session:
        cast = people.cast_of(session)
        ref = session.scalars(
            sa.select(Request.ref)
            .where(
                Request.organisation_id == cast["ccas"].organisation_id, Request.state == RequestState.OPEN
            )
            .where(Request.recipient_id.is_(None))
        ).one()
        public = _ready(session, cast["departement"].organisation_id, Category.DESKTOP)
        with pytest.raises(Refusal) as refused:
            allocation.allocate(session, cast["coordination"], ref, public[0])
        assert refused.value.code is Code.UNLAWFUL
        assert "L3212" in refused.value.facts["article"]
        bnp, agoie = cast["donateur"].organisation_id, cast["guichet"].organisation_id
        chosen = [
            code
            for category in (Category.DESKTOP, Category.SCREEN)
            for code in _ready(session, bnp, category, Device.custodian_id == agoie)[:10]
        ]
        done = allocation.allocate_many(session, cast["coordination"], ref, chosen)
        assert (len(done.promised), done.refused) == (20, ())
    with db.read() as session:
        assert counted(session, Request.state, Request.ref == ref) == {RequestState.ALLOCATED: 1}


def _ready(session: Session, donor_id: int, category: Category, *where: Any) -> list[str]:
    return list(
        session.scalars(
            sa.select(Label.code)
            .join(Device, Label.device_id == Device.id)
            .join(Origin, Device.origin_id == Origin.id)
            .where(Origin.donor_id == donor_id, Device.category == category, Device.state == State.READY)
            .where(*where)
            .order_by(Device.id)
        )
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_production_refuses_it(app: Flask) -> None:
    app.config["BANK"] = replace(app.config["BANK"], env=BankEnv.PRODUCTION)
    with pytest.raises(RuntimeError, match="production"):
        demo.load()
    assert demo.is_empty()
