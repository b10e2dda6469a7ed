"""The counter's actions: appointments, who signs and how, loans, devices that come back; and two at once."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pypdfium2
import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db
from bank.actor import Actor
from bank.allocation import actions, counter, desk_queries, handovers, papers
from bank.allocation.actions import NewRequest
from bank.allocation.counter import ComeBack, NewHandover, Ticked
from bank.allocation.handovers import NewAppointment
from bank.allocation.models import (
    Allocation,
    AllocationState,
    Collector,
    Handover,
    HandoverSignature,
    IdPaper,
    Payment,
    Programme,
    ProofKind,
    Request,
    Signature,
    Tariff,
)
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity.models import Capacity, CapacityKind, LegalNature, Organisation, PersonRole
from bank.inventory import codes, register, replay
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Condition, Drive, DriveFate, DriveKind, Grade
from bank.inventory.register import Standing
from bank.journal import Entry
from bank.office import documents
from tests.factories import World, today

NAME = "Amina Zérouali"
DRAWING = "M100 100L200 150L300 90M320 80L400 200"
SOON = timedelta(days=2)


@dataclass
class Waiting:
    """A request whose devices are reserved at AGOIE's counter."""

    ref: str
    devices: tuple[Standing, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(device.code for device in self.devices)


@pytest.fixture(autouse=True)
def people(request: pytest.FixtureRequest) -> None:
    """Everybody is there before a unit of work opens: an organisation is made in one of its own."""
    if "world" in request.fixturenames:
        world: World = request.getfixturevalue("world")
        for name in ("coordinator", "supervisor", "operator", "prescriber_user", "ccas_user", "desk_user"):
            getattr(world, name)
        world.other_workshop  # noqa: B018


@pytest.fixture
def waiting(world: World) -> Waiting:
    world.programme_rsa()
    return reserved(world)


def reserved(world: World, **changes: Any) -> Waiting:
    asked: dict[str, Any] = {
        "programme": "RSA",
        "lines": ((Category.LAPTOP, 1),),
        "person_name": NAME,
        "proof": ProofKind.RSA_CERTIFICATE,
        "proof_day": today(),
        "proof_seen": True,
    }
    actor = changes.pop("actor", world.prescriber_user)
    new = NewRequest(**(asked | changes))
    devices = [world.device(State.READY, category=kind) for kind, count in new.lines for _ in range(count)]
    with db.transaction() as session:
        ref = actions.make_request(session, actor, new)
    for device in devices:
        with db.transaction() as session:
            actions.allocate(session, world.coordinator, ref, device.code)
    return Waiting(ref, tuple(devices))


def programme(code: str, nature: LegalNature, *, loan_days: int | None = None, cents: int = 0) -> None:
    with db.transaction() as session:
        row = Programme(
            code=code,
            name=code,
            recipient_nature=nature,
            hardship=True,
            proofs=frozenset(),
            loan_days=loan_days,
            valid_from=date(2026, 1, 1),
            source="test",
        )
        session.add(row)
        session.flush()
        for category in Category:
            session.add(
                Tariff(
                    programme_id=row.id,
                    category=category,
                    price_cents=cents,
                    valid_from=date(2026, 1, 1),
                    source="test",
                )
            )


def appoint(world: World, waiting: Waiting, actor: Actor | None = None, **changes: Any) -> str:
    given: dict[str, Any] = {
        "request_ref": waiting.ref,
        "desk_id": world.workshop,
        "at": utcnow() + SOON,
    }
    with db.transaction() as session:
        return handovers.appoint(session, actor or world.coordinator, NewAppointment(**(given | changes)))


def hand_over(world: World, waiting: Waiting, actor: Actor | None = None, **changes: Any) -> str:
    given: dict[str, Any] = {
        "request_ref": waiting.ref,
        "device_codes": waiting.codes,
        "payment": Payment.CASH,
        "paid_cents": 2_000,
        "signature": Signature.ON_PAPER,
    }
    with db.transaction() as session:
        return handovers.hand_over(session, actor or world.desk_user, NewHandover(**(given | changes)))


def take_back(
    world: World, device: Standing, actor: Actor | None = None, reason: ComeBack = ComeBack.FAULTY
) -> str:
    with db.transaction() as session:
        return handovers.take_back(session, actor or world.desk_user, device.code, reason)


def refused(action: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        action()
    return caught.value


def errors(refusal: Refusal) -> object:
    assert refusal.code is Code.INVALID
    return refusal.facts["errors"]


def look(device: Standing) -> Standing:
    with db.read() as session:
        return register.look_by_id(session, device.device_id)


def row_of(waiting: Waiting) -> Request:
    with db.read() as session:
        return session.scalars(sa.select(Request).where(Request.ref == waiting.ref)).one()


def facts_of(kind: str) -> list[dict[str, Any]]:
    with db.read() as session:
        rows = session.scalars(sa.select(Entry.facts).where(Entry.kind == kind).order_by(Entry.id))
        return [json.loads(row) for row in rows]


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()
    return " ".join(" ".join(pages).replace("\u00a0", " ").split())


def receipt(actor: Actor, ref: str) -> str:
    with db.read() as session:
        facts = papers.receipt(session, actor, ref)
    return text_of(documents.receipt(facts))


def slip(actor: Actor, ref: str) -> str:
    with db.read() as session:
        facts = papers.slip(session, actor, ref)
    return text_of(documents.slip(facts))


# ---- appointments ----


def test_an_appointment_gives_a_slip_whose_code_any_scanner_reads(world: World, waiting: Waiting) -> None:
    code = appoint(world, waiting)
    assert codes.read(code.lower()) == code
    row = row_of(waiting)
    assert row.desk_id == world.workshop
    assert row.slip_pin is not None
    assert len(row.slip_pin) == counter.PIN_SIGNS
    assert facts_of("request.appointed") == [{"desk": world.workshop, "day": (today() + SOON).isoformat()}]


def test_a_moved_appointment_keeps_its_slip(world: World, waiting: Waiting) -> None:
    code, pin = appoint(world, waiting), row_of(waiting).slip_pin
    assert appoint(world, waiting, world.desk_user, at=utcnow() + 2 * SOON) == code
    assert row_of(waiting).slip_pin == pin


def test_the_second_of_two_who_set_it_is_told(world: World, waiting: Waiting) -> None:
    version = row_of(waiting).version
    appoint(world, waiting, version=version)
    assert refused(lambda: appoint(world, waiting, version=version)).code is Code.EDITED_MEANWHILE


@pytest.mark.parametrize(
    ("at", "why"),
    [(datetime(2020, 1, 1, 10, tzinfo=UTC), "past-day"), (datetime(9999, 12, 31, 10, tzinfo=UTC), "far-day")],
)
def test_an_appointment_is_within_a_year(world: World, waiting: Waiting, at: datetime, why: str) -> None:
    assert errors(refused(lambda: appoint(world, waiting, at=at))) == {"day": [why]}


def test_an_appointment_is_where_the_devices_are(world: World, waiting: Waiting) -> None:
    elsewhere = refused(lambda: appoint(world, waiting, desk_id=world.other_workshop))
    assert errors(elsewhere) == {"desk": ["not-at-desk"]}


def test_an_open_request_has_no_appointment(world: World) -> None:
    world.programme_rsa()
    with db.transaction() as session:
        new = NewRequest(
            programme="RSA",
            lines=((Category.LAPTOP, 1),),
            person_name=NAME,
            proof=ProofKind.RSA_CERTIFICATE,
            proof_day=today(),
            proof_seen=True,
        )
        ref = actions.make_request(session, world.prescriber_user, new)
    assert refused(lambda: appoint(world, Waiting(ref, ()))).code is Code.REQUEST_CLOSED


def test_who_sets_appointments(world: World, waiting: Waiting) -> None:
    assert refused(lambda: appoint(world, waiting, world.prescriber_user)).code is Code.NOT_ALLOWED
    foreign = world.person(world.other_workshop, PersonRole.DESK)
    assert refused(lambda: appoint(world, waiting, foreign)).code is Code.NOT_FOUND


def test_the_slip_says_where_when_how_much_and_the_code_to_its_bearer_only(
    world: World, waiting: Waiting
) -> None:
    appoint(world, waiting)
    pin = row_of(waiting).slip_pin or ""
    said = f"{pin[:3]} {pin[3:]}"
    for actor in (world.prescriber_user, world.coordinator):
        text = slip(actor, waiting.ref)
        assert "AGOIE" in text
        assert "20,00 €" in text
        assert said in text
        assert NAME not in text
    assert said not in slip(world.desk_user, waiting.ref), "the counter would sign in the person's place"
    foreign = world.person(world.other_workshop, PersonRole.DESK)
    assert refused(lambda: slip(foreign, waiting.ref)).code is Code.NOT_FOUND


# ---- finding ----


def test_any_code_leads_to_the_request(world: World, waiting: Waiting) -> None:
    code = appoint(world, waiting)
    with db.read() as session:
        for typed in (code, code.lower(), waiting.codes[0], waiting.ref.lower()):
            found = desk_queries.find(session, world.desk_user, typed)
            assert (found.request_ref, found.handover_ref) == (waiting.ref, None)
    ref = hand_over(world, waiting)
    with db.read() as session:
        for typed in (code, waiting.codes[0], waiting.ref, ref):
            assert desk_queries.find(session, world.desk_user, typed).handover_ref == ref


def test_another_counter_finds_nothing(world: World, waiting: Waiting) -> None:
    foreign = world.person(world.other_workshop, PersonRole.DESK)
    code = appoint(world, waiting)
    with db.read() as session:
        for typed in (code, waiting.codes[0], waiting.ref, "", "n'importe quoi", "0" * 150):
            refusal = refused(lambda typed=typed: desk_queries.find(session, foreign, typed))  # type: ignore[misc]
            assert refusal.code is Code.NOT_FOUND


def test_the_list_of_the_day_names_nobody(world: World, waiting: Waiting) -> None:
    other = reserved(world)
    appoint(world, waiting, at=utcnow())
    with db.read() as session:
        listed = desk_queries.awaiting(session, world.desk_user)
        elsewhere = desk_queries.awaiting(session, world.person(world.other_workshop, PersonRole.DESK))
    assert [row.ref for row in listed.today] == [waiting.ref]
    assert [row.ref for row in listed.unset] == [other.ref]
    assert (listed.today[0].devices, listed.today[0].total_cents) == (1, 2_000)
    assert NAME not in repr(listed)
    assert (elsewhere.today, elsewhere.unset, elsewhere.other_days) == ((), (), ())


# ---- scanning ----


def test_a_scan_ticks_its_device_and_says_why_another_is_not_it() -> None:
    first, second, stranger = (codes.mint() for _ in range(3))
    promised = (first, second)
    once = counter.tick(promised, (), first.lower())
    assert (once.ticked, once.came_to) == ((first,), Ticked.TICKED)
    assert counter.tick(promised, once.ticked, first).came_to is Ticked.ALREADY
    assert counter.tick(promised, once.ticked, stranger) == counter.Tick((first,), Ticked.NOT_OURS, stranger)
    assert counter.tick(promised, once.ticked, "?").came_to is Ticked.UNREADABLE
    assert counter.tick(promised, once.ticked, first + second).came_to is Ticked.GLUED
    assert counter.tick(promised, (stranger, "x"), " ") == counter.Tick(())


# ---- signing ----


@pytest.mark.parametrize(
    ("drawing", "good"),
    [
        (DRAWING, True),
        ("", False),
        ("M10 10L12 12", False),
        ("M10 10", False),
        ("M10 10L500 20<script>", False),
        ("M10 10L5000 20", False),
        ("M10 10L500 2000", False),
        ("M10 10 L 500 20", False),
        ("M10 10L500 20\n", False),
        ("M10 10L500 20" * 2_000, False),
        ("L10 10L500 20", False),
    ],
)
def test_a_drawing_is_our_own_path_and_more_than_a_dot(drawing: str, good: bool) -> None:
    assert counter.is_drawing(drawing) is good


def test_what_is_personal_of_a_signature_is_encrypted_in_a_row_of_its_own(
    app: Flask, world: World, waiting: Waiting
) -> None:
    hand_over(
        world,
        waiting,
        signature=Signature.ON_SCREEN,
        drawing=DRAWING,
        collector=Collector.MANDATED,
        signer_name="Moussa Diallo",
        id_paper=IdPaper.RESIDENCE_PERMIT,
    )
    with db.read() as session:
        made = session.scalars(sa.select(Handover)).one()
        kept = session.get_one(HandoverSignature, made.id)
        stored = repr(session.execute(sa.text("SELECT * FROM handover_signature")).all())
    assert (made.collector, made.id_paper) == (Collector.MANDATED, IdPaper.RESIDENCE_PERMIT)
    assert (kept.drawing, kept.signer_name) == (DRAWING, "Moussa Diallo")
    assert "Diallo" not in stored
    assert DRAWING not in stored
    assert "Diallo" not in repr(facts_of("request.handed_over"))


def test_a_signature_on_paper_keeps_nothing_personal(world: World, waiting: Waiting) -> None:
    hand_over(world, waiting, drawing=DRAWING)
    with db.read() as session:
        assert session.scalars(sa.select(HandoverSignature)).all() == []


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"signature": Signature.ON_SCREEN}, {"drawing": ["drawing-missing"]}),
        ({"collector": Collector.MANDATED}, {"signer_name": ["signer-missing"]}),
        ({"collector": Collector.REPRESENTATIVE}, {"collector": ["other-collector"]}),
        ({"signature": Signature.CODE, "pin": "123456"}, {"pin": ["no-slip"]}),
        (
            {"collector": Collector.MANDATED, "signer_name": "Awa 2 84 05 78 006 084 91"},
            {"signer_name": ["nir"]},
        ),
    ],
)
def test_who_signs_and_how_is_said(
    world: World, waiting: Waiting, said: dict[str, Any], wrong: dict[str, list[str]]
) -> None:
    found = errors(refused(lambda: hand_over(world, waiting, **said)))
    assert isinstance(found, dict)
    assert wrong.items() <= found.items()
    assert look(waiting.devices[0]).state is State.RESERVED


