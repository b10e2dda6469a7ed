"""The migrations, from an older bank with rows in it to the shape of the models, on both databases."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.engine import Engine

from bank import db, schema
from bank.db import Base
from tests import hosts

NOW = "2026-03-01 10:00:00+00:00"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    base = os.environ[hosts.POSTGRES_URL]
    url = (
        f"sqlite:///{tmp_path / 'old.sqlite3'}" if request.param == "sqlite" else hosts.create_database(base)
    )
    made = sa.create_engine(url)
    db.prepare(made)
    yield made
    made.dispose()
    if request.param == "postgresql":
        hosts.drop_database(url)


def at(engine: Engine, revision: str) -> None:
    """Migrate up to a revision."""
    with engine.execution_options(**db.WRITE).connect() as connection:
        command.upgrade(schema.configuration(connection), revision)
        connection.commit()


def checks(engine: Engine) -> set[tuple[str, str]]:
    """Every CHECK of a database by table and name."""
    found = sa.inspect(engine)
    return {
        (table, str(check["name"]))
        for table in found.get_table_names()
        for check in found.get_check_constraints(table)
    }


def test_every_check_of_the_models_is_in_the_migrated_database(engine: Engine) -> None:
    schema.upgrade(engine)
    wanted = {
        (table.name, str(constraint.name))
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, sa.CheckConstraint)
    }
    names = {(table, name if name.startswith("ck_") else f"ck_{table}_{name}") for table, name in wanted}
    assert names - checks(engine) == set()


def test_a_request_of_before_becomes_a_request_of_one_line(engine: Engine) -> None:
    at(engine, "0002")
    with engine.execution_options(**db.WRITE).begin() as connection:
        for statement in (
            "INSERT INTO organisation (id, name, legal_nature, roles, version, created_at) "
            "VALUES (1, 'CCAS', 'public_body', 'structure', 1, :now)",
            "INSERT INTO person (id, organisation_id, name, email, email_hash, roles, epoch, language, created_at) "
            "VALUES (1, 1, 'x', 'x', 'h', 'structure', 1, 'fr', :now)",
            "INSERT INTO programme (id, code, name, recipient_nature, hardship, proofs, valid_from, source) "
            "VALUES (1, 'SALLE', 'Salle', 'public_body', false, '', '2026-01-01', 's')",
            "INSERT INTO request (id, ref, programme_id, organisation_id, recipient_nature, category, quantity, "
            "state, made_by, created_at, version) "
            "VALUES (1, 'D-1', 1, 1, 'public_body', 'desktop', 10, 'open', 1, :now, 1)",
        ):
            connection.execute(sa.text(statement), {"now": NOW})
    schema.upgrade(engine)
    with engine.connect() as connection:
        lines = connection.execute(sa.text("SELECT category, quantity FROM request_line")).all()
        kept = connection.execute(sa.text("SELECT ref, state FROM request")).all()
    assert [tuple(line) for line in lines] == [("desktop", 10)]
    assert [tuple(row) for row in kept] == [("D-1", "open")]


def test_nobody_changes_the_access_log(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.connect() as connection:
        triggers = connection.execute(
            sa.text(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'access_log'"
                if engine.dialect.name == "sqlite"
                else "SELECT tgname FROM pg_trigger WHERE tgrelid = 'access_log'::regclass AND NOT tgisinternal"
            )
        ).all()
    assert len(triggers) == 2
