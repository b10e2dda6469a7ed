"""What follows from an order to print. It takes an id and may run twice, at once, or be killed and go on."""

import tempfile

from bank import db, files, work
from bank.office import actions, printing, queries, rules
from bank.work import Task


def draw(task: Task) -> None:
    """Make the labels of a long run, then its file. A short one has its labels, and is drawn when asked for."""
    make(task.subject_id, job_id=task.job_id)


def make(run_id: int, *, job_id: int | None = None) -> None:
    """Write the labels of a run, a chunk at a time with how far it got, then draw and store its file."""
    while True:
        with db.transaction() as session:
            row = actions.fill(session, run_id)
            made, count, small = row.made, row.count, rules.is_small(row.count, row.copies)
            if job_id is not None and not small:
                work.progress(session, job_id, made, count)
        if made == count:
            break
    if not small and row.file is None:
        with db.read() as session:
            found = queries.whole(session, run_id)
        _store(*found)


def _store(run_id: int, layout: printing.Layout, inked: list[printing.Inked]) -> None:
    """The same labels give the same bytes, hence the same file, however often this is done."""
    with tempfile.TemporaryFile() as drawn:
        printing.write_pdf(drawn, inked, layout)
        drawn.seek(0)
        digest = files.put(drawn.read())
    with db.transaction() as session:
        actions.keep_file(session, run_id, digest)
