"""Scans as JSON. The single one is the hottest path of the house: three statements for a step without evidence."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import marshmallow as ma
from flask import Response, jsonify, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.identity import signin
from bank.inventory import codes, register
from bank.inventory.register import Standing
from bank.scanning import intake
from bank.scanning.actions import Scan
from bank.scanning.queries import Result
from bank.scanning.schemas import BATCH_ANSWER, BATCH_MAX, ResultSchema, ScanSchema
from bank.web import guard, problems
from bank.web.api import Blueprint
from bank.web.guard import requires

bp = Blueprint("scanning", __name__, "Scans: what is this, what now, it is done")

SCAN = ScanSchema()
RESULT = ResultSchema()


@bp.route("/scans", methods=["POST"])
@requires(Permission.DEVICE_SCAN, in_action=True)
@bp.body(SCAN)
@bp.alt_response(200, schema=RESULT)
def scan(made: Scan) -> Response:
    """Scan a device, to see its step or to say that it is done."""
    secret = guard.bearer()
    if secret is None:
        raise Refusal(Code.NOT_SIGNED_IN)
    made = replace(made, code=codes.read(made.code))
    look = partial(_look, token_hash=signin.token_hash(secret))
    # Answered as it is: its values are what the schema would make of them.
    return jsonify(_body(made, intake.take(made, look, guard.actor)))


@bp.route("/scans/batch", methods=["POST"])
@requires(Permission.DEVICE_SCAN)
@bp.doc(requestBody={"required": True, "content": {"application/json": {"schema": ScanSchema(many=True)}}})
@bp.alt_response(200, schema=BATCH_ANSWER)
def batch() -> Response:
    """Send scans that have waited, in their order; one answer each, whatever becomes of the others."""
    sent = request.get_json()
    if not isinstance(sent, list) or len(sent) > BATCH_MAX:
        raise Refusal(Code.INVALID, errors={"json": [f"a list of at most {BATCH_MAX} scans"]})
    look, who = intake.as_known(guard.actor()), guard.actor
    return jsonify([_one_of_batch(each, look, who) for each in sent])


def _one_of_batch(sent: Any, look: intake.Look, who: Callable[[], Actor]) -> dict[str, Any]:
    try:
        made: Scan = SCAN.load(sent)
        made = replace(made, code=codes.read(made.code))
        return {**RESULT.dump(_body(made, intake.take(made, look, who))), "status": 200}
    except ma.ValidationError as error:
        problem = Refusal(Code.INVALID, errors=error.messages_dict)
    except IntegrityError:
        problem = Refusal(Code.ALREADY_EXISTS)
    except Refusal as refusal:
        problem = refusal
    scan_id = sent.get("scan_id") if isinstance(sent, dict) else None
    return {"scan_id": str(scan_id), **problems.answer(problem).get_json()}


def _look(session: Session, code: str, *, token_hash: str) -> tuple[Actor, Standing]:
    return register.look_with_token(session, code, token_hash)


def _body(made: Scan, result: Result) -> dict[str, Any]:
    return {
        "scan_id": made.scan_id,
        "outcome": result.outcome,
        "state": result.state,
        "step": result.step,
        "device": result.code,
        "open_drives": result.open_drives,
        "reason": result.reason,
        "problem": result.problem,
    }
