"""Stock-takes: scan what stands at a place, then settle with the register what it did not expect.

Scanning never moves a device: whoever closes the take decides, line by line, and each decision is a move like any
other. Two people may scan the same take at once; a thing that is seen twice is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal, work
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity import codes as badges
from bank.inventory import finding, places, register
from bank.inventory.labels import INSERTS
from bank.inventory.lifecycle import State
from bank.journal import Kind
from bank.scanning import commands, stock_queries
from bank.scanning.models import Sight
from bank.scanning.stock_queries import Line, Settlement, Take, device, seen, take
from bank.workshops import exits
from bank.workshops.exits import Exit, ExitReason, Leaving

SAID_MAX = 60
# What is no thing: it is told to whoever scans, and counted nowhere.
NOTHING = frozenset({Code.GLUED_CODES, Code.SEVERAL_MATCH, Code.PLACE_LABEL})


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one scan came to. `again`: it had been seen; `reason`: why it counts for nothing."""

    said: str
    sight: Sight | None = None
    again: bool = False
    reason: Code | None = None


def open_at(session: Session, actor: Actor, key: str | None, place_id: int) -> int:
    """Start counting at a place, or go on where somebody is counting already; the take's id.

    Raises Refusal(not-allowed, not-found, idempotency-key-missing, idempotency-key-reused).
    """
    actor.must(Permission.DEVICE_SCAN)
    places.must_be_own(session, actor, place_id)
    made = work.once(
        session, actor, key, ["stock-take", place_id], lambda: str(_opened(session, actor, place_id))
    )
    return int(made)


def _opened(session: Session, actor: Actor, place_id: int) -> int:
    """The database lets one take be open at a place: of two who start at once, the second joins the first."""
    values = {
        "place_id": place_id,
        "organisation_id": actor.organisation_id,
        "opened_by": actor.person_id,
        "opened_at": utcnow(),
    }
    insert = INSERTS[session.get_bind().dialect.name]
    fresh = session.scalar(insert(take).values(values).on_conflict_do_nothing().returning(take.c.id))
    if fresh is None:
        running = sa.select(take.c.id).where(take.c.place_id == place_id, take.c.closed_at.is_(None))
        return int(session.execute(running).scalar_one())
    expected = session.scalar(
        sa.select(sa.func.count()).select_from(device).where(stock_queries.expected_at(actor, place_id))
    )
    journal.append(session, actor, Kind.STOCK_TAKE_OPENED, fresh, {"place": place_id, "expected": expected})
    return int(fresh)


def scan(session: Session, actor: Actor, take_id: int, given: Sequence[str]) -> list[Sighting]:
    """Take down what was scanned, in its order; one answer each. Sent again, it changes nothing.

    Raises Refusal(not-allowed, not-found, take-closed).
    """
    actor.must(Permission.DEVICE_SCAN)
    # Shared: many may scan at once, but none while somebody closes.
    row = _locked(session, actor, take_id, shared=True)
    if row.closed_at is not None:
        raise Refusal(Code.TAKE_CLOSED)
    return [_see(session, actor, row, text) for text in given]


