"""The scan desk, and the passport behind each label."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from bank import db
from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.identity import signin
from bank.inventory import codes, finding, register
from bank.inventory import queries as inventory
from bank.inventory.finding import Match
from bank.office import letterhead
from bank.scanning import forms, intake, queries, settings
from bank.scanning.actions import Scan
from bank.scanning.forms import CodeForm, InstallForm, StepForm, TellForm, UndoForm
from bank.scanning.queries import Asked, Result, Undoable
from bank.web import guard, pages, problems, words
from bank.web.forms import set_errors
from bank.web.guard import public, requires
from bank.web.words import word
from bank.workshops import actions as workshops
from bank.workshops import guides, rules
from bank.workshops.models import DANGERS
from bank.workshops.rules import Outcome

bp = Blueprint("scanning", __name__)
settings.on_desk(bp)


@bp.get("/scan")
@requires(Permission.DEVICE_SCAN)
def desk() -> Response:
    """The scan field, ready for the next label, and what was done just before."""
    return _desk(CodeForm(formdata=None))


@bp.post("/scan")
@requires(Permission.DEVICE_SCAN)
def look() -> BaseResponse:
    """A label was scanned: the device starts its route if it awaits it, then its step is shown. A badge that was
    scanned changes who works here.
    """
    form = CodeForm()
    if not form.validate_on_submit():
        return _desk(form, status=422)
    scanned = form.code.data or ""
    try:
        if signin.is_badge(scanned):
            return redirect(signin.change_badge(scanned), 303)
        scan = Scan(str(uuid4()), scanned, Asked.LOOK)
        found = intake.take_scanned(scan, intake.as_known(guard.actor()), guard.actor)
    except Refusal as refusal:
        return _elsewhere(scanned, refusal) or _refused(refusal)
    return redirect(url_for("scanning.device", code=found.code), 303)


@bp.post("/scan/help")
@requires(Permission.DEVICE_SCAN)
def call() -> BaseResponse:
    """Somebody at the desk, with nothing in hand, asks for help."""
    form = TellForm()
    if not form.validate_on_submit():
        raise Refusal(Code.BAD_REQUEST)
    with db.transaction() as session:
        workshops.ask_for_help(session, guard.actor())
    flash(_("Quelqu’un arrive. Restez là."), "info")
    return redirect(url_for("scanning.desk"), 303)


@bp.get("/scan/<code>")
@requires(Permission.DEVICE_SCAN)
def device(code: str) -> BaseResponse:
    """The device in hand: what it is, its step, one thing to do."""
    try:
        if codes.read(code) != code:
            return redirect(url_for("scanning.device", code=codes.read(code)))
        return _in_hand(code)
    except Refusal as refusal:
        return _elsewhere(code, refusal) or _refused(refusal)


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
        if not _blamed(form, refusal):
            return _refused(refusal)
        return _in_hand(codes.read(code), form)
    return _next(scan, result)


@bp.post("/scan/<code>/problem")
@requires(Permission.DEVICE_SCAN)
def problem(code: str) -> BaseResponse:
    """The step cannot be done, for a reason that the page offered."""
    try:
        scan, result = _told(code, Asked.PROBLEM)
    except Refusal as refusal:
        return _refused(refusal)
    return _next(scan, result)


@bp.post("/scan/<code>/undo")
@requires(Permission.DEVICE_SCAN)
def undo(code: str) -> BaseResponse:
    """The last scan of the device was a mistake."""
    form = UndoForm()
    if not form.validate_on_submit():
        return problems.answer(Refusal(Code.BAD_REQUEST))
    try:
        scan = form.to_scan(codes.read(code))
        result = intake.take(scan, intake.as_known(guard.actor()), guard.actor)
    except Refusal as refusal:
        return _refused(refusal)
    return _next(scan, result)


@bp.post("/scan/<code>/help")
@requires(Permission.DEVICE_SCAN)
def ask_help(code: str) -> BaseResponse:
    """Somebody asks for help with the device in hand, and goes on meanwhile."""
    try:
        _told(code, Asked.HELP)
    except Refusal as refusal:
        return _refused(refusal)
    flash(_("Quelqu’un arrive. Vous pouvez continuer."), "info")
    return redirect(url_for("scanning.device", code=codes.read(code)), 303)


@bp.post("/scan/<code>/danger")
@requires(Permission.DEVICE_SCAN)
def danger(code: str) -> BaseResponse:
    """The device in hand is dangerous: what to do at once is shown whatever becomes of the scan."""
    reason = request.form.get("reason", "")
    if reason not in DANGERS:
        return problems.answer(Refusal(Code.BAD_REQUEST))
    try:
        _told(code, Asked.DANGER)
    except Refusal as refusal:
        status = problems.STATUS[refusal.code]
        return pages.page(
            "scanning/device_danger.html", status=status, reason=reason, refused=words.problem(refusal.code)
        )
    return redirect(url_for("scanning.in_danger", code=codes.read(code), reason=reason), 303)


@bp.get("/scan/<code>/danger/<reason>")
@requires(Permission.DEVICE_SCAN)
def in_danger(code: str, reason: str) -> BaseResponse:
    """What to do at once about a danger that was told."""
    if reason not in DANGERS:
        raise Refusal(Code.NOT_FOUND)
    with db.read() as session:
        found = queries.in_hand(session, guard.actor(), codes.read(code))
    return pages.page("scanning/device_danger.html", reason=reason, device=found, refused=None)


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
        return _no_passport(code, refusal)
    return pages.page("scanning/passport.html", passport=facts, held=held, phone=_phone())


def _no_passport(code: str, refusal: Refusal) -> BaseResponse:
    """A label that is no device's. Only who works where it belongs is told more than what it is."""
    who, mine, once = guard.actor_or_none(), None, None
    if who is not None and who.can(Permission.DEVICE_SEE):
        mine = _place_or_blank(who, code, refusal)
        if refusal.code is Code.PLACE_LABEL and mine:
            return redirect(mine)
        with db.read() as session:
            once = finding.replaced(session, who, code)
    status = 200 if refusal.code is Code.PLACE_LABEL else 404
    return pages.page(
        "scanning/unknown.html", status=status, why=refusal.code, phone=_phone(), blank=mine, once=once
    )


