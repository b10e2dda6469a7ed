"""What changes when labels are printed: a run with its labels, the sheet that it leaves part-used, the printers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import table, utcnow
from bank.errors import Code, Refusal
from bank.inventory import labels
from bank.inventory.models import Label, LabelState
from bank.journal import Kind
from bank.office import printing, queries, rules
from bank.office.models import OpenedSheet, PrintedLabel, Printer, PrintRun, ReprintReason, RunKind
from bank.office.queries import Chosen, Selection
from bank.office.rules import Fault, Measured, Offsets

# Labels whose rows are written in one unit of work.
CHUNK = 500
LIVE = (LabelState.BLANK, LabelState.CLAIMED)

# A label's id and its lines, as a run keeps them until their rows are written.
Line = tuple[int, str]


@dataclass(frozen=True, kw_only=True)
class Paper:
    """On what to print, from where on, how often, with which printer, and why if it is done again."""

    sheet: str = printing.DEFAULT_SHEET
    start: int = 1
    copies: int = 1
    printer_id: int | None = None
    reason: ReprintReason | None = None
    station_id: int | None = None

    @property
    def content(self) -> dict[str, Any]:
        """The same for the same answers, to tell a repeat from another."""
        return asdict(self)


def print_labels(session: Session, actor: Actor, wanted: Selection, paper: Paper) -> int:
    """Order a run of labels; its id. A long one is made by a job.

    Raises Refusal(not-allowed, invalid): with what is wrong by field and, for labels that were printed already and
    no reason to do it again, some of their codes as `printed`.
    """
    actor.must(Permission.LABEL_PRINT)
    if wanted.kind is None:
        raise Refusal(Code.INVALID, errors={"labels": [Fault.NOTHING_CHOSEN]})
    if wanted.kind is RunKind.BLANKS:
        return print_blanks(session, actor, actor.organisation_id, wanted.blanks or 0, paper)
    found = queries.chosen(session, actor, wanted)
    return _ordered(session, actor, wanted.kind, found, paper)


def print_blanks(session: Session, actor: Actor, organisation_id: int, count: int, paper: Paper) -> int:
    """Order labels that nothing carries yet, for an organisation; the run's id.

    Raises Refusal(not-allowed, invalid).
    """
    actor.must(Permission.LABEL_PRINT)
    if organisation_id != actor.organisation_id and not actor.sees_all:
        raise Refusal(Code.NOT_ALLOWED, permission=Permission.WHOLE_BANK.value)
    row = _run(session, actor, RunKind.BLANKS, count, paper)
    row.organisation_id, row.reason = organisation_id, None
    _begin(session, row, None)
    _entered(session, actor, row)
    return row.id


def print_again(session: Session, actor: Actor, run_id: int, paper: Paper) -> int:
    """Order once more what a run printed, with the same text; the new run's id. Labels that are void are left out.

    Raises Refusal(not-found, not-allowed, not-drawn-yet, invalid).
    """
    actor.must(Permission.LABEL_PRINT)
    before = queries.run(session, actor, run_id)
    if before.made < before.count:
        raise Refusal(Code.NOT_DRAWN_YET)
    rows = session.execute(
        sa.select(Label.id, Label.code, PrintedLabel.lines)
        .join(PrintedLabel, PrintedLabel.label_id == Label.id)
        .where(PrintedLabel.run_id == run_id, Label.state.in_(LIVE))
        .order_by(PrintedLabel.position)
    )
    found = [Chosen(*row, printed=True) for row in rows]
    return _ordered(session, actor, before.kind, found, paper)


def _ordered(session: Session, actor: Actor, kind: RunKind, found: Sequence[Chosen], paper: Paper) -> int:
    row = _run(session, actor, kind, len(found), paper)
    printed = _printed(session, found)
    if printed and row.reason is None:
        raise Refusal(
            Code.INVALID,
            errors={"reason": [Fault.ALREADY_PRINTED]},
            printed=printed[: queries.TOLD_CODES],
            printed_count=len(printed),
        )
    if not printed:
        row.reason = None
    labels.mark_printed(session, [each.label_id for each in found], utcnow())
    _begin(session, row, [(each.label_id, each.lines) for each in found])
    _entered(session, actor, row)
    return row.id


def _printed(session: Session, found: Sequence[Chosen]) -> list[str]:
    """The codes of those that were printed already. Each is kept from others until the end of this order: of two
    orders at once for the same labels, the second sees what the first did.
    """
    already: set[int] = set()
    ids = sorted(each.label_id for each in found)
    for begin in range(0, len(ids), labels.BLOCK):
        block = Label.id.in_(ids[begin : begin + labels.BLOCK])
        locked = sa.select(Label.id, Label.printed_at).where(block).order_by(Label.id)
        rows = session.execute(locked.with_for_update())
        already |= {row.id for row in rows if row.printed_at is not None}
    return [each.code for each in found if each.label_id in already]


def _run(session: Session, actor: Actor, kind: RunKind, count: int, paper: Paper) -> PrintRun:
    """The order, not written yet. Raises Refusal(invalid)."""
    sheet = printing.paper(paper.sheet)
    errors = rules.faults(count, paper.copies, paper.start, sheet.places)
    if errors:
        raise Refusal(
            Code.INVALID, errors=errors, places=sheet.places, most=rules.RUN_MAX, count=min(count, 2**53)
        )
    printing.must_fit(paper.sheet)
    return PrintRun(
        organisation_id=actor.organisation_id,
        person_id=actor.person_id,
        station_id=paper.station_id,
        kind=kind,
        sheet=paper.sheet,
        start=paper.start,
        copies=paper.copies,
        count=count,
        made=0,
        reason=paper.reason,
        printer_id=paper.printer_id,
        **asdict(_offsets(session, actor, paper.printer_id)),
    )


def _offsets(session: Session, actor: Actor, printer_id: int | None) -> Offsets:
    if printer_id is None:
        return rules.AS_IT_IS
    try:
        return queries.printer(session, actor, printer_id).offsets
    except Refusal as refusal:
        raise Refusal(Code.INVALID, errors={"printer": [Fault.UNKNOWN_PRINTER]}) from refusal


def _begin(session: Session, row: PrintRun, lines: Sequence[Line] | None) -> None:
    """Write the order. `lines` None: its labels are still to be made."""
    session.add(row)
    session.flush()
    if rules.is_small(row.count, row.copies):
        _write(session, row, _blanks(session, row, row.count) if lines is None else lines)
    elif lines is not None:
        row.wanted = json.dumps(lines, separators=(",", ":"), ensure_ascii=False)
    session.flush()


def _entered(session: Session, actor: Actor, row: PrintRun) -> None:
    facts = {
        "kind": row.kind.value,
        "sheet": row.sheet,
        "start": row.start,
        "count": row.count,
        "copies": row.copies,
        "station": row.station_id,
        "printer": row.printer_id,
    }
    if row.reason is None:
        journal.append(session, actor, Kind.LABELS_PRINTED, row.id, facts)
    else:
        journal.append(session, actor, Kind.LABELS_REPRINTED, row.id, facts | {"reason": row.reason.value})
    left = rules.next_place(row.start, row.count * row.copies, printing.places(row.sheet))
    remember(session, actor, row.station_id, row.sheet, left)


# --- what a job writes ---


def fill(session: Session, run_id: int) -> PrintRun:
    """Write the next labels of a run, and how far that got, together; the run. Nothing once all are there.

    Of two workers at once the second waits for the first and goes on after it: no code is made twice for one order.
    """
    row = session.scalars(
        sa.select(PrintRun)
        .where(PrintRun.id == run_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if row.made < row.count:
        size = min(CHUNK, row.count - row.made)
        if row.wanted is None:
            _write(session, row, _blanks(session, row, size))
        else:
            lines: list[Line] = json.loads(row.wanted)
            _write(session, row, lines[row.made : row.made + size])
        if row.made == row.count:
            row.wanted = None
        session.flush()
    return row


def _blanks(session: Session, row: PrintRun, count: int) -> list[Line]:
    made = labels.mint_blanks(session, row.organisation_id, count)
    labels.mark_printed(session, made, utcnow())
    said = printing.blank_lines()
    return [(label_id, said) for label_id in made]


def _write(session: Session, row: PrintRun, lines: Sequence[Line]) -> None:
    rows = _rows(row, lines)
    session.execute(sa.insert(table(PrintedLabel)), list(rows))
    row.made += len(lines)


def _rows(row: PrintRun, lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    for position, (label_id, said) in enumerate(lines, row.made + 1):
        yield {"run_id": row.id, "position": position, "label_id": label_id, "lines": said}


def keep_file(session: Session, run_id: int, digest: str) -> None:
    """Note where the file of a run is stored."""
    session.execute(sa.update(table(PrintRun)).where(PrintRun.id == run_id).values(file=digest))


# --- the part-used sheet ---


def remember(session: Session, actor: Actor, station_id: int | None, sheet: str, next_place: int) -> None:
    """Note where the sheet that lies here goes on; one that is used up is forgotten. Rolls have no places."""
    if next_place == 1 or printing.paper(sheet).is_roll:
        forget(session, actor, station_id, sheet)
        return
    if station_id is None and not actor.person_id:
        return
    keys = {"station_id": station_id} if station_id is not None else {"person_id": actor.person_id}
    news = {"next_place": next_place, "updated_at": utcnow()}
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(table(OpenedSheet)).values(
        organisation_id=actor.organisation_id, sheet=sheet, **keys, **news
    )
    session.execute(statement.on_conflict_do_update(index_elements=[*keys, "sheet"], set_=news))


def forget(session: Session, actor: Actor, station_id: int | None, sheet: str) -> None:
    """A new sheet lies here."""
    here = queries.beside(actor, station_id)
    session.execute(sa.delete(OpenedSheet).where(here, OpenedSheet.sheet == sheet))


# --- printers ---


def add_printer(session: Session, actor: Actor, name: str) -> int:
    """Add a printer of the actor's organisation; its id. Raises Refusal(not-allowed, invalid)."""
    actor.must(Permission.LABEL_PRINT)
    said = rules.legible(name)[: rules.NAME_MAX]
    if not said:
        raise Refusal(Code.INVALID, errors={"name": [Fault.NAME_MISSING]})
    known = sa.select(Printer.id).where(
        Printer.organisation_id == actor.organisation_id, sa.func.lower(Printer.name) == said.lower()
    )
    if session.scalar(known.limit(1)) is not None:
        raise Refusal(Code.INVALID, errors={"name": [Fault.NAME_TAKEN]})
    row = Printer(organisation_id=actor.organisation_id, name=said)
    session.add(row)
    session.flush()
    journal.append(session, actor, Kind.PRINTER_ADDED, row.id, {})
    return row.id


