"""Pure questions on a step at work: is it the right one, what must it record, what does that come to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.inventory.actions import DriveSeen, Evidence, serial_key
from bank.inventory.identify import Identity
from bank.inventory.lifecycle import Move
from bank.inventory.models import Category, DriveFate, DriveKind, Grade, StepKind
from bank.workshops.models import DANGERS, Problem

# How many drives one piece of evidence may speak of: a server's bays, with room to spare.
MAX_DRIVES = 64
SERIAL_MAX, TOOL_MAX, VERSION_MAX = 60, 40, 20
MAKER_MAX, MODEL_MAX = 60, 80
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
# What a control finds wrong goes back to the first of these steps that the route has, without a supervisor.
BACK_TO: Mapping[Problem, tuple[StepKind, ...]] = {
    P.DIRTY: (StepKind.CLEANING,),
    P.NOT_AS_SAID: (StepKind.FUNCTIONAL,),
    P.SCREEN_BROKEN: (StepKind.REPAIR, StepKind.FUNCTIONAL),
    P.KEYBOARD_BROKEN: (StepKind.REPAIR, StepKind.FUNCTIONAL),
}


class Outcome(StrEnum):
    """What a scan came to."""

    ENTERED = "entered"
    PASSED = "passed"
    FINISHED = "finished"
    KEPT = "kept"
    BLOCKED = "blocked"
    SENT_BACK = "sent_back"
    HELP_CALLED = "help_called"
    UNDONE = "undone"
    PUT = "put"
    SHIPPED = "shipped"
    NOTHING = "nothing"


class Repair(StrEnum):
    """What was done inside a device; `none` is a word of its own."""

    NONE = "none"
    RAM = "ram"
    STORAGE = "storage"
    BATTERY = "battery"
    SCREEN = "screen"
    KEYBOARD = "keyboard"
    CHARGER = "charger"
    CLEANING_INSIDE = "cleaning_inside"
    OTHER = "other"


class Function(StrEnum):
    """What a device must be able to do: each is tried, and works or does not."""

    SCREEN = "screen"
    PICTURE = "picture"
    TOUCH = "touch"
    KEYBOARD = "keyboard"
    TOUCHPAD = "touchpad"
    CHARGE = "charge"
    NETWORK = "network"
    MOBILE = "mobile"
    CALLS = "calls"
    SOUND = "sound"
    CAMERA = "camera"
    PORTS = "ports"
    PRINT = "print"
    PAPER = "paper"
    SCAN = "scan"
    WORKS = "works"


F, C = Function, Category
FUNCTIONS: Mapping[Category, tuple[Function, ...]] = {
    C.LAPTOP: (F.SCREEN, F.KEYBOARD, F.TOUCHPAD, F.CHARGE, F.NETWORK, F.SOUND, F.CAMERA, F.PORTS),
    C.DESKTOP: (F.PICTURE, F.NETWORK, F.SOUND, F.PORTS),
    C.ALL_IN_ONE: (F.SCREEN, F.NETWORK, F.SOUND, F.CAMERA, F.PORTS),
    C.SCREEN: (F.SCREEN, F.PORTS),
    C.TEACHING_SCREEN: (F.SCREEN, F.TOUCH, F.NETWORK, F.SOUND, F.PORTS),
    C.TABLET: (F.SCREEN, F.TOUCH, F.CHARGE, F.NETWORK, F.SOUND, F.CAMERA),
    C.SMARTPHONE: (F.SCREEN, F.TOUCH, F.CHARGE, F.NETWORK, F.CALLS, F.SOUND, F.CAMERA),
    C.BASIC_PHONE: (F.SCREEN, F.KEYBOARD, F.CHARGE, F.CALLS, F.SOUND),
    C.PRINTER: (F.PRINT, F.PAPER, F.NETWORK),
    C.MULTIFUNCTION: (F.PRINT, F.PAPER, F.SCAN, F.NETWORK),
    C.SCANNER: (F.SCAN, F.PAPER),
    C.ROUTER: (F.CHARGE, F.NETWORK, F.MOBILE),
    C.PROJECTOR: (F.PICTURE, F.SOUND, F.PORTS),
    C.ACCESSORY: (F.WORKS,),
}
# What a function that does not work is called on the shelf of what is blocked.
BROKEN: Mapping[Function, Problem] = {
    F.SCREEN: P.SCREEN_BROKEN,
    F.PICTURE: P.SCREEN_BROKEN,
    F.TOUCH: P.SCREEN_BROKEN,
    F.KEYBOARD: P.KEYBOARD_BROKEN,
    F.TOUCHPAD: P.KEYBOARD_BROKEN,
    F.CHARGE: P.BATTERY_DEAD,
    F.NETWORK: P.NETWORK_BROKEN,
    F.MOBILE: P.NETWORK_BROKEN,
    F.CALLS: P.NETWORK_BROKEN,
    F.SOUND: P.SOUND_BROKEN,
}

# Things with a battery that its owner depends on.
PORTABLE = frozenset({C.LAPTOP, C.TABLET, C.SMARTPHONE, C.BASIC_PHONE})


@dataclass(frozen=True, slots=True)
class BatteryLimit:
    """Below how much of its first charge a battery stops its device, from which day, and who says so."""

    valid_from: date
    percent: int
    source: str


BATTERY_LIMITS = (BatteryLimit(date(2026, 1, 1), 60, "Usage des ateliers : 60 % ou une heure d’autonomie"),)


class System(StrEnum):
    """What may run on a device that leaves."""

    LINUX_MINT_22 = "linux_mint_22"
    WINDOWS_11 = "windows_11"
    EMMABUNTUS_6 = "emmabuntus_6"
    UBUNTU_24_04 = "ubuntu_24_04"
    DEBIAN_13 = "debian_13"
    WINDOWS_10 = "windows_10"


# Until when its publisher mends its faults for nothing. What is past that day leaves no workshop.
SYSTEMS: Mapping[System, date] = {
    System.LINUX_MINT_22: date(2029, 4, 30),
    System.WINDOWS_11: date(2027, 10, 12),
    System.EMMABUNTUS_6: date(2030, 6, 30),
    System.UBUNTU_24_04: date(2029, 5, 31),
    System.DEBIAN_13: date(2030, 6, 30),
    System.WINDOWS_10: date(2025, 10, 14),
}


def systems(today: date) -> tuple[System, ...]:
    """What may be installed on a day: what somebody still mends."""
    return tuple(system for system, until in SYSTEMS.items() if until > today)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person at a device saw and did there, whatever the step."""

    drives: Evidence | None = None
    repairs: frozenset[Repair] = frozenset()
    os: System | None = None
    checks: Mapping[Function, bool] = field(default_factory=lambda: MappingProxyType({}))
    grade: Grade | None = None
    battery: int | None = None
    serial: str | None = None
    maker: str | None = None
    model: str | None = None
    reason: Problem | None = None


