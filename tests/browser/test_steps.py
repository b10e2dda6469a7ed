"""The ten steps at the station, in a real browser: what each asks, the big button, a problem, help, a danger."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, Visitor

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

DONE = "C’est fait"
OPERATOR, SECOND, SUPERVISOR = "atelier@demo.exemple", "atelier2@demo.exemple", "encadrant@demo.exemple"


def take_in(served: Served, visitor: Visitor, category: str, count: int) -> list[str]:
    """Things that nobody had announced; their codes."""
    secret = served.command("token", "create", "--email", SUPERVISOR, "--days", "1")
    answer = visitor.context.request.post(
        f"{served.url}/api/v1/receptions",
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid4())},
        data={"donor_id": None, "lines": [{"category": category, "received": count}]},
    )
    assert answer.status == 201, answer.text()
    return list(answer.json()["codes"])


def scan(page: Page, code: str) -> None:
    """At the desk, as a hand scanner does."""
    expect(page.get_by_label("Code de l’étiquette")).to_be_focused()
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def done(page: Page) -> None:
    """Press the big button; the scan field is ready again."""
    page.get_by_role("button", name=DONE).click()
    page.wait_for_url(re.compile(r"/scan$"))


def answer(page: Page, step: str) -> None:
    """What a step asks, where it asks something."""
    if step == "effacement":
        page.get_by_role("radio", name="SSD", exact=True).first.check()
        page.get_by_role("radio", name="Effacement réussi").first.check()
        page.get_by_label("Numéro de série").first.fill("S3Z9NB0K123456")
        page.get_by_label("Taille en Go").first.fill("256")
        # An origin that nobody knows is held to the strictest rules.
        method = page.get_by_role("radio", name="Commande ATA Sanitize").first
        if not method.is_visible():
            page.get_by_text("Avec quoi").first.click()
        method.check()
        page.get_by_label("Logiciel", exact=True).first.fill("hdparm")
        page.get_by_label("Version du logiciel").first.fill("9.65")
    elif step == "réparation":
        page.get_by_role("checkbox", name="Mémoire vive").check()
    elif step == "installation":
        page.get_by_role("radio", name="Linux Mint 22").check()
    elif step == "essai":
        for works in page.get_by_role("radio", name="Marche", exact=True).all():
            works.check()
    elif step == "état de l’objet":
        page.get_by_role("radio", name=re.compile("^B")).check()
        page.get_by_label("Batterie").fill("82")


STEPS = (
    "mise en route",
    "verrous",
    "effacement",
    "marques du donateur",
    "réparation",
    "installation",
    "essai",
    "nettoyage",
    "état de l’objet",
)


def walk(visitor: Visitor, code: str) -> None:
    """The operator does nine steps; the tenth is a second person's."""
    page = visitor.page
    for number, step in enumerate(STEPS, start=1):
        scan(page, code)
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Étape : {step}")
        answer(page, step)
        visitor.look(f"station-{number:02}")
        done(page)
    scan(page, code)
    expect(page.get_by_text("Donnez-le à une autre personne")).to_be_visible()
    expect(page.get_by_role("button", name=DONE)).to_have_count(0)
    visitor.look("station-10-own-work")


def control(visitor: Visitor, code: str) -> None:
    """A second person passes the control: the device is available."""
    page = visitor.open("/scan")
    scan(page, code)
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape : contrôle")
    visitor.look("station-10")
    done(page)
    assert "disponible" in page.get_by_role("status").first.inner_text()


@pytest.fixture
def operator(visitor: Visitor) -> Visitor:
    """The operator, at the desk."""
    visitor.sign_in(OPERATOR).open("/scan")
    return visitor


def test_a_laptop_walks_ten_steps_and_a_second_person_controls(served: Served, operator: Visitor) -> None:
    [code] = take_in(served, operator, "laptop", 1)
    walk(operator, code)
    operator.context.clear_cookies()
    control(operator.sign_in(SECOND), code)
    assert "0 faults" in served.command("journal", "verify")


def test_what_is_not_answered_is_said_at_its_place(served: Served, operator: Visitor) -> None:
    page = operator.page
    [code] = take_in(served, operator, "accessory", 1)
    scan(page, code)
    done(page)
    scan(page, code)
    page.get_by_role("button", name=DONE).click()
    expect(page.get_by_role("alert")).to_be_focused()
    operator.look("station-errors")
    page.get_by_role("link", name="Fonctionnement").click()
    expect(page.get_by_role("group", name="Fonctionnement")).to_be_focused()


def test_a_problem_a_call_and_a_danger_by_the_keyboard_alone(served: Served, operator: Visitor) -> None:
    """Nothing but Tab, Enter and what the scanner types."""
    page = operator.page
    one, other = take_in(served, operator, "screen", 2)
    scan(page, one)
    page.locator("summary", has_text="J’ai un problème").focus()
    page.keyboard.press("Enter")
    operator.look("station-problem")
    page.locator("summary", has_text="J’ai un problème").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Ne s’allume pas")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("étagère des bloqués")
    operator.look("station-problem-told")
    scan(page, one)
    expect(page.get_by_role("heading", level=1)).to_have_text("Bloqué : Ne s’allume pas")
    operator.look("station-blocked")
    page.get_by_role("button", name="J’ai besoin d’aide").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Quelqu’un arrive")
    operator.look("station-help")

    page = operator.open("/scan")
    scan(page, other)
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape : mise en route")
    page.locator("summary", has_text="Danger").focus()
    page.keyboard.press("Enter")
    operator.look("station-danger-which")
    page.get_by_role("button", name="Batterie gonflée").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Batterie gonflée")
    operator.look("station-danger")
    page = operator.open(f"/scan/{other}")
    expect(page.get_by_text("Ne l’ouvrez pas")).to_be_visible()
    operator.look("station-in-danger")


def test_every_target_is_big_enough_for_a_glove(served: Served, operator: Visitor) -> None:
    page = operator.page
    [code] = take_in(served, operator, "laptop", 1)
    page.set_viewport_size({"width": 360, "height": 800})
    scan(page, code)
    expect(page.get_by_role("button", name=DONE)).to_be_visible()
    small = page.evaluate(
        "Array.from(document.querySelectorAll('main button, main summary, main .tile, main a.btn'))"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 56)"
        ".map(e => e.textContent.trim())"
    )
    assert small == []
