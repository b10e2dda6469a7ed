"""What a batch must be to be entered, and a reception to be recorded. No database."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bank.donations import rules
from bank.donations.models import BatchState, GapReason, RefusalReason
from bank.donations.rules import (
    BATCH_MAX,
    LINE_MAX,
    Acceptance,
    Act,
    Announcement,
    Arrival,
    Count,
    Fault,
    NewBatch,
    NoThanks,
    Outcome,
    Pickup,
)
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature
from bank.inventory.lifecycle import State
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
    more, fewer = GapReason.MORE_THAN_ANNOUNCED, GapReason.NOT_ON_THE_LORRY
    with pytest.raises(Refusal) as refusal:
        rules.check_reception(announced, Count(received=received, reasons={LAPTOP: more}))
    assert refusal.value.code is Code.GAP_UNEXPLAINED
    assert refusal.value.facts == {"categories": ["screen"]}
    told = {LAPTOP: more, SCREEN: fewer, TABLET: fewer}
    assert rules.check_reception(announced, Count(received=received, reasons=told)) == {
        LAPTOP: more,
        SCREEN: fewer,
    }


def test_what_was_announced_and_not_counted_is_a_gap() -> None:
    with pytest.raises(Refusal) as refusal:
        rules.check_reception({LAPTOP: 2}, Count(received={}))
    assert refusal.value.facts == {"categories": ["laptop"]}


def test_a_gap_that_is_what_was_sent_back_explains_itself() -> None:
    announced = {LAPTOP: 12}
    sent_back = Count(received={LAPTOP: 10}, refused={LAPTOP: 2})
    assert rules.check_reception(announced, sent_back) == {LAPTOP: GapReason.DAMAGED_REFUSED}
    with pytest.raises(Refusal) as refusal:
        rules.check_reception(announced, Count(received={LAPTOP: 9}, refused={LAPTOP: 2}))
    assert refusal.value.code is Code.GAP_UNEXPLAINED


def test_what_nobody_announced_is_unannounced_by_itself() -> None:
    count = Count(received={LAPTOP: 3, SCREEN: 0}, refused={TABLET: 1})
    assert rules.check_arrival(count) == {LAPTOP: GapReason.UNANNOUNCED}
    with pytest.raises(Refusal) as refusal:
        rules.check_arrival(Count(received={LAPTOP: 0}))
    assert refusal.value.facts == {"errors": {"lines": [Fault.NOTHING_COUNTED]}}


@pytest.mark.parametrize(
    ("nature", "said", "basis"),
    [
        (None, LegalBasis.PRIVATE_GIFT, LegalBasis.UNKNOWN),
        (LegalNature.PUBLIC_BODY, None, LegalBasis.UNKNOWN),
        (LegalNature.PUBLIC_BODY, LegalBasis.L3212_3, LegalBasis.L3212_3),
        (LegalNature.COMPANY, None, LegalBasis.PRIVATE_GIFT),
        (LegalNature.COMPANY, LegalBasis.UNKNOWN, LegalBasis.UNKNOWN),
    ],
)
def test_what_comes_unannounced_falls_under_the_strictest_text_that_may_apply(
    nature: LegalNature | None, said: LegalBasis | None, basis: LegalBasis
) -> None:
    arrival = Arrival(donor_id=1, workshop_id=2, count=Count(received={LAPTOP: 1}), legal_basis=said)
    assert rules.basis_of_arrival(arrival, nature) is basis


def test_a_text_that_this_donor_cannot_give_under_is_refused_on_arrival_too() -> None:
    arrival = Arrival(
        donor_id=1, workshop_id=2, count=Count(received={LAPTOP: 1}), legal_basis=LegalBasis.L3212_3
    )
    with pytest.raises(Refusal) as refusal:
        rules.basis_of_arrival(arrival, LegalNature.COMPANY)
    assert refusal.value.facts == {"errors": {"legal_basis": [Fault.BASIS_NOT_FOR_DONOR]}}


# --- announcing and deciding ---


@pytest.mark.parametrize("state", BatchState)
@pytest.mark.parametrize("act", Act)
def test_every_act_starts_from_where_the_table_says(state: BatchState, act: Act) -> None:
    if state in rules.FROM[act]:
        rules.must_stand(state, act)
        return
    with pytest.raises(Refusal) as refusal:
        rules.must_stand(state, act)
    closed = state is BatchState.RECEIVED
    assert refusal.value.code is (Code.BATCH_CLOSED if closed else Code.BATCH_MOVED_ON)


def test_nothing_starts_from_the_end() -> None:
    for act in Act:
        assert not rules.FROM[act] & {BatchState.RECEIVED, BatchState.WITHDRAWN}


def draft_faults(lines: tuple[tuple[Category, int], ...], listed: dict[Category, int]) -> object:
    try:
        rules.check_draft(Announcement(lines=lines), listed)
    except Refusal as refusal:
        return refusal.facts["errors"]
    return None


def test_a_draft_may_be_empty_and_never_announces_less_than_its_spreadsheet_lists() -> None:
    assert draft_faults((), {}) is None
    assert draft_faults(((LAPTOP, 3),), {LAPTOP: 3}) is None
    assert draft_faults(((LAPTOP, 2),), {LAPTOP: 3}) == {"lines": [Fault.LESS_THAN_LISTED]}
    assert draft_faults((), {SCREEN: 1}) == {"lines": [Fault.LESS_THAN_LISTED]}
    assert draft_faults(((LAPTOP, 1), (LAPTOP, 1)), {}) == {"lines": [Fault.CATEGORY_TWICE]}


def test_what_is_typed_has_a_limit_that_a_spreadsheet_has_not() -> None:
    assert draft_faults(((LAPTOP, LINE_MAX + 1),), {LAPTOP: LINE_MAX + 1}) is None
    assert draft_faults(((LAPTOP, LINE_MAX),), {}) is None
    assert draft_faults(((LAPTOP, LINE_MAX), (SCREEN, 1)), {}) == {"lines": [Fault.TOO_MANY_DEVICES]}


def sent_faults(new: Announcement, *, being_read: bool = False) -> object:
    try:
        rules.check_sent(new, being_read=being_read)
    except Refusal as refusal:
        return refusal.facts["errors"]
    return None


def test_what_is_sent_can_be_decided_on_and_fetched() -> None:
    whole = Announcement(lines=((LAPTOP, 2),), pickup_address="1 rue des Dons", pickup_contact="Accueil")
    assert sent_faults(whole) is None
    assert sent_faults(whole, being_read=True) == {"lines": [Fault.SHEET_BEING_READ]}
    assert sent_faults(replace(whole, lines=((LAPTOP, 0),))) == {"lines": [Fault.NO_LINE]}
    assert sent_faults(Announcement()) == {
        "lines": [Fault.NO_LINE],
        "pickup_address": [Fault.PICKUP_MISSING],
        "pickup_contact": [Fault.CONTACT_MISSING],
    }


def test_nobody_collects_in_the_past() -> None:
    yes = Acceptance(workshop_id=2, legal_basis=LegalBasis.PRIVATE_GIFT, collection_on=TODAY)
    rules.check_acceptance(yes, LegalNature.COMPANY, TODAY)
    rules.check_acceptance(replace(yes, collection_on=None), LegalNature.COMPANY, TODAY)
    late = TODAY - timedelta(days=1)
    for check in (
        lambda: rules.check_acceptance(replace(yes, collection_on=late), LegalNature.COMPANY, TODAY),
        lambda: rules.check_pickup(Pickup(workshop_id=2, collection_on=late), TODAY),
    ):
        with pytest.raises(Refusal) as refusal:
            check()
        assert refusal.value.facts == {"errors": {"collection_on": [Fault.IN_THE_PAST]}}


def test_a_no_for_another_reason_says_which() -> None:
    rules.check_no(NoThanks(reason=RefusalReason.TOO_OLD))
    rules.check_no(NoThanks(reason=RefusalReason.OTHER, note="Fermé en août."))
    with pytest.raises(Refusal) as refusal:
        rules.check_no(NoThanks(reason=RefusalReason.OTHER))
    assert refusal.value.facts == {"errors": {"note": [Fault.NOTE_MISSING]}}


def test_every_state_of_a_device_is_an_outcome_that_names_nobody() -> None:
    assert set(rules.OUTCOMES) == set(State)
    assert Outcome.NOT_FOUND not in rules.OUTCOMES.values()


@pytest.mark.parametrize(
    ("received", "fault"),
    [
        ({LAPTOP: -1}, Fault.COUNT_OUT_OF_RANGE),
        ({LAPTOP: BATCH_MAX, SCREEN: 1}, Fault.TOO_MANY_DEVICES),
    ],
)
def test_a_reception_is_of_a_lorry(received: dict[Category, int], fault: Fault) -> None:
    with pytest.raises(Refusal) as refusal:
        rules.check_reception({LAPTOP: 2}, Count(received=received))
    assert refusal.value.facts == {"errors": {"lines": [fault]}}
