"""The published API held to its own description: requests made up from it, answers checked against it."""

from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bank.identity.models import PersonRole
from tests.factories import World

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12


PATIENCE = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_the_api_answers_as_it_says(app: Flask, world: World) -> None:
    """Asked with the token of someone who holds every role, whose reach is the widest."""
    headers = {"Authorization": f"Bearer {world.token(world.person(world.workshop, *PersonRole))}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    faults: list[str] = []
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @PATIENCE
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        try:
            ask()
        except (AssertionError, FailureGroup, Failure) as fault:
            faults.append(f"{operation.label}: {fault}")
        tried += 1
    assert tried > 20
    assert not faults, "\n\n".join(faults)