NOTHING_SEEN = Seen()
# What each step takes down.
RECORDS: Mapping[StepKind, frozenset[str]] = {
    StepKind.POWER_ON: frozenset({"serial", "maker", "model"}),
    StepKind.LOCKS: frozenset(),
    StepKind.ERASURE: frozenset({"drives"}),
    StepKind.MARKS: frozenset(),
    StepKind.REPAIR: frozenset({"repairs"}),
    StepKind.INSTALL: frozenset({"os"}),
    StepKind.FUNCTIONAL: frozenset({"checks"}),
    StepKind.CLEANING: frozenset(),
    StepKind.GRADING: frozenset({"grade", "battery"}),
    StepKind.CONTROL: frozenset(),
}
TAKEN_DOWN = frozenset().union(*RECORDS.values())


def must_stand_at(step: StepKind | None, station: StepKind | None) -> StepKind:
    """The step, if there is one and it is this station's. Raises Refusal(out-of-step)."""
    if step is None or (station is not None and station is not step):
        raise Refusal(Code.OUT_OF_STEP, step=step.value if step else None)
    return step


def must_be_recorded(step: StepKind, category: Category, seen: Seen, today: date) -> None:
    """Each step has its own things to say; what is brought to another belongs to one that somebody else passed.

    Raises Refusal(evidence-missing, with `why`; out-of-step).
    """
    if seen is not NOTHING_SEEN:
        given = {name for name in TAKEN_DOWN if getattr(seen, name) != getattr(NOTHING_SEEN, name)}
        if not given <= RECORDS[step]:
            raise Refusal(Code.OUT_OF_STEP, step=step.value)
    check = PROOFS.get(step)
    if check is not None:
        check(category, seen, today)


def _drives(_category: Category, seen: Seen, _today: date) -> None:
    """Erasure is proven drive by drive, or by the explicit word that there is no drive."""
    evidence = seen.drives
    if evidence is None or evidence.no_drive == bool(evidence.drives):
        raise _missing("drives-or-no-drive")
    if not all(_says_what_became_of_it(drive) for drive in evidence.drives):
        raise _missing("drive-incomplete")
    serials = [serial_key(drive.serial) for drive in evidence.drives if serial_key(drive.serial)]
    if len(set(serials)) < len(serials) or len(evidence.drives) > MAX_DRIVES:
        raise _missing("drive-twice")


