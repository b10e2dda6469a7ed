"""Scanning in series without scripts, and what the desk's pages are given."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask

from bank.inventory.lifecycle import State
from bank.inventory.models import Category, StepKind
from bank.office import symbols
from bank.scanning import client
from bank.scanning.series_views import TRIAL
from bank.web.pages import CAMERA_CSP, CSP
from tests.factories import World


def test_one_scan_is_one_step_done(world: World) -> None:
    device = world.device(State.IN_WORK, category=Category.ACCESSORY)
    page = world.client(world.operator)
    body = {"code": f"]C0{device.code.lower()}", "idempotency_key": str(uuid4())}
    assert page.post("/scan/series/control", data=body).status_code == 303
    assert page.post("/scan/series/control", data=body).status_code == 303, "a double click is one scan"
    said = page.get("/scan/series/control").get_data(as_text=True)
    assert "Contrôle fait." in said
    again = page.post("/scan/series/control", data=body | {"idempotency_key": str(uuid4())})
    assert again.status_code == 303
    assert "Ce matériel est disponible" in page.get("/scan/series/control").get_data(as_text=True)
    other = world.device(State.IN_WORK)
    refused = page.post("/scan/series/control", data={"code": other.code, "idempotency_key": str(uuid4())})
    assert refused.status_code == 409
    assert "effacement" in refused.get_data(as_text=True).partition('role="alert"')[2][:400]


@pytest.mark.parametrize("step", [step.value for step in StepKind] + ["nothing", "é"])
def test_only_steps_that_ask_nothing_are_done_in_series(world: World, step: str) -> None:
    status = world.client(world.operator).get(f"/scan/series/{step}").status_code
    assert status == (200 if step in client.PLAIN else 404)


def test_steps_that_ask_nothing_are_the_five_of_the_trade() -> None:
    assert {step.value for step in client.PLAIN} == {"power_on", "locks", "marks", "cleaning", "control"}


@pytest.mark.parametrize("code", ["", "x" * 501, "bonjour", "7K3F9RTC2H" * 2])
def test_what_cannot_be_a_scan_is_said_at_its_field_or_above_it(world: World, code: str) -> None:
    body = {"code": code, "idempotency_key": str(uuid4())}
    assert world.client(world.operator).post("/scan/series/cleaning", data=body).status_code == 422


def test_only_pages_that_see_through_a_camera_may_decode_its_picture(world: World) -> None:
    device = world.device(State.IN_WORK)
    page = world.client(world.operator)
    policies = {
        path: page.get(path).headers["Content-Security-Policy"]
        for path in ("/scan", f"/scan/{device.code}", "/scan/series/cleaning", "/scan/setup", "/", "/devices")
    }
    assert [path for path, policy in policies.items() if policy == CAMERA_CSP] == list(policies)[:3]
    assert {policy for path, policy in policies.items() if path not in list(policies)[:3]} == {CSP}
    assert "wasm-unsafe-eval" in CAMERA_CSP
    assert "unsafe-inline" not in CAMERA_CSP


def test_a_page_is_given_words_for_all_that_it_says(world: World) -> None:
    page = world.client(world.operator).get("/scan").get_data(as_text=True)
    found = re.search(r'<script type="application/json" id="desk-data">(.+?)</script>', page)
    assert found
    data = json.loads(found[1])
    script = "".join(path.read_text() for path in sorted(_scripts(world.app)))
    assert set(re.findall(r"\btexts\.(\w+)", script)) <= set(data["texts"])
    assert set(re.findall(r'data\.problems\["([\w-]+)"\]', script)) <= set(data["problems"])
    assert set(re.findall(r"data\.words\.(\w+)", script)) <= set(data["words"])
    for name in [*data["sounds"].values(), data["decoder"]]:
        assert (Path(world.app.root_path) / "web" / name.lstrip("/")).is_file()


def _scripts(app: Flask) -> Iterator[Path]:
    return (Path(app.root_path) / "web/static/js/desk").glob("[cd][ae][ms]*.js")


def test_the_trial_is_drawn_so_that_it_can_be_read() -> None:
    for drawn in (symbols.qr(TRIAL), symbols.code128(TRIAL)):
        assert drawn.path.startswith("M")
        # The white around it is part of the symbol.
        assert min(map(int, re.findall(r"M(\d+) ", drawn.path))) >= symbols.QR_QUIET
        assert max(map(int, re.findall(r"M(\d+) ", drawn.path))) < drawn.width - symbols.QR_QUIET
