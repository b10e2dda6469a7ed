"""The room's pages: what they show, to whom, and what they do."""

import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from bank import db
from bank.errors import Code, Refusal
from bank.identity import actions, queries
from bank.identity.models import Capacity, CapacityKind, Organisation, OrganisationRole, Person, PersonRole
from bank.work import Job
from tests.factories import World

CROIX_ROUGE = {
    "name": "Croix-Rouge française",
    "legal_nature": "association",
    "siret": "35600000049837",
    "roles": ["prescriber", "desk"],
    "workshop_kind": "",
    "capacities-0-kind": "rup",
    "capacities-0-reference": "Décret du 7 août 1940",
    "capacities-0-valid_from": "1940-08-07",
    "capacities-1-kind": "",
    "idempotency_key": "k1",
}


def text(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def hidden(answer: Any, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', text(answer))
    assert found is not None
    return found[1]


@pytest.fixture
def coordinator(world: World) -> Any:
    return world.client(world.coordinator)


@pytest.fixture
def administrator(world: World) -> Any:
    return world.client(world.person(world.workshop, PersonRole.ADMINISTRATOR, name="Ali Gestion"))


# --- organisations ---


def test_an_organisation_is_added_once_and_shown(world: World, coordinator: Any) -> None:
    answers = [coordinator.post("/organisations/new", data=CROIX_ROUGE) for _click in range(2)]
    assert {answer.status_code for answer in answers} == {303}
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    page = text(coordinator.get(answers[0].headers["Location"]))
    for words in (
        "Croix-Rouge française",
        "reconnue d’utilité publique",
        "Décret du 7 août 1940",
        "en vigueur",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"siret": "35600000049838"}, "Ce n’est pas un SIRET"),
        ({"phone": "bureau 12"}, "Ce n’est pas un numéro de téléphone"),
        ({"roles": ["workshop"]}, "Choisissez le type d’atelier"),
        ({"roles": []}, "Cochez au moins un rôle"),
        ({"legal_nature": ""}, "Choisissez une réponse"),
        ({"capacities-0-reference": ""}, "Remplissez ce champ"),
        ({"capacities-0-valid_until": "1930-01-01"}, "se termine avant d’avoir commencé"),
        ({"name": "Conseil départemental"}, "existe déjà"),
        ({"capacities-0-reference": "a\x00b"}, "qui ne s’imprime pas"),
    ],
)
def test_a_wrong_field_keeps_what_was_typed_and_says_why(
    world: World, coordinator: Any, changes: dict[str, Any], words: str
) -> None:
    assert world.department
    answer = coordinator.post("/organisations/new", data=CROIX_ROUGE | changes)
    assert answer.status_code in (409, 422)
    assert words in text(answer)
    assert "Décret du 7 août 1940" in text(answer) or "reference" in str(changes)
    with db.read() as session:
        assert (
            session.scalar(sa.select(Organisation.id).where(Organisation.siret == "35600000049837")) is None
        )


def test_an_edit_shows_what_is_known_and_writes_it_anew(world: World, coordinator: Any) -> None:
    path = f"/organisations/{world.workshop}/edit"
    form = coordinator.get(path)
    assert 'value="ref general_interest"' in text(form)
    data = {
        "version": hidden(form, "version"),
        "name": "AGOIE",
        "legal_nature": "association",
        "siret": "",
        "roles": ["workshop"],
        "workshop_kind": "aci",
        "capacities-0-kind": "general_interest",
        "capacities-0-reference": "Rescrit 2026-4",
        "capacities-0-valid_from": "2026-01-01",
        "capacities-1-kind": "esus",
        "capacities-1-reference": "Agrément",
        "capacities-1-valid_from": "2026-01-01",
        "address": " 12 rue des Écoles, 95370 Montigny ",
        "phone": "01 99 00 12 34",
        "first_lesson": "Mardi à 14 h, médiathèque",
    }
    assert coordinator.post(path, data=data).status_code == 303
    page = text(coordinator.get(f"/organisations/{world.workshop}"))
    for line in ("12 rue des Écoles, 95370 Montigny", "01 99 00 12 34", "Mardi à 14 h, médiathèque"):
        assert line in page
        assert f'value="{line}"' in text(coordinator.get(path))
    with db.read() as session:
        kept = session.scalars(sa.select(Capacity).where(Capacity.organisation_id == world.workshop)).all()
    assert {(each.kind, each.reference) for each in kept} == {
        (CapacityKind.GENERAL_INTEREST, "Rescrit 2026-4"),
        (CapacityKind.ESUS, "Agrément"),
    }