def _place_or_blank(who: Actor, code: str, refusal: Refusal) -> str | None:
    """The page of a place, or of a blank label, that is the actor's to use; None where there is none."""
    with db.read() as session, suppress(Refusal):
        if refusal.code is Code.PLACE_LABEL:
            return url_for("places.show", place_id=finding.place(session, who, code).id)
        if refusal.code is Code.BLANK_LABEL and who.can(Permission.LABEL_PRINT):
            return url_for("sticking.blank", blank=finding.blank(session, who, code).code)
    return None


def _elsewhere(scanned: str, refusal: Refusal) -> BaseResponse | None:
    """The page for what was scanned and is no device's label that counts; None where the desk says it all."""
    actor = guard.actor()
    target = _place_or_blank(actor, scanned, refusal)
    if target:
        return redirect(target, 303)
    with db.read() as session:
        if refusal.code is Code.SEVERAL_MATCH:
            matches = finding.by_other_code(session, actor, scanned)
            return pages.page("scanning/which.html", status=409, matches=matches)
        once = finding.replaced(session, actor, scanned) if refusal.code is Code.VOID_LABEL else None
    if once is None:
        return None
    return _desk(CodeForm(formdata=None), status=problems.STATUS[refusal.code], refusal=refusal, once=once)


def _phone() -> str:
    """The number to call about a device that was found; empty where the bank has entered none."""
    with db.read() as session:
        number = letterhead.head(session).help
    return "" if number == letterhead.NOBODY else number


def _held_by_visitor(custodian_id: int | None) -> bool:
    who = guard.actor_or_none()
    return who is not None and who.can(Permission.DEVICE_SCAN) and who.organisation_id == custodian_id


def _desk(
    form: CodeForm, *, status: int = 200, refusal: Refusal | None = None, once: Match | None = None
) -> Response:
    with db.read() as session:
        last = queries.last_scans(session, guard.actor())
        undoable = queries.undoable(session, guard.actor())
    refused = words.problem(refusal.code) if refusal else None
    facts = refusal.facts if refusal else {}
    return pages.with_camera(
        pages.page(
            "scanning/desk.html",
            status=status,
            form=form,
            last=last,
            undoable=_undoable(undoable),
            refused=refused,
            step=facts.get("step"),
            blocked_by=facts.get("problem"),
            once=once,
            tell=TellForm(formdata=None),
        )
    )


