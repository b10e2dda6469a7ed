"""The thin path by programs alone: from a batch typed by hand to a signed hand-over, with tokens."""

from uuid import uuid4

from bank.inventory import replay
from tests.factories import World, today
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


def test_one_laptop_from_the_donor_to_its_new_owner(world: World) -> None:
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

    sheet = supervisor.get(f"/batches/{ref}/labels.pdf")
    assert sheet.content_type == "application/pdf"
    assert scanned(sheet.data) == {*codes, *(f"http://localhost/d/{code}" for code in codes)}

    operator = world.api(world.operator)

    def scan(code: str, station: str, **facts: object) -> dict[str, object]:
        body = {
            "scan_id": str(uuid4()),
            "code": code,
            "station": station,
            "outcome": "done",
            "facts": facts or None,
        }
        answer = operator.post("/scans", json=body)
        assert answer.status_code == 200, answer.json
        again = operator.post("/scans", json=body)
        assert again.json == answer.json
        return dict(answer.json)

    first = codes[0]
    assert scan(first, "erasure", drives=[SSD])["step"] == "control"
    assert scan(first, "control")["state"] == "ready"

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
    assert sorted(story) == sorted(
        f"device.{move}" for move in ("receive", "enter", "pass", "finish", "reserve", "hand_over")
    )
    assert replay.verify().faults == []
