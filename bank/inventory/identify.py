"""Which thing this is: maker, model and the codes on it, and the announced row that they belong to.

A device is counted and labelled first; later somebody reads its serial. The row of the donor's spreadsheet with the
same serial, IMEI or asset tag is then tied to it, and one row is tied to one device only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.inventory import codes, lifecycle, register, rules, serials
from bank.inventory.lifecycle import Move
from bank.inventory.models import AnnouncedItem, CodeKind, Device, DeviceCode, Label, LabelState
from bank.inventory.register import Standing

MAKER_MAX, MODEL_MAX, CODE_MAX = 60, 80, 60
# The last digit of an IMEI is a check digit, and some write the software's version behind it.
IMEI_BODY = 14
# What tells a thing best comes first.
ORDER = (CodeKind.SERIAL, CodeKind.IMEI, CodeKind.ASSET_TAG)

Codes = dict[CodeKind, str]
Faults = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What somebody read on a device. None leaves what is known; an empty text takes it away."""

    maker: str | None = None
    model: str | None = None
    serial: str | None = None
    asset_tag: str | None = None
    imei: str | None = None

    def given(self) -> Codes:
        """The codes that something is said of, as they are kept."""
        said = {CodeKind.SERIAL: self.serial, CodeKind.ASSET_TAG: self.asset_tag, CodeKind.IMEI: self.imei}
        return {kind: kept(kind, value) for kind, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Identified:
    """Where the device stands now, and the announced row that is tied to it, if one is."""

    standing: Standing
    row: int | None


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    row: int
    device_id: int | None
    maker: str
    model: str
    codes: Mapping[CodeKind, str | None]

    def has(self, kind: CodeKind, value: str) -> bool:
        mine = self.codes[kind]
        if kind is CodeKind.IMEI and mine:
            return mine[:IMEI_BODY] == value[:IMEI_BODY]
        return mine == value


def kept(kind: CodeKind, value: str) -> str:
    """A code as it is stored and compared."""
    return (serials.read_imei(value) if kind is CodeKind.IMEI else None) or serials.tidy(value)


def faults(identity: Identity) -> Faults:
    """What cannot be so, by field; empty when all is well. Pure."""
    found: Faults = {}
    for kind, value in identity.given().items():
        fault = _fault(kind, value) if value else None
        if fault:
            found[kind.value] = [fault]
    for name, text, most in (
        ("maker", identity.maker, MAKER_MAX),
        ("model", identity.model, MODEL_MAX),
    ):
        if text and (len(text.strip()) > most or not text.isprintable()):
            found[name] = ["unreadable"]
    return found


def _fault(kind: CodeKind, value: str) -> str | None:
    if len(value) > CODE_MAX or not value.isprintable():
        return "unreadable"
    if kind is CodeKind.IMEI:
        read = serials.read_imei(value)
        return None if read and serials.is_imei(read) else "imei-wrong"
    if serials.is_scientific(value):
        return "scientific"
    junk = serials.is_placeholder if kind is CodeKind.SERIAL else serials.is_no_tag
    return "placeholder" if junk(value) else None


def identify(session: Session, actor: Actor, code: str, identity: Identity) -> Identified:
    """Say what a device is; the same again changes nothing.

    Raises Refusal(not-allowed, not-found, other-custodian, illegal-move, invalid, row-taken).
    """
    actor.must(Permission.DEVICE_SCAN)
    return register.retried(lambda: _identify(session, actor, code, identity))


def _identify(session: Session, actor: Actor, code: str, identity: Identity) -> Identified:
    standing = register.look(session, codes.read(code))
    if actor.organisation_id not in {standing.custodian_id, standing.owner_id}:
        raise Refusal(Code.NOT_FOUND)
    rules.must_hold(actor, standing.custodian_id)
    return tell(session, actor, standing, identity)


def tell(session: Session, actor: Actor, standing: Standing, identity: Identity) -> Identified:
    """The same for a device that somebody has in hand, whose right to touch it was checked.

    Raises Refusal(illegal-move, invalid, row-taken, moved-meanwhile).
    """
    wrong = faults(identity)
    if wrong:
        raise Refusal(Code.INVALID, errors=wrong)
    lifecycle.after(standing.state, Move.DESCRIBE, standing.open_drives)
    row = session.get_one(Device, standing.device_id, populate_existing=True)
    known, given = _known(session, standing.device_id), identity.given()
    wanted = {kind: value for kind, value in (known | given).items() if value}
    tied = _row_of(session, row.batch_ref, standing.device_id, wanted)
    if tied is not None:
        wanted = {kind: value for kind, value in tied.codes.items() if value and kind not in given} | wanted
    changed = [kind for kind in CodeKind if known.get(kind) != wanted.get(kind)]
    maker = _text(identity.maker, row.maker) or (tied.maker if tied else "")
    model = _text(identity.model, row.model) or (tied.model if tied else "")
    if not changed and (maker, model) == (row.maker, row.model) and (tied is None or tied.device_id):
        return Identified(standing, tied.row if tied else None)
    facts: dict[str, object] = {"codes": [kind.value for kind in changed]}
    facts |= {"item": tied.id} if tied else {}
    after = register.move(session, actor, standing, Move.DESCRIBE, facts=facts)
    row.maker, row.model = maker, model
    _write(session, standing, {kind: wanted.get(kind) for kind in changed})
    _tie(session, standing, tied)
    session.flush()
    return Identified(after, tied.row if tied else None)


def _text(said: str | None, known: str) -> str:
    return known if said is None else " ".join(said.split())


def _known(session: Session, device_id: int) -> Codes:
    rows = session.execute(
        sa.select(DeviceCode.kind, DeviceCode.value)
        .where(DeviceCode.device_id == device_id)
        .order_by(DeviceCode.id)
    )
    return dict(rows.all())


def _row_of(session: Session, batch_ref: str, device_id: int, wanted: Codes) -> _Row | None:
    """The announced row of the batch that carries the device's codes. Raises Refusal(row-taken, invalid)."""
    found = _candidates(session, batch_ref, wanted)
    by_kind = {
        kind: [row for row in found if row.has(kind, wanted[kind])] for kind in ORDER if kind in wanted
    }
    matches = next((rows for rows in by_kind.values() if rows), None)
    if matches is None:
        return None
    free = next((row for row in matches if row.device_id in {None, device_id}), None)
    if free is None:
        raise Refusal(Code.ROW_TAKEN, row=matches[0].row, device=_carried(session, matches[0].device_id))
    for kind, rows in by_kind.items():
        if rows and free not in rows:
            raise Refusal(Code.INVALID, errors={kind.value: ["other-row"]})
    return free


def _candidates(session: Session, batch_ref: str, wanted: Codes) -> Sequence[_Row]:
    item = AnnouncedItem
    columns = {CodeKind.SERIAL: item.serial, CodeKind.ASSET_TAG: item.asset_tag, CodeKind.IMEI: item.imei}
    ways = [
        column.startswith(wanted[kind][:IMEI_BODY], autoescape=True)
        if kind is CodeKind.IMEI
        else column == wanted[kind]
        for kind, column in columns.items()
        if kind in wanted
    ]
    if not ways:
        return ()
    rows = session.execute(
        sa.select(item.id, item.row, item.device_id, item.maker, item.model, *columns.values())
        .where(item.batch_ref == batch_ref, sa.or_(*ways))
        .order_by(item.row)
    )
    return [_Row(*row[:5], dict(zip(columns, row[5:], strict=True))) for row in rows]


def _carried(session: Session, device_id: int | None) -> str | None:
    return session.scalar(
        sa.select(Label.code).where(Label.device_id == device_id, Label.state == LabelState.CLAIMED)
    )


def _write(session: Session, standing: Standing, changed: Mapping[CodeKind, str | None]) -> None:
    device_id = standing.device_id
    session.execute(
        sa.delete(DeviceCode).where(DeviceCode.device_id == device_id, DeviceCode.kind.in_(changed))
    )
    for kind, value in changed.items():
        if value:
            session.add(DeviceCode(device_id=device_id, kind=kind, value=value))


def _tie(session: Session, standing: Standing, row: _Row | None) -> None:
    """Tie the row to the device, and no other row. Raises Refusal(row-taken) when somebody else was first."""
    item = AnnouncedItem
    others = sa.update(item).where(item.device_id == standing.device_id)
    session.execute((others.where(item.id != row.id) if row else others).values(device_id=None))
    if row is None or row.device_id is not None:
        return
    free = sa.update(item).where(item.id == row.id, item.device_id.is_(None))
    taken = session.execute(free.values(device_id=standing.device_id).returning(item.id)).one_or_none()
    if taken is None:
        raise Refusal(Code.ROW_TAKEN, row=row.row)
