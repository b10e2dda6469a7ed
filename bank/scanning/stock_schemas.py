"""Shapes of the API: stock-takes."""

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, Range

from bank.errors import Code
from bank.inventory.lifecycle import State
from bank.inventory.models import Category
from bank.scanning.actions import CODE_MAX
from bank.scanning.models import Sight
from bank.scanning.stock_queries import Settlement, Why
from bank.web.api import Schema
from bank.web.forms import LARGEST

SCANS_MAX = 500


class TakeOpeningSchema(Schema):
    """Where to count: the place's id, or what its label says."""

    place_id = fields.Integer(load_default=None, allow_none=True, strict=True, validate=Range(1, LARGEST))
    label = fields.String(load_default=None, allow_none=True, validate=Length(1, CODE_MAX))

    @ma.validates_schema
    def says_where(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """One of the two."""
        if (data.get("place_id") is None) == (data.get("label") is None):
            raise ma.ValidationError("one of place_id and label", "place_id")


class TakeScansSchema(Schema):
    """What was scanned: labels, serials, asset tags."""

    codes = fields.List(
        fields.String(validate=Length(max=CODE_MAX)), required=True, validate=Length(1, SCANS_MAX)
    )


class SightingSchema(Schema):
    """What one scan came to."""

    said = fields.String(
        required=True, metadata={"description": "The device's label, or what was scanned; empty for a badge."}
    )
    sight = fields.Enum(Sight, by_value=True, required=True, allow_none=True)
    again = fields.Boolean(required=True, metadata={"description": "Whether this take had seen it."})
    reason = fields.Enum(
        Code,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"description": "Why it counts for nothing; null when it counts."},
    )


class TakeLineSchema(Schema):
    """One thing of a take."""

    said = fields.String(required=True)
    sight = fields.Enum(Sight, by_value=True, required=True)
    why = fields.Enum(Why, by_value=True, required=True, allow_none=True)
    category = fields.Enum(Category, by_value=True, required=True, allow_none=True)
    maker = fields.String(required=True)
    model = fields.String(required=True)
    state = fields.Enum(State, by_value=True, required=True, allow_none=True)
    place = fields.String(required=True, allow_none=True)
    open_drives = fields.Integer(required=True)
    offered = fields.List(
        fields.Enum(Settlement, by_value=True),
        required=True,
        metadata={"description": "What can be done about it; the first unless chosen otherwise."},
    )
    settled = fields.Enum(Settlement, by_value=True, required=True, allow_none=True)


class TakeSchema(Schema):
    """A stock-take."""

    id = fields.Integer(required=True)
    place_id = fields.Integer(required=True)
    place = fields.String(required=True)
    opened_at = fields.AwareDateTime(required=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    expected = fields.Integer(required=True)
    found = fields.List(fields.Nested(TakeLineSchema), required=True)
    missing = fields.List(fields.Nested(TakeLineSchema), required=True)
    others = fields.List(fields.Nested(TakeLineSchema), required=True)


class TakeClosingSchema(Schema):
    """What is done about each line, by label; a line that is not named is settled as its first offer."""

    choices = fields.Dict(
        keys=fields.String(validate=Length(max=CODE_MAX)),
        values=fields.Enum(Settlement, by_value=True),
        load_default=dict,
    )
