"""Tables: batch and its lines, one per category."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bank.db import Base, BigId, Utc, enum_type, utcnow
from bank.identity.models import Organisation
from bank.inventory.models import Category, Origin


class BatchState(StrEnum):
    """Where a batch stands: agreed and awaited, or received."""

    ACCEPTED = "accepted"
    RECEIVED = "received"


class GapReason(StrEnum):
    """Why what arrived is not what was announced."""

    NOT_ON_THE_LORRY = "not_on_the_lorry"
    MORE_THAN_ANNOUNCED = "more_than_announced"
    OTHER_CATEGORY = "other_category"
    DAMAGED_REFUSED = "damaged_refused"


class Batch(Base):
    """What one donor gives on one occasion to one workshop. Its reference names nobody."""

    __tablename__ = "batch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ref: Mapped[str] = mapped_column(sa.String(12), unique=True)
    donor_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    workshop_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    origin_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("origin.id"))
    state: Mapped[BatchState] = mapped_column(enum_type(BatchState))
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    received_at: Mapped[datetime | None] = mapped_column(Utc())
    version: Mapped[int] = mapped_column(default=1)

    donor: Mapped[Organisation] = relationship(foreign_keys=[donor_id], lazy="raise")
    workshop: Mapped[Organisation] = relationship(foreign_keys=[workshop_id], lazy="raise")
    origin: Mapped[Origin] = relationship(lazy="raise")
    lines: Mapped[list["BatchLine"]] = relationship(order_by="BatchLine.category", lazy="raise")
    __mapper_args__ = {"version_id_col": version}


class BatchLine(Base):
    """One category of a batch. Announced, received and refused stand side by side, never overwritten."""

    __tablename__ = "batch_line"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("batch.id"))
    category: Mapped[Category] = mapped_column(enum_type(Category))
    announced: Mapped[int]
    received: Mapped[int | None]
    gap_reason: Mapped[GapReason | None] = mapped_column(enum_type(GapReason))

    __table_args__ = (
        sa.UniqueConstraint("batch_id", "category"),
        sa.CheckConstraint("announced >= 0 AND (received IS NULL OR received >= 0)", name="counts"),
        sa.CheckConstraint(
            "received IS NULL OR received = announced OR gap_reason IS NOT NULL", name="gap_explained"
        ),
    )
