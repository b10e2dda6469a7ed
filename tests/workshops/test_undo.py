"""A scan is taken back: what it did goes back, what it cannot take back says so, and it happens once."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db, journal
from bank.actor import Actor
from bank.db import utcnow
from bank.donations import queries as donations
from bank.inventory import actions as drives
from bank.inventory import queries, register, replay, rules
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import Category, Condition, Device, Drive, ErasureProof, Origin, Place, StepKind
from bank.inventory.register import Standing
from bank.workshops.models import Blocker, BlockerOutcome
from tests.factories import ApiClient, World
from tests.foreign import received_batch
from tests.scanning.test_api import body, drive, kinds, now
from tests.scanning.test_steps import ROUTE, checks, rows


@pytest.fixture
def whole(world: World) -> World:
    """A bank on its whole routes."""
    world.whole_routes()
    return world


def at(world: World, step: str) -> Standing:
    """A laptop that waits for a step of its whole route."""
    position = ROUTE.index(StepKind(step))
    return world.device(State.IN_WORK, step=position + 1, erased=position > ROUTE.index(StepKind.ERASURE))


def undo(code: str, scan_id: str, **changes: Any) -> dict[str, Any]:
    return body(code, "undo", facts={"undoes": scan_id}, **changes)


def scanned(api: ApiClient, code: str, outcome: str = "done", **changes: Any) -> str:
    """The name of a scan that had its effect."""
    made = body(code, outcome, **changes)
    answer = api.post("/scans", json=made)
    assert answer.status_code == 200, answer.json
    return str(made["scan_id"])


def places(standing: Standing) -> dict[str, Any]:
    """Where a device stands, without the tip of its journal."""
    known = now(standing)
    return {name: getattr(known, name) for name in (*register.COLUMNS, "step_kind", "code")}


def gate(standing: Standing) -> int:
    """How many drives are open by their rows and proofs, whatever the register says."""
    with db.read() as session:
        known = drives.known_drives(session, standing.device_id)
        purge = session.scalar(
            sa.select(Origin.purge_asked).join(Device).where(Device.id == standing.device_id)
        )
    return rules.count_open([each.facts for each in known], purge_asked=bool(purge))


def seen(standing: Standing) -> list[Any]:
    """The device's drives, as the gate and the pages see them."""
    with db.read() as session:
        return drives.known_drives(session, standing.device_id)


ERASED = {"drives": [drive()]}
FAILED = {"drives": [drive(result="failed")]}
TWO = {"drives": [drive(), drive("S2", kind="hdd")]}
LEAVES = {"drives": [{"kind": "ssd", "serial": "S1", "fate": "removed"}]}


@pytest.mark.parametrize(
    ("step", "outcome", "facts", "opposite"),
    [
        ("locks", "done", {}, "device.undo"),
        ("erasure", "done", ERASED, "device.undo"),
        ("erasure", "done", FAILED, "device.undo"),
        ("erasure", "done", TWO, "device.undo"),
        ("erasure", "done", LEAVES, "device.undo"),
        ("erasure", "done", {"no_drive": True}, "device.undo"),
        ("erasure", "problem", {"reason": "drive_dead"}, "device.undo"),
        ("repair", "done", {"repairs": ["ram"]}, "device.undo"),
        ("repair", "done", {"repairs": ["storage"]}, "device.undo"),
        ("install", "done", {"os": "debian_13"}, "device.undo"),
        ("functional", "done", {"checks": checks()}, "device.undo"),
        ("functional", "done", {"checks": checks("keyboard")}, "device.undo"),
        ("grading", "done", {"grade": "b", "battery": 80}, "device.undo"),
        ("grading", "done", {"grade": "b", "battery": 8}, "device.undo"),
        ("control", "problem", {"reason": "dirty"}, "device.undo"),
        ("control", "done", {}, "device.reopen"),
    ],
)
def test_everything_is_as_before(
    whole: World, step: str, outcome: str, facts: dict[str, Any], opposite: str
) -> None:
    """The register's columns, the drives and their count, the condition, the blocker; and the journal verifies."""
    device, api = at(whole, step), whole.api(whole.operator)
    stood, had = places(device), seen(device)
    scan_id = scanned(api, device.code, outcome, facts=facts)
    assert kinds(device)[-1] != "device.enter"
    answer = api.post("/scans", json=undo(device.code, scan_id))
    assert (answer.status_code, answer.json["outcome"], answer.json["step"]) == (200, "undone", step)
    assert places(device) == stood
    assert seen(device) == had
    assert gate(device) == stood["open_drives"]
    assert kinds(device)[-1] == opposite
    assert [(each.outcome, each.closed_at is None) for each in rows(Blocker)] in (
        [],
        [(BlockerOutcome.UNDONE, False)],
    )
    for condition in rows(Condition):
        assert (condition.grade, condition.battery_percent, condition.os) == (None, None, None)
        assert (condition.passed, condition.failed) == (frozenset(), frozenset())
    assert replay.verify().faults == []
    # What was undone can be done again.
    assert api.post("/scans", json=body(device.code, outcome, facts=facts)).status_code == 200
    assert replay.verify().faults == []


