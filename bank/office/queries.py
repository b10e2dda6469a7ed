"""Reads of printing, each within the reach of who asks: runs, printers, part-used sheets, what can be printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.identity.models import Organisation
from bank.inventory import codes, queries
from bank.inventory.models import Device, Label
from bank.inventory.queries import Filters, PlaceSticker, Sticker
from bank.journal import Entry, Subject
from bank.office import printing, rules
from bank.office.models import OpenedSheet, PrintedLabel, Printer, PrintRun, ReprintReason, RunKind
from bank.office.printing import Inked, Layout
from bank.office.rules import Fault, Offsets
from bank.work import Job, JobState

DRAW = "office.draw"
SHOWN_RUNS = 20
TOLD_CODES = 50


class Drawn(StrEnum):
    """Where a run stands for who waits for it."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What to print: devices (by code, batch, place, or the filters of their list), places, or blank labels.

    `unprinted` narrows devices to those whose label nobody can have stuck yet. `places` empty means all of them.
    """

    devices: tuple[str, ...] | None = None
    batch: str | None = None
    place: int | None = None
    filters: Filters | None = None
    unprinted: bool = False
    places: tuple[int, ...] | None = None
    blanks: int | None = None

    @property
    def kind(self) -> RunKind | None:
        """What it is about; None when it says nothing, or two things at once."""
        devices = (self.devices, self.batch, self.place, self.filters)
        narrowed = self.unprinted or any(part is not None for part in devices)
        said = {
            RunKind.DEVICES: narrowed,
            RunKind.PLACES: self.places is not None,
            RunKind.BLANKS: self.blanks is not None,
        }
        kinds = [kind for kind, chosen in said.items() if chosen]
        return kinds[0] if len(kinds) == 1 else None


@dataclass(frozen=True, slots=True)
class Chosen:
    """One label that exists and could be printed, with what it would say today."""

    label_id: int
    code: str
    lines: str
    printed: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """How many labels are asked for, and how many of them were printed before."""

    count: int
    printed: int


@dataclass(frozen=True, slots=True)
class RunLine:
    """One order to print, as a page and the API tell it."""

    id: int
    organisation_id: int
    kind: RunKind
    sheet: str
    start: int
    copies: int
    count: int
    made: int
    reason: ReprintReason | None
    printer: str | None
    file: str | None
    created_at: datetime
    offsets: Offsets
    # None where nothing follows from what happens: in the history that a demo is born with.
    job_id: int | None
    job_state: JobState | None

    @property
    def is_small(self) -> bool:
        """Whether its file is drawn when it is asked for."""
        return rules.is_small(self.count, self.copies)

    @property
    def state(self) -> Drawn:
        """Where it stands: a file that can be had is done, whatever became of the job."""
        if self.made == self.count and (self.is_small or self.file is not None):
            return Drawn.DONE
        if self.job_state in (None, JobState.DONE):
            return Drawn.WAITING
        return Drawn(self.job_state)

    @property
    def next_place(self) -> int:
        """The first place that this run leaves free on its last sheet; 1 is a new sheet."""
        return rules.next_place(self.start, self.count * self.copies, printing.places(self.sheet))

    @property
    def layout(self) -> Layout:
        """How it is put on paper."""
        return Layout(self.sheet, self.start, self.copies, self.offsets)


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job as its organisation may follow it. `run_id`: the labels that it makes, if it makes some."""

    id: int
    name: str
    state: Drawn
    progress: int
    total: int
    error: str | None
    run_id: int | None


@dataclass(frozen=True, slots=True)
class PrinterLine:
    """A printer of the actor's organisation."""

    id: int
    name: str
    offsets: Offsets
    version: int

    @property
    def is_calibrated(self) -> bool:
        """Whether somebody measured it and found it off."""
        return self.offsets != rules.AS_IT_IS


@dataclass(frozen=True, slots=True)
class Reprint:
    """Once more the label of a device came out of a printer, and why."""

    at: datetime
    reason: ReprintReason
    organisation: str | None


# --- what can be printed ---


def chosen(session: Session, actor: Actor, wanted: Selection, *, limit: int = rules.RUN_MAX) -> list[Chosen]:
    """The labels that exist of what is asked, up to one more than `limit`, with what each says today.

    Raises Refusal(invalid) on a code or a place that is not the actor's.
    """
    if wanted.kind is RunKind.PLACES:
        owner = sa.select(Organisation.name).where(Organisation.id == actor.organisation_id)
        lines = printing.place_lines(session.scalar(owner) or "")
        return [
            Chosen(each.label_id, each.code, lines(each), each.printed)
            for each in _places(session, actor, wanted)
        ]
    say = printing.device_lines()
    return [
        Chosen(each.label_id, each.code, say(each), each.printed)
        for each in _devices(session, actor, wanted, limit)
    ]


