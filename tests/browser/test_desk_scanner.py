"""The scan desk by scanner alone, in a real browser: any keyboard, any suffix, one by one, in series, by camera."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bank.errors import Code, Refusal
from bank.identity import codes as badges
from bank.inventory import codes
from bank.scanning import commands
from bank.scanning.commands import COMMANDS, Act, Command
from bank.scanning.series_views import TRIAL
from bank.workshops.models import Problem
from labels import codes as symbols
from tests import hosts
from tests.browser.conftest import FLAGS, Served, Visitor
from tests.browser.test_stations import enrol_again, make_badge_for

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

OPERATOR, SUPERVISOR = "atelier@demo.exemple", "encadrant@demo.exemple"
# Key by key: a scanner set to US on a computer set to French, and the other way round.
US_ON_FRENCH = str.maketrans("1234567890/.:-azqwmAZQWM", "&é\"'(-è_çà!:M)qwaz,QWAZ?")
FRENCH_ON_US = str.maketrans("1234567890/.:-azqwmAZQWM", "!@#$%^&*()><.6qwaz;QWAZ:")
FIELD = "Code de l’étiquette"
CAMERA = "Scanner avec l’appareil photo"


@pytest.fixture(scope="module")
def secret(served: Served) -> str:
    return served.command("token", "create", "--email", SUPERVISOR, "--days", "1")


@pytest.fixture
def operator(visitor: Visitor) -> Visitor:
    return visitor.sign_in(OPERATOR)


def take_in(visitor: Visitor, secret: str, count: int, category: str = "laptop") -> list[str]:
    """Things that nobody had announced; their codes."""
    answer = visitor.context.request.post(
        f"{visitor.served.url}/api/v1/receptions",
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid4())},
        data={"donor_id": None, "lines": [{"category": category, "received": count}]},
    )
    assert answer.status == 201, answer.text()
    return list(answer.json()["codes"])


def device(visitor: Visitor, secret: str, code: str) -> dict[str, Any]:
    """What the register says of a device."""
    answer = visitor.context.request.get(
        f"{visitor.served.url}/api/v1/devices/{code}", headers={"Authorization": f"Bearer {secret}"}
    )
    found: dict[str, Any] = answer.json()
    return found


def passes(visitor: Visitor, secret: str, code: str) -> list[dict[str, Any]]:
    """The journal's entries of a device that say that a step was passed."""
    answer = visitor.context.request.get(
        f"{visitor.served.url}/api/v1/devices/{code}/journal", headers={"Authorization": f"Bearer {secret}"}
    )
    return [entry for entry in answer.json() if entry["kind"] == "device.pass"]


def in_series(visitor: Visitor, step: str = "power_on") -> Page:
    """The page where each scan is one step done, ready."""
    page = visitor.open(f"/scan/series/{step}")
    expect(page.get_by_label(FIELD)).to_be_focused()
    expect(page.locator("#scan-count")).to_be_visible()
    return page


# Bursts from inside the browser, 60 ms from scan to scan: no driver is between the keyboard and the page, so that
# they are as fast as a scanner's on any machine. What a key writes, it writes here: a made-up event does nothing.
BURSTS = """async ([scans, end]) => {
  const target = document.activeElement, begun = performance.now();
  const wait = ms => new Promise(done => setTimeout(done, ms));
  for (const text of scans) {
    for (const key of end ? [...text, end] : text) {
      const free = target.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
      if (free && key.length === 1 && 'defaultValue' in target) target.value += key;
    }
    await wait(60);
  }
  return performance.now() - begun;
}"""


def burst(page: Page, text: str, end: str | None = "Enter") -> None:
    """One scan, as fast as a scanner types it, on a page whose scripts are there."""
    expect(page.locator("#desk[data-ready], #trial")).to_be_visible()
    page.evaluate(BURSTS, [[text], end])


