"""The first page after signing in: what awaits this person, and the one thing they come for."""

from flask import Blueprint, Response

from bank import db
from bank.home import queries
from bank.web import guard, pages
from bank.web.guard import signed_in

bp = Blueprint("home", __name__)


@bp.get("/")
@signed_in("everybody has a first page; it shows what their roles let them see")
def show() -> Response:
    """What awaits me."""
    actor = guard.actor()
    with db.read() as session:
        awaiting = queries.awaiting(session, actor)
    return pages.page("home/show.html", awaiting=awaiting)
