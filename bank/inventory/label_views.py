"""Pages of labels that were printed ahead: at reception, one after the other; later, one for another."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bank import db
from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.inventory import codes, finding, labels, place_queries, queries
from bank.inventory.label_forms import BearerForm, ClaimForm, StickForm, SureForm
from bank.inventory.labels import Claimed
from bank.inventory.models import Category
from bank.inventory.queries import DeviceSheet
from bank.web import guard, pages, problems, words
from bank.web.guard import requires
from bank.web.words import word

bp = Blueprint("sticking", __name__)


# --- at reception ---


@bp.get("/labels/claim")
@requires(Permission.DEVICE_SCAN)
def claiming() -> Response:
    """Which devices have no label yet; then, for one kind of one batch, a field for one blank after the other."""
    batch, category = request.args.get("batch", ""), request.args.get("category", "")
    if not batch or category not in set(Category):
        with db.read() as session:
            waiting = labels.waiting(session, guard.actor())
        return pages.page("inventory/labels_waiting.html", waiting=waiting)
    return _claiming(ClaimForm(formdata=None, data={"batch": batch, "category": category}))


@bp.post("/labels/claim")
@requires(Permission.DEVICE_SCAN)
def claim() -> Response:
    """A blank label was stuck on the next device."""
    form = ClaimForm()
    if not form.validate():
        if form.batch.errors or form.category.errors:
            raise Refusal(Code.BAD_REQUEST)
        return _claiming(form, status=422)
    category = Category(form.category.data or "")
    try:
        with db.transaction() as session:
            done = labels.claim_next(
                session, guard.actor(), form.batch.data or "", category, form.code.data or ""
            )
    except Refusal as refusal:
        form.code.data = ""
        return _claiming(form, status=problems.STATUS[refusal.code], refusal=refusal)
    said, outcome = _claimed(done, category), "nothing" if done.again else "done"
    if form.stays.data:
        form.code.data = ""
        return _claiming(form, outcome=outcome, said=said)
    flash(said, "wait" if done.again else "done")
    return redirect(url_for("sticking.claiming", batch=form.batch.data, category=category.value), 303)


def _claiming(
    form: ClaimForm,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
    outcome: str = "refused",
    said: str = "",
) -> Response:
    with db.read() as session:
        waiting = labels.waiting(session, guard.actor())
    chosen = (form.batch.data, form.category.data)
    left = sum(each.count for each in waiting if (each.batch_ref, each.category) == chosen)
    refused = words.problem(refusal.code) if refusal and refusal.code is not Code.NOT_FOUND else None
    return pages.page(
        "inventory/labels_claim.html",
        status=200 if refusal and refused is None else status,
        form=form,
        left=left,
        refused=refused,
        outcome=outcome,
        said=said or _why_not(form, refusal),
        more=len(waiting) - (left > 0),
    )


def _why_not(form: ClaimForm, refusal: Refusal | None) -> str:
    """What the page's script says of a scan that was not taken."""
    if refusal is None:
        return " ".join(map(str, form.code.errors))
    if refusal.code is Code.NOT_FOUND:
        return str(_("Il n’y a plus rien à étiqueter ici. Cette étiquette reste vierge."))
    return ". ".join(words.problem(refusal.code))


def _claimed(done: Claimed, category: Category) -> str:
    code = codes.grouped(done.standing.code)
    if done.again:
        return str(_("L’étiquette %(code)s est déjà enregistrée. Prenez la suivante.", code=code))
    left = (
        ngettext("Il en reste une à coller.", "Il en reste %(num)d à coller.", done.left)
        if done.left
        else _("C’était la dernière.")
    )
    return f"{code} : {word(category, 'category')}. {left}"


# --- a blank one in hand ---


@bp.get("/labels/blank/<blank>")
@requires(Permission.LABEL_PRINT)
def blank(blank: str) -> Response:
    """A blank label was scanned: what to do with it."""
    with db.read() as session:
        found = finding.blank(session, guard.actor(), blank)
        waiting = labels.waiting(session, guard.actor())
    return pages.page("inventory/labels_blank.html", blank=found, waiting=waiting, form=SureForm())


@bp.post("/labels/blank/<blank>/void")
@requires(Permission.LABEL_PRINT)
def void(blank: str) -> Response:
    """A blank label is spoilt."""
    form, actor = SureForm(), guard.actor()
    if not form.validate():
        raise Refusal(Code.BAD_REQUEST)
    with db.transaction() as session:
        labels.void(session, actor, blank)
    flash(_("Étiquette annulée. Jetez-la."), "done")
    return redirect(url_for("scanning.desk" if actor.can(Permission.DEVICE_SCAN) else "places.index"), 303)