def test_a_witness_is_named(world: World, waiting: Waiting) -> None:
    ref = hand_over(world, waiting, signature=Signature.WITNESS, witness_name="Paul Témoin")
    assert "Le témoin a vu la remise et signe ici : Paul Témoin" in receipt(world.desk_user, ref)


def test_a_witness_may_write_their_name_on_the_sheet(world: World, waiting: Waiting) -> None:
    ref = hand_over(world, waiting, signature=Signature.WITNESS)
    assert "Son témoin signe ici" in receipt(world.desk_user, ref)


def test_the_code_of_the_slip_is_as_good_as_a_signature(world: World, waiting: Waiting) -> None:
    appoint(world, waiting)
    pin = row_of(waiting).slip_pin or ""
    assert hand_over(world, waiting, signature=Signature.CODE, pin=f"{pin[:3]} {pin[3:]}")


def test_a_wrong_code_can_be_tried_five_times(world: World, waiting: Waiting) -> None:
    appoint(world, waiting)
    pin = row_of(waiting).slip_pin or ""
    wrong = f"{(int(pin) + 1) % 1_000_000:06}"
    for _ in range(counter.TRIES_MAX + 2):
        with db.transaction() as session:
            handovers.count_try(session, world.desk_user, waiting.ref, wrong)
    assert row_of(waiting).slip_tries == counter.TRIES_MAX
    late = refused(lambda: hand_over(world, waiting, signature=Signature.CODE, pin=pin))
    assert errors(late) == {"pin": ["too-many-tries"]}
    assert hand_over(world, waiting, signature=Signature.WITNESS, witness_name="Paul"), "other ways remain"


