"""The room of Le Thillay: many devices at once, what the law keeps back, what is short, who was first."""

import threading
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db
from bank.actor import Actor
from bank.allocation import actions, offers, queries
from bank.allocation.actions import Allotment, NewRequest
from bank.allocation.models import (
    Allocation,
    AllocationState,
    CancelReason,
    Need,
    Programme,
    ProofKind,
    Request,
    RequestState,
    Tariff,
)
from bank.errors import Code, Refusal
from bank.identity.models import Capacity, CapacityKind, LegalNature, OrganisationRole, PersonRole
from bank.inventory import register, replay
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Condition, Grade
from bank.inventory.register import Standing
from bank.journal import Kind
from tests.factories import World, today

DESKTOP, SCREEN = Category.DESKTOP, Category.SCREEN
NAME, BORN = "Amina Zérouali", date(1985, 5, 12)


def programme(
    code: str,
    prices: dict[Category, int],
    *,
    nature: LegalNature = LegalNature.PUBLIC_BODY,
    **changes: Any,
) -> int:
    """A programme with its prices; its id."""
    with db.transaction() as session:
        terms = {"hardship": False, "proofs": frozenset(), "name": f"Dispositif {code}"} | changes
        row = Programme(
            code=code, recipient_nature=nature, valid_from=date(2026, 1, 1), source="test", **terms
        )
        session.add(row)
        session.flush()
        for category, price_cents in prices.items():
            session.add(
                Tariff(
                    programme_id=row.id,
                    category=category,
                    price_cents=price_cents,
                    valid_from=date(2026, 1, 1),
                    source="test",
                )
            )
        return row.id


def make(actor: Actor, new: NewRequest) -> str:
    with db.transaction() as session:
        return actions.make_request(session, actor, new)


def room(world: World, count: int = 10) -> str:
    """The CCAS asks for desktops and screens for its room; the request's reference."""
    programme("SALLE", {DESKTOP: 5_000, SCREEN: 1_500})
    return make(world.ccas_user, NewRequest(programme="SALLE", lines=((DESKTOP, count), (SCREEN, count))))


def stock(world: World, category: Category, count: int, **origin: Any) -> list[Standing]:
    return [world.device(State.READY, category=category, **origin) for _each in range(count)]


def allot(world: World, ref: str, devices: Sequence[Standing], actor: Actor | None = None) -> Allotment:
    actor = actor or world.coordinator
    with db.transaction() as session:
        return actions.allocate_many(session, actor, ref, [device.code for device in devices])


def find(actor: Actor, ref: str) -> queries.RequestFacts:
    with db.read() as session:
        return queries.find(session, actor, ref)


def story(actor: Actor, ref: str) -> list[tuple[Kind, int]]:
    with db.read() as session:
        told = queries.story(session, actor, queries.find(session, actor, ref))
    return [(event.kind, event.promised) for event in told]


def states(devices: Sequence[Standing]) -> list[State | None]:
    with db.read() as session:
        return [register.look_by_id(session, device.device_id).state for device in devices]


# ---- the room of Le Thillay ----


def test_the_room_is_filled_from_bnp_and_a_unit_of_the_departement_is_refused_with_the_article(
    world: World,
) -> None:
    ref = room(world)
    desktops, screens = stock(world, DESKTOP, 10), stock(world, SCREEN, 10)
    [public] = stock(world, DESKTOP, 1, donor=world.department)

    told = allot(world, ref, [public, *desktops, *screens])

    assert set(told.promised) == {device.code for device in [*desktops, *screens]}
    assert [(each.code, each.refusal.code) for each in told.refused] == [(public.code, Code.UNLAWFUL)]
    assert told.refused[0].refusal.facts == {"reasons": ["recipient-excluded"], "article": "CG3P L3212-3"}
    assert states([public]) == [State.READY]
    assert set(states([*desktops, *screens])) == {State.RESERVED}
    asked = find(world.ccas_user, ref)
    assert (asked.state, asked.total_cents) == (RequestState.ALLOCATED, 65_000)
    with db.read() as session:
        rows = session.scalars(sa.select(Allocation)).all()
        assert {row.reasons for row in rows} == {frozenset({"tariff-general", "private-gift"})}
        assert {row.cap_cents for row in rows} == {None}
    assert replay.verify().faults == []


def test_even_for_free_a_departement_s_unit_does_not_go_to_a_commune(world: World) -> None:
    programme("GRATUIT", {DESKTOP: 0})
    ref = make(world.ccas_user, NewRequest(programme="GRATUIT", lines=((DESKTOP, 1),)))
    [public] = stock(world, DESKTOP, 1, donor=world.department)
    told = allot(world, ref, [public])
    assert told.promised == ()
    assert told.refused[0].refusal.facts["reasons"] == ["recipient-excluded"]


