"""Which step may be done where, and what proves it: no database."""

import pytest

from bank.errors import Code, Refusal
from bank.inventory.actions import DriveSeen, Erasure, Evidence
from bank.inventory.models import DriveFate, DriveKind, ErasureMethod, ErasureResult, StepKind
from bank.workshops import rules

PASSED = Erasure(ErasureMethod.PURGE_ATA_SANITIZE, "nwipe", "0.37", ErasureResult.PASSED)
ERASED = DriveSeen(DriveKind.SSD, "S1", 256, DriveFate.PRESENT, PASSED)


def refused(step: StepKind, evidence: Evidence | None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        rules.must_be_proven(step, evidence)
    return caught.value


@pytest.mark.parametrize("station", [None, StepKind.CONTROL])
def test_a_step_is_done_at_its_own_station_or_where_none_is_named(station: StepKind | None) -> None:
    assert rules.must_stand_at(StepKind.CONTROL, station) is StepKind.CONTROL


def test_another_station_is_told_which_step_the_device_waits_for() -> None:
    with pytest.raises(Refusal) as caught:
        rules.must_stand_at(StepKind.ERASURE, StepKind.CONTROL)
    assert (caught.value.code, caught.value.facts) == (Code.OUT_OF_STEP, {"step": "erasure"})


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence((ERASED,)),
        Evidence(no_drive=True),
        Evidence((ERASED, DriveSeen(DriveKind.HDD, "S2", fate=DriveFate.REMOVED))),
        Evidence((DriveSeen(DriveKind.HDD, fate=DriveFate.DESTROYED),)),
        # Two drives whose serials cannot be read are two drives.
        Evidence((DriveSeen(DriveKind.EMMC, erasure=PASSED), DriveSeen(DriveKind.EMMC, erasure=PASSED))),
    ],
)
def test_erasure_is_proven_drive_by_drive_or_by_no_drive(evidence: Evidence) -> None:
    rules.must_be_proven(StepKind.ERASURE, evidence)


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (None, "drives-or-no-drive"),
        (Evidence(), "drives-or-no-drive"),
        (Evidence((ERASED,), no_drive=True), "drives-or-no-drive"),
        (Evidence((DriveSeen(DriveKind.SSD, "S1"),)), "drive-incomplete"),
        (Evidence((DriveSeen(DriveKind.UNSEEN, "S1", erasure=PASSED),)), "drive-incomplete"),
        (Evidence((DriveSeen(DriveKind.SSD, "S1", fate=DriveFate.ABSENT),)), "drive-incomplete"),
        (
            Evidence((DriveSeen(DriveKind.SSD, "S1", fate=DriveFate.REMOVED, erasure=PASSED),)),
            "drive-incomplete",
        ),
        (Evidence((ERASED, DriveSeen(DriveKind.HDD, " s 1", erasure=PASSED))), "drive-twice"),
        (
            Evidence(tuple(DriveSeen(DriveKind.SSD, f"S{n}", erasure=PASSED) for n in range(65))),
            "drive-twice",
        ),
    ],
)
def test_erasure_without_a_whole_proof_is_refused(evidence: Evidence | None, why: str) -> None:
    refusal = refused(StepKind.ERASURE, evidence)
    assert (refusal.code, refusal.facts) == (Code.EVIDENCE_MISSING, {"why": why})


def test_control_asks_for_no_evidence() -> None:
    rules.must_be_proven(StepKind.CONTROL, None)


def test_evidence_of_drives_does_not_pass_a_control() -> None:
    """Two people erase the same device: the second one's proof must not count as a control."""
    assert refused(StepKind.CONTROL, Evidence((ERASED,))).code is Code.OUT_OF_STEP
