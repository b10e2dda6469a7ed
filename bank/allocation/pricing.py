"""What a device costs a recipient, and whether the law lets it go to them. Pure: no table, no clock.

A desktop alone may cost what the law allows a whole set (desktop, screen, keyboard, mouse) to cost; with a screen
asked for by the same request, it is the two together that stay within that cap.

A thing that came free from a public body carries the conditions of that gift (Code général de la propriété des
personnes publiques, CG3P): it may be given on, and sold only by some, to some, below a cap. A price is never
lowered to fit: what is above the cap is refused, with the article, and somebody corrects the tariff.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bank.allocation.eligibility import in_force
from bank.identity.models import CapacityKind, LegalNature
from bank.inventory.models import Category, LegalBasis


class Reason(StrEnum):
    """What a price rests on; kept with the allocation."""

    TARIFF_GENERAL = "tariff-general"
    TARIFF_OF_SELLER = "tariff-of-seller"
    FREE = "free-of-charge"
    PRIVATE_GIFT = "private-gift"
    PUBLIC_GIFT = "public-gift"
    ORIGIN_UNKNOWN = "origin-unknown"
    WITHIN_CAP = "within-cap"


class Obstacle(StrEnum):
    """Why a device cannot go to a recipient, or not at this price."""

    NO_TARIFF = "no-tariff"
    AMBIGUOUS_TARIFF = "ambiguous-tariff"
    NO_SELLER = "no-seller"
    RECIPIENT_EXCLUDED = "recipient-excluded"
    SALE_FORBIDDEN = "sale-forbidden"
    SELLER_NOT_ENTITLED = "seller-not-entitled"
    NO_CAP = "no-cap"
    PRICE_ABOVE_CAP = "price-above-cap"
    DONOR_FORBIDS_SALE = "donor-forbids-sale"


# Faults of the price list rather than questions of law.
PRICE_LIST_FAULTS = frozenset({Obstacle.NO_TARIFF, Obstacle.AMBIGUOUS_TARIFF})


class Regime(StrEnum):
    """What the origin of a thing commands."""

    PRIVATE_GIFT = "private_gift"
    # L3212-2 2°: given to be given on to the poorest; selling it is forbidden altogether.
    REDISTRIBUTION = "redistribution"
    # L3212-2 3° and L3212-3: computers, which may be sold by some, to some, below a cap.
    EQUIPMENT = "equipment"
    # Nobody can prove the origin: the strictest rule applies.
    UNKNOWN = "unknown"


REGIMES: Mapping[LegalBasis, Regime] = {
    LegalBasis.PRIVATE_GIFT: Regime.PRIVATE_GIFT,
    LegalBasis.L3212_2_2: Regime.REDISTRIBUTION,
    LegalBasis.L3212_2_3: Regime.EQUIPMENT,
    LegalBasis.L3212_3: Regime.EQUIPMENT,
    LegalBasis.UNKNOWN: Regime.UNKNOWN,
}
STRICTEST = "CG3P L3212-2 2°"
ARTICLES: Mapping[LegalBasis, str] = {
    LegalBasis.L3212_2_2: STRICTEST,
    LegalBasis.L3212_2_3: "CG3P L3212-2 3°",
    LegalBasis.L3212_3: "CG3P L3212-3",
}
# The law caps a fixed computer as a set: what goes with it to the same recipient counts within its cap.
SET_OF_A_DESKTOP = frozenset({Category.SCREEN, Category.ACCESSORY})
# ESUS alone is not enough: the exception names these two.
MAY_SELL = frozenset({CapacityKind.RUP, CapacityKind.GENERAL_INTEREST})


@dataclass(frozen=True)
class TariffRow:
    """One dated price; `seller_id` None is for any seller."""

    id: int
    programme_id: int
    category: Category
    seller_id: int | None
    price_cents: int
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True)
class CapRow:
    """One dated legal cap."""

    category: Category
    cap_cents: int
    valid_from: date
    article: str
    valid_until: date | None = None


@dataclass(frozen=True)
class PriceBook:
    """The rows that a quote may look at."""

    tariffs: tuple[TariffRow, ...]
    caps: tuple[CapRow, ...]


@dataclass(frozen=True)
class Provenance:
    """Where the device comes from, as the law sees it."""

    basis: LegalBasis
    donor_nature: LegalNature | None
    no_resale: bool = False


@dataclass(frozen=True)
class Seller:
    """Who has title to the device, with its legal capacities on that day."""

    organisation_id: int
    capacities: frozenset[CapacityKind] = frozenset()


@dataclass(frozen=True)
class Buyer:
    """Who would get it. `hardship` is the programme's: its people, or those whom its associations serve."""

    nature: LegalNature
    hardship: bool


