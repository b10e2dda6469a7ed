"""The demo bank lets a visitor be anyone in one click; no other bank has that door, and production fears it."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db
from bank.app import create_app
from bank.config import BankEnv, ConfigRefused
from bank.db import utcnow
from bank.identity import rules
from bank.identity.models import Person, PersonRole
from tests.conftest import make_config
from tests.factories import FormClient, World
from tests.spine.test_config import PRODUCTION


@pytest.fixture
def demo_app(app: Flask) -> Flask:
    """The same app, as a demo bank."""
    app.config["BANK"] = replace(app.config["BANK"], env=BankEnv.DEMO)
    return app


@pytest.fixture
def people(world: World) -> dict[str, int]:
    found = {
        "coordination": world.person(world.bank, PersonRole.COORDINATOR, email="coordination@demo.exemple"),
        "encadrant": world.person(
            world.workshop, PersonRole.ADMINISTRATOR, PersonRole.SUPERVISOR, email="encadrant@demo.exemple"
        ),
        "donateur": world.person(world.bnp, PersonRole.DONOR, email="donateur@demo.exemple", name="Hugo"),
        "real": world.person(world.bnp, PersonRole.DONOR, email="quelquun@exemple.fr", name="Vraie Personne"),
        "invited": world.person(world.bnp, PersonRole.DONOR, email="invite@demo.exemple", password=None),
        "no-role": world.person(world.bnp, email="sans.role@demo.exemple"),
        "posing": world.person(world.bnp, PersonRole.DONOR, email="x@demo.exemple.ailleurs.fr"),
    }
    return {name: actor.person_id for name, actor in found.items()}


def offered(page: str) -> list[int]:
    return [int(value) for value in re.findall(r'name="person" value="(\d+)"', page)]


def be(client: FormClient, person_id: Any, **kwargs: Any) -> Any:
    return client.post("/sign-in/demo", data={"person": person_id}, **kwargs)


def test_the_sign_in_page_offers_the_demo_accounts_by_role(
    demo_app: Flask, world: World, people: dict[str, int]
) -> None:
    page = world.anonymous().get("/sign-in").text
    assert offered(page) == [people["donateur"], people["coordination"], people["encadrant"]]
    assert "Encadrant d’atelier" in page
    assert "Vraie Personne" not in page


def test_one_click_is_enough_and_leads_where_one_was_going(
    demo_app: Flask, world: World, people: dict[str, int]
) -> None:
    client = world.anonymous()
    answer = be(client, people["donateur"], query_string={"next": "/batches"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/batches")
    assert "Hugo" in client.get("/account").text


@pytest.mark.parametrize("person", ["real", "invited", "no-role", "posing"])
def test_nobody_else_is_entered_that_way(
    demo_app: Flask, world: World, people: dict[str, int], person: str
) -> None:
    client = world.anonymous()
    assert be(client, people[person]).status_code == 404
    assert client.get("/account").status_code == 303


@pytest.mark.parametrize("person", ["", "x", "0", "-1", str(2**80)])
def test_what_is_no_account_is_not_found(demo_app: Flask, world: World, person: str) -> None:
    assert be(world.anonymous(), person).status_code == 404


def test_another_site_cannot_choose(demo_app: Flask, world: World, people: dict[str, int]) -> None:
    answer = demo_app.test_client().post("/sign-in/demo", data={"person": people["donateur"]})
    assert answer.status_code == 400


@pytest.mark.parametrize("env", [BankEnv.PRODUCTION, BankEnv.TEST])
def test_no_other_bank_has_that_door(app: Flask, world: World, people: dict[str, int], env: BankEnv) -> None:
    app.config["BANK"] = replace(app.config["BANK"], env=env)
    client = world.anonymous()
    assert offered(client.get("/sign-in").text) == []
    assert be(client, people["donateur"]).status_code == 404


def test_production_does_not_start_beside_a_demo_account(
    world: World, people: dict[str, int], database_url: str, tmp_path: Path
) -> None:
    config = make_config(
        database_url, tmp_path, **(PRODUCTION | {"data_keys": world.app.config["BANK"].data_keys})
    )
    with pytest.raises(ConfigRefused, match=rules.DEMO_DOMAIN):
        create_app(config)
    with db.transaction() as session:
        session.execute(sa.update(Person).values(disabled_at=utcnow()))
    started = create_app(config)
    ready = started.test_client().get("/readyz", base_url="https://banque.exemple").json
    assert ready is not None
    assert ready["no_demo_account"] is True
    with db.transaction() as session:
        session.execute(sa.update(Person).values(disabled_at=None))
    answer = started.test_client().get("/readyz", base_url="https://banque.exemple")
    assert answer.status_code == 503
    with started.app_context():
        db.db.engine.dispose()


def test_production_starts_before_its_database_does(tmp_path: Path) -> None:
    """The first `banque migrate` finds no table, and a database that is down is told by /readyz."""
    for url in (f"sqlite:///{tmp_path / 'new.sqlite3'}", "postgresql+psycopg://nobody@127.0.0.1:1/none"):
        assert create_app(make_config(url, tmp_path, **PRODUCTION))
