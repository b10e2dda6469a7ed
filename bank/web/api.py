"""The API's base: OpenAPI 3.1, problems, strict schemas, the idempotency header."""

import json
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, TypeVar, cast

import marshmallow as ma
from flask import Flask, Request, Response, jsonify, render_template, request
from flask.json.provider import DefaultJSONProvider
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from webargs.flaskparser import FlaskParser

from bank.errors import Code, Refusal
from bank.web.guard import public
from bank.web.pages import csrf

PREFIX = "/api/v1"
PROBLEM_JSON = "application/problem+json"

V = TypeVar("V", bound=Callable[..., Any])


class Schema(ma.Schema):
    """A schema that refuses what it does not know: a misspelt field is an error, not a silence."""

    class Meta:
        unknown = ma.RAISE


class ProblemSchema(ma.Schema):
    """RFC 9457; besides these, the facts of the refusal."""

    class Meta:
        unknown = ma.INCLUDE

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String()
    code = ma.fields.String()
    errors = ma.fields.Dict(metadata={"description": "By field, what is wrong with it."})
    request_id = ma.fields.String()


class Json(DefaultJSONProvider):
    """Flask's JSON, to which lists nested without end are no JSON."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """What the text says. Raises ValueError."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deep") from error


class Parser(FlaskParser):
    """webargs' parser, which expects broken JSON but neither endless lists nor endless numbers."""

    def _raw_load_json(self, req: Request) -> Any:
        try:
            return super()._raw_load_json(req)
        except json.JSONDecodeError:
            raise
        except (RecursionError, ValueError) as error:
            raise Refusal(Code.BAD_REQUEST) from error


class Blueprint(SmorestBlueprint):
    """A room's resources under /api/v1. Bearer tokens only: no cookie is read, so no CSRF is needed."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, room: str, import_name: str, description: str) -> None:
        super().__init__(f"{room}_api", import_name, url_prefix=PREFIX, description=description)
        csrf.exempt(self)

    # flask-smorest carries no types: each of its decorators gives back a function of the same ones.

    def route(self, rule: str, **options: Any) -> Callable[[V], V]:
        """Answer at a path under /api/v1."""
        return cast(Callable[[V], V], super().route(rule, **options))

    def arguments(self, schema: Any, **options: Any) -> Callable[[V], V]:
        """Read and check the body, the query or the headers."""
        return cast(Callable[[V], V], super().arguments(schema, **options))

    def body(self, schema: ma.Schema) -> Callable[[V], V]:
        """Read and check a JSON body as `arguments` does, with nothing in between: for what is asked all day."""

        def decorate(view: V) -> V:
            @wraps(view)
            def read(*args: Any, **kwargs: Any) -> Any:
                try:
                    loaded = schema.load(request.get_json())
                except ma.ValidationError as error:
                    raise Refusal(Code.INVALID, errors={"json": error.messages_dict}) from error
                return view(loaded, *args, **kwargs)

            content = {"required": True, "content": {"application/json": {"schema": schema}}}
            return self.doc(requestBody=content)(cast(V, read))

        return decorate

    def response(self, status: int, schema: Any = None, **options: Any) -> Callable[[V], V]:
        """Document an answer, and shape it."""
        return cast(Callable[[V], V], super().response(status, schema, **options))

    def alt_response(self, status: int, **options: Any) -> Callable[[V], V]:
        """Document another answer."""
        return cast(Callable[[V], V], super().alt_response(status, **options))

    def doc(self, **options: Any) -> Callable[[V], V]:
        """Add to the documentation."""
        return cast(Callable[[V], V], super().doc(**options))


class BankApi(Api):
    """flask-smorest, with problems instead of its own error bodies."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self.reading = Lock()
        self.description: dict[str, Any] | None = None

    def _register_error_handlers(self, *args: Any, **kwargs: Any) -> None:
        """Errors are translated by `problems.py`, for the whole house."""

    def described(self, blueprints: tuple[Blueprint, ...]) -> Response:
        """The specification. Reading every schema costs more than the rest of a start, so nobody waits for it
        who does not ask.
        """
        with self.reading:
            if self.description is None:
                for blueprint in blueprints:
                    blueprint.register_views_in_doc(
                        self, self._app, self.spec, name=blueprint.name, parameters=None
                    )
                    self.spec.tag({"name": blueprint.name, "description": blueprint.description})
                self.description = _with_problems(self.spec.to_dict())
        return jsonify(self.description)


def _with_problems(description: dict[str, Any]) -> dict[str, Any]:
    """The specification with its errors as what they are sent as: flask-smorest describes them as plain JSON."""
    operations = (operation for path in description["paths"].values() for operation in path.values())
    described = [*(operation.get("responses", {}) for operation in operations if isinstance(operation, dict))]
    for answers in (*described, description.get("components", {}).get("responses", {})):
        for answer in answers.values():
            content = answer.get("content", {})
            if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/Problem"):
                content[PROBLEM_JSON] = content.pop("application/json")
    return description


def init(app: Flask, blueprints: tuple[Blueprint, ...], title: str) -> None:
    """Register the rooms' resources and the specification's two addresses."""
    app.json = Json(app)
    app.config |= {
        "API_TITLE": title,
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "API_SPEC_OPTIONS": {
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
            "security": [{"bearer": []}],
        },
    }
    api = BankApi(app)
    for blueprint in blueprints:
        app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = api
        app.register_blueprint(blueprint)

    @public("the specification is no secret")
    def specification() -> Response:
        return api.described(blueprints)

    @public("the documentation is no secret")
    def documentation() -> str:
        return render_template("pages/api_docs.html")

    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", specification)
    app.add_url_rule("/api/docs", "api_docs", documentation)


def idempotency_key() -> str:
    """The key of a creating request. Raises Refusal(idempotency-key-missing)."""
    key = request.headers.get("Idempotency-Key", "")
    if not key or len(key) > 80:
        raise Refusal(Code.IDEMPOTENCY_KEY_MISSING)
    return key
