"""A tray, its check and its answer, as JSON."""

from typing import Any
from uuid import uuid4

import marshmallow as ma
from marshmallow import fields, validate

from bank.inventory.models import Category, StepKind
from bank.scanning.actions import CODE_MAX
from bank.scanning.trays import MOST, Line, Tray, TrayAction
from bank.web import problems
from bank.web.api import Schema
from bank.web.words import word
from bank.workshops.models import Problem
from bank.workshops.rules import Outcome

ID_MAX = 2**63 - 1
IN_API = (TrayAction.PUT, TrayAction.PASS, TrayAction.PROBLEM, TrayAction.SHIP)


class WantedSchema(Schema):
    """What is to be done, and with what."""

    place = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, CODE_MAX),
        metadata={"description": "`put`: the label of the place, as the scanner gave it."},
    )
    station = fields.Enum(
        StepKind,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "`pass`: the step that is done; one that takes nothing down of each device."
        },
    )
    reason = fields.Enum(
        Problem,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "`problem`: what stops them; no danger."},
    )
    to = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, ID_MAX),
        metadata={"description": "`ship`: the organisation that they are sent to."},
    )


class CheckSchema(WantedSchema):
    """One thing of a tray, to be checked."""

    action = fields.Enum(TrayAction, by_value=True, required=True)
    request = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=20))
    code = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, CODE_MAX))

    @ma.post_load
    def _make(self, data: dict[str, Any], **_kwargs: Any) -> tuple[Tray, str | None]:
        code = data.pop("code")
        return Tray(str(uuid4()), **data), code


class TraySchema(WantedSchema):
    """A whole tray. The same `tray` again acts on nothing twice."""

    tray = fields.UUID(required=True, metadata={"description": "The tray's own name, from the client."})
    action = fields.Enum(
        TrayAction,
        by_value=True,
        required=True,
        validate=validate.OneOf(IN_API),
        metadata={"description": "`put`, `pass`, `problem` or `ship`."},
    )
    codes = fields.List(
        fields.String(validate=validate.Length(1, CODE_MAX)),
        required=True,
        validate=validate.Length(1, MOST),
        metadata={"description": "Labels, as the scanner gave them."},
    )
    check = fields.Boolean(
        load_default=False, metadata={"description": "Only say what would be refused: nothing is done."}
    )

    @ma.post_load
    def _make(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        said, check, name = data.pop("codes"), data.pop("check"), str(data.pop("tray"))
        return {"tray": Tray(name, **data), "codes": said, "check": check}


class TrayLineSchema(Schema):
    """One thing of a tray."""

    said = fields.String(required=True, metadata={"description": "The label as it was sent, read."})
    code = fields.String(required=True, allow_none=True, metadata={"description": "The device's own code."})
    category = fields.Enum(Category, by_value=True, required=True, allow_none=True)
    ok = fields.Boolean(required=True)
    outcome = fields.Enum(Outcome, by_value=True, allow_none=True)
    problem = fields.Dict(
        allow_none=True, metadata={"description": "Why not, with a problem as anywhere else."}
    )


class TrayAnswerSchema(Schema):
    """What became of a tray, or what would."""

    tray = fields.String(required=True)
    lines = fields.List(fields.Nested(TrayLineSchema), required=True)
    shipment = fields.Integer(
        required=True, allow_none=True, metadata={"description": "`ship`: the shipment that it is now."}
    )


def line_body(line: Line, outcome: Outcome | None = None) -> dict[str, Any]:
    """One thing of a tray, in words too."""
    refusal = line.refusal
    return {
        "said": line.said,
        "code": line.code,
        "category": line.category,
        "what": word(line.category, "category") if line.category else "",
        "ok": line.ok,
        "outcome": outcome,
        "request": line.request,
        "problem": problems.body(refusal) if refusal else None,
        "more": _more(line),
    }


def _more(line: Line) -> str:
    """What a refusal is about: the step that the thing waits for, or what stops it."""
    facts = line.refusal.facts if line.refusal else {}
    said = []
    if facts.get("step"):
        said.append(word(str(facts["step"]), "step_next"))
    if facts.get("problem"):
        said.append(word(str(facts["problem"]), "problem"))
    return " ".join(said)
