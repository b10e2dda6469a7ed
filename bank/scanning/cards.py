"""What a phone knows of its workshop's devices without network: what each is and where it stands, nobody's name."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.inventory.lifecycle import State
from bank.inventory.models import (
    Category,
    Device,
    Drive,
    DriveFate,
    DriveKind,
    Label,
    LabelState,
    Origin,
    Step,
    StepKind,
)
from bank.scanning import queries
from bank.web.pages import today_in_paris
from bank.workshops import queries as workshops
from bank.workshops.models import Blocker

MOST = 3_000
AT_HAND = (State.IN_WORK, State.RECEIVED, State.READY)
entry = journal.Entry.__table__


def cards(session: Session, actor: Actor) -> dict[str, Any]:
    """The cards of a person's own workshop, with the routes that they follow and what the forms start from."""
    devices = _devices(session, actor)
    first = _first_steps(session, {row.category for row in devices if row.state is State.RECEIVED})
    drives = _drives(session, [row.id for row in devices if _awaits(row, first) is StepKind.ERASURE])
    own = _own_work(session, actor, [row.id for row in devices if row.kind is StepKind.CONTROL])
    tool = queries.last_tool(session, actor)
    return {
        "cards": [_card(row, first, drives, own) for row in devices],
        "routes": _routes(session, {row.route_id for row in devices} | {f.route_id for f in first.values()}),
        "tool": {"method": tool.method, "tool": tool.name, "tool_version": tool.version} if tool else None,
        "os": queries.last_system(session, actor),
    }


def _devices(session: Session, actor: Actor) -> list[Any]:
    """What the workshop has in hand, what is being worked on before the rest."""
    rank = sa.case({state: number for number, state in enumerate(AT_HAND)}, value=Device.state)
    query = (
        sa.select(
            Device.id,
            Label.code,
            Device.category,
            Device.maker,
            Device.model,
            Device.state,
            Step.kind,
            Step.route_id,
            Blocker.problem,
            Origin.purge_asked,
        )
        .join(Label, sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED))
        .join(Origin, Origin.id == Device.origin_id)
        .outerjoin(Step, Step.id == Device.step_id)
        .outerjoin(Blocker, Blocker.id == Device.blocker_id)
        .where(Device.custodian_id == actor.organisation_id, Device.state.in_(AT_HAND))
        .order_by(rank, Device.id.desc())
        .limit(MOST)
    )
    return list(session.execute(query))


def _first_steps(session: Session, categories: Iterable[Category]) -> dict[Category, workshops.StepOfRoute]:
    today = today_in_paris(utcnow())
    found = {category: workshops.first_step(session, category, today) for category in categories}
    return {category: first for category, first in found.items() if first is not None}


def _routes(session: Session, route_ids: set[int | None]) -> dict[int | None, list[StepKind]]:
    """The steps of each route, in their order."""
    routes: dict[int | None, list[StepKind]] = {}
    query = sa.select(Step.route_id, Step.kind).where(Step.route_id.in_(route_ids - {None}))
    for route_id, kind in session.execute(query.order_by(Step.route_id, Step.position)):
        routes.setdefault(route_id, []).append(kind)
    return routes


def _drives(session: Session, device_ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """The drives that are in the devices whose erasure is next, as the form would show them."""
    found: dict[int, list[dict[str, Any]]] = {}
    query = sa.select(Drive.device_id, Drive.kind, Drive.serial, Drive.size_gb).where(
        Drive.device_id.in_(device_ids), Drive.fate == DriveFate.PRESENT, Drive.kind != DriveKind.UNSEEN
    )
    for row in session.execute(query.order_by(Drive.id)):
        drive = {"kind": row.kind, "serial": row.serial, "size_gb": row.size_gb}
        found.setdefault(row.device_id, []).append(drive)
    return found


def _own_work(session: Session, actor: Actor, device_ids: list[int]) -> set[int]:
    """The devices at their control that this person has worked on: the server decides again when the scan comes."""
    if actor.can(Permission.WORKSHOP_RUN):
        return set()
    return set(
        session.scalars(
            sa.select(entry.c.subject_id)
            .where(
                entry.c.subject == journal.Subject.DEVICE.value,
                entry.c.subject_id.in_(device_ids),
                entry.c.kind == journal.Kind.DEVICE_PASS.value,
                entry.c.person_id == actor.person_id,
                ~entry.c.facts.contains(workshops.CONTROLLED, autoescape=True),
            )
            .distinct()
        )
    )


def _awaits(row: Any, first: dict[Category, workshops.StepOfRoute]) -> StepKind | None:
    """The step to do next, entered or not."""
    if row.state is State.RECEIVED:
        start = first.get(row.category)
        return start.kind if start else None
    kind: StepKind | None = row.kind
    return kind


def _card(
    row: Any,
    first: dict[Category, workshops.StepOfRoute],
    drives: dict[int, list[dict[str, Any]]],
    own: set[int],
) -> dict[str, Any]:
    start = first.get(row.category) if row.state is State.RECEIVED else None
    return {
        "code": row.code,
        "category": row.category,
        "maker": row.maker,
        "model": row.model,
        "state": row.state,
        "step": _awaits(row, first),
        "route": start.route_id if start else row.route_id,
        "blocked": row.problem,
        "own": row.id in own,
        "purge": row.purge_asked,
        "drives": drives.get(row.id, []),
    }
