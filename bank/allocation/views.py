"""The room's pages: ask, find, follow, choose what answers a request."""

import re

from flask import Blueprint, Response, request
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from bank import db, work
from bank.actor import Permission
from bank.allocation import actions, looks, offers, queries, words
from bank.allocation.actions import Allotment
from bank.allocation.forms import AllocateForm, CancelForm, FindForm, ReleaseForm, RequestForm
from bank.allocation.models import RequestState
from bank.allocation.offers import PriceLine
from bank.allocation.queries import Found, ProgrammeOption, RequestFacts, RequestFilter
from bank.errors import Code, Refusal
from bank.inventory.models import Category
from bank.web import guard, pages
from bank.web.guard import requires
from bank.web.problems import STATUS
from bank.web.words import problem, word

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


# ---- asking ----


@bp.route("/requests/new", methods=["GET", "POST"])
@requires(Permission.REQUEST_MAKE)
def new() -> BaseResponse:
    """Ask: choose a programme, say what for; a structure sees the price before it sends."""
    actor = guard.actor()
    with db.read() as session:
        options = queries.options(session, actor)
        option = _chosen(options)
        prices = _prices(session, option) if option else {}
    if option is None:
        return pages.page("allocation/choose.html", options=options)
    form, several = RequestForm.under(option, prices), len(options) > 1
    if not form.validate_on_submit() or form.to_correct():
        return _form(form, option, prices, several=several)
    if form.to_confirm(option):
        lines = [PriceLine(each, count, prices.get(each)) for each, count in form.lines(option)]
        return pages.page("allocation/review.html", form=form, option=option, lines=lines)
    try:
        ref = _make(form, option)
    except Refusal as refusal:
        if refusal.code in NOT_OF_THE_FORM:
            raise
        form.explain(refusal)
        return _form(form, option, prices, several=several)
    return pages.done("allocation.show", ref=ref, said=gettext("Demande %(ref)s enregistrée.", ref=ref))


def _chosen(options: list[ProgrammeOption]) -> ProgrammeOption | None:
    code = request.args.get("programme")
    if code is None and len(options) == 1:
        return options[0]
    return next((option for option in options if option.code == code), None)


def _prices(session: Session, option: ProgrammeOption) -> dict[Category, int | None]:
    lines = offers.price_lines(session, option.id, [(category, 1) for category in option.categories])
    return {line.category: line.unit_cents for line in lines}


def _form(
    form: RequestForm, option: ProgrammeOption, prices: dict[Category, int | None], *, several: bool
) -> Response:
    # Whoever comes back from the price to correct has nothing wrong.
    wrong = form.is_submitted() and form.errors
    return pages.page(
        "allocation/new.html",
        form=form,
        option=option,
        prices=prices,
        several=several,
        today=queries.today(),
        status=422 if wrong else 200,
    )


def _make(form: RequestForm, option: ProgrammeOption) -> str:
    actor, made = guard.actor(), form.asked(option)
    content = vars(made) | {"needs": sorted(made.needs)}
    with db.transaction() as session:
        return work.once(
            session,
            actor,
            form.idempotency_key.data,
            ["request", content],
            lambda: actions.make_request(session, actor, made),
        )


# ---- finding ----


@bp.get("/requests/find")
@requires(Permission.REQUEST_SEE)
def find() -> Response:
    """Where a reference, or a name and a birth date, are typed."""
    return pages.page("allocation/find.html", form=FindForm(formdata=None), found=None)


@bp.post("/requests/find")
@requires(Permission.REQUEST_SEE)
def look_for() -> BaseResponse:
    """What is found, within reach. A name travels in the body, never in an address; each file found is a look."""
    actor, form = guard.actor(), FindForm()
    if not form.validate_on_submit() or form.incomplete():
        return pages.page("allocation/find.html", form=form, found=None, status=422)
    ref = (form.ref.data or "").strip()
    if ref:
        return _by_reference(form, ref)
    name, birth_date = form.wanted()
    with db.transaction() as session:
        found = queries.of_person(session, actor, name, birth_date) if birth_date else []
        for each in found:
            actions.note_look(session, actor, each.id)
    return _found(form, found)


def _by_reference(form: FindForm, ref: str) -> BaseResponse:
    try:
        with db.read() as session:
            asked = queries.find(session, guard.actor(), ref)
    except Refusal as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
        return _found(form, [])
    return pages.done("allocation.show", ref=asked.ref, said=gettext("Demande trouvée."))


def _found(form: FindForm, found: list[Found]) -> Response:
    return pages.page("allocation/find.html", form=form, found=found)


# ---- one request ----


@bp.get("/requests/<ref>")
@requires(Permission.REQUEST_SEE)
def show(ref: str) -> Response:
    """Where a request stands, and what this person can do about it."""
    return _page(ref)


