"""The supervisor's board, decisions and incidents under /api/v1."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import marshmallow as ma
from flask import url_for
from sqlalchemy.orm import Session

from bank import db, work
from bank.actor import Permission
from bank.inventory import codes, register
from bank.inventory.models import DriveFate
from bank.inventory.register import Standing
from bank.web import guard
from bank.web.api import Blueprint, idempotency_key
from bank.web.guard import requires
from bank.workshops import actions, exits, incidents
from bank.workshops import board as reads
from bank.workshops.board import Board, IncidentLine, IncidentPage
from bank.workshops.exits import Leaving
from bank.workshops.schemas import (
    AnswerSchema,
    BoardSchema,
    ExitSchema,
    FateSchema,
    IncidentPageSchema,
    IncidentQuerySchema,
    IncidentSchema,
    OutcomeSchema,
    StandingSchema,
)

bp = Blueprint("workshops", __name__, "At work: what is blocked, what leaves its route, what went missing")

ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "maxLength": 80},
    "description": "The same key again makes nothing more and gives the same answer.",
}
Made = tuple[Standing, int, dict[str, str]]


@bp.route("/workshop", methods=["GET"])
@requires(Permission.WORKSHOP_RUN)
@bp.response(200, BoardSchema)
def board() -> Board:
    """Read the board: who needs help, what is dangerous or blocked, how much waits where."""
    with db.read() as session:
        return reads.board(session, guard.actor())


@bp.route("/help-calls/<int:call_id>/answer", methods=["POST"])
@requires(Permission.WORKSHOP_RUN)
@bp.response(204)
def answer_help(call_id: int) -> None:
    """Say that somebody goes; twice is once."""
    with db.transaction() as session:
        actions.answer_help(session, guard.actor(), call_id)


@bp.route("/devices/<code>/unblocking", methods=["POST"])
@requires(Permission.WORKSHOP_RUN)
@bp.doc(parameters=[ONCE])
@bp.arguments(AnswerSchema)
@bp.response(201, StandingSchema)
def unblock(answer: dict[str, Any], code: str) -> Made:
    """Let a blocked device go on, where it stands or at another step of its route."""
    step, actor = answer["step"], guard.actor()

    def settle(session: Session) -> Standing:
        return register.retried(
            lambda: actions.resolve(session, actor, register.look(session, codes.read(code)), step)
        )

    return _once(["device.unblock", code, step], settle)


@bp.route("/devices/<code>/exits", methods=["POST"])
@requires(Permission.WORKSHOP_RUN)
@bp.doc(parameters=[ONCE])
@bp.arguments(ExitSchema)
@bp.response(201, StandingSchema)
def leave(leaving: Leaving, code: str) -> Made:
    """Take a device off its route (parts, recycling, donor, missing), or back on it (found, rechecked)."""
    actor = guard.actor()
    content = ["device.exit", code, asdict(leaving)]
    return _once(content, lambda session: exits.leave(session, actor, code, leaving))


@bp.route("/devices/<code>/drives", methods=["POST"])
@requires(Permission.WORKSHOP_RUN)
@bp.doc(parameters=[ONCE])
@bp.arguments(FateSchema)
@bp.response(201, StandingSchema)
def take_out(said: dict[str, DriveFate], code: str) -> Made:
    """Say that the drives still to erase were taken out, destroyed, or never there."""
    actor, fate = guard.actor(), said["fate"]
    return _once(["device.drives", code, fate], lambda session: exits.take_out(session, actor, code, fate))


def _once(content: list[Any], make: Callable[[Session], Standing]) -> Made:
    """Decide once per key; where the device stands now."""
    key = idempotency_key()
    with db.transaction() as session:
        made = work.once(session, guard.actor(), key, content, lambda: make(session).code)
        standing = register.look(session, made)
    return standing, 201, {"Location": url_for("inventory_api.device", code=made)}


@bp.route("/incidents", methods=["GET"])
@requires(Permission.INCIDENT_SETTLE)
@bp.arguments(IncidentQuerySchema, location="query", unknown=ma.RAISE)
@bp.response(200, IncidentPageSchema)
def list_incidents(query: dict[str, Any]) -> IncidentPage:
    """List what went missing with data on it: what is open, or what is over."""
    with db.read() as session:
        return reads.incidents(session, guard.actor(), closed=query["closed"], cursor=query["cursor"])


@bp.route("/incidents/<int:incident_id>", methods=["GET"])
@requires(Permission.INCIDENT_SETTLE)
@bp.response(200, IncidentSchema)
def incident(incident_id: int) -> IncidentLine:
    """Read an incident: the clock, last custody, the outcome."""
    with db.read() as session:
        return reads.incident(session, guard.actor(), incident_id)


@bp.route("/incidents/<int:incident_id>/outcome", methods=["PUT"])
@requires(Permission.INCIDENT_SETTLE)
@bp.arguments(OutcomeSchema)
@bp.response(200, IncidentSchema)
def settle(said: dict[str, Any], incident_id: int) -> IncidentLine:
    """Say how an incident ended, for a device that stays missing."""
    with db.transaction() as session:
        incidents.settle(session, guard.actor(), incident_id, said["outcome"])
        return reads.incident(session, guard.actor(), incident_id)