def _says_what_became_of_it(drive: DriveSeen) -> bool:
    if drive.kind is DriveKind.UNSEEN or drive.fate is DriveFate.ABSENT:
        return False
    return (drive.erasure is not None) == (drive.fate is DriveFate.PRESENT)


def _repairs(_category: Category, seen: Seen, _today: date) -> None:
    if not seen.repairs:
        raise _missing("repairs-missing")
    if Repair.NONE in seen.repairs and len(seen.repairs) > 1:
        raise _missing("repairs-and-none")


def _system(_category: Category, seen: Seen, today: date) -> None:
    if seen.os is None:
        raise _missing("os-missing")
    if SYSTEMS[seen.os] <= today:
        raise _missing("os-unsupported")


def _functions(category: Category, seen: Seen, _today: date) -> None:
    """Every function of the category is tried, and no other."""
    asked = FUNCTIONS[category]
    if set(seen.checks) - set(asked):
        raise _missing("checks-of-another-kind")
    missing = [function.value for function in asked if function not in seen.checks]
    if missing:
        raise Refusal(Code.EVIDENCE_MISSING, why="checks-missing", missing=missing)


def _look(category: Category, seen: Seen, _today: date) -> None:
    if seen.grade is None:
        raise _missing("grade-missing")
    if category in PORTABLE and seen.battery is None:
        raise _missing("battery-missing")
    if category not in PORTABLE and seen.battery is not None:
        raise _missing("battery-without")


def _missing(why: str) -> Refusal:
    return Refusal(Code.EVIDENCE_MISSING, why=why)


PROOFS: Mapping[StepKind, Callable[[Category, Seen, date], None]] = {
    StepKind.ERASURE: _drives,
    StepKind.REPAIR: _repairs,
    StepKind.INSTALL: _system,
    StepKind.FUNCTIONAL: _functions,
    StepKind.GRADING: _look,
}


def found_wrong(seen: Seen, today: date) -> Problem | None:
    """What the record itself says stops the device: a function that does not work, a battery below the limit."""
    for function in Function:
        if seen.checks.get(function) is False:
            return BROKEN.get(function, Problem.OTHER)
    if seen.battery is not None and seen.battery < battery_limit(today):
        return Problem.BATTERY_DEAD
    return None


def battery_limit(today: date) -> int:
    """Below how many percent a battery stops its device on a day."""
    in_force = [limit for limit in BATTERY_LIMITS if limit.valid_from <= today]
    return max(in_force, key=lambda limit: limit.valid_from).percent if in_force else 0


def reasons(step: StepKind | None) -> tuple[Problem, ...]:
    """The problems that a step offers; another one can always be said."""
    return (*(PROBLEMS[step] if step else ()), Problem.OTHER)


def must_be_a_problem(step: StepKind | None, reason: Problem | None) -> Problem:
    """The reason, if the step offers it. Raises Refusal(invalid)."""
    if reason is None or reason not in reasons(step):
        raise _no_such_reason(reasons(step))
    return reason


def must_be_a_danger(reason: Problem | None) -> Problem:
    """The danger, if it is one. Raises Refusal(invalid)."""
    if reason is None or reason not in DANGERS:
        raise _no_such_reason(tuple(problem for problem in Problem if problem in DANGERS))
    return reason


def _no_such_reason(offered: tuple[Problem, ...]) -> Refusal:
    said = "one of: " + ", ".join(problem.value for problem in offered)
    return Refusal(Code.INVALID, errors={"facts": {"reason": [said]}})


def entry_facts(step: StepKind, seen: Seen) -> dict[str, Any]:
    """What the journal keeps of a step."""
    facts: dict[str, Any] = {"step": step}
    if seen.repairs:
        facts["repairs"] = sorted(seen.repairs)
    if seen.os:
        facts |= {"os": seen.os.value, "os_until": SYSTEMS[seen.os].isoformat()}
    if seen.checks:
        facts |= {"passed": _those(seen, works=True), "failed": _those(seen, works=False)}
    if seen.grade:
        facts["grade"] = seen.grade.value
    if seen.battery is not None:
        facts["battery"] = seen.battery
    return facts


def condition(seen: Seen) -> dict[str, Any]:
    """What a step says of how the device is, by the columns of its condition."""
    values: dict[str, Any] = {}
    if seen.os:
        values |= {"os": seen.os.value, "os_until": SYSTEMS[seen.os]}
    if seen.checks:
        values |= {
            "passed": frozenset(_those(seen, works=True)),
            "failed": frozenset(_those(seen, works=False)),
        }
    if seen.grade:
        values |= {"grade": seen.grade, "battery_percent": seen.battery}
    return values