def typed(page: Page, text: str) -> None:
    """One scan into the field by the keyboard itself, at the pace of the test's driver, and Enter."""
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def pause(page: Page) -> None:
    """What a hand needs to reach for the next thing."""
    page.wait_for_timeout(600)


@pytest.mark.parametrize("layout", [{}, US_ON_FRENCH, FRENCH_ON_US], ids=["same", "us", "azerty"])
def test_twenty_scans_in_two_seconds_are_twenty_moves_in_order(
    operator: Visitor, secret: str, layout: dict[int, int]
) -> None:
    made = take_in(operator, secret, 20)
    page = in_series(operator)
    texts = [f"https://banque.example/d/{code}".translate(layout) for code in made]
    took_ms = page.evaluate(BURSTS, [texts, "Enter"])
    assert took_ms < 2_000
    expect(page.locator("#scan-count")).to_have_text("20 scans : 20 faits", timeout=60_000)
    entries = [passes(operator, secret, code) for code in made]
    assert [len(each) for each in entries] == [1] * 20
    moments = [each[0]["at"] for each in entries]
    assert moments == sorted(moments)
    expect(page.get_by_label(FIELD)).to_have_value("")


@pytest.mark.parametrize(("prefix", "end"), [("", None), ("]C0", "Tab"), ("$C0", "Enter")])
def test_whatever_stands_around_a_code(operator: Visitor, secret: str, prefix: str, end: str | None) -> None:
    one, other = take_in(operator, secret, 2)
    page = in_series(operator)
    for code in (one, other):
        burst(page, (prefix + code).translate(US_ON_FRENCH if prefix == "$C0" else {}), end)
        pause(page)
    expect(page.locator("#scan-count")).to_have_text("2 scans : 2 faits")
    expect(page.get_by_label(FIELD)).to_be_focused()


@pytest.mark.soak
@pytest.mark.parametrize("layout", [US_ON_FRENCH, FRENCH_ON_US], ids=["us", "azerty"])
def test_the_keyboard_itself(operator: Visitor, secret: str, layout: dict[int, int]) -> None:
    one, other = take_in(operator, secret, 2)
    page = in_series(operator)
    typed(page, one.translate(layout))
    typed(page, other.lower().translate(layout))
    expect(page.locator("#scan-count")).to_have_text("2 scans : 2 faits")


def test_two_scans_in_one_burst_are_two(operator: Visitor, secret: str) -> None:
    one, other, third = take_in(operator, secret, 3)
    page = in_series(operator)
    burst(page, one + f"http://x.example/d/{other}")
    expect(page.locator("#scan-count")).to_have_text("2 scans : 2 faits")
    # Of three, one was misread: nothing is guessed.
    burst(page, one + third[:-1] + ("0" if third[-1] != "0" else "1") + other)
    expect(page.locator("[data-status=refused]")).to_have_count(1)
    assert passes(operator, secret, third) == []


@pytest.mark.soak
def test_a_hand_is_never_cut_and_never_read_in_two(operator: Visitor, secret: str) -> None:
    one, other = take_in(operator, secret, 2)
    page = in_series(operator)
    page.keyboard.type(one, delay=130)
    pause(page)
    expect(page.get_by_label(FIELD)).to_have_value(one)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="C’est fait")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#scan-count")).to_have_text("1 scan : 1 fait")
    page.get_by_label(FIELD).fill(one + other)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Deux codes collés").first).to_be_visible()


@pytest.mark.soak
def test_a_scan_is_heard_wherever_the_focus_is_and_takes_it_from_nobody(
    operator: Visitor, secret: str
) -> None:
    one, other = take_in(operator, secret, 2)
    page = in_series(operator)
    help_button = page.get_by_role("button", name="J’ai besoin d’aide")
    help_button.focus()
    burst(page, one)
    expect(page.locator("#scan-count")).to_have_text("1 scan : 1 fait")
    expect(help_button).to_be_focused()
    # A pasted code is one scan, without Enter.
    page.get_by_label(FIELD).focus()
    page.evaluate(
        """text => { const clipboardData = new DataTransfer(); clipboardData.setData('text', text);
        const paste = new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true});
        document.activeElement.dispatchEvent(paste); }""",
        other,
    )
    expect(page.locator("#scan-count")).to_have_text("2 scans : 2 faits")


