"""Pure questions on a step at work: is it the right one, and is it proven."""

from enum import StrEnum

from bank.errors import Code, Refusal
from bank.inventory.actions import DriveSeen, Evidence, serial_key
from bank.inventory.models import DriveFate, DriveKind, StepKind

# How many drives one piece of evidence may speak of: a server's bays, with room to spare.
MAX_DRIVES = 64
SERIAL_MAX, TOOL_MAX, VERSION_MAX = 60, 40, 20
SIZE_MAX_GB = 1_000_000


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
