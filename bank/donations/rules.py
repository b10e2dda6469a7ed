"""Pure questions on a batch: may it be announced, decided or received so, and is the gap explained."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bank.donations.models import BatchState, GapReason, RefusalReason
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, LegalBasis

LINE_MAX = 2_000
# A reception is one unit of work: a lorry, not a warehouse. What is more comes as several batches.
BATCH_MAX = 2_000
# What a spreadsheet may announce in all; it is received as several batches.
ANNOUNCED_MAX = 100_000
ADDRESS_MAX = 200
CONTACT_MAX = 200
NOTE_MAX = 500

Counts = Mapping[Category, int]
Lines = tuple[tuple[Category, int], ...]
Faults = dict[str, list[str]]
S = BatchState


class Fault(StrEnum):
    """What is wrong with a field of a batch; its words are in `words.py`."""

    NO_LINE = "no-line"
    CATEGORY_TWICE = "category-twice"
    COUNT_OUT_OF_RANGE = "count-out-of-range"
    TOO_MANY_DEVICES = "too-many-devices"
    LESS_THAN_LISTED = "less-than-listed"
    SHEET_BEING_READ = "sheet-being-read"
    NOT_A_DONOR = "not-a-donor"
    NOT_A_WORKSHOP = "not-a-workshop"
    NOT_A_RECEIVER = "not-a-receiver"
    BASIS_NOT_FOR_DONOR = "basis-not-for-donor"
    IN_THE_FUTURE = "in-the-future"
    IN_THE_PAST = "in-the-past"
    PICKUP_MISSING = "pickup-missing"
    CONTACT_MISSING = "contact-missing"
    NOTE_MISSING = "note-missing"
    NOTHING_COUNTED = "nothing-counted"


class Act(StrEnum):
    """What can be done to a batch that exists."""

    EDIT = "edit"
    REOPEN = "reopen"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    ACCEPT = "accept"
    REFUSE = "refuse"
    RESCHEDULE = "reschedule"
    RECEIVE = "receive"


FROM: Mapping[Act, frozenset[BatchState]] = {
    Act.EDIT: frozenset({S.DRAFT}),
    # What was sent, or refused, is corrected as a draft, and sent again.
    Act.REOPEN: frozenset({S.SUBMITTED, S.REFUSED}),
    Act.SUBMIT: frozenset({S.DRAFT}),
    Act.WITHDRAW: frozenset({S.DRAFT, S.SUBMITTED, S.ACCEPTED}),
    Act.ACCEPT: frozenset({S.SUBMITTED}),
    Act.REFUSE: frozenset({S.SUBMITTED}),
    Act.RESCHEDULE: frozenset({S.ACCEPTED}),
    Act.RECEIVE: frozenset({S.ACCEPTED}),
}


class Outcome(StrEnum):
    """What became of a thing, as its donor may know it: never who has it."""

    AWAITED = "awaited"
    IN_WORK = "in_work"
    AVAILABLE = "available"
    REUSED = "reused"
    RECYCLED = "recycled"
    RETURNED = "returned"
    MISSING = "missing"
    # A row of the announcement that nobody has tied to a device.
    NOT_FOUND = "not_found"


OUTCOMES: Mapping[State, Outcome] = {
    State.ANNOUNCED: Outcome.AWAITED,
    State.RECEIVED: Outcome.IN_WORK,
    State.IN_WORK: Outcome.IN_WORK,
    State.READY: Outcome.AVAILABLE,
    State.RESERVED: Outcome.AVAILABLE,
    State.HANDED_OVER: Outcome.REUSED,
    State.ON_LOAN: Outcome.REUSED,
    State.MISSING: Outcome.MISSING,
    State.HARVESTED: Outcome.RECYCLED,
    State.RECYCLED: Outcome.RECYCLED,
    State.RETURNED_TO_DONOR: Outcome.RETURNED,
}


@dataclass(frozen=True, kw_only=True)
class NewBatch:
    """A batch as a coordinator enters it: who gives to whom, under which text, and what is announced."""

    donor_id: int
    workshop_id: int
    legal_basis: LegalBasis
    agreed_on: date
    lines: Lines
    collection_on: date | None = None
    no_resale: bool = False
    unnamed: bool = False
    purge_asked: bool = False


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """A batch as its donor writes it: what there is, where it stands, and what they ask for."""

    lines: Lines = ()
    no_resale: bool = False
    unnamed: bool = False
    purge_asked: bool = False
    pickup_address: str = ""
    pickup_contact: str = ""


@dataclass(frozen=True)
class Wish:
    """An announcement, the donor when it is not the caller's own organisation, and whether it is sent at once."""

    announcement: Announcement
    donor_id: int | None
    submit: bool


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """A coordinator's yes. Without a receiver of record the workshop is it."""

    workshop_id: int
    legal_basis: LegalBasis
    receiver_id: int | None = None
    collection_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class NoThanks:
    """A coordinator's no."""

    reason: RefusalReason
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Pickup:
    """Who collects an accepted batch, and when."""

    workshop_id: int
    collection_on: date | None


