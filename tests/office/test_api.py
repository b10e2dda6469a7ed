"""Printing by programs: an order, its job, its files, and what is refused."""

import io
import json
from typing import Any

import pytest
import sqlalchemy as sa
import zxingcpp
from PIL import Image

from bank import db, work
from bank.identity.models import PersonRole
from bank.office.models import PrintRun
from bank.work import Job, JobState
from tests.factories import World
from tests.scanned import scanned


def runs() -> int:
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(PrintRun)) or 0


def run_jobs() -> None:
    with db.read() as session:
        waiting = session.scalars(sa.select(Job.id).where(Job.state == JobState.WAITING)).all()
    for job_id in waiting:
        work.run(job_id)


def test_an_order_is_a_run_with_its_files(world: World) -> None:
    device, other = world.device(), world.device()
    api = world.api(world.operator)
    asked = {"devices": [device.code, other.code], "sheet": "L7160", "start": 3, "copies": 2}
    made = api.post("/labels", json=asked)
    assert made.status_code == 201, made.json
    run = made.json
    assert run["links"]["pdf"] == f"/api/v1/labels/{run['id']}.pdf"
    assert (run["state"], run["count"], run["made"], run["progress"], run["total"]) == ("done", 2, 2, 2, 2)
    assert (run["kind"], run["next_place"], run["reason"]) == ("devices", 7, None)
    assert made.headers["Location"] == f"/api/v1/labels/{run['id']}"
    path = f"/labels/{run['id']}"
    assert api.get(path).json == run
    pdf = api.get(f"{path}.pdf")
    assert pdf.mimetype == "application/pdf"
    codes = {device.code, other.code}
    assert scanned(pdf.data) == codes | {f"http://localhost/d/{code}" for code in codes}
    assert api.get(f"{path}.zpl").text.count("^XA") == 2
    assert api.get(f"{path}.svg?position=2").text.startswith("<svg")
    assert api.get(f"{path}.svg").text != api.get(f"{path}.svg?position=2").text
    assert seen_in(api.get(f"{path}.png").data) == {device.code, f"http://localhost/d/{device.code}"}
    assert seen_in(api.get(f"{path}.png?position=2").data) == {other.code, f"http://localhost/d/{other.code}"}
    beyond = api.get(f"{path}.png?position=3")
    assert (beyond.status_code, beyond.json["errors"]) == (422, {"position": ["unknown-position"]})
    job = api.get(f"/jobs/{run['job']}").json
    assert (job["state"], job["progress"], job["total"]) == ("done", 2, 2)
    assert job["labels"] == f"/api/v1/labels/{run['id']}"


def seen_in(png: bytes) -> set[str]:
    with Image.open(io.BytesIO(png)) as picture:
        return {each.text for each in zxingcpp.read_barcodes(picture)}


def test_the_same_key_prints_once_and_another_order_under_it_is_refused(world: World) -> None:
    api = world.api(world.operator)
    first = api.post("/labels", key="k", json={"blanks": 2})
    assert api.post("/labels", key="k", json={"blanks": 2}).json == first.json
    assert api.post("/labels", key="k", json={"blanks": 3}).json["code"] == "idempotency-key-reused"
    assert runs() == 1


def test_a_long_order_is_followed_through_its_job(world: World) -> None:
    api = world.api(world.operator)
    run = api.post("/labels", json={"blanks": 501}).json
    assert (run["state"], run["made"]) == ("waiting", 0)
    for kind in ("pdf", "zpl", "png", "svg"):
        early = api.get(f"/labels/{run['id']}.{kind}")
        assert (early.status_code, early.json["code"]) == (409, "not-drawn-yet"), kind
    assert api.get(f"/jobs/{run['job']}").json["state"] == "waiting"
    run_jobs()
    assert api.get(f"/jobs/{run['job']}").json["state"] == "done"
    assert api.get(f"/labels/{run['id']}").json["made"] == 501
    assert api.get(f"/labels/{run['id']}.pdf").data.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"labels": ["nothing-chosen"]}),
        ({"blanks": 1, "unprinted": True}, {"labels": ["nothing-chosen"]}),
        ({"blanks": 0}, {"labels": ["no-label"]}),
        ({"blanks": 1_000_001}, {"labels": ["too-many-labels"]}),
        ({"blanks": 1, "sheet": "A4"}, {"sheet": ["unknown-sheet"]}),
        ({"blanks": 1, "start": 22}, {"start": ["start-outside-sheet"]}),
        ({"blanks": 1, "copies": 21}, {"copies": ["copies-out-of-range"]}),
        ({"blanks": 1, "printer": 99}, {"printer": ["unknown-printer"]}),
        ({"devices": ["0000000000"]}, {"devices": ["unknown-device"]}),
        ({"devices": ["\x00^XA~"]}, {"devices": ["unknown-device"]}),
        ({"batch": "L-ZZZZZ"}, {"labels": ["no-label"]}),
        ({"places": [99]}, {"places": ["unknown-place"]}),
        ({"unprinted": True}, {"labels": ["no-label"]}),
    ],
)
def test_what_cannot_be_printed(world: World, body: dict[str, Any], errors: dict[str, Any]) -> None:
    answer = world.api(world.operator).post("/labels", json=body)
    assert (answer.status_code, answer.json["errors"]) == (422, errors)
    assert runs() == 0


def test_a_reprint_needs_its_reason(world: World) -> None:
    device, api = world.device(), world.api(world.operator)
    body = {"batch": "L-TEST0"}
    assert api.post("/labels", json=body).status_code == 201
    refused = api.post("/labels", json=body)
    assert refused.json["errors"] == {"reason": ["already-printed"]}
    assert refused.json["printed"] == [device.code]
    again = api.post("/labels", json=body | {"reason": "lost"})
    assert (again.status_code, again.json["reason"]) == (201, "lost")
    assert api.post("/labels", json=body | {"reason": "bored"}).status_code == 422


def test_a_job_is_its_organisation_s(world: World) -> None:
    run = world.api(world.operator).post("/labels", json={"blanks": 1}).json
    for path in (f"/jobs/{run['job']}", f"/labels/{run['id']}", f"/labels/{run['id']}.pdf"):
        assert world.api(world.other_operator).get(path).status_code == 404, path
        assert world.api(world.coordinator).get(path).status_code == 200, path
    desk = world.api(world.person(world.workshop, PersonRole.DESK))
    told = desk.get(f"/jobs/{run['job']}")
    assert (told.status_code, told.json["labels"]) == (200, None), "who may not print learns of no run"
    assert desk.get(f"/labels/{run['id']}").status_code == 403


def test_the_specification_tells_all_of_it(world: World) -> None:
    paths = world.anonymous().get("/api/v1/openapi.json").json["paths"]
    order = paths["/api/v1/labels"]["post"]
    assert {each["name"] for each in order["parameters"]} == {"Idempotency-Key"}
    for kind, media in (("pdf", "application/pdf"), ("zpl", "application/zpl"), ("png", "image/png")):
        content = paths[f"/api/v1/labels/{{run_id}}.{kind}"]["get"]["responses"]["200"]["content"]
        assert list(content) == [media]
    assert "/api/v1/jobs/{job_id}" in paths
    assert "L7160" in json.dumps(paths["/api/v1/labels"]) + json.dumps(
        world.anonymous().get("/api/v1/openapi.json").json["components"]["schemas"]["Order"]
    )
