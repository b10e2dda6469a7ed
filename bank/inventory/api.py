"""The register under /api/v1, read-only: devices change by scans and by the acts of the other rooms."""

from typing import Any

import marshmallow as ma

from bank import db
from bank.actor import Permission
from bank.inventory import queries
from bank.inventory.queries import DevicePage, DeviceSheet, Filters, HistoryLine
from bank.inventory.schemas import (
    DevicePageSchema,
    DeviceQuerySchema,
    DeviceSchema,
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
