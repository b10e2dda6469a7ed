"""From one organisation to another: sent by scanning, taken in by scanning, differences open until settled."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pypdfium2
import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db, journal
from bank.actor import Actor
from bank.identity.models import PersonRole
from bank.inventory import register, replay
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import Place
from bank.inventory.register import Standing
from bank.workshops.models import Blocker, Incident, Shipment, ShipmentLine
from tests.factories import ApiClient, World
from tests.scanning.test_api import body, kinds, now
from tests.scanning.test_steps import rows
from tests.scanning.test_views import text
from tests.workshops.test_undo import at_once


@pytest.fixture
def there(world: World) -> Actor:
    """Who takes in and runs the other workshop."""
    return world.person(world.other_workshop, PersonRole.SUPERVISOR, PersonRole.OPERATOR)


def sent(world: World, *devices: Standing, tray: str | None = None, to: int | None = None) -> int:
    """A shipment of AGOIE's devices to the other workshop; its id."""
    answer = world.api(world.supervisor).post(
        "/trays",
        json={
            "tray": tray or str(uuid4()),
            "action": "ship",
            "to": to or world.other_workshop,
            "codes": [device.code for device in devices],
        },
    )
    assert answer.status_code == 200, answer.json
    assert [line["outcome"] for line in answer.json["lines"]] == ["shipped"] * len(devices)
    return int(answer.json["shipment"])


def scan_in(api: ApiClient, shipment: int, code: str, **changes: Any) -> Any:
    sent_ = {"scan_id": str(uuid4()), "code": code} | changes
    return api.post(f"/shipments/{shipment}/arrivals", json=sent_)


def settle(api: ApiClient, shipment: int, code: str, outcome: str) -> Any:
    return api.put(f"/shipments/{shipment}/lines/{code}", json={"outcome": outcome})


def lines(api: ApiClient, shipment: int) -> dict[str, tuple[str | None, str | None]]:
    found = api.get(f"/shipments/{shipment}").json["lines"]
    return {line["code"]: (line["difference"], line["settled"]) for line in found}


def test_devices_change_hands_where_they_are_scanned(world: World, there: Actor) -> None:
    received, work, ready = world.device(), world.device(State.IN_WORK), world.device(State.READY)
    shipment, api = sent(world, received, work, ready), world.api(there)
    assert {now(each).custodian_id for each in (received, work, ready)} == {world.workshop}
    for device in (received, work, ready):
        answer = scan_in(api, shipment, device.code)
        assert (answer.status_code, answer.json["arrival"]) == (200, "arrived")
        assert (now(device).custodian_id, now(device).state) == (world.other_workshop, device.state)
        assert kinds(device)[-2:] == ["device.ship", "device.arrive"]
        # Its step and what is to erase came with it.
        assert (now(device).step_id, now(device).open_drives) == (device.step_id, device.open_drives)
    [row] = rows(Shipment)
    assert row.closed_at is not None
    assert scan_in(api, shipment, ready.code).json["arrival"] == "already"
    assert replay.verify().faults == []
    # The one who has it works on it; the other no longer does.
    refused = world.api(world.operator).post("/scans", json=body(work.code, facts={"no_drive": True}))
    assert refused.json["code"] == "other-custodian"
    assert api.post("/scans", json=body(work.code, facts={"no_drive": True})).status_code == 200


def test_a_place_is_left_and_another_is_taken(world: World, there: Actor) -> None:
    device = world.device(State.READY)
    with db.transaction() as session:
        session.add_all(
            [
                here := Place(organisation_id=world.workshop, name="Étagère"),
                far := Place(organisation_id=world.other_workshop, name="Quai"),
            ]
        )
        session.flush()
        to = {"place_id": here.id}
        register.move(session, world.supervisor, register.look(session, device.code), Move.PUT, to=to)
    shipment = sent(world, device)
    assert now(device).place_id is None
    foreign = scan_in(world.api(there), shipment, device.code, place_id=here.id)
    assert foreign.status_code == 404
    scan_in(world.api(there), shipment, device.code, place_id=far.id)
    assert now(device).place_id == far.id


