"""A batch is entered, then received once, with its counts side by side."""

import json
import threading
import time
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from bank import db, journal
from bank.actor import Actor
from bank.db import utcnow
from bank.donations import actions, queries
from bank.donations.models import Batch, BatchLine, BatchState, GapReason
from bank.donations.queries import BatchSheet, Filters
from bank.donations.rules import Fault, NewBatch
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature, Organisation, OrganisationRole, PersonRole
from bank.inventory import codes, replay
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Device, Label, LabelState, LegalBasis, Origin
from tests.factories import World

LAPTOP, SCREEN, TABLET = Category.LAPTOP, Category.SCREEN, Category.TABLET
Counts = dict[Category, int]
Reasons = dict[Category, GapReason]


def two_laptops(world: World) -> NewBatch:
    return NewBatch(
        donor_id=world.bnp,
        workshop_id=world.workshop,
        legal_basis=LegalBasis.PRIVATE_GIFT,
        agreed_on=date(2026, 1, 5),
        lines=((LAPTOP, 2),),
    )


def enter(actor: Actor, new: NewBatch) -> str:
    with db.transaction() as session:
        return actions.enter(session, actor, new)


def receive(actor: Actor, ref: str, counts: Counts, reasons: Reasons | None = None) -> list[str]:
    with db.transaction() as session:
        return actions.receive(session, actor, ref, counts, reasons or {})


def refused(actor: Actor, ref: str, counts: Counts, reasons: Reasons | None = None) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        receive(actor, ref, counts, reasons)
    return refusal.value


def sheet(actor: Actor, ref: str) -> BatchSheet:
    with db.read() as session:
        return queries.batch(session, actor, ref)


def entries(kind: journal.Kind) -> list[dict[str, object]]:
    with db.read() as session:
        facts = session.scalars(sa.select(journal.Entry.facts).where(journal.Entry.kind == kind.value))
        return [json.loads(text) for text in facts]


def devices_count() -> int:
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Device)) or 0


# --- entering ---


def test_a_batch_is_entered_with_its_origin_as_the_law_sees_it_that_day(world: World) -> None:
    new = replace(
        two_laptops(world),
        donor_id=world.department,
        legal_basis=LegalBasis.L3212_3,
        lines=((LAPTOP, 2), (SCREEN, 30)),
        no_resale=True,
        unnamed=True,
        purge_asked=True,
    )
    ref = enter(world.coordinator, new)

    with db.read() as session:
        batch = session.scalars(sa.select(Batch)).one()
        origin = session.scalars(sa.select(Origin)).one()
        lines = session.execute(sa.select(BatchLine.category, BatchLine.announced, BatchLine.received)).all()
    assert (batch.ref, batch.state, batch.origin_id) == (ref, BatchState.ACCEPTED, origin.id)
    assert (origin.donor_id, origin.donor_nature) == (world.department, LegalNature.PUBLIC_BODY)
    assert (origin.receiver_id, origin.legal_basis) == (world.workshop, LegalBasis.L3212_3)
    assert (origin.no_resale, origin.unnamed, origin.purge_asked) == (True, True, True)
    assert sorted(tuple(line) for line in lines) == [(LAPTOP, 2, None), (SCREEN, 30, None)]
    assert entries(journal.Kind.BATCH_ENTERED) == [
        {
            "donor": world.department,
            "workshop": world.workshop,
            "origin": origin.id,
            "announced": {"laptop": 2, "screen": 30},
        }
    ]


def test_the_origin_keeps_the_donors_nature_when_the_donor_changes(world: World) -> None:
    ref = enter(world.coordinator, two_laptops(world))
    with db.transaction() as session:
        session.get_one(Organisation, world.bnp).legal_nature = LegalNature.PUBLIC_BODY
    assert sheet(world.coordinator, ref).donor_nature is LegalNature.COMPANY


