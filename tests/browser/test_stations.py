"""Who one is, in a real browser: one click in the demo, a station with badges, nothing typed lost."""

import re

import pytest
from playwright.sync_api import Page, expect

from bank.identity import codes
from tests.browser.conftest import Visitor
from tests.scanned import scanned

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

PIN = "4826"
US_ON_FRENCH = str.maketrans("1234567890", "&é\"'(-è_çà")


def be(page: Page, role: str) -> None:
    page.get_by_role("button", name=re.compile(role)).first.click()


def test_the_demo_is_entered_in_one_click(visitor: Visitor) -> None:
    page = visitor.open("/devices")
    expect(page.get_by_role("heading", name="Essayer la banque de démonstration")).to_be_visible()
    visitor.look("sign-in-demo")
    be(page, "Encadrant d’atelier")
    page.wait_for_url(re.compile(r"/devices$"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_session_that_ends_in_the_middle_of_a_form_loses_nothing(visitor: Visitor) -> None:
    visitor.sign_in("coordination@demo.exemple")
    page = visitor.open("/organisations/new")
    page.get_by_label("Nom", exact=True).fill("Association de l’Essai")
    page.get_by_label("Nature juridique").select_option("association")
    page.get_by_label("prescripteur", exact=False).first.check()
    visitor.context.clear_cookies()
    page.get_by_role("button", name="Enregistrer l’organisation").click()
    expect(page.get_by_text("Rien n’est perdu").first).to_be_visible()
    visitor.look("sign-in-kept")
    be(page, "Coordination de la banque")
    expect(page.get_by_role("heading", level=1)).to_have_text("Reprendre là où vous en étiez")
    expect(page.get_by_text("Association de l’Essai")).to_be_visible()
    visitor.look("resume")
    page.get_by_role("button", name="Envoyer", exact=True).click()
    page.wait_for_url(re.compile(r"/organisations/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Association de l’Essai")


def enrol(visitor: Visitor) -> None:
    """The supervisor makes this very browser a station, then leaves it."""
    visitor.sign_in("encadrant@demo.exemple")
    page = visitor.open("/stations")
    visitor.look("stations-empty")
    page.get_by_role("link", name="Faire de ce navigateur un poste").click()
    page.get_by_role("button", name="Enregistrer le poste").click()
    expect(page.get_by_role("alert")).to_be_focused()
    visitor.look("station-new-errors")
    page.get_by_label("Nom du poste").fill("Effacement, table 2")
    page.get_by_label("Se verrouille après").fill("1")
    page.get_by_role("button", name="Enregistrer le poste").click()
    page.wait_for_url(re.compile(r"/stations$"))
    expect(page.get_by_role("cell", name="badge et code").first).to_be_visible()


def make_badge(visitor: Visitor, person: str) -> str:
    """The supervisor makes a badge and prints its card; what its QR says."""
    page = visitor.open("/stations")
    page.get_by_role("link", name=person).click()
    visitor.look("badge-none")
    page.get_by_label("Code du badge").fill("1234")
    page.get_by_role("button", name="Faire le badge").click()
    expect(page.get_by_text("Trop facile à deviner").first).to_be_visible()
    page.get_by_label("Code du badge").fill(PIN)
    page.get_by_role("button", name="Faire le badge").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Badge fait")
    visitor.look("badge-made")
    csrf, card = (page.locator(f"main input[name={name}]").input_value() for name in ("csrf_token", "card"))
    sheet = visitor.context.request.post(
        f"{visitor.served.url}/badges/card", form={"csrf_token": csrf, "card": card}
    )
    assert sheet.headers["content-type"] == "application/pdf"
    [code] = [text for text in scanned(sheet.body()) if codes.read(text)]
    return code


def test_a_station_with_badges(visitor: Visitor) -> None:
    """Enrolment, the door, the pad, five tries, another badge, an idle station: as they are met."""
    enrol(visitor)
    code = make_badge(visitor, "Lou Girard")
    page = visitor.open("/stations")
    visitor.look("stations")
    page.locator(".account > summary").click()
    page.get_by_role("button", name="Se déconnecter").click()
    page.wait_for_url(re.compile(r"/station$"))
    expect(page.get_by_label("Votre badge")).to_be_focused()
    visitor.look("station-door")
    # As a US scanner types it on a French computer, with Enter at its end.
    page.keyboard.type(code.translate(US_ON_FRENCH).lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bonjour")
    expect(page.get_by_label("Votre code")).to_be_focused()
    visitor.look("station-pin")
    smallest = page.eval_on_selector_all(
        ".pad-key, .tap", "keys => Math.min(...keys.map(key => key.getBoundingClientRect().height))"
    )
    assert smallest >= 56
    page.keyboard.type("9999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Il reste 4 essais")
    visitor.look("station-pin-wrong")
    for digit in PIN:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Entrer").click()
    page.wait_for_url(re.compile(r"/scan$"))
    visitor.look("station-desk")
    assert visitor.open("/stations").title().startswith("Vous n’avez pas ce droit")
    visitor.look("problem-403")


def test_an_idle_station_locks_itself_and_gives_back_what_was_typed(visitor: Visitor) -> None:
    enrol_again(visitor)
    code = make_badge_for(visitor, "Lou Girard")
    page = visitor.open("/scan")
    page.locator(".account > summary").click()
    page.get_by_role("button", name="Se déconnecter").click()
    enter(page, code)
    page.get_by_label("Code de l’étiquette").fill("7K3F 9RTC")
    # A minute without a hand on it, as the page's own clock counts.
    page.evaluate("window.localStorage.setItem('station-seen', '0')")
    page.clock.install()
    page.reload()
    page.get_by_label("Code de l’étiquette").fill("7K3F 9RTC")
    page.clock.fast_forward(70_000)
    expect(page.get_by_text("Rien n’est perdu").first).to_be_visible()
    assert "7K3F" not in page.content()
    visitor.look("station-locked")
    enter(page, code)
    expect(page.get_by_role("heading", level=1)).to_have_text("Reprendre là où vous en étiez")
    expect(page.get_by_text("7K3F 9RTC")).to_be_visible()


def enrol_again(visitor: Visitor) -> None:
    visitor.sign_in("encadrant@demo.exemple")
    page = visitor.open("/stations/new")
    page.get_by_label("Nom du poste").fill("Nettoyage")
    page.get_by_label("Se verrouille après").fill("1")
    page.get_by_role("button", name="Enregistrer le poste").click()
    page.wait_for_url(re.compile(r"/stations$"))


def make_badge_for(visitor: Visitor, person: str) -> str:
    page = visitor.open("/stations")
    page.get_by_role("link", name=person).click()
    page.locator("#make").get_by_label("Code du badge").fill(PIN)
    page.get_by_role("button", name="Faire le badge").click()
    csrf, card = (page.locator(f"main input[name={name}]").input_value() for name in ("csrf_token", "card"))
    sheet = visitor.context.request.post(
        f"{visitor.served.url}/badges/card", form={"csrf_token": csrf, "card": card}
    )
    [code] = [text for text in scanned(sheet.body()) if codes.read(text)]
    return code


def enter(page: Page, code: str) -> None:
    page.get_by_label("Votre badge").fill(code)
    page.keyboard.press("Enter")
    page.get_by_label("Votre code").fill(PIN)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("path", ["/aide", "/accessibilite", "/confidentialite", "/nowhere", "/station"])
def test_what_anyone_may_read_is_accessible(visitor: Visitor, path: str) -> None:
    visitor.open(path)
    visitor.look(f"public-{path.strip('/')}")
