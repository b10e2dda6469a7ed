"""Reads of the supervisor's board: who called for help, what is blocked, how much work waits, what went missing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.identity.models import Organisation, Person
from bank.inventory import queries as inventory
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Device, Label, LabelState, Origin, Step, StepKind
from bank.inventory.queries import DeviceSheet
from bank.workshops import queries
from bank.workshops.models import Blocker, HelpCall, Incident, IncidentOutcome, Problem

# Beyond, nobody reads on: the list of blocked devices has its own pages.
SHOWN = 100
# A count stops here, so that a page costs the same however much a workshop holds.
MANY = 2_000


@dataclass(frozen=True, slots=True)
class HelpLine:
    """Somebody who waits for help: who, at which device and step, since when."""

    id: int
    who: str
    code: str | None
    category: Category | None
    step: StepKind | None
    called_at: datetime


@dataclass(frozen=True, slots=True)
class BlockedLine:
    """A device that a problem stops."""

    code: str
    category: Category
    maker: str
    model: str
    state: State
    step: StepKind | None
    problem: Problem
    danger: bool
    opened_at: datetime
    open_drives: int


@dataclass(frozen=True, slots=True)
class StepCount:
    """How many devices wait at a step; `many` says that there are more. No step: received, not begun."""

    step: StepKind | None
    count: int
    many: bool


@dataclass(frozen=True, slots=True)
class Board:
    """What a supervisor needs to see, in this order: people, dangers, what is blocked by reason, the work."""

    help_calls: tuple[HelpLine, ...]
    dangers: tuple[BlockedLine, ...]
    blocked: tuple[tuple[Problem, tuple[BlockedLine, ...]], ...]
    steps: tuple[StepCount, ...]
    more_blocked: bool
    incidents: int


@dataclass(frozen=True, slots=True)
class BlockerLine:
    """What stops one device."""

    problem: Problem
    danger: bool
    step: StepKind | None
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """A device to decide about: what it is, what stops it, its route's steps, whether its donor is known."""

    device: DeviceSheet
    blocker: BlockerLine | None
    steps: tuple[StepKind, ...]
    donor_known: bool
    held: bool


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """A device that went missing with data on it: the clock, last custody, how it ended."""

    id: int
    code: str
    category: Category
    batch_ref: str
    custodian: str
    donor: str | None
    drives: int
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    outcome: IncidentOutcome | None


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """A page of incidents, the open ones first asked for, the latest first."""

    incidents: tuple[IncidentLine, ...]
    next_cursor: int | None


CARRIED = sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED)


def board(session: Session, actor: Actor) -> Board:
    """The board of the actor's workshop. Raises Refusal(not-allowed)."""
    actor.must(Permission.WORKSHOP_RUN)
    blocked = _blocked(session, actor)
    dangers = tuple(line for line in blocked if line.danger)
    others = [line for line in blocked[:SHOWN] if not line.danger]
    return Board(
        help_calls=_help_calls(session, actor),
        dangers=dangers,
        blocked=_by_problem(others),
        steps=_steps(session, actor),
        more_blocked=len(blocked) > SHOWN,
        incidents=_open_incidents(session, actor),
    )


def _help_calls(session: Session, actor: Actor) -> tuple[HelpLine, ...]:
    rows = session.execute(
        sa.select(HelpCall.id, Person.name, Label.code, Device.category, HelpCall.step, HelpCall.called_at)
        .join(Person, Person.id == HelpCall.person_id)
        .outerjoin(Device, Device.id == HelpCall.device_id)
        .outerjoin(Label, CARRIED)
        .where(HelpCall.organisation_id == actor.organisation_id, HelpCall.answered_at.is_(None))
        .order_by(HelpCall.called_at)
        .limit(SHOWN)
    )
    return tuple(HelpLine(*row) for row in rows)


def _blocked(session: Session, actor: Actor) -> list[BlockedLine]:
    """Dangers first, then what has waited longest."""
    rows = session.execute(
        sa.select(
            Label.code,
            Device.category,
            Device.maker,
            Device.model,
            Device.state,
            Blocker.step,
            Blocker.problem,
            Blocker.danger,
            Blocker.opened_at,
            Device.open_drives,
        )
        .select_from(Blocker)
        .join(Device, Device.id == Blocker.device_id)
        .join(Label, CARRIED)
        .where(Blocker.organisation_id == actor.organisation_id, Blocker.closed_at.is_(None))
        .order_by(Blocker.danger.desc(), Blocker.opened_at, Blocker.id)
        .limit(SHOWN + 1)
    )
    return [_blocked_line(row) for row in rows]


def _blocked_line(row: Sequence[Any]) -> BlockedLine:
    return BlockedLine(*row)


