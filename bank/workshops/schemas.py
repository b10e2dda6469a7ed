"""Shapes of the API: the board, decisions about a device, incidents."""

from typing import Any

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import OneOf, Range

from bank.inventory.lifecycle import State
from bank.inventory.models import Category, DriveFate, StepKind
from bank.web.api import Schema
from bank.workshops import exits, incidents
from bank.workshops.exits import Exit, ExitReason, Leaving
from bank.workshops.models import IncidentOutcome, Problem

ID_MAX = 2**63 - 1


class HelpLineSchema(Schema):
    """Somebody who waits for help."""

    id = fields.Integer(required=True)
    who = fields.String(required=True)
    code = fields.String(required=True, allow_none=True)
    category = fields.Enum(Category, by_value=True, required=True, allow_none=True)
    step = fields.Enum(StepKind, by_value=True, required=True, allow_none=True)
    called_at = fields.AwareDateTime(required=True)


class BlockedLineSchema(Schema):
    """A device that a problem stops."""

    code = fields.String(required=True)
    category = fields.Enum(Category, by_value=True, required=True)
    maker = fields.String(required=True)
    model = fields.String(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    step = fields.Enum(StepKind, by_value=True, required=True, allow_none=True)
    problem = fields.Enum(Problem, by_value=True, required=True)
    danger = fields.Boolean(required=True)
    opened_at = fields.AwareDateTime(required=True)
    open_drives = fields.Integer(required=True)


class StepCountSchema(Schema):
    """How much work waits at a step."""

    step = fields.Enum(
        StepKind,
        by_value=True,
        required=True,
        allow_none=True,
        metadata={"description": "Null: received, and not begun."},
    )
    count = fields.Integer(required=True)
    many = fields.Boolean(required=True, metadata={"description": "Whether there are more than `count`."})


class BoardSchema(Schema):
    """What a supervisor needs to see, the most urgent first."""

    help_calls = fields.List(fields.Nested(HelpLineSchema), required=True)
    dangers = fields.List(fields.Nested(BlockedLineSchema), required=True)
    blocked = fields.Method("blocked_lines", required=True)
    steps = fields.List(fields.Nested(StepCountSchema), required=True)
    more_blocked = fields.Boolean(required=True)
    incidents = fields.Integer(required=True, metadata={"description": "How many are open."})

    def blocked_lines(self, board: Any) -> list[Any]:
        """Every blocked device, reason by reason."""
        lines = BlockedLineSchema(many=True)
        return [line for _problem, same in board.blocked for line in lines.dump(same)]


class ExitSchema(Schema):
    """What is decided of a device besides its route."""

    exit = fields.Enum(Exit, by_value=True, required=True)
    reason = fields.Enum(
        ExitReason,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "One of the exit's own reasons; none for `find`."},
    )
    to_destruction = fields.Boolean(
        load_default=False,
        metadata={
            "description": "For `recycle` with drives still to erase: a provider destroys and certifies them."
        },
    )

    @ma.post_load
    def to_leaving(self, data: dict[str, Any], **_kwargs: Any) -> Leaving:
        """As the action takes it."""
        return Leaving(**data)


class FateSchema(Schema):
    """What became of the drives that still are to erase."""

    fate = fields.Enum(
        DriveFate,
        by_value=True,
        required=True,
        validate=OneOf(exits.WITHOUT_ERASURE),
        metadata={"description": "`absent` only where nobody has seen a drive."},
    )


class AnswerSchema(Schema):
    """How a blocked device goes on."""

    step = fields.Enum(
        StepKind,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "Another step of its route; null: where it stands."},
    )


class StandingSchema(Schema):
    """Where a device stands."""

    code = fields.String(required=True)
    state = fields.Enum(State, by_value=True, required=True)
    step = fields.Enum(StepKind, by_value=True, attribute="step_kind", required=True, allow_none=True)
    open_drives = fields.Integer(required=True)
    blocked = fields.Function(lambda standing: standing.blocker_id is not None, required=True)


class IncidentQuerySchema(Schema):
    """Which incidents to list."""

    closed = fields.Boolean(load_default=False, metadata={"description": "Those that are over."})
    cursor = fields.Integer(
        load_default=None,
        validate=Range(1, ID_MAX),
        metadata={"description": "`next_cursor` of the page before."},
    )


class IncidentSchema(Schema):
    """A device that went missing with data on it."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    category = fields.Enum(Category, by_value=True, required=True)
    batch_ref = fields.String(required=True)
    custodian = fields.String(required=True, metadata={"description": "Who held it last."})
    donor = fields.String(required=True, allow_none=True)
    drives = fields.Integer(required=True)
    opened_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True, metadata={"description": "72 hours after it was opened."})
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    outcome = fields.Enum(IncidentOutcome, by_value=True, required=True, allow_none=True)


class IncidentPageSchema(Schema):
    """A page of incidents, the latest first."""

    items = fields.List(fields.Nested(IncidentSchema), attribute="incidents", required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


class OutcomeSchema(Schema):
    """How an incident ended; that a device was found is said of the device."""

    outcome = fields.Enum(IncidentOutcome, by_value=True, required=True, validate=OneOf(incidents.BY_HAND))
