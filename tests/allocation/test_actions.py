"""Requests, allocations and hand-overs on both databases: locks, frozen prices, who may, what is written."""

import json
import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db
from bank.actor import Actor
from bank.allocation import actions, handovers, offers, queries
from bank.allocation.actions import NewRequest
from bank.allocation.counter import NewHandover
from bank.allocation.models import (
    Allocation,
    AllocationState,
    Handover,
    Payment,
    Programme,
    ProofKind,
    Recipient,
    Request,
    RequestState,
    Signature,
    Tariff,
)
from bank.errors import Code, Refusal
from bank.identity.models import Capacity, LegalNature, OrganisationRole, PersonRole
from bank.inventory import register
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, LegalBasis
from bank.inventory.register import Standing
from bank.journal import Entry
from tests.factories import World

TWO_LAPTOPS = ((Category.LAPTOP, 2),)
NAME, PHONE = "Amina Zérouali", "06 39 98 12 34"


def wish(**changes: Any) -> NewRequest:
    given: dict[str, Any] = {
        "programme": "RSA",
        "lines": ((Category.LAPTOP, 1),),
        "person_name": NAME,
        "contact": PHONE,
        "proof": ProofKind.RSA_CERTIFICATE,
        "proof_day": queries.today() - timedelta(days=20),
        "proof_seen": True,
    }
    return NewRequest(**(given | changes))


def ask(world: World, actor: Actor | None = None, **changes: Any) -> str:
    actor = actor or world.prescriber_user
    with db.transaction() as session:
        return actions.make_request(session, actor, wish(**changes))


def allocate(world: World, ref: str, device: Standing, actor: Actor | None = None) -> int:
    actor = actor or world.coordinator
    with db.transaction() as session:
        return actions.allocate(session, actor, ref, device.code)


def release(world: World, ref: str, device: Standing) -> None:
    actor = world.coordinator
    with db.transaction() as session:
        actions.release(session, actor, ref, device.code)


def hand_over(world: World, ref: str, *devices: Standing, actor: Actor | None = None, **changes: Any) -> str:
    given: dict[str, Any] = {
        "request_ref": ref,
        "device_codes": tuple(device.code for device in devices),
        "payment": Payment.CASH,
        "paid_cents": 2_000,
        "signature": Signature.ON_PAPER,
    }
    actor = actor or world.desk_user
    with db.transaction() as session:
        return handovers.hand_over(session, actor, NewHandover(**(given | changes)))


