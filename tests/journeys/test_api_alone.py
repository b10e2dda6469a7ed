"""The thin path by programs alone: from a batch typed by hand to a signed hand-over, with tokens."""

from uuid import uuid4

from bank.inventory import replay
from bank.inventory.models import Category
from bank.workshops.rules import FUNCTIONS
from tests.factories import ApiClient, World, today
from tests.scanned import scanned

SSD = {
    "kind": "ssd",
    "serial": "S3Z9NB0K123456",
    "size_gb": 256,
    "method": "purge_ata_sanitize",
    "tool": "hdparm",
    "tool_version": "9.65",
    "result": "passed",
}
# What each step of a laptop's route takes down; the control comes last, by somebody else.
STEPS: dict[str, dict[str, object]] = {
    "power_on": {"serial": "PF1ABCDE", "maker": "Lenovo", "model": "ThinkPad T480"},
    "locks": {},
    "erasure": {"drives": [SSD]},
    "marks": {},
    "repair": {"repairs": ["ram"]},
    "install": {"os": "linux_mint_22"},
    "functional": {"checks": {function.value: "passed" for function in FUNCTIONS[Category.LAPTOP]}},
    "cleaning": {},
    "grading": {"grade": "b", "battery": 82},
}


def scan(who: ApiClient, code: str, station: str, **facts: object) -> dict[str, object]:
    """One step is done, and sent twice."""
    body = {
        "scan_id": str(uuid4()),
        "code": code,
        "station": station,
        "outcome": "done",
        "facts": facts or None,
    }
    answer = who.post("/scans", json=body)
    assert who.post("/scans", json=body).status_code == answer.status_code
    return dict(answer.json)


def work(operator: ApiClient, supervisor: ApiClient, code: str) -> None:
    """The operator does every step but the control, which is somebody else's."""
    for station, facts in STEPS.items():
        assert scan(operator, code, station, **facts).get("outcome") == "passed", station
    assert scan(operator, code, "control")["code"] == "same-person"
    assert scan(supervisor, code, "control")["state"] == "ready"


def test_one_laptop_from_the_donor_to_its_new_owner(world: World) -> None:
    world.whole_routes()
    world.programme_rsa()
    coordinator = world.api(world.coordinator)

    batch = coordinator.post(
        "/batches",
        json={
            "donor_id": world.bnp,
            "workshop_id": world.workshop,
            "legal_basis": "private_gift",
            "agreed_on": today().isoformat(),
            "lines": [{"category": "laptop", "announced": 2}],
        },
    )
    assert batch.status_code == 201
    ref = batch.json["ref"]
    assert batch.headers["Location"].endswith(f"/api/v1/batches/{ref}")

    supervisor = world.api(world.supervisor)
    received = supervisor.post(
        f"/batches/{ref}/reception", json={"lines": [{"category": "laptop", "received": 2}]}
    )
    assert received.status_code == 201
    codes = received.json["codes"]
    assert len(codes) == 2

    run = supervisor.post("/labels", json={"batch": ref})
    assert run.status_code == 201, run.json
    sheet = supervisor.get(run.json["links"]["pdf"].removeprefix("/api/v1"))
    assert sheet.content_type == "application/pdf"
    assert scanned(sheet.data) == {*codes, *(f"http://localhost/d/{code}" for code in codes)}

    first = codes[0]
    work(world.api(world.operator), supervisor, first)

    prescriber = world.api(world.prescriber_user)
    made = prescriber.post(
        "/requests",
        json={
            "programme": "RSA",
            "lines": [{"category": "laptop", "quantity": 1}],
            "person_name": "Jeanne Exemple",
            "contact": "01 99 00 12 34",
            "proof": "rsa_certificate",
            "proof_day": today().isoformat(),
            "proof_seen": True,
        },
    )
    assert made.status_code == 201, made.json
    request = made.json["ref"]

    quote = coordinator.get("/quote", query_string={"request": request, "device": first})
    assert (quote.json["ok"], quote.json["price_cents"]) == (True, 2_000)
    unready = coordinator.post(f"/requests/{request}/allocations", json={"device": codes[1]})
    assert (unready.status_code, unready.json["code"]) == (409, "illegal-move")
    allocated = coordinator.post(f"/requests/{request}/allocations", json={"device": first})
    assert allocated.status_code == 201, allocated.json

    desk = world.api(world.desk_user)
    body = {"request": request, "devices": [first], "payment": "cash", "signature": "on_paper"}
    short = desk.post("/handovers", json=body | {"paid_cents": 1_000})
    assert (short.status_code, short.json["code"]) == (422, "payment-mismatch")
    handed = desk.post("/handovers", json=body | {"paid_cents": 2_000})
    assert handed.status_code == 201, handed.json
    assert desk.get(f"/requests/{request}").json["state"] == "handed_over"

    passport = world.anonymous().get(f"/d/{first}")
    assert passport.status_code == 200
    for secret in ("S3Z9NB0K123456", "Jeanne", "RSA", "BNP", "20,00"):
        assert secret not in passport.text

    story = [entry["kind"] for entry in coordinator.get(f"/devices/{first}/journal").json]
    moves = ["receive", "enter", "describe", *["pass"] * len(STEPS), "finish", "reserve", "hand_over"]
    assert sorted(story) == sorted(f"device.{move}" for move in moves)
    assert replay.verify().faults == []
