"""The journal: what happened, in order, for ever. Append-only by trigger on both databases.

A device's entries form a chain: each hash covers the one before, so a change, a gap or a swap shows. `facts` is
canonical JSON kept as TEXT (JSONB would rewrite it) and time is integer microseconds (SQLite drops time zones):
the hash covers the very bytes that are stored. Facts are ids, codes, counts and flags, by a schema per kind:
never a name, a contact or a free text. Those live in rows that can be purged, which the entry points to.

There are no foreign keys here on purpose: the journal outlives what it speaks of.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from bank.actor import Actor
from bank.db import Base, BigId, core, now_us, table

GENESIS = b"\x00" * 32
CODE_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")
DAY_FORM = re.compile(r"\d{4}-\d\d-\d\d")

Facts = Mapping[str, Any]
Row = dict[str, Any]


class Subject(StrEnum):
    """What an entry speaks of."""

    DEVICE = "device"
    BATCH = "batch"
    REQUEST = "request"
    PROGRAMME = "programme"
    TARIFF = "tariff"
    HELP = "help"
    INCIDENT = "incident"
    STATION = "station"
    LABELS = "labels"
    LABEL = "label"
    PLACE = "place"
    PRINTER = "printer"
    SHIPMENT = "shipment"
    STOCK_TAKE = "stock_take"
    GUIDE = "guide"
    ORGANISATION = "organisation"
    PERSON = "person"


class Kind(StrEnum):
    """Every kind of entry, `subject.verb`. A device's kinds are its moves (`inventory/lifecycle.py`)."""

    DEVICE_ANNOUNCE = "device.announce"
    DEVICE_RECEIVE = "device.receive"
    DEVICE_ENTER = "device.enter"
    DEVICE_PASS = "device.pass"
    DEVICE_FINISH = "device.finish"
    DEVICE_RESERVE = "device.reserve"
    DEVICE_RELEASE = "device.release"
    DEVICE_HAND_OVER = "device.hand_over"
    DEVICE_LEND = "device.lend"
    DEVICE_COME_BACK = "device.come_back"
    DEVICE_RECHECK = "device.recheck"
    DEVICE_LOSE = "device.lose"
    DEVICE_FIND = "device.find"
    DEVICE_HARVEST = "device.harvest"
    DEVICE_RECYCLE = "device.recycle"
    DEVICE_RETURN_TO_DONOR = "device.return_to_donor"
    DEVICE_DRIVES = "device.drives"
    DEVICE_DESCRIBE = "device.describe"
    DEVICE_RELABEL = "device.relabel"
    DEVICE_PUT = "device.put"
    DEVICE_SHIP = "device.ship"
    DEVICE_ARRIVE = "device.arrive"
    DEVICE_UNDO = "device.undo"
    DEVICE_LEAVE = "device.leave"
    DEVICE_REOPEN = "device.reopen"
    DEVICE_BLOCK = "device.block"
    DEVICE_UNBLOCK = "device.unblock"
    DEVICE_SEND_BACK = "device.send_back"
    BATCH_OPENED = "batch.opened"
    BATCH_EDITED = "batch.edited"
    BATCH_IMPORTED = "batch.imported"
    BATCH_SUBMITTED = "batch.submitted"
    BATCH_WITHDRAWN = "batch.withdrawn"
    BATCH_ACCEPTED = "batch.accepted"
    BATCH_REFUSED = "batch.refused"
    BATCH_ENTERED = "batch.entered"
    BATCH_RECEIVED = "batch.received"
    REQUEST_MADE = "request.made"
    REQUEST_ALLOCATED = "request.allocated"
    REQUEST_RELEASED = "request.released"
    REQUEST_HANDED_OVER = "request.handed_over"
    REQUEST_APPOINTED = "request.appointed"
    REQUEST_CANCELLED = "request.cancelled"
    REQUEST_COME_BACK = "request.come_back"
    PROGRAMME_ADDED = "programme.added"
    TARIFF_ADDED = "tariff.added"
    HELP_CALLED = "help.called"
    HELP_ANSWERED = "help.answered"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_CLOSED = "incident.closed"
    STATION_ENROLLED = "station.enrolled"
    STATION_EDITED = "station.edited"
    STATION_REVOKED = "station.revoked"
    SHIPMENT_SENT = "shipment.sent"
    SHIPMENT_CLOSED = "shipment.closed"
    STOCK_TAKE_OPENED = "stock_take.opened"
    STOCK_TAKE_CLOSED = "stock_take.closed"
    GUIDE_EDITED = "guide.edited"
    LABELS_PRINTED = "labels.printed"
    LABELS_REPRINTED = "labels.reprinted"
    LABEL_VOIDED = "label.voided"
    PLACE_MADE = "place.made"
    PLACE_EDITED = "place.edited"
    PLACE_LABELLED = "place.labelled"
    PRINTER_ADDED = "printer.added"
    PRINTER_CALIBRATED = "printer.calibrated"
    ORGANISATION_CREATED = "organisation.created"
    ORGANISATION_EDITED = "organisation.edited"
    PERSON_INVITED = "person.invited"
    PERSON_JOINED = "person.joined"
    PERSON_DISABLED = "person.disabled"
    PERSON_RESET_ASKED = "person.reset_asked"
    PERSON_PASSWORD_SET = "person.password_set"
    PERSON_TOKEN_MADE = "person.token_made"
    PERSON_TOKEN_REVOKED = "person.token_revoked"
    PERSON_BADGE_MADE = "person.badge_made"
    PERSON_BADGE_VOIDED = "person.badge_voided"
    PERSON_BADGE_LOCKED = "person.badge_locked"
    PERSON_BADGE_UNLOCKED = "person.badge_unlocked"
    PERSON_PIN_SET = "person.pin_set"

    @property
    def subject(self) -> Subject:
        """What entries of this kind speak of."""
        return Subject(self.value.partition(".")[0])


