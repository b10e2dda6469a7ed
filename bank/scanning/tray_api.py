"""Trays as JSON: many things, one action, an answer for each."""

from typing import Any

from flask import Response, jsonify

from bank.actor import Permission
from bank.scanning import tray_intake
from bank.scanning.tray_schemas import TrayAnswerSchema, TraySchema, line_body
from bank.web import guard
from bank.web.api import Blueprint
from bank.web.guard import requires

bp = Blueprint("trays", __name__, "Trays: many things at once, checked before, each acted on by itself")


@bp.route("/trays", methods=["POST"])
@requires(Permission.DEVICE_SCAN)
@bp.arguments(TraySchema)
@bp.alt_response(200, schema=TrayAnswerSchema)
def tray(sent: dict[str, Any]) -> Response:
    """Check a tray, or act on all that it holds: each device by itself, and once however often it is sent."""
    actor, made = guard.actor(), sent["tray"]
    said = tray_intake.distinct(sent["codes"])
    if sent["check"]:
        lines = [line_body(line) for line in tray_intake.check(actor, made, said)]
        return jsonify({"tray": made.name, "lines": lines, "shipment": None})
    whole = tray_intake.act(actor, made, said)
    lines = [line_body(each.line, each.result.outcome if each.result else None) for each in whole.acted]
    return jsonify({"tray": made.name, "lines": lines, "shipment": whole.shipment_id})
