"""What was seen of a device's drives: computed before the move, written after it with its entry.

A drive's row changes only in the transaction of a move of its device, so that the guard on the device's `seq`
protects both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.db import utcnow
from bank.inventory import rules
from bank.inventory.models import (
    DATA_BEARING,
    Category,
    Device,
    Drive,
    DriveBefore,
    DriveFate,
    DriveKind,
    ErasureMethod,
    ErasureProof,
    ErasureResult,
    Origin,
)
from bank.inventory.rules import DriveFacts, Proof

# What an entry may change of a drive.
REMEMBERED = ("device_id", "kind", "fate", "serial", "size_gb", "data_since")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done to a drive, with what, and whether it worked."""

    method: ErasureMethod
    tool: str
    tool_version: str
    result: ErasureResult


@dataclass(frozen=True, slots=True)
class DriveSeen:
    """One drive, as the person at the device saw it."""

    kind: DriveKind
    serial: str | None = None
    size_gb: int | None = None
    fate: DriveFate = DriveFate.PRESENT
    erasure: Erasure | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Every drive seen in a device, or the explicit word that there is none."""

    drives: tuple[DriveSeen, ...] = ()
    no_drive: bool = False


@dataclass(frozen=True, slots=True)
class KnownDrive:
    """One drive of the register. `drive_id` is None for one that is about to be added."""

    drive_id: int | None
    kind: DriveKind
    serial: str | None
    size_gb: int | None
    facts: DriveFacts


@dataclass(frozen=True, slots=True)
class Change:
    """What the evidence makes of one drive, and the erasure that it proves."""

    drive: KnownDrive
    erasure: Erasure | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What the evidence changes, and how many drives stay open once it has."""

    changes: tuple[Change, ...]
    open_drives: int
    found_at: datetime


def serial_key(serial: str | None) -> str | None:
    """A serial as it is kept and compared: upper case, without spaces; None when there is none."""
    return "".join((serial or "").split()).upper() or None


def known_drives(session: Session, device_id: int) -> list[KnownDrive]:
    """The device's drives as the register knows them, with their proofs, the oldest first."""
    proofs: dict[int, list[Proof]] = {}
    for drive_id, method, result, done_at in session.execute(
        sa.select(ErasureProof.drive_id, ErasureProof.method, ErasureProof.result, ErasureProof.done_at)
        .join(Drive, ErasureProof.drive_id == Drive.id)
        .where(Drive.device_id == device_id, ErasureProof.withdrawn_by.is_(None))
    ):
        proofs.setdefault(drive_id, []).append(Proof(method, result, done_at))
    rows = session.execute(
        sa.select(Drive.id, Drive.kind, Drive.serial, Drive.size_gb, Drive.fate, Drive.data_since)
        .where(Drive.device_id == device_id)
        .order_by(Drive.id)
    )
    return [
        KnownDrive(
            row.id,
            row.kind,
            row.serial,
            row.size_gb,
            DriveFacts(row.fate, row.data_since, tuple(proofs.get(row.id, ()))),
        )
        for row in rows
    ]


def examine(session: Session, device_id: int, evidence: Evidence, now: datetime) -> Finding:
    """What the evidence says of the device's drives. Writes nothing: a move comes first."""
    purge_asked, arrived_at = session.execute(
        sa.select(Origin.purge_asked, Device.created_at)
        .join(Device, Device.origin_id == Origin.id)
        .where(Device.id == device_id)
    ).one()
    known = known_drives(session, device_id)
    changes = changed(known, evidence, arrived_at=arrived_at, now=now)
    after = {drive.drive_id: drive for drive in known if drive.drive_id is not None}
    after |= {each.drive.drive_id: each.drive for each in changes if each.drive.drive_id is not None}
    added = [each.drive for each in changes if each.drive.drive_id is None]
    facts = [drive.facts for drive in [*after.values(), *added]]
    return Finding(changes, rules.count_open(facts, purge_asked=purge_asked), now)


def changed(
    known: Sequence[KnownDrive], evidence: Evidence, *, arrived_at: datetime, now: datetime
) -> tuple[Change, ...]:
    """What the evidence makes of each drive it speaks of. Pure.

    A drive that is in the register and not in the evidence is left as it is: nobody said what became of it.
    """
    if evidence.no_drive:
        return tuple(
            Change(_with(drive, fate=DriveFate.ABSENT), None) for drive in known if _is_unseen(drive)
        )
    # A drive that nobody knew was in the device since the device arrived.
    since = min((drive.facts.data_since for drive in known), default=arrived_at)
    changes = []
    for seen, drive in zip(evidence.drives, _matched(known, evidence.drives), strict=True):
        base = drive or KnownDrive(None, seen.kind, None, None, DriveFacts(seen.fate, since))
        found = replace(
            base,
            kind=seen.kind,
            serial=serial_key(seen.serial) or base.serial,
            size_gb=seen.size_gb or base.size_gb,
        )
        changes.append(Change(_with(found, fate=seen.fate, erasure=seen.erasure, now=now), seen.erasure))
    return tuple(changes)


