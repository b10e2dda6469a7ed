"""Scans that come together, from the API or from a page that has waited: in their order, one answer each."""

from collections.abc import Callable
from typing import Any

import marshmallow as ma
from sqlalchemy.exc import IntegrityError

from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.scanning import intake
from bank.scanning.actions import Scan
from bank.scanning.intake import Look
from bank.scanning.queries import Result
from bank.scanning.schemas import ResultSchema, ScanSchema
from bank.web import problems

SCAN = ScanSchema()
RESULT = ResultSchema()


def answers(sent: Any, most: int, look: Look, who: Callable[[], Actor]) -> list[dict[str, Any]]:
    """Take each scan in, in a unit of work of its own; its result with `status` 200, or its problem.

    Raises Refusal(invalid) on what is no list, or one of more than `most`.
    """
    if not isinstance(sent, list) or len(sent) > most:
        raise Refusal(Code.INVALID, errors={"json": [f"a list of at most {most} scans"]})
    return [_one(each, look, who) for each in sent]


def _one(sent: Any, look: Look, who: Callable[[], Actor]) -> dict[str, Any]:
    try:
        made: Scan = SCAN.load(sent)
        return {**RESULT.dump(said(made, intake.take_scanned(made, look, who))), "status": 200}
    except ma.ValidationError as error:
        problem = Refusal(Code.INVALID, errors=error.messages_dict)
    except IntegrityError:
        problem = Refusal(Code.ALREADY_EXISTS)
    except Refusal as refusal:
        problem = refusal
    scan_id = sent.get("scan_id") if isinstance(sent, dict) else None
    return {"scan_id": str(scan_id), **problems.body(problem)}


def said(made: Scan, result: Result) -> dict[str, Any]:
    """The answer to one scan."""
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