@dataclass(frozen=True)
class Case:
    """One device for one request."""

    programme_id: int
    category: Category
    provenance: Provenance
    seller: Seller | None
    buyer: Buyer
    # For a desktop: what one screen and one accessory asked for with it cost.
    set_cents: int = 0


@dataclass(frozen=True)
class Objection:
    """One obstacle, with the article where it is the law's."""

    obstacle: Obstacle
    article: str | None = None


@dataclass(frozen=True)
class Quote:
    """The price of a civil day in France and what it rests on, or every objection."""

    day: date
    price_cents: int | None = None
    cap_cents: int | None = None
    tariff_id: int | None = None
    reasons: tuple[Reason, ...] = ()
    refusals: tuple[Objection, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the device may go, at this price."""
        return not self.refusals


@dataclass(frozen=True)
class _Ruling:
    """What the law is asked: a case, its article, the price, and the cap that binds it."""

    case: Case
    article: str
    price_cents: int
    cap: CapRow | None


def part_cents(book: PriceBook, case: Case, today: date) -> int:
    """What a thing adds to the price of a set: the highest price in force for it, 0 without one."""
    rows = [row.price_cents for row in book.tariffs if _applies(row, case, today)]
    return max(rows, default=0)


def quote(book: PriceBook, case: Case, today: date) -> Quote:
    """The price in force on a civil day in France, held against the device's origin."""
    tariffs = _most_specific(book.tariffs, case, today)
    tariff = tariffs[0] if len(tariffs) == 1 else None
    regime = regime_of(case.provenance)
    cap = _cap(book.caps, case.category, today)
    ruling = _Ruling(
        case=case,
        article=STRICTEST if regime is Regime.UNKNOWN else ARTICLES.get(case.provenance.basis, ""),
        price_cents=tariff.price_cents if tariff else 0,
        cap=cap,
    )
    refusals = (*_of_the_list(tariffs), *_of_the_parties(ruling), *LAW[regime](ruling))
    return Quote(
        day=today,
        price_cents=tariff.price_cents if tariff else None,
        cap_cents=_ceiling(regime, cap),
        tariff_id=tariff.id if tariff else None,
        reasons=tuple(_grounds(regime, tariff, cap)) if tariff and not refusals else (),
        refusals=refusals,
    )


def regime_of(provenance: Provenance) -> Regime:
    """What the origin commands. A donor that is unknown, or a public body's "private" gift, proves nothing."""
    regime = REGIMES[provenance.basis]
    public = provenance.donor_nature is LegalNature.PUBLIC_BODY
    if provenance.donor_nature is None or (regime is Regime.PRIVATE_GIFT and public):
        return Regime.UNKNOWN
    return regime


def _most_specific(tariffs: Iterable[TariffRow], case: Case, today: date) -> list[TariffRow]:
    """The rows in force for the case: the seller's own if there are any, else those for any seller."""
    rows = [row for row in tariffs if _applies(row, case, today)]
    own = [row for row in rows if case.seller and row.seller_id == case.seller.organisation_id]
    return own or [row for row in rows if row.seller_id is None]


def _applies(row: TariffRow, case: Case, today: date) -> bool:
    return (
        row.programme_id == case.programme_id
        and row.category is case.category
        and in_force(row.valid_from, row.valid_until, today)
    )


def _cap(caps: Iterable[CapRow], category: Category, today: date) -> CapRow | None:
    """The latest cap in force: a decree that raises or lowers it adds a row."""
    rows = [
        row for row in caps if row.category is category and in_force(row.valid_from, row.valid_until, today)
    ]
    return max(rows, key=lambda row: row.valid_from, default=None)


def _ceiling(regime: Regime, cap: CapRow | None) -> int | None:
    """The cap that the allocation freezes, which the database holds its price to."""
    if regime is Regime.PRIVATE_GIFT:
        return None
    if regime is Regime.EQUIPMENT:
        return cap.cap_cents if cap else None
    return 0


def _of_the_list(tariffs: list[TariffRow]) -> Iterator[Objection]:
    if not tariffs:
        yield Objection(Obstacle.NO_TARIFF)
    if len(tariffs) > 1:
        # Two prices for one case are a fault of the list: nobody picks one in silence.
        yield Objection(Obstacle.AMBIGUOUS_TARIFF)


def _of_the_parties(ruling: _Ruling) -> Iterator[Objection]:
    if ruling.case.seller is None:
        yield Objection(Obstacle.NO_SELLER)
    if ruling.case.provenance.no_resale and ruling.price_cents > 0:
        yield Objection(Obstacle.DONOR_FORBIDS_SALE)


def _private_gift(_ruling: _Ruling) -> Iterator[Objection]:
    return iter(())


def _given_on(ruling: _Ruling) -> Iterator[Objection]:
    if not _person_in_hardship(ruling.case.buyer):
        yield Objection(Obstacle.RECIPIENT_EXCLUDED, ruling.article)
    if ruling.price_cents > 0:
        yield Objection(Obstacle.SALE_FORBIDDEN, ruling.article)


def _equipment(ruling: _Ruling) -> Iterator[Objection]:
    buyer, seller = ruling.case.buyer, ruling.case.seller
    serving = buyer.nature is LegalNature.ASSOCIATION and buyer.hardship
    if not (_person_in_hardship(buyer) or serving):
        yield Objection(Obstacle.RECIPIENT_EXCLUDED, ruling.article)
    if ruling.price_cents == 0:
        return
    if seller and not seller.capacities & MAY_SELL:
        yield Objection(Obstacle.SELLER_NOT_ENTITLED, ruling.article)
    if ruling.cap is None:
        yield Objection(Obstacle.NO_CAP, ruling.article)
    elif ruling.price_cents + ruling.case.set_cents > ruling.cap.cap_cents:
        yield Objection(Obstacle.PRICE_ABOVE_CAP, ruling.cap.article)


def _person_in_hardship(buyer: Buyer) -> bool:
    return buyer.nature is LegalNature.PERSON and buyer.hardship


LAW: Mapping[Regime, Callable[[_Ruling], Iterator[Objection]]] = {
    Regime.PRIVATE_GIFT: _private_gift,
    Regime.REDISTRIBUTION: _given_on,
    Regime.EQUIPMENT: _equipment,
    Regime.UNKNOWN: _given_on,
}
ORIGINS: Mapping[Regime, Reason] = {
    Regime.PRIVATE_GIFT: Reason.PRIVATE_GIFT,
    Regime.REDISTRIBUTION: Reason.PUBLIC_GIFT,
    Regime.EQUIPMENT: Reason.PUBLIC_GIFT,
    Regime.UNKNOWN: Reason.ORIGIN_UNKNOWN,
}


def _grounds(regime: Regime, tariff: TariffRow, cap: CapRow | None) -> Iterator[Reason]:
    yield Reason.TARIFF_OF_SELLER if tariff.seller_id is not None else Reason.TARIFF_GENERAL
    yield ORIGINS[regime]
    if tariff.price_cents == 0:
        yield Reason.FREE
    elif regime is Regime.EQUIPMENT and cap:
        yield Reason.WITHIN_CAP
