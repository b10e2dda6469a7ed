"""The room's pages: what each person is shown, what happens when they send, what they are told."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bank import db
from bank.allocation import desk_forms, queries
from bank.allocation.models import Allocation, Programme, Request
from bank.identity.models import LegalNature, OrganisationRole, PersonRole
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, LegalBasis
from tests.factories import World

NAME = "Amina Zérouali"


def typed(**changes: Any) -> dict[str, Any]:
    day = queries.today() - timedelta(days=20)
    return {
        "categories": "laptop",
        "person_name": NAME,
        "contact": "06 39 98 12 34",
        "proof": "rsa_certificate",
        "proof_day": day.isoformat(),
        "proof_seen": "y",
        "idempotency_key": str(uuid4()),
    } | changes


def ask(client: FlaskClient, **changes: Any) -> TestResponse:
    return client.post("/requests/new?programme=RSA", data=typed(**changes))


def ref_of(response: TestResponse) -> str:
    assert response.status_code == 303, response.text
    return response.location.rpartition("/")[2]


def asked(world: World) -> str:
    return ref_of(ask(world.client(world.prescriber_user)))


def text_of(response: TestResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.text)).replace("\u00a0", " ")


def allocated(world: World, **origin: Any) -> tuple[str, str]:
    """A request with its device; the reference and the code."""
    device, ref = world.device(State.READY, **origin), asked(world)
    sent = {"device": device.code, "idempotency_key": str(uuid4())}
    ref_of(world.client(world.coordinator).post(f"/requests/{ref}/allocations", data=sent))
    return ref, device.code


# ---- asking ----


def test_the_form_of_the_only_programme_opens_at_once(world: World) -> None:
    world.programme_rsa()
    page = world.client(world.prescriber_user).get("/requests/new")
    assert page.status_code == 200
    text = text_of(page)
    assert "Attestation de droits au revenu de solidarité active (RSA)" in text
    assert "ordinateur portable" in text
    assert "supprimer" in text, "the notice on data stands beside the form"
    assert "tablette" not in text, "only what has a price is offered"


def test_several_programmes_are_chosen_from(world: World) -> None:
    world.programme_rsa()
    with db.transaction() as session:
        session.add(
            Programme(
                code="SALLE",
                name="Salle en accès libre",
                recipient_nature=LegalNature.PUBLIC_BODY,
                hardship=False,
                proofs=frozenset(),
                valid_from=queries.today(),
                source="test",
            )
        )
    client = world.client(world.ccas_user)
    page = client.get("/requests/new")
    assert "Salle en accès libre" in page.text
    assert "Revenu de solidarité active" in page.text
    chosen = client.get("/requests/new?programme=SALLE")
    assert "Ce dispositif n’a pas encore de prix" in chosen.text
    prescriber = world.client(world.prescriber_user).get("/requests/new")
    assert "Salle en accès libre" not in prescriber.text, "it is not for what a prescriber asks"


def test_without_a_programme_the_page_says_whom_to_ask(world: World) -> None:
    page = world.client(world.prescriber_user).get("/requests/new")
    assert page.status_code == 200
    assert "Aucun dispositif n’est ouvert" in page.text


def test_a_request_is_made_and_shown(world: World) -> None:
    world.programme_rsa()
    client = world.client(world.prescriber_user)
    ref = ref_of(ask(client))
    page = client.get(f"/requests/{ref}")
    assert NAME in page.text
    assert "en attente" in page.text
    assert NAME in client.get("/requests").text


def test_a_double_click_makes_one_request(world: World) -> None:
    world.programme_rsa()
    client, key = world.client(world.prescriber_user), str(uuid4())
    assert ref_of(ask(client, idempotency_key=key)) == ref_of(ask(client, idempotency_key=key))
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count(Request.id))) == 1


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"proof_seen": ""}, "proof_seen", "Cochez la case"),
        ({"proof_day": "2020-01-01"}, "proof_day", "trop ancien"),
        ({"proof_day": "hier"}, "proof_day", ""),
        ({"person_name": ""}, "person_name", "Remplissez ce champ"),
        ({"contact": "2 85 05 78 006 084"}, "contact", "numéro de sécurité sociale"),
        ({"categories": "tablet"}, "categories", ""),
        ({"categories": ""}, "categories", ""),
        ({"proof": "fsl_decision"}, "proof", ""),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    world: World, changes: dict[str, str], field: str, said: str
) -> None:
    world.programme_rsa()
    page = ask(world.client(world.prescriber_user), **changes)
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert said in page.text
    if field != "person_name":
        assert NAME in page.text
    with db.read() as session:
        assert session.scalars(sa.select(Request)).all() == []


def test_the_form_needs_its_csrf_field(world: World) -> None:
    world.programme_rsa()
    client = world.client(world.prescriber_user, csrf=True)
    assert ask(client).status_code == 400


# ---- promising ----


def test_the_coordinator_sees_prices_reasons_and_articles_but_no_name(world: World) -> None:
    world.programme_rsa()
    good = world.device(State.READY, donor=world.department)
    bad = world.device(State.READY, donor=world.department, basis=LegalBasis.L3212_2_2)
    ref = asked(world)
    page = world.client(world.coordinator).get(f"/requests/{ref}")
    text = text_of(page)
    assert NAME not in page.text
    assert "06 39 98 12 34" not in page.text
    assert "20,00 €" in text
    assert "180,00 €" in text
    assert "sous le plafond légal" in text
    assert "La loi interdit de vendre ce matériel (CG3P L3212-2 2°)." in text
    assert f'value="{good.code}"' in page.text
    assert f'value="{bad.code}"' not in page.text, "no button for what is forbidden"
    assert NAME not in world.client(world.coordinator).get("/requests").text


def test_promise_and_take_back(world: World) -> None:
    world.programme_rsa()
    ref, code = allocated(world)
    client = world.client(world.coordinator)
    page = client.get(f"/requests/{ref}")
    assert "Matériel réservé" in page.text
    assert NAME not in page.text
    assert ref_of(client.post(f"/requests/{ref}/release", data={"device": code})) == ref
    assert "Choisir le matériel" in client.get(f"/requests/{ref}").text


def test_a_double_click_promises_once(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), asked(world)
    client, sent = world.client(world.coordinator), {"device": device.code, "idempotency_key": str(uuid4())}
    for _click in range(2):
        assert ref_of(client.post(f"/requests/{ref}/allocations", data=sent)) == ref
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count(Allocation.id))) == 1


def test_a_refused_promise_is_told_on_the_request_s_page(world: World) -> None:
    world.programme_rsa()
    forbidden = world.device(State.READY, donor=world.department, basis=LegalBasis.L3212_2_2)
    ref = asked(world)
    sent = {"device": forbidden.code, "idempotency_key": str(uuid4())}
    page = world.client(world.coordinator).post(f"/requests/{ref}/allocations", data=sent)
    assert page.status_code == 422
    assert "La loi ne le permet pas" in page.text
    assert "CG3P L3212-2 2°" in page.text
    assert "<h1>Demande" in page.text


def test_an_unreadable_code_is_told_on_the_request_s_page(world: World) -> None:
    world.programme_rsa()
    ref = asked(world)
    for device in ("", "nope"):
        sent = {"device": device, "idempotency_key": str(uuid4())}
        page = world.client(world.coordinator).post(f"/requests/{ref}/allocations", data=sent)
        assert page.status_code == 422
        assert "Code illisible" in page.text


def test_reserving_nothing_is_told_on_the_request_s_page(world: World) -> None:
    world.programme_rsa()
    ref = asked(world)
    sent = {"idempotency_key": str(uuid4())}
    page = world.client(world.coordinator).post(f"/requests/{ref}/allocations", data=sent)
    assert page.status_code == 422
    assert "Choisissez au moins un matériel." in page.text


def test_only_the_coordinator_promises(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), asked(world)
    sent = {"device": device.code, "idempotency_key": str(uuid4())}
    for actor in (world.prescriber_user, world.desk_user, world.supervisor):
        assert world.client(actor).post(f"/requests/{ref}/allocations", data=sent).status_code == 403
        assert world.client(actor).post(f"/requests/{ref}/release", data=sent).status_code == 403


# ---- who sees what ----


def test_someone_else_s_request_does_not_exist(world: World) -> None:
    world.programme_rsa()
    ref, _code = allocated(world)
    elsewhere = world.person(world.other_workshop, PersonRole.DESK)
    for actor in (world.ccas_user, elsewhere):
        for path in (f"/requests/{ref}", f"/requests/{ref}/cancel"):
            assert world.client(actor).get(path).status_code == 404


def test_workshops_and_donors_have_no_requests(world: World) -> None:
    world.programme_rsa()
    ref, _code = allocated(world)
    for actor in (world.operator, world.supervisor, world.donor_user):
        for path in ("/requests", f"/requests/{ref}", "/requests/new"):
            assert world.client(actor).get(path).status_code == 403


@pytest.mark.parametrize("path", ["/requests/D-%00", "/requests/'", "/handovers/R-%00", "/requests/D-00000"])
def test_an_address_that_means_nothing_is_not_found(world: World, path: str) -> None:
    assert world.client(world.coordinator).get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["?cursor=99999999999999999999", "?cursor=-1", "?state=lost", "?programme=%00", "?programme='"]
)
def test_a_filter_that_means_nothing_is_left_out(world: World, query: str) -> None:
    world.programme_rsa()
    ref = asked(world)
    page = world.client(world.prescriber_user).get(f"/requests{query}")
    assert page.status_code == 200
    assert ref in page.text


def test_the_list_is_filtered_by_its_address(world: World) -> None:
    world.programme_rsa()
    ref = asked(world)
    client = world.client(world.coordinator)
    assert ref in client.get("/requests?state=open&programme=RSA").text
    assert ref not in client.get("/requests?state=allocated").text
    assert "Aucune demande ne correspond à ce filtre" in client.get("/requests?state=allocated").text


def test_each_empty_list_says_what_will_be_there(world: World) -> None:
    said = {
        "prescriber_user": "Ayez le justificatif",
        "coordinator": "des prescripteurs et des structures",
        "desk_user": "Aucune remise n’attend",
    }
    for who, words in said.items():
        assert words in world.client(getattr(world, who)).get("/requests").text


def test_a_structure_asks_for_itself(world: World) -> None:
    world.programme_rsa(category=Category.DESKTOP)
    with db.transaction() as session:
        session.execute(
            sa.update(Programme).values(recipient_nature=LegalNature.ASSOCIATION, proofs=frozenset())
        )
    structure = world.organisation("Ressources 95", roles={OrganisationRole.STRUCTURE})
    client = world.client(world.person(structure, PersonRole.STRUCTURE))
    form = client.get("/requests/new").text
    assert 'name="person_name"' not in form
    assert 'name="proof"' not in form
    sent = {"quantities-desktop": "10", "idempotency_key": str(uuid4())}
    price = client.post("/requests/new", data=sent)
    assert price.status_code == 200
    assert "Rien n’est encore envoyé" in price.text
    assert "200,00 €" in text_of(price)
    with db.read() as session:
        assert session.scalars(sa.select(Request)).all() == []
    again = client.post("/requests/new", data=sent | {"confirmed": "no"})
    assert 'value="10"' in again.text
    ref = ref_of(client.post("/requests/new", data=sent | {"confirmed": "yes"}))
    assert "Il manque 10 unités centrales" in text_of(client.get(f"/requests/{ref}"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20", 2_000),
        ("20,00", 2_000),
        ("20.5", 2_050),
        ("1\u202f250,00 €", 125_000),
        ("0", 0),
        ("0,07", 7),
        ("", None),
        ("-20", None),
        ("20,001", None),
        ("٢٠", None),
        ("20 EUR", None),
    ],
)
def test_amounts_as_people_type_them(text: str, expected: int | None) -> None:
    assert desk_forms.cents(text) == expected
