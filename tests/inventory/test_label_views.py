"""Labels and places on the screens and for programs."""

import re
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from bank import db
from bank.inventory import identify, labels, place_queries, places, register, replay
from bank.inventory.identify import Identity
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Label, LabelState, PlaceKind
from bank.inventory.places import PlaceDraft
from bank.inventory.register import Standing
from tests.factories import World

KEY = {"idempotency_key": "5b0f6d0e-0000-4000-8000-000000000001"}


@pytest.fixture(autouse=True)
def _people(world: World) -> None:
    """They are made in units of work of their own."""
    assert all((world.supervisor, world.operator, world.other_operator, world.coordinator))


def blanks(world: World, count: int, organisation: int | None = None) -> list[str]:
    with db.transaction() as session:
        ids = labels.mint_blanks(session, organisation or world.workshop, count)
        labels.mark_printed(session, ids, db.utcnow())
        return list(session.scalars(sa.select(Label.code).where(Label.id.in_(ids)).order_by(Label.id)))


def told(world: World, device: Standing, **read: str) -> None:
    with db.transaction() as session:
        identify.identify(session, world.operator, device.code, Identity(**read))


def place(world: World, name: str = "Étagère 3", kind: PlaceKind = PlaceKind.SHELF) -> tuple[int, str]:
    """A place of AGOIE: its id, its label."""
    with db.transaction() as session:
        made = places.make(session, world.supervisor, PlaceDraft(name, kind))
        return made, place_queries.place(session, world.supervisor, made).line.code or ""


def text(answer: Any) -> str:
    return unescape(answer.text)


def now(device: Standing) -> Standing:
    with db.read() as session:
        return register.look_by_id(session, device.device_id)


# --- at reception ---


def test_one_blank_after_the_other_until_none_is_left(world: World) -> None:
    devices = [world.device(), world.device()]
    one, two = blanks(world, 2)
    client = world.client(world.operator)
    page = client.get("/labels/claim")
    assert "2 × ordinateur portable, lot L-TEST0" in text(page)
    address = "/labels/claim?batch=L-TEST0&category=laptop"
    assert "autofocus" in client.get(address).text
    sent = {"batch": "L-TEST0", "category": "laptop"}
    answer = client.post("/labels/claim", data=sent | {"code": f"http://localhost/d/{one.lower()}"})
    assert (answer.status_code, answer.location) == (303, address)
    assert "Il en reste une à coller." in text(client.get(address))
    again = client.post("/labels/claim", data=sent | {"code": one}, follow_redirects=True)
    assert "déjà enregistrée" in text(again)
    last = client.post("/labels/claim", data=sent | {"code": two}, follow_redirects=True)
    assert "C’était la dernière." in text(last)
    assert "Tout est étiqueté." in text(last)
    assert [now(each).code for each in devices] == [one, two]
    assert replay.verify().faults == []


@pytest.mark.parametrize("code", ["", "xx", "7K3F9RTC2H7K3F9RTC2H"])
def test_what_is_no_blank_is_refused_and_the_field_is_empty_again(world: World, code: str) -> None:
    world.device()
    sent = {"batch": "L-TEST0", "category": "laptop", "code": code}
    answer = world.client(world.operator).post("/labels/claim", data=sent)
    assert 400 <= answer.status_code < 500
    assert re.search(r'role="alert"', answer.text)
    assert f'value="{code}"' not in answer.text or not code


def test_a_page_that_stays_is_told_what_became_of_each_scan(world: World) -> None:
    world.device()
    client = world.client(world.supervisor)
    sent = {"batch": "L-TEST0", "category": "laptop", "stays": "1"}
    for code, outcome in (("", "refused"), ("xx", "refused")):
        told = client.post("/labels/claim", data=sent | {"code": code}).text
        assert f'data-outcome="{outcome}" data-said="' in told
    client.post("/places/new", data={"name": "Étagère", "kind": "shelf", "idempotency_key": "k"})
    [shelf] = re.findall(r'href="(/places/\d+)"', client.get("/places").text)
    for code in ("", "xx"):
        told = client.post(f"{shelf}/devices", data={"code": code, "stays": "1"}).text
        assert 'data-outcome="refused" data-said="' in told


def test_a_claim_by_a_program(world: World) -> None:
    device = world.device()
    [code] = blanks(world, 1)
    api = world.api(world.operator)
    assert api.get("/labels/waiting").json == [{"batch_ref": "L-TEST0", "category": "laptop", "count": 1}]
    sent = {"label": code, "batch": "L-TEST0", "category": "laptop"}
    assert api.post("/labels/claims", json=sent).json == {"device": code, "left": 0, "again": False}
    assert api.post("/labels/claims", json=sent).json == {"device": code, "left": 0, "again": True}
    assert now(device).code == code
    other = api.post("/labels/claims", json=sent | {"label": blanks(world, 1)[0]})
    assert (other.status_code, other.json["code"]) == (404, "not-found")


# --- a blank label at the desk ---


