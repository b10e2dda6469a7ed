"""Pages and resources of stock-takes: from a place's label to the printed result, without a script."""

import re
from uuid import uuid4

import pypdfium2
import pytest

from bank import db
from bank.identity.models import PersonRole
from bank.inventory import places, register
from bank.inventory.lifecycle import State
from bank.inventory.models import PlaceKind
from bank.inventory.place_queries import places as places_of
from bank.inventory.places import PlaceDraft
from bank.scanning import commands
from bank.scanning.stock_views import SCANS_MAX


@pytest.fixture
def shelf(world):
    """A shelf of AGOIE with two devices on it and one beside it: ids and codes."""
    maker = world.supervisor
    devices = [world.device(State.READY).code for _ in range(3)]
    with db.transaction() as session:
        place_id = places.make(session, maker, PlaceDraft("Étagère 3", PlaceKind.SHELF))
        for code in devices[:2]:
            places.put(session, maker, code, place_id)
        (line,) = places_of(session, maker)
    return {"id": place_id, "label": line.code, "one": devices[0], "two": devices[1], "beside": devices[2]}


def start(client, **fields):
    return client.post("/scan/stock-takes", data={"idempotency_key": str(uuid4())} | fields)


def taken(world, shelf):
    answer = start(world.client(world.operator), code=shelf["label"])
    assert answer.status_code == 303, answer.text
    return answer.location


def text(pdf):
    with pypdfium2.PdfDocument(pdf) as paper:
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in paper).split())


def test_a_place_is_counted_from_its_label_to_the_printed_result(world, shelf):
    operator, supervisor = world.client(world.operator), world.client(world.supervisor)
    here = taken(world, shelf)
    page = operator.get(here).text
    assert "Trouvés\u00a0: 0 sur 2" in page
    assert "prévenez l’encadrant" in page
    for code, said in (
        (shelf["one"], "Trouvé"),
        (shelf["one"], "Déjà scanné"),
        (shelf["beside"], "Pas attendu ici"),
        ("SN-12345", "Code inconnu"),
    ):
        answer = operator.post(f"{here}/scans", data={"code": code}, follow_redirects=True)
        assert said in answer.text, code
    assert "Trouvés\u00a0: 1 sur 2" in answer.text
    assert operator.get(f"{here}/result.pdf").status_code == 404
    settling = supervisor.get(f"{here}/close").text
    choices = dict.fromkeys(re.findall(r'<select[^>]* name="([^"]+)"', settling))
    assert list(choices) == [f"do-{shelf['beside']}", f"do-{shelf['two']}"]
    closed = supervisor.post(
        f"{here}/close", data={f"do-{shelf['beside']}": "put", f"do-{shelf['two']}": "lost"}
    )
    assert closed.status_code == 303, closed.text
    result = operator.get(here).text
    assert "rangé ici" in result
    assert "déclaré introuvable" in result
    with db.read() as session:
        assert register.look(session, shelf["two"]).state is State.MISSING
        assert register.look(session, shelf["beside"]).place_id == shelf["id"]
    printed = operator.get(f"{here}/result.pdf")
    assert printed.mimetype == "application/pdf"
    assert b"pdfuaid" in printed.data
    for said in (
        "Étagère 3",
        "Trouvés : 1 sur 2 attendus",
        "Pas vus : 1",
        "déclaré introuvable",
        "SN-12345",
        "AGOIE",
    ):
        assert said in text(printed.data), said
    assert supervisor.get(f"{here}/close").status_code == 302
    assert supervisor.post(f"{here}/close", data={}).status_code == 303
    assert operator.post(f"{here}/scans", data={"code": shelf["one"]}).status_code == 409


def test_a_page_that_is_behind_shows_what_changed_and_closes_nothing(world, shelf):
    operator, supervisor = world.client(world.operator), world.client(world.supervisor)
    here = taken(world, shelf)
    operator.post(f"{here}/scans", data={"code": shelf["one"]})
    late = supervisor.post(f"{here}/close", data={f"do-{shelf['one']}": "lost"})
    assert late.status_code == 409
    assert "entre-temps" in late.text
    with db.read() as session:
        assert register.look(session, shelf["one"]).state is State.READY
    assert supervisor.post(f"{here}/close", data={f"do-{shelf['two']}": "burn"}).status_code == 400