def test_what_is_short_is_said_by_line(world: World) -> None:
    """A part of it is normal: the request stays open, and says what it still misses."""
    ref = room(world)
    allot(world, ref, [*stock(world, DESKTOP, 6), *stock(world, SCREEN, 7)])
    asked = find(world.ccas_user, ref)
    assert asked.state is RequestState.OPEN
    assert [(line.category, line.promised, line.missing) for line in asked.lines] == [
        (DESKTOP, 6, 4),
        (SCREEN, 7, 3),
    ]
    assert story(world.ccas_user, ref) == [(Kind.REQUEST_MADE, 0), (Kind.REQUEST_ALLOCATED, 13)]
    allot(world, ref, [*stock(world, DESKTOP, 4), *stock(world, SCREEN, 3)])
    assert find(world.ccas_user, ref).state is RequestState.ALLOCATED


def test_more_than_was_asked_for_is_refused_and_the_rest_goes_in(world: World) -> None:
    ref = room(world, 2)
    desktops = stock(world, DESKTOP, 3)
    [tablet] = stock(world, Category.TABLET, 1)
    told = allot(world, ref, [*desktops, tablet])
    assert len(told.promised) == 2
    assert sorted(each.refusal.code for each in told.refused) == [Code.INVALID, Code.LINE_FULL]
    actor = world.coordinator
    with db.transaction() as session:
        again = actions.allocate_many(session, actor, ref, ["nope", "B0B0B0B0B0"])
    assert again.promised == ()
    assert {each.refusal.code for each in again.refused} <= {Code.BAD_CODE, Code.UNKNOWN_LABEL}


def test_the_index_s_last_word_takes_back_one_device_only(world: World) -> None:
    """A device that left its reservation by another door is refused by the database; the others stay promised."""
    first = room(world, 1)
    ref = make(world.ccas_user, NewRequest(programme="SALLE", lines=((DESKTOP, 3),)))
    devices = stock(world, DESKTOP, 3)
    held = devices[1]
    allot(world, first, [held])
    with db.transaction() as session:
        register.move(session, None, register.look_by_id(session, held.device_id), register.Move.RELEASE)
    told = allot(world, ref, devices)
    assert [(each.code, each.refusal.code) for each in told.refused] == [(held.code, Code.ALREADY_TAKEN)]
    assert states(devices) == [State.RESERVED, State.READY, State.RESERVED]
    assert find(world.coordinator, ref).promised == 2
    assert replay.verify().faults == []


def test_a_desktop_and_its_screen_from_a_public_body_stay_within_the_cap_of_the_set(world: World) -> None:
    programme("ASSO", {DESKTOP: 13_000, SCREEN: 2_500}, nature=LegalNature.ASSOCIATION, hardship=True)
    user = world.person(
        world.organisation("Ressources 95", roles={OrganisationRole.STRUCTURE}),
        PersonRole.STRUCTURE,
    )
    [desktop] = stock(world, DESKTOP, 1, donor=world.department)
    with_screen = make(user, NewRequest(programme="ASSO", lines=((DESKTOP, 1), (SCREEN, 1))))
    alone = make(user, NewRequest(programme="ASSO", lines=((DESKTOP, 1),)))
    told = allot(world, with_screen, [desktop])
    assert told.refused[0].refusal.facts["reasons"] == ["price-above-cap"], "130 + 25 is above 150"
    assert allot(world, alone, [desktop]).promised == (desktop.code,)


def test_candidates_say_where_they_are_and_how_they_are(world: World) -> None:
    ref = room(world, 2)
    [device, _other] = stock(world, DESKTOP, 2)
    with db.transaction() as session:
        session.add(Condition(device_id=device.device_id, grade=Grade.B, battery_percent=87))
    actor = world.coordinator
    with db.read() as session:
        found = offers.candidates(session, actor, queries.find(session, actor, ref), DESKTOP)
    first, second = found
    assert (first.device_code, first.grade, first.battery_percent) == (device.code, Grade.B, 87)
    assert (first.custodian_name, first.quote.price_cents) == ("AGOIE", 5_000)
    assert (second.grade, second.battery_percent) == (None, None)


# ---- at the same time ----