def test_what_stops_a_device_is_for_the_new_workshop_to_settle(world: World, there: Actor) -> None:
    device = world.device(State.IN_WORK)
    world.api(world.operator).post(
        "/scans", json=body(device.code, "problem", facts={"reason": "drive_dead"})
    )
    shipment = sent(world, device)
    scan_in(world.api(there), shipment, device.code)
    [blocker] = rows(Blocker)
    assert blocker.organisation_id == world.other_workshop
    answer = world.api(there).post(f"/devices/{device.code}/unblocking", json={"step": None})
    assert answer.status_code == 201, answer.json


def test_what_did_not_come_stays_open_on_both_sides_until_its_sender_answers(
    world: World, there: Actor
) -> None:
    came, stayed, lost = world.device(), world.device(), world.device()
    shipment, api, mine = sent(world, came, stayed, lost), world.api(there), world.api(world.supervisor)
    scan_in(api, shipment, came.code)
    open_ = {came.code: (None, None), stayed.code: ("awaited", None), lost.code: ("awaited", None)}
    assert lines(api, shipment) == lines(mine, shipment) == open_
    # The receiver cannot decide for who answers for them.
    assert settle(api, shipment, lost.code, "missing").status_code == 404
    assert settle(mine, shipment, lost.code, "sent_too").json["code"] == "invalid"
    assert settle(mine, shipment, stayed.code, "never_left").status_code == 200
    assert settle(mine, shipment, stayed.code, "never_left").status_code == 200
    assert rows(Shipment)[0].closed_at is None
    assert settle(mine, shipment, lost.code, "missing").status_code == 200
    assert (now(stayed).state, now(stayed).custodian_id) == (State.RECEIVED, world.workshop)
    assert now(lost).state is State.MISSING
    # With data on it: the incident's clock runs.
    [incident] = rows(Incident)
    assert (incident.device_id, incident.organisation_id) == (lost.device_id, world.workshop)
    assert rows(Shipment)[0].closed_at is not None
    [closed] = [each for each in rows(journal.Entry) if each.kind == "shipment.closed"]
    assert closed.facts == '{"arrived":1,"missing":1}'
    assert scan_in(api, shipment, lost.code).json["code"] == "not-on-shipment"
    assert replay.verify().faults == []


def test_what_nobody_listed_is_said_and_its_sender_answers(world: World, there: Actor) -> None:
    listed, slipped, other = world.device(), world.device(), world.device()
    shipment, api, mine = sent(world, listed), world.api(there), world.api(world.supervisor)
    for device in (slipped, other):
        assert scan_in(api, shipment, device.code).json["arrival"] == "unexpected"
        assert now(device).custodian_id == world.workshop
    assert lines(mine, shipment)[slipped.code] == ("unexpected", None)
    assert settle(mine, shipment, other.code, "not_sent").status_code == 200
    assert settle(mine, shipment, slipped.code, "sent_too").status_code == 200
    assert scan_in(api, shipment, slipped.code).json["arrival"] == "arrived"
    scan_in(api, shipment, listed.code)
    assert (now(slipped).custodian_id, now(other).custodian_id) == (world.other_workshop, world.workshop)
    assert rows(Shipment)[0].closed_at is not None
    assert replay.verify().faults == []


def test_a_third_ones_device_is_only_told(world: World, there: Actor) -> None:
    third = world.person(
        world.organisation("Ailleurs", roles={*()}), PersonRole.SUPERVISOR, name="Dominique Ailleurs"
    )
    foreign, listed = world.device(actor=third), world.device()
    shipment, api = sent(world, listed), world.api(there)
    assert scan_in(api, shipment, foreign.code).json["code"] == "not-on-shipment"
    assert len(rows(ShipmentLine)) == 1


def test_a_device_is_on_one_open_shipment_at_most(app: Flask, world: World, there: Actor) -> None:
    device, api = world.device(), world.api(world.supervisor)
    trays = [
        {"tray": str(uuid4()), "action": "ship", "to": world.other_workshop, "codes": [device.code]}
        for _each in range(2)
    ]
    calls: list[Callable[[], Any]] = [lambda one=one: api.post("/trays", json=one) for one in trays]
    answers = [answer.json["lines"][0] for answer in at_once(app, *calls)]
    assert sorted(line["ok"] for line in answers) == [False, True]
    assert kinds(device).count("device.ship") == 1
    assert replay.verify().faults == []
    assert there.organisation_id == world.other_workshop


