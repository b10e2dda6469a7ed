"""The desk with the network cut, in a real browser: nothing is lost, nothing happens twice, all in order."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served, Visitor
from tests.browser.test_steps import OPERATOR, SECOND, take_in

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(600)]

MENDED_S = 60
CONTROLLED = "navigator.serviceWorker.ready.then(() => Boolean(navigator.serviceWorker.controller))"
FILLED = """() => new Promise(resolve => {
    const request = indexedDB.open('banque-desk');
    request.onsuccess = () => {
        const count = request.result.transaction('cards').objectStore('cards').count();
        count.onsuccess = () => { request.result.close(); resolve(count.result); };
    };
})"""
PASSES = "Desk.openStore().then(store => store.all('passes'))"
NAMES = "caches.keys().then(names => names.filter(name => name.startsWith('banque-desk-')).length)"


def ready(visitor: Visitor) -> Page:
    """At the desk, with everything that the phone needs without network."""
    page = visitor.open("/scan")
    page.wait_for_function(CONTROLLED)
    page.evaluate("Desk.openCards().refresh(true)")
    page.wait_for_function(FILLED)
    return page


def cut(visitor: Visitor) -> Page:
    """The network goes; the desk is opened again."""
    visitor.context.set_offline(True)
    page = visitor.open("/scan")
    expect(page.get_by_role("status").filter(has_text="Sans réseau")).to_be_visible()
    return page


def scan(page: Page, code: str) -> None:
    expect(page.get_by_label("Code de l’étiquette")).to_be_focused()
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def done(page: Page) -> None:
    page.get_by_role("button", name="C’est fait").click()
    expect(page.get_by_label("Code de l’étiquette")).to_be_focused()


def stored(page: Page, status: str = "pending") -> list[dict[str, Any]]:
    """What the phone keeps, in its order."""
    entries: list[dict[str, Any]] = page.evaluate(
        "Desk.openQueue().ready.then(() => Desk.openQueue().recent(1000).reverse())"
    )
    return [entry for entry in entries if entry["status"] == status]


def arrived(page: Page) -> None:
    """Until nothing waits."""
    page.wait_for_function("Desk.openQueue().count().waiting === 0", timeout=MENDED_S * 1000)


def journal(served: Served, scan_ids: list[str]) -> list[tuple[str, int]]:
    """The journal's entries of these scans, in its order: scan and person."""
    [path] = served.folder.glob("*.sqlite3")
    marks = ",".join("?" * len(scan_ids))
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as base:
        return base.execute(
            f"SELECT scan_id, person_id FROM journal_entry WHERE scan_id IN ({marks}) ORDER BY id",  # noqa: S608
            scan_ids,
        ).fetchall()


def person(served: Served, email: str) -> int:
    secret = served.command("token", "create", "--email", email, "--days", "1")
    assert secret
    [path] = served.folder.glob("*.sqlite3")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as base:
        found: int = base.execute("SELECT person_id FROM api_token ORDER BY id DESC LIMIT 1").fetchone()[0]
    return found


@contextmanager
def closed(served: Served, through: Visitor, email: str) -> Iterator[None]:
    """The coordinator closes somebody's account; the tests that come after find it open again."""
    secret = served.command("token", "create", "--email", "coordination@demo.exemple", "--days", "1")
    person_id = person(served, email)
    answer = through.context.request.post(
        f"{served.url}/api/v1/people/{person_id}/disable",
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid4())},
        data={},
    )
    assert answer.status in {200, 204}, answer.text()
    yield
    [path] = served.folder.glob("*.sqlite3")
    with sqlite3.connect(path) as base:
        base.execute("UPDATE person SET disabled_at = NULL WHERE id = ?", [person_id])


@pytest.fixture
def operator(visitor: Visitor) -> Visitor:
    return visitor.sign_in(OPERATOR)


@pytest.fixture
def second(served: Served, browser: Browser) -> Iterator[Visitor]:
    """Another person, with a phone of their own."""
    context = browser.new_context(locale="fr-FR", bypass_csp=True)
    context.set_default_timeout(15_000)
    yield Visitor(served, context).sign_in(SECOND)
    context.close()


def test_thirty_scans_without_network_are_thirty_effects_once_each_in_order(
    served: Served, operator: Visitor
) -> None:
    codes = take_in(served, operator, "accessory", 15)
    ready(operator)
    page = cut(operator)
    for code in codes:
        scan(page, code)
        done(page)
    expect(page.get_by_role("status").filter(has_text="15 scans attendent le réseau")).to_be_visible()
    page.reload()
    expect(page.get_by_role("status").filter(has_text="15 scans attendent le réseau")).to_be_visible()
    for code in codes:
        scan(page, code)
        page.get_by_role("radio", name="Marche", exact=True).check()
        done(page)
    operator.look("offline-thirty")
    page.reload()
    expect(page.get_by_role("status").filter(has_text="30 scans attendent le réseau")).to_be_visible()
    waiting = [entry["scan_id"] for entry in stored(page)]
    assert len(set(waiting)) == 30
    assert journal(served, waiting) == []
    operator.context.set_offline(False)
    arrived(page)
    assert [scan_id for scan_id, _person in journal(served, waiting)] == waiting
    assert stored(page, "refused") == []
    page.reload()
    assert len(journal(served, waiting)) == 30
    assert "0 faults" in served.command("journal", "verify")


