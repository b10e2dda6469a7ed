"""An organisation sees only what is its own: every address is asked for with another's ids, by every role.

And nothing changes on GET: the same crawl, by those who may see, leaves the database as it was.
"""

from typing import Any

import pypdfium2
import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from bank import db
from bank.db import Base
from bank.identity import signin
from bank.identity.models import PersonRole
from bank.web import guard
from tests.factories import World
from tests.foreign import BODIES, CONTACT, PERSON, PUBLIC, Foreign, address, build, fill, rules


@pytest.fixture
def foreign(world: World) -> Foreign:
    """AGOIE's, BNP's and the Croix-Rouge's things; people from elsewhere."""
    return build(world)


def told(answer: TestResponse) -> str:
    """What an answer says, to whoever opens it: a paper is read off its pages."""
    if answer.mimetype.startswith("image/") and answer.mimetype != "image/svg+xml":
        return ""
    if answer.mimetype != "application/pdf":
        return answer.text
    with pypdfium2.PdfDocument(answer.data) as paper:
        return "\n".join(page.get_textpage().get_text_range() for page in paper)


def snapshot(*but: str) -> dict[str, list[Any]]:
    """Everything in the database, but for what a request may count and some tables."""
    with db.read() as session:
        return {
            table.name: sorted(map(repr, session.execute(sa.select(table)).all()))
            for table in Base.metadata.sorted_tables
            if table.name not in {"idempotency_mark", "person", "recipient", *but}
        }


def test_nobody_sees_anothers_things(foreign: Foreign) -> None:
    app, world = foreign.world.app, foreign.world
    leaks = []
    for actor in foreign.outsiders:
        page, api = world.client(actor), world.api(actor)
        for rule, _method in rules(app, changing=False):
            path = address(rule, foreign.ids)
            answer = api.get(path.removeprefix("/api/v1")) if path.startswith("/api") else page.get(path)
            if answer.status_code not in {403, 404}:
                leaks.append((rule.rule, sorted(actor.permissions)[:3], answer.status_code))
    assert leaks == []


def test_every_address_with_an_id_has_something_to_hide(foreign: Foreign) -> None:
    """Or the refusals that others get would prove nothing: those whose things they are do get an answer."""
    app, world = foreign.world.app, foreign.world
    silent = {rule.rule for rule, _method in rules(app, changing=False)}
    for actor in [*foreign.insiders, world.person(world.workshop, *PersonRole)]:
        page, api = world.client(actor), world.api(actor)
        for rule, _method in rules(app, changing=False):
            path = address(rule, foreign.ids)
            answer = api.get(path.removeprefix("/api/v1")) if path.startswith("/api") else page.get(path)
            if answer.status_code < 300:
                silent.discard(rule.rule)
    assert silent == set()


def test_nobody_changes_anothers_things(foreign: Foreign) -> None:
    app, world = foreign.world.app, foreign.world
    clients = [(world.client(actor), world.api(actor)) for actor in foreign.outsiders]
    before = snapshot()
    leaks = []
    for page, api in clients:
        for rule, method in rules(app, changing=True):
            path, body = address(rule, foreign.ids), fill(BODIES[rule.endpoint], foreign.ids)
            if path.startswith("/api"):
                send = getattr(api, method.lower())
                answer = send(path.removeprefix("/api/v1"), json=body)
            else:
                answer = page.post(
                    path, data=body | {"idempotency_key": "5b0f6d0e-0000-4000-8000-00000000000b"}
                )
            if answer.status_code not in {403, 404}:
                leaks.append((rule.rule, method, answer.status_code))
    assert leaks == []
    assert snapshot() == before


def test_lists_hold_nothing_of_anothers(foreign: Foreign) -> None:
    app, world = foreign.world.app, foreign.world
    secrets = [
        PERSON,
        CONTACT,
        *(str(value) for name, value in foreign.ids.items() if not name.endswith("_id")),
    ]
    leaks = []
    for actor in foreign.outsiders:
        page, api = world.client(actor), world.api(actor)
        for rule in app.url_map.iter_rules():
            if rule.arguments or "GET" not in (rule.methods or set()):
                continue
            path = rule.rule
            answer = api.get(path.removeprefix("/api/v1")) if path.startswith("/api/v1") else page.get(path)
            leaks += [(path, secret) for secret in secrets if secret in told(answer)]
    assert leaks == []


@pytest.mark.parametrize("secret", [PERSON, CONTACT])
def test_the_persons_name_reaches_only_who_needs_it(foreign: Foreign, secret: str) -> None:
    """The prescriber who asked and the desk that hands over; not the workshop, the donor, nor the coordinator."""
    app, world = foreign.world.app, foreign.world
    may = {world.prescriber_user.person_id, world.desk_user.person_id}
    for actor in foreign.insiders:
        if actor.person_id in may:
            continue
        page, api = world.client(actor), world.api(actor)
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or set()) or rule.endpoint in PUBLIC:
                continue
            path = address(rule, foreign.ids)
            answer = api.get(path.removeprefix("/api/v1")) if path.startswith("/api/v1") else page.get(path)
            assert secret not in told(answer), (path, actor.name)


def test_nothing_changes_on_get(foreign: Foreign) -> None:
    """But for one line in the access log, each time somebody opens the file of a person."""
    app, world = foreign.world.app, foreign.world
    clients = [(world.client(actor), world.api(actor)) for actor in foreign.insiders]
    before, looks = snapshot("access_log"), len(snapshot()["access_log"])
    for page, api in clients:
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or set()) or rule.endpoint in PUBLIC:
                continue
            path = address(rule, foreign.ids)
            answer = api.get(path.removeprefix("/api/v1")) if path.startswith("/api/v1") else page.get(path)
            assert answer.status_code < 500, (path, answer.text)
    assert snapshot("access_log") == before
    assert len(snapshot()["access_log"]) > looks


def test_every_permission_is_asked_for(foreign: Foreign) -> None:
    """Someone signed in without any permission gets nothing from an address that needs one."""
    app, world = foreign.world.app, foreign.world
    nobody = world.person(world.workshop)
    page, api = world.client(nobody), world.api(nobody)
    for rule in app.url_map.iter_rules():
        access = guard.access_of(app, rule.endpoint)
        if access is None or access.permission is None:
            continue
        path = address(rule, foreign.ids)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if path.startswith("/api/v1"):
                answer = getattr(api, method.lower())(path.removeprefix("/api/v1"), json=_any_body(rule))
            else:
                answer = page.open(path, method=method)
            assert answer.status_code in {403, 422 if access.in_action else 403}, (
                path,
                method,
                answer.status_code,
            )


def _any_body(rule: Rule) -> Any:
    return BODIES.get(rule.endpoint, {})


def test_a_voided_session_gives_nothing(world: World) -> None:
    client = world.client(world.supervisor)
    assert client.get("/devices").status_code == 200
    with client.session_transaction() as cookie:
        person_id, epoch = cookie[signin.SESSION_KEY]
        cookie[signin.SESSION_KEY] = [person_id, epoch + 1]
    assert client.get("/devices").status_code == 303
