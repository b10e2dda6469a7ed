"""What stock could answer a request, and at what price: each device with its verdict and its reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bank.actor import Actor, Permission
from bank.allocation import pricing, queries
from bank.allocation.models import Cap, Tariff
from bank.allocation.pricing import SET_OF_A_DESKTOP
from bank.allocation.queries import RequestFacts, Selected, in_force
from bank.errors import Code, Refusal
from bank.identity import rules as identity_rules
from bank.identity.models import Capacity, CapacityKind, LegalNature, Organisation
from bank.inventory import register
from bank.inventory.lifecycle import State
from bank.inventory.models import (
    Category,
    Condition,
    Device,
    Grade,
    Label,
    LabelState,
    LegalBasis,
    Origin,
    Place,
)
from bank.inventory.register import Standing

# How many devices are offered for one line; where more are asked for, as many as that.
CANDIDATES = 20
# How many of those that the law or the donor keeps from the request are shown with their reason.
KEPT_BACK = 20


@dataclass(frozen=True)
class Candidate:
    """A device that could answer a request, with its price and verdict."""

    quote: pricing.Quote
    device_code: str
    maker: str
    model: str
    custodian_name: str | None
    place_name: str | None
    seller_name: str | None
    grade: Grade | None
    battery_percent: int | None


@dataclass(frozen=True)
class PriceLine:
    """What a line costs at the prices of the day, before any device is chosen. None: no price, or two."""

    category: Category
    quantity: int
    unit_cents: int | None

    @property
    def total_cents(self) -> int | None:
        """For all of the line."""
        return None if self.unit_cents is None else self.unit_cents * self.quantity


# ---- the dated rows ----


def price_book(session: Session, programme_id: int, category: Category, day: date) -> pricing.PriceBook:
    """The dated rows that a quote may look at."""
    tariffs = session.scalars(
        sa.select(Tariff).where(
            queries.priced_under(programme_id), Tariff.category == category, in_force(Tariff, day)
        )
    )
    caps = session.scalars(sa.select(Cap).where(Cap.category == category, in_force(Cap, day)))
    return pricing.PriceBook(
        tuple(
            pricing.TariffRow(
                row.id,
                programme_id,
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


def capacities(session: Session, ids: Iterable[int], day: date) -> dict[int, frozenset[CapacityKind]]:
    """The legal capacities that organisations hold on a day."""
    held: dict[int, list[Capacity]] = {organisation_id: [] for organisation_id in ids}
    for row in session.scalars(sa.select(Capacity).where(Capacity.organisation_id.in_(held))):
        held[row.organisation_id].append(row)
    return {
        organisation_id: identity_rules.capacities_on(rows, day) for organisation_id, rows in held.items()
    }


def price_lines(
    session: Session, programme_id: int, asked: Iterable[tuple[Category, int]]
) -> list[PriceLine]:
    """What lines would cost today, whoever sells; a price of one seller alone is told at the allocation."""
    rows = session.execute(
        sa.select(Tariff.category, Tariff.price_cents).where(
            queries.priced_under(programme_id), in_force(Tariff, queries.today()), Tariff.seller_id.is_(None)
        )
    ).all()
    prices: dict[Category, set[int]] = {}
    for category, price_cents in rows:
        prices.setdefault(category, set()).add(price_cents)
    known = {category: found.pop() for category, found in prices.items() if len(found) == 1}
    return [PriceLine(category, quantity, known.get(category)) for category, quantity in asked]


# ---- one request's prices ----

Profile = tuple[LegalBasis, LegalNature | None, bool, int | None]


@dataclass
class Quoting:
    """The prices of one request on one day: what was read once is not read again."""

    session: Session
    asked: RequestFacts
    day: date
    _books: dict[Category, pricing.PriceBook] = field(default_factory=dict)
    _sellers: dict[int, pricing.Seller] = field(default_factory=dict)

    def meet(self, owner_ids: Iterable[int | None]) -> None:
        """Read the capacities of several sellers at once."""
        wanted = {owner_id for owner_id in owner_ids if owner_id is not None} - self._sellers.keys()
        for owner_id, held in capacities(self.session, wanted, self.day).items():
            self._sellers[owner_id] = pricing.Seller(owner_id, held)

    def of(self, device: Standing) -> pricing.Quote:
        """The price and the verdict for one device."""
        origin = self.session.get_one(Origin, device.origin_id)
        profile = (origin.legal_basis, origin.donor_nature, origin.no_resale, device.owner_id)
        return self.of_profile(device.category, profile)

    def of_profile(self, category: Category, profile: Profile) -> pricing.Quote:
        """The price and the verdict for any device of a category that has this origin and this owner."""
        case = self._case(category, pricing.Provenance(*profile[:3]), self._seller(profile[3]))
        if category is Category.DESKTOP:
            parts = [line.category for line in self.asked.lines if line.category in SET_OF_A_DESKTOP]
            added = [
                pricing.part_cents(self._book(part), replace(case, category=part), self.day) for part in parts
            ]
            case = replace(case, set_cents=sum(added))
        return pricing.quote(self._book(category), case, self.day)

    def _case(
        self, category: Category, provenance: pricing.Provenance, seller: pricing.Seller | None
    ) -> pricing.Case:
        return pricing.Case(
            programme_id=self.asked.programme_id,
            category=category,
            provenance=provenance,
            seller=seller,
            buyer=pricing.Buyer(self.asked.recipient_nature, self.asked.hardship),
        )

    def _book(self, category: Category) -> pricing.PriceBook:
        if category not in self._books:
            self._books[category] = price_book(self.session, self.asked.programme_id, category, self.day)
        return self._books[category]

    def _seller(self, owner_id: int | None) -> pricing.Seller | None:
        if owner_id is None:
            return None
        if owner_id not in self._sellers:
            self.meet([owner_id])
        return self._sellers[owner_id]


def quote_device(session: Session, actor: Actor, request_ref: str, code: str) -> pricing.Quote:
    """The price and the verdict for the device under a label.

    Raises Refusal(not-found, invalid) and what the register raises on a label.
    """
    actor.must(Permission.REQUEST_ALLOCATE)
    asked = queries.find(session, actor, request_ref)
    standing = register.look(session, code)
    must_be_asked_for(asked, standing.category)
    return Quoting(session, asked, queries.today()).of(standing)


def must_be_asked_for(asked: RequestFacts, category: Category) -> None:
    """Raise Refusal(invalid) for a device of a category that was not asked for."""
    if asked.line_of(category) is None:
        raise Refusal(Code.INVALID, errors={"device": ["other-category"]})


# ---- the stock ----


def candidates(session: Session, actor: Actor, asked: RequestFacts, category: Category) -> list[Candidate]:
    """Ready devices of one of the request's categories with their quote.

    The lawful ones first, oldest first, then some of those that may not go there. The verdict depends on origin
    and owner only: each kind is judged once, so that old stock that may not be sold cannot hide what may.
    """
    actor.must(Permission.REQUEST_ALLOCATE)
    quoting = Quoting(session, asked, queries.today())
    profiles = _profiles(session, category)
    quoting.meet(profile[3] for profile in profiles)
    quotes = {profile: quoting.of_profile(category, profile) for profile in profiles}
    line = asked.line_of(category)
    wanted = max(CANDIDATES, line.missing if line else 0)
    lawful = [profile for profile, quoted in quotes.items() if quoted.ok]
    kept_back = [profile for profile, quoted in quotes.items() if not quoted.ok]
    rows = [
        row
        for profiles, limit in ((lawful, wanted), (kept_back, KEPT_BACK))
        for row in session.execute(_stock(category, profiles).limit(limit))
    ]
    return [Candidate(quotes[_profile(row)], *row[len(PROFILE) :]) for row in rows]


PROFILE = (Origin.legal_basis, Origin.donor_nature, Origin.no_resale, Device.owner_id)


def _profile(row: Sequence[Any]) -> Profile:
    basis, nature, no_resale, owner_id = row[: len(PROFILE)]
    return basis, nature, no_resale, owner_id


def _is_profile(profile: Profile) -> sa.ColumnElement[bool]:
    pairs = zip(PROFILE, profile, strict=True)
    return sa.and_(*(column.is_not_distinct_from(value) for column, value in pairs))


def _profiles(session: Session, category: Category) -> list[Profile]:
    rows = session.execute(
        sa.select(*PROFILE)
        .select_from(Device)
        .join(Origin, Origin.id == Device.origin_id)
        .where(Device.state == State.READY, Device.category == category)
        .distinct()
    )
    return [_profile(row) for row in rows]


def _stock(category: Category, profiles: Sequence[Profile]) -> Selected:
    """Ready devices of some kinds, oldest first, with what helps to choose."""
    seller, custodian = aliased(Organisation), aliased(Organisation)
    return (
        sa.select(
            *PROFILE,
            Label.code,
            Device.maker,
            Device.model,
            custodian.name,
            Place.name,
            seller.name,
            Condition.grade,
            Condition.battery_percent,
        )
        .select_from(Device)
        .join(Origin, Origin.id == Device.origin_id)
        .join(Label, sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED))
        .outerjoin(seller, seller.id == Device.owner_id)
        .outerjoin(custodian, custodian.id == Device.custodian_id)
        .outerjoin(Place, Place.id == Device.place_id)
        .outerjoin(Condition, Condition.device_id == Device.id)
        .where(Device.state == State.READY, Device.category == category)
        .where(sa.or_(sa.false(), *(_is_profile(profile) for profile in profiles)))
        .order_by(Device.id)
    )
