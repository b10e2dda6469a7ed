"""The register under /api/v1: devices are read and told apart; they change by scans and by the other rooms."""

from typing import Any

import marshmallow as ma
from flask import url_for

from bank import db, work
from bank.actor import Permission
from bank.inventory import identify, labels, place_queries, places, queries
from bank.inventory.identify import Identity
from bank.inventory.labels import Kin
from bank.inventory.place_queries import PlaceLine
from bank.inventory.places import PlaceDraft
from bank.inventory.queries import DevicePage, DeviceSheet, Filters, HistoryLine
from bank.inventory.schemas import (
    ClaimedSchema,
    ClaimSchema,
    DevicePageSchema,
    DeviceQuerySchema,
    DeviceSchema,
    IdentitySchema,
    JournalLineSchema,
    JournalQuerySchema,
    KinSchema,
    PlaceDraftSchema,
    PlaceSchema,
    Stick,
    StickSchema,
    VoidSchema,
    WhereSchema,
)
from bank.web import guard
from bank.web.api import Blueprint, idempotency_key
from bank.web.guard import requires

bp = Blueprint("inventory", __name__, "Devices: what each is, where it stands, what happened to it")
ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "maxLength": 80},
    "description": "The same key again makes nothing more and gives the same answer.",
}


@bp.route("/devices", methods=["GET"])
@requires(Permission.DEVICE_SEE)
@bp.arguments(DeviceQuerySchema, location="query", unknown=ma.RAISE)
@bp.response(200, DevicePageSchema)
def devices(query: tuple[Filters, int | None]) -> DevicePage:
    """List devices, the latest first."""
    filters, cursor = query
    with db.read() as session:
        return queries.devices(session, guard.actor(), filters, cursor=cursor)


@bp.route("/devices/<code>", methods=["GET"])
@requires(Permission.DEVICE_SEE)
@bp.response(200, DeviceSchema)
def device(code: str) -> DeviceSheet:
    """Read a device, by any label that was ever stuck on it."""
    with db.read() as session:
        return queries.sheet(session, guard.actor(), code)


@bp.route("/devices/<code>/journal", methods=["GET"])
@requires(Permission.DEVICE_SEE)
@bp.arguments(JournalQuerySchema, location="query", unknown=ma.RAISE)
@bp.response(200, JournalLineSchema(many=True))
def journal(query: dict[str, Any], code: str) -> list[HistoryLine]:
    """Read what happened to a device, the latest first."""
    with db.read() as session:
        return list(queries.history(session, guard.actor(), code, before=query["before"]))


@bp.route("/devices/<code>/identity", methods=["POST"])
@requires(Permission.DEVICE_SCAN)
@bp.arguments(IdentitySchema)
@bp.response(200, DeviceSchema)
def identity(read: Identity, code: str) -> DeviceSheet:
    """Say what was read on a device: it is tied to the announced row with the same serial, tag or IMEI.

    The same again changes nothing. A row that another device has is refused (`row-taken`).
    """
    actor = guard.actor()
    with db.transaction() as session:
        found = identify.identify(session, actor, code, read)
        return queries.sheet(session, actor, found.standing.code)


@bp.route("/devices/<code>/label", methods=["POST"])
@requires(Permission.DEVICE_SCAN)
@bp.arguments(StickSchema)
@bp.response(200, DeviceSchema)
def label(sent: Stick, code: str) -> DeviceSheet:
    """Stick a blank label on a device instead of the one it carries, which never counts again.

    The same again changes nothing. A label that was ever used is refused (`label-taken`).
    """
    actor = guard.actor()
    with db.transaction() as session:
        now = queries.sheet(session, actor, code).code
        after = labels.stick(session, actor, now, sent.label, sent.reason)
        return queries.sheet(session, actor, after.code)


@bp.route("/devices/<code>/place", methods=["PUT"])
@requires(Permission.DEVICE_SCAN)
@bp.arguments(WhereSchema)
@bp.response(200, DeviceSchema)
def put(sent: dict[str, Any], code: str) -> DeviceSheet:
    """Put a device that one has in hand in a place of one's organisation, or in none (`null`)."""
    actor = guard.actor()
    with db.transaction() as session:
        now = queries.sheet(session, actor, code).code
        places.put(session, actor, now, sent["place"])
        return queries.sheet(session, actor, now)


