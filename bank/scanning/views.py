"""The scan desk, and the passport behind each label."""

from uuid import uuid4

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from bank import db
from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.inventory import codes, register
from bank.inventory import queries as inventory
from bank.scanning import forms, intake, queries
from bank.scanning.actions import Scan
from bank.scanning.forms import CodeForm, StepForm
from bank.scanning.queries import Asked, Result
from bank.web import guard, pages, problems
from bank.web.guard import public, requires
from bank.web.words import problem, word
from bank.workshops.rules import Outcome

bp = Blueprint("scanning", __name__)


@bp.get("/scan")
@requires(Permission.DEVICE_SCAN)
def desk() -> Response:
    """The scan field, ready for the next label, and what was done just before."""
    return _desk(CodeForm(formdata=None))


@bp.post("/scan")
@requires(Permission.DEVICE_SCAN)
def look() -> BaseResponse:
    """A label was scanned: the device starts its route if it awaits it, then its step is shown."""
    form = CodeForm()
    if not form.validate_on_submit():
        return _desk(form, status=422)
    try:
        scan = Scan(str(uuid4()), codes.read(form.code.data or ""), Asked.LOOK)
        found = intake.take(scan, intake.as_known(guard.actor()), guard.actor)
    except Refusal as refusal:
        return _refused(refusal)
    return redirect(url_for("scanning.device", code=found.code), 303)


@bp.get("/scan/<code>")
@requires(Permission.DEVICE_SCAN)
def device(code: str) -> BaseResponse:
    """The device in hand: what it is, its step, one thing to do."""
    try:
        if codes.read(code) != code:
            return redirect(url_for("scanning.device", code=codes.read(code)))
        return _in_hand(code)
    except Refusal as refusal:
        return _refused(refusal)


@bp.post("/scan/<code>")
@requires(Permission.DEVICE_SCAN)
def done(code: str) -> BaseResponse:
    """The step that the page showed is done."""
    form = forms.sent(request.form.get("station"))
    try:
        if not form.validate_on_submit():
            return _in_hand(codes.read(code), form)
        scan = form.to_scan(codes.read(code))
        result = intake.take(scan, intake.as_known(guard.actor()), guard.actor)
    except Refusal as refusal:
        if refusal.code is not Code.EVIDENCE_MISSING:
            return _refused(refusal)
        form.form_errors.append(word(str(refusal.facts["why"]), "evidence_fault"))
        return _in_hand(codes.read(code), form)
    flash(_said(scan, result), "wait" if result.outcome is Outcome.KEPT else "done")
    return redirect(url_for("scanning.desk"), 303)


@bp.get("/d/<code>")
@public("whoever holds a device may know what it is and that it was erased")
def passport(code: str) -> BaseResponse:
    """What the label's QR opens, for anyone."""
    try:
        read = codes.read(code)
        if read != code:
            return redirect(url_for("scanning.passport", code=read))
        with db.read() as session:
            facts = inventory.passport(session, read)
            held = _held_by_visitor(register.look(session, read).custodian_id)
    except Refusal as refusal:
        return pages.page("scanning/unknown.html", status=404, why=refusal.code)
    return pages.page("scanning/passport.html", passport=facts, held=held)


def _held_by_visitor(custodian_id: int | None) -> bool:
    who = guard.actor_or_none()
    return who is not None and who.can(Permission.DEVICE_SCAN) and who.organisation_id == custodian_id


def _desk(form: CodeForm, *, status: int = 200, refusal: Refusal | None = None) -> Response:
    with db.read() as session:
        last = queries.last_scans(session, guard.actor())
    refused = problem(refusal.code) if refusal else None
    step = refusal.facts.get("step") if refusal else None
    return pages.page("scanning/desk.html", status=status, form=form, last=last, refused=refused, step=step)


def _refused(refusal: Refusal) -> Response:
    """The reason and what to do about it, above a scan field that is ready for the next label."""
    return _desk(CodeForm(formdata=None), status=problems.STATUS[refusal.code], refusal=refusal)


def _in_hand(code: str, form: StepForm | None = None) -> Response:
    """The device's page; with a form that was sent, what is to be corrected in it."""
    with db.read() as session:
        found = queries.in_hand(session, guard.actor(), code)
        tool = queries.last_tool(session, guard.actor())
    status = 200 if form is None else 422
    if form is None and found.step is not None:
        form = forms.fresh(found.step, found.drives, tool)
    if form is not None and form.station.data != found.step:
        raise Refusal(Code.OUT_OF_STEP, step=found.step)
    return pages.page("scanning/device.html", status=status, device=found, form=form)


def _said(scan: Scan, result: Result) -> str:
    """What happened, and what next, in words."""
    made = word(scan.station or "", "step_done")
    this = word(result.category, "this")
    if result.outcome is Outcome.FINISHED:
        return str(_("%(done)s %(this)s est disponible.", done=made, this=this))
    if result.outcome is Outcome.PASSED and result.step:
        return f"{made} {word(result.step, 'step_next')}"
    if result.outcome is Outcome.KEPT:
        return str(
            ngettext(
                "C’est noté. Un disque n’est pas encore effacé. %(this)s reste à l’étape effacement. "
                "Recommencez, ou appelez l’encadrant.",
                "C’est noté. %(num)d disques ne sont pas encore effacés. %(this)s reste à l’étape effacement. "
                "Recommencez, ou appelez l’encadrant.",
                result.open_drives,
                this=this,
            )
        )
    return word(result.state or "", "at_rest")
