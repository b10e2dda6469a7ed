"""What the counter reads: who comes today, what a scanned code leads to, appointments, devices that come back."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.allocation import queries
from bank.allocation.models import Allocation, AllocationState, Handover, Request, RequestState
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature, Organisation, OrganisationRole
from bank.inventory import codes
from bank.inventory.models import Device, Label
from bank.web.pages import today_in_paris

AWAITED = 200

Selected: TypeAlias = sa.Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Awaited:
    """A request whose devices wait at this counter. A list names nobody: opening the request is written down."""

    ref: str
    appointment_at: datetime | None
    recipient_nature: LegalNature
    organisation_name: str
    devices: int
    total_cents: int

    @property
    def for_a_person(self) -> bool:
        """Whether a person will get the devices, rather than the organisation that asked."""
        return self.recipient_nature is LegalNature.PERSON

    @property
    def day(self) -> date | None:
        """The civil day in France of the appointment."""
        return today_in_paris(self.appointment_at) if self.appointment_at else None


@dataclass(frozen=True)
class Awaiting:
    """Those who come today, those of other days, those without an appointment."""

    today: tuple[Awaited, ...]
    other_days: tuple[Awaited, ...]
    unset: tuple[Awaited, ...]


@dataclass(frozen=True)
class Appointment:
    """Where and when a request is handed over; `desks` are the counters that hold all its devices."""

    ref: str
    state: RequestState
    desk_id: int | None
    desk_name: str | None
    at: datetime | None
    slip_code: str | None
    version: int
    desks: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Found:
    """What a code typed at the counter leads to: a request to hand over, or one that was."""

    request_ref: str
    handover_ref: str | None


@dataclass(frozen=True)
class Given:
    """A device that was handed over or lent, as it comes back."""

    allocation_id: int
    device_id: int
    request_id: int
    seller_id: int
    handover_ref: str


def awaiting(session: Session, actor: Actor) -> Awaiting:
    """The requests whose devices wait at the actor's counter, by appointment."""
    actor.must(Permission.HANDOVER_MAKE)
    statement: Selected = (
        sa.select(
            Request.ref,
            Request.appointment_at,
            Request.recipient_nature,
            Organisation.name,
            sa.func.count(Allocation.id),
            sa.func.sum(Allocation.price_cents),
        )
        .select_from(Request)
        .join(Organisation, Organisation.id == Request.organisation_id)
        .join(Allocation, Allocation.request_id == Request.id)
        .join(Device, Device.id == Allocation.device_id)
        .where(
            Request.state == RequestState.ALLOCATED,
            Allocation.state == AllocationState.LIVE,
            Device.custodian_id == actor.organisation_id,
        )
        .group_by(Request.id, Organisation.name)
        .order_by(Request.appointment_at, Request.id)
        .limit(AWAITED)
    )
    rows = [Awaited(*row) for row in session.execute(statement)]
    day = queries.today()
    return Awaiting(
        tuple(row for row in rows if row.day == day),
        tuple(row for row in rows if row.day not in (None, day)),
        tuple(row for row in rows if row.day is None),
    )


def find(session: Session, actor: Actor, typed: str) -> Found:
    """What the code of a slip, of a request, of a hand-over or of a device leads to.

    Raises Refusal(not-found).
    """
    actor.must(Permission.HANDOVER_MAKE)
    statement: Selected = (
        sa.select(Request.ref, Handover.ref)
        .select_from(Request)
        .outerjoin(Handover, Handover.request_id == Request.id)
        .where(_named_by(typed), queries.visible(actor))
        .order_by(Request.id.desc())
        .limit(1)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return Found(*row)


def _named_by(typed: str) -> sa.ColumnElement[bool]:
    try:
        code = codes.read(typed)
    except Refusal:
        ref = queries.reference(typed.strip())
        return sa.or_(Request.ref == ref, Handover.ref == ref)
    counted = (AllocationState.LIVE, AllocationState.HANDED_OVER)
    of_device = (
        sa.select(Allocation.id)
        .join(Label, Label.device_id == Allocation.device_id)
        .where(Allocation.request_id == Request.id, Allocation.state.in_(counted), Label.code == code)
        .correlate(Request)
    )
    return sa.or_(Request.slip_code == code, of_device.exists())


def appointment(session: Session, actor: Actor, ref: str) -> Appointment:
    """The appointment of a request, for those who see the request. Raises Refusal(not-found)."""
    statement: Selected = (
        sa.select(Request, Organisation.name)
        .select_from(Request)
        .outerjoin(Organisation, Organisation.id == Request.desk_id)
        .where(Request.ref == queries.reference(ref), queries.visible(actor))
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    found, desk_name = row
    return Appointment(
        found.ref,
        found.state,
        found.desk_id,
        desk_name,
        found.appointment_at,
        found.slip_code,
        found.version,
        _desks(session, found.id),
    )


def _desks(session: Session, request_id: int) -> tuple[tuple[int, str], ...]:
    """The counter that holds everything promised to the request; none when it is in several places."""
    held = sa.literal(" ") + sa.type_coerce(Organisation.roles, sa.Text()) + " "
    custodians = (
        sa.select(Device.custodian_id)
        .join(Allocation, Allocation.device_id == Device.id)
        .where(Allocation.request_id == request_id, Allocation.state == AllocationState.LIVE)
        .distinct()
    )
    found = list(session.scalars(custodians))
    if len(found) != 1 or found[0] is None:
        return ()
    desks = sa.select(Organisation.id, Organisation.name).where(
        Organisation.id == found[0], held.contains(f" {OrganisationRole.DESK.value} ")
    )
    return tuple((desk_id, name) for desk_id, name in session.execute(desks))


def given(session: Session, actor: Actor, device_id: int) -> Given:
    """The hand-over that a device comes back from, for the counter that made it. Raises Refusal(not-found)."""
    actor.must(Permission.HANDOVER_MAKE)
    mine = sa.true() if actor.sees_all else Handover.desk_id == actor.organisation_id
    statement: Selected = (
        sa.select(
            Allocation.id, Allocation.device_id, Allocation.request_id, Allocation.seller_id, Handover.ref
        )
        .join(Handover, Handover.id == Allocation.handover_id)
        .where(Allocation.device_id == device_id, Allocation.state == AllocationState.HANDED_OVER, mine)
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return Given(*row)


def due_on(session: Session, actor: Actor, handover_ref: str) -> date | None:
    """The day on which what was lent is to come back, for those who see the request; None for what was given."""
    statement = (
        sa.select(sa.func.min(Allocation.due_on))
        .join(Handover, Handover.id == Allocation.handover_id)
        .join(Request, Request.id == Handover.request_id)
        .where(Handover.ref == queries.reference(handover_ref), queries.visible(actor))
    )
    return session.scalar(statement)
