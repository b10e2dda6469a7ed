"""The public passport: what was done and when, how it was erased, whom to call, and nothing of anybody."""

from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from bank import db
from bank.identity.models import Organisation
from bank.inventory import actions as drives
from bank.inventory import codes, register
from bank.inventory.actions import DriveSeen, Erasure, Evidence
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import (
    AnnouncedItem,
    Category,
    CodeKind,
    Condition,
    Device,
    DeviceCode,
    DriveFate,
    DriveKind,
    ErasureMethod,
    ErasureResult,
    Grade,
    Label,
    LabelState,
    StepKind,
)
from bank.inventory.queries import Level
from bank.inventory.register import Standing
from bank.inventory.words import WORDS
from tests.factories import World

PHONE = "01 34 00 00 95"
SECRETS = (
    "PF1A2B3C",
    "DRIVESERIAL1",
    "BNPTAG7",
    "BNP",
    "AGOIE",
    "Lou",
    "Samir",
    "RSA",
    "€",
    "L-TEST0",
    "nwipe",
    "R-SECRET",
)


def text(response: Any) -> str:
    return unescape(response.get_data(as_text=True)).replace("\u00a0", " ")


def erase(world: World, device: Standing, *seen: DriveSeen) -> Standing:
    """Record drives as a person at the erasure does."""
    actor = world.operator
    with db.transaction() as session:
        standing = register.look(session, device.code)
        finding = drives.examine(session, device.device_id, Evidence(seen), db.utcnow())
        after = register.move(
            session,
            actor,
            standing,
            Move.PASS,
            to={"open_drives": finding.open_drives, "step_id": standing.next_step_id},
            facts={"step": "erasure"},
        )
        drives.record(session, actor, device.device_id, finding, register.last_entry(session, after))
        return register.look(session, device.code)


def ssd(method: ErasureMethod, serial: str) -> DriveSeen:
    return DriveSeen(
        DriveKind.SSD, serial, 256, erasure=Erasure(method, "nwipe", "0.36", ErasureResult.PASSED)
    )


@pytest.fixture
def phone(world: World) -> str:
    """The bank with a number of its own."""
    bank_id = world.bank
    with db.transaction() as session:
        session.execute(sa.update(Organisation).where(Organisation.id == bank_id).values(phone=PHONE))
    return PHONE


def test_every_step_and_level_has_its_words() -> None:
    assert set(WORDS["deed"]) == set(StepKind)
    assert set(WORDS["level"]) == set(Level)


def test_it_tells_what_was_done_when_and_how_each_drive_was_erased(world: World, phone: str) -> None:
    with db.as_of(datetime(2026, 11, 3, 10, tzinfo=UTC)):
        device = world.device(State.IN_WORK)
    with db.as_of(datetime(2026, 11, 14, 10, tzinfo=UTC)):
        erased = erase(
            world,
            device,
            ssd(ErasureMethod.PURGE_NVME_SANITIZE, "S1"),
            ssd(ErasureMethod.CLEAR_OVERWRITE, "S2"),
            ssd(ErasureMethod.CLEAR_OVERWRITE, "S3"),
            DriveSeen(DriveKind.HDD, "S4", 500, fate=DriveFate.DESTROYED),
        )
    supervisor = world.supervisor
    with db.as_of(datetime(2026, 11, 15, 10, tzinfo=UTC)), db.transaction() as session:
        register.move(session, supervisor, erased, Move.FINISH, facts={"step": "control"})
    page = text(world.anonymous().get(f"/d/{device.code}"))
    told = page.partition("<main")[2].partition("</main")[0]
    for said in (
        "Réceptionné",
        "3 nov. 2026",
        "Données effacées",
        "14 nov. 2026",
        "Contrôlé par une seconde personne",
        "15 nov. 2026",
        "Un disque effacé, niveau Purge",
        "2 disques effacés, niveau Clear",
        "Un disque retiré ou détruit",
        phone,
        "Vous avez trouvé cet appareil ?",
    ):
        assert said in told, said
    assert 'href="tel:0134000095"' in told


