"""The eight steps by programs alone: from BNP's spreadsheet to a signature, a token for each role."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from itertools import count
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from openpyxl import Workbook

from bank import db, work
from bank.allocation.models import Programme, Tariff
from bank.identity.models import LegalNature
from bank.inventory import replay
from bank.inventory.models import Category
from bank.journal import Entry
from bank.work import Job, JobState
from bank.workshops.rules import FUNCTIONS
from tests.factories import ApiClient, World, today
from tests.scanned import scanned

COMPUTER = (
    "power_on",
    "locks",
    "erasure",
    "marks",
    "repair",
    "install",
    "functional",
    "cleaning",
    "grading",
)
# A screen holds no data and no system: its route is shorter.
PLAIN = ("power_on", "marks", "functional", "cleaning", "grading")
ROUTES = {Category.LAPTOP: COMPUTER, Category.DESKTOP: COMPUTER, Category.SCREEN: PLAIN}
DESKTOP_CENTS, SCREEN_CENTS, LAPTOP_CENTS = 5_000, 1_500, 2_000
ROOM_CENTS = 10 * (DESKTOP_CENTS + SCREEN_CENTS)
DESKTOP_SERIALS = [f"CZC84{number:05}" for number in range(11, 21)]
SCREEN_SERIALS = [f"CNK72{number:05}" for number in range(41, 51)]
PERSON, DONORS = "Jeanne Exemple", ("BNP", "Paribas")
DRIVES = (f"S3Z9NB0K{number:06}" for number in count(100_001))
DRAWING = "M10 20L30 40L60 30L90 60L140 20L190 70"


@dataclass
class Roles:
    """The world, and a program with a token for each who takes part."""

    world: World
    donor: ApiClient = field(init=False)
    coordinator: ApiClient = field(init=False)
    supervisor: ApiClient = field(init=False)
    operator: ApiClient = field(init=False)
    prescriber: ApiClient = field(init=False)
    ccas: ApiClient = field(init=False)
    desk: ApiClient = field(init=False)

    def __post_init__(self) -> None:
        people = {
            "donor": self.world.donor_user,
            "coordinator": self.world.coordinator,
            "supervisor": self.world.supervisor,
            "operator": self.world.operator,
            "prescriber": self.world.prescriber_user,
            "ccas": self.world.ccas_user,
            "desk": self.world.desk_user,
        }
        for role, person in people.items():
            setattr(self, role, self.world.api(person))


def rooms_programme() -> None:
    """The set prices of free-access rooms. Programmes are the bank's own data: the API has no address for them."""
    with db.transaction() as session:
        programme = Programme(
            code="ESPACE-COMMUNE",
            name="Espaces d’accès libre des communes et de leurs CCAS",
            recipient_nature=LegalNature.PUBLIC_BODY,
            hardship=False,
            proofs=frozenset(),
            valid_from=date(2026, 1, 1),
            source="Grille de la banque",
        )
        session.add(programme)
        session.flush()
        prices = {Category.DESKTOP: DESKTOP_CENTS, Category.SCREEN: SCREEN_CENTS}
        session.add_all(
            Tariff(
                programme_id=programme.id,
                category=category,
                price_cents=cents,
                valid_from=date(2026, 1, 1),
                source=programme.source,
            )
            for category, cents in prices.items()
        )


def run_jobs() -> None:
    """What a worker would do now."""
    with db.read() as session:
        waiting = session.scalars(
            sa.select(Job.id).where(Job.state == JobState.WAITING).order_by(Job.id)
        ).all()
    for job_id in waiting:
        work.run(job_id)


def entries() -> int:
    """How long the journal is."""
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Entry)) or 0


# --- 2. the donor and the coordinator ---


