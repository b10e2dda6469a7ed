"""What awaits someone: a few counts, in one statement, each within their reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.allocation import queries as allocation
from bank.allocation.models import Request, RequestState
from bank.db import utcnow
from bank.donations import queries as donations
from bank.donations.models import Batch, BatchState
from bank.inventory.lifecycle import State
from bank.inventory.models import Device, Step, StepKind
from bank.web.pages import PARIS, today_in_paris
from bank.workshops import shipment_queries as shipments
from bank.workshops.models import Blocker, HelpCall, Incident

# Beyond, the exact figure helps nobody: the list is one link away.
MANY = 100
FLOW_MANY = 1_000
FLOW = (
    State.RECEIVED,
    State.IN_WORK,
    State.READY,
    State.RESERVED,
    State.HANDED_OVER,
    State.ON_LOAN,
    State.HARVESTED,
    State.RECYCLED,
)

Ids = sa.Select[Any]
P = Permission


class Item(StrEnum):
    """One thing that may await someone."""

    BATCHES_TO_DECIDE = "batches_to_decide"
    BATCHES_DRAFT = "batches_draft"
    BATCHES_SENT = "batches_sent"
    BATCHES_AWAITED = "batches_awaited"
    BATCHES_GIVEN = "batches_given"
    BATCHES_TO_RECEIVE = "batches_to_receive"
    HELP_CALLED = "help_called"
    DANGERS = "dangers"
    DEVICES_BLOCKED = "devices_blocked"
    INCIDENTS = "incidents"
    DEVICES_RECEIVED = "devices_received"
    DEVICES_IN_WORK = "devices_in_work"
    DEVICES_IN_CONTROL = "devices_in_control"
    DEVICES_READY = "devices_ready"
    REQUESTS_OPEN = "requests_open"
    REQUESTS_TO_APPOINT = "requests_to_appoint"
    OWN_REQUESTS_OPEN = "own_requests_open"
    OWN_REQUESTS_ALLOCATED = "own_requests_allocated"
    APPOINTMENTS_TODAY = "appointments_today"
    HANDOVERS_TO_MAKE = "handovers_to_make"
    SHIPMENTS_TO_RECEIVE = "shipments_to_receive"
    SHIPMENTS_UNSETTLED = "shipments_unsettled"


@dataclass(frozen=True)
class Line:
    """For whom an item is, what is counted, and the list that shows it."""

    item: Item
    awaits: Callable[[Actor], bool]
    ids: Callable[[Actor], Ids]
    endpoint: str
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Awaiting:
    """One item and how many; `many` says that there are more than `count`."""

    item: Item
    count: int
    many: bool
    endpoint: str
    filters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """How many devices are in one state; `many` says that there are more than `count`."""

    state: State
    count: int
    many: bool


def awaiting(session: Session, actor: Actor) -> list[Awaiting]:
    """What awaits this person, in the order in which things flow. One statement, whatever the role."""
    lines = [line for line in LINES if line.awaits(actor)]
    if not lines:
        return []
    counts = session.execute(sa.select(*(_capped(line.ids(actor), MANY) for line in lines))).one()
    return [
        Awaiting(line.item, min(count, MANY), count > MANY, line.endpoint, line.filters)
        for line, count in zip(lines, counts, strict=True)
    ]


def stages(session: Session, actor: Actor) -> list[Stage]:
    """Where the devices within this person's reach stand, in the order of their life. One statement."""
    counts = session.execute(sa.select(*(_capped(_devices(state)(actor), FLOW_MANY) for state in FLOW))).one()
    return [
        Stage(state, min(count, FLOW_MANY), count > FLOW_MANY)
        for state, count in zip(FLOW, counts, strict=True)
    ]


def _capped(ids: Ids, many: int) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(ids.limit(many + 1).subquery()).scalar_subquery()


def _may(permission: Permission) -> Callable[[Actor], bool]:
    return lambda actor: actor.can(permission)


def _whole_bank(permission: Permission) -> Callable[[Actor], bool]:
    return lambda actor: actor.sees_all and actor.can(permission)


def _gives_only(actor: Actor) -> bool:
    return actor.can(P.BATCH_SEE) and not actor.can(P.BATCH_RECEIVE) and not actor.sees_all


def _watches_incidents(actor: Actor) -> bool:
    return actor.can(P.WORKSHOP_RUN) or (actor.sees_all and actor.can(P.DEVICE_SEE))


def _batches(state: BatchState, *, own: bool = False, here: bool = False) -> Callable[[Actor], Ids]:
    def ids(actor: Actor) -> Ids:
        found = sa.select(Batch.id).where(Batch.state == state, donations.reach(actor))
        if own:
            found = found.where(Batch.donor_id == actor.organisation_id)
        return found.where(Batch.workshop_id == actor.organisation_id) if here else found

    return ids


def _devices(state: State, step: StepKind | None = None) -> Callable[[Actor], Ids]:
    def ids(actor: Actor) -> Ids:
        found = sa.select(Device.id).where(Device.state == state)
        if not actor.sees_all:
            found = found.where(Device.custodian_id == actor.organisation_id)
        return found.join(Step, Device.step_id == Step.id).where(Step.kind == step) if step else found

    return ids


def _blocked(*, danger: bool) -> Callable[[Actor], Ids]:
    def ids(actor: Actor) -> Ids:
        return sa.select(Blocker.id).where(
            Blocker.organisation_id == actor.organisation_id,
            Blocker.closed_at.is_(None),
            Blocker.danger.is_(danger),
        )

    return ids


