"""Places: what stands in what, the labels they carry, and the devices that are put in them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from bank import db, journal
from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.inventory import labels, place_queries, places, queries, register, replay, rules
from bank.inventory.labels import Why
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import Label, LabelState, PlaceKind
from bank.inventory.place_queries import PlaceSheet
from bank.inventory.places import PlaceDraft
from bank.inventory.queries import Filters
from bank.inventory.register import Standing
from bank.inventory.rules import PlaceFacts
from tests.factories import World

ROOM, SHELF, COUNTER, BOX, PALLET = (
    PlaceKind.ROOM,
    PlaceKind.SHELF,
    PlaceKind.COUNTER,
    PlaceKind.BOX,
    PlaceKind.PALLET,
)


@pytest.fixture(autouse=True)
def _people(world: World) -> None:
    """They are made in units of work of their own."""
    assert all((world.supervisor, world.operator, world.other_operator, world.coordinator))


@contextmanager
def refused(code: Code) -> Iterator[Any]:
    with pytest.raises(Refusal) as caught:
        yield caught
    assert caught.value.code is code


def make(actor: Actor, name: str, kind: PlaceKind = BOX, within: int | None = None) -> int:
    with db.transaction() as session:
        return places.make(session, actor, PlaceDraft(name, kind, within))


def edit(
    actor: Actor, place_id: int, name: str, kind: PlaceKind, within: int | None, version: int = 1
) -> None:
    with db.transaction() as session:
        places.edit(session, actor, place_id, version, PlaceDraft(name, kind, within))


def put(actor: Actor, device: Standing, place_id: int | None) -> Standing:
    with db.transaction() as session:
        return places.put(session, actor, device.code, place_id)


def sheet(actor: Actor, place_id: int) -> PlaceSheet:
    with db.read() as session:
        return place_queries.place(session, actor, place_id)


def facts_of(kind: str) -> list[dict[str, Any]]:
    with db.read() as session:
        told = session.scalars(
            sa.select(journal.Entry.facts).where(journal.Entry.kind == kind).order_by(journal.Entry.id)
        )
        return [json.loads(each) for each in told]


PLACES = {1: PlaceFacts(ROOM, None), 2: PlaceFacts(SHELF, 1), 3: PlaceFacts(BOX, 2), 4: PlaceFacts(BOX, 3)}


@pytest.mark.parametrize(
    ("place_id", "kind", "within", "fault"),
    [
        (None, SHELF, None, None),
        (None, SHELF, 1, None),
        (None, BOX, 4, None),
        (4, BOX, 1, None),
        (3, BOX, 4, "within-itself"),
        (3, BOX, 3, "within-itself"),
        (None, ROOM, 2, "stands-not-there"),
        (None, PALLET, 3, "stands-not-there"),
        (None, BOX, 9, "unknown-place"),
    ],
)
def test_what_may_stand_in_what(
    place_id: int | None, kind: PlaceKind, within: int | None, fault: str | None
) -> None:
    assert rules.place_fault(place_id, kind, within, PLACES) == fault


def test_what_is_around_a_place_ends_even_in_a_circle() -> None:
    assert rules.around(4, PLACES) == [4, 3, 2, 1]
    assert rules.around(1, {1: PlaceFacts(BOX, 2), 2: PlaceFacts(BOX, 1)}) == [1, 2]


def test_a_place_is_made_with_a_label_of_its_own(world: World) -> None:
    room = make(world.supervisor, "  Atelier   du fond ", ROOM)
    line = sheet(world.operator, room).line
    assert (line.name, line.kind, line.printed, line.devices) == ("Atelier du fond", ROOM, False, 0)
    assert facts_of("place.made") == [{"kind": "room", "within": None, "label": line.code}]
    with db.read() as session, refused(Code.PLACE_LABEL):
        register.look(session, line.code or "")
    with db.read() as session:
        [sticker] = queries.place_stickers(session, world.supervisor)
    assert (sticker.code, sticker.name, sticker.printed) == (line.code, "Atelier du fond", False)


def test_the_tree_says_what_is_in_what_and_counts_boxes_too(world: World) -> None:
    room = make(world.supervisor, "Réserve", ROOM)
    shelf = make(world.supervisor, "Étagère 1", SHELF, room)
    box = make(world.supervisor, "Carton A", BOX, shelf)
    one, two, three = world.device(), world.device(State.READY), world.device()
    for device, where in ((one, box), (two, shelf), (three, box)):
        put(world.operator, device, where)
    with db.read() as session:
        lines = place_queries.places(session, world.operator)
        within = queries.devices(session, world.operator, Filters(place=room)).devices
        boxed = queries.stickers_of(session, world.operator, place_id=box)
    assert [(line.name, line.depth, line.devices, line.all_devices) for line in lines] == [
        ("Réserve", 0, 0, 3),
        ("Étagère 1", 1, 1, 3),
        ("Carton A", 2, 2, 2),
    ]
    assert {each.code for each in within} == {one.code, two.code, three.code}
    assert [(each.code, each.place) for each in boxed] == [(one.code, "Carton A"), (three.code, "Carton A")]
    found = sheet(world.operator, shelf)
    assert [each.name for each in found.around] == ["Réserve"]
    assert [each.name for each in found.inside] == ["Carton A"]


def test_a_box_is_carried_with_what_it_holds(world: World) -> None:
    one, two = make(world.supervisor, "Étagère 1", SHELF), make(world.supervisor, "Étagère 2", SHELF)
    box = make(world.supervisor, "Carton A", BOX, one)
    device = put(world.operator, world.device(), box)
    edit(world.supervisor, box, "Carton A", BOX, two)
    with db.read() as session:
        there = queries.devices(session, world.operator, Filters(place=two)).devices
        after = register.look(session, device.code)
    assert [each.code for each in there] == [device.code]
    assert after.seq == device.seq
    assert facts_of("place.edited") == [{"kind": "box", "within": two}]


def test_a_box_in_itself_is_refused_and_so_is_what_it_holds_in_another_kind(world: World) -> None:
    room = make(world.supervisor, "Réserve", ROOM)
    shelf = make(world.supervisor, "Étagère", SHELF, room)
    outer = make(world.supervisor, "Grand carton", BOX, shelf)
    inner = make(world.supervisor, "Petit carton", BOX, outer)
    with refused(Code.INVALID) as caught:
        edit(world.supervisor, outer, "Grand carton", BOX, inner)
    assert caught.value.facts == {"errors": {"within_id": ["within-itself"]}}
    with refused(Code.INVALID) as caught:
        edit(world.supervisor, room, "Réserve", BOX, None)
    assert caught.value.facts == {"errors": {"within_id": ["holds-too-much"]}}


def test_names_are_told_apart_versions_and_owners_held_to(world: World) -> None:
    box = make(world.supervisor, "Carton A")
    make(world.supervisor, "Carton B")
    with refused(Code.ALREADY_EXISTS):
        make(world.supervisor, " Carton A")
    with refused(Code.ALREADY_EXISTS):
        edit(world.supervisor, box, "Carton B", BOX, None)
    with refused(Code.EDITED_MEANWHILE):
        edit(world.supervisor, box, "Carton C", BOX, None, version=7)
    with refused(Code.INVALID):
        make(world.supervisor, "a\x00b")
    with refused(Code.NOT_ALLOWED):
        make(world.operator, "Carton D")
    with refused(Code.NOT_FOUND):
        edit(world.coordinator, box, "Carton A", BOX, None)
    with refused(Code.INVALID):
        make(world.coordinator, "Carton Z", BOX, box)
    with refused(Code.NOT_FOUND):
        sheet(world.other_operator, box)


def test_two_boxes_are_never_each_in_the_other(world: World) -> None:
    one, two = make(world.supervisor, "Un"), make(world.supervisor, "Deux")
    actor, app, gate = world.supervisor, world.app, threading.Barrier(2)
    told: list[str] = []

    def into(inner: int, name: str, outer: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                edit(actor, inner, name, BOX, outer)
                told.append("done")
            except Refusal as refusal:
                told.append(refusal.code.value)

    threads = [threading.Thread(target=into, args=each) for each in ((one, "Un", two), (two, "Deux", one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["done", "invalid"]


def test_a_device_is_put_where_one_has_it_in_hand(world: World) -> None:
    box, elsewhere = make(world.supervisor, "Carton A"), make(world.coordinator, "Réserve", ROOM)
    device = world.device(State.READY)
    after = put(world.operator, device, box)
    assert (after.place_id, after.state) == (box, State.READY)
    assert put(world.operator, after, box) == after
    with db.read() as session:
        line, *_ = queries.history(session, world.operator, device.code)
    assert (line.kind, line.place) == ("device.put", "Carton A")
    with refused(Code.NOT_FOUND):
        put(world.operator, device, elsewhere)
    with refused(Code.NOT_FOUND):
        put(world.other_operator, device, None)
    with refused(Code.NOT_ALLOWED):
        put(world.coordinator, device, elsewhere)
    assert put(world.operator, device, None).place_id is None
    with refused(Code.ILLEGAL_MOVE):
        put(world.operator, world.device(State.RECYCLED), box)
    assert replay.verify().faults == []


def test_a_device_that_goes_to_another_leaves_its_place(world: World) -> None:
    box = make(world.supervisor, "Carton A")
    device, other = put(world.operator, world.device(State.RESERVED), box), world.other_workshop
    with db.transaction() as session:
        after = register.move(session, world.supervisor, device, Move.HAND_OVER, to={"custodian_id": other})
    assert after.place_id is None
    assert replay.verify().faults == []


def test_a_place_takes_a_blank_label_and_another_only_for_a_reason(world: World) -> None:
    box = make(world.supervisor, "Carton A")
    first = sheet(world.operator, box).line.code or ""
    with db.transaction() as session:
        ids = labels.mint_blanks(session, world.workshop, 2)
        labels.mark_printed(session, ids, db.utcnow())
        one, two = session.scalars(sa.select(Label.code).where(Label.id.in_(ids)).order_by(Label.id))

    def stick(code: str, why: Why | None = None) -> None:
        with db.transaction() as session:
            places.stick(session, world.supervisor, box, code, why)

    stick(one)
    stick(one)
    with refused(Code.INVALID):
        stick(two)
    stick(two, Why.LOST)
    assert sheet(world.operator, box).line.code == two
    with db.read() as session:
        rows = {row.code: row for row in session.scalars(sa.select(Label))}
    assert (rows[first].state, rows[first].place_id) == (LabelState.VOID, None)
    assert (rows[one].state, rows[one].place_id) == (LabelState.REPLACED, box)
    assert facts_of("place.labelled") == [
        {"label": one, "was": first, "reason": "claimed"},
        {"label": two, "was": one, "reason": "lost"},
    ]
    with refused(Code.LABEL_TAKEN):
        stick(one, Why.LOST)
