"""Organisations, people and tokens as a program sees them."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bank import db
from bank.db import utcnow
from bank.identity import signin
from bank.identity.models import ApiToken, OrganisationRole, Person, PersonRole
from bank.journal import Entry, Kind
from tests.factories import World

AGOIE: dict[str, Any] = {
    "name": "AGOIE 95",
    "legal_nature": "association",
    "roles": ["workshop", "desk"],
    "workshop_kind": "aci",
    "siret": "552 081 317 66522",
    "address": "12 rue des Écoles, 95370 Montigny-lès-Cormeilles",
    "phone": "01 99 00 12 34",
    "first_lesson": "Mardi à 14 h, médiathèque",
    "capacities": [
        {"kind": "general_interest", "reference": "Rescrit 2024-12", "valid_from": "2024-01-01"},
        {
            "kind": "esus",
            "reference": "Agrément 95-7",
            "valid_from": "2022-01-01",
            "valid_until": "2026-12-31",
        },
    ],
}

CONTACT = ("address", "phone", "first_lesson")


def kinds(subject_id: int) -> list[str]:
    with db.read() as session:
        return list(
            session.scalars(sa.select(Entry.kind).where(Entry.subject_id == subject_id).order_by(Entry.id))
        )


# --- organisations ---


def test_an_organisation_is_created_read_and_written_anew(world: World) -> None:
    api = world.api(world.coordinator)
    made = api.post("/organisations", json=AGOIE)
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    sheet = api.get(path).json
    assert sheet == made.json
    assert sheet["siret"] == "55208131766522"
    assert [sheet[name] for name in CONTACT] == [AGOIE[name] for name in CONTACT]
    assert [each["kind"] for each in sheet["capacities"]] == ["esus", "general_interest"]

    changed = api.put(path, json=AGOIE | {"name": "AGOIE", "capacities": [], "version": sheet["version"]})
    assert changed.status_code == 200
    assert changed.json["name"] == "AGOIE"
    assert changed.json["capacities"] == []
    assert changed.json["version"] == sheet["version"] + 1
    assert kinds(sheet["id"]) == [Kind.ORGANISATION_CREATED, Kind.ORGANISATION_EDITED]


def test_the_second_of_two_editors_is_told_even_when_only_capacities_changed(world: World) -> None:
    api = world.api(world.coordinator)
    sheet = api.post("/organisations", json=AGOIE).json
    path = f"/organisations/{sheet['id']}"
    first = api.put(path, json=AGOIE | {"capacities": AGOIE["capacities"][:1], "version": sheet["version"]})
    second = api.put(path, json=AGOIE | {"name": "Autre nom", "version": sheet["version"]})
    assert first.status_code == 200
    assert (second.status_code, second.json["code"]) == (409, "edited-meanwhile")
    assert api.get(path).json == first.json


def test_sending_a_creation_twice_makes_one(world: World) -> None:
    api = world.api(world.coordinator)
    one = api.post("/organisations", json=AGOIE, key="same")
    two = api.post("/organisations", json=AGOIE | {"roles": AGOIE["roles"][::-1]}, key="same")
    other = api.post("/organisations", json=AGOIE | {"name": "Autre"}, key="same")
    assert one.json == two.json
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")


def test_a_creation_without_a_key_is_refused(world: World) -> None:
    api = world.api(world.coordinator)
    answer = api.client.post(
        "/api/v1/organisations", json=AGOIE, headers={"Authorization": f"Bearer {api.secret}"}
    )
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency-key-missing")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"siret": "55208131766523"}, "siret"),
        ({"phone": "au bureau"}, "phone"),
        ({"address": "a\nb"}, "address"),
        ({"first_lesson": "x" * 301}, "first_lesson"),
        ({"workshop_kind": None}, "workshop_kind"),
        ({"roles": []}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"name": " "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"naem": "x"}, "naem"),
        ({"capacities": [{"kind": "rup", "reference": "", "valid_from": "2024-01-01"}]}, "capacities"),
    ],
)
def test_a_wrong_field_is_named(world: World, changes: dict[str, Any], field: str) -> None:
    answer = world.api(world.coordinator).post("/organisations", json=AGOIE | changes)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    errors = answer.json["errors"]
    assert field in errors.get("json", errors)


def test_two_organisations_cannot_share_a_name(world: World) -> None:
    api = world.api(world.coordinator)
    api.post("/organisations", json=AGOIE)
    again = api.post("/organisations", json=AGOIE)
    assert (again.status_code, again.json["code"], again.json["field"]) == (409, "already-exists", "name")


def test_a_role_that_people_still_work_under_cannot_be_taken_away(world: World) -> None:
    operator = world.operator
    api = world.api(world.coordinator)
    path = f"/organisations/{operator.organisation_id}"
    version = api.get(path).json["version"]
    body = {
        "name": "AGOIE",
        "legal_nature": "association",
        "roles": ["desk"],
        "workshop_kind": None,
        "version": version,
    }
    answer = api.put(path, json=body)
    assert (answer.status_code, answer.json["errors"]) == (422, {"roles": ["role-in-use"]})
    assert api.get(path).json["version"] == version


def test_the_list_is_by_name_filtered_and_paged(world: World) -> None:
    for number in range(60):
        world.organisation(f"Mairie {number:02}", roles={OrganisationRole.DONOR})
    world.organisation("100 % solidaire", roles={OrganisationRole.FUNDER}, siret="55208131766522")
    api = world.api(world.coordinator)
    first = api.get("/organisations?role=donor").json
    rest = api.get(f"/organisations?role=donor&cursor={first['next_cursor']}").json
    names = [each["name"] for each in first["items"] + rest["items"]]
    assert names == [f"Mairie {number:02}" for number in range(60)]
    assert rest["next_cursor"] is None
    for q in ("100 %", "SOLIDAIRE", "552 081 317 66522"):
        found = api.get("/organisations", query_string={"q": q}).json["items"]
        assert [each["name"] for each in found] == ["100 % solidaire"], q


# --- who sees what ---


@pytest.fixture
def administrator(world: World) -> Any:
    return world.person(world.workshop, PersonRole.ADMINISTRATOR, name="Ali Gestion")


def test_an_administrator_sees_and_touches_only_their_own_organisation(
    world: World, administrator: Any
) -> None:
    stranger = world.other_operator
    api = world.api(administrator)
    invitation = {
        "organisation_id": stranger.organisation_id,
        "name": "X",
        "email": "x@exemple.fr",
        "roles": ["operator"],
    }
    assert [each["id"] for each in api.get("/organisations").json["items"]] == [world.workshop]
    assert {each["organisation_id"] for each in api.get("/people").json["items"]} == {world.workshop}
    for answer in (
        api.get(f"/organisations/{stranger.organisation_id}"),
        api.get(f"/people?organisation_id={stranger.organisation_id}"),
        api.get(f"/people/{stranger.person_id}"),
        api.post(f"/people/{stranger.person_id}/disable"),
        api.post(f"/people/{stranger.person_id}/invitation"),
        api.post("/people", json=invitation),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not-found")
    with db.read() as session:
        assert session.get_one(Person, stranger.person_id).disabled_at is None


def test_an_administrator_does_not_edit_organisations(world: World, administrator: Any) -> None:
    api = world.api(administrator)
    assert api.post("/organisations", json=AGOIE).status_code == 403
    assert api.put(f"/organisations/{world.workshop}", json=AGOIE | {"version": 1}).status_code == 403


@pytest.mark.parametrize("path", ["/organisations", "/people", "/tokens"])
def test_an_operator_has_no_business_with_accounts(world: World, path: str) -> None:
    assert world.api(world.operator).get(path).status_code == 403


@pytest.mark.parametrize("path", ["/me", "/organisations", "/people", "/people/1", "/tokens"])
def test_nobody_gets_in_without_a_token(world: World, path: str) -> None:
    answer = world.anonymous().get(f"/api/v1{path}")
    assert (answer.status_code, answer.json["code"]) == (401, "not-signed-in")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_session_cookie_opens_nothing_in_the_api(world: World) -> None:
    assert world.client(world.coordinator).get("/api/v1/me").status_code == 401


def test_me_tells_whose_token_it_is_and_what_is_left_of_their_rights(world: World) -> None:
    me = world.api(world.supervisor, scopes=frozenset({"device.see", "request.see"})).get("/me").json
    assert me["name"] == "Samir Encadrant"
    assert me["organisation_id"] == world.workshop
    assert me["permissions"] == ["device.see"]


# --- people ---


def invitation(world: World, **changes: Any) -> dict[str, Any]:
    body = {
        "organisation_id": world.workshop,
        "name": "Noa Neuve",
        "email": "noa@exemple.fr",
        "roles": ["operator"],
    }
    return body | changes


def test_an_invited_person_waits_and_their_address_is_not_legible_at_rest(world: World) -> None:
    api = world.api(world.coordinator)
    made = api.post("/people", json=invitation(world))
    assert made.status_code == 201
    assert made.json["state"] == "invited"
    assert api.get(made.headers["Location"].removeprefix("/api/v1")).json == made.json
    with db.read() as session:
        stored = session.execute(
            sa.text("SELECT name, email, email_hash FROM person WHERE id = :id"), {"id": made.json["id"]}
        ).one()
    assert not any("noa" in text.lower() for text in stored)
    assert kinds(made.json["id"])[-1] == Kind.PERSON_INVITED


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"roles": ["prescriber"]}, 422, {"roles": ["role-misplaced"]}),
        ({"email": "noa"}, 422, {"json": {"email": ["email-wrong"]}}),
        ({"email": "noa@exemple.fr\nBcc: x@exemple.fr"}, 422, {"json": {"email": ["email-wrong"]}}),
    ],
)
def test_a_wrong_invitation_is_refused(
    world: World, changes: dict[str, Any], status: int, told: dict[str, Any]
) -> None:
    answer = world.api(world.coordinator).post("/people", json=invitation(world, **changes))
    assert (answer.status_code, answer.json["errors"]) == (status, told)


def test_an_address_has_one_account_however_it_is_written(world: World) -> None:
    api = world.api(world.coordinator)
    api.post("/people", json=invitation(world))
    again = api.post("/people", json=invitation(world, email="NOA@Exemple.fr"))
    assert (again.status_code, again.json["code"], again.json["field"]) == (409, "already-exists", "email")


def test_an_administrator_of_the_bank_cannot_make_a_coordinator(world: World) -> None:
    administrator = world.person(world.bank, PersonRole.ADMINISTRATOR)
    body = invitation(world, organisation_id=world.bank, roles=["coordinator"])
    answer = world.api(administrator).post("/people", json=body)
    assert (answer.status_code, answer.json["errors"]) == (422, {"roles": ["role-beyond"]})
    assert world.api(world.coordinator).post("/people", json=body).status_code == 201


def test_an_invitation_is_sent_again_only_to_someone_who_waits(world: World) -> None:
    api = world.api(world.coordinator)
    person_id = api.post("/people", json=invitation(world)).json["id"]
    assert api.post(f"/people/{person_id}/invitation", key="again").status_code == 200
    assert api.post(f"/people/{person_id}/invitation", key="again").status_code == 200
    assert kinds(person_id).count(Kind.PERSON_INVITED) == 2
    joined = api.post(f"/people/{world.operator.person_id}/invitation")
    assert (joined.status_code, joined.json["reason"]) == (403, "not-waiting")


def test_a_disabled_person_is_out_at_the_next_request_by_session_and_by_token(world: World) -> None:
    supervisor = world.supervisor
    browser, program = world.client(supervisor), world.api(supervisor)
    assert browser.get("/account").status_code == 200
    assert program.get("/me").status_code == 200

    answer = world.api(world.coordinator).post(f"/people/{supervisor.person_id}/disable")

    assert (answer.status_code, answer.json["state"]) == (200, "disabled")
    assert browser.get("/account").status_code == 303
    assert program.get("/me").status_code == 401
    with db.read() as session:
        revoked = session.scalars(
            sa.select(ApiToken.revoked_at).where(ApiToken.person_id == supervisor.person_id)
        ).all()
    assert None not in revoked


def test_disabling_twice_is_disabling_once(world: World) -> None:
    operator = world.operator
    api = world.api(world.coordinator)
    for _time in range(2):
        assert api.post(f"/people/{operator.person_id}/disable").status_code == 200
    assert kinds(operator.person_id).count(Kind.PERSON_DISABLED) == 1


def test_nobody_disables_themselves_nor_the_last_coordinator(world: World) -> None:
    coordinator = world.coordinator
    administrator = world.person(world.bank, PersonRole.ADMINISTRATOR)
    own = world.api(coordinator).post(f"/people/{coordinator.person_id}/disable")
    last = world.api(administrator).post(f"/people/{coordinator.person_id}/disable")
    assert (own.status_code, own.json["reason"]) == (403, "own-account")
    assert (last.status_code, last.json["reason"]) == (403, "last-coordinator")

    world.person(world.bank, PersonRole.COORDINATOR, password=None)
    waiting = world.api(administrator).post(f"/people/{coordinator.person_id}/disable")
    assert waiting.status_code == 403, "someone who has not joined cannot take over"

    world.person(world.bank, PersonRole.COORDINATOR)
    assert world.api(administrator).post(f"/people/{coordinator.person_id}/disable").status_code == 200


def test_someone_disabled_comes_back_by_invitation_in_the_same_organisation_only(world: World) -> None:
    api = world.api(world.coordinator)
    person_id = api.post("/people", json=invitation(world)).json["id"]
    api.post(f"/people/{person_id}/disable")
    elsewhere = api.post("/people", json=invitation(world, organisation_id=world.other_workshop))
    back = api.post("/people", json=invitation(world, roles=["supervisor"]))
    assert elsewhere.status_code == 409
    assert (back.status_code, back.json["id"], back.json["state"]) == (201, person_id, "invited")
    assert back.json["roles"] == ["supervisor"]


# --- tokens ---


def test_a_token_is_shown_once_and_only_its_hash_is_kept(world: World) -> None:
    api = world.api(world.supervisor)
    wish = {"name": "import", "days": 30, "scopes": ["device.see"]}
    made = api.post("/tokens", json=wish, key="one")
    again = api.post("/tokens", json=wish, key="one")
    secret = made.json["secret"]
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    assert (again.json["id"], again.json["secret"]) == (made.json["id"], None)
    with db.read() as session:
        row = session.get_one(ApiToken, made.json["id"])
        assert row.hash == signin.token_hash(secret)
        for table in ("api_token", "journal_entry", "idempotency_mark"):
            stored = session.execute(sa.text(f"SELECT * FROM {table}")).all()  # noqa: S608  (a fixed list)
            assert secret not in repr(stored)
    assert "secret" not in api.get(f"/tokens/{made.json['id']}").json
    me = api.client.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert me.json["permissions"] == ["device.see"]


def test_a_token_can_do_no_more_than_the_token_that_made_it(world: World) -> None:
    narrow = world.api(world.coordinator, scopes=frozenset({"token.manage", "device.see"}))
    beyond = narrow.post("/tokens", json={"name": "x", "days": 1, "scopes": ["whole-bank.see"]})
    same = narrow.post("/tokens", json={"name": "y", "days": 1})
    assert (beyond.status_code, beyond.json["errors"]) == (422, {"scopes": ["scope-beyond"]})
    assert sorted(same.json["scopes"]) == ["device.see", "token.manage"]


@pytest.mark.parametrize("days", [0, 366, -1])
def test_a_token_lasts_a_year_at_most(world: World, days: int) -> None:
    assert world.api(world.coordinator).post("/tokens", json={"name": "x", "days": days}).status_code == 422


def test_a_token_without_the_scope_is_refused_where_its_person_would_not_be(world: World) -> None:
    whole, narrow = (
        world.api(world.coordinator),
        world.api(world.coordinator, scopes=frozenset({"label.print"})),
    )
    assert whole.get("/organisations").status_code == 200
    assert narrow.get("/organisations").status_code == 403


def test_a_coordinators_token_without_the_whole_bank_sees_its_own_organisation(world: World) -> None:
    narrow = world.api(world.coordinator, scopes=frozenset({"organisation.see"}))
    assert [each["id"] for each in narrow.get("/organisations").json["items"]] == [world.bank]
    assert narrow.get(f"/organisations/{world.bnp}").status_code == 404


def test_an_expired_token_opens_nothing(world: World) -> None:
    api = world.api(world.coordinator)
    with db.transaction() as session:
        session.execute(sa.update(ApiToken).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert api.get("/me").status_code == 401


def test_a_revoked_token_opens_nothing_any_more(world: World) -> None:
    api = world.api(world.coordinator)
    made = api.post("/tokens", json={"name": "x", "days": 3}).json
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert api.client.get("/api/v1/me", headers=bearer).status_code == 200
    for _time in range(2):
        assert api.delete(f"/tokens/{made['id']}").status_code == 204
    assert api.client.get("/api/v1/me", headers=bearer).status_code == 401
    assert api.get(f"/tokens/{made['id']}").json["state"] == "revoked"
    assert kinds(world.coordinator.person_id).count(Kind.PERSON_TOKEN_REVOKED) == 1


def test_nobody_sees_or_revokes_the_token_of_another(world: World) -> None:
    made = world.api(world.supervisor).post("/tokens", json={"name": "x", "days": 3}).json
    coordinator = world.api(world.coordinator)
    assert coordinator.get(f"/tokens/{made['id']}").status_code == 404
    assert coordinator.delete(f"/tokens/{made['id']}").status_code == 404
    assert made["id"] not in [each["id"] for each in coordinator.get("/tokens").json["items"]]
