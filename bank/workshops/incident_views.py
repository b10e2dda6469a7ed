"""Pages on what went missing with data on it, for the coordinator and the supervisor."""

from flask import Blueprint
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from bank import db
from bank.actor import Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.web import guard, pages
from bank.web.guard import requires
from bank.workshops import board, forms, incidents
from bank.workshops.board import IncidentPage
from bank.workshops.forms import IncidentFilterForm, OutcomeForm

bp = Blueprint("incidents", __name__)


@bp.get("/incidents")
@requires(Permission.INCIDENT_SETTLE)
def index() -> Response:
    """Incidents that are open, or those that are over."""
    form, actor = IncidentFilterForm(), guard.actor()
    if not form.validate():
        nothing = IncidentPage((), None)
        return pages.page("workshops/incidents.html", page=nothing, form=form, now=utcnow(), status=422)
    with db.read() as session:
        page = board.incidents(session, actor, closed=bool(form.closed.data), cursor=form.cursor.data)
    return pages.page("workshops/incidents.html", page=page, form=form, now=utcnow())


@bp.get("/incidents/<int:incident_id>")
@requires(Permission.INCIDENT_SETTLE)
def show(incident_id: int) -> Response:
    """One incident: the clock, last custody, the outcome."""
    return _page(incident_id, OutcomeForm(formdata=None))


@bp.post("/incidents/<int:incident_id>")
@requires(Permission.INCIDENT_SETTLE)
def settle(incident_id: int) -> Response:
    """Say how it ended."""
    form = OutcomeForm()
    if not form.validate():
        return _page(incident_id, form, status=422)
    try:
        with db.transaction() as session:
            incidents.settle(session, guard.actor(), incident_id, form.to_outcome())
    except Refusal as refusal:
        if refusal.code is not Code.INVALID:
            raise
        forms.tell(form, refusal.facts.get("errors"))
        return _page(incident_id, form, status=422)
    return pages.done("incidents.show", incident_id=incident_id, said=_("Incident terminé."))


def _page(incident_id: int, form: OutcomeForm, *, status: int = 200) -> Response:
    with db.read() as session:
        incident = board.incident(session, guard.actor(), incident_id)
    return pages.page("workshops/incident.html", incident=incident, form=form, now=utcnow(), status=status)
