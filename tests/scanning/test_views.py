"""The scan desk and the passport, as pages."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from bank import db, journal
from bank.inventory import codes, register
from bank.inventory.lifecycle import State
from bank.inventory.models import (
    CodeKind,
    DeviceCode,
    Drive,
    ErasureProof,
    Label,
    LabelState,
)
from bank.inventory.register import Standing
from tests.factories import World

ERASED = {
    "drives-0-kind": "ssd",
    "drives-0-serial": "SN-0042",
    "drives-0-size_gb": "256",
    "drives-0-ending": "passed",
    "drives-0-method": "purge_ata_sanitize",
    "drives-0-tool": "nwipe",
    "drives-0-tool_version": "0.37",
}


def text(answer: Any) -> str:
    """What the page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def now(standing: Standing) -> Standing:
    with db.read() as session:
        return register.look(session, standing.code)


def done(client: FlaskClient, device: Standing, station: str, **fields: str) -> Any:
    """Press the button of the device's page."""
    sent = {"idempotency_key": str(uuid4()), "station": station, **fields}
    return client.post(f"/scan/{device.code}", data=sent)


def test_a_laptop_goes_through_the_desk_in_plain_words(world: World) -> None:
    client, device = world.client(world.operator), world.device()
    desk = client.get("/scan")
    assert desk.status_code == 200
    assert "autofocus" in desk.text

    scanned = client.post("/scan", data={"code": device.code.lower()})
    assert (scanned.status_code, scanned.location) == (303, f"/scan/{device.code}")
    page = client.get(scanned.location)
    assert "Étape : effacement" in text(page)
    assert "C’est fait" in text(page)

    answer = done(client, device, "erasure", **ERASED)
    assert (answer.status_code, answer.location) == (303, "/scan")
    desk = client.get("/scan")
    assert "Effacement fait. Étape suivante : contrôle." in text(desk)
    assert 'role="status"' in desk.text

    second = world.client(world.supervisor)
    done(second, device, "control")
    desk = second.get("/scan")
    assert "Contrôle fait. Cet ordinateur portable est disponible." in text(desk)
    assert codes.grouped(device.code) in text(desk).replace("\u00a0", " ")
    assert now(device).state is State.READY


def test_the_proof_that_was_typed_is_the_one_that_is_kept(world: World) -> None:
    device = world.device(State.IN_WORK)
    done(world.client(world.operator), device, "erasure", **ERASED)
    with db.read() as session:
        drive = session.scalars(sa.select(Drive).where(Drive.device_id == device.device_id)).one()
        proof = session.scalars(sa.select(ErasureProof)).one()
    assert (drive.kind, drive.serial, drive.size_gb) == ("ssd", "SN-0042", 256)
    assert (proof.method, proof.tool, proof.tool_version, proof.result) == (
        "purge_ata_sanitize",
        "nwipe",
        "0.37",
        "passed",
    )


def test_a_failed_erasure_is_noted_and_said_without_blame(world: World) -> None:
    client, device = world.client(world.operator), world.device(State.IN_WORK)
    done(client, device, "erasure", **ERASED | {"drives-0-ending": "failed"})
    assert "C’est noté. Un disque n’est pas encore effacé." in text(client.get("/scan"))
    assert now(device).open_drives == 1
    # The next form starts from what is known, but for the result.
    page = client.get(f"/scan/{device.code}")
    assert 'value="SN-0042"' in page.text
    assert 'value="nwipe"' in page.text
    checked = set(re.findall(r'<input checked[^>]*value="(\w+)"', page.text))
    assert checked == {"ssd", "purge_ata_sanitize"}


def test_no_drive_is_a_box_that_somebody_ticks(world: World) -> None:
    device = world.device(State.IN_WORK)
    done(world.client(world.operator), device, "erasure", no_drive="y")
    assert now(device).open_drives == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Répondez à cette question."),
        ({"drives-0-kind": "ssd"}, "Répondez à cette question."),
        (ERASED | {"drives-0-tool": "  "}, "Répondez à cette question."),
        (ERASED | {"drives-0-ending": "eaten"}, "Répondez à cette question."),
        (ERASED | {"no_drive": "y"}, "Vous avez aussi décrit un disque."),
        (ERASED | {"drives-0-size_gb": "beaucoup"}, "À corriger"),
        (ERASED | {"drives-0-serial": "A\x00B"}, "Retirez les signes"),
        (
            ERASED | {key.replace("0", "1", 1): value for key, value in ERASED.items()},
            "Deux disques portent le même numéro de série.",
        ),
    ],
)
def test_a_proof_that_is_not_whole_comes_back_with_what_was_typed(
    world: World, fields: dict[str, str], said: str
) -> None:
    device = world.device(State.IN_WORK)
    answer = done(world.client(world.operator), device, "erasure", **fields)
    assert answer.status_code == 422
    assert said in text(answer)
    assert 'class="error-summary"' in answer.text
    assert now(device) == device
    if "drives-0-tool" in fields and fields["drives-0-tool"].strip():
        assert 'value="nwipe"' in answer.text


