"""Reads of the register, each within the reach of who asks. The public passport is the one exception."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bank import journal
from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.identity.models import Organisation
from bank.inventory import codes, register, rules
from bank.inventory.lifecycle import State
from bank.inventory.models import (
    AnnouncedItem,
    Category,
    CodeKind,
    Condition,
    Device,
    DeviceCode,
    Drive,
    DriveFate,
    DriveKind,
    ErasureMethod,
    ErasureProof,
    ErasureResult,
    Grade,
    Label,
    LabelState,
    Origin,
    Place,
    PlaceKind,
    Step,
    StepKind,
)

PAGE = 50
MANY = 1_000
STICKERS_MAX = 10_000
Q_MAX = 200
HISTORY_MAX = 200
LAST_SIGN = chr(0x10FFFF)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
K = journal.Kind
RECEIVED = K.DEVICE_RECEIVE.value
# What the journal keeps of the step of repairs when there was nothing to repair: nobody is told "repaired".
NOTHING_REPAIRED = ["none"]
PASSED = frozenset({K.DEVICE_PASS.value, K.DEVICE_FINISH.value})
# After these, an earlier control says nothing any more.
RESTARTS = frozenset({RECEIVED, K.DEVICE_COME_BACK.value, K.DEVICE_RECHECK.value, K.DEVICE_FIND.value})
# Before these, a step was passed that was not: nobody is told that it was done.
TAKEN_BACK = frozenset({K.DEVICE_UNDO.value, K.DEVICE_REOPEN.value})


class Stage(StrEnum):
    """What anyone may know of a device's state."""

    IN_PREPARATION = "in_preparation"
    AVAILABLE = "available"
    IN_USE = "in_use"
    MISSING = "missing"
    ENDED = "ended"
    RETURNED = "returned"


