"""THE ONE DOOR. A device's state, step, place, custodian, owner and open drives change here and nowhere else.

`look()` brings in one SELECT all that a decision needs; the lifecycle table decides; `move()` writes a guarded
UPDATE and the journal entry, in Core, in the caller's transaction. Who may do what: `actor.py` and
`identity/rules.py`. Where it is written down: `journal.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor
from bank.db import core, table, utcnow
from bank.errors import Code, Refusal
from bank.identity import rules as identity_rules
from bank.identity.models import ApiToken, Person
from bank.inventory import codes, lifecycle
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import (
    DATA_BEARING,
    Category,
    Device,
    Drive,
    DriveFate,
    DriveKind,
    Label,
    LabelState,
    Step,
    StepKind,
)

T = TypeVar("T")

# A device that leaves the workshop's hands leaves its blocker behind.
BLOCKABLE = (State.RECEIVED, State.IN_WORK)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a device stands at this moment: what a rule may know, and the tip of its journal."""

    device_id: int
    code: str
    label_state: LabelState
    category: Category
    state: State | None
    step_id: int | None
    step_kind: StepKind | None
    next_step_id: int | None
    next_step_kind: StepKind | None
    place_id: int | None
    custodian_id: int | None
    owner_id: int | None
    origin_id: int
    open_drives: int
    blocker_id: int | None
    seq: int
    head: bytes


@dataclass(frozen=True, slots=True)
class ScanMark:
    """A scan's own name and time, kept on the entry: the same scan twice is refused by the database."""

    scan_id: str
    client_at_us: int | None = None


device, label, step, token, person = map(table, (Device, Label, Step, ApiToken, Person))
upcoming = step.alias("upcoming")

STANDING = (
    device.c.id,
    label.c.code,
    label.c.state.label("label_state"),
    device.c.category,
    device.c.state,
    device.c.step_id,
    step.c.kind,
    upcoming.c.id.label("next_step_id"),
    upcoming.c.kind.label("next_step_kind"),
    device.c.place_id,
    device.c.custodian_id,
    device.c.owner_id,
    device.c.origin_id,
    device.c.open_drives,
    device.c.blocker_id,
    device.c.seq,
    device.c.head,
)
WIDTH = len(STANDING)
LABELLED = (
    label.outerjoin(device, label.c.device_id == device.c.id)
    .outerjoin(step, device.c.step_id == step.c.id)
    .outerjoin(upcoming, step.c.next_id == upcoming.c.id)
)

BY_CODE = sa.select(*STANDING).select_from(LABELLED).where(label.c.code == sa.bindparam("code"))
BY_CODES = (
    sa.select(*STANDING).select_from(LABELLED).where(label.c.code.in_(sa.bindparam("codes", expanding=True)))
)
BY_ID = (
    sa.select(*STANDING)
    .select_from(LABELLED)
    .where(device.c.id == sa.bindparam("device_id"), label.c.state == LabelState.CLAIMED)
)
BY_TOKEN = (
    sa.select(
        *STANDING,
        person.c.id,
        person.c.organisation_id,
        person.c.roles,
        token.c.scopes,
    )
    .select_from(
        token.join(person, token.c.person_id == person.c.id)
        .outerjoin(label, label.c.code == sa.bindparam("code"))
        .outerjoin(device, label.c.device_id == device.c.id)
        .outerjoin(step, device.c.step_id == step.c.id)
        .outerjoin(upcoming, step.c.next_id == upcoming.c.id)
    )
    .where(
        token.c.hash == sa.bindparam("token_hash"),
        token.c.revoked_at.is_(None),
        token.c.expires_at > sa.bindparam("now"),
        person.c.disabled_at.is_(None),
    )
)
TIP = sa.select(device.c.seq).where(device.c.id == sa.bindparam("device_id")).with_for_update()
COLUMNS = ("state", "step_id", "place_id", "custodian_id", "owner_id", "open_drives", "blocker_id")


@lru_cache(maxsize=64)
def update_of(changed: frozenset[str]) -> sa.Update:
    """The guarded UPDATE of some of the register's columns; each set of them has one statement, made once."""
    values: dict[str, Any] = {name: sa.bindparam(f"b_{name}") for name in sorted(changed)}
    return (
        sa.update(device)
        .where(device.c.id == sa.bindparam("b_id"), device.c.seq == sa.bindparam("b_seq"))
        .values(**values, seq=sa.bindparam("b_next_seq"), head=sa.bindparam("b_head"))
    )


