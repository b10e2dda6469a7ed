"""Devices on their way to another organisation: sent by scanning, taken in by scanning, differences held open.

Until a device is scanned where it goes, its sender answers for it. What the two sides do not agree on stays in
sight of both until the sender has said what became of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity.models import Organisation, OrganisationRole
from bank.inventory import codes, lifecycle, places, register
from bank.inventory import rules as inventory_rules
from bank.inventory.lifecycle import Move, State
from bank.inventory.register import ScanMark, Standing
from bank.workshops import exits, queries
from bank.workshops.exits import Exit, ExitReason, Leaving
from bank.workshops.models import DANGERS, Blocker, Shipment, ShipmentLine

# Whoever takes devices in must have somebody who scans them.
RECEIVERS = frozenset({OrganisationRole.WORKSHOP.value, OrganisationRole.DESK.value})


class Difference(StrEnum):
    """What the two sides do not agree on: it did not come yet, or it came and nobody had listed it."""

    AWAITED = "awaited"
    UNEXPECTED = "unexpected"


class Settled(StrEnum):
    """What the sender said of a device that did not arrive as listed; `undone` is the sending scan taken back."""

    NEVER_LEFT = "never_left"
    MISSING = "missing"
    SENT_TOO = "sent_too"
    NOT_SENT = "not_sent"
    UNDONE = "undone"


ANSWERS: Mapping[Difference, tuple[Settled, ...]] = {
    Difference.AWAITED: (Settled.NEVER_LEFT, Settled.MISSING),
    Difference.UNEXPECTED: (Settled.SENT_TOO, Settled.NOT_SENT),
}


class Arrival(StrEnum):
    """What scanning a device at its arrival came to."""

    ARRIVED = "arrived"
    ALREADY = "already"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A device that was scanned at its arrival."""

    arrival: Arrival
    standing: Standing


# --- sending ---


def may_send_to(session: Session, actor: Actor, to_id: int) -> None:
    """Whether devices can be sent there. Raises Refusal(not-allowed, invalid)."""
    actor.must(Permission.WORKSHOP_RUN)
    roles = session.scalar(sa.select(Organisation.roles).where(Organisation.id == to_id)) or frozenset()
    if to_id == actor.organisation_id or not RECEIVERS & roles:
        raise Refusal(Code.INVALID, errors={"to": ["nobody-takes-in"]})


def begin(session: Session, actor: Actor, to_id: int, count: int) -> int:
    """Begin a shipment of so many devices, which are then shipped one by one; its id.

    Raises Refusal(not-allowed, invalid).
    """
    may_send_to(session, actor, to_id)
    row = Shipment(
        organisation_id=actor.organisation_id, to_id=to_id, sent_by=actor.person_id, sent_at=utcnow()
    )
    session.add(row)
    session.flush()
    journal.append(session, actor, journal.Kind.SHIPMENT_SENT, row.id, {"to": to_id, "devices": count})
    return row.id


def may_ship(session: Session, actor: Actor, standing: Standing) -> None:
    """Whether a device can leave for another organisation.

    Raises Refusal(not-allowed, other-custodian, illegal-move, blocked, on-its-way).
    """
    actor.must(Permission.WORKSHOP_RUN)
    inventory_rules.must_hold(actor, standing.custodian_id)
    lifecycle.after(standing.state, Move.SHIP, standing.open_drives)
    problem = queries.what_stops(session, standing.blocker_id)
    if problem in DANGERS:
        raise Refusal(Code.BLOCKED, problem=problem.value, danger=True)
    if _open_line(session, standing.device_id) is not None:
        raise Refusal(Code.ON_ITS_WAY)


