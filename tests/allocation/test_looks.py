"""A person's file: found by reference or by exact name and birth date, and every look at it is written down."""

from datetime import date
from uuid import uuid4

import pytest
import sqlalchemy as sa

from bank import db
from bank.actor import Actor
from bank.allocation import queries
from bank.allocation.models import AccessLog
from bank.identity.models import OrganisationRole, PersonRole
from bank.inventory.lifecycle import State
from tests.factories import World, today

NAME, BORN = "Amina Zérouali", date(1985, 5, 12)


def ask(world: World, actor: Actor | None = None, *, born: date | None = BORN) -> str:
    """A laptop for a person; the request's reference."""
    made = world.api(actor or world.prescriber_user).post(
        "/requests",
        json={
            "programme": "RSA",
            "lines": [{"category": "laptop"}],
            "person_name": NAME,
            "birth_date": born.isoformat() if born else None,
            "needs": ["mouse"],
            "proof": "rsa_certificate",
            "proof_day": today().isoformat(),
            "proof_seen": True,
        },
    )
    assert made.status_code == 201, made.json
    return str(made.json["ref"])


def looks() -> list[tuple[int, int]]:
    """Who looked, for which organisation, in order."""
    with db.read() as session:
        rows = session.execute(
            sa.select(AccessLog.person_id, AccessLog.organisation_id).order_by(AccessLog.id)
        )
        return [(row[0], row[1]) for row in rows]


def test_each_look_at_a_persons_file_is_written_down_whoever_looks(world: World) -> None:
    world.programme_rsa()
    ref = ask(world)
    for actor in (world.prescriber_user, world.coordinator):
        assert world.client(actor).get(f"/requests/{ref}").status_code == 200
        assert world.api(actor).get(f"/requests/{ref}").status_code == 200
    one, two = (
        (actor.person_id, actor.organisation_id) for actor in (world.prescriber_user, world.coordinator)
    )
    assert looks() == [one, one, two, two]


def test_who_may_not_see_the_file_leaves_no_line_and_a_list_names_nobody_else(world: World) -> None:
    world.programme_rsa()
    colleague = world.person(world.prescriber, PersonRole.PRESCRIBER)
    ref = ask(world)
    assert world.client(world.ccas_user).get(f"/requests/{ref}").status_code == 404
    assert NAME in world.client(world.prescriber_user).get("/requests").text
    listed = world.client(colleague).get("/requests").text
    assert ref in listed, "requests belong to the team"
    assert NAME not in listed, "but the name is read in the file, where the look is written down"
    assert looks() == []
    assert NAME in world.client(colleague).get(f"/requests/{ref}").text


def test_a_structures_request_is_no_persons_file(world: World) -> None:
    with db.transaction() as session:
        session.add(
            queries.Programme(
                code="SALLE",
                name="Salle",
                recipient_nature="public_body",
                hardship=False,
                proofs=frozenset(),
                valid_from=date(2026, 1, 1),
                source="test",
            )
        )
    api = world.api(world.ccas_user)
    made = api.post("/requests", json={"programme": "SALLE", "lines": [{"category": "desktop"}]})
    assert api.get(f"/requests/{made.json['ref']}").status_code == 200
    assert looks() == []


@pytest.mark.parametrize("typed", ["ZEROUALI Amina", "amina-zérouali", "  Amina  Zerouali "])
def test_a_person_is_found_by_exact_name_and_birth_date(world: World, typed: str) -> None:
    world.programme_rsa()
    ref = ask(world)
    client = world.client(world.prescriber_user)
    page = client.post("/requests/find", data={"person_name": typed, "birth_date": BORN.isoformat()})
    assert page.status_code == 200
    assert f"/requests/{ref}" in page.text
    assert len(looks()) == 1, "a file that is found is a look"
    found = world.api(world.prescriber_user).post(
        "/requests/search", json={"person_name": typed, "birth_date": BORN.isoformat()}
    )
    assert [each["ref"] for each in found.json] == [ref]
    assert NAME not in found.text


def test_nothing_is_found_outside_ones_reach_or_with_less_than_both(world: World) -> None:
    world.programme_rsa()
    ask(world)
    whole = {"person_name": NAME, "birth_date": BORN.isoformat()}
    page = world.client(world.ccas_user).post("/requests/find", data=whole)
    assert "Rien ne correspond" in page.text
    client = world.client(world.prescriber_user)
    for changes in ({"birth_date": "1985-05-13"}, {"person_name": "Amina"}):
        assert "Rien ne correspond" in client.post("/requests/find", data=whole | changes).text
    for typed in ({"person_name": NAME}, {"birth_date": BORN.isoformat()}, {}):
        page = client.post("/requests/find", data=typed)
        assert page.status_code == 422
        assert "D-" not in page.text
    assert looks() == []


def test_without_a_birth_date_only_the_reference_finds(world: World) -> None:
    world.programme_rsa()
    ref = ask(world, born=None)
    client = world.client(world.prescriber_user)
    page = client.post("/requests/find", data={"person_name": NAME, "birth_date": BORN.isoformat()})
    assert "Rien ne correspond" in page.text
    found = client.post("/requests/find", data={"ref": ref.lower()})
    assert (found.status_code, found.location) == (303, f"/requests/{ref}")
    assert "Rien ne correspond" in client.post("/requests/find", data={"ref": "D-000000"}).text


