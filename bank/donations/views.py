"""Pages on batches: the list, an announcement, a decision, a reception, and what became of them."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from io import StringIO
from typing import Any

from flask import Blueprint, Response, current_app, request
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from bank import db, work
from bank.actor import Actor, Permission
from bank.donations import actions, papers, queries, rules
from bank.donations.forms import (
    AcceptForm,
    AnnounceForm,
    ArrivalForm,
    FilterForm,
    ItemsForm,
    NewBatchForm,
    PickupForm,
    ReceptionForm,
    RefuseForm,
    StepForm,
    WithdrawForm,
    tell,
)
from bank.donations.models import BatchState
from bank.donations.queries import BatchPage, BatchSheet, Item, Partner
from bank.donations.rules import Act, Outcome
from bank.errors import Code, Refusal
from bank.identity.models import OrganisationRole
from bank.inventory import queries as inventory_queries
from bank.inventory.queries import DevicePage
from bank.inventory.queries import Filters as DeviceFilters
from bank.office import documents
from bank.web import guard, pages
from bank.web.forms import PageForm
from bank.web.guard import requires
from bank.web.words import word

SHOWN_DEVICES = 60
R = OrganisationRole
# Signs with which a spreadsheet program begins a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
IMPORT = "donations_imports.new"

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


# --- announcing ---


@bp.get("/batches/announce")
@requires(Permission.BATCH_ANNOUNCE)
def announcing() -> Response:
    """A form for what a donor gives."""
    return _announcement(AnnounceForm())


@bp.post("/batches/announce")
@requires(Permission.BATCH_ANNOUNCE)
def announce() -> BaseResponse:
    """Open a draft, and send it if the donor says so."""
    form, actor = AnnounceForm(), guard.actor()
    if not form.validate():
        return _announcement(form, status=422)
    wanted, then = form.to_announcement(), request.form.get("then")

    def make(session: Session) -> str:
        ref = actions.announce(session, actor, wanted)
        if then == "send":
            actions.submit(session, actor, ref)
        return ref

    content = ["batch.announce", asdict(wanted), then]
    try:
        ref = _once(form, content, make)
    except Refusal as refusal:
        tell(form, refusal)
        return _announcement(form, status=422)
    if then == "sheet" and _imports():
        return pages.done(IMPORT, ref=ref, said=_("Brouillon %(ref)s gardé.", ref=ref))
    return pages.done("donations.show", ref=ref, said=_sent(ref, sent=then == "send"))


@bp.get("/batches/<ref>/edit")
@requires(Permission.BATCH_SEE)
def editing(ref: str) -> Response:
    """The form of a draft."""
    batch = _draft(ref)
    return _announcement(AnnounceForm().fill(batch), batch)


@bp.post("/batches/<ref>/edit")
@requires(Permission.BATCH_SEE)
def edit(ref: str) -> BaseResponse:
    """Write a draft anew, and send it if the donor says so."""
    form, actor, batch = AnnounceForm(), guard.actor(), _written(ref)
    if not form.validate():
        return _announcement(form, batch, status=422)
    wanted, then = form.to_announcement(), request.form.get("then")

    def make(session: Session) -> str:
        actions.edit(session, actor, batch.ref, form.version.data or 0, wanted)
        if then == "send":
            actions.submit(session, actor, batch.ref)
        return batch.ref

    try:
        _once(form, ["batch.edit", batch.ref, asdict(wanted), then], make)
    except Refusal as refusal:
        if refusal.code is Code.EDITED_MEANWHILE:
            return _edited_meanwhile(form, batch)
        tell(form, refusal)
        return _announcement(form, batch, status=422)
    return pages.done("donations.show", ref=batch.ref, said=_sent(batch.ref, sent=then == "send"))


@bp.post("/batches/<ref>/submit")
@requires(Permission.BATCH_SEE)
def submit(ref: str) -> BaseResponse:
    """Send a draft; what is missing is asked for on its form."""
    form, actor, batch = StepForm(), guard.actor(), _written(ref)
    try:
        _once(form, ["batch.submit", batch.ref], _step(actions.submit, actor, batch.ref))
    except Refusal as refusal:
        if refusal.code is not Code.INVALID:
            raise
        asked = AnnounceForm(formdata=None).fill(batch)
        tell(asked, refusal)
        return _announcement(asked, batch, status=422)
    return pages.done("donations.show", ref=batch.ref, said=_sent(batch.ref, sent=True))


@bp.post("/batches/<ref>/reopen")
@requires(Permission.BATCH_SEE)
def reopen(ref: str) -> BaseResponse:
    """Take what was sent or refused back among the drafts."""
    batch = _written(ref)
    _once(StepForm(), ["batch.reopen", batch.ref], _step(actions.reopen, guard.actor(), batch.ref))
    said = _("Le lot %(ref)s est de nouveau un brouillon. Corrigez-le, puis envoyez-le.", ref=batch.ref)
    return pages.done("donations.editing", ref=batch.ref, said=said)


@bp.post("/batches/<ref>/withdraw")
@requires(Permission.BATCH_SEE)
def withdraw(ref: str) -> BaseResponse:
    """Take a batch back for good."""
    form, batch = WithdrawForm(), _written(ref)
    if not form.validate():
        return _page(batch, withdrawal=form, status=422)
    _once(form, ["batch.withdraw", batch.ref], _step(actions.withdraw, guard.actor(), batch.ref))
    return pages.done("donations.show", ref=batch.ref, said=_("Lot %(ref)s retiré.", ref=batch.ref))


# --- the coordinator ---


@bp.get("/batches/new")
@requires(Permission.BATCH_ENTER)
def new() -> Response:
    """A form for a batch that was agreed on."""
    return pages.page("donations/new.html", form=_new_form())


@bp.post("/batches/new")
@requires(Permission.BATCH_ENTER)
def enter() -> BaseResponse:
    """Enter a batch."""
    form, actor = _new_form(), guard.actor()
    if not form.validate():
        return pages.page("donations/new.html", form=form, status=422)
    wanted = form.to_new_batch()
    try:
        ref = _once(
            form, ["batch.enter", asdict(wanted)], lambda session: actions.enter(session, actor, wanted)
        )
    except Refusal as refusal:
        tell(form, refusal)
        return pages.page("donations/new.html", form=form, status=422)
    return pages.done("donations.show", ref=ref, said=_("Lot %(ref)s enregistré.", ref=ref))


@bp.post("/batches/<ref>/accept")
@requires(Permission.BATCH_ENTER)
def accept(ref: str) -> BaseResponse:
    """Take what a donor sent."""
    batch, actor = _seen(ref), guard.actor()
    form = _accept_form(batch)

    def make(session: Session) -> str:
        actions.accept(session, actor, batch.ref, form.version.data or 0, form.to_acceptance())
        return batch.ref

    if not form.validate() or not _decide(form, "batch.accept", batch, make):
        return _page(batch, acceptance=form, status=422)
    said = _("Lot %(ref)s accepté. Le donateur en est averti.", ref=batch.ref)
    return pages.done("donations.show", ref=batch.ref, said=said)


@bp.post("/batches/<ref>/refuse")
@requires(Permission.BATCH_ENTER)
def refuse(ref: str) -> BaseResponse:
    """Say no to what a donor sent."""
    batch, actor, form = _seen(ref), guard.actor(), RefuseForm(prefix="no-")

    def make(session: Session) -> str:
        actions.refuse(session, actor, batch.ref, form.version.data or 0, form.to_no())
        return batch.ref

    if not form.validate() or not _decide(form, "batch.refuse", batch, make):
        return _page(batch, refusal=form, status=422)
    said = _("Lot %(ref)s refusé. Le donateur en est averti, avec la raison.", ref=batch.ref)
    return pages.done("donations.show", ref=batch.ref, said=said)


@bp.post("/batches/<ref>/collection")
@requires(Permission.BATCH_ENTER)
def reschedule(ref: str) -> BaseResponse:
    """Change the workshop or the day of the collection."""
    batch, actor = _seen(ref), guard.actor()
    form = _pickup_form()

    def make(session: Session) -> str:
        actions.reschedule(session, actor, batch.ref, form.version.data or 0, form.to_pickup())
        return batch.ref

    if not form.validate() or not _decide(form, "batch.reschedule", batch, make):
        return _page(batch, pickup=form, status=422)
    said = _("Collecte du lot %(ref)s changée. Le donateur en est averti.", ref=batch.ref)
    return pages.done("donations.show", ref=batch.ref, said=said)


# --- the workshop ---


@bp.post("/batches/<ref>/reception")
@requires(Permission.BATCH_RECEIVE)
def receive(ref: str) -> BaseResponse:
    """Receive a batch."""
    form, actor, batch = ReceptionForm(), guard.actor(), _seen(ref)
    if not form.validate():
        return _page(batch, reception=form, status=422)
    count = form.to_count()

    def make(session: Session) -> str:
        actions.receive(session, actor, batch.ref, count.received, count.reasons, count.refused)
        return batch.ref

    try:
        _once(form, ["batch.receive", batch.ref, form.lines.data], make)
    except Refusal as refusal:
        tell(form, refusal)
        return _page(batch, reception=form, status=422)
    return pages.done("donations.show", ref=batch.ref, said=_("Lot %(ref)s réceptionné.", ref=batch.ref))


@bp.get("/receptions/new")
@requires(Permission.BATCH_TAKE_IN)
def arriving() -> Response:
    """A form for what nobody had announced."""
    return pages.page("donations/arrival.html", form=_arrival_form())


@bp.post("/receptions/new")
@requires(Permission.BATCH_TAKE_IN)
def take_in() -> BaseResponse:
    """Receive what nobody had announced."""
    form, actor = _arrival_form(), guard.actor()
    if not form.validate():
        return pages.page("donations/arrival.html", form=form, status=422)
    arrival = form.to_arrival()
    try:
        ref = _once(
            form, ["batch.take_in", asdict(arrival)], lambda session: actions.take_in(session, actor, arrival)
        )
    except Refusal as refusal:
        tell(form, refusal)
        return pages.page("donations/arrival.html", form=form, status=422)
    return pages.done("donations.show", ref=ref, said=_("Lot %(ref)s réceptionné.", ref=ref))


# --- one batch ---


@bp.get("/batches/<ref>")
@requires(Permission.BATCH_SEE)
def show(ref: str) -> Response:
    """One batch: where it stands, what was announced, what arrived, what became of it."""
    return _page(_seen(ref))


@bp.get("/batches/<ref>/reception.pdf")
@requires(Permission.BATCH_SEE)
def reception_slip(ref: str) -> Response:
    """What was taken in, for the donor to keep."""
    with db.read() as session:
        facts = papers.reception(session, guard.actor(), ref)
    return pages.pdf(documents.reception(facts), f"{facts.batch}-prise-en-charge.pdf")


@bp.get("/batches/<ref>/erasure.pdf")
@requires(Permission.BATCH_SEE)
def erasure_certificate(ref: str) -> Response:
    """The certificate that the data of each drive is gone."""
    with db.read() as session:
        facts = papers.erasure(session, guard.actor(), ref)
    return pages.pdf(documents.erasure(facts), f"{facts.batch}-effacement.pdf")


@bp.get("/batches/<ref>/outcomes.csv")
@requires(Permission.BATCH_SEE)
def outcomes(ref: str) -> Response:
    """What became of each device, as a spreadsheet that can be sent again."""
    actor = guard.actor()
    with db.read() as session:
        batch = queries.batch(session, actor, ref)
        found = queries.answer(session, actor, batch.ref)
    # The titles are those that an import recognises, whatever the language of the page.
    with force_locale("fr"):
        text = "".join(_csv(found))
    headers = {
        "Content-Disposition": f'attachment; filename="{batch.ref}-devenir.csv"',
        "Cache-Control": "no-store",
    }
    # The mark tells spreadsheet programs that it is UTF-8.
    return Response("\ufeff" + text, content_type="text/csv; charset=utf-8", headers=headers)


def _csv(items: Iterable[Item]) -> Iterator[str]:
    out = StringIO()
    writer = csv.writer(out, delimiter=";")
    names = ("category", "maker", "model", "serial", "asset_tag", "imei")
    writer.writerow([*(word(name, "sheet_field") for name in names), "Devenir"])
    for item in items:
        writer.writerow(
            [
                _cell(word(item.category, "category")),
                _cell(item.maker),
                _cell(item.model),
                *(_number_cell(value) for value in (item.serial, item.asset_tag, item.imei)),
                word(item.outcome, "outcome"),
            ]
        )
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet program takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _number_cell(text: str | None) -> str:
    """A number that no spreadsheet program rounds or reads: quoted, in a way that an import reads back."""
    return f'="{text}"' if text and '"' not in text else _cell(text or "")


# --- what they share ---


def _once(form: PageForm, content: list[Any], make: Callable[[Session], str]) -> str:
    """Make it once per form that was shown, in one unit of work."""
    actor, key = guard.actor(), form["idempotency_key"].data
    with db.transaction() as session:
        return work.once(session, actor, key, content, lambda: make(session))


def _step(act: Callable[[Session, Actor, str], None], actor: Actor, ref: str) -> Callable[[Session], str]:
    def make(session: Session) -> str:
        act(session, actor, ref)
        return ref

    return make


def _decide(form: PageForm, what: str, batch: BatchSheet, make: Callable[[Session], str]) -> bool:
    """Decide; whether it was done. What does not hold is told on the form."""
    content = {name: value for name, value in form.data.items() if not name.endswith("csrf_token")}
    try:
        _once(form, [what, batch.ref, content], make)
    except Refusal as refusal:
        if refusal.code is Code.EDITED_MEANWHILE:
            form.form_errors = [
                *form.form_errors,
                _("Ce lot a changé entre-temps. Relisez-le, puis décidez."),
            ]
            _renew(form, batch.version)
            return False
        tell(form, refusal)
        return False
    return True


def _renew(form: PageForm, version: int) -> None:
    """Show a version other than the one that came in."""
    form["version"].data, form["version"].raw_data = version, None


def _sent(ref: str, *, sent: bool) -> str:
    if sent:
        return str(_("Lot %(ref)s envoyé. La banque vous répond ici et par message.", ref=ref))
    return str(_("Brouillon %(ref)s gardé. Il n’est pas encore envoyé.", ref=ref))


def _seen(ref: str) -> BatchSheet:
    with db.read() as session:
        return queries.batch(session, guard.actor(), ref)


def _written(ref: str) -> BatchSheet:
    """A batch that the actor may write. Raises Refusal(not-found, not-allowed)."""
    batch = _seen(ref)
    if not queries.may_write(guard.actor(), batch.donor_id):
        raise Refusal(Code.NOT_ALLOWED, permission=Permission.BATCH_ANNOUNCE.value)
    return batch


def _draft(ref: str) -> BatchSheet:
    """A draft that the actor may write. Raises Refusal(not-found, not-allowed, batch-closed, batch-moved-on)."""
    batch = _written(ref)
    rules.must_stand(batch.state, Act.EDIT)
    return batch


def _imports() -> bool:
    """Whether this house reads spreadsheets."""
    return IMPORT in current_app.view_functions


def _announcement(form: AnnounceForm, batch: BatchSheet | None = None, *, status: int = 200) -> Response:
    return pages.page("donations/announce.html", form=form, batch=batch, imports=_imports(), status=status)


def _edited_meanwhile(form: AnnounceForm, batch: BatchSheet) -> Response:
    """The second of two editors sees what they typed, and is told."""
    said = _("Quelqu’un a modifié ce lot entre-temps. Vérifiez ce que vous avez écrit, puis enregistrez.")
    form.form_errors = [*form.form_errors, said]
    # Sent again, it counts as written after the other.
    _renew(form, _seen(batch.ref).version)
    return _announcement(form, batch, status=409)


def _new_form() -> NewBatchForm:
    form = NewBatchForm()
    form.offer(_partners(R.DONOR), _partners(R.WORKSHOP))
    return form


def _partners(*roles: OrganisationRole) -> list[Partner]:
    with db.read() as session:
        return queries.partners(session, guard.actor(), *roles)


def _accept_form(batch: BatchSheet, **fresh: Any) -> AcceptForm:
    form = AcceptForm(**fresh)
    form.offer_all(_partners(R.WORKSHOP), _partners(*actions.RECEIVERS), batch.donor_nature)
    return form


def _pickup_form(**fresh: Any) -> PickupForm:
    form = PickupForm(**fresh)
    form.offer(_partners(R.WORKSHOP))
    return form


def _arrival_form() -> ArrivalForm:
    form, actor = ArrivalForm(), guard.actor()
    workshops = _partners(R.WORKSHOP)
    if not actor.sees_all:
        workshops = [each for each in workshops if each.id == actor.organisation_id]
    form.offer(_partners(R.DONOR), workshops)
    return form


def _page(batch: BatchSheet, *, status: int = 200, **forms: PageForm) -> Response:
    """A batch's page, with the forms of what this person can do now; `forms` are those that came back."""
    actor = guard.actor()
    shown = _forms(actor, batch) | forms
    with db.read() as session:
        rows = ItemsForm()
        cursor = rows.cursor.data if request.method == "GET" and rows.validate() else None
        items = queries.items(session, actor, batch.ref, cursor=cursor)
        devices = _devices(session, actor, batch)
        outcome = queries.outcomes(session, actor, batch.ref)
        erasable = any(device.drives for device in queries.told(session, actor, batch.ref))
    return pages.page(
        "donations/show.html",
        batch=batch,
        forms_of=shown,
        devices=devices,
        items=items,
        outcomes=outcome,
        erasable=erasable,
        imports=_imports() and batch.state is BatchState.DRAFT,
        writes=queries.may_write(actor, batch.donor_id),
        gives=batch.donor_id == actor.organisation_id,
        acts=Act,
        Outcome=Outcome,
        status=status,
    )