# What a thumb in a glove would miss.
SMALL = """Array.from(document.querySelectorAll('main button, main summary, main a.tap'))
  .filter(e => e.offsetParent && e.getBoundingClientRect().height < 56).map(e => e.textContent.trim())"""
# What was said, in the order in which it was.
HEARD = """window.heard = [];
document.addEventListener('desk:said', event => window.heard.push(event.detail.outcome));"""


def test_done_already_and_refused_are_told_apart_and_a_refusal_stays(operator: Visitor, secret: str) -> None:
    [code] = take_in(operator, secret, 1)
    operator.page.add_init_script(HEARD)
    page = in_series(operator)
    burst(page, code)
    expect(page.locator("#scan-count")).to_have_text("1 scan : 1 fait")
    burst(page, code)
    expect(page.locator("#said")).to_contain_text("Déjà fait")
    unknown = codes.mint()
    burst(page, unknown)
    refused = page.locator("[data-status=refused]")
    expect(refused).to_contain_text("Étiquette inconnue")
    expect(page.locator("#scan-count")).to_have_text("3 scans : 1 fait, 1 déjà fait, 1 refusé")
    operator.look("desk-series")
    assert page.evaluate(SMALL) == []
    heard = page.evaluate("window.heard")
    assert [name for name in heard if name != "pending"] == ["done", "nothing", "refused"]
    page.reload()
    expect(refused).to_have_count(1)
    refused.get_by_role("button", name="Compris").focus()
    page.keyboard.press("Enter")
    expect(refused).to_have_count(0)
    expect(page.get_by_label(FIELD)).to_be_focused()
    page.reload()
    expect(page.locator("#scan-count")).to_have_text("3 scans : 1 fait, 1 déjà fait, 1 refusé")
    expect(refused).to_have_count(0)


def test_by_scanner_alone(operator: Visitor, secret: str) -> None:
    """Scan the device, scan DONE, scan a problem, scan UNDO, ask for help: nothing is touched."""
    one, other = take_in(operator, secret, 2, "screen")
    page = operator.open("/scan")
    burst(page, one)
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape : mise en route")
    pause(page)
    burst(page, COMMANDS[Command(Act.DONE)], None)
    page.wait_for_url(re.compile(r"/scan$"))
    expect(page.get_by_role("status").first).to_contain_text("Mise en route faite")
    assert len(passes(operator, secret, one)) == 1
    pause(page)
    burst(page, COMMANDS[Command(Act.UNDO)].translate(US_ON_FRENCH))
    expect(page.get_by_role("status").first).to_contain_text("C’est annulé")
    pause(page)
    burst(page, other)
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape : mise en route")
    pause(page)
    burst(page, COMMANDS[Command(Act.PROBLEM, Problem.NO_POWER)])
    page.wait_for_url(re.compile(r"/scan$"))
    expect(page.get_by_role("status").first).to_contain_text("étagère des bloqués")
    pause(page)
    burst(page, COMMANDS[Command(Act.HELP)])
    expect(page.get_by_role("status").first).to_contain_text("Quelqu’un arrive")
    operator.look("desk-commands")


