"""Every (state, move) pair is either in the table or refused; the gate holds whatever the table says."""

from pathlib import Path

import pytest

from bank.errors import Code, Refusal
from bank.inventory.lifecycle import GATED, TABLE, Move, State, after, diagram
from bank.journal import SCHEMAS, Kind, Subject

PAIRS = [(state, move) for state in (None, *State) for move in Move]
EXITS = (State.RECYCLED, State.RETURNED_TO_DONOR)


@pytest.mark.parametrize(("state", "move"), PAIRS)
def test_a_move_leads_where_the_table_says_or_is_refused(state: State | None, move: Move) -> None:
    if (state, move) in TABLE:
        assert after(state, move) is TABLE[state, move]
        return
    with pytest.raises(Refusal) as refused:
        after(state, move)
    assert refused.value.code is Code.ILLEGAL_MOVE
    assert refused.value.facts == {"state": state.value if state else None, "move": move.value}


@pytest.mark.parametrize(("state", "move"), sorted(TABLE, key=str))
def test_no_move_passes_the_gate_with_an_open_drive(state: State | None, move: Move) -> None:
    if TABLE[state, move] in GATED:
        with pytest.raises(Refusal) as refused:
            after(state, move, open_drives=1)
        assert refused.value.code is Code.DRIVES_OPEN
    else:
        assert after(state, move, open_drives=1) is TABLE[state, move]


def test_every_state_can_be_reached_and_only_exits_have_no_way_out() -> None:
    assert set(TABLE.values()) == set(State)
    leaving = {state for state, _move in TABLE}
    assert {state for state in State if state not in leaving} == set(EXITS)


def test_every_move_has_its_kind_of_entry_and_the_other_way_round() -> None:
    kinds = {kind.value for kind in Kind if kind.subject is Subject.DEVICE}
    assert kinds == {f"device.{move.value}" for move in Move}
    assert set(SCHEMAS) == set(Kind)


def test_the_diagram_shows_every_arrow() -> None:
    drawn = diagram()
    for (state, move), target in TABLE.items():
        line = next(row for row in drawn.splitlines() if f"{state or '[*]'} --> {target}:" in row)
        assert move.value in line


def test_the_diagram_of_the_papers_is_the_one_of_the_table() -> None:
    assert diagram() in (Path(__file__).parents[2] / "docs/architecture.md").read_text()
