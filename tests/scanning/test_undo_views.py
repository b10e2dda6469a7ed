"""The button that takes the last scan back, on the desk and on the device's page."""

import re
from typing import Any

from bank.inventory.lifecycle import State
from tests.factories import World
from tests.scanning.test_views import text
from tests.workshops.test_undo import now, scanned


def offered(page: Any) -> tuple[str, dict[str, str]] | None:
    """The form that takes a scan back: its address and its fields."""
    form = re.search(r'action="(/scan/\w+/undo)">(.*?)</form>', page.text, re.DOTALL)
    if form is None:
        return None
    fields = dict(re.findall(r'name="(\w+)"[^>]*value="([^"]*)"', form[2]))
    return form[1], fields


def test_the_last_scan_is_taken_back_by_one_button(world: World) -> None:
    device, client = world.device(State.IN_WORK, step=2), world.client(world.operator)
    assert offered(client.get("/scan")) is None
    scanned(world.api(world.operator), device.code)
    found = offered(client.get("/scan"))
    assert found is not None
    address, fields = found
    assert address == f"/scan/{device.code}/undo"
    for _twice in range(2):
        answer = client.post(address, data=fields)
        assert (answer.status_code, answer.location) == (303, "/scan")
    shown = text(client.get("/scan"))
    assert "C’est annulé. Ce matériel est de nouveau à l’étape contrôle." in shown
    assert offered(client.get("/scan")) is None
    assert now(device).state is State.IN_WORK


def test_who_looked_a_device_in_can_let_it_out_on_its_page(world: World) -> None:
    device, client = world.device(), world.client(world.operator)
    client.post("/scan", data={"code": device.code})
    found = offered(client.get(f"/scan/{device.code}"))
    assert found is not None
    client.post(found[0], data=found[1])
    assert now(device).state is State.RECEIVED
    assert "de nouveau réceptionné" in text(client.get("/scan"))


def test_what_cannot_be_taken_back_says_why(world: World) -> None:
    device, client = world.device(State.IN_WORK, step=2), world.client(world.operator)
    scanned(world.api(world.operator), device.code)
    found = offered(client.get("/scan"))
    assert found is not None
    supervisor = world.client(world.supervisor)
    supervisor.post(f"/workshop/devices/{device.code}/exits/recheck", data={"reason": "fault_seen"})
    answer = client.post(
        found[0], data=found[1] | {"idempotency_key": "5b0f6d0e-0000-4000-8000-00000000000c"}
    )
    assert answer.status_code == 409
    assert "Autre chose a été fait depuis" in text(answer)
    assert client.post(found[0], data={"idempotency_key": "x", "undoes": "y"}).status_code == 400
