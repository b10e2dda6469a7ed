"""Devices as pages: found, listed, told in plain French."""

from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from bank import db, journal
from bank.inventory import register
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import Category, CodeKind, Device, DeviceCode
from bank.inventory.words import WORDS
from tests.factories import World


def text(response: Any) -> str:
    return unescape(response.get_data(as_text=True)).replace("\u00a0", "")


def test_every_code_of_the_register_has_its_word() -> None:
    kinds = {kind.value for kind in journal.Kind if kind.subject is journal.Subject.DEVICE}
    assert set(WORDS["entry"]) == kinds
    assert set(WORDS["state"]) == set(State)
    assert set(WORDS["category"]) == set(Category)
    assert set(WORDS["code_kind"]) == set(CodeKind)


def test_the_list_shows_what_is_within_reach(world: World) -> None:
    ours, theirs = world.device(), world.device(actor=world.other_operator)
    page = text(world.client(world.operator).get("/devices"))
    assert ours.code in page
    assert theirs.code not in page
    assert "1 matériel" in page
    page = text(world.client(world.coordinator).get("/devices"))
    assert ours.code in page
    assert theirs.code in page
    assert "2 matériels" in page


def test_the_list_is_narrowed_by_the_address(world: World) -> None:
    laptop, screen = world.device(), world.device(State.READY, category=Category.SCREEN)
    with db.transaction() as session:
        session.add(DeviceCode(device_id=laptop.device_id, kind=CodeKind.ASSET_TAG, value="INV-0042"))
    client = world.client(world.operator)
    for query, shown in (
        ("q=inv-00", {laptop.code}),
        (f"q={screen.code.lower()}", {screen.code}),
        ("state=ready", {screen.code}),
        ("category=laptop", {laptop.code}),
        ("batch=L-TEST0", {laptop.code, screen.code}),
        ("state=ready&category=laptop", set()),
        ("q=%25", set()),
        ("q=%5C", set()),
        ("q=%00", set()),
        ("q=", {laptop.code, screen.code}),
    ):
        page = text(client.get(f"/devices?{query}"))
        assert {code for code in (laptop.code, screen.code) if f"/devices/{code}" in page} == shown, query


@pytest.mark.parametrize(
    "query",
    ["cursor=abc", "cursor=-5", "cursor=" + "9" * 30, "state=lost", "category=car", "q=" + "P" * 10_000],
)
def test_a_filter_that_does_not_exist_is_told(world: World, query: str) -> None:
    standing = world.device()
    response = world.client(world.operator).get(f"/devices?{query}")
    assert response.status_code == 422
    assert "À corriger avant de continuer" in text(response)
    assert f"/devices/{standing.code}" not in text(response)


def test_nothing_found_says_what_to_do(world: World) -> None:
    client = world.client(world.operator)
    assert "quand un lot est réceptionné" in text(client.get("/devices"))
    assert "Voir tous les matériels" in text(client.get("/devices?q=ZZZ"))


def test_the_statements_of_a_list_page_do_not_grow_with_it(app: Flask, world: World) -> None:
    client = world.client(world.operator)
    sent: list[str] = []
    event.listen(db.db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: sent.append(statement))
    lengths = []
    for _ in range(2):
        world.device()
        world.device()
        sent.clear()
        assert client.get("/devices?state=received").status_code == 200
        lengths.append(sum(statement.lstrip().startswith("SELECT") for statement in sent))
    # Who asks, the devices, how many there are, the places to choose from.
    assert lengths[0] == lengths[1] == 4


def test_pages_of_the_list_follow_one_another(world: World) -> None:
    codes = [world.device(category=Category.SCREEN).code for _ in range(52)]
    client = world.client(world.operator)
    first = text(client.get("/devices?category=screen"))
    assert codes[-1] in first
    assert codes[1] not in first
    link = first.partition('rel="next"')[2].partition('href="')[2].partition('"')[0]
    assert "category=screen" in link
    second = text(client.get(link))
    assert codes[1] in second
    assert codes[0] in second
    assert codes[2] not in second


def test_a_device_tells_its_story_in_sentences(world: World) -> None:
    standing = world.device(State.IN_WORK, step=2)
    with db.transaction() as session:
        session.execute(
            sa.update(Device).where(Device.id == standing.device_id).values(maker="Lenovo", model="T480")
        )
        session.add(DeviceCode(device_id=standing.device_id, kind=CodeKind.SERIAL, value="PF1A2B3C"))
    actor = world.operator
    with db.transaction() as session:
        register.move(session, actor, standing, Move.FINISH, facts={"step": "control", "proofs": []})

    page = text(world.client(actor).get(f"/devices/{standing.code}"))

    assert "Ordinateur portable Lenovo T480" in page
    assert "disponible" in page
    assert "PF1A2B3C" in page
    # A colon follows its word by a space that does not break, which `text` drops.
    told = page.replace("</strong> :", "</strong>:")
    assert "<strong>Réceptionné</strong>: lot L-TEST0, étiquette collée, un disque à effacer" in told
    assert "<strong>Parcours terminé</strong>: contrôle" in told
    assert "Aucun disque à effacer" in page
    assert "AGOIE" in page
    assert "Lou Atelier" not in page.partition("<main")[2]


@pytest.mark.parametrize("state", [state for state in State if state is not State.ANNOUNCED])
def test_a_device_in_any_state_has_its_page(app: Flask, world: World, state: State) -> None:
    standing = world.device(state)
    response = world.client(world.operator).get(f"/devices/{standing.code}")
    assert response.status_code == 200
    with app.test_request_context():
        word = str(WORDS["state"][state])
    assert word in text(response)


def test_a_device_of_another_workshop_does_not_exist(world: World) -> None:
    standing = world.device()
    client = world.client(world.other_operator)
    assert client.get(f"/devices/{standing.code}").status_code == 404
    assert client.get("/devices/nonsense").status_code == 404
    assert world.client(world.donor_user).get(f"/devices/{standing.code}").status_code == 403
    assert world.anonymous().get(f"/devices/{standing.code}").status_code == 303
