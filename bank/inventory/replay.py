"""Checking the register against the journal: every hash, every sequence, every move, every column."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import db, journal
from bank.errors import Refusal
from bank.inventory import lifecycle
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import Device
from bank.inventory.register import COLUMNS

BLOCK = 2_000


@dataclass(frozen=True)
class Fault:
    """One thing that does not hold: a code, and where."""

    code: str
    device_id: int | None
    seq: int | None


@dataclass
class Report:
    """What a verification went through and found."""

    devices: int = 0
    entries: int = 0
    faults: list[Fault] = field(default_factory=list)


def verify() -> Report:
    """Replay everything, in blocks of devices, in units of work that block nobody."""
    report = Report()
    last = 0
    while True:
        with db.read() as session:
            devices = session.execute(
                sa.select(db.table(Device)).where(Device.id > last).order_by(Device.id).limit(BLOCK)
            ).all()
            if not devices:
                break
            chains = _chains(session, devices[0].id, devices[-1].id)
        for device in devices:
            _check_device(device, chains.pop(device.id, []), report)
        report.faults += [Fault("orphan-chain", device_id, None) for device_id in chains]
        last = devices[-1].id
    _check_unchained(report)
    return report


def _chains(session: Session, first: int, last: int) -> dict[int, list[Any]]:
    table = db.table(journal.Entry)
    rows = session.execute(
        sa.select(table)
        .where(table.c.subject == "device", table.c.subject_id.between(first, last))
        .order_by(table.c.subject_id, table.c.seq)
    )
    return {device_id: list(chain) for device_id, chain in groupby(rows, key=attrgetter("subject_id"))}


def _check_device(device: Any, chain: list[Any], report: Report) -> None:
    report.devices += 1
    report.entries += len(chain)
    codes = set(_chain_faults(chain))
    standing: dict[str, Any] = dict.fromkeys(COLUMNS) | {"open_drives": 0}
    for entry in chain:
        standing |= json.loads(entry.facts)["set"]
    if not chain or device.seq != chain[-1].seq or device.head != chain[-1].hash:
        codes.add("tip-differs")
    if any(standing[name] != getattr(device, name) for name in COLUMNS):
        codes.add("state-differs")
    report.faults += [Fault(code, device.id, device.seq) for code in sorted(codes)]


def _chain_faults(chain: list[Any]) -> Iterator[str]:
    prev, state = journal.GENESIS, None
    open_drives = 0
    for position, entry in enumerate(chain, start=1):
        if entry.seq != position:
            yield "gap"
        if journal.digest(prev, entry._asdict()) != entry.hash:
            yield "hash-differs"
        changed = json.loads(entry.facts)["set"]
        open_drives = changed.get("open_drives", open_drives)
        try:
            state = lifecycle.after(state, Move(entry.kind.removeprefix("device.")), open_drives)
        except Refusal:
            yield "illegal-move"
            state = State(changed.get("state", state))
        prev = entry.hash


def _check_unchained(report: Report) -> None:
    """Entries on batches, requests and people stand alone: each hash covers its own line."""
    table = db.table(journal.Entry)
    last = 0
    while True:
        with db.read() as session:
            rows = session.execute(
                sa.select(table)
                .where(table.c.subject != "device", table.c.id > last)
                .order_by(table.c.id)
                .limit(BLOCK)
            ).all()
        if not rows:
            return
        report.entries += len(rows)
        report.faults += [
            Fault("hash-differs", None, row.id)
            for row in rows
            if journal.digest(journal.GENESIS, row._asdict()) != row.hash
        ]
        last = rows[-1].id
