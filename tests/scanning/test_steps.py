"""What a scan says besides *done*, and what each step takes down, by programs and on the pages."""

from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db, journal
from bank.identity.models import PersonRole
from bank.inventory import register, replay
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Condition, Drive, DriveKind, Grade, StepKind
from bank.inventory.register import Standing
from bank.workshops import actions
from bank.workshops.models import Blocker, HelpCall, Problem
from bank.workshops.rules import FUNCTIONS
from tests.factories import World
from tests.scanning.test_views import done, text

ROUTE = list(StepKind)


@pytest.fixture
def whole(world: World) -> World:
    """A bank on its whole routes."""
    world.whole_routes()
    return world


def at(world: World, step: str, category: Category = Category.LAPTOP) -> Standing:
    """A laptop that waits for a step of its whole route."""
    return world.device(State.IN_WORK, step=ROUTE.index(StepKind(step)) + 1, category=category)


def body(code: str, outcome: str = "done", **changes: Any) -> dict[str, Any]:
    return {"scan_id": str(uuid4()), "code": code, "outcome": outcome} | changes


def now(standing: Standing) -> Standing:
    with db.read() as session:
        return register.look(session, standing.code)


def rows(model: Any) -> list[Any]:
    with db.read() as session:
        return list(session.scalars(sa.select(model)))


def last_entry() -> journal.Entry:
    with db.read() as session:
        return session.scalars(sa.select(journal.Entry).order_by(journal.Entry.id.desc()).limit(1)).one()


def checks(*failed: str) -> dict[str, str]:
    functions = [function.value for function in FUNCTIONS[Category.LAPTOP]]
    return {name: "failed" if name in failed else "passed" for name in functions}


# --- what each step takes down ---


def test_what_is_read_at_the_first_step_is_the_devices(whole: World) -> None:
    device, api = at(whole, "power_on"), whole.api(whole.operator)
    read = {"serial": " pf1 abcde", "maker": "Lenovo", "model": "T480"}
    assert api.post("/scans", json=body(device.code, facts=read)).json["step"] == "locks"
    shown = whole.api(whole.supervisor).get(f"/devices/{device.code}").json
    assert (shown["maker"], shown["model"]) == ("Lenovo", "T480")
    assert "PF1ABCDE" in str(shown)
    junk = at(whole, "power_on")
    refused = api.post("/scans", json=body(junk.code, facts={"serial": "To Be Filled By O.E.M."}))
    assert (refused.status_code, refused.json["errors"]) == (422, {"serial": ["placeholder"]})
    assert now(junk) == junk


def test_a_system_and_its_last_day_are_kept_and_windows_10_is_refused(whole: World) -> None:
    device, api = at(whole, "install"), whole.api(whole.operator)
    old = api.post("/scans", json=body(device.code, facts={"os": "windows_10"}))
    assert (old.status_code, old.json["why"]) == (422, "os-unsupported")
    assert now(device) == device
    assert api.post("/scans", json=body(device.code, facts={"os": "debian_13"})).json["step"] == "functional"
    [condition] = rows(Condition)
    assert (condition.os, condition.os_until.isoformat()) == ("debian_13", "2030-06-30")
    assert '"os_until":"2030-06-30"' in last_entry().facts


def test_what_works_and_how_it_looks_are_kept(whole: World) -> None:
    device, api = at(whole, "functional"), whole.api(whole.operator)
    api.post("/scans", json=body(device.code, facts={"checks": checks()}))
    api.post("/scans", json=body(device.code))
    graded = api.post("/scans", json=body(device.code, facts={"grade": "c", "battery": 71}))
    assert graded.json["step"] == "control"
    [condition] = rows(Condition)
    assert (condition.grade, condition.battery_percent, condition.failed) == (Grade.C, 71, frozenset())
    assert condition.passed == frozenset(checks())


@pytest.mark.parametrize(
    ("step", "facts", "problem"),
    [
        ("functional", {"checks": checks("keyboard")}, "keyboard_broken"),
        ("grading", {"grade": "a", "battery": 40}, "battery_dead"),
    ],
)
def test_what_the_record_finds_wrong_keeps_the_device(
    whole: World, step: str, facts: dict[str, Any], problem: str
) -> None:
    device, api = at(whole, step), whole.api(whole.operator)
    scan = body(device.code, facts=facts)
    answer = api.post("/scans", json=scan)
    assert (answer.json["outcome"], answer.json["reason"]) == ("blocked", "blocked")
    assert (answer.json["problem"], answer.json["step"]) == (problem, step)
    assert api.post("/scans", json=scan).json == answer.json
    [condition] = rows(Condition)
    assert (condition.failed, condition.battery_percent) in (
        (frozenset({"keyboard"}), None),
        (frozenset(), 40),
    )
    assert replay.verify().faults == []


