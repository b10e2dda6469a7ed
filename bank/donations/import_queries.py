"""Reads of the files that were sent for a batch, each within the reach of who asks."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.crypto import normalised
from bank.donations import queries
from bank.donations.columns import Field
from bank.donations.models import Batch, BatchImport, BatchState, ImportProblem, ImportState
from bank.errors import Code, Refusal
from bank.identity.models import Organisation, OrganisationRole
from bank.inventory.models import Category
from bank.journal import Entry, Kind, Subject
from bank.work import Job, JobState

SHOWN_PROBLEMS = 50
SHOWN_FILES = 20
# What the API lists at most; the csv has them all.
LISTED_PROBLEMS = 10_000
UNDER_WAY = (ImportState.WAITING, ImportState.RUNNING)


@dataclass(frozen=True, slots=True)
class Understood:
    """How a file was read: its sheet, the row of its titles, what each column tells, and a few sound rows."""

    sheet: str = ""
    titles_row: int = 1
    titles: tuple[str, ...] = ()
    fields: tuple[Field | None, ...] = ()
    # What the person said of a column, by its place; it overrides what the house recognised.
    told: tuple[tuple[int, Field | None], ...] = ()
    sample: tuple[tuple[str, ...], ...] = ()
    # Whether a row without any number is looked for in all open batches of the donor, not in this one alone.
    everywhere: bool = False

    def as_json(self) -> str:
        """As it is stored."""
        return json.dumps(
            {
                "sheet": self.sheet,
                "titles_row": self.titles_row,
                "titles": self.titles,
                "fields": self.fields,
                "told": self.told,
                "sample": self.sample,
                "everywhere": self.everywhere,
            }
        )


def understood(text: str) -> Understood:
    """What `as_json` wrote."""
    stored: dict[str, Any] = json.loads(text)
    return Understood(
        sheet=stored.get("sheet", ""),
        titles_row=stored.get("titles_row", 1),
        titles=tuple(stored.get("titles", ())),
        fields=tuple(Field(each) if each else None for each in stored.get("fields", ())),
        told=tuple((place, Field(each) if each else None) for place, each in stored.get("told", ())),
        sample=tuple(tuple(row) for row in stored.get("sample", ())),
        everywhere=stored.get("everywhere", False),
    )


@dataclass(frozen=True, slots=True)
class ProblemSheet:
    """One thing that was found in a row; `column` is the title of its column, empty for the whole row."""

    row: int
    column: str
    code: str
    value: str
    refused: bool
    other_row: int | None


@dataclass(frozen=True, slots=True)
class ImportSheet:
    """All that a page says of one file."""

    id: int
    batch_ref: str
    batch_state: BatchState
    may_write: bool
    state: ImportState
    digest: str
    filename: str
    understood: Understood
    default_category: Category | None
    rows: int
    new: int
    same: int
    changed: int
    refused: int
    suspicious: int
    cursor: int
    created_at: datetime
    finished_at: datetime | None
    # The job gave up: somebody has to ask again.
    stopped: bool
    problems: tuple[ProblemSheet, ...]

    @property
    def adds(self) -> int:
        """How many rows go in, or went in."""
        return self.new + self.changed

    @property
    def under_way(self) -> bool:
        """Whether it is waiting or being written, and nobody has to do anything."""
        return self.state in UNDER_WAY and not self.stopped

    @property
    def percent(self) -> int:
        """How much of the file is done."""
        return 100 * self.cursor // self.rows if self.rows else 0


def may_write(actor: Actor, donor_id: int | None) -> bool:
    """Whether the actor writes this donor's drafts: the donor's own people, and the coordinator."""
    return actor.can(Permission.BATCH_ENTER) or (
        actor.can(Permission.BATCH_ANNOUNCE) and donor_id == actor.organisation_id
    )


def draft(session: Session, actor: Actor, ref: str) -> Batch:
    """A draft that the actor may write. Raises Refusal(not-found, not-allowed, batch-sent)."""
    row = session.scalars(
        sa.select(Batch).where(Batch.ref == queries.read_ref(ref), queries.reach(actor))
    ).one_or_none()
    if row is None or row.donor_id is None:
        raise Refusal(Code.NOT_FOUND)
    if not may_write(actor, row.donor_id):
        raise Refusal(Code.NOT_ALLOWED, permission=Permission.BATCH_ANNOUNCE.value)
    if row.state is not BatchState.DRAFT:
        raise Refusal(Code.BATCH_SENT, batch=row.ref)
    return row


def donor_by_name(session: Session, actor: Actor, name: str) -> int | None:
    """The id of the donor of this very name, whatever its case; for who may enter batches for others."""
    actor.must(Permission.BATCH_ENTER)
    held = sa.literal(" ") + sa.type_coerce(Organisation.roles, sa.Text()) + " "
    rows = session.execute(
        sa.select(Organisation.id, Organisation.name)
        .where(held.contains(f" {OrganisationRole.DONOR.value} "))
        .order_by(Organisation.id)
    ).all()
    found = [row.id for row in rows if normalised(row.name) == normalised(name)]
    return found[0] if len(found) == 1 else None


def one(
    session: Session, actor: Actor, import_id: int, *, limit: int = SHOWN_PROBLEMS, ref: str | None = None
) -> ImportSheet:
    """One file with the first of its problems. Raises Refusal(not-found)."""
    wanted = [BatchImport.id == import_id, queries.reach(actor), _donors(actor)]
    if ref is not None:
        wanted.append(Batch.ref == queries.read_ref(ref))
    row = session.execute(
        sa.select(BatchImport, Batch.ref, Batch.state, Batch.donor_id)
        .join(Batch, Batch.id == BatchImport.batch_id)
        .where(*wanted)
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    kept: BatchImport = row.BatchImport
    return ImportSheet(
        id=kept.id,
        batch_ref=row.ref,
        batch_state=row.state,
        may_write=may_write(actor, row.donor_id) and row.state is BatchState.DRAFT,
        state=kept.state,
        digest=kept.digest,
        filename=kept.filename,
        understood=understood(kept.mapping),
        default_category=kept.default_category,
        rows=kept.rows,
        new=kept.new,
        same=kept.same,
        changed=kept.changed,
        refused=kept.refused,
        suspicious=kept.suspicious,
        cursor=kept.cursor,
        created_at=kept.created_at,
        finished_at=kept.finished_at,
        stopped=_stopped(session, kept),
        problems=tuple(_problems(session, kept.id, limit)),
    )


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A file, as the page of its batch lists it."""

    id: int
    filename: str
    state: ImportState
    new: int
    changed: int
    refused: int
    created_at: datetime


