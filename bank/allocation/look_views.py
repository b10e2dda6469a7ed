"""The page that says who opened people's files, for those who answer for it."""

import re

from flask import Blueprint, Response, request

from bank import db
from bank.actor import Permission
from bank.allocation import queries
from bank.web import guard, pages
from bank.web.guard import requires

bp = Blueprint("looks", __name__)

CURSOR_FORM = re.compile(r"[0-9]{1,18}")


@bp.get("/looks")
@requires(Permission.LOOK_SEE)
def index() -> Response:
    """Who opened which file, and when."""
    ref, cursor = request.args.get("ref", "").strip(), request.args.get("cursor", "")
    wanted = ref.upper() if queries.CODE_FORM.fullmatch(ref) else None
    after = int(cursor) if CURSOR_FORM.fullmatch(cursor) else None
    with db.read() as session:
        page = queries.looks(session, guard.actor(), ref=wanted, cursor=after)
    return pages.page("allocation/looks.html", page=page, ref=wanted or "")
