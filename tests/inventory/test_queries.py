"""Who sees which device, how one is found, what its page and its public passport tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bank import db
from bank.actor import Actor
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity.models import PersonRole
from bank.inventory import codes, queries, register
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import (
    Category,
    CodeKind,
    Device,
    DeviceCode,
    Drive,
    ErasureMethod,
    ErasureProof,
    ErasureResult,
    Label,
    LabelState,
    StepKind,
)
from bank.inventory.queries import Filters, Stage
from bank.inventory.register import Standing
from tests.factories import World


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that the block sends to the database, but for those that open a unit of work."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            sent.append(statement)

    event.listen(db.db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.db.engine, "before_cursor_execute", note)


def listed(actor: Actor, filters: Filters | None = None, **kwargs: int) -> list[str]:
    with db.read() as session:
        page = queries.devices(session, actor, filters or Filters(), **kwargs)
    return [device.code for device in page.devices]


def found(actor: Actor, q: str) -> list[str]:
    return listed(actor, Filters(q=q))


def give_code(standing: Standing, value: str, kind: CodeKind = CodeKind.SERIAL) -> None:
    with db.transaction() as session:
        session.add(DeviceCode(device_id=standing.device_id, kind=kind, value=value))


def erase(
    standing: Standing,
    actor: Actor,
    *,
    result: ErasureResult = ErasureResult.PASSED,
    method: ErasureMethod = ErasureMethod.PURGE_NVME_SANITIZE,
) -> None:
    """A proof on the device's drive, under a real entry."""
    passed = result is ErasureResult.PASSED
    with db.transaction() as session:
        drive_id = session.scalars(sa.select(Drive.id).where(Drive.device_id == standing.device_id)).one()
        after = register.move(session, actor, standing, Move.DRIVES, to={"open_drives": 0 if passed else 1})
        session.add(
            ErasureProof(
                drive_id=drive_id,
                method=method,
                tool="nvme-cli",
                tool_version="2.4",
                result=result,
                done_at=utcnow() + timedelta(seconds=1),
                entry_id=register.last_entry(session, after),
                person_id=actor.person_id,
                organisation_id=actor.organisation_id,
            )
        )


def test_a_workshop_sees_what_it_holds_or_owns_and_nothing_else(world: World) -> None:
    ours = world.device()
    theirs = world.device(actor=world.other_operator)
    lent = world.device(actor=world.other_operator)
    with db.transaction() as session:
        register.move(
            session, world.other_operator, lent, Move.ENTER, to={"step_id": 1, "custodian_id": world.workshop}
        )
    owned = world.device()
    with db.transaction() as session:
        register.move(
            session,
            world.supervisor,
            owned,
            Move.ENTER,
            to={"step_id": 1, "custodian_id": world.other_workshop},
        )

    assert listed(world.operator) == [owned.code, lent.code, ours.code]
    assert listed(world.other_operator) == [owned.code, lent.code, theirs.code]
    assert listed(world.coordinator) == [owned.code, lent.code, theirs.code, ours.code]


def test_a_donor_sees_no_device_not_even_through_an_organisation_that_is_a_workshop_too(
    world: World,
) -> None:
    standing = world.device()
    both = world.person(world.workshop, PersonRole.DONOR)

    for actor in (world.donor_user, both):
        assert listed(actor) == []
        with db.read() as session, pytest.raises(Refusal) as refusal:
            queries.sheet(session, actor, standing.code)
        assert refusal.value.code is Code.NOT_FOUND


def test_a_foreign_device_is_not_found_by_sheet_history_and_stickers(world: World) -> None:
    standing = world.device()
    with db.read() as session:
        for look in (queries.sheet, queries.history):
            with pytest.raises(Refusal) as refusal:
                look(session, world.other_operator, standing.code)
            assert refusal.value.code is Code.NOT_FOUND
        assert queries.stickers(session, world.other_operator, "L-TEST0") == []
        assert [sticker.code for sticker in queries.stickers(session, world.operator, "L-TEST0")] == [
            standing.code
        ]


def test_filters_narrow_together(world: World) -> None:
    laptop = world.device()
    screen = world.device(category=Category.SCREEN)
    ready = world.device(State.READY)

    assert listed(world.operator, Filters(category=Category.SCREEN)) == [screen.code]
    assert listed(world.operator, Filters(state=State.READY)) == [ready.code]
    assert listed(world.operator, Filters(state=State.RECEIVED, category=Category.LAPTOP)) == [laptop.code]
    assert listed(world.operator, Filters(batch="l-test0")) == [ready.code, screen.code, laptop.code]
    assert listed(world.operator, Filters(batch="L-OTHER")) == []