def test_a_proof_that_was_taken_back_proves_nothing_and_is_kept(whole: World) -> None:
    device, api = at(whole, "erasure"), whole.api(whole.operator)
    scan_id = scanned(api, device.code, facts=ERASED)
    api.post("/scans", json=undo(device.code, scan_id))
    [proof] = rows(ErasureProof)
    assert proof.withdrawn_by is not None
    with db.read() as session:
        entry = session.get_one(journal.Entry, proof.withdrawn_by)
        told = queries.passport(session, device.code)
    assert (entry.kind, json.loads(entry.facts)["step"]) == ("device.undo", "erasure")
    assert (told.erased, told.erased_at, told.deeds) == ((), None, ())
    assert now(device).open_drives == 1
    shown = whole.api(whole.supervisor).get(f"/devices/{device.code}").text
    assert "nwipe" not in shown
    # The gate holds: nothing lets it out of the erasure but a proof.
    assert api.post("/scans", json=body(device.code, facts=FAILED)).json["outcome"] == "kept"
    assert now(device).step_kind is StepKind.ERASURE


def test_the_donors_certificate_leaves_out_what_was_taken_back(world: World) -> None:
    ref = received_batch(world)
    with db.read() as session:
        [first, second] = [each.code for each in donations.told(session, world.supervisor, ref)]
    api = world.api(world.operator)
    scanned(api, first, facts=ERASED)
    mistaken = scanned(api, second, facts={"drives": [drive("S9")]})
    api.post("/scans", json=undo(second, mistaken))
    with db.read() as session:
        told = {each.code: each.drives for each in donations.told(session, world.supervisor, ref)}
    assert [(each.open, each.proof is None) for each in told[first]] == [(False, False)]
    assert [(each.open, each.proof is None, each.serial) for each in told[second]] == [(True, True, None)]


def test_a_step_that_was_undone_is_told_to_nobody(whole: World) -> None:
    """The passport says what was done; a control that was undone was not."""
    device, api = at(whole, "control"), whole.api(whole.operator)
    scan_id = scanned(api, device.code)
    with db.read() as session:
        assert queries.passport(session, device.code).controlled_at is not None
    api.post("/scans", json=undo(device.code, scan_id))
    with db.read() as session:
        told = queries.passport(session, device.code)
    assert (told.controlled_at, told.deeds, told.stage) == (None, (), queries.Stage.IN_PREPARATION)


def test_who_undid_their_work_is_another_person_for_the_control(whole: World) -> None:
    device, api = at(whole, "grading"), whole.api(whole.operator)
    other = whole.api(whole.supervisor)
    facts = {"grade": "b", "battery": 80}
    scan_id = scanned(api, device.code, facts=facts)
    assert api.post("/scans", json=body(device.code)).json["code"] == "same-person"
    assert api.post("/scans", json=undo(device.code, scan_id)).status_code == 200
    scanned(other, device.code, facts=facts)
    assert api.post("/scans", json=body(device.code)).json["outcome"] == "finished"


def test_the_condition_of_before_comes_back(whole: World) -> None:
    device, api = at(whole, "grading"), whole.api(whole.operator)
    first = scanned(api, device.code, facts={"grade": "a", "battery": 90})
    api.post("/scans", json=undo(device.code, first))
    scanned(api, device.code, facts={"grade": "b", "battery": 80})
    scanned(whole.api(whole.supervisor), device.code, "problem", facts={"reason": "not_as_said"})
    scanned(api, device.code, facts={"checks": checks()})
    scanned(api, device.code)
    second = scanned(api, device.code, facts={"grade": "d", "battery": 61})
    api.post("/scans", json=undo(device.code, second))
    [condition] = rows(Condition)
    assert (condition.grade, condition.battery_percent) == ("b", 80)
    assert condition.passed == frozenset(checks())