def _matched(known: Sequence[KnownDrive], seen: Iterable[DriveSeen]) -> list[KnownDrive | None]:
    """For each drive seen, its row: the same serial; without any, the same kind; else the unseen one."""
    free = list(known)
    seen = list(seen)
    found: list[KnownDrive | None] = [_take(free, each) for each in seen]
    for position, drive in enumerate(found):
        unseen = next((each for each in free if _is_unseen(each)), None)
        if drive is None and unseen is not None:
            free.remove(unseen)
            found[position] = unseen
    return found


def _take(free: list[KnownDrive], seen: DriveSeen) -> KnownDrive | None:
    serial = serial_key(seen.serial)
    for drive in free:
        if drive.serial == serial and (serial is not None or drive.kind is seen.kind):
            free.remove(drive)
            return drive
    return None


def _is_unseen(drive: KnownDrive) -> bool:
    return drive.kind is DriveKind.UNSEEN and drive.facts.fate is DriveFate.PRESENT


def _with(
    drive: KnownDrive, *, fate: DriveFate, erasure: Erasure | None = None, now: datetime | None = None
) -> KnownDrive:
    proofs = drive.facts.proofs
    if erasure is not None and now is not None:
        proofs = (*proofs, Proof(erasure.method, erasure.result, now))
    return replace(drive, facts=replace(drive.facts, fate=fate, proofs=proofs))


def record(session: Session, actor: Actor, device_id: int, finding: Finding, entry_id: int) -> None:
    """Write what was found, under the entry of the move that it came with."""
    for change in finding.changes:
        drive = change.drive
        values = {
            "device_id": device_id,
            "kind": drive.kind,
            "fate": drive.facts.fate,
            "serial": drive.serial,
            "size_gb": drive.size_gb,
            "data_since": drive.facts.data_since,
        }
        drive_id = drive.drive_id
        if drive_id is None:
            drive_id = _add(session, entry_id, values)
        else:
            _remember(session, entry_id, drive_id)
            session.execute(sa.update(Drive).where(Drive.id == drive_id).values(values))
        if change.erasure is not None:
            session.execute(
                sa.insert(ErasureProof).values(_proof(change.erasure, drive_id, actor, finding, entry_id))
            )


def add_unseen(session: Session, device_id: int, entry_id: int) -> None:
    """Write down the drive that was put in by an entry, and that nobody has proven empty."""
    unseen = {"kind": DriveKind.UNSEEN, "fate": DriveFate.PRESENT, "serial": None, "size_gb": None}
    _add(session, entry_id, {**unseen, "device_id": device_id, "data_since": utcnow()})


def _add(session: Session, entry_id: int, values: dict[str, object]) -> int:
    drive_id = session.execute(sa.insert(Drive).values(values).returning(Drive.id)).scalar_one()
    before = {**values, "device_id": None, "entry_id": entry_id, "drive_id": drive_id}
    session.execute(sa.insert(DriveBefore).values(before))
    return drive_id


def _remember(session: Session, entry_id: int, drive_id: int) -> None:
    """Keep what a drive was, before an entry changes it."""
    as_it_was = [getattr(Drive, name) for name in REMEMBERED]
    found = sa.select(sa.literal(entry_id), Drive.id, *as_it_was).where(Drive.id == drive_id)
    session.execute(sa.insert(DriveBefore).from_select(["entry_id", "drive_id", *REMEMBERED], found))


def take_back(session: Session, device_id: int, entry_id: int, undone_by: int) -> None:
    """Make a device's drives what they were before an entry; its proofs prove nothing any more, and are kept."""
    held = sa.select(Drive.id).where(Drive.device_id == device_id)
    given = sa.and_(ErasureProof.drive_id.in_(held), ErasureProof.entry_id == entry_id)
    session.execute(sa.update(ErasureProof).where(given).values(withdrawn_by=undone_by))
    for before in session.scalars(sa.select(DriveBefore).where(DriveBefore.entry_id == entry_id)):
        values = {name: getattr(before, name) for name in REMEMBERED}
        session.execute(sa.update(Drive).where(Drive.id == before.drive_id).values(values))


def _proof(
    erasure: Erasure, drive_id: int, actor: Actor, finding: Finding, entry_id: int
) -> dict[str, object]:
    return {
        "drive_id": drive_id,
        "method": erasure.method,
        "tool": erasure.tool,
        "tool_version": erasure.tool_version,
        "result": erasure.result,
        "done_at": finding.found_at,
        "entry_id": entry_id,
        "person_id": actor.person_id,
        "organisation_id": actor.organisation_id,
    }


def open_again(session: Session, device_id: int, category: Category) -> int:
    """How many drives will be open once somebody else has had the device. Writes nothing: a move comes first."""
    return len(_present(session, device_id)) or int(category in DATA_BEARING)


def forget_proofs(session: Session, device_id: int, category: Category, now: datetime) -> None:
    """Say of every drive that it may hold data since now; of a device without any, that nobody has looked."""
    present = _present(session, device_id)
    session.execute(sa.update(Drive).where(Drive.id.in_(present)).values(data_since=now))
    if not present and category in DATA_BEARING:
        unseen = {"device_id": device_id, "kind": DriveKind.UNSEEN, "data_since": now}
        session.execute(sa.insert(Drive).values(fate=DriveFate.PRESENT, **unseen))


def _present(session: Session, device_id: int) -> list[int]:
    held = sa.select(Drive.id).where(Drive.device_id == device_id, Drive.fate == DriveFate.PRESENT)
    return list(session.scalars(held))
