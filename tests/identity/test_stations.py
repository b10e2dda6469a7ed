"""Stations and badges: who gets in with what, what a found card or a stolen try can do, what nobody loses."""

import re
import threading
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from bank import db
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity import actions, codes, rules, signin
from bank.identity.models import Badge, Person, PersonRole, Station
from bank.identity.rules import Fault
from bank.inventory import codes as label_codes
from bank.journal import Entry
from tests.factories import World
from tests.scanned import scanned

PIN = "4826"
OURS = {"Sec-Fetch-Site": "same-origin"}
US_ON_FRENCH = str.maketrans("1234567890", "&é\"'(-è_çà")
FRENCH_ON_US = str.maketrans("1234567890", "!@#$%^&*()")


def show(client: FlaskClient, code: str, **kwargs: Any) -> Any:
    return client.post("/station", data={"badge": code}, **kwargs)


def give(client: FlaskClient, pin: str = PIN, **kwargs: Any) -> Any:
    return client.post("/station/pin", data={"pin": pin}, **kwargs)


def at_work(client: FlaskClient) -> bool:
    return bool(client.get("/scan").status_code == 200)


def tries(actor: Actor) -> int:
    with db.read() as session:
        found = session.scalar(sa.select(Badge.tries).where(Badge.person_id == actor.person_id))
        assert found is not None
        return found


def kinds(subject: str, subject_id: int) -> list[str]:
    with db.read() as session:
        query = sa.select(Entry.kind).where(Entry.subject == subject, Entry.subject_id == subject_id)
        return list(session.scalars(query.order_by(Entry.id)))


@pytest.fixture
def operator(world: World) -> Actor:
    return world.operator


@pytest.fixture
def card(world: World, operator: Actor) -> str:
    return world.badge(operator, PIN)


@pytest.fixture
def closed(world: World) -> FlaskClient:
    return world.at_station(world.station()[1])


@pytest.fixture
def supervisor(world: World) -> FlaskClient:
    return world.client(world.supervisor)


# --- codes and PINs, without a database ---


def test_a_badge_is_read_whatever_the_keyboard_and_is_no_label() -> None:
    code = codes.mint()
    for text in (
        code,
        code.lower(),
        f" {code}\r\n",
        code.translate(US_ON_FRENCH).lower(),
        code.translate(FRENCH_ON_US),
    ):
        assert codes.read(text) == code
        assert signin.is_badge(text)
        with pytest.raises(Refusal):
            label_codes.read(text)
    assert not signin.is_badge(label_codes.mint())
    assert codes.read(code[:-1] + ("1" if code[-1] != "1" else "2")) is None
    assert 29**codes.RANDOM_SIGNS > 2**60


@given(st.text(max_size=60))
def test_reading_a_badge_never_breaks(text: str) -> None:
    found = codes.read(text)
    assert found is None or found.startswith(codes.MARK)


@pytest.mark.parametrize(
    "pin", ["0000", "1234", "4321", "0123", "987654", "1212", "121212", "2580", "1987", "2024", "112233"]
)
def test_an_easy_pin_is_refused(pin: str) -> None:
    assert rules.pin_fault(pin) is Fault.PIN_EASY


@pytest.mark.parametrize("pin", ["", "123", "1234567", "12a4", "４８２６", "48 26", "-482", "4826\n"])
def test_a_pin_is_four_to_six_digits(pin: str) -> None:
    assert rules.pin_fault(pin) is Fault.PIN_WRONG


@pytest.mark.parametrize("pin", ["4826", "90417", "730518"])
def test_a_pin_that_is_neither_is_taken(pin: str) -> None:
    assert rules.pin_fault(pin) is None


def test_a_badge_opens_the_bench_and_no_account() -> None:
    assert rules.at_a_station({"operator"}) == {
        Permission.DEVICE_SEE,
        Permission.DEVICE_SCAN,
        Permission.LABEL_PRINT,
        Permission.SHIPMENT_RECEIVE,
    }
    wide = rules.at_a_station({role.value for role in PersonRole})
    assert wide == rules.at_a_station({"operator", "supervisor"})
    assert not wide & {
        Permission.STATION_MANAGE,
        Permission.TOKEN_MANAGE,
        Permission.PERSON_INVITE,
        Permission.WHOLE_BANK,
        Permission.REQUEST_SEE,
    }
    assert rules.at_a_station({"coordinator", "donor"}) == frozenset()


