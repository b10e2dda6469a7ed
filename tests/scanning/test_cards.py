"""What a phone knows without network: the own workshop's devices, each at its step, and nobody's name."""

from typing import Any

import sqlalchemy as sa

from bank import db
from bank.db import utcnow
from bank.identity.models import Organisation, OrganisationRole, Person, PersonRole
from bank.inventory.lifecycle import State
from bank.inventory.models import StepKind
from bank.scanning import cards as made
from bank.workshops import guides
from bank.workshops.guides import Guide
from tests.factories import World


def cards(world: World) -> dict[str, Any]:
    answer = world.client(world.operator).get("/scan/cards")
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def test_each_device_at_hand_has_a_card_at_its_step(world: World) -> None:
    received, erasing, control, ready = (
        world.device(State.RECEIVED),
        world.device(State.IN_WORK),
        world.device(State.IN_WORK, step=2),
        world.device(State.READY),
    )
    for elsewhere in (State.RESERVED, State.HANDED_OVER, State.RECYCLED):
        world.device(elsewhere)
    told = cards(world)
    found = {card["code"]: card for card in told["cards"]}
    assert set(found) == {received.code, erasing.code, control.code, ready.code}
    steps = {code: (card["state"], card["step"]) for code, card in found.items()}
    assert steps[received.code] == ("received", "erasure")
    assert steps[erasing.code] == ("in_work", "erasure")
    assert steps[control.code] == ("in_work", "control")
    assert steps[ready.code] == ("ready", None)
    assert told["routes"][str(found[erasing.code]["route"])] == ["erasure", "control"]
    assert found[received.code]["route"] == found[erasing.code]["route"]
    assert {card["category"] for card in told["cards"]} == {"laptop"}


def test_a_blocked_one_says_why(world: World) -> None:
    device = world.device(State.IN_WORK)
    told = {
        "reason": "drive_dead",
        "station": "erasure",
        "idempotency_key": "5b0f6d0e-0000-4000-8000-00000000000c",
    }
    assert world.client(world.operator).post(f"/scan/{device.code}/problem", data=told).status_code == 303
    assert [card["blocked"] for card in cards(world)["cards"]] == ["drive_dead"]


def test_the_control_of_ones_own_work_is_somebody_elses(world: World) -> None:
    device = world.device(State.IN_WORK)
    done = {"scan_id": "5b0f6d0e-0000-4000-8000-00000000000d", "code": device.code, "outcome": "done"}
    [answer] = (
        world.client(world.operator)
        .post("/scan/send", json=[done | {"station": "erasure", "facts": {"no_drive": True}}])
        .json
    )
    assert answer["outcome"] == "passed", answer
    assert [card["own"] for card in cards(world)["cards"]] == [True]
    answer = world.client(world.supervisor).get("/scan/cards").json
    assert [card["own"] for card in answer["cards"]] == [False]


def test_another_workshops_things_and_peoples_names_are_not_told(world: World) -> None:
    world.device(State.IN_WORK)
    elsewhere = world.organisation("Ailleurs", roles={OrganisationRole.WORKSHOP})
    world.device(State.IN_WORK, actor=world.person(elsewhere, PersonRole.SUPERVISOR))
    text = world.client(world.operator).get("/scan/cards").text
    with db.read() as session:
        names = [*session.scalars(sa.select(Person.name)), *session.scalars(sa.select(Organisation.name))]
    assert len(cards(world)["cards"]) == 1
    assert [name for name in names if name in text] == []


def test_the_same_again_is_not_sent_again_and_there_is_an_end_to_it(world: World, monkeypatch: Any) -> None:
    for state in (State.READY, State.RECEIVED, State.IN_WORK):
        world.device(state)
    client = world.client(world.operator)
    first = client.get("/scan/cards")
    again = client.get("/scan/cards", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    monkeypatch.setattr(made, "MOST", 2)
    assert [card["state"] for card in cards(world)["cards"]] == ["in_work", "received"]


def test_a_closed_account_gets_none(world: World) -> None:
    client = world.client(world.operator)
    with db.transaction() as session:
        session.execute(sa.update(Person).values(disabled_at=utcnow()))
    answer = client.get("/scan/cards")
    assert (answer.status_code, answer.json["code"]) == (401, "not-signed-in")


def test_what_the_workshop_shows_at_a_step_comes_along(world: World) -> None:
    author = world.supervisor
    with db.transaction() as session:
        guides.edit(session, author, Guide(StepKind.ERASURE, text="Branchez le câble bleu."))
    assert cards(world)["guides"] == {
        "erasure": {"text": "Branchez le câble bleu.", "picture": None, "alt": ""}
    }
