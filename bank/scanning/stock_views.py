"""Pages of stock-takes: choose a place, scan what is there, settle, print the result."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse
from wtforms import FieldList, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import Length

from bank import db
from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.identity import signin
from bank.inventory import codes, place_queries
from bank.office import documents
from bank.scanning import papers, settings, stock_queries, stock_takes
from bank.scanning.actions import CODE_MAX
from bank.scanning.forms import Asks
from bank.scanning.models import Sight
from bank.scanning.stock_queries import Settlement, Take
from bank.scanning.stock_takes import Sighting
from bank.web import guard, pages, problems, words
from bank.web.forms import Form, PageForm, Unchosen
from bank.web.guard import requires
from bank.web.words import word

bp = Blueprint("stock_takes", __name__)
settings.on_desk(bp)

# How many scans a page sends at once, and how many lines it shows of each list.
SCANS_MAX = 50
SHOWN = 200
# The settling form's answer about a line is named after its label.
ABOUT = "do-"
TONES = {Sight.FOUND: "done", Sight.UNEXPECTED: "wait", Sight.UNKNOWN: "stop"}


class StartForm(Form):
    """Where to count: a place's label, or its name in the list."""

    code = StringField(_l("Étiquette de l’emplacement"), [Asks(), Length(max=CODE_MAX)])
    place = SelectField(_l("Ou choisissez l’emplacement"), [Unchosen()])

    def offer(self, places: Sequence[tuple[int, str]]) -> None:
        """The places to choose from."""
        named = [SelectChoice(str(place_id), name) for place_id, name in places]
        self.place.choices = [SelectChoice("", _l("Choisir dans la liste")), *named]


class SeenForm(PageForm):
    """What was scanned: one code, or those that waited while the page was sending."""

    codes = FieldList(StringField(_l("Code"), [Length(max=CODE_MAX)]), max_entries=SCANS_MAX + 1)
    code = StringField(_l("Code de l’étiquette"), [Asks(), Length(max=CODE_MAX)])


class CloseForm(PageForm):
    """What is done about each line: a choice each, named after its label."""

    def choices(self) -> Mapping[str, Settlement]:
        """The choices, by label. Raises Refusal(bad-request) on one that no page offers."""
        try:
            return {
                name.removeprefix(ABOUT): Settlement(value)
                for name, value in request.form.items()
                if name.startswith(ABOUT)
            }
        except ValueError as error:
            raise Refusal(Code.BAD_REQUEST) from error


@bp.get("/scan/stock-takes")
@requires(Permission.DEVICE_SCAN)
def index() -> Response:
    """Where to count, what is being counted, and what was."""
    return _index(StartForm(formdata=None))


@bp.post("/scan/stock-takes")
@requires(Permission.DEVICE_SCAN)
def start() -> BaseResponse:
    """Start at a place, or join whoever counts there."""
    form, actor = StartForm(), guard.actor()
    form.offer(_places())
    scanned = form.code.data or ""
    if signin.is_badge(scanned):
        return redirect(signin.change_badge(scanned), 303)
    if not form.validate_on_submit() or not (scanned.strip() or form.place.data):
        form.code.errors = [*form.code.errors, _("Scannez l’étiquette d’un emplacement, ou choisissez-le.")]
        return _index(form, status=422)
    try:
        with db.transaction() as session:
            by_label = scanned.strip() and stock_takes.place_of(session, actor, scanned)
            place_id = by_label or int(form.place.data)
            take_id = stock_takes.open_at(session, actor, form.idempotency_key.data, place_id)
    except Refusal as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
        form.code.errors = [_("Cette étiquette n’est pas celle d’un de vos emplacements.")]
        return _index(form, status=422)
    return redirect(url_for("stock_takes.show", take_id=take_id), 303)


@bp.get("/scan/stock-takes/<int:take_id>")
@requires(Permission.DEVICE_SCAN)
def show(take_id: int) -> Response:
    """Scan here; or, once it is closed, the result."""
    counted = _read(take_id)
    if counted.closed_at is not None:
        return pages.page("scanning/stock_result.html", take=counted, shown=SHOWN)
    return _live(counted, SeenForm(formdata=None))


@bp.post("/scan/stock-takes/<int:take_id>/scans")
@requires(Permission.DEVICE_SCAN)
def scan(take_id: int) -> BaseResponse:
    """What was scanned. The page's script sends many, and is given what changed on the page."""
    form = SeenForm()
    if not form.validate_on_submit() or len(form.codes) > SCANS_MAX:
        raise Refusal(Code.BAD_REQUEST)
    given = [*(form.codes.data or ()), *([form.code.data] if form.code.data else ())]
    if len(given) == 1 and signin.is_badge(given[0]):
        return redirect(signin.change_badge(given[0]), 303)
    with db.transaction() as session:
        sightings = stock_takes.scan(session, guard.actor(), take_id, given)
    if form.codes.data:
        return _changed(take_id, sightings)
    for sighting in sightings:
        flash(said_of(sighting), tone_of(sighting))
    return redirect(url_for("stock_takes.show", take_id=take_id), 303)


