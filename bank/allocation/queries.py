"""What may be read of requests, allocations and hand-overs, and by whom.

An organisation reads its own requests; a desk reads those whose devices it holds, from the reservation to the
hand-over; the coordinator reads all, without the person's name. Workshops and donors read nothing here.

A list names nobody but the people for whom one asked oneself: to read another name, one opens the request, and
that is written down (`looks.py`).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bank import crypto
from bank.actor import Actor, Permission
from bank.allocation.models import (
    AccessLog,
    Allocation,
    AllocationState,
    CancelReason,
    Cap,
    Handover,
    Payment,
    Programme,
    ProofKind,
    Recipient,
    Request,
    RequestLine,
    RequestState,
    Signature,
    Tariff,
)
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity import rules as identity_rules
from bank.identity.models import (
    Capacity,
    LegalNature,
    Organisation,
    OrganisationRole,
    Person,
)
from bank.inventory.models import Category, Device, Label, LabelState
from bank.journal import Entry, Kind, Subject
from bank.web import pages

CODE_FORM = re.compile(r"[A-Za-z0-9_-]{1,30}")
PAGE = 50

Selected: TypeAlias = sa.Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class AllocationLine:
    """A device promised to a request, at its frozen price."""

    id: int
    device_id: int
    device_code: str
    maker: str
    model: str
    category: Category
    state: AllocationState
    price_cents: int
    cap_cents: int | None
    seller_name: str
    custodian_id: int | None
    custodian_name: str | None
    decided_on: date
    reasons: frozenset[str]


@dataclass(frozen=True)
class AskedLine:
    """How many things of a category are asked for, and how many are promised or handed over."""

    category: Category
    quantity: int
    promised: int = 0

    @property
    def missing(self) -> int:
        """How many are still to be found."""
        return self.quantity - self.promised


@dataclass(frozen=True)
class RequestFacts:
    """A request as this actor may see it: `person_name` and `contact` are None for who has no need of them."""

    id: int
    ref: str
    state: RequestState
    recipient_nature: LegalNature
    proof: ProofKind | None
    proof_day: date | None
    created_at: datetime
    programme_id: int
    programme_code: str
    programme_name: str
    hardship: bool
    organisation_id: int
    organisation_name: str
    person_name: str | None
    contact: str | None
    birth_date: str | None
    needs: frozenset[str]
    made_by: int
    cancel_reason: CancelReason | None
    desk_name: str | None
    appointment_at: datetime | None
    handover_ref: str | None
    lines: tuple[AskedLine, ...] = ()
    allocations: tuple[AllocationLine, ...] = ()

    @property
    def for_a_person(self) -> bool:
        """Whether a person will get the device, rather than the organisation that asks."""
        return self.recipient_nature is LegalNature.PERSON

    @property
    def born_on(self) -> date | None:
        """The person's birth date, for who may read it."""
        return date.fromisoformat(self.birth_date) if self.birth_date else None

    @property
    def total_cents(self) -> int:
        """What is to pay for everything that is or was promised."""
        return sum(line.price_cents for line in self.allocations)

    @property
    def quantity(self) -> int:
        """How many devices are asked for in all."""
        return sum(line.quantity for line in self.lines)

    @property
    def promised(self) -> int:
        """How many of them are promised or handed over."""
        return sum(line.promised for line in self.lines)

    @property
    def missing(self) -> int:
        """How many are still to be found."""
        return self.quantity - self.promised

    def line_of(self, category: Category) -> AskedLine | None:
        """The line that asks for a category, if there is one."""
        return next((line for line in self.lines if line.category is category), None)

    def held_by(self, organisation_id: int) -> bool:
        """Whether this organisation holds every device of the request."""
        return bool(self.allocations) and all(
            line.custodian_id == organisation_id for line in self.allocations
        )


@dataclass(frozen=True)
class RequestFilter:
    """What the list is narrowed to; `cursor` is the last id that was shown."""

    state: RequestState | None = None
    programme: str | None = None
    mine: bool = False
    cursor: int | None = None


