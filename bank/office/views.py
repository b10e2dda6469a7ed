"""Pages of printing: what to print and on what, the run that came of it, printers and their measures."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from bank import db, work
from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.identity import signin
from bank.inventory import codes
from bank.office import actions, printing, queries, rules
from bank.office.forms import (
    AgainForm,
    MeasureForm,
    PaperForm,
    PrinterForm,
    SelectionForm,
    SheetForm,
    millimetres,
    tell,
)
from bank.office.models import RunKind
from bank.office.printing import Inked, Layout
from bank.office.queries import Drawn, Reprint, RunLine, Selection, Tally
from bank.web import guard, pages
from bank.web.guard import requires

# A label that says what a blank one will, before there is one.
SAMPLE = "0" * codes.LENGTH

bp = Blueprint("labels", __name__)


@bp.get("/labels")
@requires(Permission.LABEL_PRINT)
def home() -> Response:
    """What to print, what was printed, the part-used sheets and the printers."""
    actor, station_id = guard.actor(), _station_id()
    with db.read() as session:
        runs = queries.runs(session, actor)
        printers = queries.printers(session, actor)
        opened = queries.opened(session, actor, station_id)
    return pages.page(
        "office/labels.html", runs=runs, printers=printers, opened=opened, sheet_form=SheetForm()
    )


@bp.post("/labels/new-sheet")
@requires(Permission.LABEL_PRINT)
def new_sheet() -> BaseResponse:
    """A part-used sheet is gone: the next print begins on a new one."""
    form, actor, station_id = SheetForm(), guard.actor(), _station_id()
    if not form.validate() or form.sheet.data not in printing.sheets():
        raise Refusal(Code.NOT_FOUND)
    with db.transaction() as session:
        actions.forget(session, actor, station_id, form.sheet.data)
    said = _("La prochaine impression commencera sur une planche neuve.")
    return pages.done("labels.home", said=said)


# --- the print page ---


@bp.get("/labels/print")
@requires(Permission.LABEL_PRINT)
def asking() -> Response:
    """What is about to be printed, and on what."""
    selection = SelectionForm(request.args)
    if not selection.validate():
        return _wrong(selection)
    wanted = _wanted(selection)
    form = _paper_form(wanted, request.args)
    return _print_page(selection, wanted, form)


@bp.post("/labels/print")
@requires(Permission.LABEL_PRINT)
def order() -> BaseResponse:
    """Print: once per page that was shown."""
    actor, selection = guard.actor(), SelectionForm(request.form)
    if not selection.validate():
        return _wrong(selection)
    wanted = _wanted(selection)
    form = _paper_form(wanted, request.form)
    if not form.validate():
        return _print_page(selection, wanted, form, status=422)
    paper = form.to_paper(_station_id())

    def make(session: Session) -> str:
        return str(actions.print_labels(session, actor, wanted, paper))

    try:
        run_id = _once(form, ["labels.print", selection.pairs, wanted.blanks, paper.content], make)
    except Refusal as refusal:
        tell(form, refusal)
        return _print_page(selection, wanted, form, status=422)
    return _made(int(run_id))


@bp.get("/labels/print/paper")
@requires(Permission.LABEL_PRINT)
def paper_part() -> Response:
    """The part of the print page that depends on the sheet: its places and how it will look."""
    selection = SelectionForm(request.args)
    if not selection.validate():
        raise Refusal(Code.BAD_REQUEST)
    wanted = _wanted(selection)
    given = request.args.copy()
    if request.headers.get("HX-Trigger-Name") == "sheet":
        given.poplist("start")
    form = _paper_form(wanted, given)
    if form.paper is None:
        raise Refusal(Code.BAD_REQUEST)
    return pages.page("office/paper_part.html", form=form, selection=selection, millimetres=millimetres)


@bp.get("/labels/preview.svg")
@requires(Permission.LABEL_PRINT)
def preview() -> Response:
    """The first sheet as it will be printed; nothing is made."""
    selection = SelectionForm(request.args)
    if not selection.validate():
        raise Refusal(Code.BAD_REQUEST)
    wanted = _wanted(selection)
    form = _paper_form(wanted, request.args)
    paper, start, copies = form.paper, form.start.data or 1, form.copies.data or 1
    if paper is None or not 1 <= start <= paper.places or not 1 <= copies <= rules.COPIES_MAX:
        raise Refusal(Code.BAD_REQUEST)
    shown = -(-(paper.places - start + 1) // copies)
    with db.read() as session:
        inked = _samples(session, guard.actor(), wanted, shown)
    return _svg(printing.preview(inked, Layout(paper.reference, start, copies)))


def _samples(session: Session, actor: Actor, wanted: Selection, shown: int) -> list[Inked]:
    if wanted.kind is RunKind.BLANKS:
        said = printing.blank_lines()
        return [Inked(SAMPLE, said)] * max(min(wanted.blanks or 1, shown), 1)
    found = queries.chosen(session, actor, wanted, limit=shown)
    if not found:
        raise Refusal(Code.NOT_FOUND)
    return [Inked(each.code, each.lines) for each in found[:shown]]


# --- a run ---


@bp.get("/labels/<int:run_id>")
@requires(Permission.LABEL_PRINT)
def show(run_id: int) -> Response:
    """A run: its file to open, or how far it got, and how to do it again."""
    return _run_page(_seen(run_id))


@bp.get("/labels/<int:run_id>/progress")
@requires(Permission.LABEL_PRINT)
def progress(run_id: int) -> Response:
    """How far a long run got: the part of its page that asks again by itself."""
    run = _seen(run_id)
    if run.state in (Drawn.DONE, Drawn.FAILED):
        return Response(status=204, headers={"HX-Refresh": "true"})
    return pages.page("office/progress.html", run=run, queue_answers=work.queue_answers())


@bp.post("/labels/<int:run_id>/resume")
@requires(Permission.LABEL_PRINT)
def resume(run_id: int) -> BaseResponse:
    """Go on with a long run that stopped."""
    form, run = AgainForm(), _seen(run_id)
    form.validate()
    with db.transaction() as session:
        if run.job_id is not None:
            work.wake(session, run.job_id)
    return pages.done("labels.show", run_id=run.id, said=_("La préparation des étiquettes reprend."))


@bp.post("/labels/<int:run_id>/again")
@requires(Permission.LABEL_PRINT)
def again(run_id: int) -> BaseResponse:
    """Print the same labels once more, for a reason."""
    actor, run = guard.actor(), _seen(run_id)
    form = _again_form(run, request.form)
    if not form.validate():
        return _run_page(run, form, status=422)
    paper = form.to_paper(_station_id())

    def make(session: Session) -> str:
        return str(actions.print_again(session, actor, run.id, paper))

    try:
        made = _once(form, ["labels.again", run.id, paper.content], make)
    except Refusal as refusal:
        tell(form, refusal)
        return _run_page(run, form, status=422)
    return _made(int(made))


@bp.get("/labels/<int:run_id>/etiquettes.pdf")
@requires(Permission.LABEL_PRINT)
def pdf(run_id: int) -> Response:
    """The file to print."""
    with db.read() as session:
        run, inked = queries.ready(session, guard.actor(), run_id)
    return pages.pdf(printing.file_of(run.file, inked, run.layout), f"etiquettes-{run.id}.pdf")


@bp.get("/labels/<int:run_id>/etiquettes.zpl")
@requires(Permission.LABEL_PRINT)
def zpl(run_id: int) -> Response:
    """The same for a thermal printer."""
    with db.read() as session:
        run, inked = queries.ready(session, guard.actor(), run_id)
    headers = {"Content-Disposition": f'attachment; filename="etiquettes-{run.id}.zpl"'}
    return Response(printing.zpl(inked, run.layout), mimetype="application/zpl", headers=headers)


@bp.get("/labels/<int:run_id>/sheet.svg")
@requires(Permission.LABEL_PRINT)
def sheet(run_id: int) -> Response:
    """The first sheet of a run as a picture."""
    run, actor = _seen(run_id), guard.actor()
    with db.read() as session:
        inked = queries.inked(session, actor, run.id, limit=printing.places(run.sheet))
    if not inked:
        raise Refusal(Code.NOT_DRAWN_YET)
    return _svg(printing.preview(inked, run.layout))


# --- printers ---


@bp.get("/labels/printers/new")
@requires(Permission.LABEL_PRINT)
def new_printer() -> Response:
    """A form for a printer."""
    return pages.page("office/printer_new.html", form=PrinterForm())


@bp.post("/labels/printers/new")
@requires(Permission.LABEL_PRINT)
def add_printer() -> BaseResponse:
    """Add a printer."""
    form, actor = PrinterForm(), guard.actor()
    if not form.validate():
        return pages.page("office/printer_new.html", form=form, status=422)
    name = form.name.data or ""
    try:
        made = _once(
            form, ["printer.add", name], lambda session: str(actions.add_printer(session, actor, name))
        )
    except Refusal as refusal:
        tell(form, refusal)
        return pages.page("office/printer_new.html", form=form, status=422)
    return pages.done("labels.printer", printer_id=int(made), said=_("Imprimante ajoutée. Réglez-la."))


@bp.get("/labels/printers/<int:printer_id>")
@requires(Permission.LABEL_PRINT)
def printer(printer_id: int) -> Response:
    """A printer: its calibration page, and what was measured on it."""
    return _printer_page(printer_id)


@bp.post("/labels/printers/<int:printer_id>")
@requires(Permission.LABEL_PRINT)
def calibrate(printer_id: int) -> BaseResponse:
    """Correct a printer by what its calibration page measures."""
    form, actor = MeasureForm(), guard.actor()
    with db.read() as session:
        queries.printer(session, actor, printer_id)
    if not form.validate():
        return _printer_page(printer_id, form, status=422)
    try:
        with db.transaction() as session:
            measured = form.to_measured()
            actions.calibrate(session, actor, printer_id, form.version.data or 0, measured)
    except Refusal as refusal:
        tell(form, refusal)
        return _printer_page(printer_id, form, status=422)
    said = _("Réglage gardé. Imprimez la page une dernière fois, pour vérifier.")
    return pages.done("labels.printer", printer_id=printer_id, said=said)


@bp.post("/labels/printers/<int:printer_id>/reset")
@requires(Permission.LABEL_PRINT)
def reset(printer_id: int) -> BaseResponse:
    """Forget a printer's correction."""
    form, actor = AgainForm(), guard.actor()
    form.validate()
    with db.transaction() as session:
        actions.reset(session, actor, printer_id)
    return pages.done("labels.printer", printer_id=printer_id, said=_("Réglage supprimé."))


