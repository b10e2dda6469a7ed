"""What a scanner or a hand gave when it is no device's label that counts.

It may be a blank label, one that was replaced, a place's, or any of the other codes that devices carry.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.db import table
from bank.errors import Code, Refusal
from bank.identity.models import Organisation, OrganisationRole
from bank.inventory import codes, queries, register, serials
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Label, LabelState, Place
from bank.inventory.queries import CARRIED, carried, device, label, other_code
from bank.signs import LAYOUTS

# More devices than this under one code are no choice for a person any more.
MATCHES_MAX = 20
# What is no label of the bank may be another code: a serial may even look like a label.
NO_LABEL = frozenset({Code.BAD_CODE, Code.UNKNOWN_LABEL})
organisation = table(Organisation)
# Whose blank labels anyone of a workshop may stick: the bank prints them for all.
BANKS = sa.select(organisation.c.id).where(
    (sa.literal(" ") + sa.type_coerce(organisation.c.roles, sa.Text()) + " ").contains(
        f" {OrganisationRole.BANK.value} "
    )
)


@dataclass(frozen=True, slots=True)
class Match:
    """A device that a code may mean, with what tells it from the others."""

    code: str
    category: Category
    maker: str
    model: str
    batch_ref: str
    state: State
    place: str | None
    held: bool


@dataclass(frozen=True, slots=True)
class Blank:
    """A label that nothing carries yet."""

    id: int
    code: str


@dataclass(frozen=True, slots=True)
class PlaceFound:
    """The place that carries a label."""

    id: int
    name: str


def by_other_code(session: Session, actor: Actor, text: str) -> list[Match]:
    """The devices within reach that carry this serial, asset tag or IMEI, the latest first."""
    meant = _meant(text)
    if not meant:
        return []
    rows = session.execute(
        _matching(actor)
        .where(device.c.id.in_(sa.select(other_code.c.device_id).where(other_code.c.value.in_(meant))))
        .order_by(device.c.id.desc())
        .limit(MATCHES_MAX)
    )
    return [Match(*row) for row in rows]


def _meant(text: str) -> set[str]:
    """What the text may be as codes are kept, whatever keyboard it came through."""
    if not text.strip() or len(text) > queries.Q_MAX:
        return set()
    read = {serials.tidy(text.translate(layout)) for layout in LAYOUTS}
    read |= {imei for layout in LAYOUTS if (imei := serials.read_imei(text.translate(layout)))}
    return {each for each in read if each and each.isprintable()}


def _matching(actor: Actor) -> sa.Select[Any]:
    mine = sa.func.coalesce(device.c.custodian_id == actor.organisation_id, sa.false())
    return (
        sa.select(
            carried.c.code,
            device.c.category,
            device.c.maker,
            device.c.model,
            device.c.batch_ref,
            device.c.state,
            Place.name,
            mine,
        )
        .select_from(CARRIED)
        .outerjoin(Place, Place.id == device.c.place_id)
        .where(sa.or_(*queries.reach(actor)))
    )


def the_one(session: Session, actor: Actor, text: str) -> str | None:
    """The label of the one device within reach with this other code; None where there is none.

    Raises Refusal(several-match) with the labels of all of them.
    """
    found = by_other_code(session, actor, text)
    if len(found) > 1:
        raise Refusal(Code.SEVERAL_MATCH, codes=[each.code for each in found])
    return found[0].code if found else None


def device_of(session: Session, actor: Actor, scanned: str) -> str:
    """The label of the device that the text means: its own label, else any other of its codes.

    Raises Refusal(bad-code, glued-codes, unknown-label, several-match, void-label, blank-label, place-label).
    """
    try:
        return register.look(session, codes.read(scanned)).code
    except Refusal as refusal:
        if refusal.code not in NO_LABEL:
            raise
        found = the_one(session, actor, scanned)
        if found is None:
            raise
        return found


def replaced(session: Session, actor: Actor, scanned: str) -> Match | None:
    """The device, within reach, on which this label was once; None where it still is, or on none."""
    try:
        read = codes.read(scanned)
    except Refusal:
        return None
    once = sa.select(label.c.device_id).where(label.c.code == read, label.c.state == LabelState.REPLACED)
    row = session.execute(_matching(actor).where(device.c.id.in_(once))).one_or_none()
    return Match(*row) if row else None


def blank(session: Session, actor: Actor, scanned: str) -> Blank:
    """A blank label that the actor may stick: their organisation's, or the bank's.

    Raises Refusal(not-found).
    """
    try:
        read = codes.read(scanned)
    except Refusal as refusal:
        raise Refusal(Code.NOT_FOUND) from refusal
    row = session.execute(
        sa.select(Label.id, Label.code).where(
            Label.code == read, Label.state == LabelState.BLANK, may_stick(actor)
        )
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return Blank(*row)


def may_stick(actor: Actor) -> sa.ColumnElement[bool]:
    """Whose blank labels these are."""
    return sa.or_(Label.organisation_id == actor.organisation_id, Label.organisation_id.in_(BANKS))


def place(session: Session, actor: Actor, scanned: str) -> PlaceFound:
    """The place of the actor's organisation that carries this label. Raises Refusal(not-found)."""
    try:
        read = codes.read(scanned)
    except Refusal as refusal:
        raise Refusal(Code.NOT_FOUND) from refusal
    row = session.execute(
        sa.select(Place.id, Place.name)
        .join(Label, Label.place_id == Place.id)
        .where(
            Label.code == read,
            Label.state == LabelState.CLAIMED,
            Place.organisation_id == actor.organisation_id,
        )
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return PlaceFound(*row)
