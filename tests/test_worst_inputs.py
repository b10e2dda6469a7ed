"""The worst that a form, an address or a program can send: never a fault of ours, always an answer in our words."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bank.identity.models import PersonRole
from bank.inventory.lifecycle import State
from bank.web.guard import public
from tests.factories import PASSWORD, ApiClient, World, today
from tests.foreign import BODIES, address, blank_label, build, fill, rules

SURROGATE = "\ud800"
TEXTS = (
    "",
    " ",
    "x" * 10_000,
    "a\x00b",
    "a\r\nX-Injected: yes\n",
    "\x1b[31m👩🏽‍💻\u202e\u2028",
    "0001-01-01",
    "9999-12-31",
    "-1",
    "9" * 400,
    "1e400",
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    "a" + SURROGATE,
    None,
    True,
    -1,
    1.5,
    2**31,
    10**40,
    float("inf"),
    float("nan"),
    [],
    {},
    [None],
)
# Bodies that are no JSON object at all, or not said to be one.
RAW: tuple[tuple[bytes, str], ...] = (
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"null", "application/json"),
    (b"[]", "application/json"),
    (b'"text"', "application/json"),
    (b"\xff\xfe{}", "application/json"),
    (b'{"a": 1, "a": 2}', "application/json"),
    (b"[" * 100_000, "application/json"),
    (b"1" * 10_000, "application/json"),
    (b"{}", "text/plain"),
    (b"{}", "application/xml"),
    (b"a=1", "application/x-www-form-urlencoded"),
    (b"--x\r\n", "multipart/form-data; boundary=x"),
    (b"--x\r\n", "multipart/form-data"),
    (b"{}", "application/json; charset=utf-32"),
)
# Once a field of this name had them all, the next form that has one gets as many, in turn: they are read alike.
SOME = 3
SCAN = {"scan_id": str(uuid4()), "code": "", "station": "control", "outcome": "done", "at": None}
SEEN = {
    "repairs": ["ram"],
    "os": "debian_13",
    "checks": {"screen": "passed"},
    "grade": "b",
    "battery": 80,
    "reason": "other",
    "serial": "PF1ABCDE",
    "maker": "Lenovo",
    "model": "T480",
}
DRIVE = {
    "kind": "ssd",
    "serial": "S1",
    "size_gb": 1,
    "fate": "present",
    "method": "clear_overwrite",
    "tool": "nwipe",
    "tool_version": "0.36",
    "result": "passed",
}


def bodies(world: World, ref: str, code: str) -> Iterator[tuple[ApiClient, str, str, dict[str, Any]]]:
    """Who sends what to which address, well formed."""
    coordinator, supervisor = world.api(world.coordinator), world.api(world.supervisor)
    prescriber, desk = world.api(world.prescriber_user), world.api(world.desk_user)
    organisation = {
        "name": "Une association",
        "legal_nature": "association",
        "roles": ["prescriber"],
        "workshop_kind": None,
        "siret": "73282932000074",
        "capacities": [{"kind": "rup", "reference": "R", "valid_from": "2020-01-01", "valid_until": None}],
    }
    yield coordinator, "post", "/organisations", organisation
    yield coordinator, "put", f"/organisations/{world.bnp}", organisation | {"version": 1}
    person = {"organisation_id": world.bnp, "name": "A B", "email": "a.b@exemple.fr", "roles": ["donor"]}
    yield coordinator, "post", "/people", person
    yield coordinator, "post", f"/people/{world.operator.person_id}/invitation", {}
    yield coordinator, "post", "/tokens", {"name": "a", "days": 3, "scopes": ["batch.see"]}
    batch = {
        "donor_id": world.bnp,
        "workshop_id": world.workshop,
        "legal_basis": "private_gift",
        "agreed_on": "2026-01-05",
        "no_resale": False,
        "unnamed": False,
        "purge_asked": False,
        "lines": [{"category": "laptop", "announced": 1}],
    }
    yield coordinator, "post", "/batches", batch
    counted = {"lines": [{"category": "laptop", "received": 3, "gap_reason": None}]}
    yield supervisor, "post", f"/batches/{world.batch()}/reception", counted
    shelf = {"name": "Étagère", "kind": "shelf", "within_id": None}
    yield supervisor, "post", "/places", shelf
    yield supervisor, "post", "/stock-takes", {"place_id": 1, "label": None}
    yield supervisor, "post", "/labels/claims", {"label": code, "batch": "L-TEST0", "category": "laptop"}
    yield supervisor, "post", "/labels/voids", {"label": code}
    paper = {"sheet": "L7160", "start": 2, "copies": 1, "printer": None, "reason": None}
    yield supervisor, "post", "/labels", paper | {"blanks": 2}
    yield supervisor, "post", "/labels", paper | {"batch": "L-TEST0", "unprinted": True}
    yield supervisor, "post", "/labels", paper | {"devices": [code]}
    donor, version = world.api(world.donor_user), {"version": 1}
    announced = {
        "lines": [{"category": "laptop", "announced": 1}],
        "pickup_address": "1 rue des Dons",
        "pickup_contact": "Accueil",
    }
    yield donor, "post", "/batches", announced | {"submit": True}
    drafts = [
        donor.post("/batches", json=announced | {"submit": sent}).json["ref"] for sent in (False, True, True)
    ]
    yield donor, "put", f"/batches/{drafts[0]}", announced | version
    yield donor, "post", f"/batches/{drafts[0]}/submit", version
    yield (
        coordinator,
        "post",
        f"/batches/{drafts[1]}/refuse",
        {"reason": "other", "note": "Non."} | {"version": 2},
    )
    yes = {"workshop_id": world.workshop, "legal_basis": "private_gift", "receiver_id": world.workshop}
    yield (
        coordinator,
        "post",
        f"/batches/{drafts[2]}/accept",
        yes | {"collection_on": "2099-01-05", "version": 2},
    )
    moved = {"workshop_id": world.workshop, "collection_on": "2099-01-06", "version": 1}
    yield coordinator, "put", f"/batches/{world.batch()}/collection", moved
    came = {"donor_id": None, "workshop_id": world.workshop, "legal_basis": None}
    yield (
        supervisor,
        "post",
        "/receptions",
        came | {"lines": [{"category": "laptop", "received": 1, "refused": 0}]},
    )
    yield supervisor, "post", "/scans", SCAN | {"code": code, "facts": {"drives": [DRIVE], "no_drive": False}}
    yield supervisor, "post", "/scans", SCAN | {"code": code, "outcome": "problem", "facts": SEEN}
    tray = {"tray": str(uuid4()), "codes": [code], "check": False, "place": None}
    yield supervisor, "post", "/trays", tray | {"action": "pass", "station": "control", "reason": None}
    yield supervisor, "post", "/trays", tray | {"action": "ship", "to": world.other_workshop}
    request = {
        "programme": "RSA",
        "lines": [{"category": "laptop", "quantity": 1}],
        "person_name": "Jeanne",
        "contact": "01 99 00 12 34",
        "proof": "rsa_certificate",
        "proof_day": today().isoformat(),
        "proof_seen": True,
    }
    yield prescriber, "post", "/requests", request
    yield prescriber, "post", "/requests/search", {"person_name": "Jeanne", "birth_date": "1990-01-05"}
    yield coordinator, "post", f"/requests/{ref}/allocations", {"device": code}
    handover = {
        "request": ref,
        "devices": [code],
        "payment": "cash",
        "paid_cents": 2_000,
        "signature": "on_paper",
    }
    yield desk, "post", "/handovers", handover


def spoilt(body: Any) -> Iterator[Any]:
    """The body with one thing wrong, at every depth."""
    if isinstance(body, dict):
        for name, value in body.items():
            for worse in spoilt(value):
                yield body | {name: worse}
            yield {other: body[other] for other in body if other != name}
        yield body | {"unknown": 1}
        yield body | {"a" + SURROGATE: 1}
    elif isinstance(body, list):
        yield [*body, *body] * 30
        for worse in spoilt(body[0]) if body else ():
            yield [worse]
    yield from VALUES


def fault(answer: Any) -> str | None:
    """What is wrong with an answer, if anything is."""
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    if answer.status_code >= 400 and answer.content_type != "application/problem+json":
        return f"{answer.status_code} as {answer.content_type}"
    return None


@pytest.fixture
def request_ref(world: World) -> str:
    """A request that waits for a device."""
    world.programme_rsa()
    made = world.api(world.prescriber_user).post(
        "/requests",
        json={
            "programme": "RSA",
            "lines": [{"category": "laptop", "quantity": 1}],
            "person_name": "Jeanne",
            "proof": "rsa_certificate",
            "proof_day": today().isoformat(),
            "proof_seen": True,
        },
    )
    return str(made.json["ref"])


def test_no_body_breaks_the_api(world: World, request_ref: str) -> None:
    code, worst = world.device(State.IN_WORK).code, Worst()
    for client, method, path, body in bodies(world, request_ref, code):
        worst.resource(client, method, path, body)
    assert worst.faults == [], "\n".join(map(str, worst.faults))


def test_no_batch_of_scans_breaks_the_api(world: World) -> None:
    client, code = world.api(world.supervisor), world.device(State.IN_WORK).code
    scan = SCAN | {"code": code, "facts": {"drives": [DRIVE], "no_drive": False}}
    worst = list(spoilt(scan))
    for start in range(0, len(worst), 500):
        part = worst[start : start + 500]
        answer = client.post("/scans/batch", data=json.dumps(part), content_type="application/json")
        assert answer.status_code == 200
        assert [line["status"] for line in answer.json if line["status"] >= 500] == []
        assert len(answer.json) == len(part)
    for raw, kind in RAW:
        assert fault(client.post("/scans/batch", data=raw, content_type=kind)) is None


def addresses(app: Flask) -> list[str]:
    """Every address of the app, its variables left in."""
    return sorted({rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"})


PARTS = (
    "%00",
    "%20",
    "a%00b",
    "%ff",
    "x" * 3_000,
    "%0d%0aX-Injected:%20yes",
    "%F0%9F%98%80",
    "-1",
    "9" * 30,
    "%2e%2e",
)
NAMES = (
    *("q", "state", "category", "batch", "cursor", "before", "donor_id", "programme", "request", "device"),
    *("organisation_id", "role", "sheet", "start", "next", "step", "grade", "unknown"),
)
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "POST", "CONNECT", "BREW")


def test_no_address_breaks(world: World) -> None:
    people = [world.coordinator, world.supervisor, world.prescriber_user]
    clients = [(world.client(actor), world.api(actor)) for actor in people]
    faults = []
    for rule in addresses(world.app):
        before, variable, rest = rule.partition("<")
        paths = [before + part + rest.partition(">")[2] for part in PARTS] if variable else []
        if not variable:
            paths = [rule + "?" + "&".join(f"{name}={part}" for name in NAMES) for part in PARTS]
            paths += [f"{rule}?{name}={part}" for name in NAMES for part in ("a%00b", "%20")]
        for number, path in enumerate(paths):
            page, api = clients[number % len(clients)]
            answer = api.get(path.removeprefix("/api/v1")) if rule.startswith("/api/v1") else page.get(path)
            if answer.status_code >= 500 or "X-Injected" in answer.headers:
                faults.append((path[:80], answer.status_code))
    assert faults == []


def test_no_method_breaks(world: World) -> None:
    page, secret = world.client(world.coordinator), world.token(world.coordinator)
    faults = []
    for rule in addresses(world.app):
        if "<" in rule:
            continue
        for method in METHODS:
            headers = {"Authorization": f"Bearer {secret}"} if rule.startswith("/api/v1") else {}
            answer = page.open(rule, method=method, headers=headers)
            if answer.status_code >= 500 or (
                answer.status_code == 200 and method in ("TRACE", "BREW", "CONNECT")
            ):
                faults.append((rule, method, answer.status_code))
    assert faults == []


def announced_batch(world: World, *, sent: bool = True) -> str:
    """A batch that the Département wrote; its reference."""
    body = {
        "lines": [{"category": "laptop", "announced": 1}],
        "pickup_address": "1 rue des Dons",
        "pickup_contact": "Accueil",
        "submit": sent,
    }
    donor = world.person(world.department, PersonRole.DONOR)
    made = world.api(donor).post("/batches", json=body)
    return str(made.json["ref"])


def from_a_donor(world: World) -> Iterator[tuple[FlaskClient, str, dict[str, str]]]:
    """Every form of whoever announces a batch."""
    key = {"idempotency_key": str(uuid4())}
    donor = world.client(world.person(world.department, PersonRole.DONOR))
    announced = {
        "lines-laptop": "1",
        "pickup_address": "1 rue des Dons",
        "pickup_contact": "Accueil",
        "then": "keep",
    }
    yield donor, "/batches/announce", key | announced
    draft = announced_batch(world, sent=False)
    yield donor, f"/batches/{draft}/edit", key | announced | {"version": "1"}
    yield donor, f"/batches/{draft}/submit", key
    yield donor, f"/batches/{draft}/withdraw", key | {"sure": "y"}


def around_the_station(supervisor: FlaskClient) -> Iterator[tuple[FlaskClient, str, dict[str, str]]]:
    """Every form about how a station is and what stands beside it."""
    where = {"idempotency_key": str(uuid4()), "code": "", "place": "1"}
    yield supervisor, "/scan/stock-takes", where
    yield supervisor, "/scan/settings", {"sound": "y", "text_size": "large"}
    yield supervisor, "/workshop/guides/erasure", {"text": "Le câble bleu.", "alt": "", "version": "0"}


def at_the_station(supervisor: FlaskClient, code: str) -> Iterator[tuple[FlaskClient, str, dict[str, str]]]:
    """Every form that the station shows for a device."""
    key = {"idempotency_key": str(uuid4())}
    yield supervisor, "/scan", {"code": code}
    drive = {
        "drives-0-kind": "ssd",
        "drives-0-serial": "S1",
        "drives-0-size_gb": "1",
        "drives-0-method": "clear_overwrite",
        "drives-0-tool": "nwipe",
        "drives-0-tool_version": "0.36",
        "drives-0-ending": "failed",
    }
    yield supervisor, f"/scan/{code}", key | {"station": "erasure"} | drive
    seen = {"serial": "PF1ABCDE", "maker": "Lenovo", "model": "T480"}
    yield supervisor, f"/scan/{code}", key | {"station": "power_on"} | seen
    yield supervisor, f"/scan/{code}", key | {"station": "repair", "repairs": "ram"}
    yield supervisor, f"/scan/{code}", key | {"station": "install", "os": "debian_13"}
    yield supervisor, f"/scan/{code}", key | {"station": "functional", "check_screen": "passed"}
    yield supervisor, f"/scan/{code}", key | {"station": "grading", "grade": "b", "battery": "80"}
    yield supervisor, f"/scan/{code}/problem", key | {"station": "erasure", "reason": "drive_dead"}
    yield supervisor, f"/scan/{code}/help", key | {"station": "erasure"}
    yield supervisor, "/scan/help", key
    yield supervisor, "/scan/series/cleaning", {"code": code}
    yield supervisor, "/scan/refused", {"scan_id": str(uuid4())}
    yield supervisor, f"/scan/{code}/danger", key | {"station": "erasure", "reason": "smell"}


def on_a_tray(supervisor: FlaskClient, code: str) -> Iterator[tuple[FlaskClient, str, dict[str, str]]]:
    """Every form of a tray."""
    tray = {"idempotency_key": str(uuid4()), "codes": code, "then": "act"}
    wanted = {"put": "place", "pass": "station", "problem": "reason", "ship": "to"}
    for action, asked in wanted.items():
        yield supervisor, f"/scan/tray/{action}", tray | {asked: "1"}
    yield supervisor, "/scan/tray/undo", tray | {"tray": str(uuid4())}


def at_the_door(world: World) -> Iterator[tuple[FlaskClient, str, dict[str, str]]]:
    """Every form before somebody is known, at a station and elsewhere."""
    yield world.anonymous(), "/sign-in?next=/devices", {"email": "a@exemple.fr", "password": PASSWORD}
    yield world.anonymous(), "/sign-in/demo", {"person": "1", "kept": "x"}
    yield world.anonymous(), "/sign-out", {"kept": "x"}
    yield world.anonymous(), "/forgot", {"email": "a@exemple.fr"}
    yield world.anonymous(), "/password/reset/a-mailed-link", {"password": PASSWORD}
    yield world.anonymous(), "/language", {"language": "en", "next": "/devices"}
    _station_id, secret = world.station()
    station, badge = world.at_station(secret), world.badge(world.person(world.workshop, PersonRole.OPERATOR))
    yield station, "/station", {"badge": badge, "kept": "x"}
    assert "Votre code" in station.post("/station", data={"badge": badge}).text
    yield station, "/station/pin", {"pin": "1234", "kept": "x"}
    yield station, "/station/lock?to=/scan", {"kept": "x"}


def of_the_grid(coordinator: FlaskClient) -> Iterator[tuple[FlaskClient, str, dict[str, str]]]:
    """The forms of prices and programmes."""
    key = {"idempotency_key": str(uuid4()), "valid_from": "2099-01-05", "source": "Délibération"}
    price = {"programme": "RSA", "category": "laptop", "seller": "", "price": "20,00"}
    yield coordinator, "/prices/new", key | price
    terms = {
        "code": "RSA",
        "name": "Revenu de solidarité active",
        "recipient_nature": "person",
        "hardship": "y",
        "proofs": "rsa_certificate",
        "proof_days": "92",
    }
    yield coordinator, "/prices/programmes/new", key | terms


def at_the_shelf(supervisor: FlaskClient, code: str) -> Iterator[tuple[FlaskClient, str, dict[str, str]]]:
    """What is sent about places and labels that are not there yet."""
    shelf = {"name": "Étagère", "kind": "shelf", "within_id": "", "version": "0"}
    yield supervisor, "/places/new", shelf | {"idempotency_key": str(uuid4())}
    yield supervisor, "/labels/claim", {"batch": "L-TEST0", "category": "laptop", "code": code}
    yield supervisor, "/labels/new-sheet", {"sheet": "L7160"}
    yield supervisor, "/labels/printers/new", {"name": "Laser", "idempotency_key": str(uuid4())}
    paper = {"sheet": "L7160", "start": "2", "copies": "1", "printer": "", "reason": ""}
    ordered = paper | {"blanks": "3", "idempotency_key": str(uuid4())}
    yield supervisor, "/labels/print?blanks=3", ordered
    yield supervisor, f"/labels/print?device={code}", paper | {"idempotency_key": str(uuid4())}


def pages(world: World, ref: str, code: str) -> Iterator[tuple[FlaskClient, str, dict[str, str]]]:
    """Who sends which form, well filled in."""
    coordinator, supervisor = world.client(world.coordinator), world.client(world.supervisor)
    key = {"idempotency_key": str(uuid4())}
    yield from at_the_door(world)
    yield coordinator, "/account/password", {"current": PASSWORD, "password": "un autre mot de passe"}
    yield coordinator, "/account/tokens/new", key | {"name": "a", "days": "3", "scopes": "batch.see"}
    organisation = {
        "name": "Une association",
        "legal_nature": "association",
        "roles": "prescriber",
        "workshop_kind": "",
        "siret": "73282932000074",
        "capacities-0-kind": "rup",
        "capacities-0-reference": "R",
        "capacities-0-valid_from": "2020-01-01",
        "capacities-0-valid_until": "",
    }
    yield coordinator, "/organisations/new", key | organisation
    yield coordinator, f"/organisations/{world.bnp}/edit", key | organisation | {"version": "1"}
    invitation = {"name": "A B", "email": "a.b@exemple.fr", "roles": "donor"}
    yield coordinator, f"/organisations/{world.bnp}/invite", key | invitation
    yield coordinator, f"/people/{world.operator.person_id}/disable", {"sure": ""}
    yield coordinator, f"/people/{world.operator.person_id}/invitation", key
    batch = {
        "donor_id": str(world.bnp),
        "workshop_id": str(world.workshop),
        "legal_basis": "private_gift",
        "agreed_on": "2026-01-05",
        "lines-laptop": "1",
    }
    yield coordinator, "/batches/new", key | batch
    counted = {"lines-laptop-received": "3", "lines-laptop-gap_reason": ""}
    yield supervisor, f"/batches/{world.batch()}/reception", key | counted
    yield from from_a_donor(world)
    yes = {"workshop_id": str(world.workshop), "legal_basis": "private_gift", "collection_on": "2099-01-05"}
    yield (
        coordinator,
        f"/batches/{announced_batch(world)}/accept",
        key | yes | {"receiver_id": "", "version": "2"},
    )
    no = {"no-reason": "other", "no-note": "Non.", "no-version": "2", "no-idempotency_key": str(uuid4())}
    yield coordinator, f"/batches/{announced_batch(world)}/refuse", no
    moved = {"workshop_id": str(world.workshop), "collection_on": "2099-01-06", "version": "1"}
    yield coordinator, f"/batches/{world.batch()}/collection", key | moved
    came = {"donor_id": "unknown", "workshop_id": str(world.workshop), "lines-laptop-received": "1"}
    yield supervisor, "/receptions/new", key | came | {"lines-laptop-refused": "1"}
    yield from chain(
        at_the_shelf(supervisor, code), at_the_station(supervisor, code), around_the_station(supervisor)
    )
    station = {"name": "Effacement, table 2", "opens": "open", "idle_minutes": "5", "version": "0"}
    yield supervisor, "/stations/new", key | station
    yield from on_a_tray(supervisor, code)
    yield supervisor, "/badges/card", {"card": "x"}
    yield from of_the_grid(coordinator)
    wanted = {"ref": "", "person_name": "Jeanne", "birth_date": "1990-01-05"}
    yield coordinator, "/requests/find", wanted
    request = {
        "category": "laptop",
        "person_name": "Jeanne",
        "contact": "01 99 00 12 34",
        "proof": "rsa_certificate",
        "proof_day": today().isoformat(),
        "proof_seen": "y",
    }
    yield world.client(world.prescriber_user), "/requests/new?programme=RSA", key | request
    yield coordinator, f"/requests/{ref}/allocations", key | {"device": code}
    yield coordinator, f"/requests/{ref}/release", {"device": code}
    handover = {"devices": code, "payment": "cash", "paid": "20,00", "signature": "on_paper"}
    desk, signing = (
        world.client(world.desk_user),
        {"collector": "mandated", "id_paper": "passport", "pin": "1"},
    )
    yield (
        desk,
        f"/requests/{ref}/handover",
        key | handover | signing | {"drawing": "M1 1L99 99", "scan": code},
    )
    yield desk, f"/requests/{ref}/handover/scan", {"devices": code, "scan": code}
    yield desk, "/desk", {"code": code}
    appointment = {"day": "2026-12-01", "time": "10:00", "desk": str(world.workshop), "version": "1"}
    yield coordinator, f"/requests/{ref}/appointment", appointment


class Turn:
    """Bad values in turn: all of them for the first field of a name, a few for those that follow."""

    def __init__(self, values: Iterable[Any], first: int) -> None:
        self.values, self.first = list(values), first
        self.given: Counter[str] = Counter()

    def of(self, name: str) -> list[Any]:
        """The values for one more field of this name."""
        start = self.given[name]
        count = SOME if start else self.first
        self.given[name] += count
        return [self.values[(start + each) % len(self.values)] for each in range(count)]


class Worst:
    """What a form or a resource is sent, and what is wrong with the answers."""

    def __init__(self) -> None:
        self.texts, self.raw = Turn(TEXTS, len(TEXTS)), Turn(RAW, len(RAW))
        self.faults: list[tuple[str, int, str]] = []

    def form(self, client: FlaskClient, path: str, sent: dict[str, Any]) -> None:
        """A form with one thing wrong at a time, then bodies that are no form."""
        worst: list[dict[str, Any]] = [{}, {name: [value, value] for name, value in sent.items()}]
        worst += [{**sent, name: text} for name in sent for text in self.texts.of(name)]
        for worse in worst:
            answer = client.post(path, data=worse)
            if answer.status_code >= 500 or not answer.content_type.startswith("text/html"):
                self.faults.append((path, answer.status_code, str(worse)[:200]))
        for raw, kind in self.raw.of("form"):
            answer = client.post(path, data=raw, content_type=kind)
            if answer.status_code >= 500:
                self.faults.append((path, answer.status_code, f"{raw[:20]!r} {kind}"))

    def resource(self, client: ApiClient, method: str, path: str, body: dict[str, Any]) -> None:
        """A body with one thing wrong at a time, then bodies that are no JSON."""
        sent = [(json.dumps(worse).encode(), "application/json") for worse in spoilt(body)]
        for data, kind in [*sent, *RAW]:
            answer = getattr(client, method)(path, data=data, content_type=kind)
            if fault(answer):
                self.faults.append((path, answer.status_code, f"{data[:200]!r} {kind}"))


def test_no_form_breaks(world: World, request_ref: str) -> None:
    code, worst = world.device(State.IN_WORK).code, Worst()
    for client, path, sent in pages(world, request_ref, code):
        worst.form(client, path, sent)
    assert worst.faults == [], "\n".join(map(str, worst.faults))


def by_hand(world: World, ref: str) -> set[str]:
    """The endpoints whose forms and bodies are written in this file."""
    code, known = world.device(State.IN_WORK).code, world.app.url_map.bind("localhost")
    forms = [(path, "POST") for _client, path, _sent in pages(world, ref, code)]
    resources = [
        (f"/api/v1{path}", method.upper()) for _client, method, path, _body in bodies(world, ref, code)
    ]
    found = [known.match(path.partition("?")[0], method)[0] for path, method in forms + resources]
    # A list of scans, as JSON: by the function that takes them one by one, and with tests of their own.
    return {*found, "scanning_api.batch", "trays.check", "offline.send"}


def test_every_form_and_resource_is_tried(world: World, request_ref: str) -> None:
    changing = {
        rule.endpoint for rule in world.app.url_map.iter_rules() if rule.methods and rule.methods & CHANGING
    }
    assert changing - by_hand(world, request_ref) - set(BODIES) == set()


def test_no_form_nor_resource_about_a_thing_breaks(world: World) -> None:
    """Those that are not written here, about things that exist, sent by somebody who may."""
    foreign, worst = build(world), Worst()
    done = by_hand(world, foreign.ids["request"])
    everybody = world.person(world.workshop, *PersonRole)
    actors = [everybody, world.supervisor, world.donor_user, world.prescriber_user, world.coordinator]
    clients = [(world.client(actor), world.api(actor)) for actor in actors]
    for rule, method in rules(world.app, changing=True):
        if rule.endpoint in done:
            continue
        # A blank label serves once.
        ids = foreign.ids | {"blank": blank_label(world)}
        path, body = address(rule, ids), fill(BODIES[rule.endpoint], ids)
        for page, api in clients:
            if path.startswith("/api/v1"):
                short = path.removeprefix("/api/v1")
                if getattr(api, method.lower())(short, json={"unknown": 1}).status_code not in {403, 404}:
                    worst.resource(api, method.lower(), short, body)
                    break
            elif page.post(path, data={"idempotency_key": "x"}).status_code not in {403, 404}:
                worst.form(page, path, body | {"idempotency_key": str(uuid4())})
                break
        else:
            worst.faults.append((path, 404, "nobody may"))
    assert worst.faults == [], "\n".join(map(str, worst.faults))


def test_a_fault_tells_neither_caller_nor_log_what_was_sent(
    world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    typed = "jeanne@exemple.fr"

    @public("a view that breaks")
    def breaks(**_values: str) -> str:
        raise RuntimeError(typed)

    world.app.view_functions["identity.set_password"] = breaks
    answer = world.anonymous().get("/password/reset/a-mailed-link")
    said = capfd.readouterr().err + caplog.text
    assert answer.status_code == 500
    assert "in breaks" in said
    assert "a-mailed-link" not in said
    assert typed not in said + answer.text


def test_no_cache_keeps_what_depends_on_who_asks(world: World) -> None:
    api, page = world.api(world.coordinator), world.client(world.coordinator)
    for answer in (api.get("/people"), api.get("/requests"), page.get("/organisations"), page.get("/scan")):
        assert answer.headers["Cache-Control"] == "no-store"
