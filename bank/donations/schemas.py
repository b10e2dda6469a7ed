"""Shapes of the API: a batch asked for, a batch told, a reception."""

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, Range, Regexp

from bank.donations.models import BatchState, GapReason, RefusalReason
from bank.donations.queries import Filters
from bank.donations.rules import (
    ADDRESS_MAX,
    CONTACT_MAX,
    LINE_MAX,
    NOTE_MAX,
    Acceptance,
    Announcement,
    Arrival,
    Count,
    Lines,
    NewBatch,
    NoThanks,
    Outcome,
    Pickup,
    Wish,
)
from bank.identity.models import LegalNature
from bank.identity.rules import ONE_LINE
from bank.inventory.models import Category, LegalBasis
from bank.web.api import Schema

ID_MAX = 2**63 - 1
VERSION_MAX = 2**31 - 1
A_CATEGORY = {"description": "What kind of thing."}
A_VERSION = {"description": "The version that was read; a stale one is refused."}
PRINTABLE = Regexp(f"^{ONE_LINE}$(?!\\n)")
# What makes an agreement: told whole, or not at all.
AGREED = ("workshop_id", "legal_basis", "agreed_on")
MISSING = "Missing data for required field."


def _lines(lines: list[dict[str, Any]]) -> Lines:
    return tuple((line["category"], line["announced"]) for line in lines)


def _count(lines: list[dict[str, Any]]) -> Count:
    return Count(
        received={line["category"]: line["received"] for line in lines},
        refused={line["category"]: line["refused"] for line in lines},
        reasons={line["category"]: line["gap_reason"] for line in lines if line.get("gap_reason")},
    )


class AnnouncedLineSchema(Schema):
    """One category of a new batch."""

    category = fields.Enum(Category, by_value=True, required=True, metadata=A_CATEGORY)
    announced = fields.Integer(
        strict=True,
        required=True,
        validate=Range(1, LINE_MAX),
        metadata={"description": "How many the donor says there are."},
    )


class AnnouncementSchema(Schema):
    """What a donor announces: what there is, where it stands, what they ask for."""

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
    pickup_address = fields.String(
        load_default="",
        validate=[Length(max=ADDRESS_MAX), PRINTABLE],
        metadata={"description": "Where it is to be fetched; needed before it is sent."},
    )
    pickup_contact = fields.String(
        load_default="",
        validate=[Length(max=CONTACT_MAX), PRINTABLE],
        metadata={"description": "Whom to call there; needed before it is sent, forgotten once received."},
    )
    lines = fields.List(
        fields.Nested(AnnouncedLineSchema),
        load_default=list,
        validate=Length(max=len(Category)),
        metadata={"description": "What is announced; a category at most once. A draft may have none yet."},
    )


class NewBatchSchema(AnnouncementSchema):
    """A new batch.

    A donor announces one of its own: neither workshop nor legal basis. A coordinator enters one that was agreed on:
    workshop, legal basis and day of the agreement, all three.
    """

    donor_id = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=Range(1, ID_MAX),
        metadata={"description": "The organisation that gives; the caller's own when left out."},
    )
    workshop_id = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=Range(1, ID_MAX),
        metadata={"description": "The organisation that receives, and has title from then on."},
    )
    legal_basis = fields.Enum(
        LegalBasis,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "Under which text the donor gives; it must fit the donor's legal nature."},
    )
    agreed_on = fields.Date(
        load_default=None, allow_none=True, metadata={"description": "The day of the agreement."}
    )
    collection_on = fields.Date(
        load_default=None, allow_none=True, metadata={"description": "The day of the collection."}
    )
    submit = fields.Boolean(
        load_default=False,
        metadata={"description": "Send the announcement at once; else it stays a draft."},
    )

    @ma.validates_schema(skip_on_field_errors=True)
    def holds_together(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """An agreement is told whole, or not at all."""
        told = [name for name in AGREED if data[name] is not None]
        if told and len(told) < len(AGREED):
            missing = {name: [MISSING] for name in AGREED if name not in told}
            raise ma.ValidationError(missing)
        if told and data["donor_id"] is None:
            raise ma.ValidationError({"donor_id": [MISSING]})
        if told and not data["lines"]:
            raise ma.ValidationError({"lines": ["Shorter than minimum length 1."]})
        if told and (data["submit"] or data["pickup_address"] or data["pickup_contact"]):
            raise ma.ValidationError({"submit": ["An agreement is not sent: it is accepted already."]})
        if not told and data["collection_on"] is not None:
            raise ma.ValidationError({"collection_on": ["The coordinator decides on it."]})

    @ma.post_load
    def to_new_batch(self, data: dict[str, Any], **_kwargs: Any) -> "NewBatch | Wish":
        """As the actions take it."""
        submit, donor_id = data.pop("submit"), data["donor_id"]
        lines = _lines(data.pop("lines"))
        if data["workshop_id"] is None:
            for name in ("donor_id", "collection_on", *AGREED):
                data.pop(name)
            return Wish(Announcement(**data, lines=lines), donor_id, submit=submit)
        for name in ("pickup_address", "pickup_contact"):
            data.pop(name)
        return NewBatch(**data, lines=lines)


class EditedBatchSchema(AnnouncementSchema):
    """A draft, written anew."""

    version = fields.Integer(
        strict=True,
        required=True,
        validate=Range(1, VERSION_MAX),
        metadata=A_VERSION,
    )

    @ma.post_load
    def to_announcement(self, data: dict[str, Any], **_kwargs: Any) -> tuple[int, Announcement]:
        """As the action takes it."""
        version, lines = data.pop("version"), _lines(data.pop("lines"))
        return version, Announcement(**data, lines=lines)


class VersionSchema(Schema):
    """The version that was read, where the caller wants a stale one refused."""

    version = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=Range(1, VERSION_MAX),
        metadata=A_VERSION,
    )


