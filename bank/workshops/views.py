"""Pages of the supervisor: the board, and one device to decide about."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime

from flask import Blueprint
from flask_babel import format_timedelta
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bank import db, work
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.inventory import codes, register
from bank.inventory.models import StepKind
from bank.web import guard, pages
from bank.web.forms import Form
from bank.web.guard import requires
from bank.web.words import problem, word
from bank.workshops import actions, exits, forms
from bank.workshops import board as reads
from bank.workshops.board import Case
from bank.workshops.exits import Exit
from bank.workshops.forms import DrivesForm, ExitForm, ResumeForm, SendBackForm

bp = Blueprint("workshops", __name__)


@bp.app_template_filter("age")
def age(moment: datetime) -> str:
    """How long ago, roughly: `3 jours`."""
    return str(format_timedelta(utcnow() - moment, granularity="minute"))


@bp.get("/workshop")
@requires(Permission.WORKSHOP_RUN)
def board() -> Response:
    """Who needs help, what is dangerous, what is blocked, how much waits where."""
    with db.read() as session:
        found = reads.board(session, guard.actor())
    return pages.page("workshops/board.html", board=found, form=ResumeForm(formdata=None))


@bp.post("/workshop/help/<int:call_id>")
@requires(Permission.WORKSHOP_RUN)
def answer_help(call_id: int) -> Response:
    """Somebody goes."""
    with db.transaction() as session:
        actions.answer_help(session, guard.actor(), call_id)
    return pages.done("workshops.board", said=_("C’est noté : vous y allez."))


@bp.get("/workshop/devices/<code>")
@requires(Permission.WORKSHOP_RUN)
def decide(code: str) -> Response:
    """One device: what stops it, and what can be decided."""
    return _decision(code)


@bp.post("/workshop/devices/<code>/resume")
@requires(Permission.WORKSHOP_RUN)
def resume(code: str) -> Response:
    """What stopped it is settled: it goes on at the same step."""
    _resolved(code, None)
    return pages.done("workshops.board", said=_("%(code)s reprend à la même étape.", code=code))


@bp.post("/workshop/devices/<code>/send-back")
@requires(Permission.WORKSHOP_RUN)
def send_back(code: str) -> Response:
    """It goes to another step of its route."""
    with db.read() as session:
        case = reads.case(session, guard.actor(), code)
    form = SendBackForm(case.steps)
    if not form.validate():
        return _decision(code, form)
    step = StepKind(form.step.data)
    _resolved(code, step)
    return pages.done(
        "workshops.board", said=_("%(code)s va à l’étape : %(step)s.", code=code, step=word(step, "step"))
    )


def _resolved(code: str, step: StepKind | None) -> None:
    actor = guard.actor()
    with db.transaction() as session:
        register.retried(
            lambda: actions.resolve(session, actor, register.look(session, codes.read(code)), step)
        )


@bp.get("/workshop/devices/<code>/exits/<exit>")
@requires(Permission.WORKSHOP_RUN)
def exit_form(code: str, exit: str) -> Response:  # noqa: A002  (the address' own word)
    """Why it leaves its route."""
    case, which = _case(code, exit)
    return _exit_page(case, ExitForm(which, drives_open=case.device.open_drives > 0))


@bp.post("/workshop/devices/<code>/exits/<exit>")
@requires(Permission.WORKSHOP_RUN)
def leave(code: str, exit: str) -> Response:  # noqa: A002
    """It leaves its route, or comes back to it."""
    case, which = _case(code, exit)
    actor, form = guard.actor(), ExitForm(which, drives_open=case.device.open_drives > 0)
    if not form.validate():
        return _exit_page(case, form, status=422)
    leaving = form.to_leaving()
    content = ["device.exit", case.device.code, asdict(leaving)]
    try:
        _once(form, content, lambda session: exits.leave(session, actor, code, leaving).code)
    except Refusal as refusal:
        if refusal.code is not Code.DRIVES_OPEN:
            raise
        form.form_errors.append(problem(refusal.code)[1])
        return _exit_page(case, form, status=422)
    return pages.done("workshops.board", said=word(which, "exit_said"))


@bp.get("/workshop/devices/<code>/drives")
@requires(Permission.WORKSHOP_RUN)
def drives_form(code: str) -> Response:
    """What became of its drives."""
    case, _which = _case(code)
    return _drives_page(case, DrivesForm())


@bp.post("/workshop/devices/<code>/drives")
@requires(Permission.WORKSHOP_RUN)
def take_out(code: str) -> Response:
    """Its drives were taken out, destroyed, or never there."""
    case, _which = _case(code)
    actor, form = guard.actor(), DrivesForm()
    if not form.validate():
        return _drives_page(case, form, status=422)
    fate = form.to_fate()
    try:
        content = ["device.drives", case.device.code, fate]
        _once(form, content, lambda session: exits.take_out(session, actor, code, fate).code)
    except Refusal as refusal:
        if refusal.code is not Code.INVALID:
            raise
        forms.tell(form, refusal.facts.get("errors"))
        return _drives_page(case, form, status=422)
    return pages.done("workshops.decide", code=case.device.code, said=_("C’est noté pour les disques."))


def _once(form: Form, content: Sequence[object], make: Callable[[Session], str]) -> None:
    actor: Actor = guard.actor()
    with db.transaction() as session:
        work.once(session, actor, form.idempotency_key.data, content, lambda: make(session))


def _case(code: str, exit_name: str | None = None) -> tuple[Case, Exit]:
    """The device, and what is meant to be done with it. Raises Refusal(not-found)."""
    if exit_name is not None and exit_name not in set(Exit):
        raise Refusal(Code.NOT_FOUND)
    with db.read() as session:
        case = reads.case(session, guard.actor(), code)
    if not case.held:
        raise Refusal(Code.OTHER_CUSTODIAN)
    return case, Exit(exit_name or Exit.LOSE)


def _decision(code: str, form: SendBackForm | None = None) -> Response:
    with db.read() as session:
        case = reads.case(session, guard.actor(), code)
    offered = exits.offered(case.device.state) if case.held else ()
    status = 200 if form is None else 422
    return pages.page(
        "workshops/decide.html",
        case=case,
        exits=[each for each in offered if each is not Exit.RETURN_TO_DONOR or case.donor_known],
        form=form or SendBackForm(case.steps),
        status=status,
    )


def _exit_page(case: Case, form: ExitForm, *, status: int = 200) -> Response:
    return pages.page("workshops/exit.html", case=case, form=form, exit=form.exit, status=status)


def _drives_page(case: Case, form: DrivesForm, *, status: int = 200) -> Response:
    return pages.page("workshops/drives.html", case=case, form=form, status=status)
