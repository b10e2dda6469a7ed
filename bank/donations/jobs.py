"""What follows from an entry on a batch. Each job takes ids and may run twice, or be killed and go on."""

import json

import sqlalchemy as sa

from bank import db, files, work
from bank.donations import import_queries, imports, letters, spreadsheet
from bank.donations.models import BatchImport
from bank.journal import Entry
from bank.work import Task


def tell_donor(task: Task) -> None:
    """Mail the bank's answer to the donor, unless there is a later one or the batch has moved on."""
    with db.read() as session:
        answer = letters.answer(session, task)
    if answer is not None:
        for to in answer.to:
            letters.send(task, answer, to)


def import_rows(task: Task) -> None:
    """Write the rows of a confirmed file into its batch, from where the last run stopped."""
    with db.read() as session:
        facts = session.scalar(sa.select(Entry.facts).where(Entry.id == task.entry_id))
    if facts is not None:
        write_rows(json.loads(facts)["import"], job_id=task.job_id)


def write_rows(import_id: int, *, job_id: int | None = None) -> None:
    """Write the rows of a file, a chunk at a time: its devices and how far it got, together."""
    with db.read() as session:
        row = session.get_one(BatchImport, import_id)
    if row.state not in import_queries.UNDER_WAY:
        return
    told = import_queries.understood(row.mapping).told
    sheet = spreadsheet.read(files.get(row.digest), dict(told))
    for start, chunk in imports.chunks(sheet, row.default_category, row.cursor):
        with db.transaction() as session:
            goes_on = imports.take(session, import_id, start, chunk)
            if job_id is not None:
                work.progress(session, job_id, start + len(chunk), row.rows)
        if not goes_on:
            return
    with db.transaction() as session:
        imports.finish(session, import_id)
