"""A tray: checked without effect, acted on once, taken back, by programs and on the page."""

import re
from typing import Any
from uuid import uuid4, uuid5

import pytest
import sqlalchemy as sa

from bank import db, journal
from bank.actor import Actor
from bank.identity.models import PersonRole
from bank.inventory import places, register, replay
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Label, PlaceKind, StepKind
from bank.inventory.places import PlaceDraft
from bank.inventory.register import Standing
from tests.factories import World
from tests.scanning.test_api import body, kinds, now
from tests.scanning.test_views import text
from tests.workshops.test_undo import at, whole

__all__ = ["whole"]


def place(world: World, name: str = "Étagère A3", actor: Actor | None = None) -> tuple[int, str]:
    """A place of AGOIE's, or of the actor's: its id and its label."""
    actor = actor or world.supervisor
    with db.transaction() as session:
        place_id = places.make(session, actor, PlaceDraft(name, PlaceKind.SHELF))
        return place_id, session.scalars(sa.select(Label.code).where(Label.place_id == place_id)).one()


def tray(action: str, *codes: str, **changes: Any) -> dict[str, Any]:
    return {"tray": str(uuid4()), "action": action, "codes": list(codes)} | changes


def entries() -> int:
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(journal.Entry)) or 0


def told(answer: Any) -> dict[str, str]:
    """By label, what it came to, or why it did not."""
    assert answer.status_code == 200, answer.json
    return {
        line["said"]: line["problem"]["code"] if line["problem"] else line["outcome"] or "ok"
        for line in answer.json["lines"]
    }


def test_a_tray_is_checked_without_effect_and_acted_on_once(world: World) -> None:
    place_id, label = place(world)
    here, ready, gone = world.device(), world.device(State.READY), world.device(State.RECYCLED)
    theirs = world.device(actor=world.other_operator)
    api, things = world.api(world.operator), [here.code, ready.code, gone.code, theirs.code, "7K3F9RTC2H"]
    sent, before = tray("put", *things, place=label), entries()
    checked = told(api.post("/trays", json=sent | {"check": True}))
    assert entries() == before
    assert checked == {
        here.code: "ok",
        ready.code: "ok",
        gone.code: "illegal-move",
        theirs.code: "other-custodian",
        "7K3F9RTC2H": "bad-code",
    }
    for _twice in range(2):
        acted = told(api.post("/trays", json=sent))
        assert acted == {code: "put" if why == "ok" else why for code, why in checked.items()}
        assert entries() == before + 2
    assert {now(each).place_id for each in (here, ready)} == {place_id}
    assert replay.verify().faults == []


def test_the_check_and_the_action_give_the_same_reasons(whole: World) -> None:
    """Every kind of thing, every action: what the check says is what the action does."""
    _place_id, label = place(whole)
    operator, supervisor = whole.api(whole.operator), whole.api(whole.supervisor)
    things = [
        whole.device(),
        whole.device(category=Category.SCREEN),
        *(at(whole, step.value) for step in StepKind),
        *(whole.device(state) for state in State if state not in (State.ANNOUNCED, State.IN_WORK)),
        whole.device(actor=whole.other_operator),
    ]
    worked = at(whole, "cleaning")
    operator.post("/scans", json=body(worked.code))
    blocked = at(whole, "locks")
    operator.post("/scans", json=body(blocked.code, "problem", facts={"reason": "managed"}))
    danger = at(whole, "locks")
    operator.post("/scans", json=body(danger.code, "danger", facts={"reason": "smell"}))
    codes = [each.code for each in [*things, worked, blocked, danger]]
    wanted: list[dict[str, Any]] = [
        {"action": "put", "place": label},
        {"action": "problem", "reason": "other"},
        {"action": "problem", "reason": "drive_dead"},
        {"action": "ship", "to": whole.other_workshop},
        *(
            {"action": "pass", "station": step}
            for step in ("cleaning", "locks", "power_on", "control", "marks")
        ),
    ]
    for each in wanted:
        api = supervisor if each["action"] == "ship" else operator
        sent = {"tray": str(uuid4()), "codes": codes, **each}
        checked = told(api.post("/trays", json=sent | {"check": True}))
        answer = api.post("/trays", json=sent)
        acted = told(answer)
        assert {code: why for code, why in acted.items() if checked[code] != "ok"} == {
            code: why for code, why in checked.items() if why != "ok"
        }, each
        done = {line["said"] for line in answer.json["lines"] if line["problem"] is None}
        assert done == {code for code, why in checked.items() if why == "ok"}, each
    assert replay.verify().faults == []


