"""A session or a page that expires while somebody types: nothing is lost, doubled, or taken from elsewhere."""

import io
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
import wtforms
from flask.testing import FlaskClient

from bank import crypto, db
from bank.actor import Actor
from bank.identity import signin
from bank.identity.models import Organisation, PersonRole
from bank.web import kept
from bank.web.forms import PageForm
from tests.factories import PASSWORD, World

OURS = {"Sec-Fetch-Site": "same-origin"}
NAME = "Association L’Été & <Cie>"
TYPED = {
    "name": NAME,
    "legal_nature": "association",
    "roles": ["prescriber", "desk"],
    "siret": "73282932000074",
    "workshop_kind": "",
    "capacities-0-kind": "rup",
    "capacities-0-reference": "Décret\r\nde 1940",
    "capacities-0-valid_from": "1940-08-07",
    "idempotency_key": "5b0f6d0e-0000-4000-8000-0000000000aa",
}
PAGE = "/organisations/new"


def hidden(page: str) -> list[tuple[str, str]]:
    """What the page's forms carry unseen."""
    found = re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"', page)
    return [(name, unescape(value)) for name, value in found]


def sealed(answer: Any) -> str:
    return dict(hidden(answer.text))["kept"]


def fields(page: str) -> dict[str, list[str]]:
    """The form that sends it again, as its browser would."""
    form = page[page.index('<form method="post" action="/') :]
    found: dict[str, list[str]] = {}
    for name, value in hidden(form[: form.index("</form>")]):
        found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def coordinator(world: World) -> Actor:
    return world.person(world.bank, PersonRole.COORDINATOR, email="nadia@exemple.fr")


def sign_in(client: FlaskClient, page: str, email: str = "nadia@exemple.fr") -> Any:
    data = {"email": email, "password": PASSWORD, "kept": dict(hidden(page))["kept"]}
    return client.post("/sign-in", data=data, headers=OURS)


def made() -> int:
    with db.read() as session:
        count = session.scalar(
            sa.select(sa.func.count()).select_from(Organisation).where(Organisation.name == NAME)
        )
        return count or 0


def test_what_was_typed_waits_behind_the_sign_in_and_is_sent_once(world: World, coordinator: Actor) -> None:
    client = world.anonymous()
    asked = client.post(PAGE, data=TYPED, headers=OURS)
    assert asked.status_code == 401
    assert "Rien n’est perdu" in asked.text
    assert "73282932000074" not in asked.text
    shown = sign_in(client, asked.text)
    assert shown.status_code == 200
    for words in (
        "Reprendre là où vous en étiez",
        "73282932000074",
        "association",
        "Décret",
        "econnue d’utilité",
    ):
        assert words in shown.text
    assert NAME in unescape(shown.text)
    assert made() == 0
    form = fields(shown.text[shown.text.index("Ce qui sera envoyé") :])
    assert form["roles"] == ["prescriber", "desk"]
    assert form["capacities-0-reference"] == ["Décret\r\nde 1940"]
    answers = [client.post(PAGE, data=form, headers=OURS) for _click in range(2)]
    # The line end in the reference is refused on its own field, with everything else still there.
    assert {answer.status_code for answer in answers} == {422}
    form["capacities-0-reference"] = ["Décret de 1940"]
    answers = [client.post(PAGE, data=form, headers=OURS) for _click in range(2)]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert made() == 1


def test_a_wrong_password_loses_nothing(world: World, coordinator: Actor) -> None:
    client = world.anonymous()
    page = client.post(PAGE, data=TYPED, headers=OURS).text
    for _try in range(3):
        answer = client.post(
            "/sign-in",
            data={"email": "nadia@exemple.fr", "password": "faux", "kept": dict(hidden(page))["kept"]},
        )
        assert answer.status_code == 422
        page = answer.text
    assert NAME in unescape(sign_in(client, page).text)


