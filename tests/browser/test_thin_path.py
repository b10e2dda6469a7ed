"""The thin path as its people walk it, in a real browser, at 360 and 1280 px, held to WCAG on each page."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, Visitor
from tests.browser.test_steps import control, walk
from tests.factories import today
from tests.scanned import scanned

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

CODE = re.compile(r"^[0-9B-Y]{10}$")


def said(page: Page) -> str:
    return page.get_by_role("status").first.inner_text()


def enter_batch(visitor: Visitor) -> str:
    """The coordinator enters a batch by hand for a donor: two laptops."""
    visitor.sign_in("coordination@demo.exemple")
    visitor.look("home-coordinator")
    page = visitor.open("/batches")
    visitor.look("batches-empty")
    page = visitor.open("/batches/new")
    page.get_by_role("button", name="Enregistrer le lot").click()
    expect(page.get_by_role("alert")).to_be_focused()
    visitor.look("batch-new-errors")
    page.get_by_label("Donateur", exact=True).select_option(label="BNP Paribas")
    page.get_by_label("Atelier qui reçoit").select_option(label="AGOIE")
    page.get_by_label("Base légale du don").select_option("private_gift")
    page.get_by_label("Jour de l’accord").fill(today().isoformat())
    page.get_by_label("Ordinateur portable").or_(
        page.get_by_label(re.compile("^portable", re.IGNORECASE))
    ).first.fill("2")
    visitor.look("batch-new")
    page.get_by_role("button", name="Enregistrer le lot").click()
    page.wait_for_url(re.compile(r"/batches/L-"))
    visitor.look("batch-accepted")
    return page.url.rpartition("/")[2]


def receive(visitor: Visitor, ref: str) -> list[str]:
    """Reception counts them; labels come on one A4 sheet."""
    visitor.sign_in("encadrant@demo.exemple")
    visitor.look("home-supervisor")
    page = visitor.open(f"/batches/{ref}")
    visitor.look("batch-reception")
    page.get_by_label(re.compile(r"Arrivés\s: .*portable", re.IGNORECASE)).fill("2")
    page.get_by_role("button", name="Réceptionner le lot").click()
    expect(page.get_by_role("heading", name="Matériels du lot")).to_be_visible()
    visitor.look("batch-received")
    page.get_by_role("link", name="Imprimer les étiquettes").click()
    page.get_by_role("radio", name="4", exact=True).check()
    visitor.look("batch-labels")
    page.get_by_role("button", name="Préparer l’impression").click()
    address = page.get_by_role("link", name="Ouvrir le PDF").get_attribute("href")
    sheet = visitor.context.request.get(f"{visitor.served.url}{address}")
    assert sheet.headers["content-type"] == "application/pdf"
    codes = sorted(text for text in scanned(sheet.body()) if CODE.match(text))
    assert len(codes) == 2
    visitor.open("/devices")
    visitor.look("devices")
    return codes


def work(visitor: Visitor, code: str) -> None:
    """The operator walks nine steps; a second person controls; the device is available."""
    visitor.sign_in("atelier@demo.exemple")
    visitor.look("home-operator")
    page = visitor.open("/scan")
    expect(page.get_by_label("Code de l’étiquette")).to_be_focused()
    visitor.look("desk")
    # As a US scanner types it on a French computer, with Enter at its end.
    page.keyboard.type(code.translate(str.maketrans("1234567890", "&é\"'(-è_çà")).lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape : mise en route")
    visitor.open("/scan")
    walk(visitor, code)
    visitor.context.clear_cookies()
    visitor.sign_in("atelier2@demo.exemple")
    control(visitor, code)
    visitor.look("desk-done")
    page.get_by_label("Code de l’étiquette").fill(code * 2)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Deux codes collés", exact=True)).to_be_visible()
    visitor.look("desk-refused")
    visitor.open(f"/devices/{code}")
    visitor.look("device")


def ask(visitor: Visitor) -> str:
    """The prescriber asks under RSA, with the proof seen."""
    visitor.sign_in("prescripteur@demo.exemple")
    visitor.look("home-prescriber")
    page = visitor.open("/requests")
    visitor.look("requests-empty")
    page = visitor.open("/requests/new?programme=RSA")
    page.get_by_label(re.compile("^ordinateur portable")).check()
    page.get_by_label("Nom de la personne").fill("Jeanne Exemple")
    page.get_by_label("Téléphone ou adresse électronique").fill("01 99 00 12 34")
    page.get_by_label("Date inscrite sur le justificatif").fill(today().isoformat())
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Nom de la personne")).to_have_value("Jeanne Exemple")
    visitor.look("request-new-errors")
    page.get_by_label("J’ai vu ce justificatif").check()
    visitor.look("request-new")
    page.get_by_role("button", name="Envoyer la demande").click()
    page.wait_for_url(re.compile(r"/requests/D-"))
    visitor.look("request-open")
    return page.url.rpartition("/")[2]


def allocate(visitor: Visitor, ref: str, code: str) -> None:
    """The coordinator allocates at 20 EUR, and never sees the person's name."""
    visitor.sign_in("coordination@demo.exemple")
    page = visitor.open(f"/requests/{ref}")
    assert "Jeanne" not in page.content()
    visitor.look("request-candidates")
    page.locator(f"#device-{code}").check()
    page.get_by_role("button", name="Réserver le matériel coché").click()
    expect(page.get_by_role("button", name=f"Libérer le matériel {code}")).to_be_visible()
    expect(page.get_by_text("20,00").first).to_be_visible()
    visitor.look("request-allocated")