class DecisionSchema(Schema):
    """A decision of the coordinator on what was read."""

    version = fields.Integer(
        strict=True,
        required=True,
        validate=Range(1, VERSION_MAX),
        metadata=A_VERSION,
    )


class PickupSchema(DecisionSchema):
    """Which workshop fetches it, and when."""

    workshop_id = fields.Integer(
        strict=True,
        required=True,
        validate=Range(1, ID_MAX),
        metadata={"description": "The workshop that receives."},
    )
    collection_on = fields.Date(
        load_default=None, allow_none=True, metadata={"description": "The day of the collection, if known."}
    )

    @ma.post_load
    def to_pickup(self, data: dict[str, Any], **_kwargs: Any) -> tuple[int, Any]:
        """As the action takes it."""
        return data.pop("version"), Pickup(**data)


class AcceptanceSchema(PickupSchema):
    """A yes."""

    legal_basis = fields.Enum(
        LegalBasis,
        by_value=True,
        required=True,
        metadata={"description": "Under which text the donor gives; it must fit the donor's legal nature."},
    )
    receiver_id = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=Range(1, ID_MAX),
        metadata={"description": "Who has title from then on; the workshop when left out."},
    )

    @ma.post_load
    def to_pickup(self, data: dict[str, Any], **_kwargs: Any) -> tuple[int, Any]:
        """As the action takes it."""
        return data.pop("version"), Acceptance(**data)


class RefusalSchema(DecisionSchema):
    """A no."""

    reason = fields.Enum(RefusalReason, by_value=True, required=True, metadata={"description": "Why."})
    note = fields.String(
        load_default="",
        validate=[Length(max=NOTE_MAX), PRINTABLE],
        metadata={"description": "A word for the donor; needed where the reason is `other`."},
    )

    @ma.post_load
    def to_no(self, data: dict[str, Any], **_kwargs: Any) -> tuple[int, NoThanks]:
        """As the action takes it."""
        return data.pop("version"), NoThanks(**data)


