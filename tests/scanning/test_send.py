"""Scans that waited on a page: in order, once each, in the name of who made them; what is refused is kept."""

import json
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from bank import db, journal
from bank.actor import Actor
from bank.db import utcnow
from bank.identity import passes
from bank.identity.models import Badge, OrganisationRole, Person, PersonRole
from bank.inventory.lifecycle import State
from bank.inventory.register import Standing
from bank.scanning.models import RefusedScan
from tests.factories import World

HEADER = "X-Scan-Pass"


def scan(code: str, outcome: str = "done", **changes: Any) -> dict[str, Any]:
    return {"scan_id": str(uuid4()), "code": code, "outcome": outcome} | changes


def pass_of(client: FlaskClient) -> str:
    """The pass that a browser was given."""
    answer = client.get("/scan/pass").json
    assert answer["pass"], answer
    return str(answer["pass"])


def send(client: FlaskClient, *scans: Any, given: str | None = None) -> Any:
    answer = client.post("/scan/send", json=list(scans), headers={HEADER: given} if given else {})
    assert answer.status_code == 200, answer.text
    return answer.json


def authors(standing: Standing) -> list[int]:
    """Whose scans moved this device."""
    with db.read() as session:
        return list(
            session.scalars(
                sa.select(journal.Entry.person_id)
                .where(
                    journal.Entry.subject_id == standing.device_id,
                    journal.Entry.scan_id.is_not(None),
                )
                .order_by(journal.Entry.id)
            )
        )


def kept() -> list[RefusedScan]:
    with db.read() as session:
        return list(session.scalars(sa.select(RefusedScan).order_by(RefusedScan.id)))


def change(person: Actor, **values: Any) -> None:
    with db.transaction() as session:
        session.execute(sa.update(Person).where(Person.id == person.person_id).values(**values))


@pytest.fixture
def at_work(world: World) -> Standing:
    """A laptop whose next step takes nothing down."""
    return world.device(State.IN_WORK, step=2)


@pytest.fixture
def other(world: World) -> Actor:
    return world.person(world.workshop, PersonRole.OPERATOR)


def test_scans_are_taken_in_order_once_each(world: World, at_work: Standing) -> None:
    client = world.client(world.operator)
    first = scan(at_work.code, station="control", at="2026-11-02T08:00:00+01:00")
    second = scan("nonsense")
    answers = send(client, first, second)
    assert [answer["status"] for answer in answers] == [200, 422]
    assert answers[0]["outcome"] == "finished"
    assert answers[1]["title"]
    assert answers[1]["detail"]
    assert answers[1]["code"] == "bad-code"
    assert [answer["scan_id"] for answer in answers] == [first["scan_id"], second["scan_id"]]
    assert send(client, first, second)[0] == answers[0]
    assert authors(at_work) == [world.operator.person_id]
    with db.read() as session:
        seen = session.scalars(
            sa.select(journal.Entry).where(journal.Entry.scan_id == first["scan_id"])
        ).one()
    assert seen.client_at_us == 1_793_602_800_000_000 != seen.at_us


def test_it_is_a_list_of_fifty_at_most_with_a_token(world: World) -> None:
    client = world.client(world.operator, csrf=True)
    answer = client.post("/scan/send", json=[])
    assert (answer.status_code, answer.json["code"]) == (400, "form-expired")
    assert answer.content_type == "application/problem+json"
    token = client.get("/scan/pass").json["token"]
    assert client.post("/scan/send", json=[], headers={"X-CSRFToken": token}).json == []
    for wrong in ([{}] * 51, {"a": 1}, "text"):
        answer = client.post("/scan/send", json=wrong, headers={"X-CSRFToken": token})
        assert answer.status_code in {400, 422}, wrong
    assert client.post("/scan/send", data=b"{", headers={"X-CSRFToken": token}).status_code in {400, 415}


def test_nobody_and_who_may_not_scan_are_told_so_in_json(world: World) -> None:
    for client, status in ((world.anonymous(), 401), (world.client(world.donor_user), 403)):
        answer = client.post("/scan/send", json=[])
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
        assert client.get("/scan/pass").json["operator"] is None


def test_a_scan_is_its_authors_whoever_sends_it(world: World, at_work: Standing, other: Actor) -> None:
    given = pass_of(world.client(world.operator))
    [answer] = send(world.client(other), scan(at_work.code), given=given)
    assert answer["status"] == 200
    assert authors(at_work) == [world.operator.person_id]