@bp.get("/labels/printers/<int:printer_id>/page.pdf")
@requires(Permission.LABEL_PRINT)
def calibration(printer_id: int) -> Response:
    """The page to print with this printer and to measure."""
    with db.read() as session:
        found = queries.printer(session, guard.actor(), printer_id)
    return pages.pdf(printing.calibration_page(found.offsets), f"reglage-{printer_id}.pdf")


# --- the history of a device, told by another room's page ---


@bp.app_template_filter("with_reprints")
def with_reprints(history: Iterable[Any], device_id: int) -> list[Any]:
    """A device's history and the days when its label was printed again, the latest first.

    Of a history that has older pages, only what is not older than what is shown.
    """
    lines = list(history)
    with db.read() as session:
        found = queries.reprints(session, guard.actor(), device_id)
    whole_life = not lines or lines[-1].seq == 1
    shown: list[Any] = [each for each in found if whole_life or each.at >= lines[-1].at]
    return sorted([*lines, *shown], key=lambda each: each.at, reverse=True)


@bp.app_template_test("reprint")
def is_reprint(line: Any) -> bool:
    """Whether a line of that history is one of those."""
    return isinstance(line, Reprint)


@bp.app_template_global("printed_filters")
def printed_filters(given: MultiDict[str, str]) -> dict[str, list[str]]:
    """Of an address of the list of devices, what narrows the list."""
    kept = SelectionForm(given).link
    return {
        name: values for name, values in kept.items() if name not in {"device", "picked", "listed", "blanks"}
    }


