"""Pages of places: the tree, one with what stands in it, and where a device is put."""

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bank import db, work
from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.inventory import codes, finding, place_queries, places, queries
from bank.inventory.label_forms import StickForm
from bank.inventory.place_forms import PlaceForm, PutForm, WhereForm
from bank.inventory.place_queries import PlaceLine
from bank.inventory.queries import DeviceSheet, Filters
from bank.web import guard, pages, problems, words
from bank.web.forms import set_errors
from bank.web.guard import requires
from bank.web.words import word

bp = Blueprint("places", __name__)


@bp.get("/places")
@requires(Permission.DEVICE_SEE)
def index() -> Response:
    """The organisation's places, each followed by what stands in it."""
    with db.read() as session:
        found = place_queries.places(session, guard.actor())
    return pages.page("inventory/places.html", places=found)


@bp.get("/places/new")
@requires(Permission.PLACE_EDIT)
def new() -> Response:
    """A form for one more place."""
    return _form(PlaceForm(formdata=None))


@bp.post("/places/new")
@requires(Permission.PLACE_EDIT)
def make() -> Response:
    """Add a place."""
    form, actor = PlaceForm(), guard.actor()
    if not _offered(form).validate():
        return _form(form, status=422)
    draft = form.to_draft()
    content = ["place", draft.name, draft.kind.value, draft.within_id]
    try:
        with db.transaction() as session:
            made = work.once(
                session,
                actor,
                form.idempotency_key.data,
                content,
                lambda: str(places.make(session, actor, draft)),
            )
    except Refusal as refusal:
        return _form(_blamed(form, refusal), status=problems.STATUS[refusal.code])
    return pages.done("places.show", place_id=int(made), said=_("« %(name)s » est ajouté.", name=draft.name))


@bp.get("/places/<int:place_id>")
@requires(Permission.DEVICE_SEE)
def show(place_id: int) -> Response:
    """A place: what stands in it, and a field to put more there."""
    return _show(place_id, PutForm(formdata=None))


@bp.get("/places/<int:place_id>/edit")
@requires(Permission.PLACE_EDIT)
def editing(place_id: int) -> Response:
    """The form of a place."""
    line, form = _own(place_id), PlaceForm(formdata=None)
    form.show(line)
    return _form(form, line)


@bp.post("/places/<int:place_id>/edit")
@requires(Permission.PLACE_EDIT)
def edit(place_id: int) -> Response:
    """Rename a place, or move it into another."""
    line, form, actor = _own(place_id), PlaceForm(), guard.actor()
    if not _offered(form, place_id).validate():
        return _form(form, line, status=422)
    try:
        with db.transaction() as session:
            places.edit(session, actor, place_id, form.version.data or 0, form.to_draft())
    except Refusal as refusal:
        return _form(_blamed(form, refusal), line, status=problems.STATUS[refusal.code])
    return pages.done("places.show", place_id=place_id, said=_("C’est noté."))


@bp.get("/places/<int:place_id>/label")
@requires(Permission.PLACE_EDIT)
def labelling(place_id: int) -> Response:
    """A blank label for a place."""
    return _labelling(place_id, StickForm(formdata=None).scanned_before())


@bp.post("/places/<int:place_id>/label")
@requires(Permission.PLACE_EDIT)
def label(place_id: int) -> Response:
    """Give the place its label."""
    form, actor = StickForm(), guard.actor()
    if not form.validate():
        return _labelling(place_id, form, status=422)
    try:
        with db.transaction() as session:
            places.stick(session, actor, place_id, form.label.data or "", form.why)
    except Refusal as refusal:
        form.scan_again(refusal)
        return _labelling(place_id, form, status=problems.STATUS[refusal.code], refusal=refusal)
    return pages.done("places.show", place_id=place_id, said=_("L’étiquette est collée à cet emplacement."))


@bp.post("/places/<int:place_id>/devices")
@requires(Permission.DEVICE_SCAN)
def put_here(place_id: int) -> Response:
    """A device was scanned at the place: it stands there now."""
    form, actor = PutForm(), guard.actor()
    _own(place_id)
    if not form.validate():
        return _show(place_id, form, status=422)
    try:
        with db.transaction() as session:
            code = finding.device_of(session, actor, form.code.data or "")
            after = places.put(session, actor, code, place_id)
    except Refusal as refusal:
        form.code.data = ""
        return _show(place_id, form, status=problems.STATUS[refusal.code], refusal=refusal)
    said = _(
        "%(code)s, %(category)s : rangé ici.",
        code=codes.grouped(after.code),
        category=word(after.category, "category"),
    )
    if form.stays.data:
        form.code.data = ""
        return _show(place_id, form, outcome="done", said=said)
    flash(said, "done")
    return redirect(url_for("places.show", place_id=place_id), 303)