def test_a_device_that_a_look_brought_in_goes_out_again(world: World) -> None:
    device, api = world.device(), world.api(world.operator)
    scan_id = scanned(api, device.code, "look")
    assert now(device).state is State.IN_WORK
    answer = api.post("/scans", json=undo(device.code, scan_id))
    assert (answer.json["outcome"], answer.json["state"]) == ("undone", "received")
    assert kinds(device)[-2:] == ["device.enter", "device.leave"]


@pytest.mark.parametrize(
    ("category", "facts", "came", "back"),
    [
        (Category.LAPTOP, ERASED, ["device.enter", "device.pass"], ["device.undo", "device.leave"]),
        (Category.LAPTOP, FAILED, ["device.enter", "device.drives"], ["device.undo", "device.leave"]),
        (Category.ACCESSORY, {}, ["device.enter", "device.finish"], ["device.reopen", "device.leave"]),
    ],
)
def test_a_scan_that_came_to_two_entries_is_undone_whole(
    world: World, category: Category, facts: dict[str, Any], came: list[str], back: list[str]
) -> None:
    device, api = world.device(category=category), world.api(world.operator)
    stood, had = places(device), seen(device)
    scan_id = scanned(api, device.code, facts=facts)
    assert kinds(device)[-2:] == came
    made = undo(device.code, scan_id)
    assert api.post("/scans", json=made).json["outcome"] == "undone"
    assert kinds(device)[-2:] == back
    assert (places(device), seen(device)) == (stood, had)
    assert api.post("/scans", json=made).json["outcome"] == "undone"
    assert len(kinds(device)) == 5
    assert replay.verify().faults == []


def test_what_was_read_on_the_device_stays(whole: World) -> None:
    device, api = whole.device(), whole.api(whole.operator)
    scan_id = scanned(api, device.code, facts={"serial": "PF1ABCDE", "maker": "Lenovo"})
    assert kinds(device)[-3:] == ["device.enter", "device.describe", "device.pass"]
    assert api.post("/scans", json=undo(device.code, scan_id)).json["state"] == "received"
    shown = whole.api(whole.supervisor).get(f"/devices/{device.code}").json
    assert shown["maker"] == "Lenovo"
    assert "PF1ABCDE" in str(shown)


def test_a_device_goes_back_to_where_it_stood(world: World) -> None:
    device, api = world.device(State.READY), world.api(world.operator)
    with db.transaction() as session:
        rows_ = [Place(organisation_id=world.workshop, name=name) for name in ("Étagère A", "Étagère B")]
        session.add_all(rows_)
        session.flush()
        first, second = (row.id for row in rows_)
        register.move(
            session, world.operator, register.look(session, device.code), Move.PUT, to={"place_id": first}
        )
    scan_id = str(uuid4())
    with db.transaction() as session:
        register.move(
            session,
            world.operator,
            register.look(session, device.code),
            Move.PUT,
            to={"place_id": second},
            scan=register.ScanMark(scan_id),
        )
    answer = api.post("/scans", json=undo(device.code, scan_id))
    assert (answer.json["outcome"], answer.json["state"]) == ("undone", "ready")
    assert now(device).place_id == first


# --- what cannot be undone says so ---


def refused(api: ApiClient, code: str, scan_id: str) -> str:
    answer = api.post("/scans", json=undo(code, scan_id))
    assert answer.status_code >= 400, answer.json
    assert answer.json["title"]
    assert answer.json["detail"]
    return str(answer.json["code"])


def test_nothing_may_have_happened_since(world: World) -> None:
    device, api = world.device(), world.api(world.operator)
    first = scanned(api, device.code, "look")
    second = scanned(api, device.code, facts=ERASED)
    assert refused(api, device.code, first) == "moved-since"
    assert api.post("/scans", json=undo(device.code, second)).status_code == 200
    assert refused(api, device.code, second) == "undone-already"


def test_a_device_that_is_promised_meanwhile_is_not_reopened(world: World) -> None:
    device, api = world.device(State.IN_WORK, step=2), world.api(world.operator)
    coordinator, scan_id = world.coordinator, scanned(api, device.code)
    with db.transaction() as session:
        register.move(session, coordinator, register.look(session, device.code), Move.RESERVE)
    assert refused(api, device.code, scan_id) == "moved-since"


def test_only_ones_own_scan_but_for_the_supervisor(world: World) -> None:
    device, api = world.device(State.IN_WORK, step=2), world.api(world.operator)
    scan_id = scanned(world.api(world.supervisor), device.code)
    assert refused(api, device.code, scan_id) == "not-yours"
    assert refused(world.api(world.other_operator), device.code, scan_id) == "other-custodian"
    other = world.device(State.IN_WORK, step=2)
    theirs = scanned(api, other.code)
    assert world.api(world.supervisor).post("/scans", json=undo(other.code, theirs)).status_code == 200


