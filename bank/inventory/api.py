"""The register under /api/v1: devices are read and told apart; they change by scans and by the other rooms."""

from typing import Any

import marshmallow as ma

from bank import db
from bank.actor import Permission
from bank.inventory import identify, queries
from bank.inventory.identify import Identity
from bank.inventory.queries import DevicePage, DeviceSheet, Filters, HistoryLine
from bank.inventory.schemas import (
    DevicePageSchema,
    DeviceQuerySchema,
    DeviceSchema,
    IdentitySchema,
    JournalLineSchema,
    JournalQuerySchema,
)
from bank.web import guard
from bank.web.api import Blueprint
from bank.web.guard import requires

bp = Blueprint("inventory", __name__, "Devices: what each is, where it stands, what happened to it")


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
