"""A tray in a real browser, by keyboard and hand scanner alone: filled, checked, acted on once, sent, taken in."""

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served, Visitor
from tests.browser.test_desk_scanner import BURSTS, US_ON_FRENCH, device, pause, take_in

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

SUPERVISOR, ELSEWHERE = "encadrant@demo.exemple", "loxy@demo.exemple"
NARROW = {"width": 360, "height": 800}


@pytest.fixture(scope="module")
def secret(served: Served) -> str:
    return served.command("token", "create", "--email", SUPERVISOR, "--days", "1")


@pytest.fixture
def supervisor(visitor: Visitor) -> Visitor:
    """Who runs the demo's workshop, on a phone."""
    visitor.page.set_viewport_size(NARROW)
    return visitor.sign_in(SUPERVISOR)


def shelf(visitor: Visitor, secret: str) -> dict[str, Any]:
    """A place of the workshop, with its label."""
    answer = visitor.context.request.post(
        f"{visitor.served.url}/api/v1/places",
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid4())},
        data={"name": f"Étagère {uuid4().hex[:6]}", "kind": "shelf"},
    )
    assert answer.status == 201, answer.text()
    found: dict[str, Any] = answer.json()
    return found


def burst(page: Page, text: str) -> None:
    """One scan, as fast as a scanner types it, wherever the focus is."""
    expect(page.locator("#tray[data-ready]")).to_be_visible()
    page.evaluate(BURSTS, [[text], "Enter"])


def press(page: Page, name: str | re.Pattern[str]) -> None:
    """Go to a button by Tab alone, and press it."""
    button = page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).first
    for _step in range(80):
        if button.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")


def line(page: Page, code: str) -> Any:
    return page.locator(f"#tray-list [data-said='{code}']")


def test_a_tray_is_filled_checked_and_acted_on_without_a_mouse(supervisor: Visitor, secret: str) -> None:
    place, things = shelf(supervisor, secret), take_in(supervisor, secret, 3)
    page = supervisor.open("/scan/tray")
    supervisor.look("tray-choose")
    page.set_viewport_size(NARROW)
    press(page, "Ranger à un emplacement")
    expect(page.get_by_label("Étiquette de l’emplacement")).to_be_focused()
    # A thing where a place is awaited is told; the place comes first.
    burst(page, things[0])
    expect(page.locator("#said")).to_contain_text("Scannez d’abord l’étiquette de l’emplacement")
    pause(page)
    burst(page, place["code"])
    expect(page.locator("#said")).to_contain_text(place["name"])
    expect(page.get_by_label("Étiquette du matériel")).to_be_focused()
    # One scanner types the code as on a French keyboard; each is heard, whatever the pace.
    for code in (things[0], things[1].translate(US_ON_FRENCH), things[2], things[2], "7K3F9RTC2H"):
        burst(page, code)
    for code in things:
        expect(line(page, code)).to_have_attribute("data-status", "ok")
    expect(page.locator("#tray-count")).to_contain_text("Conviennent : 3")
    supervisor.look("tray-filled")
    page.set_viewport_size(NARROW)
    assert {device(supervisor, secret, code).get("place") for code in things} == {None}
    page.get_by_label("Étiquette du matériel").focus()
    press(page, "Ranger tout")
    expect(page.get_by_role("heading", name="Plateau fait")).to_be_visible()
    expect(page.get_by_text("3 matériels faits.")).to_be_visible()
    supervisor.look("tray-done")
    page.set_viewport_size(NARROW)
    press(page, "Annuler tout le plateau")
    expect(page.get_by_role("heading", name="Plateau annulé")).to_be_visible()
    expect(page.get_by_text("3 matériels annulés.")).to_be_visible()
    supervisor.look("tray-undone")