def test_the_last_two_arrivals_at_once_close_the_shipment(app: Flask, world: World, there: Actor) -> None:
    first, second = world.device(), world.device()
    shipment, api = sent(world, first, second), world.api(there)
    calls: list[Callable[[], Any]] = [
        lambda code=each.code: scan_in(api, shipment, code) for each in (first, second, second)
    ]
    assert [answer.status_code for answer in at_once(app, *calls)] == [200, 200, 200]
    assert rows(Shipment)[0].closed_at is not None
    assert len([each for each in rows(journal.Entry) if each.kind == "shipment.closed"]) == 1
    assert replay.verify().faults == []


def test_a_shipment_goes_to_who_takes_things_in(world: World) -> None:
    device = world.device()
    for to in (world.workshop, world.bnp, 999_999):
        answer = world.api(world.supervisor).post(
            "/trays", json={"tray": str(uuid4()), "action": "ship", "to": to, "codes": [device.code]}
        )
        assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    operator = world.api(world.operator).post(
        "/trays",
        json={"tray": str(uuid4()), "action": "ship", "to": world.other_workshop, "codes": [device.code]},
    )
    assert operator.status_code == 403


def test_sending_is_taken_back_while_nothing_came(world: World, there: Actor) -> None:
    device, tray = world.device(State.READY), str(uuid4())
    shipment = sent(world, device, tray=tray)
    page = world.client(world.supervisor).post("/scan/tray/undo", data={"tray": tray, "codes": device.code})
    assert "1 matériel annulé" in text(page)
    assert kinds(device)[-1] == "device.undo"
    assert lines(world.api(there), shipment) == {device.code: (None, "undone")}
    assert rows(Shipment)[0].closed_at is not None
    assert sent(world, device) != shipment
    assert replay.verify().faults == []


def test_the_pages_of_both_sides(world: World, there: Actor) -> None:
    device, late = world.device(), world.device(State.READY)
    shipment = sent(world, device, late)
    here, far = world.client(world.supervisor), world.client(there)
    assert "Transferts à réceptionner" in text(far.get("/"))
    assert "Transferts à réceptionner" not in text(here.get("/"))
    assert "AGOIE" in text(far.get("/shipments"))
    key = str(uuid4())
    for _twice in range(2):
        answer = far.post(
            f"/shipments/{shipment}/arrivals", data={"code": device.code, "idempotency_key": key}
        )
        assert (answer.status_code, answer.location) == (303, f"/shipments/{shipment}")
    shown = text(far.get(f"/shipments/{shipment}"))
    assert "Pas encore arrivés (1)" in shown
    assert "Il est introuvable" not in shown
    assert "Transferts à régler" in text(here.get("/"))
    assert "Il est introuvable" in text(here.get(f"/shipments/{shipment}"))
    here.post(f"/shipments/{shipment}/lines/{late.code}", data={"outcome": "never_left"})
    assert "Ce transfert est terminé" in text(far.get(f"/shipments/{shipment}"))
    unknown = far.post(
        f"/shipments/{shipment}/arrivals", data={"code": "7K3F9RTC2H", "idempotency_key": str(uuid4())}
    )
    assert unknown.status_code in {404, 409, 422}
    assert 'role="alert"' in unknown.text


def test_the_note_says_what_travels_and_what_is_to_erase(world: World, there: Actor) -> None:
    dirty, clean = world.device(), world.device(State.READY)
    shipment = sent(world, dirty, clean)
    for actor in (there, world.supervisor):
        answer = world.client(actor).get(f"/shipments/{shipment}/note.pdf")
        assert answer.status_code == 200
        with pypdfium2.PdfDocument(answer.data) as paper:
            said = "\n".join(page.get_textpage().get_text_range() for page in paper)
        assert "1 appareil n’est pas encore effacé" in " ".join(said.split())
        assert dirty.code in said
        assert clean.code in said
        assert "Samir" not in said
    assert world.client(world.donor_user).get(f"/shipments/{shipment}/note.pdf").status_code == 403
    other = world.person(world.organisation("Ailleurs"), PersonRole.SUPERVISOR)
    assert world.client(other).get(f"/shipments/{shipment}/note.pdf").status_code == 404


def test_a_reserved_device_travels_to_its_counter(world: World, there: Actor) -> None:
    device = world.device(State.RESERVED)
    shipment = sent(world, device)
    assert scan_in(world.api(there), shipment, device.code).json["state"] == "reserved"
    desk = world.person(world.other_workshop, PersonRole.DESK)
    assert world.api(desk).get("/shipments").status_code == 200
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ShipmentLine)) == 1