@dataclass(frozen=True, kw_only=True)
class Count:
    """What was counted at the dock: what came in, what was sent back, and why it is not what was announced."""

    received: Counts
    refused: Counts = field(default_factory=dict)
    reasons: Mapping[Category, GapReason] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What nobody had announced. No donor: nobody knows whose it was, and the strictest rules apply."""

    donor_id: int | None
    workshop_id: int
    count: Count
    legal_basis: LegalBasis | None = None


PRIVATE = frozenset({LegalBasis.PRIVATE_GIFT, LegalBasis.UNKNOWN})
BASES: Mapping[LegalNature, frozenset[LegalBasis]] = {
    LegalNature.PUBLIC_BODY: frozenset(LegalBasis) - {LegalBasis.PRIVATE_GIFT},
    LegalNature.COMPANY: PRIVATE,
    LegalNature.ASSOCIATION: PRIVATE,
    LegalNature.PERSON: PRIVATE,
}


def must_stand(state: BatchState, act: Act) -> None:
    """Whether the batch is where the act starts from. Raises Refusal(batch-closed, batch-moved-on)."""
    if state in FROM[act]:
        return
    if state is BatchState.RECEIVED:
        raise Refusal(Code.BATCH_CLOSED)
    raise Refusal(Code.BATCH_MOVED_ON, state=state.value)


def check(new: NewBatch, nature: LegalNature, today: date) -> None:
    """Hold a new batch to its rules; `nature` is the donor's. Raises Refusal(invalid)."""
    errors: Faults = {}
    _add(errors, "lines", _line_faults(new.lines))
    _add(errors, "legal_basis", _basis_faults(new.legal_basis, nature))
    if new.agreed_on > today:
        errors["agreed_on"] = [Fault.IN_THE_FUTURE]
    _add(errors, "collection_on", _day_faults(new.collection_on, new.agreed_on))
    _raise(errors)


def check_draft(new: Announcement, listed: Counts) -> None:
    """A draft may be empty, but not false; `listed` counts its spreadsheet's rows. Raises Refusal(invalid)."""
    announced = dict(new.lines)
    typed = tuple((category, count - listed.get(category, 0)) for category, count in new.lines)
    faults = list(_line_faults([line for line in typed if line[1]])) if any(dict(typed).values()) else []
    if len(announced) != len(new.lines):
        faults = [Fault.CATEGORY_TWICE]
    if any(announced.get(category, 0) < count for category, count in listed.items()):
        faults = [Fault.LESS_THAN_LISTED]
    _raise({"lines": faults} if faults else {})


def check_sent(new: Announcement, *, being_read: bool) -> None:
    """What a donor sends must be enough to decide on and to fetch; `being_read`: its spreadsheet still is.

    Raises Refusal(invalid).
    """
    errors: Faults = {}
    if being_read:
        errors["lines"] = [Fault.SHEET_BEING_READ]
    elif not any(count for _category, count in new.lines):
        errors["lines"] = [Fault.NO_LINE]
    if not new.pickup_address:
        errors["pickup_address"] = [Fault.PICKUP_MISSING]
    if not new.pickup_contact:
        errors["pickup_contact"] = [Fault.CONTACT_MISSING]
    _raise(errors)


def check_acceptance(answer: Acceptance, nature: LegalNature, today: date) -> None:
    """The text must fit the donor's nature, and nobody collects in the past. Raises Refusal(invalid)."""
    errors: Faults = {}
    _add(errors, "legal_basis", _basis_faults(answer.legal_basis, nature))
    _add(errors, "collection_on", _day_faults(answer.collection_on, today))
    _raise(errors)