def test_a_reference_names_nobody_and_reads_aloud(world: World) -> None:
    refs = {enter(world.coordinator, two_laptops(world)) for _ in range(5)}
    assert len(refs) == 5
    for ref in refs:
        assert ref.startswith("L-")
        assert codes.is_code(ref.removeprefix("L-"), actions.REF_SIGNS)


def test_a_reference_already_taken_is_not_given_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = enter(world.coordinator, two_laptops(world)).removeprefix("L-")
    free = next(code for code in iter(lambda: codes.mint(actions.REF_SIGNS), "") if code != taken)
    drawn = iter([taken, *[free] * 7])
    monkeypatch.setattr(codes, "mint", lambda _length: next(drawn))
    assert enter(world.coordinator, two_laptops(world)) == f"L-{free}"


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("donor_id", "workshop", Fault.NOT_A_DONOR),
        ("donor_id", 999_999, Fault.NOT_A_DONOR),
        ("workshop_id", "bnp", Fault.NOT_A_WORKSHOP),
        ("legal_basis", LegalBasis.L3212_2_3, Fault.BASIS_NOT_FOR_DONOR),
        ("lines", (), Fault.NO_LINE),
        ("agreed_on", utcnow().date() + timedelta(days=2), Fault.IN_THE_FUTURE),
    ],
)
def test_what_does_not_hold_is_refused_and_leaves_nothing(
    world: World, field: str, value: object, fault: Fault
) -> None:
    if value in ("workshop", "bnp"):
        value = getattr(world, str(value))
    new = replace(two_laptops(world), **{field: value})
    with pytest.raises(Refusal) as refusal:
        enter(world.coordinator, new)
    assert refusal.value.code is Code.INVALID
    assert refusal.value.facts == {"errors": {field: [fault]}}
    with db.read() as session:
        assert session.scalars(sa.select(Origin)).all() == []


def test_only_the_coordination_enters_batches(world: World) -> None:
    new = two_laptops(world)
    for actor in (world.supervisor, world.donor_user):
        with pytest.raises(Refusal) as refusal:
            enter(actor, new)
        assert refusal.value.code is Code.NOT_ALLOWED


# --- receiving ---


def test_reception_makes_devices_labels_and_entries_of_the_workshop(world: World) -> None:
    ref = enter(world.coordinator, replace(two_laptops(world), lines=((SCREEN, 1), (LAPTOP, 2))))
    made = receive(world.supervisor, ref, {LAPTOP: 2, SCREEN: 1})

    assert len(set(made)) == 3
    with db.read() as session:
        rows = session.execute(
            sa.select(Device, Label.code, Label.state)
            .join(Label, Label.device_id == Device.id)
            .order_by(Device.id)
        ).all()
    assert [code for _, code, _ in rows] == made
    assert {state for _, _, state in rows} == {LabelState.CLAIMED}
    assert [device.category for device, *_ in rows] == [LAPTOP, LAPTOP, SCREEN]
    assert [device.open_drives for device, *_ in rows] == [1, 1, 0]
    for device, *_ in rows:
        assert (device.state, device.batch_ref) == (State.RECEIVED, ref)
        assert (device.custodian_id, device.owner_id) == (world.workshop, world.workshop)
        assert device.place_id is None
    assert entries(journal.Kind.BATCH_RECEIVED) == [
        {
            "received": {"laptop": 2, "screen": 1},
            "refused": {},
            "gap": {},
            "reasons": {},
            "unannounced": False,
        }
    ]
    assert replay.verify().faults == []


def test_title_goes_to_the_receiver_of_record(world: World) -> None:
    ref, receiver = enter(world.coordinator, two_laptops(world)), world.other_workshop
    with db.transaction() as session:
        session.execute(sa.update(Origin).values(receiver_id=receiver))
    receive(world.supervisor, ref, {LAPTOP: 2})
    with db.read() as session:
        owners = session.execute(sa.select(Device.custodian_id, Device.owner_id)).all()
    assert set(map(tuple, owners)) == {(world.workshop, receiver)}