def _locked(session: Session, actor: Actor, take_id: int, *, shared: bool) -> Any:
    row = session.execute(
        sa.select(take)
        .where(take.c.id == take_id, take.c.organisation_id == actor.organisation_id)
        .with_for_update(read=shared)
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return row


def _see(session: Session, actor: Actor, row: Any, text: str) -> Sighting:
    said = "".join(sign for sign in text.strip() if sign.isprintable())[:SAID_MAX]
    # A badge opens a session: it is kept nowhere.
    if not said or badges.read(text) or commands.read(text):
        return Sighting("", reason=Code.BAD_CODE)
    try:
        device_id, said = _device(session, actor, text) or (None, said)
    except Refusal as refusal:
        return Sighting(said, reason=refusal.code)
    sight = _sight(session, actor, row.place_id, device_id)
    values = {"stock_take_id": row.id, "device_id": device_id, "said": said, "sight": sight}
    insert = INSERTS[session.get_bind().dialect.name]
    statement = insert(seen).values(values | {"scanned_at": utcnow()}).on_conflict_do_nothing()
    fresh = session.scalar(statement.returning(seen.c.id)) or _stuck_since(session, values)
    return Sighting(said, sight, again=fresh is None)


def _stuck_since(session: Session, values: Mapping[str, Any]) -> int | None:
    """A label that was on nothing when it was scanned, and is on a device now: the scan was of that device."""
    if values["device_id"] is None:
        return None
    same = seen.alias("same")
    of_take = same.c.stock_take_id == values["stock_take_id"]
    counted = sa.exists().where(of_take, same.c.device_id == values["device_id"])
    stuck: int | None = session.scalar(
        sa.update(seen)
        .where(
            seen.c.stock_take_id == values["stock_take_id"],
            seen.c.said == values["said"],
            seen.c.device_id.is_(None),
            ~counted,
        )
        .values(device_id=values["device_id"], sight=values["sight"])
        .returning(seen.c.id)
    )
    return stuck


def _device(session: Session, actor: Actor, text: str) -> tuple[int, str] | None:
    """The device that the text means, with the label that it carries; None where it means none of the bank's.

    Raises Refusal(glued-codes, several-match, place-label).
    """
    try:
        code = finding.device_of(session, actor, text)
    except Refusal as refusal:
        if refusal.code in NOTHING:
            raise
        once = finding.replaced(session, actor, text) if refusal.code is Code.VOID_LABEL else None
        if once is None:
            return None
        code = once.code
    return register.look(session, code).device_id, code


def _sight(session: Session, actor: Actor, place_id: int, device_id: int | None) -> Sight:
    if device_id is None:
        return Sight.UNKNOWN
    expected = sa.select(device.c.id).where(
        device.c.id == device_id, stock_queries.expected_at(actor, place_id)
    )
    return Sight.UNEXPECTED if session.scalar(expected) is None else Sight.FOUND


def close(
    session: Session,
    actor: Actor,
    take_id: int,
    choices: Mapping[str, Settlement],
    *,
    all_shown: bool = False,
) -> None:
    """Settle the take with the register and close it. A closed take stays as it is.

    `choices` are by label; what nobody chose for is settled as its first offer. With `all_shown`, whoever decides
    must have seen every line that would move. Raises Refusal(not-allowed, not-found, edited-meanwhile) and, with
    the `device`, what a move is refused for.
    """
    actor.must(Permission.WORKSHOP_RUN)
    row = _locked(session, actor, take_id, shared=False)
    if row.closed_at is not None:
        return
    counted = stock_queries.stock_take(session, actor, take_id)
    decided = _decided(counted, choices, all_shown=all_shown)
    for line, settlement in sorted(decided.items(), key=lambda each: each[0].device_id or 0):
        _settle(session, actor, row.place_id, line, settlement)
    _keep(session, actor, counted, decided)


def _decided(counted: Take, choices: Mapping[str, Settlement], *, all_shown: bool) -> dict[Line, Settlement]:
    """What is done about each line. Raises Refusal(edited-meanwhile) on a choice that does not fit any more."""
    lines = (*counted.others, *counted.missing)
    known = stock_queries.by_label(lines)
    unseen = {line.said for line in lines if line.offered[0] is not Settlement.LEFT} - set(choices)
    misfits = [
        said for said, chosen in choices.items() if said not in known or chosen not in known[said].offered
    ]
    if misfits or (all_shown and unseen):
        raise Refusal(Code.EDITED_MEANWHILE, codes=[*misfits, *(unseen if all_shown else ())])
    return {line: choices.get(line.said, line.offered[0]) for line in lines}


def _settle(session: Session, actor: Actor, place_id: int, line: Line, settlement: Settlement) -> None:
    try:
        if settlement is Settlement.LOST:
            exits.leave(session, actor, line.said, Leaving(Exit.LOSE, ExitReason.NOT_AT_COUNT))
        elif settlement is Settlement.PUT:
            if line.state is State.MISSING:
                exits.leave(session, actor, line.said, Leaving(Exit.FIND))
            places.put(session, actor, line.said, place_id)
    except Refusal as refusal:
        raise Refusal(refusal.code, **(refusal.facts | {"device": line.said})) from refusal


def _keep(session: Session, actor: Actor, counted: Take, decided: Mapping[Line, Settlement]) -> None:
    """Write the result down as it stands, whatever becomes of the devices afterwards."""
    for line in counted.found:
        _freeze(session, counted.id, line, None)
    for line, settlement in decided.items():
        if line.sight is Sight.MISSING:
            _keep_missing(session, counted.id, line, settlement)
        else:
            _freeze(session, counted.id, line, settlement)
    session.execute(
        sa.update(take).where(take.c.id == counted.id).values(closed_by=actor.person_id, closed_at=utcnow())
    )
    facts = {"found": len(counted.found), "missing": len(counted.missing), "unexpected": len(counted.others)}
    journal.append(session, actor, Kind.STOCK_TAKE_CLOSED, counted.id, facts)


def _keep_missing(session: Session, take_id: int, line: Line, settlement: Settlement) -> None:
    values = {"device_id": line.device_id, "sight": line.sight, "settled": settlement.value}
    insert = INSERTS[session.get_bind().dialect.name]
    statement = insert(seen).values(
        values | {"stock_take_id": take_id, "said": line.said, "scanned_at": utcnow()}
    )
    # Its label may have been seen while it was still on nothing.
    session.execute(statement.on_conflict_do_update(index_elements=["stock_take_id", "said"], set_=values))


def _freeze(session: Session, take_id: int, line: Line, settlement: Settlement | None) -> None:
    """A line that was seen, as it is at the end: it may have been put in its place while others were counted."""
    which = seen.c.device_id == line.device_id if line.device_id else seen.c.said == line.said
    session.execute(
        sa.update(seen)
        .where(seen.c.stock_take_id == take_id, which)
        .values(sight=line.sight, settled=settlement.value if settlement else None)
    )


def place_of(session: Session, actor: Actor, scanned: str) -> int:
    """The place whose label was scanned. Raises Refusal(not-found)."""
    return finding.place(session, actor, scanned).id