# --- the door ---


def test_a_badge_and_its_code_open_a_station(world: World, closed: FlaskClient, card: str) -> None:
    page = closed.get("/station")
    assert page.status_code == 200
    assert "Scannez votre badge" in page.text
    asked = show(closed, card)
    assert asked.status_code == 200
    assert "Bonjour Lou Atelier" in asked.text
    assert not at_work(closed)
    entered = give(closed)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/scan")
    assert at_work(closed)
    with db.read() as session:
        assert session.scalar(sa.select(Station.last_used_at)) is not None


def test_the_badge_alone_opens_an_open_station(world: World, card: str) -> None:
    client = world.at_station(world.station(open_=True)[1])
    assert show(client, card).status_code == 303
    assert at_work(client)


def test_the_badge_alone_opens_no_closed_one(closed: FlaskClient, card: str) -> None:
    show(closed, card)
    assert closed.get("/scan").headers["Location"].startswith("/station")


@pytest.mark.parametrize("cookie", [None, "", "wrong", "\x7f" * 300])
def test_a_browser_that_is_no_station_refuses_badges(world: World, card: str, cookie: str | None) -> None:
    client = world.anonymous() if cookie is None else world.at_station(cookie)
    for answer in (show(client, card), client.get("/station"), give(client)):
        assert answer.status_code == 403
        assert "n’est pas un poste" in answer.text


def test_a_badge_of_elsewhere_is_unknown(world: World, closed: FlaskClient) -> None:
    foreign = world.badge(world.other_operator)
    answer = show(closed, foreign)
    assert answer.status_code == 422
    assert "n’est pas connu ici" in answer.text
    assert give(closed).status_code == 422


def test_a_badge_of_someone_who_does_not_work_there_is_unknown(world: World, closed: FlaskClient) -> None:
    assert show(closed, world.badge(world.desk_user)).status_code == 422


@pytest.mark.parametrize("text", ["", "x", "BDG", "é" * 199, "0" * 18])
def test_what_is_no_badge_is_refused_at_the_field(closed: FlaskClient, text: str) -> None:
    answer = show(closed, text)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_the_badge_is_never_shown_back(closed: FlaskClient, card: str) -> None:
    assert card not in show(closed, card + "0").text
    assert card not in show(closed, card).text


def test_five_wrong_codes_lock_the_badge_until_the_supervisor_unlocks_it(
    world: World, closed: FlaskClient, operator: Actor, card: str, supervisor: FlaskClient
) -> None:
    show(closed, card)
    for left in ("4 essais", "3 essais", "2 essais", "1 essai."):
        answer = give(closed, "9999")
        assert answer.status_code == 422
        assert left in answer.text
    assert "bloqué" in give(closed, "9999").text
    assert "bloqué" in show(closed, card).text
    assert give(closed, PIN).status_code == 422
    assert not at_work(closed)
    assert kinds("person", operator.person_id) == ["person.badge_locked"]
    for _click in range(2):
        assert supervisor.post(f"/people/{operator.person_id}/badge/unlock").status_code == 303
    show(closed, card)
    assert give(closed).status_code == 303
    assert tries(operator) == 0
    assert kinds("person", operator.person_id)[1:] == ["person.badge_unlocked"]


def test_a_right_code_forgets_the_wrong_ones(closed: FlaskClient, operator: Actor, card: str) -> None:
    show(closed, card)
    for _try in range(4):
        give(closed, "9999")
    assert give(closed).status_code == 303
    assert tries(operator) == 0


