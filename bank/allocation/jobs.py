"""What follows at allocation from what happens at a workshop. A job takes ids and may run twice."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import db, journal
from bank.allocation.models import Allocation, AllocationState, Request, RequestState
from bank.inventory.lifecycle import State
from bank.inventory.models import Device
from bank.work import Task


def let_go(task: Task) -> None:
    """A promised device went missing or back to work: its request waits for another."""
    with db.transaction() as session:
        _let_go(session, task.subject_id)


def _let_go(session: Session, device_id: int) -> None:
    promised = sa.select(Allocation.request_id).where(
        Allocation.device_id == device_id, Allocation.state == AllocationState.LIVE
    )
    # The request's row first, as whoever allocates or releases does.
    asked = session.scalars(
        sa.select(Request).where(Request.id.in_(promised)).with_for_update()
    ).one_or_none()
    if asked is None:
        return
    gone = (
        sa.update(Allocation)
        .where(
            Allocation.device_id == device_id,
            Allocation.state == AllocationState.LIVE,
            Allocation.device_id.in_(sa.select(Device.id).where(Device.state != State.RESERVED)),
        )
        .values(state=AllocationState.RELEASED)
        .returning(Allocation.id)
    )
    if session.execute(gone).one_or_none() is None:
        return
    asked.state = RequestState.OPEN
    journal.append(session, None, journal.Kind.REQUEST_RELEASED, asked.id, {"device": device_id})
