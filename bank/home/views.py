"""The first page after signing in: the things this person comes for, and what awaits them."""

from dataclasses import dataclass

from flask import Blueprint, Response
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from bank import db
from bank.actor import Permission
from bank.donations import queries as donations
from bank.donations.models import BatchState
from bank.donations.queries import BatchPage, Filters
from bank.home import queries
from bank.web import guard, pages
from bank.web.guard import signed_in

TO_EXAMINE = 5

bp = Blueprint("home", __name__)


@dataclass(frozen=True)
class Start:
    """One thing to begin in one click, for who may."""

    permission: Permission
    endpoint: str
    text: LazyString
    icon: str


STARTS = (
    Start(Permission.DEVICE_SCAN, "scanning.desk", _l("Ouvrir le poste de scan"), "scan"),
    Start(Permission.WORKSHOP_RUN, "workshops.board", _l("Encadrer l’atelier"), "tool"),
    Start(Permission.HANDOVER_MAKE, "desk.desk", _l("Ouvrir le guichet de remise"), "handover"),
    Start(Permission.BATCH_ANNOUNCE, "donations.announcing", _l("Annoncer un don"), "gift"),
    Start(Permission.REQUEST_MAKE, "allocation.new", _l("Demander du matériel"), "plus"),
    Start(Permission.BATCH_ENTER, "donations.new", _l("Saisir un lot"), "package"),
    Start(Permission.BATCH_TAKE_IN, "donations.arriving", _l("Réceptionner sans annonce"), "truck"),
)


@bp.get("/")
@signed_in("everybody has a first page; it shows what their roles let them see")
def show() -> Response:
    """What awaits me."""
    actor = guard.actor()
    with db.read() as session:
        awaiting = queries.awaiting(session, actor)
        stages = queries.stages(session, actor) if actor.can(Permission.DEVICE_SEE) else []
        to_examine = BatchPage((), None)
        if actor.can(Permission.BATCH_ENTER):
            filters = Filters(state=BatchState.SUBMITTED)
            to_examine = donations.batches(session, actor, filters, limit=TO_EXAMINE)
    return pages.page(
        "home/show.html",
        starts=[start for start in STARTS if actor.can(start.permission)],
        awaiting=[line for line in awaiting if line.count],
        works=bool(awaiting),
        stages=stages,
        to_examine=to_examine.batches,
    )
