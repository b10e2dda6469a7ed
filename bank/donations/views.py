"""Pages on batches: the list, a new one, one with its reception and its labels."""

from dataclasses import asdict

from flask import Blueprint, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bank import db, work
from bank.actor import Actor, Permission
from bank.donations import actions, queries
from bank.donations.forms import FilterForm, NewBatchForm, ReceptionForm, tell
from bank.donations.models import BatchState
from bank.donations.queries import BatchPage, BatchSheet
from bank.errors import Code, Refusal
from bank.identity.models import OrganisationRole
from bank.inventory import queries as inventory_queries
from bank.inventory.queries import DevicePage
from bank.inventory.queries import Filters as DeviceFilters
from bank.office import printing
from bank.web import guard, pages
from bank.web.guard import requires

SHOWN_DEVICES = 60

bp = Blueprint("donations", __name__)


@bp.get("/batches")
@requires(Permission.BATCH_SEE)
def index() -> Response:
    """Batches, the latest first."""
    actor = guard.actor()
    with db.read() as session:
        form = FilterForm(queries.donors(session, actor))
        sound = form.validate()
        found = BatchPage((), None)
        if sound:
            found = queries.batches(session, actor, form.to_filters(), cursor=form.cursor.data)
    return pages.page("donations/index.html", form=form, page=found, status=200 if sound else 422)


@bp.get("/batches/new")
@requires(Permission.BATCH_ENTER)
def new() -> Response:
    """A form for a new batch."""
    return pages.page("donations/new.html", form=_new_form())


@bp.post("/batches/new")
@requires(Permission.BATCH_ENTER)
def enter() -> Response:
    """Enter a batch."""
    form, actor = _new_form(), guard.actor()
    if not form.validate():
        return pages.page("donations/new.html", form=form, status=422)
    wanted, key = form.to_new_batch(), form.idempotency_key.data
    content = ["batch.enter", asdict(wanted)]
    try:
        with db.transaction() as session:
            ref = work.once(session, actor, key, content, lambda: actions.enter(session, actor, wanted))
    except Refusal as refusal:
        tell(form, refusal)
        return pages.page("donations/new.html", form=form, status=422)
    return pages.done("donations.show", ref=ref, said=_("Lot %(ref)s enregistré.", ref=ref))


@bp.get("/batches/<ref>")
@requires(Permission.BATCH_SEE)
def show(ref: str) -> Response:
    """One batch: what was announced, what arrived, what comes next."""
    actor = guard.actor()
    with db.read() as session:
        batch = queries.batch(session, actor, ref)
        devices = _devices(session, actor, batch)
    return _page(batch, devices, ReceptionForm())


@bp.post("/batches/<ref>/reception")
@requires(Permission.BATCH_RECEIVE)
def receive(ref: str) -> Response:
    """Receive a batch."""
    form, actor = ReceptionForm(), guard.actor()
    with db.read() as session:
        batch = queries.batch(session, actor, ref)
    if not form.validate():
        return _page(batch, None, form, status=422)
    content = ["batch.receive", batch.ref, form.lines.data]
    try:
        with db.transaction() as session:
            work.once(
                session,
                actor,
                form.idempotency_key.data,
                content,
                lambda: _received(session, actor, batch.ref, form),
            )
    except Refusal as refusal:
        tell(form, refusal)
        return _page(batch, None, form, status=422)
    return pages.done("donations.show", ref=batch.ref, said=_("Lot %(ref)s réceptionné.", ref=batch.ref))


def _received(session: Session, actor: Actor, ref: str, form: ReceptionForm) -> str:
    actions.receive(session, actor, ref, form.counts(), form.reasons())
    return ref


@bp.get("/batches/<ref>/labels.pdf")
@requires(Permission.LABEL_PRINT)
def labels(ref: str) -> Response:
    """The labels of the batch's devices, on sheets."""
    actor = guard.actor()
    sheet, start = request.args.get("sheet", printing.DEFAULT_SHEET), request.args.get("start", "1")
    if not (start.isdecimal() and len(start) < 5):
        raise Refusal(Code.INVALID, errors={"start": ["not-a-number"]})
    with db.read() as session:
        batch = queries.batch(session, actor, ref)
        stickers = inventory_queries.stickers(session, actor, batch.ref)
    return pages.pdf(printing.sheet(stickers, sheet, int(start)), f"{batch.ref}.pdf")


def _new_form() -> NewBatchForm:
    form, actor = NewBatchForm(), guard.actor()
    with db.read() as session:
        form.offer(
            queries.partners(session, actor, OrganisationRole.DONOR),
            queries.partners(session, actor, OrganisationRole.WORKSHOP),
        )
    return form


def _devices(session: Session, actor: Actor, batch: BatchSheet) -> DevicePage | None:
    """The devices that came of the batch, for those who see devices; a donor sees counts only."""
    if not actor.can(Permission.DEVICE_SEE) or batch.state is not BatchState.RECEIVED:
        return None
    filters = DeviceFilters(batch=batch.ref)
    return inventory_queries.devices(session, actor, filters, limit=SHOWN_DEVICES)


def _page(
    batch: BatchSheet, devices: DevicePage | None, form: ReceptionForm, *, status: int = 200
) -> Response:
    actor = guard.actor()
    receives = actor.can(Permission.BATCH_RECEIVE) and batch.workshop_id == actor.organisation_id
    return pages.page(
        "donations/show.html",
        batch=batch,
        devices=devices,
        awaited=batch.state is BatchState.ACCEPTED,
        reception=form if receives and batch.state is BatchState.ACCEPTED else None,
        sheets=[(name, printing.places(name)) for name in printing.sheets()],
        status=status,
    )