@dataclass(frozen=True)
class RequestPage:
    """Some requests, newest first, and where the next ones start."""

    items: tuple[RequestFacts, ...]
    next_cursor: int | None


@dataclass(frozen=True)
class ProgrammeOption:
    """A programme under which the actor may ask today."""

    id: int
    code: str
    name: str
    recipient_nature: LegalNature
    proofs: frozenset[str]
    proof_days: int | None
    categories: tuple[Category, ...]

    @property
    def for_a_person(self) -> bool:
        """Whether it is asked for a person."""
        return self.recipient_nature is LegalNature.PERSON


@dataclass(frozen=True)
class HandoverFacts:
    """A hand-over as its paper shows it: no name, the person writes it when signing."""

    ref: str
    request_ref: str
    desk_name: str
    organisation_name: str
    recipient_nature: LegalNature
    payment: Payment
    paid_cents: int
    signature: Signature
    made_at: datetime
    lines: tuple[AllocationLine, ...] = ()


def today() -> date:
    """The civil day in France: prices and rights change at midnight there."""
    day: date = pages.today_in_paris(utcnow())
    return day


def reference(text: str) -> str:
    """A reference as it is kept, whatever the case it was typed in. Raises Refusal(not-found)."""
    if CODE_FORM.fullmatch(text) is None:
        raise Refusal(Code.NOT_FOUND)
    return text.upper()


# ---- who sees what ----


def _own(actor: Actor) -> sa.ColumnElement[bool]:
    if not actor.can(Permission.REQUEST_MAKE):
        return sa.false()
    return Request.organisation_id == actor.organisation_id


def _at_desk(actor: Actor) -> sa.ColumnElement[bool]:
    if not actor.can(Permission.HANDOVER_MAKE):
        return sa.false()
    held = (
        sa.select(Allocation.id)
        .join(Device, Allocation.device_id == Device.id)
        .where(
            Allocation.request_id == Request.id,
            Allocation.state == AllocationState.LIVE,
            Device.custodian_id == actor.organisation_id,
        )
        .correlate(Request)
    )
    return sa.and_(Request.state == RequestState.ALLOCATED, held.exists())


def _handed_over_by(actor: Actor) -> sa.ColumnElement[bool]:
    if not actor.can(Permission.HANDOVER_MAKE):
        return sa.false()
    made = (
        sa.select(Handover.id)
        .where(Handover.request_id == Request.id, Handover.desk_id == actor.organisation_id)
        .correlate(Request)
    )
    return made.exists()


def visible(actor: Actor) -> sa.ColumnElement[bool]:
    """Which requests exist for this actor."""
    if actor.sees_all:
        return sa.true()
    return sa.or_(_own(actor), _at_desk(actor), _handed_over_by(actor))


def _facts(actor: Actor, named: sa.ColumnElement[bool]) -> Selected:
    # The name is joined only for those who need it: for all others it is not even read.
    recipient, desk = sa.and_(Recipient.id == Request.recipient_id, named), aliased(Organisation)
    return (
        sa.select(
            Request.id,
            Request.ref,
            Request.state,
            Request.recipient_nature,
            Request.proof,
            Request.proof_day,
            Request.created_at,
            Request.programme_id,
            Programme.code,
            Programme.name,
            Programme.hardship,
            Request.organisation_id,
            Organisation.name,
            Recipient.name,
            Recipient.contact,
            Recipient.birth_date,
            Request.needs,
            Request.made_by,
            Request.cancel_reason,
            desk.name,
            Request.appointment_at,
            Handover.ref,
        )
        .select_from(Request)
        .join(Programme, Programme.id == Request.programme_id)
        .join(Organisation, Organisation.id == Request.organisation_id)
        .outerjoin(Recipient, recipient)
        .outerjoin(desk, desk.id == Request.desk_id)
        .outerjoin(Handover, Handover.request_id == Request.id)
        .where(visible(actor))
    )