def test_not_the_day_after(world: World) -> None:
    device, operator = world.device(), world.operator
    with db.as_of(utcnow() - timedelta(hours=13)), db.transaction() as session:
        register.move(
            session,
            operator,
            register.look(session, device.code),
            Move.BLOCK,
            facts={"reason": "other"},
            scan=register.ScanMark(old := str(uuid4())),
        )
    assert refused(world.api(operator), device.code, old) == "too-late"


@pytest.mark.parametrize("outcome", ["help", "danger", "undo"])
def test_help_a_danger_and_an_undoing_are_for_the_supervisor(world: World, outcome: str) -> None:
    device, api = world.device(State.IN_WORK), world.api(world.operator)
    facts: dict[str, Any] = {"reason": "smell"} if outcome == "danger" else {}
    if outcome == "undo":
        facts = {"undoes": scanned(api, device.code, facts=ERASED)}
    scan_id = scanned(api, device.code, outcome, facts=facts)
    assert refused(api, device.code, scan_id) == "not-undoable"


def test_a_scan_that_did_nothing_or_was_of_another_device(world: World) -> None:
    device, other, api = world.device(State.IN_WORK), world.device(), world.api(world.operator)
    assert refused(api, device.code, scanned(api, device.code, "look")) == "nothing-to-undo"
    assert refused(api, device.code, scanned(api, other.code, "look")) == "nothing-to-undo"
    answer = api.post("/scans", json=body(device.code, "undo"))
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")


# --- once ---


def test_in_a_batch_a_step_and_its_undoing_come_in_order(world: World) -> None:
    device, api = world.device(State.IN_WORK, step=2), world.api(world.operator)
    step = body(device.code)
    sent = [step, undo(device.code, step["scan_id"])]
    for _again in range(2):
        answers = api.post("/scans/batch", json=sent).json
        assert [each["outcome"] for each in answers] == ["finished", "undone"]
    assert now(device).step_kind is StepKind.CONTROL
    assert len(kinds(device)) == 5


def at_once(app: Flask, *calls: Callable[[], Any]) -> list[Any]:
    """What each call answered, begun together."""
    gate_, answers = Barrier(len(calls)), list[Any]([None] * len(calls))

    def run(position: int) -> None:
        with app.app_context():
            gate_.wait()
            answers[position] = calls[position]()

    threads = [Thread(target=run, args=(position,)) for position in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_two_undoings_at_once_are_one(app: Flask, world: World) -> None:
    actors: list[Actor] = [world.operator, world.supervisor]
    for same in (False, True):
        device = world.device(State.IN_WORK, step=2)
        scan_id = scanned(world.api(world.operator), device.code)
        name = str(uuid4())
        sent = [undo(device.code, scan_id) | ({"scan_id": name} if same else {}) for _actor in actors]
        apis = [world.api(world.operator if same else actor) for actor in actors]
        answers = at_once(
            app,
            *(
                lambda api=api, one=one: api.post("/scans", json=one)
                for api, one in zip(apis, sent, strict=True)
            ),
        )
        assert sorted(answer.status_code for answer in answers) == ([200, 200] if same else [200, 409])
        assert kinds(device).count("device.reopen") == 1
    assert replay.verify().faults == []


def test_an_undoing_and_the_next_step_at_once_have_one_winner(app: Flask, world: World) -> None:
    device, api, other = world.device(State.IN_WORK), world.api(world.operator), world.api(world.supervisor)
    scan_id = scanned(api, device.code, facts=ERASED)
    undoing, step = at_once(
        app,
        lambda: api.post("/scans", json=undo(device.code, scan_id)),
        lambda: other.post("/scans", json=body(device.code, station="control")),
    )
    assert sorted([undoing.status_code, step.status_code]) == [200, 409]
    won = State.IN_WORK if undoing.status_code == 200 else State.READY
    assert now(device).state is won
    assert gate(device) == now(device).open_drives
    assert replay.verify().faults == []


def test_the_drives_rows_of_before_are_what_they_were(world: World) -> None:
    """A drive that nobody had seen is unseen again; one that was added is in no device."""
    device, api = world.device(State.IN_WORK), world.api(world.operator)
    scan_id = scanned(api, device.code, facts=TWO)
    api.post("/scans", json=undo(device.code, scan_id))
    with db.read() as session:
        told = [(each.device_id, each.kind, each.serial) for each in session.scalars(sa.select(Drive))]
    assert told == [(device.device_id, "unseen", None), (None, "hdd", "S2")]