def identity(seen: Seen) -> Identity | None:
    """What was read on the device, where somebody read something."""
    read = Identity(serial=seen.serial, maker=seen.maker, model=seen.model)
    return read if read != Identity() else None


def _those(seen: Seen, *, works: bool) -> list[str]:
    return sorted(function.value for function, answer in seen.checks.items() if answer is works)


# --- what was a mistake ---

# What takes a move back. What is not here is no slip of the hand, or has told others already.
OPPOSITES: Mapping[Move, Move] = {
    Move.ENTER: Move.LEAVE,
    Move.PASS: Move.UNDO,
    Move.DRIVES: Move.UNDO,
    Move.BLOCK: Move.UNDO,
    Move.SEND_BACK: Move.UNDO,
    Move.PUT: Move.UNDO,
    Move.SHIP: Move.UNDO,
    Move.FINISH: Move.REOPEN,
}
# One shift, wherever midnight falls in it: the day after, others have counted on what was said.
UNDONE_WITHIN = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Past:
    """One entry of a device's chain, as it is looked back at."""

    id: int
    seq: int
    move: Move
    person_id: int | None
    organisation_id: int | None
    at: datetime
    facts: Mapping[str, Any]
    scan_id: str | None = None

    @property
    def undoes(self) -> int | None:
        """The place in the chain of the entry that this one takes back."""
        return self.facts.get("undoes")


def to_undo(chain: Sequence[Past], scan_id: str, actor: Actor, now: datetime) -> tuple[Past, ...]:
    """What a scan came to, the last entry first, where it may be taken back now.

    What was read on a device meanwhile stays: it is true whatever became of the step.
    Raises Refusal(nothing-to-undo, not-undoable, undone-already, moved-since, not-yours, too-late).
    """
    scanned = next((past for past in chain if past.scan_id == scan_id), None)
    if scanned is None:
        raise Refusal(Code.NOTHING_TO_UNDO)
    came_to = [past for past in chain if _began(scanned) <= past.seq <= scanned.seq]
    came_to = [past for past in came_to if past.move is not Move.DESCRIBE]
    if scanned.facts.get("danger") or any(past.move not in OPPOSITES for past in came_to):
        raise Refusal(Code.NOT_UNDOABLE)
    if any(past.undoes == scanned.seq for past in chain):
        raise Refusal(Code.UNDONE_ALREADY)
    if chain[-1].seq != scanned.seq:
        raise Refusal(Code.MOVED_SINCE)
    _must_be_own(scanned, actor)
    if now - scanned.at > UNDONE_WITHIN:
        raise Refusal(Code.TOO_LATE)
    return tuple(reversed(came_to))


def _began(scanned: Past) -> int:
    return int(scanned.facts.get("began") or scanned.seq)


def _must_be_own(scanned: Past, actor: Actor) -> None:
    """One's own scan, or one of the workshop that one runs. Raises Refusal(not-yours)."""
    here = scanned.organisation_id == actor.organisation_id
    if not here or not (scanned.person_id == actor.person_id or actor.can(Permission.WORKSHOP_RUN)):
        raise Refusal(Code.NOT_YOURS)


def condition_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry says of how the device is, by the columns of its condition."""
    values: dict[str, Any] = {}
    if facts.get("os"):
        values |= {"os": facts["os"], "os_until": date.fromisoformat(facts["os_until"])}
    if "passed" in facts:
        values |= {"passed": frozenset(facts["passed"]), "failed": frozenset(facts["failed"])}
    if facts.get("grade"):
        values |= {"grade": Grade(facts["grade"]), "battery_percent": facts.get("battery")}
    return values


UNKNOWN_CONDITION: Mapping[str, Any] = {
    "os": None,
    "os_until": None,
    "passed": frozenset(),
    "failed": frozenset(),
    "grade": None,
    "battery_percent": None,
}


def condition_without(chain: Sequence[Past], undone: Past) -> dict[str, Any]:
    """How the device was said to be before an entry that is undone, for the columns that the entry wrote."""
    taken_back = {past.undoes for past in chain} | {undone.seq}
    known: dict[str, Any] = {}
    for past in chain:
        if past.seq not in taken_back:
            known |= condition_of(past.facts)
    return {name: known.get(name, UNKNOWN_CONDITION[name]) for name in condition_of(undone.facts)}