@bp.get("/scan/stock-takes/<int:take_id>/close")
@requires(Permission.WORKSHOP_RUN)
def settle(take_id: int) -> BaseResponse:
    """What to do about each line that is not as the register has it."""
    counted = _read(take_id)
    if counted.closed_at is not None:
        return redirect(url_for("stock_takes.show", take_id=take_id))
    return _settling(counted)


@bp.post("/scan/stock-takes/<int:take_id>/close")
@requires(Permission.WORKSHOP_RUN)
def close(take_id: int) -> BaseResponse:
    """Settle, and close. What changed since the page was made is shown first."""
    form = CloseForm()
    if not form.validate_on_submit():
        raise Refusal(Code.BAD_REQUEST)
    try:
        with db.transaction() as session:
            stock_takes.close(session, guard.actor(), take_id, form.choices(), all_shown=True)
    except Refusal as refusal:
        if refusal.code is not Code.EDITED_MEANWHILE and "device" not in refusal.facts:
            raise
        return _settling(_read(take_id), refusal)
    return pages.done("stock_takes.show", take_id=take_id, said=_("Inventaire terminé."))


@bp.get("/scan/stock-takes/<int:take_id>/result.pdf")
@requires(Permission.DEVICE_SCAN)
def result(take_id: int) -> Response:
    """The result of a closed take, to print."""
    with db.read() as session:
        facts = papers.stock_take(session, guard.actor(), take_id)
    return pages.pdf(documents.stock_take(facts), f"inventaire-{take_id}.pdf")


def _read(take_id: int) -> Take:
    with db.read() as session:
        return stock_queries.stock_take(session, guard.actor(), take_id)


def _places() -> list[tuple[int, str]]:
    with db.read() as session:
        return [
            (line.id, " › ".join((*line.path, line.name)))
            for line in place_queries.places(session, guard.actor())
        ]


def _index(form: StartForm, *, status: int = 200) -> Response:
    actor = guard.actor()
    form.offer(_places())
    with db.read() as session:
        running = stock_queries.takes(session, actor, closed=False)
        over = stock_queries.takes(session, actor, closed=True)
    template = "scanning/stock_takes.html"
    return pages.page(template, form=form, running=running, over=over, status=status)


def _live(counted: Take, form: SeenForm) -> Response:
    return pages.with_camera(
        pages.page("scanning/stock_take.html", take=counted, form=form, shown=SHOWN, scans_max=SCANS_MAX)
    )


def _changed(take_id: int, sightings: Sequence[Sighting]) -> Response:
    """For the page's script: the lists as they are now, and what to say of each scan."""
    counted = _read(take_id)
    said = [
        {"said": each.said, "outcome": OUTCOMES[tone_of(each)], "text": said_of(each)} for each in sightings
    ]
    lists = render_template("scanning/stock_lists.html", take=counted, shown=SHOWN)
    return jsonify({"scans": said, "lists": lists})


# How the desk's scripts name the tones of a notice.
OUTCOMES = {"done": "done", "info": "nothing", "wait": "refused", "stop": "refused"}


def tone_of(sighting: Sighting) -> str:
    """How loud a scan is told."""
    if sighting.sight is None:
        return "stop"
    return "info" if sighting.again and sighting.sight is Sight.FOUND else TONES[sighting.sight]


def said_of(sighting: Sighting) -> str:
    """What a scan came to, in words."""
    if sighting.reason is not None:
        title, what_to_do = words.problem(sighting.reason)
        return f"{title}. {what_to_do}"
    said = word(sighting.sight or "", "sight")
    said = f"{said[:1].upper()}{said[1:]}"
    code = sighting.said if sighting.sight is Sight.UNKNOWN else codes.grouped(sighting.said)
    if sighting.again:
        return str(_("Déjà scanné : %(code)s. %(said)s.", code=code, said=said))
    return str(_("%(said)s : %(code)s", code=code, said=said))


def _settling(counted: Take, refusal: Refusal | None = None) -> Response:
    status = problems.STATUS[refusal.code] if refusal else 200
    return pages.page(
        "scanning/stock_close.html",
        take=counted,
        form=CloseForm(),
        about=ABOUT,
        refused=words.problem(refusal.code) if refusal else None,
        device=refusal.facts.get("device") if refusal else None,
        status=status,
    )
