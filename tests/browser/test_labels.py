"""Labels printed ahead, places and other codes, in a real browser and from the keyboard, as with a scanner."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visitor
from tests.scanned import scanned

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

SUPERVISOR = "encadrant@demo.exemple"


def scan(page: Page, text: str) -> None:
    """What a scanner does in the field that has the focus: the signs, then Enter."""
    expect(page.locator("input.scan-field:focus")).to_be_visible()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def said(page: Page, text: str) -> Locator:
    """What the page itself says, not its announcer."""
    return page.locator("#main").get_by_text(text).first


def printed_blanks(visitor: Visitor, count: int) -> list[str]:
    """Blank labels, printed; the codes that a scanner reads on the sheet."""
    page = visitor.open("/labels/print")
    page.get_by_label("Combien d’étiquettes vierges").fill(str(count))
    page.get_by_role("button", name="Préparer l’impression").press("Enter")
    address = page.get_by_role("link", name="Ouvrir le PDF").get_attribute("href")
    pdf = visitor.context.request.get(f"{visitor.served.url}{address}").body()
    return sorted({text.rpartition("/")[2] for text in scanned(pdf)})


def test_labels_that_were_printed_ahead(visitor: Visitor) -> None:
    visitor.sign_in(SUPERVISOR)
    blanks = printed_blanks(visitor, 6)
    assert len(blanks) == 6
    page = visitor.open("/receptions/new")
    page.get_by_label("De qui cela vient").select_option(label="Origine inconnue")
    page.get_by_label("Arrivés : ordinateur portable", exact=True).fill("2")
    page.get_by_role("button", name="Réceptionner et faire les étiquettes").press("Enter")
    expect(said(page, "réceptionné")).to_be_visible()

    # One blank after the other, the hands on the scanner.
    visitor.open("/labels/claim")
    visitor.look("labels-waiting")
    page.get_by_role("link", name=re.compile("2 × ordinateur portable")).first.press("Enter")
    expect(page.get_by_label("Étiquette vierge")).to_be_focused()
    visitor.look("labels-claim")
    scan(page, blanks[0])
    expect(said(page, "Il en reste une à coller.")).to_be_visible()
    scan(page, blanks[0])
    expect(said(page, "déjà enregistrée")).to_be_visible()
    visitor.look("labels-claim-again")
    scan(page, "n’importe quoi")
    expect(page.locator(".scan-refused")).to_contain_text("n’importe quoi")
    visitor.look("labels-claim-refused")
    page.get_by_role("button", name="J’ai vu").press("Enter")
    expect(page.get_by_label("Étiquette vierge")).to_be_focused()
    scan(page, blanks[1])
    expect(said(page, "Tout est étiqueté.")).to_be_visible()
    expect(page.get_by_role("link", name="Revenir au poste de scan")).to_be_visible()
    visitor.look("labels-claim-done")

    # A serial is read on one of them; later its label is torn.
    visitor.open(f"/devices/{blanks[0]}/identity")
    page.get_by_label("Numéro de série").fill("PF0LABELS1")
    page.get_by_role("button", name="Noter").press("Enter")
    visitor.open("/scan")
    page.get_by_label("Code de l’étiquette").focus()
    scan(page, blanks[2])
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Étiquette vierge"))
    visitor.look("labels-blank")
    page.get_by_role("link", name="Remplacer l’étiquette d’un matériel").press("Enter")
    expect(page.get_by_label("Numéro du matériel")).to_be_focused()
    visitor.look("labels-seek")
    scan(page, "pf0labels1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Changer l’étiquette de ce matériel")
    visitor.look("labels-stick")
    page.get_by_role("button", name="ne se lit plus").press("Enter")
    expect(said(page, "Retirez l’ancienne.")).to_be_visible()
    visitor.look("labels-device")
    visitor.open("/scan")
    page.get_by_label("Code de l’étiquette").focus()
    scan(page, blanks[0])
    expect(said(page, "Cette étiquette a été remplacée")).to_be_visible()
    visitor.look("labels-replaced")


def test_scans_that_come_faster_than_pages_are_all_taken(visitor: Visitor) -> None:
    visitor.sign_in(SUPERVISOR)
    blanks = printed_blanks(visitor, 4)
    page = visitor.open("/receptions/new")
    page.get_by_label("De qui cela vient").select_option(label="Origine inconnue")
    page.get_by_label("Arrivés : tablette", exact=True).fill("4")
    page.get_by_role("button", name="Réceptionner et faire les étiquettes").press("Enter")
    visitor.open("/labels/claim")
    page.get_by_role("link", name=re.compile("4 × tablette")).first.press("Enter")
    expect(page.get_by_label("Étiquette vierge")).to_be_focused()

    # Two labels 30 ms apart, then one that is none, then the next: without looking at the screen.
    for code in (blanks[0], blanks[1], "n’importe quoi", blanks[2]):
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        page.wait_for_timeout(30)
    expect(page.locator("#left")).to_contain_text(re.compile("^\\s*1\\s+à étiqueter"))
    expect(page.locator(".scan-refused")).to_have_count(1)
    expect(page.locator(".scan-line", has_text="fait")).to_have_count(3)
    expect(page.get_by_label("Étiquette vierge")).to_be_focused()
    visitor.look("labels-claim-fast")

    # What is scanned without network leaves when it is back.
    visitor.context.set_offline(True)
    page.keyboard.type(blanks[3])
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Gardez cette page ouverte")
    visitor.faults.clear()
    visitor.context.set_offline(False)
    expect(said(page, "Tout est étiqueté.")).to_be_visible()

    # The same at a shelf.
    visitor.open("/places/new")
    page.get_by_label("Nom").fill("Étagère rapide")
    page.get_by_role("radio", name="étagère").check()
    page.get_by_role("button", name="Enregistrer").press("Enter")
    expect(page.get_by_label("Matériel à ranger ici")).to_be_focused()
    for code in (blanks[0], blanks[1], blanks[0], "PAS-UN-NUMERO", blanks[2]):
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        page.wait_for_timeout(30)
    expect(page.locator("#standing")).to_contain_text("3 matériels")
    expect(page.locator(".scan-refused")).to_contain_text("PAS-UN-NUMERO")
    expect(page.get_by_label("Matériel à ranger ici")).to_be_focused()
    visitor.look("places-fast")


def test_places_and_what_is_put_in_them(visitor: Visitor) -> None:
    visitor.sign_in(SUPERVISOR)
    [blank] = printed_blanks(visitor, 1)
    page = visitor.open("/places/new")
    page.get_by_label("Nom").fill("Étagère de l’essai")
    page.get_by_role("radio", name="étagère").check()
    visitor.look("places-new")
    page.get_by_role("button", name="Enregistrer").press("Enter")
    expect(page.get_by_label("Matériel à ranger ici")).to_be_focused()
    visitor.look("places-empty")
    address = page.url
    visitor.open("/devices?state=ready")
    code = page.locator("tbody a .code, tbody th .code").first.inner_text()
    page.goto(address)
    scan(page, code)
    expect(said(page, " : rangé ici.")).to_be_visible()
    visitor.look("places-one")
    page.get_by_role("link", name="Coller une étiquette vierge").press("Enter")
    expect(page.get_by_label("Étiquette vierge")).to_be_focused()
    scan(page, blank)
    expect(said(page, "L’étiquette est collée à cet emplacement.")).to_be_visible()
    visitor.open("/scan")
    page.get_by_label("Code de l’étiquette").focus()
    scan(page, blank)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Étagère de l’essai"))
    visitor.open("/places")
    visitor.look("places-list")
    page.get_by_role("link", name="Étagère de l’essai").press("Enter")
    page.get_by_role("link", name=re.compile(code[:4])).press("Enter")
    page.get_by_role("link", name="Ranger").press("Enter")
    expect(page.get_by_label("Étiquette de l’emplacement")).to_be_focused()
    visitor.look("places-device")
    scan(page, "xx")
    expect(said(page, "Ce n’est pas l’étiquette d’un de vos emplacements.")).to_be_visible()
    visitor.look("places-device-refused")
    visitor.context.clear_cookies()
    visitor.open(f"/d/{blank}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Une étiquette de rangement")
    visitor.look("places-public")
