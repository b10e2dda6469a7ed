"""Printing under /api/v1: an order to print is a run, followed through its job; its files are drawn from it."""

from dataclasses import asdict
from typing import Any

import marshmallow as ma
from flask import Response, url_for

from bank import db, work
from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.office import actions, printing, queries
from bank.office.actions import Paper
from bank.office.printing import Inked
from bank.office.queries import JobLine, RunLine, Selection
from bank.office.rules import Fault
from bank.office.schemas import JobSchema, OrderSchema, PositionSchema, RunSchema
from bank.web import guard, pages
from bank.web.api import Blueprint, idempotency_key
from bank.web.guard import requires, signed_in

bp = Blueprint("labels", __name__, "Labels: what is printed, on what, and the work that goes on meanwhile")

ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "maxLength": 80},
    "description": "The same key again prints nothing more and gives the same run.",
}
FILE = {"type": "string", "format": "binary"}
TEXT = {"type": "string"}


@bp.route("/labels", methods=["POST"])
@requires(Permission.LABEL_PRINT)
@bp.doc(parameters=[ONCE])
@bp.arguments(OrderSchema)
@bp.response(201, RunSchema)
def order(asked: tuple[Selection, Paper]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Print labels: up to 500 at once, more by a job, 10,000 at most."""
    actor, key = guard.actor(), idempotency_key()
    wanted, paper = asked
    with db.transaction() as session:
        made = work.once(
            session,
            actor,
            key,
            ["labels.print", asdict(wanted), paper.content],
            lambda: str(actions.print_labels(session, actor, wanted, paper)),
        )
        run = queries.run(session, actor, int(made))
    return _told(run), 201, {"Location": url_for("labels_api.run", run_id=run.id)}


@bp.route("/labels/<int:run_id>", methods=["GET"])
@requires(Permission.LABEL_PRINT)
@bp.response(200, RunSchema)
def run(run_id: int) -> dict[str, Any]:
    """Read where a run stands."""
    with db.read() as session:
        return _told(queries.run(session, guard.actor(), run_id))


@bp.route("/jobs/<int:job_id>", methods=["GET"])
@signed_in("a job tells how far work of one's own organisation got, and nothing of what it is about")
@bp.response(200, JobSchema)
def job(job_id: int) -> dict[str, Any]:
    """Follow work of one's own organisation."""
    with db.read() as session:
        found = queries.job(session, guard.actor(), job_id)
    return _job_told(found)


@bp.route("/labels/<int:run_id>.pdf", methods=["GET"])
@requires(Permission.LABEL_PRINT)
@bp.response(200, FILE, content_type="application/pdf")
def pdf(run_id: int) -> Response:
    """The labels on sheets or on a roll, to print at true size."""
    with db.read() as session:
        found, inked = queries.ready(session, guard.actor(), run_id)
    return pages.pdf(printing.file_of(found.file, inked, found.layout), f"etiquettes-{found.id}.pdf")


@bp.route("/labels/<int:run_id>.zpl", methods=["GET"])
@requires(Permission.LABEL_PRINT)
@bp.response(200, TEXT, content_type="application/zpl")
def zpl(run_id: int) -> Response:
    """The labels for a thermal printer."""
    with db.read() as session:
        found, inked = queries.ready(session, guard.actor(), run_id)
    return Response(printing.zpl(inked, found.layout), mimetype="application/zpl")


@bp.route("/labels/<int:run_id>.png", methods=["GET"])
@requires(Permission.LABEL_PRINT)
@bp.arguments(PositionSchema, location="query", unknown=ma.RAISE)
@bp.response(200, FILE, content_type="image/png")
def png(query: dict[str, Any], run_id: int) -> Response:
    """One label of a run as a picture of points."""
    found, inked = _one(run_id, query["position"])
    return Response(printing.png(inked, found.sheet), mimetype="image/png")


@bp.route("/labels/<int:run_id>.svg", methods=["GET"])
@requires(Permission.LABEL_PRINT)
@bp.arguments(PositionSchema, location="query", unknown=ma.RAISE)
@bp.response(200, TEXT, content_type="image/svg+xml")
def svg(query: dict[str, Any], run_id: int) -> Response:
    """One label of a run as a drawing."""
    found, inked = _one(run_id, query["position"])
    return Response(printing.svg(inked, found.sheet), mimetype="image/svg+xml")


def _one(run_id: int, position: int) -> tuple[RunLine, Inked]:
    actor = guard.actor()
    with db.read() as session:
        found = queries.must_be_ready(session, actor, run_id)
        inked = queries.inked(session, actor, run_id, first=position, limit=1)
    if not inked:
        raise Refusal(Code.INVALID, errors={"position": [Fault.UNKNOWN_POSITION]}, count=found.count)
    return found, inked[0]


def _told(run: RunLine) -> dict[str, Any]:
    names = ("id", "state", "kind", "sheet", "start", "copies", "count", "made", "reason", "next_place")
    return {name: getattr(run, name) for name in (*names, "created_at")} | {
        "job": run.job_id,
        "progress": run.made,
        "total": run.count,
        "links": {
            "self": url_for("labels_api.run", run_id=run.id),
            "job": url_for("labels_api.job", job_id=run.job_id) if run.job_id is not None else None,
            **{kind: url_for(f"labels_api.{kind}", run_id=run.id) for kind in ("pdf", "zpl", "png", "svg")},
        },
    }


def _job_told(found: JobLine) -> dict[str, Any]:
    names = ("id", "name", "state", "progress", "total", "error")
    made = None if found.run_id is None else url_for("labels_api.run", run_id=found.run_id)
    return {name: getattr(found, name) for name in names} | {"labels": made}