@bp.app_template_global("redrawn")
def redrawn(part: str) -> dict[str, str]:
    """What makes an answer of the print page redraw a part of it, when it changes."""
    return {
        "hx-get": url_for("labels.paper_part"),
        "hx-trigger": "change",
        "hx-include": "closest form",
        "hx-params": "not csrf_token,idempotency_key,reason",
        "hx-target": part,
        "hx-select": part,
        "hx-swap": "outerHTML",
    }


# --- what they share ---


def _station_id() -> int | None:
    here = signin.station()
    return here.id if here is not None and here.organisation_id == guard.actor().organisation_id else None


def _once(form: Any, content: list[Any], make: Callable[[Session], str]) -> str:
    """Make it once per form that was shown, in one unit of work."""
    actor, key = guard.actor(), form["idempotency_key"].data
    with db.transaction() as session:
        return work.once(session, actor, key, content, lambda: make(session))


def _wanted(selection: SelectionForm) -> Selection:
    """What to print; nothing said is blank labels. Raises Refusal(bad-request)."""
    wanted = selection.to_selection()
    if wanted == Selection():
        return Selection(blanks=selection.blanks.data or 0)
    if wanted.kind is None:
        raise Refusal(Code.BAD_REQUEST)
    return wanted


def _paper_form(wanted: Selection, given: MultiDict[str, str] | None = None) -> PaperForm:
    actor, station_id = guard.actor(), _station_id()
    with db.read() as session:
        printers = queries.printers(session, actor)
        opened = queries.opened(session, actor, station_id)
    return PaperForm(printers, opened, given, blanks=wanted.kind is RunKind.BLANKS)