@pytest.mark.soak
def test_the_next_device_can_be_scanned_from_the_page_of_the_last(operator: Visitor, secret: str) -> None:
    one, other = take_in(operator, secret, 2, "screen")
    page = operator.open("/scan")
    burst(page, one)
    page.wait_for_url(re.compile(one))
    pause(page)
    burst(page, other)
    page.wait_for_url(re.compile(other))
    expect(page.get_by_role("heading", level=1)).to_have_text("Étape : mise en route")
    # Into a field of its form a serial goes, and a code of ours does not.
    page.get_by_text("Noter le numéro de série").click()
    page.get_by_label("Numéro de série").focus()
    burst(page, "PF2ABC9X")
    pause(page)
    expect(page.get_by_label("Numéro de série")).to_have_value("PF2ABC9X")
    burst(page, COMMANDS[Command(Act.DONE)])
    page.wait_for_url(re.compile(r"/scan$"))
    answer = operator.context.request.get(
        f"{operator.served.url}/api/v1/devices?q=PF2ABC9X", headers={"Authorization": f"Bearer {secret}"}
    )
    assert other in answer.text()


@pytest.mark.soak
def test_a_badge_scanned_in_a_series_changes_who_works(visitor: Visitor, secret: str) -> None:
    enrol_again(visitor)
    badge = make_badge_for(visitor, "Lou Girard")
    [code] = take_in(visitor, secret, 1)
    page = in_series(visitor)
    burst(page, code)
    burst(page, COMMANDS[Command(Act.BADGE)])
    typed(page, badge.translate(US_ON_FRENCH))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bonjour")
    assert len(passes(visitor, secret, code)) == 1
    assert badge not in page.content()


def test_a_thing_is_put_away_by_scanner_alone(operator: Visitor, secret: str) -> None:
    [code] = take_in(operator, secret, 1)
    made = operator.context.request.post(
        f"{operator.served.url}/api/v1/places",
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid4())},
        data={"name": f"Étagère {uuid4().hex[:6]}", "kind": "shelf"},
    )
    assert made.status == 201, made.text()
    page = in_series(operator)
    burst(page, code)
    burst(page, COMMANDS[Command(Act.PLACE)])
    expect(page.locator("#said")).to_contain_text("emplacement")
    burst(page, made.json()["code"])
    expect(page.locator("#said")).to_contain_text("Rangé")
    # Without anything in hand there is nothing to put.
    page = operator.open("/scan")
    burst(page, COMMANDS[Command(Act.DONE)])
    expect(page.locator("[data-status=refused]")).to_contain_text("Scannez d’abord")


def test_the_last_scan_of_a_series_is_taken_back(operator: Visitor, secret: str) -> None:
    one, other = take_in(operator, secret, 2)
    page = in_series(operator)
    burst(page, one)
    burst(page, other)
    expect(page.locator("#scan-count")).to_have_text("2 scans : 2 faits")
    page.get_by_role("button", name="Annuler mon dernier scan").click()
    expect(page.locator("#scan-count")).to_have_text("2 scans : 1 fait, 1 annulé")
    assert device(operator, secret, other)["state"] == "received"