def test_the_right_code_is_no_try(world: World, waiting: Waiting) -> None:
    appoint(world, waiting)
    pin = row_of(waiting).slip_pin or ""
    with db.transaction() as session:
        handovers.count_try(session, world.desk_user, waiting.ref, pin)
    assert row_of(waiting).slip_tries == 0
    wrong = refused(lambda: hand_over(world, waiting, signature=Signature.CODE, pin="é"))
    assert errors(wrong) == {"pin": ["wrong-pin"]}


def test_a_structure_signs_by_name_and_function(world: World) -> None:
    programme("SALLE", LegalNature.PUBLIC_BODY)
    room = reserved(
        world,
        programme="SALLE",
        lines=((Category.DESKTOP, 2), (Category.SCREEN, 2)),
        person_name=None,
        proof=None,
        proof_day=None,
        actor=world.ccas_user,
    )
    paid = {"payment": Payment.NONE, "paid_cents": 0, "signature": Signature.ON_SCREEN, "drawing": DRAWING}
    nameless = refused(lambda: hand_over(world, room, **paid))
    assert errors(nameless) == {"signer_name": ["signer-missing"], "signer_title": ["title-missing"]}
    ref = hand_over(world, room, **paid, signer_name="Rose Martin", signer_title="directrice")
    for device in room.devices:
        assert look(device).owner_id == world.ccas
    text = receipt(world.desk_user, ref)
    assert "CCAS du Thillay" in text
    assert "Rose Martin, directrice" in text
    assert text.count("gratuit") == 5
    assert "Donné par AGOIE" in text