def test_a_drive_that_was_put_in_goes_back_to_the_erasure(whole: World) -> None:
    """Nobody has proven the new drive empty: the gate must not open for it."""
    device, api = at(whole, "repair"), whole.api(whole.operator)
    scan = body(device.code, facts={"repairs": ["storage"]})
    answer = api.post("/scans", json=scan)
    assert (answer.json["outcome"], answer.json["step"], answer.json["open_drives"]) == (
        "sent_back",
        "erasure",
        1,
    )
    assert api.post("/scans", json=scan).json == answer.json
    assert DriveKind.UNSEEN in [drive.kind for drive in rows(Drive) if drive.fate == "present"]
    assert replay.verify().faults == []


# --- a problem ---


def test_a_problem_stops_the_device_until_it_is_settled(whole: World) -> None:
    device, api = at(whole, "locks"), whole.api(whole.operator)
    scan = body(device.code, "problem", station="locks", facts={"reason": "bios_password"})
    told = api.post("/scans", json=scan)
    assert (told.json["outcome"], told.json["problem"], told.json["step"]) == (
        "blocked",
        "bios_password",
        "locks",
    )
    assert api.post("/scans", json=scan).json == told.json
    [blocker] = rows(Blocker)
    assert (blocker.step, blocker.opened_by, blocker.danger) == (
        StepKind.LOCKS,
        whole.operator.person_id,
        False,
    )
    passed = api.post("/scans", json=body(device.code))
    assert (passed.status_code, passed.json["code"], passed.json["problem"]) == (
        409,
        "blocked",
        "bios_password",
    )
    again = api.post("/scans", json=body(device.code, "problem", facts={"reason": "managed"}))
    assert again.json["code"] == "blocked"
    looked = api.post("/scans", json=body(device.code, "look"))
    assert (looked.json["outcome"], looked.json["problem"]) == ("nothing", "bios_password")

    supervisor = whole.supervisor
    with db.transaction() as session:
        actions.resolve(session, supervisor, register.look(session, device.code))
    assert api.post("/scans", json=scan).json == told.json
    assert now(device).blocker_id is None
    assert api.post("/scans", json=body(device.code)).json["outcome"] == "passed"
    assert replay.verify().faults == []


@pytest.mark.parametrize("facts", [None, {}, {"reason": "no_power"}, {"reason": "smell"}])
def test_only_a_problem_of_the_step_is_one(whole: World, facts: Any) -> None:
    device = at(whole, "locks")
    answer = whole.api(whole.operator).post("/scans", json=body(device.code, "problem", facts=facts))
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert now(device) == device


def test_a_problem_with_what_has_just_arrived_is_one_of_its_first_step(whole: World) -> None:
    device = whole.device()
    scan = body(device.code, "problem", facts={"reason": "no_power"})
    answer = whole.api(whole.operator).post("/scans", json=scan)
    assert (answer.json["outcome"], answer.json["step"]) == ("blocked", "power_on")


@pytest.mark.parametrize(
    ("reason", "step"), [("dirty", "cleaning"), ("not_as_said", "functional"), ("screen_broken", "repair")]
)
def test_a_failed_control_goes_back_to_the_step_that_mends_it(whole: World, reason: str, step: str) -> None:
    device, api = at(whole, "control"), whole.api(whole.operator)
    scan = body(device.code, "problem", facts={"reason": reason})
    answer = api.post("/scans", json=scan)
    assert (answer.json["outcome"], answer.json["step"], answer.json["problem"]) == (
        "sent_back",
        step,
        reason,
    )
    assert api.post("/scans", json=scan).json == answer.json
    assert now(device).blocker_id is None


def test_what_no_step_of_the_route_mends_is_blocked(world: World) -> None:
    device = world.device(State.IN_WORK, step=2)
    scan = body(device.code, "problem", facts={"reason": "dirty"})
    assert world.api(world.operator).post("/scans", json=scan).json["outcome"] == "blocked"


