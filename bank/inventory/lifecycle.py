"""The life of a device: the one table of what may happen to it. Pure.

`docs/architecture.md` carries the diagram drawn from this table (`banque lifecycle`).
"""

from collections.abc import Mapping
from enum import StrEnum

from bank.errors import Code, Refusal


class State(StrEnum):
    """The coarse states. The fine steps inside IN_WORK are data (a route)."""

    ANNOUNCED = "announced"
    RECEIVED = "received"
    IN_WORK = "in_work"
    READY = "ready"
    RESERVED = "reserved"
    HANDED_OVER = "handed_over"
    ON_LOAN = "on_loan"
    MISSING = "missing"
    HARVESTED = "harvested"
    RECYCLED = "recycled"
    RETURNED_TO_DONOR = "returned_to_donor"


class Move(StrEnum):
    """What can be done to a device; the value is the verb of the journal's kind."""

    ANNOUNCE = "announce"
    RECEIVE = "receive"
    ENTER = "enter"
    PASS = "pass"
    DRIVES = "drives"
    DESCRIBE = "describe"
    RELABEL = "relabel"
    PUT = "put"
    SHIP = "ship"
    ARRIVE = "arrive"
    UNDO = "undo"
    LEAVE = "leave"
    REOPEN = "reopen"
    BLOCK = "block"
    UNBLOCK = "unblock"
    SEND_BACK = "send_back"
    FINISH = "finish"
    RECHECK = "recheck"
    RESERVE = "reserve"
    RELEASE = "release"
    HAND_OVER = "hand_over"
    LEND = "lend"
    COME_BACK = "come_back"
    LOSE = "lose"
    FIND = "find"
    HARVEST = "harvest"
    RECYCLE = "recycle"
    RETURN_TO_DONOR = "return_to_donor"


S, M = State, Move

# None is the device that is not in the register yet.
TABLE: Mapping[tuple[State | None, Move], State] = {
    (None, M.ANNOUNCE): S.ANNOUNCED,
    (None, M.RECEIVE): S.RECEIVED,
    (S.ANNOUNCED, M.RECEIVE): S.RECEIVED,
    (S.RECEIVED, M.ENTER): S.IN_WORK,
    (S.RECEIVED, M.DRIVES): S.RECEIVED,
    (S.IN_WORK, M.PASS): S.IN_WORK,
    (S.IN_WORK, M.DRIVES): S.IN_WORK,
    (S.RECEIVED, M.DESCRIBE): S.RECEIVED,
    (S.IN_WORK, M.DESCRIBE): S.IN_WORK,
    (S.READY, M.DESCRIBE): S.READY,
    (S.RECEIVED, M.RELABEL): S.RECEIVED,
    (S.IN_WORK, M.RELABEL): S.IN_WORK,
    (S.READY, M.RELABEL): S.READY,
    (S.RESERVED, M.RELABEL): S.RESERVED,
    (S.RECEIVED, M.PUT): S.RECEIVED,
    (S.IN_WORK, M.PUT): S.IN_WORK,
    (S.READY, M.PUT): S.READY,
    (S.RESERVED, M.PUT): S.RESERVED,
    (S.HARVESTED, M.PUT): S.HARVESTED,
    (S.RECEIVED, M.SHIP): S.RECEIVED,
    (S.IN_WORK, M.SHIP): S.IN_WORK,
    (S.READY, M.SHIP): S.READY,
    # What is promised travels to the counter that hands it over.
    (S.RESERVED, M.SHIP): S.RESERVED,
    (S.RECEIVED, M.ARRIVE): S.RECEIVED,
    (S.IN_WORK, M.ARRIVE): S.IN_WORK,
    (S.READY, M.ARRIVE): S.READY,
    (S.RESERVED, M.ARRIVE): S.RESERVED,
    # The opposites of a move that was a mistake: in the same state, out of the route, back into its last step.
    (S.RECEIVED, M.UNDO): S.RECEIVED,
    (S.IN_WORK, M.UNDO): S.IN_WORK,
    (S.READY, M.UNDO): S.READY,
    (S.RESERVED, M.UNDO): S.RESERVED,
    (S.HARVESTED, M.UNDO): S.HARVESTED,
    (S.IN_WORK, M.LEAVE): S.RECEIVED,
    (S.READY, M.REOPEN): S.IN_WORK,
    (S.RECEIVED, M.BLOCK): S.RECEIVED,
    (S.IN_WORK, M.BLOCK): S.IN_WORK,
    (S.RECEIVED, M.UNBLOCK): S.RECEIVED,
    (S.IN_WORK, M.UNBLOCK): S.IN_WORK,
    (S.IN_WORK, M.SEND_BACK): S.IN_WORK,
    (S.IN_WORK, M.FINISH): S.READY,
    (S.READY, M.RECHECK): S.IN_WORK,
    (S.RESERVED, M.RECHECK): S.IN_WORK,
    (S.READY, M.RESERVE): S.RESERVED,
    (S.RESERVED, M.RELEASE): S.READY,
    (S.RESERVED, M.HAND_OVER): S.HANDED_OVER,
    (S.RESERVED, M.LEND): S.ON_LOAN,
    (S.HANDED_OVER, M.COME_BACK): S.RECEIVED,
    (S.ON_LOAN, M.COME_BACK): S.RECEIVED,
    (S.RECEIVED, M.LOSE): S.MISSING,
    (S.IN_WORK, M.LOSE): S.MISSING,
    (S.READY, M.LOSE): S.MISSING,
    (S.RESERVED, M.LOSE): S.MISSING,
    (S.ON_LOAN, M.LOSE): S.MISSING,
    (S.MISSING, M.FIND): S.RECEIVED,
    (S.RECEIVED, M.HARVEST): S.HARVESTED,
    (S.IN_WORK, M.HARVEST): S.HARVESTED,
    (S.RECEIVED, M.RECYCLE): S.RECYCLED,
    (S.IN_WORK, M.RECYCLE): S.RECYCLED,
    (S.READY, M.RECYCLE): S.RECYCLED,
    (S.HARVESTED, M.RECYCLE): S.RECYCLED,
    (S.RECEIVED, M.RETURN_TO_DONOR): S.RETURNED_TO_DONOR,
    (S.IN_WORK, M.RETURN_TO_DONOR): S.RETURNED_TO_DONOR,
    (S.READY, M.RETURN_TO_DONOR): S.RETURNED_TO_DONOR,
}

# The erasure gate: no device may be in these with a drive whose data nobody has proven gone.
GATED = (S.READY, S.RESERVED, S.HANDED_OVER, S.ON_LOAN, S.HARVESTED)


def after(state: State | None, move: Move, open_drives: int = 0) -> State:
    """The state that a move leads to. Raises Refusal(illegal-move, drives-open)."""
    target = TABLE.get((state, move))
    if target is None:
        raise Refusal(Code.ILLEGAL_MOVE, state=state.value if state else None, move=move.value)
    if target in GATED and open_drives > 0:
        raise Refusal(Code.DRIVES_OPEN, open_drives=open_drives)
    return target


def diagram() -> str:
    """The table as a Mermaid state diagram; moves between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (source, move), target in TABLE.items():
        arrows.setdefault((source.value if source else "[*]", target.value), []).append(move.value)
    lines = [f"    {source} --> {target}: {', '.join(moves)}" for (source, target), moves in arrows.items()]
    return "\n".join(["stateDiagram-v2", *lines])
