"""Batches under /api/v1."""

from dataclasses import asdict
from typing import Any

import marshmallow as ma
from flask import Response, url_for
from sqlalchemy.orm import Session

from bank import db, work
from bank.actor import Actor, Permission
from bank.donations import actions, queries
from bank.donations.queries import BatchPage, BatchSheet, Filters
from bank.donations.rules import NewBatch
from bank.donations.schemas import (
    BatchPageSchema,
    BatchQuerySchema,
    BatchSchema,
    LabelQuerySchema,
    NewBatchSchema,
    ReceivedSchema,
    ReceptionSchema,
)
from bank.inventory import queries as inventory_queries
from bank.office import printing
from bank.web import guard, pages
from bank.web.api import Blueprint, idempotency_key
from bank.web.guard import requires

bp = Blueprint("donations", __name__, "Batches: what is announced, what arrives, and the difference")

ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "maxLength": 80},
    "description": "The same key again makes nothing more and gives the same answer.",
}
PDF = {"type": "string", "format": "binary"}


@bp.route("/batches", methods=["GET"])
@requires(Permission.BATCH_SEE)
@bp.arguments(BatchQuerySchema, location="query", unknown=ma.RAISE)
@bp.response(200, BatchPageSchema)
def batches(query: tuple[Filters, int | None]) -> BatchPage:
    """List batches, the latest first."""
    filters, cursor = query
    with db.read() as session:
        return queries.batches(session, guard.actor(), filters, cursor=cursor)


@bp.route("/batches", methods=["POST"])
@requires(Permission.BATCH_ENTER)
@bp.doc(parameters=[ONCE])
@bp.arguments(NewBatchSchema)
@bp.response(201, BatchSchema)
def enter(new: NewBatch) -> tuple[BatchSheet, int, dict[str, str]]:
    """Enter a batch that a donor and the bank agreed on."""
    actor, key = guard.actor(), idempotency_key()
    with db.transaction() as session:
        ref = work.once(
            session, actor, key, ["batch.enter", asdict(new)], lambda: actions.enter(session, actor, new)
        )
        made = queries.batch(session, actor, ref)
    return made, 201, {"Location": url_for("donations_api.batch", ref=ref)}


@bp.route("/batches/<ref>", methods=["GET"])
@requires(Permission.BATCH_SEE)
@bp.response(200, BatchSchema)
def batch(ref: str) -> BatchSheet:
    """Read a batch: announced and received side by side."""
    with db.read() as session:
        return queries.batch(session, guard.actor(), ref)


@bp.route("/batches/<ref>/reception", methods=["POST"])
@requires(Permission.BATCH_RECEIVE)
@bp.doc(parameters=[ONCE])
@bp.arguments(ReceptionSchema)
@bp.response(201, ReceivedSchema)
def receive(counted: dict[str, Any], ref: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Receive a batch, once: a device and a label for each thing counted."""
    actor, key = guard.actor(), idempotency_key()
    with db.transaction() as session:
        work.once(
            session,
            actor,
            key,
            ["batch.receive", ref, counted],
            lambda: _received(session, actor, ref, counted["lines"]),
        )
        made = queries.batch(session, actor, ref)
        codes = [each.code for each in inventory_queries.stickers(session, actor, made.ref)]
    location = {"Location": url_for("donations_api.batch", ref=made.ref)}
    return {"batch": made, "codes": codes}, 201, location


def _received(session: Session, actor: Actor, ref: str, lines: list[dict[str, Any]]) -> str:
    counts = {line["category"]: line["received"] for line in lines}
    reasons = {line["category"]: line["gap_reason"] for line in lines if line["gap_reason"]}
    actions.receive(session, actor, ref, counts, reasons)
    return queries.read_ref(ref)


@bp.route("/batches/<ref>/labels.pdf", methods=["GET"])
@requires(Permission.LABEL_PRINT)
@bp.arguments(LabelQuerySchema, location="query", unknown=ma.RAISE)
@bp.response(200, PDF, content_type="application/pdf")
def labels(query: dict[str, Any], ref: str) -> Response:
    """Print the labels of a batch's devices on sheets."""
    with db.read() as session:
        found = queries.batch(session, guard.actor(), ref)
        stickers = inventory_queries.stickers(session, guard.actor(), found.ref)
    return pages.pdf(printing.sheet(stickers, query["sheet"], query["start"]), f"{found.ref}.pdf")
