"""The supervisor's board in a real browser: help, a danger, what is blocked; a decision for each; an incident."""

import re
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from bank.inventory import codes
from tests.browser.conftest import Served, Visitor

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

OPERATOR, SUPERVISOR = (
    "atelier@demo.exemple",
    "encadrant@demo.exemple",
)


class Program:
    """Somebody's program beside their browser."""

    def __init__(self, served: Served, visitor: Visitor, email: str) -> None:
        self.url, self.request = f"{served.url}/api/v1", visitor.context.request
        self.secret = served.command("token", "create", "--email", email, "--days", "1")

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send something; what was made."""
        headers = {"Authorization": f"Bearer {self.secret}", "Idempotency-Key": str(uuid4())}
        answer = self.request.post(f"{self.url}{path}", headers=headers, data=body)
        assert answer.status < 300, answer.text()
        return answer.json()

    def scan(self, code: str, outcome: str, **facts: str) -> None:
        """Say something of a device at its first step."""
        self.post("/scans", {"scan_id": str(uuid4()), "code": code, "outcome": outcome, "facts": facts})


@pytest.fixture
def laptops(served: Served, visitor: Visitor) -> list[str]:
    """Four laptops that nobody announced: one blocked, one dangerous, one with a call for help, one whole."""
    supervisor, operator = Program(served, visitor, SUPERVISOR), Program(served, visitor, OPERATOR)
    body = {"donor_id": None, "lines": [{"category": "laptop", "received": 4}]}
    made: list[str] = supervisor.post("/receptions", body)["codes"]
    for code in made:
        operator.scan(code, "look")
    operator.scan(made[0], "problem", reason="no_power")
    operator.scan(made[1], "danger", reason="battery_swollen")
    operator.scan(made[2], "help")
    return made


def told(page: Page, text: str) -> None:
    """Wait until the page says what was done."""
    expect(page.get_by_role("status").first).to_contain_text(text)


def test_a_supervisor_runs_the_day_from_the_board(laptops: list[str], visitor: Visitor) -> None:
    blocked, dangerous, _called, whole = laptops
    visitor.sign_in(SUPERVISOR)
    page = visitor.open("/workshop")
    expect(page.get_by_role("heading", name="Danger")).to_be_visible()
    visitor.look("board")

    page.get_by_role("button", name=re.compile("^J’y vais")).first.click()
    told(page, "vous y allez")

    # The blocked one goes on, by the keyboard alone.
    page.get_by_role("button", name=f"Reprendre {blocked}").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Reprendre {blocked}")).to_have_count(0)
    told(page, "reprend à la même étape")

    # The dangerous one: its drive is taken out, then it leaves for recycling.
    page.get_by_role("link", name=f"Décider pour {dangerous}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Décider de la suite")
    visitor.look("board-decide")
    page.get_by_role("link", name="Garder pour pièces").click()
    page.get_by_label("Trop abîmé").check()
    visitor.look("board-exit")
    page.get_by_role("button", name="Garder pour pièces").click()
    expect(page.get_by_role("alert")).to_be_focused()
    visitor.look("board-exit-drives-open")
    page.get_by_role("link", name="Dire s’il est retiré").click()
    page.get_by_label("Retirés, gardés sous clé").check()
    visitor.look("board-drives")
    page.get_by_role("button", name="J’en réponds").click()
    page.get_by_role("link", name="Envoyer au recyclage").click()
    page.get_by_label("Dangereux").check()
    page.get_by_role("button", name="Envoyer au recyclage").click()
    told(page, "recyclé")
    expect(page.get_by_role("link", name=f"Décider pour {dangerous}")).to_have_count(0)
    visitor.open(f"/devices/{dangerous}")
    visitor.look("device-recycled")

    lose(visitor, whole)


def lose(visitor: Visitor, code: str) -> None:
    """It is nowhere to be found, with its data: an incident, until it is found again."""
    page = visitor.open(f"/workshop/devices/{code}")
    page.get_by_role("link", name="Signaler introuvable").click()
    page.get_by_label("Absent au comptage").check()
    visitor.look("board-lose")
    page.get_by_role("button", name="Signaler introuvable").click()
    page.get_by_role("link", name="Voir les incidents").click()
    visitor.look("incidents")
    page.get_by_role("link", name=codes.grouped(code).replace(" ", "\u00a0")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Matériel introuvable")
    visitor.look("incident")
    page.get_by_role("link", name="Il est retrouvé").click()
    page.get_by_role("button", name="Il est retrouvé").click()
    told(page, "retrouvé")
    visitor.open("/incidents?closed=y")
    visitor.look("incidents-closed")


def test_a_device_is_told_apart_and_its_passport_says_little(laptops: list[str], visitor: Visitor) -> None:
    code = laptops[3]
    visitor.sign_in(OPERATOR)
    page = visitor.open(f"/devices/{code}")
    visitor.look("device")
    page.get_by_role("link", name="Noter son numéro de série").click()
    serial = page.get_by_label("Numéro de série")
    expect(serial).to_be_focused()
    visitor.look("device-identity")
    page.keyboard.type("sans")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    visitor.look("device-identity-errors")
    serial.fill("PF9X8Y7Z")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/devices/{code}$"))
    expect(page.get_by_text("PF9X8Y7Z")).to_be_visible()
    visitor.open("/devices?blocked=y")
    visitor.look("devices-blocked")
    visitor.context.clear_cookies()
    page = visitor.open(f"/d/{code}")
    expect(page.get_by_text("PF9X8Y7Z")).to_have_count(0)
    visitor.look("passport")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Have you found this device?")).to_be_visible()
    visitor.open("/d/0000000000")
    visitor.look("passport-unknown")
