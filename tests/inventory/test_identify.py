"""Which thing a device is: its codes, and the one row of the donor's file that is tied to it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from bank import db, journal
from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.inventory import codes, identify, replay
from bank.inventory.identify import Identified, Identity
from bank.inventory.lifecycle import State
from bank.inventory.models import AnnouncedItem, Category, CodeKind, Device, DeviceCode
from bank.inventory.register import Standing
from bank.inventory.words import WORDS
from tests.factories import World

IMEI, OTHER_IMEI = "490154203237518", "356938035643809"


def announce(world: World, row: int, **values: Any) -> int:
    """One row of BNP's file for the batch that the tests' devices are of."""
    donor_id = world.bnp
    with db.transaction() as session:
        item = AnnouncedItem(
            donor_id=donor_id,
            batch_ref=values.pop("batch_ref", "L-TEST0"),
            key=str(values.get("serial") or values.get("asset_tag") or values.get("imei") or row),
            row=row,
            category=values.pop("category", Category.LAPTOP),
            **values,
        )
        session.add(item)
        session.flush()
        return item.id


def tell(actor: Actor, standing: Standing, **read: str | None) -> Identified:
    with db.transaction() as session:
        return identify.identify(session, actor, standing.code, Identity(**read))


@contextmanager
def refused(code: Code) -> Iterator[Refusal]:
    with pytest.raises(Refusal) as caught:
        yield caught  # type: ignore[misc]  # read after the block
    assert caught.value.code is code


def known(standing: Standing) -> tuple[str, str, dict[str, str], int | None]:
    with db.read() as session:
        device = session.get_one(Device, standing.device_id)
        rows = session.scalars(sa.select(DeviceCode).where(DeviceCode.device_id == standing.device_id))
        found = {row.kind.value: row.value for row in rows}
        row = session.scalar(
            sa.select(AnnouncedItem.row).where(AnnouncedItem.device_id == standing.device_id)
        )
        return device.maker, device.model, found, row


def entries(standing: Standing) -> list[dict[str, Any]]:
    with db.read() as session:
        return [
            json.loads(facts)
            for facts in session.scalars(
                sa.select(journal.Entry.facts).where(
                    journal.Entry.kind == "device.describe", journal.Entry.subject_id == standing.device_id
                )
            )
        ]


def text(response: Any) -> str:
    return unescape(response.get_data(as_text=True)).replace("\u00a0", " ")


def test_every_fault_has_its_words() -> None:
    assert set(WORDS["device_identity_fault"]) == {
        "unreadable",
        "placeholder",
        "scientific",
        "imei-wrong",
        "other-row",
    }


def test_a_serial_finds_its_row_and_the_row_fills_the_rest(world: World) -> None:
    item = announce(world, 7, serial="PF1A2B3C", asset_tag="BNP-0042", maker="Lenovo", model="ThinkPad T480")
    device = world.device()
    assert tell(world.operator, device, serial=" pf1a 2b3c ").row == 7
    assert known(device) == ("Lenovo", "ThinkPad T480", {"serial": "PF1A2B3C", "asset_tag": "BNP-0042"}, 7)
    assert entries(device) == [{"codes": ["asset_tag", "serial"], "item": item, "set": {}}]
    assert replay.verify().faults == []


def test_what_somebody_read_is_worth_more_than_what_was_announced(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C", maker="Lenovo", model="T470")
    device = world.device()
    tell(world.operator, device, serial="PF1A2B3C", model="T480")
    assert known(device)[:2] == ("Lenovo", "T480")


@pytest.mark.parametrize(
    ("announced", "read"),
    [
        ({"asset_tag": "INV42"}, {"asset_tag": "inv 42"}),
        ({"imei": IMEI}, {"imei": "49-015420-323751-8"}),
        ({"imei": IMEI[:14]}, {"imei": IMEI}),
    ],
)
def test_an_asset_tag_or_an_imei_finds_its_row_too(
    world: World, announced: dict[str, str], read: dict[str, str]
) -> None:
    announce(world, 3, category=Category.SMARTPHONE, **announced)
    device = world.device(category=Category.SMARTPHONE)
    assert tell(world.operator, device, **read).row == 3


def test_the_same_again_changes_nothing(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C")
    device = world.device()
    for _ in range(2):
        tell(world.operator, device, serial="PF1A2B3C", maker="Lenovo")
    assert len(entries(device)) == 1


def test_one_row_is_one_device(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C")
    first, second = world.device(), world.device()
    tell(world.operator, first, serial="PF1A2B3C")
    with refused(Code.ROW_TAKEN) as caught:
        tell(world.operator, second, serial="PF1A2B3C")
    assert caught.value.facts == {"row": 7, "device": first.code}  # type: ignore[attr-defined]
    assert known(second) == ("", "", {}, None)


def test_a_row_of_another_batch_is_not_looked_at(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C", batch_ref="L-AUTRE")
    assert tell(world.operator, world.device(), serial="PF1A2B3C").row is None


def test_a_wrong_serial_can_be_put_right(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C")
    announce(world, 8, serial="PF9Z8Y7X")
    first, second = world.device(), world.device()
    tell(world.operator, first, serial="PF1A2B3C")
    assert tell(world.operator, first, serial="PF9Z8Y7X").row == 8
    assert tell(world.operator, second, serial="PF1A2B3C").row == 7
    assert tell(world.operator, second, serial="").row is None
    assert known(second)[2:] == ({}, None)


def test_codes_of_two_rows_on_one_device_are_told(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C", asset_tag="INV7")
    announce(world, 8, serial="PF9Z8Y7X", asset_tag="INV8")
    device = world.device()
    with refused(Code.INVALID) as caught:
        tell(world.operator, device, serial="PF1A2B3C", asset_tag="INV8")
    assert caught.value.facts == {"errors": {"asset_tag": ["other-row"]}}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("serial", "To Be Filled By O.E.M.", "placeholder"),
        ("serial", "0000000", "placeholder"),
        ("serial", "6.37E+15", "scientific"),
        ("serial", "A" * 61, "unreadable"),
        ("serial", "AB\x00CD", "unreadable"),
        ("asset_tag", "None", "placeholder"),
        ("imei", "490154203237519", "imei-wrong"),
        ("imei", "12345", "imei-wrong"),
        ("maker", "x" * 61, "unreadable"),
        ("model", "a\ud800", "unreadable"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(field: str, value: str, fault: str) -> None:
    assert identify.faults(Identity(**{field: value})) == {field: [fault]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("serial", "1920563412345"),
        # Thirteen digits that begin like a number of social security: a serial all the same.
        ("serial", "2690549588157"),
        ("asset_tag", "12"),
        ("imei", IMEI),
        ("imei", OTHER_IMEI),
    ],
)
def test_real_numbers_pass(field: str, value: str) -> None:
    assert identify.faults(Identity(**{field: value})) == {}


def test_only_who_holds_a_device_says_what_it_is(world: World) -> None:
    device = world.device()
    with refused(Code.NOT_FOUND):
        tell(world.other_operator, device, serial="PF1A2B3C")
    with refused(Code.NOT_ALLOWED):
        tell(world.donor_user, device, serial="PF1A2B3C")


def test_what_was_handed_over_is_described_no_more(world: World) -> None:
    with refused(Code.ILLEGAL_MOVE):
        tell(world.supervisor, world.device(State.HANDED_OVER), serial="PF1A2B3C")


def test_two_people_at_once_tie_one_row_once(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C")
    devices, actor = [world.device(), world.device()], world.operator
    start, won, lost = threading.Barrier(2), [], []

    def race(device: Standing) -> None:
        with world.app.app_context():
            start.wait()
            try:
                won.append(tell(actor, device, serial="PF1A2B3C").row)
            except Refusal as refusal:
                lost.append(refusal.code)

    threads = [threading.Thread(target=race, args=(device,)) for device in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (won, lost) == ([7], [Code.ROW_TAKEN])
    assert replay.verify().faults == []


# ---- its page and its resource ----


def test_the_scan_of_a_barcode_is_all_it_takes(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C", asset_tag="BNP-0042", maker="Lenovo", model="T480")
    device, client = world.device(), world.client(world.operator)
    assert "Noter son numéro de série" in text(client.get(f"/devices/{device.code}"))
    form = text(client.get(f"/devices/{device.code}/identity"))
    assert "autofocus" in form
    assert "IMEI" not in form
    answer = client.post(
        f"/devices/{device.code}/identity", data={"serial": "pf1a2b3c"}, follow_redirects=True
    )
    page = text(answer)
    assert "Reconnu : ligne 7 du fichier du donateur." in page
    assert "Ordinateur portable Lenovo T480" in page
    assert "Dans le fichier du donateur" in page
    assert "BNP-0042" in page
    assert device.code in text(client.get("/devices?q=pf1a2"))
    assert device.code in text(client.get("/devices?q=bnp-0042"))


def test_a_phone_is_asked_for_its_imei_and_found_by_it(world: World) -> None:
    device, client = world.device(category=Category.SMARTPHONE), world.client(world.operator)
    assert "IMEI" in text(client.get(f"/devices/{device.code}/identity"))
    client.post(f"/devices/{device.code}/identity", data={"imei": IMEI})
    assert known(device)[2] == {"imei": IMEI}
    assert device.code in text(client.get(f"/devices?q={IMEI}"))


def test_a_fault_is_told_at_its_field_with_what_was_typed(world: World) -> None:
    device, client = world.device(), world.client(world.operator)
    answer = client.post(
        f"/devices/{device.code}/identity", data={"serial": "System Serial Number", "model": "T480"}
    )
    assert answer.status_code == 422
    page = text(answer)
    assert "Ce n’est pas un vrai numéro" in page
    assert 'value="System Serial Number"' in page
    assert 'value="T480"' in page


def test_the_second_of_two_is_told_which_device_has_the_row(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C")
    first, second = world.device(), world.device()
    tell(world.operator, first, serial="PF1A2B3C")
    answer = world.client(world.operator).post(
        f"/devices/{second.code}/identity", data={"serial": "PF1A2B3C"}
    )
    assert answer.status_code == 422
    page = text(answer)
    assert "déjà reliée à un autre matériel" in page
    assert "Ligne 7" in page
    assert codes.grouped(first.code) in page


def test_the_api_says_what_a_device_is(world: World) -> None:
    announce(world, 7, serial="PF1A2B3C", maker="Lenovo", model="T480")
    device, api = world.device(), world.api(world.operator)
    told = api.post(f"/devices/{device.code}/identity", json={"serial": "pf1a2b3c"})
    assert told.status_code == 200
    assert (told.json["maker"], told.json["announced"]["row"]) == ("Lenovo", 7)
    assert told.json["codes"] == [{"kind": CodeKind.SERIAL.value, "value": "PF1A2B3C"}]
    assert told.json == api.get(f"/devices/{device.code}").json
    other = world.device()
    again = api.post(f"/devices/{other.code}/identity", json={"serial": "PF1A2B3C"})
    assert (again.status_code, again.json["code"], again.json["row"]) == (409, "row-taken", 7)
    wrong = api.post(f"/devices/{other.code}/identity", json={"serial": "None"})
    assert (wrong.status_code, wrong.json["errors"]) == (422, {"serial": ["placeholder"]})
    assert world.api(world.other_operator).post(
        f"/devices/{device.code}/identity", json={"serial": "X123456"}
    ).status_code in {403, 404}