def _id(value: Any) -> bool:
    return type(value) is int


def _flag(value: Any) -> bool:
    return type(value) is bool


def _code(value: Any) -> bool:
    return isinstance(value, str) and CODE_FORM.fullmatch(value) is not None


def _codes(value: Any) -> bool:
    return isinstance(value, list) and all(_code(item) for item in value)


def _ids(value: Any) -> bool:
    return isinstance(value, list) and all(_id(item) for item in value)


def _day(value: Any) -> bool:
    return isinstance(value, str) and DAY_FORM.fullmatch(value) is not None


def _counts(value: Any) -> bool:
    return isinstance(value, dict) and all(_code(key) and _id(item) for key, item in value.items())


def _code_by_code(value: Any) -> bool:
    return isinstance(value, dict) and all(_code(key) and _code(item) for key, item in value.items())


# The register's columns that an entry gives a value to: folding these over a chain gives the device's row.
REGISTER: Mapping[str, Callable[[Any], bool]] = {
    "state": _code,
    "step_id": _id,
    "place_id": _id,
    "custodian_id": _id,
    "owner_id": _id,
    "open_drives": _id,
    "blocker_id": _id,
}


def _set(value: Any) -> bool:
    return isinstance(value, dict) and all(
        key in REGISTER and (item is None or REGISTER[key](item)) for key, item in value.items()
    )


