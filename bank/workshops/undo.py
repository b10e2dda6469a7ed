"""The last scan of a device taken back, by opposite moves, with all that it wrote, while nothing came after."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.inventory import actions as drives
from bank.inventory import conditions, register
from bank.inventory import rules as inventory_rules
from bank.inventory.lifecycle import Move
from bank.inventory.register import COLUMNS, Standing
from bank.workshops import actions, rules, shipments
from bank.workshops.actions import Done, Work
from bank.workshops.models import BlockerOutcome
from bank.workshops.rules import OPPOSITES, Outcome, Past

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
entry = journal.Entry.__table__


def undo(session: Session, actor: Actor, standing: Standing, work: Work) -> Done:
    """Take back what the scan `work.undoes` did to the device: nobody is to have touched it since.

    Raises Refusal(other-custodian, invalid, nothing-to-undo, not-undoable, undone-already, moved-since, not-yours,
    too-late).
    """
    inventory_rules.must_hold(actor, standing.custodian_id)
    if not work.undoes:
        raise Refusal(Code.INVALID, errors={"facts": {"undoes": ["the name of a scan"]}})
    chain = _chain(session, standing.device_id)
    try:
        came_to = rules.to_undo(chain, work.undoes, actor, utcnow())
    except Refusal as refusal:
        _must_not_be_a_call(session, actor, work, refusal)
        raise
    for past in came_to:
        if past.move is Move.SHIP:
            # Its lines are locked before its devices, here as where they arrive.
            shipments.hold(session, past.facts["shipment"])
    after = standing
    made: list[tuple[Past, Standing]] = []
    for past in came_to:
        after = register.move(
            session,
            actor,
            after,
            OPPOSITES[past.move],
            to=_as_before(chain, past),
            facts={"undoes": past.seq, "step": past.facts.get("step")},
            scan=work.scan if past is came_to[-1] else None,
        )
        made.append((past, after))
    for past, stood in made:
        _take_back(session, actor, chain, past, stood)
    return Done(Outcome.UNDONE, register.look_by_id(session, standing.device_id))


def _must_not_be_a_call(session: Session, actor: Actor, work: Work, refusal: Refusal) -> None:
    """A call for help is of a person, not of a device: it is answered, not undone. Raises Refusal(not-undoable)."""
    if refusal.code is not Code.NOTHING_TO_UNDO:
        return
    called = sa.select(entry.c.id).where(
        entry.c.scan_id == work.undoes,
        entry.c.kind == journal.Kind.HELP_CALLED.value,
        entry.c.organisation_id == actor.organisation_id,
    )
    if session.scalar(called) is not None:
        raise Refusal(Code.NOT_UNDOABLE) from refusal


def _chain(session: Session, device_id: int) -> list[Past]:
    rows = session.execute(
        sa.select(entry)
        .where(entry.c.subject == journal.Subject.DEVICE.value, entry.c.subject_id == device_id)
        .order_by(entry.c.seq)
    )
    return [
        Past(
            row.id,
            row.seq,
            Move(row.kind.removeprefix("device.")),
            row.person_id,
            row.organisation_id,
            EPOCH + timedelta(microseconds=row.at_us),
            json.loads(row.facts),
            row.scan_id,
        )
        for row in rows
    ]


def _as_before(chain: list[Past], undone: Past) -> dict[str, int | None]:
    """The register's columns before an entry: its chain folded up to there."""
    stood: dict[str, Any] = dict.fromkeys(COLUMNS) | {"open_drives": 0}
    for past in chain:
        if past.seq < undone.seq:
            stood |= past.facts["set"]
    # The state is the opposite move's own.
    return {name: value for name, value in stood.items() if name != "state"}


def _take_back(session: Session, actor: Actor, chain: list[Past], past: Past, stood: Standing) -> None:
    """What the entry wrote besides the register: drives and proofs, a blocker, the condition, a shipment's line."""
    device_id = stood.device_id
    drives.take_back(session, device_id, past.id, register.last_entry(session, stood))
    opened = past.facts["set"].get("blocker_id")
    if opened is not None:
        actions.close_blocker(session, actor, opened, BlockerOutcome.UNDONE)
    values = rules.condition_without(chain, past)
    if values:
        conditions.note(session, device_id, values)
    if past.move is Move.SHIP:
        shipments.take_off(session, actor, past.facts["shipment"], device_id)
