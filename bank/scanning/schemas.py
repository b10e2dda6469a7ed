"""A scan and its answer, as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import marshmallow as ma
from marshmallow import validate

from bank.errors import Code
from bank.inventory.actions import DriveSeen, Erasure, Evidence
from bank.inventory.lifecycle import State
from bank.inventory.models import DriveFate, DriveKind, ErasureMethod, ErasureResult, Grade, StepKind
from bank.scanning.actions import CODE_MAX, Scan
from bank.scanning.queries import Asked
from bank.web.api import ProblemSchema, Schema
from bank.workshops.models import Problem
from bank.workshops.rules import (
    MAKER_MAX,
    MAX_DRIVES,
    MODEL_MAX,
    NOTHING_SEEN,
    SERIAL_MAX,
    SIZE_MAX_GB,
    TOOL_MAX,
    VERSION_MAX,
    Function,
    Outcome,
    Repair,
    Seen,
    System,
)

BATCH_MAX = 500
SEND_MAX = 50


def printable(text: str) -> None:
    """No control sign nor half of a character: no database stores them all."""
    if not text.isprintable():
        raise ma.ValidationError("not printable")


class DriveSchema(Schema):
    """One drive, as it was seen."""

    kind = ma.fields.Enum(DriveKind, by_value=True, required=True, metadata={"description": "What it is."})
    serial = ma.fields.String(
        load_default=None, allow_none=True, validate=[validate.Length(max=SERIAL_MAX), printable]
    )
    size_gb = ma.fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, SIZE_MAX_GB)
    )
    fate = ma.fields.Enum(
        DriveFate,
        by_value=True,
        load_default=DriveFate.PRESENT,
        metadata={"description": "What became of it: still there (`present`), `removed` or `destroyed`."},
    )
    method = ma.fields.Enum(
        ErasureMethod, by_value=True, metadata={"description": "How it was erased, when it is present."}
    )
    tool = ma.fields.String(validate=[validate.Length(1, TOOL_MAX), printable])
    tool_version = ma.fields.String(validate=[validate.Length(1, VERSION_MAX), printable])
    result = ma.fields.Enum(ErasureResult, by_value=True)

    @ma.validates_schema
    def _erasure_is_whole(self, data: Mapping[str, Any], **_kwargs: Any) -> None:
        given = [name for name in ERASURE if name in data]
        wanted = list(ERASURE) if data.get("fate", DriveFate.PRESENT) is DriveFate.PRESENT else []
        wrong = sorted(set(given) ^ set(wanted))
        if wrong:
            text = "needed for a drive that is present, and for no other"
            raise ma.ValidationError({name: [text] for name in wrong})

    @ma.post_load
    def _make(self, data: dict[str, Any], **_kwargs: Any) -> DriveSeen:
        proof = {name: data.pop(name) for name in ERASURE if name in data}
        return DriveSeen(**data, erasure=Erasure(**proof) if proof else None)


ERASURE = ("method", "tool", "tool_version", "result")


class Verdict(StrEnum):
    """How the trial of one function ended."""

    PASSED = "passed"
    FAILED = "failed"


def a_line(longest: int) -> Any:
    """A short text on one line."""
    return ma.fields.String(
        load_default=None, allow_none=True, validate=[validate.Length(max=longest), printable]
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What is said with a scan: what was seen, the scan that it takes back, where the device is put."""

    seen: Seen = NOTHING_SEEN
    undoes: str | None = None
    place: str | None = None