# --- blank labels ---


@bp.route("/labels/waiting", methods=["GET"])
@requires(Permission.DEVICE_SCAN)
@bp.response(200, KinSchema(many=True))
def waiting() -> list[Kin]:
    """List what was received and whose own label was never printed, by batch and category."""
    with db.read() as session:
        return list(labels.waiting(session, guard.actor()))


@bp.route("/labels/claims", methods=["POST"])
@requires(Permission.DEVICE_SCAN)
@bp.arguments(ClaimSchema)
@bp.response(200, ClaimedSchema)
def claim(sent: dict[str, Any]) -> dict[str, Any]:
    """Stick a blank label on the next device of a batch and category whose own was never printed.

    The same label again is told as such (`again`) and changes nothing. None left is `not-found`.
    """
    with db.transaction() as session:
        done = labels.claim_next(session, guard.actor(), sent["batch"], sent["category"], sent["label"])
    return {"device": done.standing.code, "left": done.left, "again": done.again}


@bp.route("/labels/voids", methods=["POST"])
@requires(Permission.LABEL_PRINT)
@bp.arguments(VoidSchema)
@bp.response(204)
def void(sent: dict[str, Any]) -> None:
    """Say that a blank label is spoilt: it never counts."""
    with db.transaction() as session:
        labels.void(session, guard.actor(), sent["label"])


# --- places ---


@bp.route("/places", methods=["GET"])
@requires(Permission.DEVICE_SEE)
@bp.response(200, PlaceSchema(many=True))
def list_places() -> list[PlaceLine]:
    """List the places of one's organisation, each followed by what stands in it."""
    with db.read() as session:
        return place_queries.places(session, guard.actor())


@bp.route("/places", methods=["POST"])
@requires(Permission.PLACE_EDIT)
@bp.doc(parameters=[ONCE])
@bp.arguments(PlaceDraftSchema)
@bp.response(201, PlaceSchema)
def make_place(sent: tuple[int, PlaceDraft]) -> tuple[PlaceLine, int, dict[str, str]]:
    """Add a place, with a label of its own to print."""
    actor, key, (_version, draft) = guard.actor(), idempotency_key(), sent
    content = ["place", draft.name, draft.kind.value, draft.within_id]
    with db.transaction() as session:
        made = work.once(session, actor, key, content, lambda: str(places.make(session, actor, draft)))
        line = place_queries.place(session, actor, int(made)).line
    return line, 201, {"Location": url_for("inventory_api.place", place_id=line.id)}


@bp.route("/places/<int:place_id>", methods=["GET"])
@requires(Permission.DEVICE_SEE)
@bp.response(200, PlaceSchema)
def place(place_id: int) -> PlaceLine:
    """Read a place."""
    with db.read() as session:
        return place_queries.place(session, guard.actor(), place_id).line


@bp.route("/places/<int:place_id>", methods=["PUT"])
@requires(Permission.PLACE_EDIT)
@bp.arguments(PlaceDraftSchema)
@bp.response(200, PlaceSchema)
def edit_place(sent: tuple[int, PlaceDraft], place_id: int) -> PlaceLine:
    """Rename a place or move it into another; `version` is the one that was read."""
    actor, (version, draft) = guard.actor(), sent
    with db.transaction() as session:
        places.edit(session, actor, place_id, version, draft)
        return place_queries.place(session, actor, place_id).line


@bp.route("/places/<int:place_id>/label", methods=["POST"])
@requires(Permission.PLACE_EDIT)
@bp.arguments(StickSchema)
@bp.response(200, PlaceSchema)
def label_place(sent: Stick, place_id: int) -> PlaceLine:
    """Stick a blank label on a place instead of its own."""
    actor = guard.actor()
    with db.transaction() as session:
        places.stick(session, actor, place_id, sent.label, sent.reason)
        return place_queries.place(session, actor, place_id).line
