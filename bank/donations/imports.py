"""A donor's spreadsheet goes into a draft batch: shown first, then written in chunks that a crash cannot halve.

What is shown is not written. When the donor says so, an entry of the journal brings a job; each of its chunks
writes its devices, the batch's counts and how far it got in one unit of work, so that it goes on where it was
killed. The database has the last word on what is the same device: (donor, key) is unique.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor
from bank.db import table, utcnow
from bank.donations import import_queries, rows, spreadsheet
from bank.donations.columns import Column, Field
from bank.donations.import_queries import Understood
from bank.donations.models import Batch, BatchImport, BatchLine, BatchState, ImportProblem, ImportState
from bank.donations.rows import Finding, Problem, Row, Thing
from bank.donations.spreadsheet import Fault
from bank.errors import Code, Refusal
from bank.inventory.models import AnnouncedItem, Category

# One unit of work: under 200 ms, so that a scan never waits long for it.
CHUNK = 500
# What a batch may announce by spreadsheet. A lorry brings less: what comes later is another reception.
ANNOUNCED_MAX = 100_000
ASKED_AT_ONCE = 5_000
OPEN = (BatchState.DRAFT, BatchState.SUBMITTED, BatchState.ACCEPTED)
# What such a batch announced will not come: its devices may be announced again.
GIVEN_UP = (BatchState.REFUSED, BatchState.WITHDRAWN)
FILENAME_MAX, TITLE_MAX, VALUE_MAX = 120, 80, 200
SAMPLE = 5


class Verdict(StrEnum):
    """What a row is to what is known already."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """A row beside what is known: `key` as it is stored, the known device where there is one, what was found."""

    row: Row
    verdict: Verdict
    key: str
    known_id: int | None
    problems: tuple[Finding, ...]
    doubts: tuple[Finding, ...]


@dataclass(slots=True)
class Tally:
    """What the rows of a file come to. The doubtful ones are counted as new, same or changed too."""

    rows: int = 0
    new: int = 0
    same: int = 0
    changed: int = 0
    refused: int = 0
    suspicious: int = 0

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def add(self, judged: Judged) -> None:
        """Count one more row."""
        self.rows += 1
        setattr(self, judged.verdict, getattr(self, judged.verdict) + 1)
        self.suspicious += bool(judged.doubts) and judged.verdict is not Verdict.REFUSED


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was stored: its digest, the name it came under, and what the person said of it."""

    digest: str
    filename: str
    told: tuple[tuple[int, Field | None], ...] = ()
    default_category: Category | None = None
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """One finding as it is listed: the title of its column, empty for the whole row."""

    row: int
    column: str
    finding: Finding
    refused: bool


# --- what is known ---


def places(session: Session, donor_id: int, ref: str | None, digest: str | None) -> list[str]:
    """The batches where a row without any number may stand already: first the one it goes to.

    With a digest, the others are the donor's open ones into which the very same file went; without, all open ones.
    """
    wanted = [Batch.donor_id == donor_id, Batch.state.in_(OPEN)]
    if digest is not None:
        sent = sa.select(BatchImport.batch_id).where(
            BatchImport.digest == digest, BatchImport.state != ImportState.PREVIEW
        )
        wanted.append(Batch.id.in_(sent))
    others = session.scalars(sa.select(Batch.ref).where(*wanted).order_by(Batch.id))
    return list(dict.fromkeys([*([ref] if ref else []), *others]))


def judge(session: Session, donor_id: int, refs: Sequence[str], chunk: Sequence[Row]) -> list[Judged]:
    """Each row beside what this donor announced before.

    `refs` are the batches where a row without any number may stand already; the first is where a new one goes.
    """
    keys = {key: None for row in chunk if row.thing for key in _keys(row, refs)}
    known = {item.key: item for item in _known(session, donor_id, list(keys))}
    elsewhere = _elsewhere(
        session, donor_id, [row.thing.serial for row in chunk if row.thing and row.thing.serial]
    )
    return [_judged(row, refs, known, elsewhere) for row in chunk]


def _keys(row: Row, refs: Sequence[str]) -> list[str]:
    """Under which keys the row's device may be known.

    A row without any number is one of its batch only. One whose serial was read since is known by its tag or IMEI.
    """
    if row.is_anonymous:
        return [f"{row.key}@{ref}" for ref in refs]
    thing = row.thing
    tags = [f"tag:{thing.asset_tag}"] if thing and thing.asset_tag else []
    imeis = [f"imei:{thing.imei}"] if thing and thing.imei else []
    return list(dict.fromkeys([row.key, *tags, *imeis]))


