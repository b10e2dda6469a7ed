"""One app, many people: each request has a context of its own, as it has under a server."""

from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask


@pytest.fixture
def app(app: Flask) -> Flask:
    """The app, whose requests do not share the context that the test has pushed: who asks is kept there."""
    inner = app.wsgi_app

    def apart(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with app.app_context():
            return inner(environ, start_response)

    app.wsgi_app = apart  # type: ignore[method-assign]
    return app
