"""The frame of every page: whom to call, the statements, the icon, and pages of failure that say what to do."""

import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db
from bank.identity import signin
from bank.identity.models import Organisation
from bank.web.pages import Contact
from tests.factories import World

STATIC = Path(__file__).parents[2] / "bank/web/static"
PHONE = "01 99 00 00 95"


@pytest.fixture
def open_bank(world: World) -> int:
    world.app.extensions.pop("bank.contact")
    bank = world.bank
    with db.transaction() as session:
        session.execute(
            sa.update(Organisation)
            .where(Organisation.id == bank)
            .values(phone=PHONE, address="1 rue de l’Essai, 95000 Cergy")
        )
    return bank


@pytest.mark.parametrize("path", ["/aide", "/accessibilite", "/confidentialite"])
def test_anyone_reads_the_statements(world: World, open_bank: int, path: str) -> None:
    answer = world.anonymous().get(path)
    assert answer.status_code == 200
    assert PHONE in answer.text
    assert "1 rue de l’Essai" in answer.text


def test_the_accessibility_statement_claims_nothing_untested(world: World) -> None:
    page = world.anonymous().get("/accessibilite").text
    for words in (
        "non déclarée",
        "Ce qui ne l’est pas encore",
        "Défenseur des droits",
        "Libre réponse 71120",
    ):
        assert words in page


def test_the_notice_says_who_why_how_long_and_what_one_may_ask(world: World) -> None:
    page = world.anonymous().get("/confidentialite").text
    for words in ("responsable", "jamais", "Deux ans", "CNIL", "supprimer", "base légale"):
        assert words in page


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "/"])
def test_every_page_says_whom_to_call(world: World, open_bank: int, path: str) -> None:
    page = world.client(world.coordinator).get(path, follow_redirects=True).text
    foot = page[page.index('<footer class="foot">') :]
    for link in ("/aide", "/accessibilite", "/confidentialite", PHONE):
        assert link in foot


def test_a_bank_without_a_number_shows_none(world: World) -> None:
    page = world.anonymous().get("/aide").text
    assert "personne qui gère les comptes" in page
    assert "Appelez le" not in page


def test_the_number_is_not_read_at_every_page(world: World, open_bank: int) -> None:
    assert signin.bank_contact().phone == PHONE
    statements: list[str] = []
    sa.event.listen(db.db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert signin.bank_contact().phone == PHONE
    assert statements == []


def test_pages_are_drawn_while_the_database_is_away(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.extensions["bank.contact"] = (0.0, Contact(phone=PHONE))
    monkeypatch.setattr(signin, "BANK_CONTACT", sa.text("SELECT nothing FROM no_such_table"))
    answer = app.test_client().get("/nowhere")
    assert answer.status_code == 404
    assert PHONE in answer.text


def test_a_page_that_is_not_there_says_what_to_do(world: World) -> None:
    page = world.anonymous().get("/nowhere").text
    assert "Vérifiez-la signe par signe" in page
    assert "Se connecter" in page
    refused = world.client(world.operator).get("/organisations/new")
    assert refused.status_code == 403
    assert "Aller à l’accueil" in refused.text


def test_the_icons_are_there_and_no_vendors(app: Flask) -> None:
    page = app.test_client().get("/sign-in").text
    for name in ("favicon.svg", "favicon.png", "touch-icon.png"):
        assert f"/static/img/{name}" in page
        with app.test_client().get(f"/static/img/{name}") as answer:
            assert answer.status_code == 200
    lines = [line.split("  ") for line in (STATIC / "VENDOR.md").read_text().splitlines() if "  " in line]
    sums = {
        name: digest for digest, name in (line for line in lines if len(line) == 2 and len(line[0]) == 64)
    }
    assert sums
    wrong = [
        name
        for name, digest in sums.items()
        if hashlib.sha256((STATIC / name).read_bytes()).hexdigest() != digest
    ]
    assert wrong == []
