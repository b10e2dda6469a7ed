"""Shapes of the API: a batch asked for, a batch told, a reception."""

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, Range

from bank.donations.models import BatchState, GapReason
from bank.donations.queries import Filters
from bank.donations.rules import LINE_MAX, NewBatch
from bank.identity.models import LegalNature
from bank.inventory.models import Category, LegalBasis
from bank.web.api import Schema

ID_MAX = 2**63 - 1
A_CATEGORY = {"description": "What kind of thing."}


class AnnouncedLineSchema(Schema):
    """One category of a new batch."""

    category = fields.Enum(Category, by_value=True, required=True, metadata=A_CATEGORY)
    announced = fields.Integer(
        strict=True,
        required=True,
        validate=Range(1, LINE_MAX),
        metadata={"description": "How many the donor says there are."},
    )


class NewBatchSchema(Schema):
    """A batch to enter."""

    donor_id = fields.Integer(
        strict=True,
        required=True,
        validate=Range(1, ID_MAX),
        metadata={"description": "The organisation that gives; it has the role `donor`."},
    )
    workshop_id = fields.Integer(
        strict=True,
        required=True,
        validate=Range(1, ID_MAX),
        metadata={"description": "The organisation that receives, and has title from then on."},
    )
    legal_basis = fields.Enum(
        LegalBasis,
        by_value=True,
        required=True,
        metadata={"description": "Under which text the donor gives; it must fit the donor's legal nature."},
    )
    agreed_on = fields.Date(required=True, metadata={"description": "The day of the agreement."})
    no_resale = fields.Boolean(
        load_default=False, metadata={"description": "The donor asks that nothing be sold."}
    )
    unnamed = fields.Boolean(
        load_default=False, metadata={"description": "The donor asks not to be named in public."}
    )
    purge_asked = fields.Boolean(
        load_default=False,
        metadata={"description": "The donor asks for Purge (NIST SP 800-88) on every drive."},
    )
    lines = fields.List(
        fields.Nested(AnnouncedLineSchema),
        required=True,
        validate=Length(1, len(Category)),
        metadata={"description": "What is announced; a category at most once."},
    )

    @ma.post_load
    def to_new_batch(self, data: dict[str, Any], **_kwargs: Any) -> NewBatch:
        """As the action takes it."""
        lines = tuple((line["category"], line["announced"]) for line in data.pop("lines"))
        return NewBatch(**data, lines=lines)


class CountedLineSchema(Schema):
    """One category of a reception."""

    category = fields.Enum(Category, by_value=True, required=True, metadata=A_CATEGORY)
    received = fields.Integer(
        strict=True,
        required=True,
        validate=Range(0, LINE_MAX),
        metadata={"description": "How many arrived."},
    )
    gap_reason = fields.Enum(
        GapReason,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "Why that is not what was announced; asked for where it differs."},
    )


class ReceptionSchema(Schema):
    """What arrived. A category that is left out did not arrive; one more than announced may be told."""

    lines = fields.List(
        fields.Nested(CountedLineSchema),
        required=True,
        validate=Length(max=len(Category)),
        metadata={"description": "What was counted; a category at most once."},
    )

    @ma.validates_schema
    def once_each(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Two counts of one category would hide one another."""
        categories = [line["category"] for line in data["lines"]]
        if len(set(categories)) != len(categories):
            raise ma.ValidationError(["category-twice"], "lines")


class BatchQuerySchema(Schema):
    """Which batches to list."""

    donor_id = fields.Integer(
        load_default=None, validate=Range(1, ID_MAX), metadata={"description": "Given by this organisation."}
    )
    state = fields.Enum(
        BatchState, by_value=True, load_default=None, metadata={"description": "In this state."}
    )
    cursor = fields.Integer(
        load_default=None,
        validate=Range(1, ID_MAX),
        metadata={"description": "`next_cursor` of the page before."},
    )

    @ma.post_load
    def to_filters(self, data: dict[str, Any], **_kwargs: Any) -> tuple[Filters, int | None]:
        """Filters, and where to go on."""
        cursor: int | None = data.pop("cursor")
        return Filters(**data), cursor


class LabelQuerySchema(Schema):
    """On which sheet to print."""

    sheet = fields.String(load_default="L7160", metadata={"description": "The sheet's reference."})
    start = fields.Integer(
        load_default=1,
        validate=Range(1, 1_000),
        metadata={"description": "The place of the first label, from 1: a sheet begun can be used up."},
    )


class BatchRowSchema(Schema):
    """A batch in the list."""

    ref = fields.String(required=True)
    state = fields.Enum(BatchState, by_value=True, required=True)
    donor = fields.String(required=True, allow_none=True)
    workshop = fields.String(required=True, allow_none=True)
    agreed_on = fields.Date(required=True, allow_none=True)
    announced = fields.Integer(required=True)
    received = fields.Integer(required=True, allow_none=True)


class BatchPageSchema(Schema):
    """A page of batches, the latest first."""

    items = fields.List(fields.Nested(BatchRowSchema), attribute="batches", required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


class BatchLineSchema(Schema):
    """One category: announced and received side by side."""

    category = fields.Enum(Category, by_value=True, required=True)
    announced = fields.Integer(required=True)
    received = fields.Integer(required=True, allow_none=True)
    gap_reason = fields.Enum(GapReason, by_value=True, required=True, allow_none=True)


class BatchSchema(Schema):
    """A batch."""

    ref = fields.String(required=True)
    state = fields.Enum(BatchState, by_value=True, required=True)
    donor_id = fields.Integer(required=True, allow_none=True)
    donor = fields.String(required=True, allow_none=True)
    donor_nature = fields.Enum(LegalNature, by_value=True, required=True, allow_none=True)
    workshop_id = fields.Integer(required=True, allow_none=True)
    workshop = fields.String(required=True, allow_none=True)
    legal_basis = fields.Enum(LegalBasis, by_value=True, required=True, allow_none=True)
    agreed_on = fields.Date(required=True, allow_none=True)
    no_resale = fields.Boolean(required=True)
    unnamed = fields.Boolean(required=True)
    purge_asked = fields.Boolean(required=True)
    created_at = fields.AwareDateTime(required=True)
    received_at = fields.AwareDateTime(required=True, allow_none=True)
    announced = fields.Integer(required=True)
    received = fields.Integer(required=True)
    lines = fields.List(fields.Nested(BatchLineSchema), required=True)


class ReceivedSchema(Schema):
    """A reception that is done: the batch, and the codes of the labels to print and stick."""

    batch = fields.Nested(BatchSchema, required=True)
    codes = fields.List(fields.String(), required=True)