class FactsSchema(Schema):
    """What was seen and done at the step. Each step takes its own facts and refuses the others'."""

    drives = ma.fields.List(
        ma.fields.Nested(DriveSchema),
        load_default=[],
        validate=validate.Length(max=MAX_DRIVES),
        metadata={"description": "`erasure`: all drives, or the word that there is none."},
    )
    no_drive = ma.fields.Boolean(load_default=False)
    repairs = ma.fields.List(
        ma.fields.Enum(Repair, by_value=True),
        load_default=[],
        validate=validate.Length(max=len(Repair)),
        metadata={"description": "`repair`: what was done, or `none`."},
    )
    os = ma.fields.Enum(
        System,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "`install`: what was installed. What is no longer supported is refused."},
    )
    checks = ma.fields.Dict(
        keys=ma.fields.Enum(Function, by_value=True),
        values=ma.fields.Enum(Verdict, by_value=True),
        load_default={},
        metadata={"description": "`functional`: every function that this category of device has."},
    )
    grade = ma.fields.Enum(
        Grade,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "`grading`: how it looks."},
    )
    battery = ma.fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(0, 100),
        metadata={"description": "`grading`: what is left of the battery, in percent, where there is one."},
    )
    reason = ma.fields.Enum(
        Problem,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "With the outcomes `problem` and `danger`: which."},
    )
    serial = a_line(SERIAL_MAX)
    maker = a_line(MAKER_MAX)
    model = a_line(MODEL_MAX)
    undoes = ma.fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "With the outcome `undo`: the `scan_id` of the scan that is taken back."},
    )
    place = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, CODE_MAX),
        metadata={"description": "With the outcome `put`: the label of the place, as the scanner gave it."},
    )

    @ma.post_load
    def _make(self, data: dict[str, Any], **_kwargs: Any) -> Said:
        return Said(self._seen(data), str(data["undoes"]) if data["undoes"] else None, data["place"])

    def _seen(self, data: dict[str, Any]) -> Seen:
        evidence = Evidence(tuple(data["drives"]), data["no_drive"])
        return Seen(
            drives=None if evidence == Evidence() else evidence,
            repairs=frozenset(data["repairs"]),
            os=data["os"],
            checks={function: verdict is Verdict.PASSED for function, verdict in data["checks"].items()},
            grade=data["grade"],
            battery=data["battery"],
            serial=_said(data["serial"]),
            maker=_said(data["maker"]),
            model=_said(data["model"]),
            reason=data["reason"],
        )


def _said(text: str | None) -> str | None:
    return (text or "").strip() or None


class ScanSchema(Schema):
    """One scan. Sent again with the same `scan_id`, it has no second effect and gets its first answer."""

    scan_id = ma.fields.UUID(required=True, metadata={"description": "The scan's own name, from the client."})
    code = ma.fields.String(
        required=True,
        validate=validate.Length(1, CODE_MAX),
        metadata={"description": "What the scanner gave: the label's code, or its passport's address."},
    )
    station = ma.fields.Enum(
        StepKind,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "The step that is done where the scan was made."},
    )
    outcome = ma.fields.Enum(
        Asked,
        by_value=True,
        required=True,
        metadata={
            "description": "`look`: what is it, what now. `done`: the step is done. `problem`: it cannot go on. "
            "`help`: somebody must come. `danger`: it must be left alone. `put`: it is put in a place. "
            "`undo`: a scan is taken back, while nobody has touched the device since."
        },
    )
    facts = ma.fields.Nested(FactsSchema, load_default=None, allow_none=True)
    at = ma.fields.AwareDateTime(
        load_default=None,
        allow_none=True,
        metadata={"description": "When the client saw it; kept beside the time of arrival."},
    )

    @ma.post_load
    def _make(self, data: dict[str, Any], **_kwargs: Any) -> Scan:
        said = data["facts"] or Said()
        return Scan(
            str(data["scan_id"]),
            data["code"],
            data["outcome"],
            data["station"],
            said.seen,
            data["at"],
            said.undoes,
            said.place,
        )


class ResultSchema(Schema):
    """The answer to a scan."""

    scan_id = ma.fields.String(required=True)
    outcome = ma.fields.Enum(Outcome, by_value=True, required=True)
    state = ma.fields.Enum(State, by_value=True, required=True)
    step = ma.fields.Enum(
        StepKind, by_value=True, allow_none=True, metadata={"description": "The step that it waits for now."}
    )
    device = ma.fields.String(required=True, metadata={"description": "The device's own code."})
    open_drives = ma.fields.Integer(metadata={"description": "Drives without a valid proof of erasure."})
    reason = ma.fields.Enum(
        Code, by_value=True, allow_none=True, metadata={"description": "Why it was kept at its step."}
    )
    problem = ma.fields.Enum(
        Problem,
        by_value=True,
        allow_none=True,
        metadata={"description": "What stops it, sent it back, or endangers somebody."},
    )


class BatchResultSchema(ResultSchema):
    """One line of a batch's answer: a scan that was taken."""

    status = ma.fields.Integer(
        required=True, validate=validate.Equal(200), metadata={"description": "200: it was taken."}
    )


class BatchProblemSchema(ProblemSchema):
    """One line of a batch's answer: a scan that was not taken, with a problem as anywhere else."""

    scan_id = ma.fields.String(required=True, metadata={"description": "The scan's name, as it was sent."})


BATCH_ANSWER = {"type": "array", "items": {"oneOf": [BatchResultSchema, BatchProblemSchema]}}
