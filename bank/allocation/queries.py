"""What may be read of requests, allocations and hand-overs, and by whom.

An organisation reads its own requests; a desk reads those whose devices it holds, from the reservation to the
hand-over; the coordinator reads all, without the person's name. Workshops and donors read nothing here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bank.actor import Actor, Permission
from bank.allocation import pricing
from bank.allocation.models import (
    Allocation,
    AllocationState,
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
from bank.identity.models import Capacity, LegalNature, Organisation, OrganisationRole
from bank.inventory import register
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Device, Label, LabelState, LegalBasis, Origin
from bank.web import pages

CODE_FORM = re.compile(r"[A-Za-z0-9_-]{1,30}")
PAGE = 50
CANDIDATES = 50

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
    handover_ref: str | None
    lines: tuple[AskedLine, ...] = ()
    allocations: tuple[AllocationLine, ...] = ()

    @property
    def for_a_person(self) -> bool:
        """Whether a person will get the device, rather than the organisation that asks."""
        return self.recipient_nature is LegalNature.PERSON

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
    cursor: int | None = None


@dataclass(frozen=True)
class RequestPage:
    """Some requests, newest first, and where the next ones start."""

    items: tuple[RequestFacts, ...]
    next_cursor: int | None


@dataclass(frozen=True)
class ProgrammeOption:
    """A programme under which the actor may ask today."""

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
class Candidate:
    """A device that could answer a request, with its price and verdict."""

    quote: pricing.Quote
    device_code: str
    maker: str
    model: str
    custodian_name: str | None
    seller_name: str | None


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


def _facts(actor: Actor) -> Selected:
    # The name is joined only for those who need it: for all others it is not even read.
    named = sa.and_(Recipient.id == Request.recipient_id, sa.or_(_own(actor), _at_desk(actor)))
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
            Handover.ref,
        )
        .select_from(Request)
        .join(Programme, Programme.id == Request.programme_id)
        .join(Organisation, Organisation.id == Request.organisation_id)
        .outerjoin(Recipient, named)
        .outerjoin(Handover, Handover.request_id == Request.id)
        .where(visible(actor))
    )


# ---- requests ----


def listed(session: Session, actor: Actor, wanted: RequestFilter) -> RequestPage:
    """The actor's requests, newest first."""
    statement = _facts(actor).order_by(Request.id.desc()).limit(PAGE + 1)
    if wanted.state is not None:
        statement = statement.where(Request.state == wanted.state)
    if wanted.programme:
        statement = statement.where(Programme.code == wanted.programme)
    if wanted.cursor is not None:
        statement = statement.where(Request.id < wanted.cursor)
    items = [RequestFacts(*row) for row in session.execute(statement)]
    lines = _asked_lines(session, [item.id for item in items[:PAGE]])
    shown = tuple(replace(item, lines=lines[item.id]) for item in items[:PAGE])
    return RequestPage(shown, shown[-1].id if len(items) > PAGE else None)


def find(session: Session, actor: Actor, ref: str) -> RequestFacts:
    """One request with what is promised to it. Raises Refusal(not-found)."""
    row = session.execute(_facts(actor).where(Request.ref == reference(ref))).one_or_none()
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


# ---- programmes ----


def in_force(model: type[Programme | Tariff | Cap], day: date) -> sa.ColumnElement[bool]:
    """Dated rows that count on a day, both ends included."""
    ended = sa.or_(model.valid_until.is_(None), model.valid_until >= day)
    return sa.and_(model.valid_from <= day, ended)


