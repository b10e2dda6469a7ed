"""Reads of shipments: those that one sends, those that come, and what each side does not agree on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.identity.models import Organisation
from bank.inventory.models import Category, Device, Label, LabelState
from bank.workshops import shipments
from bank.workshops.models import Shipment, ShipmentLine
from bank.workshops.shipments import RECEIVERS, Difference, Settled

PAGE = 50
sender, receiver = aliased(Organisation), aliased(Organisation)


@dataclass(frozen=True, slots=True)
class ShipmentRow:
    """One shipment in a list, or at the head of its page. `here` is whether it comes to whoever asks."""

    id: int
    sender: str
    receiver: str
    sent_at: datetime
    closed_at: datetime | None
    devices: int
    awaited: int
    here: bool
    own: bool


@dataclass(frozen=True, slots=True)
class LineSheet:
    """One device of a shipment, and what is open about it."""

    code: str
    category: Category
    maker: str
    model: str
    open_drives: int
    arrived_at: datetime | None
    difference: Difference | None
    settled: Settled | None


@dataclass(frozen=True, slots=True)
class ShipmentSheet:
    """One shipment with its devices: what is open first."""

    row: ShipmentRow
    lines: tuple[LineSheet, ...]

    @property
    def arrived(self) -> int:
        """How many came as they were listed."""
        return sum(line.arrived_at is not None and line.difference is None for line in self.lines)

    def open(self, difference: Difference) -> tuple[LineSheet, ...]:
        """What the two sides do not agree on."""
        return tuple(line for line in self.lines if line.difference is difference)


@dataclass(frozen=True, slots=True)
class ShipmentPage:
    """A page of shipments, the latest first."""

    shipments: tuple[ShipmentRow, ...]
    next_cursor: int | None


def receivers(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """Who takes devices in, but for the actor's own organisation."""
    held = sa.literal(" ") + sa.type_coerce(Organisation.roles, sa.Text()) + " "
    takes = sa.or_(*(held.contains(f" {role} ") for role in sorted(RECEIVERS)))
    rows = session.execute(
        sa.select(Organisation.id, Organisation.name)
        .where(takes, Organisation.id != actor.organisation_id)
        .order_by(Organisation.name)
    )
    return [(row.id, row.name) for row in rows]


def reach(actor: Actor) -> sa.ColumnElement[bool]:
    """The shipments that an actor sees: those of their organisation, from and to it."""
    return sa.or_(Shipment.organisation_id == actor.organisation_id, Shipment.to_id == actor.organisation_id)


def awaiting(actor: Actor) -> sa.Select[Any]:
    """Open shipments that come to the actor's organisation, by id."""
    return sa.select(Shipment.id).where(Shipment.to_id == actor.organisation_id, Shipment.closed_at.is_(None))


def unsettled(actor: Actor) -> sa.Select[Any]:
    """Open shipments of the actor's organisation of which some devices came, or others than listed did."""
    seen = sa.select(ShipmentLine.device_id).where(
        ShipmentLine.shipment_id == Shipment.id, ShipmentLine.arrived_at.is_not(None)
    )
    return sa.select(Shipment.id).where(
        Shipment.organisation_id == actor.organisation_id, Shipment.closed_at.is_(None), seen.exists()
    )


def shipments_of(
    session: Session, actor: Actor, *, closed: bool = False, cursor: int | None = None
) -> ShipmentPage:
    """A page of the actor's shipments: those under way, or those that are over."""
    actor.must(Permission.SHIPMENT_RECEIVE)
    state = Shipment.closed_at.is_not(None) if closed else Shipment.closed_at.is_(None)
    onward = () if cursor is None else (Shipment.id < cursor,)
    rows = session.execute(
        _rows(actor).where(state, *onward).order_by(Shipment.id.desc()).limit(PAGE + 1)
    ).all()
    shown = tuple(ShipmentRow(*row) for row in rows[:PAGE])
    return ShipmentPage(shown, shown[-1].id if len(rows) > PAGE else None)


def _rows(actor: Actor) -> sa.Select[Any]:
    of = sa.select(sa.func.count()).where(ShipmentLine.shipment_id == Shipment.id)
    return (
        sa.select(
            Shipment.id,
            sender.name,
            receiver.name,
            Shipment.sent_at,
            Shipment.closed_at,
            of.correlate(Shipment).scalar_subquery(),
            of.where(ShipmentLine.open).correlate(Shipment).scalar_subquery(),
            Shipment.to_id == actor.organisation_id,
            Shipment.organisation_id == actor.organisation_id,
        )
        .join(sender, sender.id == Shipment.organisation_id)
        .join(receiver, receiver.id == Shipment.to_id)
        .where(reach(actor))
    )


def shipment(session: Session, actor: Actor, shipment_id: int) -> ShipmentSheet:
    """One shipment, for its sender and for whom it goes to. Raises Refusal(not-found)."""
    actor.must(Permission.SHIPMENT_RECEIVE)
    row = session.execute(_rows(actor).where(Shipment.id == shipment_id)).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return ShipmentSheet(ShipmentRow(*row), tuple(_lines(session, shipment_id)))


def _lines(session: Session, shipment_id: int) -> Sequence[LineSheet]:
    rows = session.execute(
        sa.select(ShipmentLine, Label.code, Device.category, Device.maker, Device.model, Device.open_drives)
        .join(Device, Device.id == ShipmentLine.device_id)
        .join(Label, sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED))
        .where(ShipmentLine.shipment_id == shipment_id)
        .order_by(ShipmentLine.open.desc(), Label.code)
    )
    return [
        LineSheet(
            row.code,
            row.category,
            row.maker,
            row.model,
            row.open_drives,
            row.ShipmentLine.arrived_at,
            shipments.difference_of(row.ShipmentLine),
            Settled(row.ShipmentLine.settled) if row.ShipmentLine.settled in set(Settled) else None,
        )
        for row in rows
    ]
