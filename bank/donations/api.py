"""Batches under /api/v1."""

from dataclasses import asdict, replace
from typing import Any

import marshmallow as ma
from flask import Response, url_for
from sqlalchemy.orm import Session

from bank import db, work
from bank.actor import Actor, Permission
from bank.donations import actions, papers, queries
from bank.donations.queries import BatchPage, BatchSheet, Filters, ItemPage, Outcomes
from bank.donations.rules import Acceptance, Announcement, Arrival, Count, NewBatch, NoThanks, Pickup, Wish
from bank.donations.schemas import (
    AcceptanceSchema,
    ArrivalSchema,
    BatchPageSchema,
    BatchQuerySchema,
    BatchSchema,
    CursorSchema,
    EditedBatchSchema,
    ItemPageSchema,
    NewBatchSchema,
    OutcomesSchema,
    PickupSchema,
    ReceivedSchema,
    ReceptionSchema,
    RefusalSchema,
    VersionSchema,
)
from bank.inventory import queries as inventory_queries
from bank.office import documents
from bank.web import guard, pages
from bank.web.api import Blueprint, idempotency_key
from bank.web.guard import requires

bp = Blueprint("donations", __name__, "Batches: what is announced, what arrives, and what becomes of it")

ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "maxLength": 80},
    "description": "The same key again makes nothing more and gives the same answer.",
}
PDF = {"type": "string", "format": "binary"}
Made = tuple[BatchSheet, int, dict[str, str]]


@bp.route("/batches", methods=["GET"])
@requires(Permission.BATCH_SEE)
@bp.arguments(BatchQuerySchema, location="query", unknown=ma.RAISE)
@bp.response(200, BatchPageSchema)
def batches(query: tuple[Filters, int | None]) -> BatchPage:
    """List batches, the latest first."""
    filters, cursor = query
    with db.read() as session:
        return queries.batches(session, guard.actor(), filters, cursor=cursor)


# The finer right (batch.announce, batch.enter) depends on what is sent: the action asks for it.
@bp.route("/batches", methods=["POST"])
@requires(Permission.BATCH_SEE)
@bp.doc(parameters=[ONCE])
@bp.arguments(NewBatchSchema)
@bp.response(201, BatchSchema)
def enter(new: NewBatch | Wish) -> Made:
    """Announce a batch of one's own, or enter one that a donor and the bank agreed on."""
    actor, key = guard.actor(), idempotency_key()
    with db.transaction() as session:
        ref = work.once(
            session, actor, key, ["batch.enter", asdict(new)], lambda: _entered(session, actor, new)
        )
        made = queries.batch(session, actor, ref)
    return made, 201, _location(made)


def _entered(session: Session, actor: Actor, new: NewBatch | Wish) -> str:
    if isinstance(new, NewBatch):
        return actions.enter(session, actor, new)
    ref = actions.announce(session, actor, new.announcement, donor_id=new.donor_id)
    if new.submit:
        actions.submit(session, actor, ref)
    return ref


@bp.route("/batches/<ref>", methods=["GET"])
@requires(Permission.BATCH_SEE)
@bp.response(200, BatchSchema)
def batch(ref: str) -> BatchSheet:
    """Read a batch: announced, received and sent back side by side."""
    with db.read() as session:
        return queries.batch(session, guard.actor(), ref)


@bp.route("/batches/<ref>", methods=["PUT"])
@requires(Permission.BATCH_SEE)
@bp.arguments(EditedBatchSchema)
@bp.response(200, BatchSchema)
def edit(edited: tuple[int, Announcement], ref: str) -> BatchSheet:
    """Write a draft anew."""
    actor = guard.actor()
    with db.transaction() as session:
        actions.edit(session, actor, ref, *edited)
        return queries.batch(session, actor, ref)


@bp.route("/batches/<ref>/submit", methods=["POST"])
@requires(Permission.BATCH_SEE)
@bp.arguments(VersionSchema)
@bp.response(200, BatchSchema)
def submit(body: dict[str, Any], ref: str) -> BatchSheet:
    """Send a draft to the coordinator."""
    actor = guard.actor()
    with db.transaction() as session:
        actions.submit(session, actor, ref, body["version"])
        return queries.batch(session, actor, ref)


@bp.route("/batches/<ref>/reopen", methods=["POST"])
@requires(Permission.BATCH_SEE)
@bp.response(200, BatchSchema)
def reopen(ref: str) -> BatchSheet:
    """Take what was sent or refused back among the drafts, to correct it."""
    actor = guard.actor()
    with db.transaction() as session:
        actions.reopen(session, actor, ref)
        return queries.batch(session, actor, ref)


@bp.route("/batches/<ref>/withdraw", methods=["POST"])
@requires(Permission.BATCH_SEE)
@bp.response(200, BatchSchema)
def withdraw(ref: str) -> BatchSheet:
    """Take a batch back for good, as long as it has not been received."""
    actor = guard.actor()
    with db.transaction() as session:
        actions.withdraw(session, actor, ref)
        return queries.batch(session, actor, ref)


