"""Reads of stock-takes: what is expected at a place, what was seen there, what is to be settled.

While a take is open everything is read from where the devices stand now; once it is closed, from what it kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.db import table
from bank.errors import Code, Refusal
from bank.inventory.lifecycle import TABLE, Move, State
from bank.inventory.models import Category, Device, Label, LabelState, Place
from bank.inventory.queries import inside
from bank.scanning.models import Sight, StockTake, StockTakeScan

# What stands somewhere: a device in another state is not where the register says that it is.
PRESENT = (State.RECEIVED, State.IN_WORK, State.READY, State.RESERVED, State.HARVESTED)
LATEST = 20

device, label, place = map(table, (Device, Label, Place))
take, seen = table(StockTake), table(StockTakeScan)
# Where a device stands may be another's place, whose name is nobody's business here.
own_place = place.alias("own_place")


class Why(StrEnum):
    """Why a thing that was seen was not expected there."""

    OTHER_PLACE = "other_place"
    NO_PLACE = "no_place"
    MISSING = "missing"
    GONE = "gone"
    ELSEWHERE = "elsewhere"
    UNKNOWN = "unknown"


class Settlement(StrEnum):
    """What is done about one line when the take is closed. PUT: it stands here from now on."""

    PUT = "put"
    LOST = "lost"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of a take: a device, by its label, or whatever else the scanner gave."""

    said: str
    sight: Sight
    why: Why | None = None
    device_id: int | None = None
    category: Category | None = None
    maker: str = ""
    model: str = ""
    state: State | None = None
    place: str | None = None
    open_drives: int = 0
    settled: Settlement | None = None

    @property
    def offered(self) -> tuple[Settlement, ...]:
        """What can be done about it; the first is what is done where nobody chooses."""
        if self.sight is Sight.MISSING:
            can_be_lost = (self.state, Move.LOSE) in TABLE
            return (Settlement.LEFT, Settlement.LOST) if can_be_lost else (Settlement.LEFT,)
        if self.why in (Why.OTHER_PLACE, Why.NO_PLACE, Why.MISSING):
            return (Settlement.PUT, Settlement.LEFT)
        return (Settlement.LEFT,)


@dataclass(frozen=True, slots=True)
class Take:
    """A take. `found`: expected and seen; `missing`: expected and not seen; `others`: seen and not expected."""

    id: int
    place_id: int
    place: str
    opened_at: datetime
    closed_at: datetime | None
    found: tuple[Line, ...]
    missing: tuple[Line, ...]
    others: tuple[Line, ...]

    @property
    def expected(self) -> int:
        """How many devices the register has there."""
        return len(self.found) + len(self.missing)

    @property
    def to_settle(self) -> tuple[Line, ...]:
        """What leaves a choice, the unexpected first."""
        return tuple(line for line in (*self.others, *self.missing) if len(line.offered) > 1)


@dataclass(frozen=True, slots=True)
class TakeLine:
    """A take in a list."""

    id: int
    place: str
    opened_at: datetime
    closed_at: datetime | None


def takes(session: Session, actor: Actor, *, closed: bool) -> list[TakeLine]:
    """The organisation's open takes, or the last closed ones."""
    wanted = take.c.closed_at.is_not(None) if closed else take.c.closed_at.is_(None)
    rows = session.execute(
        sa.select(take.c.id, place.c.name, take.c.opened_at, take.c.closed_at)
        .join(place, place.c.id == take.c.place_id)
        .where(take.c.organisation_id == actor.organisation_id, wanted)
        .order_by(take.c.id.desc())
        .limit(LATEST)
    )
    return [TakeLine(*row) for row in rows]