def test_the_page_that_shows_it_sends_it_with_a_token_of_the_new_session(
    world: World, coordinator: Actor
) -> None:
    client = FlaskClient(world.app, world.app.response_class)
    page = client.post(PAGE, data=TYPED, headers=OURS).text
    data = {"email": "nadia@exemple.fr", "password": PASSWORD} | dict(hidden(page))
    shown = client.post("/sign-in", data=data, headers=OURS)
    form = fields(shown.text[shown.text.index("Ce qui sera envoyé") :]) | {"capacities-0-reference": "D"}
    assert client.post(PAGE, data=form, headers=OURS).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://ailleurs.exemple"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Origin": "http://localhost.ailleurs.exemple"},
    ],
)
def test_nothing_is_taken_up_from_elsewhere(
    world: World, coordinator: Actor, headers: dict[str, str]
) -> None:
    """Another site would choose what is sent, and the person who signs in would send it."""
    answer = world.anonymous().post(PAGE, data=TYPED, headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    expired = world.client(coordinator, csrf=True).post(PAGE, data=TYPED, headers=headers)
    assert expired.status_code == 400
    assert NAME not in unescape(expired.text)


@pytest.mark.parametrize("headers", [OURS, {"Origin": "http://localhost"}])
def test_a_page_that_expired_comes_back_with_what_was_typed(
    world: World, coordinator: Actor, headers: dict[str, str]
) -> None:
    client = world.client(coordinator, csrf=True)
    answer = client.post(PAGE, data=TYPED | {"csrf_token": "un vieux jeton"}, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["Cache-Control"] == "no-store"
    assert made() == 0
    form = fields(answer.text[answer.text.index("Ce qui sera envoyé") :]) | {"capacities-0-reference": "D"}
    assert form["csrf_token"] != ["un vieux jeton"]
    assert client.post(PAGE, data=form, headers=headers).status_code == 303
    assert made() == 1


def test_a_forged_sign_in_carries_nothing(world: World, coordinator: Actor) -> None:
    """What a page carries is sealed, and the sign-in form itself is of this site only."""
    stolen = sealed(world.anonymous().post(PAGE, data=TYPED, headers=OURS))
    victim = world.client(coordinator, csrf=True)
    data = {"email": "nadia@exemple.fr", "password": PASSWORD, "kept": stolen}
    answer = victim.post("/sign-in", data=data, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 400
    assert NAME not in unescape(answer.text)
    for wrong in (stolen[:-2], "x" * 100, "\ud800", ""):
        answer = world.anonymous().post("/sign-in", data=data | {"kept": wrong.encode("utf-8", "replace")})
        assert answer.status_code == 303


def test_a_seal_lasts_a_day_at_most(world: World, coordinator: Actor) -> None:
    text = sealed(world.anonymous().post(PAGE, data=TYPED, headers=OURS))
    assert crypto.unsealed(text, kept.LASTS_S)
    assert crypto.unsealed(text, -1) is None
    assert timedelta(seconds=kept.LASTS_S) <= timedelta(days=1)


def test_somebody_else_is_neither_shown_it_nor_may_send_it(world: World, coordinator: Actor) -> None:
    """On a shared machine the next person signs in on the page that the one before had left."""
    world.person(world.workshop, PersonRole.OPERATOR, email="lou@exemple.fr")
    world.person(world.bank, PersonRole.COORDINATOR, email="autre@exemple.fr")
    client = world.anonymous()
    asked = client.post(PAGE, data=TYPED, headers=OURS)
    answer = sign_in(client, asked.text, "lou@exemple.fr")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "n’est pas à vous" in client.get("/").text
    # Whose session it was is still known when it was closed from elsewhere.
    mine = world.client(coordinator)
    with mine.session_transaction() as cookie:
        cookie[signin.SESSION_KEY] = [coordinator.person_id, 99]
    asked = mine.post(PAGE, data=TYPED, headers=OURS)
    assert asked.status_code == 401
    assert sign_in(mine, asked.text, "autre@exemple.fr").status_code == 303
    assert NAME in unescape(sign_in(mine, asked.text).text)


def test_a_button_alone_leads_back_to_its_page(world: World, coordinator: Actor) -> None:
    headers = OURS | {"Referer": "http://localhost/account?a=1"}
    for data in ({"csrf_token": "x"}, {"csrf_token": "x", "idempotency_key": "k"}):
        answer = world.anonymous().post("/people/1/invitation", data=data, headers=headers)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/account?a%3D1")


@pytest.mark.parametrize(
    "referrer", ["http://ailleurs.exemple/x", "http://localhost//ailleurs.exemple", "x", ""]
)
def test_the_way_back_is_of_this_site(world: World, coordinator: Actor, referrer: str) -> None:
    client = world.client(coordinator, csrf=True)
    answer = client.post(PAGE, data=TYPED, headers=OURS | {"Referer": referrer})
    assert "ailleurs" not in answer.text


def test_too_much_is_not_carried_and_that_is_said(world: World, coordinator: Actor) -> None:
    client = world.anonymous()
    answer = client.post(PAGE, data=TYPED | {"name": "x" * (kept.LONGEST + 1)}, headers=OURS)
    assert answer.status_code == 303
    assert "trop long pour être gardé" in client.get(answer.headers["Location"]).text
    many = {f"a{number}": "1" for number in range(kept.FIELDS_MAX + 1)}
    assert world.anonymous().post(PAGE, data=many, headers=OURS).status_code == 303


def test_a_file_is_asked_for_again(world: World, coordinator: Actor) -> None:
    client = world.client(coordinator, csrf=True)
    data: dict[str, Any] = TYPED | {"file": (io.BytesIO(b"serial\nA1\n"), "lot.csv")}
    answer = client.post(PAGE, data=data, headers=OURS, content_type="multipart/form-data")
    assert "Un fichier était joint" in answer.text


def test_no_password_is_ever_carried(world: World, coordinator: Actor) -> None:
    client = world.client(coordinator, csrf=True)
    data = {"current": PASSWORD, "password": "un autre mot de passe", "remarque": "texte"}
    answer = client.post("/account/password", data=data, headers=OURS)
    assert "texte" in answer.text
    assert PASSWORD not in answer.text
    assert "un autre mot de passe" not in answer.text


def all_forms(form: type[Any]) -> list[type[Any]]:
    return [each for sub in form.__subclasses__() for each in (sub, *all_forms(sub))]


def test_every_field_that_hides_what_is_typed_is_one_of_those(world: World) -> None:
    secret = {
        name
        for form in all_forms(PageForm)
        for name in dir(form)
        if isinstance(getattr(getattr(form, name), "field_class", None), type)
        and issubclass(getattr(form, name).field_class, wtforms.PasswordField)
    }
    assert secret
    assert secret <= kept.NEVER