# ---- the receipt ----


def test_one_receipt_says_everything_and_names_the_person_to_those_who_were_there(
    world: World, waiting: Waiting
) -> None:
    with db.transaction() as session:
        desk = session.get_one(Organisation, world.workshop)
        desk.address, desk.first_lesson = "5 rue de la Gare, Montigny", "Médiathèque, le mardi à 14 h."
        bank = session.get_one(Organisation, world.bank)
        bank.phone = "01 99 00 95 95"
        session.add(Condition(device_id=waiting.devices[0].device_id, grade=Grade.B, battery_percent=82))
    ref = hand_over(world, waiting, signature=Signature.ON_SCREEN, drawing=DRAWING)
    text = receipt(world.desk_user, ref)
    for said in (
        f"Reçu n° {ref}",
        NAME,
        "Vendu par AGOIE",
        "Ordinateur portable",
        "batterie 82 %",
        "Total : 20,00 €",
        "Payé en espèces",
        "5 rue de la Gare, Montigny",
        "Médiathèque, le mardi à 14 h.",
        "01 99 00 95 95",
        "Signé à l’écran.",
    ):
        assert said in text
    assert "RSA" not in text
    assert "Revenu de solidarité" not in text
    assert NAME in receipt(world.prescriber_user, ref)
    assert NAME not in receipt(world.coordinator, ref)
    foreign = world.person(world.other_workshop, PersonRole.DESK)
    assert refused(lambda: receipt(foreign, ref)).code is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("capacity", "said"),
    [
        (CapacityKind.VAT_EXEMPT, "TVA non applicable, article 293 B"),
        (CapacityKind.VAT_LIABLE, "TVA comprise"),
        (None, None),
    ],
)
def test_the_mention_of_vat_is_the_sellers(
    world: World, capacity: CapacityKind | None, said: str | None
) -> None:
    if capacity:
        with db.transaction() as session:
            held = {"kind": capacity, "reference": "article 293 B", "valid_from": date(2020, 1, 1)}
            session.add(Capacity(organisation_id=world.workshop, **held))
    world.programme_rsa()
    text = receipt(world.desk_user, hand_over(world, reserved(world)))
    assert (said in text) if said else ("TVA" not in text)


