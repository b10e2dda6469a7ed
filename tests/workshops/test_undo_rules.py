"""Which scan may be taken back, by whom, until when: no database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.inventory.lifecycle import TABLE, Move, State, after
from bank.inventory.models import Grade
from bank.workshops import rules
from bank.workshops.rules import OPPOSITES, UNDONE_WITHIN, Past

THEN = datetime(2026, 11, 20, 9, tzinfo=UTC)
MINE, OTHERS = Actor(1, 10, frozenset()), Actor(2, 10, frozenset())
SUPERVISOR = Actor(3, 10, frozenset({Permission.WORKSHOP_RUN}))
ELSEWHERE = Actor(1, 11, frozenset({Permission.WORKSHOP_RUN}))


def past(seq: int, move: Move, scan_id: str | None = None, **facts: Any) -> Past:
    return Past(seq * 100, seq, move, 1, 10, THEN, {"set": {}, **facts}, scan_id)


RECEIVED = past(1, Move.RECEIVE)
ENTERED = past(2, Move.ENTER, "look")
PASSED = past(3, Move.PASS, "step")


def undone(
    *chain: Past, scan: str = "step", actor: Actor = MINE, later: timedelta = timedelta(0)
) -> list[int]:
    return [each.seq for each in rules.to_undo(chain, scan, actor, THEN + later)]


def why(*chain: Past, **asked: Any) -> Code:
    with pytest.raises(Refusal) as caught:
        undone(*chain, **asked)
    return caught.value.code


@pytest.mark.parametrize("move", list(OPPOSITES))
def test_an_opposite_leads_back_from_wherever_the_move_led(move: Move) -> None:
    """Else what was undone would stand where the table never lets it be."""
    for (state, each), target in TABLE.items():
        if each is move and isinstance(state, State):
            assert after(target, OPPOSITES[move]) is state


def test_the_tip_is_undone_by_who_scanned_it_or_by_the_supervisor() -> None:
    assert undone(RECEIVED, ENTERED, PASSED) == [3]
    assert undone(RECEIVED, ENTERED, PASSED, actor=SUPERVISOR, later=UNDONE_WITHIN) == [3]
    assert why(RECEIVED, ENTERED, PASSED, actor=OTHERS) is Code.NOT_YOURS
    assert why(RECEIVED, ENTERED, PASSED, actor=ELSEWHERE) is Code.NOT_YOURS
    assert why(RECEIVED, ENTERED, PASSED, scan="look") is Code.MOVED_SINCE
    assert why(RECEIVED, ENTERED, PASSED, later=UNDONE_WITHIN + timedelta(seconds=1)) is Code.TOO_LATE
    assert why(RECEIVED, ENTERED, PASSED, scan="nobody's") is Code.NOTHING_TO_UNDO


def test_a_scan_of_several_entries_is_undone_from_the_last_and_what_was_read_stays() -> None:
    entered, read = past(2, Move.ENTER), past(3, Move.DESCRIBE)
    whole = past(4, Move.PASS, "step", began=2)
    assert undone(RECEIVED, entered, read, whole) == [4, 2]
    # A description that somebody else gave before is not of this scan.
    assert undone(RECEIVED, ENTERED, read, past(4, Move.PASS, "step")) == [4]


@pytest.mark.parametrize("move", [move for move in Move if move not in {*OPPOSITES, Move.DESCRIBE}])
def test_what_has_no_opposite_is_for_the_supervisor(move: Move) -> None:
    assert why(RECEIVED, past(2, move, "step"), actor=SUPERVISOR) is Code.NOT_UNDOABLE


def test_a_danger_stays_and_nothing_is_undone_twice() -> None:
    assert why(RECEIVED, past(2, Move.BLOCK, "step", danger=True)) is Code.NOT_UNDOABLE
    taken_back = past(4, Move.UNDO, "undo", undoes=3)
    assert why(RECEIVED, ENTERED, PASSED, taken_back) is Code.UNDONE_ALREADY
    assert why(RECEIVED, ENTERED, PASSED, taken_back, scan="undo") is Code.NOT_UNDOABLE


def test_the_condition_is_told_again_from_what_still_counts() -> None:
    first = past(2, Move.PASS, grade="a", battery=90, step="grading")
    mistaken = past(3, Move.PASS, grade="d", battery=61, step="grading")
    back = past(4, Move.UNDO, undoes=3)
    again = past(5, Move.PASS, grade="c", battery=None, step="grading")
    assert rules.condition_without([RECEIVED, first, mistaken, back, again], again) == {
        "grade": Grade.A,
        "battery_percent": 90,
    }
    assert rules.condition_without([RECEIVED, again], again) == {"grade": None, "battery_percent": None}
    assert rules.condition_without([RECEIVED, PASSED], PASSED) == {}