def test_nothing_leaks_not_even_in_the_source(world: World, phone: str) -> None:
    _people = (world.coordinator, world.donor_user)
    device = world.device(State.IN_WORK, donor=world.bnp)
    erase(world, device, ssd(ErasureMethod.CLEAR_OVERWRITE, "DRIVESERIAL1"))
    donor_id, operator = world.bnp, world.operator
    with db.transaction() as session:
        session.execute(
            sa.update(Device).where(Device.id == device.device_id).values(maker="Lenovo", model="T480")
        )
        session.add(DeviceCode(device_id=device.device_id, kind=CodeKind.SERIAL, value="PF1A2B3C"))
        session.add(DeviceCode(device_id=device.device_id, kind=CodeKind.ASSET_TAG, value="BNPTAG7"))
        session.add(Condition(device_id=device.device_id, grade=Grade.B, battery_percent=81))
        session.add(
            AnnouncedItem(
                donor_id=donor_id,
                batch_ref="L-TEST0",
                key="PF1A2B3C",
                row=12,
                category=Category.LAPTOP,
                serial="PF1A2B3C",
                device_id=device.device_id,
            )
        )
        standing = register.look(session, device.code)
        ready = register.move(session, operator, standing, Move.FINISH, facts={"step": "control"})
        register.move(
            session,
            operator,
            ready,
            Move.RESERVE,
            facts={"request": "R-SECRET", "allocation": 1},
        )
    for language in ("fr", "en"):
        client = world.anonymous()
        source = client.get(f"/d/{device.code}", headers={"Accept-Language": language}).get_data(as_text=True)
        assert "Lenovo" in source
        assert [secret for secret in SECRETS if secret in source] == []


def test_it_speaks_english(world: World, phone: str) -> None:
    device = world.device(State.IN_WORK)
    erase(world, device, ssd(ErasureMethod.CLEAR_OVERWRITE, "S1"))
    page = text(world.anonymous().get(f"/d/{device.code}", headers={"Accept-Language": "en"}))
    assert '<html lang="en">' in page
    assert "Have you found this device?" in page
    assert phone in page
    assert "Erased" in page or "erased" in page


def test_a_device_without_drive_and_one_not_erased_say_so(world: World) -> None:
    screen, laptop = world.device(category=Category.SCREEN), world.device()
    assert "sans disque : aucune donnée" in text(world.anonymous().get(f"/d/{screen.code}"))
    page = text(world.anonymous().get(f"/d/{laptop.code}"))
    assert "données pas encore effacées" in page
    assert "Un disque effacé" not in page


def test_a_second_round_of_work_says_its_own_dates(world: World) -> None:
    with db.as_of(datetime(2026, 10, 1, 10, tzinfo=UTC)):
        device = world.device(State.READY, category=Category.SCREEN)
    supervisor = world.supervisor
    with db.as_of(datetime(2026, 11, 2, 10, tzinfo=UTC)), db.transaction() as session:
        step_id = world._step(session, Category.SCREEN, 1)
        standing = register.look(session, device.code)
        again = register.move(session, supervisor, standing, Move.RECHECK, to={"step_id": step_id})
        register.move(session, supervisor, again, Move.FINISH, facts={"step": "control"})
    page = text(world.anonymous().get(f"/d/{device.code}"))
    assert page.count("2 nov. 2026") == 2


@pytest.mark.parametrize("kind", ["unknown", "void", "blank", "nonsense"])
def test_a_label_that_leads_nowhere_says_what_to_do_and_whom_to_call(
    world: World, phone: str, kind: str
) -> None:
    code = {"nonsense": "ABC", "unknown": codes.mint()}.get(kind, codes.mint())
    if kind in ("void", "blank"):
        organisation_id = world.workshop
        with db.transaction() as session:
            session.add(Label(code=code, state=LabelState(kind), organisation_id=organisation_id))
    answer = world.anonymous().get(f"/d/{code}")
    assert answer.status_code == 404
    page = text(answer)
    assert phone in page
    assert "Dites ce qui est écrit sur l’étiquette" in page


def test_a_bank_without_a_number_still_says_whom_to_tell(world: World) -> None:
    device = world.device()
    page = text(world.anonymous().get(f"/d/{device.code}"))
    assert "Prévenez" in page
    assert "tel:" not in page
