"""The pages of the grid: programmes, prices and caps, read and added to."""

from collections.abc import Callable

from flask import Blueprint, Response, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from bank import db, work
from bank.actor import Permission
from bank.allocation import price_list, price_queries, queries
from bank.allocation.forms import explain_on
from bank.allocation.price_forms import ProgrammeForm, TariffForm
from bank.errors import Code, Refusal
from bank.web import guard, pages
from bank.web.guard import requires

bp = Blueprint("prices", __name__)


@bp.get("/prices")
@requires(Permission.PRICE_EDIT)
def index() -> Response:
    """What counts today, what will, what did."""
    with db.read() as session:
        grid = price_queries.grid(session, guard.actor())
    return pages.page("allocation/prices.html", grid=grid)


@bp.route("/prices/new", methods=["GET", "POST"])
@requires(Permission.PRICE_EDIT)
def new_tariff() -> BaseResponse:
    """Add a price from a day."""
    actor, form = guard.actor(), TariffForm()
    with db.read() as session:
        programmes = price_queries.grid(session, actor).programmes
        sellers = price_queries.sellers(session, actor)
    names = {each.code: each.name for each in programmes if each.state != "over"}
    form.offer(list(names.items()), sellers)
    if not form.is_submitted():
        form.programme.data = request.args.get("programme", "")
    if form.validate_on_submit():
        made = form.made()
        if _added(form, made, lambda session: price_list.add_tariff(session, actor, made)):
            return pages.done("prices.index", said=gettext("Prix ajouté."))
    return _form("allocation/price_new.html", form)


@bp.route("/prices/programmes/new", methods=["GET", "POST"])
@requires(Permission.PRICE_EDIT)
def new_programme() -> BaseResponse:
    """Add a programme from a day."""
    actor, form = guard.actor(), ProgrammeForm()
    if form.validate_on_submit():
        made = form.made()
        if _added(form, made, lambda session: price_list.add_programme(session, actor, made)):
            return pages.done("prices.index", said=gettext("Dispositif ajouté."))
    return _form("allocation/programme_new.html", form)


def _added(form: TariffForm | ProgrammeForm, made: object, add: Callable[[Session], int]) -> bool:
    """Whether it was added; if not, the form says why."""
    actor, key = guard.actor(), form.idempotency_key.data
    content = [type(made).__name__, sorted((name, repr(value)) for name, value in vars(made).items())]
    try:
        with db.transaction() as session:
            work.once(session, actor, key, content, lambda: str(add(session)))
    except Refusal as refusal:
        if refusal.code is not Code.INVALID:
            raise
        explain_on(form, refusal)
        return False
    return True


def _form(template: str, form: TariffForm | ProgrammeForm) -> Response:
    status = 422 if form.is_submitted() else 200
    return pages.page(template, form=form, today=queries.today(), status=status)