def options(session: Session, actor: Actor) -> list[ProgrammeOption]:
    """The programmes in force under which the actor's organisation may ask, with their priced categories."""
    day = today()
    mine = session.get_one(Organisation, actor.organisation_id)
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
    current = {row.code: row for row in rows}
    priced = session.execute(
        sa.select(Tariff.programme_id, Tariff.category)
        .where(in_force(Tariff, day), Tariff.programme_id.in_([row.id for row in current.values()]))
        .distinct()
    ).all()
    return [
        ProgrammeOption(
            row.code,
            row.name,
            row.recipient_nature,
            row.proofs,
            row.proof_days,
            tuple(
                category for category in Category if (row.id, category) in {tuple(pair) for pair in priced}
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


# ---- prices ----


def price_book(session: Session, programme_id: int, category: Category, day: date) -> pricing.PriceBook:
    """The dated rows that a quote may look at."""
    tariffs = session.scalars(
        sa.select(Tariff).where(
            Tariff.programme_id == programme_id, Tariff.category == category, in_force(Tariff, day)
        )
    )
    caps = session.scalars(sa.select(Cap).where(Cap.category == category, in_force(Cap, day)))
    return pricing.PriceBook(
        tuple(
            pricing.TariffRow(
                row.id,
                row.programme_id,
                row.category,
                row.seller_id,
                row.price_cents,
                row.valid_from,
                row.valid_until,
            )
            for row in tariffs
        ),
        tuple(
            pricing.CapRow(row.category, row.cap_cents, row.valid_from, row.article, row.valid_until)
            for row in caps
        ),
    )


def sellers(session: Session, ids: Iterable[int | None], day: date) -> dict[int | None, pricing.Seller]:
    """Those who have title, with their legal capacities of that day."""
    wanted = {organisation_id for organisation_id in ids if organisation_id is not None}
    held: dict[int, list[Capacity]] = {organisation_id: [] for organisation_id in wanted}
    for row in session.scalars(sa.select(Capacity).where(Capacity.organisation_id.in_(wanted))):
        held[row.organisation_id].append(row)
    return {
        organisation_id: pricing.Seller(organisation_id, identity_rules.capacities_on(rows, day))
        for organisation_id, rows in held.items()
    }


def quote_for(session: Session, asked: RequestFacts, device: register.Standing, day: date) -> pricing.Quote:
    """The price and the verdict for one device that the request asks for."""
    origin = session.get_one(Origin, device.origin_id)
    case = _case(
        asked,
        device.category,
        pricing.Provenance(origin.legal_basis, origin.donor_nature, origin.no_resale),
        sellers(session, [device.owner_id], day).get(device.owner_id),
    )
    return pricing.quote(price_book(session, asked.programme_id, device.category, day), case, day)


def quote_device(session: Session, actor: Actor, request_ref: str, code: str) -> pricing.Quote:
    """The price and the verdict for the device under a label.

    Raises Refusal(not-found, invalid) and what the register raises on a label.
    """
    actor.must(Permission.REQUEST_ALLOCATE)
    asked = find(session, actor, request_ref)
    standing = register.look(session, code)
    must_be_asked_for(asked, standing.category)
    return quote_for(session, asked, standing, today())


def must_be_asked_for(asked: RequestFacts, category: Category) -> None:
    """Raise Refusal(invalid) for a device of a category that was not asked for."""
    if asked.line_of(category) is None:
        raise Refusal(Code.INVALID, errors={"device": ["other-category"]})


def _case(
    asked: RequestFacts,
    category: Category,
    provenance: pricing.Provenance,
    seller: pricing.Seller | None,
) -> pricing.Case:
    return pricing.Case(
        programme_id=asked.programme_id,
        category=category,
        provenance=provenance,
        seller=seller,
        buyer=pricing.Buyer(asked.recipient_nature, asked.hardship),
    )


Profile = tuple[LegalBasis, LegalNature | None, bool, int | None]


def candidates(session: Session, actor: Actor, asked: RequestFacts, category: Category) -> list[Candidate]:
    """Ready devices of the category with their quote, the lawful ones first, then the oldest.

    The verdict depends on origin and owner only: each kind is judged once, so that old stock that may not be
    sold cannot hide what may.
    """
    actor.must(Permission.REQUEST_ALLOCATE)
    quotes = _quotes(session, asked, category, today())
    seller, custodian = aliased(Organisation), aliased(Organisation)
    lawful = [_is_profile(profile) for profile, quoted in quotes.items() if quoted.ok]
    statement: Selected = (
        sa.select(
            Label.code,
            Device.maker,
            Device.model,
            custodian.name,
            seller.name,
            *PROFILE,
        )
        .select_from(Device)
        .join(Origin, Origin.id == Device.origin_id)
        .join(Label, sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED))
        .outerjoin(seller, seller.id == Device.owner_id)
        .outerjoin(custodian, custodian.id == Device.custodian_id)
        .where(Device.state == State.READY, Device.category == category)
        .order_by(sa.case((sa.or_(sa.false(), *lawful), 0), else_=1), Device.id)
        .limit(CANDIDATES)
    )
    return [
        Candidate(quotes[_profile(row[5:])], *row[:5])
        for row in session.execute(statement)
        if _profile(row[5:]) in quotes
    ]


PROFILE = (Origin.legal_basis, Origin.donor_nature, Origin.no_resale, Device.owner_id)


def _profile(row: Sequence[Any]) -> Profile:
    basis, nature, no_resale, owner_id = row
    return basis, nature, no_resale, owner_id


def _is_profile(profile: Profile) -> sa.ColumnElement[bool]:
    pairs = zip(PROFILE, profile, strict=True)
    return sa.and_(*(column.is_not_distinct_from(value) for column, value in pairs))


def _quotes(
    session: Session, asked: RequestFacts, category: Category, day: date
) -> dict[Profile, pricing.Quote]:
    rows = session.execute(
        sa.select(*PROFILE)
        .select_from(Device)
        .join(Origin, Origin.id == Device.origin_id)
        .where(Device.state == State.READY, Device.category == category)
        .distinct()
    )
    profiles = [_profile(row) for row in rows]
    book = price_book(session, asked.programme_id, category, day)
    owners = sellers(session, [profile[3] for profile in profiles], day)
    return {
        profile: pricing.quote(
            book, _case(asked, category, pricing.Provenance(*profile[:3]), owners.get(profile[3])), day
        )
        for profile in profiles
    }