def workbook() -> bytes:
    """BNP's list: eleven desktops, one of whose serials a spreadsheet program has spoilt, and ten screens."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Type", "Marque", "Modèle", "N° de série"])
    for serial in (*DESKTOP_SERIALS, "6.37E+15"):
        sheet.append(["Unité centrale", "HP", "EliteDesk 800 G4", serial])
    for serial in SCREEN_SERIALS:
        sheet.append(["Écran", "HP", "E243", serial])
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def post_file(donor: ApiClient, ref: str, file: bytes, **said: str) -> Any:
    """Send the spreadsheet for a draft."""
    return donor.post(f"/batches/{ref}/imports", data={"file": (BytesIO(file), "parc.xlsx")} | said)


def tallied(told: dict[str, Any]) -> dict[str, int]:
    return {name: told[name] for name in ("rows", "new", "same", "changed", "refused")}


def announce(roles: Roles) -> str:
    """BNP announces two laptops by hand and the rest from its spreadsheet, then sends it all; the batch."""
    donor = roles.donor
    made = donor.post(
        "/batches",
        json={
            "pickup_address": "16 boulevard des Italiens, 75009 Paris",
            "pickup_contact": "Accueil, 01 99 00 12 34",
            "lines": [{"category": "laptop", "announced": 2}],
        },
    )
    assert (made.status_code, made.json["state"]) == (201, "draft")
    ref, file = made.json["ref"], workbook()

    before = entries()
    tried = post_file(donor, ref, file, dry_run="true")
    first = {"rows": 21, "new": 20, "same": 0, "changed": 0, "refused": 1}
    assert (tried.status_code, tried.json["id"], tallied(tried.json)) == (200, None, first)
    (problem,) = tried.json["problems"]
    assert (problem["row"], problem["code"]) == (12, "scientific-notation")
    assert entries() == before
    assert donor.get(f"/batches/{ref}/items").json["count"] == 0

    assert tallied(imported(donor, ref, file)) == first
    assert announced(donor, ref) == {"laptop": 2, "desktop": 10, "screen": 10}
    assert tallied(imported(donor, ref, file)) == first | {"new": 0, "same": 20}
    assert announced(donor, ref) == {"laptop": 2, "desktop": 10, "screen": 10}
    assert donor.get(f"/batches/{ref}/items").json["count"] == 20

    sent = donor.post(f"/batches/{ref}/submit", json={})
    assert (sent.status_code, sent.json["state"]) == (200, "submitted")
    return str(ref)


def imported(donor: ApiClient, ref: str, file: bytes) -> dict[str, Any]:
    """The file is sent and written by a job; what it came to."""
    sent = post_file(donor, ref, file)
    assert sent.status_code == 202, sent.json
    run_jobs()
    done = donor.get(f"/imports/{sent.json['id']}").json
    assert done["state"] == "done"
    return dict(done)


def announced(donor: ApiClient, ref: str) -> dict[str, int]:
    return {line["category"]: line["announced"] for line in donor.get(f"/batches/{ref}").json["lines"]}


def accept(roles: Roles, ref: str) -> None:
    """The coordinator says yes, when it is fetched and by whom; the donor sees it, and cannot do it itself."""
    day = (today() + timedelta(days=3)).isoformat()
    body = {
        "version": roles.coordinator.get(f"/batches/{ref}").json["version"],
        "workshop_id": roles.world.workshop,
        "legal_basis": "private_gift",
        "collection_on": day,
    }
    assert roles.donor.post(f"/batches/{ref}/accept", json=body).status_code == 403
    taken = roles.coordinator.post(f"/batches/{ref}/accept", json=body)
    assert taken.status_code == 200, taken.json
    followed = roles.donor.get(f"/batches/{ref}").json
    assert (followed["state"], followed["collection_on"]) == ("accepted", day)


# --- 3. reception ---


def receive(roles: Roles, ref: str) -> dict[str, list[str]]:
    """AGOIE counts: a laptop was not on the lorry, and it says so; the labels by category."""
    lines: list[dict[str, object]] = [
        {"category": "laptop", "received": 1},
        {"category": "desktop", "received": 10},
        {"category": "screen", "received": 10},
    ]
    unexplained = roles.supervisor.post(f"/batches/{ref}/reception", json={"lines": lines})
    assert unexplained.status_code == 422, unexplained.json
    lines[0]["gap_reason"] = "not_on_the_lorry"
    received = roles.supervisor.post(f"/batches/{ref}/reception", json={"lines": lines})
    assert received.status_code == 201, received.json
    told = {line["category"]: line for line in received.json["batch"]["lines"]}
    laptop = told["laptop"]
    assert (laptop["announced"], laptop["received"], laptop["gap_reason"]) == (2, 1, "not_on_the_lorry")
    run = roles.supervisor.post("/labels", json={"batch": ref})
    assert (run.status_code, run.json["count"]) == (201, len(received.json["codes"])), run.json
    sheet = roles.supervisor.get(run.json["links"]["pdf"].removeprefix("/api/v1"))
    assert (sheet.status_code, sheet.content_type) == (200, "application/pdf")
    return by_category(roles.supervisor, received.json["codes"])


def by_category(who: ApiClient, codes: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code in codes:
        found.setdefault(who.get(f"/devices/{code}").json["category"], []).append(code)
    return found


def given_by_the_department(roles: Roles) -> str:
    """A desktop of the Conseil départemental, entered as it was agreed on, and received; its label."""
    agreed = roles.coordinator.post(
        "/batches",
        json={
            "donor_id": roles.world.department,
            "workshop_id": roles.world.workshop,
            "legal_basis": "l3212-3",
            "agreed_on": today().isoformat(),
            "lines": [{"category": "desktop", "announced": 1}],
        },
    )
    assert agreed.status_code == 201, agreed.json
    received = roles.supervisor.post(
        f"/batches/{agreed.json['ref']}/reception", json={"lines": [{"category": "desktop", "received": 1}]}
    )
    assert received.status_code == 201, received.json
    return str(received.json["codes"][0])


def identify(roles: Roles, codes: Iterable[str], serials: Iterable[str]) -> None:
    """A serial that was read on a device ties it to the row that announced it, and no second device."""
    pairs = list(zip(codes, serials, strict=True))
    for code, serial in pairs:
        # Read as people type: the case and the spaces do not count.
        told = roles.operator.post(f"/devices/{code}/identity", json={"serial": f" {serial.lower()} "})
        assert told.status_code == 200, told.json
        assert told.json["announced"]["serial"] == serial
        assert (told.json["maker"], told.json["custodian"]) == ("HP", "AGOIE")
    twice = roles.operator.post(f"/devices/{pairs[0][0]}/identity", json={"serial": pairs[1][1]})
    assert (twice.status_code, twice.json["code"]) == (409, "row-taken")


# --- 4. the workshop ---


def recorded(step: str, category: Category) -> dict[str, object]:
    """What each step takes down."""
    drive = {"kind": "ssd", "size_gb": 256, "method": "purge_ata_sanitize"}
    drive |= {"tool": "hdparm", "tool_version": "9.65", "result": "passed"}
    facts: dict[str, dict[str, object]] = {
        "repair": {"repairs": ["none"]},
        "install": {"os": "linux_mint_22"},
        "functional": {"checks": {function.value: "passed" for function in FUNCTIONS[category]}},
        "grading": {"grade": "b"} | ({"battery": 82} if category is Category.LAPTOP else {}),
    }
    if step == "erasure":
        return {"drives": [drive | {"serial": next(DRIVES)}]}
    return facts.get(step, {})


def scan(
    code: str, station: str, facts: dict[str, object] | None = None, *, outcome: str = "done"
) -> dict[str, object]:
    """A scan that waits to be sent."""
    body = {"scan_id": str(uuid4()), "code": code, "station": station, "outcome": outcome}
    return body | {"facts": facts or None}


def send(who: ApiClient, scans: list[dict[str, object]]) -> list[dict[str, Any]]:
    """Send scans that have waited; the same again has no second effect."""
    answer = who.post("/scans/batch", json=scans)
    assert answer.status_code == 200
    return list(answer.json)


def walk(roles: Roles, codes: list[str], category: Category) -> None:
    """Every step but the control by the operator, as on a bench; the control by somebody else."""
    for step in ROUTES[category]:
        if step == "erasure":
            (unproven,) = send(roles.operator, [scan(codes[0], step)])
            assert (unproven["status"], unproven["code"]) == (422, "evidence-missing")
        waiting = [scan(code, step, recorded(step, category)) for code in codes]
        answers = send(roles.operator, waiting)
        assert {each.get("outcome") for each in answers} == {"passed"}, (step, answers)
    # The tablet did not hear the last answer.
    assert send(roles.operator, waiting) == answers
    refused = send(roles.operator, [scan(code, "control") for code in codes])
    assert {(each["status"], each["code"]) for each in refused} == {(409, "same-person")}
    checked = send(roles.supervisor, [scan(code, "control") for code in codes])
    assert {(each["status"], each.get("state")) for each in checked} == {(200, "ready")}
    if "erasure" in ROUTES[category]:
        (drive,) = roles.supervisor.get(f"/devices/{codes[0]}").json["drives"]
        assert (drive["open"], drive["proofs"][0]["tool"], drive["proofs"][0]["result"]) == (
            False,
            "hdparm",
            "passed",
        )


def problem_and_its_end(roles: Roles, code: str) -> None:
    """It does not power on: it is put aside, nothing more is done to it until the supervisor has seen to it."""
    (told,) = send(roles.operator, [scan(code, "power_on", {"reason": "no_power"}, outcome="problem")])
    assert (told["status"], told["outcome"], told["problem"]) == (200, "blocked", "no_power")
    board = roles.supervisor.get("/workshop").json
    assert [(line["code"], line["problem"]) for line in board["blocked"]] == [(code, "no_power")]
    (kept,) = send(roles.operator, [scan(code, "power_on")])
    assert (kept["status"], kept["code"]) == (409, "blocked")
    unblocking = f"/devices/{code}/unblocking"
    assert roles.operator.post(unblocking, json={}).status_code == 403
    settled = roles.supervisor.post(unblocking, json={})
    assert (settled.status_code, settled.json["blocked"], settled.json["step"]) == (201, False, "power_on")


# --- 5. and 6. requests and what is promised to them ---


def ask_for_a_person(roles: Roles) -> str:
    """A laptop for a person who lives on the RSA; the request."""
    body: dict[str, object] = {
        "programme": "RSA",
        "lines": [{"category": "laptop", "quantity": 1}],
        "person_name": PERSON,
        "contact": "01 99 00 12 34",
        "proof": "rsa_certificate",
        "proof_day": today().isoformat(),
    }
    unseen = roles.prescriber.post("/requests", json=body)
    assert (unseen.status_code, unseen.json["code"]) == (422, "not-eligible"), unseen.json
    made = roles.prescriber.post("/requests", json=body | {"proof_seen": True})
    assert made.status_code == 201, made.json
    return str(made.json["ref"])


def ask_for_the_room(roles: Roles) -> str:
    """Ten desktops with screens for the free-access room of Le Thillay; the request."""
    lines = [{"category": "desktop", "quantity": 10}, {"category": "screen", "quantity": 10}]
    made = roles.ccas.post("/requests", json={"programme": "ESPACE-COMMUNE", "lines": lines})
    assert made.status_code == 201, made.json
    assert roles.prescriber.get(f"/requests/{made.json['ref']}").status_code == 404
    return str(made.json["ref"])


def refuse_the_departments(roles: Roles, room: str, code: str) -> None:
    """What the département gave under L3212-3 goes to people in hardship, and not to a municipal body."""
    quote = roles.coordinator.get("/quote", query_string={"request": room, "device": code}).json
    assert quote["ok"] is False
    (objection, *_more) = quote["refusals"]
    assert (objection["reason"], objection["article"]) == ("recipient-excluded", "CG3P L3212-3")
    refused = roles.coordinator.post(f"/requests/{room}/allocations", json={"device": code})
    assert refused.status_code == 422, refused.json
    assert (refused.json["code"], refused.json["article"]) == ("unlawful", "CG3P L3212-3")
    assert roles.coordinator.get(f"/devices/{code}").json["state"] == "ready"


def fill_the_room(roles: Roles, room: str, codes: list[str], department: str) -> None:
    """BNP's are promised in one go at the set price; the Département's does not keep the others from it."""
    told = roles.coordinator.post(
        f"/requests/{room}/allocations/batch", json={"devices": [department, *codes]}
    )
    assert told.status_code == 200, told.json
    assert sorted(told.json["promised"]) == sorted(codes)
    assert [each["device"] for each in told.json["refused"]] == [department]
    seen = roles.ccas.get(f"/requests/{room}").json
    assert (seen["state"], seen["total_cents"]) == ("allocated", ROOM_CENTS)
    prices = Counter((line["category"], line["price_cents"]) for line in seen["allocations"])
    assert prices == {("desktop", DESKTOP_CENTS): 10, ("screen", SCREEN_CENTS): 10}


# --- 7. and 8. the counter, what the donor learns, what a label says ---


def find_the_appointment(roles: Roles, request: str) -> None:
    """The slip's code leads the counter to the request.

    Appointments, slips and receipts have no address in the API: these are the pages' own.
    """
    at = {
        "day": (today() + timedelta(days=2)).isoformat(),
        "time": "14:30",
        "desk": str(roles.world.workshop),
    }
    coordinator = roles.world.client(roles.world.coordinator)
    assert coordinator.post(f"/requests/{request}/appointment", data=at).status_code == 303
    prescriber = roles.world.client(roles.world.prescriber_user)
    slip = prescriber.get(f"/requests/{request}/slip.pdf")
    assert slip.content_type == "application/pdf"
    codes = scanned(slip.data)
    assert codes
    desk = roles.world.client(roles.world.desk_user)
    for code in codes:
        assert PERSON not in code
        assert desk.post("/desk", data={"code": code}).location == f"/requests/{request}/handover"


def hand_over(roles: Roles, request: str, laptop: str) -> None:
    """The laptop against 20 EUR and a signature on the screen; sent twice, done once."""
    body = {
        "request": request,
        "devices": [laptop],
        "payment": "cash",
        "paid_cents": LAPTOP_CENTS,
        "signature": "on_screen",
        "drawing": DRAWING,
        "id_paper": "residence_permit",
    }
    short = roles.desk.post("/handovers", json=body | {"paid_cents": 1_000})
    assert (short.status_code, short.json["code"]) == (422, "payment-mismatch")
    key = str(uuid4())
    handed = roles.desk.post("/handovers", json=body, key=key)
    assert handed.status_code == 201, handed.json
    assert roles.desk.post("/handovers", json=body, key=key).json == handed.json
    assert (handed.json["paid_cents"], handed.json["signature"]) == (LAPTOP_CENTS, "on_screen")
    assert PERSON not in handed.text
    receipt = roles.world.client(roles.world.desk_user).get(f"/handovers/{handed.json['ref']}/receipt.pdf")
    assert (receipt.status_code, receipt.content_type) == (200, "application/pdf")
    assert roles.prescriber.get(f"/requests/{request}").json["state"] == "handed_over"


def tell_the_donor(roles: Roles, ref: str) -> None:
    """How many are reused; never who has them."""
    told = roles.donor.get(f"/batches/{ref}/outcomes")
    totals = {outcome: number for outcome, number in told.json["totals"].items() if number}
    assert totals == {"reused": 1, "available": 20}
    items = roles.donor.get(f"/batches/{ref}/items")
    for secret in (PERSON, "Jeanne", "Thillay", "RSA", "ESPACE", "Croix-Rouge"):
        assert secret not in told.text + items.text
    assert roles.donor.get("/requests").status_code == 403


def read_passports(world: World, codes: Iterable[str]) -> None:
    """Anybody reads what it is and that it was erased; no person, serial, programme, price or donor."""
    secrets = [PERSON, "Jeanne", "RSA", "ESPACE", "Thillay", *DONORS, "Conseil départemental"]
    secrets += ("20,00", "50,00", "15,00", "S3Z9NB0K", "CZC84", "CNK72", "Camille", "Lou Atelier", "Samir")
    for code in codes:
        passport = world.anonymous().get(f"/d/{code}")
        assert passport.status_code == 200
        # Their repair had nothing to repair: nobody is told that they were repaired.
        assert "réparé" not in passport.text.casefold()
        assert "effacé" in passport.text or "aucune donnée" in passport.text
        assert [secret for secret in secrets if secret in passport.text] == []


def test_the_eight_steps_by_programs_alone(world: World) -> None:
    world.whole_routes()
    world.programme_rsa()
    rooms_programme()
    roles = Roles(world)

    ref = announce(roles)
    accept(roles, ref)
    codes = receive(roles, ref)
    (laptop,), desktops, screens = codes["laptop"], codes["desktop"], codes["screen"]
    department = given_by_the_department(roles)

    identify(roles, desktops, DESKTOP_SERIALS)
    identify(roles, screens, SCREEN_SERIALS)
    problem_and_its_end(roles, desktops[0])
    walk(roles, [*desktops, department], Category.DESKTOP)
    walk(roles, screens, Category.SCREEN)
    walk(roles, [laptop], Category.LAPTOP)

    request, room = ask_for_a_person(roles), ask_for_the_room(roles)
    quote = roles.coordinator.get("/quote", query_string={"request": request, "device": laptop}).json
    assert (quote["ok"], quote["price_cents"]) == (True, LAPTOP_CENTS)
    promised = roles.coordinator.post(f"/requests/{request}/allocations", json={"device": laptop})
    assert (promised.status_code, promised.json["price_cents"]) == (201, LAPTOP_CENTS)
    refuse_the_departments(roles, room, department)
    fill_the_room(roles, room, [*desktops, *screens], department)

    find_the_appointment(roles, request)
    hand_over(roles, request, laptop)
    tell_the_donor(roles, ref)
    read_passports(world, (laptop, desktops[0], screens[0], department))
    run_jobs()
    report = replay.verify()
    assert (report.devices, report.faults) == (22, [])
