"""Pages on devices: the list, and one with its history."""

from flask import Blueprint
from werkzeug.wrappers import Response

from bank import db
from bank.actor import Permission
from bank.inventory import queries
from bank.inventory.forms import FilterForm
from bank.inventory.queries import DevicePage
from bank.web import guard, pages
from bank.web.guard import requires

bp = Blueprint("inventory", __name__)


@bp.get("/devices")
@requires(Permission.DEVICE_SEE)
def devices() -> Response:
    """Devices, the latest first."""
    form = FilterForm()
    if not form.validate():
        nothing = DevicePage((), None, 0, many=False)
        return pages.page("inventory/devices.html", form=form, page=nothing, status=422)
    with db.read() as session:
        found = queries.devices(session, guard.actor(), form.to_filters(), cursor=form.cursor.data)
    return pages.page("inventory/devices.html", form=form, page=found)


@bp.get("/devices/<code>")
@requires(Permission.DEVICE_SEE)
def device(code: str) -> Response:
    """One device: what it is, where it stands, what happened to it."""
    actor = guard.actor()
    with db.read() as session:
        sheet = queries.sheet(session, actor, code)
        lines = queries.history(session, actor, sheet.code)
    return pages.page("inventory/device.html", device=sheet, history=lines)
