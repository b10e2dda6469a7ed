"""Reads of this room: the routes in force and their steps."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor
from bank.db import core
from bank.inventory.models import Category, Route, Step, StepKind
from bank.workshops.models import Blocker, Problem


@dataclass(frozen=True, slots=True)
class StepOfRoute:
    """A first step, as the register needs it."""

    route_id: int
    step_id: int
    kind: StepKind


FIRST = (
    sa.select(Step.route_id, Step.id, Step.kind)
    .join(Route, Step.route_id == Route.id)
    .where(
        Route.category == sa.bindparam("category", type_=Route.category.type),
        Route.valid_from <= sa.bindparam("day", type_=sa.Date()),
        sa.or_(Route.valid_until.is_(None), Route.valid_until >= sa.bindparam("day", type_=sa.Date())),
    )
    .order_by(Route.valid_from.desc(), Route.id.desc(), Step.position)
    .limit(1)
)


def first_step(session: Session, category: Category, day: date) -> StepOfRoute | None:
    """The first step of the category's route in force on a day; None where no route is."""
    row = session.execute(FIRST, {"category": category, "day": day}).one_or_none()
    return StepOfRoute(*row) if row else None


def step_of_same_route(session: Session, step_id: int | None, kind: StepKind) -> int | None:
    """The first step of a kind on the route that a step belongs to; None where the route has none."""
    here = sa.select(Step.route_id).where(Step.id == step_id).scalar_subquery()
    return session.scalar(
        sa.select(Step.id).where(Step.route_id == here, Step.kind == kind).order_by(Step.position).limit(1)
    )


def steps_of_same_route(session: Session, step_id: int | None) -> list[StepKind]:
    """The kinds of step of the route that a step belongs to, in their order."""
    here = sa.select(Step.route_id).where(Step.id == step_id).scalar_subquery()
    return list(session.scalars(sa.select(Step.kind).where(Step.route_id == here).order_by(Step.position)))


entry = journal.Entry.__table__
mine = entry.alias("mine")
# Facts are canonical JSON: this very text stands in the entry of a control, and in no other.
CONTROLLED = f'"step":"{StepKind.CONTROL.value}"'
OF_DEVICE: sa.BindParameter[int] = sa.bindparam("device_id")
STARTED = (
    sa.select(sa.func.coalesce(sa.func.max(entry.c.seq), 0))
    .where(
        entry.c.subject == journal.Subject.DEVICE.value,
        entry.c.subject_id == OF_DEVICE,
        entry.c.kind.in_([journal.Kind.DEVICE_ENTER.value, journal.Kind.DEVICE_RECHECK.value]),
    )
    .scalar_subquery()
)
undone = entry.alias("undone")
# The last fact of its entry, by name: canonical JSON ends with it.
UNDONE = (
    sa.select(undone.c.id)
    .where(
        undone.c.subject == journal.Subject.DEVICE.value,
        undone.c.subject_id == OF_DEVICE,
        undone.c.kind == journal.Kind.DEVICE_UNDO.value,
        undone.c.facts.like(sa.literal('%"undoes":') + sa.cast(mine.c.seq, sa.String()) + "}"),
    )
    .exists()
)
WORKED = (
    sa.select(mine.c.id)
    .where(
        mine.c.subject == journal.Subject.DEVICE.value,
        mine.c.subject_id == OF_DEVICE,
        mine.c.seq > STARTED,
        mine.c.kind == journal.Kind.DEVICE_PASS.value,
        mine.c.person_id == sa.bindparam("person_id"),
        ~mine.c.facts.contains(CONTROLLED, autoescape=True),
        ~UNDONE,
    )
    .limit(1)
)


def has_worked_on(session: Session, actor: Actor, device_id: int) -> bool:
    """Whether this person passed a step of the device, other than a control, since it entered its route."""
    values = {"device_id": device_id, "person_id": actor.person_id}
    return core(session).execute(WORKED, values).one_or_none() is not None


def what_stops(session: Session, blocker_id: int | None) -> Problem | None:
    """The problem of the blocker that a device's standing names; asks nothing where it names none."""
    if blocker_id is None:
        return None
    return session.execute(sa.select(Blocker.problem).where(Blocker.id == blocker_id)).scalar_one()
