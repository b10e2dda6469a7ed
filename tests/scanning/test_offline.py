"""The page that works without network: nobody's, and whole; what a phone installs; what is left to settle."""

import json
import re
from uuid import uuid4

from flask.testing import FlaskClient

from bank.identity.models import PersonRole
from bank.inventory.lifecycle import State
from bank.inventory.models import StepKind
from bank.workshops.models import Problem
from tests.factories import World


def is_there(client: FlaskClient, address: str) -> bool:
    with client.get(address) as answer:
        return answer.status_code == 200


def test_the_page_is_nobodys_and_the_same_for_everybody(world: World) -> None:
    code = world.device(State.IN_WORK).code
    told = [world.client(each).get("/scan/offline") for each in (world.operator, world.supervisor)]
    told.append(world.anonymous().get("/scan/offline"))
    assert [answer.status_code for answer in told] == [200] * 3
    texts = [each.text for each in told]
    assert len(set(texts)) == 1
    for secret in (code, world.operator.name, world.supervisor.name, world.operator.organisation_name):
        assert secret not in texts[0]
    assert "queue-data" not in texts[0]


def test_it_asks_what_every_step_asks(world: World) -> None:
    page = world.anonymous().get("/scan/offline").text
    for step in StepKind:
        assert f'id="tpl-step-{step.value}"' in page
        assert f'id="tpl-problem-{step.value}"' in page
    for name in ("drives-0-kind", "repairs", "os", "check_screen", "grade", "battery", "serial"):
        assert f'name="{name}"' in page, name
    data = json.loads(re.search(r'id="offline-data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert set(data["problems"]) == {problem.value for problem in Problem}
    assert set(data["steps"]) == {step.value for step in StepKind}


def test_the_worker_keeps_that_page_and_what_it_is_made_of(world: World) -> None:
    client = world.anonymous()
    answer = client.get("/sw.js")
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    kept = json.loads(re.search(r"const KEEP = (\[.*?\]);", answer.text)[1])  # type: ignore[index]
    assert kept[0] == "/scan/offline"
    assert len(kept) > 20
    for address in kept:
        assert address == "/scan/offline" or address.startswith("/static/")
        assert is_there(client, address), address
    page = client.get("/scan/offline").text
    for address in re.findall(r'(?:src|href)="(/static/[^"#]+)', page):
        assert address.partition("?")[0] in {each.partition("?")[0] for each in kept}, address
    assert client.get("/sw.js").text == answer.text


def test_it_can_be_installed(world: World) -> None:
    client = world.anonymous()
    answer = client.get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    told = json.loads(answer.text)
    assert (told["start_url"], told["display"]) == ("/scan", "standalone")
    assert {icon["sizes"] for icon in told["icons"]} >= {"192x192", "512x512"}
    for icon in told["icons"]:
        assert is_there(client, icon["src"])
    assert "manifest.webmanifest" in world.anonymous().get("/scan/offline").text


def test_what_is_left_to_settle_is_listed_for_its_author_and_for_who_runs_the_workshop(world: World) -> None:
    device, client = world.device(State.IN_WORK), world.client(world.operator)
    scans = [
        {"scan_id": str(uuid4()), "code": code, "outcome": "done", "station": "grading"}
        for code in (device.code, "rub<b>")
    ]
    assert client.post("/scan/send", json=scans).status_code == 200
    page = client.get("/scan/refused").text
    assert "Ouvrir ce matériel" in page
    assert "rub&lt;\u00a0b&gt;" in page or "rub&lt;" in page
    assert "par une autre personne" not in page
    assert "par une autre personne" in world.client(world.supervisor).get("/scan/refused").text
    colleague = world.client(world.person(world.workshop, PersonRole.OPERATOR))
    assert "Rien à régler" in colleague.get("/scan/refused").text
    assert colleague.post("/scan/refused", data={"scan_id": scans[0]["scan_id"]}).status_code == 404
    assert client.post("/scan/refused", data={"scan_id": "x"}).status_code == 404
    for scan in scans:
        assert client.post("/scan/refused", data={"scan_id": scan["scan_id"]}).status_code == 303
    assert "Rien à régler" in client.get("/scan/refused").text


def test_leaving_says_what_becomes_of_the_scans(world: World) -> None:
    page = world.client(world.operator).get("/scan/leaving").text
    assert 'data-leave="sure"' in page
    assert 'action="/sign-out"' in page
