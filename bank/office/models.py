"""Tables of printing: printers and how far each is off, runs of labels, sheets that are part-used."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from bank.db import Base, BigId, Utc, enum_type, utcnow


class RunKind(StrEnum):
    """What a run of labels is for: things of the register, places, or nothing yet."""

    DEVICES = "devices"
    PLACES = "places"
    BLANKS = "blanks"


class ReprintReason(StrEnum):
    """Why a label that was printed already is printed again."""

    LOST = "lost"
    UNREADABLE = "unreadable"
    MISPRINTED = "misprinted"
    CHANGED = "changed"


class Printer(Base):
    """A printer of one organisation, and what makes its labels land in their places.

    Offsets in hundredths of a millimetre, to the right and down; scales in hundredths of a percent (10,000 is true
    size). Measured by people on the calibration page.
    """

    __tablename__ = "printer"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(sa.String(60))
    offset_x: Mapped[int] = mapped_column(default=0)
    offset_y: Mapped[int] = mapped_column(default=0)
    scale_x: Mapped[int] = mapped_column(default=10_000)
    scale_y: Mapped[int] = mapped_column(default=10_000)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        sa.UniqueConstraint("organisation_id", "name"),
        sa.CheckConstraint("offset_x BETWEEN -1000 AND 1000", name="offset_x"),
        sa.CheckConstraint("offset_y BETWEEN -1000 AND 1000", name="offset_y"),
        sa.CheckConstraint("scale_x BETWEEN 9500 AND 10500", name="scale_x"),
        sa.CheckConstraint("scale_y BETWEEN 9500 AND 10500", name="scale_y"),
    )
    __mapper_args__ = {"version_id_col": version}


class PrintRun(Base):
    """One order to print. Its file is a function of its rows alone: the same bytes however often it is made.

    `made` counts the labels whose rows are written: a job that is delivered twice goes on from there, so that no
    code is ever minted twice for one order. The printer's offsets and scales are copied: they are of that day.
    """

    __tablename__ = "print_run"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    person_id: Mapped[int] = mapped_column(BigId)
    station_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("station.id"))
    kind: Mapped[RunKind] = mapped_column(enum_type(RunKind))
    sheet: Mapped[str] = mapped_column(sa.String(20))
    start: Mapped[int] = mapped_column(default=1)
    copies: Mapped[int] = mapped_column(default=1)
    # How many different labels; each is drawn `copies` times.
    count: Mapped[int]
    made: Mapped[int] = mapped_column(default=0)
    # Of a run that a job makes: its labels' ids and lines as they were ordered (JSON), until their rows are there.
    wanted: Mapped[str | None] = mapped_column(sa.Text())
    reason: Mapped[ReprintReason | None] = mapped_column(enum_type(ReprintReason))
    printer_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("printer.id"))
    offset_x: Mapped[int] = mapped_column(default=0)
    offset_y: Mapped[int] = mapped_column(default=0)
    scale_x: Mapped[int] = mapped_column(default=10_000)
    scale_y: Mapped[int] = mapped_column(default=10_000)
    # The stored PDF of a run that a job drew (`files.py`).
    file: Mapped[str | None] = mapped_column(sa.String(64))
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    __table_args__ = (
        sa.CheckConstraint("count > 0", name="count"),
        sa.CheckConstraint("made BETWEEN 0 AND count", name="made"),
        sa.CheckConstraint("copies BETWEEN 1 AND 20", name="copies"),
        sa.CheckConstraint("start > 0", name="start"),
    )


class PrintedLabel(Base):
    """One label of a run, with its text as it was on that day: at most four lines, one under the other."""

    __tablename__ = "printed_label"

    run_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("print_run.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    label_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("label.id"), index=True)
    lines: Mapped[str] = mapped_column(sa.Text(), default="")


class OpenedSheet(Base):
    """A part-used sheet beside a station, or beside a person who sits at none: where its next free label is."""

    __tablename__ = "opened_sheet"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    station_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("station.id"))
    person_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    sheet: Mapped[str] = mapped_column(sa.String(20))
    next_place: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    __table_args__ = (
        sa.UniqueConstraint("station_id", "sheet"),
        sa.UniqueConstraint("person_id", "sheet"),
        sa.CheckConstraint("(station_id IS NULL) <> (person_id IS NULL)", name="beside_one"),
    )