def test_the_second_of_two_editors_is_told_on_the_page(world: World, coordinator: Any) -> None:
    path = f"/organisations/{world.bnp}/edit"
    data = {
        "version": hidden(coordinator.get(path), "version"),
        "name": "BNP Paribas",
        "legal_nature": "company",
        "roles": ["donor"],
        "workshop_kind": "",
    }
    assert coordinator.post(path, data=data).status_code == 303
    second = coordinator.post(path, data=data | {"name": "BNP tout court"})
    assert second.status_code == 409
    assert "a modifié cette fiche" in text(second)
    assert "BNP tout court" in text(second)
    with db.read() as session:
        assert session.get_one(Organisation, world.bnp).name == "BNP Paribas"


def test_capacities_that_did_not_change_keep_their_row(world: World) -> None:
    actor, workshop = world.coordinator, world.workshop
    with db.read() as session:
        sheet = queries.organisation(session, actor, workshop)
        before = session.scalars(sa.select(Capacity.id).where(Capacity.organisation_id == workshop)).all()
    held = sheet.capacities[0]
    draft = actions.OrganisationDraft(
        name=sheet.name,
        legal_nature=sheet.legal_nature,
        roles=frozenset(sheet.roles),
        workshop_kind=sheet.workshop_kind,
        capacities=(
            actions.CapacityDraft(kind=held.kind, reference=held.reference, valid_from=held.valid_from),
        ),
    )
    with db.transaction() as session:
        actions.edit_organisation(session, actor, workshop, sheet.version, draft)
    with db.read() as session:
        after = session.scalars(sa.select(Capacity.id).where(Capacity.organisation_id == workshop)).all()
    assert before == after


def test_the_list_is_searched_by_name_and_role(world: World, coordinator: Any) -> None:
    assert world.bnp
    assert world.workshop
    assert "BNP Paribas" in text(coordinator.get("/organisations?q=paribas"))
    assert "BNP Paribas" not in text(coordinator.get("/organisations?role=workshop"))
    assert "Aucune organisation ne correspond" in text(coordinator.get("/organisations?q=rien"))


def test_the_list_is_in_the_order_of_a_directory(world: World, coordinator: Any) -> None:
    for name in ("Zèbre", "BNP", "Banque de prêt", "abeille"):
        world.organisation(name, roles={OrganisationRole.FUNDER})
    page = text(coordinator.get("/organisations?role=funder"))
    assert re.findall(r">(Zèbre|BNP|Banque de prêt|abeille)</a>", page) == [
        "abeille",
        "Banque de prêt",
        "BNP",
        "Zèbre",
    ]


def test_one_empty_row_waits_for_a_capacity_however_often_the_form_comes_back(
    world: World, coordinator: Any
) -> None:
    path = f"/organisations/{world.workshop}/edit"
    shown = coordinator.get(path)
    back = coordinator.post(path, data={"capacities-0-kind": "esus", "capacities-1-kind": ""})
    assert text(shown).count("Nouvelle qualité") == text(back).count("Nouvelle qualité") == 1


def test_an_administrator_goes_straight_to_their_own(world: World, administrator: Any) -> None:
    assert administrator.get("/organisations").headers["Location"] == f"/organisations/{world.workshop}"
    page = text(administrator.get(f"/organisations/{world.workshop}"))
    assert "Ali Gestion" in page
    assert "Modifier l’organisation" not in page


def test_an_administrator_finds_nothing_of_another_organisation(world: World, administrator: Any) -> None:
    stranger = world.other_operator
    organisation, person = f"/organisations/{stranger.organisation_id}", f"/people/{stranger.person_id}"
    joining = {"name": "X", "email": "x@exemple.fr", "roles": ["operator"], "idempotency_key": "k"}
    for answer in (
        administrator.get(organisation),
        administrator.get(f"{organisation}/invite"),
        administrator.post(f"{organisation}/invite", data=joining),
        administrator.get(person),
        administrator.post(f"{person}/invitation", data={"idempotency_key": "k"}),
        administrator.post(f"{person}/disable", data={"sure": "y"}),
    ):
        assert answer.status_code == 404
        assert "Alex Ailleurs" not in text(answer)
    assert administrator.get(f"/organisations/{world.workshop}/edit").status_code == 403


