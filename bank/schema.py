"""The database's shape: bringing it up to date, and telling whether it is."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from bank.db import WRITE, Base, db

# A migration that waits for a lock blocks everybody behind it; better to fail and be run again.
LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "15min"


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's settings, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest shape, in one transaction. Two at once: the second waits, then finds
    nothing to do.
    """
    with engine.execution_options(**WRITE).connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
            connection.execute(sa.text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(4207)"))
        else:
            _foreign_keys(connection, on=False)
        command.upgrade(configuration(connection), "head")
        if connection.dialect.name == "sqlite":
            broken = connection.execute(sa.text("PRAGMA foreign_key_check")).all()
            if broken:
                raise RuntimeError(f"the migration would break {len(broken)} references; nothing was changed")
        connection.commit()
        if connection.dialect.name == "sqlite":
            _foreign_keys(connection, on=True)


def _foreign_keys(connection: Connection, *, on: bool) -> None:
    """SQLite ignores this pragma inside a transaction, so it is set on the bare connection."""
    raw: Any = connection.connection.dbapi_connection
    if raw.in_transaction:
        raw.rollback()
    raw.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


def head() -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def is_current() -> bool:
    """Whether the database has the shape that this code expects."""
    try:
        with db.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() == head()
    except sa.exc.OperationalError:
        return False


def answers() -> bool:
    """Whether the database answers at all."""
    try:
        with db.engine.connect() as connection:
            return bool(connection.scalar(sa.text("SELECT 1")))
    except sa.exc.OperationalError:
        return False


def differences(engine: Engine) -> list[Any]:
    """What the models say and the migrated database does not; empty when they match."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))
