"""One app per test and database, on real hosts: SQLite, PostgreSQL, Valkey."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from flask import Flask
from jinja2 import BytecodeCache, FileSystemBytecodeCache
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
def postgres(templates: dict[str, str]) -> Iterator[hosts.Refreshed]:
    """This worker's own PostgreSQL database."""
    own = hosts.Refreshed(os.environ[hosts.POSTGRES_URL], templates["postgresql"])
    yield own
    own.drop()


@pytest.fixture(params=DATABASES)
def database_url(
    request: pytest.FixtureRequest, templates: dict[str, str], postgres: hosts.Refreshed, tmp_path: Path
) -> str:
    """An empty, migrated database for one test, on each kind in turn."""
    template = templates[request.param]
    if request.param == "sqlite":
        path = tmp_path / "banque.sqlite3"
        shutil.copyfile(template.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"
    return postgres.fresh()


@pytest.fixture
def valkey_url() -> str:
    """A real queue, emptied before the test. Each worker process has its own numbered database."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    url = os.environ[hosts.VALKEY_URL].partition("?")[0] + f"?db={worker}"
    redis.Redis.from_url(url).flushdb()
    return url


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    """Templates compiled once for all the applications of a worker: each test makes its own."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates-compiled")))


@pytest.fixture
def app(database_url: str, tmp_path: Path, compiled_templates: BytecodeCache) -> Iterator[Flask]:
    """The application on one database, its context pushed, without a queue."""
    application = create_app(make_config(database_url, tmp_path))
    application.jinja_env.bytecode_cache = compiled_templates
    application.testing = True
    # Faults must reach the test as the caller sees them: as a page or a problem.
    application.config["PROPAGATE_EXCEPTIONS"] = False
    application.wsgi_app = _apart(application)  # type: ignore[method-assign]
    with application.app_context():
        yield application
        db.db.engine.dispose()


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
