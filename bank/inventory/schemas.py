"""Shapes of the API: devices in a list, one device, its journal."""

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, Range

from bank.inventory.identify import Identity
from bank.inventory.lifecycle import State
from bank.inventory.models import (
    Category,
    CodeKind,
    DriveFate,
    DriveKind,
    ErasureMethod,
    ErasureResult,
    Grade,
    StepKind,
)
from bank.inventory.queries import MANY, Q_MAX, Filters
from bank.web.api import Schema

ID_MAX = 2**63 - 1
SEQ_MAX = 2**31 - 1
READ_MAX = 200


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