# ---- loans and come-backs ----


def test_a_loan_has_a_day_to_come_back_and_keeps_its_owner(world: World) -> None:
    programme("PRET", LegalNature.PUBLIC_BODY, loan_days=180)
    lent = reserved(
        world, programme="PRET", person_name=None, proof=None, proof_day=None, actor=world.ccas_user
    )
    ref = hand_over(world, lent, payment=Payment.NONE, paid_cents=0)
    after = look(lent.devices[0])
    assert (after.state, after.custodian_id, after.owner_id) == (State.ON_LOAN, world.ccas, world.workshop)
    with db.read() as session:
        line = session.scalars(sa.select(Allocation)).one()
    assert line.due_on == today() + timedelta(days=180)
    text = receipt(world.desk_user, ref)
    assert "Bon de prêt" in text
    assert "À rapporter le" in text
    take_back(world, lent.devices[0], reason=ComeBack.LOAN_OVER)
    back = look(lent.devices[0])
    assert (back.state, back.custodian_id, back.owner_id) == (State.RECEIVED, world.workshop, world.workshop)


def with_drive(device: Standing) -> None:
    """As if the device had been sold with a drive that was proven empty."""
    with db.transaction() as session:
        session.execute(
            sa.update(Drive)
            .where(Drive.device_id == device.device_id)
            .values(fate=DriveFate.PRESENT, kind=DriveKind.SSD, data_since=datetime(2026, 1, 1, tzinfo=UTC))
        )


