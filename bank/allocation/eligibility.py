"""May this be asked for under this programme? Pure: the answer carries every reason at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from bank.allocation.models import ProofKind
from bank.identity.models import CapacityKind, LegalNature, OrganisationRole


class Reason(StrEnum):
    """Why a request cannot be made."""

    PROGRAMME_NOT_IN_FORCE = "programme-not-in-force"
    WRONG_RECIPIENT = "wrong-recipient"
    NOT_A_PRESCRIBER = "not-a-prescriber"
    NOT_A_STRUCTURE = "not-a-structure"
    CAPACITY_MISSING = "capacity-missing"
    PROOF_MISSING = "proof-missing"
    PROOF_NOT_ACCEPTED = "proof-not-accepted"
    PROOF_DAY_MISSING = "proof-day-missing"
    PROOF_IN_FUTURE = "proof-in-future"
    PROOF_TOO_OLD = "proof-too-old"
    PROOF_NOT_SEEN = "proof-not-seen"


@dataclass(frozen=True)
class Terms:
    """What a programme asks for."""

    recipient_nature: LegalNature
    proofs: frozenset[str]
    proof_days: int | None
    valid_from: date
    valid_until: date | None = None
    # The legal capacity without which nobody asks under it.
    capacity_asked: CapacityKind | None = None


@dataclass(frozen=True)
class Ask:
    """Who asks, for whom, and the paper that was seen."""

    recipient_nature: LegalNature
    asker_roles: frozenset[str]
    proof: ProofKind | None = None
    proof_day: date | None = None
    proof_seen: bool = False
    # Those that the asking organisation holds on that day.
    asker_capacities: frozenset[CapacityKind] = frozenset()


@dataclass(frozen=True)
class Decision:
    """Yes, or every reason why not."""

    reasons: tuple[Reason, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the request can be made."""
        return not self.reasons


def decide(ask: Ask, programme: Terms, today: date) -> Decision:
    """Hold a request against the programme's terms, on a civil day in France."""
    return Decision((*_about_the_recipient(ask, programme, today), *_about_the_proof(ask, programme, today)))


def in_force(valid_from: date, valid_until: date | None, day: date) -> bool:
    """Whether a dated row counts on a day, both ends included."""
    return valid_from <= day and (valid_until is None or day <= valid_until)


def _about_the_recipient(ask: Ask, programme: Terms, today: date) -> Iterator[Reason]:
    if not in_force(programme.valid_from, programme.valid_until, today):
        yield Reason.PROGRAMME_NOT_IN_FORCE
    if ask.recipient_nature is not programme.recipient_nature:
        yield Reason.WRONG_RECIPIENT
    for_a_person = ask.recipient_nature is LegalNature.PERSON
    if for_a_person and OrganisationRole.PRESCRIBER not in ask.asker_roles:
        yield Reason.NOT_A_PRESCRIBER
    if not for_a_person and OrganisationRole.STRUCTURE not in ask.asker_roles:
        yield Reason.NOT_A_STRUCTURE
    if programme.capacity_asked and programme.capacity_asked not in ask.asker_capacities:
        yield Reason.CAPACITY_MISSING


def _about_the_proof(ask: Ask, programme: Terms, today: date) -> Iterator[Reason]:
    if ask.proof is None:
        if programme.proofs:
            yield Reason.PROOF_MISSING
        return
    if ask.proof not in programme.proofs:
        yield Reason.PROOF_NOT_ACCEPTED
    yield from _about_its_day(ask.proof_day, programme.proof_days, today)
    if not ask.proof_seen:
        yield Reason.PROOF_NOT_SEEN


def _about_its_day(proof_day: date | None, proof_days: int | None, today: date) -> Iterator[Reason]:
    if proof_day is None:
        yield Reason.PROOF_DAY_MISSING
    elif proof_day > today:
        yield Reason.PROOF_IN_FUTURE
    elif proof_days is not None and today - proof_day > timedelta(days=proof_days):
        yield Reason.PROOF_TOO_OLD