def test_a_drive_that_was_taken_out_needs_no_tool(world: World) -> None:
    device = world.device(State.IN_WORK)
    answer = done(
        world.client(world.operator),
        device,
        "erasure",
        **{"drives-0-kind": "hdd", "drives-0-ending": "removed"},
    )
    assert answer.status_code == 303
    assert now(device).open_drives == 0


def test_a_double_click_is_one_scan(world: World) -> None:
    client, device = world.client(world.operator), world.device(State.IN_WORK)
    sent = {"idempotency_key": str(uuid4()), "station": "erasure", "no_drive": "y"}
    for _ in range(2):
        assert client.post(f"/scan/{device.code}", data=sent).status_code == 303
    assert now(device).step_kind == "control"
    assert now(device).seq == device.seq + 1


def test_a_page_left_open_does_not_pass_the_next_step(world: World) -> None:
    client, device = world.client(world.operator), world.device(State.IN_WORK, step=2)
    answer = done(client, device, "erasure", no_drive="y")
    assert answer.status_code == 409
    assert "Étape suivante : contrôle." in text(answer)
    assert now(device) == device


@pytest.mark.parametrize("sent", [{"idempotency_key": "x"}, {"station": "kitchen"}, {"station": ""}])
def test_fields_that_no_page_has_made_are_refused(world: World, sent: dict[str, str]) -> None:
    device = world.device(State.IN_WORK, step=2)
    fields = {"idempotency_key": str(uuid4()), "station": "control"} | sent
    assert world.client(world.operator).post(f"/scan/{device.code}", data=fields).status_code == 400
    assert now(device) == device


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Scannez une étiquette"),
        ("bonjour", "Code illisible"),
        ("7K3F9RTC2H", "Étiquette inconnue"),
    ],
)
def test_a_refused_scan_says_what_to_do_above_a_field_that_is_ready(
    world: World, typed: str, said: str
) -> None:
    typed = codes.mint() if said == "Étiquette inconnue" else typed
    answer = world.client(world.operator).post("/scan", data={"code": typed})
    assert answer.status_code in (404, 422)
    assert said in text(answer)
    assert "autofocus" in answer.text


def test_two_glued_codes_are_refused_on_the_page_too(world: World) -> None:
    one, other = world.device(), world.device()
    answer = world.client(world.operator).post("/scan", data={"code": one.code + other.code})
    assert "Deux codes collés" in text(answer)
    assert (now(one), now(other)) == (one, other)


def test_an_address_typed_by_a_scanner_on_a_french_keyboard_is_read(world: World) -> None:
    device = world.device(State.IN_WORK)
    typed = f"http://localhost/d/{device.code}".lower().translate(
        str.maketrans("1234567890/:", "&é\"'(-è_çà!M")
    )
    answer = world.client(world.operator).post("/scan", data={"code": typed})
    assert answer.location == f"/scan/{device.code}"


@pytest.mark.parametrize("path", ["/scan/{code}", "/d/{code}"])
def test_an_address_is_forgiven_its_case_and_spaces(world: World, path: str) -> None:
    device = world.device(State.IN_WORK)
    client = world.client(world.operator)
    wrong = codes.grouped(device.code).lower()
    answer = client.get(path.format(code=wrong))
    assert (answer.status_code, answer.location) == (302, path.format(code=device.code))


def test_another_workshops_device_is_named_as_such(world: World) -> None:
    device = world.device(State.IN_WORK)
    client = world.client(world.other_operator)
    for answer in (
        client.post("/scan", data={"code": device.code}),
        client.get(f"/scan/{device.code}"),
        done(client, device, "erasure", no_drive="y"),
    ):
        assert answer.status_code == 403
        assert "Matériel d’un autre atelier" in text(answer)
    assert now(device) == device


def test_opening_a_device_that_has_not_begun_changes_nothing(world: World) -> None:
    device = world.device()
    page = world.client(world.operator).get(f"/scan/{device.code}")
    assert "Étape : effacement" in text(page)
    assert now(device) == device


def test_a_device_that_has_not_begun_may_be_erased_from_its_page(world: World) -> None:
    device = world.device()
    done(world.client(world.operator), device, "erasure", **ERASED)
    assert now(device).step_kind == "control"


def test_a_device_that_awaits_no_step_says_what_it_is(world: World) -> None:
    device = world.device(State.READY)
    page = world.client(world.operator).get(f"/scan/{device.code}")
    assert "Ce matériel est disponible." in text(page)
    assert "C’est fait" not in text(page)


def test_the_donors_wish_for_purge_is_said_before_the_erasure(world: World) -> None:
    device = world.device(State.IN_WORK, purge_asked=True)
    assert "effacement Purge" in text(world.client(world.operator).get(f"/scan/{device.code}"))


