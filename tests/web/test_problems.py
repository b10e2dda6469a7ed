"""One vocabulary of refusals, as a page and as problem+json; the rim adds nothing personal."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bank import db
from bank.app import create_app
from bank.errors import Code, Refusal
from bank.web import problems
from bank.web.guard import public
from bank.web.pages import local_path
from tests.conftest import make_config
from tests.factories import World


@pytest.fixture(scope="module")
def failing() -> dict[str, Flask]:
    """The apps of this module by the address of their database."""
    return {}


@pytest.fixture
def client(database_url: str, tmp_path: Path, failing: dict[str, Flask]) -> Iterator[FlaskClient]:
    """A browser on an app with two addresses that fail."""
    if database_url not in failing:
        failing[database_url] = create_app(make_config(database_url, tmp_path))
        _add_faults(failing[database_url])
    app = failing[database_url]
    yield app.test_client()
    with app.app_context():
        db.db.engine.dispose()


def _add_faults(app: Flask) -> None:
    @public("a test")
    def refuse(code: str) -> str:
        raise Refusal(Code(code), device=123)

    @public("a test")
    def break_down() -> str:
        return str({}["nothing"])

    for prefix in ("/test", "/api/v1/test"):
        app.add_url_rule(f"{prefix}/refuse/<code>", f"refuse{prefix}", refuse)
        app.add_url_rule(f"{prefix}/break", f"break{prefix}", break_down)


@pytest.mark.parametrize("code", list(Code))
def test_a_refusal_is_the_same_in_both_faces(client: FlaskClient, code: Code) -> None:
    api = client.get(f"/api/v1/test/refuse/{code.value}")
    assert api.content_type == "application/problem+json"
    assert api.status_code == problems.STATUS[code]
    body = api.json
    assert body is not None
    assert (body["type"], body["status"], body["device"]) == (f"/problems/{code.value}", api.status_code, 123)
    page = client.get(f"/test/refuse/{code.value}")
    assert page.status_code == api.status_code
    assert body["title"] in page.text.replace("&#39;", "'")
    assert body["request_id"]


def test_a_fault_tells_nothing_of_itself(client: FlaskClient) -> None:
    for prefix in ("/test", "/api/v1/test"):
        answer = client.get(f"{prefix}/break")
        assert answer.status_code == 500
        assert "KeyError" not in answer.text
        assert answer.headers["X-Request-Id"] in answer.text


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/nothing", f"/organisations/{2**70}"])
def test_an_unknown_address(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    answer = client.delete("/healthz")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_the_api_asks_for_a_token_and_ignores_cookies(world: World) -> None:
    for client in (world.anonymous(), world.client(world.coordinator)):
        answer = client.get("/api/v1/devices")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_pages_send_the_visitor_to_sign_in_and_back(world: World) -> None:
    answer = world.anonymous().get("/devices?state=ready")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?next=/devices?state%3Dready"


def test_a_form_without_its_field_is_refused(world: World) -> None:
    answer = world.client(world.coordinator, csrf=True).post("/language", data={"language": "en"})
    assert answer.status_code == 400
    assert "formulaire" in answer.text


def test_pages_are_under_a_strict_policy(world: World) -> None:
    answer = world.anonymous().get("/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "target",
    [
        "https://ailleurs.exemple",
        "//ailleurs.exemple",
        "/\\ailleurs",
        "/\t/ailleurs",
        "/\n/ailleurs",
        "javascript:x",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(target: str) -> None:
    assert local_path(target) == "/"


def test_logs_carry_a_request_id_and_nothing_personal(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    world.client(world.coordinator).get(
        "/devices?q=camille@exemple.fr", headers={"X-Request-Id": "abcdef0123456789"}
    )
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    [line] = [line for line in lines if line["event"] == "request"]
    assert line["request_id"] == "abcdef0123456789"
    assert "camille" not in json.dumps(line)


def test_health_readiness_and_metrics(world: World) -> None:
    client = world.anonymous()
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json == {"status": "ok", "database": True, "migrations": True, "queue": False}
    assert b"banque_requests_total" in client.get("/metrics").data
