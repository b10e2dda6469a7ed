"""Pages of shipments: what is under way, what arrives by scanning, what the two sides do not agree on."""

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from bank import db
from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.office import documents
from bank.web import guard, pages, problems, words
from bank.web.guard import requires
from bank.web.words import word
from bank.workshops import shipment_papers, shipment_queries, shipments
from bank.workshops.shipment_forms import ArrivalForm, SettleForm, ShipmentFilterForm
from bank.workshops.shipments import ANSWERS, Arrival, Difference, Settled

bp = Blueprint("shipments", __name__)

TONES = {Arrival.ARRIVED: "done", Arrival.ALREADY: "info", Arrival.UNEXPECTED: "wait"}


@bp.get("/shipments")
@requires(Permission.SHIPMENT_RECEIVE)
def index() -> Response:
    """What is under way to here and from here; or what is over."""
    form = ShipmentFilterForm()
    if not form.validate():
        raise Refusal(Code.BAD_REQUEST)
    with db.read() as session:
        found = shipment_queries.shipments_of(
            session, guard.actor(), closed=form.closed.data, cursor=form.cursor.data
        )
    return pages.page("workshops/shipments.html", page=found, closed=form.closed.data)


@bp.get("/shipments/<int:shipment_id>")
@requires(Permission.SHIPMENT_RECEIVE)
def show(shipment_id: int) -> Response:
    """One shipment: scan what arrives, and see what differs."""
    return _page(shipment_id, ArrivalForm(formdata=None))


@bp.post("/shipments/<int:shipment_id>/arrivals")
@requires(Permission.SHIPMENT_RECEIVE)
def arrive(shipment_id: int) -> Response:
    """A device was scanned where it goes."""
    form = ArrivalForm()
    if not form.validate_on_submit():
        return _page(shipment_id, form, status=422)
    mark, scanned = form.to_mark(), form.code.data or ""
    try:
        with db.transaction() as session:
            found = shipments.arrive(session, guard.actor(), shipment_id, scanned, scan=mark)
    except Refusal as refusal:
        if refusal.code in (Code.NOT_FOUND, Code.NOT_ALLOWED):
            raise
        status = problems.STATUS[refusal.code]
        return _page(shipment_id, ArrivalForm(formdata=None), refused=refusal.code, status=status)
    flash(word(found.arrival, "arrival") % {"code": found.standing.code}, TONES[found.arrival])
    return redirect(url_for("shipments.show", shipment_id=shipment_id), 303)


@bp.post("/shipments/<int:shipment_id>/lines/<code>")
@requires(Permission.WORKSHOP_RUN)
def settle(shipment_id: int, code: str) -> Response:
    """The sender says what became of a device that did not arrive as listed."""
    form = SettleForm()
    if not form.validate_on_submit():
        raise Refusal(Code.BAD_REQUEST)
    with db.transaction() as session:
        shipments.settle(session, guard.actor(), shipment_id, code, form.to_settled())
    return pages.done("shipments.show", shipment_id=shipment_id, said=_("C’est noté."))


@bp.get("/shipments/<int:shipment_id>/note.pdf")
@requires(Permission.SHIPMENT_RECEIVE)
def note(shipment_id: int) -> Response:
    """The paper that travels with the devices."""
    with db.read() as session:
        facts = shipment_papers.note(session, guard.actor(), shipment_id)
    return pages.pdf(documents.transfer(facts), f"transfert-{shipment_id}.pdf")


def _page(shipment_id: int, form: ArrivalForm, *, refused: Code | None = None, status: int = 200) -> Response:
    with db.read() as session:
        sheet = shipment_queries.shipment(session, guard.actor(), shipment_id)
    return pages.page(
        "workshops/shipment.html",
        sheet=sheet,
        form=form,
        refused=words.problem(refused) if refused else None,
        differences={each: sheet.open(each) for each in Difference},
        answers=ANSWERS,
        settle_form=lambda answer: SettleForm(formdata=None, data={"outcome": answer}),
        danger=Settled.MISSING,
        status=status,
    )