def look(session: Session, code: str) -> Standing:
    """The device that carries a label. Raises Refusal(unknown-label, void-label, blank-label, place-label)."""
    row = core(session).execute(BY_CODE, {"code": code}).one_or_none()
    return _standing(row)


def look_at_all(session: Session, codes: Iterable[str]) -> dict[str, Standing]:
    """The devices that carry these labels, by code, in one SELECT; what `look` would refuse is not among them."""
    rows: Iterable[Sequence[Any]] = core(session).execute(BY_CODES, {"codes": list(codes)})
    return {row[1]: Standing(*row) for row in rows if row[0] is not None and row[2] is LabelState.CLAIMED}


def look_by_id(session: Session, device_id: int) -> Standing:
    """The device with this id, under the label that it carries now. Raises Refusal(not-found)."""
    row = core(session).execute(BY_ID, {"device_id": device_id}).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return _standing(row)


def look_with_token(session: Session, code: str, token_hash: str) -> tuple[Actor, Standing]:
    """Who holds the token, and the device, in one SELECT.

    Raises Refusal(not-signed-in) and, for the label, what `look` raises.
    """
    values = {"code": code, "token_hash": token_hash, "now": utcnow()}
    row = core(session).execute(BY_TOKEN, values).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_SIGNED_IN)
    person_id, organisation_id, roles, scopes = row[WIDTH:]
    actor = Actor(person_id, organisation_id, identity_rules.permissions(roles, scopes))
    return actor, _standing(row[:WIDTH])


def _standing(row: Sequence[Any] | None) -> Standing:
    if row is None or row[2] is None:
        raise Refusal(Code.UNKNOWN_LABEL)
    label_state = row[2]
    if label_state is LabelState.BLANK:
        raise Refusal(Code.BLANK_LABEL)
    if label_state in (LabelState.VOID, LabelState.REPLACED):
        raise Refusal(Code.VOID_LABEL)
    if row[0] is None:
        raise Refusal(Code.PLACE_LABEL)
    return Standing(*row)


def move(
    session: Session,
    actor: Actor | None,
    standing: Standing,
    what: Move,
    *,
    to: Mapping[str, int | None] | None = None,
    facts: journal.Facts | None = None,
    scan: ScanMark | None = None,
) -> Standing:
    """Make one move; the new standing.

    `to` gives the register's columns that change besides the state. It must be the first write of an action:
    then `retried` may run the action again when the device has moved in between.
    Raises Refusal(illegal-move, drives-open, moved-meanwhile).
    """
    after, changed, entry = moved(actor, standing, what, to=to, facts=facts, scan=scan)
    values = {f"b_{name}": value for name, value in changed.items()}
    values |= {"b_id": after.device_id, "b_seq": standing.seq, "b_next_seq": after.seq, "b_head": after.head}
    held_back: HeldBack | None = session.info.get("held_back")
    if held_back is not None:
        held_back.add(frozenset(changed), values, entry)
        return after
    if core(session).execute(update_of(frozenset(changed)), values).rowcount != 1:
        raise Refusal(Code.MOVED_MEANWHILE)
    journal.write(session, entry)
    return after


@dataclass(slots=True)
class HeldBack:
    """Moves that were decided and not written yet: the values of their UPDATEs, by the columns that change."""

    updates: dict[frozenset[str], list[dict[str, Any]]] = field(default_factory=dict)
    entries: list[journal.Row] = field(default_factory=list)

    def add(self, changed: frozenset[str], values: dict[str, Any], entry: journal.Row) -> None:
        """Hold one move back."""
        self.updates.setdefault(changed, []).append(values)
        self.entries.append(entry)


@contextmanager
def together(session: Session) -> Iterator[None]:
    """Write the moves of the block at its end, all at once: as many statements for fifty devices as for one.

    For actions that read nothing of what they write, on devices that differ. Raises Refusal(moved-meanwhile), with
    nothing written but what the caller's transaction takes back.
    """
    held_back = session.info["held_back"] = HeldBack()
    try:
        yield
    finally:
        del session.info["held_back"]
    for changed, rows in held_back.updates.items():
        if core(session).execute(update_of(changed), rows).rowcount != len(rows):
            raise Refusal(Code.MOVED_MEANWHILE)
    journal.write_all(session, held_back.entries)


