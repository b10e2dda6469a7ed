"""From a file to an import: read outside any unit of work, written in short ones.

Views, the API and the command come through here; what may be done and what is written is `imports.py`'s.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from bank import db, files, work
from bank.actor import Actor
from bank.donations import actions, import_queries, imports, jobs, rows, spreadsheet
from bank.donations.import_queries import ImportSheet
from bank.donations.imports import CHUNK, Tally, Told, Upload, Verdict
from bank.donations.rules import Announcement
from bank.donations.spreadsheet import Fault, Sheet
from bank.errors import Code, Refusal
from bank.web import words

FILE_MAX = 20 * 1024 * 1024
WHY = "Pourquoi"


@dataclass(frozen=True)
class Report:
    """What a file comes to, when nothing is stored."""

    tally: Tally
    problems: tuple[Told, ...]
    # One of the known devices that the file changes.
    changed_id: int | None = None


def opened(data: bytes, upload: Upload | None = None) -> Sheet:
    """The sheet in the bytes. Raises Refusal(invalid) with a fault of the file."""
    if len(data) > FILE_MAX:
        raise spreadsheet.refused(Fault.TOO_LARGE)
    return spreadsheet.read(data, dict(upload.told) if upload else None)


def send(actor: Actor, ref: str, data: bytes, upload: Upload, key: str | None) -> int:
    """Store a file for a draft and read it; the import's id. Nothing of the batch is written.

    The same request again reads nothing twice. Raises Refusal(invalid, not-found, not-allowed, batch-sent,
    idempotency-key-missing, idempotency-key-reused).
    """
    with db.read() as session:
        import_queries.draft(session, actor, ref)
    sheet = opened(data, upload)
    upload = replace(upload, digest=files.put(data))
    made: list[int] = []

    def make() -> str:
        made.append(imports.propose(session, actor, ref, upload))
        return str(made[0])

    content = ["batch.import", ref.upper(), upload.digest, upload.default_category, upload.told]
    with db.transaction() as session:
        import_id = int(work.once(session, actor, key, content, make))
    if made:
        _show(actor, import_id, sheet, upload)
    return import_id


def send_again(actor: Actor, import_id: int, upload: Upload) -> None:
    """Read a stored file otherwise, as the person says. Raises Refusal as `send`, and edited-meanwhile."""
    sheet = opened(files.get(upload.digest), upload)
    with db.transaction() as session:
        imports.retell(session, actor, import_id, upload)
    _show(actor, import_id, sheet, upload)


def report(donor_id: int, ref: str | None, sheet: Sheet, upload: Upload) -> Report:
    """What a file would come to for this donor, read now; nothing is stored."""
    tally, found, changed_id = Tally(), list[Told](), None
    for judged in _judged(donor_id, ref, sheet, upload):
        tally.add(judged)
        found += imports.told(judged, sheet.columns)
        if judged.verdict is Verdict.CHANGED:
            changed_id = judged.known_id
    return Report(tally, tuple(found), changed_id)


def as_json(report: Report) -> dict[str, Any]:
    """A report as scripts read it."""
    problems = [
        {
            "row": each.row,
            "column": each.column,
            "code": each.finding.code.value,
            "message": sentence(each.finding.code, each.finding.other_row),
        }
        for each in report.problems
    ]
    return report.tally.as_dict() | {"problems": problems}


def bring(actor: Actor, donor_id: int, data: bytes, upload: Upload) -> Report:
    """Announce for a donor, and write at once, what is new in a file; a draft is made only if something is.

    Known devices are looked for in all open batches of the donor. Raises Refusal(invalid, not-allowed).
    """
    sheet, upload = opened(data, upload), replace(upload, digest=files.name_of(data), everywhere=True)
    forecast = report(donor_id, None, sheet, upload)
    if not forecast.tally.new and not forecast.tally.changed:
        return forecast
    files.put(data)
    with db.transaction() as session:
        ref = (
            actions.announce(session, actor, Announcement(), donor_id=donor_id)
            if forecast.tally.new
            else imports.place_of(session, donor_id, forecast.changed_id)
        )
        import_id = imports.propose(session, actor, ref, upload)
    _show(actor, import_id, sheet, upload)
    with db.transaction() as session:
        imports.confirm(session, actor, import_id)
    jobs.write_rows(import_id)
    with db.read() as session:
        done = import_queries.one(session, actor, import_id, limit=0)
    return Report(Tally(*(getattr(done, each) for each in forecast.tally.as_dict())), forecast.problems)


def refused_rows(seen: ImportSheet) -> Iterator[list[str]]:
    """The titles of a file, then each of its refused rows as it stood, with the reason in a last column.

    `seen` has all its problems.
    """
    reasons: dict[int, list[str]] = {}
    for problem in seen.problems:
        if problem.refused:
            reasons.setdefault(problem.row, []).append(sentence(problem.code, problem.other_row))
    sheet = spreadsheet.read(files.get(seen.digest), dict(seen.understood.told))
    yield [*(column.title for column in sheet.columns), WHY]
    for number, texts in sheet.rows():
        if number in reasons:
            yield [*texts, " ".join(reasons[number])]


def reason(refusal: Refusal) -> str:
    """Why a file was refused, in the reader's language. Raises a refusal that is about something else."""
    errors = refusal.facts.get("errors")
    if refusal.code is not Code.INVALID or not isinstance(errors, dict) or "file" not in errors:
        raise refusal
    return " ".join(words.word(fault, "sheet_fault") for fault in errors["file"])


def sentence(code: str, other_row: int | None = None) -> str:
    """What is wrong with a row, in the reader's language."""
    return words.word(code, "row_problem") % {"row": other_row}


def _show(actor: Actor, import_id: int, sheet: Sheet, upload: Upload) -> None:
    """Note what was found in a file, chunk by chunk, and at last what it comes to."""
    with db.read() as session:
        seen = import_queries.one(session, actor, import_id, limit=0)
        donor_id = import_queries.draft(session, actor, seen.batch_ref).donor_id
    tally, sample, found = Tally(), list[rows.Row](), list[Told]()
    for judged in _judged(donor_id or 0, seen.batch_ref, sheet, upload):
        tally.add(judged)
        found += imports.told(judged, sheet.columns)
        if judged.verdict is not Verdict.REFUSED and len(sample) < imports.SAMPLE:
            sample.append(judged.row)
        if len(found) >= CHUNK:
            _note(import_id, found)
            found = []
    _note(import_id, found)
    with db.transaction() as session:
        imports.shown(session, import_id, imports.describe(sheet, upload, sample), tally)


def _note(import_id: int, found: list[Told]) -> None:
    with db.transaction() as session:
        imports.note(session, import_id, found)


def _judged(donor_id: int, ref: str | None, sheet: Sheet, upload: Upload) -> Iterator[imports.Judged]:
    with db.read() as session:
        refs = imports.places(session, donor_id, ref, None if upload.everywhere else upload.digest)
    for _start, chunk in imports.chunks(sheet, upload.default_category, 0):
        with db.read() as session:
            judged = imports.judge(session, donor_id, refs, chunk)
        yield from judged