def of_batch(session: Session, actor: Actor, ref: str) -> list[ImportRow]:
    """The files that were confirmed for a batch, the latest first."""
    rows = session.execute(
        sa.select(
            BatchImport.id,
            BatchImport.filename,
            BatchImport.state,
            BatchImport.new,
            BatchImport.changed,
            BatchImport.refused,
            BatchImport.created_at,
        )
        .join(Batch, Batch.id == BatchImport.batch_id)
        .where(
            Batch.ref == queries.read_ref(ref),
            queries.reach(actor),
            _donors(actor),
            BatchImport.state != ImportState.PREVIEW,
        )
        .order_by(BatchImport.id.desc())
        .limit(SHOWN_FILES)
    )
    return [ImportRow(*row) for row in rows]


def _donors(actor: Actor) -> sa.ColumnElement[bool]:
    """A donor's list is the donor's and the coordinator's; the workshop sees what comes of it."""
    return sa.true() if actor.sees_all else Batch.donor_id == actor.organisation_id


def _problems(session: Session, import_id: int, limit: int) -> list[ProblemSheet]:
    found = session.execute(
        sa.select(
            ImportProblem.row,
            ImportProblem.column,
            ImportProblem.code,
            ImportProblem.value,
            ImportProblem.refused,
        )
        .where(ImportProblem.import_id == import_id)
        .order_by(ImportProblem.row, ImportProblem.id)
        .limit(limit)
    )
    return [_problem(*row) for row in found]


def _problem(row: int, column: str, code: str, value: str, refused: bool) -> ProblemSheet:
    code, _at, other = code.partition("@")
    return ProblemSheet(row, column, code, value, refused, int(other) if other else None)


def _stopped(session: Session, kept: BatchImport) -> bool:
    """Whether the last job that was to write it has failed for good."""
    if kept.state not in UNDER_WAY:
        return kept.state is ImportState.FAILED
    asked = session.execute(
        sa.select(Entry.facts, Job.state)
        .join(Job, Job.entry_id == Entry.id)
        .where(
            Entry.subject == Subject.BATCH.value,
            Entry.subject_id == kept.batch_id,
            Entry.kind == Kind.BATCH_IMPORTED.value,
        )
        .order_by(Entry.id)
    ).all()
    states = [state for facts, state in asked if json.loads(facts)["import"] == kept.id]
    return bool(states) and states[-1] is JobState.FAILED
