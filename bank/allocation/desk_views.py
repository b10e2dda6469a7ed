"""The counter's pages: who is awaited, an appointment, a hand-over with its papers, a device that comes back."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from bank import db, work
from bank.actor import Permission
from bank.allocation import counter, desk_queries, handovers, looks, papers, queries
from bank.allocation.counter import NewHandover, Tick
from bank.allocation.desk_forms import AppointmentForm, ComeBackForm, FindForm, HandoverForm
from bank.allocation.desk_queries import Appointment
from bank.allocation.models import AllocationState, RequestState, Signature
from bank.allocation.queries import RequestFacts
from bank.errors import Code, Refusal
from bank.office import documents
from bank.web import guard, pages
from bank.web.guard import requires
from bank.web.words import word

bp = Blueprint("desk", __name__)

# What the counter can put right: scan again, count again.
OF_THE_COUNTER = frozenset(
    {Code.INVALID, Code.BAD_CODE, Code.GLUED_CODES, Code.OTHER_CUSTODIAN, Code.PAYMENT_MISMATCH}
)
OF_THE_LABEL = frozenset(
    {
        Code.BAD_CODE,
        Code.GLUED_CODES,
        Code.UNKNOWN_LABEL,
        Code.VOID_LABEL,
        Code.BLANK_LABEL,
        Code.ILLEGAL_MOVE,
        Code.NOT_FOUND,
    }
)


@dataclass(frozen=True)
class _Counter:
    """A request at the counter, with its appointment."""

    asked: RequestFacts
    appointment: Appointment

    @property
    def at_hand(self) -> bool:
        """Whether this counter holds everything that was promised, and nothing was handed over yet."""
        return self.asked.state is RequestState.ALLOCATED and self.asked.held_by(
            guard.actor().organisation_id
        )

    def form(self, *, fresh: bool = False) -> HandoverForm:
        """The form for this request."""
        return HandoverForm.of(self.asked, has_slip=self.appointment.slip_code is not None, fresh=fresh)


@bp.get("/desk")
@requires(Permission.HANDOVER_MAKE)
def desk() -> Response:
    """Who is awaited, and a field for whatever code they bring."""
    return _desk(FindForm(formdata=None))


@bp.post("/desk")
@requires(Permission.HANDOVER_MAKE)
def find() -> BaseResponse:
    """Go to what the code leads to."""
    form = FindForm()
    if not form.validate_on_submit():
        return _desk(form, status=422)
    try:
        with db.read() as session:
            found = desk_queries.find(session, guard.actor(), form.code.data or "")
    except Refusal as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
        form.code.errors = [
            gettext("Rien ici ne porte ce code. Vérifiez-le, ou cherchez dans la liste ci-dessous.")
        ]
        return _desk(form, status=422)
    if found.handover_ref:
        return redirect(url_for("desk.handover", ref=found.handover_ref), 303)
    return redirect(url_for("desk.counter", ref=found.request_ref), 303)


@bp.get("/requests/<ref>/appointment")
@requires(Permission.REQUEST_SEE)
def appointment(ref: str) -> Response:
    """When and where a request is handed over, its slip to print; for those who may, a form to set it."""
    with db.read() as session:
        facts = desk_queries.appointment(session, guard.actor(), ref)
    return _appointment(facts, AppointmentForm.of(facts, fresh=True))


@bp.post("/requests/<ref>/appointment")
@requires(Permission.APPOINTMENT_SET)
def appoint(ref: str) -> BaseResponse:
    """Set the appointment, or move it."""
    actor = guard.actor()
    with db.read() as session:
        facts = desk_queries.appointment(session, actor, ref)
    form = AppointmentForm.of(facts)
    if not form.validate_on_submit():
        return _appointment(facts, form, status=422)
    try:
        with db.transaction() as session:
            handovers.appoint(session, actor, form.made(facts.ref))
    except Refusal as refusal:
        if refusal.code is not Code.INVALID:
            raise
        form.explain(refusal)
        return _appointment(facts, form, status=422)
    return pages.done(
        "desk.appointment", ref=facts.ref, said=gettext("Rendez-vous enregistré. Imprimez le bon de retrait.")
    )


@bp.get("/requests/notice.pdf")
@requires(Permission.REQUEST_SEE)
def notice() -> Response:
    """The information notice, to give to the person for whom one asks."""
    with db.read() as session:
        facts = papers.notice(session, guard.actor())
    return pages.pdf(documents.notice(facts), "notice.pdf")


@bp.get("/requests/<ref>/slip.pdf")
@requires(Permission.REQUEST_SEE)
def slip(ref: str) -> Response:
    """The slip to bring to the counter."""
    with db.read() as session:
        facts = papers.slip(session, guard.actor(), ref)
    return pages.pdf(documents.slip(facts), f"bon-{ref}.pdf")


@bp.get("/requests/<ref>/handover", endpoint="counter")
@requires(Permission.HANDOVER_MAKE)
def show(ref: str) -> BaseResponse:
    """What is to be scanned, paid and signed."""
    looks.opened(guard.actor(), ref)
    at = _at_counter(ref)
    if at.asked.handover_ref:
        return redirect(url_for("desk.handover", ref=at.asked.handover_ref), 303)
    return _counter(at, at.form(fresh=True), Tick(()))


@bp.post("/requests/<ref>/handover/scan")
@requires(Permission.HANDOVER_MAKE)
def scan(ref: str) -> Response:
    """Tick a device. Nothing is written: what was ticked, and typed, comes back with the page."""
    at = _at_counter(ref)
    form = at.form()
    tick = form.tick(at.asked)
    if request.headers.get("HX-Request"):
        return pages.page("allocation/scanned.html", at=at, form=form, **_said(at, tick))
    return _counter(at, form, tick)


@bp.post("/requests/<ref>/handover")
@requires(Permission.HANDOVER_MAKE)
def hand_over(ref: str) -> BaseResponse:
    """Give the devices to whom they are for."""
    at = _at_counter(ref)
    form = at.form()
    tick = form.tick(at.asked)
    if not form.validate_on_submit():
        return _counter(at, form, tick, status=422)
    try:
        handover_ref = _make(form, form.made(at.asked.ref))
    except Refusal as refusal:
        if refusal.code not in OF_THE_COUNTER:
            raise
        form.explain(refusal)
        return _counter(at, form, tick, status=422)
    return pages.done("desk.handover", ref=handover_ref, said=gettext("Remise enregistrée."))


@bp.get("/handovers/<ref>")
@requires(Permission.REQUEST_SEE)
def handover(ref: str) -> Response:
    """What was handed over, its receipt to print, and what to do when a device comes back."""
    return _handover(ref)


@bp.get("/handovers/<ref>/receipt.pdf")
@requires(Permission.REQUEST_SEE)
def receipt(ref: str) -> Response:
    """The paper of a hand-over."""
    with db.read() as session:
        facts = papers.receipt(session, guard.actor(), ref)
    return pages.pdf(documents.receipt(facts), f"recu-{ref}.pdf")


@bp.post("/handovers/<ref>/come-back")
@requires(Permission.HANDOVER_MAKE)
def come_back(ref: str) -> BaseResponse:
    """Take a device back."""
    actor = guard.actor()
    with db.read() as session:
        lent = desk_queries.due_on(session, actor, ref) is not None
    form = ComeBackForm.of(lent=lent)
    if not form.validate_on_submit():
        return _handover(ref, form, status=422)
    code, reason = form.device.data or "", form.reason.data
    try:
        with db.transaction() as session:
            # The address names a hand-over: one that is not the actor's is not found, whatever the device.
            queries.find_handover(session, actor, ref)
            content = ["come-back", ref, code, reason]
            key = form.idempotency_key.data
            ref = work.once(
                session, actor, key, content, lambda: handovers.take_back(session, actor, code, reason)
            )
    except Refusal as refusal:
        if refusal.code not in OF_THE_LABEL:
            raise
        form.explain(refusal)
        return _handover(ref, form, status=422)
    said = gettext("Appareil repris. Il repart à l’atelier : ses données seront effacées.")
    return pages.done("desk.handover", ref=ref, said=said)


def _at_counter(ref: str) -> _Counter:
    actor = guard.actor()
    with db.read() as session:
        return _Counter(queries.find(session, actor, ref), desk_queries.appointment(session, actor, ref))


def _make(form: HandoverForm, made: NewHandover) -> str:
    actor = guard.actor()
    if made.signature is Signature.CODE:
        with db.transaction() as session:
            handovers.count_try(session, actor, made.request_ref, made.pin)
    with db.transaction() as session:
        return work.once(
            session,
            actor,
            form.idempotency_key.data,
            ["handover", vars(made)],
            lambda: handovers.hand_over(session, actor, made),
        )


def _desk(form: FindForm, status: int = 200) -> Response:
    with db.read() as session:
        awaiting = desk_queries.awaiting(session, guard.actor())
    return pages.page(
        "allocation/desk.html", form=form, awaiting=awaiting, today=queries.today(), status=status
    )


def _appointment(facts: Appointment, form: AppointmentForm, status: int = 200) -> Response:
    return pages.page(
        "allocation/appointment.html", facts=facts, form=form, today=queries.today(), status=status
    )


def _counter(at: _Counter, form: HandoverForm, tick: Tick, status: int = 200) -> Response:
    return pages.page("allocation/counter.html", at=at, form=form, status=status, **_said(at, tick))


def _said(at: _Counter, tick: Tick) -> dict[str, Any]:
    """What the last scan came to, in words, and whether everything is ticked."""
    sentence = word(tick.came_to, "ticked") % {"code": tick.code} if tick.came_to else ""
    return {
        "tick": tick,
        "sentence": sentence,
        "complete": len(tick.ticked) == len(at.asked.allocations),
        "width": counter.FIELD_WIDTH,
        "height": counter.FIELD_HEIGHT,
    }


def _handover(ref: str, form: ComeBackForm | None = None, status: int = 200) -> Response:
    actor = guard.actor()
    with db.read() as session:
        facts = queries.find_handover(session, actor, ref)
        due = desk_queries.due_on(session, actor, ref)
    given = any(line.state is AllocationState.HANDED_OVER for line in facts.lines)
    if given and actor.can(Permission.HANDOVER_MAKE):
        form = form or ComeBackForm.of(lent=due is not None, fresh=True)
    else:
        form = None
    return pages.page("allocation/handover.html", facts=facts, due=due, come_back_form=form, status=status)