def test_a_thing_scanned_twice_is_one_and_five_hundred_are_enough(world: World) -> None:
    device, api = world.device(State.IN_WORK, step=2), world.api(world.operator)
    address = f"http://localhost/d/{device.code}"
    answer = api.post(
        "/trays", json=tray("pass", device.code, device.code.lower(), address, station="control")
    )
    assert told(answer) == {device.code: "finished"}
    assert api.post("/trays", json=tray("pass", *["x"] * 501, station="control")).status_code == 422
    assert api.post("/trays", json=tray("pass", station="control")).status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "put"},
        {"action": "put", "place": "7K3F9RTC2H"},
        {"action": "pass"},
        {"action": "pass", "station": "grading"},
        {"action": "problem"},
        {"action": "problem", "reason": "smell"},
        {"action": "ship"},
        {"action": "labels"},
        {"action": "hand_over"},
    ],
)
def test_a_tray_that_is_not_whole_does_nothing(world: World, wrong: dict[str, Any]) -> None:
    device, before = world.device(State.IN_WORK, step=2), entries()
    sent = {"tray": str(uuid4()), "codes": [device.code], **wrong}
    answer = world.api(world.supervisor).post("/trays", json=sent)
    assert answer.status_code in {404, 422}, answer.json
    assert entries() == before


def test_anothers_place_is_no_place(world: World) -> None:
    other = world.person(world.other_workshop, PersonRole.SUPERVISOR)
    _theirs, label = place(world, actor=other)
    answer = world.api(world.operator).post("/trays", json=tray("put", world.device().code, place=label))
    assert answer.status_code == 404


def test_a_scan_can_put_a_device_in_its_place_too(world: World) -> None:
    place_id, label = place(world)
    device, api = world.device(), world.api(world.operator)
    made = body(device.code, "put", facts={"place": label})
    for _twice in range(2):
        answer = api.post("/scans", json=made)
        assert (answer.status_code, answer.json["outcome"]) == (200, "put")
    assert (now(device).place_id, kinds(device)[-1]) == (place_id, "device.put")
    again = api.post("/scans", json=body(device.code, "put", facts={"place": label}))
    assert again.json["outcome"] == "put"
    assert len(kinds(device)) == 2


# --- on the page ---


def filled(page: Any) -> dict[str, str]:
    """The hidden fields of the page's form."""
    names = "idempotency_key|tray|codes"
    return dict(re.findall(rf'name="({names})"[^>]*value="([^"]*)"', page.text))


def things(world: World) -> tuple[Standing, Standing, Standing]:
    return world.device(State.IN_WORK, step=2), world.device(State.IN_WORK, step=2), world.device()


