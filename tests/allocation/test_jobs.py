"""A promised device that goes missing, or back to work, leaves its request waiting for another."""

import pytest
import sqlalchemy as sa

from bank import db, work
from bank.allocation.models import Allocation, AllocationState, Request, RequestState
from bank.inventory import replay
from bank.inventory.lifecycle import State
from bank.inventory.register import Standing
from bank.work import Job, JobState
from tests.factories import World, today


@pytest.fixture
def promised(world: World) -> tuple[str, Standing]:
    """A request with its device reserved."""
    world.programme_rsa()
    made = world.api(world.prescriber_user).post(
        "/requests",
        json={
            "programme": "RSA",
            "lines": [{"category": "laptop", "quantity": 1}],
            "person_name": "Jeanne",
            "contact": "01 99 00 12 34",
            "proof": "rsa_certificate",
            "proof_day": today().isoformat(),
            "proof_seen": True,
        },
    )
    ref, device = str(made.json["ref"]), world.device(State.READY)
    told = world.api(world.coordinator).post(f"/requests/{ref}/allocations", json={"device": device.code})
    assert told.status_code == 201, told.json
    return ref, device


def run_jobs() -> None:
    with db.read() as session:
        waiting = session.scalars(sa.select(Job.id).where(Job.name == "allocation.let_go")).all()
    for job_id in waiting:
        work.run(job_id)


def stands(ref: str, device: Standing) -> tuple[RequestState, list[AllocationState]]:
    with db.read() as session:
        state = session.scalars(sa.select(Request.state).where(Request.ref == ref)).one()
        rows = session.scalars(
            sa.select(Allocation.state)
            .where(Allocation.device_id == device.device_id)
            .order_by(Allocation.id)
        )
        return state, list(rows)


@pytest.mark.parametrize(
    "body", [{"exit": "lose", "reason": "stolen"}, {"exit": "recheck", "reason": "fault_seen"}]
)
def test_its_request_waits_for_another(
    world: World, promised: tuple[str, Standing], body: dict[str, str]
) -> None:
    ref, device = promised
    assert stands(ref, device) == (RequestState.ALLOCATED, [AllocationState.LIVE])
    assert world.api(world.supervisor).post(f"/devices/{device.code}/exits", json=body).status_code == 201
    run_jobs()
    assert stands(ref, device) == (RequestState.OPEN, [AllocationState.RELEASED])
    other = world.device(State.READY)
    again = world.api(world.coordinator).post(f"/requests/{ref}/allocations", json={"device": other.code})
    assert again.status_code == 201, again.json
    # A worker that died may run the job again: what was promised since stays promised.
    with db.transaction() as session:
        session.execute(sa.update(Job).values(state=JobState.WAITING))
    run_jobs()
    assert stands(ref, other) == (RequestState.ALLOCATED, [AllocationState.LIVE])
    assert replay.verify().faults == []


def test_a_device_that_nobody_was_promised_changes_no_request(
    world: World, promised: tuple[str, Standing]
) -> None:
    ref, device = promised
    other = world.device(State.READY)
    body = {"exit": "lose", "reason": "stolen"}
    world.api(world.supervisor).post(f"/devices/{other.code}/exits", json=body)
    run_jobs()
    assert stands(ref, device) == (RequestState.ALLOCATED, [AllocationState.LIVE])