@bp.route("/batches/<ref>/accept", methods=["POST"])
@requires(Permission.BATCH_ENTER)
@bp.arguments(AcceptanceSchema)
@bp.response(200, BatchSchema)
def accept(decided: tuple[int, Acceptance], ref: str) -> BatchSheet:
    """Take what a donor sent."""
    actor = guard.actor()
    with db.transaction() as session:
        actions.accept(session, actor, ref, *decided)
        return queries.batch(session, actor, ref)


@bp.route("/batches/<ref>/refuse", methods=["POST"])
@requires(Permission.BATCH_ENTER)
@bp.arguments(RefusalSchema)
@bp.response(200, BatchSchema)
def refuse(decided: tuple[int, NoThanks], ref: str) -> BatchSheet:
    """Say no to what a donor sent, with the reason."""
    actor = guard.actor()
    with db.transaction() as session:
        actions.refuse(session, actor, ref, *decided)
        return queries.batch(session, actor, ref)


@bp.route("/batches/<ref>/collection", methods=["PUT"])
@requires(Permission.BATCH_ENTER)
@bp.arguments(PickupSchema)
@bp.response(200, BatchSchema)
def reschedule(decided: tuple[int, Pickup], ref: str) -> BatchSheet:
    """Change the workshop or the day of the collection of an accepted batch."""
    actor = guard.actor()
    with db.transaction() as session:
        actions.reschedule(session, actor, ref, *decided)
        return queries.batch(session, actor, ref)


@bp.route("/batches/<ref>/reception", methods=["POST"])
@requires(Permission.BATCH_RECEIVE)
@bp.doc(parameters=[ONCE])
@bp.arguments(ReceptionSchema)
@bp.response(201, ReceivedSchema)
def receive(count: Count, ref: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Receive a batch, once: a device and a label for each thing counted.

    `POST /labels` with `{"batch": "<ref>"}` prints them.
    """
    actor, key = guard.actor(), idempotency_key()
    with db.transaction() as session:
        work.once(
            session,
            actor,
            key,
            ["batch.receive", ref, asdict(count)],
            lambda: _received(session, actor, ref, count),
        )
        return _with_codes(session, actor, ref)


def _received(session: Session, actor: Actor, ref: str, count: Count) -> str:
    actions.receive(session, actor, ref, count.received, count.reasons, count.refused)
    return queries.read_ref(ref)


@bp.route("/receptions", methods=["POST"])
@requires(Permission.BATCH_TAKE_IN)
@bp.doc(parameters=[ONCE])
@bp.arguments(ArrivalSchema)
@bp.response(201, ReceivedSchema)
def take_in(arrival: Arrival) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Receive what nobody had announced, or an opening stock of unknown origin."""
    actor, key = guard.actor(), idempotency_key()
    arrival = replace(arrival, workshop_id=arrival.workshop_id or actor.organisation_id)
    with db.transaction() as session:
        ref = work.once(
            session,
            actor,
            key,
            ["batch.take_in", asdict(arrival)],
            lambda: actions.take_in(session, actor, arrival),
        )
        return _with_codes(session, actor, ref)


def _with_codes(session: Session, actor: Actor, ref: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    made = queries.batch(session, actor, ref)
    codes = [each.code for each in inventory_queries.stickers(session, actor, made.ref)]
    return {"batch": made, "codes": codes}, 201, _location(made)


def _location(made: BatchSheet) -> dict[str, str]:
    return {"Location": url_for("donations_api.batch", ref=made.ref)}


@bp.route("/batches/<ref>/outcomes", methods=["GET"])
@requires(Permission.BATCH_SEE)
@bp.response(200, OutcomesSchema)
def outcomes(ref: str) -> Outcomes:
    """Read what became of a batch: counts, never who has what."""
    with db.read() as session:
        return queries.outcomes(session, guard.actor(), ref)


@bp.route("/batches/<ref>/items", methods=["GET"])
@requires(Permission.BATCH_SEE)
@bp.arguments(CursorSchema, location="query", unknown=ma.RAISE)
@bp.response(200, ItemPageSchema)
def items(query: dict[str, Any], ref: str) -> ItemPage:
    """List the rows of the donor's spreadsheet, each with what became of the device."""
    with db.read() as session:
        return queries.items(session, guard.actor(), ref, cursor=query["cursor"])


@bp.route("/batches/<ref>/reception.pdf", methods=["GET"])
@requires(Permission.BATCH_SEE)
@bp.response(200, PDF, content_type="application/pdf")
def reception_slip(ref: str) -> Response:
    """Print what was taken in."""
    with db.read() as session:
        facts = papers.reception(session, guard.actor(), ref)
    return pages.pdf(documents.reception(facts), f"{facts.batch}-prise-en-charge.pdf")


@bp.route("/batches/<ref>/erasure.pdf", methods=["GET"])
@requires(Permission.BATCH_SEE)
@bp.response(200, PDF, content_type="application/pdf")
def erasure_certificate(ref: str) -> Response:
    """Print the certificate that the data of each drive is gone."""
    with db.read() as session:
        facts = papers.erasure(session, guard.actor(), ref)
    return pages.pdf(documents.erasure(facts), f"{facts.batch}-effacement.pdf")