def test_pages_follow_one_another_without_loss_or_repeat(world: World) -> None:
    made = [world.device(category=Category.SCREEN).code for _ in range(5)]

    for actor in (world.operator, world.coordinator):
        seen: list[str] = []
        cursor = None
        for _ in range(3):
            with db.read() as session:
                page = queries.devices(session, actor, Filters(), cursor=cursor, limit=2)
            seen += [device.code for device in page.devices]
            cursor = page.next_cursor
            assert (page.count, page.many) == (5, False)
        assert seen == made[::-1]
        assert cursor is None


def test_a_long_list_says_that_there_are_more_without_counting_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MANY", 3)
    for _ in range(3):
        world.device(category=Category.SCREEN)
    with db.read() as session:
        exact = queries.devices(session, world.operator, Filters())
    world.device(category=Category.SCREEN)
    with db.read() as session:
        beyond = queries.devices(session, world.operator, Filters())

    assert (exact.count, exact.many) == (3, False)
    assert (beyond.count, beyond.many) == (3, True)


def test_the_number_of_statements_does_not_grow_with_the_page(world: World) -> None:
    actor = world.operator
    world.device()
    with statements() as for_one:
        assert len(listed(actor)) == 1
    for _ in range(4):
        world.device()
    with statements() as for_five:
        assert len(listed(actor)) == 5
    assert len(for_one) == len(for_five) == 2

    standing = world.device()
    with statements() as for_sheet, db.read() as session:
        queries.sheet(session, actor, standing.code)
        queries.history(session, actor, standing.code)
    assert len(for_sheet) == 8


def test_a_label_is_found_whole_in_part_and_as_a_scanner_gives_it(world: World) -> None:
    standing = world.device()
    world.device()
    code = standing.code

    for q in (
        code,
        code.lower(),
        f" {code[:4]} {code[4:8]} {code[8:]} ",
        f"https://banque.example/d/{code}",
        code[:7],
    ):
        assert found(world.operator, q) == [code], q
    assert found(world.operator, code[1:]) == []


def test_serial_asset_tag_and_imei_are_found_by_their_beginning_whatever_the_case(world: World) -> None:
    standing, other = world.device(), world.device()
    give_code(standing, "PF1A2B3C")
    give_code(standing, "INV-2026-0042", CodeKind.ASSET_TAG)
    give_code(other, "356938035643809", CodeKind.IMEI)

    for q in ("PF1A2B3C", "pf1a", "inv-2026", " INV-2026- 0042"):
        assert found(world.operator, q) == [standing.code], q
    assert found(world.operator, "3569380") == [other.code]
    assert found(world.operator, "2026-0042") == []
    assert found(world.other_operator, "pf1a") == []


def test_a_batch_reference_finds_its_devices(world: World) -> None:
    standing = world.device()
    assert found(world.operator, "l-test0") == [standing.code]
    assert found(world.operator, "l-test") == []


@pytest.mark.parametrize(
    "q", ["%", "_", "\\", "'", "PF%", "\x00", "\x00PF1", "é€😀", "\U0010ffff", "-", "P" * 10_000]
)
def test_signs_that_mean_something_to_a_database_mean_nothing_here(world: World, q: str) -> None:
    standing = world.device()
    give_code(standing, "PF1A2B3C")
    expected = [standing.code] if q == "\x00PF1" else []
    assert found(world.operator, q) == expected


def test_an_old_label_still_opens_the_sheet_and_a_void_one_does_not(world: World) -> None:
    standing = world.device()
    old, void = codes.mint(), codes.mint()
    with db.transaction() as session:
        session.add_all(
            [
                Label(
                    code=old,
                    state=LabelState.REPLACED,
                    device_id=standing.device_id,
                    organisation_id=world.workshop,
                ),
                Label(code=void, state=LabelState.VOID, organisation_id=world.workshop),
            ]
        )

    with db.read() as session:
        assert queries.sheet(session, world.operator, old).code == standing.code
        for code in (void, "n’importe quoi", "\x00"):
            with pytest.raises(Refusal) as refusal:
                queries.sheet(session, world.operator, code)
            assert refusal.value.code is Code.NOT_FOUND
    assert found(world.operator, old) == [standing.code]
    assert found(world.operator, void) == []


