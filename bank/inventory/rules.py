"""Pure questions on a device: which drives still hold data, whether an actor may touch it, what stands in what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.inventory.models import DriveFate, ErasureMethod, ErasureResult, PlaceKind

PURGING = frozenset(
    {
        ErasureMethod.PURGE_ATA_SANITIZE,
        ErasureMethod.PURGE_NVME_SANITIZE,
        ErasureMethod.PURGE_CRYPTO_ERASE,
    }
)


@dataclass(frozen=True)
class Proof:
    """One erasure, as the gate sees it."""

    method: ErasureMethod
    result: ErasureResult
    done_at: datetime


@dataclass(frozen=True)
class DriveFacts:
    """One drive, as the gate sees it."""

    fate: DriveFate
    data_since: datetime
    proofs: tuple[Proof, ...] = ()


def is_open(drive: DriveFacts, *, purge_asked: bool) -> bool:
    """Whether the drive may still hold somebody's data.

    The last proof since the drive could hold data counts, not the best one: a failure after a success means
    that something is wrong with the drive. Where the donor asked for Purge, a mere overwrite proves nothing.
    """
    if drive.fate is not DriveFate.PRESENT:
        return False
    later = [proof for proof in drive.proofs if proof.done_at > drive.data_since]
    if not later:
        return True
    last = max(later, key=lambda proof: proof.done_at)
    return last.result is not ErasureResult.PASSED or (purge_asked and last.method not in PURGING)


def count_open(drives: Iterable[DriveFacts], *, purge_asked: bool) -> int:
    """How many drives are open: the figure that the erasure gate looks at."""
    return sum(is_open(drive, purge_asked=purge_asked) for drive in drives)


def must_hold(actor: Actor, custodian_id: int | None) -> None:
    """Only who holds a device works on it. Raises Refusal(other-custodian)."""
    if custodian_id != actor.organisation_id:
        raise Refusal(Code.OTHER_CUSTODIAN)


# What stays where it is stands in a room; what is carried stands anywhere.
STANDS_WITHIN = {
    PlaceKind.ROOM: frozenset({PlaceKind.ROOM}),
    PlaceKind.SHELF: frozenset({PlaceKind.ROOM}),
    PlaceKind.COUNTER: frozenset({PlaceKind.ROOM}),
    PlaceKind.PALLET: frozenset({PlaceKind.ROOM}),
    PlaceKind.BOX: frozenset(PlaceKind),
}


@dataclass(frozen=True)
class PlaceFacts:
    """A place, as a move of another into it sees it."""

    kind: PlaceKind
    within_id: int | None


def place_fault(
    place_id: int | None, kind: PlaceKind, within_id: int | None, places: Mapping[int, PlaceFacts]
) -> str | None:
    """Why a place of this kind cannot stand within another of the organisation's; None where it can."""
    if within_id is None:
        return None
    if within_id not in places:
        return "unknown-place"
    if place_id is not None and place_id in around(within_id, places):
        return "within-itself"
    return None if places[within_id].kind in STANDS_WITHIN[kind] else "stands-not-there"


def around(place_id: int, places: Mapping[int, PlaceFacts]) -> list[int]:
    """The place and all that it stands in, from the inside out."""
    found: list[int] = []
    inner: int | None = place_id
    while inner is not None and inner not in found:
        found.append(inner)
        inner = places[inner].within_id if inner in places else None
    return found