# ---- requests ----


def listed(session: Session, actor: Actor, wanted: RequestFilter) -> RequestPage:
    """The actor's requests, newest first."""
    mine = Request.made_by == actor.person_id
    statement = _facts(actor, sa.and_(_own(actor), mine)).order_by(Request.id.desc()).limit(PAGE + 1)
    if wanted.state is not None:
        statement = statement.where(Request.state == wanted.state)
    if wanted.programme:
        statement = statement.where(Programme.code == wanted.programme)
    if wanted.mine:
        statement = statement.where(mine)
    if wanted.cursor is not None:
        statement = statement.where(Request.id < wanted.cursor)
    items = [RequestFacts(*row) for row in session.execute(statement)]
    lines = _asked_lines(session, [item.id for item in items[:PAGE]])
    shown = tuple(replace(item, lines=lines[item.id]) for item in items[:PAGE])
    return RequestPage(shown, shown[-1].id if len(items) > PAGE else None)


def find(session: Session, actor: Actor, ref: str) -> RequestFacts:
    """One request with what is promised to it. Raises Refusal(not-found)."""
    named = sa.or_(_own(actor), _at_desk(actor))
    row = session.execute(_facts(actor, named).where(Request.ref == reference(ref))).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    facts = RequestFacts(*row)
    promised = _lines(session, sa.and_(Allocation.request_id == facts.id, COUNTED))
    return replace(facts, lines=_asked_lines(session, [facts.id])[facts.id], allocations=promised)


COUNTED = Allocation.state != AllocationState.RELEASED


def _asked_lines(session: Session, request_ids: Sequence[int]) -> dict[int, tuple[AskedLine, ...]]:
    """What each request asks for and what it has got, in one statement."""
    promised = (
        sa.select(sa.func.count())
        .select_from(Allocation)
        .join(Device, Device.id == Allocation.device_id)
        .where(
            Allocation.request_id == RequestLine.request_id,
            Device.category == RequestLine.category,
            COUNTED,
        )
        .correlate(RequestLine)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(RequestLine.request_id, RequestLine.category, RequestLine.quantity, promised)
        .where(RequestLine.request_id.in_(request_ids))
        .order_by(RequestLine.id)
    ).all()
    return {
        request_id: tuple(AskedLine(*row[1:]) for row in rows if row[0] == request_id)
        for request_id in request_ids
    }


def _lines(session: Session, where: sa.ColumnElement[bool]) -> tuple[AllocationLine, ...]:
    seller, custodian = aliased(Organisation), aliased(Organisation)
    statement: Selected = (
        sa.select(
            Allocation.id,
            Allocation.device_id,
            Label.code,
            Device.maker,
            Device.model,
            Device.category,
            Allocation.state,
            Allocation.price_cents,
            Allocation.cap_cents,
            seller.name,
            Device.custodian_id,
            custodian.name,
            Allocation.decided_on,
            Allocation.reasons,
        )
        .join(Device, Device.id == Allocation.device_id)
        .join(Label, sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED))
        .join(seller, seller.id == Allocation.seller_id)
        .outerjoin(custodian, custodian.id == Device.custodian_id)
        .where(where)
        .order_by(Allocation.device_id)
    )
    return tuple(AllocationLine(*row) for row in session.execute(statement))


def find_allocation(session: Session, actor: Actor, allocation_id: int) -> AllocationLine:
    """One allocation, for those who see its request. Raises Refusal(not-found)."""
    mine = (
        sa.select(Request.id)
        .where(Request.id == Allocation.request_id, visible(actor))
        .correlate(Allocation)
        .exists()
    )
    lines = _lines(session, sa.and_(Allocation.id == allocation_id, mine))
    if not lines:
        raise Refusal(Code.NOT_FOUND)
    return lines[0]


