"""The counter in a real browser: a slip scanned, devices ticked, a signature drawn by hand, the receipt printed."""

import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pypdfium2
import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from bank import db
from bank.allocation import actions, counter, handovers
from bank.allocation.actions import NewRequest
from bank.allocation.handovers import NewAppointment
from bank.allocation.models import HandoverSignature, ProofKind, Request, Tariff
from bank.app import create_app
from bank.db import utcnow
from bank.identity.models import Organisation, PersonRole
from bank.inventory.lifecycle import State
from bank.inventory.models import Category
from bank.inventory.register import Standing
from tests.browser.conftest import Served, Visitor
from tests.conftest import make_config
from tests.factories import PASSWORD, World, today

NAME = "Amina Zérouali"


@dataclass
class Counter:
    """A service with one request of two devices at its counter, and who stands in front of it."""

    world: World
    visitor: Visitor
    ref: str
    slip: str
    devices: list[Standing]

    @property
    def page(self) -> Page:
        return self.visitor.page

    def request(self) -> Request:
        with db.read() as session:
            return session.scalars(sa.select(Request).where(Request.ref == self.ref)).one()

    def sign_in(self, email: str) -> None:
        self.visitor.open("/sign-in")
        self.page.get_by_label("Adresse électronique").fill(email)
        self.page.get_by_label("Mot de passe").fill(PASSWORD)
        self.page.get_by_role("button", name="Se connecter").click()
        self.page.wait_for_url(f"{self.visitor.served.url}/")


@pytest.fixture
def app(templates: dict[str, str], tmp_path: Path) -> Iterator[Flask]:
    path = tmp_path / "banque.sqlite3"
    shutil.copyfile(templates["sqlite"].removeprefix("sqlite:///"), path)
    application = create_app(make_config(f"sqlite:///{path}", tmp_path))
    with application.app_context():
        yield application
        db.db.engine.dispose()


@pytest.fixture
def at(app: Flask, browser: Browser, tmp_path: Path) -> Iterator[Counter]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    served = Served(f"http://127.0.0.1:{server.server_port}", tmp_path, None)  # type: ignore[arg-type]
    # Axe is put into the page from outside: the page's own policy would refuse it, as it should.
    context = browser.new_context(locale="fr-FR", bypass_csp=True)
    context.set_default_timeout(15_000)
    world = World(app)
    ref, slip, devices = appointed(world)
    yield Counter(world, Visitor(served, context), ref, slip, devices)
    context.close()
    server.shutdown()
    thread.join()


def appointed(world: World) -> tuple[str, str, list[Standing]]:
    """A laptop and a screen reserved for a person who comes today."""
    coordinator, prescriber = world.coordinator, world.prescriber_user
    world.__dict__["desk_user"] = world.person(
        world.workshop, PersonRole.DESK, email="guichet@exemple.fr", name="Gaby Guichet"
    )
    programme_id = world.programme_rsa()
    with db.transaction() as session:
        screens = {"category": Category.SCREEN, "price_cents": 500, "valid_from": date(2026, 1, 1)}
        session.add(Tariff(programme_id=programme_id, source="test", **screens))
    devices = [world.device(State.READY, category=each) for each in (Category.LAPTOP, Category.SCREEN)]
    new = NewRequest(
        programme="RSA",
        lines=((Category.LAPTOP, 1), (Category.SCREEN, 1)),
        person_name=NAME,
        proof=ProofKind.RSA_CERTIFICATE,
        proof_day=today(),
        proof_seen=True,
    )
    with db.transaction() as session:
        ref = actions.make_request(session, prescriber, new)
    for device in devices:
        with db.transaction() as session:
            actions.allocate(session, coordinator, ref, device.code)
    with db.transaction() as session:
        session.get_one(Organisation, world.bank).phone = "01 99 00 95 95"
        when = NewAppointment(request_ref=ref, desk_id=world.workshop, at=utcnow() + timedelta(minutes=5))
        slip = handovers.appoint(session, coordinator, when)
    return ref, slip, devices


def tick_all(at: Counter) -> None:
    """Scan each device as a hand scanner does: its code, then Enter; no mouse, no wait in between."""
    for device in at.devices:
        expect(at.page.get_by_label("Étiquette du matériel")).to_be_focused()
        at.page.keyboard.type(device.code)
        at.page.keyboard.press("Enter")
        row = at.page.get_by_role("row").filter(has_text=re.compile(r"\W?".join(device.code)))
        expect(row.get_by_text("scanné", exact=True)).to_be_visible()


def draw(at: Counter) -> None:
    """Sign with the mouse."""
    pad = at.page.get_by_role("img", name="Cadre où signer")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    mouse = at.page.mouse
    mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)
    mouse.down()
    for step in range(1, 25):
        rise = (step % 6) / 6 - 0.4
        mouse.move(
            box["x"] + 20 + step * (box["width"] - 40) / 25, box["y"] + box["height"] * (0.5 + rise / 2)
        )
    mouse.up()


def printed(at: Counter) -> str:
    """What the paper behind the page's button says."""
    href = at.page.get_by_role("link", name="Imprimer le reçu").get_attribute("href")
    answer = at.page.request.get(f"{at.visitor.served.url}{href}")
    assert answer.headers["content-type"] == "application/pdf"
    document = pypdfium2.PdfDocument(answer.body())
    try:
        return " ".join(page.get_textpage().get_text_bounded() for page in document).replace("\u00a0", " ")
    finally:
        document.close()


