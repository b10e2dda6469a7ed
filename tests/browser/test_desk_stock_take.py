"""Stock-takes, settings and guides in a real browser: by scanner and keyboard alone, with and without network."""

import re
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.browser.conftest import AXE, Served, Visitor

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

OPERATOR, SUPERVISOR = "atelier@demo.exemple", "encadrant@demo.exemple"
US_ON_FRENCH = str.maketrans("1234567890", "&é\"'(-è_çà")
FIELD = "Code de l’étiquette"
# The stricter rule of contrast, 7 to 1, which axe leaves out unless it is asked for.
STRICT = "axe.run({runOnly: ['color-contrast-enhanced']})"


@pytest.fixture(scope="module")
def secret(served: Served) -> str:
    return served.command("token", "create", "--email", SUPERVISOR, "--days", "1")


def ask(visitor: Visitor, secret: str, method: str, path: str, data: Any = None) -> Any:
    answer = visitor.context.request.fetch(
        f"{visitor.served.url}/api/v1{path}",
        method=method,
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid4())},
        data=data,
    )
    assert answer.ok, answer.text()
    return answer.json()


def shelf(visitor: Visitor, secret: str, count: int) -> tuple[dict[str, Any], list[str]]:
    """A new place with so many devices that nobody had announced, and their codes."""
    name = f"Étagère {uuid4().hex[:4]}"
    place = ask(visitor, secret, "POST", "/places", {"name": name, "kind": "shelf"})
    lines = [{"category": "laptop", "received": count}]
    codes = ask(visitor, secret, "POST", "/receptions", {"donor_id": None, "lines": lines})["codes"]
    for code in codes:
        ask(visitor, secret, "PUT", f"/devices/{code}/place", {"place": place["id"]})
    return place, codes


def scan(page: Page, text: str) -> None:
    """As fast as a hand scanner types."""
    page.keyboard.type(text, delay=5)
    page.keyboard.press("Enter")


def test_a_shelf_is_counted_by_scanner_and_settled_by_keyboard(visitor: Visitor, secret: str) -> None:
    place, codes = shelf(visitor, secret, 12)
    _other, strangers = shelf(visitor, secret, 1)
    visitor.sign_in(SUPERVISOR)
    page = visitor.open("/scan/stock-takes")
    expect(page.get_by_label("Étiquette de l’emplacement")).to_be_focused()
    visitor.look("stock-takes")
    scan(page, place["code"])
    page.wait_for_url(re.compile(r"/scan/stock-takes/\d+$"))
    expect(page.get_by_label(FIELD)).to_be_focused()
    for number, code in enumerate(codes[:9]):
        scan(page, code.translate(US_ON_FRENCH) if number % 2 else code)
    scan(page, strangers[0])
    scan(page, "SN-0815-4711")
    expect(page.get_by_text("Trouvés : 9 sur 12")).to_be_visible()
    expect(page.locator("#others")).to_contain_text("Noté ailleurs")
    expect(page.locator("#others")).to_contain_text("SN-0815-4711")
    scan(page, codes[0])
    expect(page.locator("#said")).to_contain_text("Déjà scanné")
    expect(page.get_by_label(FIELD)).to_be_focused()
    expect(page.get_by_label(FIELD)).to_have_value("")
    visitor.look("stock-take")
    page.get_by_role("link", name="Terminer l’inventaire").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Terminer l’inventaire")
    visitor.look("stock-close")
    page.get_by_label(re.compile(codes[11][:4])).select_option("lost")
    page.get_by_role("button", name="Terminer l’inventaire").press("Enter")
    expect(page.get_by_text("Inventaire terminé.").first).to_be_visible()
    expect(page.get_by_text("déclaré introuvable")).to_be_visible()
    visitor.look("stock-result")
    assert ask(visitor, secret, "GET", f"/devices/{strangers[0]}")["place"] == place["name"]
    assert ask(visitor, secret, "GET", f"/devices/{codes[11]}")["state"] == "missing"
    result = page.get_by_role("link", name="Imprimer le résultat").get_attribute("href")
    printed = visitor.context.request.get(f"{visitor.served.url}{result}")
    assert printed.body().startswith(b"%PDF")


