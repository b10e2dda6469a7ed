"""Spreadsheets under /api/v1: sent for a draft, tried without storing anything, followed."""

from typing import Any

import marshmallow as ma
from flask import request, url_for
from marshmallow import fields
from marshmallow.validate import Length

from bank import db, files
from bank.actor import Permission
from bank.donations import import_queries, imports, intake, queries
from bank.donations.import_forms import clean_name
from bank.donations.import_queries import ImportSheet
from bank.donations.imports import Upload
from bank.donations.models import ImportState
from bank.errors import Code, Refusal
from bank.inventory.models import Category
from bank.web import guard
from bank.web.api import Blueprint, Schema, idempotency_key
from bank.web.guard import requires

bp = Blueprint(
    "donations_imports", __name__, "Spreadsheets: the rows of a donor's list become what a draft announces"
)

SENT = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "csv, xlsx, ods or xls; one row per device.",
                    },
                    "dry_run": {"type": "boolean", "description": "Answer what it comes to; store nothing."},
                    "default_category": {
                        "type": "string",
                        "enum": [each.value for each in Category],
                        "description": "The category of the rows that say none.",
                    },
                },
            }
        }
    },
}
ONCE = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 80},
    "description": "Needed unless it is a dry run. The same key again makes nothing more.",
}


class AskedSchema(Schema):
    """What is said of a file that is sent."""

    dry_run = fields.Boolean(load_default=False)
    default_category = fields.Enum(Category, by_value=True, load_default=None, allow_none=True)
    # Some programs send an empty file part as a text.
    file = fields.String(load_default=None, validate=Length(max=0))


class RowProblemSchema(Schema):
    """One thing found in one row."""

    row = fields.Integer(required=True)
    column = fields.String(required=True, metadata={"description": "Its title; empty for the whole row."})
    code = fields.String(required=True)
    message = fields.String(required=True)


class ImportSchema(Schema):
    """A file and what it comes to. The suspicious rows are counted as new, same or changed too."""

    id = fields.Integer(required=True, allow_none=True, metadata={"description": "None for a dry run."})
    state = fields.Enum(ImportState, by_value=True, required=True)
    rows = fields.Integer(required=True)
    new = fields.Integer(required=True)
    same = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    suspicious = fields.Integer(required=True)
    problems = fields.List(fields.Nested(RowProblemSchema), required=True)


@bp.route("/batches/<ref>/imports", methods=["POST"])
@requires(Permission.BATCH_SEE)
@bp.doc(parameters=[ONCE], requestBody=SENT)
@bp.response(202, ImportSchema)
@bp.alt_response(200, schema=ImportSchema, description="A dry run")
def send(ref: str) -> tuple[dict[str, Any], int] | tuple[dict[str, Any], int, dict[str, str]]:
    """Send a spreadsheet for a draft: its good rows are written by a job, the others are listed."""
    actor = guard.actor()
    with db.read() as session:
        donor_id = import_queries.draft(session, actor, ref).donor_id or 0
    asked = _asked()
    data, name = _sent()
    if asked["dry_run"]:
        return _tried(donor_id, queries.read_ref(ref), data, asked["default_category"]), 200
    upload = Upload("", name, (), asked["default_category"])
    import_id = intake.send(actor, ref, data, upload, idempotency_key())
    with db.transaction() as session:
        imports.confirm(session, actor, import_id)
    with db.read() as session:
        seen = import_queries.one(session, actor, import_id, limit=import_queries.LISTED_PROBLEMS)
    return _told(seen), 202, {"Location": url_for("donations_imports_api.show", import_id=import_id)}


@bp.route("/imports/<int:import_id>", methods=["GET"])
@requires(Permission.BATCH_SEE)
@bp.response(200, ImportSchema)
def show(import_id: int) -> dict[str, Any]:
    """Read how far a file got, and what was found in its rows (the first 10,000)."""
    with db.read() as session:
        seen = import_queries.one(session, guard.actor(), import_id, limit=import_queries.LISTED_PROBLEMS)
    return _told(seen)


def _asked() -> dict[str, Any]:
    given = {name: value for name, value in request.form.items() if value}
    try:
        asked: dict[str, Any] = AskedSchema().load(given)
    except ma.ValidationError as error:
        raise Refusal(Code.INVALID, errors=error.messages_dict) from error
    return asked


def _sent() -> tuple[bytes, str]:
    if "file" not in request.files:
        raise Refusal(Code.INVALID, errors={"file": ["file-missing"]})
    sent = request.files["file"]
    return sent.read(), clean_name(sent.filename)


def _tried(donor_id: int, ref: str, data: bytes, default: Category | None) -> dict[str, Any]:
    upload = Upload(files.name_of(data), "", (), default)
    report = intake.report(donor_id, ref, intake.opened(data), upload)
    return {"id": None, "state": ImportState.PREVIEW, **intake.as_json(report)}


def _told(seen: ImportSheet) -> dict[str, Any]:
    names = ("id", "rows", "new", "same", "changed", "refused", "suspicious")
    state = ImportState.FAILED if seen.stopped else seen.state
    return {name: getattr(seen, name) for name in names} | {
        "state": state,
        "problems": [
            {
                "row": problem.row,
                "column": problem.column,
                "code": problem.code,
                "message": intake.sentence(problem.code, problem.other_row),
            }
            for problem in seen.problems
        ],
    }