def test_from_the_slip_to_the_receipt(at: Counter) -> None:
    at.sign_in("guichet@exemple.fr")
    page = at.visitor.open("/desk")
    at.visitor.look("desk")
    assert NAME not in page.content()
    expect(page.get_by_label("Code du bon")).to_be_focused()
    page.keyboard.type(at.slip)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/requests/{at.ref}/handover"))
    expect(page.get_by_text(NAME)).to_be_visible()
    at.visitor.look("counter")

    stranger = at.world.device(State.READY)
    page.get_by_label("Étiquette du matériel").fill(stranger.code)
    page.keyboard.press("Enter")
    expect(page.get_by_text("n’est pas pour cette demande").first).to_be_visible()
    at.visitor.look("counter-stranger")
    tick_all(at)
    expect(page.locator("#announcer")).to_contain_text("Tout est scanné")

    page.get_by_role("button", name="Enregistrer la remise").click()
    expect(page.get_by_role("alert")).to_be_focused()
    at.visitor.look("counter-errors")
    assert page.get_by_text("scanné", exact=True).count() == 2, "what was ticked stays ticked"
    page.get_by_label("Une personne mandatée").check()
    page.get_by_label("Nom de qui vient le chercher").fill("Moussa Diallo")
    page.get_by_label("Passeport").check()
    page.get_by_label("Espèces").check()
    page.get_by_label("La personne signe sur l’écran").check()
    draw(at)
    at.visitor.look("counter-signed")
    page.get_by_role("button", name="Enregistrer la remise").click()
    page.wait_for_url(re.compile(r"/handovers/R-"))
    at.visitor.look("handover")
    text = printed(at)
    for said in (NAME, "Moussa Diallo", "25,00 €", "Payé en espèces", "01 99 00 95 95", "Signé à l’écran."):
        assert said in text
    with db.read() as session:
        kept = session.scalars(sa.select(HandoverSignature)).one()
    assert counter.is_drawing(kept.drawing or "")
    assert kept.signer_name == "Moussa Diallo"


def test_a_signature_is_still_there_when_something_else_was_wrong(at: Counter) -> None:
    at.sign_in("guichet@exemple.fr")
    page = at.visitor.open(f"/requests/{at.ref}/handover")
    tick_all(at)
    page.get_by_label("La personne signe sur l’écran").check()
    draw(at)
    drawn = page.locator("input[name=drawing]").input_value()
    assert counter.is_drawing(drawn)
    page.get_by_role("button", name="Enregistrer la remise").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.locator("input[name=drawing]").input_value() == drawn
    inked = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0)"
    assert page.locator("canvas").evaluate(inked)
    page.get_by_role("button", name="Recommencer la signature").click()
    assert page.locator("input[name=drawing]").input_value() == ""
    assert not page.locator("canvas").evaluate(inked)
    expect(page.locator("#announcer")).to_have_text("Le cadre est vide de nouveau.")


def test_with_the_keyboard_alone_by_the_code_of_the_slip(at: Counter) -> None:
    """Someone who cannot sign says their code; the desk never touches a mouse."""
    at.sign_in("guichet@exemple.fr")
    page = at.visitor.open(f"/requests/{at.ref}/handover")
    tick_all(at)

    def reach(name: str, role: str = "radio") -> None:
        wanted = page.get_by_role(role, name=name)  # type: ignore[arg-type]
        for _ in range(40):
            if wanted.evaluate("e => e === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{name} cannot be reached")

    reach("La personne elle-même")
    reach("Carte d’identité")
    page.keyboard.press("Space")
    reach("Espèces")
    page.keyboard.press("Space")
    reach("La personne signe sur l’écran")
    code = page.get_by_role("radio", name="La personne dit le code de son bon")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        if code.is_checked():
            break
    page.keyboard.press("Tab")
    expect(page.get_by_label("Code de signature")).to_be_focused()
    page.keyboard.type(at.request().slip_pin or "")
    at.visitor.look("counter-code")
    page.get_by_label("Code de signature").focus()
    reach("Enregistrer la remise", "button")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/handovers/R-"))
    assert "code inscrit sur le bon" in " ".join(printed(at).split())

    # The back button leads to what was done, not to doing it again.
    page.go_back()
    page.wait_for_url(re.compile(r"/handovers/R-"))


def test_an_appointment_is_moved_and_a_device_comes_back(at: Counter) -> None:
    at.sign_in("guichet@exemple.fr")
    page = at.visitor.open(f"/requests/{at.ref}/appointment")
    at.visitor.look("appointment")
    page.get_by_label("Jour").fill((today() + timedelta(days=3)).isoformat())
    page.get_by_label("Heure").fill("14:30")
    page.get_by_role("button", name="Enregistrer le rendez-vous").click()
    expect(page.get_by_role("status").filter(has_text="Rendez-vous enregistré").first).to_be_visible()
    assert at.request().slip_code == at.slip
    page.get_by_label("Jour").fill("2020-01-01")
    page.get_by_role("button", name="Enregistrer le rendez-vous").click()
    expect(page.get_by_text("Ce jour est passé").first).to_be_visible()
    at.visitor.look("appointment-errors")

    page = at.visitor.open(f"/requests/{at.ref}/handover")
    tick_all(at)
    page.get_by_label("Carte d’identité").check()
    page.get_by_label("Carte", exact=True).check()
    page.get_by_label("La personne ne peut pas signer").check()
    page.get_by_label("Nom du témoin").fill("Paul Témoin")
    page.get_by_role("button", name="Enregistrer la remise").click()
    page.wait_for_url(re.compile(r"/handovers/R-"))
    page.get_by_label("Étiquette de l’appareil rendu").fill(at.devices[0].code)
    page.get_by_label("Il est en panne").check()
    page.get_by_role("button", name="Reprendre cet appareil").click()
    expect(page.get_by_text("revenu", exact=True)).to_be_visible()
    at.visitor.look("handover-come-back")