def calibrate(session: Session, actor: Actor, printer_id: int, version: int, measured: Measured) -> Offsets:
    """Correct a printer by what its calibration page, printed as it is set now, measures; how it is set then.

    Raises Refusal(not-allowed, not-found, edited-meanwhile, invalid).
    """
    row = _printer(session, actor, printer_id)
    if row.version != version:
        raise Refusal(Code.EDITED_MEANWHILE)
    better = rules.corrected(queries.offsets_of(row), measured)
    if better is None:
        raise Refusal(Code.INVALID, errors={"across": [Fault.TOO_FAR_OFF]})
    _set(session, actor, row, better)
    return better


def reset(session: Session, actor: Actor, printer_id: int) -> None:
    """Take a printer for true again. Raises Refusal(not-allowed, not-found)."""
    _set(session, actor, _printer(session, actor, printer_id), rules.AS_IT_IS)


def _printer(session: Session, actor: Actor, printer_id: int) -> Printer:
    actor.must(Permission.LABEL_PRINT)
    seen = queries.printer(session, actor, printer_id)
    return session.scalars(sa.select(Printer).where(Printer.id == seen.id).with_for_update()).one()


def _set(session: Session, actor: Actor, row: Printer, offsets: Offsets) -> None:
    for name, value in asdict(offsets).items():
        setattr(row, name, value)
    session.flush()
    journal.append(session, actor, Kind.PRINTER_CALIBRATED, row.id, asdict(offsets))