@pytest.mark.soak
def test_what_the_step_asks_online_it_asks_offline(served: Served, operator: Visitor) -> None:
    [code] = take_in(served, operator, "accessory", 1)
    ready(operator)
    page = cut(operator)
    operator.look("offline-desk")
    scan(page, code)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    operator.look("offline-card")
    done(page)
    scan(page, code)
    page.get_by_role("button", name="C’est fait").click()
    expect(page.get_by_role("alert")).to_be_focused()
    operator.look("offline-errors")
    page.get_by_role("link", name="Fonctionnement").click()
    expect(page.get_by_role("group", name="Fonctionnement")).to_be_focused()
    assert len(stored(page)) == 1


@pytest.mark.soak
def test_a_danger_says_what_to_do_at_once(served: Served, operator: Visitor) -> None:
    one, other = take_in(served, operator, "laptop", 2)
    ready(operator)
    page = cut(operator)
    scan(page, one)
    page.locator("summary", has_text="Danger").click()
    page.get_by_role("button", name="Batterie gonflée").click()
    expect(page.get_by_role("alert")).to_contain_text("Allez chercher l’encadrant")
    operator.look("offline-danger")
    scan(page, one)
    expect(page.get_by_role("heading", level=1)).to_have_text("Bloqué : Batterie gonflée")
    page.get_by_role("button", name="Scanner un autre matériel").click()
    scan(page, other)
    page.locator("summary", has_text="J’ai un problème").click()
    page.get_by_role("button", name="Ne s’allume pas").click()
    expect(page.get_by_text("Portez-le à l’étagère des bloqués")).to_be_visible()
    waiting = [entry["scan_id"] for entry in stored(page)]
    operator.context.set_offline(False)
    arrived(page)
    assert [scan_id for scan_id, _person in journal(served, waiting)] == waiting


def test_a_server_struck_down_in_the_middle_of_the_upload(served: Served, operator: Visitor) -> None:
    codes = take_in(served, operator, "accessory", 40)
    page = ready(operator)
    operator.context.set_offline(True)
    page.evaluate(
        "codes => codes.reduce((before, code) => before.then(() => "
        "Desk.openQueue().take({code: code, outcome: 'done'})), Promise.resolve())",
        codes,
    )
    waiting = [entry["scan_id"] for entry in stored(page)]
    assert len(waiting) == 40
    operator.context.set_offline(False)
    until = time.monotonic() + MENDED_S
    while len(journal(served, waiting)) < 5 and time.monotonic() < until:
        time.sleep(0.002)
    served.strike_down()
    came = len(journal(served, waiting))
    assert 0 < came < 40, came
    assert len(stored(page)) == 40
    served.start_again()
    page.evaluate("Desk.openQueue().kick()")
    arrived(page)
    assert [scan_id for scan_id, _person in journal(served, waiting)] == waiting
    assert stored(page, "refused") == []
    assert "0 faults" in served.command("journal", "verify")


def test_two_phones_scanned_the_same_thing(served: Served, operator: Visitor, second: Visitor) -> None:
    """One effect; the other phone is told why not, and what can be done."""
    codes = take_in(served, operator, "accessory", 2)
    ready(operator)
    ready(second)
    pages = [cut(operator), cut(second)]
    for page in pages:
        for code in codes:
            scan(page, code)
            done(page)
    names = [[entry["scan_id"] for entry in stored(page)] for page in pages]
    operator.context.set_offline(False)
    arrived(pages[0])
    second.context.set_offline(False)
    arrived(pages[1])
    assert [scan_id for scan_id, _person in journal(served, [*names[0], *names[1]])] == names[0]
    page = pages[1]
    conflicts = page.get_by_role("region", name="À régler").get_by_role("listitem")
    expect(conflicts).to_have_count(2)
    second.look("offline-conflicts")
    conflicts.first.get_by_role("button", name="Laisser tomber ce scan").click()
    expect(conflicts).to_have_count(1)
    page = second.open("/scan")
    page.get_by_role("link", name="1 scan à régler").click()
    expect(conflicts).to_have_count(1)
    expect(conflicts.first).to_contain_text("Cette étape était déjà faite")
    conflicts.first.get_by_role("button", name="Réessayer").click()
    page.wait_for_function("Desk.openQueue().count().waiting === 0")
    expect(conflicts).to_have_count(1)
    page = second.open("/scan/refused")
    expect(page.get_by_role("button", name="C’est réglé")).to_have_count(1)
    second.look("offline-refused")
    page.get_by_role("button", name="C’est réglé").click()
    expect(page.get_by_text("Rien à régler")).to_be_visible()