def hand_over(visitor: Visitor, ref: str, code: str) -> None:
    """The desk scans, takes 20 EUR, has it signed."""
    visitor.sign_in("guichet@demo.exemple")
    visitor.look("home-desk")
    page = visitor.open(f"/requests/{ref}")
    page.get_by_role("link", name="Remettre le matériel").click()
    page.get_by_label("Étiquette du matériel").fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Tout est scanné")).to_be_visible()
    page.get_by_label("Carte d’identité").check()
    page.get_by_label("Espèces").check()
    page.get_by_label("La personne signe la feuille").check()
    visitor.look("handover-form")
    page.get_by_role("button", name="Enregistrer la remise").click()
    page.wait_for_url(re.compile(r"/handovers/R-"))
    visitor.look("handover")


def test_one_laptop_from_the_donor_to_its_new_owner(served: Served, visitor: Visitor) -> None:
    ref = enter_batch(visitor)
    visitor.context.clear_cookies()
    code, other = receive(visitor, ref)
    visitor.context.clear_cookies()
    work(visitor, code)
    visitor.context.clear_cookies()
    request = ask(visitor)
    visitor.context.clear_cookies()
    allocate(visitor, request, code)
    visitor.context.clear_cookies()
    hand_over(visitor, request, code)
    visitor.context.clear_cookies()

    page = visitor.open(f"/d/{code}")
    text = page.content()
    for secret in ("Jeanne", "S3Z9NB0K123456", "BNP", "RSA", "20,00"):
        assert secret not in text
    visitor.look("passport")
    assert other in visitor.open(f"/d/{other}").url
    assert "0 faults" in served.command("journal", "verify")


@pytest.mark.parametrize(
    ("email", "path"),
    [
        ("coordination@demo.exemple", "/organisations"),
        ("coordination@demo.exemple", "/organisations/new"),
        ("coordination@demo.exemple", "/organisations/5"),
        ("coordination@demo.exemple", "/organisations/5/edit"),
        ("coordination@demo.exemple", "/organisations/5/invite"),
        ("coordination@demo.exemple", "/account"),
        ("coordination@demo.exemple", "/account/tokens/new"),
        ("coordination@demo.exemple", "/account/password"),
        ("encadrant@demo.exemple", "/organisations"),
        ("donateur@demo.exemple", "/"),
        ("ccas@demo.exemple", "/requests/new"),
        ("ccas@demo.exemple", "/nulle-part"),
        (None, "/sign-in"),
        (None, "/forgot"),
        (None, "/d/0000000000"),
        (None, "/password/reset/abc"),
    ],
)
def test_other_pages_hold_at_both_widths(visitor: Visitor, email: str | None, path: str) -> None:
    if email:
        visitor.sign_in(email)
    page = visitor.open(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    visitor.look(f"page{path.replace('/', '-')}-{(email or 'nobody').partition('@')[0]}")


def test_a_forgotten_password_is_set_again_by_mail(served: Served, visitor: Visitor) -> None:
    """Asked on the page, mailed by the worker, set by its link, once; through the real queue."""
    page = visitor.open("/forgot")
    page.get_by_label("Adresse électronique").fill("loxy@demo.exemple")
    page.locator("main").get_by_role("button").click()
    link = _mailed_link(served, page)
    visitor.page.goto(link)
    visitor.look("set-password")
    page.get_by_label("Nouveau mot de passe").fill("une phrase de passe neuve")
    page.get_by_role("button", name="Enregistrer et entrer").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    visitor.context.clear_cookies()
    assert visitor.page.goto(link).status == 410


def _mailed_link(served: Served, page: Page) -> str:
    for _ in range(100):
        for mail in (served.folder / "mail").glob("*.eml"):
            text = mail.read_text()
            if "To: loxy@demo.exemple" in text and "/password/reset/" in text.replace("=\n", ""):
                return re.search(r"http://\S+/password/reset/\S+", text.replace("=\n", "")).group(0)
        page.wait_for_timeout(200)
    raise AssertionError("no mail came")


def test_the_page_of_the_api_opens(visitor: Visitor) -> None:
    page = visitor.open("/api/docs")
    expect(page.get_by_text("/api/v1/scans", exact=False).first).to_be_visible()


def test_the_language_can_be_changed(visitor: Visitor) -> None:
    page = visitor.open("/sign-in")
    assert page.locator("html").get_attribute("lang") == "fr"
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