def test_a_blank_at_the_desk_is_asked_what_it_is_for(world: World) -> None:
    device = world.device(State.IN_WORK)
    told(world, device, serial="PF1A2B3C")
    [code] = blanks(world, 1)
    client = world.client(world.operator)
    scanned = client.post("/scan", data={"code": code})
    assert (scanned.status_code, scanned.location) == (303, f"/labels/blank/{code}")
    assert client.get(f"/scan/{code}").location == f"/labels/blank/{code}"
    page = text(client.get(scanned.location))
    assert "que voulez-vous en faire" in page
    assert "emplacement" not in page.partition("<main")[2]
    found = client.post(f"/labels/blank/{code}/device", data={"code": " pf1a2b3c "})
    assert (found.status_code, found.location) == (303, f"/devices/{device.code}/label?label={code}")
    assert f'value="{code}"' in client.get(found.location).text
    refused = client.post(f"/devices/{device.code}/label", data={"label": code})
    assert refused.status_code == 422
    done = client.post(f"/devices/{device.code}/label", data={"label": code, "reason": "unreadable"})
    assert (done.status_code, done.location) == (303, f"/devices/{code}")
    page = text(client.get(done.location))
    assert "l’ancienne ne se lit plus" in page
    assert now(device).code == code


def test_two_devices_under_one_number_are_asked_about(world: World) -> None:
    one, two = world.device(), world.device(State.IN_WORK)
    for each in (one, two):
        told(world, each, asset_tag="INV 4455")
    [code] = blanks(world, 1)
    client = world.client(world.operator)
    which = client.post(f"/labels/blank/{code}/device", data={"code": "inv4455"})
    assert which.status_code == 409
    assert all(f"/devices/{each.code}/label?label={code}" in which.text for each in (one, two))
    desk = client.post("/scan", data={"code": "INV4455"})
    assert desk.status_code == 409
    assert all(f'value="{each.code}"' in desk.text for each in (one, two))
    chosen = client.post("/scan", data={"code": one.code})
    assert chosen.location == f"/scan/{one.code}"


def test_a_blank_of_another_workshop_is_only_told_as_blank(world: World) -> None:
    [code] = blanks(world, 1, world.other_workshop)
    client = world.client(world.operator)
    assert client.post("/scan", data={"code": code}).status_code == 409
    assert client.get(f"/labels/blank/{code}").status_code == 404
    assert "Utiliser cette étiquette" not in text(client.get(f"/d/{code}"))
    assert "Utiliser cette étiquette" in text(world.client(world.other_operator).get(f"/d/{code}"))


def test_a_spoilt_blank_is_void(world: World) -> None:
    [code] = blanks(world, 1)
    client = world.client(world.operator)
    assert client.post(f"/labels/blank/{code}/void").status_code == 303
    assert client.post("/scan", data={"code": code}).status_code == 409
    assert client.get(f"/labels/blank/{code}").status_code == 404
    with db.read() as session:
        assert session.scalars(sa.select(Label.state).where(Label.code == code)).one() is LabelState.VOID


def test_a_label_that_was_lost_and_turns_up_opens_no_work_page(world: World) -> None:
    device = world.device(State.IN_WORK)
    [code] = blanks(world, 1)
    api, client = world.api(world.operator), world.client(world.operator)
    sent = {"label": code, "reason": "lost"}
    changed = api.post(f"/devices/{device.code}/label", json=sent)
    assert (changed.status_code, changed.json["code"]) == (200, code)
    for answer in (client.post("/scan", data={"code": device.code}), client.get(f"/scan/{device.code}")):
        assert answer.status_code == 409
        assert "Cette étiquette a été remplacée" in text(answer)
        assert f"/devices/{code}" in answer.text
    scan = {"scan_id": "5b0f6d0e-0000-4000-8000-00000000000a", "code": device.code, "outcome": "look"}
    told_again = api.post("/scans", json=scan)
    assert (told_again.status_code, told_again.json["code"], told_again.json["device"]) == (
        409,
        "void-label",
        code,
    )
    assert "device" not in world.api(world.other_operator).post("/scans", json=scan).json
    stranger = text(world.anonymous().get(f"/d/{device.code}"))
    assert "Cette étiquette ne sert plus." in stranger
    assert code not in stranger
    assert f"/devices/{code}" in client.get(f"/d/{device.code}").text
    assert f"/devices/{code}" not in world.client(world.other_operator).get(f"/d/{device.code}").text


# --- any of its codes ---


@pytest.mark.parametrize("read", ["PF1A2B3C", " pf1a 2b3c", "PFàA2B3C".replace("à", "&"), "PF1A2B3C\r"])
def test_a_serial_does_what_the_label_does(world: World, read: str) -> None:
    device = world.device(State.IN_WORK)
    told(world, device, serial="PF1A2B3C")
    scanned = world.client(world.operator).post("/scan", data={"code": read})
    assert (scanned.status_code, scanned.location) == (303, f"/scan/{device.code}")