def tally(session: Session, actor: Actor, wanted: Selection) -> Tally:
    """How many labels would be printed, and how many of them once more. Raises Refusal(invalid)."""
    if wanted.kind is RunKind.BLANKS:
        return Tally(wanted.blanks or 0, 0)
    found: Sequence[Sticker | PlaceSticker]
    if wanted.kind is RunKind.PLACES:
        found = _places(session, actor, wanted)
    else:
        found = _devices(session, actor, wanted, rules.RUN_MAX)
    return Tally(len(found), sum(each.printed for each in found))


def _devices(session: Session, actor: Actor, wanted: Selection, limit: int) -> list[Sticker]:
    devices = None if wanted.devices is None else _codes(wanted.devices)
    found = queries.stickers_of(
        session,
        actor,
        codes=devices,
        batch=wanted.batch,
        place_id=wanted.place,
        filters=wanted.filters,
        unprinted=wanted.unprinted,
        limit=limit + 1,
    )
    if devices is not None and len(devices) <= limit and not wanted.unprinted:
        _all_of(devices, [each.code for each in found])
    return found


def _codes(texts: Sequence[str]) -> list[str]:
    try:
        return list(dict.fromkeys(codes.read(text) for text in texts))
    except Refusal as refusal:
        raise Refusal(Code.INVALID, errors={"devices": [Fault.UNKNOWN_DEVICE]}) from refusal


def _all_of(asked: Sequence[str], found: Sequence[str]) -> None:
    unknown = sorted(set(asked) - set(found))
    if unknown:
        errors = {"devices": [Fault.UNKNOWN_DEVICE]}
        raise Refusal(Code.INVALID, errors=errors, unknown=unknown[:TOLD_CODES])


def _places(session: Session, actor: Actor, wanted: Selection) -> list[PlaceSticker]:
    found = queries.place_stickers(session, actor, wanted.places or None)
    if len(found) < len(set(wanted.places or ())):
        raise Refusal(Code.INVALID, errors={"places": [Fault.UNKNOWN_PLACE]})
    return found


# --- runs ---

RUN = (
    sa.select(PrintRun, Printer.name, Job.id, Job.state)
    .join(Entry, sa.and_(Entry.subject == Subject.LABELS.value, Entry.subject_id == PrintRun.id))
    .outerjoin(Job, sa.and_(Job.entry_id == Entry.id, Job.name == DRAW))
    .outerjoin(Printer, Printer.id == PrintRun.printer_id)
)


def reach(actor: Actor) -> sa.ColumnElement[bool]:
    """The scope rule: a run is seen by the organisation that ordered it, and by the whole-bank view."""
    if not actor.can(Permission.LABEL_PRINT):
        return sa.false()
    return sa.true() if actor.sees_all else PrintRun.organisation_id == actor.organisation_id


def run(session: Session, actor: Actor, run_id: int) -> RunLine:
    """One run. Raises Refusal(not-found)."""
    row = session.execute(RUN.where(PrintRun.id == run_id, reach(actor))).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return _run_line(*row)


def runs(session: Session, actor: Actor, *, limit: int = SHOWN_RUNS) -> list[RunLine]:
    """What the actor's organisation printed, the latest first."""
    mine = PrintRun.organisation_id == actor.organisation_id
    rows = session.execute(RUN.where(mine, reach(actor)).order_by(PrintRun.id.desc()).limit(limit))
    return [_run_line(*row) for row in rows]


def _run_line(kept: PrintRun, printer: str | None, job_id: int | None, job_state: JobState | None) -> RunLine:
    return RunLine(
        id=kept.id,
        organisation_id=kept.organisation_id,
        kind=kept.kind,
        sheet=kept.sheet,
        start=kept.start,
        copies=kept.copies,
        count=kept.count,
        made=kept.made,
        reason=kept.reason,
        printer=printer,
        file=kept.file,
        created_at=kept.created_at,
        offsets=offsets_of(kept),
        job_id=job_id,
        job_state=job_state,
    )


def offsets_of(kept: PrintRun | Printer) -> Offsets:
    """How labels are moved: of a printer as it is now, of a run as it was printed."""
    return Offsets(offset_x=kept.offset_x, offset_y=kept.offset_y, scale_x=kept.scale_x, scale_y=kept.scale_y)


def whole(session: Session, run_id: int) -> tuple[int, Layout, list[Inked]]:
    """A run as the job that was ordered to draws it, on behalf of whoever ordered it."""
    kept = session.get_one(PrintRun, run_id)
    layout = Layout(kept.sheet, kept.start, kept.copies, offsets_of(kept))
    rows = session.execute(
        sa.select(Label.code, PrintedLabel.lines)
        .join(PrintedLabel, PrintedLabel.label_id == Label.id)
        .where(PrintedLabel.run_id == run_id)
        .order_by(PrintedLabel.position)
    )
    return kept.id, layout, [Inked(*row) for row in rows]