def test_racing_tries_are_all_counted(world: World, operator: Actor, card: str) -> None:
    """Twenty browsers with the same stolen cookie try at once: five are compared, no more."""
    secret = world.station()[1]
    clients = [world.at_station(secret, csrf=False) for _each in range(12)]
    for client in clients:
        assert show(client, card).status_code == 200
    world.app.config["WTF_CSRF_ENABLED"] = False
    answers: list[Any] = []

    def attempt(client: FlaskClient) -> None:
        answers.append(FlaskClient.open(client, "/station/pin", method="POST", data={"pin": "9999"}))

    threads = [threading.Thread(target=attempt, args=(client,)) for client in clients]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        world.app.config["WTF_CSRF_ENABLED"] = True
    assert {answer.status_code for answer in answers} == {422}
    assert len([answer for answer in answers if "pas le bon code" in answer.text]) == 4
    assert tries(operator) == 5
    assert kinds("person", operator.person_id) == ["person.badge_locked"]


def test_a_right_code_that_races_a_lock_opens_nothing(world: World, operator: Actor, card: str) -> None:
    """Counted third, it is compared after the fifth: what the others locked stays locked."""
    show(client := world.at_station(world.station()[1]), card)
    with db.transaction() as session:
        session.execute(sa.update(Badge).values(tries=5))
    with pytest.raises(Refusal) as refused:
        signin._forget_tries(1, 3)
    assert refused.value.code is Code.BADGE_REFUSED
    assert tries(operator) == 5
    assert give(client).status_code == 422


def test_a_station_brakes_whoever_tries_card_after_card(closed: FlaskClient) -> None:
    answers = [show(closed, codes.mint()).status_code for _try in range(31)]
    assert answers == [422] * 30 + [429]


def test_a_badge_without_a_code_opens_open_stations_only(world: World, closed: FlaskClient) -> None:
    card = world.badge(world.operator, pin=None)
    assert "pas encore de code" in show(closed, card).text
    client = world.at_station(world.station(open_=True)[1])
    assert show(client, card).status_code == 303


def test_a_badge_that_waited_too_long_is_scanned_again(closed: FlaskClient, card: str) -> None:
    show(closed, card)
    with db.as_of(utcnow() + timedelta(seconds=signin.PENDING_S + 5)):
        answer = give(closed)
    assert answer.status_code == 422
    assert "Trop de temps" in answer.text


# --- what a badge's session is ---


@pytest.fixture
def working(closed: FlaskClient, card: str) -> FlaskClient:
    show(closed, card)
    assert give(closed).status_code == 303
    return closed


def test_a_badge_gives_no_administration(world: World) -> None:
    both = world.person(world.workshop, PersonRole.SUPERVISOR, PersonRole.ADMINISTRATOR)
    client = world.at_station(world.station()[1])
    show(client, world.badge(both))
    give(client)
    assert client.get("/batches").status_code == 200
    for path in ("/stations", "/account/tokens/new", f"/organisations/{world.workshop}/invite"):
        assert client.get(path).status_code == 403


def test_an_idle_station_locks(working: FlaskClient) -> None:
    with db.as_of(utcnow() + timedelta(minutes=4)):
        assert at_work(working)
    with db.as_of(utcnow() + timedelta(minutes=8)):
        assert at_work(working), "seen at work four minutes before"
    with db.as_of(utcnow() + timedelta(minutes=14)):
        answer = working.get("/devices?state=ready")
        assert answer.headers["Location"] == "/station?next=/devices?state%3Dready"
        assert not at_work(working)


def test_typing_keeps_a_station_awake(working: FlaskClient) -> None:
    start = utcnow()
    for minute in (3, 6, 9):
        with db.as_of(start + timedelta(minutes=minute)):
            assert working.get("/station/here").status_code == 204
    with db.as_of(start + timedelta(minutes=13)):
        assert at_work(working)


@pytest.mark.parametrize("how", ["station", "badge", "person", "new badge", "password"])
def test_what_is_taken_away_stops_at_the_next_request(
    world: World, working: FlaskClient, operator: Actor, how: str
) -> None:
    assert at_work(working)
    with db.transaction() as session:
        if how == "station":
            session.execute(sa.update(Station).values(revoked_at=utcnow()))
        elif how == "badge":
            session.execute(sa.update(Badge).values(voided_at=utcnow()))
        elif how == "person":
            session.execute(sa.update(Person).values(disabled_at=utcnow()))
        elif how == "password":
            session.execute(sa.update(Person).values(epoch=Person.epoch + 1))
        else:
            actions.make_badge(session, operator, operator.person_id, None)
    assert not at_work(working)


