"""The desk without network: what its page keeps on a phone, and how that comes back."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as BaseResponse

from bank import db
from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.identity import passes
from bank.scanning import batch, cards, intake, refused
from bank.scanning.schemas import SEND_MAX
from bank.web import guard
from bank.web.guard import public, requires, takes_json

bp = Blueprint("offline", __name__)

PASS_HEADER = "X-Scan-Pass"
# Of so many people one browser may keep scans.
PASSES_MAX = 20


@bp.get("/scan/pass")
@takes_json
@public("a page that has waited asks who is signed in here, and whose account was closed meanwhile")
def whose() -> Response:
    """Who works at this browser, a fresh token to send with, and whose things are to be wiped from it."""
    tokens = request.headers.get(PASS_HEADER, "").split()[:PASSES_MAX]
    with db.read() as session:
        closed = passes.closed(session, tokens)
    return jsonify({**here(), "closed": closed})


@bp.app_template_global("queue_data")
def here() -> dict[str, Any]:
    """What a page gives its queue: the operator (a number), their pass, the token to send with."""
    who = guard.actor_or_none()
    works = who is not None and who.can(Permission.DEVICE_SCAN)
    return {
        "operator": who.person_id if who is not None and works else None,
        "pass": passes.make(who) if who is not None and works else None,
        "token": generate_csrf(),
    }


@bp.get("/scan/cards")
@takes_json
@requires(Permission.DEVICE_SCAN)
def known() -> BaseResponse:
    """What the workshop has in hand, for the phone to know it without network. The same again is a 304."""
    actor = guard.actor()
    with db.read() as session:
        response = jsonify({**cards.cards(session, actor), "operator": actor.person_id})
    response.add_etag()
    return response.make_conditional(request)


@bp.post("/scan/send")
@takes_json
@requires(Permission.DEVICE_SCAN)
def send() -> Response:
    """Scans that have waited on a page, at most 50, all of the person whose pass comes with them."""
    sent, author = request.get_json(), _author()
    answers = batch.answers(sent, SEND_MAX, intake.as_known(author), lambda: author)
    _note(author, sent, answers)
    return jsonify(answers)


def _author() -> Actor:
    """Whose scans these are: those of the pass's holder, else of who is signed in. Raises Refusal."""
    token = request.headers.get(PASS_HEADER)
    if token is None:
        return guard.actor()
    with db.read() as session:
        return passes.holder(session, token, guard.actor().organisation_id)


def _note(author: Actor, sent: list[Any], answers: list[dict[str, Any]]) -> None:
    taken = [answer["scan_id"] for answer in answers if answer["status"] == refused.TAKEN]
    if len(taken) == len(answers):
        with db.read() as session:
            if not refused.any_open(session, taken):
                return
    with db.transaction() as session:
        refused.note(session, author, sent, answers)


@bp.post("/scan/refused/<scan_id>/settled")
@takes_json
@requires(Permission.DEVICE_SCAN)
def settle(scan_id: str) -> Response:
    """Somebody has dealt with a scan that was refused. Settled twice, it is settled."""
    with db.transaction() as session:
        refused.settle(session, guard.actor(), _scan_id(scan_id))
    return Response(status=204)


def _scan_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise Refusal(Code.NOT_FOUND) from error
