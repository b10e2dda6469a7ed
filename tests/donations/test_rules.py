"""What a batch must be to be entered, and a reception to be recorded. No database."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bank.donations import rules
from bank.donations.rules import BATCH_MAX, LINE_MAX, Fault, NewBatch
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature
from bank.inventory.models import Category, LegalBasis

TODAY = date(2026, 3, 2)
LAPTOP, SCREEN, TABLET = Category.LAPTOP, Category.SCREEN, Category.TABLET
GIFT = NewBatch(
    donor_id=1,
    workshop_id=2,
    legal_basis=LegalBasis.PRIVATE_GIFT,
    agreed_on=TODAY,
    lines=((LAPTOP, 2),),
)
PUBLIC = {LegalBasis.L3212_2_2, LegalBasis.L3212_2_3, LegalBasis.L3212_3}


def faults(new: NewBatch, nature: LegalNature = LegalNature.COMPANY) -> object:
    with pytest.raises(Refusal) as refusal:
        rules.check(new, nature, TODAY)
    assert refusal.value.code is Code.INVALID
    return refusal.value.facts["errors"]


@pytest.mark.parametrize("nature", LegalNature)
@pytest.mark.parametrize("basis", LegalBasis)
def test_only_a_public_body_gives_under_the_public_articles(nature: LegalNature, basis: LegalBasis) -> None:
    fits = basis is LegalBasis.UNKNOWN or (basis in PUBLIC) is (nature is LegalNature.PUBLIC_BODY)
    new = replace(GIFT, legal_basis=basis)
    if fits:
        rules.check(new, nature, TODAY)
    else:
        assert faults(new, nature) == {"legal_basis": [Fault.BASIS_NOT_FOR_DONOR]}


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ((), Fault.NO_LINE),
        (((LAPTOP, 1), (LAPTOP, 1)), Fault.CATEGORY_TWICE),
        (((LAPTOP, 0),), Fault.COUNT_OUT_OF_RANGE),
        (((LAPTOP, -1),), Fault.COUNT_OUT_OF_RANGE),
        (((LAPTOP, BATCH_MAX), (SCREEN, 1)), Fault.TOO_MANY_DEVICES),
    ],
)
def test_lines_are_one_per_category_and_in_range(
    lines: tuple[tuple[Category, int], ...], fault: Fault
) -> None:
    assert faults(replace(GIFT, lines=lines)) == {"lines": [fault]}


def test_the_largest_line_is_accepted_and_one_more_is_not() -> None:
    rules.check(replace(GIFT, lines=((LAPTOP, LINE_MAX),)), LegalNature.COMPANY, TODAY)
    errors = faults(replace(GIFT, lines=((LAPTOP, LINE_MAX + 1),)))
    assert errors == {"lines": [Fault.COUNT_OUT_OF_RANGE, Fault.TOO_MANY_DEVICES]}


def test_an_agreement_is_not_of_tomorrow() -> None:
    assert faults(replace(GIFT, agreed_on=TODAY + timedelta(days=1))) == {"agreed_on": [Fault.IN_THE_FUTURE]}


def test_all_faults_are_told_at_once() -> None:
    new = replace(GIFT, legal_basis=LegalBasis.L3212_3, lines=(), agreed_on=date(2062, 1, 1))
    errors = faults(new)
    assert isinstance(errors, dict)
    assert set(errors) == {"lines", "legal_basis", "agreed_on"}


def test_a_gap_is_received_less_announced() -> None:
    announced = {LAPTOP: 10, SCREEN: 4, TABLET: 1}
    received = {LAPTOP: 8, SCREEN: 4, Category.PRINTER: 3}
    assert rules.gaps(announced, received) == {LAPTOP: -2, TABLET: -1, Category.PRINTER: 3}


def test_each_gap_needs_its_own_reason() -> None:
    announced, received = {LAPTOP: 2, SCREEN: 4}, {LAPTOP: 3, SCREEN: 3}
    with pytest.raises(Refusal) as refusal:
        rules.check_reception(announced, received, {LAPTOP})
    assert refusal.value.code is Code.GAP_UNEXPLAINED
    assert refusal.value.facts == {"categories": ["screen"]}
    rules.check_reception(announced, received, {LAPTOP, SCREEN})


def test_what_was_announced_and_not_counted_is_a_gap() -> None:
    with pytest.raises(Refusal) as refusal:
        rules.check_reception({LAPTOP: 2}, {}, ())
    assert refusal.value.facts == {"categories": ["laptop"]}


@pytest.mark.parametrize(
    ("received", "fault"),
    [
        ({LAPTOP: -1}, Fault.COUNT_OUT_OF_RANGE),
        ({LAPTOP: BATCH_MAX, SCREEN: 1}, Fault.TOO_MANY_DEVICES),
    ],
)
def test_a_reception_is_of_a_lorry(received: dict[Category, int], fault: Fault) -> None:
    with pytest.raises(Refusal) as refusal:
        rules.check_reception({LAPTOP: 2}, received, set(Category))
    assert refusal.value.facts == {"errors": {"lines": [fault]}}