def test_a_sessions_cookie_is_worth_nothing_on_another_browser(world: World, working: FlaskClient) -> None:
    with working.session_transaction() as cookie:
        copied = dict(cookie)
    thief = world.anonymous()
    with thief.session_transaction() as cookie:
        cookie.update(copied)
    assert not at_work(thief)


def test_another_badge_takes_over_and_the_station_stays(world: World, working: FlaskClient) -> None:
    other = world.badge(world.supervisor, "90417")
    show(working, other)
    assert not at_work(working), "the operator before is out as soon as another badge is shown"
    give(working, "90417")
    assert "Samir Encadrant" in working.get("/scan").text


def test_change_badge_says_where_to_go_on(world: World, operator: Actor, card: str) -> None:
    """What the scan desk calls when a badge is scanned instead of a label."""
    closed, opened = world.station()[1], world.station(open_=True)[1]
    for secret, address in ((closed, "/station/pin"), (opened, "/scan")):
        with world.app.test_request_context("/scan", headers={"Cookie": f"station={secret}"}):
            assert signin.change_badge(card) == address
    with world.app.test_request_context("/scan"), pytest.raises(Refusal) as refused:
        signin.change_badge(card)
    assert refused.value.facts["reason"] == "not-a-station"


def test_a_badge_that_is_refused_signs_nobody_out(world: World, working: FlaskClient) -> None:
    assert show(working, codes.mint()).status_code == 422
    assert at_work(working)


def test_ones_own_badge_again_changes_nothing(working: FlaskClient, card: str) -> None:
    assert show(working, card).status_code == 303
    assert at_work(working)


def test_leaving_locks_at_once(working: FlaskClient) -> None:
    answer = working.post("/station/lock")
    assert answer.headers["Location"] == "/station"
    assert not at_work(working)
    assert "Poste verrouillé" in working.get("/station").text


# --- nothing typed is lost ---


