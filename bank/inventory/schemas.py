"""Shapes of the API: devices in a list, one device, its journal."""

from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, OneOf, Predicate, Range

from bank.inventory.identify import Identity
from bank.inventory.labels import Why
from bank.inventory.lifecycle import State
from bank.inventory.models import (
    Category,
    CodeKind,
    DriveFate,
    DriveKind,
    ErasureMethod,
    ErasureResult,
    Grade,
    PlaceKind,
    StepKind,
)
from bank.inventory.places import PlaceDraft
from bank.inventory.queries import MANY, Q_MAX, Filters
from bank.web.api import Schema

ID_MAX = 2**63 - 1
SEQ_MAX = 2**31 - 1
READ_MAX = 200
SCANNED_MAX = 500
BLANK = "A blank label, as its scanner gives it."


class DeviceQuerySchema(Schema):
    """Which devices to list."""

    state = fields.Enum(State, by_value=True, load_default=None, metadata={"description": "In this state."})
    category = fields.Enum(
        Category, by_value=True, load_default=None, metadata={"description": "Of this kind."}
    )
    step = fields.Enum(
        StepKind, by_value=True, load_default=None, metadata={"description": "Awaited at this step."}
    )
    grade = fields.Enum(Grade, by_value=True, load_default=None, metadata={"description": "Of this look."})
    blocked = fields.Boolean(
        load_default=False, metadata={"description": "True: only those that a problem stops."}
    )
    place = fields.Integer(
        load_default=None,
        validate=Range(1, ID_MAX),
        metadata={"description": "In the place with this id, or in a box that stands there."},
    )
    unprinted = fields.Boolean(
        load_default=False,
        metadata={"description": "True: only those whose label was never in a file to print."},
    )
    batch = fields.String(
        load_default=None,
        validate=Length(1, 12),
        metadata={"description": "Of the batch with this reference."},
    )
    q = fields.String(
        load_default=None,
        validate=Length(1, Q_MAX),
        metadata={
            "description": "Whole or beginning of any code of the device: label, asset tag, serial, IMEI; "
            "or the reference of its batch. A label may come as its scanner gives it."
        },
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


class JournalQuerySchema(Schema):
    """Where to go on in a journal."""

    before = fields.Integer(
        load_default=None,
        validate=Range(1, SEQ_MAX),
        metadata={"description": "The last `seq` that was read."},
    )


class DeviceLineSchema(Schema):
    """A device in a list."""

    code = fields.String(required=True, metadata={"description": "The label that it carries now."})
    category = fields.Enum(Category, by_value=True, required=True)
    maker = fields.String(required=True)
    model = fields.String(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    step = fields.Enum(
        StepKind, by_value=True, required=True, allow_none=True, metadata={"description": "Awaited at work."}
    )
    blocked = fields.Boolean(required=True, metadata={"description": "Whether a problem stops it."})
    batch_ref = fields.String(required=True)
    open_drives = fields.Integer(
        required=True, metadata={"description": "Drives that may still hold somebody's data."}
    )
    created_at = fields.AwareDateTime(required=True)


class DevicePageSchema(Schema):
    """A page of devices, the latest first."""

    items = fields.List(fields.Nested(DeviceLineSchema), attribute="devices", required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)
    count = fields.Integer(
        required=True, metadata={"description": f"How many there are in all; it stops at {MANY}."}
    )
    many = fields.Boolean(required=True, metadata={"description": "Whether there are more than `count`."})


class DeviceProofSchema(Schema):
    """One erasure of one drive."""

    method = fields.Enum(ErasureMethod, by_value=True, required=True)
    tool = fields.String(required=True)
    tool_version = fields.String(required=True)
    result = fields.Enum(ErasureResult, by_value=True, required=True)
    done_at = fields.AwareDateTime(required=True)
    organisation = fields.String(required=True)


class DeviceDriveSchema(Schema):
    """A drive with its proofs."""

    kind = fields.Enum(DriveKind, by_value=True, required=True)
    fate = fields.Enum(DriveFate, by_value=True, required=True)
    serial = fields.String(required=True, allow_none=True)
    size_gb = fields.Integer(required=True, allow_none=True)
    open = fields.Boolean(
        required=True, metadata={"description": "Whether it may still hold somebody's data."}
    )
    proofs = fields.List(fields.Nested(DeviceProofSchema), required=True)


class DeviceCodeSchema(Schema):
    """Another code on the device."""

    kind = fields.Enum(CodeKind, by_value=True, required=True)
    value = fields.String(required=True)


class ConditionSchema(Schema):
    """How a device is, as its last tests and gradings say."""

    grade = fields.Enum(Grade, by_value=True, required=True, allow_none=True)
    battery_percent = fields.Integer(required=True, allow_none=True)
    passed = fields.Function(lambda condition: sorted(condition.passed), required=True)
    failed = fields.Function(lambda condition: sorted(condition.failed), required=True)
    os = fields.String(required=True, allow_none=True)
    os_until = fields.Date(required=True, allow_none=True)


class AnnouncedRowSchema(Schema):
    """The row of the donor's file that this device is."""

    row = fields.Integer(required=True)
    category = fields.Enum(Category, by_value=True, required=True)
    maker = fields.String(required=True)
    model = fields.String(required=True)
    serial = fields.String(required=True, allow_none=True)
    asset_tag = fields.String(required=True, allow_none=True)
    imei = fields.String(required=True, allow_none=True)


class DeviceSchema(DeviceLineSchema):
    """A device with who holds it, its codes, its drives, how it is and the row that announced it."""

    condition = fields.Nested(ConditionSchema, required=True, allow_none=True)
    announced = fields.Nested(AnnouncedRowSchema, required=True, allow_none=True)
    custodian = fields.String(required=True, allow_none=True, metadata={"description": "Who holds it."})
    owner = fields.String(required=True, allow_none=True, metadata={"description": "Who has title."})
    place = fields.String(required=True, allow_none=True)
    codes = fields.List(fields.Nested(DeviceCodeSchema), required=True)
    drives = fields.List(fields.Nested(DeviceDriveSchema), required=True)


class JournalLineSchema(Schema):
    """One journal entry of a device; what it does not speak of is null."""

    seq = fields.Integer(required=True)
    kind = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    organisation = fields.String(
        required=True, allow_none=True, metadata={"description": "Who; null is the bank's own clockwork."}
    )
    state = fields.Enum(State, by_value=True, required=True, allow_none=True)
    step = fields.Enum(StepKind, by_value=True, required=True, allow_none=True)
    batch = fields.String(required=True, allow_none=True)
    label = fields.String(required=True, allow_none=True)
    open_drives = fields.Integer(required=True, allow_none=True)
    proofs = fields.Integer(required=True, metadata={"description": "How many erasures it recorded."})
    recorded = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"description": "What else it says: a reason, a grade, functions, repairs, a system."},
    )


