"""Prices and law: every origin, recipient, seller and price around the cap, against an independent reading."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank.allocation.pricing import (
    Buyer,
    CapRow,
    Case,
    Objection,
    Obstacle,
    PriceBook,
    Provenance,
    Reason,
    Seller,
    TariffRow,
    part_cents,
    quote,
)
from bank.identity.models import CapacityKind, LegalNature
from bank.inventory.models import Category, LegalBasis
from bank.web.pages import today_in_paris

TODAY = date(2026, 6, 15)
RSA, AGOIE, LOXY = 1, 10, 11
CAP = 18_000
CAPS = (CapRow(Category.LAPTOP, CAP, date(2022, 11, 9), "CG3P D3212-3-1"),)
PERSON_IN_HARDSHIP = Buyer(LegalNature.PERSON, hardship=True)
BUYERS = [Buyer(nature, hardship) for nature in LegalNature for hardship in (True, False)]
PUBLIC_BASES = [LegalBasis.L3212_2_2, LegalBasis.L3212_2_3, LegalBasis.L3212_3]
CAPACITIES = [
    frozenset(),
    frozenset({CapacityKind.ESUS}),
    frozenset({CapacityKind.RECEIPTS, CapacityKind.VAT_LIABLE}),
    frozenset({CapacityKind.RUP}),
    frozenset({CapacityKind.GENERAL_INTEREST}),
    frozenset({CapacityKind.ESUS, CapacityKind.GENERAL_INTEREST}),
]


def tariff(
    price: int, *, row: int = 1, seller: int | None = None, category: Category = Category.LAPTOP
) -> TariffRow:
    return TariffRow(row, RSA, category, seller, price, date(2026, 1, 1))


def book(*tariffs: TariffRow, caps: tuple[CapRow, ...] = CAPS) -> PriceBook:
    return PriceBook(tariffs, caps)


def case(
    basis: LegalBasis = LegalBasis.L3212_3,
    *,
    donor: LegalNature | None = LegalNature.PUBLIC_BODY,
    buyer: Buyer = PERSON_IN_HARDSHIP,
    capacities: frozenset[CapacityKind] = frozenset({CapacityKind.GENERAL_INTEREST}),
    no_resale: bool = False,
    category: Category = Category.LAPTOP,
) -> Case:
    return Case(RSA, category, Provenance(basis, donor, no_resale), Seller(AGOIE, capacities), buyer)


PRIVATE = case(LegalBasis.PRIVATE_GIFT, donor=LegalNature.COMPANY)


def allowed(basis: LegalBasis, buyer: Buyer, capacities: frozenset[CapacityKind], price: int) -> bool:
    """The law as a lawyer would tick it, written apart from the code."""
    in_hardship = buyer == PERSON_IN_HARDSHIP
    if basis in (LegalBasis.L3212_2_2, LegalBasis.UNKNOWN):
        return in_hardship and price == 0
    association = buyer == Buyer(LegalNature.ASSOCIATION, hardship=True)
    may_sell = CapacityKind.RUP in capacities or CapacityKind.GENERAL_INTEREST in capacities
    return (in_hardship or association) and (price == 0 or (may_sell and price <= CAP))


PUBLIC_CASES = list(
    product([*PUBLIC_BASES, LegalBasis.UNKNOWN], BUYERS, CAPACITIES, [0, 1, 2_000, CAP - 1, CAP, CAP + 1])
)


@pytest.mark.parametrize(("basis", "buyer", "capacities", "price"), PUBLIC_CASES)
def test_what_came_from_a_public_body(
    basis: LegalBasis, buyer: Buyer, capacities: frozenset[CapacityKind], price: int
) -> None:
    quoted = quote(book(tariff(price)), case(basis, buyer=buyer, capacities=capacities), TODAY)
    assert quoted.ok is allowed(basis, buyer, capacities, price)
    assert quoted.price_cents == price, "the price is never lowered to fit"
    assert all(objection.article for objection in quoted.refusals), "a refusal of the law says which article"
    assert bool(quoted.reasons) is quoted.ok


@pytest.mark.parametrize(
    ("basis", "article"),
    [
        (LegalBasis.L3212_2_2, "CG3P L3212-2 2°"),
        (LegalBasis.L3212_2_3, "CG3P L3212-2 3°"),
        (LegalBasis.L3212_3, "CG3P L3212-3"),
        (LegalBasis.UNKNOWN, "CG3P L3212-2 2°"),
    ],
)
@pytest.mark.parametrize("nature", [LegalNature.PUBLIC_BODY, LegalNature.COMPANY])
def test_a_commune_or_a_company_is_excluded_at_any_price(
    basis: LegalBasis, article: str, nature: LegalNature
) -> None:
    for price in (0, 2_000):
        quoted = quote(book(tariff(price)), case(basis, buyer=Buyer(nature, hardship=True)), TODAY)
        assert Objection(Obstacle.RECIPIENT_EXCLUDED, article) in quoted.refusals


def test_a_gift_for_free_redistribution_is_never_sold() -> None:
    quoted = quote(book(tariff(1)), case(LegalBasis.L3212_2_2), TODAY)
    assert quoted.refusals == (Objection(Obstacle.SALE_FORBIDDEN, "CG3P L3212-2 2°"),)
    assert quoted.cap_cents == 0


def test_the_esus_approval_alone_gives_no_right_to_sell() -> None:
    quoted = quote(book(tariff(2_000)), case(capacities=frozenset({CapacityKind.ESUS})), TODAY)
    assert quoted.refusals == (Objection(Obstacle.SELLER_NOT_ENTITLED, "CG3P L3212-3"),)


def test_a_price_above_the_cap_names_the_article_of_the_cap() -> None:
    quoted = quote(book(tariff(CAP + 1)), case(), TODAY)
    assert quoted.refusals == (Objection(Obstacle.PRICE_ABOVE_CAP, "CG3P D3212-3-1"),)
    assert (quoted.price_cents, quoted.cap_cents) == (CAP + 1, CAP)


def test_without_a_cap_for_the_category_a_sale_is_refused_and_a_gift_is_fine() -> None:
    scanner = case(category=Category.SCANNER)
    sold = quote(book(tariff(100, category=Category.SCANNER)), scanner, TODAY)
    given_away = quote(book(tariff(0, category=Category.SCANNER)), scanner, TODAY)
    assert sold.refusals == (Objection(Obstacle.NO_CAP, "CG3P L3212-3"),)
    assert given_away.ok
    assert given_away.cap_cents is None


@pytest.mark.parametrize("buyer", BUYERS)
@pytest.mark.parametrize("price", [0, 2_000, CAP + 1, 100_000])
def test_a_private_gift_has_no_cap_and_excludes_nobody(buyer: Buyer, price: int) -> None:
    quoted = quote(book(tariff(price)), replace(PRIVATE, buyer=buyer), TODAY)
    assert quoted.ok
    assert quoted.cap_cents is None


def test_a_donor_who_forbids_resale_is_obeyed_whatever_the_origin() -> None:
    for basis, donor in (
        (LegalBasis.PRIVATE_GIFT, LegalNature.COMPANY),
        (LegalBasis.L3212_3, LegalNature.PUBLIC_BODY),
    ):
        bound = case(basis, donor=donor, no_resale=True)
        assert quote(book(tariff(1)), bound, TODAY).refusals == (Objection(Obstacle.DONOR_FORBIDS_SALE),)
        assert quote(book(tariff(0)), bound, TODAY).ok


@pytest.mark.parametrize(
    ("basis", "donor"),
    [
        (LegalBasis.UNKNOWN, LegalNature.COMPANY),
        (LegalBasis.PRIVATE_GIFT, None),
        (LegalBasis.L3212_3, None),
        (LegalBasis.PRIVATE_GIFT, LegalNature.PUBLIC_BODY),
    ],
)
def test_an_origin_that_cannot_be_proven_falls_under_the_strictest_rule(
    basis: LegalBasis, donor: LegalNature | None
) -> None:
    sold = quote(book(tariff(1)), case(basis, donor=donor), TODAY)
    assert sold.refusals == (Objection(Obstacle.SALE_FORBIDDEN, "CG3P L3212-2 2°"),)
    assert quote(book(tariff(0)), case(basis, donor=donor), TODAY).reasons == (
        Reason.TARIFF_GENERAL,
        Reason.ORIGIN_UNKNOWN,
        Reason.FREE,
    )


# ---- the price list ----


def test_the_price_of_the_day_is_quoted_with_what_it_rests_on() -> None:
    quoted = quote(book(tariff(2_000, row=7)), case(), TODAY)
    assert (quoted.price_cents, quoted.cap_cents, quoted.tariff_id, quoted.day) == (2_000, CAP, 7, TODAY)
    assert quoted.reasons == (Reason.TARIFF_GENERAL, Reason.PUBLIC_GIFT, Reason.WITHIN_CAP)


def test_the_sellers_own_price_wins_over_the_general_one() -> None:
    rows = (tariff(2_000, row=1), tariff(1_500, row=2, seller=AGOIE), tariff(900, row=3, seller=LOXY))
    quoted = quote(book(*rows), case(), TODAY)
    assert (quoted.price_cents, quoted.tariff_id) == (1_500, 2)
    assert Reason.TARIFF_OF_SELLER in quoted.reasons


@pytest.mark.parametrize(
    "row",
    [
        tariff(2_000, seller=LOXY),
        tariff(2_000, category=Category.TABLET),
        replace(tariff(2_000), programme_id=2),
        replace(tariff(2_000), valid_from=date(2026, 6, 16)),
        replace(tariff(2_000), valid_until=date(2026, 6, 14)),
    ],
)
def test_a_row_for_another_case_is_no_price(row: TariffRow) -> None:
    quoted = quote(book(row), PRIVATE, TODAY)
    assert quoted.refusals == (Objection(Obstacle.NO_TARIFF),)
    assert quoted.price_cents is None


def test_two_prices_for_one_case_are_a_fault_and_nobody_picks() -> None:
    for rows in (
        (tariff(2_000, row=1), tariff(1_500, row=2)),
        (tariff(2_000, row=1, seller=AGOIE), tariff(2_000, row=2, seller=AGOIE)),
    ):
        quoted = quote(book(*rows), PRIVATE, TODAY)
        assert quoted.refusals == (Objection(Obstacle.AMBIGUOUS_TARIFF),)
        assert quoted.price_cents is None


def test_without_a_price_the_law_still_says_who_is_excluded() -> None:
    quoted = quote(book(), case(buyer=Buyer(LegalNature.COMPANY, hardship=False)), TODAY)
    assert [objection.obstacle for objection in quoted.refusals] == [
        Obstacle.NO_TARIFF,
        Obstacle.RECIPIENT_EXCLUDED,
    ]


def test_what_nobody_owns_is_neither_sold_nor_given() -> None:
    quoted = quote(book(tariff(0)), replace(PRIVATE, seller=None), TODAY)
    assert quoted.refusals == (Objection(Obstacle.NO_SELLER),)


def test_the_latest_cap_in_force_binds() -> None:
    caps = (*CAPS, CapRow(Category.LAPTOP, 12_000, date(2026, 6, 15), "new"))
    assert quote(book(tariff(15_000), caps=caps), case(), date(2026, 6, 14)).ok
    assert quote(book(tariff(15_000), caps=caps), case(), TODAY).refusals == (
        Objection(Obstacle.PRICE_ABOVE_CAP, "new"),
    )


@pytest.mark.parametrize(
    ("moment", "price"),
    [
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), 2_000),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), 2_500),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), 2_500),
        (datetime(2027, 1, 1, 12, 0, tzinfo=UTC), 2_500),
        (datetime(2027, 6, 30, 21, 59, tzinfo=UTC), 2_500),
        (datetime(2027, 6, 30, 22, 0, tzinfo=UTC), None),
    ],
)
def test_prices_change_at_midnight_in_paris(moment: datetime, price: int | None) -> None:
    rows = (
        replace(tariff(2_000, row=1), valid_until=date(2026, 12, 31)),
        replace(tariff(2_500, row=2), valid_from=date(2027, 1, 1), valid_until=date(2027, 6, 30)),
    )
    assert quote(book(*rows), PRIVATE, today_in_paris(moment)).price_cents == price


# ---- what must always hold ----

days = st.dates(date(2022, 1, 1), date(2028, 1, 1))
tariffs = st.builds(
    TariffRow,
    id=st.integers(1, 9),
    programme_id=st.just(RSA),
    category=st.sampled_from([Category.LAPTOP, Category.SCANNER]),
    seller_id=st.sampled_from([None, AGOIE, LOXY]),
    price_cents=st.one_of(st.just(0), st.integers(0, 40_000)),
    valid_from=days,
    valid_until=st.none(),
)
caps = st.builds(
    CapRow,
    category=st.sampled_from([Category.LAPTOP, Category.SCANNER]),
    cap_cents=st.integers(0, 30_000),
    valid_from=days,
    article=st.just("an article"),
    valid_until=st.none() | days,
)
cases = st.builds(
    Case,
    programme_id=st.just(RSA),
    category=st.sampled_from([Category.LAPTOP, Category.SCANNER]),
    provenance=st.builds(
        Provenance,
        basis=st.sampled_from(LegalBasis),
        donor_nature=st.none() | st.sampled_from(LegalNature),
        no_resale=st.booleans(),
    ),
    seller=st.none() | st.builds(Seller, st.just(AGOIE), st.frozensets(st.sampled_from(CapacityKind))),
    buyer=st.builds(Buyer, st.sampled_from(LegalNature), st.booleans()),
)


@given(st.lists(tariffs, max_size=3), st.lists(caps, max_size=3), cases, days)
def test_never_above_the_cap_and_never_to_an_excluded_recipient(
    rows: list[TariffRow], limits: list[CapRow], asked: Case, day: date
) -> None:
    quoted = quote(PriceBook(tuple(rows), tuple(limits)), asked, day)
    if not quoted.ok:
        return
    assert quoted.price_cents is not None
    assert quoted.cap_cents is None or quoted.price_cents <= quoted.cap_cents
    assert not (asked.provenance.no_resale and quoted.price_cents)
    proven_private = (
        asked.provenance.basis is LegalBasis.PRIVATE_GIFT
        and asked.provenance.donor_nature not in (None, LegalNature.PUBLIC_BODY)
    )
    if proven_private:
        return
    assert asked.buyer.hardship
    assert asked.buyer.nature in (LegalNature.PERSON, LegalNature.ASSOCIATION)
    if quoted.price_cents:
        assert asked.seller
        assert asked.seller.capacities & {CapacityKind.RUP, CapacityKind.GENERAL_INTEREST}
        newest = max(
            (
                row
                for row in limits
                if row.category is asked.category
                and row.valid_from <= day
                and (row.valid_until is None or day <= row.valid_until)
            ),
            key=lambda row: row.valid_from,
        )
        assert quoted.price_cents <= max(
            row.cap_cents for row in limits if row.valid_from == newest.valid_from
        )


# ---- the cap of a fixed computer is for a set ----

DESKTOP_CAP = (CapRow(Category.DESKTOP, 15_000, date(2022, 11, 9), "CG3P D3212-3-1"),)


@pytest.mark.parametrize(
    ("desktop", "screen", "lawful"),
    [(15_000, 0, True), (15_001, 0, False), (12_000, 3_000, True), (12_001, 3_000, False), (0, 3_000, True)],
)
def test_a_desktop_with_its_screen_stays_within_the_cap_of_the_set(
    desktop: int, screen: int, lawful: bool
) -> None:
    tariffs = tariff(desktop, category=Category.DESKTOP), tariff(screen, row=2, category=Category.SCREEN)
    rows = book(*tariffs, caps=DESKTOP_CAP)
    alone = case(category=Category.DESKTOP)
    added = part_cents(rows, replace(alone, category=Category.SCREEN), TODAY)
    assert added == screen
    quoted = quote(rows, replace(alone, set_cents=added), TODAY)
    assert quoted.ok is lawful
    if not lawful:
        assert quoted.refusals == (Objection(Obstacle.PRICE_ABOVE_CAP, "CG3P D3212-3-1"),)


def test_a_part_without_a_price_adds_nothing_and_of_several_the_dearest_counts() -> None:
    screen = case(category=Category.SCREEN)
    assert part_cents(book(), screen, TODAY) == 0
    rows = (
        tariff(900, category=Category.SCREEN),
        tariff(1_200, row=2, seller=LOXY, category=Category.SCREEN),
    )
    assert part_cents(book(*rows), screen, TODAY) == 1_200
