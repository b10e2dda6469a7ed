"""What awaits someone: a few counts, in one statement, each within their reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.allocation import queries as allocation
from bank.allocation.models import Request, RequestState
from bank.donations import queries as donations
from bank.donations.models import Batch, BatchState
from bank.inventory.lifecycle import State
from bank.inventory.models import Device, Step, StepKind

# Beyond, the exact figure helps nobody: the list is one link away.
MANY = 100

Ids = sa.Select[Any]
P = Permission


class Item(StrEnum):
    """One thing that may await someone."""

    BATCHES_AWAITED = "batches_awaited"
    BATCHES_GIVEN = "batches_given"
    BATCHES_TO_RECEIVE = "batches_to_receive"
    DEVICES_RECEIVED = "devices_received"
    DEVICES_IN_ERASURE = "devices_in_erasure"
    DEVICES_IN_CONTROL = "devices_in_control"
    DEVICES_READY = "devices_ready"
    REQUESTS_OPEN = "requests_open"
    OWN_REQUESTS_OPEN = "own_requests_open"
    OWN_REQUESTS_ALLOCATED = "own_requests_allocated"
    HANDOVERS_TO_MAKE = "handovers_to_make"


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


def awaiting(session: Session, actor: Actor) -> list[Awaiting]:
    """What awaits this person, in the order in which things flow. One statement, whatever the role."""
    lines = [line for line in LINES if line.awaits(actor)]
    if not lines:
        return []
    counts = session.execute(sa.select(*(_capped(line.ids(actor)) for line in lines))).one()
    return [
        Awaiting(line.item, min(count, MANY), count > MANY, line.endpoint, line.filters)
        for line, count in zip(lines, counts, strict=True)
    ]


def _capped(ids: Ids) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(ids.limit(MANY + 1).subquery()).scalar_subquery()


def _may(permission: Permission) -> Callable[[Actor], bool]:
    return lambda actor: actor.can(permission)


def _whole_bank(permission: Permission) -> Callable[[Actor], bool]:
    return lambda actor: actor.sees_all and actor.can(permission)


def _gives_only(actor: Actor) -> bool:
    return actor.can(P.BATCH_SEE) and not actor.can(P.BATCH_RECEIVE) and not actor.sees_all


def _batches(actor: Actor) -> Ids:
    return sa.select(Batch.id).where(Batch.state == BatchState.ACCEPTED, donations.reach(actor))


def _batches_for_here(actor: Actor) -> Ids:
    return _batches(actor).where(Batch.workshop_id == actor.organisation_id)


def _devices(state: State, step: StepKind | None = None) -> Callable[[Actor], Ids]:
    def ids(actor: Actor) -> Ids:
        found = sa.select(Device.id).where(Device.state == state)
        if not actor.sees_all:
            found = found.where(Device.custodian_id == actor.organisation_id)
        return found.join(Step, Device.step_id == Step.id).where(Step.kind == step) if step else found

    return ids


def _requests(state: RequestState, *, own: bool = False) -> Callable[[Actor], Ids]:
    def ids(actor: Actor) -> Ids:
        found = sa.select(Request.id).where(Request.state == state, allocation.visible(actor))
        return found.where(Request.organisation_id == actor.organisation_id) if own else found

    return ids


BATCHES, DEVICES, REQUESTS = "donations.index", "inventory.devices", "allocation.requests"
ACCEPTED = {"state": BatchState.ACCEPTED.value}
IN_WORK = {"state": State.IN_WORK.value}
OPEN, ALLOCATED = {"state": RequestState.OPEN.value}, {"state": RequestState.ALLOCATED.value}

LINES = (
    Line(Item.BATCHES_AWAITED, _whole_bank(P.BATCH_SEE), _batches, BATCHES, ACCEPTED),
    Line(Item.BATCHES_GIVEN, _gives_only, _batches, BATCHES, ACCEPTED),
    Line(Item.BATCHES_TO_RECEIVE, _may(P.BATCH_RECEIVE), _batches_for_here, BATCHES, ACCEPTED),
    Line(
        Item.DEVICES_RECEIVED,
        _may(P.BATCH_RECEIVE),
        _devices(State.RECEIVED),
        DEVICES,
        {"state": State.RECEIVED.value},
    ),
    Line(
        Item.DEVICES_IN_ERASURE,
        _may(P.BATCH_RECEIVE),
        _devices(State.IN_WORK, StepKind.ERASURE),
        DEVICES,
        IN_WORK,
    ),
    Line(
        Item.DEVICES_IN_CONTROL,
        _may(P.BATCH_RECEIVE),
        _devices(State.IN_WORK, StepKind.CONTROL),
        DEVICES,
        IN_WORK,
    ),
    Line(
        Item.DEVICES_READY,
        _whole_bank(P.DEVICE_SEE),
        _devices(State.READY),
        DEVICES,
        {"state": State.READY.value},
    ),
    Line(Item.REQUESTS_OPEN, _may(P.REQUEST_ALLOCATE), _requests(RequestState.OPEN), REQUESTS, OPEN),
    Line(
        Item.OWN_REQUESTS_OPEN,
        _may(P.REQUEST_MAKE),
        _requests(RequestState.OPEN, own=True),
        REQUESTS,
        OPEN,
    ),
    Line(
        Item.OWN_REQUESTS_ALLOCATED,
        _may(P.REQUEST_MAKE),
        _requests(RequestState.ALLOCATED, own=True),
        REQUESTS,
        ALLOCATED,
    ),
    Line(
        Item.HANDOVERS_TO_MAKE,
        _may(P.HANDOVER_MAKE),
        _requests(RequestState.ALLOCATED),
        REQUESTS,
        ALLOCATED,
    ),
)