def sealed(page: str) -> str:
    found = re.search(r'name="kept" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def receive(client: FlaskClient, path: str, **kwargs: Any) -> Any:
    return client.post(path, data={"line-remark": "deux cartons mouillés"}, headers=OURS, **kwargs)


def resume(client: FlaskClient, page: Any, card: str, pin: str) -> Any:
    asked = show(client, card)
    asked = client.post("/station", data={"badge": card, "kept": sealed(page.text)})
    return client.post("/station/pin", data={"pin": pin, "kept": sealed(asked.text)})


def test_what_was_typed_when_the_station_locked_comes_back_with_the_same_badge(
    world: World, operator: Actor
) -> None:
    path = f"/batches/{world.batch()}"
    card, other = world.badge(world.supervisor, PIN), world.badge(operator, "90417")
    client = world.at_station(world.station()[1])
    show(client, card)
    give(client)
    with db.as_of(utcnow() + timedelta(minutes=9)):
        locked = receive(client, f"{path}/reception")
        assert locked.status_code == 401
        assert "cartons" not in locked.text
        assert resume(client, locked, other, "90417").status_code == 303
        shown = resume(client, locked, card, PIN)
        assert "deux cartons mouillés" in unescape(shown.text)


def test_leaving_in_the_middle_of_a_form_keeps_it(world: World, working: FlaskClient, card: str) -> None:
    answer = working.post(
        "/station/lock?to=/scan", data={"code": "7K3F 9RTC", "csrf_token": "x"}, headers=OURS
    )
    assert answer.status_code == 200
    assert "7K3F" not in answer.text
    assert not at_work(working)
    shown = resume(working, answer, card, PIN)
    assert shown.status_code == 200
    assert 'action="/scan"' in shown.text
    assert "7K3F 9RTC" in shown.text


@pytest.mark.parametrize(
    "to", ["https://ailleurs.exemple/", "//ailleurs.exemple", "/nowhere", "", "/healthz"]
)
def test_leaving_for_elsewhere_keeps_nothing(working: FlaskClient, to: str) -> None:
    answer = working.post("/station/lock", query_string={"to": to}, data={"a": "texte"}, headers=OURS)
    assert "ailleurs" not in answer.text
    assert not at_work(working)


# --- the supervisor's pages ---


def test_a_browser_becomes_a_station_once(world: World, supervisor: FlaskClient) -> None:
    data = {"name": "Table 1", "opens": "closed", "idle_minutes": "7", "idempotency_key": "k1"}
    for _click in range(2):
        assert supervisor.post("/stations/new", data=data).status_code == 303
    cookie = supervisor.get_cookie("station")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    page = supervisor.get("/stations").text
    assert "Table 1" in page
    assert "Ce navigateur est le poste" in page
    with db.read() as session:
        [row] = session.scalars(sa.select(Station)).all()
        assert (row.idle_minutes, row.open) == (7, False)
        assert row.secret_hash == signin.token_hash(cookie.value)
    assert kinds("station", row.id) == ["station.enrolled"]
    again = data | {"name": "Table 2", "idempotency_key": "k2"}
    assert supervisor.post("/stations/new", data=again).status_code == 303
    with db.read() as session:
        assert session.scalars(sa.select(Station.revoked_at.is_(None)).order_by(Station.id)).all() == [
            False,
            True,
        ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Remplissez ce champ"),
        ({"name": "x" * 61}, "60 signes au plus"),
        ({"opens": "wide"}, "Choisissez une réponse"),
        ({"idle_minutes": "0"}, "De 1 à 60"),
        ({"idle_minutes": "61"}, "De 1 à 60"),
        ({"idle_minutes": "x"}, "nombre entier"),
    ],
)
def test_a_wrong_station_is_told_at_its_field(
    supervisor: FlaskClient, changes: dict[str, str], words: str
) -> None:
    data = {"name": "Table 1", "opens": "closed", "idle_minutes": "5"} | changes
    answer = supervisor.post("/stations/new", data=data)
    assert answer.status_code == 422
    assert words in answer.text
    assert supervisor.get_cookie("station") is None


def test_a_station_is_renamed_opened_and_revoked(world: World, supervisor: FlaskClient, card: str) -> None:
    station_id, secret = world.station()
    client = world.at_station(secret)
    data = {"name": "Bout de table", "opens": "open", "idle_minutes": "9", "version": "1"}
    assert supervisor.post(f"/stations/{station_id}/edit", data=data).status_code == 303
    assert "Bout de table" in supervisor.get(f"/stations/{station_id}/edit").text
    assert supervisor.post(f"/stations/{station_id}/edit", data=data).status_code == 409
    show(client, card)
    assert at_work(client)
    for _click in range(2):
        assert supervisor.post(f"/stations/{station_id}/revoke").status_code == 303
    assert not at_work(client)
    assert "n’est pas un poste" in client.get("/station").text
    assert kinds("station", station_id) == ["station.edited", "station.revoked"]
    assert supervisor.get(f"/stations/{station_id}/edit").status_code == 404


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found is not None
    return unescape(found[1])


def test_a_badge_is_made_printed_and_works(
    world: World, operator: Actor, supervisor: FlaskClient, closed: FlaskClient
) -> None:
    path = f"/people/{operator.person_id}/badge"
    assert "pas de badge" in supervisor.get("/stations").text
    data = {"pin": PIN, "idempotency_key": "k1"}
    made = supervisor.post(path, data=data)
    assert made.status_code == 200
    again = supervisor.post(path, data=data)
    assert again.status_code == 303
    assert "ne se montre qu’une fois" in supervisor.get(path).text
    sheet = supervisor.post("/badges/card", data={"card": hidden(made.text, "card")})
    assert sheet.content_type == "application/pdf"
    [code] = [text for text in scanned(sheet.data) if codes.read(text)]
    assert code not in made.text
    show(closed, code)
    assert give(closed).status_code == 303
    with db.read() as session:
        stored = session.execute(sa.select(Badge.code_hash, Badge.pin_hash)).one()
    assert code not in str(stored)
    assert PIN not in str(stored.pin_hash).partition("argon2")[0]
    assert str(stored.pin_hash).startswith("$argon2id$")