def stock_take(session: Session, actor: Actor, take_id: int) -> Take:
    """One take. Raises Refusal(not-found)."""
    row = session.execute(
        sa.select(take, place.c.name)
        .join(place, place.c.id == take.c.place_id)
        .where(take.c.id == take_id, take.c.organisation_id == actor.organisation_id)
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    lines = (
        _as_seen(session, actor, row.place_id, take_id) if row.closed_at is None else _kept(session, take_id)
    )
    return Take(
        row.id,
        row.place_id,
        row.name,
        row.opened_at,
        row.closed_at,
        found=tuple(line for line in lines if line.sight is Sight.FOUND),
        missing=tuple(line for line in lines if line.sight is Sight.MISSING),
        others=tuple(line for line in lines if line.sight in (Sight.UNEXPECTED, Sight.UNKNOWN)),
    )


def expected_at(actor: Actor, place_id: int) -> sa.ColumnElement[bool]:
    """Whether a device should stand at the place, or in what stands there."""
    return sa.and_(
        device.c.custodian_id == actor.organisation_id,
        device.c.place_id.in_(inside(place_id)),
        device.c.state.in_(PRESENT),
    )


def why_unexpected(actor: Actor, state: State, custodian_id: int | None, place_id: int | None) -> Why:
    """What of a device that was not expected is not as the register has it."""
    if custodian_id != actor.organisation_id:
        return Why.GONE if custodian_id is None else Why.ELSEWHERE
    if state is State.MISSING:
        return Why.MISSING
    if state not in PRESENT:
        return Why.GONE
    return Why.NO_PLACE if place_id is None else Why.OTHER_PLACE


TOLD = (
    device.c.id.label("device_id"),
    label.c.code,
    device.c.category,
    device.c.maker,
    device.c.model,
    device.c.state,
    device.c.open_drives,
    own_place.c.name.label("place"),
)


def _told(actor: Actor, *more: Any) -> sa.Select[Any]:
    return (
        sa.select(*TOLD, *more)
        .select_from(device)
        .join(label, sa.and_(label.c.device_id == device.c.id, label.c.state == LabelState.CLAIMED))
        .outerjoin(
            own_place,
            sa.and_(
                own_place.c.id == device.c.place_id, own_place.c.organisation_id == actor.organisation_id
            ),
        )
    )


def _as_seen(session: Session, actor: Actor, place_id: int, take_id: int) -> list[Line]:
    """The lines of an open take, as the devices stand now: the missing by label, the others the latest first."""
    was_seen = sa.select(seen.c.device_id).where(
        seen.c.stock_take_id == take_id, seen.c.device_id.is_not(None)
    )
    unseen = session.execute(
        _told(actor).where(expected_at(actor, place_id), device.c.id.not_in(was_seen)).order_by(label.c.code)
    )
    expected = expected_at(actor, place_id).label("expected")
    known = session.execute(
        _told(actor, expected, device.c.custodian_id, device.c.place_id, seen.c.id.label("at"))
        .join(seen, seen.c.device_id == device.c.id)
        .where(seen.c.stock_take_id == take_id)
    )
    unknown = session.execute(
        sa.select(seen.c.id, seen.c.said).where(seen.c.stock_take_id == take_id, seen.c.device_id.is_(None))
    )
    of_scans = {row.at: _seen_line(actor, row) for row in known}
    of_scans |= {row.id: Line(row.said, Sight.UNKNOWN, Why.UNKNOWN) for row in unknown}
    return [
        *(_line(row, Sight.MISSING, None) for row in unseen),
        *(of_scans[at] for at in sorted(of_scans, reverse=True)),
    ]


def _seen_line(actor: Actor, row: Any) -> Line:
    if row.expected:
        return _line(row, Sight.FOUND, None)
    return _line(row, Sight.UNEXPECTED, why_unexpected(actor, row.state, row.custodian_id, row.place_id))


def _line(row: Any, sight: Sight, why: Why | None) -> Line:
    return Line(
        said=row.code,
        sight=sight,
        why=why,
        device_id=row.device_id,
        category=row.category,
        maker=row.maker,
        model=row.model,
        state=row.state,
        place=row.place,
        open_drives=row.open_drives,
    )


def _kept(session: Session, take_id: int) -> Sequence[Line]:
    """The lines of a closed take, as it was closed."""
    rows = session.execute(
        sa.select(
            seen.c.said,
            seen.c.sight,
            seen.c.settled,
            device.c.id,
            device.c.category,
            device.c.maker,
            device.c.model,
        )
        .outerjoin(device, device.c.id == seen.c.device_id)
        .where(seen.c.stock_take_id == take_id)
        .order_by(seen.c.said)
    )
    return [
        Line(
            said=row.said,
            sight=row.sight,
            device_id=row.id,
            category=row.category,
            maker=row.maker or "",
            model=row.model or "",
            settled=Settlement(row.settled) if row.settled else None,
        )
        for row in rows
    ]


def by_label(lines: Sequence[Line]) -> Mapping[str, Line]:
    """The devices among the lines, by their labels."""
    return {line.said: line for line in lines if line.device_id is not None}