def moved(
    actor: Actor | None,
    standing: Standing,
    what: Move,
    *,
    to: Mapping[str, int | None] | None = None,
    facts: journal.Facts | None = None,
    scan: ScanMark | None = None,
) -> tuple[Standing, dict[str, Any], journal.Row]:
    """What a move makes of a standing: the new one, the columns that differ, the entry. Writes nothing.

    Raises Refusal(illegal-move, drives-open).
    """
    changed: dict[str, Any] = dict(to or {})
    open_drives = changed.get("open_drives", standing.open_drives)
    changed["state"] = lifecycle.after(standing.state, what, open_drives)
    if changed["state"] is not State.IN_WORK:
        changed["step_id"] = None
    if changed["state"] not in BLOCKABLE:
        changed["blocker_id"] = None
    if changed.get("custodian_id", standing.custodian_id) != standing.custodian_id:
        # It does not stand any more where whoever had it had put it.
        changed.setdefault("place_id", None)
    changed = {name: value for name, value in changed.items() if value != getattr(standing, name)}
    kind = journal.Kind(f"device.{what.value}")
    entry = journal.compose(
        actor,
        kind,
        standing.device_id,
        {**(facts or {}), "set": changed},
        seq=standing.seq + 1,
        prev=standing.head,
        scan_id=scan.scan_id if scan else None,
        client_at_us=scan.client_at_us if scan else None,
    )
    return replace(standing, **changed, seq=standing.seq + 1, head=entry["hash"]), changed, entry


def last_entry(session: Session, standing: Standing) -> int:
    """The id of the entry that brought the device where it stands."""
    tip = {"subject": journal.Subject.DEVICE.value, "subject_id": standing.device_id, "seq": standing.seq}
    return journal.entry_id(session, tip)


def hold(session: Session, standing: Standing) -> None:
    """Keep others off the device until the end of the transaction, for an action that writes before its move.

    Raises Refusal(moved-meanwhile) when it is no longer where it was seen: nothing is written yet.
    """
    if core(session).execute(TIP, {"device_id": standing.device_id}).scalar_one() != standing.seq:
        raise Refusal(Code.MOVED_MEANWHILE)


def retried(action: Callable[[], T]) -> T:
    """Look, decide and move again, once, when another scan of the same device came first."""
    try:
        return action()
    except Refusal as refusal:
        if refusal.code is not Code.MOVED_MEANWHILE:
            raise
        return action()


def unknown(device_id: int, code: str, category: Category, origin_id: int) -> Standing:
    """Where a device stands that the journal has not heard of yet."""
    return Standing(
        device_id=device_id,
        code=code,
        label_state=LabelState.CLAIMED,
        category=category,
        state=None,
        step_id=None,
        step_kind=None,
        next_step_id=None,
        next_step_kind=None,
        place_id=None,
        custodian_id=None,
        owner_id=None,
        origin_id=origin_id,
        open_drives=0,
        blocker_id=None,
        seq=0,
        head=journal.GENESIS,
    )


def receive(
    session: Session,
    actor: Actor,
    *,
    category: Category,
    origin_id: int,
    owner_id: int,
    batch_ref: str,
    place_id: int | None = None,
    holder_id: int | None = None,
) -> Standing:
    """Put a device that has just arrived into the register: its row, its label, its unseen drive, its entry.

    The actor's organisation holds it from now on, or `holder_id` where somebody counts for another.
    """
    holder_id = holder_id or actor.organisation_id
    open_drives = 1 if category in DATA_BEARING else 0
    made = Device(category=category, origin_id=origin_id, batch_ref=batch_ref, state=State.RECEIVED)
    session.add(made)
    session.flush()
    sticker = Label(code=codes.mint(), state=LabelState.CLAIMED, device_id=made.id, organisation_id=holder_id)
    session.add(sticker)
    if open_drives:
        session.add(Drive(device_id=made.id, kind=DriveKind.UNSEEN, fate=DriveFate.PRESENT))
    session.flush()
    absent = unknown(made.id, sticker.code, category, origin_id)
    return move(
        session,
        actor,
        absent,
        Move.RECEIVE,
        to={
            "open_drives": open_drives,
            "place_id": place_id,
            "custodian_id": holder_id,
            "owner_id": owner_id,
        },
        facts={"batch": batch_ref, "label": sticker.code, "category": category.value, "origin": origin_id},
    )