def test_a_card_is_printed_by_its_maker_only_and_not_for_long(
    world: World, operator: Actor, supervisor: FlaskClient
) -> None:
    made = supervisor.post(f"/people/{operator.person_id}/badge", data={"pin": ""})
    card = hidden(made.text, "card")
    other = world.client(world.person(world.workshop, PersonRole.SUPERVISOR))
    for client, sent in ((other, card), (supervisor, card[:-3]), (supervisor, "")):
        answer = client.post("/badges/card", data={"card": sent})
        assert answer.status_code == 303
    assert supervisor.post("/badges/card", data={"card": card}).status_code == 200


@pytest.mark.parametrize("pin", ["1234", "12", "abcd", "1111111"])
def test_a_bad_pin_is_told_at_its_field(
    world: World, operator: Actor, card: str, supervisor: FlaskClient, pin: str
) -> None:
    path = f"/people/{operator.person_id}/badge"
    for answer in (
        supervisor.post(path, data={"pin": pin}),
        supervisor.post(f"{path}/pin", data={"pin": pin}),
    ):
        assert answer.status_code == 422
        assert "aria-invalid" in answer.text
        assert f'value="{pin}"' not in answer.text
    assert kinds("person", operator.person_id) == []


def test_a_new_pin_unlocks_and_the_old_one_is_wrong(
    operator: Actor, card: str, supervisor: FlaskClient, closed: FlaskClient
) -> None:
    with db.transaction() as session:
        session.execute(sa.update(Badge).values(tries=5))
    assert (
        supervisor.post(f"/people/{operator.person_id}/badge/pin", data={"pin": "90417"}).status_code == 303
    )
    show(closed, card)
    assert give(closed, PIN).status_code == 422
    assert give(closed, "90417").status_code == 303
    assert kinds("person", operator.person_id) == ["person.pin_set"]


def test_a_void_badge_opens_nothing_and_a_new_one_voids_the_old(
    operator: Actor, card: str, supervisor: FlaskClient, closed: FlaskClient
) -> None:
    path = f"/people/{operator.person_id}/badge"
    assert supervisor.post(path, data={"pin": PIN}).status_code == 200
    assert show(closed, card).status_code == 422
    for _click in range(2):
        assert supervisor.post(f"{path}/void").status_code == 303
    assert kinds("person", operator.person_id) == [
        "person.badge_voided",
        "person.badge_made",
        "person.badge_voided",
    ]
    for end in ("pin", "unlock"):
        assert supervisor.post(f"{path}/{end}", data={"pin": PIN}).status_code == 404


def test_someone_shut_out_does_not_come_back_with_the_old_card(
    world: World, operator: Actor, card: str, closed: FlaskClient
) -> None:
    coordinator = world.coordinator
    with db.read() as session:
        email = session.get_one(Person, operator.person_id).email
    with db.transaction() as session:
        actions.disable(session, coordinator, operator.person_id)
    invitation = actions.Invitation(name="Lou", email=email, roles=frozenset({PersonRole.OPERATOR}))
    with db.transaction() as session:
        assert (
            actions.invite(session, coordinator, operator.organisation_id, invitation) == operator.person_id
        )
    assert show(closed, card).status_code == 422


def test_only_those_who_work_there_are_listed_and_get_a_badge(world: World, supervisor: FlaskClient) -> None:
    desk, elsewhere = world.desk_user, world.other_operator
    page = supervisor.get("/stations").text
    assert "Gaby Guichet" not in page
    assert "Alex Ailleurs" not in page
    for person_id in (desk.person_id, elsewhere.person_id):
        assert supervisor.get(f"/people/{person_id}/badge").status_code == 404
        assert supervisor.post(f"/people/{person_id}/badge", data={"pin": PIN}).status_code == 404
