"""The path of a scan over HTTP: one effect, the right answer, few statements."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from bank import db, journal
from bank.actor import Permission
from bank.inventory import codes, register, replay
from bank.inventory.lifecycle import State
from bank.inventory.models import (
    Category,
    Drive,
    ErasureProof,
    Label,
    LabelState,
    Route,
    Step,
    StepKind,
)
from bank.inventory.register import Standing
from tests.factories import World

GONE = {"no_drive": True}


def drive(serial: str = "S1", **changes: Any) -> dict[str, Any]:
    return {
        "kind": "ssd",
        "serial": serial,
        "size_gb": 256,
        "method": "purge_ata_sanitize",
        "tool": "nwipe",
        "tool_version": "0.37",
        "result": "passed",
    } | changes


def body(code: str, outcome: str = "done", **changes: Any) -> dict[str, Any]:
    return {"scan_id": str(uuid4()), "code": code, "outcome": outcome} | changes


def erased(*drives: dict[str, Any]) -> dict[str, Any]:
    return {"drives": list(drives or (drive(),))}


def now(standing: Standing) -> Standing:
    with db.read() as session:
        return register.look(session, standing.code)


def kinds(standing: Standing) -> list[str]:
    with db.read() as session:
        return list(
            session.scalars(
                sa.select(journal.Entry.kind)
                .where(journal.Entry.subject == "device", journal.Entry.subject_id == standing.device_id)
                .order_by(journal.Entry.seq)
            )
        )


def drives_of(standing: Standing) -> list[Any]:
    with db.read() as session:
        return list(
            session.execute(
                sa.select(Drive.kind, Drive.serial, Drive.fate, ErasureProof.result, ErasureProof.entry_id)
                .outerjoin(ErasureProof, ErasureProof.drive_id == Drive.id)
                .where(Drive.device_id == standing.device_id)
                .order_by(Drive.id, ErasureProof.id)
            )
        )


# --- the path ---


def test_a_laptop_goes_from_reception_to_ready_in_three_scans(world: World) -> None:
    device, api = world.device(), world.api(world.operator)

    first = api.post("/scans", json=body(device.code, "look"))
    assert first.status_code == 200
    assert first.json["outcome"] == "entered"
    assert (first.json["state"], first.json["step"], first.json["device"]) == (
        "in_work",
        "erasure",
        device.code,
    )

    second = api.post("/scans", json=body(device.code, station="erasure", facts=erased()))
    assert (second.json["outcome"], second.json["step"], second.json["open_drives"]) == (
        "passed",
        "control",
        0,
    )

    third = world.api(world.supervisor).post("/scans", json=body(device.code, station="control"))
    assert (third.json["outcome"], third.json["state"], third.json["step"]) == ("finished", "ready", None)

    assert kinds(device) == ["device.receive", "device.enter", "device.pass", "device.finish"]
    [row] = drives_of(device)
    assert (row.kind, row.serial, row.result) == ("ssd", "S1", "passed")
    assert replay.verify().faults == []


def test_the_first_scan_may_bring_the_proof_of_erasure(world: World) -> None:
    device = world.device()
    answer = world.api(world.operator).post("/scans", json=body(device.code, facts=erased()))
    assert (answer.json["outcome"], answer.json["step"]) == ("passed", "control")
    assert kinds(device) == ["device.receive", "device.enter", "device.pass"]


def test_a_screen_has_a_control_only(world: World) -> None:
    device = world.device(category=Category.SCREEN)
    answer = world.api(world.operator).post("/scans", json=body(device.code))
    assert (answer.json["outcome"], answer.json["state"]) == ("finished", "ready")


def test_looking_at_a_device_at_work_writes_nothing(world: World) -> None:
    device = world.device(State.IN_WORK)
    answer = world.api(world.operator).post("/scans", json=body(device.code, "look"))
    assert (answer.json["outcome"], answer.json["step"]) == ("nothing", "erasure")
    assert now(device) == device


@pytest.mark.parametrize("outcome", ["look", "done"])
@pytest.mark.parametrize(
    "state", [State.READY, State.RESERVED, State.HANDED_OVER, State.MISSING, State.RECYCLED]
)
def test_a_device_that_is_not_at_work_is_named_and_left_alone(
    world: World, state: State, outcome: str
) -> None:
    device = world.device(state)
    answer = world.api(world.operator).post("/scans", json=body(device.code, outcome))
    assert answer.status_code == 200
    assert (answer.json["outcome"], answer.json["state"], answer.json["step"]) == (
        "nothing",
        state.value,
        None,
    )
    assert now(device) == device


def test_the_clients_time_is_kept_beside_the_time_of_arrival(world: World) -> None:
    device = world.device(State.IN_WORK, step=2)
    seen = datetime(2026, 3, 1, 9, 30, 15, 123456, UTC)
    world.api(world.operator).post("/scans", json=body(device.code, at=seen.isoformat()))
    with db.read() as session:
        entry = session.scalars(sa.select(journal.Entry).order_by(journal.Entry.id.desc()).limit(1)).one()
    assert entry.client_at_us == round(seen.timestamp() * 1_000_000)
    assert entry.at_us > entry.client_at_us


# --- refusals: nothing is written, the reason is said ---


def problem(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status_code, answer.json["code"]


@pytest.mark.parametrize("outcome", ["look", "done"])
@pytest.mark.parametrize("state", [State.RECEIVED, State.IN_WORK, State.READY])
def test_only_who_holds_a_device_works_on_it(world: World, state: State, outcome: str) -> None:
    device = world.device(state)
    answer = world.api(world.other_operator).post("/scans", json=body(device.code, outcome, facts=GONE))
    assert problem(answer) == (403, "other-custodian")
    assert now(device) == device


def test_a_station_does_its_own_step_only(world: World) -> None:
    device = world.device(State.IN_WORK)
    answer = world.api(world.operator).post("/scans", json=body(device.code, station="control"))
    assert problem(answer) == (409, "out-of-step")
    assert answer.json["step"] == "erasure"
    assert now(device) == device


def test_a_received_device_does_not_enter_its_route_at_the_wrong_station(world: World) -> None:
    device = world.device()
    answer = world.api(world.operator).post("/scans", json=body(device.code, "look", station="control"))
    assert problem(answer) == (409, "out-of-step")
    assert now(device) == device


@pytest.mark.parametrize("state", [State.RECEIVED, State.IN_WORK])
@pytest.mark.parametrize("facts", [None, {}, {"drives": []}, {"drives": [drive()], "no_drive": True}])
def test_erasure_asks_for_every_drive_or_for_the_word_that_there_is_none(
    world: World, state: State, facts: Any
) -> None:
    device = world.device(state)
    answer = world.api(world.operator).post("/scans", json=body(device.code, facts=facts))
    assert problem(answer) == (422, "evidence-missing")
    assert now(device) == device


def test_a_category_without_a_route_in_force_stays_where_it_is(world: World) -> None:
    device = world.device()
    with db.transaction() as session:
        session.execute(
            sa.update(Route).where(Route.category == Category.LAPTOP).values(valid_until=date(2021, 1, 1))
        )
    answer = world.api(world.operator).post("/scans", json=body(device.code, "look"))
    assert problem(answer) == (409, "no-route")
    assert now(device) == device


def test_the_route_that_began_last_is_the_one_in_force(world: World) -> None:
    device = world.device()
    with db.transaction() as session:
        route = Route(category=Category.LAPTOP, valid_from=date(2026, 3, 1), source="test")
        session.add(route)
        session.flush()
        session.add(Step(route_id=route.id, position=1, kind=StepKind.CONTROL))
    answer = world.api(world.operator).post("/scans", json=body(device.code, "look"))
    assert answer.json["step"] == "control"


@pytest.mark.parametrize(
    ("actor", "status", "code"),
    [("donor_user", 403, "not-allowed"), ("coordinator", 403, "not-allowed"), (None, 401, "not-signed-in")],
)
@pytest.mark.parametrize("path", ["/scans", "/scans/batch"])
def test_a_scan_needs_the_right_to_scan(
    world: World, path: str, actor: str | None, status: int, code: str
) -> None:
    device = world.device(State.IN_WORK)
    one = body(device.code, "look")
    sent = [one] if path.endswith("batch") else one
    if actor is None:
        answer = world.anonymous().post(f"/api/v1{path}", json=sent)
    else:
        answer = world.api(getattr(world, actor)).post(path, json=sent)
    assert problem(answer) == (status, code)


@pytest.mark.parametrize("broken", ["expired", "narrow", "unknown"])
def test_a_token_that_does_not_hold_scans_nothing(world: World, broken: str) -> None:
    device = world.device(State.IN_WORK, step=2)
    api = world.api(world.operator)
    if broken == "expired":
        api = world.api(world.operator, days=-1)
    if broken == "narrow":
        api = world.api(world.operator, scopes=frozenset({Permission.DEVICE_SEE.value}))
    if broken == "unknown":
        api.secret = "nobody's"
    answer = api.post("/scans", json=body(device.code))
    assert answer.status_code in (401, 403)
    assert now(device) == device


def test_a_label_that_is_unknown_blank_or_void_is_said_to_be(world: World) -> None:
    api = world.api(world.operator)
    made = {}
    with db.transaction() as session:
        for state in (LabelState.BLANK, LabelState.VOID):
            made[state] = codes.mint()
            session.add(Label(code=made[state], state=state, organisation_id=world.workshop))
    assert problem(api.post("/scans", json=body(codes.mint()))) == (404, "unknown-label")
    assert problem(api.post("/scans", json=body(made[LabelState.BLANK]))) == (409, "blank-label")
    assert problem(api.post("/scans", json=body(made[LabelState.VOID]))) == (409, "void-label")


@pytest.mark.parametrize(
    "changes",
    [
        {"scan_id": "not a uuid"},
        {"outcome": "perhaps"},
        {"station": "kitchen"},
        {"at": "2026-03-01T09:00:00"},
        {"code": ""},
        {"extra": 1},
        {"facts": {"drives": [{"kind": "ssd"}]}},
        {"facts": {"drives": [drive(fate="removed")]}},
        {"facts": {"drives": [drive(serial="A\x00B")]}},
        {"facts": {"drives": [drive(size_gb=-1)]}},
        {"facts": {"drives": [drive(serial="X" * 61)]}},
        {"facts": {"drives": "all"}},
    ],
)
def test_a_scan_of_another_shape_is_refused_field_by_field(world: World, changes: dict[str, Any]) -> None:
    device = world.device(State.IN_WORK)
    answer = world.api(world.operator).post("/scans", json=body(device.code) | changes)
    assert problem(answer) == (422, "invalid")
    assert answer.json["errors"]
    assert now(device) == device


# --- codes as scanners give them ---

AZERTY = str.maketrans("1234567890", "&é\"'(-è_çà")


@pytest.mark.parametrize(
    "given",
    [
        str.lower,
        lambda code: f" {code[:4]} {code[4:8]}\t{code[8:]}\n",
        lambda code: f"http://localhost/d/{code}",
        lambda code: code.translate(AZERTY).lower(),
        lambda code: (
            f"http://localhost/d/{code}".lower().translate(AZERTY).replace("/", "!").replace(":", "M")
        ),
    ],
    ids=["lower case", "spaces", "passport address", "azerty digits", "azerty address"],
)
def test_a_code_is_read_however_the_scanner_typed_it(world: World, given: Any) -> None:
    device = world.device(State.IN_WORK)
    answer = world.api(world.operator).post("/scans", json=body(given(device.code), "look"))
    assert answer.json["device"] == device.code


def test_two_codes_glued_together_are_refused_rather_than_guessed(world: World) -> None:
    one, other = world.device(State.IN_WORK, step=2), world.device(State.IN_WORK, step=2)
    answer = world.api(world.operator).post("/scans", json=body(one.code + other.code))
    assert problem(answer) == (422, "glued-codes")
    assert (now(one), now(other)) == (one, other)


# --- erasure ---


def test_a_failed_erasure_keeps_the_device_at_its_step_and_loses_nothing(world: World) -> None:
    device, api = world.device(State.IN_WORK), world.api(world.operator)
    answer = api.post("/scans", json=body(device.code, facts=erased(drive(result="failed"))))
    assert answer.status_code == 200
    assert (answer.json["outcome"], answer.json["reason"]) == ("kept", "drives-open")
    assert (answer.json["step"], answer.json["open_drives"]) == ("erasure", 1)
    assert [(row.serial, row.result) for row in drives_of(device)] == [("S1", "failed")]
    assert (now(device).state, now(device).step_id, now(device).open_drives) == (
        State.IN_WORK,
        device.step_id,
        1,
    )

    again = api.post("/scans", json=body(device.code, facts=erased(drive(serial="s 1"))))
    assert (again.json["outcome"], again.json["open_drives"]) == ("passed", 0)
    assert [(row.serial, row.result) for row in drives_of(device)] == [("S1", "failed"), ("S1", "passed")]
    assert replay.verify().faults == []


def test_a_device_with_an_open_drive_cannot_become_ready(world: World) -> None:
    """Even where a route forgets erasure: the gate is in the register."""
    device = world.device(State.IN_WORK, step=2, erased=False)
    answer = world.api(world.operator).post("/scans", json=body(device.code))
    assert problem(answer) == (409, "drives-open")
    assert now(device).state is State.IN_WORK


def test_no_drive_is_an_explicit_fact(world: World) -> None:
    device = world.device(State.IN_WORK)
    answer = world.api(world.operator).post("/scans", json=body(device.code, facts=GONE))
    assert (answer.json["outcome"], answer.json["open_drives"]) == ("passed", 0)
    assert [(row.kind, row.fate) for row in drives_of(device)] == [("unseen", "absent")]


def test_no_drive_does_not_erase_one_that_somebody_has_seen(world: World) -> None:
    device, api = world.device(State.IN_WORK), world.api(world.operator)
    api.post("/scans", json=body(device.code, facts=erased(drive(result="failed"))))
    answer = api.post("/scans", json=body(device.code, facts=GONE))
    assert (answer.json["outcome"], answer.json["open_drives"]) == ("kept", 1)


def test_two_drives_and_one_fails(world: World) -> None:
    device, api = world.device(State.IN_WORK), world.api(world.operator)
    both = erased(drive("S1"), drive("S2", kind="hdd", result="failed"))
    answer = api.post("/scans", json=body(device.code, facts=both))
    assert (answer.json["outcome"], answer.json["open_drives"]) == ("kept", 1)
    out = erased(drive("S1"), {"kind": "hdd", "serial": "S2", "fate": "removed"})
    assert api.post("/scans", json=body(device.code, facts=out)).json["outcome"] == "passed"
    assert {(row.serial, row.fate) for row in drives_of(device)} == {("S1", "present"), ("S2", "removed")}


def test_a_drive_that_is_no_longer_in_the_list_stays_open(world: World) -> None:
    device, api = world.device(State.IN_WORK), world.api(world.operator)
    api.post("/scans", json=body(device.code, facts=erased(drive("S1", result="failed"))))
    answer = api.post("/scans", json=body(device.code, facts=erased(drive("S2"))))
    assert (answer.json["outcome"], answer.json["open_drives"]) == ("kept", 1)


@pytest.mark.parametrize(
    ("method", "outcome"), [("clear_overwrite", "kept"), ("purge_crypto_erase", "passed")]
)
def test_where_the_donor_asked_for_purge_an_overwrite_is_not_enough(
    world: World, method: str, outcome: str
) -> None:
    device = world.device(State.IN_WORK, purge_asked=True)
    answer = world.api(world.operator).post(
        "/scans", json=body(device.code, facts=erased(drive(method=method)))
    )
    assert answer.json["outcome"] == outcome


def test_a_proof_points_to_the_entry_that_it_came_with(world: World) -> None:
    device = world.device(State.IN_WORK)
    scan = body(device.code, facts=erased())
    world.api(world.operator).post("/scans", json=scan)
    [row] = drives_of(device)
    with db.read() as session:
        entry = session.get_one(journal.Entry, row.entry_id)
    assert (entry.scan_id, entry.kind) == (scan["scan_id"], "device.pass")
    assert "S1" not in entry.facts


# --- the same scan again ---


def test_a_scan_sent_again_has_one_effect_and_the_same_answer(world: World) -> None:
    """Also when the device has moved on since: a repeat must never pass the next step."""
    device, api = world.device(), world.api(world.supervisor)
    sent = [
        body(device.code, "look"),
        body(device.code, facts=erased(drive(result="failed"))),
        body(device.code, facts=erased()),
        body(device.code),
    ]
    answers = []
    for scan in sent:
        answers.append(api.post("/scans", json=scan).json)
        assert api.post("/scans", json=scan).json == answers[-1]
    assert [answer["outcome"] for answer in answers] == ["entered", "kept", "passed", "finished"]
    before = kinds(device)
    assert [api.post("/scans", json=scan).json for scan in sent] == answers
    assert kinds(device) == before
    assert len(drives_of(device)) == 2


def test_a_first_scan_with_proof_sent_again_answers_the_same(world: World) -> None:
    device, api = world.device(), world.api(world.operator)
    scan = body(device.code, facts=erased())
    first = api.post("/scans", json=scan).json
    assert api.post("/scans", json=scan).json == first
    assert first["outcome"] == "passed"
    assert now(device).step_kind is StepKind.CONTROL


def test_a_refused_scan_may_be_sent_again_once_it_can_be_done(world: World) -> None:
    device, api = world.device(State.IN_WORK), world.api(world.supervisor)
    scan = body(device.code, station="control")
    assert api.post("/scans", json=scan).status_code == 409
    api.post("/scans", json=body(device.code, facts=GONE))
    assert api.post("/scans", json=scan).json["outcome"] == "finished"


def test_a_scans_name_cannot_be_used_for_another_scan(world: World) -> None:
    one, other, api = (
        world.device(State.IN_WORK, step=2),
        world.device(State.IN_WORK, step=2),
        world.api(world.operator),
    )
    scan = body(one.code)
    api.post("/scans", json=scan)
    assert problem(api.post("/scans", json=scan | {"code": other.code})) == (422, "idempotency-key-reused")
    assert problem(api.post("/scans", json=scan | {"outcome": "look"})) == (422, "idempotency-key-reused")
    assert now(other) == other


def test_a_scans_name_tells_another_organisation_nothing(world: World) -> None:
    device = world.device(State.IN_WORK, step=2)
    scan = body(device.code)
    world.api(world.operator).post("/scans", json=scan)
    answer = world.api(world.other_operator).post("/scans", json=scan)
    assert answer.status_code in (403, 422)
    assert "state" not in answer.json


@pytest.mark.parametrize("same_name", [True, False])
def test_of_two_scans_at_once_one_wins(app: Flask, world: World, same_name: bool) -> None:
    """Two people press the button for the same step: it is passed once, and the next one is not."""
    device = world.device(State.IN_WORK)
    apis = [world.api(world.operator), world.api(world.supervisor)]
    scans = [body(device.code, facts=GONE) for _api in apis]
    if same_name:
        scans[1]["scan_id"] = scans[0]["scan_id"]
    barrier, answers = Barrier(2), []

    def send(api: Any, scan: dict[str, Any]) -> None:
        barrier.wait(10)
        answers.append(api.post("/scans", json=scan))

    threads = [Thread(target=send, args=pair) for pair in zip(apis, scans, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert kinds(device).count("device.pass") == 1
    assert now(device).step_kind is StepKind.CONTROL
    won = [answer.json for answer in answers if answer.status_code == 200]
    if same_name:
        assert len(won) == 2
        assert won[0] == won[1]
    else:
        [lost] = [answer for answer in answers if answer.status_code != 200]
        assert problem(lost)[1] in ("moved-meanwhile", "out-of-step")
    assert replay.verify().faults == []


# --- batches ---


def test_a_batch_gives_one_answer_each_in_order_whatever_becomes_of_the_others(world: World) -> None:
    good, foreign, late = (
        world.device(State.IN_WORK, step=2),
        world.device(State.IN_WORK, actor=world.other_operator),
        world.device(),
    )
    sent = [body(good.code), body(foreign.code, "look"), body(late.code, "look")]
    answer = world.api(world.operator).post("/scans/batch", json=sent)
    assert answer.status_code == 200
    assert [item["scan_id"] for item in answer.json] == [scan["scan_id"] for scan in sent]
    assert [item["status"] for item in answer.json] == [200, 403, 200]
    assert [item.get("outcome") for item in answer.json] == ["finished", None, "entered"]
    refused = answer.json[1]
    assert (refused["code"], refused["type"]) == ("other-custodian", "/problems/other-custodian")
    assert refused["title"]
    assert refused["detail"]


def test_an_unreadable_line_of_a_batch_is_answered_for_itself(world: World) -> None:
    device = world.device(State.IN_WORK, step=2)
    sent: list[Any] = ["what?", {"scan_id": 3}, body("XXXX"), None, body(device.code)]
    answer = world.api(world.operator).post("/scans/batch", json=sent)
    assert [item["status"] for item in answer.json] == [422, 422, 422, 422, 200]
    assert answer.json[1]["errors"]["code"]


def test_a_batch_sent_again_changes_nothing(world: World) -> None:
    device, api = world.device(), world.api(world.supervisor)
    sent = [body(device.code, "look"), body(device.code, facts=GONE), body(device.code)]
    first = api.post("/scans/batch", json=sent).json
    assert [item["outcome"] for item in first] == ["entered", "passed", "finished"]
    assert api.post("/scans/batch", json=sent).json == first


@pytest.mark.parametrize("sent", [{"scans": []}, "x", [body("X")] * 501])
def test_a_batch_is_a_list_of_at_most_500(world: World, sent: Any) -> None:
    assert problem(world.api(world.operator).post("/scans/batch", json=sent)) == (422, "invalid")


# --- the hot path ---


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    event.listen(db.db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.db.engine, "before_cursor_execute", note)


def test_a_step_without_evidence_costs_three_statements(world: World) -> None:
    world.whole_routes()
    device, api = world.device(State.IN_WORK, step=2), world.api(world.operator)
    scan = body(device.code, station="locks")
    with statements() as seen:
        assert api.post("/scans", json=scan).json["outcome"] == "passed"
    assert [statement.split()[0] for statement in seen] == ["SELECT", "UPDATE", "INSERT"]


@pytest.mark.parametrize(("who", "extra"), [("operator", ["SELECT"]), ("supervisor", [])])
def test_a_control_asks_once_more_who_worked_on_it(world: World, who: str, extra: list[str]) -> None:
    device, api = world.device(State.IN_WORK, step=2), world.api(getattr(world, who))
    with statements() as seen:
        assert api.post("/scans", json=body(device.code)).json["outcome"] == "finished"
    assert [statement.split()[0] for statement in seen] == ["SELECT", *extra, "UPDATE", "INSERT"]


def test_the_specification_describes_the_scan(world: World) -> None:
    spec = world.anonymous().get("/api/v1/openapi.json").json
    assert {"/api/v1/scans", "/api/v1/scans/batch"} <= spec["paths"].keys()
    text = json.dumps(spec["paths"]["/api/v1/scans/batch"]["post"])
    assert '"type": "array"' in text
    assert spec["components"]["schemas"]["Scan"]["required"] == ["code", "outcome", "scan_id"]
