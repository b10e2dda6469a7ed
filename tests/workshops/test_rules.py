"""Which step may be done where, what it takes down, and what that comes to: no database."""

from datetime import date
from typing import Any

import pytest

from bank import journal
from bank.errors import Code, Refusal
from bank.inventory.actions import DriveSeen, Erasure, Evidence
from bank.inventory.models import (
    Category,
    DriveFate,
    DriveKind,
    ErasureMethod,
    ErasureResult,
    Grade,
    StepKind,
)
from bank.workshops import rules
from bank.workshops.models import DANGERS, Problem
from bank.workshops.rules import FUNCTIONS, NOTHING_SEEN, Function, Repair, Seen, System

PASSED = Erasure(ErasureMethod.PURGE_ATA_SANITIZE, "nwipe", "0.37", ErasureResult.PASSED)
ERASED = DriveSeen(DriveKind.SSD, "S1", 256, DriveFate.PRESENT, PASSED)


TODAY = date(2026, 11, 22)
LAPTOP = Category.LAPTOP


def recorded(step: StepKind, seen: Seen, category: Category = LAPTOP) -> None:
    rules.must_be_recorded(step, category, seen, TODAY)


def refused(step: StepKind, seen: Seen, category: Category = LAPTOP) -> Refusal:
    with pytest.raises(Refusal) as caught:
        recorded(step, seen, category)
    return caught.value


def all_work(category: Category = LAPTOP, *, but: Function | None = None) -> dict[Function, bool]:
    return {function: function is not but for function in FUNCTIONS[category]}


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
    recorded(StepKind.ERASURE, Seen(drives=evidence))


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
    refusal = refused(StepKind.ERASURE, Seen(drives=evidence))
    assert (refusal.code, refusal.facts) == (Code.EVIDENCE_MISSING, {"why": why})


# One good record for each step that takes something down.
WHOLE: dict[StepKind, Seen] = {
    StepKind.POWER_ON: Seen(serial="PF1ABCDE", maker="Lenovo", model="T480"),
    StepKind.ERASURE: Seen(drives=Evidence((ERASED,))),
    StepKind.REPAIR: Seen(repairs=frozenset({Repair.RAM, Repair.STORAGE})),
    StepKind.INSTALL: Seen(os=System.LINUX_MINT_22),
    StepKind.FUNCTIONAL: Seen(checks=all_work()),
    StepKind.GRADING: Seen(grade=Grade.B, battery=80),
}
NEEDS_NOTHING = [step for step in StepKind if step not in rules.PROOFS]


@pytest.mark.parametrize("step", NEEDS_NOTHING)
def test_a_step_that_takes_nothing_down_asks_for_nothing(step: StepKind) -> None:
    recorded(step, NOTHING_SEEN)


@pytest.mark.parametrize("step", rules.PROOFS)
def test_a_step_that_takes_something_down_is_not_passed_without_it(step: StepKind) -> None:
    assert refused(step, NOTHING_SEEN).code is Code.EVIDENCE_MISSING


@pytest.mark.parametrize("taken_at", WHOLE)
@pytest.mark.parametrize("step", StepKind)
def test_a_record_passes_its_own_step_and_no_other(step: StepKind, taken_at: StepKind) -> None:
    """Two people at the same device: the second one's record must not count for the step that follows."""
    if step is taken_at:
        recorded(step, WHOLE[taken_at])
    else:
        assert refused(step, WHOLE[taken_at]).code is Code.OUT_OF_STEP


@pytest.mark.parametrize("step", WHOLE)
def test_the_journal_takes_every_record(step: StepKind) -> None:
    facts = rules.entry_facts(step, WHOLE[step]) | {"set": {}}
    for kind in (journal.Kind.DEVICE_PASS, journal.Kind.DEVICE_BLOCK, journal.Kind.DEVICE_SEND_BACK):
        assert '"set"' in journal.canonical(kind, facts)


def test_what_names_a_device_or_its_drives_stays_out_of_the_journal() -> None:
    assert rules.entry_facts(StepKind.POWER_ON, WHOLE[StepKind.POWER_ON]) == {"step": "power_on"}