class CountedLineSchema(Schema):
    """One category of a reception."""

    category = fields.Enum(Category, by_value=True, required=True, metadata=A_CATEGORY)
    received = fields.Integer(
        strict=True,
        required=True,
        validate=Range(0, LINE_MAX),
        metadata={"description": "How many arrived and were taken in."},
    )
    refused = fields.Integer(
        strict=True,
        load_default=0,
        validate=Range(0, LINE_MAX),
        metadata={"description": "How many arrived too, and were sent back at the dock."},
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

    @ma.post_load
    def to_count(self, data: dict[str, Any], **_kwargs: Any) -> Any:
        """As the action takes it."""
        return _count(data["lines"])


class CameLineSchema(Schema):
    """One category of what nobody had announced."""

    category = fields.Enum(Category, by_value=True, required=True, metadata=A_CATEGORY)
    received = fields.Integer(
        strict=True,
        required=True,
        validate=Range(0, LINE_MAX),
        metadata={"description": "How many arrived and were taken in."},
    )
    refused = fields.Integer(
        strict=True,
        load_default=0,
        validate=Range(0, LINE_MAX),
        metadata={"description": "How many arrived too, and were sent back at the dock."},
    )


class ArrivalSchema(ReceptionSchema):
    """What came without anybody having announced it."""

    donor_id = fields.Integer(
        strict=True,
        required=True,
        allow_none=True,
        validate=Range(1, ID_MAX),
        metadata={"description": "Who gave it; null when nobody knows, and the strictest rules apply."},
    )
    workshop_id = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=Range(1, ID_MAX),
        metadata={"description": "The workshop that received it; the caller's own when left out."},
    )
    legal_basis = fields.Enum(
        LegalBasis,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Under which text it was given; the strictest for this donor when left out."
        },
    )
    lines = fields.List(
        fields.Nested(CameLineSchema),
        required=True,
        validate=Length(1, len(Category)),
        metadata={"description": "What was counted; a category at most once."},
    )

    @ma.post_load
    def to_count(self, data: dict[str, Any], **_kwargs: Any) -> Any:
        """As the action takes it, but for the workshop when it is the caller's own (0)."""
        return Arrival(
            donor_id=data["donor_id"],
            workshop_id=data["workshop_id"] or 0,
            legal_basis=data["legal_basis"],
            count=_count(data["lines"]),
        )


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


class BatchRowSchema(Schema):
    """A batch in the list."""

    ref = fields.String(required=True)
    state = fields.Enum(BatchState, by_value=True, required=True)
    donor = fields.String(required=True, allow_none=True)
    workshop = fields.String(required=True, allow_none=True)
    agreed_on = fields.Date(required=True, allow_none=True)
    collection_on = fields.Date(required=True, allow_none=True)
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
    refused = fields.Integer(required=True)
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
    receiver_id = fields.Integer(required=True, allow_none=True)
    receiver = fields.String(required=True, allow_none=True)
    legal_basis = fields.Enum(LegalBasis, by_value=True, required=True, allow_none=True)
    agreed_on = fields.Date(required=True, allow_none=True)
    no_resale = fields.Boolean(required=True)
    unnamed = fields.Boolean(required=True)
    purge_asked = fields.Boolean(required=True)
    pickup_address = fields.String(required=True)
    pickup_contact = fields.String(required=True, allow_none=True)
    collection_on = fields.Date(required=True, allow_none=True)
    refusal_reason = fields.Enum(RefusalReason, by_value=True, required=True, allow_none=True)
    refusal_note = fields.String(required=True)
    unannounced = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    submitted_at = fields.AwareDateTime(required=True, allow_none=True)
    decided_at = fields.AwareDateTime(required=True, allow_none=True)
    received_at = fields.AwareDateTime(required=True, allow_none=True)
    announced = fields.Integer(required=True)
    received = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    lines = fields.List(fields.Nested(BatchLineSchema), required=True)


class ReceivedSchema(Schema):
    """A reception that is done: the batch, and the codes of the labels to print and stick."""

    batch = fields.Nested(BatchSchema, required=True)
    codes = fields.List(fields.String(), required=True)


OUTCOME = fields.Enum(Outcome, by_value=True)


class OutcomeLineSchema(Schema):
    """What became of the devices of one category: how many, by outcome."""

    category = fields.Enum(Category, by_value=True, required=True)
    counts = fields.Dict(keys=OUTCOME, values=fields.Integer(), required=True)


class OutcomesSchema(Schema):
    """What became of a batch: how many, by outcome. Never who has them."""

    totals = fields.Dict(keys=OUTCOME, values=fields.Integer(), required=True)
    lines = fields.List(fields.Nested(OutcomeLineSchema), required=True)


class ItemSchema(Schema):
    """A row of the donor's spreadsheet, and what became of the device."""

    row = fields.Integer(required=True, allow_none=True)
    category = fields.Enum(Category, by_value=True, required=True)
    maker = fields.String(required=True)
    model = fields.String(required=True)
    serial = fields.String(required=True, allow_none=True)
    asset_tag = fields.String(required=True, allow_none=True)
    imei = fields.String(required=True, allow_none=True)
    outcome = fields.Enum(Outcome, by_value=True, required=True)


class ItemPageSchema(Schema):
    """A page of rows, in their order."""

    items = fields.List(fields.Nested(ItemSchema), required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)
    count = fields.Integer(required=True)


class CursorSchema(Schema):
    """Which page."""

    cursor = fields.Integer(
        load_default=None,
        validate=Range(1, ID_MAX),
        metadata={"description": "`next_cursor` of the page before."},
    )
