"""Printing in a real browser, as a new user tries it: a half-used sheet, a bad print, a printer that is off."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.scanned import scanned

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

SUPERVISOR = "encadrant@demo.exemple"


def focused(page: Page) -> str:
    return str(
        page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.value")
    )


def opened_pdf(visitor: Visitor) -> bytes:
    """The file behind the button, as the browser would open it."""
    address = visitor.page.get_by_role("link", name="Ouvrir le PDF").get_attribute("href")
    answer = visitor.context.request.get(f"{visitor.served.url}{address}")
    assert answer.headers["content-type"] == "application/pdf"
    if folder := os.environ.get("BANQUE_PICTURES"):
        (Path(folder) / "labels.pdf").write_bytes(answer.body())
    return answer.body()


def test_a_few_devices_on_a_half_used_sheet(visitor: Visitor) -> None:
    page = visitor.sign_in(SUPERVISOR).open("/labels")
    expect(page.get_by_role("heading", level=1)).to_have_text("Étiquettes")
    visitor.look("labels-home")
    page.get_by_role("link", name="Voir la liste des matériels").click()
    boxes = page.get_by_role("checkbox", name=re.compile("^Choisir"))
    for box in (boxes.nth(0), boxes.nth(1)):
        box.focus()
        page.keyboard.press("Space")
    visitor.look("labels-list")
    page.get_by_role("button", name="Imprimer les étiquettes cochées").press("Enter")
    expect(page.get_by_text("2 étiquettes de matériels")).to_be_visible()
    page.wait_for_load_state()

    # The sheet is chosen, its places appear; the first five are gone already.
    page.get_by_label("Planche ou rouleau").select_option("L7163")
    expect(page.get_by_role("radio")).to_have_count(14)
    page.get_by_role("radio", name="1", exact=True).focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert focused(page) == "6"
    expect(page.get_by_role("img", name=re.compile("à partir de la place 6"))).to_be_visible()
    visitor.look("labels-print")
    page.get_by_role("button", name="Préparer l’impression").press("Enter")
    if page.get_by_role("alert").count():
        # Labels of the demo's devices were printed when these came.
        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_role("radio", name="6", exact=True)).to_be_checked()
        visitor.look("labels-reprint")
        page.get_by_label("Pourquoi réimprimer l’étiquette ?").select_option("illisible")
        page.get_by_role("button", name="Préparer l’impression").press("Enter")

    expect(page.get_by_text("Imprimez à 100 %, sans ajuster à la page.")).to_be_visible()
    expect(page.get_by_text("Gardez la dernière planche : sa place 8 est libre.")).to_be_visible()
    visitor.look("labels-run")
    assert len(scanned(opened_pdf(visitor))) == 4

    # The next print goes on where this one stopped.
    page.get_by_role("link", name="Étiquettes", exact=True).first.click()
    page.get_by_role("link", name="Des étiquettes vierges").click()
    expect(page.get_by_label("Planche ou rouleau")).to_have_value("L7163")
    expect(page.get_by_role("radio", name="8", exact=True)).to_be_checked()
    page.get_by_label("Combien d’étiquettes vierges").fill("0")
    page.get_by_role("button", name="Préparer l’impression").press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("radio", name="8", exact=True)).to_be_checked()
    visitor.look("labels-blanks-none")
    page.get_by_label("Combien d’étiquettes vierges").fill("3")
    page.get_by_role("button", name="Préparer l’impression").press("Enter")
    expect(page.get_by_text("sa première place libre est la 8")).to_be_visible()

    # It came out badly: once more, with a reason.
    page.get_by_text("La planche est mal sortie ?").click()
    page.get_by_label("Pourquoi réimprimer l’étiquette ?").select_option("mal imprimée")
    visitor.look("labels-again")
    page.get_by_role("button", name="Imprimer de nouveau").press("Enter")
    expect(page.locator("#facts").get_by_text("mal imprimée")).to_be_visible()


def test_many_blank_labels_are_followed_until_they_are_there(visitor: Visitor) -> None:
    page = visitor.sign_in(SUPERVISOR).open("/labels/print")
    page.get_by_label("Combien d’étiquettes vierges").fill("1200")
    page.get_by_label("Planche ou rouleau").select_option("62x29")
    expect(page.get_by_text("Une étiquette du rouleau, 62 × 29 mm")).to_be_visible()
    visitor.look("labels-roll")
    page.get_by_role("button", name="Préparer l’impression").press("Enter")
    address = page.url
    visitor.open("/devices")
    page.goto(address)
    expect(page.get_by_role("link", name="Ouvrir le PDF")).to_be_visible(timeout=60_000)
    visitor.look("labels-run-long")


def test_a_printer_is_set_right(visitor: Visitor) -> None:
    page = visitor.sign_in(SUPERVISOR).open("/labels")
    page.get_by_role("link", name="Ajouter une imprimante").click()
    page.get_by_label("Nom de l’imprimante").fill("Laser de l’essai")
    page.get_by_role("button", name="Ajouter cette imprimante").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Laser de l’essai")
    page.get_by_label("Du bord gauche").fill("vingt")
    page.get_by_role("button", name="Garder ce réglage").press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Du bord gauche")).to_have_value("vingt")
    visitor.look("printer-wrong")
    for label, value in (
        ("Du bord gauche", "21,5"),
        ("Du bord haut", "19,2"),
        ("Longueur de la règle couchée", "100"),
        ("Longueur de la règle debout", "100,5"),
    ):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Garder ce réglage").press("Enter")
    expect(page.get_by_text("1,5 mm vers la gauche")).to_be_visible()
    visitor.look("printer-set")
    page.get_by_role("link", name="Étiquettes", exact=True).first.click()
    page.get_by_role("link", name="Des étiquettes vierges").click()
    page.get_by_label("Imprimante").select_option("Laser de l’essai")
    page.get_by_label("Combien d’étiquettes vierges").fill("1")
    page.get_by_role("button", name="Préparer l’impression").press("Enter")
    expect(page.locator("#facts").get_by_text("Laser de l’essai")).to_be_visible()
