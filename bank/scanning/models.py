"""Tables of the scan desk: scans that were refused, stock-takes, how each person wants the desk."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bank.db import Base, BigId, Utc, enum_type, utcnow


class TextSize(StrEnum):
    """How large the desk writes."""

    NORMAL = "normal"
    LARGE = "large"
    LARGEST = "largest"


class Sight(StrEnum):
    """What a stock-take made of one thing: expected and seen, expected and not seen once it was closed, seen and
    not expected, or not of this bank.
    """

    FOUND = "found"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    UNKNOWN = "unknown"


class RefusedScan(Base):
    """A scan that had no effect, kept until somebody has dealt with it. `said` is what the scanner gave, cut."""

    __tablename__ = "refused_scan"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    scan_id: Mapped[str] = mapped_column(sa.String(36), unique=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    person_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    said: Mapped[str] = mapped_column(sa.String(60))
    # Outcome asked, station and reason, by the codes of the API.
    asked: Mapped[str] = mapped_column(sa.String(20))
    station: Mapped[str | None] = mapped_column(sa.String(20))
    reason: Mapped[str] = mapped_column(sa.String(40))
    scanned_at: Mapped[datetime | None] = mapped_column(Utc())
    refused_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    settled_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    settled_at: Mapped[datetime | None] = mapped_column(Utc())

    __table_args__ = (
        sa.Index(
            "ix_refused_scan_open",
            "organisation_id",
            "person_id",
            postgresql_where=sa.text("settled_at IS NULL"),
            sqlite_where=sa.text("settled_at IS NULL"),
        ),
    )


class StockTake(Base):
    """What stands at a place, counted by scanning. One at a time is open for a place."""

    __tablename__ = "stock_take"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    place_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("place.id"))
    opened_by: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    opened_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    closed_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    closed_at: Mapped[datetime | None] = mapped_column(Utc())

    __table_args__ = (
        sa.Index(
            "uq_stock_take_place_id_open",
            "place_id",
            unique=True,
            postgresql_where=sa.text("closed_at IS NULL"),
            sqlite_where=sa.text("closed_at IS NULL"),
        ),
    )


class StockTakeScan(Base):
    """One thing that was seen at a stock-take; seen twice, it is one."""

    __tablename__ = "stock_take_scan"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    stock_take_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("stock_take.id"))
    device_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("device.id"))
    said: Mapped[str] = mapped_column(sa.String(60))
    sight: Mapped[Sight] = mapped_column(enum_type(Sight))
    scanned_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    # What was done about it when the take was closed: put here, lost, left.
    settled: Mapped[str | None] = mapped_column(sa.String(20))

    __table_args__ = (
        sa.UniqueConstraint("stock_take_id", "said"),
        sa.UniqueConstraint("stock_take_id", "device_id"),
    )


class DeskSettings(Base):
    """How one person wants the scan desk. Speech is off until asked for."""

    __tablename__ = "desk_settings"

    person_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"), primary_key=True)
    sound: Mapped[bool] = mapped_column(default=True)
    vibration: Mapped[bool] = mapped_column(default=True)
    speech: Mapped[bool] = mapped_column(default=False)
    contrast: Mapped[bool] = mapped_column(default=False)
    text_size: Mapped[TextSize] = mapped_column(enum_type(TextSize), default=TextSize.NORMAL)