def _known(session: Session, donor_id: int, keys: list[str]) -> list[Any]:
    columns = table(AnnouncedItem).c
    query = sa.select(
        columns.id,
        columns.key,
        *(columns[each.name] for each in fields(Thing)),
        (sa.select(Batch.state).where(Batch.ref == AnnouncedItem.batch_ref).scalar_subquery()).label("state"),
    )
    found: list[Any] = []
    for start in range(0, len(keys), ASKED_AT_ONCE):
        asked = keys[start : start + ASKED_AT_ONCE]
        found += session.execute(query.where(columns.donor_id == donor_id, columns.key.in_(asked))).all()
    return found


def _elsewhere(session: Session, donor_id: int, serials: list[str]) -> set[str | None]:
    """Which of these serials another donor announced."""
    if not serials:
        return set()
    query = sa.select(AnnouncedItem.serial).where(
        AnnouncedItem.serial.in_(serials), AnnouncedItem.donor_id != donor_id
    )
    return set(session.scalars(query))


def _judged(row: Row, refs: Sequence[str], known: dict[str, Any], elsewhere: set[str | None]) -> Judged:
    if row.thing is None:
        return Judged(row, Verdict.REFUSED, "", None, row.problems, row.doubts)
    doubts = row.doubts
    if row.thing.serial in elsewhere and row.thing.serial:
        doubts = (*doubts, Finding(Problem.ELSEWHERE, Field.SERIAL, row.thing.serial))
    keys = _keys(row, refs)
    key = keys[0] if keys else row.key
    item = next((known[each] for each in keys if each in known), None)
    if item is None or item.state in GIVEN_UP:
        return Judged(row, Verdict.NEW, key, item.id if item else None, (), doubts)
    if row.is_anonymous:
        key = item.key
    if Thing(*(getattr(item, each.name) for each in fields(Thing))) == row.thing:
        return Judged(row, Verdict.SAME, key, item.id, (), doubts)
    if item.state is not BatchState.DRAFT:
        return Judged(row, Verdict.REFUSED, key, item.id, (Finding(Problem.ALREADY_SENT, None),), doubts)
    return Judged(row, Verdict.CHANGED, key, item.id, (), doubts)


def place_of(session: Session, donor_id: int, known_id: int | None) -> str:
    """The batch where a known device of this donor is announced."""
    item = AnnouncedItem
    query = sa.select(item.batch_ref).where(item.id == known_id, item.donor_id == donor_id)
    return session.scalars(query).one()


# --- what is shown before anything is written ---


def propose(session: Session, actor: Actor, ref: str, upload: Upload) -> int:
    """Note that a file was sent for a draft; its id. What it says is noted next, by `note` and `shown`.

    Raises Refusal(not-found, not-allowed, batch-sent).
    """
    batch = import_queries.draft(session, actor, ref)
    row = BatchImport(
        batch_id=batch.id,
        digest=upload.digest,
        filename=upload.filename[:FILENAME_MAX],
        mapping=Understood(told=upload.told, everywhere=upload.everywhere).as_json(),
        default_category=upload.default_category,
        made_by=actor.person_id or None,
    )
    session.add(row)
    session.flush()
    return row.id


def retell(session: Session, actor: Actor, import_id: int, upload: Upload) -> None:
    """Note that the person says otherwise what the columns tell: what was shown is void.

    Raises Refusal(not-found, not-allowed, batch-sent, edited-meanwhile).
    """
    row = _shown(session, actor, import_id)
    row.rows = 0
    row.mapping = Understood(told=upload.told).as_json()
    row.default_category = upload.default_category
    session.execute(sa.delete(ImportProblem).where(ImportProblem.import_id == row.id))


def note(session: Session, import_id: int, found: Sequence[Told]) -> None:
    """Keep a chunk of what was found in a file."""
    if found:
        session.execute(sa.insert(ImportProblem), [_noted(import_id, each) for each in found])


def shown(session: Session, import_id: int, sheet: Understood, tally: Tally) -> None:
    """The whole file was read: this is what it comes to. From now on it can be confirmed."""
    row = session.get_one(BatchImport, import_id)
    row.mapping = sheet.as_json()
    for each in fields(Tally):
        setattr(row, each.name, getattr(tally, each.name))


def told(judged: Judged, columns: Sequence[Column]) -> list[Told]:
    """What was found in a row, by the titles of the file."""
    titles = {column.field: column.title for column in columns if column.field}
    problems = [(finding, True) for finding in judged.problems]
    if judged.verdict is not Verdict.REFUSED:
        problems += [(finding, False) for finding in judged.doubts]
    return [
        Told(judged.row.number, titles.get(finding.column, "") if finding.column else "", finding, refused)
        for finding, refused in problems
    ]


