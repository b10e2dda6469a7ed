"""What the measures run on: a durable PostgreSQL with a stocked bank, and servers on free ports."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import db, schema
from bank.app import create_app
from bank.config import BankEnv, Config
from bank.identity.models import PersonRole
from bank.inventory import register
from bank.inventory.lifecycle import Move
from bank.inventory.models import Category, Label, Route, Step, StepKind
from tests.factories import World

SECRETS = {
    "SECRET_KEY": "a bench's own secret, long enough",
    "DATA_KEY": "a bench's own data key, long enough",
}
STEPS = 400
START_S = 30.0
SERVER = ("-k", "gthread", "-w", "2", "--threads", "4", "--log-level", "error")


def environment(url: str, folder: Path) -> dict[str, str]:
    """The same settings for a server of its own."""
    named = {"DATABASE_URL": url, "VAR_DIR": str(folder), "REDIS_URL": "", "BANK_ENV": "test"}
    return SECRETS | named


def config(url: str, folder: Path) -> Config:
    """Settings for the bank that is measured."""
    return Config(
        database_url=url,
        redis_url="",
        secret_key=SECRETS["SECRET_KEY"],
        data_keys=(SECRETS["DATA_KEY"],),
        public_url="http://127.0.0.1",
        bank_name="Banc d'essai",
        env=BankEnv.TEST,
        var_dir=folder,
        host="127.0.0.1",
        port=0,
        mail_url="",
    )


def stock(url: str, folder: Path, count: int) -> tuple[str, list[str]]:
    """Fill the bank with screens at work on a long route of cleanings; an operator's token and the codes."""
    app = create_app(config(url, folder))
    with app.app_context():
        schema.upgrade(db.db.engine)
        world = World(app)
        operator = world.person(world.workshop, PersonRole.OPERATOR)
        origin_id = world.origin()
        with db.transaction() as session:
            first = long_route(session, Category.SCREEN)
        for start in range(0, count, 500):
            with db.transaction() as session:
                for _ in range(min(500, count - start)):
                    standing = register.receive(
                        session,
                        operator,
                        category=Category.SCREEN,
                        origin_id=origin_id,
                        owner_id=world.workshop,
                        batch_ref="L-BENCH",
                    )
                    register.move(session, operator, standing, Move.ENTER, to={"step_id": first})
        with db.read() as session:
            codes = list(session.scalars(sa.select(Label.code).order_by(Label.id)))
            session.execute(sa.text("SELECT 1"))
        token = world.token(operator)
        with db.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
        db.db.engine.dispose()
    return token, codes


def long_route(session: Session, category: Category) -> int:
    """A route of its own with so many steps without evidence that no device comes to its end; its first step."""
    route = Route(category=category, valid_from=date(2026, 1, 1), source="Banc d'essai")
    session.add(route)
    session.flush()
    following = None
    for position in range(STEPS, 0, -1):
        step = Step(route_id=route.id, position=position, kind=StepKind.CLEANING, next_id=following)
        session.add(step)
        session.flush()
        following = step.id
    if following is None:
        raise ValueError("a route needs a step")
    return following


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def server(application: str, environment: dict[str, str], probe: str) -> Iterator[int]:
    """gunicorn as in production, for one application; its port once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", *SERVER, "-b", f"127.0.0.1:{port}", application]
    process = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}{probe}", process)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(address, timeout=1).close()  # noqa: S310  (our own server)
        except urllib.error.HTTPError:
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