@bp.get("/devices/<code>/place")
@requires(Permission.DEVICE_SCAN)
def putting(code: str) -> Response:
    """Where a device is put: scan the place's label, or choose it."""
    return _putting(_held(code), WhereForm(formdata=None))


@bp.post("/devices/<code>/place")
@requires(Permission.DEVICE_SCAN)
def put(code: str) -> Response:
    """The device stands in another place now, or in none."""
    sheet, form, actor = _held(code), WhereForm(), guard.actor()
    with db.read() as session:
        form.offer(place_queries.places(session, actor, counted=False))
    if not form.validate():
        return _putting(sheet, form, status=422)
    try:
        with db.transaction() as session:
            places.put(session, actor, sheet.code, _chosen(session, form))
    except Refusal as refusal:
        return _putting(sheet, form, refusal=refusal)
    return pages.done("inventory.device", code=sheet.code, said=_("C’est noté."))


def _chosen(session: Session, form: WhereForm) -> int | None:
    """What was scanned goes before what was chosen. Raises Refusal(not-found)."""
    if form.label.data:
        return finding.place(session, guard.actor(), form.label.data).id
    return int(form.place.data) if form.place.data else None


# --- what they share ---


def _own(place_id: int) -> PlaceLine:
    with db.read() as session:
        return place_queries.place(session, guard.actor(), place_id).line


def _held(code: str) -> DeviceSheet:
    with db.read() as session:
        sheet = queries.sheet(session, guard.actor(), code)
    if not sheet.held:
        raise Refusal(Code.OTHER_CUSTODIAN)
    return sheet


def _offered(form: PlaceForm, but: int | None = None) -> PlaceForm:
    with db.read() as session:
        form.offer(place_queries.places(session, guard.actor(), counted=False), but)
    return form


def _form(form: PlaceForm, line: PlaceLine | None = None, *, status: int = 200) -> Response:
    _offered(form, line.id if line else None)
    return pages.page("inventory/place_form.html", form=form, place=line, status=status)


def _blamed(form: PlaceForm, refusal: Refusal) -> PlaceForm:
    """Say a refusal where it belongs on the form. Raises it again when it is not about what was typed."""
    errors = refusal.facts.get("errors")
    if refusal.code is Code.INVALID and isinstance(errors, dict):
        set_errors(form, {name: [word(each, "place_fault") for each in errors[name]] for name in errors})
    elif refusal.code is Code.ALREADY_EXISTS:
        set_errors(form, {"name": [word("name-taken", "place_fault")]})
    elif refusal.code is Code.EDITED_MEANWHILE:
        form.form_errors.append(words.problem(refusal.code)[1])
    else:
        raise refusal
    return form


def _show(
    place_id: int,
    form: PutForm,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
    outcome: str = "refused",
    said: str = "",
) -> Response:
    actor = guard.actor()
    with db.read() as session:
        sheet = place_queries.place(session, actor, place_id)
        page = queries.devices(session, actor, Filters(place=place_id))
    return pages.page(
        "inventory/place.html",
        status=status,
        place=sheet,
        page=page,
        form=form,
        refused=words.problem(refusal.code) if refusal else None,
        outcome=outcome,
        said=said or _why_not(form, refusal),
        matches=refusal.facts.get("codes") if refusal else None,
    )


def _why_not(form: PutForm, refusal: Refusal | None) -> str:
    """What the page's script says of a scan that was not taken."""
    if refusal is None:
        return " ".join(map(str, form.code.errors))
    said = ". ".join(words.problem(refusal.code))
    matches = refusal.facts.get("codes")
    return f"{said} {' · '.join(map(codes.grouped, matches))}" if isinstance(matches, list | tuple) else said


def _labelling(
    place_id: int, form: StickForm, *, status: int = 200, refusal: Refusal | None = None
) -> Response:
    line = _own(place_id)
    return pages.page(
        "inventory/place_label.html",
        status=status,
        place=line,
        form=form,
        refused=words.problem(refusal.code) if refusal else None,
    )


def _putting(
    sheet: DeviceSheet, form: WhereForm, *, status: int = 200, refusal: Refusal | None = None
) -> Response:
    with db.read() as session:
        found = place_queries.places(session, guard.actor())
    form.offer(found)
    if refusal is not None and refusal.code is Code.NOT_FOUND:
        set_errors(form, {"label": [word("unknown-place", "place_fault")]})
        refusal, status = None, 422
    return pages.page(
        "inventory/device_place.html",
        status=problems.STATUS[refusal.code] if refusal else status,
        device=sheet,
        form=form,
        places=found,
        refused=words.problem(refusal.code) if refusal else None,
    )