def ship(
    session: Session, actor: Actor, standing: Standing, shipment_id: int, scan: ScanMark | None = None
) -> Standing:
    """Put a device on a shipment: it stands nowhere until it is scanned where it goes.

    Raises Refusal(not-allowed, not-found, shipment-closed, other-custodian, illegal-move, blocked, on-its-way).
    """
    row = _own(session, actor, shipment_id)
    may_ship(session, actor, standing)
    facts = {"shipment": shipment_id, "to": row.to_id}
    after = register.move(session, actor, standing, Move.SHIP, to={"place_id": None}, facts=facts, scan=scan)
    line = session.get(ShipmentLine, (shipment_id, standing.device_id))
    if line is None:
        session.add(ShipmentLine(shipment_id=shipment_id, device_id=standing.device_id, open=True))
    else:
        line.open, line.settled, line.arrived_at = True, None, None
    session.flush()
    return after


def _own(session: Session, actor: Actor, shipment_id: int) -> Shipment:
    """One's own shipment, that is not over, kept from others until the end. Raises Refusal."""
    row = hold(session, shipment_id)
    if row is None or row.organisation_id != actor.organisation_id:
        raise Refusal(Code.NOT_FOUND)
    if row.closed_at is not None:
        raise Refusal(Code.SHIPMENT_CLOSED)
    return row


def hold(session: Session, shipment_id: int) -> Shipment | None:
    """Keep others off a shipment until the end of the transaction: the last line that is closed closes it."""
    return session.get(Shipment, shipment_id, with_for_update=True, populate_existing=True)


def _open_line(session: Session, device_id: int) -> ShipmentLine | None:
    return session.scalars(
        sa.select(ShipmentLine).where(ShipmentLine.device_id == device_id, ShipmentLine.open)
    ).one_or_none()


def take_off(session: Session, actor: Actor, shipment_id: int, device_id: int) -> None:
    """A device does not leave: the scan that sent it is taken back. After the move that says so, and `hold`."""
    line = session.get(ShipmentLine, (shipment_id, device_id))
    if line is not None and line.open:
        _close_line(session, line, Settled.UNDONE)
        _close_if_done(session, actor, shipment_id)


# --- arriving ---


def arrive(
    session: Session,
    actor: Actor,
    shipment_id: int,
    code: str,
    *,
    place_id: int | None = None,
    scan: ScanMark | None = None,
) -> Arrived:
    """Take in a device that was scanned where it goes: it is held here from now on. The same again changes nothing.

    One that nobody had listed is written down for its sender to answer for, if it is the sender's.
    Raises Refusal(not-allowed, not-found, not-on-shipment, illegal-move) and, for the label, what `look` raises.
    """
    actor.must(Permission.SHIPMENT_RECEIVE)
    row = hold(session, shipment_id)
    if row is None or row.to_id != actor.organisation_id:
        raise Refusal(Code.NOT_FOUND)
    if place_id is not None:
        places.must_be_own(session, actor, place_id)
    return register.retried(lambda: _arrive(session, actor, row, code, place_id, scan))


def _arrive(
    session: Session, actor: Actor, row: Shipment, code: str, place_id: int | None, scan: ScanMark | None
) -> Arrived:
    standing = register.look(session, codes.read(code))
    line = session.get(ShipmentLine, (row.id, standing.device_id), populate_existing=True)
    if line is not None and line.arrived_at is not None and line.settled is None:
        return Arrived(Arrival.ALREADY, standing)
    if standing.custodian_id != row.organisation_id or standing.state is State.MISSING:
        raise Refusal(Code.NOT_ON_SHIPMENT)
    if line is None or not line.open or line.settled is not None:
        return _unexpected(session, row, line, standing)
    to = {"custodian_id": actor.organisation_id, "place_id": place_id}
    facts = {"shipment": row.id}
    after = register.move(session, actor, standing, Move.ARRIVE, to=to, facts=facts, scan=scan)
    line.arrived_at = utcnow()
    if after.blocker_id is not None:
        # What stops it is now for this workshop to settle.
        blocker = session.get_one(Blocker, after.blocker_id)
        blocker.organisation_id = actor.organisation_id
    _close_line(session, line, None)
    _close_if_done(session, actor, row.id)
    return Arrived(Arrival.ARRIVED, after)


