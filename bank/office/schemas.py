"""Printing as programs see it: an order, where it stands, a job."""

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, Range

from bank.office import printing, rules
from bank.office.actions import Paper
from bank.office.models import ReprintReason, RunKind
from bank.office.queries import Drawn, Selection
from bank.web.api import Schema
from bank.web.forms import LARGEST

CODE_MAX = 200
BATCH_MAX = 12
NUMBER_MAX = 2**31 - 1


def _told(text: str) -> dict[str, str]:
    return {"description": text}


class OrderSchema(Schema):
    """What to print, of one sort: `devices`, `batch` or `place` (each may be narrowed by `unprinted`), `unprinted`
    alone, `places`, or `blanks`; and on what.
    """

    devices = fields.List(
        fields.String(validate=Length(max=CODE_MAX)),
        validate=Length(min=1, max=rules.RUN_MAX),
        load_default=None,
        metadata=_told("Codes of devices."),
    )
    batch = fields.String(
        load_default=None, validate=Length(min=1, max=BATCH_MAX), metadata=_told("All devices of a batch.")
    )
    place = fields.Integer(
        strict=True,
        load_default=None,
        validate=Range(1, LARGEST),
        metadata=_told("All devices that stand at a place, by its id."),
    )
    unprinted = fields.Boolean(
        load_default=False, metadata=_told("Only devices whose label was never printed.")
    )
    places = fields.List(
        fields.Integer(strict=True, validate=Range(1, LARGEST)),
        validate=Length(max=rules.RUN_MAX),
        load_default=None,
        metadata=_told("The labels of places, by their ids; an empty list is all of them."),
    )
    blanks = fields.Integer(
        strict=True,
        load_default=None,
        validate=Range(-NUMBER_MAX, NUMBER_MAX),
        metadata=_told("How many labels that nothing carries yet."),
    )
    sheet = fields.String(
        load_default=printing.DEFAULT_SHEET,
        validate=Length(max=20),
        metadata=_told(f"One of {', '.join(printing.sheets())}."),
    )
    start = fields.Integer(
        strict=True,
        load_default=1,
        validate=Range(-NUMBER_MAX, NUMBER_MAX),
        metadata=_told("The first free place of the first sheet."),
    )
    copies = fields.Integer(
        strict=True,
        load_default=1,
        validate=Range(-NUMBER_MAX, NUMBER_MAX),
        metadata=_told(f"Of each label, {rules.COPIES_MAX} at most."),
    )
    printer = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=Range(1, LARGEST),
        metadata=_told("The id of a printer whose correction is to be applied."),
    )
    reason = fields.Enum(
        ReprintReason,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata=_told("Needed where one of the labels was printed before."),
    )

    @ma.post_load
    def to_order(self, data: dict[str, Any], **_kwargs: Any) -> tuple[Selection, Paper]:
        """As the action takes it."""
        selection = Selection(
            devices=None if data["devices"] is None else tuple(data["devices"]),
            batch=data["batch"],
            place=data["place"],
            unprinted=data["unprinted"],
            places=None if data["places"] is None else tuple(data["places"]),
            blanks=data["blanks"],
        )
        paper = Paper(
            sheet=data["sheet"],
            start=data["start"],
            copies=data["copies"],
            printer_id=data["printer"],
            reason=data["reason"],
        )
        return selection, paper


class LinksSchema(Schema):
    """Where the files of a run are. `png` and `svg` show one label: `?position=2` is the second."""

    self = fields.String(required=True)
    job = fields.String(required=True, allow_none=True)
    pdf = fields.String(required=True)
    zpl = fields.String(required=True)
    png = fields.String(required=True)
    svg = fields.String(required=True)


class RunSchema(Schema):
    """A run of labels. Its files can be had once `state` is `done`."""

    id = fields.Integer(required=True)
    job = fields.Integer(required=True, allow_none=True)
    state = fields.Enum(Drawn, by_value=True, required=True)
    kind = fields.Enum(RunKind, by_value=True, required=True)
    sheet = fields.String(required=True)
    start = fields.Integer(required=True)
    copies = fields.Integer(required=True)
    count = fields.Integer(required=True, metadata=_told("How many different labels."))
    made = fields.Integer(required=True)
    progress = fields.Integer(required=True, metadata=_told("The same as `made`."))
    total = fields.Integer(required=True, metadata=_told("The same as `count`."))
    reason = fields.Enum(ReprintReason, by_value=True, required=True, allow_none=True)
    next_place = fields.Integer(
        required=True,
        metadata=_told("The first free place that it leaves on its last sheet; 1: a new sheet."),
    )
    created_at = fields.AwareDateTime(required=True)
    links = fields.Nested(LinksSchema, required=True)


class JobSchema(Schema):
    """Work that goes on after the answer."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    state = fields.Enum(Drawn, by_value=True, required=True)
    progress = fields.Integer(required=True)
    total = fields.Integer(required=True)
    error = fields.String(required=True, allow_none=True)
    labels = fields.String(required=True, allow_none=True, metadata=_told("The run that it makes."))


class PositionSchema(Schema):
    """Which label of a run."""

    position = fields.Integer(load_default=1, validate=Range(1, NUMBER_MAX))