def test_the_people_shown_are_those_of_that_organisation_only(world: World, coordinator: Any) -> None:
    assert world.operator
    assert world.other_operator
    page = text(coordinator.get(f"/organisations/{world.workshop}"))
    assert "Lou Atelier" in page
    assert "Alex Ailleurs" not in page


@pytest.mark.parametrize("who", ["operator", "donor_user", "prescriber_user", "desk_user"])
def test_those_who_manage_no_account_see_no_organisation(world: World, who: str) -> None:
    actor = getattr(world, who)
    assert world.client(actor).get(f"/organisations/{actor.organisation_id}").status_code == 403


# --- people ---


def test_an_invitation_goes_out_once_and_offers_only_roles_with_ground(
    world: World, administrator: Any
) -> None:
    path = f"/organisations/{world.workshop}/invite"
    form = administrator.get(path)
    offered = set(re.findall(r'name="roles"[^>]*value="(\w+)"', text(form)))
    assert offered == {"administrator", "operator", "supervisor", "desk"}
    data = {
        "name": "Noa Neuve",
        "email": "noa@exemple.fr",
        "roles": ["operator"],
        "idempotency_key": hidden(form, "idempotency_key"),
    }
    assert {administrator.post(path, data=data).status_code for _click in range(2)} == {303}
    page = text(administrator.get(f"/organisations/{world.workshop}"))
    assert page.count("Noa Neuve") == 1
    assert "invitation envoyée" in page
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Job)) == 1


def test_an_address_taken_is_told_on_its_field(world: World, administrator: Any) -> None:
    world.person(world.other_workshop, PersonRole.OPERATOR, email="prise@exemple.fr", name="Alex Ailleurs")
    data = {"name": "X", "email": "prise@exemple.fr", "roles": ["operator"], "idempotency_key": "k"}
    answer = administrator.post(f"/organisations/{world.workshop}/invite", data=data)
    assert answer.status_code == 409
    assert "existe déjà" in text(answer)
    assert "Ailleurs" not in text(answer)
    assert "Loxy" not in text(answer)


def test_closing_an_access_asks_to_be_sure(world: World, administrator: Any) -> None:
    operator = world.operator
    path = f"/people/{operator.person_id}/disable"
    assert administrator.post(path).status_code == 422
    assert world.client(operator).get("/account").status_code == 200
    browser = world.client(operator)
    assert administrator.post(path, data={"sure": "y"}).status_code == 303
    assert "compte désactivé" in text(administrator.get(f"/people/{operator.person_id}"))
    assert browser.get("/account").status_code == 303


def test_why_the_last_coordinator_stays_is_said(world: World) -> None:
    administrator = world.client(world.person(world.bank, PersonRole.ADMINISTRATOR))
    person = f"/people/{world.coordinator.person_id}"
    answer = administrator.post(f"{person}/disable", data={"sure": "y"}, follow_redirects=True)
    assert "C’est le dernier compte de coordination" in text(answer)
    assert "compte ouvert" in text(answer)


def test_two_coordinators_who_shut_each_other_out_leave_one(world: World) -> None:
    one, two = (world.person(world.bank, PersonRole.COORDINATOR) for _each in range(2))
    refusals: list[Code] = []
    together = threading.Barrier(2)

    def shut(actor: Any, person_id: int) -> None:
        with world.app.app_context():
            together.wait(10)
            try:
                with db.transaction() as session:
                    actions.disable(session, actor, person_id)
            except Refusal as refusal:
                refusals.append(refusal.code)

    threads = [
        threading.Thread(target=shut, args=(one, two.person_id)),
        threading.Thread(target=shut, args=(two, one.person_id)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with db.read() as session:
        left = session.scalars(sa.select(Person.id).where(Person.disabled_at.is_(None))).all()
    assert len(left) == 1
    assert refusals == [Code.NOT_ALLOWED]


def test_sending_an_invitation_again_twice_by_one_click_sends_one(world: World, administrator: Any) -> None:
    waiting = world.person(world.workshop, PersonRole.OPERATOR, password=None)
    page = administrator.get(f"/people/{waiting.person_id}")
    data = {"idempotency_key": hidden(page, "idempotency_key")}
    path = f"/people/{waiting.person_id}/invitation"
    assert {administrator.post(path, data=data).status_code for _click in range(2)} == {303}
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Job)) == 1