def test_a_pass_of_another_workshop_or_epoch_or_time_waits(
    world: World, at_work: Standing, other: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = pass_of(world.client(world.operator))
    elsewhere = world.person(
        world.organisation("Ailleurs", roles={OrganisationRole.WORKSHOP}), PersonRole.OPERATOR
    )
    sender = world.client(other)

    def told(client: FlaskClient, token: str) -> tuple[int, str]:
        answer = client.post("/scan/send", json=[scan(at_work.code)], headers={HEADER: token})
        return answer.status_code, answer.json["code"]

    assert told(world.client(elsewhere), given) == (403, "pass-expired")
    for wrong in ("", "x", given + "x", "é", "x" * 5_000):
        assert told(sender, wrong) == (403, "pass-expired"), wrong[:20]
    monkeypatch.setattr(passes, "LASTS_S", -1)
    assert told(sender, given) == (403, "pass-expired")
    monkeypatch.undo()
    change(world.operator, epoch=Person.epoch + 1)
    assert told(sender, given) == (403, "pass-expired")
    [answer] = send(sender, scan(at_work.code), given=pass_of(world.client(world.operator)))
    assert answer["status"] == 200


def test_what_a_closed_account_stored_is_refused_and_must_go(
    world: World, at_work: Standing, other: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, sender = world.client(world.operator), world.client(other)
    given = pass_of(operator)
    change(world.operator, disabled_at=utcnow(), epoch=Person.epoch + 1)
    answer = sender.post("/scan/send", json=[scan(at_work.code)], headers={HEADER: given})
    assert (answer.status_code, answer.json["code"]) == (403, "pass-withdrawn")
    monkeypatch.setattr(passes, "LASTS_S", -1)
    for client in (operator, sender, world.anonymous()):
        told = client.get("/scan/pass", headers={HEADER: f"{given} nonsense {pass_of(sender)}"}).json
        assert told["closed"] == [world.operator.person_id]
    assert authors(at_work) == []


def test_a_pass_by_badge_has_the_rights_of_a_station_and_falls_with_the_badge(
    world: World, at_work: Standing, other: Actor
) -> None:
    person = world.person(world.workshop, PersonRole.SUPERVISOR, PersonRole.OPERATOR)
    _station_id, secret = world.station(open_=True)
    client = world.at_station(secret)
    assert client.post("/station", data={"badge": world.badge(person)}).status_code == 303
    given = pass_of(client)
    with db.read() as session:
        holder = passes.holder(session, given, world.workshop)
    assert (
        holder.permissions
        < world.person(world.workshop, PersonRole.SUPERVISOR).permissions | holder.permissions
    )
    with db.transaction() as session:
        session.execute(sa.update(Badge).values(voided_at=utcnow()))
    answer = world.client(other).post("/scan/send", json=[scan(at_work.code)], headers={HEADER: given})
    assert answer.json["code"] == "pass-expired"


def test_a_refused_scan_is_kept_until_somebody_has_dealt_with_it(world: World, other: Actor) -> None:
    device, client = world.device(State.IN_WORK), world.client(world.operator)
    sent = scan(device.code, station="grading", at="2026-11-02T08:00:00+01:00")
    for _again in range(2):
        assert send(client, sent)[0]["status"] == 409
    [row] = kept()
    assert (row.said, row.asked, row.reason, row.settled_at) == (device.code, "done", "out-of-step", None)
    assert row.person_id == world.operator.person_id
    assert row.scanned_at is not None
    path = f"/scan/refused/{sent['scan_id']}/settled"
    assert world.client(other).post(path).status_code == 404
    assert client.post("/scan/refused/x/settled").status_code == 404
    for _again in range(2):
        assert client.post(path).status_code == 204
    assert kept()[0].settled_by == world.operator.person_id
    assert send(client, sent)[0]["status"] == 409
    assert kept()[0].settled_at is None
    assert world.client(world.supervisor).post(path).status_code == 204


def test_tried_again_and_taken_it_is_settled(world: World) -> None:
    device = world.device(State.IN_WORK, step=2)
    client, wrong = world.client(world.operator), scan(device.code, station="cleaning")
    assert send(client, wrong)[0]["code"] == "out-of-step"
    assert send(client, wrong | {"station": "control"})[0]["status"] == 200
    assert [row.settled_at is not None for row in kept()] == [True]


def test_neither_a_badge_nor_rubbish_is_kept(world: World) -> None:
    client, badge = world.client(world.operator), world.badge(world.operator)
    worst = [
        scan(badge),
        scan("a\x00b\ud800" + "x" * 400),
        scan("x" * 600),
        scan("x", at="soon"),
        {"scan_id": "x", "code": "y", "outcome": "done"},
        {},
        None,
        [scan("x")],
        scan("x", station={"a": 1}),
        scan("x", outcome=["done"]),
    ]
    answer = client.post("/scan/send", data=json.dumps(worst), content_type="application/json")
    assert answer.status_code == 200
    assert {line["status"] for line in answer.json} == {422}
    said = [row.said for row in kept()]
    assert said[0] == ""
    assert said[1].startswith("abxxx")
    assert max(map(len, said)) <= 60
    assert badge not in said
