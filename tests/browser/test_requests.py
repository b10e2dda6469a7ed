"""Asking, following and allocating in a real browser: a prescriber, a structure, the coordinator."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.factories import today

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

NAME = "Jeanne Exemple"


def test_a_prescriber_asks_follows_and_finds(visitor: Visitor) -> None:
    visitor.sign_in("prescripteur@demo.exemple")
    page = visitor.open("/requests/new")
    visitor.look("request-choose")
    page = visitor.open("/requests/new?programme=RSA")
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.get_by_role("alert")).to_be_focused()
    visitor.look("request-person-errors")
    page.get_by_label("Date inscrite sur le justificatif").fill(today().isoformat())
    page.get_by_label("J’ai vu ce justificatif").check()
    page.get_by_label("Nom de la personne").fill(f"{NAME} 2 85 05 78 006 084")
    page.get_by_label("Date de naissance").fill("1985-05-12")
    page.get_by_label(re.compile("^ordinateur portable")).check()
    page.get_by_label("une souris").check()
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.get_by_role("alert")).to_contain_text("numéro de sécurité sociale")
    page.get_by_label("Nom de la personne").fill(NAME)
    visitor.look("request-person")
    page.get_by_role("button", name="Envoyer la demande").click()
    page.wait_for_url(re.compile(r"/requests/D-"))
    expect(page.get_by_text("Il manque 1 ordinateur portable.")).to_be_visible()
    visitor.look("request-person-open")
    ref = page.url.rpartition("/")[2]

    page = visitor.open("/requests/find")
    page.get_by_label("Nom et prénom exacts").fill("EXEMPLE jeanne")
    page.get_by_label("Date de naissance").fill("1985-05-12")
    page.get_by_role("button", name="Chercher").click()
    expect(page.get_by_role("link", name=ref)).to_be_visible()
    assert "EXEMPLE" not in page.url
    visitor.look("request-found")
    page.get_by_role("link", name=ref).click()
    page.get_by_role("link", name="Annuler cette demande").click()
    visitor.look("request-cancel")
    page.get_by_label("plus besoin").check()
    page.get_by_role("button", name="Annuler cette demande").click()
    expect(page.get_by_text("Demande annulée : plus besoin")).to_be_visible()
    visitor.look("request-cancelled")


def ask_for_the_room(page: Page, visitor: Visitor) -> str:
    """The CCAS asks with the keyboard alone: ten desktops, ten screens; the reference."""
    page.get_by_label("unité centrale").focus()
    page.keyboard.type("10")
    page.get_by_label("écran", exact=False).first.focus()
    page.keyboard.type("10")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Vérifier la demande et son prix")).to_be_visible()
    expect(page.get_by_text("650,00")).to_be_visible()
    visitor.look("request-room-price")
    page.get_by_role("button", name="Corriger").click()
    expect(page.get_by_label("unité centrale")).to_have_value("10")
    page.get_by_role("button", name="Voir le prix").click()
    page.get_by_role("button", name="Envoyer la demande").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/requests/D-"))
    visitor.look("request-room-open")
    return page.url.rpartition("/")[2]


def test_a_structure_sees_its_price_and_the_coordinator_fills_its_room(visitor: Visitor) -> None:
    visitor.sign_in("ccas@demo.exemple")
    page = visitor.open("/requests/new?programme=ESPACE-COMMUNE")
    visitor.look("request-room")
    ref = ask_for_the_room(page, visitor)
    visitor.context.clear_cookies()

    visitor.sign_in("coordination@demo.exemple")
    visitor.open("/requests?state=open&programme=ESPACE-COMMUNE")
    visitor.look("requests-coordinator")
    page = visitor.open(f"/requests/{ref}")
    visitor.look("request-choose-devices")
    ticks = page.get_by_role("button", name=re.compile("^Cocher les"))
    for place in range(ticks.count()):
        ticks.nth(place).focus()
        page.keyboard.press("Enter")
    if page.get_by_role("checkbox").count():
        page.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Réserver le matériel coché").click()
        expect(page.get_by_text(re.compile("réservé")).first).to_be_visible()
        visitor.look("request-allotted")


@pytest.mark.parametrize("path", ["/prices", "/prices/new", "/prices/programmes/new", "/looks"])
def test_the_coordinators_other_pages_hold(visitor: Visitor, path: str) -> None:
    visitor.sign_in("coordination@demo.exemple")
    page = visitor.open(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    visitor.look(f"coordinator{path.replace('/', '-')}")
