"""One app and an empty database for each test, on real hosts: SQLite, PostgreSQL, Valkey.

Making an app costs far more than what most tests do with it. A worker makes one for each kind of database and
keeps it: before each test the database is emptied, after it the app is put back as it was made.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from bank import db, schema
from bank.app import create_app
from bank.config import BankEnv, Config
from tests import hosts
from tests.factories import World, short_routes

DATABASES = ("sqlite", "postgresql")

_running = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """The controller starts the hosts; workers find their addresses in the environment."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    stack = ExitStack()
    stack.enter_context(hosts.shared_by_workers())
    config.stash[_running] = stack


def pytest_unconfigure(config: pytest.Config) -> None:
    """And stops them."""
    stack = config.stash.get(_running, None)
    if stack is not None:
        stack.close()


def make_config(database_url: str, folder: Path, **changes: object) -> Config:
    """Settings for one test."""
    values: dict[str, object] = {
        "database_url": database_url,
        "redis_url": "",
        "secret_key": "a test's own secret, long enough to pass",
        "data_keys": ("a test's own data key, long enough to pass",),
        "public_url": "http://localhost",
        "bank_name": "Banque du numérique 95",
        "env": BankEnv.TEST,
        "var_dir": folder,
        "host": "127.0.0.1",
        "port": 8000,
        "mail_url": "",
    }
    return Config(**(values | changes))  # type: ignore[arg-type]  # tests change one setting or another


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """One migrated, empty database of each kind, to be copied for each test."""
    folder = tmp_path_factory.mktemp("templates")
    base = os.environ[hosts.POSTGRES_URL]
    urls = {"sqlite": f"sqlite:///{folder / 'template.sqlite3'}", "postgresql": hosts.create_database(base)}
    for url in urls.values():
        engine = sa.create_engine(url)
        db.prepare(engine)
        schema.upgrade(engine)
        with Session(engine.execution_options(**db.WRITE)) as session:
            short_routes(session)
            session.commit()
        engine.dispose()
    yield urls
    hosts.drop_database(urls["postgresql"])


@pytest.fixture(scope="session")
def databases(
    templates: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, hosts.Emptied]]:
    """This worker's own database of each kind."""
    sqlite = hosts.Copied(tmp_path_factory.mktemp("sqlite") / "banque.sqlite3", templates["sqlite"])
    postgres = hosts.Refreshed(os.environ[hosts.POSTGRES_URL], templates["postgresql"])
    yield {"sqlite": sqlite, "postgresql": postgres}
    postgres.drop()


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, databases: dict[str, hosts.Emptied]) -> str:
    """An empty, migrated database for one test, on each kind in turn."""
    return databases[request.param].fresh()


@pytest.fixture
def valkey_url() -> str:
    """A real queue, emptied before the test. Each worker process has its own numbered database."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    url = os.environ[hosts.VALKEY_URL].partition("?")[0] + f"?db={worker}"
    redis.Redis.from_url(url).flushdb()
    return url


class Kept:
    """An app that many tests use, one after the other."""

    def __init__(self, url: str, folder: Path) -> None:
        self.app = create_app(make_config(url, folder))
        self.app.testing = True
        # Faults must reach the test as the caller sees them: as a page or a problem.
        self.app.config["PROPAGATE_EXCEPTIONS"] = False
        self.app.wsgi_app = _apart(self.app)  # type: ignore[method-assign]
        self.made = {name: dict(held) for name, held in vars(self.app).items() if isinstance(held, dict)}

    def put_back(self) -> None:
        """Undo what a test did to its settings, extensions and views, and forget the tries it counted."""
        for name, made in self.made.items():
            held = getattr(self.app, name)
            held.clear()
            held.update(made)
        _shared, counted = self.app.extensions["bank.brakes"]
        counted.storage.reset()


@pytest.fixture(scope="session")
def kept() -> dict[str, Kept]:
    """The apps of this worker by the address of their database."""
    return {}


@pytest.fixture
def app(database_url: str, tmp_path: Path, kept: dict[str, Kept]) -> Iterator[Flask]:
    """The application on one database, its context pushed, without a queue; it keeps its files in `tmp_path`."""
    if database_url not in kept:
        kept[database_url] = Kept(database_url, tmp_path)
    application = kept[database_url].app
    application.config["BANK"] = replace(application.config["BANK"], var_dir=tmp_path)
    with application.app_context():
        yield application
        db.db.engine.dispose()
    kept[database_url].put_back()


def _apart(application: Flask) -> Any:
    """Give each request a context of its own, as under a server: not the one that the test has pushed."""
    inner = application.wsgi_app

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with application.app_context():
            return inner(environ, start_response)

    return answer


@pytest.fixture
def world(app: Flask) -> World:
    """A small invented bank in it."""
    return World(app)
