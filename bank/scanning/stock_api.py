"""Stock-takes under /api/v1: count what stands at a place, then settle with the register."""

from typing import Any

from flask import url_for

from bank import db
from bank.actor import Permission
from bank.scanning import stock_queries, stock_takes
from bank.scanning.stock_queries import Settlement, Take
from bank.scanning.stock_schemas import (
    SightingSchema,
    TakeClosingSchema,
    TakeOpeningSchema,
    TakeScansSchema,
    TakeSchema,
)
from bank.scanning.stock_takes import Sighting
from bank.web import guard
from bank.web.api import Blueprint, idempotency_key
from bank.web.guard import requires

bp = Blueprint("stock_takes", __name__, "Stock-takes: what stands at a place, and what should")
ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "maxLength": 80},
    "description": "The same key again makes nothing more and gives the same answer.",
}


@bp.route("/stock-takes", methods=["POST"])
@requires(Permission.DEVICE_SCAN)
@bp.doc(parameters=[ONCE])
@bp.arguments(TakeOpeningSchema)
@bp.response(201, TakeSchema)
def open_take(asked: dict[str, Any]) -> tuple[Take, int, dict[str, str]]:
    """Start counting at a place, by its id or its label; where somebody counts there already, go on with theirs."""
    actor, key = guard.actor(), idempotency_key()
    with db.transaction() as session:
        place_id = asked["place_id"] or stock_takes.place_of(session, actor, asked["label"])
        take_id = stock_takes.open_at(session, actor, key, place_id)
        made = stock_queries.stock_take(session, actor, take_id)
    return made, 201, {"Location": url_for("stock_takes_api.show", take_id=take_id)}


@bp.route("/stock-takes/<int:take_id>", methods=["GET"])
@requires(Permission.DEVICE_SCAN)
@bp.response(200, TakeSchema)
def show(take_id: int) -> Take:
    """Read a stock-take: live while it is open, as it was settled once it is closed."""
    with db.read() as session:
        return stock_queries.stock_take(session, guard.actor(), take_id)


@bp.route("/stock-takes/<int:take_id>/scans", methods=["POST"])
@requires(Permission.DEVICE_SCAN)
@bp.arguments(TakeScansSchema)
@bp.response(200, SightingSchema(many=True))
def scan(sent: dict[str, list[str]], take_id: int) -> list[Sighting]:
    """Send what was scanned, any code; one answer each, in their order. Sent again, nothing changes."""
    with db.transaction() as session:
        return stock_takes.scan(session, guard.actor(), take_id, sent["codes"])


@bp.route("/stock-takes/<int:take_id>/close", methods=["POST"])
@requires(Permission.WORKSHOP_RUN)
@bp.arguments(TakeClosingSchema)
@bp.response(200, TakeSchema)
def close(sent: dict[str, dict[str, Settlement]], take_id: int) -> Take:
    """Settle each line with the register, and close. A closed take is answered as it is."""
    actor = guard.actor()
    with db.transaction() as session:
        stock_takes.close(session, actor, take_id, sent["choices"])
        return stock_queries.stock_take(session, actor, take_id)
