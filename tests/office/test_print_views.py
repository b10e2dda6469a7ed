"""The pages of printing, through HTTP."""

import re
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bank import db, work
from bank.inventory import places
from bank.inventory.models import Category, PlaceKind
from bank.office import rules
from bank.office.models import OpenedSheet, Printer, PrintRun
from bank.work import Job, JobState
from tests.factories import World
from tests.scanned import scanned


def plain(text: str) -> str:
    """Without the spaces that hold, which the pages set before punctuation."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def key() -> str:
    return str(uuid4())


def press(client: FlaskClient, **form: Any) -> TestResponse:
    asked = {"idempotency_key": key(), "sheet": "L7160", "start": "1", "copies": "1"} | form
    return client.post("/labels/print", data=asked)


def ran(client: FlaskClient, answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.text
    return plain(client.get(answer.location).text)


def runs() -> list[PrintRun]:
    with db.read() as session:
        return list(session.scalars(sa.select(PrintRun).order_by(PrintRun.id)))


def run_jobs() -> None:
    with db.read() as session:
        waiting = session.scalars(sa.select(Job.id).where(Job.state == JobState.WAITING)).all()
    for job_id in waiting:
        work.run(job_id)


def test_a_batch_is_printed_from_its_page_to_labels_that_scan(world: World) -> None:
    device, other = world.device(), world.device(category=Category.SCREEN)
    client = world.client(world.supervisor)
    page = plain(client.get("/labels/print?batch=L-TEST0").text)
    assert "2 étiquettes de matériels" in page
    assert "lot L-TEST0" in page
    assert "L7160 : 21 de 63,5 × 38,1 mm" in page
    assert '<optgroup label="Rouleaux">' in page
    run = ran(client, press(client, batch="L-TEST0", start="4"))
    assert "Imprimez à 100 %, sans ajuster à la page." in run
    assert "sa première place libre est la 4" in run
    assert "sa place 6 est libre" in run
    [made] = runs()
    pdf = client.get(f"/labels/{made.id}/etiquettes.pdf")
    assert pdf.mimetype == "application/pdf"
    codes = [device.code, other.code]
    assert scanned(pdf.data) == {text for code in codes for text in (code, f"http://localhost/d/{code}")}
    assert client.get(f"/labels/{made.id}/sheet.svg").text.startswith("<svg")
    assert client.get(f"/labels/{made.id}/etiquettes.zpl").data.startswith(b"^XA")
    again = plain(client.get("/labels/print?batch=L-TEST0").text)
    assert "2 étiquettes sont déjà imprimées" in again
    assert 'name="start" value="6" checked' in again, "the part-used sheet goes on"
    assert "2 étiquettes de matériels" in client.get("/labels").text
    assert "première place libre : 6" in plain(client.get("/labels").text)


def test_a_double_click_prints_once(world: World) -> None:
    client, same = world.client(world.operator), key()
    first, second = (press(client, blanks="3", idempotency_key=same) for _ in range(2))
    assert first.location == second.location
    assert len(runs()) == 1


def test_a_reprint_asks_why_and_keeps_what_was_typed(world: World) -> None:
    device = world.device()
    client = world.client(world.operator)
    press(client, device=device.code)
    asked = press(client, device=device.code, copies="2", start="7")
    assert asked.status_code == 422
    assert "Dites pourquoi vous recommencez" in asked.text
    assert 'name="start" value="7" checked' in asked.text
    assert re.search(r'name="copies"[^>]*value="2"', asked.text)
    assert f'name="device" value="{device.code}"' in asked.text
    run = ran(client, press(client, device=device.code, reason="unreadable"))
    assert "illisible" in run
    history = plain(client.get(f"/devices/{device.code}").text)
    assert "Étiquette réimprimée</strong> : illisible" in history


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"blanks": "0"}, "Il n’y a aucune étiquette à imprimer."),
        ({"blanks": "1000001"}, "10 000 étiquettes au plus en une fois."),
        ({"blanks": ""}, "Remplissez ce champ."),
        ({"blanks": "2", "start": "22"}, "Vous avez demandé la place 22 ; il y en a 21."),
        ({"blanks": "2", "start": "0"}, "Cette place n’existe pas sur cette planche."),
        ({"blanks": "2", "sheet": "A4"}, "Choisissez une réponse de la liste."),
        ({"blanks": "2", "copies": "99"}, "De 1 à 20 exemplaires."),
        ({"blanks": "2", "printer": "999"}, "Choisissez une réponse de la liste."),
        ({"device": "NOCODE"}, "Un de ces codes n’est celui d’aucun matériel de votre organisation."),
        ({"places": "999"}, "Cet emplacement n’existe pas"),
        ({"batch": "L-ZZZZZ"}, "Il n’y a aucune étiquette à imprimer."),
        ({"batch": "\x00\x1b"}, "Il n’y a aucune étiquette à imprimer."),
    ],
)
def test_what_cannot_be_printed_is_said_at_its_field(world: World, form: dict[str, str], said: str) -> None:
    answer = press(world.client(world.operator), **form)
    assert answer.status_code == 422
    assert said in plain(answer.text)
    assert runs() == []


def test_an_address_that_makes_no_sense_is_answered(world: World) -> None:
    client = world.client(world.operator)
    for address in ("?state=nowhere", "?place=abc", "?places=abc", f"?places={10**30}", f"?place={10**30}"):
        assert client.get(f"/labels/print{address}").status_code == 422, address
    assert client.get("/labels/print?blanks=2&batch=L-TEST0").status_code == 400
    assert client.get("/labels/preview.svg?blanks=2&sheet=A4").status_code == 400
    assert client.get("/labels/preview.svg?batch=L-NONE&sheet=L7160").status_code == 404


def test_the_picture_of_the_sheet_follows_the_choice(world: World) -> None:
    world.device()
    client = world.client(world.operator)
    part = client.get("/labels/print/paper?batch=L-TEST0&sheet=L7651&start=70&copies=1")
    assert part.status_code == 200
    assert part.text.count('type="radio"') == 65
    changed = client.get(
        "/labels/print/paper?batch=L-TEST0&sheet=L7160&start=70", headers={"HX-Trigger-Name": "sheet"}
    )
    assert 'value="1" checked' in changed.text
    roll = client.get("/labels/print/paper?batch=L-TEST0&sheet=62x29")
    assert 'type="radio"' not in roll.text
    assert "62 × 29 mm" in roll.text
    for address in (
        "batch=L-TEST0&sheet=L7160&start=5&copies=2",
        "blanks=30&sheet=L7160&start=20",
        "batch=L-TEST0&sheet=62x29",
    ):
        picture = client.get(f"/labels/preview.svg?{address}")
        assert (picture.status_code, picture.mimetype) == (200, "image/svg+xml"), address
    assert runs() == []


def test_a_long_run_is_followed_until_its_file_is_there(world: World) -> None:
    client = world.client(world.operator)
    waiting = ran(client, press(client, blanks="501"))
    [made] = runs()
    assert "Vos étiquettes attendent leur tour" in waiting
    assert "est arrêté" in waiting, "there is no queue in this test, and the page says so"
    assert client.get(f"/labels/{made.id}/etiquettes.pdf").status_code == 409
    assert client.get(f"/labels/{made.id}/sheet.svg").status_code == 409
    assert "hx-trigger" in client.get(f"/labels/{made.id}/progress").text
    run_jobs()
    ended = client.get(f"/labels/{made.id}/progress")
    assert (ended.status_code, ended.headers["HX-Refresh"]) == (204, "true")
    assert "Ouvrir le PDF" in client.get(f"/labels/{made.id}").text
    assert client.get(f"/labels/{made.id}/etiquettes.pdf").data.startswith(b"%PDF")


def test_a_run_that_stopped_goes_on_when_asked(world: World) -> None:
    client = world.client(world.operator)
    press(client, blanks="501")
    with db.transaction() as session:
        session.execute(sa.update(Job).values(state=JobState.FAILED))
    [made] = runs()
    assert "La préparation s’est arrêtée" in client.get(f"/labels/{made.id}").text
    assert client.post(f"/labels/{made.id}/resume").status_code == 303
    run_jobs()
    assert "Ouvrir le PDF" in client.get(f"/labels/{made.id}").text


def test_a_sheet_that_came_out_badly(world: World) -> None:
    client = world.client(world.operator)
    first = press(client, blanks="3").location
    form = {"idempotency_key": key(), "sheet": "L7160", "start": "4", "copies": "1"}
    refused = client.post(f"{first}/again", data=form)
    assert refused.status_code == 422
    assert "Dites pourquoi" in refused.text
    again = client.post(f"{first}/again", data=form | {"reason": "misprinted"})
    assert "mal imprimée" in ran(client, again)
    assert [run.count for run in runs()] == [3, 3]


def test_a_new_sheet_is_said(world: World) -> None:
    client = world.client(world.operator)
    press(client, blanks="3")
    assert client.post("/labels/new-sheet", data={"sheet": "L7160"}).status_code == 303
    with db.read() as session:
        assert session.scalars(sa.select(OpenedSheet)).all() == []
    assert client.post("/labels/new-sheet", data={"sheet": "A4"}).status_code == 404


def test_the_sheet_of_a_station_is_everybody_s_there(world: World) -> None:
    _station, secret = world.station()
    one, other = world.client(world.operator), world.client(world.supervisor)
    for client in (one, other):
        client.set_cookie("station", secret)
    press(one, blanks="4")
    assert 'name="start" value="5" checked' in other.get("/labels/print").text
    assert 'name="start" value="1" checked' in world.client(world.supervisor).get("/labels/print").text


def test_places_are_printed_by_name(world: World) -> None:
    client = world.client(world.supervisor)
    actor = world.supervisor
    with db.transaction() as session:
        from_here = places.make(session, actor, places.PlaceDraft("Étagère B", PlaceKind.SHELF))
    page = client.get(f"/labels/print?places={from_here}")
    assert "Une étiquette d’emplacement" in page.text
    ran(client, press(client, places=str(from_here)))
    ran(client, press(client, all_places="1", reason="lost"))
    assert [run.kind for run in runs()] == ["places", "places"]


# --- printers ---


def add(client: FlaskClient, name: str = "Brother du bureau") -> TestResponse:
    return client.post("/labels/printers/new", data={"idempotency_key": key(), "name": name})


def test_a_printer_is_added_measured_and_used(world: World) -> None:
    client = world.client(world.operator)
    assert "Donnez un nom" in add(client, " ").text
    added = add(client)
    page = client.get(added.location).text
    assert "Ouvrir la page de réglage" in page
    address = added.location
    assert client.get(f"{address}/page.pdf").data.startswith(b"%PDF")
    wrong = client.post(address, data={"version": "1", "left": "vingt", "top": "20", "across": "100"})
    assert wrong.status_code == 422
    assert "Écrivez une mesure en millimètres" in wrong.text
    assert 'value="vingt"' in wrong.text
    far = client.post(
        address, data={"version": "1", "left": "60", "top": "20", "across": "100", "down": "100"}
    )
    assert far.status_code == 422
    assert "Aucune imprimante n’est aussi décalée" in far.text
    right = {"version": "1", "left": "21,5", "top": "19.2 mm", "across": "100", "down": "100,5"}
    assert client.post(address, data=right).status_code == 303
    with db.read() as session:
        printer = session.scalars(sa.select(Printer)).one()
        assert (printer.offset_x, printer.offset_y) == (-150, 90)
        assert (printer.scale_x, printer.scale_y) == (10_000, 9_950)
    page = plain(client.get(address).text)
    assert "1,5 mm vers la gauche" in page
    assert "réglée" in page
    assert client.post(address, data=right).status_code == 409, "it was measured since this page was opened"
    press(client, blanks="1", printer=str(printer.id))
    [run] = runs()
    assert (run.printer_id, run.offset_x, run.scale_y) == (printer.id, -150, 9_950)
    assert client.post(f"{address}/reset").status_code == 303
    assert "sans réglage" in client.get(address).text
    assert "porte déjà ce nom" in add(client).text


def test_ten_thousand_is_the_most(world: World) -> None:
    assert rules.RUN_MAX == 10_000
    client = world.client(world.operator)
    assert press(client, blanks="10000").status_code == 303
    assert press(client, blanks="10001").status_code == 422