# --- tokens ---


def test_a_token_is_shown_on_one_page_and_never_again(world: World) -> None:
    client = world.client(world.supervisor)
    form = client.get("/account/tokens/new")
    offered = set(re.findall(r'value="([a-z-]+\.[a-z_]+)"', text(form)))
    assert offered == {each.value for each in world.supervisor.permissions}
    data = {
        "name": "import",
        "days": "30",
        "scopes": ["device.see"],
        "idempotency_key": hidden(form, "idempotency_key"),
    }
    made = client.post("/account/tokens/new", data=data)
    secret = re.search(r"bdn_[\w-]+", text(made))
    assert secret is not None
    assert made.headers["Cache-Control"] == "no-store"
    again = client.post("/account/tokens/new", data=data, follow_redirects=True)
    account = text(client.get("/account"))
    assert "bdn_" not in text(again) + account
    assert account.count("import") >= 1

    me = world.anonymous().get("/api/v1/me", headers={"Authorization": f"Bearer {secret[0]}"})
    assert me.json["permissions"] == ["device.see"]
    revoke = re.search(r"/account/tokens/\d+/revoke", account)
    assert revoke is not None
    assert client.post(revoke[0]).status_code == 303
    again = world.anonymous().get("/api/v1/me", headers={"Authorization": f"Bearer {secret[0]}"})
    assert again.status_code == 401


@pytest.mark.parametrize(
    "changes", [{"days": "366"}, {"days": ""}, {"scopes": []}, {"scopes": ["whole-bank.see"]}, {"name": ""}]
)
def test_a_token_beyond_bounds_is_refused(world: World, changes: dict[str, Any]) -> None:
    data = {"name": "import", "days": "30", "scopes": ["device.see"], "idempotency_key": "k"} | changes
    assert world.client(world.supervisor).post("/account/tokens/new", data=data).status_code == 422


def test_an_operator_makes_no_token(world: World) -> None:
    client = world.client(world.operator)
    assert client.get("/account/tokens/new").status_code == 403
    assert "Créer un jeton" not in text(client.get("/account"))


def test_the_command_lines_token_does_all_that_its_person_may(world: World) -> None:
    world.person(world.bank, PersonRole.COORDINATOR, email="nadia@exemple.fr")
    with db.transaction() as session:
        secret = actions.create_token_for_email(session, "nadia@exemple.fr", 30, "import de nuit")
    bearer = {"Authorization": f"Bearer {secret}"}
    assert world.anonymous().get("/api/v1/organisations", headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("email", "days", "code"),
    [("inconnue@exemple.fr", 30, Code.NOT_FOUND), ("nadia@exemple.fr", 366, Code.INVALID)],
)
def test_the_command_line_refuses_an_unknown_address_and_too_many_days(
    world: World, email: str, days: int, code: Code
) -> None:
    world.person(world.bank, PersonRole.COORDINATOR, email="nadia@exemple.fr")
    with db.transaction() as session, pytest.raises(Refusal) as refusal:
        actions.create_token_for_email(session, email, days, "x")
    assert refusal.value.code is code


# --- lists do not grow slow ---


@pytest.mark.parametrize("path", ["/organisations", "/organisations/{bank}", "/account"])
def test_a_page_asks_the_database_the_same_number_of_times_however_long_it_is(
    world: World, path: str
) -> None:
    client = world.client(world.coordinator)
    target = path.format(bank=world.bank)
    few = count_queries(client, target)
    for number in range(10):
        world.organisation(f"Mairie {number}", roles={OrganisationRole.DONOR})
        world.person(world.bank, PersonRole.COORDINATOR, password=None)
        world.token(world.coordinator)
    assert count_queries(client, target) == few


def count_queries(client: Any, path: str) -> int:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    sa.event.listen(db.db.engine, "before_cursor_execute", note)
    assert client.get(path).status_code == 200
    sa.event.remove(db.db.engine, "before_cursor_execute", note)
    return len(seen)
