"""Reads of this room: the routes in force and their steps."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.inventory.models import Category, Route, Step, StepKind


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
