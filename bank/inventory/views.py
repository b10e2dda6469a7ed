"""Pages on devices: the list, and one with its history."""

from contextlib import suppress

from flask import Blueprint
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from bank import db
from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.inventory import identify, place_queries, queries
from bank.inventory.forms import FilterForm, HistoryForm, IdentityForm, tell
from bank.inventory.queries import DevicePage, DeviceSheet
from bank.web import guard, pages
from bank.web.guard import requires
from bank.web.words import word

bp = Blueprint("inventory", __name__)


@bp.app_template_filter("told")
def told(value: str, *vocabularies: str) -> str:
    """The word for a code that any of several rooms may have written; empty where none has a word for it."""
    for vocabulary in vocabularies:
        with suppress(KeyError):
            return word(value, vocabulary)
    return ""


@bp.get("/devices")
@requires(Permission.DEVICE_SEE)
def devices() -> Response:
    """Devices, the latest first."""
    form = FilterForm()
    if not form.validate():
        nothing = DevicePage((), None, 0, many=False)
        return pages.page("inventory/devices.html", form=form, page=nothing, places=(), status=422)
    with db.read() as session:
        found = queries.devices(session, guard.actor(), form.to_filters(), cursor=form.cursor.data)
        places = place_queries.places(session, guard.actor(), counted=False)
    return pages.page("inventory/devices.html", form=form, page=found, places=places)


@bp.get("/devices/<code>")
@requires(Permission.DEVICE_SEE)
def device(code: str) -> Response:
    """One device: what it is, where it stands, what happened to it."""
    actor, form = guard.actor(), HistoryForm()
    before = form.before.data if form.validate() else None
    with db.read() as session:
        sheet = queries.sheet(session, actor, code)
        lines = queries.history(session, actor, sheet.code, before=before)
    return pages.page("inventory/device.html", device=sheet, history=lines)


@bp.get("/devices/<code>/identity")
@requires(Permission.DEVICE_SCAN)
def identity(code: str) -> Response:
    """A form for what is read on a device."""
    sheet = _held(code)
    return pages.page("inventory/identity.html", device=sheet, form=IdentityForm(sheet))


@bp.post("/devices/<code>/identity")
@requires(Permission.DEVICE_SCAN)
def identify_device(code: str) -> Response:
    """Say what was read: maker, model, serial, asset tag, IMEI."""
    sheet = _held(code)
    form = IdentityForm(sheet)
    if not form.validate():
        return pages.page("inventory/identity.html", device=sheet, form=form, status=422)
    try:
        with db.transaction() as session:
            found = identify.identify(session, guard.actor(), code, form.to_identity())
    except Refusal as refusal:
        tell(form, refusal)
        return pages.page("inventory/identity.html", device=sheet, form=form, status=422)
    said = _("C’est noté.")
    if found.row is not None:
        said = _("Reconnu : ligne %(row)s du fichier du donateur.", row=found.row)
    return pages.done("inventory.device", code=sheet.code, said=said)


def _held(code: str) -> DeviceSheet:
    """The device, for who has it in hand. Raises Refusal(not-found, other-custodian)."""
    with db.read() as session:
        sheet = queries.sheet(session, guard.actor(), code)
    if not sheet.held:
        raise Refusal(Code.OTHER_CUSTODIAN)
    return sheet