DEVICE = {"set": _set}
# What a step records besides that it was passed: the proofs' ids, a grade, what was tried, installed, repaired.
STEP = DEVICE | {
    "step": _code,
    "proofs": _ids,
    "grade": _code,
    "battery": _id,
    "passed": _codes,
    "failed": _codes,
    "repairs": _codes,
    "os": _code,
    "os_until": _day,
    # Where in the device's chain the scan began that came to several entries, this one the last.
    "began": _id,
}
UNDONE = DEVICE | {"undoes": _id, "step": _code}
PRINTED = {
    "kind": _code,
    "sheet": _code,
    "start": _id,
    "count": _id,
    "copies": _id,
    "station": _id,
    "printer": _id,
}
SCHEMAS: Mapping[Kind, Mapping[str, Callable[[Any], bool]]] = {
    Kind.DEVICE_ANNOUNCE: DEVICE | {"batch": _code},
    Kind.DEVICE_RECEIVE: DEVICE | {"batch": _code, "label": _code, "category": _code, "origin": _id},
    Kind.DEVICE_ENTER: DEVICE | {"route": _id},
    Kind.DEVICE_PASS: STEP,
    Kind.DEVICE_FINISH: STEP,
    Kind.DEVICE_RESERVE: DEVICE | {"request": _code, "allocation": _id},
    Kind.DEVICE_RELEASE: DEVICE | {"request": _code, "allocation": _id},
    Kind.DEVICE_HAND_OVER: DEVICE | {"handover": _code, "allocation": _id},
    Kind.DEVICE_LEND: DEVICE | {"handover": _code, "allocation": _id},
    Kind.DEVICE_COME_BACK: DEVICE | {"reason": _code},
    Kind.DEVICE_RECHECK: DEVICE | {"reason": _code},
    Kind.DEVICE_LOSE: DEVICE | {"reason": _code},
    Kind.DEVICE_FIND: DEVICE,
    Kind.DEVICE_HARVEST: DEVICE | {"reason": _code},
    Kind.DEVICE_RECYCLE: DEVICE | {"reason": _code, "to_destruction": _flag},
    Kind.DEVICE_RETURN_TO_DONOR: DEVICE | {"reason": _code},
    Kind.DEVICE_DRIVES: DEVICE | {"drives": _ids, "reason": _code, "began": _id},
    Kind.DEVICE_DESCRIBE: DEVICE | {"codes": _codes, "item": _id},
    Kind.DEVICE_RELABEL: DEVICE | {"label": _code, "was": _code, "reason": _code},
    Kind.DEVICE_PUT: DEVICE,
    Kind.DEVICE_SHIP: DEVICE | {"shipment": _id, "to": _id},
    Kind.DEVICE_ARRIVE: DEVICE | {"shipment": _id},
    # What an opposite move undoes: the entry's place in the device's own chain.
    Kind.DEVICE_UNDO: UNDONE,
    Kind.DEVICE_LEAVE: UNDONE,
    Kind.DEVICE_REOPEN: UNDONE,
    # A step that was done, and that found what stops the device or sends it back, says what it recorded too.
    Kind.DEVICE_BLOCK: STEP | {"reason": _code, "danger": _flag},
    Kind.DEVICE_UNBLOCK: DEVICE | {"blocker": _id, "outcome": _code},
    Kind.DEVICE_SEND_BACK: STEP | {"reason": _code, "to": _code},
    Kind.BATCH_OPENED: {"donor": _id},
    Kind.BATCH_EDITED: {"announced": _counts},
    Kind.BATCH_IMPORTED: {"import": _id, "rows": _id, "refused": _id},
    Kind.BATCH_SUBMITTED: {"announced": _counts},
    Kind.BATCH_WITHDRAWN: {},
    Kind.BATCH_ACCEPTED: {"workshop": _id, "origin": _id, "collection": _day},
    Kind.BATCH_REFUSED: {"reason": _code},
    Kind.BATCH_ENTERED: {"donor": _id, "workshop": _id, "origin": _id, "announced": _counts},
    Kind.BATCH_RECEIVED: {
        "received": _counts,
        "refused": _counts,
        "gap": _counts,
        "reasons": _code_by_code,
        "unannounced": _flag,
    },
    Kind.REQUEST_MADE: {
        "programme": _code,
        "asked": _counts,
        "proof": _code,
        "proof_day": _day,
    },
    Kind.REQUEST_ALLOCATED: {"device": _id, "price_cents": _id, "cap_cents": _id, "reasons": _codes},
    Kind.REQUEST_RELEASED: {"device": _id},
    Kind.REQUEST_HANDED_OVER: {"handover": _code, "devices": _ids, "paid_cents": _id, "payment": _code},
    Kind.REQUEST_APPOINTED: {"desk": _id, "day": _day},
    Kind.REQUEST_CANCELLED: {"reason": _code},
    Kind.REQUEST_COME_BACK: {"device": _id, "reason": _code},
    Kind.PROGRAMME_ADDED: {"programme": _code, "valid_from": _day},
    Kind.TARIFF_ADDED: {
        "programme": _code,
        "category": _code,
        "seller": _id,
        "price_cents": _id,
        "valid_from": _day,
    },
    Kind.HELP_CALLED: {"device": _id, "step": _code, "reason": _code},
    Kind.HELP_ANSWERED: {},
    Kind.INCIDENT_OPENED: {"device": _id, "drives": _id, "custodian": _id},
    Kind.INCIDENT_CLOSED: {"device": _id, "outcome": _code},
    Kind.STATION_ENROLLED: {"open": _flag},
    Kind.STATION_EDITED: {"open": _flag, "idle_minutes": _id},
    Kind.STATION_REVOKED: {},
    Kind.SHIPMENT_SENT: {"to": _id, "devices": _id},
    Kind.SHIPMENT_CLOSED: {"arrived": _id, "missing": _id},
    Kind.STOCK_TAKE_OPENED: {"place": _id, "expected": _id},
    Kind.STOCK_TAKE_CLOSED: {"found": _id, "missing": _id, "unexpected": _id},
    Kind.GUIDE_EDITED: {"step": _code},
    # A run of labels: its subject is the run, whose rows say which labels.
    Kind.LABELS_PRINTED: PRINTED,
    Kind.LABELS_REPRINTED: PRINTED | {"reason": _code},
    Kind.LABEL_VOIDED: {"reason": _code},
    Kind.PLACE_MADE: {"kind": _code, "within": _id, "label": _code},
    Kind.PLACE_EDITED: {"kind": _code, "within": _id},
    Kind.PLACE_LABELLED: {"label": _code, "was": _code, "reason": _code},
    Kind.PRINTER_ADDED: {},
    Kind.PRINTER_CALIBRATED: {"offset_x": _id, "offset_y": _id, "scale_x": _id, "scale_y": _id},
    Kind.ORGANISATION_CREATED: {"roles": _codes},
    Kind.ORGANISATION_EDITED: {"roles": _codes, "capacities": _codes},
    Kind.PERSON_INVITED: {"roles": _codes, "organisation": _id},
    Kind.PERSON_JOINED: {},
    Kind.PERSON_DISABLED: {},
    Kind.PERSON_RESET_ASKED: {},
    Kind.PERSON_PASSWORD_SET: {},
    Kind.PERSON_TOKEN_MADE: {"token": _id, "scopes": _codes, "expires": _day},
    Kind.PERSON_TOKEN_REVOKED: {"token": _id},
    Kind.PERSON_BADGE_MADE: {"badge": _id},
    Kind.PERSON_BADGE_VOIDED: {"badge": _id},
    Kind.PERSON_BADGE_LOCKED: {"badge": _id, "station": _id},
    Kind.PERSON_BADGE_UNLOCKED: {"badge": _id},
    Kind.PERSON_PIN_SET: {"badge": _id},
}