@bp.post("/requests/<ref>/allocations")
@requires(Permission.REQUEST_ALLOCATE)
def allocate(ref: str) -> BaseResponse:
    """Promise the chosen devices to the request; those that are refused are listed with their reason."""
    actor, form = guard.actor(), AllocateForm()
    if not form.validate_on_submit():
        nothing = Refusal(Code.INVALID, errors={"device": ["nothing-asked"]})
        return _page(ref, refusal=Refusal(Code.BAD_CODE) if form.device.data else nothing)
    chosen = sorted(set(form.device.data or ()))
    told: list[Allotment] = []

    def make() -> str:
        told.append(actions.allocate_many(session, actor, ref, chosen))
        return str(len(told[0].promised))

    try:
        with db.transaction() as session:
            key = form.idempotency_key.data
            count = int(work.once(session, actor, key, {"allocate": ref, "devices": chosen}, make))
    except Refusal as refusal:
        if refusal.code in NOT_OF_THE_FORM:
            raise
        return _page(ref, refusal=refusal)
    if told and told[0].refused:
        return _page(ref, allotment=told[0])
    said = ngettext(
        "Matériel réservé pour cette demande.", "%(num)s matériels réservés pour cette demande.", count
    )
    return pages.done("allocation.show", ref=ref, said=said)


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


@bp.get("/requests/<ref>/cancel")
@requires(Permission.REQUEST_SEE)
def stop(ref: str) -> Response:
    """Where the reason for stopping a request is given."""
    return _stop_page(ref, CancelForm(formdata=None))


@bp.post("/requests/<ref>/cancel")
@requires(Permission.REQUEST_SEE)
def cancel(ref: str) -> BaseResponse:
    """Stop a request: its devices are ready again."""
    actor, form = guard.actor(), CancelForm()
    if not form.validate_on_submit():
        return _stop_page(ref, form)
    with db.transaction() as session:
        actions.cancel(session, actor, ref, form.reason.data)
    return pages.done("allocation.show", ref=ref, said=gettext("Demande %(ref)s annulée.", ref=ref))


def _stop_page(ref: str, form: CancelForm) -> Response:
    asked = looks.opened(guard.actor(), ref)
    if not actions.may_cancel(guard.actor(), asked):
        raise Refusal(Code.NOT_ALLOWED)
    if asked.state not in actions.FOLLOWED:
        raise Refusal(Code.REQUEST_CLOSED)
    return pages.page(
        "allocation/cancel.html", asked=asked, form=form, status=422 if form.is_submitted() else 200
    )


def _wanted() -> RequestFilter:
    state, programme, cursor = (request.args.get(name, "") for name in ("state", "programme", "cursor"))
    return RequestFilter(
        state=RequestState(state) if state in set(RequestState) else None,
        programme=programme if queries.CODE_FORM.fullmatch(programme) else None,
        mine=request.args.get("mine") == "yes",
        cursor=int(cursor) if CURSOR_FORM.fullmatch(cursor) else None,
    )


def _page(ref: str, *, refusal: Refusal | None = None, allotment: Allotment | None = None) -> Response:
    """The page of a request; with what was refused."""
    actor = guard.actor()
    asked = looks.opened(actor, ref)
    choosing = actor.can(Permission.REQUEST_ALLOCATE) and asked.state is RequestState.OPEN
    with db.read() as session:
        wanting = [line for line in asked.lines if line.missing] if choosing else []
        choices = [(line, offers.candidates(session, actor, asked, line.category)) for line in wanting]
        story = queries.story(session, actor, asked)
        lines = offers.price_lines(
            session, asked.programme_id, [(line.category, line.quantity) for line in asked.lines]
        )
    return pages.page(
        "allocation/show.html",
        status=_status(refusal, allotment),
        asked=asked,
        prices={line.category: line for line in lines},
        story=story,
        choices=choices,
        allocate_form=AllocateForm(formdata=None),
        release_form=ReleaseForm(formdata=None),
        at_counter=_at_counter(asked),
        may_cancel=asked.state in actions.FOLLOWED and actions.may_cancel(actor, asked),
        refused=_sentences(refusal) if refusal else None,
        allotment=allotment,
        kept_back=_kept_back(allotment) if allotment else [],
        obstacle=words.obstacle,
    )


def _status(refusal: Refusal | None, allotment: Allotment | None) -> int:
    """Nothing done is an error, of the kind of its first reason; something done is none."""
    if allotment and not allotment.promised:
        return STATUS[allotment.refused[0].refusal.code]
    return STATUS[refusal.code] if refusal else 200


def _at_counter(asked: RequestFacts) -> bool:
    """Whether this person's desk holds everything that was promised."""
    actor = guard.actor()
    at_hand = asked.state is RequestState.ALLOCATED and asked.held_by(actor.organisation_id)
    return at_hand and actor.can(Permission.HANDOVER_MAKE)


def _kept_back(allotment: Allotment) -> list[tuple[str, str, list[str]]]:
    """Each refused device: its code, the title and the sentences of its refusal."""
    return [(each.code, *_sentences(each.refusal)) for each in allotment.refused]


def _sentences(refusal: Refusal) -> tuple[str, list[str]]:
    """The title of a refusal and what it says: the reasons where it gives some."""
    title, detail = problem(refusal.code)
    reasons, errors = refusal.facts.get("reasons"), refusal.facts.get("errors")
    if isinstance(reasons, list):
        return title, [words.obstacle(reason, str(refusal.facts.get("article") or "")) for reason in reasons]
    if isinstance(errors, dict):
        return title, [word(reason, "request_problem") for each in errors.values() for reason in each]
    return title, [detail]
