"""Places of an organisation, what stands within what, and a device that is put in one.

Each place is made with a label of its own, which is printed later or gives way to a blank one.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import table
from bank.errors import Code, Refusal
from bank.inventory import codes, labels, register, rules
from bank.inventory.labels import Why
from bank.inventory.lifecycle import Move
from bank.inventory.models import Label, LabelState, Place, PlaceKind
from bank.inventory.register import Standing
from bank.inventory.rules import PlaceFacts
from bank.journal import Kind

NAME_MAX = 80
place, label = table(Place), table(Label)


@dataclass(frozen=True, slots=True)
class PlaceDraft:
    """A place as somebody describes it."""

    name: str
    kind: PlaceKind
    within_id: int | None = None


def make(session: Session, actor: Actor, draft: PlaceDraft) -> int:
    """Add a place to the actor's organisation, with its label; its id. Raises Refusal(invalid, already-exists)."""
    actor.must(Permission.PLACE_EDIT)
    draft = _checked(session, actor, draft, None)
    row = Place(
        organisation_id=actor.organisation_id, name=draft.name, kind=draft.kind, within_id=draft.within_id
    )
    session.add(row)
    session.flush()
    sticker = Label(
        code=codes.mint(),
        state=LabelState.CLAIMED,
        place_id=row.id,
        organisation_id=actor.organisation_id,
    )
    session.add(sticker)
    session.flush()
    facts = {"kind": draft.kind.value, "within": draft.within_id, "label": sticker.code}
    journal.append(session, actor, Kind.PLACE_MADE, row.id, facts)
    return row.id


def edit(session: Session, actor: Actor, place_id: int, version: int, draft: PlaceDraft) -> None:
    """Rename a place or move it into another.

    Raises Refusal(not-found, edited-meanwhile, invalid, already-exists).
    """
    actor.must(Permission.PLACE_EDIT)
    must_be_own(session, actor, place_id)
    draft = _checked(session, actor, draft, place_id)
    changed = session.scalar(
        sa.update(place)
        .where(place.c.id == place_id, place.c.version == version)
        .values(name=draft.name, kind=draft.kind, within_id=draft.within_id, version=version + 1)
        .returning(place.c.id)
    )
    if changed is None:
        raise Refusal(Code.EDITED_MEANWHILE)
    facts = {"kind": draft.kind.value, "within": draft.within_id}
    journal.append(session, actor, Kind.PLACE_EDITED, place_id, facts)


def must_be_own(session: Session, actor: Actor, place_id: int) -> None:
    """Raise Refusal(not-found) unless the place is of the actor's organisation."""
    mine = sa.select(place.c.id).where(
        place.c.id == place_id, place.c.organisation_id == actor.organisation_id
    )
    if session.scalar(mine) is None:
        raise Refusal(Code.NOT_FOUND)


def _checked(session: Session, actor: Actor, draft: PlaceDraft, place_id: int | None) -> PlaceDraft:
    """The draft, tidied. Two who move places at once wait for one another: together they might close a circle."""
    rows = session.execute(
        sa.select(place.c.id, place.c.kind, place.c.within_id, place.c.name)
        .where(place.c.organisation_id == actor.organisation_id)
        .order_by(place.c.id)
        .with_for_update()
    ).all()
    name = " ".join(draft.name.split())
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise Refusal(Code.INVALID, errors={"name": ["unreadable"]})
    places = {row.id: PlaceFacts(row.kind, row.within_id) for row in rows}
    fault = rules.place_fault(place_id, draft.kind, draft.within_id, places)
    if fault is None and place_id is not None:
        fault = _misplaced(place_id, draft.kind, places)
    if fault:
        raise Refusal(Code.INVALID, errors={"within_id": [fault]})
    if any(row.name == name and row.id != place_id for row in rows):
        raise Refusal(Code.ALREADY_EXISTS, field="name")
    return PlaceDraft(name, draft.kind, draft.within_id)


def _misplaced(place_id: int, kind: PlaceKind, places: dict[int, PlaceFacts]) -> str | None:
    """What stands in it now may not stand in another kind of place."""
    inside = (each.kind for each in places.values() if each.within_id == place_id)
    return "holds-too-much" if any(kind not in rules.STANDS_WITHIN[each] for each in inside) else None


def stick(session: Session, actor: Actor, place_id: int, scanned: str, why: Why | None = None) -> None:
    """Give a place a blank label instead of the one it has; the same again changes nothing.

    `why` may be left out only where its own label was never printed.
    Raises Refusal(not-found, bad-code, glued-codes, unknown-label, label-taken, invalid).
    """
    actor.must(Permission.PLACE_EDIT)
    must_be_own(session, actor, place_id)
    # Whoever labels the same place at once waits here, then finds the other's label.
    session.execute(sa.select(place.c.id).where(place.c.id == place_id).with_for_update())
    was = session.execute(
        sa.select(label.c.code, label.c.printed_at).where(
            label.c.place_id == place_id, label.c.state == LabelState.CLAIMED
        )
    ).one_or_none()
    found = labels.look(session, actor, scanned)
    if was is not None and was.code == found.code:
        return
    labels.must_be_free(found)
    if was is not None and was.printed_at is not None and why in (None, Why.CLAIMED):
        raise Refusal(Code.INVALID, errors={"reason": ["needed"]})
    if was is not None:
        why = why or Why.CLAIMED
        labels.retire(session, was.code, why)
    labels.take(session, found, place_id=place_id)
    facts = {"label": found.code, "was": was.code if was else None, "reason": why.value if why else None}
    journal.append(session, actor, Kind.PLACE_LABELLED, place_id, facts)


def put(session: Session, actor: Actor, code: str, place_id: int | None) -> Standing:
    """Put a device that one has in hand in a place, or in none; where it stands already nothing is written.

    Raises Refusal(not-found, other-custodian, illegal-move, void-label, blank-label, place-label, unknown-label).
    """
    actor.must(Permission.DEVICE_SCAN)
    return register.retried(lambda: _put(session, actor, labels.held(session, actor, code), place_id))


def _put(session: Session, actor: Actor, standing: Standing, place_id: int | None) -> Standing:
    if place_id is not None:
        must_be_own(session, actor, place_id)
    if standing.place_id == place_id:
        return standing
    return register.move(session, actor, standing, Move.PUT, to={"place_id": place_id})
