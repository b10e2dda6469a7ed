"""A donor's batch in a real browser: announced by hand, accepted, received, labelled; with the keyboard too."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, Visitor
from tests.factories import today
from tests.scanned import scanned

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

REF = re.compile(r"/batches/(L-[0-9A-Z]+)$")
CODE = re.compile(r"^[0-9B-Y]{10}$")
DONOR, COORDINATOR, SUPERVISOR = (
    f"{name}@demo.exemple" for name in ("donateur", "coordination", "encadrant")
)


def announce(visitor: Visitor) -> str:
    """Twelve laptops and four screens: first without an address, which is asked for; the batch's reference."""
    visitor.sign_in(DONOR)
    visitor.open("/batches")
    visitor.look("donor-batches")
    page = visitor.page
    page.get_by_role("main").get_by_role("link", name="Annoncer un don").first.click()
    page.get_by_label("Ordinateur portable", exact=True).fill("12")
    page.get_by_label("Écran", exact=True).fill("4")
    page.get_by_role("button", name="Envoyer à la banque").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Dites où le matériel est à prendre.")
    assert page.get_by_label("Ordinateur portable", exact=True).input_value() == "12"
    visitor.look("donor-announce-errors")
    page.get_by_label("Adresse où prendre le matériel").fill("16 boulevard des Italiens\n75009 Paris")
    page.get_by_label("Personne à appeler, et son numéro").fill("Accueil du quai, 01 99 00 12 34")
    page.get_by_label("Rien ne doit être vendu").check()
    visitor.look("donor-announce")
    page.get_by_role("button", name="Envoyer à la banque").click()
    page.wait_for_url(REF)
    expect(page.get_by_role("status").first).to_contain_text("envoyé")
    visitor.look("donor-sent")
    found = REF.search(page.url)
    assert found is not None
    return found[1]


def accept(visitor: Visitor, ref: str) -> None:
    """The coordinator chooses the workshop, the text and the day."""
    visitor.sign_in(COORDINATOR)
    page = visitor.open("/batches?state=submitted")
    page.get_by_role("main").get_by_role("link", name=ref).click()
    page.get_by_role("button", name="Accepter le lot").click()
    expect(page.get_by_role("alert")).to_be_focused()
    visitor.look("coordinator-decides-errors")
    page.get_by_label("Atelier qui reçoit").select_option(label="AGOIE")
    page.get_by_label("Jour de la collecte").fill((today() + timedelta(days=3)).isoformat())
    expect(page.get_by_label("Don d’une collectivité territoriale")).to_have_count(0)
    page.get_by_label("Don privé").check()
    visitor.look("coordinator-decides")
    page.get_by_role("button", name="Accepter le lot").click()
    expect(page.get_by_role("status").first).to_contain_text("accepté")
    visitor.look("coordinator-accepted")


def receive(visitor: Visitor, ref: str) -> None:
    """Ten laptops are kept, two are sent back at the dock, the screens are all there: no reason to give."""
    visitor.sign_in(SUPERVISOR)
    page = visitor.open(f"/batches/{ref}")
    reason = page.get_by_label(re.compile(r"Raison de l’écart\s: ordinateur portable"))
    page.get_by_label("Arrivés : ordinateur portable").fill("10")
    expect(reason).to_be_visible()
    page.get_by_label("Refusés au quai : ordinateur portable").fill("2")
    expect(reason).to_be_hidden()
    page.get_by_label("Arrivés : écran", exact=True).fill("4")
    for field in page.locator(".big-number:visible").all():
        box = field.bounding_box()
        assert box is not None
        assert box["height"] >= 56
    visitor.look("workshop-counts")
    page.get_by_role("button", name="Réceptionner le lot").press("Enter")
    expect(page.get_by_role("heading", name="Matériels du lot")).to_be_visible()
    visitor.look("workshop-received")
    page.get_by_role("link", name="Imprimer les étiquettes").click()
    page.get_by_role("button", name="Préparer l’impression").click()
    address = page.get_by_role("link", name="Ouvrir le PDF").get_attribute("href")
    sheet = visitor.context.request.get(f"{visitor.served.url}{address}")
    assert len({text for text in scanned(sheet.body()) if CODE.match(text)}) == 14