@pytest.mark.parametrize(
    ("step", "seen", "why"),
    [
        (StepKind.REPAIR, {"repairs": frozenset({Repair.NONE, Repair.RAM})}, "repairs-and-none"),
        (StepKind.INSTALL, {"os": System.WINDOWS_10}, "os-unsupported"),
        (StepKind.FUNCTIONAL, {"checks": {Function.PRINT: True}}, "checks-of-another-kind"),
        (StepKind.FUNCTIONAL, {"checks": {Function.SCREEN: True}}, "checks-missing"),
        (StepKind.GRADING, {"battery": 80}, "grade-missing"),
        (StepKind.GRADING, {"grade": Grade.A}, "battery-missing"),
    ],
)
def test_a_record_that_is_not_whole_says_what_is_wrong(
    step: StepKind, seen: dict[str, Any], why: str
) -> None:
    refusal = refused(step, Seen(**seen))
    assert (refusal.code, refusal.facts["why"]) == (Code.EVIDENCE_MISSING, why)


def test_each_function_that_was_not_tried_is_named() -> None:
    checks = all_work()
    del checks[Function.SOUND], checks[Function.PORTS]
    assert refused(StepKind.FUNCTIONAL, Seen(checks=checks)).facts["missing"] == ["sound", "ports"]


def test_what_has_no_battery_is_not_asked_for_one() -> None:
    recorded(StepKind.GRADING, Seen(grade=Grade.C), Category.SCREEN)
    assert refused(StepKind.GRADING, Seen(grade=Grade.C, battery=3), Category.SCREEN).facts == {
        "why": "battery-without"
    }


def test_windows_10_is_neither_offered_nor_taken() -> None:
    offered = rules.systems(TODAY)
    assert System.WINDOWS_10 not in offered
    assert System.WINDOWS_11 in offered
    assert System.WINDOWS_10 in rules.systems(date(2025, 10, 13))
    assert set(rules.SYSTEMS) == set(System)


@pytest.mark.parametrize("category", Category)
def test_every_category_has_its_functions(category: Category) -> None:
    recorded(StepKind.FUNCTIONAL, Seen(checks=all_work(category)), category)


def test_what_works_is_no_problem() -> None:
    assert rules.found_wrong(Seen(checks=all_work()), TODAY) is None
    assert rules.found_wrong(Seen(grade=Grade.D, battery=60), TODAY) is None


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (Function.SCREEN, Problem.SCREEN_BROKEN),
        (Function.TOUCHPAD, Problem.KEYBOARD_BROKEN),
        (Function.CHARGE, Problem.BATTERY_DEAD),
        (Function.NETWORK, Problem.NETWORK_BROKEN),
        (Function.SOUND, Problem.SOUND_BROKEN),
        (Function.PORTS, Problem.OTHER),
    ],
)
def test_a_function_that_fails_stops_the_device_under_its_name(function: Function, problem: Problem) -> None:
    assert rules.found_wrong(Seen(checks=all_work(but=function)), TODAY) is problem


def test_a_weak_battery_stops_the_device() -> None:
    assert rules.found_wrong(Seen(grade=Grade.A, battery=59), TODAY) is Problem.BATTERY_DEAD
    assert rules.battery_limit(date(2020, 1, 1)) == 0


@pytest.mark.parametrize("step", StepKind)
def test_a_step_offers_its_own_problems_and_another_one(step: StepKind) -> None:
    offered = rules.reasons(step)
    assert Problem.OTHER in offered
    assert not DANGERS & set(offered)
    for problem in Problem:
        if problem in offered:
            assert rules.must_be_a_problem(step, problem) is problem
        else:
            with pytest.raises(Refusal):
                rules.must_be_a_problem(step, problem)


@pytest.mark.parametrize("problem", [None, *Problem])
def test_a_danger_is_one_of_three(problem: Problem | None) -> None:
    if problem in DANGERS:
        assert rules.must_be_a_danger(problem) is problem
    else:
        with pytest.raises(Refusal):
            rules.must_be_a_danger(problem)


def test_what_a_control_sends_back_is_what_it_offers() -> None:
    assert set(rules.BACK_TO) <= set(rules.PROBLEMS[StepKind.CONTROL])