def at_once(app: Flask, *calls: Callable[[], Any]) -> list[Any]:
    """Run calls in threads of their own, started together; what each returned, or its refusal's code."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                outcomes[place] = call()
            except Refusal as refusal:
                outcomes[place] = refusal.code

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_two_coordinators_pick_overlapping_devices_and_each_device_has_one_winner(
    app: Flask, world: World
) -> None:
    programme("SALLE", {DESKTOP: 5_000})
    other, _first = world.person(world.bank, PersonRole.COORDINATOR), world.coordinator
    for _round in range(3):
        devices, new = stock(world, DESKTOP, 8), NewRequest(programme="SALLE", lines=((DESKTOP, 6),))
        refs = [make(world.ccas_user, new) for _each in range(2)]
        one, two = at_once(
            app,
            lambda refs=refs, devices=devices: allot(world, refs[0], devices[:6]),  # type: ignore[misc]
            # In the other order, so that locks taken as picked would wait for each other.
            lambda refs=refs, devices=devices: allot(world, refs[1], devices[:1:-1], other),  # type: ignore[misc]
        )
        assert isinstance(one, Allotment)
        assert isinstance(two, Allotment)
        assert not set(one.promised) & set(two.promised)
        assert {*one.promised, *two.promised} == {device.code for device in devices}
        lost = [each.refusal.code for each in (*one.refused, *two.refused)]
        assert lost == [Code.ALREADY_TAKEN] * 4
    with db.read() as session:
        live = sa.select(Allocation.device_id).where(Allocation.state == AllocationState.LIVE)
        ids = session.scalars(live).all()
    assert len(ids) == len(set(ids)) == 24
    assert replay.verify().faults == []


def test_two_coordinators_fill_one_request_once(app: Flask, world: World) -> None:
    programme("SALLE", {DESKTOP: 5_000})
    other, _first = world.person(world.bank, PersonRole.COORDINATOR), world.coordinator
    devices = stock(world, DESKTOP, 8)
    ref = make(world.ccas_user, NewRequest(programme="SALLE", lines=((DESKTOP, 4),)))
    at_once(app, lambda: allot(world, ref, devices[:4]), lambda: allot(world, ref, devices[4:], other))
    assert find(world.coordinator, ref).promised == 4
    assert states(devices).count(State.RESERVED) == 4


# ---- stopping ----


def test_a_cancelled_request_gives_its_devices_back_and_says_why(world: World) -> None:
    ref = room(world, 2)
    devices = stock(world, DESKTOP, 2)
    allot(world, ref, devices)
    actor = world.ccas_user
    for _click in range(2):
        with db.transaction() as session:
            actions.cancel(session, actor, ref, CancelReason.NO_LONGER_NEEDED)
    assert states(devices) == [State.READY, State.READY]
    asked = find(world.ccas_user, ref)
    assert (asked.state, asked.cancel_reason) == (RequestState.CANCELLED, CancelReason.NO_LONGER_NEEDED)
    assert story(world.ccas_user, ref) == [
        (Kind.REQUEST_MADE, 0),
        (Kind.REQUEST_ALLOCATED, 2),
        (Kind.REQUEST_RELEASED, 0),
        (Kind.REQUEST_CANCELLED, 0),
    ]
    with pytest.raises(Refusal) as caught:
        allot(world, ref, devices)
    assert caught.value.code is Code.REQUEST_CLOSED


def test_who_may_cancel(world: World) -> None:
    ref = room(world, 1)

    def cancel(actor: Actor) -> Code | None:
        try:
            with db.transaction() as session:
                actions.cancel(session, actor, ref, CancelReason.MISTAKE)
        except Refusal as refusal:
            return refusal.code
        return None

    assert cancel(world.prescriber_user) is Code.NOT_FOUND
    assert cancel(world.donor_user) is Code.NOT_FOUND
    assert cancel(world.desk_user) is Code.NOT_FOUND
    allot(world, ref, [*stock(world, DESKTOP, 1), *stock(world, SCREEN, 1)])
    assert cancel(world.desk_user) is Code.NOT_ALLOWED
    assert cancel(world.coordinator) is None


# ---- great hardship ----


def test_only_an_accredited_organisation_asks_under_great_hardship(world: World) -> None:
    programme(
        "PRECARITE",
        {Category.LAPTOP: 0},
        nature=LegalNature.PERSON,
        hardship=True,
        proofs=frozenset({ProofKind.STRUCTURE_ATTESTATION.value}),
        capacity_asked=CapacityKind.HARDSHIP,
    )
    new = NewRequest(
        programme="PRECARITE",
        lines=((Category.LAPTOP, 1),),
        person_name=NAME,
        birth_date=BORN,
        needs=frozenset({Need.LARGE_PRINT, Need.MOUSE}),
        proof=ProofKind.STRUCTURE_ATTESTATION,
        proof_day=today(),
        proof_seen=True,
    )
    actor = world.prescriber_user

    def offered() -> list[str]:
        with db.read() as session:
            return [option.code for option in queries.options(session, actor)]

    assert offered() == []
    with pytest.raises(Refusal) as caught:
        make(actor, new)
    assert caught.value.facts == {"reasons": ["capacity-missing"]}
    prescriber = world.prescriber
    with db.transaction() as session:
        session.add(
            Capacity(
                organisation_id=prescriber,
                kind=CapacityKind.HARDSHIP,
                reference="convention",
                valid_from=today() - timedelta(days=1),
            )
        )
    assert offered() == ["PRECARITE"]
    ref = make(actor, new)
    asked = find(actor, ref)
    assert (asked.needs, asked.born_on) == ({"large_print", "mouse"}, BORN)
    free = world.device(State.READY, donor=world.department)
    assert allot(world, ref, [free]).promised == (free.code,)
    assert find(actor, ref).total_cents == 0
    with db.read() as session:
        raw = session.execute(sa.text("SELECT name, birth_date, search_hash FROM recipient")).one()
        assert "1985" not in f"{raw}"
        assert session.scalars(sa.select(Request.needs)).one() == {"large_print", "mouse"}
