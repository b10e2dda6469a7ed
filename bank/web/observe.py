"""What operations see: JSON logs with a request id and nothing personal, health, metrics."""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from uuid import uuid4

import structlog
from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)

from bank.web.guard import public

Check = Callable[[], bool]

REQUESTS = Counter("banque_requests_total", "Requests by endpoint and status.", ["endpoint", "status"])
SECONDS = Histogram(
    "banque_request_seconds",
    "Time in the server by endpoint.",
    ["endpoint"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
ID_SIGNS = frozenset("0123456789abcdefABCDEF-")

bp = Blueprint("observe", __name__)
log = structlog.get_logger()


def configure_logging(level: int = logging.INFO) -> None:
    """One JSON object per line, on standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.__stderr__),
        cache_logger_on_first_use=True,
    )


def init(app: Flask, ready: Mapping[str, Check]) -> None:
    """Log and count every request; answer /healthz, /readyz and /metrics."""
    app.extensions["bank.ready"] = ready
    app.register_blueprint(bp)
    app.before_request(_begin)
    app.after_request(_end)


# A metric of one endpoint is looked up once: Prometheus checks its labels at each call.
_counter = lru_cache(maxsize=1_000)(REQUESTS.labels)
_timer = lru_cache(maxsize=1_000)(SECONDS.labels)


def _begin() -> None:
    g.began = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if 8 <= len(given) <= 64 and ID_SIGNS.issuperset(given) else uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    endpoint = request.endpoint or "unknown"
    _counter(endpoint, response.status_code).inc()
    _timer(endpoint).observe(seconds)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    # The endpoint and not the path: a path may carry a reference, and a query string anything.
    log.info(
        "request",
        endpoint=endpoint,
        method=request.method,
        status=response.status_code,
        ms=round(seconds * 1e3, 1),
    )
    return response


@bp.get("/healthz")
@public("probes carry no account")
def healthz() -> Response:
    """Alive: the process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public("probes carry no account")
def readyz() -> tuple[Response, int]:
    """Ready: database, queue and migrations. The queue's absence is told but stops nobody: jobs wait."""
    checks = {name: check() for name, check in current_app.extensions["bank.ready"].items()}
    ready = all(value for name, value in checks.items() if name != "queue")
    return jsonify(status="ok" if ready else "unavailable", **checks), 200 if ready else 503


@bp.get("/metrics")
@public("scraped on the inner network; the proxy keeps it there")
def metrics() -> Response:
    """Prometheus, summed over the processes."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