STAGES = {
    State.ANNOUNCED: Stage.IN_PREPARATION,
    State.RECEIVED: Stage.IN_PREPARATION,
    State.IN_WORK: Stage.IN_PREPARATION,
    State.READY: Stage.AVAILABLE,
    State.RESERVED: Stage.AVAILABLE,
    State.HANDED_OVER: Stage.IN_USE,
    State.ON_LOAN: Stage.IN_USE,
    State.MISSING: Stage.MISSING,
    State.HARVESTED: Stage.ENDED,
    State.RECYCLED: Stage.ENDED,
    State.RETURNED_TO_DONOR: Stage.RETURNED,
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a list of devices is narrowed to; None means all."""

    state: State | None = None
    category: Category | None = None
    batch: str | None = None
    q: str | None = None
    step: StepKind | None = None
    grade: Grade | None = None
    blocked: bool = False
    place: int | None = None
    unprinted: bool = False


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device, as a list shows it."""

    id: int
    code: str
    category: Category
    maker: str
    model: str
    state: State
    step: StepKind | None
    batch_ref: str
    open_drives: int
    created_at: datetime
    blocked: bool


@dataclass(frozen=True, slots=True)
class DevicePage:
    """One page of a list. `count` stops at MANY: beyond, `many` says that there are more."""

    devices: tuple[DeviceLine, ...]
    next_cursor: int | None
    count: int
    many: bool


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One erasure of one drive."""

    method: ErasureMethod
    tool: str
    tool_version: str
    result: ErasureResult
    done_at: datetime
    organisation: str


@dataclass(frozen=True, slots=True)
class DriveLine:
    """A drive with what was done to it; `open` when somebody's data may still be on it."""

    id: int
    kind: DriveKind
    fate: DriveFate
    serial: str | None
    size_gb: int | None
    open: bool
    proofs: tuple[ProofLine, ...]


@dataclass(frozen=True, slots=True)
class CodeLine:
    """Another code on the device."""

    kind: CodeKind
    value: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One journal entry. Who: an organisation, never a person; None is the house's own clockwork.

    `recorded` holds what else the entry says, by the names of `TOLD`: codes, lists of codes, numbers and flags.
    """

    seq: int
    kind: str
    at: datetime
    organisation: str | None
    state: State | None
    step: StepKind | None
    batch: str | None
    label: str | None
    open_drives: int | None
    proofs: int
    recorded: dict[str, Any]
    place: str | None = None


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """How a device is, as its last tests and gradings say."""

    grade: Grade | None
    battery_percent: int | None
    passed: frozenset[str]
    failed: frozenset[str]
    os: str | None
    os_until: date | None


@dataclass(frozen=True, slots=True)
class AnnouncedLine:
    """The row of the donor's file that this device is."""

    row: int
    category: Category
    maker: str
    model: str
    serial: str | None
    asset_tag: str | None
    imei: str | None


@dataclass(frozen=True, slots=True)
class DeviceSheet(DeviceLine):
    """All that a page says of a device, but its history. `held`: by the organisation of who asks."""

    held: bool
    custodian: str | None
    owner: str | None
    place: str | None
    codes: tuple[CodeLine, ...]
    drives: tuple[DriveLine, ...]
    condition: ConditionLine | None
    announced: AnnouncedLine | None


@dataclass(frozen=True, slots=True)
class Sticker:
    """What a label tells: its code, what it is stuck on, and the batch, which names nobody.

    `printed`: whether it was ever in a file to print, hence may be stuck already.
    """

    code: str
    category: Category
    batch_ref: str
    label_id: int = 0
    place: str | None = None
    grade: Grade | None = None
    printed: bool = False


@dataclass(frozen=True, slots=True)
class PlaceSticker:
    """What the label of a place tells."""

    code: str
    name: str
    kind: PlaceKind
    label_id: int
    printed: bool


class Level(StrEnum):
    """How deep an erasure went: what a laboratory could read, what the user could, or the maker's own reset."""

    PURGE = "purge"
    CLEAR = "clear"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done to a device, and when."""

    step: StepKind
    at: datetime


@dataclass(frozen=True, slots=True)
class Passport:
    """What anyone who holds the device may know: no person, serial, programme, price or donor.

    `erased` counts the drives by the level of their erasure, `gone` those that are not in it any more.
    """

    code: str
    category: Category
    maker: str
    model: str
    stage: Stage
    received_at: datetime | None
    has_drive: bool
    erased_at: datetime | None
    controlled_at: datetime | None
    erased: tuple[tuple[Level, int], ...]
    gone: int
    deeds: tuple[Deed, ...]
    grade: Grade | None
    battery_percent: int | None


# What an entry says besides the register's columns, and a page tells.
TOLD = (
    "reason",
    "to",
    "danger",
    "grade",
    "battery",
    "passed",
    "failed",
    "repairs",
    "os",
    "codes",
    "item",
    "outcome",
    "to_destruction",
)
LEVELS = {
    ErasureMethod.CLEAR_OVERWRITE: Level.CLEAR,
    ErasureMethod.FACTORY_RESET: Level.RESET,
}

device, label, step, place = Device.__table__, Label.__table__, Step.__table__, Place.__table__
other_code, entry = DeviceCode.__table__, journal.Entry.__table__
carried = label.alias("carried")

# On a device, and in no file to print yet.
UNPRINTED = sa.and_(
    label.c.state == LabelState.CLAIMED, label.c.device_id.is_not(None), label.c.printed_at.is_(None)
)

Conditions = tuple[sa.ColumnElement[bool], ...]

LINE = (
    device.c.id,
    carried.c.code,
    device.c.category,
    device.c.maker,
    device.c.model,
    device.c.state,
    step.c.kind,
    device.c.batch_ref,
    device.c.open_drives,
    device.c.created_at,
    device.c.blocker_id.is_not(None).label("blocked"),
)
# Every device carries exactly one claimed label.
CARRIED = device.join(
    carried, sa.and_(carried.c.device_id == device.c.id, carried.c.state == LabelState.CLAIMED)
).outerjoin(step, device.c.step_id == step.c.id)


def reach(actor: Actor) -> Conditions:
    """The scope rule: a device is seen by who holds it, by who owns it and by the whole-bank view.

    One condition at least must hold. They stay apart because each is served by its own index.
    """
    if not actor.can(Permission.DEVICE_SEE):
        return (sa.false(),)
    if actor.sees_all:
        return (sa.true(),)
    return (
        device.c.custodian_id == actor.organisation_id,
        device.c.owner_id == actor.organisation_id,
    )


def devices(
    session: Session, actor: Actor, filters: Filters, *, cursor: int | None = None, limit: int = PAGE
) -> DevicePage:
    """A page of devices, the latest first. Two statements, whatever the length."""
    wanted = _wanted(filters)
    onward = wanted if cursor is None else (*wanted, device.c.id < cursor)
    rows = session.execute(
        sa.select(*LINE)
        .select_from(CARRIED)
        .where(device.c.id.in_(_ids(actor, onward, limit + 1)))
        .order_by(device.c.id.desc())
        .limit(limit + 1)
    ).all()
    counted = _ids(actor, wanted, MANY + 1).limit(MANY + 1).subquery()
    count = session.scalar(sa.select(sa.func.count()).select_from(counted)) or 0
    shown = tuple(_line(row) for row in rows[:limit])
    following = shown[-1].id if len(rows) > limit else None
    return DevicePage(shown, following, min(count, MANY), count > MANY)


def sheet(session: Session, actor: Actor, code: str) -> DeviceSheet:
    """One device, by any label that was ever stuck on it. Raises Refusal(not-found)."""
    custodian, owner = aliased(Organisation), aliased(Organisation)
    mine = device.c.custodian_id == actor.organisation_id
    row = session.execute(
        sa.select(
            *LINE,
            sa.func.coalesce(mine, sa.false()),
            custodian.name,
            owner.name,
            Place.name,
            Origin.purge_asked,
        )
        .select_from(CARRIED)
        .join(Origin, Origin.id == device.c.origin_id)
        .outerjoin(custodian, custodian.id == device.c.custodian_id)
        .outerjoin(owner, owner.id == device.c.owner_id)
        .outerjoin(Place, Place.id == device.c.place_id)
        .where(device.c.id == _labelled(code), sa.or_(*reach(actor)))
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    *found, purge_asked = row
    device_id = row.id
    others = session.execute(
        sa.select(other_code.c.kind, other_code.c.value)
        .where(other_code.c.device_id == device_id)
        .order_by(other_code.c.kind, other_code.c.value)
    )
    drives = _drives(session, device_id, purge_asked=purge_asked)
    lines = tuple(CodeLine(*other) for other in others)
    return _sheet((*found, lines, drives, _condition(session, device_id), _announced(session, device_id)))


def _condition(session: Session, device_id: int) -> ConditionLine | None:
    row = session.execute(
        sa.select(
            Condition.grade,
            Condition.battery_percent,
            Condition.passed,
            Condition.failed,
            Condition.os,
            Condition.os_until,
        ).where(Condition.device_id == device_id)
    ).one_or_none()
    return ConditionLine(*row) if row else None


def _announced(session: Session, device_id: int) -> AnnouncedLine | None:
    item = AnnouncedItem
    row = session.execute(
        sa.select(
            item.row, item.category, item.maker, item.model, item.serial, item.asset_tag, item.imei
        ).where(item.device_id == device_id)
    ).one_or_none()
    return AnnouncedLine(*row) if row else None


def history(
    session: Session, actor: Actor, code: str, *, before: int | None = None, limit: int = HISTORY_MAX
) -> tuple[HistoryLine, ...]:
    """A device's journal, the latest first; `before` is the last `seq` read. Raises Refusal(not-found)."""
    device_id = session.scalar(
        sa.select(device.c.id).where(device.c.id == _labelled(code), sa.or_(*reach(actor)))
    )
    if device_id is None:
        raise Refusal(Code.NOT_FOUND)
    rows = session.execute(
        sa.select(entry.c.seq, entry.c.kind, entry.c.at_us, entry.c.facts, Organisation.name)
        .outerjoin(Organisation, Organisation.id == entry.c.organisation_id)
        .where(
            entry.c.subject == journal.Subject.DEVICE.value,
            entry.c.subject_id == device_id,
            *(() if before is None else (entry.c.seq < before,)),
        )
        .order_by(entry.c.seq.desc())
        .limit(limit)
    )
    return _with_places(session, [(_history_line(row), _put_in(row)) for row in rows])


def _put_in(row: Any) -> int | None:
    place_id: int | None = json.loads(row.facts).get("set", {}).get("place_id")
    return place_id


def _with_places(
    session: Session, lines: Sequence[tuple[HistoryLine, int | None]]
) -> tuple[HistoryLine, ...]:
    """The lines, with the names of the places that they speak of."""
    wanted = {place_id for _line, place_id in lines if place_id}
    names: dict[int | None, str] = {}
    if wanted:
        rows = session.execute(sa.select(Place.id, Place.name).where(Place.id.in_(wanted)))
        names = {row.id: row.name for row in rows}
    return tuple(replace(line, place=names.get(place_id)) for line, place_id in lines)


def stickers(session: Session, actor: Actor, batch_ref: str) -> list[Sticker]:
    """The labels of a batch's devices, in the order in which these were received."""
    return stickers_of(session, actor, batch=batch_ref)


def stickers_of(
    session: Session,
    actor: Actor,
    *,
    codes: Sequence[str] | None = None,
    batch: str | None = None,
    place_id: int | None = None,
    filters: Filters | None = None,
    unprinted: bool = False,
    limit: int = STICKERS_MAX,
) -> list[Sticker]:
    """The labels that devices carry, of those that fit all that is asked, in the order of their receiving."""
    asked = filters or Filters()
    narrowed = replace(
        asked,
        batch=asked.batch if batch is None else batch,
        place=asked.place if place_id is None else place_id,
        unprinted=unprinted or asked.unprinted,
    )
    chosen = () if codes is None else (carried.c.code.in_(codes),)
    rows = session.execute(
        sa.select(
            carried.c.code,
            device.c.category,
            device.c.batch_ref,
            carried.c.id,
            Place.name,
            Condition.grade,
            carried.c.printed_at.is_not(None),
        )
        .select_from(CARRIED)
        .outerjoin(Place, Place.id == device.c.place_id)
        .outerjoin(Condition, Condition.device_id == device.c.id)
        .where(sa.or_(*reach(actor)), *_wanted(narrowed), *chosen)
        .order_by(device.c.id)
        .limit(limit)
    )
    return [Sticker(*row) for row in rows]


def place_stickers(
    session: Session, actor: Actor, place_ids: Sequence[int] | None = None
) -> list[PlaceSticker]:
    """The labels that places of the actor's organisation carry, by name; None is all of them."""
    chosen = () if place_ids is None else (Place.id.in_(place_ids),)
    rows = session.execute(
        sa.select(Label.code, Place.name, Place.kind, Label.id, Label.printed_at.is_not(None))
        .join(Place, Place.id == Label.place_id)
        .where(Label.state == LabelState.CLAIMED, Place.organisation_id == actor.organisation_id, *chosen)
        .order_by(Place.name)
    )
    return [PlaceSticker(*row) for row in rows]


def passport(session: Session, scanned: str) -> Passport:
    """The public facts of the device that carries a label, for anyone.

    Raises Refusal(bad-code, glued-codes, unknown-label, void-label, blank-label).
    """
    standing = register.look(session, codes.read(scanned))
    made = session.execute(
        sa.select(device.c.maker, device.c.model, device.c.state).where(device.c.id == standing.device_id)
    ).one()
    # Whether the donor asked for Purge is in the gate's count already: here only the day matters.
    drives = _drives(session, standing.device_id, purge_asked=False)
    present = [drive for drive in drives if drive.fate is DriveFate.PRESENT]
    closed = standing.open_drives == 0
    erasures = [proof for drive in present if closed for proof in drive.proofs[-1:] if _passed(proof)]
    levels = [LEVELS.get(proof.method, Level.PURGE) for proof in erasures]
    deeds, received_at = _deeds(session, standing.device_id)
    condition = _condition(session, standing.device_id)
    return Passport(
        code=standing.code,
        category=standing.category,
        maker=made.maker,
        model=made.model,
        stage=STAGES[made.state],
        received_at=received_at,
        has_drive=bool(present),
        erased_at=max((proof.done_at for proof in erasures), default=None),
        controlled_at=max((deed.at for deed in deeds if deed.step is StepKind.CONTROL), default=None),
        erased=tuple((level, levels.count(level)) for level in Level if level in levels),
        gone=sum(drive.fate in {DriveFate.REMOVED, DriveFate.DESTROYED} for drive in drives),
        deeds=deeds,
        grade=condition.grade if condition else None,
        battery_percent=condition.battery_percent if condition else None,
    )


def _line(row: Sequence[Any]) -> DeviceLine:
    return DeviceLine(*row)


def _sheet(row: Sequence[Any]) -> DeviceSheet:
    return DeviceSheet(*row)


def _ids(actor: Actor, wanted: Conditions, limit: int) -> sa.CompoundSelect[Any]:
    """Ids from each way of reaching a device, each walked along its own index and cut at `limit`."""
    branches = (
        sa.select(device.c.id).where(way, *wanted).order_by(device.c.id.desc()).limit(limit).subquery()
        for way in reach(actor)
    )
    return sa.union(*(sa.select(branch.c.id) for branch in branches))


def _wanted(filters: Filters) -> Conditions:
    columns = {
        device.c.state: filters.state,
        device.c.category: filters.category,
        device.c.batch_ref: _plain(filters.batch) if filters.batch else None,
    }
    conditions = [column == value for column, value in columns.items() if value is not None]
    if filters.place is not None:
        conditions.append(device.c.place_id.in_(inside(filters.place)))
    if filters.blocked:
        conditions.append(device.c.blocker_id.is_not(None))
    if filters.unprinted:
        conditions.append(device.c.id.in_(sa.select(label.c.device_id).where(UNPRINTED)))
    if filters.step is not None:
        steps = sa.select(step.c.id).where(step.c.kind == filters.step)
        conditions += [device.c.state == State.IN_WORK, device.c.step_id.in_(steps)]
    if filters.grade is not None:
        graded = sa.select(Condition.device_id).where(Condition.grade == filters.grade)
        conditions.append(device.c.id.in_(graded))
    if filters.q:
        conditions.append(_found(filters.q))
    return tuple(conditions)


def inside(place_id: int) -> sa.Select[int]:
    """The place and all that stands in it: a box is on its shelf with what it holds."""
    inner = sa.select(place.c.id).where(place.c.id == place_id).cte("inside", recursive=True)
    # Without repeats, so that it ends whatever the rows say.
    inner = inner.union(sa.select(place.c.id).where(place.c.within_id == inner.c.id))
    return sa.select(inner.c.id)


def _found(q: str) -> sa.ColumnElement[bool]:
    """Exact or prefix on any code of the device, or its batch. What nobody could have stored finds none."""
    raw = _plain(q)
    if not raw or len(raw) > Q_MAX:
        return sa.false()
    prefixes = {raw}
    # Part of a code, or another kind of code, is looked for as it is.
    with suppress(Refusal):
        prefixes.add(codes.read(q))
    ways: list[sa.Select[Any]] = [sa.select(device.c.id).where(device.c.batch_ref == raw)]
    for prefix in sorted(prefixes):
        for table, value in ((label, label.c.code), (other_code, other_code.c.value)):
            within = sa.and_(value >= prefix, value < prefix + LAST_SIGN)
            ways.append(sa.select(table.c.device_id).where(within, table.c.device_id.is_not(None)))
    return device.c.id.in_(sa.union_all(*ways))


def _plain(text: str) -> str:
    """As codes are stored: upper case, no spaces. Control signs are dropped (PostgreSQL refuses NUL)."""
    return "".join(sign for sign in text.upper() if sign.isprintable() and not sign.isspace())


def _labelled(code: str) -> sa.ScalarSelect[Any]:
    try:
        read = codes.read(code)
    except Refusal as refusal:
        raise Refusal(Code.NOT_FOUND) from refusal
    return sa.select(label.c.device_id).where(label.c.code == read).scalar_subquery()


def _drives(session: Session, device_id: int, *, purge_asked: bool) -> tuple[DriveLine, ...]:
    drives = session.scalars(sa.select(Drive).where(Drive.device_id == device_id).order_by(Drive.id)).all()
    proofs: dict[int, list[ProofLine]] = {drive.id: [] for drive in drives}
    rows = session.execute(
        sa.select(
            ErasureProof.drive_id,
            ErasureProof.method,
            ErasureProof.tool,
            ErasureProof.tool_version,
            ErasureProof.result,
            ErasureProof.done_at,
            Organisation.name,
        )
        .join(Drive, Drive.id == ErasureProof.drive_id)
        .join(Organisation, Organisation.id == ErasureProof.organisation_id)
        .where(Drive.device_id == device_id, ErasureProof.withdrawn_by.is_(None))
        .order_by(ErasureProof.id)
    )
    for row in rows:
        proofs[row.drive_id].append(ProofLine(*row[1:]))
    return tuple(_drive_line(drive, proofs[drive.id], purge_asked=purge_asked) for drive in drives)


def _drive_line(drive: Drive, proofs: Sequence[ProofLine], *, purge_asked: bool) -> DriveLine:
    facts = rules.DriveFacts(
        drive.fate,
        drive.data_since,
        tuple(rules.Proof(proof.method, proof.result, proof.done_at) for proof in proofs),
    )
    is_open = rules.is_open(facts, purge_asked=purge_asked)
    return DriveLine(drive.id, drive.kind, drive.fate, drive.serial, drive.size_gb, is_open, tuple(proofs))


def _passed(proof: ProofLine) -> bool:
    return proof.result is ErasureResult.PASSED


def _deeds(session: Session, device_id: int) -> tuple[tuple[Deed, ...], datetime | None]:
    """What was done to a device, each step the last time it was, in order; and when the device was received.

    A step that comes again on its way, after it came back or was found, says more than what it said before.
    """
    rows = session.execute(
        sa.select(entry.c.seq, entry.c.kind, entry.c.at_us, entry.c.facts)
        .where(
            entry.c.subject == journal.Subject.DEVICE.value,
            entry.c.subject_id == device_id,
            entry.c.kind.in_(PASSED | RESTARTS | TAKEN_BACK),
        )
        .order_by(entry.c.seq)
    ).all()
    undone = {json.loads(row.facts)["undoes"] for row in rows if row.kind in TAKEN_BACK}
    received_at = None
    done: dict[StepKind, datetime] = {}
    for seq, kind, at_us, facts in rows:
        if kind in RESTARTS:
            done.pop(StepKind.CONTROL, None)
            received_at = _moment(at_us) if kind == RECEIVED else received_at
        elif kind in TAKEN_BACK or seq in undone:
            continue
        elif (told := json.loads(facts)).get("step") and told.get("repairs") != NOTHING_REPAIRED:
            made = StepKind(told["step"])
            done.pop(made, None)
            done[made] = _moment(at_us)
    return tuple(Deed(made, at) for made, at in done.items()), received_at


def _history_line(row: Any) -> HistoryLine:
    facts = json.loads(row.facts)
    changed = facts.get("set", {})
    return HistoryLine(
        seq=row.seq,
        kind=row.kind,
        at=_moment(row.at_us),
        organisation=row.name,
        state=State(changed["state"]) if changed.get("state") else None,
        step=StepKind(facts["step"]) if facts.get("step") else None,
        batch=facts.get("batch"),
        label=facts.get("label"),
        open_drives=changed.get("open_drives"),
        proofs=len(facts.get("proofs") or ()),
        recorded={name: facts[name] for name in TOLD if facts.get(name) not in (None, [], False)},
    )


def _moment(at_us: int) -> datetime:
    return EPOCH + timedelta(microseconds=at_us)