def test_the_place_is_chosen_in_the_list_and_nonsense_is_told_at_its_field(world, shelf):
    client = world.client(world.operator)
    assert start(client, place=str(shelf["id"])).status_code == 303
    for fields in (
        {},
        {"code": "  "},
        {"code": shelf["one"]},
        {"code": "SN-1"},
        {"place": "999"},
        {"code": "x" * 501},
    ):
        answer = start(client, **fields)
        assert answer.status_code == 422, fields
        assert "field-error" in answer.text
    assert "Continuer\u00a0: Étagère 3" in client.get("/scan/stock-takes").text


def test_the_script_is_given_what_to_say_and_what_to_show(world, shelf):
    client, here = world.client(world.operator), taken(world, shelf)
    sent = {"codes-0": shelf["one"], "codes-1": "SN-12345", "codes-2": shelf["label"]}
    answer = client.post(f"{here}/scans", data=sent)
    assert [each["outcome"] for each in answer.json["scans"]] == ["done", "refused", "refused"]
    assert "Étiquette d’un emplacement" in answer.json["scans"][2]["text"]
    assert 'id="lists"' in answer.json["lists"]
    assert client.post(f"{here}/scans", data=sent).json["scans"][0]["outcome"] == "nothing"
    too_many = {f"codes-{number}": shelf["one"] for number in range(SCANS_MAX + 1)}
    assert client.post(f"{here}/scans", data=too_many).status_code == 400


def test_a_badge_changes_who_counts(world, shelf):
    colleague = world.person(world.workshop, PersonRole.OPERATOR)
    _id, secret = world.station(open_=True)
    station = world.at_station(secret)
    station.post("/station", data={"badge": world.badge(world.operator, pin=None)})
    here = start(station, code=shelf["label"]).location
    changed = station.post(f"{here}/scans", data={"code": world.badge(colleague, pin=None)})
    assert (changed.status_code, changed.location) == (303, "/scan")
    assert station.post(f"{here}/scans", data={"code": shelf["one"]}).status_code == 303


def test_programs_count_too(world, shelf):
    api, boss = world.api(world.operator), world.api(world.supervisor)
    key = str(uuid4())
    made = api.post("/stock-takes", json={"label": shelf["label"]}, key=key)
    assert made.status_code == 201
    assert made.json["expected"] == 2
    path = f"/stock-takes/{made.json['id']}"
    assert made.headers["Location"] == f"/api/v1{path}"
    assert api.post("/stock-takes", json={"label": shelf["label"]}, key=key).json["id"] == made.json["id"]
    assert api.post("/stock-takes", json={"place_id": shelf["id"]}).json["id"] == made.json["id"]
    command = next(iter(commands.COMMANDS.values()))
    scans = api.post(f"{path}/scans", json={"codes": [shelf["one"], shelf["one"], shelf["beside"], command]})
    assert [(each["sight"], each["again"], each["reason"]) for each in scans.json] == [
        ("found", False, None),
        ("found", True, None),
        ("unexpected", False, None),
        (None, False, "bad-code"),
    ]
    live = api.get(path).json
    assert [line["offered"] for line in live["others"]] == [["put", "left"]]
    assert api.post(f"{path}/close", json={}).status_code == 403
    assert boss.post(f"{path}/close", json={"choices": {shelf["one"]: "lost"}}).status_code == 409
    closed = boss.post(f"{path}/close", json={"choices": {shelf["beside"]: "left"}})
    assert closed.json["closed_at"]
    assert boss.post(f"{path}/close", json={}).json == closed.json == api.get(path).json
    late = api.post(f"{path}/scans", json={"codes": [shelf["two"]]})
    assert (late.status_code, late.json["code"]) == (409, "take-closed")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"place_id": 1, "label": "x"},
        {"place_id": "1"},
        {"place_id": 0},
        {"place_id": 2**70},
        {"label": ""},
    ],
)
def test_a_place_must_be_said_once(world, sent):
    assert world.api(world.operator).post("/stock-takes", json=sent).status_code == 422


@pytest.mark.parametrize(
    "sent", [{}, {"codes": []}, {"codes": ["x"] * 501}, {"codes": [1]}, {"codes": ["x" * 501]}]
)
def test_scans_must_be_scans(world, shelf, sent):
    made = world.api(world.operator).post("/stock-takes", json={"place_id": shelf["id"]})
    assert (
        world.api(world.operator).post(f"/stock-takes/{made.json['id']}/scans", json=sent).status_code == 422
    )
