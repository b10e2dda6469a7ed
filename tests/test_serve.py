"""`banque serve` with real processes: it opens, restarts what dies, and leaves nothing behind."""

import contextlib
import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import pytest

from bank import serve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

# On a machine that does much else besides; alone it takes a tenth of that.
OPEN_SECONDS = 40
SETTINGS = (
    "BANK_",
    "DATABASE_",
    "REDIS_",
    "SECRET_",
    "DATA_",
    "PUBLIC_",
    "VAR_",
    "MAIL_",
    "HOST",
    "PORT",
    "PROMETHEUS_",
)


class Served:
    """One `banque serve` on its own folder and port."""

    def __init__(self, var_dir: Path, port: int | None = None, **settings: str) -> None:
        self.var_dir = var_dir
        self.port = port or _free_port()
        self.said = var_dir.with_suffix(".said")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        own = {"BANK_ENV": "test", "VAR_DIR": str(var_dir), "PORT": str(self.port)}
        with self.said.open("ab") as said:
            self.launcher = subprocess.Popen(
                [sys.executable, "-m", "bank", "serve"],
                env=inherited | own | settings,
                stdout=said,
                stderr=said,
            )

    def opened(self) -> "Served":
        """Wait for the line that says so."""
        _eventually(
            lambda: "the bank is open" in self.words() or self.launcher.poll() is not None, OPEN_SECONDS
        )
        assert f"the bank is open at http://127.0.0.1:{self.port}" in self.words(), self.words()
        return self

    def words(self) -> str:
        """What it said so far."""
        return self.said.read_text()

    def refusal(self) -> str:
        """What it says when it does not start."""
        assert self.launcher.wait(OPEN_SECONDS) == 1, self.words()
        return self.words()

    def status_of(self, path: str) -> int:
        """The status that a GET answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status

    def answers(self, path: str) -> bool:
        """Whether a GET is answered with 200 by now: while the web server starts, a request waits for it."""
        with contextlib.suppress(TimeoutError):
            return self.status_of(path) == 200
        return False

    def processes(self) -> dict[int, str]:
        """Command lines of all processes that work on this folder, by process id."""
        mark = os.fsencode(self.var_dir)
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended meanwhile
                command = (entry / "cmdline").read_bytes()
                if mark in command or mark in (entry / "environ").read_bytes():
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode()
        return found

    def count(self, part: str) -> int:
        """How many processes have this in their command line."""
        return sum(part in command for command in self.processes().values())

    def has_new(self, part: str, before: Container[int]) -> bool:
        """Whether a process has this in its command line that was not there before."""
        return any(part in command for pid, command in self.processes().items() if pid not in before)

    def kill(self, part: str) -> None:
        """Kill -9 the first process with this in its command line: the parent of those like it."""
        os.kill(min(pid for pid, command in self.processes().items() if part in command), signal.SIGKILL)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts `banque serve`, on the same folder unless told otherwise, and ends what a failed test leaves."""
    started: list[Served] = []

    def start(name: str = "var", **settings: str) -> Served:
        started.append(Served(tmp_path / name, **settings))
        return started[-1]

    yield start
    for one in started:
        for pid in one.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        one.launcher.wait()


def test_it_opens_and_stops_without_a_trace(served: Callable[..., Served]) -> None:
    bank = served().opened()
    assert bank.status_of("/readyz") == 200
    assert bank.count("gunicorn") == 3
    assert (bank.count("valkey-server"), bank.count("bank worker"), bank.count("bank sweep")) == (1, 1, 1)
    kept = bank.var_dir / "secrets.env"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(bank.var_dir.stat().st_mode) == 0o700

    bank.launcher.terminate()
    assert bank.launcher.wait(30) == 0
    assert bank.processes() == {}


def test_a_second_one_on_the_same_folder_or_port_is_refused(served: Callable[..., Served]) -> None:
    bank = served().opened()
    assert f"already running on {bank.var_dir}, as process {bank.launcher.pid}." in served().refusal()
    said = served("elsewhere", PORT=str(bank.port)).refusal()
    reason = f"port {bank.port} of 127.0.0.1 cannot be used (Address already in use); PORT chooses another."
    assert said == f"banque serve: {reason}\n"
    assert bank.status_of("/healthz") == 200


def test_killed_without_warning_it_leaves_nothing_and_starts_again(served: Callable[..., Served]) -> None:
    bank = served().opened()
    secrets_made = (bank.var_dir / "secrets.env").read_text()
    bank.launcher.kill()
    _eventually(lambda: bank.processes() == {}, 10)

    again = served(port=bank.port).opened()
    assert (again.var_dir / "secrets.env").read_text() == secrets_made


def test_what_dies_is_started_again(served: Callable[..., Served]) -> None:
    bank = served().opened()
    for part in ("valkey-server", "bank sweep", "bank worker", "gunicorn"):
        before = bank.processes()
        bank.kill(part)
        _eventually(lambda part=part, before=before: bank.has_new(part, before), 15)
    _eventually(lambda: bank.answers("/readyz"), OPEN_SECONDS)


def test_a_queue_that_is_given_is_used(served: Callable[..., Served], valkey_url: str) -> None:
    bank = served(REDIS_URL=valkey_url).opened()
    assert bank.count("valkey-server") == 0
    assert bank.count("bank worker") == 1


def test_production_gets_no_stand_ins(served: Callable[..., Served]) -> None:
    bank = served(BANK_ENV="production")
    assert "SECRET_KEY" in bank.refusal()
    assert not (bank.var_dir / "secrets.env").exists()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORT": "eighty"}, "PORT=eighty is no port"),
        ({"PORT": "70000"}, "PORT=70000 is no port"),
        ({"HOST": "999.1.1.1"}, "HOST=999.1.1.1 is no address to listen on"),
    ],
)
def test_an_address_that_is_none_is_refused(
    served: Callable[..., Served], settings: dict[str, str], sentence: str
) -> None:
    assert sentence in served(**settings).refusal()


def test_the_queue_gets_a_short_socket_when_the_folder_is_deep(tmp_path: Path) -> None:
    with contextlib.ExitStack() as closing:
        assert serve._socket_path(Path("/var/bank"), closing) == Path("/var/bank/queue.sock")
        deep = serve._socket_path(tmp_path / ("x" * 100), closing)
        assert len(os.fsencode(deep)) <= serve.SOCKET_PATH_BYTES
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(deep))
    assert not deep.parent.exists()


def test_each_fall_waits_longer_until_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    child = serve.Child(name="it", command=["false"], environ={"PATH": os.environ["PATH"]})

    def fall(after_seconds: float) -> str:
        child.start()
        _eventually(lambda: child.status() is not None, 10)
        child.look_after(child.started + after_seconds)
        return capsys.readouterr().err.partition(" in ")[2].strip()

    assert [fall(1) for _ in range(8)] == ["0.5 s", "1 s", "2 s", "4 s", "8 s", "16 s", "30 s", "30 s"]
    assert fall(serve.SOUND_AFTER_SECONDS + 1) == "0.5 s"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _eventually(is_so: Callable[[], bool], seconds: float) -> None:
    limit = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < limit, "it did not come about in time"
        time.sleep(0.1)