def check_no(answer: NoThanks) -> None:
    """A no for another reason says which. Raises Refusal(invalid)."""
    if answer.reason is RefusalReason.OTHER and not answer.note:
        raise Refusal(Code.INVALID, errors={"note": [Fault.NOTE_MISSING]})


def check_pickup(pickup: Pickup, today: date) -> None:
    """Nobody collects in the past. Raises Refusal(invalid)."""
    errors: Faults = {}
    _add(errors, "collection_on", _day_faults(pickup.collection_on, today))
    _raise(errors)


def basis_of_arrival(arrival: Arrival, nature: LegalNature | None) -> LegalBasis:
    """Under which text something came that nobody announced. Raises Refusal(invalid).

    What may be public and is not said to be under an article falls under the strictest rules.
    """
    if nature is None:
        return LegalBasis.UNKNOWN
    if arrival.legal_basis is not None:
        errors: Faults = {}
        _add(errors, "legal_basis", _basis_faults(arrival.legal_basis, nature))
        _raise(errors)
        return arrival.legal_basis
    return LegalBasis.UNKNOWN if nature is LegalNature.PUBLIC_BODY else LegalBasis.PRIVATE_GIFT


def gaps(announced: Counts, received: Counts) -> dict[Category, int]:
    """Received less announced, for each category where they differ; what was not counted did not arrive."""
    both = sorted(announced.keys() | received.keys())
    differences = {category: received.get(category, 0) - announced.get(category, 0) for category in both}
    return {category: difference for category, difference in differences.items() if difference}


def explained(announced: Counts, count: Count) -> dict[Category, GapReason]:
    """The reason of each gap. One that is wholly what was sent back at the dock explains itself.

    Raises Refusal(gap-unexplained).
    """
    reasons: dict[Category, GapReason] = {}
    unexplained: list[str] = []
    for category, gap in gaps(announced, count.received).items():
        if category in count.reasons:
            reasons[category] = count.reasons[category]
        elif gap == -count.refused.get(category, 0):
            reasons[category] = GapReason.DAMAGED_REFUSED
        else:
            unexplained.append(category.value)
    if unexplained:
        raise Refusal(Code.GAP_UNEXPLAINED, categories=unexplained)
    return reasons


def check_reception(announced: Counts, count: Count) -> dict[Category, GapReason]:
    """Counts in range, and the reason of each gap. Raises Refusal(invalid, gap-unexplained)."""
    _check_counts(count)
    return explained(announced, count)


def check_arrival(count: Count) -> dict[Category, GapReason]:
    """Something came; the reason of each gap is that nobody announced it. Raises Refusal(invalid)."""
    _check_counts(count)
    if not any(count.received.values()) and not any(count.refused.values()):
        raise Refusal(Code.INVALID, errors={"lines": [Fault.NOTHING_COUNTED]})
    return dict.fromkeys(gaps({}, count.received), GapReason.UNANNOUNCED)


def _check_counts(count: Count) -> None:
    faults: list[str] = []
    if any(not 0 <= each <= LINE_MAX for each in (*count.received.values(), *count.refused.values())):
        faults.append(Fault.COUNT_OUT_OF_RANGE)
    if sum(count.received.values()) > BATCH_MAX:
        faults.append(Fault.TOO_MANY_DEVICES)
    _raise({"lines": faults} if faults else {})


def _line_faults(lines: Collection[tuple[Category, int]]) -> Iterator[str]:
    if not lines:
        yield Fault.NO_LINE
    if len({category for category, _count in lines}) != len(lines):
        yield Fault.CATEGORY_TWICE
    if any(not 1 <= count <= LINE_MAX for _category, count in lines):
        yield Fault.COUNT_OUT_OF_RANGE
    if sum(count for _category, count in lines) > BATCH_MAX:
        yield Fault.TOO_MANY_DEVICES


def _basis_faults(basis: LegalBasis, nature: LegalNature) -> Iterator[str]:
    if basis not in BASES[nature]:
        yield Fault.BASIS_NOT_FOR_DONOR


def _day_faults(day: date | None, first: date) -> Iterator[str]:
    if day is not None and day < first:
        yield Fault.IN_THE_PAST


def _add(errors: Faults, name: str, faults: Iterator[str]) -> None:
    found = list(faults)
    if found:
        errors[name] = found


def _raise(errors: Faults) -> None:
    if errors:
        raise Refusal(Code.INVALID, errors=errors)
