"""Scanning in series: the step is chosen once, then each scan is that step done; and the scanner's own set-up."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.identity import signin
from bank.inventory import codes
from bank.inventory.models import StepKind
from bank.office import symbols
from bank.scanning import client, intake, settings
from bank.scanning.actions import Scan
from bank.scanning.forms import CodeForm, TellForm
from bank.scanning.queries import Asked, Result
from bank.web import guard, pages, problems, words
from bank.web.guard import requires
from bank.web.words import word
from bank.workshops.rules import Outcome

bp = Blueprint("series", __name__)
settings.on_desk(bp)
bp.app_template_global("desk_data")(client.data)

# Signs whose keys move between keyboards, both cases, all digits: what comes of it tells how a scanner is set.
TRIAL = "Aq:/Zw.Mm-0123456789"


@bp.get("/scan/series")
@requires(Permission.DEVICE_SCAN)
def choose() -> Response:
    """Which step is done to many things, one after the other."""
    return pages.with_camera(pages.page("scanning/series_choose.html", steps=client.PLAIN))


@bp.get("/scan/series/<step>")
@requires(Permission.DEVICE_SCAN)
def show(step: str) -> Response:
    """The scan field: each scan is this step done."""
    return _page(_plain(step), CodeForm(formdata=None))


@bp.post("/scan/series/<step>")
@requires(Permission.DEVICE_SCAN)
def take(step: str) -> BaseResponse:
    """One scan, where the page cannot send it by itself."""
    kind, form = _plain(step), CodeForm()
    if not form.validate_on_submit():
        return _page(kind, form, status=422)
    scanned = form.code.data or ""
    try:
        if signin.is_badge(scanned):
            return redirect(signin.change_badge(scanned), 303)
        made = Scan(_scan_id(form), codes.read(scanned), Asked.DONE, kind)
        result = intake.take(made, intake.as_known(guard.actor()), guard.actor)
    except Refusal as refusal:
        return _page(
            kind, CodeForm(formdata=None), status=problems.STATUS[refusal.code], refused=_said(refusal)
        )
    flash(_came_to(kind, result), "info" if result.outcome is Outcome.NOTHING else "done")
    return redirect(url_for("series.show", step=kind), 303)


@bp.get("/scan/setup")
@requires(Permission.DEVICE_SCAN)
def setup() -> Response:
    """A code to try a scanner on: the page says how it is set, and what to change."""
    return pages.page(
        "scanning/setup.html",
        qr=symbols.qr(TRIAL),
        bars=symbols.code128(TRIAL),
        trial={"text": TRIAL, "words": words.vocabulary("scanner")},
    )


def _plain(step: str) -> StepKind:
    """The step, if one scan is the whole of it. Raises Refusal(not-found)."""
    found = next((each for each in client.PLAIN if each == step), None)
    if found is None:
        raise Refusal(Code.NOT_FOUND)
    return found


def _scan_id(form: CodeForm) -> str:
    """The form's key is the scan's name: a double click is one scan. Raises Refusal(bad-request)."""
    try:
        return str(UUID(form.idempotency_key.data))
    except (ValueError, TypeError, AttributeError) as error:
        raise Refusal(Code.BAD_REQUEST) from error


def _came_to(step: StepKind, result: Result) -> str:
    if result.outcome is Outcome.NOTHING:
        return word(result.state or "", "at_rest")
    return f"{word(step, 'step_done')} {word(result.step, 'step_next') if result.step else ''}".strip()


def _said(refusal: Refusal) -> tuple[str, str]:
    title, detail = words.problem(refusal.code)
    step: Any = refusal.facts.get("step")
    return title, f"{detail} {word(step, 'step_next')}" if step else detail


def _page(
    step: StepKind, form: CodeForm, *, status: int = 200, refused: tuple[str, str] | None = None
) -> Response:
    return pages.with_camera(
        pages.page(
            "scanning/series.html",
            status=status,
            form=form,
            step=step,
            refused=refused,
            tell=TellForm(formdata=None),
            title=_("À la chaîne"),
        )
    )
