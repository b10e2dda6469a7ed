"""Eligibility: each reason by itself, all reasons together, days at their edges."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bank.allocation.eligibility import Ask, Decision, Reason, Terms, decide, in_force
from bank.allocation.models import ProofKind
from bank.identity.models import CapacityKind, LegalNature, OrganisationRole

TODAY = date(2026, 6, 15)
RSA = Terms(LegalNature.PERSON, frozenset({ProofKind.RSA_CERTIFICATE.value}), 92, date(2026, 1, 1))
STRUCTURES = Terms(LegalNature.ASSOCIATION, frozenset(), None, date(2026, 1, 1))
PRESCRIBER = frozenset({OrganisationRole.PRESCRIBER.value})
STRUCTURE = frozenset({OrganisationRole.STRUCTURE.value})
GOOD = Ask(LegalNature.PERSON, PRESCRIBER, ProofKind.RSA_CERTIFICATE, TODAY - timedelta(days=10), True)


def test_a_prescriber_who_saw_a_recent_proof_may_ask() -> None:
    assert decide(GOOD, RSA, TODAY) == Decision(())
    assert decide(GOOD, RSA, TODAY).ok


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"asker_roles": STRUCTURE}, Reason.NOT_A_PRESCRIBER),
        ({"proof": None}, Reason.PROOF_MISSING),
        ({"proof": ProofKind.FSL_DECISION}, Reason.PROOF_NOT_ACCEPTED),
        ({"proof_day": None}, Reason.PROOF_DAY_MISSING),
        ({"proof_day": TODAY + timedelta(days=1)}, Reason.PROOF_IN_FUTURE),
        ({"proof_day": TODAY - timedelta(days=93)}, Reason.PROOF_TOO_OLD),
        ({"proof_seen": False}, Reason.PROOF_NOT_SEEN),
    ],
)
def test_each_condition_has_its_reason(changes: dict[str, object], reason: Reason) -> None:
    assert decide(replace(GOOD, **changes), RSA, TODAY).reasons == (reason,)  # type: ignore[arg-type]


@pytest.mark.parametrize("age", [0, 1, 91, 92])
def test_a_proof_counts_from_its_day_to_its_last_day(age: int) -> None:
    assert decide(replace(GOOD, proof_day=TODAY - timedelta(days=age)), RSA, TODAY).ok


def test_without_a_limit_an_old_proof_counts() -> None:
    ask = replace(GOOD, proof_day=date(2019, 1, 1))
    assert decide(ask, replace(RSA, proof_days=None), TODAY).ok


@pytest.mark.parametrize("nature", [nature for nature in LegalNature if nature is not LegalNature.PERSON])
def test_a_programme_for_people_is_not_for_organisations(nature: LegalNature) -> None:
    ask = replace(GOOD, recipient_nature=nature, asker_roles=PRESCRIBER | STRUCTURE)
    assert decide(ask, RSA, TODAY).reasons == (Reason.WRONG_RECIPIENT,)


def test_a_structure_asks_for_itself_without_proof() -> None:
    assert decide(Ask(LegalNature.ASSOCIATION, STRUCTURE), STRUCTURES, TODAY).ok


def test_an_organisation_that_is_no_structure_does_not_ask_for_itself() -> None:
    decision = decide(Ask(LegalNature.ASSOCIATION, PRESCRIBER), STRUCTURES, TODAY)
    assert decision.reasons == (Reason.NOT_A_STRUCTURE,)


def test_a_proof_that_nobody_asked_for_is_not_taken() -> None:
    ask = Ask(LegalNature.ASSOCIATION, STRUCTURE, ProofKind.STRUCTURE_ATTESTATION, TODAY, True)
    assert decide(ask, STRUCTURES, TODAY).reasons == (Reason.PROOF_NOT_ACCEPTED,)


def test_every_reason_is_given_at_once() -> None:
    ask = Ask(LegalNature.PERSON, STRUCTURE, ProofKind.FSL_DECISION, TODAY + timedelta(days=1), False)
    assert set(decide(ask, replace(RSA, valid_until=date(2026, 6, 14)), TODAY).reasons) == {
        Reason.PROGRAMME_NOT_IN_FORCE,
        Reason.NOT_A_PRESCRIBER,
        Reason.PROOF_NOT_ACCEPTED,
        Reason.PROOF_IN_FUTURE,
        Reason.PROOF_NOT_SEEN,
    }


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 6, 30), True),
        (date(2026, 7, 1), False),
    ],
)
def test_a_dated_row_counts_on_its_first_and_last_day(day: date, counts: bool) -> None:
    assert in_force(date(2026, 1, 1), date(2026, 6, 30), day) is counts
    assert decide(replace(GOOD, proof_day=day), replace(RSA, valid_until=date(2026, 6, 30)), day).ok is counts


def test_great_hardship_is_attested_by_an_accredited_organisation_only() -> None:
    terms = replace(RSA, capacity_asked=CapacityKind.HARDSHIP)
    assert decide(GOOD, terms, TODAY).reasons == (Reason.CAPACITY_MISSING,)
    other = replace(GOOD, asker_capacities=frozenset({CapacityKind.RUP}))
    assert decide(other, terms, TODAY).reasons == (Reason.CAPACITY_MISSING,)
    accredited = replace(GOOD, asker_capacities=frozenset({CapacityKind.HARDSHIP}))
    assert decide(accredited, terms, TODAY).ok
    assert decide(replace(accredited, proof_seen=False), terms, TODAY).reasons == (Reason.PROOF_NOT_SEEN,)
