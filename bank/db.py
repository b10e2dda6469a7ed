"""The database: engine and metadata by Flask-SQLAlchemy, and the only two ways to open a unit of work.

`read()` cannot write: both databases refuse it. `transaction()` takes the write lock first, commits once and
then hands the ids of what waits to be sent to whoever `create_app` named. Nothing else in the house commits.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, cast

import sqlalchemy as sa
from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_MS = 10_000
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can speak of them."""

    metadata = sa.MetaData(naming_convention=NAMING)


db = SQLAlchemy(metadata=Base.metadata)


class Utc(TypeDecorator[datetime]):
    """An aware UTC datetime. SQLite drops time zones, so it is put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a datetime without time zone cannot be stored")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[frozenset[str]]):
    """A set of names kept as sorted words in one TEXT column, so that the hot path joins nothing for it."""

    impl = sa.Text()
    cache_ok = True

    def process_bind_param(self, value: frozenset[str] | None, dialect: sa.Dialect) -> str:
        return " ".join(sorted(value or ()))

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> frozenset[str]:
        return frozenset((value or "").split())


def enum_type(kind: type[StrEnum]) -> sa.Enum:
    """A StrEnum column: the value is stored as text, and a CHECK on both databases knows the list."""
    return sa.Enum(
        kind,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        create_constraint=True,
        name=kind.__name__.lower(),
        length=40,
    )


def table(model: type[Base]) -> sa.Table:
    """A model's table, for statements in Core."""
    return cast(sa.Table, model.__table__)


_clock: ContextVar[datetime | None] = ContextVar("clock", default=None)


def utcnow() -> datetime:
    """This moment, aware; or the moment that `as_of` set."""
    return _clock.get() or datetime.now(UTC)


def now_us() -> int:
    """This moment in UTC microseconds."""
    moment = _clock.get()
    return time.time_ns() // 1000 if moment is None else round(moment.timestamp() * 1_000_000)


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """Live at another moment: a demo's history is written by the same actions as the screens'."""
    mark = _clock.set(moment)
    try:
        yield
    finally:
        _clock.reset(mark)


def init(
    app: Flask,
    url: str,
    *,
    on_entry: Callable[[Session, dict[str, Any]], None],
    after_commit: Callable[[list[int]], object],
) -> None:
    """Bind the database to the app, with what follows a journal entry and what follows a commit."""
    # Without `hide_parameters` a fault would write what somebody typed into the log.
    options: dict[str, Any] = {"echo": False, "hide_parameters": True}
    if url.startswith("postgresql"):
        options |= {"pool_size": 4, "max_overflow": 4, "pool_timeout": 10, "pool_pre_ping": False}
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    app.extensions["bank.on_entry"] = on_entry
    app.extensions["bank.after_commit"] = after_commit
    with app.app_context():
        prepare(db.engine)


def prepare(engine: Engine) -> None:
    """Give an engine the settings and the BEGIN that its dialect needs."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # pysqlite must not emit a BEGIN of its own
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "cache_size=-65536",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A read that turns into a write fails at once with "database is locked", whatever the busy timeout:
        # whoever will write must say so first.
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if write else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def core(session: Session) -> Connection:
    """The unit of work's own connection, for Core on a hot path: the session is not woken for it."""
    connection: Connection = session.info["core"]
    return connection


_writing: ContextVar[bool] = ContextVar("writing", default=False)

READ = {"postgresql_readonly": True}
WRITE = {"write": True}
# The session's commit is the unit's commit.
JOINED: Literal["control_fully"] = "control_fully"


@contextmanager
def read() -> Iterator[Session]:
    """A unit of work that only reads; rolled back at the end."""
    if _writing.get():
        raise RuntimeError("read() inside transaction(): use the session that is open")
    with db.engine.connect() as connection:
        connection.execution_options(**READ)
        connection.begin()
        with Session(
            connection, expire_on_commit=False, autoflush=False, info={"core": connection}
        ) as session:
            yield session


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work: the write lock first, one commit at the end, then what waits is sent.

    Refuses to nest: whoever is inside one already has the session.
    """
    if _writing.get():
        raise RuntimeError("transaction() inside transaction(): the edge opens it, once")
    mark = _writing.set(True)
    outbox: list[int] = []
    try:
        with db.engine.connect() as connection:
            connection.execution_options(**WRITE)
            unit = connection.begin()
            info = {"core": connection, "outbox": outbox, "on_entry": current_app.extensions["bank.on_entry"]}
            with Session(
                connection, expire_on_commit=False, info=info, join_transaction_mode=JOINED
            ) as session:
                yield session
                # A session that only lent its connection to Core has nothing of its own to end.
                session.commit() if session.in_transaction() else unit.commit()
    finally:
        _writing.reset(mark)
    if outbox:
        current_app.extensions["bank.after_commit"](outbox)
