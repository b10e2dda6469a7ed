"""The supervisor's board: people first, dangers next, what is blocked by reason, and a decision for each."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bank import db
from bank.actor import Actor
from bank.inventory import codes, register
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import Category, StepKind
from bank.inventory.register import Standing
from bank.workshops import board as reads
from bank.workshops import exits
from bank.workshops.models import DANGERS, Blocker, BlockerOutcome, HelpCall, Problem
from tests.factories import World


def text(response: Any) -> str:
    return unescape(response.get_data(as_text=True)).replace("\u00a0", " ")


def block(actor: Actor, standing: Standing, problem: Problem, *, hours: int = 1) -> Standing:
    with db.transaction() as session:
        row = Blocker(
            device_id=standing.device_id,
            organisation_id=actor.organisation_id,
            step=standing.step_kind,
            problem=problem,
            danger=problem in DANGERS,
            opened_by=actor.person_id,
            opened_at=db.utcnow() - timedelta(hours=hours),
        )
        session.add(row)
        session.flush()
        facts = {"step": standing.step_kind, "reason": problem.value, "danger": problem in DANGERS}
        register.move(
            session,
            actor,
            standing,
            Move.BLOCK,
            to={"blocker_id": row.id},
            facts={name: value for name, value in facts.items() if value is not None},
        )
        return register.look(session, standing.code)


def call(actor: Actor, standing: Standing | None = None) -> int:
    with db.transaction() as session:
        row = HelpCall(
            organisation_id=actor.organisation_id,
            person_id=actor.person_id,
            device_id=standing.device_id if standing else None,
            step=standing.step_kind if standing else None,
        )
        session.add(row)
        session.flush()
        return row.id


def now(standing: Standing) -> Standing:
    with db.read() as session:
        return register.look(session, standing.code)


def outcome(standing: Standing) -> BlockerOutcome | None:
    with db.read() as session:
        return session.scalars(
            sa.select(Blocker.outcome).where(Blocker.device_id == standing.device_id)
        ).one()


@pytest.fixture
def blocked(world: World) -> Standing:
    return block(world.operator, world.device(State.IN_WORK, step=2), Problem.PART_MISSING)


def test_people_come_first_then_dangers_then_what_is_blocked_then_the_work(world: World) -> None:
    device = world.device(State.IN_WORK)
    call(world.operator, device)
    swollen = block(world.operator, world.device(State.IN_WORK), Problem.BATTERY_SWOLLEN, hours=30)
    part = block(world.operator, world.device(State.IN_WORK, step=2), Problem.PART_MISSING, hours=80)
    page = text(world.client(world.supervisor).get("/workshop")).partition("<main")[2]
    places = [
        page.index(said)
        for said in (
            "On vous appelle",
            "Lou Atelier",
            "Batterie gonflée",
            codes.grouped(swollen.code),
            "Il manque une pièce",
            codes.grouped(part.code),
            "Le travail par étape",
        )
    ]
    assert places == sorted(places)
    assert "depuis 3 jours" in page
    assert "step=erasure" in page
    assert "step=control" in page


def test_a_call_for_help_is_answered(world: World) -> None:
    call_id = call(world.operator)
    client = world.client(world.supervisor)
    answer = client.post(f"/workshop/help/{call_id}", follow_redirects=True)
    assert "vous y allez" in text(answer)
    assert "On vous appelle" not in text(client.get("/workshop"))


def test_the_board_shows_ones_own_workshop(world: World) -> None:
    theirs = world.device(State.IN_WORK, actor=world.other_operator)
    block(world.other_operator, theirs, Problem.SMELL)
    call(world.other_operator)
    page = text(world.client(world.supervisor).get("/workshop"))
    assert codes.grouped(theirs.code) not in page
    assert "Alex" not in page
    assert "Aucun matériel à l’atelier" in page
    for who in (world.operator, world.coordinator, world.donor_user):
        assert world.client(who).get("/workshop").status_code == 403


def test_reasons_are_grouped_the_one_that_waits_longest_first(world: World) -> None:
    for hours, problem in ((1, Problem.NO_POWER), (9, Problem.DIRTY), (5, Problem.NO_POWER)):
        block(world.operator, world.device(State.IN_WORK), problem, hours=hours)
    supervisor = world.supervisor
    with db.read() as session:
        groups = reads.board(session, supervisor).blocked
    assert [(problem, len(lines)) for problem, lines in groups] == [
        (Problem.DIRTY, 1),
        (Problem.NO_POWER, 2),
    ]
    assert groups[1][1][0].opened_at < groups[1][1][1].opened_at


def test_the_statements_of_the_board_do_not_grow_with_it(world: World) -> None:
    supervisor = world.supervisor
    sent: list[str] = []
    event.listen(db.db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: sent.append(statement))
    lengths = []
    for _ in range(2):
        for problem in (Problem.NO_POWER, Problem.SMELL, Problem.DIRTY):
            block(world.operator, world.device(State.IN_WORK), problem)
        sent.clear()
        with db.read() as session:
            reads.board(session, supervisor)
        lengths.append(sum(statement.lstrip().startswith("SELECT") for statement in sent))
    assert lengths[0] == lengths[1] == 5


def test_it_goes_on_at_the_same_step_with_one_button(world: World, blocked: Standing) -> None:
    client = world.client(world.supervisor)
    assert f"/workshop/devices/{blocked.code}/resume" in text(client.get("/workshop"))
    client.post(f"/workshop/devices/{blocked.code}/resume")
    after = now(blocked)
    assert (after.blocker_id, after.step_kind) == (None, blocked.step_kind)
    assert outcome(blocked) is BlockerOutcome.RESOLVED
    # Pressed again, somebody is told that nothing stops it any more.
    assert client.post(f"/workshop/devices/{blocked.code}/resume").status_code == 409


def test_it_goes_back_to_a_step_that_is_chosen(world: World, blocked: Standing) -> None:
    client = world.client(world.supervisor)
    address = f"/workshop/devices/{blocked.code}/send-back"
    assert client.post(address).status_code == 422
    assert client.post(address, data={"step": "grading"}).status_code == 422
    client.post(address, data={"step": "erasure"})
    assert (now(blocked).step_kind, outcome(blocked)) == (StepKind.ERASURE, BlockerOutcome.SENT_TO_STEP)


def test_it_leaves_its_route_for_a_reason(world: World, blocked: Standing) -> None:
    client = world.client(world.supervisor)
    assert "Garder pour pièces" in text(client.get(f"/workshop/devices/{blocked.code}"))
    address = f"/workshop/devices/{blocked.code}/exits/harvest"
    assert client.get(address).status_code == 200
    refused = client.post(address, data={})
    assert refused.status_code == 422
    assert "Choisissez une réponse." in text(refused)
    sent = {"reason": "not_repairable", "idempotency_key": "5b0f6d0e-0000-4000-8000-00000000000c"}
    answer = client.post(address, data=sent, follow_redirects=True)
    assert "C’est noté : pour pièces." in text(answer)
    # The same form again, by a double click, is the same decision.
    assert client.post(address, data=sent).status_code == 303
    assert (now(blocked).state, outcome(blocked)) == (State.HARVESTED, BlockerOutcome.LEFT)


def test_an_open_drive_is_told_before_and_at_the_decision(world: World) -> None:
    device = block(world.operator, world.device(State.IN_WORK), Problem.DRIVE_DEAD)
    client = world.client(world.supervisor)
    address = f"/workshop/devices/{device.code}"
    assert "Un disque pas encore effacé" in text(client.get(address))
    answer = client.post(f"{address}/exits/harvest", data={"reason": "too_old"})
    assert answer.status_code == 422
    recycled = client.post(f"{address}/exits/recycle", data={"reason": "too_old"})
    assert recycled.status_code == 422
    assert client.get(f"{address}/drives").status_code == 200
    assert client.post(f"{address}/drives").status_code == 422
    assert "Aucun disque à effacer" not in text(client.get(f"{address}/drives"))
    client.post(f"{address}/drives", data={"fate": "removed"})
    assert "Aucun disque à effacer" in text(client.get(f"{address}/drives"))
    assert client.post(f"{address}/exits/harvest", data={"reason": "too_old"}).status_code == 303
    assert now(device).state is State.HARVESTED


def test_to_destruction_is_said_by_a_tick(world: World) -> None:
    device, client = world.device(State.IN_WORK), world.client(world.supervisor)
    address = f"/workshop/devices/{device.code}/exits/recycle"
    assert "certificat" in text(client.get(address))
    client.post(address, data={"reason": "too_old", "to_destruction": "y"})
    assert (now(device).state, now(device).open_drives) == (State.RECYCLED, 1)
    page = text(client.get(f"/devices/{device.code}"))
    assert "disques à détruire par un prestataire" in page
    assert "Parti avec un disque non effacé" in page


@pytest.mark.parametrize("state", [state for state in State if state is not State.ANNOUNCED])
def test_every_state_has_its_decisions(world: World, state: State) -> None:
    device, client = world.device(state), world.client(world.supervisor)
    page = client.get(f"/workshop/devices/{device.code}")
    assert page.status_code == 200
    for which in exits.Exit:
        address = f"/workshop/devices/{device.code}/exits/{which.value}"
        assert (address in text(page)) is (which in exits.offered(state))
        assert client.get(address).status_code == 200
    assert client.get(f"/workshop/devices/{device.code}/exits/sell").status_code == 404


def test_another_workshops_device_is_not_decided_here(world: World) -> None:
    device, client = world.device(State.IN_WORK, actor=world.other_operator), world.client(world.supervisor)
    for path in ("", "/exits/lose", "/drives"):
        assert client.get(f"/workshop/devices/{device.code}{path}").status_code == 404


def test_the_api_has_the_board_and_its_decisions(world: World, blocked: Standing) -> None:
    device = block(
        world.operator, world.device(State.IN_WORK, category=Category.SCREEN), Problem.BROKEN_GLASS
    )
    call_id = call(world.operator)
    api = world.api(world.supervisor)
    told = api.get("/workshop").json
    assert [line["code"] for line in told["dangers"]] == [device.code]
    assert [(line["code"], line["problem"]) for line in told["blocked"]] == [(blocked.code, "part_missing")]
    assert told["help_calls"][0]["who"] == "Lou Atelier"
    assert {line["step"]: line["count"] for line in told["steps"]} == {"control": 2}
    assert api.post(f"/help-calls/{call_id}/answer").status_code == 204
    gone_on = api.post(f"/devices/{blocked.code}/unblocking", json={"step": "erasure"})
    assert (gone_on.status_code, gone_on.json["step"], gone_on.json["blocked"]) == (201, "erasure", False)
    wrong = api.post(f"/devices/{device.code}/exits", json={"exit": "recycle", "reason": "donor_asks"})
    assert (wrong.status_code, wrong.json["errors"]) == (422, {"reason": ["not-a-reason"]})
    body = {"exit": "recycle", "reason": "dangerous"}
    first = api.post(f"/devices/{device.code}/exits", json=body, key="one")
    again = api.post(f"/devices/{device.code}/exits", json=body, key="one")
    assert (first.status_code, first.json) == (201, again.json)
    assert first.json["state"] == "recycled"
    laptop = world.device(State.IN_WORK)
    out = api.post(f"/devices/{laptop.code}/drives", json={"fate": "destroyed"})
    assert (out.status_code, out.json["open_drives"]) == (201, 0)
    assert api.post(f"/devices/{laptop.code}/drives", json={"fate": "present"}).status_code == 422
    assert world.api(world.operator).get("/workshop").status_code == 403


def test_the_device_page_says_what_stops_it_and_leads_to_the_decision(
    world: World, blocked: Standing
) -> None:
    page = text(world.client(world.supervisor).get(f"/devices/{blocked.code}"))
    assert "Bloqué : Il manque une pièce" in page
    assert f"/workshop/devices/{blocked.code}" in page
    assert f"/workshop/devices/{blocked.code}" not in text(
        world.client(world.operator).get(f"/devices/{blocked.code}")
    )
    listed = text(world.client(world.operator).get("/devices?blocked=y"))
    assert blocked.code in listed
    assert blocked.code not in text(world.client(world.operator).get("/devices?step=erasure"))
    assert blocked.code in text(world.client(world.operator).get("/devices?step=control"))