def test_without_scripts_the_desk_goes_on(served: Served, operator: Visitor, secret: str) -> None:
    [code] = take_in(operator, secret, 1)
    browser = operator.context.browser
    assert browser is not None
    bare = browser.new_context(
        locale="fr-FR", java_script_enabled=False, storage_state=operator.context.storage_state()
    )
    page = bare.new_page()
    page.goto(f"{served.url}/scan/series")
    page.get_by_role("link", name="Mise en route").click()
    page.get_by_label(FIELD).fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Mise en route faite. Étape suivante")).to_be_visible()
    page.get_by_label(FIELD).fill(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Pas à cette étape")
    bare.close()
    assert len(passes(operator, secret, code)) == 1


# --- the same reading on both sides ---

BADGE = badges.mint()
LABEL, OTHER_LABEL = codes.mint(), codes.mint()
URL = f"https://banque.example/d/{LABEL}"
TEXTS = [
    "",
    "   ",
    "bonjour",
    "c" * 300,
    "é" * 20,
    "ß" * 10,
    "\ufeff" + LABEL,
    "\x1c" + LABEL,
    LABEL,
    LABEL.lower(),
    f" {LABEL}\r\n",
    codes.grouped(LABEL),
    LABEL[:-1],
    LABEL + "0",
    URL,
    URL + "/",
    URL.upper(),
    f"]Q3{URL}",
    f"]C0{LABEL}",
    f"$C0{LABEL}",
    LABEL * 2,
    LABEL + OTHER_LABEL,
    URL + LABEL,
    URL + URL,
    BADGE,
    BADGE.lower(),
    f"]Q3{BADGE}",
    BADGE[:-1],
    *COMMANDS.values(),
    COMMANDS[Command(Act.DONE)][:-1] + "0",
]


def as_read(text: str) -> tuple[str, str | None]:
    """What the server makes of a text: its kind and its code."""
    command = commands.read(text)
    if command is not None:
        return "command", COMMANDS[command]
    badge = badges.read(text)
    if badge is not None:
        return "badge", badge
    try:
        return "label", codes.read(text)
    except Refusal as refusal:
        return ("glued", None) if refusal.code is Code.GLUED_CODES else ("other", None)


def test_the_page_reads_what_the_server_reads(operator: Visitor) -> None:
    page = operator.open("/scan")
    texts = [each.translate(layout) for each in TEXTS for layout in ({}, US_ON_FRENCH, FRENCH_ON_US)]
    read = page.evaluate(
        "texts => texts.map(window.Desk.read).map(found => [found.kind, found.code || null])", texts
    )
    assert list(zip(texts, map(tuple, read), strict=True)) == [(text, as_read(text)) for text in texts]


def test_what_is_glued_is_taken_apart_only_where_nothing_is_guessed(operator: Visitor) -> None:
    page = operator.open("/scan")
    done = COMMANDS[Command(Act.DONE)]

    def parts(text: str) -> list[str] | None:
        found: list[str] | None = page.evaluate(
            "text => (parts => parts ? parts.map(part => part.code) : null)(window.Desk.read(text).parts)",
            text,
        )
        return found

    for layout in ({}, US_ON_FRENCH, FRENCH_ON_US):
        assert parts((LABEL + OTHER_LABEL).translate(layout)) == [LABEL, OTHER_LABEL]
        assert parts((URL + done).translate(layout)) == [LABEL, done]
        assert parts((LABEL + BADGE + URL).translate(layout)) == [LABEL, BADGE, LABEL]
    assert parts(f"]C0{LABEL}]C0{OTHER_LABEL}") == [LABEL, OTHER_LABEL]
    assert parts(LABEL + OTHER_LABEL[:-1]) is None
    assert parts("X" + LABEL + OTHER_LABEL) is None


# --- setting a scanner up ---


@pytest.mark.parametrize(
    ("sent", "end", "said", "found"),
    [
        (TRIAL, "Enter", "bien réglée", {"layout": "Même clavier", "end": "Entrée", "prefix": "Rien"}),
        (TRIAL.translate(US_ON_FRENCH), "Tab", "mieux", {"layout": "Clavier américain", "end": "Tabulation"}),
        pytest.param(
            *(TRIAL.translate(FRENCH_ON_US), "Enter", "mieux", {"layout": "Clavier français"}),
            marks=pytest.mark.soak,
        ),
        pytest.param(
            *(TRIAL.upper(), None, "mieux", {"end": "silence", "case": "majuscules"}), marks=pytest.mark.soak
        ),
        pytest.param(*("]C0" + TRIAL, "Enter", "bien réglée", {"prefix": "]C0"}), marks=pytest.mark.soak),
        ('$A"' + TRIAL.translate(US_ON_FRENCH), "Enter", "mieux", {"prefix": "comprise"}),
        pytest.param(*("~~" + TRIAL + "#", "Enter", "mieux", {"prefix": "~~"}), marks=pytest.mark.soak),
        (TRIAL.swapcase(), "Enter", "mieux", {"case": "Verr. Maj"}),
    ],
)
def test_the_setting_of_a_scanner_is_found_out(
    operator: Visitor, sent: str, end: str | None, said: str, found: dict[str, str]
) -> None:
    page = operator.open("/scan/setup")
    expect(page.get_by_label("Ce que la douchette a écrit")).to_be_focused()
    burst(page, sent, end)
    expect(page.locator("#said")).to_contain_text(said)
    for name, text in found.items():
        expect(page.locator(f"[data-finding={name}]")).to_contain_text(text)


@pytest.mark.soak
def test_a_set_up_scanner_is_understood_and_a_hand_is_told_from_it(operator: Visitor, secret: str) -> None:
    [code] = take_in(operator, secret, 1)
    operator.open("/scan/series")
    operator.look("desk-series-choose")
    page = operator.open("/scan/setup")
    operator.look("scanner-setup")
    page.keyboard.type("bonjour", delay=120)
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("tapé à la main")
    burst(page, "Autre texte 12345")
    expect(page.locator("#said")).to_contain_text("pas le code d’essai")
    burst(page, f"~~{TRIAL}#")
    expect(page.locator("#said")).to_contain_text("retenu")
    operator.look("scanner-setup-found")
    page = in_series(operator)
    burst(page, f"~~{code}#")
    expect(page.locator("#scan-count")).to_have_text("1 scan : 1 fait")


# --- the camera ---


def film(folder: Path, texts: list[str]) -> Path:
    """Labels held before a camera one after the other: pictures in a row, shown again and again."""
    path = folder / "camera.mjpeg"
    with path.open("wb") as out:
        for text in texts:
            drawn = symbols.qr(text, "")
            modules = Image.new("1", (drawn.width, drawn.height), 1)
            for column in range(drawn.width):
                for row in range(drawn.height):
                    modules.putpixel((column, row), not drawn.is_black(column, row))
            picture = Image.new("L", (640, 480), 200)
            side = drawn.width * 8
            picture.paste(Image.new("L", (side + 64, side + 64), 255), ((576 - side) // 2, (416 - side) // 2))
            picture.paste(modules.resize((side, side)).convert("L"), ((640 - side) // 2, (480 - side) // 2))
            frame = BytesIO()
            picture.convert("RGB").save(frame, "JPEG", quality=90)
            out.write(frame.getvalue() * 25)
    return path


@contextmanager
def filmed(browser: Browser, *flags: str, **context: Any) -> Iterator[BrowserContext]:
    """A browser of its own, held to the page's policy as any other is."""
    opened = browser.browser_type.launch(
        executable_path=str(hosts.chromium()), chromium_sandbox=False, args=[*FLAGS, *flags]
    )
    made = opened.new_context(locale="fr-FR", **context)
    made.set_default_timeout(15_000)
    yield made
    opened.close()


def camera(path: Path) -> tuple[str, ...]:
    """A browser whose camera sees a film, and whose person allows it."""
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    )


def test_labels_before_a_camera_move_their_devices(
    served: Served, operator: Visitor, browser: Browser, secret: str, tmp_path: Path
) -> None:
    """By the page's own decoder, under its own policy: nothing comes from elsewhere."""
    made = take_in(operator, secret, 4)
    film_of = film(tmp_path, [f"https://banque.example/d/{code}" for code in made])
    with filmed(browser, *camera(film_of), storage_state=operator.context.storage_state()) as context:
        visitor = Visitor(served, context)
        asked: list[str] = []
        visitor.page.on("request", lambda request: asked.append(request.url))
        page = in_series(visitor)
        page.get_by_role("button", name=CAMERA).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        expect(page.locator("#scan-count")).to_contain_text("4 faits", timeout=60_000)
        expect(page.locator("[data-camera-status]")).to_contain_text("fait", ignore_case=True)
        pictures = os.environ.get("BANQUE_PICTURES")
        if pictures:
            page.set_viewport_size({"width": 360, "height": 800})
            page.screenshot(path=f"{pictures}/desk-camera-360.png")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        assert page.evaluate("document.querySelector('#camera video').srcObject") is None
        expect(page.get_by_label(FIELD)).to_be_focused()
        assert visitor.faults == []
        assert {url for url in asked if not url.startswith((served.url, "blob:", "data:"))} == set()
        assert any(url.endswith(".wasm") for url in asked)
    assert [len(passes(operator, secret, code)) for code in made] == [1] * 4


def test_the_camera_opens_a_device_and_fills_in_its_serial(
    served: Served, operator: Visitor, browser: Browser, secret: str, tmp_path: Path
) -> None:
    [code] = take_in(operator, secret, 1)
    film_of = film(tmp_path, [f"https://banque.example/d/{code}"])
    with filmed(browser, *camera(film_of), storage_state=operator.context.storage_state()) as context:
        page = Visitor(served, context).open("/scan")
        page.get_by_role("button", name=CAMERA).click()
        page.wait_for_url(re.compile(code), timeout=60_000)
        page.get_by_text("Noter le numéro de série").click()
        page.get_by_role("button", name="Lire le numéro avec l’appareil photo").click()
        expect(page.get_by_label("Numéro de série")).to_have_value(re.compile(code), timeout=60_000)
        expect(page.get_by_role("dialog")).to_be_hidden()
        # In series the camera stays. Somebody turns to another tab: nobody is filmed.
        page = Visitor(served, context).open("/scan/series/power_on")
        page.get_by_role("button", name=CAMERA).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("flags", "script", "said"),
    [
        ((), "", "appareil photo"),
        (("--use-fake-device-for-media-stream", "--deny-permission-prompts"), "", "refusé"),
        ((), "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})", "https"),
    ],
    ids=["absent", "refused", "insecure"],
)
def test_a_camera_that_cannot_be_had_is_said_in_plain_words(
    served: Served, operator: Visitor, browser: Browser, flags: tuple[str, ...], script: str, said: str
) -> None:
    with filmed(browser, *flags, storage_state=operator.context.storage_state()) as context:
        visitor = Visitor(served, context)
        visitor.page.add_init_script(script)
        page = visitor.open("/scan")
        page.get_by_role("button", name=CAMERA).click()
        expect(page.locator("[data-camera-status].stop")).to_contain_text(said)
        page.get_by_role("button", name="Fermer l’appareil photo").click()
        expect(page.get_by_label(FIELD)).to_be_focused()


# What a page was told to sound and to vibrate, noted before any of its own scripts runs.
SENSES = """window.played = []; window.shaken = []; window.spoken = [];
navigator.vibrate = pattern => window.shaken.push(pattern);
AudioBufferSourceNode.prototype.start = function () {
  window.played.push(Math.round(this.buffer.duration * 1000));
};
speechSynthesis.speak = words => window.spoken.push(words.text);"""


def test_each_outcome_has_a_sound_a_vibration_and_a_voice_for_who_asks(
    operator: Visitor, secret: str
) -> None:
    [code] = take_in(operator, secret, 1)
    operator.page.add_init_script(SENSES)
    page = in_series(operator)
    typed(page, code)
    expect(page.locator("#scan-count")).to_contain_text("1 fait")
    typed(page, code)
    expect(page.locator("#scan-count")).to_contain_text("1 déjà fait")
    typed(page, codes.mint())
    expect(page.locator("#scan-count")).to_contain_text("1 refusé")
    shaken = [pattern for pattern in page.evaluate("window.shaken") if pattern != [20]]
    assert shaken == [[70], [40, 80, 40], [300, 120, 300]]
    assert {35, 260, 220, 590} <= set(page.evaluate("window.played"))
    assert page.evaluate("window.spoken") == []
    page.evaluate("document.body.dataset.speech = 'on'; document.body.dataset.vibration = 'off'")
    typed(page, codes.mint())
    expect(page.locator("#scan-count")).to_contain_text("2 refusés")
    assert "Étiquette inconnue" in page.evaluate("window.spoken")[-1]
    assert len([pattern for pattern in page.evaluate("window.shaken") if pattern != [20]]) == 3
