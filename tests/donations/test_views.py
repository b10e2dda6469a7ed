"""Batches as pages: who may open them, what they show, what sending a form twice does."""

from datetime import date, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from bank import db
from bank.actor import Actor
from bank.db import utcnow
from bank.donations.models import Batch, BatchState
from bank.identity.models import PersonRole
from bank.inventory import queries as inventory_queries
from bank.inventory.models import Category, Device, Origin
from tests.factories import World
from tests.scanned import scanned

LAPTOP, SCREEN, TABLET = Category.LAPTOP, Category.SCREEN, Category.TABLET


def text(response: Any) -> str:
    """The page, whichever kind of space holds its words together."""
    page = unescape(response.get_data(as_text=True))
    return page.replace("\u00a0", " ").replace("\u202f", " ")


def count(table: Any) -> int:
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def codes_of(actor: Actor, ref: str) -> list[str]:
    with db.read() as session:
        return [sticker.code for sticker in inventory_queries.stickers(session, actor, ref)]


def batch_form(world: World, **changes: str) -> dict[str, str]:
    form = {
        "donor_id": str(world.bnp),
        "workshop_id": str(world.workshop),
        "legal_basis": "private_gift",
        "agreed_on": "2026-01-05",
        "lines-laptop": "2",
        "lines-screen": "",
        "idempotency_key": "one-click",
    }
    return form | changes


# --- entering ---


def test_a_batch_is_entered_and_its_page_shown(world: World) -> None:
    client = world.client(world.coordinator)
    world.client(world.supervisor)
    assert client.get("/batches/new").status_code == 200

    response = client.post("/batches/new", data=batch_form(world, purge_asked="y"))

    assert response.status_code == 303
    page = text(client.get(response.location))
    assert "BNP Paribas" in page
    assert "AGOIE attend ce lot" in page
    assert "niveau Purge" in page
    with db.read() as session:
        batch = session.scalars(sa.select(Batch)).one()
        origin = session.scalars(sa.select(Origin)).one()
    assert response.location.endswith(f"/batches/{batch.ref}")
    assert (origin.agreed_on, origin.purge_asked, origin.no_resale) == (date(2026, 1, 5), True, False)


def test_a_double_click_makes_one_batch(world: World) -> None:
    client, form = world.client(world.coordinator), batch_form(world)
    first, second = (client.post("/batches/new", data=form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert count(Batch) == 1


def test_the_form_offers_donors_and_workshops_by_their_roles(world: World) -> None:
    names = [world.bnp, world.workshop, world.prescriber]
    page = text(world.client(world.coordinator).get("/batches/new"))
    assert len(names) == 3
    assert "BNP Paribas" in page
    assert "AGOIE" in page
    assert "Croix-Rouge" not in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"donor_id": ""}, "Choisissez une réponse."),
        ({"donor_id": "999999"}, "Donateur"),
        ({"legal_basis": "l3212-3"}, "Cette base légale ne convient pas à ce donateur."),
        ({"lines-laptop": ""}, "Indiquez au moins un matériel."),
        ({"lines-laptop": "0"}, "Indiquez au moins un matériel."),
        ({"lines-laptop": "-1"}, "Un nombre de 0 à 2 000."),
        ({"lines-laptop": "9" * 5000}, "Ordinateur portable"),
        ({"lines-laptop": "2000", "lines-screen": "1"}, "Un lot compte 2 000 matériels au plus."),
        ({"agreed_on": "hier"}, "Jour de l’accord"),
        (
            {"agreed_on": (utcnow() + timedelta(days=2)).date().isoformat()},
            "Le jour de l’accord ne peut pas être dans le futur",
        ),
    ],
)
def test_a_form_with_faults_comes_back_with_what_was_typed(
    world: World, change: dict[str, str], words: str
) -> None:
    form = batch_form(world, unnamed="y") | change
    response = world.client(world.coordinator).post("/batches/new", data=form)
    page = text(response)
    assert response.status_code == 422
    assert "À corriger avant de continuer" in page
    assert words in page
    assert 'value="one-click"' in page
    assert "checked" in page
    assert count(Batch) == 0


def test_only_the_coordination_opens_the_form(world: World) -> None:
    for actor in (world.supervisor, world.donor_user, world.operator):
        client = world.client(actor)
        assert client.get("/batches/new").status_code == 403
        assert client.post("/batches/new", data=batch_form(world)).status_code == 403
    assert world.anonymous().get("/batches/new").status_code == 303
    assert count(Batch) == 0


# --- receiving ---


