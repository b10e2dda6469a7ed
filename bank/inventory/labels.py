"""A label's own life: printed ahead, claimed by sticking it, replaced, void. Never re-used.

A label has one bearer, a device or a place, and each bearer one label that counts: the database says so.
Which label a device carries is written here and when it is received, each time with the device's move.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import table, utcnow
from bank.errors import Code, Refusal
from bank.inventory import codes, finding, register, rules
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import Category, Device, Label, LabelState
from bank.inventory.register import Standing

# What one statement carries: SQLite has a bound on the values that are bound to one.
BLOCK = 1_000
INSERTS: dict[str, Callable[[sa.Table], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}

label, device = table(Label), table(Device)


class Why(StrEnum):
    """Why a bearer gets another label. CLAIMED: it had one that was never printed, hence stuck nowhere."""

    LOST = "lost"
    UNREADABLE = "unreadable"
    CLAIMED = "claimed"


@dataclass(frozen=True, slots=True)
class Kin:
    """Devices that came together and that nobody can tell apart yet."""

    batch_ref: str
    category: Category
    count: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """Which device a blank label was stuck on. `again`: it was there already, and nothing was written."""

    standing: Standing
    left: int
    again: bool


@dataclass(frozen=True, slots=True)
class Sticking:
    """A label as whoever sticks it finds it."""

    id: int
    code: str
    state: LabelState
    device_id: int | None
    place_id: int | None
    usable: bool


def mint_blanks(session: Session, organisation_id: int, count: int) -> list[int]:
    """Make blank labels of an organisation, under codes that were never used; their ids, in order."""
    made: list[int] = []
    while len(made) < count:
        made += _insert_blanks(session, organisation_id, min(BLOCK, count - len(made)))
    return made


def _insert_blanks(session: Session, organisation_id: int, count: int) -> list[int]:
    """As many as are free of `count` fresh codes: the others are drawn again."""
    common = {"state": LabelState.BLANK, "organisation_id": organisation_id, "made_at": utcnow()}
    rows = [{"code": code, **common} for code in {codes.mint(): None for _ in range(count)}]
    insert = INSERTS[session.get_bind().dialect.name]
    statement = insert(label).on_conflict_do_nothing().values(rows).returning(label.c.id)
    return sorted(session.scalars(statement))


def mark_printed(session: Session, label_ids: Iterable[int], at: datetime) -> None:
    """Say of labels that somebody may stick them from now on; the first time counts."""
    ids = list(label_ids)
    for start in range(0, len(ids), BLOCK):
        block = label.c.id.in_(ids[start : start + BLOCK])
        session.execute(sa.update(label).where(block, label.c.printed_at.is_(None)).values(printed_at=at))


# --- claimed at reception ---


def _waiting(actor: Actor) -> sa.Select[int]:
    """The devices that the actor's organisation received, that nothing was said of since, and whose own label was
    never printed: any blank label fits any of one batch and category.
    """
    never = sa.select(label.c.device_id).where(
        label.c.state == LabelState.CLAIMED, label.c.device_id.is_not(None), label.c.printed_at.is_(None)
    )
    return sa.select(device.c.id).where(
        device.c.custodian_id == actor.organisation_id,
        device.c.state == State.RECEIVED,
        device.c.seq == 1,
        device.c.id.in_(never),
    )


def waiting(session: Session, actor: Actor) -> Sequence[Kin]:
    """What blank labels may be stuck on at reception, the latest batch first."""
    last = sa.func.max(device.c.id)
    rows = session.execute(
        _waiting(actor)
        .with_only_columns(device.c.batch_ref, device.c.category, sa.func.count())
        .group_by(device.c.batch_ref, device.c.category)
        .order_by(last.desc())
    )
    return [Kin(*row) for row in rows]


def claim_next(session: Session, actor: Actor, batch_ref: str, category: Category, scanned: str) -> Claimed:
    """Stick a blank label on the next device of a batch and category whose own was never printed.

    The label that it had goes void. The same blank again changes nothing.
    Raises Refusal(bad-code, glued-codes, unknown-label, label-taken, not-found when none is left).
    """
    actor.must(Permission.DEVICE_SCAN)
    kin = (device.c.batch_ref == batch_ref, device.c.category == category)
    return register.retried(lambda: _claim_next(session, actor, kin, scanned))


def _claim_next(
    session: Session, actor: Actor, kin: tuple[sa.ColumnElement[bool], ...], scanned: str
) -> Claimed:
    found = look(session, actor, scanned)
    waits = _waiting(actor).where(*kin)
    if found.device_id is not None:
        return Claimed(_stuck_already(session, actor, found, kin), _count(session, waits), again=True)
    # Of two who stick labels at once, each is given another device.
    next_id = session.scalar(
        waits.order_by(device.c.id).limit(1).with_for_update(skip_locked=True, of=device)
    )
    if next_id is None:
        raise Refusal(Code.NOT_FOUND)
    after = _swap(session, actor, register.look_by_id(session, next_id), found, Why.CLAIMED)
    return Claimed(after, _count(session, waits), again=False)


def _stuck_already(
    session: Session, actor: Actor, found: Sticking, kin: tuple[sa.ColumnElement[bool], ...]
) -> Standing:
    mine = sa.select(device.c.id).where(
        device.c.id == found.device_id, device.c.custodian_id == actor.organisation_id, *kin
    )
    if found.state is not LabelState.CLAIMED or session.scalar(mine) is None:
        raise Refusal(Code.LABEL_TAKEN)
    return register.look(session, found.code)


def _count(session: Session, devices: sa.Select[int]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(devices.subquery())) or 0


# --- one for another ---


def stick(session: Session, actor: Actor, code: str, scanned: str, why: Why | None = None) -> Standing:
    """Give a device that one has in hand a blank label instead of the one it carries; the same again is nothing.

    `why` may be left out only where its own label was never printed and nothing was done to it since it came.
    Raises Refusal(not-found, other-custodian, illegal-move, bad-code, unknown-label, label-taken, void-label,
    invalid).
    """
    actor.must(Permission.DEVICE_SCAN)
    return register.retried(lambda: _stick(session, actor, code, scanned, why))


def _stick(session: Session, actor: Actor, code: str, scanned: str, why: Why | None) -> Standing:
    standing = held(session, actor, code)
    found = look(session, actor, scanned)
    if found.device_id == standing.device_id and found.state is LabelState.CLAIMED:
        return standing
    if why in (None, Why.CLAIMED):
        if not is_fresh(session, standing):
            raise Refusal(Code.INVALID, errors={"reason": ["needed"]})
        why = Why.CLAIMED
    return _swap(session, actor, standing, found, why)


def held(session: Session, actor: Actor, code: str) -> Standing:
    """The device under this label, in the hands of the actor's organisation.

    Raises Refusal(not-found, other-custodian, bad-code, glued-codes, unknown-label, void-label, blank-label,
    place-label).
    """
    standing = register.look(session, codes.read(code))
    if actor.organisation_id not in {standing.custodian_id, standing.owner_id}:
        raise Refusal(Code.NOT_FOUND)
    rules.must_hold(actor, standing.custodian_id)
    return standing


def is_fresh(session: Session, standing: Standing) -> bool:
    """Whether the label that the device carries can be stuck nowhere yet: never printed, and nothing done since."""
    if standing.seq != 1 or standing.state is not State.RECEIVED:
        return False
    printed = sa.select(label.c.id).where(label.c.code == standing.code, label.c.printed_at.is_not(None))
    return session.scalar(printed) is None


def _swap(session: Session, actor: Actor, standing: Standing, found: Sticking, why: Why) -> Standing:
    must_be_free(found)
    facts = {"label": found.code, "was": standing.code, "reason": why.value}
    after = register.move(session, actor, standing, Move.RELABEL, facts=facts)
    retire(session, standing.code, why)
    take(session, found, device_id=standing.device_id)
    return replace(after, code=found.code)


def look(session: Session, actor: Actor, scanned: str) -> Sticking:
    """The label to stick. Raises Refusal(bad-code, glued-codes, unknown-label)."""
    row = session.execute(
        sa.select(
            Label.id, Label.code, Label.state, Label.device_id, Label.place_id, finding.may_stick(actor)
        ).where(Label.code == codes.read(scanned))
    ).one_or_none()
    if row is None:
        raise Refusal(Code.UNKNOWN_LABEL)
    return Sticking(*row)


def must_be_free(found: Sticking) -> None:
    """Raise Refusal(label-taken) unless the label is blank and the actor may stick it."""
    if found.state is not LabelState.BLANK or not found.usable:
        raise Refusal(Code.LABEL_TAKEN)


def retire(session: Session, code: str, why: Why) -> None:
    """End a label: one that may be stuck somewhere still tells its bearer, one that never was printed nothing."""
    ended: dict[str, object] = {"state": LabelState.REPLACED}
    if why is Why.CLAIMED:
        ended = {"state": LabelState.VOID, "device_id": None, "place_id": None}
    session.execute(sa.update(label).where(label.c.code == code).values(ended))


def take(
    session: Session, found: Sticking, *, device_id: int | None = None, place_id: int | None = None
) -> None:
    """Put the label on its bearer. Raises Refusal(label-taken) when somebody else was first."""
    taken = session.scalar(
        sa.update(label)
        .where(label.c.id == found.id, label.c.state == LabelState.BLANK)
        .values(state=LabelState.CLAIMED, device_id=device_id, place_id=place_id)
        .returning(label.c.id)
    )
    if taken is None:
        raise Refusal(Code.LABEL_TAKEN)


def void(session: Session, actor: Actor, scanned: str) -> None:
    """Say that a blank label is spoilt. Raises Refusal(not-found) unless it is one that the actor may stick."""
    actor.must(Permission.LABEL_PRINT)
    found = finding.blank(session, actor, scanned)
    voided = session.scalar(
        sa.update(label)
        .where(label.c.id == found.id, label.c.state == LabelState.BLANK)
        .values(state=LabelState.VOID)
        .returning(label.c.id)
    )
    if voided is None:
        raise Refusal(Code.LABEL_TAKEN)
    journal.append(session, actor, journal.Kind.LABEL_VOIDED, found.id, {"reason": "spoilt"})
