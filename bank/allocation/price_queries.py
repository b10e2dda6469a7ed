"""The grid as it is read: programmes, prices and caps, each with its source and its dates."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bank.actor import Actor, Permission
from bank.allocation import queries
from bank.allocation.models import Cap, Programme, Tariff
from bank.identity.models import CapacityKind, LegalNature, Organisation, OrganisationRole
from bank.inventory.models import Category

STATES = ("now", "later", "over")


@dataclass(frozen=True)
class TariffEntry:
    """One dated price. `state` is one of now, later, over."""

    category: Category
    price_cents: int
    seller_name: str | None
    valid_from: date
    valid_until: date | None
    source: str
    state: str


@dataclass(frozen=True)
class ProgrammeEntry:
    """One programme as it is on a day, or will be, with its prices."""

    code: str
    name: str
    recipient_nature: LegalNature
    hardship: bool
    proofs: frozenset[str]
    proof_days: int | None
    capacity_asked: CapacityKind | None
    loan_days: int | None
    valid_from: date
    valid_until: date | None
    source: str
    state: str
    tariffs: tuple[TariffEntry, ...] = ()


@dataclass(frozen=True)
class CapEntry:
    """One dated legal cap."""

    category: Category
    cap_cents: int
    valid_from: date
    valid_until: date | None
    article: str
    source: str


@dataclass(frozen=True)
class Grid:
    """Programmes with their prices, and the law's caps."""

    programmes: tuple[ProgrammeEntry, ...]
    caps: tuple[CapEntry, ...]


def _state_on(day: date, valid_from: date, valid_until: date | None) -> str:
    if valid_from > day:
        return "later"
    return "now" if valid_until is None or valid_until >= day else "over"


def grid(session: Session, actor: Actor) -> Grid:
    """Every programme, price and cap, with its source and its dates; what counts today first."""
    actor.must(Permission.PRICE_EDIT)
    day, seller = queries.today(), aliased(Organisation)
    tariffs = session.execute(
        sa.select(Programme.code, Tariff, seller.name)
        .join(Programme, Programme.id == Tariff.programme_id)
        .outerjoin(seller, seller.id == Tariff.seller_id)
        .order_by(Tariff.valid_from.desc(), Tariff.id)
    ).all()
    prices: dict[str, list[TariffEntry]] = {}
    for code, row, seller_name in tariffs:
        prices.setdefault(code, []).append(
            TariffEntry(
                row.category,
                row.price_cents,
                seller_name,
                row.valid_from,
                row.valid_until,
                row.source,
                _state_on(day, row.valid_from, row.valid_until),
            )
        )
    rows = session.scalars(sa.select(Programme).order_by(Programme.code, Programme.valid_from.desc())).all()
    programmes = [
        ProgrammeEntry(
            row.code,
            row.name,
            row.recipient_nature,
            row.hardship,
            row.proofs,
            row.proof_days,
            row.capacity_asked,
            row.loan_days,
            row.valid_from,
            row.valid_until,
            row.source,
            _state_on(day, row.valid_from, row.valid_until),
            tuple(sorted(prices.get(row.code, []), key=_for_reading)),
        )
        for row in rows
    ]
    caps = session.scalars(sa.select(Cap).order_by(Cap.category, Cap.valid_from.desc()))
    return Grid(
        tuple(sorted(programmes, key=lambda each: (STATES.index(each.state), each.code))),
        tuple(
            CapEntry(row.category, row.cap_cents, row.valid_from, row.valid_until, row.article, row.source)
            for row in caps
        ),
    )


def _for_reading(row: TariffEntry) -> tuple[int, int, str]:
    return STATES.index(row.state), list(Category).index(row.category), row.seller_name or ""


def sellers(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """Who may have title to devices, for a price of their own."""
    actor.must(Permission.PRICE_EDIT)
    rows = session.execute(sa.select(Organisation.id, Organisation.name, Organisation.roles)).all()
    return sorted(
        ((row[0], row[1]) for row in rows if OrganisationRole.WORKSHOP in row[2]), key=lambda each: each[1]
    )
