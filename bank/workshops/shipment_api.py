"""Shipments under /api/v1: what is under way, what arrived, what became of what did not."""

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, Range

from bank import db
from bank.actor import Permission
from bank.inventory.lifecycle import State
from bank.inventory.models import Category
from bank.inventory.register import ScanMark
from bank.web import guard
from bank.web.api import Blueprint, Schema
from bank.web.guard import requires
from bank.workshops import shipment_queries, shipments
from bank.workshops.shipment_forms import CODE_MAX
from bank.workshops.shipment_queries import ShipmentPage, ShipmentSheet
from bank.workshops.shipments import Arrival, Difference, Settled

ID_MAX = 2**63 - 1

bp = Blueprint("shipments", __name__, "Shipments: devices on their way from one organisation to another")


class ShipmentQuerySchema(Schema):
    """Which shipments to list."""

    closed = fields.Boolean(load_default=False, metadata={"description": "Those that are over."})
    cursor = fields.Integer(
        load_default=None,
        validate=Range(1, ID_MAX),
        metadata={"description": "`next_cursor` of the page before."},
    )


class ShipmentRowSchema(Schema):
    """One shipment in a list."""

    id = fields.Integer(required=True)
    sender = fields.String(required=True)
    receiver = fields.String(required=True)
    sent_at = fields.AwareDateTime(required=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    devices = fields.Integer(required=True)
    awaited = fields.Integer(required=True, metadata={"description": "How many lines are open."})


class ShipmentPageSchema(Schema):
    """A page of shipments, the latest first."""

    items = fields.List(fields.Nested(ShipmentRowSchema), attribute="shipments", required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


class ShipmentLineSchema(Schema):
    """One device of a shipment."""

    code = fields.String(required=True)
    category = fields.Enum(Category, by_value=True, required=True)
    open_drives = fields.Integer(required=True)
    arrived_at = fields.AwareDateTime(required=True, allow_none=True)
    difference = fields.Enum(
        Difference,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"description": "What the two sides do not agree on; null: nothing."},
    )
    settled = fields.Enum(Settled, by_value=True, required=True, allow_none=True)


class ShipmentSchema(Schema):
    """One shipment with its devices."""

    shipment = fields.Nested(ShipmentRowSchema, attribute="row", required=True)
    lines = fields.List(fields.Nested(ShipmentLineSchema), required=True)


class ShipmentArrivalSchema(Schema):
    """A device that was scanned where it goes."""

    scan_id = fields.UUID(required=True, metadata={"description": "The scan's own name, from the client."})
    code = fields.String(required=True, validate=Length(1, CODE_MAX))
    place_id = fields.Integer(load_default=None, allow_none=True, strict=True, validate=Range(1, ID_MAX))


class ShipmentArrivedSchema(Schema):
    """What scanning it came to."""

    arrival = fields.Enum(Arrival, by_value=True, required=True)
    device = fields.String(required=True)
    state = fields.Enum(State, by_value=True, required=True)


class ShipmentSettledSchema(Schema):
    """What the sender says of a device that did not arrive as listed."""

    outcome = fields.Enum(
        Settled,
        by_value=True,
        required=True,
        validate=ma.validate.OneOf([each for each in Settled if each is not Settled.UNDONE]),
        metadata={
            "description": "Of one that is awaited: `never_left` or `missing`. Of one that nobody listed: "
            "`sent_too` or `not_sent`."
        },
    )


@bp.route("/shipments", methods=["GET"])
@requires(Permission.SHIPMENT_RECEIVE)
@bp.arguments(ShipmentQuerySchema, location="query", unknown=ma.RAISE)
@bp.response(200, ShipmentPageSchema)
def index(query: dict[str, Any]) -> ShipmentPage:
    """List what is under way to here and from here, or what is over."""
    with db.read() as session:
        return shipment_queries.shipments_of(session, guard.actor(), **query)


@bp.route("/shipments/<int:shipment_id>", methods=["GET"])
@requires(Permission.SHIPMENT_RECEIVE)
@bp.response(200, ShipmentSchema)
def show(shipment_id: int) -> ShipmentSheet:
    """Read a shipment: its devices, and what the two sides do not agree on."""
    with db.read() as session:
        return shipment_queries.shipment(session, guard.actor(), shipment_id)


@bp.route("/shipments/<int:shipment_id>/arrivals", methods=["POST"])
@requires(Permission.SHIPMENT_RECEIVE)
@bp.arguments(ShipmentArrivalSchema)
@bp.response(200, ShipmentArrivedSchema)
def arrive(said: dict[str, Any], shipment_id: int) -> dict[str, Any]:
    """Take in a device that was scanned where it goes; the same again changes nothing."""
    with db.transaction() as session:
        found = shipments.arrive(
            session,
            guard.actor(),
            shipment_id,
            said["code"],
            place_id=said["place_id"],
            scan=ScanMark(str(said["scan_id"])),
        )
    return {"arrival": found.arrival, "device": found.standing.code, "state": found.standing.state}


@bp.route("/shipments/<int:shipment_id>/lines/<code>", methods=["PUT"])
@requires(Permission.WORKSHOP_RUN)
@bp.arguments(ShipmentSettledSchema)
@bp.response(200, ShipmentSchema)
def settle(said: dict[str, Settled], shipment_id: int, code: str) -> ShipmentSheet:
    """Say, as its sender, what became of a device that did not arrive as listed."""
    with db.transaction() as session:
        shipments.settle(session, guard.actor(), shipment_id, code, said["outcome"])
        return shipment_queries.shipment(session, guard.actor(), shipment_id)