def test_a_donation_from_the_announcement_to_the_labels(visitor: Visitor, served: Served) -> None:
    ref = announce(visitor)
    visitor.context.clear_cookies()
    accept(visitor, ref)
    visitor.context.clear_cookies()
    receive(visitor, ref)
    visitor.context.clear_cookies()

    page = visitor.sign_in(DONOR).open(f"/batches/{ref}")
    expect(page.get_by_role("heading", name="Ce que ce don est devenu")).to_be_visible()
    expect(page.get_by_text("14 arrivés sur 16 annoncés")).to_be_visible()
    expect(page.get_by_text("abîmé, refusé au quai")).to_be_visible()
    assert page.get_by_role("heading", name="Matériels du lot").count() == 0
    visitor.look("donor-received")
    for paper in ("reception", "erasure"):
        answer = visitor.context.request.get(f"{served.url}/batches/{ref}/{paper}.pdf")
        assert (answer.status, answer.body()[:5]) == (200, b"%PDF-")
    with page.expect_download() as download:
        page.get_by_role("link", name="Devenir de chaque matériel").click()
    assert download.value.suggested_filename == f"{ref}-devenir.csv"


def press_until(page: Page, name: str, presses: int = 80) -> None:
    """Go by Tab to the control with this name, as someone without a mouse does."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        told = page.evaluate(
            "(document.activeElement.labels?.[0] || document.activeElement).textContent.trim()"
        )
        if told.startswith(name):
            return
    raise AssertionError(f"{name} is out of the keyboard's reach")


def test_a_donor_announces_and_takes_back_with_the_keyboard_alone(visitor: Visitor) -> None:
    page = visitor.sign_in(DONOR).open("/batches/announce")
    press_until(page, "Tablette")
    page.keyboard.type("3")
    press_until(page, "Garder en brouillon")
    page.keyboard.press("Enter")
    page.wait_for_url(REF)
    expect(page.get_by_role("heading", name="Ce lot n’est pas encore envoyé")).to_be_visible()
    visitor.look("donor-draft")
    press_until(page, "Envoyer à la banque")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Dites qui appeler, et à quel numéro.")
    page.go_back()
    press_until(page, "Retirer ce lot")
    page.keyboard.press("Enter")
    press_until(page, "Oui, retirer ce lot")
    page.keyboard.press("Space")
    press_until(page, "Retirer le lot")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("retiré")
    visitor.look("donor-withdrawn")


def test_a_lorry_that_nobody_announced(visitor: Visitor) -> None:
    page = visitor.sign_in(SUPERVISOR).open("/receptions/new")
    page.get_by_role("button", name="Réceptionner et faire les étiquettes").click()
    expect(page.get_by_role("alert")).to_be_focused()
    visitor.look("arrival-errors")
    page.get_by_label("De qui cela vient").select_option(label="Origine inconnue")
    page.get_by_label("Arrivés : écran", exact=True).fill("2")
    visitor.look("arrival")
    page.get_by_role("button", name="Réceptionner et faire les étiquettes").click()
    page.wait_for_url(REF)
    expect(page.get_by_text("2 arrivés, sans annonce")).to_be_visible()
    expect(page.get_by_text("Origine inconnue")).to_be_visible()
    visitor.look("arrival-received")


def test_the_donor_reads_why_the_bank_says_no(visitor: Visitor) -> None:
    ref = announce(visitor)
    visitor.context.clear_cookies()
    page = visitor.sign_in(COORDINATOR).open(f"/batches/{ref}")
    page.get_by_text("Refuser ce lot").click()
    page.get_by_label("Raison du refus").select_option("incomplete")
    page.get_by_label("Un mot pour le donateur").fill("Dites-nous s’il y a un quai.")
    visitor.look("coordinator-refuses")
    page.get_by_role("button", name="Refuser le lot").click()
    expect(page.get_by_role("status").first).to_contain_text("refusé")
    visitor.context.clear_cookies()
    page = visitor.sign_in(DONOR).open(f"/batches/{ref}")
    expect(page.get_by_text("Dites-nous s’il y a un quai.")).to_be_visible()
    visitor.look("donor-refused")
    page.get_by_role("button", name="Corriger et renvoyer").click()
    expect(page.get_by_label("Personne à appeler, et son numéro")).to_have_value(
        "Accueil du quai, 01 99 00 12 34"
    )
    page.get_by_role("button", name="Envoyer à la banque").click()
    expect(page.get_by_text("La banque a reçu votre annonce")).to_be_visible()