def _noted(import_id: int, each: Told) -> dict[str, object]:
    # The other row stands in the code, as the problem's table has no column for what few problems have.
    other = f"@{each.finding.other_row}" if each.finding.other_row else ""
    return {
        "import_id": import_id,
        "row": each.row,
        "column": each.column[:TITLE_MAX],
        "code": f"{each.finding.code}{other}",
        "value": each.finding.value[:VALUE_MAX],
        "refused": each.refused,
    }


def describe(sheet: spreadsheet.Sheet, said: Upload, sample: Iterable[Row]) -> Understood:
    """How the file was read, to be shown."""
    return Understood(
        sheet=sheet.name[:TITLE_MAX],
        titles_row=sheet.titles_row,
        titles=tuple(column.title[:TITLE_MAX] for column in sheet.columns),
        fields=tuple(column.field for column in sheet.columns),
        told=said.told,
        everywhere=said.everywhere,
        sample=tuple(_sampled(row) for row in sample),
    )


def _sampled(row: Row) -> tuple[str, ...]:
    thing = row.thing
    return (
        (
            str(row.number),
            thing.category.value,
            thing.maker,
            thing.model,
            thing.serial or "",
            thing.asset_tag or "",
        )
        if thing
        else ()
    )


# --- what is written ---


def confirm(session: Session, actor: Actor, import_id: int) -> None:
    """Have the rows of a file written, once: a second press finds it under way. A stopped one goes on.

    Raises Refusal(not-found, not-allowed, batch-sent, edited-meanwhile, invalid).
    """
    row = _locked(session, actor, import_id)
    if row.state is ImportState.DONE:
        return
    seen = import_queries.one(session, actor, import_id, limit=0)
    if seen.under_way:
        return
    if not row.rows:
        raise Refusal(Code.EDITED_MEANWHILE)
    announced = session.scalar(
        sa.select(sa.func.sum(BatchLine.announced)).where(BatchLine.batch_id == row.batch_id)
    )
    if (announced or 0) + row.new > ANNOUNCED_MAX:
        raise Refusal(Code.INVALID, errors={"file": [Fault.TOO_LARGE]})
    if row.state is ImportState.PREVIEW:
        # What was shown was a forecast; from here on what is done is counted.
        row.new = row.same = row.changed = 0
    row.state = ImportState.WAITING
    session.flush()
    journal.append(
        session,
        actor,
        journal.Kind.BATCH_IMPORTED,
        row.batch_id,
        {"import": row.id, "rows": row.rows, "refused": row.refused},
    )


def chunks(
    sheet: spreadsheet.Sheet, default: Category | None, cursor: int
) -> Iterator[tuple[int, list[Row]]]:
    """The rows after the cursor by chunks, each with the place where it begins."""
    after = itertools.islice(rows.understood(sheet, default), cursor, None)
    while chunk := list(itertools.islice(after, CHUNK)):
        yield cursor, chunk
        cursor += len(chunk)


def take(session: Session, import_id: int, start: int, chunk: Sequence[Row]) -> bool:
    """Write one chunk: its devices, the batch's counts and how far it got, together. Whether to go on.

    A chunk that was written already, by a worker that was thought dead, is passed over. A batch that is no draft
    any more stops the import.
    """
    row = session.scalars(sa.select(BatchImport).where(BatchImport.id == import_id).with_for_update()).one()
    batch = session.scalars(sa.select(Batch).where(Batch.id == row.batch_id).with_for_update()).one()
    if row.state not in import_queries.UNDER_WAY or batch.donor_id is None:
        return False
    if batch.state is not BatchState.DRAFT:
        row.state, row.finished_at = ImportState.FAILED, utcnow()
        return False
    if row.cursor != start:
        return row.cursor > start
    everywhere = import_queries.understood(row.mapping).everywhere
    refs = places(session, batch.donor_id, batch.ref, None if everywhere else row.digest)
    judged = judge(session, batch.donor_id, refs, chunk)
    _write(session, batch, row, judged)
    row.state, row.cursor = ImportState.RUNNING, start + len(chunk)
    return True


def finish(session: Session, import_id: int) -> None:
    """Every row was written."""
    row = session.scalars(sa.select(BatchImport).where(BatchImport.id == import_id).with_for_update()).one()
    if row.state in import_queries.UNDER_WAY:
        row.state, row.finished_at = ImportState.DONE, utcnow()


