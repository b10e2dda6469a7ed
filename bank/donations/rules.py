"""Pure questions on a batch: may it be entered so, what is missing or too much, is the gap explained."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from bank.errors import Code, Refusal
from bank.identity.models import LegalNature
from bank.inventory.models import Category, LegalBasis

LINE_MAX = 2_000
# A reception is one unit of work: a lorry, not a warehouse. What is more comes as several batches.
BATCH_MAX = 2_000

Counts = Mapping[Category, int]


class Fault(StrEnum):
    """What is wrong with a field of a batch; its words are in `words.py`."""

    NO_LINE = "no-line"
    CATEGORY_TWICE = "category-twice"
    COUNT_OUT_OF_RANGE = "count-out-of-range"
    TOO_MANY_DEVICES = "too-many-devices"
    NOT_A_DONOR = "not-a-donor"
    NOT_A_WORKSHOP = "not-a-workshop"
    BASIS_NOT_FOR_DONOR = "basis-not-for-donor"
    IN_THE_FUTURE = "in-the-future"


@dataclass(frozen=True, kw_only=True)
class NewBatch:
    """A batch as a coordinator enters it: who gives to whom, under which text, and what is announced."""

    donor_id: int
    workshop_id: int
    legal_basis: LegalBasis
    agreed_on: date
    lines: tuple[tuple[Category, int], ...]
    no_resale: bool = False
    unnamed: bool = False
    purge_asked: bool = False


PRIVATE = frozenset({LegalBasis.PRIVATE_GIFT, LegalBasis.UNKNOWN})
BASES: Mapping[LegalNature, frozenset[LegalBasis]] = {
    LegalNature.PUBLIC_BODY: frozenset(LegalBasis) - {LegalBasis.PRIVATE_GIFT},
    LegalNature.COMPANY: PRIVATE,
    LegalNature.ASSOCIATION: PRIVATE,
    LegalNature.PERSON: PRIVATE,
}


def check(new: NewBatch, nature: LegalNature, today: date) -> None:
    """Hold a new batch to its rules; `nature` is the donor's. Raises Refusal(invalid)."""
    errors: dict[str, list[str]] = {}
    lines = list(_line_faults(new.lines))
    if lines:
        errors["lines"] = lines
    if new.legal_basis not in BASES[nature]:
        errors["legal_basis"] = [Fault.BASIS_NOT_FOR_DONOR]
    if new.agreed_on > today:
        errors["agreed_on"] = [Fault.IN_THE_FUTURE]
    if errors:
        raise Refusal(Code.INVALID, errors=errors)


def _line_faults(lines: Collection[tuple[Category, int]]) -> Iterator[str]:
    if not lines:
        yield Fault.NO_LINE
    if len({category for category, _count in lines}) != len(lines):
        yield Fault.CATEGORY_TWICE
    if any(not 1 <= count <= LINE_MAX for _category, count in lines):
        yield Fault.COUNT_OUT_OF_RANGE
    if sum(count for _category, count in lines) > BATCH_MAX:
        yield Fault.TOO_MANY_DEVICES


def gaps(announced: Counts, received: Counts) -> dict[Category, int]:
    """Received less announced, for each category where they differ; what was not counted did not arrive."""
    both = sorted(announced.keys() | received.keys())
    differences = {category: received.get(category, 0) - announced.get(category, 0) for category in both}
    return {category: difference for category, difference in differences.items() if difference}


def check_reception(announced: Counts, received: Counts, explained: Collection[Category]) -> None:
    """Counts in range, and a reason for each gap. Raises Refusal(invalid, gap-unexplained)."""
    faults: list[str] = []
    if any(not 0 <= count <= LINE_MAX for count in received.values()):
        faults.append(Fault.COUNT_OUT_OF_RANGE)
    if sum(received.values()) > BATCH_MAX:
        faults.append(Fault.TOO_MANY_DEVICES)
    if faults:
        raise Refusal(Code.INVALID, errors={"lines": faults})
    unexplained = [category.value for category in gaps(announced, received) if category not in explained]
    if unexplained:
        raise Refusal(Code.GAP_UNEXPLAINED, categories=unexplained)
