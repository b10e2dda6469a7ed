"""Signing in, and the roads back in: what an outsider can learn, how often they may try, what still works."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from itsdangerous import TimestampSigner

from bank import db
from bank.app import create_app
from bank.errors import Code, Refusal
from bank.identity import actions, signin
from bank.identity.models import Person
from bank.work import Job, JobState
from tests.conftest import make_config
from tests.factories import PASSWORD, World

KNOWN = "camille@exemple.fr"
NEW = "un autre mot de passe"
AGES = [
    ("reset", 3_500, 200),
    ("reset", 3_700, 410),
    ("invitation", 600_000, 200),
    ("invitation", 610_000, 410),
]


@pytest.fixture
def person(world: World) -> Any:
    return world.person(world.workshop, email=KNOWN)


def try_(client: Any, email: str = KNOWN, password: str = PASSWORD, **kwargs: Any) -> Any:
    return client.post("/sign-in", data={"email": email, "password": password}, **kwargs)


def signed_in(client: Any) -> bool:
    return bool(client.get("/account").status_code == 200)


def epoch(person_id: int) -> int:
    with db.read() as session:
        return session.get_one(Person, person_id).epoch


def link(person_id: int, purpose: str = "reset") -> str:
    return f"/password/{purpose}/{signin.link_token(purpose, person_id, epoch(person_id))}"


# --- with a password ---


@pytest.mark.parametrize("email", [KNOWN, "Camille@Exemple.FR", f" {KNOWN} "])
def test_the_right_password_opens_a_session(world: World, person: Any, email: str) -> None:
    client = world.anonymous()
    answer = try_(client, email)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert signed_in(client)


def test_signing_in_leads_where_one_was_going(world: World, person: Any) -> None:
    client = world.anonymous()
    turned_away = client.get("/account/password")
    answer = client.post(turned_away.headers["Location"], data={"email": KNOWN, "password": PASSWORD})
    assert answer.headers["Location"] == "/account/password"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil"])
def test_signing_in_leads_nowhere_else(world: World, person: Any, target: str) -> None:
    answer = try_(world.anonymous(), query_string={"next": target})
    assert answer.headers["Location"] == "/"


def test_a_form_from_elsewhere_signs_nobody_in(world: World, person: Any) -> None:
    client = world.client(person, csrf=True)
    assert client.post("/sign-out").status_code == 400
    assert signed_in(client)


def test_signing_out_closes_the_session(world: World, person: Any) -> None:
    client = world.anonymous()
    try_(client)
    assert client.post("/sign-out").status_code == 303
    assert not signed_in(client)


def test_an_accented_password_is_the_same_from_any_keyboard(world: World) -> None:
    world.person(world.workshop, email=KNOWN, password="un été à Pontoise")
    decomposed = "un e\u0301te\u0301 a\u0300 Pontoise"
    assert try_(world.anonymous(), password=decomposed).status_code == 303


def test_passwords_are_kept_as_argon2id_only(world: World, person: Any) -> None:
    with db.read() as session:
        stored = session.get_one(Person, person.person_id).password_hash
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


# --- nobody learns who has an account ---


def outside(answer: Any) -> tuple[int, str, list[tuple[str, str]]]:
    """All that an outsider sees of an answer, without what is random in every answer."""
    body = re.sub(r'name="csrf_token"[^>]*value="[^"]*"', "csrf", answer.get_data(as_text=True))
    headers = [
        (name, re.sub(r"=[^;]*;", "=…;", value, count=1) if name == "Set-Cookie" else value)
        for name, value in answer.headers
        if name not in {"X-Request-Id", "Content-Length"}
    ]
    return answer.status_code, body, headers


@pytest.fixture
def somebody_of_each_kind(world: World, person: Any) -> dict[str, tuple[str, str]]:
    """Address and password of wrong tries, by the reason that is not to be told."""
    gone = world.person(world.workshop, email="partie@exemple.fr")
    world.person(world.workshop, email="invitee@exemple.fr", password=None)
    coordinator = world.coordinator
    with db.transaction() as session:
        actions.disable(session, coordinator, gone.person_id)
    return {
        "unknown": ("inconnue@exemple.fr", PASSWORD),
        "wrong password": (KNOWN, "pas le bon mot de passe"),
        "disabled": ("partie@exemple.fr", PASSWORD),
        "not yet joined": ("invitee@exemple.fr", PASSWORD),
        "no address at all": ("camille", PASSWORD),
    }


def test_signing_in_fails_alike_whatever_the_reason(
    world: World, somebody_of_each_kind: dict[str, tuple[str, str]]
) -> None:
    seen = set()
    for email, password in somebody_of_each_kind.values():
        status, body, headers = outside(try_(world.anonymous(), email, password))
        seen.add((status, body.replace(email, "…"), tuple(headers)))
    ((status, body, _headers),) = seen
    assert status == 422
    assert "ne convient pas" in body


def test_asking_for_a_new_password_answers_alike_and_as_slowly_for_anyone(
    world: World, somebody_of_each_kind: dict[str, tuple[str, str]]
) -> None:
    seen = set()
    for email in (KNOWN, "inconnue@exemple.fr", "partie@exemple.fr", "invitee@exemple.fr"):
        client = world.anonymous()
        began = time.monotonic()
        answer = client.post("/forgot", data={"email": email})
        took = time.monotonic() - began
        after = client.get(answer.headers["Location"])
        seen.add((*outside(answer)[:2], tuple(outside(answer)[2]), outside(after)[1]))
        assert took >= signin.ASKING_TAKES_S
    ((status, *_rest),) = seen
    assert status == 303


def test_a_new_password_is_asked_for_only_where_there_is_an_account(
    world: World, somebody_of_each_kind: dict[str, tuple[str, str]]
) -> None:
    for email in ("inconnue@exemple.fr", "partie@exemple.fr"):
        world.anonymous().post("/forgot", data={"email": email})
    assert [job.name for job in waiting()] == []
    world.anonymous().post("/forgot", data={"email": KNOWN.upper()})
    assert [job.name for job in waiting()] == ["identity.send_reset"]


def waiting() -> list[Job]:
    with db.read() as session:
        return list(session.scalars(sa.select(Job).where(Job.state == JobState.WAITING)))


# --- the brake ---


def test_after_eight_wrong_tries_even_the_right_password_waits(world: World, person: Any) -> None:
    client = world.anonymous()
    assert {try_(client, password="faux").status_code for _try in range(8)} == {422}
    last = try_(client)
    assert last.status_code == 429
    assert "Attendez quelques minutes" in last.get_data(as_text=True)
    assert not signed_in(client)


def test_an_address_that_has_no_account_is_braked_the_same(world: World) -> None:
    answers = [try_(world.anonymous(), "inconnue@exemple.fr", "faux").status_code for _try in range(9)]
    assert answers == [422] * 8 + [429]


def test_signing_in_well_many_times_brakes_nobody(world: World, person: Any) -> None:
    assert {try_(world.anonymous()).status_code for _try in range(20)} == {303}


def test_one_place_cannot_try_account_after_account(world: World, person: Any) -> None:
    place = {"REMOTE_ADDR": "198.51.100.7"}
    tries = [
        try_(world.anonymous(), f"p{number}@exemple.fr", "faux", environ_overrides=place).status_code
        for number in range(41)
    ]
    assert tries == [422] * 40 + [429]
    assert try_(world.anonymous(), environ_overrides=place).status_code == 429
    assert try_(world.anonymous(), environ_overrides={"REMOTE_ADDR": "198.51.100.8"}).status_code == 303


def test_mails_cannot_be_asked_for_again_and_again(world: World, person: Any) -> None:
    for email in (KNOWN, "inconnue@exemple.fr"):
        answers = [world.anonymous().post("/forgot", data={"email": email}).status_code for _ask in range(4)]
        assert answers == [303, 303, 303, 429]


def test_nothing_legible_is_kept_in_the_shared_brake(
    database_url: str, tmp_path: Path, valkey_url: str
) -> None:
    application = create_app(make_config(database_url, tmp_path, redis_url=valkey_url))
    with application.app_context():
        with pytest.raises(Refusal):
            signin.enter(KNOWN, "faux", "198.51.100.7")
        connection = application.extensions["bank.redis"]
        keys = [key.decode() for key in connection.scan_iter()]
        assert len(keys) == 2
        assert not [key for key in keys if "camille" in key or "198" in key]
        db.db.engine.dispose()


# --- with the queue down ---


@pytest.fixture
def without_queue(database_url: str, tmp_path: Path) -> Iterator[World]:
    """The service as it is when Redis has died: its socket is there no more."""
    dead = f"unix://{tmp_path / 'dead.sock'}"
    application = create_app(make_config(database_url, tmp_path, redis_url=dead))
    application.testing = True
    with application.app_context():
        yield World(application)
        db.db.engine.dispose()


def test_people_sign_in_while_the_queue_is_down_and_are_still_braked(without_queue: World) -> None:
    without_queue.person(without_queue.workshop, email=KNOWN)
    assert try_(without_queue.anonymous()).status_code == 303
    answers = [try_(without_queue.anonymous(), password="faux").status_code for _try in range(9)]
    assert answers == [422] * 8 + [429]


def test_a_reset_asked_for_while_the_queue_is_down_waits(without_queue: World) -> None:
    without_queue.person(without_queue.workshop, email=KNOWN)
    answer = without_queue.anonymous().post("/forgot", data={"email": KNOWN})
    assert answer.status_code == 303
    assert [job.name for job in waiting()] == ["identity.send_reset"]


# --- links ---


def test_a_link_sets_a_password_once_and_closes_the_sessions_from_before(world: World, person: Any) -> None:
    old, late, path = world.client(person), world.client(person), link(person.person_id)
    fresh = world.anonymous()
    assert fresh.get(path).status_code == 200
    assert fresh.post(path, data={"password": NEW}).status_code == 303
    assert signed_in(fresh)
    assert not signed_in(old)
    for again in (late.get(path), late.post(path, data={"password": "encore un autre mot"})):
        assert again.status_code == 410
        assert "Recevoir un nouveau lien" in again.get_data(as_text=True)
    assert try_(world.anonymous()).status_code == 422
    assert try_(world.anonymous(), password=NEW).status_code == 303


def test_looking_at_a_link_uses_nothing_up(world: World, person: Any) -> None:
    """Mail scanners open every link."""
    path = link(person.person_id)
    assert {world.anonymous().get(path).status_code for _look in range(3)} == {200}
    assert epoch(person.person_id) == 1


@pytest.mark.parametrize(("purpose", "age", "status"), AGES)
def test_a_link_expires(
    world: World, person: Any, monkeypatch: pytest.MonkeyPatch, purpose: str, age: int, status: int
) -> None:
    made_at = int(time.time()) - age
    with monkeypatch.context() as past:
        past.setattr(TimestampSigner, "get_timestamp", lambda _signer: made_at)
        path = link(person.person_id, purpose)
    assert world.anonymous().get(path).status_code == status


def test_a_link_for_one_purpose_does_not_serve_another(world: World, person: Any) -> None:
    """An invitation lives a week, a reset an hour: one must not pass for the other."""
    path = link(person.person_id, "reset").replace("/reset/", "/invitation/")
    assert world.anonymous().get(path).status_code == 410


@pytest.mark.parametrize("path", ["/password/reset/x", "/password/reset/WzEsMV0.x.y"])
def test_a_forged_link_opens_nothing(world: World, person: Any, path: str) -> None:
    assert world.anonymous().get(path).status_code == 410


def test_a_purpose_that_does_not_exist_is_not_found(world: World) -> None:
    assert world.anonymous().get("/password/king/x").status_code == 404


def test_a_disabled_persons_link_opens_nothing(world: World, person: Any) -> None:
    path = link(person.person_id)
    coordinator = world.coordinator
    with db.transaction() as session:
        actions.disable(session, coordinator, person.person_id)
    assert world.anonymous().get(path).status_code == 410


@pytest.mark.parametrize("password", ["court", KNOWN, "motdepasse123", ""])
def test_a_poor_password_is_told_and_the_link_still_serves(world: World, person: Any, password: str) -> None:
    path = link(person.person_id)
    refused = world.anonymous().post(path, data={"password": password})
    assert refused.status_code == 422
    assert "field-error" in refused.get_data(as_text=True)
    assert world.anonymous().post(path, data={"password": NEW}).status_code == 303


def test_two_who_use_one_link_at_once_do_not_both_win(world: World, person: Any) -> None:
    """The row's epoch decides, not the look before."""
    with db.transaction() as session:
        actions.set_password(session, person.person_id, 1, "first")
    with db.transaction() as session, pytest.raises(Refusal) as refusal:
        actions.set_password(session, person.person_id, 1, "second")
    assert refusal.value.code is Code.LINK_EXPIRED


# --- changing it ---


def test_changing_ones_password_keeps_this_session_and_closes_the_others(world: World, person: Any) -> None:
    here, elsewhere = world.client(person), world.client(person)
    wrong = here.post("/account/password", data={"current": "faux", "password": NEW})
    assert wrong.status_code == 422
    assert "pas votre mot de passe actuel" in wrong.get_data(as_text=True)
    assert here.post("/account/password", data={"current": PASSWORD, "password": NEW}).status_code == 303
    assert signed_in(here)
    assert not signed_in(elsewhere)
    assert try_(world.anonymous(), password=NEW).status_code == 303


def test_guessing_the_current_password_from_an_open_session_is_braked(world: World, person: Any) -> None:
    client = world.client(person)
    answers = [
        client.post("/account/password", data={"current": "faux", "password": NEW}).status_code
        for _try in range(9)
    ]
    assert answers == [422] * 8 + [429]
