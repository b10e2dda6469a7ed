"""What evidence makes of the drives that the register knows: no database."""

from datetime import UTC, datetime, timedelta

from bank.inventory import actions
from bank.inventory.actions import Change, DriveSeen, Erasure, Evidence, KnownDrive
from bank.inventory.models import DriveFate, DriveKind, ErasureMethod, ErasureResult
from bank.inventory.rules import DriveFacts

ARRIVED = datetime(2026, 1, 5, 8, tzinfo=UTC)
NOW = ARRIVED + timedelta(hours=2)
PASSED = Erasure(ErasureMethod.CLEAR_OVERWRITE, "nwipe", "0.37", ErasureResult.PASSED)


def known(
    drive_id: int, kind: DriveKind, serial: str | None = None, fate: DriveFate = DriveFate.PRESENT
) -> KnownDrive:
    return KnownDrive(drive_id, kind, serial, None, DriveFacts(fate, ARRIVED))


def changed(drives: list[KnownDrive], *seen: DriveSeen, no_drive: bool = False) -> tuple[Change, ...]:
    return actions.changed(drives, Evidence(seen, no_drive), arrived_at=ARRIVED, now=NOW)


def ids(changes: tuple[Change, ...]) -> list[int | None]:
    return [change.drive.drive_id for change in changes]


def test_the_unseen_drive_becomes_the_first_one_that_is_seen() -> None:
    changes = changed(
        [known(1, DriveKind.UNSEEN)], DriveSeen(DriveKind.SSD, "a1"), DriveSeen(DriveKind.HDD, "b2")
    )
    assert ids(changes) == [1, None]
    assert [(each.drive.kind, each.drive.serial) for each in changes] == [
        (DriveKind.SSD, "A1"),
        (DriveKind.HDD, "B2"),
    ]


def test_a_known_drive_is_found_by_its_serial_however_it_is_written() -> None:
    drives = [known(1, DriveKind.UNSEEN), known(2, DriveKind.SSD, "WD1234")]
    assert ids(changed(drives, DriveSeen(DriveKind.SSD, " wd 1234 "))) == [2]


def test_a_drive_without_a_serial_is_found_again_by_its_kind() -> None:
    drives = [known(1, DriveKind.EMMC), known(2, DriveKind.SSD, "X")]
    assert ids(changed(drives, DriveSeen(DriveKind.EMMC))) == [1]


def test_two_drives_without_a_serial_stay_two() -> None:
    assert ids(changed([known(1, DriveKind.EMMC)], DriveSeen(DriveKind.EMMC), DriveSeen(DriveKind.EMMC))) == [
        1,
        None,
    ]


def test_another_serial_is_another_drive_and_the_first_is_left_as_it_is() -> None:
    assert ids(changed([known(1, DriveKind.SSD, "A1")], DriveSeen(DriveKind.SSD, "B2"))) == [None]


def test_a_new_drive_could_hold_data_since_the_device_arrived() -> None:
    [change] = changed([], DriveSeen(DriveKind.SSD, "A1", erasure=PASSED))
    assert change.drive.facts.data_since == ARRIVED
    assert change.drive.facts.proofs[-1].done_at == NOW


def test_no_drive_says_so_of_the_unseen_one_only() -> None:
    drives = [known(1, DriveKind.UNSEEN), known(2, DriveKind.SSD, "A1")]
    changes = changed(drives, no_drive=True)
    assert ids(changes) == [1]
    assert changes[0].drive.facts.fate is DriveFate.ABSENT


def test_what_was_known_of_a_drive_is_not_lost_when_it_is_seen_again_with_less() -> None:
    drive = KnownDrive(1, DriveKind.SSD, "A1", 256, DriveFacts(DriveFate.PRESENT, ARRIVED))
    [change] = changed([drive], DriveSeen(DriveKind.SSD, "A1"))
    assert change.drive.size_gb == 256
