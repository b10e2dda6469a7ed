"""Pages on a donor's spreadsheet: send it, see what was understood, have it written, follow it."""

from flask import Blueprint, Response, stream_with_context
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from bank import db, work
from bank.actor import Permission
from bank.donations import import_queries, imports, intake, spreadsheet
from bank.donations.import_forms import FIELDS, ColumnsForm, ConfirmForm, UploadForm, choices_of, tell
from bank.donations.import_queries import ImportSheet
from bank.donations.models import ImportState
from bank.errors import Refusal
from bank.web import guard, pages
from bank.web.guard import requires

bp = Blueprint("donations_imports", __name__)


@bp.get("/batches/<ref>/import")
@requires(Permission.BATCH_SEE)
def new(ref: str) -> Response:
    """A form for a spreadsheet."""
    with db.read() as session:
        batch = import_queries.draft(session, guard.actor(), ref)
    return pages.page("donations/import_new.html", form=UploadForm(), ref=batch.ref)


@bp.post("/batches/<ref>/import")
@requires(Permission.BATCH_SEE)
def send(ref: str) -> BaseResponse:
    """Read a spreadsheet; nothing of the batch is written."""
    form, actor = UploadForm(), guard.actor()
    with db.read() as session:
        batch = import_queries.draft(session, actor, ref)
    if not form.validate():
        return pages.page("donations/import_new.html", form=form, ref=batch.ref, status=422)
    data, upload = form.data_and_upload()
    try:
        import_id = intake.send(actor, batch.ref, data, upload, form.idempotency_key.data)
    except Refusal as refusal:
        tell(form, refusal)
        return pages.page("donations/import_new.html", form=form, ref=batch.ref, status=422)
    return pages.done(
        "donations_imports.show",
        ref=batch.ref,
        import_id=import_id,
        said=_("Votre tableau est lu. Vérifiez-le."),
    )


@bp.get("/batches/<ref>/imports/<int:import_id>")
@requires(Permission.BATCH_SEE)
def show(ref: str, import_id: int) -> Response:
    """What was understood of a file, how far its writing got, or what it came to."""
    seen = _seen(ref, import_id)
    form = ColumnsForm(default_category=seen.default_category)
    return _page(seen, form)


@bp.get("/batches/<ref>/imports/<int:import_id>/progress")
@requires(Permission.BATCH_SEE)
def progress(ref: str, import_id: int) -> Response:
    """How far the writing got: the part of the page that asks again by itself."""
    seen = _seen(ref, import_id)
    if not seen.under_way:
        return Response(status=204, headers={"HX-Refresh": "true"})
    return pages.page("donations/import_progress.html", seen=seen, queue_answers=work.queue_answers())


@bp.post("/batches/<ref>/imports/<int:import_id>/columns")
@requires(Permission.BATCH_SEE)
def columns(ref: str, import_id: int) -> BaseResponse:
    """Read the file otherwise: what the person says of its columns."""
    form, actor, seen = ColumnsForm(), guard.actor(), _seen(ref, import_id)
    if not form.validate():
        return _page(seen, form, status=422)
    try:
        intake.send_again(actor, import_id, form.to_upload(seen))
    except Refusal as refusal:
        tell(form, refusal)
        return _page(seen, form, status=422)
    return pages.done(
        "donations_imports.show", ref=seen.batch_ref, import_id=import_id, said=_("Votre tableau est relu.")
    )


@bp.post("/batches/<ref>/imports/<int:import_id>/confirm")
@requires(Permission.BATCH_SEE)
def confirm(ref: str, import_id: int) -> BaseResponse:
    """Have the good rows written, by a job."""
    form, actor, seen = ConfirmForm(), guard.actor(), _seen(ref, import_id)
    form.validate()
    with db.transaction() as session:
        imports.confirm(session, actor, import_id)
    said = ngettext(
        "%(num)s matériel est en cours d’ajout.", "%(num)s matériels sont en cours d’ajout.", seen.adds
    )
    return pages.done("donations_imports.show", ref=seen.batch_ref, import_id=import_id, said=said)


@bp.get("/batches/<ref>/imports/<int:import_id>/refused.csv")
@requires(Permission.BATCH_SEE)
def refused(ref: str, import_id: int) -> Response:
    """The refused rows as they stood, with the reason: to be corrected and sent again."""
    with db.read() as session:
        seen = import_queries.one(session, guard.actor(), import_id, limit=imports.ANNOUNCED_MAX * 4, ref=ref)
    lines = spreadsheet.csv_of(intake.refused_rows(seen))
    headers = {
        "Content-Disposition": f'attachment; filename="{seen.batch_ref}-{seen.id}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(stream_with_context(lines), mimetype="text/csv", headers=headers)


def _seen(ref: str, import_id: int) -> ImportSheet:
    with db.read() as session:
        return import_queries.one(session, guard.actor(), import_id, ref=ref)


def _page(seen: ImportSheet, form: ColumnsForm, *, status: int = 200) -> Response:
    template = (
        "donations/import_preview.html" if seen.state is ImportState.PREVIEW else "donations/import.html"
    )
    return pages.page(
        template,
        seen=seen,
        form=form,
        confirm_form=ConfirmForm(),
        columns=choices_of(seen),
        fields=FIELDS,
        sentence=intake.sentence,
        queue_answers=work.queue_answers(),
        status=status,
    )