def test_what_comes_back_may_hold_its_users_data(world: World, waiting: Waiting) -> None:
    [device] = waiting.devices
    with_drive(device)
    ref, before = hand_over(world, waiting), utcnow()
    assert take_back(world, device) == ref
    after = look(device)
    assert (after.state, after.open_drives) == (State.RECEIVED, 1)
    assert (after.custodian_id, after.owner_id) == (world.workshop, world.workshop)
    with db.read() as session:
        [drive] = session.scalars(sa.select(Drive).where(Drive.device_id == device.device_id))
        [line] = session.scalars(sa.select(Allocation))
    assert drive.data_since >= before
    assert line.state is AllocationState.RETURNED
    assert facts_of("device.come_back")[0]["reason"] == "faulty"
    assert facts_of("request.come_back") == [{"device": device.device_id, "reason": "faulty"}]


def test_what_was_sold_without_a_drive_is_looked_at_again(world: World, waiting: Waiting) -> None:
    [device] = waiting.devices
    hand_over(world, waiting)
    take_back(world, device)
    assert look(device).open_drives == 1
    with db.read() as session:
        drives = session.scalars(sa.select(Drive).where(Drive.device_id == device.device_id)).all()
    assert [drive.kind for drive in drives if drive.fate is DriveFate.PRESENT] == [DriveKind.UNSEEN]


def test_what_came_back_can_be_promised_and_handed_over_again(world: World) -> None:
    programme("ECRAN", LegalNature.PUBLIC_BODY)
    changes: dict[str, Any] = {
        "programme": "ECRAN",
        "lines": ((Category.SCREEN, 1),),
        "person_name": None,
        "proof": None,
        "proof_day": None,
        "actor": world.ccas_user,
    }
    first = reserved(world, **changes)
    free = {"payment": Payment.NONE, "paid_cents": 0}
    hand_over(world, first, **free)
    take_back(world, first.devices[0], reason=ComeBack.UNSUITED)
    assert look(first.devices[0]).open_drives == 0, "a screen holds nobody's data"
    assert refused(lambda: take_back(world, first.devices[0])).code is Code.NOT_FOUND


def test_only_the_counter_that_gave_it_takes_it_back(world: World, waiting: Waiting) -> None:
    hand_over(world, waiting)
    foreign = world.person(world.other_workshop, PersonRole.DESK)
    assert refused(lambda: take_back(world, waiting.devices[0], foreign)).code is Code.NOT_FOUND
    assert refused(lambda: take_back(world, waiting.devices[0], world.operator)).code is Code.NOT_ALLOWED
    assert look(waiting.devices[0]).state is State.HANDED_OVER


def test_what_was_never_given_does_not_come_back(world: World, waiting: Waiting) -> None:
    assert refused(lambda: take_back(world, waiting.devices[0])).code is Code.NOT_FOUND
    assert refused(lambda: take_back(world, world.device(State.READY))).code is Code.NOT_FOUND


# ---- two at once ----


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


@pytest.fixture
def chains_hold(app: Flask) -> Iterator[None]:
    yield
    assert not replay.verify().faults


def test_two_counters_take_one_device_back_once(app: Flask, world: World, chains_hold: None) -> None:
    world.programme_rsa()
    other, first = world.person(world.workshop, PersonRole.DESK), world.desk_user
    for _round in range(3):
        waiting = reserved(world)
        hand_over(world, waiting)
        [device] = waiting.devices
        outcomes = at_once(
            app,
            lambda device=device: take_back(world, device, first),  # type: ignore[misc]
            lambda device=device: take_back(world, device, other),  # type: ignore[misc]
        )
        assert sorted(outcomes, key=str) == [None, Code.NOT_FOUND]
        assert look(device).state is State.RECEIVED


def test_tries_of_a_code_are_counted_however_fast(app: Flask, world: World, waiting: Waiting) -> None:
    appoint(world, waiting)
    wrong = f"{(int(row_of(waiting).slip_pin or 0) + 1) % 1_000_000:06}"
    actor = world.desk_user

    def guess() -> None:
        with db.transaction() as session:
            handovers.count_try(session, actor, waiting.ref, wrong)

    at_once(app, *[guess] * 8)
    assert row_of(waiting).slip_tries == counter.TRIES_MAX


def test_two_appointments_at_once_make_one_slip(app: Flask, world: World, waiting: Waiting) -> None:
    actors = (world.coordinator, world.desk_user)
    slips: list[str] = []
    at_once(app, *[lambda actor=actor: slips.append(appoint(world, waiting, actor)) for actor in actors])  # type: ignore[misc]
    assert len(set(slips)) == 1