def ready(session: Session, actor: Actor, run_id: int) -> tuple[RunLine, list[Inked]]:
    """A run whose labels are all there, with them. Raises Refusal(not-found, not-drawn-yet)."""
    return must_be_ready(session, actor, run_id), inked(session, actor, run_id)


def must_be_ready(session: Session, actor: Actor, run_id: int) -> RunLine:
    """A run whose labels are all there. Raises Refusal(not-found, not-drawn-yet)."""
    found = run(session, actor, run_id)
    if found.state is not Drawn.DONE:
        raise Refusal(Code.NOT_DRAWN_YET)
    return found


def inked(
    session: Session, actor: Actor, run_id: int, *, first: int = 1, limit: int = rules.RUN_MAX
) -> list[Inked]:
    """The labels of a run as they are printed, in order, from place `first` in it on."""
    rows = session.execute(
        sa.select(Label.code, PrintedLabel.lines)
        .join(PrintedLabel, PrintedLabel.label_id == Label.id)
        .join(PrintRun, PrintRun.id == PrintedLabel.run_id)
        .where(PrintedLabel.run_id == run_id, PrintedLabel.position >= first, reach(actor))
        .order_by(PrintedLabel.position)
        .limit(limit)
    )
    return [Inked(*row) for row in rows]


def job(session: Session, actor: Actor, job_id: int) -> JobLine:
    """One job of the actor's organisation. Raises Refusal(not-found)."""
    mine = sa.true() if actor.sees_all else Job.organisation_id == actor.organisation_id
    row = session.execute(
        sa.select(Job, Entry.subject_id).join(Entry, Entry.id == Job.entry_id).where(Job.id == job_id, mine)
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    kept: Job = row.Job
    state, progress, total, run_id = Drawn(kept.state.value), kept.progress, kept.total, None
    if kept.name == DRAW and actor.can(Permission.LABEL_PRINT):
        made = run(session, actor, row.subject_id)
        state, progress, total, run_id = made.state, made.made, made.count, made.id
    return JobLine(kept.id, kept.name, state, progress, total, kept.error, run_id)


def reprints(session: Session, actor: Actor, device_id: int) -> list[Reprint]:
    """When labels of a device were printed again, and why, the latest first."""
    device = Device.__table__
    rows = session.execute(
        sa.select(PrintRun.created_at, PrintRun.reason, Organisation.name)
        .join(PrintedLabel, PrintedLabel.run_id == PrintRun.id)
        .join(Label, Label.id == PrintedLabel.label_id)
        .join(device, device.c.id == Label.device_id)
        .outerjoin(Organisation, Organisation.id == PrintRun.organisation_id)
        .where(Label.device_id == device_id, PrintRun.reason.is_not(None), sa.or_(*queries.reach(actor)))
        .order_by(PrintRun.id.desc())
        .limit(SHOWN_RUNS)
    )
    return [Reprint(row.created_at, row.reason, row.name) for row in rows if row.reason]


# --- printers and sheets ---


def printers(session: Session, actor: Actor) -> list[PrinterLine]:
    """The printers of the actor's organisation, by name."""
    rows = session.scalars(
        sa.select(Printer).where(Printer.organisation_id == actor.organisation_id).order_by(Printer.name)
    )
    return [PrinterLine(row.id, row.name, offsets_of(row), row.version) for row in rows]


def printer(session: Session, actor: Actor, printer_id: int) -> PrinterLine:
    """One of them. Raises Refusal(not-found)."""
    row = session.scalars(
        sa.select(Printer).where(Printer.id == printer_id, Printer.organisation_id == actor.organisation_id)
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return PrinterLine(row.id, row.name, offsets_of(row), row.version)


def beside(actor: Actor, station_id: int | None) -> sa.ColumnElement[bool]:
    """Whose part-used sheets lie here: the station's, or the person's where there is no station."""
    if station_id is not None:
        return sa.and_(
            OpenedSheet.station_id == station_id, OpenedSheet.organisation_id == actor.organisation_id
        )
    return OpenedSheet.person_id == actor.person_id


def opened(session: Session, actor: Actor, station_id: int | None) -> Mapping[str, int]:
    """The first free place of each part-used sheet that lies here, the latest used first."""
    rows = session.execute(
        sa.select(OpenedSheet.sheet, OpenedSheet.next_place)
        .where(beside(actor, station_id))
        .order_by(OpenedSheet.updated_at.desc())
    )
    return {row.sheet: row.next_place for row in rows if row.sheet in printing.sheets()}
