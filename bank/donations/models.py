"""Tables: batch, its lines by category, the files that were read into it."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bank.crypto import Encrypted
from bank.db import Base, BigId, Utc, enum_type, utcnow
from bank.identity.models import Organisation
from bank.inventory.models import Category, Origin


class BatchState(StrEnum):
    """Where a batch stands: written by its donor, sent, agreed and awaited, refused, taken back, received."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RECEIVED = "received"


class RefusalReason(StrEnum):
    """Why the bank does not take a batch."""

    TOO_OLD = "too_old"
    NOT_OUR_KIND = "not_our_kind"
    NO_CAPACITY = "no_capacity"
    TOO_FAR = "too_far"
    INCOMPLETE = "incomplete"
    OTHER = "other"


class GapReason(StrEnum):
    """Why what arrived is not what was announced."""

    NOT_ON_THE_LORRY = "not_on_the_lorry"
    MORE_THAN_ANNOUNCED = "more_than_announced"
    OTHER_CATEGORY = "other_category"
    DAMAGED_REFUSED = "damaged_refused"
    UNANNOUNCED = "unannounced"


class ImportState(StrEnum):
    """Where the reading of a file stands: shown, confirmed and waiting, being read, done, or stopped."""

    PREVIEW = "preview"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Batch(Base):
    """What one donor gives on one occasion to one workshop. Its reference names nobody.

    Workshop and origin are the coordinator's decision, hence empty before it. No donor: nobody knows whose it was.
    """

    __tablename__ = "batch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ref: Mapped[str] = mapped_column(sa.String(12), unique=True)
    donor_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    workshop_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    origin_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("origin.id"))
    state: Mapped[BatchState] = mapped_column(enum_type(BatchState))
    # What the donor asks for, and where it is to be fetched; it goes into the origin when the batch is accepted.
    no_resale: Mapped[bool] = mapped_column(default=False)
    unnamed: Mapped[bool] = mapped_column(default=False)
    purge_asked: Mapped[bool] = mapped_column(default=False)
    pickup_address: Mapped[str] = mapped_column(sa.String(200), default="")
    pickup_contact: Mapped[str | None] = mapped_column(Encrypted())
    collection_on: Mapped[date | None]
    refusal_reason: Mapped[RefusalReason | None] = mapped_column(enum_type(RefusalReason))
    refusal_note: Mapped[str] = mapped_column(sa.String(500), default="")
    made_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    submitted_at: Mapped[datetime | None] = mapped_column(Utc())
    decided_at: Mapped[datetime | None] = mapped_column(Utc())
    received_at: Mapped[datetime | None] = mapped_column(Utc())
    version: Mapped[int] = mapped_column(default=1)

    donor: Mapped[Organisation | None] = relationship(foreign_keys=[donor_id], lazy="raise")
    workshop: Mapped[Organisation | None] = relationship(foreign_keys=[workshop_id], lazy="raise")
    origin: Mapped[Origin | None] = relationship(lazy="raise")
    lines: Mapped[list["BatchLine"]] = relationship(order_by="BatchLine.category", lazy="raise")
    __table_args__ = (
        sa.CheckConstraint(
            "state NOT IN ('accepted', 'received') OR (workshop_id IS NOT NULL AND origin_id IS NOT NULL)",
            name="decided",
        ),
        sa.CheckConstraint("(state = 'refused') = (refusal_reason IS NOT NULL)", name="refusal_explained"),
    )
    __mapper_args__ = {"version_id_col": version}


class BatchLine(Base):
    """One category of a batch. Announced, received and refused stand side by side, never overwritten."""

    __tablename__ = "batch_line"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("batch.id"))
    category: Mapped[Category] = mapped_column(enum_type(Category))
    announced: Mapped[int]
    received: Mapped[int | None]
    # Came, and was sent back at the dock.
    refused: Mapped[int] = mapped_column(default=0)
    gap_reason: Mapped[GapReason | None] = mapped_column(enum_type(GapReason))

    __table_args__ = (
        sa.UniqueConstraint("batch_id", "category"),
        sa.CheckConstraint(
            "announced >= 0 AND refused >= 0 AND (received IS NULL OR received >= 0)", name="counts"
        ),
        sa.CheckConstraint(
            "received IS NULL OR received = announced OR gap_reason IS NOT NULL", name="gap_explained"
        ),
    )


class BatchImport(Base):
    """One file read into a batch: how it was understood, how far it got, what it came to."""

    __tablename__ = "batch_import"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("batch.id"), index=True)
    state: Mapped[ImportState] = mapped_column(enum_type(ImportState), default=ImportState.PREVIEW)
    # The stored file (`files.py`), and the name under which it was sent.
    digest: Mapped[str] = mapped_column(sa.String(64))
    filename: Mapped[str] = mapped_column(sa.String(120))
    # Column -> field, as JSON, where the person chose otherwise than the house guessed.
    mapping: Mapped[str] = mapped_column(sa.Text(), default="{}")
    default_category: Mapped[Category | None] = mapped_column(enum_type(Category))
    rows: Mapped[int] = mapped_column(default=0)
    new: Mapped[int] = mapped_column(default=0)
    same: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    suspicious: Mapped[int] = mapped_column(default=0)
    # How many rows of the file are done: where a killed import goes on.
    cursor: Mapped[int] = mapped_column(default=0)
    made_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    finished_at: Mapped[datetime | None] = mapped_column(Utc())


class ImportProblem(Base):
    """A row that did not go in, or goes in with a doubt: kept with its reason until somebody has dealt with it."""

    __tablename__ = "import_problem"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    import_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("batch_import.id"), index=True)
    row: Mapped[int]
    column: Mapped[str] = mapped_column(sa.String(80), default="")
    code: Mapped[str] = mapped_column(sa.String(40))
    value: Mapped[str] = mapped_column(sa.String(200), default="")
    refused: Mapped[bool] = mapped_column(default=True)
