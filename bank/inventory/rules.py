"""Pure questions on a device: which drives still hold data, whether an actor may touch it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.inventory.models import DriveFate, ErasureMethod, ErasureResult

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