def test_the_workshop_receives_and_sees_the_devices_it_made(world: World) -> None:
    ref, client = world.batch({LAPTOP: 2}), world.client(world.supervisor)
    assert "Réceptionner ce lot" in text(client.get(f"/batches/{ref}"))

    response = client.post(
        f"/batches/{ref}/reception", data={"lines-laptop-received": "2", "idempotency_key": "k"}
    )

    assert response.status_code == 303
    page = text(client.get(response.location))
    for code in codes_of(world.supervisor, ref):
        assert f"/devices/{code}" in page
    assert "Imprimer les étiquettes" in page
    assert "Réceptionner ce lot" not in page


def test_counts_stay_side_by_side_with_their_reason(world: World) -> None:
    ref, client = world.batch({LAPTOP: 3, SCREEN: 1}), world.client(world.supervisor)
    data = {
        "lines-laptop-received": "1",
        "lines-laptop-gap_reason": "damaged_refused",
        "lines-screen-received": "1",
        "lines-tablet-received": "2",
        "lines-tablet-gap_reason": "more_than_announced",
        "idempotency_key": "k",
    }
    assert client.post(f"/batches/{ref}/reception", data=data).status_code == 303
    page = text(client.get(f"/batches/{ref}"))
    assert "-2 : abîmé, refusé au quai" in page
    assert "+2 : plus que prévu" in page
    assert count(Device) == 4


def test_a_gap_is_asked_for_on_its_own_line_and_what_was_typed_stays(world: World) -> None:
    ref, client = world.batch({LAPTOP: 2, SCREEN: 7}), world.client(world.supervisor)
    data = {
        "lines-laptop-received": "1",
        "lines-screen-received": "7",
        "lines-router-received": "5",
        "idempotency_key": "k",
    }
    response = client.post(f"/batches/{ref}/reception", data=data)
    page = text(response)
    assert response.status_code == 422
    assert 'href="#lines-laptop-gap_reason"' in page
    assert 'href="#lines-router-gap_reason"' in page
    assert 'href="#lines-screen-gap_reason"' not in page
    assert 'id="lines-router-received"' in page
    assert "<details" in page.partition("Autre chose est arrivé")[0].rpartition("<details")[1]
    assert " open>" in page.partition("Autre chose est arrivé")[0][-60:]
    assert 'value="5"' in page
    assert count(Device) == 0


def test_sending_a_reception_twice_makes_the_devices_once(world: World) -> None:
    ref, client = world.batch({LAPTOP: 2}), world.client(world.supervisor)
    data = {"lines-laptop-received": "2", "idempotency_key": "k"}
    assert [client.post(f"/batches/{ref}/reception", data=data).status_code for _ in range(2)] == [303, 303]
    again = client.post(f"/batches/{ref}/reception", data=data | {"idempotency_key": "another"})
    assert again.status_code == 409
    assert "Lot déjà réceptionné" in text(again)
    assert count(Device) == 2


def test_the_reception_form_is_shown_to_the_batchs_workshop_only(world: World) -> None:
    ref = world.batch()
    for actor in (world.coordinator, world.donor_user):
        page = text(world.client(actor).get(f"/batches/{ref}"))
        assert "AGOIE attend ce lot" in page
        assert "Réceptionner ce lot" not in page
        response = world.client(actor).post(f"/batches/{ref}/reception", data={"lines-laptop-received": "2"})
        assert response.status_code == 403
    assert count(Device) == 0


def test_a_batch_of_another_workshop_does_not_exist(world: World) -> None:
    ref = world.batch()
    stranger = world.client(world.person(world.other_workshop, PersonRole.SUPERVISOR))
    assert stranger.get(f"/batches/{ref}").status_code == 404
    assert stranger.get(f"/batches/{ref}/reception.pdf").status_code == 404
    response = stranger.post(f"/batches/{ref}/reception", data={"lines-laptop-received": "2"})
    assert response.status_code == 404
    assert ref not in text(stranger.get("/batches"))


def test_a_donor_sees_counts_and_no_device(world: World) -> None:
    ref = world.batch({LAPTOP: 2})
    world.client(world.supervisor).post(
        f"/batches/{ref}/reception",
        data={
            "lines-laptop-received": "1",
            "lines-laptop-gap_reason": "not_on_the_lorry",
            "idempotency_key": "k",
        },
    )
    donor = world.client(world.donor_user)
    page = text(donor.get(f"/batches/{ref}"))
    assert "pas dans le camion" in page
    [code] = codes_of(world.supervisor, ref)
    assert code not in page.replace(" ", "")
    assert "Étiquettes" not in page
    assert donor.get(f"/labels/print?batch={ref}").status_code == 403