def _again_form(run: RunLine, given: MultiDict[str, str] | None = None) -> PaperForm:
    actor, station_id = guard.actor(), _station_id()
    with db.read() as session:
        printers = queries.printers(session, actor)
        opened = queries.opened(session, actor, station_id)
    form = PaperForm(printers, opened, given, sheet=run.sheet)
    form.reason.flags.required = True
    return form


def _print_page(
    selection: SelectionForm, wanted: Selection, form: PaperForm, *, status: int = 200
) -> Response:
    tally = Tally(0, 0)
    try:
        with db.read() as session:
            tally = queries.tally(session, guard.actor(), wanted)
    except Refusal as refusal:
        status = 422
        if not form.form_errors:
            tell(form, refusal)
    form.reason.flags.required = bool(tally.printed)
    return pages.page(
        "office/print.html",
        selection=selection,
        wanted=wanted,
        form=form,
        tally=tally,
        most=rules.RUN_MAX,
        at_once=rules.AT_ONCE,
        status=status,
    )


def _wrong(selection: SelectionForm) -> Response:
    return pages.page("office/print_wrong.html", form=selection, status=422)


def _run_page(run: RunLine, form: PaperForm | None = None, *, status: int = 200) -> Response:
    return pages.page(
        "office/run.html",
        run=run,
        form=form or _again_form(run),
        resume_form=AgainForm(),
        queue_answers=work.queue_answers(),
        status=status,
    )


def _printer_page(printer_id: int, form: MeasureForm | None = None, *, status: int = 200) -> Response:
    with db.read() as session:
        found = queries.printer(session, guard.actor(), printer_id)
    shown = form or MeasureForm(formdata=None, version=found.version)
    return pages.page(
        "office/printer.html",
        printer=found,
        form=shown,
        reset_form=AgainForm(),
        millimetres=millimetres,
        status=status,
    )


def _seen(run_id: int) -> RunLine:
    with db.read() as session:
        return queries.run(session, guard.actor(), run_id)


def _made(run_id: int) -> BaseResponse:
    run = _seen(run_id)
    said = ngettext("%(num)s étiquette à imprimer.", "%(num)s étiquettes à imprimer.", run.count * run.copies)
    return pages.done("labels.show", run_id=run.id, said=said)


def _svg(drawing: str) -> Response:
    return Response(drawing, mimetype="image/svg+xml", headers={"Cache-Control": "no-store"})