def test_announced_and_received_stay_side_by_side_with_the_reason(world: World) -> None:
    ref = enter(world.coordinator, replace(two_laptops(world), lines=((LAPTOP, 2), (SCREEN, 4))))
    receive(
        world.supervisor,
        ref,
        {LAPTOP: 1, SCREEN: 4, TABLET: 3},
        {
            LAPTOP: GapReason.NOT_ON_THE_LORRY,
            TABLET: GapReason.OTHER_CATEGORY,
            SCREEN: GapReason.DAMAGED_REFUSED,
        },
    )

    found = sheet(world.coordinator, ref)
    assert [(line.category, line.announced, line.received, line.gap_reason) for line in found.lines] == [
        (LAPTOP, 2, 1, GapReason.NOT_ON_THE_LORRY),
        (SCREEN, 4, 4, None),
        (TABLET, 0, 3, GapReason.OTHER_CATEGORY),
    ]
    assert (found.state, found.announced, found.received) == (BatchState.RECEIVED, 6, 8)
    [told] = entries(journal.Kind.BATCH_RECEIVED)
    assert told["gap"] == {"laptop": -1, "tablet": 3}


def test_nothing_may_have_come_if_it_is_explained(world: World) -> None:
    ref = enter(world.coordinator, two_laptops(world))
    assert receive(world.supervisor, ref, {}, {LAPTOP: GapReason.NOT_ON_THE_LORRY}) == []
    assert sheet(world.supervisor, ref).lines[0].received == 0


def test_a_gap_without_reason_is_refused_and_leaves_the_batch_awaited(world: World) -> None:
    ref = enter(world.coordinator, two_laptops(world))
    refusal = refused(world.supervisor, ref, {LAPTOP: 1, SCREEN: 1})
    assert refusal.code is Code.GAP_UNEXPLAINED
    assert refusal.facts == {"categories": ["laptop", "screen"]}
    assert sheet(world.supervisor, ref).state is BatchState.ACCEPTED
    assert devices_count() == 0


def test_a_second_reception_is_refused_and_adds_nothing(world: World) -> None:
    ref = enter(world.coordinator, two_laptops(world))
    receive(world.supervisor, ref, {LAPTOP: 2})
    assert refused(world.supervisor, ref, {LAPTOP: 2}).code is Code.BATCH_CLOSED
    assert devices_count() == 2


def test_only_the_batchs_workshop_receives_it(world: World) -> None:
    ref = enter(world.coordinator, two_laptops(world))
    stranger = world.person(world.other_workshop, PersonRole.SUPERVISOR)
    assert refused(stranger, ref, {LAPTOP: 2}).code is Code.NOT_FOUND
    for actor in (world.coordinator, world.donor_user, world.operator):
        assert refused(actor, ref, {LAPTOP: 2}).code is Code.NOT_ALLOWED


def test_two_receptions_at_once_have_one_winner(app: Flask, world: World) -> None:
    ref = enter(world.coordinator, replace(two_laptops(world), lines=((SCREEN, 5),)))
    supervisor, start = world.supervisor, threading.Barrier(4)
    outcomes: list[str] = []

    def run() -> None:
        with app.app_context():
            start.wait()
            try:
                receive(supervisor, ref, {SCREEN: 5})
                outcomes.append("received")
            except Refusal as refusal:
                outcomes.append(refusal.code.value)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["batch-closed"] * 3 + ["received"]
    assert devices_count() == 5


def test_a_lorry_of_500_costs_a_few_statements_for_each_device(world: World) -> None:
    """The seconds are a busy machine's affair; the statements are ours: row, label, drive, move, entry."""
    ref = enter(world.coordinator, replace(two_laptops(world), lines=((LAPTOP, 500),)))
    supervisor, sent = world.supervisor, []
    event.listen(db.db.engine, "before_cursor_execute", lambda *call: sent.append(call[2]))
    began = time.perf_counter()
    made = receive(supervisor, ref, {LAPTOP: 500})
    took = time.perf_counter() - began
    assert len(set(made)) == 500
    assert len(sent) <= 5 * 500 + 20
    assert took < 40, f"{took:.1f} s"


