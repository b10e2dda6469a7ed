"""Scans that come together, from the API or from a page that has waited: in their order, one answer each."""

from collections.abc import Callable
from typing import Any

import marshmallow as ma
from sqlalchemy.exc import IntegrityError

from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.inventory import codes
from bank.scanning import intake
from bank.scanning.actions import Scan
from bank.scanning.intake import Look
from bank.scanning.queries import Result
from bank.scanning.schemas import ResultSchema, ScanSchema
from bank.web import problems

SCAN = ScanSchema()
RESULT = ResultSchema()
# Scans of one unit of work: enough to share its cost, few enough to keep nobody waiting.
TOGETHER = 50


def answers(sent: Any, most: int, look: Look, who: Callable[[], Actor]) -> list[dict[str, Any]]:
    """Take each scan in, in order; its result with `status` 200, or its problem, whatever becomes of the others.

    Runs of plain ones share a unit of work. Raises Refusal(invalid) on what is no list, or one of more than `most`.
    """
    if not isinstance(sent, list) or len(sent) > most:
        raise Refusal(Code.INVALID, errors={"json": [f"a list of at most {most} scans"]})
    loaded = [_loaded(each) for each in sent]
    told: list[dict[str, Any]] = []
    while len(told) < len(sent):
        ahead = _ahead(loaded[len(told) : len(told) + TOGETHER])
        results = intake.take_together(ahead, who())
        told += [_taken(made, result) for made, result in zip(ahead, results, strict=False)]
        if len(results) < len(ahead) or not ahead:
            told.append(_one(sent[len(told)], loaded[len(told)], look, who))
    return told


def _ahead(loaded: list[Scan | ma.ValidationError]) -> list[Scan]:
    """The scans of labels before the first that is something else."""
    ahead: list[Scan] = []
    for made in loaded:
        if not isinstance(made, Scan) or not codes.is_code(made.code):
            break
        ahead.append(made)
    return ahead


def _loaded(sent: Any) -> Scan | ma.ValidationError:
    try:
        made: Scan = SCAN.load(sent)
    except ma.ValidationError as error:
        return error
    return made


def _taken(made: Scan, result: Result) -> dict[str, Any]:
    return {**RESULT.dump(said(made, result)), "status": 200}


def _one(sent: Any, made: Scan | ma.ValidationError, look: Look, who: Callable[[], Actor]) -> dict[str, Any]:
    try:
        if isinstance(made, ma.ValidationError):
            raise made
        return _taken(made, intake.take_scanned(made, look, who))
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
