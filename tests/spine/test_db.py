"""Two ways to open a unit of work, and what they refuse."""

import threading
from datetime import datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError

from bank import db, schema
from bank.identity.models import LegalNature, Organisation
from tests.factories import World


def insert(session: db.Session, name: str) -> None:
    session.add(Organisation(name=name, legal_nature=LegalNature.COMPANY, roles=frozenset()))
    session.flush()


def names() -> list[str]:
    with db.read() as session:
        return sorted(session.scalars(sa.select(Organisation.name)))


def test_a_transaction_commits_once_at_the_end(app: Flask) -> None:
    with db.transaction() as session:
        insert(session, "A")
    assert names() == ["A"]


def test_a_fault_leaves_nothing(app: Flask) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction() as session:  # noqa: PT012  (the fault comes after a write)
        insert(session, "A")
        assert 1 / 0
    assert names() == []


def test_units_of_work_do_not_nest(app: Flask) -> None:
    with db.transaction() as session:
        insert(session, "A")
        with pytest.raises(RuntimeError, match="once"), db.transaction():
            pass
        with pytest.raises(RuntimeError, match="open"), db.read():
            pass
    assert names() == ["A"]


def test_a_read_cannot_write(app: Flask) -> None:
    """The database refuses it, so that no view can change anything on a GET by accident."""
    with pytest.raises(DBAPIError), db.read() as session:
        insert(session, "A")
    with pytest.raises(DBAPIError), db.read() as session:
        session.execute(sa.text("DELETE FROM organisation"))
    with db.transaction() as session:
        insert(session, "B")
    assert names() == ["B"]


def test_read_then_update_by_many_threads_loses_nothing(world: World) -> None:
    """On SQLite the write lock is taken first: a plain BEGIN would fail with 'database is locked'."""
    organisation = world.bnp
    app = world.app

    def work() -> None:
        with app.app_context():
            for _ in range(15):
                with db.transaction() as session:
                    row = session.get_one(Organisation, organisation, with_for_update=True)
                    row.siret = str(int(row.siret or 0) + 1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as session:
        assert session.get_one(Organisation, organisation).siret == "120"


def test_the_migrations_match_the_models(app: Flask) -> None:
    assert schema.differences(db.db.engine) == []
    assert schema.is_current()


def test_migrating_again_changes_nothing(app: Flask) -> None:
    schema.upgrade(db.db.engine)
    assert schema.is_current()


def test_a_naive_datetime_is_refused(app: Flask) -> None:
    with pytest.raises(ValueError, match="time zone"):
        db.Utc().process_bind_param(datetime.fromisoformat("2026-01-01"), None)  # type: ignore[arg-type]  # no dialect is looked at
