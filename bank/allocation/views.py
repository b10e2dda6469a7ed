"""The room's pages: requests, one request with what can be done about it."""

import re

from flask import Blueprint, Response, request
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from bank import db, work
from bank.actor import Permission
from bank.allocation import actions, offers, queries, words
from bank.allocation.forms import AllocateForm, ReleaseForm, RequestForm
from bank.allocation.models import RequestState
from bank.allocation.queries import ProgrammeOption, RequestFacts, RequestFilter
from bank.errors import Code, Refusal
from bank.web import guard, pages
from bank.web.guard import requires
from bank.web.problems import STATUS
from bank.web.words import problem

bp = Blueprint("allocation", __name__)

CURSOR_FORM = re.compile(r"[0-9]{1,18}")

# Not an answer to what was typed, but to who types it or to which page it is: these are pages of their own.
NOT_OF_THE_FORM = frozenset({Code.NOT_FOUND, Code.NOT_ALLOWED, Code.IDEMPOTENCY_KEY_MISSING})


@bp.get("/requests")
@requires(Permission.REQUEST_SEE)
def requests() -> Response:
    """The requests that this person follows, answers or hands over."""
    actor, wanted = guard.actor(), _wanted()
    with db.read() as session:
        page = queries.listed(session, actor, wanted)
        programmes = queries.programme_codes(session, actor)
    return pages.page(
        "allocation/requests.html", page=page, wanted=wanted, programmes=programmes, states=RequestState
    )


@bp.route("/requests/new", methods=["GET", "POST"])
@requires(Permission.REQUEST_MAKE)
def new() -> BaseResponse:
    """Ask: choose a programme, then say what for."""
    actor = guard.actor()
    with db.read() as session:
        options = queries.options(session, actor)
    option = _chosen(options)
    if option is None:
        return pages.page("allocation/choose.html", options=options)
    form = RequestForm.under(option)
    if not form.validate_on_submit():
        return _form(form, option, several=len(options) > 1)
    try:
        ref = _make(form, option)
    except Refusal as refusal:
        if refusal.code in NOT_OF_THE_FORM:
            raise
        form.explain(refusal)
        return _form(form, option, several=len(options) > 1)
    return pages.done("allocation.show", ref=ref, said=gettext("Demande %(ref)s enregistrée.", ref=ref))


@bp.get("/requests/<ref>")
@requires(Permission.REQUEST_SEE)
def show(ref: str) -> Response:
    """Where a request stands, and what this person can do about it."""
    return _page(ref)


@bp.post("/requests/<ref>/allocations")
@requires(Permission.REQUEST_ALLOCATE)
def allocate(ref: str) -> BaseResponse:
    """Promise a device to the request."""
    actor, form = guard.actor(), AllocateForm()
    if not form.validate_on_submit():
        return _page(ref, refusal=Refusal(Code.BAD_CODE))
    device = form.device.data or ""
    content = {"allocate": ref, "device": device}
    try:
        with db.transaction() as session:
            work.once(
                session,
                actor,
                form.idempotency_key.data,
                content,
                lambda: str(actions.allocate(session, actor, ref, device)),
            )
    except Refusal as refusal:
        if refusal.code in NOT_OF_THE_FORM:
            raise
        return _page(ref, refusal=refusal)
    return pages.done("allocation.show", ref=ref, said=gettext("Matériel réservé pour cette demande."))


@bp.post("/requests/<ref>/release")
@requires(Permission.REQUEST_ALLOCATE)
def release(ref: str) -> BaseResponse:
    """Take a promised device back."""
    actor, form = guard.actor(), ReleaseForm()
    if not form.validate_on_submit():
        return _page(ref, refusal=Refusal(Code.BAD_CODE))
    with db.transaction() as session:
        actions.release(session, actor, ref, form.device.data or "")
    return pages.done(
        "allocation.show", ref=ref, said=gettext("Matériel libéré. La demande attend de nouveau.")
    )


def _wanted() -> RequestFilter:
    state, programme, cursor = (request.args.get(name, "") for name in ("state", "programme", "cursor"))
    return RequestFilter(
        state=RequestState(state) if state in set(RequestState) else None,
        programme=programme if queries.CODE_FORM.fullmatch(programme) else None,
        cursor=int(cursor) if CURSOR_FORM.fullmatch(cursor) else None,
    )


def _chosen(options: list[ProgrammeOption]) -> ProgrammeOption | None:
    code = request.args.get("programme")
    if code is None and len(options) == 1:
        return options[0]
    return next((option for option in options if option.code == code), None)


def _form(form: RequestForm, option: ProgrammeOption, *, several: bool) -> Response:
    status = 422 if form.is_submitted() else 200
    return pages.page(
        "allocation/new.html", form=form, option=option, several=several, today=queries.today(), status=status
    )


def _make(form: RequestForm, option: ProgrammeOption) -> str:
    actor, new = guard.actor(), form.asked(option)
    with db.transaction() as session:
        return work.once(
            session,
            actor,
            form.idempotency_key.data,
            ["request", vars(new)],
            lambda: actions.make_request(session, actor, new),
        )


def _page(ref: str, *, refusal: Refusal | None = None) -> Response:
    """The page of a request; with what was refused."""
    actor = guard.actor()
    with db.read() as session:
        asked = queries.find(session, actor, ref)
        choosing = actor.can(Permission.REQUEST_ALLOCATE) and asked.state is RequestState.OPEN
        wanting = [line.category for line in asked.lines if line.missing] if choosing else []
        candidates = [
            each for category in wanting for each in offers.candidates(session, actor, asked, category)
        ]
    status = STATUS[refusal.code] if refusal else 200
    return pages.page(
        "allocation/show.html",
        status=status,
        asked=asked,
        choosing=choosing,
        candidates=candidates,
        allocate_form=AllocateForm(formdata=None),
        release_form=ReleaseForm(formdata=None),
        at_counter=_at_counter(asked),
        refused=_sentences(refusal) if refusal else None,
        obstacle=words.obstacle,
    )


def _at_counter(asked: RequestFacts) -> bool:
    """Whether this person's desk holds everything that was promised."""
    actor = guard.actor()
    at_hand = asked.state is RequestState.ALLOCATED and asked.held_by(actor.organisation_id)
    return at_hand and actor.can(Permission.HANDOVER_MAKE)


def _sentences(refusal: Refusal) -> tuple[str, list[str]]:
    """The title of a refusal and what it says: the reasons where it gives some."""
    title, detail = problem(refusal.code)
    reasons, article = refusal.facts.get("reasons"), refusal.facts.get("article")
    if not isinstance(reasons, list):
        return title, [detail]
    return title, [words.obstacle(reason, str(article or "")) for reason in reasons]