def test_what_is_scanned_without_network_is_counted_when_it_is_back(visitor: Visitor, secret: str) -> None:
    place, codes = shelf(visitor, secret, 6)
    visitor.sign_in(OPERATOR)
    page = visitor.open("/scan/stock-takes")
    scan(page, place["code"])
    page.wait_for_url(re.compile(r"/scan/stock-takes/\d+$"))
    visitor.context.set_offline(True)
    for code in codes:
        scan(page, code)
    expect(page.locator("#stock-waiting")).to_contain_text("Scans en attente du réseau : 6")
    visitor.faults.clear()
    visitor.look("stock-take-offline")
    visitor.context.set_offline(False)
    expect(page.get_by_text("Trouvés : 6 sur 6")).to_be_visible()
    expect(page.locator("#stock-waiting")).to_be_hidden()
    expect(page.get_by_text("prévenez l’encadrant")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Trouvés : 6 sur 6")).to_be_visible()


def test_the_desk_is_as_its_reader_asked(visitor: Visitor) -> None:
    visitor.sign_in(OPERATOR)
    page = visitor.open("/scan/settings")
    visitor.look("settings")
    for label in ("Contraste fort", "Lire à voix haute", "Très grande"):
        page.get_by_label(label).press("Space")
    page.get_by_role("button", name="Garder ces réglages").press("Enter")
    expect(page.get_by_text("C’est réglé.").first).to_be_visible()
    body = page.locator("body")
    expect(body).to_have_attribute("data-contrast", "on")
    expect(body).to_have_attribute("data-speech", "on")
    expect(body).to_have_attribute("data-text-size", "largest")
    visitor.look("settings-largest")
    for path in ("/scan/settings", "/scan", "/scan/stock-takes"):
        page = visitor.open(path)
        page.add_script_tag(path=str(AXE))
        found = page.evaluate(STRICT)["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == [], path
        small = page.evaluate(
            "[...document.querySelectorAll('main .tap, main .tile')]"
            ".filter(e => e.offsetParent && e.offsetHeight < 56).map(e => e.outerHTML)"
        )
        assert small == [], path
    visitor.look("desk-largest")
    visitor.open("/account")
    expect(page.locator("body")).not_to_have_attribute("data-contrast", re.compile("."))
    # As it was, for who comes after.
    page = visitor.open("/scan/settings")
    for label in ("Contraste fort", "Lire à voix haute"):
        page.get_by_label(label).uncheck()
    page.get_by_label("Normale").check()
    page.get_by_role("button", name="Garder ces réglages").click()
    expect(page.locator("body")).to_have_attribute("data-contrast", "off")


def drawing() -> bytes:
    """A picture of a cable, more or less."""
    picture = Image.new("RGB", (640, 400), "white")
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((60, 120, 260, 280), 20, fill="#1c5788")
    pen.line((260, 200, 580, 200), fill="#16262b", width=16)
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def test_a_workshops_own_words_and_picture_are_at_the_step(visitor: Visitor, secret: str) -> None:
    _place, (code,) = shelf(visitor, secret, 1)
    visitor.sign_in(SUPERVISOR)
    page = visitor.open("/workshop/guides")
    page.get_by_role("link", name=re.compile("mise en route")).click()
    page.get_by_label("Consigne").fill("Prenez le câble bleu, à droite de la table.")
    svg = {"name": "x.svg", "mimeType": "image/svg+xml", "buffer": b"<svg><script>alert(1)</script></svg>"}
    page.get_by_label("Image", exact=False).first.set_input_files(files=[svg])
    page.get_by_role("button", name="Enregistrer la consigne").click()
    expect(page.get_by_text("n’est pas une image PNG ou JPEG").first).to_be_visible()
    visitor.look("guide-refused")
    page.get_by_label("Image", exact=False).first.set_input_files(
        files=[{"name": "cable.png", "mimeType": "image/png", "buffer": drawing()}]
    )
    page.get_by_label("Ce que montre l’image").fill("Un chargeur bleu et son câble.")
    page.get_by_role("button", name="Enregistrer la consigne").click()
    expect(page.get_by_text("La consigne est enregistrée.").first).to_be_visible()
    expect(page.get_by_role("img", name="Un chargeur bleu et son câble.")).to_be_visible()
    visitor.look("guides")
    ask(visitor, secret, "POST", "/scans", {"scan_id": str(uuid4()), "code": code, "outcome": "look"})
    page = visitor.open(f"/scan/{code}")
    expect(page.get_by_text("Prenez le câble bleu")).to_be_visible()
    shown = page.get_by_role("img", name="Un chargeur bleu et son câble.")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.naturalWidth") == 640
    visitor.look("device-guide")
