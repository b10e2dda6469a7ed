"""Pure questions on a step at work: is it the right one, and is it proven."""

from collections.abc import Mapping
from enum import StrEnum

from bank.errors import Code, Refusal
from bank.inventory.actions import DriveSeen, Evidence, serial_key
from bank.inventory.models import DriveFate, DriveKind, StepKind
from bank.workshops.models import Problem

# How many drives one piece of evidence may speak of: a server's bays, with room to spare.
MAX_DRIVES = 64
SERIAL_MAX, TOOL_MAX, VERSION_MAX = 60, 40, 20
SIZE_MAX_GB = 1_000_000


P = Problem
# What may go wrong at each step. Danger is offered everywhere, at any moment.
PROBLEMS: Mapping[StepKind, tuple[Problem, ...]] = {
    StepKind.POWER_ON: (P.NO_POWER, P.NO_CHARGER, P.BLACK_SCREEN, P.TOO_DAMAGED),
    StepKind.LOCKS: (P.BIOS_PASSWORD, P.ACCOUNT_LOCK, P.MANAGED),
    StepKind.ERASURE: (P.ERASURE_FAILED, P.DRIVE_DEAD, P.DRIVE_NOT_FOUND),
    StepKind.MARKS: (P.MARKS_STUCK, P.TOO_DAMAGED),
    StepKind.REPAIR: (P.PART_MISSING, P.NOT_REPAIRABLE),
    StepKind.INSTALL: (P.INSTALL_FAILED, P.DRIVE_DEAD),
    StepKind.FUNCTIONAL: (
        P.SCREEN_BROKEN,
        P.KEYBOARD_BROKEN,
        P.BATTERY_DEAD,
        P.NETWORK_BROKEN,
        P.SOUND_BROKEN,
    ),
    StepKind.CLEANING: (P.TOO_DAMAGED, P.MARKS_STUCK),
    StepKind.GRADING: (P.TOO_DAMAGED,),
    StepKind.CONTROL: (P.NOT_AS_SAID, P.DIRTY, P.SCREEN_BROKEN, P.KEYBOARD_BROKEN),
}


class Outcome(StrEnum):
    """What a scan came to."""

    ENTERED = "entered"
    PASSED = "passed"
    FINISHED = "finished"
    KEPT = "kept"
    NOTHING = "nothing"


def must_stand_at(step: StepKind | None, station: StepKind | None) -> StepKind:
    """The step, if there is one and it is this station's. Raises Refusal(out-of-step)."""
    if step is None or (station is not None and station is not step):
        raise Refusal(Code.OUT_OF_STEP, step=step.value if step else None)
    return step


def must_be_proven(step: StepKind, evidence: Evidence | None) -> None:
    """Erasure is proven drive by drive, or by the explicit word that there is no drive.

    Evidence of drives brought to another step belongs to a step that somebody else has passed.
    Raises Refusal(evidence-missing, out-of-step).
    """
    if step is not StepKind.ERASURE:
        if evidence is not None:
            raise Refusal(Code.OUT_OF_STEP, step=step.value)
        return
    if evidence is None or evidence.no_drive == bool(evidence.drives):
        raise Refusal(Code.EVIDENCE_MISSING, why="drives-or-no-drive")
    if not all(_says_what_became_of_it(drive) for drive in evidence.drives):
        raise Refusal(Code.EVIDENCE_MISSING, why="drive-incomplete")
    serials = [serial_key(drive.serial) for drive in evidence.drives if serial_key(drive.serial)]
    if len(set(serials)) < len(serials) or len(evidence.drives) > MAX_DRIVES:
        raise Refusal(Code.EVIDENCE_MISSING, why="drive-twice")


def _says_what_became_of_it(drive: DriveSeen) -> bool:
    if drive.kind is DriveKind.UNSEEN or drive.fate is DriveFate.ABSENT:
        return False
    return (drive.erasure is not None) == (drive.fate is DriveFate.PRESENT)
