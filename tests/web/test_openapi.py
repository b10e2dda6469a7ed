"""The specification: OpenAPI 3.1, of every resource, with its permission and its problems."""

from flask import Flask

from bank.web import guard
from tests.factories import World


def test_the_specification_names_every_resource(world: World) -> None:
    answer = world.anonymous().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    body = answer.json
    assert body is not None
    assert body["openapi"].startswith("3.1")
    described = {path.replace("{", "<").replace("}", ">") for path in body["paths"]}
    served = {
        rule.rule.replace("<int:", "<")
        for rule in world.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "openapi"
    }
    assert served == described


def test_the_page_of_the_api_needs_nothing_from_elsewhere(world: World) -> None:
    answer = world.anonymous().get("/api/docs")
    assert answer.status_code == 200
    assert "http://" not in answer.text.replace("http://localhost", "")
    assert "https://" not in answer.text


def test_every_resource_needs_a_permission_or_an_account(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "openapi":
            access = guard.access_of(app, rule.endpoint)
            assert access is not None, rule
            assert access.signed_in, rule