class Entry(Base):
    """One line of the journal. `seq` and the chain exist for devices only."""

    __tablename__ = "journal_entry"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(20))
    subject_id: Mapped[int] = mapped_column(BigId)
    seq: Mapped[int | None]
    kind: Mapped[str] = mapped_column(sa.String(40))
    facts: Mapped[str] = mapped_column(sa.Text())
    at_us: Mapped[int] = mapped_column(sa.BigInteger())
    # When the phone saw it, for a scan that waited for the network; order is arrival.
    client_at_us: Mapped[int | None] = mapped_column(sa.BigInteger())
    scan_id: Mapped[str | None] = mapped_column(sa.String(36), unique=True)
    person_id: Mapped[int | None]
    organisation_id: Mapped[int | None]
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))

    __table_args__ = (
        sa.UniqueConstraint("subject", "subject_id", "seq"),
        sa.Index("ix_journal_entry_subject_time", "subject", "subject_id", "id"),
    )


# Made once: `json.dumps` makes one for each entry.
ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode
INSERT = sa.insert(table(Entry))
INSERT_QUIETLY = INSERT.inline()
CHAIN = ("subject", "subject_id", "seq")
BY_SEQ = sa.select(Entry.id).where(*(table(Entry).c[name] == sa.bindparam(name) for name in CHAIN))


