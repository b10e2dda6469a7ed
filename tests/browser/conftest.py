"""A real browser on the real service: `banque serve` with the demo bank, as `make run` starts it.

Set BANQUE_PICTURES to a folder to keep a picture of each page that the tests look at.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from bank.demo import PASSWORD
from tests import hosts

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WIDTHS = (360, 1280)
START_S = 300
FLAGS = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
)
# The kinds of elements that a page is made of, each within its parent. Axe takes seconds: a page of the same kinds
# as one that it has been through already, at the same width, tells it nothing new.
SHAPE = """[...new Set([...document.querySelectorAll('body, body *')].map(e => [
    e.parentElement.tagName, e.tagName, e.getAttribute('class'), e.getAttribute('role'), e.getAttribute('type'),
    [...e.attributes].map(a => a.name).filter(name => name.startsWith('aria-')).sort().join(' '),
].join('.')))].sort().join('|')"""
HELD: set[tuple[int, str]] = set()
GIVEN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DATA_KEY", "MAIL_URL", "BANK_ENV", "PUBLIC_URL")


@dataclass
class Served:
    """A running service: its address, its files, its process."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def command(self, *arguments: str) -> str:
        """Run `banque` beside it; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "bank", *arguments],
            env=_environment(self.folder),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def strike_down(self) -> None:
        """End it as a power cut does: nothing is finished, nothing is tidied up."""
        for each in [self.process.pid, *_below(self.process.pid)]:
            os.kill(each, signal.SIGKILL)
        self.process.wait(30)

    def start_again(self) -> None:
        """At the same address, on what it had written down."""
        self.process = _started(self.folder, int(self.url.rpartition(":")[2]))
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until it answers. Raises RuntimeError."""
        until = time.monotonic() + START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "out").read_text())
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/readyz", timeout=2).close()  # noqa: S310  (our own server)
        except OSError:
            return False
        return True


def _environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in GIVEN}
    return kept | {"VAR_DIR": str(folder)} | more


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service on a free port, with its own SQLite, Valkey, worker and sweeper."""
    folder = tmp_path_factory.mktemp("var")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Served(f"http://127.0.0.1:{port}", folder, _started(folder, port))
    running.wait_until_ready()
    yield running
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(30)


def _started(folder: Path, port: int) -> subprocess.Popen[bytes]:
    with (folder / "out").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "bank", "serve"],
            env=_environment(folder, PORT=str(port)),
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def _below(parent: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    started = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return [*started, *(pid for each in started for pid in _below(each))]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as the machine has it."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(hosts.chromium()), chromium_sandbox=False, args=list(FLAGS)
        )
        yield opened
        opened.close()


class Visitor:
    """A person in front of a browser: signs in, fills in, presses, and is shown accessible pages."""

    def __init__(self, served: Served, context: BrowserContext) -> None:
        self.served = served
        self.context = context
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        """Keep the page's errors; a refusal that is shown as a page is none."""
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def open(self, path: str) -> Page:
        """Go to a page of the service."""
        self.page.goto(f"{self.served.url}{path}")
        return self.page

    def sign_in(self, email: str) -> "Visitor":
        """Sign in with a demo account."""
        self.open("/sign-in")
        self.page.get_by_label("Adresse électronique").fill(email)
        self.page.get_by_label("Mot de passe").fill(PASSWORD)
        self.page.get_by_role("button", name="Se connecter").click()
        self.page.wait_for_url(f"{self.served.url}/")
        return self

    def look(self, name: str) -> None:
        """Hold the page to WCAG at both widths, and keep its picture."""
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 800})
            assert self.page.title(), name
            # Measured in the page's own fonts, once they and the new width are drawn.
            self.page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name}: {wide} px wide at {width}"
            shape = (width, self.page.evaluate(SHAPE))
            if shape not in HELD:
                assert violations(self.page) == [], (name, width)
                HELD.add(shape)
            pictures = os.environ.get("BANQUE_PICTURES")
            if pictures:
                self.page.screenshot(path=f"{pictures}/{name}-{width}.png", full_page=True)
        assert self.faults == [], name


def violations(page: Page) -> list[Any]:
    """What axe finds against WCAG 2.2 A and AA and its best practices: rule and where."""
    page.add_script_tag(path=str(AXE)) if not page.evaluate("typeof axe !== 'undefined'") else None
    found: list[Any] = page.evaluate("axe.run()")["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in found]


@pytest.fixture
def visitor(served: Served, browser: Browser) -> Iterator[Visitor]:
    """Somebody with a fresh browser."""
    # Axe is put into the page from outside: the page's own policy would refuse it, as it should.
    context = browser.new_context(locale="fr-FR", bypass_csp=True)
    context.set_default_timeout(15_000)
    yield Visitor(served, context)
    context.close()
