"""The places of an organisation, and what stands in each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.inventory.models import Device, Label, LabelState, Place, PlaceKind


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A place in its tree: `depth` places are around it, `devices` stand in it, `all_devices` in its boxes too.

    `code` is that of the label it carries; `printed` says whether that one may be stuck already.
    """

    id: int
    name: str
    kind: PlaceKind
    within_id: int | None
    version: int
    code: str | None
    printed: bool
    depth: int
    path: tuple[str, ...]
    devices: int
    all_devices: int


@dataclass(frozen=True, slots=True)
class PlaceSheet:
    """A place, what is around it from the outside in, and the places that stand in it."""

    line: PlaceLine
    around: tuple[PlaceLine, ...]
    inside: tuple[PlaceLine, ...]


def places(session: Session, actor: Actor, *, counted: bool = True) -> list[PlaceLine]:
    """All places of the actor's organisation, each followed by what stands in it; uncounted, it is quicker."""
    rows = session.execute(
        sa.select(
            Place.id, Place.name, Place.kind, Place.within_id, Place.version, Label.code, Label.printed_at
        )
        .outerjoin(Label, sa.and_(Label.place_id == Place.id, Label.state == LabelState.CLAIMED))
        .where(Place.organisation_id == actor.organisation_id)
        .order_by(Place.name, Place.id)
    ).all()
    counts = _counts(session, actor) if counted else {}
    inside: dict[int | None, list[Any]] = {}
    for row in rows:
        inside.setdefault(row.within_id, []).append(row)
    return list(_tree(None, (), inside, counts))


def _counts(session: Session, actor: Actor) -> Mapping[int, int]:
    rows = session.execute(
        sa.select(Device.place_id, sa.func.count())
        .where(Device.place_id.is_not(None), Device.custodian_id == actor.organisation_id)
        .group_by(Device.place_id)
    )
    return {place_id: count for place_id, count in rows if place_id is not None}


def _tree(
    within_id: int | None,
    path: tuple[str, ...],
    inside: Mapping[int | None, Sequence[Any]],
    counts: Mapping[int, int],
) -> Iterator[PlaceLine]:
    for row in inside.get(within_id, ()):
        below = list(_tree(row.id, (*path, row.name), inside, counts))
        here = counts.get(row.id, 0)
        yield PlaceLine(
            id=row.id,
            name=row.name,
            kind=row.kind,
            within_id=row.within_id,
            version=row.version,
            code=row.code,
            printed=row.printed_at is not None,
            depth=len(path),
            path=path,
            devices=here,
            all_devices=here + sum(each.devices for each in below),
        )
        yield from below


def place(session: Session, actor: Actor, place_id: int) -> PlaceSheet:
    """One place of the actor's organisation. Raises Refusal(not-found)."""
    known = {line.id: line for line in places(session, actor)}
    if place_id not in known:
        raise Refusal(Code.NOT_FOUND)
    line = known[place_id]
    around: list[PlaceLine] = []
    outer = line.within_id
    while outer is not None:
        around.insert(0, known[outer])
        outer = known[outer].within_id
    return PlaceSheet(
        line, tuple(around), tuple(each for each in known.values() if each.within_id == place_id)
    )