def test_a_program_may_scan_any_code_too(world: World) -> None:
    one, two = world.device(State.IN_WORK), world.device(State.IN_WORK)
    told(world, one, serial="PF1A2B3C", asset_tag="4455")
    told(world, two, asset_tag="4455")
    api = world.api(world.operator)
    scan = {"scan_id": "5b0f6d0e-0000-4000-8000-00000000000a", "code": "pf1a2b3c", "outcome": "look"}
    assert api.post("/scans", json=scan).json["device"] == one.code
    several = api.post("/scans", json=scan | {"code": "4455"})
    assert (several.status_code, several.json["code"]) == (409, "several-match")
    assert several.json["codes"] == [two.code, one.code]
    foreign = world.api(world.other_operator).post("/scans", json=scan)
    assert (foreign.status_code, foreign.json["code"]) == (422, "bad-code")
    batch = api.post("/scans/batch", json=[scan, scan | {"code": "4455"}])
    assert [each["status"] for each in batch.json] == [200, 409]


# --- places ---


def test_a_place_from_the_form_to_its_page(world: World) -> None:
    client = world.client(world.supervisor)
    room = client.post("/places/new", data=KEY | {"name": "Réserve", "kind": "room"})
    assert room.status_code == 303
    again = client.post("/places/new", data=KEY | {"name": "Réserve", "kind": "room"})
    assert again.location == room.location
    number = room.location.rpartition("/")[2]
    box = client.post("/places/new", data={"name": "Carton A", "kind": "box", "within_id": number})
    device = world.device()
    put = client.post(f"{box.location}/devices", data={"code": device.code}, follow_redirects=True)
    assert "rangé ici" in text(put)
    page = text(client.get(room.location))
    assert device.code[:4] in page
    assert "Carton A" in page
    assert "Carton A" in text(client.get("/places"))
    taken = client.post("/places/new", data={"name": "Carton A", "kind": "box"})
    assert taken.status_code == 409
    assert "Un autre emplacement porte déjà ce nom." in text(taken)
    circle = client.post(f"{room.location}/edit", data={"name": "R", "kind": "room", "version": "9"})
    assert circle.status_code == 409
    listed = client.get(f"/devices?place={number}")
    assert device.code[:4] in listed.text


def test_a_places_label_opens_the_place_for_its_people_and_says_nothing_to_others(world: World) -> None:
    number, code = place(world)
    client = world.client(world.operator)
    assert client.post("/scan", data={"code": code}).location == f"/places/{number}"
    assert client.get(f"/d/{code}").location == f"/places/{number}"
    for visitor in (world.anonymous(), world.client(world.other_operator), world.client(world.donor_user)):
        answer = visitor.get(f"/d/{code}")
        assert answer.status_code == 200
        assert "étiquette de rangement" in text(answer)
        assert "Étagère 3" not in text(answer)
    assert world.client(world.other_operator).post("/scan", data={"code": code}).status_code == 409


def test_a_device_is_put_away_by_scanning_the_shelf_or_choosing_it(world: World) -> None:
    number, code = place(world)
    device = world.device(State.READY)
    client = world.client(world.operator)
    address = f"/devices/{device.code}/place"
    assert client.post(address, data={"label": code}).status_code == 303
    assert now(device).place_id == number
    assert client.post(address, data={"label": "", "place": ""}).status_code == 303
    assert now(device).place_id is None
    assert client.post(address, data={"label": "", "place": str(number)}).status_code == 303
    assert now(device).place_id == number
    wrong = client.post(address, data={"label": device.code})
    assert wrong.status_code == 422
    assert "Étagère 3" in text(client.get(f"/devices/{device.code}"))


def test_places_for_programs(world: World) -> None:
    api, device = world.api(world.supervisor), world.device(State.READY)
    made = api.post("/places", json={"name": "Étagère 3", "kind": "shelf"})
    assert made.status_code == 201
    number = made.json["id"]
    put = api.put(f"/devices/{device.code}/place", json={"place": number})
    assert (put.status_code, put.json["place"]) == (200, "Étagère 3")
    assert [each["devices"] for each in api.get("/places").json] == [1]
    listed = api.get(f"/devices?place={number}").json["items"]
    assert [each["code"] for each in listed] == [device.code]
    [code] = blanks(world, 1)
    labelled = api.post(f"/places/{number}/label", json={"label": code})
    assert (labelled.status_code, labelled.json["code"]) == (200, code)
    body = {"name": "Étagère 4", "kind": "shelf", "version": 1}
    assert api.put(f"/places/{number}", json=body).json["name"] == "Étagère 4"
    assert api.put(f"/places/{number}", json=body).json["code"] == "edited-meanwhile"
    assert api.post("/labels/voids", json={"label": blanks(world, 1)[0]}).status_code == 204
    assert world.api(world.other_operator).get(f"/places/{number}").status_code == 404


def test_what_was_never_printed_is_a_filter(world: World) -> None:
    fresh, done = world.device(), world.device(category=Category.SCREEN)
    with db.transaction() as session:
        ids = session.scalars(sa.select(Label.id).where(Label.code == done.code)).all()
        labels.mark_printed(session, ids, db.utcnow())
    api = world.api(world.operator)
    assert [each["code"] for each in api.get("/devices?unprinted=true").json["items"]] == [fresh.code]
    page = world.client(world.operator).get("/devices?unprinted=y")
    assert f"/devices/{fresh.code}" in page.text
    assert f"/devices/{done.code}" not in page.text