def _refused(refusal: Refusal) -> Response:
    """The reason and what to do about it, above a scan field that is ready for the next label."""
    return _desk(CodeForm(formdata=None), status=problems.STATUS[refusal.code], refusal=refusal)


def _in_hand(code: str, form: StepForm | None = None) -> Response:
    """The device's page; with a form that was sent, what is to be corrected in it."""
    with db.read() as session:
        found = queries.in_hand(session, guard.actor(), code)
        tool = queries.last_tool(session, guard.actor())
        system = queries.last_system(session, guard.actor())
        undoable = queries.undoable(session, guard.actor())
        guide = guides.guide(session, guard.actor(), found.step)
    status = 200 if form is None else 422
    if form is None and found.step is not None:
        form = forms.fresh(found.step, found.drives, tool, system)
    if form is not None and form.station.data != found.step:
        raise Refusal(Code.OUT_OF_STEP, step=found.step)
    if isinstance(form, InstallForm):
        form.offer(pages.today_in_paris(db.utcnow()))
    return pages.with_camera(
        pages.page(
            "scanning/device.html",
            status=status,
            device=found,
            undoable=_undoable(undoable if undoable and undoable.code == found.code else None),
            form=form,
            functions=rules.FUNCTIONS[found.category],
            has_battery=found.category in rules.PORTABLE,
            reasons=rules.reasons(found.step),
            guide=guide,
            tell=lambda: TellForm(formdata=None, data={"station": found.step or ""}),
        )
    )


def _undoable(last: Undoable | None) -> dict[str, Any] | None:
    """The last scan with the form that takes it back."""
    return {"last": last, "form": UndoForm(formdata=None, data={"undoes": last.scan_id})} if last else None


def _blamed(form: StepForm, refusal: Refusal) -> bool:
    """Say at its field what the form must correct; False where it is nothing that the form can mend."""
    errors = refusal.facts.get("errors")
    if refusal.code is Code.EVIDENCE_MISSING:
        form.blame(refusal, word(str(refusal.facts["why"]), "evidence_fault"))
    elif refusal.code is Code.INVALID and isinstance(errors, dict):
        said = {
            name: [word(each, "device_identity_fault") for each in faults] for name, faults in errors.items()
        }
        set_errors(form, said)
    elif refusal.code is Code.ROW_TAKEN:
        form.form_errors.append(words.problem(refusal.code)[1])
    else:
        return False
    return True


def _told(code: str, asked: Asked) -> tuple[Scan, Result]:
    """What was said besides *done*, taken in. Raises Refusal."""
    form = TellForm()
    if not form.validate_on_submit():
        raise Refusal(Code.BAD_REQUEST)
    scan = form.to_scan(codes.read(code), asked)
    return scan, intake.take(scan, intake.as_known(guard.actor()), guard.actor)


def _next(scan: Scan, result: Result) -> BaseResponse:
    """What it came to, above a scan field that is ready for the next label."""
    said = _undone(result) if result.outcome is Outcome.UNDONE else _said(scan, result)
    flash(said, TONES.get(result.outcome, "done"))
    return redirect(url_for("scanning.desk"), 303)


TONES = {Outcome.KEPT: "wait", Outcome.BLOCKED: "wait", Outcome.SENT_BACK: "wait", Outcome.NOTHING: "info"}


def _undone(result: Result) -> str:
    now = word(result.step, "step_again") if result.step else word(result.state or "", "at_rest_again")
    return str(_("C’est annulé. %(now)s", now=now))


def _said(scan: Scan, result: Result) -> str:
    """What happened, and what next, in words."""
    made = word(scan.station or "", "step_done") if scan.station else ""
    this = word(result.category, "this")
    if result.outcome is Outcome.FINISHED:
        return str(_("%(done)s %(this)s est disponible.", done=made, this=this))
    if result.outcome is Outcome.PASSED and result.step:
        return f"{made} {word(result.step, 'step_next')}"
    if result.outcome is Outcome.SENT_BACK and result.step:
        return str(_("C’est noté. %(next)s", next=word(result.step, "step_next")))
    if result.outcome is Outcome.BLOCKED and result.problem:
        why = word(result.problem, "problem")
        why = why[:1].lower() + why[1:]
        return str(_("C’est noté : %(why)s. Portez-le à l’étagère des bloqués.", why=why))
    if result.outcome is Outcome.KEPT:
        return _kept(result, this)
    return word(result.state or "", "at_rest")


def _kept(result: Result, this: str) -> str:
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