@bp.get("/labels/blank/<blank>/device")
@requires(Permission.DEVICE_SCAN)
def seeking(blank: str) -> Response:
    """A field for any number of the device that a blank label is for."""
    return _seeking(blank, BearerForm(formdata=None))


@bp.post("/labels/blank/<blank>/device")
@requires(Permission.DEVICE_SCAN)
def seek(blank: str) -> Response:
    """Find the device by its old label, its serial, its asset tag or its IMEI."""
    form, actor = BearerForm(), guard.actor()
    if not form.validate():
        return _seeking(blank, form, status=422)
    scanned = form.code.data or ""
    with db.read() as session:
        finding.blank(session, actor, blank)
        try:
            code = _bearer(session, scanned)
        except Refusal as refusal:
            matches = finding.by_other_code(session, actor, scanned)
            if refusal.code is Code.SEVERAL_MATCH:
                return pages.page("inventory/labels_which.html", blank=blank, matches=matches, status=409)
            return _seeking(blank, form, status=problems.STATUS[refusal.code], refusal=refusal)
    return redirect(url_for("sticking.swapping", code=code, label=blank), 303)


def _bearer(session: Session, scanned: str) -> str:
    """The device's label; one that was replaced already does too, as it is old labels that people have at hand."""
    actor = guard.actor()
    once = finding.replaced(session, actor, scanned)
    return once.code if once else finding.device_of(session, actor, scanned)


def _seeking(blank: str, form: BearerForm, *, status: int = 200, refusal: Refusal | None = None) -> Response:
    if refusal is None or status == 422:
        with db.read() as session:
            found = finding.blank(session, guard.actor(), blank)
        code = found.code
    else:
        code = blank
    refused = words.problem(refusal.code) if refusal else None
    return pages.page("inventory/labels_seek.html", blank=code, form=form, refused=refused, status=status)


@bp.get("/labels/blank/<blank>/place")
@requires(Permission.PLACE_EDIT)
def placing(blank: str) -> Response:
    """The places that a blank label may be for."""
    with db.read() as session:
        found = finding.blank(session, guard.actor(), blank)
        places = place_queries.places(session, guard.actor())
    return pages.page("inventory/labels_place.html", blank=found, places=places)


# --- one for another ---


@bp.get("/devices/<code>/label")
@requires(Permission.DEVICE_SCAN)
def swapping(code: str) -> Response:
    """A blank label instead of the one that a device carries: which, and why."""
    return _swapping(code, StickForm(formdata=None).scanned_before())


@bp.post("/devices/<code>/label")
@requires(Permission.DEVICE_SCAN)
def swap(code: str) -> Response:
    """Give the device its new label."""
    form, actor = StickForm(), guard.actor()
    if not form.validate():
        return _swapping(code, form, status=422)
    try:
        with db.transaction() as session:
            after = labels.stick(session, actor, _carried(session, code), form.label.data or "", form.why)
    except Refusal as refusal:
        form.scan_again(refusal)
        return _swapping(code, form, refusal=refusal)
    return pages.done(
        "inventory.device",
        code=after.code,
        said=_("Nouvelle étiquette : %(code)s. Retirez l’ancienne.", code=codes.grouped(after.code)),
    )


def _carried(session: Session, code: str) -> str:
    """The label that counts now, of a device within reach. Raises Refusal(not-found)."""
    return queries.sheet(session, guard.actor(), code).code


def _swapping(code: str, form: StickForm, *, status: int = 200, refusal: Refusal | None = None) -> Response:
    with db.read() as session:
        sheet = queries.sheet(session, guard.actor(), code)
        fresh = _is_fresh(session, sheet)
    if not sheet.held:
        raise Refusal(Code.OTHER_CUSTODIAN)
    return pages.page(
        "inventory/labels_stick.html",
        status=problems.STATUS[refusal.code] if refusal else status,
        device=sheet,
        form=form,
        fresh=fresh,
        refused=words.problem(refusal.code) if refusal else None,
    )


def _is_fresh(session: Session, sheet: DeviceSheet) -> bool:
    return labels.is_fresh(session, labels.held(session, guard.actor(), sheet.code)) if sheet.held else False
