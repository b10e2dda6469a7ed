"""The counter's pages: what leads where, what is said when something is wrong, and that nothing is done twice."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from bank import db
from bank.allocation import actions, handovers
from bank.allocation.actions import NewRequest
from bank.allocation.handovers import NewAppointment
from bank.allocation.models import AccessLog, Handover, HandoverSignature, ProofKind, Request
from bank.db import utcnow
from bank.identity.models import PersonRole
from bank.inventory import register
from bank.inventory.lifecycle import State
from bank.inventory.models import Category
from bank.inventory.register import Standing
from tests.factories import ApiClient, World, today
from tests.test_worst_inputs import TEXTS

NAME = "Amina Zérouali"
DRAWING = "M100 100L200 150L300 90"


@dataclass
class Set:
    """A request with its appointment, one laptop reserved, and the browsers of those concerned."""

    world: World
    ref: str
    slip: str
    device: Standing
    desk: FlaskClient
    coordinator: FlaskClient
    prescriber: FlaskClient
    foreign: FlaskClient

    def hand_over(self, **changes: Any) -> Any:
        sent = {
            "idempotency_key": "5b0f6d0e-0000-4000-8000-000000000001",
            "devices": self.device.code,
            "collector": "recipient",
            "id_paper": "passport",
            "payment": "cash",
            "paid": "20,00",
            "signature": "on_screen",
            "drawing": DRAWING,
        }
        return self.desk.post(f"/requests/{self.ref}/handover", data=sent | changes)

    def row(self) -> Request:
        with db.read() as session:
            return session.scalars(sa.select(Request).where(Request.ref == self.ref)).one()


@pytest.fixture
def at(world: World) -> Set:
    world.programme_rsa()
    foreigner = world.person(world.other_workshop, PersonRole.DESK)
    device = world.device(State.READY)
    people = (world.coordinator, world.prescriber_user, world.desk_user)
    new = NewRequest(
        programme="RSA",
        lines=((Category.LAPTOP, 1),),
        person_name=NAME,
        proof=ProofKind.RSA_CERTIFICATE,
        proof_day=today(),
        proof_seen=True,
    )
    with db.transaction() as session:
        ref = actions.make_request(session, world.prescriber_user, new)
    with db.transaction() as session:
        actions.allocate(session, world.coordinator, ref, device.code)
    with db.transaction() as session:
        when = NewAppointment(request_ref=ref, desk_id=world.workshop, at=utcnow())
        slip = handovers.appoint(session, world.coordinator, when)
    coordinator, prescriber, desk = map(world.client, people)
    return Set(world, ref, slip, device, desk, coordinator, prescriber, world.client(foreigner))


def count(model: Any) -> int:
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


# ---- finding ----


def test_the_code_of_the_slip_leads_to_the_hand_over(at: Set) -> None:
    listed = at.desk.get("/desk")
    assert at.ref in listed.text
    assert NAME not in listed.text
    for typed in (at.slip, f" {at.slip.lower()} ", at.device.code, at.ref):
        found = at.desk.post("/desk", data={"code": typed})
        assert (found.status_code, found.location) == (303, f"/requests/{at.ref}/handover")
    page = at.desk.get(f"/requests/{at.ref}/handover")
    assert NAME in page.text
    assert count(AccessLog) == 1, "whoever reads a name is written down"


@pytest.mark.parametrize("typed", ["", "0000000000", "BONJOUR", "D-000000", "x" * 300, "\x00"])
def test_a_code_of_nothing_is_said_at_the_field(at: Set, typed: str) -> None:
    answer = at.desk.post("/desk", data={"code": typed})
    assert answer.status_code == 422
    assert 'id="code-error"' in answer.text


def test_after_the_hand_over_every_code_leads_to_its_receipt(at: Set) -> None:
    ref = at.hand_over().location.rpartition("/")[2]
    for typed in (at.slip, at.device.code, at.ref, ref):
        assert at.desk.post("/desk", data={"code": typed}).location == f"/handovers/{ref}"
    assert at.desk.get(f"/requests/{at.ref}/handover").location == f"/handovers/{ref}"
    assert at.ref not in at.desk.get("/desk").text


# ---- the appointment ----


def test_who_prints_the_slip_and_who_sets_the_appointment(at: Set) -> None:
    for client in (at.desk, at.coordinator, at.prescriber):
        assert client.get(f"/requests/{at.ref}/appointment").status_code == 200
        paper = client.get(f"/requests/{at.ref}/slip.pdf")
        assert (paper.status_code, paper.mimetype) == (200, "application/pdf")
    sent = {"day": (today() + timedelta(days=1)).isoformat(), "time": "14:30", "desk": str(at.world.workshop)}
    assert at.prescriber.post(f"/requests/{at.ref}/appointment", data=sent).status_code == 403
    moved = at.coordinator.post(f"/requests/{at.ref}/appointment", data=sent)
    assert moved.location == f"/requests/{at.ref}/appointment"
    assert "14:30" in at.prescriber.get(f"/requests/{at.ref}/appointment").text
    assert at.row().slip_code == at.slip


def test_a_day_gone_by_is_said_at_the_field_with_what_was_typed(at: Set) -> None:
    sent = {"day": "2020-01-01", "time": "10:00", "desk": str(at.world.workshop)}
    answer = at.desk.post(f"/requests/{at.ref}/appointment", data=sent)
    assert answer.status_code == 422
    assert 'id="day-error"' in answer.text
    assert 'value="2020-01-01"' in answer.text


def test_the_second_editor_of_an_appointment_is_told(at: Set) -> None:
    sent = {"day": today().isoformat(), "time": "10:00", "desk": str(at.world.workshop), "version": "1"}
    assert at.desk.post(f"/requests/{at.ref}/appointment", data=sent).status_code == 409


# ---- scanning ----


def test_a_scan_ticks_without_writing_anything(at: Set) -> None:
    path, typed = f"/requests/{at.ref}/handover/scan", {"scan": at.device.code.lower(), "paid": "20"}
    page = at.desk.post(path, data=typed)
    assert page.status_code == 200
    assert f'name="devices" value="{at.device.code}"' in page.text
    assert 'value="20"' in page.text, "what was typed elsewhere stays"
    part = at.desk.post(path, data=typed, headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith("<section")
    assert "Tout est scanné" in part.text
    assert count(Handover) == 0


def test_another_device_is_refused_in_a_clear_sentence(at: Set) -> None:
    stranger = at.world.device(State.READY)
    page = at.desk.post(f"/requests/{at.ref}/handover/scan", data={"scan": stranger.code})
    assert f"{stranger.code}\u00a0: ce matériel n’est pas pour cette demande" in page.text
    assert 'name="devices" value=""' in page.text


# ---- the hand-over ----


def test_a_hand_over_sent_twice_is_one(at: Set) -> None:
    first, second = at.hand_over(), at.hand_over()
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert re.fullmatch(r"/handovers/R-\w+", first.location)
    assert (count(Handover), count(HandoverSignature)) == (1, 1)
    again = at.hand_over(idempotency_key=str(uuid4()))
    assert again.status_code == 409, "another sending of what is done is told so"
    assert count(Handover) == 1


def test_the_last_scan_counts_even_if_nobody_pressed_its_button(at: Set) -> None:
    assert at.hand_over(devices="", scan=at.device.code).status_code == 303


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        ({"devices": ""}, "devices"),
        ({"devices": "0000000000"}, "devices"),
        ({"drawing": ""}, "drawing"),
        ({"drawing": "<svg onload=alert(1)>"}, "drawing"),
        ({"collector": "mandated"}, "signer_name"),
        ({"collector": "mandated", "signer_name": "2 84 05 78 006 084 91"}, "signer_name"),
        ({"signature": "witness"}, "witness_name"),
        ({"signature": "code", "pin": "12"}, "pin"),
        ({"paid": "19"}, "paid"),
        ({"paid": "vingt"}, "paid"),
        ({"payment": ""}, "payment"),
        ({"id_paper": "nope"}, "id_paper"),
    ],
)
def test_what_is_wrong_is_said_where_it_belongs(at: Set, sent: dict[str, str], where: str) -> None:
    answer = at.hand_over(**sent)
    assert answer.status_code == 422
    assert f'href="#{where}' in answer.text
    assert "Amina" in answer.text
    with db.read() as session:
        assert register.look_by_id(session, at.device.device_id).state is State.RESERVED


def test_five_wrong_codes_close_that_way_of_signing(at: Set) -> None:
    pin = at.row().slip_pin or ""
    wrong = f"{(int(pin) + 1) % 1_000_000:06}"
    for _ in range(4):
        assert "Ce n’est pas le code inscrit" in at.hand_over(signature="code", pin=wrong).text
    assert "Trop d’essais" in at.hand_over(signature="code", pin=wrong).text
    assert "Trop d’essais" in at.hand_over(signature="code", pin=pin).text
    assert at.hand_over(signature="witness", witness_name="Paul").status_code == 303


def test_five_wrong_codes_through_the_api_too(at: Set) -> None:
    api: ApiClient = at.world.api(at.world.desk_user)
    pin = at.row().slip_pin or ""
    body = {
        "request": at.ref,
        "devices": [at.device.code],
        "payment": "cash",
        "paid_cents": 2_000,
        "signature": "code",
    }
    for said in ["wrong-pin"] * 4 + ["too-many-tries"]:
        assert api.post("/handovers", json=body | {"pin": "nope"}).json["errors"] == {"pin": [said]}
    assert api.post("/handovers", json=body | {"pin": pin}).json["errors"] == {"pin": ["too-many-tries"]}


def test_the_api_takes_all_that_the_page_takes(at: Set) -> None:
    body = {
        "request": at.ref,
        "devices": [at.device.code],
        "payment": "card",
        "paid_cents": 2_000,
        "signature": "on_screen",
        "drawing": DRAWING,
        "collector": "mandated",
        "signer_name": "Moussa Diallo",
        "id_paper": "driving_licence",
    }
    made = at.world.api(at.world.desk_user).post("/handovers", json=body)
    assert made.status_code == 201
    assert "Diallo" not in made.text


def test_nothing_is_said_to_another_counter(at: Set) -> None:
    ref = at.ref
    paths = [f"/requests/{ref}/{page}" for page in ("handover", "appointment", "slip.pdf")]
    for path in paths:
        assert at.foreign.get(path).status_code == 404
    sent = {"day": today().isoformat(), "time": "10:00", "desk": str(at.world.other_workshop)}
    assert at.foreign.post(f"/requests/{ref}/appointment", data=sent).status_code == 404
    assert at.foreign.post(f"/requests/{ref}/handover/scan", data={"scan": at.device.code}).status_code == 404
    assert at.foreign.post("/desk", data={"code": at.slip}).status_code == 422
    assert count(AccessLog) == 0
    made = at.hand_over().location
    for path in (made, f"{made}/receipt.pdf"):
        assert at.foreign.get(path).status_code == 404
        assert at.prescriber.get(path).status_code == at.coordinator.get(path).status_code == 200
    back = {"idempotency_key": str(uuid4()), "device": at.device.code, "reason": "faulty"}
    assert at.foreign.post(f"{made}/come-back", data=back).status_code == 404


# ---- coming back ----


def test_a_device_comes_back_once(at: Set) -> None:
    made = at.hand_over().location
    sent = {"idempotency_key": str(uuid4()), "device": at.device.code, "reason": "unsuited"}
    for _twice in range(2):
        assert at.desk.post(f"{made}/come-back", data=sent).location == made
    page = at.desk.get(made)
    assert "revenu" in page.text
    assert "Reprendre cet appareil" not in page.text, "nothing is left to come back"
    with db.read() as session:
        back = register.look_by_id(session, at.device.device_id)
    assert (back.state, back.open_drives) == (State.RECEIVED, 1)


@pytest.mark.parametrize("device", ["", "0000000000", "bonjour", "{stranger}"])
def test_what_cannot_come_back_is_said_at_the_field(at: Set, device: str) -> None:
    made = at.hand_over().location
    code = device.format(stranger=at.world.device(State.READY).code)
    sent = {"idempotency_key": str(uuid4()), "device": code, "reason": "faulty"}
    answer = at.desk.post(f"{made}/come-back", data=sent)
    assert answer.status_code == 422
    assert 'id="device-error"' in answer.text


# ---- the worst that can be sent ----


def test_no_text_breaks_the_counter(at: Set) -> None:
    made = at.hand_over().location
    sent = {"idempotency_key": str(uuid4()), "device": "x", "reason": "faulty"}
    faults = []
    for name in sent:
        for text in TEXTS:
            answer = at.desk.post(f"{made}/come-back", data={**sent, name: text})
            if answer.status_code >= 500:
                faults.append((name, text))
    faults += [
        ("code", text) for text in TEXTS if at.desk.post("/desk", data={"code": text}).status_code >= 500
    ]
    assert faults == []


def test_no_text_breaks_the_hand_over(at: Set) -> None:
    fields = ("devices", "scan", "collector", "signer_name", "id_paper", "payment", "paid", "witness_name")
    faults = [
        (name, text)
        for name in (*fields, "signature", "drawing", "pin")
        for text in TEXTS
        if at.hand_over(**{"signature": "code", "collector": "mandated", name: text}).status_code >= 500
    ]
    appointment = {
        "day": today().isoformat(),
        "time": "10:00",
        "desk": str(at.world.workshop),
        "version": "1",
    }
    faults += [
        (name, text)
        for name in appointment
        for text in (*TEXTS, "0001-01-01", "9999-12-31")
        if at.desk.post(f"/requests/{at.ref}/appointment", data={**appointment, name: text}).status_code
        >= 500
    ]
    assert faults == []


def test_the_notice_on_personal_data_is_a_paper_to_hand_over(world: World) -> None:
    answer = world.client(world.prescriber_user).get("/requests/notice.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert b"/StructTreeRoot" in answer.data
    assert world.client(world.donor_user).get("/requests/notice.pdf").status_code == 403