# --- labels ---


def order(client: FlaskClient, ref: str, **paper: str) -> Any:
    form = {"batch": ref, "sheet": "L7160", "start": "1", "copies": "1", "idempotency_key": str(uuid4())}
    return client.post("/labels/print", data=form | paper)


def test_the_sheet_of_labels_scans_to_exactly_the_devices(world: World) -> None:
    ref, client = world.batch({LAPTOP: 20, SCREEN: 3}), world.client(world.supervisor)
    client.post(
        f"/batches/{ref}/reception",
        data={"lines-laptop-received": "20", "lines-screen-received": "3", "idempotency_key": "k"},
    )
    codes = codes_of(world.supervisor, ref)
    assert len(codes) == 23

    again = {"sheet": "70x37", "start": "22", "reason": "misprinted"}
    for actor, paper in ((world.supervisor, {}), (world.coordinator, again)):
        printed = order(world.client(actor), ref, **paper)
        assert printed.status_code == 303, printed.text
        sheet = world.client(actor).get(f"{printed.location}/etiquettes.pdf")
        assert (sheet.status_code, sheet.mimetype) == (200, "application/pdf")
        assert scanned(sheet.data) == {*codes, *(f"http://localhost/d/{code}" for code in codes)}


def test_there_is_nothing_to_print_before_the_reception(world: World) -> None:
    ref, client = world.batch(), world.client(world.supervisor)
    assert "/labels/print" not in text(client.get(f"/batches/{ref}"))
    assert order(client, ref).status_code == 422


# --- the list ---


def test_the_list_is_narrowed_by_the_address(world: World) -> None:
    awaited, public = world.batch(), world.batch(donor=world.department)
    with db.transaction() as session:
        session.execute(sa.update(Batch).where(Batch.ref == public).values(state=BatchState.RECEIVED))
    client = world.client(world.coordinator)
    for query, shown in (
        ("", {awaited, public}),
        ("?state=accepted", {awaited}),
        (f"?donor={world.department}", {public}),
        (f"?donor={world.department}&state=accepted", set()),
    ):
        page = text(client.get(f"/batches{query}"))
        assert {ref for ref in (awaited, public) if ref in page} == shown, query
    assert "Aucun lot ne correspond" in text(client.get(f"/batches?donor={world.department}&state=accepted"))


@pytest.mark.parametrize(
    "query",
    ["cursor=abc", "cursor=-1", "cursor=99999999999999999999999", "state=lost", "donor=999999", "donor=%00"],
)
def test_a_filter_that_does_not_exist_is_told(world: World, query: str) -> None:
    ref = world.batch()
    response = world.client(world.coordinator).get(f"/batches?{query}")
    assert response.status_code == 422
    assert ref not in text(response)


def test_an_empty_list_says_what_to_do(world: World) -> None:
    assert "Saisir le premier lot" in text(world.client(world.coordinator).get("/batches"))
    page = text(world.client(world.donor_user).get("/batches"))
    assert "Saisir le premier lot" not in page
    assert "Cinq minutes suffisent" in page
    assert "dès que la coordination les aura saisis" in text(world.client(world.supervisor).get("/batches"))


def test_the_statements_of_a_list_page_do_not_grow_with_it(app: Flask, world: World) -> None:
    client = world.client(world.coordinator)
    sent: list[str] = []
    event.listen(db.db.engine, "before_cursor_execute", lambda _c, _k, statement, *_: sent.append(statement))
    lengths = []
    for _ in range(2):
        world.batch()
        world.batch({LAPTOP: 1, SCREEN: 2})
        sent.clear()
        assert client.get("/batches").status_code == 200
        lengths.append(sum(statement.lstrip().startswith("SELECT") for statement in sent))
    assert lengths[0] == lengths[1] <= 4


def test_pages_of_the_list_follow_one_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    refs = [world.batch() for _ in range(52)]
    client = world.client(world.coordinator)
    first = text(client.get("/batches?state=accepted"))
    assert refs[-1] in first
    assert refs[1] not in first
    assert "state=accepted" in first.partition('rel="next"')[2][:200]
    cursor = first.partition('rel="next"')[2].partition("cursor=")[2].partition('"')[0].partition("&")[0]
    second = text(client.get(f"/batches?state=accepted&cursor={cursor}"))
    assert refs[0] in second
    assert refs[1] in second
    assert refs[2] not in second