def find_handover(session: Session, actor: Actor, ref: str) -> HandoverFacts:
    """One hand-over, for those who see its request. Raises Refusal(not-found)."""
    desk = aliased(Organisation)
    statement: Selected = (
        sa.select(
            Handover.id,
            Handover.ref,
            Request.ref,
            desk.name,
            Organisation.name,
            Request.recipient_nature,
            Handover.payment,
            Handover.paid_cents,
            Handover.signature,
            Handover.made_at,
        )
        .select_from(Handover)
        .join(Request, Request.id == Handover.request_id)
        .join(Organisation, Organisation.id == Request.organisation_id)
        .join(desk, desk.id == Handover.desk_id)
        .where(Handover.ref == reference(ref), visible(actor))
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    facts = HandoverFacts(*row[1:])
    return replace(facts, lines=_lines(session, Allocation.handover_id == row[0]))


# ---- what happened ----


@dataclass(frozen=True)
class Event:
    """One line of a request's story. Devices that were promised in one go are one line."""

    kind: Kind
    at: datetime
    organisation_name: str | None
    # How many devices it was about, and how many were promised after it.
    devices: int = 0
    promised: int = 0
    reason: str | None = None


# Devices promised within this time by one person were promised in one go.
IN_ONE_GO = timedelta(minutes=1)
CHANGES_PROMISED = {Kind.REQUEST_ALLOCATED: 1, Kind.REQUEST_RELEASED: -1}


def story(session: Session, actor: Actor, asked: RequestFacts) -> list[Event]:
    """What happened to a request, oldest first. Raises Refusal(not-found)."""
    rows = session.execute(
        sa.select(Entry.kind, Entry.at_us, Entry.person_id, Entry.facts, Organisation.name)
        .join(Request, Request.id == Entry.subject_id)
        .outerjoin(Organisation, Organisation.id == Entry.organisation_id)
        .where(Entry.subject == Subject.REQUEST, Entry.subject_id == asked.id, visible(actor))
        .order_by(Entry.id)
    ).all()
    told: list[tuple[Event, int | None]] = []
    promised = 0
    for name, at_us, person_id, facts, organisation_name in rows:
        kind, at = Kind(name), datetime.fromtimestamp(at_us / 1_000_000, UTC)
        promised += CHANGES_PROMISED.get(kind, 0)
        event = Event(kind, at, organisation_name, 1, promised, json.loads(facts).get("reason"))
        last, who = told[-1] if told else (None, None)
        if last and last.kind is kind in CHANGES_PROMISED and who == person_id and at - last.at < IN_ONE_GO:
            told[-1] = (replace(event, at=last.at, devices=last.devices + 1), person_id)
        else:
            told.append((event, person_id))
    return [event for event, _person_id in told]


# ---- finding a person, and who looked ----


@dataclass(frozen=True)
class Found:
    """A request found by a person's name and birth date. It repeats neither."""

    id: int
    ref: str
    state: RequestState
    programme_name: str
    organisation_name: str
    created_at: datetime


@dataclass(frozen=True)
class Look:
    """Somebody opened a person's file. `person_name` is None for who has no need of it."""

    id: int
    at: datetime
    request_ref: str
    organisation_name: str
    person_name: str | None


@dataclass(frozen=True)
class LookPage:
    """Some looks, newest first, and where the next ones start."""

    items: tuple[Look, ...]
    next_cursor: int | None


def of_person(session: Session, actor: Actor, name: str, birth_date: date) -> list[Found]:
    """The requests within the actor's reach for the person of exactly this name and birth date, newest first."""
    statement: Selected = (
        sa.select(
            Request.id, Request.ref, Request.state, Programme.name, Organisation.name, Request.created_at
        )
        .join(Recipient, Recipient.id == Request.recipient_id)
        .join(Programme, Programme.id == Request.programme_id)
        .join(Organisation, Organisation.id == Request.organisation_id)
        .where(Recipient.search_hash.in_(crypto.recipient_hashes(name, birth_date)), visible(actor))
        .order_by(Request.id.desc())
        .limit(PAGE)
    )
    return [Found(*row) for row in session.execute(statement)]


def looks(session: Session, actor: Actor, *, ref: str | None = None, cursor: int | None = None) -> LookPage:
    """Who opened people's files: all for the coordinator; for others what their organisation asked or opened."""
    actor.must(Permission.LOOK_SEE)
    ours = AccessLog.organisation_id == actor.organisation_id
    named = sa.true() if actor.sees_all else ours
    statement: Selected = (
        sa.select(AccessLog.id, AccessLog.at, Request.ref, Organisation.name, Person.name)
        .join(Request, Request.id == AccessLog.request_id)
        .join(Organisation, Organisation.id == AccessLog.organisation_id)
        .outerjoin(Person, sa.and_(Person.id == AccessLog.person_id, named))
        .order_by(AccessLog.id.desc())
        .limit(PAGE + 1)
    )
    if not actor.sees_all:
        statement = statement.where(sa.or_(ours, Request.organisation_id == actor.organisation_id))
    if ref is not None:
        statement = statement.where(Request.ref == ref)
    if cursor is not None:
        statement = statement.where(AccessLog.id < cursor)
    items = [Look(*row) for row in session.execute(statement)]
    shown = tuple(items[:PAGE])
    return LookPage(shown, shown[-1].id if len(items) > PAGE else None)


# ---- programmes ----


def in_force(model: type[Programme | Tariff | Cap], day: date) -> sa.ColumnElement[bool]:
    """Dated rows that count on a day, both ends included."""
    ended = sa.or_(model.valid_until.is_(None), model.valid_until >= day)
    return sa.and_(model.valid_from <= day, ended)


def priced_under(programme_id: int) -> sa.ColumnElement[bool]:
    """The tariffs of a programme: of all its rows, since new terms leave the prices as they are."""
    this, same = aliased(Programme), aliased(Programme)
    return Tariff.programme_id.in_(
        sa.select(same.id).join(this, this.code == same.code).where(this.id == programme_id)
    )


def options(session: Session, actor: Actor) -> list[ProgrammeOption]:
    """The programmes in force under which the actor's organisation may ask, with their priced categories."""
    day = today()
    mine = session.get_one(Organisation, actor.organisation_id)
    held = identity_rules.capacities_on(
        session.scalars(sa.select(Capacity).where(Capacity.organisation_id == mine.id)), day
    )
    natures = set()
    if OrganisationRole.PRESCRIBER in mine.roles:
        natures.add(LegalNature.PERSON)
    if OrganisationRole.STRUCTURE in mine.roles:
        natures.add(mine.legal_nature)
    rows = session.scalars(
        sa.select(Programme)
        .where(in_force(Programme, day), Programme.recipient_nature.in_(natures))
        .order_by(Programme.code, Programme.valid_from)
    ).all()
    # A later row of the same code takes over from the one before.
    current = {row.code: row for row in rows if row.capacity_asked is None or row.capacity_asked in held}
    priced = session.execute(
        sa.select(Programme.code, Tariff.category)
        .join(Programme, Programme.id == Tariff.programme_id)
        .where(in_force(Tariff, day), Programme.code.in_(current))
        .distinct()
    ).all()
    return [
        ProgrammeOption(
            row.id,
            row.code,
            row.name,
            row.recipient_nature,
            row.proofs,
            row.proof_days,
            tuple(
                category for category in Category if (row.code, category) in {tuple(pair) for pair in priced}
            ),
        )
        for row in current.values()
    ]


def programme_codes(session: Session, actor: Actor) -> list[tuple[str, str]]:
    """Code and name of the programmes that the actor's requests were made under, for the list's filter."""
    asked_under = (
        sa.select(Request.id)
        .where(Request.programme_id == Programme.id, visible(actor))
        .correlate(Programme)
        .exists()
    )
    statement = (
        sa.select(Programme.code, sa.func.max(Programme.name))
        .where(asked_under)
        .group_by(Programme.code)
        .order_by(Programme.code)
    )
    return [(code, name) for code, name in session.execute(statement)]