def canonical(kind: Kind, facts: Facts) -> str:
    """The facts as they are stored and hashed. Raises ValueError on a fact that the kind does not declare."""
    schema = SCHEMAS[kind]
    for name, value in facts.items():
        check = schema.get(name)
        if check is None or not (value is None or check(value)):
            raise ValueError(f"{kind}: fact {name!r} is not what its schema allows")
    return ENCODE(facts)


def digest(prev: bytes, row: Mapping[str, Any]) -> bytes:
    """SHA-256 over the tip before and every stored column, in a fixed order."""
    head = "|".join(
        str(row[name])
        for name in (
            "subject",
            "subject_id",
            "seq",
            "kind",
            "at_us",
            "client_at_us",
            "scan_id",
            "person_id",
            "organisation_id",
        )
    )
    return hashlib.sha256(prev + head.encode() + b"|" + row["facts"].encode()).digest()


def compose(
    actor: Actor | None,
    kind: Kind,
    subject_id: int,
    facts: Facts,
    *,
    seq: int | None = None,
    prev: bytes = GENESIS,
    scan_id: str | None = None,
    client_at_us: int | None = None,
) -> Row:
    """An entry ready to be written, with its hash. `actor` is None for the house's own clockwork.

    `seq` and `prev` are the register's, for a device. Raises ValueError on facts that the kind does not declare.
    """
    row: Row = {
        "subject": kind.subject.value,
        "subject_id": subject_id,
        "seq": seq,
        "kind": kind.value,
        "facts": canonical(kind, facts),
        "at_us": now_us(),
        "client_at_us": client_at_us,
        "scan_id": scan_id,
        "person_id": actor.person_id if actor else None,
        "organisation_id": actor.organisation_id if actor else None,
    }
    row["hash"] = digest(prev, row)
    return row


def write(session: Session, row: Row) -> None:
    """Insert a composed entry, and the jobs that follow from it, in the caller's transaction.

    The id of an entry of a chain is not asked for: few need it, and those find it by `entry_id`.
    Raises IntegrityError on a `seq` or a `scan_id` that is there already.
    """
    if row["seq"] is None:
        (row["id"],) = core(session).execute(INSERT, row).inserted_primary_key or (None,)
    else:
        core(session).execute(INSERT_QUIETLY, row)
    session.info["on_entry"](session, row)


def write_all(session: Session, rows: Sequence[Row]) -> None:
    """Insert composed entries of chains as `write` would one by one, in one go."""
    if rows:
        core(session).execute(INSERT_QUIETLY, rows)
    for row in rows:
        session.info["on_entry"](session, row)


def entry_id(session: Session, row: Row) -> int:
    """The id of an entry that was just written, told by its subject and its place in the chain."""
    if "id" in row:
        return int(row["id"])
    return int(core(session).execute(BY_SEQ, {name: row[name] for name in CHAIN}).scalar_one())


def append(session: Session, actor: Actor | None, kind: Kind, subject_id: int, facts: Facts) -> int:
    """Write one entry on anything but a device (those are the register's); the entry's id."""
    row = compose(actor, kind, subject_id, facts)
    write(session, row)
    return entry_id(session, row)


def protect(dialect: str) -> list[str]:
    """The statements that make the journal append-only; for migrations that create or rebuild its table."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER journal_no_{verb.lower()} BEFORE {verb} ON journal_entry "
            "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        "CREATE OR REPLACE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$",
        "CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE ON journal_entry "
        "FOR EACH ROW EXECUTE FUNCTION journal_refuse()",
        "CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse()",
    ]