def refused(action: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        action()
    return caught.value


def look(device: Standing) -> Standing:
    with db.read() as session:
        return register.look_by_id(session, device.device_id)


def seen_by(actor: Actor, ref: str) -> queries.RequestFacts:
    with db.read() as session:
        return queries.find(session, actor, ref)


def offered(actor: Actor, ref: str) -> list[offers.Candidate]:
    with db.read() as session:
        return offers.candidates(session, actor, queries.find(session, actor, ref), Category.LAPTOP)


def facts_of(kind: str) -> list[dict[str, Any]]:
    with db.read() as session:
        rows = session.scalars(sa.select(Entry.facts).where(Entry.kind == kind).order_by(Entry.id))
        return [json.loads(row) for row in rows]


def structure_programme(*, hardship: bool = True, price_cents: int = 5_000) -> None:
    """Laptops for associations."""
    with db.transaction() as session:
        programme = Programme(
            code="ASSO",
            name="Associations",
            recipient_nature=LegalNature.ASSOCIATION,
            hardship=hardship,
            proofs=frozenset(),
            valid_from=date(2026, 1, 1),
            source="test",
        )
        session.add(programme)
        session.flush()
        session.add(
            Tariff(
                programme_id=programme.id,
                category=Category.LAPTOP,
                price_cents=price_cents,
                valid_from=date(2026, 1, 1),
                source="test",
            )
        )


def structure_user(world: World) -> Actor:
    structure = world.organisation("Ressources 95", roles={OrganisationRole.STRUCTURE})
    return world.person(structure, PersonRole.STRUCTURE)


# ---- asking ----


def test_a_request_keeps_the_proof_s_kind_and_day_and_who_saw_it(world: World) -> None:
    world.programme_rsa()
    ref = ask(world)
    with db.read() as session:
        row = session.scalars(sa.select(Request).where(Request.ref == ref)).one()
        assert row.state is RequestState.OPEN
        assert row.proof is ProofKind.RSA_CERTIFICATE
        assert row.proof_seen_by == row.made_by == world.prescriber_user.person_id
    assert ref.startswith("D-")
    assert facts_of("request.made") == [
        {
            "programme": "RSA",
            "asked": {"laptop": 1},
            "proof": "rsa_certificate",
            "proof_day": (queries.today() - timedelta(days=20)).isoformat(),
        }
    ]


def test_the_person_s_name_is_encrypted_in_the_table_and_absent_from_the_journal(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    world.programme_rsa()
    device = world.device(State.READY)
    ref = ask(world)
    allocate(world, ref, device)
    hand_over(world, ref, device)
    with db.read() as session:
        raw = session.execute(sa.text("SELECT name, contact FROM recipient")).one()
        assert session.scalars(sa.select(Recipient.name)).one() == NAME
        written = " ".join(session.scalars(sa.select(Entry.facts)))
        marks = str(session.execute(sa.text("SELECT * FROM idempotency_mark")).all())
    told = caplog.text + str(capsys.readouterr())
    for secret in (NAME, "Zérouali", PHONE, "98 12 34"):
        assert secret not in f"{raw} {written} {marks} {told}"


@pytest.mark.parametrize("field", ["person_name", "contact"])
def test_a_social_security_number_is_refused_where_people_are_named(world: World, field: str) -> None:
    world.programme_rsa()
    refusal = refused(lambda: ask(world, **{field: "Amina 2 85 05 78 006 084 41"}))
    assert refusal.code is Code.INVALID
    assert refusal.facts == {"errors": {field: ["nir"]}}
    with db.read() as session:
        assert session.scalars(sa.select(Request)).all() == []


def test_what_is_not_eligible_is_refused_with_every_reason(world: World) -> None:
    world.programme_rsa()
    refusal = refused(lambda: ask(world, proof_seen=False, proof_day=queries.today() - timedelta(days=93)))
    assert refusal.code is Code.NOT_ELIGIBLE
    assert refusal.facts == {"reasons": ["proof-too-old", "proof-not-seen"]}


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"person_name": " "}, {"person_name": ["missing"]}),
        ({"lines": ((Category.LAPTOP, 2),)}, {"lines": ["one-of-each"]}),
        ({"lines": ((Category.LAPTOP, 1), (Category.LAPTOP, 1))}, {"lines": ["category-twice"]}),
        ({"lines": ()}, {"lines": ["nothing-asked"]}),
        ({"programme": "FSL"}, {"programme": ["unknown"]}),
        ({"programme": "\x00"}, {"programme": ["unknown"]}),
    ],
)
def test_what_makes_no_sense_is_refused(
    world: World, changes: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    world.programme_rsa()
    refusal = refused(lambda: ask(world, **changes))
    assert (refusal.code, refusal.facts) == (Code.INVALID, {"errors": errors})


def test_the_programme_s_row_in_force_counts(world: World) -> None:
    world.programme_rsa()
    with db.transaction() as session:
        session.execute(sa.update(Programme).values(valid_until=queries.today() - timedelta(days=1)))
    assert refused(lambda: ask(world)).facts == {"reasons": ["programme-not-in-force"]}
    with db.transaction() as session:
        old = session.scalars(sa.select(Programme)).one()
        session.add(
            Programme(
                code="RSA",
                name="RSA, the next one",
                recipient_nature=LegalNature.PERSON,
                hardship=True,
                proofs=old.proofs,
                proof_days=10,
                valid_from=queries.today(),
                source="test",
            )
        )
    assert refused(lambda: ask(world)).facts == {"reasons": ["proof-too-old"]}


# ---- promising ----


def test_an_allocation_freezes_the_price_of_the_day(world: World) -> None:
    programme = world.programme_rsa()
    device = world.device(State.READY, donor=world.department)
    ref = ask(world)
    allocation_id = allocate(world, ref, device)
    with db.transaction() as session:
        session.execute(sa.update(Tariff).values(price_cents=9_900))
    with db.read() as session:
        row = session.get_one(Allocation, allocation_id)
        assert (row.price_cents, row.cap_cents, row.seller_id) == (2_000, 18_000, world.workshop)
        assert row.reasons == {"tariff-general", "public-gift", "within-cap"}
        assert row.decided_on == queries.today()
        assert row.decided_by == world.coordinator.person_id
        assert session.get_one(Tariff, row.tariff_id).programme_id == programme
    assert look(device).state is State.RESERVED
    facts = seen_by(world.coordinator, ref)
    assert (facts.state, facts.total_cents) == (RequestState.ALLOCATED, 2_000)
    assert facts_of("device.reserve") == [{"request": ref, "set": {"state": "reserved"}}]
    assert facts_of("request.allocated") == [
        {
            "device": device.device_id,
            "price_cents": 2_000,
            "cap_cents": 18_000,
            "reasons": ["public-gift", "tariff-general", "within-cap"],
        }
    ]
    assert hand_over(world, ref, device, paid_cents=2_000), "the frozen price is what is paid"


def test_the_law_s_refusal_names_its_article_and_writes_nothing(world: World) -> None:
    world.programme_rsa(price_cents=18_001)
    device = world.device(State.READY, donor=world.department)
    ref = ask(world)
    refusal = refused(lambda: allocate(world, ref, device))
    assert refusal.code is Code.UNLAWFUL
    assert refusal.facts["reasons"] == ["price-above-cap"]
    assert "CG3P" in str(refusal.facts["article"])
    assert look(device) == device
    assert facts_of("device.reserve") == []


def test_a_public_gift_is_not_sold_by_a_workshop_without_the_capacity(world: World) -> None:
    world.programme_rsa()
    device = world.device(State.READY, donor=world.department, actor=world.other_operator)
    ref = ask(world)
    refusal = refused(lambda: allocate(world, ref, device))
    assert refusal.facts == {"reasons": ["seller-not-entitled"], "article": "CG3P L3212-3"}


def test_a_capacity_that_has_ended_gives_no_right(world: World) -> None:
    world.programme_rsa()
    device = world.device(State.READY, donor=world.department)
    ref = ask(world)
    with db.transaction() as session:
        yesterday = queries.today() - timedelta(days=1)
        session.execute(sa.update(Capacity).values(valid_until=yesterday))
    assert refused(lambda: allocate(world, ref, device)).facts["reasons"] == ["seller-not-entitled"]


def test_without_a_tariff_nothing_is_promised(world: World) -> None:
    world.programme_rsa(category=Category.TABLET)
    device = world.device(State.READY)
    ref = ask(world)
    refusal = refused(lambda: allocate(world, ref, device))
    assert (refusal.code, refusal.facts["reasons"]) == (Code.NO_TARIFF, ["no-tariff"])


def test_a_public_body_gets_nothing_from_a_public_gift_but_may_from_a_private_one(world: World) -> None:
    structure_programme()
    with db.transaction() as session:
        session.execute(sa.update(Programme).values(recipient_nature=LegalNature.PUBLIC_BODY))
    public = world.device(State.READY, donor=world.department)
    private = world.device(State.READY)
    ref = ask(world, world.ccas_user, programme="ASSO", person_name=None, contact=None, proof=None)
    refusal = refused(lambda: allocate(world, ref, public))
    assert refusal.facts == {"reasons": ["recipient-excluded"], "article": "CG3P L3212-3"}
    assert allocate(world, ref, private)


def test_a_device_of_another_category_is_refused(world: World) -> None:
    world.programme_rsa()
    tablet = world.device(State.READY, category=Category.TABLET)
    ref = ask(world)
    refusal = refused(lambda: allocate(world, ref, tablet))
    assert (refusal.code, refusal.facts) == (Code.INVALID, {"errors": {"device": ["other-category"]}})


@pytest.mark.parametrize("state", [State.RECEIVED, State.IN_WORK, State.HANDED_OVER, State.MISSING])
def test_only_what_is_ready_is_promised(world: World, state: State) -> None:
    world.programme_rsa()
    device, ref = world.device(state), ask(world)
    assert refused(lambda: allocate(world, ref, device)).code is Code.ILLEGAL_MOVE


def test_a_device_is_promised_once(world: World) -> None:
    world.programme_rsa()
    device, first, second = world.device(State.READY), ask(world), ask(world)
    allocate(world, first, device)
    assert refused(lambda: allocate(world, second, device)).code is Code.ALREADY_TAKEN


def test_a_full_request_takes_no_more(world: World) -> None:
    world.programme_rsa()
    ref = ask(world)
    allocate(world, ref, world.device(State.READY))
    other = world.device(State.READY)
    assert refused(lambda: allocate(world, ref, other)).code is Code.REQUEST_CLOSED
    assert look(other).state is State.READY


def test_the_index_has_the_last_word_on_who_has_a_device(world: World) -> None:
    """A device that left its reservation by another door is still promised: the database refuses a second one."""
    world.programme_rsa()
    device, first, second = world.device(State.READY), ask(world), ask(world)
    allocation_id = allocate(world, first, device)
    with db.transaction() as session:
        row = session.get_one(Allocation, allocation_id)
        row.state = AllocationState.RELEASED
        session.flush()
        register.move(session, None, register.look_by_id(session, device.device_id), register.Move.RELEASE)
        row.state = AllocationState.LIVE
    assert refused(lambda: allocate(world, second, device)).code is Code.ALREADY_TAKEN
    assert look(device).state is State.READY, "the reservation was rolled back with the rest"


def test_allocated_released_and_allocated_again(world: World) -> None:
    world.programme_rsa()
    device, first, second = world.device(State.READY), ask(world), ask(world)
    allocate(world, first, device)
    release(world, first, device)
    assert look(device).state is State.READY
    assert seen_by(world.coordinator, first).state is RequestState.OPEN
    assert seen_by(world.coordinator, first).allocations == ()
    allocate(world, second, device)
    release(world, second, device)
    release(world, second, device)  # a second click says the same and takes nothing from anybody
    allocate(world, first, device)
    assert hand_over(world, first, device)
    with db.read() as session:
        states = session.scalars(sa.select(Allocation.state).order_by(Allocation.id)).all()
    assert states == [AllocationState.RELEASED, AllocationState.RELEASED, AllocationState.HANDED_OVER]


def test_what_is_not_promised_is_not_released(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    assert refused(lambda: release(world, ref, device)).code is Code.NOT_FOUND


# ---- at the same time ----


def at_once(app: Flask, *calls: Callable[[], object]) -> list[Code | None]:
    """Run calls in threads of their own, started together; the code of each refusal."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[Code | None] = []

    def run(call: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                call()
                outcomes.append(None)
            except Refusal as refusal:
                outcomes.append(refusal.code)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_two_coordinators_one_device_one_winner(app: Flask, world: World) -> None:
    world.programme_rsa()
    other, _first = world.person(world.bank, PersonRole.COORDINATOR), world.coordinator
    for _round in range(5):
        device, first, second = world.device(State.READY), ask(world), ask(world)
        outcomes = at_once(
            app,
            lambda first=first, device=device: allocate(world, first, device),  # type: ignore[misc]
            lambda second=second, device=device: allocate(world, second, device, other),  # type: ignore[misc]
        )
        assert sorted(outcomes, key=str) == [None, Code.ALREADY_TAKEN]
        with db.read() as session:
            live = sa.select(sa.func.count()).where(
                Allocation.device_id == device.device_id, Allocation.state == AllocationState.LIVE
            )
            assert session.scalar(live) == 1


def test_two_coordinators_one_request_one_device(app: Flask, world: World) -> None:
    world.programme_rsa()
    other, _first = world.person(world.bank, PersonRole.COORDINATOR), world.coordinator
    for _round in range(5):
        one, two, ref = world.device(State.READY), world.device(State.READY), ask(world)
        outcomes = at_once(
            app,
            lambda ref=ref, one=one: allocate(world, ref, one),  # type: ignore[misc]
            lambda ref=ref, two=two: allocate(world, ref, two, other),  # type: ignore[misc]
        )
        assert sorted(outcomes, key=str) == [None, Code.REQUEST_CLOSED]
        assert sorted(state for state in (look(one).state, look(two).state)) == [State.READY, State.RESERVED]


def test_two_desks_one_hand_over(app: Flask, world: World) -> None:
    world.programme_rsa()
    other, _first = world.person(world.workshop, PersonRole.DESK), world.desk_user
    for _round in range(3):
        device, ref = world.device(State.READY), ask(world)
        allocate(world, ref, device)
        outcomes = at_once(
            app,
            lambda ref=ref, device=device: hand_over(world, ref, device, actor=world.desk_user),  # type: ignore[misc]
            lambda ref=ref, device=device: hand_over(world, ref, device, actor=other),  # type: ignore[misc]
        )
        assert sorted(outcomes, key=str) == [None, Code.REQUEST_CLOSED]


# ---- handing over ----


def test_a_hand_over_gives_the_device_to_nobody_in_the_register(world: World) -> None:
    """A person is in no register: neither custodian, owner nor place remain."""
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    allocation_id = allocate(world, ref, device)
    handover_ref = hand_over(world, ref, device)
    after = look(device)
    assert (after.state, after.custodian_id, after.owner_id, after.place_id) == (
        State.HANDED_OVER,
        None,
        None,
        None,
    )
    assert handover_ref.startswith("R-")
    assert facts_of("device.hand_over") == [
        {
            "handover": handover_ref,
            "allocation": allocation_id,
            "set": {"state": "handed_over", "custodian_id": None, "owner_id": None},
        }
    ]
    assert facts_of("request.handed_over") == [
        {"handover": handover_ref, "devices": [device.device_id], "paid_cents": 2_000, "payment": "cash"}
    ]
    with db.read() as session:
        row = session.scalars(sa.select(Handover)).one()
        assert (row.desk_id, row.paid_cents, row.made_by) == (
            world.workshop,
            2_000,
            world.desk_user.person_id,
        )
    assert seen_by(world.coordinator, ref).state is RequestState.HANDED_OVER


def test_a_structure_becomes_custodian_and_owner(world: World) -> None:
    structure_programme()
    user = structure_user(world)
    one, two = world.device(State.READY), world.device(State.READY, donor=world.department)
    ref = ask(world, user, programme="ASSO", lines=TWO_LAPTOPS, person_name=None, contact=None, proof=None)
    allocate(world, ref, one)
    assert seen_by(user, ref).state is RequestState.OPEN
    allocate(world, ref, two)
    hand_over(world, ref, two, one, paid_cents=10_000, payment=Payment.TRANSFER)
    for device in (one, two):
        after = look(device)
        assert after.custodian_id == after.owner_id == user.organisation_id


def test_an_association_that_serves_nobody_in_hardship_gets_no_public_gift(world: World) -> None:
    structure_programme(hardship=False)
    user = structure_user(world)
    device = world.device(State.READY, donor=world.department)
    ref = ask(world, user, programme="ASSO", person_name=None, contact=None, proof=None)
    assert refused(lambda: allocate(world, ref, device)).facts["reasons"] == ["recipient-excluded"]


@pytest.mark.parametrize(
    ("paid", "payment"),
    [(1_999, Payment.CASH), (2_001, Payment.CASH), (0, Payment.NONE), (2_000, Payment.NONE)],
)
def test_what_is_paid_is_the_frozen_price(world: World, paid: int, payment: Payment) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    allocate(world, ref, device)
    refusal = refused(lambda: hand_over(world, ref, device, paid_cents=paid, payment=payment))
    assert (refusal.code, refusal.facts) == (Code.PAYMENT_MISMATCH, {"expected_cents": 2_000})
    assert look(device).state is State.RESERVED


def test_what_is_free_is_not_paid(world: World) -> None:
    world.programme_rsa(price_cents=0)
    device = world.device(State.READY, donor=world.department, basis=LegalBasis.L3212_2_2)
    ref = ask(world)
    allocate(world, ref, device)
    assert refused(lambda: hand_over(world, ref, device, paid_cents=0)).code is Code.PAYMENT_MISMATCH
    assert hand_over(world, ref, device, paid_cents=0, payment=Payment.NONE)


def test_a_hand_over_happens_once(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    allocate(world, ref, device)
    hand_over(world, ref, device)
    assert refused(lambda: hand_over(world, ref, device)).code is Code.REQUEST_CLOSED
    assert refused(lambda: release(world, ref, device)).code is Code.REQUEST_CLOSED


def test_what_is_scanned_is_exactly_what_was_promised(world: World) -> None:
    world.programme_rsa()
    device, other, ref = world.device(State.READY), world.device(State.READY), ask(world)
    allocate(world, ref, device)
    missing = refused(lambda: hand_over(world, ref))
    assert missing.facts == {
        "errors": {"devices": ["device-missing"]},
        "missing": [device.code],
        "unexpected": [],
    }
    unexpected = refused(lambda: hand_over(world, ref, device, other))
    assert unexpected.facts["unexpected"] == [other.code]
    assert refused(lambda: hand_over(world, ref, other)).facts["errors"] == {
        "devices": ["device-missing", "device-unexpected"]
    }
    assert hand_over(world, ref, device, device), "the same label scanned twice is one device"


def test_a_desk_that_does_not_hold_the_device_sees_no_request(world: World) -> None:
    world.programme_rsa()
    elsewhere = world.person(world.other_workshop, PersonRole.DESK)
    device, ref = world.device(State.READY), ask(world)
    allocate(world, ref, device)
    assert refused(lambda: hand_over(world, ref, device, actor=elsewhere)).code is Code.NOT_FOUND


def test_a_desk_that_follows_the_request_but_does_not_hold_the_device_cannot_give_it(world: World) -> None:
    world.programme_rsa()
    both = world.organisation("Croix-Rouge 95", roles={OrganisationRole.PRESCRIBER, OrganisationRole.DESK})
    user = world.person(both, PersonRole.PRESCRIBER, PersonRole.DESK)
    device, ref = world.device(State.READY), ask(world, user)
    allocate(world, ref, device)
    assert refused(lambda: hand_over(world, ref, device, actor=user)).code is Code.OTHER_CUSTODIAN


def test_an_organisation_that_is_no_longer_a_desk_hands_nothing_over(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    allocate(world, ref, device)
    user = world.desk_user
    with db.transaction() as session:
        session.execute(
            sa.text("UPDATE organisation SET roles = 'workshop' WHERE id = :id"), {"id": world.workshop}
        )
    assert refused(lambda: hand_over(world, ref, device, actor=user)).code is Code.NOT_ALLOWED


def test_nothing_is_handed_over_before_everything_is_promised(world: World) -> None:
    structure_programme()
    both = world.organisation("Emmaüs", roles={OrganisationRole.STRUCTURE, OrganisationRole.DESK})
    user = world.person(both, PersonRole.STRUCTURE, PersonRole.DESK)
    device = world.device(State.READY)
    ref = ask(world, user, programme="ASSO", lines=TWO_LAPTOPS, person_name=None, contact=None, proof=None)
    allocate(world, ref, device)
    refusal = refused(lambda: hand_over(world, ref, device, actor=user, paid_cents=5_000))
    assert refusal.facts == {"errors": {"request": ["not-allocated"]}}


# ---- who may, who sees ----


def test_each_action_needs_its_permission(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    nobody = world.operator
    for action in (
        lambda: ask(world, nobody),
        lambda: allocate(world, ref, device, nobody),
        lambda: hand_over(world, ref, device, actor=nobody),
    ):
        assert refused(action).code is Code.NOT_ALLOWED


def test_who_sees_a_request_and_the_name_on_it(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    strangers = (world.ccas_user, world.operator, world.supervisor, world.donor_user)

    def names() -> dict[str, str | None]:
        seen = {}
        for who in ("prescriber_user", "coordinator", "desk_user"):
            try:
                seen[who] = seen_by(getattr(world, who), ref).person_name
            except Refusal:
                seen[who] = "unseen"
        for stranger in strangers:
            assert refused(lambda stranger=stranger: seen_by(stranger, ref)).code is Code.NOT_FOUND  # type: ignore[misc]
        return seen

    assert names() == {"prescriber_user": NAME, "coordinator": None, "desk_user": "unseen"}
    allocate(world, ref, device)
    assert names() == {"prescriber_user": NAME, "coordinator": None, "desk_user": NAME}
    handover_ref = hand_over(world, ref, device)
    assert names() == {"prescriber_user": NAME, "coordinator": None, "desk_user": None}
    with db.read() as session:
        for actor in (world.prescriber_user, world.coordinator, world.desk_user):
            assert queries.find_handover(session, actor, handover_ref).request_ref == ref
        for actor in strangers:
            with pytest.raises(Refusal):
                queries.find_handover(session, actor, handover_ref)


def test_the_list_is_narrowed_to_what_the_actor_sees(world: World) -> None:
    world.programme_rsa()
    device = world.device(State.READY)
    mine, theirs = ask(world), ask(world, world.ccas_user)
    allocate(world, mine, device)

    def refs(actor: Actor, **wanted: Any) -> list[str]:
        with db.read() as session:
            return [
                item.ref for item in queries.listed(session, actor, queries.RequestFilter(**wanted)).items
            ]

    assert refs(world.coordinator) == [theirs, mine]
    assert refs(world.coordinator, state=RequestState.OPEN) == [theirs]
    assert refs(world.coordinator, programme="FSL") == []
    assert refs(world.prescriber_user) == [mine]
    assert refs(world.ccas_user) == [theirs]
    assert refs(world.desk_user) == [mine]
    assert refs(world.operator) == refs(world.donor_user) == []


def test_the_list_goes_on_by_cursor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    world.programme_rsa()
    made = [ask(world) for _ in range(5)]
    actor, cursor = world.coordinator, None
    seen: list[str] = []
    with db.read() as session:
        for _page in range(3):
            page = queries.listed(session, actor, queries.RequestFilter(cursor=cursor))
            seen += [item.ref for item in page.items]
            cursor = page.next_cursor
    assert seen == made[::-1]
    assert cursor is None


# ---- candidates ----


def test_candidates_are_ready_devices_of_the_category_the_lawful_ones_first(world: World) -> None:
    world.programme_rsa()
    unsellable = world.device(State.READY, donor=world.department, basis=LegalBasis.L3212_2_2)
    public = world.device(State.READY, donor=world.department)
    no_right = world.device(State.READY, donor=world.department, actor=world.other_operator)
    private = world.device(State.READY)
    kept = world.device(State.READY, no_resale=True)
    world.device(State.IN_WORK)
    world.device(State.READY, category=Category.TABLET)
    ref = ask(world)
    found = offered(world.coordinator, ref)
    assert [(each.device_code, each.quote.ok) for each in found] == [
        (public.code, True),
        (private.code, True),
        (unsellable.code, False),
        (no_right.code, False),
        (kept.code, False),
    ]
    articles = [[objection.article for objection in each.quote.refusals] for each in found]
    assert articles == [[], [], ["CG3P L3212-2 2°"], ["CG3P L3212-3"], [None]]


def test_old_stock_that_may_not_be_sold_does_not_hide_what_may(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "CANDIDATES", 1)
    world.programme_rsa()
    for _each in range(3):
        world.device(State.READY, donor=world.department, basis=LegalBasis.L3212_2_2)
    lawful = world.device(State.READY)
    ref = ask(world)
    found = offered(world.coordinator, ref)
    assert [(each.device_code == lawful.code, each.quote.ok) for each in found[:2]] == [
        (True, True),
        (False, False),
    ]


def test_the_number_of_queries_does_not_grow_with_the_devices_or_the_requests(world: World) -> None:
    world.programme_rsa()
    ref = ask(world)

    actor = world.coordinator

    def count() -> int:
        statements = []

        def note(*args: Any) -> None:
            statements.append(args[2])

        with db.read() as session:
            sa.event.listen(db.db.engine, "before_cursor_execute", note)
            asked = queries.find(session, actor, ref)
            offers.candidates(session, actor, asked, Category.LAPTOP)
            queries.listed(session, actor, queries.RequestFilter())
            sa.event.remove(db.db.engine, "before_cursor_execute", note)
        return len(statements)

    world.device(State.READY)
    before = count()
    for _each in range(3):
        world.device(State.READY, donor=world.department)
        ask(world)
    assert count() == before


def test_each_reason_has_its_words(app: Flask) -> None:
    from_code = {
        "eligibility": actions.eligibility.Reason,
        "price_reason": actions.pricing.Reason,
        "price_obstacle": actions.pricing.Obstacle,
        "proof_kind": ProofKind,
        "request_state": RequestState,
        "allocation_state": AllocationState,
        "payment": Payment,
        "signature": Signature,
        "signature_of": Signature,
    }
    vocabularies = app.extensions["bank.words"]
    for name, kind in from_code.items():
        assert set(vocabularies[name]) == {member.value for member in kind}, name
