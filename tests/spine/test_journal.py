"""Append-only, canonical, and silent about people."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bank import db, journal
from bank.journal import Kind
from tests.factories import World

CHANGES = ["UPDATE journal_entry SET kind = 'device.find'", "DELETE FROM journal_entry"]


@pytest.mark.parametrize("statement", [*CHANGES, "TRUNCATE journal_entry CASCADE"])
def test_the_migrated_database_refuses_to_change_the_journal(world: World, statement: str) -> None:
    world.device()
    dialect = db.db.engine.dialect.name
    if statement.startswith("TRUNCATE") and dialect == "sqlite":
        statement = (
            "DELETE FROM journal_entry"  # SQLite has no TRUNCATE: its DELETE without WHERE is the same
        )
    with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
        session.execute(sa.text(statement))
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(journal.Entry)) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "Camille"},
        {"programme": "Camille Martin"},
        {"programme": "camille@exemple.fr"},
        {"asked": {"laptop": "2"}},
        {"asked": {"laptop": True}},
        {"proof_day": "hier"},
        {"category": ["laptop"]},
        {"programme": "x" * 65},
    ],
)
def test_a_fact_that_its_kind_does_not_declare_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="schema"):
        journal.canonical(Kind.REQUEST_MADE, facts)


def test_facts_are_canonical() -> None:
    one = journal.canonical(Kind.REQUEST_MADE, {"asked": {"laptop": 1}, "programme": "RSA"})
    other = journal.canonical(Kind.REQUEST_MADE, {"programme": "RSA", "asked": {"laptop": 1}})
    assert one == other == '{"asked":{"laptop":1},"programme":"RSA"}'


def test_a_register_column_that_does_not_exist_cannot_be_set() -> None:
    with pytest.raises(ValueError, match="schema"):
        journal.canonical(Kind.DEVICE_FIND, {"set": {"name": 3}})


def test_the_hash_covers_every_column(world: World) -> None:
    row = journal.compose(world.supervisor, Kind.DEVICE_FIND, 1, {"set": {}}, seq=1)
    for name, value in row.items():
        if name == "hash":
            continue
        changed = row | {name: "other" if isinstance(value, str) or value is None else value + 1}
        assert journal.digest(journal.GENESIS, changed) != row["hash"], name
    assert journal.digest(b"\x01" * 32, row) != row["hash"]
