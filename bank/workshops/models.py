"""Tables: what stops a device, who asked for help, what went missing with data on it."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bank.db import Base, BigId, Utc, enum_type, utcnow
from bank.inventory.models import StepKind


class Problem(StrEnum):
    """Why a device cannot go on. Each step offers a few of these (`rules.py`), as pictograms."""

    NO_POWER = "no_power"
    NO_CHARGER = "no_charger"
    BLACK_SCREEN = "black_screen"
    BIOS_PASSWORD = "bios_password"
    ACCOUNT_LOCK = "account_lock"
    MANAGED = "managed"
    ERASURE_FAILED = "erasure_failed"
    DRIVE_DEAD = "drive_dead"
    DRIVE_NOT_FOUND = "drive_not_found"
    MARKS_STUCK = "marks_stuck"
    PART_MISSING = "part_missing"
    NOT_REPAIRABLE = "not_repairable"
    INSTALL_FAILED = "install_failed"
    SCREEN_BROKEN = "screen_broken"
    KEYBOARD_BROKEN = "keyboard_broken"
    BATTERY_DEAD = "battery_dead"
    NETWORK_BROKEN = "network_broken"
    SOUND_BROKEN = "sound_broken"
    DIRTY = "dirty"
    TOO_DAMAGED = "too_damaged"
    NOT_AS_SAID = "not_as_said"
    OTHER = "other"
    # The red ones: put it down, step back, call.
    BATTERY_SWOLLEN = "battery_swollen"
    SMELL = "smell"
    BROKEN_GLASS = "broken_glass"


DANGERS = frozenset({Problem.BATTERY_SWOLLEN, Problem.SMELL, Problem.BROKEN_GLASS})


class BlockerOutcome(StrEnum):
    """How a blocker ended: the device goes on, to another step, off its route; or it was said by mistake."""

    RESOLVED = "resolved"
    SENT_TO_STEP = "sent_to_step"
    LEFT = "left"
    UNDONE = "undone"


class IncidentOutcome(StrEnum):
    """How the search for a device that went missing with data on it ended."""

    FOUND = "found"
    NOTIFIED = "notified"
    NO_RISK = "no_risk"


class Blocker(Base):
    """What stops one device, from when to when. At most one is open per device."""

    __tablename__ = "blocker"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("device.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    step: Mapped[StepKind | None] = mapped_column(enum_type(StepKind))
    problem: Mapped[Problem] = mapped_column(enum_type(Problem))
    danger: Mapped[bool]
    opened_by: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    opened_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    closed_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    closed_at: Mapped[datetime | None] = mapped_column(Utc())
    outcome: Mapped[BlockerOutcome | None] = mapped_column(enum_type(BlockerOutcome))

    __table_args__ = (
        sa.Index(
            "uq_blocker_device_id_open",
            "device_id",
            unique=True,
            postgresql_where=sa.text("closed_at IS NULL"),
            sqlite_where=sa.text("closed_at IS NULL"),
        ),
        sa.Index(
            "ix_blocker_open",
            "organisation_id",
            "opened_at",
            postgresql_where=sa.text("closed_at IS NULL"),
            sqlite_where=sa.text("closed_at IS NULL"),
        ),
        sa.CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed"),
    )


class HelpCall(Base):
    """Somebody asks for help. Pressing twice is one call; nobody is counted by it, and it goes when answered."""

    __tablename__ = "help_call"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    person_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    device_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("device.id"))
    step: Mapped[StepKind | None] = mapped_column(enum_type(StepKind))
    called_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    answered_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    answered_at: Mapped[datetime | None] = mapped_column(Utc())

    __table_args__ = (
        sa.Index(
            "uq_help_call_person_id_open",
            "person_id",
            unique=True,
            postgresql_where=sa.text("answered_at IS NULL"),
            sqlite_where=sa.text("answered_at IS NULL"),
        ),
    )


class Incident(Base):
    """A device, or a drive, that went missing while it may hold data: the 72-hour clock, and how it ended."""

    __tablename__ = "incident"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("device.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    donor_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    drives: Mapped[int]
    opened_by: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    opened_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    due_at: Mapped[datetime] = mapped_column(Utc())
    closed_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    closed_at: Mapped[datetime | None] = mapped_column(Utc())
    outcome: Mapped[IncidentOutcome | None] = mapped_column(enum_type(IncidentOutcome))

    __table_args__ = (
        sa.Index(
            "uq_incident_device_id_open",
            "device_id",
            unique=True,
            postgresql_where=sa.text("closed_at IS NULL"),
            sqlite_where=sa.text("closed_at IS NULL"),
        ),
    )


class Shipment(Base):
    """Devices on their way to another organisation. Until one is scanned there, its sender answers for it."""

    __tablename__ = "shipment"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    to_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    sent_by: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    sent_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    closed_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    closed_at: Mapped[datetime | None] = mapped_column(Utc())

    __table_args__ = (sa.CheckConstraint("organisation_id <> to_id", name="elsewhere"),)


class ShipmentLine(Base):
    """One device of a shipment. A device is on one open one at most; `open` ends with arrival or settlement."""

    __tablename__ = "shipment_line"

    shipment_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("shipment.id"), primary_key=True)
    device_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("device.id"), primary_key=True)
    arrived_at: Mapped[datetime | None] = mapped_column(Utc())
    # Never left, or found missing: why a line that did not arrive is closed.
    settled: Mapped[str | None] = mapped_column(sa.String(20))
    open: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        sa.Index(
            "uq_shipment_line_device_id_open",
            "device_id",
            unique=True,
            postgresql_where=sa.text("open"),
            sqlite_where=sa.text("open"),
        ),
    )


class StepGuide(Base):
    """What a workshop tells its people at a step, in its own words, with a picture of its own."""

    __tablename__ = "step_guide"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    step: Mapped[StepKind] = mapped_column(enum_type(StepKind))
    text: Mapped[str] = mapped_column(sa.String(300), default="")
    # A stored PNG or JPEG (`files.py`), and what it shows, for who cannot see it.
    picture: Mapped[str | None] = mapped_column(sa.String(64))
    picture_alt: Mapped[str] = mapped_column(sa.String(150), default="")
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (sa.UniqueConstraint("organisation_id", "step"),)
    __mapper_args__ = {"version_id_col": version}
