"""The life of a batch: written by its donor, sent, decided on, moved, taken back, or never announced at all."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db, journal
from bank.actor import COMMAND_LINE, Actor
from bank.donations import actions, queries
from bank.donations.models import Batch, BatchImport, BatchState, GapReason, ImportState, RefusalReason
from bank.donations.queries import BatchSheet
from bank.donations.rules import (
    Acceptance,
    Announcement,
    Arrival,
    Count,
    Fault,
    NoThanks,
    Outcome,
    Pickup,
)
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature, PersonRole
from bank.inventory import register, replay
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import AnnouncedItem, Category, Device, Label, LegalBasis, Origin
from tests.factories import World, today

LAPTOP, SCREEN, TABLET = Category.LAPTOP, Category.SCREEN, Category.TABLET
ON_THE_DOCK = Announcement(
    lines=((LAPTOP, 12), (SCREEN, 4)),
    pickup_address="16 boulevard des Italiens, 75009 Paris",
    pickup_contact="Accueil du quai, 01 99 00 12 34",
)
K = journal.Kind


def change(act: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    with db.transaction() as session:
        return act(session, *arguments, **more)


def refusal(act: Callable[..., Any], *arguments: Any, **more: Any) -> Refusal:
    with pytest.raises(Refusal) as raised:
        change(act, *arguments, **more)
    return raised.value


def draft(world: World, new: Announcement = ON_THE_DOCK) -> str:
    return str(change(actions.announce, world.donor_user, new))


def sent(world: World, new: Announcement = ON_THE_DOCK) -> str:
    ref = draft(world, new)
    change(actions.submit, world.donor_user, ref)
    return ref


def accepted(world: World) -> str:
    ref = sent(world)
    change(actions.accept, world.coordinator, ref, sheet(world.coordinator, ref).version, yes(world))
    return ref


def yes(world: World) -> Acceptance:
    return Acceptance(workshop_id=world.workshop, legal_basis=LegalBasis.PRIVATE_GIFT)


def sheet(actor: Actor, ref: str) -> BatchSheet:
    with db.read() as session:
        return queries.batch(session, actor, ref)


def kinds(ref: str) -> list[str]:
    with db.read() as session:
        found = sa.select(Batch.id).where(Batch.ref == ref).scalar_subquery()
        entries = sa.select(journal.Entry.kind).where(
            journal.Entry.subject == "batch", journal.Entry.subject_id == found
        )
        return list(session.scalars(entries.order_by(journal.Entry.id)))


def list_items(ref: str, donor_id: int, *serials: str, category: Category = LAPTOP) -> None:
    """As a spreadsheet would: the rows, without their counts."""
    with db.transaction() as session:
        for row, serial in enumerate(serials, 2):
            session.add(
                AnnouncedItem(
                    donor_id=donor_id,
                    batch_ref=ref,
                    key=f"s:{serial}",
                    row=row,
                    category=category,
                    maker="HP",
                    model="EliteBook 840",
                    serial=serial,
                )
            )


# --- the donor ---


def test_a_donor_writes_sends_and_follows_a_batch(world: World) -> None:
    ref = draft(world, replace(ON_THE_DOCK, no_resale=True, purge_asked=True))
    found = sheet(world.donor_user, ref)
    assert (found.state, found.donor_id, found.workshop_id) == (BatchState.DRAFT, world.bnp, None)
    assert [(line.category, line.announced) for line in found.lines] == [(LAPTOP, 12), (SCREEN, 4)]
    assert (found.no_resale, found.purge_asked, found.unnamed) == (True, True, False)
    assert found.pickup_contact == "Accueil du quai, 01 99 00 12 34"

    change(actions.submit, world.donor_user, ref, found.version)
    found = sheet(world.donor_user, ref)
    assert found.state is BatchState.SUBMITTED
    assert found.submitted_at is not None
    assert kinds(ref) == [K.BATCH_OPENED, K.BATCH_SUBMITTED]


def test_whom_to_call_is_encrypted_and_forgotten_once_nobody_has_to(world: World) -> None:
    ref = accepted(world)
    with db.read() as session:
        stored = session.execute(sa.text("SELECT pickup_contact FROM batch")).scalar_one()
        facts = " ".join(session.scalars(sa.select(journal.Entry.facts)))
    assert "01 99" not in stored
    assert "01 99" not in facts
    assert "Italiens" not in facts
    assert sheet(world.supervisor, ref).pickup_contact == ON_THE_DOCK.pickup_contact
    change(actions.receive, world.supervisor, ref, {LAPTOP: 12, SCREEN: 4}, {})
    assert sheet(world.coordinator, ref).pickup_contact is None


def test_a_draft_may_be_empty_but_what_is_sent_may_not(world: World) -> None:
    ref = draft(world, Announcement())
    told = refusal(actions.submit, world.donor_user, ref)
    assert told.code is Code.INVALID
    assert set(told.facts["errors"]) == {"lines", "pickup_address", "pickup_contact"}  # type: ignore[arg-type]
    assert sheet(world.donor_user, ref).state is BatchState.DRAFT


def test_a_batch_is_not_sent_while_its_spreadsheet_is_being_read(world: World) -> None:
    ref = draft(world)
    with db.transaction() as session:
        batch_id = session.scalars(sa.select(Batch.id)).one()
        session.add(BatchImport(batch_id=batch_id, state=ImportState.RUNNING, digest="d", filename="f.csv"))
    assert refusal(actions.submit, world.donor_user, ref).facts["errors"] == {
        "lines": [Fault.SHEET_BEING_READ]
    }


def test_a_draft_is_written_anew_and_the_second_of_two_editors_is_told(world: World) -> None:
    ref = draft(world)
    version = sheet(world.donor_user, ref).version
    change(actions.edit, world.donor_user, ref, version, replace(ON_THE_DOCK, lines=((TABLET, 2),)))
    found = sheet(world.donor_user, ref)
    assert [(line.category, line.announced) for line in found.lines] == [(TABLET, 2)]
    assert found.version > version
    told = refusal(actions.edit, world.coordinator, ref, version, ON_THE_DOCK)
    assert told.code is Code.EDITED_MEANWHILE
    assert sheet(world.donor_user, ref).lines == found.lines


def test_the_version_rises_even_when_only_the_counts_change(world: World) -> None:
    ref = draft(world)
    version = sheet(world.donor_user, ref).version
    change(actions.edit, world.donor_user, ref, version, replace(ON_THE_DOCK, lines=((LAPTOP, 13),)))
    assert sheet(world.donor_user, ref).version == version + 1


def test_a_draft_never_announces_less_than_its_spreadsheet_lists(world: World) -> None:
    ref = draft(world)
    list_items(ref, world.bnp, "S1", "S2", "S3")
    fewer = replace(ON_THE_DOCK, lines=((LAPTOP, 2),))
    told = refusal(actions.edit, world.donor_user, ref, sheet(world.donor_user, ref).version, fewer)
    assert told.facts["errors"] == {"lines": [Fault.LESS_THAN_LISTED]}


def test_what_was_sent_is_taken_back_corrected_and_sent_again(world: World) -> None:
    ref = sent(world)
    version = sheet(world.donor_user, ref).version
    assert refusal(actions.edit, world.donor_user, ref, version, ON_THE_DOCK).code is Code.BATCH_MOVED_ON
    change(actions.reopen, world.donor_user, ref)
    assert refusal(actions.accept, world.coordinator, ref, version, yes(world)).code is Code.BATCH_MOVED_ON
    change(actions.submit, world.donor_user, ref)
    # What the coordinator had read before is not what stands there now.
    assert refusal(actions.accept, world.coordinator, ref, version, yes(world)).code is Code.EDITED_MEANWHILE


@pytest.mark.parametrize("upto", [draft, sent, accepted])
def test_a_batch_is_withdrawn_until_it_is_received(world: World, upto: Callable[[World], str]) -> None:
    ref = upto(world)
    list_items(ref, world.bnp, "S1")
    change(actions.withdraw, world.donor_user, ref)
    assert sheet(world.donor_user, ref).state is BatchState.WITHDRAWN
    assert kinds(ref)[-1] == K.BATCH_WITHDRAWN
    with db.read() as session:
        # So that the same devices can be announced in another batch.
        assert session.scalars(sa.select(AnnouncedItem)).all() == []
    for act in (actions.withdraw, actions.submit, actions.reopen):
        assert refusal(act, world.donor_user, ref).code is Code.BATCH_MOVED_ON
    if upto is accepted:
        assert refusal(actions.receive, world.supervisor, ref, {LAPTOP: 12}, {}).code is Code.BATCH_MOVED_ON


def test_what_was_received_is_not_withdrawn(world: World) -> None:
    ref = accepted(world)
    change(actions.receive, world.supervisor, ref, {LAPTOP: 12, SCREEN: 4}, {})
    assert refusal(actions.withdraw, world.donor_user, ref).code is Code.BATCH_CLOSED


def test_another_donor_neither_sees_nor_touches_it(world: World) -> None:
    ref = draft(world)
    other = world.person(world.department, PersonRole.DONOR)
    for act in (actions.submit, actions.withdraw, actions.reopen):
        assert refusal(act, other, ref).code is Code.NOT_FOUND
    assert refusal(actions.edit, other, ref, 1, ON_THE_DOCK).code is Code.NOT_FOUND
    told = refusal(actions.announce, other, ON_THE_DOCK, donor_id=world.bnp)
    assert told.code is Code.NOT_ALLOWED
    for actor in (world.supervisor, world.prescriber_user):
        assert refusal(actions.announce, actor, ON_THE_DOCK).code is Code.NOT_ALLOWED
        assert refusal(actions.submit, actor, ref).code is Code.NOT_ALLOWED


def test_the_coordinator_and_the_command_line_write_for_a_donor(world: World) -> None:
    for actor in (world.coordinator, COMMAND_LINE):
        ref = str(change(actions.announce, actor, ON_THE_DOCK, donor_id=world.bnp))
        assert sheet(world.donor_user, ref).state is BatchState.DRAFT
        change(actions.submit, actor, ref)
    told = refusal(actions.announce, world.coordinator, ON_THE_DOCK, donor_id=world.workshop)
    assert told.facts["errors"] == {"donor_id": [Fault.NOT_A_DONOR]}


# --- the coordinator ---


def test_an_acceptance_makes_the_origin_as_the_law_sees_it_that_day(world: World) -> None:
    ref = sent(world, replace(ON_THE_DOCK, no_resale=True, unnamed=True, purge_asked=True))
    answer = replace(yes(world), receiver_id=world.other_workshop, collection_on=today() + timedelta(days=3))
    change(actions.accept, world.coordinator, ref, sheet(world.coordinator, ref).version, answer)
    with db.read() as session:
        origin = session.scalars(sa.select(Origin)).one()
    assert (origin.donor_id, origin.donor_nature) == (world.bnp, LegalNature.COMPANY)
    assert (origin.legal_basis, origin.receiver_id) == (LegalBasis.PRIVATE_GIFT, world.other_workshop)
    assert (origin.agreed_on, origin.no_resale, origin.unnamed, origin.purge_asked) == (
        today(),
        True,
        True,
        True,
    )
    found = sheet(world.supervisor, ref)
    assert (found.state, found.workshop_id, found.collection_on) == (
        BatchState.ACCEPTED,
        world.workshop,
        answer.collection_on,
    )
    change(actions.receive, world.supervisor, ref, {LAPTOP: 12, SCREEN: 4}, {})
    with db.read() as session:
        assert set(session.scalars(sa.select(Device.owner_id))) == {world.other_workshop}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"workshop_id": "bnp"}, "workshop_id"),
        ({"receiver_id": "bnp"}, "receiver_id"),
        ({"legal_basis": LegalBasis.L3212_3}, "legal_basis"),
        ({"collection_on": today() - timedelta(days=1)}, "collection_on"),
    ],
)
def test_an_acceptance_that_does_not_hold_leaves_the_batch_undecided(
    world: World, changed: dict[str, object], field: str
) -> None:
    ref = sent(world)
    changed = {name: world.bnp if value == "bnp" else value for name, value in changed.items()}
    version = sheet(world.coordinator, ref).version
    told = refusal(actions.accept, world.coordinator, ref, version, replace(yes(world), **changed))  # type: ignore[arg-type]
    assert list(told.facts["errors"]) == [field]  # type: ignore[arg-type]
    assert sheet(world.coordinator, ref).state is BatchState.SUBMITTED
    with db.read() as session:
        assert session.scalars(sa.select(Origin)).all() == []


def test_a_no_is_told_with_its_reason_and_the_batch_can_be_corrected(world: World) -> None:
    ref = sent(world)
    version = sheet(world.coordinator, ref).version
    told = refusal(actions.refuse, world.coordinator, ref, version, NoThanks(reason=RefusalReason.OTHER))
    assert told.facts["errors"] == {"note": [Fault.NOTE_MISSING]}
    no = NoThanks(reason=RefusalReason.OTHER, note="Nous fermons en août.")
    change(actions.refuse, world.coordinator, ref, version, no)
    found = sheet(world.donor_user, ref)
    assert (found.state, found.refusal_reason, found.refusal_note) == (
        BatchState.REFUSED,
        RefusalReason.OTHER,
        "Nous fermons en août.",
    )
    change(actions.reopen, world.donor_user, ref)
    found = sheet(world.donor_user, ref)
    assert (found.state, found.refusal_reason, found.decided_at) == (BatchState.DRAFT, None, None)
    change(actions.submit, world.donor_user, ref)


def test_the_collection_and_the_workshop_change_until_the_reception(world: World) -> None:
    ref = accepted(world)
    other = world.person(world.other_workshop, PersonRole.SUPERVISOR)
    day = today() + timedelta(days=9)
    pickup = Pickup(workshop_id=world.other_workshop, collection_on=day)
    change(actions.reschedule, world.coordinator, ref, sheet(world.coordinator, ref).version, pickup)
    found = sheet(other, ref)
    assert (found.workshop_id, found.receiver_id, found.collection_on) == (
        world.other_workshop,
        world.other_workshop,
        day,
    )
    with pytest.raises(Refusal):
        sheet(world.supervisor, ref)
    change(actions.receive, other, ref, {LAPTOP: 12, SCREEN: 4}, {})
    told = refusal(actions.reschedule, world.coordinator, ref, sheet(world.coordinator, ref).version, pickup)
    assert told.code is Code.BATCH_CLOSED


def test_only_the_coordinator_decides(world: World) -> None:
    ref = sent(world)
    for actor in (world.donor_user, world.supervisor):
        assert refusal(actions.accept, actor, ref, 2, yes(world)).code is Code.NOT_ALLOWED
        no = NoThanks(reason=RefusalReason.TOO_OLD)
        assert refusal(actions.refuse, actor, ref, 2, no).code is Code.NOT_ALLOWED
        pickup = Pickup(workshop_id=world.workshop, collection_on=None)
        assert refusal(actions.reschedule, actor, ref, 2, pickup).code is Code.NOT_ALLOWED


# --- the workshop ---


def test_what_is_sent_back_at_the_dock_is_kept_apart_and_makes_no_device(world: World) -> None:
    ref = accepted(world)
    made = change(actions.receive, world.supervisor, ref, {LAPTOP: 10, SCREEN: 4}, {}, {LAPTOP: 2})
    assert len(made) == 14
    laptops = next(line for line in sheet(world.donor_user, ref).lines if line.category is LAPTOP)
    assert (laptops.announced, laptops.received, laptops.refused) == (12, 10, 2)
    assert laptops.gap_reason is GapReason.DAMAGED_REFUSED


def test_what_nobody_announced_is_a_batch_of_its_own(world: World) -> None:
    count = Count(received={LAPTOP: 3}, refused={SCREEN: 1})
    arrival = Arrival(donor_id=world.bnp, workshop_id=world.workshop, count=count)
    ref = str(change(actions.take_in, world.supervisor, arrival))
    found = sheet(world.donor_user, ref)
    assert (found.state, found.unannounced, found.legal_basis) == (
        BatchState.RECEIVED,
        True,
        LegalBasis.PRIVATE_GIFT,
    )
    assert [(line.category, line.announced, line.received, line.refused) for line in found.lines] == [
        (LAPTOP, 0, 3, 0),
        (SCREEN, 0, 0, 1),
    ]
    assert found.lines[0].gap_reason is GapReason.UNANNOUNCED
    with db.read() as session:
        facts = session.scalars(sa.select(journal.Entry.facts).where(journal.Entry.kind == K.BATCH_RECEIVED))
        [told] = [json.loads(text) for text in facts]
    assert (told["unannounced"], told["reasons"]) == (True, {"laptop": "unannounced"})
    assert replay.verify().faults == []


def test_an_opening_stock_has_no_donor_and_the_strictest_text(world: World) -> None:
    arrival = Arrival(donor_id=None, workshop_id=world.workshop, count=Count(received={LAPTOP: 2}))
    ref = str(change(actions.take_in, world.supervisor, arrival))
    found = sheet(world.supervisor, ref)
    assert (found.donor, found.legal_basis) == (None, LegalBasis.UNKNOWN)
    with pytest.raises(Refusal):
        sheet(world.donor_user, ref)


def test_the_coordinator_counts_for_a_workshop_which_then_holds_the_devices(world: World) -> None:
    arrival = Arrival(
        donor_id=world.department,
        workshop_id=world.workshop,
        count=Count(received={SCREEN: 1}),
        legal_basis=LegalBasis.L3212_3,
    )
    change(actions.take_in, world.coordinator, arrival)
    with db.read() as session:
        device = session.scalars(sa.select(Device)).one()
        label = session.scalars(sa.select(Label)).one()
    assert (device.custodian_id, device.owner_id, label.organisation_id) == (world.workshop,) * 3


def test_a_supervisor_counts_for_their_own_workshop_only(world: World) -> None:
    arrival = Arrival(donor_id=None, workshop_id=world.other_workshop, count=Count(received={LAPTOP: 2}))
    assert refusal(actions.take_in, world.supervisor, arrival).code is Code.INVALID
    for actor in (world.donor_user, world.operator):
        own = replace(arrival, workshop_id=world.workshop)
        assert refusal(actions.take_in, actor, own).code is Code.NOT_ALLOWED


# --- what became of it ---


def test_a_donor_learns_what_became_of_each_thing_and_never_who_has_it(world: World) -> None:
    ref = accepted(world)
    list_items(ref, world.bnp, "S1", "S2", "S3")
    with db.read() as session:
        before = queries.items(session, world.donor_user, ref)
    assert {item.outcome for item in before.items} == {Outcome.AWAITED}
    made = change(actions.receive, world.supervisor, ref, {LAPTOP: 12, SCREEN: 4}, {})
    with db.transaction() as session:
        first, second = (register.look(session, code) for code in made[:2])
        register.move(session, world.supervisor, first, Move.LOSE)
        register.move(session, world.supervisor, second, Move.RECYCLE)
        for serial, device in (("S1", first), ("S2", second)):
            session.execute(
                sa.update(AnnouncedItem)
                .where(AnnouncedItem.serial == serial)
                .values(device_id=device.device_id)
            )
    with db.read() as session:
        totals = queries.outcomes(session, world.donor_user, ref).totals
        rows = queries.answer(session, world.donor_user, ref)
        page = queries.items(session, world.donor_user, ref, limit=2)
        rest = queries.items(session, world.donor_user, ref, limit=2, cursor=page.next_cursor)
    assert totals == {Outcome.IN_WORK: 14, Outcome.RECYCLED: 1, Outcome.MISSING: 1}
    assert [(row.serial, row.outcome) for row in rows] == [
        ("S1", Outcome.MISSING),
        ("S2", Outcome.RECYCLED),
        ("S3", Outcome.NOT_FOUND),
    ]
    assert ([row.serial for row in (*page.items, *rest.items)], page.count) == (["S1", "S2", "S3"], 3)
    assert rest.next_cursor is None


def test_without_a_spreadsheet_the_answer_is_by_device(world: World) -> None:
    ref = accepted(world)
    change(actions.receive, world.supervisor, ref, {LAPTOP: 12, SCREEN: 4}, {})
    with db.read() as session:
        rows = queries.answer(session, world.donor_user, ref)
    assert len(rows) == 16
    assert {row.outcome for row in rows} == {Outcome.IN_WORK}


def test_every_state_is_counted_somewhere(world: World) -> None:
    for state in (State.READY, State.HANDED_OVER, State.RESERVED, State.ON_LOAN):
        world.device(state)
    with db.transaction() as session:
        origin = session.scalars(sa.select(Origin.id)).first()
        session.add(
            Batch(
                ref="L-TEST0",
                donor_id=world.bnp,
                workshop_id=world.workshop,
                origin_id=origin,
                state=BatchState.RECEIVED,
            )
        )
    with db.read() as session:
        totals = queries.outcomes(session, world.donor_user, "L-TEST0").totals
    assert totals == {Outcome.AVAILABLE: 2, Outcome.REUSED: 2}


# --- races ---


def raced(app: Flask, *acts: Callable[[], Any]) -> list[str]:
    """Do all of it at the same moment; how each ended."""
    start, outcomes = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        with app.app_context():
            start.wait()
            try:
                act()
                outcomes.append("done")
            except Refusal as told:
                outcomes.append(told.code.value)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_two_decisions_at_once_have_one_winner(app: Flask, world: World) -> None:
    ref = sent(world)
    actor, answer = world.coordinator, yes(world)
    version = sheet(actor, ref).version
    no = NoThanks(reason=RefusalReason.NO_CAPACITY)
    ended = raced(
        app,
        lambda: change(actions.accept, actor, ref, version, answer),
        lambda: change(actions.refuse, actor, ref, version, no),
        lambda: change(actions.accept, actor, ref, version, answer),
    )
    assert ended == ["batch-moved-on"] * 2 + ["done"]
    with db.read() as session:
        origins = session.scalar(sa.select(sa.func.count()).select_from(Origin))
    assert origins == (1 if sheet(actor, ref).state is BatchState.ACCEPTED else 0)


def test_a_reception_and_a_withdrawal_at_once_have_one_winner(app: Flask, world: World) -> None:
    ref = accepted(world)
    donor, supervisor = world.donor_user, world.supervisor
    ended = raced(
        app,
        lambda: change(actions.withdraw, donor, ref),
        lambda: change(actions.receive, supervisor, ref, {LAPTOP: 12, SCREEN: 4}, {}),
    )
    assert ended in (["batch-closed", "done"], ["batch-moved-on", "done"])
    received = sheet(donor, ref).state is BatchState.RECEIVED
    with db.read() as session:
        assert (session.scalar(sa.select(sa.func.count()).select_from(Device)) or 0) == (
            16 if received else 0
        )


def test_two_editors_at_once_have_one_winner(app: Flask, world: World) -> None:
    ref = draft(world)
    donor, version = world.donor_user, sheet(world.donor_user, ref).version
    more = replace(ON_THE_DOCK, lines=((TABLET, 2),))
    ended = raced(
        app,
        lambda: change(actions.edit, donor, ref, version, ON_THE_DOCK),
        lambda: change(actions.edit, donor, ref, version, more),
    )
    assert ended == ["done", "edited-meanwhile"]