def _help_calls(actor: Actor) -> Ids:
    return sa.select(HelpCall.id).where(
        HelpCall.organisation_id == actor.organisation_id, HelpCall.answered_at.is_(None)
    )


def _incidents(actor: Actor) -> Ids:
    found = sa.select(Incident.id).where(Incident.closed_at.is_(None))
    return found if actor.sees_all else found.where(Incident.organisation_id == actor.organisation_id)


def _requests(state: RequestState, *, own: bool = False) -> Callable[[Actor], Ids]:
    def ids(actor: Actor) -> Ids:
        found = sa.select(Request.id).where(Request.state == state, allocation.visible(actor))
        return found.where(Request.organisation_id == actor.organisation_id) if own else found

    return ids


def _to_appoint(actor: Actor) -> Ids:
    return _requests(RequestState.ALLOCATED)(actor).where(Request.appointment_at.is_(None))


def _appointments_today(actor: Actor) -> Ids:
    day = today_in_paris(utcnow())
    midnight = datetime.combine(day, time(), PARIS)
    return _requests(RequestState.ALLOCATED)(actor).where(
        Request.desk_id == actor.organisation_id,
        Request.appointment_at >= midnight,
        Request.appointment_at < midnight + timedelta(days=1),
    )


BATCHES, DEVICES, REQUESTS = "donations.index", "inventory.devices", "allocation.requests"
BOARD, INCIDENTS, DESK = "workshops.board", "incidents.index", "desk.desk"
SHIPMENTS = "shipments.index"


def _in(state: BatchState | State | RequestState) -> Mapping[str, str]:
    return {"state": state.value}


B, S, R = BatchState, State, RequestState

# In the order in which things flow; what cannot wait comes first in its room.
LINES = (
    Line(Item.BATCHES_TO_DECIDE, _may(P.BATCH_ENTER), _batches(B.SUBMITTED), BATCHES, _in(B.SUBMITTED)),
    Line(Item.BATCHES_DRAFT, _may(P.BATCH_ANNOUNCE), _batches(B.DRAFT, own=True), BATCHES, _in(B.DRAFT)),
    Line(
        Item.BATCHES_SENT, _may(P.BATCH_ANNOUNCE), _batches(B.SUBMITTED, own=True), BATCHES, _in(B.SUBMITTED)
    ),
    Line(Item.BATCHES_AWAITED, _whole_bank(P.BATCH_SEE), _batches(B.ACCEPTED), BATCHES, _in(B.ACCEPTED)),
    Line(Item.BATCHES_GIVEN, _gives_only, _batches(B.ACCEPTED), BATCHES, _in(B.ACCEPTED)),
    Line(
        Item.BATCHES_TO_RECEIVE,
        _may(P.BATCH_RECEIVE),
        _batches(B.ACCEPTED, here=True),
        BATCHES,
        _in(B.ACCEPTED),
    ),
    Line(Item.SHIPMENTS_TO_RECEIVE, _may(P.SHIPMENT_RECEIVE), shipments.awaiting, SHIPMENTS),
    Line(Item.SHIPMENTS_UNSETTLED, _may(P.WORKSHOP_RUN), shipments.unsettled, SHIPMENTS),
    Line(Item.HELP_CALLED, _may(P.WORKSHOP_RUN), _help_calls, BOARD),
    Line(Item.DANGERS, _may(P.WORKSHOP_RUN), _blocked(danger=True), BOARD),
    Line(Item.DEVICES_BLOCKED, _may(P.WORKSHOP_RUN), _blocked(danger=False), BOARD),
    Line(Item.INCIDENTS, _watches_incidents, _incidents, INCIDENTS),
    Line(Item.DEVICES_RECEIVED, _may(P.BATCH_RECEIVE), _devices(S.RECEIVED), DEVICES, _in(S.RECEIVED)),
    Line(Item.DEVICES_IN_WORK, _may(P.BATCH_RECEIVE), _devices(S.IN_WORK), DEVICES, _in(S.IN_WORK)),
    Line(
        Item.DEVICES_IN_CONTROL,
        _may(P.BATCH_RECEIVE),
        _devices(S.IN_WORK, StepKind.CONTROL),
        DEVICES,
        {**_in(S.IN_WORK), "step": StepKind.CONTROL.value},
    ),
    Line(Item.DEVICES_READY, _whole_bank(P.DEVICE_SEE), _devices(S.READY), DEVICES, _in(S.READY)),
    Line(Item.REQUESTS_OPEN, _may(P.REQUEST_ALLOCATE), _requests(R.OPEN), REQUESTS, _in(R.OPEN)),
    Line(Item.REQUESTS_TO_APPOINT, _may(P.APPOINTMENT_SET), _to_appoint, REQUESTS, _in(R.ALLOCATED)),
    Line(Item.OWN_REQUESTS_OPEN, _may(P.REQUEST_MAKE), _requests(R.OPEN, own=True), REQUESTS, _in(R.OPEN)),
    Line(
        Item.OWN_REQUESTS_ALLOCATED,
        _may(P.REQUEST_MAKE),
        _requests(R.ALLOCATED, own=True),
        REQUESTS,
        _in(R.ALLOCATED),
    ),
    Line(Item.APPOINTMENTS_TODAY, _may(P.HANDOVER_MAKE), _appointments_today, DESK),
    Line(Item.HANDOVERS_TO_MAKE, _may(P.HANDOVER_MAKE), _requests(R.ALLOCATED), REQUESTS, _in(R.ALLOCATED)),
)