class IdentitySchema(Schema):
    """What was read on a device. What is left out stays as it is; an empty text takes it away."""

    maker = fields.String(load_default=None, allow_none=True, validate=Length(0, READ_MAX))
    model = fields.String(load_default=None, allow_none=True, validate=Length(0, READ_MAX))
    serial = fields.String(load_default=None, allow_none=True, validate=Length(0, READ_MAX))
    asset_tag = fields.String(load_default=None, allow_none=True, validate=Length(0, READ_MAX))
    imei = fields.String(load_default=None, allow_none=True, validate=Length(0, READ_MAX))

    @ma.post_load
    def to_identity(self, data: dict[str, Any], **_kwargs: Any) -> Identity:
        """As the action takes it."""
        return Identity(**data)


@dataclass(frozen=True, slots=True)
class Stick:
    """A blank label for a bearer, and why its own does not do."""

    label: str
    reason: Why | None


class StickSchema(Schema):
    """A blank label that was just stuck."""

    label = fields.String(required=True, validate=Length(1, SCANNED_MAX), metadata={"description": BLANK})
    reason = fields.Enum(
        Why,
        by_value=True,
        load_default=None,
        allow_none=True,
        validate=OneOf([Why.LOST, Why.UNREADABLE]),
        metadata={
            "description": "Why the old one does not do: lost, unreadable. Needed where it may be stuck."
        },
    )

    @ma.post_load
    def to_stick(self, data: dict[str, Any], **_kwargs: Any) -> Stick:
        """As the action takes it."""
        return Stick(**data)


class WhereSchema(Schema):
    """Where a device stands."""

    place = fields.Integer(
        required=True,
        allow_none=True,
        validate=Range(1, ID_MAX),
        metadata={"description": "The id of a place of one's organisation; null is none."},
    )


class KinSchema(Schema):
    """Devices that came together and that nobody can tell apart yet."""

    batch_ref = fields.String(required=True)
    category = fields.Enum(Category, by_value=True, required=True)
    count = fields.Integer(required=True)


class ClaimSchema(Schema):
    """A blank label that was just stuck on one of the devices of a batch and category."""

    label = fields.String(required=True, validate=Length(1, SCANNED_MAX), metadata={"description": BLANK})
    batch = fields.String(required=True, validate=[Length(1, 12), Predicate("isprintable")])
    category = fields.Enum(Category, by_value=True, required=True)


class ClaimedSchema(Schema):
    """Which device it is now."""

    device = fields.String(required=True, metadata={"description": "The label that it carries now."})
    left = fields.Integer(required=True, metadata={"description": "How many still wait for a label."})
    again = fields.Boolean(
        required=True, metadata={"description": "Whether the label was there already: nothing was written."}
    )


class VoidSchema(Schema):
    """A blank label that is spoilt."""

    label = fields.String(required=True, validate=Length(1, SCANNED_MAX), metadata={"description": BLANK})


class PlaceSchema(Schema):
    """A place in its tree."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    kind = fields.Enum(PlaceKind, by_value=True, required=True)
    within_id = fields.Integer(required=True, allow_none=True, metadata={"description": "Where it stands."})
    version = fields.Integer(required=True)
    code = fields.String(required=True, allow_none=True, metadata={"description": "Its label."})
    printed = fields.Boolean(required=True, metadata={"description": "Whether that one may be stuck."})
    devices = fields.Integer(required=True, metadata={"description": "How many devices stand in it."})
    all_devices = fields.Integer(required=True, metadata={"description": "The same with those in its boxes."})


class PlaceDraftSchema(Schema):
    """A place as somebody describes it."""

    name = fields.String(required=True, validate=Length(1, 200))
    kind = fields.Enum(PlaceKind, by_value=True, required=True)
    within_id = fields.Integer(load_default=None, allow_none=True, validate=Range(1, ID_MAX))
    version = fields.Integer(
        load_default=0,
        validate=Range(0, SEQ_MAX),
        metadata={"description": "The one that was read, to change a place; a new one has none."},
    )

    @ma.post_load
    def to_draft(self, data: dict[str, Any], **_kwargs: Any) -> tuple[int, PlaceDraft]:
        """The version, and the place."""
        version: int = data.pop("version")
        return version, PlaceDraft(**data)