def test_what_cannot_be_acted_on_says_why_and_is_dropped_with_one_touch(
    supervisor: Visitor, secret: str
) -> None:
    fresh, blocked = take_in(supervisor, secret, 2)
    told = supervisor.context.request.post(
        f"{supervisor.served.url}/api/v1/scans",
        headers={"Authorization": f"Bearer {secret}"},
        data={
            "scan_id": str(uuid4()),
            "code": blocked,
            "outcome": "problem",
            "facts": {"reason": "no_power"},
        },
    )
    assert told.status == 200, told.text()
    page = supervisor.open("/scan/tray/pass")
    burst(page, fresh)
    expect(page.locator("#said")).to_contain_text("Répondez d’abord à la question du haut")
    expect(page.get_by_label("Étape faite")).to_be_focused()
    page.get_by_label("Étape faite").select_option("power_on")
    pause(page)
    for code in (fresh, blocked):
        burst(page, code)
    expect(line(page, blocked)).to_have_attribute("data-status", "no")
    expect(line(page, blocked)).to_contain_text("Ne s’allume pas")
    expect(line(page, fresh)).to_have_attribute("data-status", "ok")
    supervisor.look("tray-refused")
    page.set_viewport_size(NARROW)
    press(page, "Retirer ceux qui ne conviennent pas (1)")
    expect(line(page, blocked)).to_have_count(0)
    expect(page.get_by_label("Étiquette du matériel")).to_be_focused()
    press(page, "L’étape est faite pour tous")
    expect(page.get_by_text("1 matériel fait.")).to_be_visible()
    assert device(supervisor, secret, fresh)["step"] == "locks"
    # The desk offers to take the last scan back.
    supervisor.open("/scan")
    supervisor.look("desk-undo")
    page.set_viewport_size(NARROW)
    press(page, "Annuler mon dernier scan")
    expect(page.locator("#main").get_by_text("C’est annulé.")).to_be_visible()
    assert device(supervisor, secret, fresh)["state"] == "received"


def test_a_tray_is_sent_and_taken_in_on_the_other_side(
    served: Served, supervisor: Visitor, browser: Browser, secret: str
) -> None:
    first, second, slipped = take_in(supervisor, secret, 3)
    page = supervisor.open("/scan/tray/ship")
    page.get_by_label("Structure qui reçoit").select_option(label="Loxy")
    for code in (first, second):
        burst(page, code)
        expect(line(page, code)).to_have_attribute("data-status", "ok")
    press(page, "Tout envoyer")
    expect(page.get_by_text("2 matériels faits.")).to_be_visible()
    supervisor.look("tray-shipped")
    press(page, re.compile("Voir le transfert"))
    supervisor.look("shipment-sent")
    shipment = re.search(r"/shipments/(\d+)", page.url)
    assert shipment is not None
    with browser.new_context(locale="fr-FR", bypass_csp=True) as context:
        there = Visitor(served, context)
        there.page.set_viewport_size(NARROW)
        there.sign_in(ELSEWHERE)
        expect(there.page.get_by_text("Transferts à réceptionner")).to_be_visible()
        there.open("/shipments")
        there.look("shipments")
        there.page.set_viewport_size(NARROW)
        there.open(f"/shipments/{shipment[1]}")
        for code, said in ((first, "est arrivé"), (first, "déjà arrivé"), (slipped, "pas sur la liste")):
            there.page.get_by_label("Étiquette du matériel arrivé").type(code)
            there.page.keyboard.press("Enter")
            expect(there.page.get_by_role("status").filter(has_text=said).first).to_be_visible()
        there.look("shipment-differs")
    supervisor.open(f"/shipments/{shipment[1]}")
    supervisor.look("shipment-to-settle")
    page.set_viewport_size(NARROW)
    press(page, re.compile("Il n’est jamais parti"))
    press(page, re.compile("Je ne l’ai pas envoyé"))
    expect(page.get_by_text("Ce transfert est terminé.")).to_be_visible()
    assert device(supervisor, secret, second)["state"] == "received"