# --- who sees what ---


def test_a_batch_is_seen_by_its_donor_its_workshop_and_the_coordination_only(world: World) -> None:
    ref = world.batch()
    for actor in (world.donor_user, world.supervisor, world.coordinator):
        assert sheet(actor, ref).ref == ref
        assert sheet(actor, f" {ref.lower()} ").ref == ref
    strangers = (
        world.person(world.other_workshop, PersonRole.SUPERVISOR),
        world.person(world.department, PersonRole.DONOR),
        world.prescriber_user,
    )
    for actor in strangers:
        with db.read() as session:
            assert queries.batches(session, actor, Filters()).batches == ()
            assert queries.donors(session, actor) == []
            with pytest.raises(Refusal) as refusal:
                queries.batch(session, actor, ref)
        assert refusal.value.code is Code.NOT_FOUND


def test_who_only_gives_does_not_see_what_others_gave_to_the_same_organisation(world: World) -> None:
    both = world.organisation("La Poste", roles={OrganisationRole.DONOR, OrganisationRole.WORKSHOP})
    given = world.batch(donor=both)
    taken = world.batch(workshop=both)
    giver, receiver = world.person(both, PersonRole.DONOR), world.person(both, PersonRole.SUPERVISOR)
    with db.read() as session:
        seen = {
            actor.person_id: [row.ref for row in queries.batches(session, actor, Filters()).batches]
            for actor in (giver, receiver)
        }
    assert seen == {giver.person_id: [given], receiver.person_id: [taken, given]}


@pytest.mark.parametrize("ref", ["", " ", "L-\x00", "L-' OR 1=1", "é", "L-" + "0" * 5_000])
def test_what_cannot_be_a_reference_is_not_found(world: World, ref: str) -> None:
    with db.read() as session, pytest.raises(Refusal) as refusal:
        queries.batch(session, world.coordinator, ref)
    assert refusal.value.code is Code.NOT_FOUND


def test_batches_are_listed_latest_first_by_page_with_their_sums(world: World) -> None:
    refs = [world.batch({LAPTOP: 2, SCREEN: number}) for number in range(1, 4)]
    receive(world.supervisor, refs[0], {LAPTOP: 2, SCREEN: 1})
    actor = world.coordinator
    with db.read() as session:
        first = queries.batches(session, actor, Filters(), limit=2)
        second = queries.batches(session, actor, Filters(), cursor=first.next_cursor, limit=2)
        awaited = queries.batches(session, actor, Filters(state=BatchState.ACCEPTED)).batches
        of_department = queries.batches(session, actor, Filters(donor_id=world.department)).batches
    assert [row.ref for row in (*first.batches, *second.batches)] == refs[::-1]
    assert second.next_cursor is None
    assert [(row.announced, row.received) for row in first.batches] == [(5, None), (4, None)]
    assert (second.batches[0].announced, second.batches[0].received) == (3, 3)
    assert [row.ref for row in awaited] == [refs[2], refs[1]]
    assert of_department == ()


def test_partners_are_offered_by_role_to_who_enters_batches(world: World) -> None:
    names = {world.bnp, world.department, world.workshop, world.ccas}
    assert len(names) == 4
    with db.read() as session:
        donors = queries.partners(session, world.coordinator, OrganisationRole.DONOR)
        with pytest.raises(Refusal) as refusal:
            queries.partners(session, world.donor_user, OrganisationRole.DONOR)
    assert [partner.name for partner in donors] == ["BNP Paribas", "Conseil départemental"]
    assert refusal.value.code is Code.NOT_ALLOWED
