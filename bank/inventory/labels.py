"""A label's own life: printed ahead, claimed by sticking it, replaced, void. Never re-used.

A label has one bearer, a device or a place, and each bearer one label that counts: the database says so.
Which label a device carries is written here and when it is received, each time with the device's move.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bank.db import table, utcnow
from bank.inventory import codes
from bank.inventory.models import Label, LabelState

# What one statement carries: SQLite has a bound on the values that are bound to one.
BLOCK = 1_000
INSERTS: dict[str, Callable[[sa.Table], postgresql.Insert | sqlite.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}

label = table(Label)


def mint_blanks(session: Session, organisation_id: int, count: int) -> list[int]:
    """Make blank labels of an organisation, under codes that were never used; their ids, in order."""
    made: list[int] = []
    while len(made) < count:
        made += _insert_blanks(session, organisation_id, min(BLOCK, count - len(made)))
    return made


def _insert_blanks(session: Session, organisation_id: int, count: int) -> list[int]:
    """As many as are free of `count` fresh codes: the others are drawn again."""
    common = {"state": LabelState.BLANK, "organisation_id": organisation_id, "made_at": utcnow()}
    rows = [{"code": code, **common} for code in {codes.mint(): None for _ in range(count)}]
    insert = INSERTS[session.get_bind().dialect.name]
    statement = insert(label).on_conflict_do_nothing().values(rows).returning(label.c.id)
    return sorted(session.scalars(statement))


def mark_printed(session: Session, label_ids: Iterable[int], at: datetime) -> None:
    """Say of labels that somebody may stick them from now on; the first time counts."""
    ids = list(label_ids)
    for start in range(0, len(ids), BLOCK):
        block = label.c.id.in_(ids[start : start + BLOCK])
        session.execute(sa.update(label).where(block, label.c.printed_at.is_(None)).values(printed_at=at))