def _write(session: Session, batch: Batch, row: BatchImport, judged: Sequence[Judged]) -> None:
    new = [each for each in judged if each.verdict is Verdict.NEW]
    written = _insert(session, batch, [each for each in new if each.known_id is None])
    written |= {each.key for each in new if each.known_id and _take_over(session, batch, each)}
    deltas: Counter[tuple[int, Category]] = Counter()
    for each in new:
        if each.key in written and each.row.thing:
            deltas[batch.id, each.row.thing.category] += 1
    changed = [each for each in judged if each.verdict is Verdict.CHANGED]
    for each in changed:
        deltas.update(_change(session, each))
    _recount(session, deltas)
    row.new += len(written)
    row.changed += len(changed)
    # Somebody else may have announced it a moment ago: then it is known.
    row.same += sum(each.verdict is Verdict.SAME for each in judged) + len(new) - len(written)


def _insert(session: Session, batch: Batch, new: Sequence[Judged]) -> set[str]:
    """Add devices; the keys of those that nobody had added meanwhile."""
    if not new:
        return set()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(table(AnnouncedItem)).on_conflict_do_nothing().returning(AnnouncedItem.key)
    now = utcnow()
    return set(
        session.scalars(
            statement,
            [
                {
                    "donor_id": batch.donor_id,
                    "batch_ref": batch.ref,
                    "key": each.key,
                    "row": each.row.number,
                    "created_at": now,
                    **_details(each),
                }
                for each in new
            ],
        )
    )


def _take_over(session: Session, batch: Batch, judged: Judged) -> bool:
    """Announce again what a batch announced that came to nothing. Whether nobody else did meanwhile."""
    given_up = sa.select(Batch.ref).where(Batch.state.in_(GIVEN_UP))
    taken = session.execute(
        sa.update(table(AnnouncedItem))
        .where(AnnouncedItem.id == judged.known_id, AnnouncedItem.batch_ref.in_(given_up))
        .values(batch_ref=batch.ref, key=judged.key, row=judged.row.number, **_details(judged))
        .returning(AnnouncedItem.id)
    )
    return taken.one_or_none() is not None


def _details(judged: Judged) -> dict[str, Any]:
    thing = judged.row.thing
    details = {each.name: getattr(thing, each.name) for each in fields(Thing)}
    return details | {"suspicions": frozenset(finding.code.value for finding in judged.doubts)}


def _change(session: Session, judged: Judged) -> Counter[tuple[int, Category]]:
    """Give a known device of a draft its new details; what that does to the counts of its batch."""
    before = session.execute(
        sa.select(AnnouncedItem.category, Batch.id.label("batch_id"))
        .join(Batch, Batch.ref == AnnouncedItem.batch_ref)
        .where(AnnouncedItem.id == judged.known_id)
    ).one()
    session.execute(
        sa.update(table(AnnouncedItem))
        .where(AnnouncedItem.id == judged.known_id)
        .values(key=judged.key, **_details(judged))
    )
    after = judged.row.thing.category if judged.row.thing else before.category
    if after is before.category:
        return Counter()
    return Counter({(before.batch_id, before.category): -1, (before.batch_id, after): 1})


def _recount(session: Session, deltas: Counter[tuple[int, Category]]) -> None:
    """Raise or lower what the batches announce. Who edits one of them by hand meanwhile is told so."""
    for (batch_id, category), delta in sorted(deltas.items()):
        line = session.scalars(
            sa.select(BatchLine).where(BatchLine.batch_id == batch_id, BatchLine.category == category)
        ).one_or_none()
        if line is None and delta > 0:
            session.add(BatchLine(batch_id=batch_id, category=category, announced=delta))
        elif line is None:
            continue
        elif line.announced + delta > 0:
            line.announced += delta
        else:
            session.delete(line)
    touched = {batch_id for batch_id, _category in deltas}
    session.flush()
    session.execute(sa.update(table(Batch)).where(Batch.id.in_(touched)).values(version=Batch.version + 1))


def _shown(session: Session, actor: Actor, import_id: int) -> BatchImport:
    row = _locked(session, actor, import_id)
    if row.state is not ImportState.PREVIEW:
        raise Refusal(Code.EDITED_MEANWHILE)
    return row


def _locked(session: Session, actor: Actor, import_id: int) -> BatchImport:
    """The import of a draft that the actor may write, locked: of two presses at once the second waits."""
    seen = import_queries.one(session, actor, import_id, limit=0)
    row = session.scalars(
        sa.select(BatchImport)
        .where(BatchImport.id == import_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if row.state is not ImportState.DONE:
        import_queries.draft(session, actor, seen.batch_ref)
    return row