def _unexpected(session: Session, row: Shipment, line: ShipmentLine | None, standing: Standing) -> Arrived:
    """The sender's device is here and was not listed. Raises Refusal(shipment-closed, not-on-shipment)."""
    if row.closed_at is not None:
        raise Refusal(Code.SHIPMENT_CLOSED)
    elsewhere = _open_line(session, standing.device_id)
    if elsewhere is not None and elsewhere.shipment_id != row.id:
        raise Refusal(Code.NOT_ON_SHIPMENT, shipment=elsewhere.shipment_id)
    if line is None:
        line = ShipmentLine(shipment_id=row.id, device_id=standing.device_id)
        session.add(line)
    line.arrived_at, line.settled, line.open = utcnow(), Difference.UNEXPECTED.value, True
    session.flush()
    return Arrived(Arrival.UNEXPECTED, standing)


# --- settling ---


def difference_of(line: ShipmentLine) -> Difference | None:
    """What is open about a line; None where nothing is. Pure."""
    if not line.open:
        return None
    return Difference.UNEXPECTED if line.settled == Difference.UNEXPECTED else Difference.AWAITED


def settle(session: Session, actor: Actor, shipment_id: int, code: str, said: Settled) -> None:
    """The sender says what became of a device that did not arrive as listed. The same again changes nothing.

    Never left, or not sent at all: it stays with the sender. Sent too: it is put on the list, and scanned again
    where it is. Missing: it goes missing, with what follows from that.
    Raises Refusal(not-allowed, not-found, shipment-closed, invalid) and what shipping and losing raise.
    """
    actor.must(Permission.WORKSHOP_RUN)
    row = hold(session, shipment_id)
    if row is None or row.organisation_id != actor.organisation_id:
        raise Refusal(Code.NOT_FOUND)
    standing = register.look(session, codes.read(code))
    line = session.get(ShipmentLine, (shipment_id, standing.device_id))
    if line is None:
        raise Refusal(Code.NOT_FOUND)
    if not line.open and line.settled == said:
        return
    open_about = difference_of(line)
    if open_about is None or said not in ANSWERS[open_about]:
        raise Refusal(Code.INVALID, errors={"outcome": ["not-an-answer"]})
    if said is Settled.SENT_TOO:
        _sent_too(session, actor, line, standing)
        return
    if said is Settled.MISSING:
        exits.leave(session, actor, standing.code, Leaving(Exit.LOSE, ExitReason.LOST_ON_THE_WAY))
    _close_line(session, line, said)
    _close_if_done(session, actor, shipment_id)


def _sent_too(session: Session, actor: Actor, line: ShipmentLine, standing: Standing) -> None:
    """It left without being scanned: as if it had been."""
    inventory_rules.must_hold(actor, standing.custodian_id)
    row = session.get_one(Shipment, line.shipment_id)
    facts = {"shipment": row.id, "to": row.to_id}
    register.move(session, actor, standing, Move.SHIP, to={"place_id": None}, facts=facts)
    line.settled, line.arrived_at = None, None
    session.flush()


def _close_line(session: Session, line: ShipmentLine, settled: Settled | None) -> None:
    line.open, line.settled = False, settled.value if settled else None
    session.flush()


def _close_if_done(session: Session, actor: Actor, shipment_id: int) -> None:
    """Close a shipment of which nothing is open any more."""
    lines = session.scalars(sa.select(ShipmentLine).where(ShipmentLine.shipment_id == shipment_id)).all()
    row = session.get_one(Shipment, shipment_id)
    if row.closed_at is not None or any(line.open for line in lines):
        return
    row.closed_by, row.closed_at = actor.person_id, utcnow()
    session.flush()
    arrived = sum(line.arrived_at is not None and line.settled is None for line in lines)
    missing = sum(line.settled == Settled.MISSING for line in lines)
    facts = {"arrived": arrived, "missing": missing}
    journal.append(session, actor, journal.Kind.SHIPMENT_CLOSED, shipment_id, facts)