def _forms(actor: Actor, batch: BatchSheet) -> dict[str, PageForm]:
    """What this person can do with the batch now."""
    found: dict[str, PageForm] = {}
    if queries.may_write(actor, batch.donor_id):
        steps = {"submit": Act.SUBMIT, "reopen": Act.REOPEN}
        found |= {name: StepForm(formdata=None) for name, act in steps.items() if batch.allows(act)}
        if batch.allows(Act.WITHDRAW):
            found["withdrawal"] = WithdrawForm(formdata=None)
    if actor.can(Permission.BATCH_ENTER) and batch.allows(Act.ACCEPT):
        form = _accept_form(batch, formdata=None)
        form.version.data = batch.version
        found["acceptance"] = form
        found["refusal"] = RefuseForm(formdata=None, prefix="no-", data={"version": batch.version})
    if actor.can(Permission.BATCH_ENTER) and batch.allows(Act.RESCHEDULE):
        found["pickup"] = _pickup_form(formdata=None).fill(batch)
    receives = actor.can(Permission.BATCH_RECEIVE) and batch.workshop_id == actor.organisation_id
    if receives and batch.allows(Act.RECEIVE):
        found["reception"] = ReceptionForm(formdata=None)
    return found


def _devices(session: Session, actor: Actor, batch: BatchSheet) -> DevicePage | None:
    """The devices that came of the batch, for those who see devices; a donor sees counts only."""
    if not actor.can(Permission.DEVICE_SEE) or batch.state is not BatchState.RECEIVED:
        return None
    filters = DeviceFilters(batch=batch.ref)
    return inventory_queries.devices(session, actor, filters, limit=SHOWN_DEVICES)
