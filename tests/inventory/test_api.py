"""Devices through the API: read-only, within the reach of who asks."""

import pytest

from bank import db
from bank.identity.models import PersonRole
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, CodeKind, DeviceCode
from tests.factories import World


def test_the_list_has_filters_a_search_and_pages(world: World) -> None:
    laptop, screen = world.device(State.IN_WORK), world.device(category=Category.SCREEN)
    with db.transaction() as session:
        session.add(DeviceCode(device_id=laptop.device_id, kind=CodeKind.SERIAL, value="PF1A2B3C"))
    api = world.api(world.operator)

    listed = api.get("/devices").json
    assert [item["code"] for item in listed["items"]] == [screen.code, laptop.code]
    assert (listed["next_cursor"], listed["count"], listed["many"]) == (None, 2, False)
    described = {name: value for name, value in listed["items"][1].items() if name != "created_at"}
    assert described == {
        "code": laptop.code,
        "category": "laptop",
        "maker": "",
        "model": "",
        "state": "in_work",
        "step": "erasure",
        "batch_ref": "L-TEST0",
        "open_drives": 1,
        "blocked": False,
    }
    for query, codes in (
        ("state=in_work", [laptop.code]),
        ("category=screen", [screen.code]),
        ("batch=L-TEST0&category=laptop", [laptop.code]),
        ("q=pf1a", [laptop.code]),
        (f"q={screen.code[:6]}", [screen.code]),
        ("q=%25", []),
        ("q=%5C", []),
        ("q=%00", []),
    ):
        assert [item["code"] for item in api.get(f"/devices?{query}").json["items"]] == codes, query


@pytest.mark.parametrize(
    "query",
    [
        "cursor=abc",
        "cursor=-1",
        "cursor=" + "9" * 30,
        "state=lost",
        "category=car",
        "q=" + "P" * 10_000,
        "batch=" + "L" * 13,
        "colour=red",
    ],
)
def test_a_query_that_means_nothing_is_refused(world: World, query: str) -> None:
    response = world.api(world.operator).get(f"/devices?{query}")
    assert (response.status_code, response.json["code"]) == (422, "invalid")


def test_a_device_is_read_with_its_drives_and_its_journal(world: World) -> None:
    standing = world.device(State.IN_WORK)
    api = world.api(world.operator)

    told = api.get(f"/devices/{standing.code.lower()}").json
    assert (told["code"], told["state"], told["custodian"], told["owner"]) == (
        standing.code,
        "in_work",
        "AGOIE",
        "AGOIE",
    )
    assert [(drive["kind"], drive["open"]) for drive in told["drives"]] == [("unseen", True)]

    journal = api.get(f"/devices/{standing.code}/journal").json
    assert [(line["seq"], line["kind"], line["organisation"]) for line in journal] == [
        (2, "device.enter", "AGOIE"),
        (1, "device.receive", "AGOIE"),
    ]
    assert api.get(f"/devices/{standing.code}/journal?before=2").json == journal[1:]
    assert api.get(f"/devices/{standing.code}/journal?before=x").status_code == 422


def test_a_foreign_device_is_not_found(world: World) -> None:
    standing = world.device()
    stranger = world.api(world.other_operator)
    for path in (standing.code, f"{standing.code}/journal", "nonsense", "%00"):
        response = stranger.get(f"/devices/{path}")
        assert (response.status_code, response.json["code"]) == (404, "not-found"), path
    assert stranger.get("/devices").json["items"] == []


def test_donors_and_prescribers_have_no_business_with_devices(world: World) -> None:
    standing = world.device()
    both = world.person(world.workshop, PersonRole.DONOR)
    for actor in (world.donor_user, world.prescriber_user, both):
        for path in ("/devices", f"/devices/{standing.code}", f"/devices/{standing.code}/journal"):
            assert world.api(actor).get(path).status_code == 403
