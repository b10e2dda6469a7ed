"""Scans as JSON. The single one is the hottest path of the house: three statements for a step without evidence."""

from functools import partial

from flask import Response, jsonify, request
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.identity import signin
from bank.inventory import register
from bank.inventory.register import Standing
from bank.scanning import intake
from bank.scanning.actions import Scan
from bank.scanning.batch import RESULT, SCAN, answers, said
from bank.scanning.schemas import BATCH_ANSWER, BATCH_MAX, ScanSchema
from bank.web import guard
from bank.web.api import Blueprint
from bank.web.guard import requires

bp = Blueprint("scanning", __name__, "Scans: what is this, what now, it is done")


@bp.route("/scans", methods=["POST"])
@requires(Permission.DEVICE_SCAN, in_action=True)
@bp.body(SCAN)
@bp.alt_response(200, schema=RESULT)
def scan(made: Scan) -> Response:
    """Scan a device, to see its step or to say that it is done."""
    secret = guard.bearer()
    if secret is None:
        raise Refusal(Code.NOT_SIGNED_IN)
    look = partial(_look, token_hash=signin.token_hash(secret))
    # Answered as it is: its values are what the schema would make of them.
    return jsonify(said(made, intake.take_scanned(made, look, guard.actor)))


@bp.route("/scans/batch", methods=["POST"])
@requires(Permission.DEVICE_SCAN)
@bp.doc(requestBody={"required": True, "content": {"application/json": {"schema": ScanSchema(many=True)}}})
@bp.alt_response(200, schema=BATCH_ANSWER)
def batch() -> Response:
    """Send scans that have waited, in their order; one answer each, whatever becomes of the others."""
    look, who = intake.as_known(guard.actor()), guard.actor
    return jsonify(answers(request.get_json(), BATCH_MAX, look, who))


def _look(session: Session, code: str, *, token_hash: str) -> tuple[Actor, Standing]:
    return register.look_with_token(session, code, token_hash)