def test_a_social_security_number_is_refused_in_the_search_too(world: World) -> None:
    page = world.client(world.prescriber_user).post(
        "/requests/find", data={"person_name": "2 85 05 78 006 084", "birth_date": BORN.isoformat()}
    )
    assert page.status_code == 422
    assert "numéro de sécurité sociale" in page.text


def test_a_siret_and_an_imei_go_through_where_they_belong(world: World) -> None:
    """A public body's SIRET begins with 1 or 2, an IMEI has as many digits as a social security number."""
    for place, siret in enumerate(("22950127500015", "21950612800012", "13000548100010")):
        made = world.api(world.coordinator).post(
            "/organisations",
            json={
                "name": f"Personne publique {place}",
                "legal_nature": "public_body",
                "roles": ["prescriber"],
                "siret": siret,
                "capacities": [],
            },
        )
        assert made.status_code == 201, made.json
    for imei in ("356938035643809", "490154203237518"):
        assert world.client(world.coordinator).get(f"/devices?q={imei}").status_code == 200


def test_who_reads_the_looks(world: World) -> None:
    world.programme_rsa()
    ref = ask(world)
    administrator = world.person(world.prescriber, PersonRole.ADMINISTRATOR)
    elsewhere = world.person(world.ccas, PersonRole.ADMINISTRATOR)
    world.client(world.prescriber_user).get(f"/requests/{ref}")
    world.client(world.coordinator).get(f"/requests/{ref}")
    page = world.client(world.coordinator).get("/looks").text
    assert "Sacha Social" in page
    assert "Nadia Coordination" in page
    own = world.client(administrator).get("/looks").text
    assert "Sacha Social" in own
    assert "Banque du numérique 95" in own, "another organisation that looked is named"
    assert "Nadia Coordination" not in own, "its people are not"
    assert ref not in world.client(elsewhere).get("/looks").text
    assert ref in world.client(administrator).get(f"/looks?ref={ref.lower()}").text
    assert ref not in world.client(administrator).get("/looks?ref=D-000000").text.replace('value="D-', "")
    for actor in (world.prescriber_user, world.desk_user, world.donor_user, world.operator):
        assert world.client(actor).get("/looks").status_code == 403


def test_the_access_log_cannot_be_changed(world: World) -> None:
    world.programme_rsa()
    ref = ask(world)
    world.client(world.prescriber_user).get(f"/requests/{ref}")
    for statement in ("UPDATE access_log SET person_id = 1", "DELETE FROM access_log"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), db.transaction() as session:
            session.execute(sa.text(statement))


def test_donor_and_workshop_people_never_see_a_name_even_in_an_organisation_that_is_both(
    world: World,
) -> None:
    world.programme_rsa()
    both = world.organisation(
        "Tout à la fois",
        roles={OrganisationRole.DONOR, OrganisationRole.WORKSHOP, OrganisationRole.PRESCRIBER},
    )
    prescriber = world.person(both, PersonRole.PRESCRIBER)
    ref = ask(world, prescriber)
    device = world.device(State.READY)
    allocated = world.api(world.coordinator).post(
        f"/requests/{ref}/allocations", json={"device": device.code}
    )
    assert allocated.status_code == 201
    for role in (PersonRole.DONOR, PersonRole.OPERATOR, PersonRole.SUPERVISOR):
        client = world.client(world.person(both, role))
        for path in ("/requests", f"/requests/{ref}", "/requests/find", "/"):
            page = client.get(path)
            assert NAME not in page.text
            assert path == "/" or page.status_code == 403


def test_cancelling_gives_its_reason_on_the_page_and_through_the_api(world: World) -> None:
    world.programme_rsa()
    ref, other = ask(world), ask(world)
    client = world.client(world.prescriber_user)
    missing = client.post(f"/requests/{ref}/cancel", data={})
    assert (missing.status_code, 'href="#reason"' in missing.text) == (422, True)
    done = client.post(f"/requests/{ref}/cancel", data={"reason": "no_longer_needed"})
    assert done.status_code == 303
    page = client.get(f"/requests/{ref}")
    assert "Demande annulée\u00a0: plus besoin" in page.text
    assert client.get(f"/requests/{ref}/cancel").status_code == 409
    api = world.api(world.coordinator)
    assert api.post(f"/requests/{other}/cancellation", json={"reason": "not_possible"}).status_code == 204
    assert api.get(f"/requests/{other}").json["cancel_reason"] == "not_possible"


def test_some_are_reserved_and_the_refused_ones_are_listed(world: World) -> None:
    world.programme_rsa()
    ref, coordinator = ask(world), world.client(world.coordinator)
    bad, good = world.device(State.IN_WORK), world.device(State.READY)
    sent = {"device": [good.code, bad.code], "idempotency_key": str(uuid4())}
    page = coordinator.post(f"/requests/{ref}/allocations", data=sent)
    assert page.status_code == 200
    assert "Un matériel est refusé" in page.text
    assert "Impossible à ce stade" in page.text
    again = coordinator.post(f"/requests/{ref}/allocations", data=sent)
    assert again.status_code == 303, "sent twice, done once"