def _by_problem(lines: Iterable[BlockedLine]) -> tuple[tuple[Problem, tuple[BlockedLine, ...]], ...]:
    order = list(Problem)
    ranked = sorted(lines, key=lambda line: order.index(line.problem))
    groups = ((problem, tuple(same)) for problem, same in groupby(ranked, key=lambda line: line.problem))
    return tuple(sorted(groups, key=lambda group: group[1][0].opened_at))


def _steps(session: Session, actor: Actor) -> tuple[StepCount, ...]:
    held = sa.select(Device.step_id).where(
        Device.custodian_id == actor.organisation_id, Device.state == State.IN_WORK
    )
    some = held.limit(MANY + 1).subquery()
    counted: dict[StepKind | None, int] = {}
    rows = session.execute(
        sa.select(Step.kind, sa.func.count()).join(some, some.c.step_id == Step.id).group_by(Step.kind)
    )
    counted.update(dict(rows.all()))
    waiting = (
        sa.select(Device.id)
        .where(Device.custodian_id == actor.organisation_id, Device.state == State.RECEIVED)
        .limit(MANY + 1)
        .subquery()
    )
    counted[None] = session.scalar(sa.select(sa.func.count()).select_from(waiting)) or 0
    capped = sum(count for kind, count in counted.items() if kind) > MANY
    return tuple(
        StepCount(kind, min(counted[kind], MANY), capped or counted[kind] > MANY)
        for kind in (None, *StepKind)
        if counted.get(kind)
    )


def case(session: Session, actor: Actor, code: str) -> Case:
    """All that a decision about a device needs. Raises Refusal(not-allowed, not-found)."""
    actor.must(Permission.WORKSHOP_RUN)
    sheet = inventory.sheet(session, actor, code)
    row = session.execute(
        sa.select(Device.step_id, Device.custodian_id, Device.owner_id, Origin.donor_id)
        .join(Origin, Origin.id == Device.origin_id)
        .where(Device.id == sheet.id)
    ).one()
    found = session.execute(
        sa.select(Blocker.problem, Blocker.danger, Blocker.step, Blocker.opened_at).where(
            Blocker.device_id == sheet.id, Blocker.closed_at.is_(None)
        )
    ).one_or_none()
    return Case(
        sheet,
        BlockerLine(*found) if found else None,
        tuple(queries.steps_of_same_route(session, row.step_id)),
        row.donor_id is not None,
        (row.custodian_id or row.owner_id) == actor.organisation_id,
    )


def _reach(actor: Actor) -> sa.ColumnElement[bool]:
    if not actor.can(Permission.INCIDENT_SETTLE):
        return sa.false()
    return sa.true() if actor.sees_all else Incident.organisation_id == actor.organisation_id


def _open_incidents(session: Session, actor: Actor) -> int:
    some = sa.select(Incident.id).where(_reach(actor), Incident.closed_at.is_(None)).limit(MANY).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def incidents(
    session: Session, actor: Actor, *, closed: bool = False, cursor: int | None = None, limit: int = 50
) -> IncidentPage:
    """A page of the incidents within the actor's reach: those that are open, or those that are closed."""
    state = Incident.closed_at.is_not(None) if closed else Incident.closed_at.is_(None)
    onward = () if cursor is None else (Incident.id < cursor,)
    rows = session.execute(
        _incident_lines().where(_reach(actor), state, *onward).order_by(Incident.id.desc()).limit(limit + 1)
    ).all()
    shown = tuple(IncidentLine(*row) for row in rows[:limit])
    return IncidentPage(shown, shown[-1].id if len(rows) > limit else None)


def incident(session: Session, actor: Actor, incident_id: int) -> IncidentLine:
    """One incident. Raises Refusal(not-found)."""
    row = session.execute(_incident_lines().where(_reach(actor), Incident.id == incident_id)).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return IncidentLine(*row)


def incident_line(session: Session, incident_id: int) -> IncidentLine:
    """One incident, for the house's own clockwork, which sees all."""
    return IncidentLine(*session.execute(_incident_lines().where(Incident.id == incident_id)).one())


def _incident_lines() -> sa.Select[*tuple[Any, ...]]:
    custodian, donor = aliased(Organisation), aliased(Organisation)
    return (
        sa.select(
            Incident.id,
            Label.code,
            Device.category,
            Device.batch_ref,
            custodian.name,
            donor.name,
            Incident.drives,
            Incident.opened_at,
            Incident.due_at,
            Incident.closed_at,
            Incident.outcome,
        )
        .join(Device, Device.id == Incident.device_id)
        .join(Label, CARRIED)
        .join(custodian, custodian.id == Incident.organisation_id)
        .outerjoin(donor, donor.id == Incident.donor_id)
    )