def test_the_sheet_tells_drives_proofs_codes_and_who_holds_it(world: World) -> None:
    standing = world.device(State.IN_WORK)
    give_code(standing, "PF1A2B3C")
    erase(standing, world.operator)

    with db.read() as session:
        sheet = queries.sheet(session, world.operator, standing.code.lower())

    assert (sheet.code, sheet.state, sheet.step) == (
        standing.code,
        State.IN_WORK,
        StepKind.ERASURE,
    )
    assert (sheet.custodian, sheet.owner, sheet.place) == ("AGOIE", "AGOIE", None)
    assert [(code.kind, code.value) for code in sheet.codes] == [(CodeKind.SERIAL, "PF1A2B3C")]
    [drive] = sheet.drives
    assert drive.open is False
    [proof] = drive.proofs
    assert (proof.tool, proof.result, proof.organisation) == ("nvme-cli", ErasureResult.PASSED, "AGOIE")


def test_a_drive_stays_open_where_the_donor_asked_for_more_than_was_done(world: World) -> None:
    for purge_asked in (False, True):
        standing = world.device(purge_asked=purge_asked)
        erase(standing, world.operator, method=ErasureMethod.CLEAR_OVERWRITE)
        with db.read() as session:
            [drive] = queries.sheet(session, world.operator, standing.code).drives
        assert drive.open is purge_asked


def test_history_is_latest_first_and_goes_on_before_a_sequence(world: World) -> None:
    standing = world.device(State.IN_WORK)
    with db.read() as session:
        lines = queries.history(session, world.operator, standing.code)
        onward = queries.history(session, world.operator, standing.code, before=lines[0].seq)

    assert [line.kind for line in lines] == ["device.enter", "device.receive"]
    assert onward == lines[1:]
    received = lines[1]
    assert (received.batch, received.label, received.organisation) == ("L-TEST0", standing.code, "AGOIE")
    assert (received.state, received.open_drives) == (State.RECEIVED, 1)
    assert abs(received.at - utcnow()) < timedelta(minutes=1)


# --- the public passport ---


def passport(code: str) -> queries.Passport:
    with db.read() as session:
        return queries.passport(session, code)


def test_the_passport_of_a_device_at_work_promises_nothing(world: World) -> None:
    told = passport(world.device(State.IN_WORK).code)
    assert told.stage is Stage.IN_PREPARATION
    assert told.has_drive
    assert told.received_at is not None
    assert (told.erased_at, told.controlled_at) == (None, None)


def test_the_passport_tells_the_day_of_the_erasure_once_no_drive_is_open(world: World) -> None:
    failed = world.device()
    erase(failed, world.operator, result=ErasureResult.FAILED)
    erased = world.device()
    erase(erased, world.operator)

    assert passport(failed.code).erased_at is None
    assert passport(erased.code).erased_at is not None


def test_the_passport_says_no_drive_rather_than_erased(world: World) -> None:
    for standing in (world.device(State.READY), world.device(category=Category.SCREEN)):
        told = passport(standing.code)
        assert not told.has_drive
        assert told.erased_at is None


def test_a_control_counts_until_the_device_goes_back_to_work(world: World) -> None:
    actor, standing = world.operator, world.device(State.IN_WORK, step=2)
    with db.transaction() as session:
        standing = register.move(
            session, actor, standing, Move.FINISH, facts={"step": "control", "proofs": []}
        )
    assert passport(standing.code).controlled_at is not None
    with db.transaction() as session:
        register.move(session, actor, standing, Move.RECHECK, to={"step_id": 2})
    assert passport(standing.code).controlled_at is None


def test_every_state_has_a_public_stage() -> None:
    assert set(queries.STAGES) == set(State)
    assert set(queries.STAGES.values()) == set(Stage)


def test_the_passport_of_nothing_is_refused_with_its_reason(world: World) -> None:
    standing = world.device()
    for scanned, code in (
        ("n’importe quoi", Code.BAD_CODE),
        (standing.code * 2, Code.GLUED_CODES),
    ):
        with pytest.raises(Refusal) as refusal:
            passport(scanned)
        assert refusal.value.code is code


def test_the_passport_has_no_room_for_what_is_nobodys_business() -> None:
    told = set(queries.Passport.__dataclass_fields__)
    assert told == {
        "code",
        "category",
        "maker",
        "model",
        "stage",
        "received_at",
        "has_drive",
        "erased_at",
        "controlled_at",
        "erased",
        "gone",
        "deeds",
        "grade",
        "battery_percent",
    }


def test_devices_keep_their_maker_and_model_on_the_passport(world: World) -> None:
    standing = world.device()
    with db.transaction() as session:
        session.execute(
            sa.update(Device)
            .where(Device.id == standing.device_id)
            .values(maker="Lenovo", model="ThinkPad T480")
        )
    told = passport(standing.code)
    assert (told.maker, told.model) == ("Lenovo", "ThinkPad T480")