@pytest.mark.soak
def test_scans_stay_their_authors_when_somebody_else_sends_them(served: Served, operator: Visitor) -> None:
    """Signing out warns, keeps them, and takes the cards away; the next person's session carries them home."""
    codes = take_in(served, operator, "accessory", 2)
    ready(operator)
    page = cut(operator)
    for code in codes:
        scan(page, code)
        done(page)
    waiting = [entry["scan_id"] for entry in stored(page)]
    # The network is back, but the server takes none of them: they wait while the operator wants to leave.
    operator.context.route("**/scan/send", lambda route: route.abort())
    operator.context.set_offline(False)
    page = operator.open("/devices")
    page.locator("details.account > summary").click()
    page.get_by_role("button", name="Se déconnecter").click()
    expect(page.get_by_role("heading", name="Des scans attendent")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="2 scans attendent")).to_be_visible()
    operator.look("offline-leaving")
    page.get_by_role("button", name="Partir quand même").click()
    page.wait_for_url(re.compile("/sign-in"))
    assert page.evaluate(FILLED) == 0
    operator.context.set_offline(True)
    page = operator.open("/scan")
    expect(page.get_by_text("Personne n’est connecté sur cet appareil")).to_be_visible()
    operator.look("offline-nobody")
    operator.context.set_offline(False)
    operator.context.unroute("**/scan/send")
    operator.sign_in(SECOND)
    page = operator.open("/scan")
    arrived(page)
    author = person(served, OPERATOR)
    assert journal(served, waiting) == [(scan_id, author) for scan_id in waiting]


def test_a_closed_account_leaves_nothing_on_the_phone(
    served: Served, operator: Visitor, second: Visitor
) -> None:
    [code] = take_in(served, operator, "accessory", 1)
    ready(second)
    page = cut(second)
    scan(page, code)
    done(page)
    waiting = [entry["scan_id"] for entry in stored(page)]
    with closed(served, operator, SECOND):
        second.context.set_offline(False)
        expect(page.get_by_text("Personne n’est connecté sur cet appareil")).to_be_visible()
        page.wait_for_function(f"{NAMES}.then(count => count === 0)")
    assert page.evaluate(FILLED) == 0
    assert stored(page) == []
    assert page.evaluate(PASSES) == []
    assert journal(served, waiting) == []


@pytest.mark.soak
def test_a_closed_account_leaves_nothing_where_one_is_asked_to_sign_in(
    served: Served, operator: Visitor, second: Visitor
) -> None:
    """The phone comes back to the network on the page that asks who one is."""
    [code] = take_in(served, operator, "accessory", 1)
    page = ready(second)
    second.context.route("**/scan/send", lambda route: route.abort())
    page.evaluate("code => Desk.openQueue().take({code: code, outcome: 'done'})", code)
    assert len(stored(page)) == 1
    with closed(served, operator, SECOND):
        page = second.open("/devices")
        expect(page.get_by_role("heading", name="Connexion")).to_be_visible()
        page.wait_for_function(f"{PASSES}.then(rows => !rows.length)")
        page.wait_for_function(f"{NAMES}.then(count => count === 0)")
    assert page.evaluate("Desk.openStore().then(store => store.all('scans'))") == []


@pytest.mark.soak
def test_closing_the_page_with_scans_waiting_warns(served: Served, operator: Visitor) -> None:
    [code] = take_in(served, operator, "accessory", 1)
    ready(operator)
    page = cut(operator)
    scan(page, code)
    done(page)
    told: list[str] = []
    another = operator.context.new_page()

    def hear(dialog: Any) -> None:
        told.append(dialog.type)
        dialog.accept()

    page.on("dialog", hear)
    page.close(run_before_unload=True)
    until = time.monotonic() + 10
    while not told and time.monotonic() < until:
        another.wait_for_timeout(50)
    assert told == ["beforeunload"]
    operator.page = another
    page = operator.open("/scan")
    expect(page.get_by_role("status").filter(has_text="1 scan attend le réseau")).to_be_visible()


@pytest.mark.soak
def test_a_form_that_the_network_fails_is_stored_and_not_lost(served: Served, operator: Visitor) -> None:
    """The device's own page was open when the network went."""
    [code] = take_in(served, operator, "accessory", 1)
    ready(operator)
    page = operator.open(f"/scan/{code}")
    operator.context.set_offline(True)
    page.get_by_role("button", name="C’est fait").click()
    page.wait_for_url(re.compile("/scan/offline"))
    expect(page.get_by_role("status").filter(has_text="1 scan attend le réseau")).to_be_visible()
    waiting = [entry["scan_id"] for entry in stored(page)]
    operator.context.set_offline(False)
    arrived(page)
    assert [scan_id for scan_id, _person in journal(served, waiting)] == waiting


def test_every_target_is_big_enough_for_a_glove(served: Served, operator: Visitor) -> None:
    [code] = take_in(served, operator, "laptop", 1)
    ready(operator)
    page = cut(operator)
    page.set_viewport_size({"width": 360, "height": 800})
    scan(page, code)
    small = page.evaluate(
        "Array.from(document.querySelectorAll('main button, main summary, main .tile, main a.btn, main a.tap'))"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 56)"
        ".map(e => e.textContent.trim())"
    )
    assert small == []