def test_a_tray_without_a_script(world: World) -> None:
    first, second, early = things(world)
    client = world.client(world.operator)
    assert "Imprimer les étiquettes" in text(client.get("/scan/tray"))
    assert "Envoyer à une autre structure" not in text(client.get("/scan/tray"))
    form = filled(client.get("/scan/tray/pass"))
    codes = f"{first.code}\n{second.code}\n{early.code}\n"
    before = entries()
    checked = client.post(
        "/scan/tray/pass", data=form | {"codes": codes, "station": "control", "then": "check"}
    )
    assert checked.status_code == 200
    assert "ne convient pas" in text(checked)
    assert "Retirer ceux qui ne conviennent pas (1)" in text(checked)
    dropped = client.post(
        "/scan/tray/pass", data=form | {"codes": codes, "station": "control", "then": "drop"}
    )
    assert early.code not in dropped.text
    assert entries() == before
    for _twice in range(2):
        acted = client.post(
            "/scan/tray/pass", data=form | {"codes": codes, "station": "control", "then": "act"}
        )
        assert "2 matériels faits. 1 ne convenait pas" in text(acted)
        assert entries() == before + 2
    assert {now(each).state for each in (first, second)} == {State.READY}
    # One of them moves on; the other goes back.
    with db.transaction() as session:
        register.move(session, world.operator, register.look(session, second.code), register.Move.RESERVE)
    undone = client.post("/scan/tray/undo", data=filled(acted))
    assert "1 matériel annulé. 1 ne convenait pas" in text(undone)
    assert "Autre chose a été fait depuis" in text(undone)
    assert (now(first).state, now(second).state) == (State.IN_WORK, State.RESERVED)
    assert client.post("/scan/tray/undo", data=filled(acted)).status_code == 200
    assert replay.verify().faults == []


def test_each_things_scan_is_named_after_the_tray(world: World) -> None:
    device, name = world.device(State.IN_WORK, step=2), uuid4()
    world.api(world.operator).post(
        "/trays", json=tray("pass", device.code, station="control", tray=str(name))
    )
    with db.read() as session:
        entry = session.scalars(
            sa.select(journal.Entry).where(journal.Entry.scan_id == str(uuid5(name, device.code)))
        ).one()
    assert entry.kind == "device.finish"


def test_one_thing_is_checked_at_once(world: World) -> None:
    place_id, label = place(world)
    device, client, before = world.device(), world.client(world.operator), entries()
    where = client.post("/scan/tray/check", json={"action": "put", "place": label, "code": None})
    assert where.json == {"where": "Étagère A3", "line": None}
    line = client.post("/scan/tray/check", json={"action": "put", "place": label, "code": device.code}).json[
        "line"
    ]
    assert (line["ok"], line["what"]) == (True, "ordinateur portable")
    wrong = client.post("/scan/tray/check", json={"action": "put", "place": device.code, "code": None})
    assert (wrong.status_code, wrong.json["code"]) == (404, "not-found")
    for worst in ({}, [], {"action": "fly"}, {"action": "put", "place": 3}, "x"):
        assert client.post("/scan/tray/check", json=worst).status_code in {400, 422}
    assert entries() == before
    assert place_id


def test_labels_and_hand_over_lead_to_their_own_pages(world: World) -> None:
    world.programme_rsa()
    client = world.client(world.person(world.workshop, PersonRole.OPERATOR, PersonRole.DESK))
    device, other = world.device(State.READY), world.device()
    form = filled(client.get("/scan/tray/labels"))
    answer = client.post(
        "/scan/tray/labels", data=form | {"codes": f"{device.code}\n{other.code}", "then": "act"}
    )
    assert answer.status_code == 303
    assert answer.location == f"/labels/print?device={device.code}&device={other.code}"
    nobody = client.post("/scan/tray/hand_over", data=form | {"codes": other.code, "then": "act"})
    assert nobody.status_code == 422


def test_a_choice_is_asked_for_at_its_field(world: World) -> None:
    client, device = world.client(world.supervisor), world.device()
    for action, said in (
        ("put", "Scannez d’abord l’étiquette de l’emplacement."),
        ("pass", "Choisissez l’étape."),
        ("problem", "Choisissez le problème."),
        ("ship", "Choisissez qui reçoit."),
    ):
        form = filled(client.get(f"/scan/tray/{action}"))
        answer = client.post(f"/scan/tray/{action}", data=form | {"codes": device.code, "then": "act"})
        assert answer.status_code == 422
        assert said in text(answer)
        assert device.code in answer.text
    assert client.get("/scan/tray/fly").status_code == 404
    assert world.client(world.operator).get("/scan/tray/ship").status_code == 403