def test_my_last_scans_are_mine_and_five(world: World) -> None:
    mine, other = world.client(world.operator), world.client(world.supervisor)
    devices = [world.device() for _ in range(6)]
    for device in devices:
        mine.post("/scan", data={"code": device.code})
    shown = mine.get("/scan").text
    assert [f"/scan/{device.code}" in shown for device in devices] == [False] + [True] * 5
    assert devices[-1].code not in other.get("/scan").text


@pytest.mark.parametrize("who", ["donor_user", "coordinator", "prescriber_user", "desk_user"])
def test_the_desk_is_for_those_who_may_scan(world: World, who: str) -> None:
    device, client = world.device(State.IN_WORK), world.client(getattr(world, who))
    assert client.get("/scan").status_code == 403
    assert client.get(f"/scan/{device.code}").status_code == 403
    assert done(client, device, "erasure", no_drive="y").status_code == 403
    assert world.anonymous().get("/scan").status_code == 303


def test_a_form_needs_its_csrf_field(world: World) -> None:
    device = world.device(State.IN_WORK, step=2)
    client = world.client(world.operator, csrf=True)
    assert client.post("/scan", data={"code": device.code}).status_code == 400
    assert done(client, device, "control").status_code == 400
    assert now(device) == device


# --- the passport ---


def test_anyone_reads_what_a_device_is_and_that_it_was_erased(world: World) -> None:
    device = world.device(State.IN_WORK)
    client = world.client(world.operator)
    assert "données pas encore effacées" in text(world.anonymous().get(f"/d/{device.code}"))
    done(client, device, "erasure", **ERASED)
    done(world.client(world.supervisor), device, "control")
    said = text(world.anonymous().get(f"/d/{device.code}"))
    for words in (
        "Ordinateur portable",
        "disponible",
        "données effacées le",
        "contrôlé le",
        "Réceptionné",
    ):
        assert words in said
    assert "Vous avez trouvé cet appareil ?" in said


def test_a_device_without_a_drive_says_so(world: World) -> None:
    device = world.device(State.READY)
    assert "sans disque" in text(world.anonymous().get(f"/d/{device.code}"))


def test_the_passport_tells_no_person_no_serial_no_donor_and_no_price(world: World) -> None:
    device = world.device(State.IN_WORK)
    client = world.client(world.operator)
    with db.transaction() as session:
        session.add(DeviceCode(device_id=device.device_id, kind=CodeKind.SERIAL, value="MAKERSERIAL9"))
        session.add(DeviceCode(device_id=device.device_id, kind=CodeKind.ASSET_TAG, value="BNPTAG7"))
    done(client, device, "erasure", **ERASED)
    done(world.client(world.supervisor), device, "control")
    page = world.anonymous().get(f"/d/{device.code}").text
    for secret in (
        "SN-0042",
        "MAKERSERIAL9",
        "BNPTAG7",
        "BNP",
        "AGOIE",
        "Lou",
        "Atelier ",
        "RSA",
        "€",
        "L-TEST0",
        "nwipe",
    ):
        assert secret not in page, secret


def test_those_who_hold_it_go_from_the_passport_to_the_desk(world: World) -> None:
    device = world.device(State.IN_WORK)
    link = f'href="/scan/{device.code}"'
    assert link in world.client(world.operator).get(f"/d/{device.code}").text
    for visitor in (world.other_operator, world.coordinator, world.donor_user):
        assert link not in world.client(visitor).get(f"/d/{device.code}").text
    assert link not in world.anonymous().get(f"/d/{device.code}").text


def test_a_label_without_a_device_gets_a_page_that_helps(world: World) -> None:
    made, workshop, client = {}, world.workshop, world.anonymous()
    with db.transaction() as session:
        for state in (LabelState.BLANK, LabelState.VOID):
            made[state] = codes.mint()
            session.add(Label(code=made[state], state=state, organisation_id=workshop))
    for code, said in (
        (codes.mint(), "Nous ne connaissons pas cette étiquette."),
        (made[LabelState.BLANK], "encore collée sur aucun matériel"),
        (made[LabelState.VOID], "Cette étiquette ne sert plus."),
        ("bonjour", "Ce code ne se lit pas."),
        ("x" * 300, "Ce code ne se lit pas."),
    ):
        answer = client.get(f"/d/{code}")
        assert answer.status_code == 404
        assert said in text(answer)
        assert "Prévenez" in text(answer)


def test_looking_at_a_passport_writes_nothing(world: World) -> None:
    device = world.device(State.IN_WORK)
    count = sa.select(sa.func.count()).select_from(journal.Entry)
    with db.read() as session:
        before = session.scalar(count)
    world.anonymous().get(f"/d/{device.code}")
    with db.read() as session:
        assert session.scalar(count) == before
