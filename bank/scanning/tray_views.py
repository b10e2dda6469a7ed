"""Pages of a tray: choose what to do, fill it by scanning, act once, take it back."""

from collections.abc import Sequence
from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from bank import db
from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.scanning import settings, tray_intake, trays
from bank.scanning.tray_forms import FORMS, PutForm, ShipForm, TrayForm, UndoTrayForm
from bank.scanning.tray_schemas import CheckSchema, line_body
from bank.scanning.trays import MAY, Line, Tray, TrayAction
from bank.web import guard, pages, problems, words
from bank.web.guard import requires, takes_json
from bank.workshops import shipment_queries

bp = Blueprint("trays", __name__)
settings.on_desk(bp)

CHECK = CheckSchema()
# What an address carries of labels to print.
LABELS_MOST = 200


@bp.get("/scan/tray")
@requires(Permission.DEVICE_SCAN)
def choose() -> Response:
    """What is to be done with many things at once."""
    actor = guard.actor()
    return pages.page(
        "scanning/tray_choose.html", actions=[each for each in TrayAction if actor.can(MAY[each])]
    )


@bp.get("/scan/tray/<action>")
@requires(Permission.DEVICE_SCAN)
def show(action: str) -> Response:
    """An empty tray."""
    what = _action(action)
    return _page(what, _form(what, fresh=True))


@bp.post("/scan/tray/check")
@takes_json
@requires(Permission.DEVICE_SCAN)
def check() -> Response:
    """Whether one thing can be acted on, told at once; nothing is written. Without a thing, where things go."""
    actor = guard.actor()
    tray, code = _asked(request.get_json())
    with db.read() as session:
        where = trays.must_be_whole(session, actor, tray)
        line = trays.check(session, actor, tray, code) if code else None
    return jsonify({"where": where, "line": line_body(line) if line else None})


def _asked(sent: Any) -> tuple[Tray, str | None]:
    """Raises Refusal(invalid)."""
    try:
        return CHECK.load(sent)  # type: ignore[no-any-return]  # what the schema makes
    except ma.ValidationError as error:
        raise Refusal(Code.INVALID, errors=error.messages_dict) from error


@bp.post("/scan/tray/undo")
@requires(Permission.DEVICE_SCAN)
def undo() -> BaseResponse:
    """Take a whole tray back; what has moved on since is told."""
    form = UndoTrayForm()
    if not form.validate_on_submit():
        raise Refusal(Code.BAD_REQUEST)
    tray, said = form.to_tray(), tray_intake.distinct(form.said())
    whole = tray_intake.undo(guard.actor(), tray, said)
    return pages.page("scanning/tray_result.html", whole=whole, undone=True, undo_form=None, action=None)


@bp.post("/scan/tray/<action>")
@requires(Permission.DEVICE_SCAN)
def act(action: str) -> BaseResponse:
    """Check the tray, or act on all that it holds: each thing by itself."""
    what = _action(action)
    form = _form(what)
    if not form.validate_on_submit():
        return _page(what, form, status=422)
    try:
        said = tray_intake.distinct(form.said())
        tray = form.to_tray(what)
        lines = tray_intake.check(guard.actor(), tray, said)
        if form.then.data != "act":
            return _checked(what, form, lines)
        return _acted(tray, lines, said)
    except Refusal as refusal:
        if not _blame(form, refusal):
            raise
        return _page(what, form, status=422)


def _acted(tray: Tray, lines: Sequence[Line], said: Sequence[str]) -> BaseResponse:
    ready = [line for line in lines if line.ok]
    if tray.action is TrayAction.LABELS:
        devices = [line.code for line in ready][:LABELS_MOST]
        return redirect(url_for("labels.asking", device=devices), 303)
    if tray.action is TrayAction.HAND_OVER:
        if not ready:
            raise Refusal(Code.INVALID, errors={"codes": ["none-can"]})
        return redirect(url_for("desk.counter", ref=ready[0].request), 303)
    whole = tray_intake.act(guard.actor(), tray, said)
    done = [each.line.code for each in whole.acted if each.result]
    form = UndoTrayForm(formdata=None, data={"tray": tray.name, "codes": " ".join(map(str, done))})
    return pages.page(
        "scanning/tray_result.html",
        whole=whole,
        undone=False,
        undo_form=form if done else None,
        action=tray.action,
    )


def _checked(what: TrayAction, form: TrayForm, lines: Sequence[Line]) -> Response:
    """The tray as it is; without those that cannot, where that was asked."""
    if form.then.data == "drop":
        lines = [line for line in lines if line.ok]
        form.codes.data = "\n".join(line.said for line in lines)
    return _page(what, form, lines=lines)


def _action(name: str) -> TrayAction:
    """Raises Refusal(not-found, not-allowed)."""
    if name not in set(TrayAction):
        raise Refusal(Code.NOT_FOUND)
    what = TrayAction(name)
    guard.actor().must(MAY[what])
    return what


def _form(what: TrayAction, *, fresh: bool = False) -> TrayForm:
    form = FORMS[what](formdata=None) if fresh else FORMS[what]()
    if isinstance(form, ShipForm):
        with db.read() as session:
            form.offer(shipment_queries.receivers(session, guard.actor()))
    return form


def _blame(form: TrayForm, refusal: Refusal) -> bool:
    """Say at its field what the form must correct; False where it is nothing that the form can mend."""
    errors = refusal.facts.get("errors")
    if refusal.code is Code.NOT_FOUND and isinstance(form, PutForm):
        form.place.errors = [_("Cette étiquette n’est pas celle d’un de vos emplacements.")]
    elif refusal.code is Code.INVALID and isinstance(errors, dict):
        for name in errors:
            field = getattr(form, name, form.codes)
            field.errors = [
                *field.errors,
                words.word("none-can" if name == "codes" else "needed", "tray_fault"),
            ]
    else:
        return False
    return True


def _page(what: TrayAction, form: TrayForm, *, lines: Sequence[Line] = (), status: int = 200) -> Response:
    form.then.data = "check"
    return pages.with_camera(
        pages.page(
            "scanning/tray.html",
            status=status,
            action=what,
            form=form,
            lines=lines,
            blocked=sum(not line.ok for line in lines),
            request_ref=next((line.request for line in lines if line.request), None),
        )
    )


@bp.app_template_filter("refused")
def refused(refusal: Refusal) -> dict[str, Any]:
    """A refusal in words: its title, what to do, and what it is about."""
    title, detail = words.problem(refusal.code)
    return {
        "title": title,
        "detail": detail,
        "step": refusal.facts.get("step"),
        "problem": refusal.facts.get("problem"),
        "status": problems.STATUS[refusal.code],
    }