def test_two_people_who_tell_a_problem_at_once_stop_the_device_once(app: Flask, whole: World) -> None:
    device = at(whole, "locks")
    clients = [whole.api(whole.operator), whole.api(whole.supervisor)]
    scans = [body(device.code, "problem", facts={"reason": "managed"}) for _ in clients]
    start, answers = Barrier(2), []

    def send(number: int) -> None:
        with app.app_context():
            start.wait()
            answers.append(clients[number].post("/scans", json=scans[number]))

    threads = [Thread(target=send, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(rows(Blocker)) == 1
    assert replay.verify().faults == []


# --- the second person ---


def test_who_worked_on_it_does_not_control_it(whole: World) -> None:
    device, api = at(whole, "cleaning"), whole.api(whole.operator)
    second = whole.api(whole.person(whole.workshop, PersonRole.OPERATOR))
    assert api.post("/scans", json=body(device.code)).json["step"] == "grading"
    second.post("/scans", json=body(device.code, facts={"grade": "b", "battery": 90}))
    for one in (api, second):
        refused = one.post("/scans", json=body(device.code))
        assert (refused.status_code, refused.json["code"]) == (409, "same-person")
    third = whole.api(whole.person(whole.workshop, PersonRole.OPERATOR))
    assert third.post("/scans", json=body(device.code)).json["outcome"] == "finished"


def test_the_supervisor_counts_as_a_second_person(whole: World) -> None:
    device, api = at(whole, "grading"), whole.api(whole.supervisor)
    api.post("/scans", json=body(device.code, facts={"grade": "b", "battery": 90}))
    assert api.post("/scans", json=body(device.code)).json["outcome"] == "finished"


# --- help ---


def test_help_is_called_once_and_the_work_goes_on(whole: World) -> None:
    device, api = at(whole, "locks"), whole.api(whole.operator)
    scan = body(device.code, "help")
    called = api.post("/scans", json=scan)
    assert (called.json["outcome"], called.json["step"]) == ("help_called", "locks")
    assert api.post("/scans", json=scan).json == called.json
    assert api.post("/scans", json=body(device.code, "help")).json["outcome"] == "help_called"
    [call] = rows(HelpCall)
    assert (call.device_id, call.step) == (device.device_id, StepKind.LOCKS)
    assert now(device) == device
    assert api.post("/scans", json=body(device.code)).json["outcome"] == "passed"

    supervisor = whole.supervisor
    with db.transaction() as session:
        actions.answer_help(session, supervisor, call.id)
    assert api.post("/scans", json=scan).json == called.json
    assert len(rows(HelpCall)) == 1
    api.post("/scans", json=body(device.code, "help"))
    assert len(rows(HelpCall)) == 2


# --- danger ---


@pytest.mark.parametrize("state", [State.RECEIVED, State.IN_WORK, State.READY])
def test_a_danger_stops_what_the_workshop_has(world: World, state: State) -> None:
    device, api = world.device(state), world.api(world.operator)
    scan = body(device.code, "danger", facts={"reason": "battery_swollen"})
    answer = api.post("/scans", json=scan)
    assert (answer.json["outcome"], answer.json["problem"]) == ("blocked", "battery_swollen")
    assert api.post("/scans", json=scan).json == answer.json
    [blocker] = rows(Blocker)
    assert (blocker.danger, now(device).blocker_id) == (True, blocker.id)
    assert now(device).state is (State.IN_WORK if state is State.READY else state)
    assert api.post("/scans", json=body(device.code, facts={"no_drive": True})).json["code"] == "blocked"
    assert replay.verify().faults == []


def test_what_is_blocked_already_turns_into_a_danger(whole: World) -> None:
    device, api = at(whole, "locks"), whole.api(whole.operator)
    api.post("/scans", json=body(device.code, "problem", facts={"reason": "managed"}))
    answer = api.post("/scans", json=body(device.code, "danger", facts={"reason": "smell"}))
    assert answer.json["outcome"] == "blocked"
    [blocker] = rows(Blocker)
    assert (blocker.problem, blocker.danger) == (Problem.SMELL, True)


def test_a_danger_in_what_is_promised_to_somebody_calls_for_help(world: World) -> None:
    device, api = world.device(State.RESERVED), world.api(world.operator)
    scan = body(device.code, "danger", facts={"reason": "smell"})
    answer = api.post("/scans", json=scan)
    assert (answer.json["outcome"], answer.json["problem"]) == ("help_called", "smell")
    assert api.post("/scans", json=scan).json == answer.json
    assert now(device) == device
    assert len(rows(HelpCall)) == 1


@pytest.mark.parametrize("facts", [None, {"reason": "no_power"}])
def test_a_danger_says_which(world: World, facts: Any) -> None:
    device = world.device(State.IN_WORK)
    answer = world.api(world.operator).post("/scans", json=body(device.code, "danger", facts=facts))
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")


# --- in batches ---


def test_whatever_is_said_in_a_batch_is_answered_alike_when_it_is_sent_again(whole: World) -> None:
    one, other, api = at(whole, "locks"), at(whole, "marks"), whole.api(whole.operator)
    sent = [
        body(one.code, "help"),
        body(one.code),
        body(one.code, "danger", facts={"reason": "smell"}),
        body(other.code, "problem", facts={"reason": "marks_stuck"}),
        body(other.code, "look"),
    ]
    first = api.post("/scans/batch", json=sent).json
    outcomes = ["help_called", "passed", "blocked", "blocked", "nothing"]
    assert [item.get("outcome") for item in first] == outcomes
    assert api.post("/scans/batch", json=sent).json == first


def test_a_scans_name_that_said_one_thing_cannot_say_another(whole: World) -> None:
    device, api = at(whole, "locks"), whole.api(whole.operator)
    scan = body(device.code, "help")
    api.post("/scans", json=scan)
    for outcome in ("done", "problem"):
        answer = api.post("/scans", json=scan | {"outcome": outcome, "facts": None})
        assert answer.status_code == 422


# --- on the pages ---


def told(client: Any, device: Standing, what: str, **fields: str) -> Any:
    return client.post(f"/scan/{device.code}/{what}", data={"idempotency_key": str(uuid4()), **fields})


def test_a_problem_on_the_page_says_where_to_carry_it(whole: World) -> None:
    device, client = at(whole, "locks"), whole.client(whole.operator)
    page = client.get(f"/scan/{device.code}")
    assert "Mot de passe au démarrage" in text(page)
    answer = told(client, device, "problem", station="locks", reason="bios_password")
    assert (answer.status_code, answer.location) == (303, "/scan")
    assert "Portez-le à l’étagère des bloqués" in text(client.get("/scan"))
    shown = text(client.get(f"/scan/{device.code}"))
    assert "Bloqué : Mot de passe au démarrage" in shown
    assert "C’est fait" not in shown
    refused = done(client, device, "locks")
    assert refused.status_code == 409
    assert "Mot de passe au démarrage" in text(refused)


def test_help_on_the_page_leaves_the_device_in_hand(whole: World) -> None:
    device, client = at(whole, "locks"), whole.client(whole.operator)
    answer = told(client, device, "help", station="locks")
    assert answer.location == f"/scan/{device.code}"
    assert "Quelqu’un arrive" in text(client.get(answer.location))
    client.post("/scan/help", data={"idempotency_key": str(uuid4())})
    assert "Quelqu’un arrive" in text(client.get("/scan"))
    assert len(rows(HelpCall)) == 1


def test_a_danger_on_the_page_says_what_to_do_at_once_whatever_becomes_of_the_scan(whole: World) -> None:
    device, client = at(whole, "locks"), whole.client(whole.operator)
    answer = told(client, device, "danger", reason="battery_swollen")
    assert answer.location == f"/scan/{device.code}/danger/battery_swollen"
    assert "Ne l’ouvrez pas" in text(client.get(answer.location))
    foreign = told(whole.client(whole.other_operator), device, "danger", reason="smell")
    assert foreign.status_code == 403
    assert "Éloignez-vous" in text(foreign)
    assert told(client, device, "danger", reason="rain").status_code == 400
    assert client.get(f"/scan/{device.code}/danger/rain").status_code == 404


def test_a_record_that_is_not_whole_is_said_at_its_field_with_what_was_typed(whole: World) -> None:
    client = whole.client(whole.operator)
    for step, fields, said in (
        ("repair", {"repairs": ["none", "ram"]}, "Gardez l’un ou l’autre"),
        ("install", {}, "Choisissez ce que vous avez installé"),
        ("install", {"os": "windows_10"}, "n’est plus tenu à jour"),
        ("functional", {"check_screen": "failed"}, "Répondez à cette question"),
        ("grading", {"grade": "b"}, "Écrivez ce qui reste de la batterie"),
        ("power_on", {"serial": "0000000"}, "Ce n’est pas un vrai numéro"),
    ):
        device = at(whole, step)
        answer = done(client, device, step, **fields)
        assert answer.status_code == 422, step
        assert said in text(answer), step
        assert now(device) == device


def test_what_was_installed_last_is_where_the_next_form_starts(whole: World) -> None:
    client, one, other = whole.client(whole.operator), at(whole, "install"), at(whole, "install")
    assert "checked" not in client.get(f"/scan/{one.code}").text
    done(client, one, "install", os="ubuntu_24_04")
    page = client.get(f"/scan/{other.code}").text
    assert page.count("checked") == 1
    assert 'value="windows_10"' not in page


def test_who_worked_on_it_is_told_before_pressing(whole: World) -> None:
    client, device = whole.client(whole.operator), at(whole, "grading")
    done(client, device, "grading", grade="a", battery="88")
    page = text(client.get(f"/scan/{device.code}"))
    assert "Donnez-le à une autre personne" in page
    assert "C’est fait" not in page
    assert "C’est fait" in text(whole.client(whole.supervisor).get(f"/scan/{device.code}"))
