"""One scan, one action of one room, through one table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.inventory import register
from bank.inventory.lifecycle import State
from bank.inventory.models import StepKind
from bank.inventory.register import ScanMark, Standing
from bank.scanning import queries
from bank.scanning.queries import Asked, Result
from bank.workshops import actions as workshops
from bank.workshops import undo
from bank.workshops.actions import Done, Work
from bank.workshops.rules import NOTHING_SEEN, RECORDS, Outcome, Seen

# What a scanner may give: an address, a code, or a glued mess that must be named as such.
CODE_MAX = 500

Action = Callable[[Session, Actor, Standing, Work], Done]
Look = Callable[[], tuple[Actor, Standing]]
Key = tuple[StepKind | State, Asked]

# What a scan leads to: the step that the device waits for (or its state, where there is none), and what the
# person says. Whatever is not here is told, not done.
DESK: Mapping[Key, Action] = {
    **{(step, Asked.LOOK): workshops.show for step in StepKind},
    **{(step, Asked.DONE): workshops.pass_step for step in StepKind},
    **{(step, Asked.PROBLEM): workshops.block for step in StepKind},
    (StepKind.CONTROL, Asked.PROBLEM): workshops.fail_control,
    **{(stage, Asked.PUT): workshops.put for stage in (*StepKind, *State)},
    **{(stage, Asked.UNDO): undo.undo for stage in (*StepKind, *State)},
    **{(stage, Asked.HELP): workshops.call_help for stage in (*StepKind, *State)},
    **{(state, Asked.DANGER): workshops.tell_danger for state in State},
    **{(stage, Asked.DANGER): workshops.stop_danger for stage in (*StepKind, State.RECEIVED, State.READY)},
    (State.RECEIVED, Asked.LOOK): workshops.look_at_received,
    (State.RECEIVED, Asked.DONE): workshops.enter_and_pass,
    (State.RECEIVED, Asked.PROBLEM): workshops.enter_and_block,
}
# What is said of the step that was seen must not be said of the one after.
OF_THE_STEP = frozenset({Asked.DONE, Asked.PROBLEM})


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan as it was made. `at` is the client's own time, where it gives one.

    `undoes` names the scan that it takes back; `place` is the label of the place where the device is put.
    """

    scan_id: str
    code: str
    asked: Asked
    station: StepKind | None = None
    seen: Seen = NOTHING_SEEN
    at: datetime | None = None
    undoes: str | None = None
    place: str | None = None


def scan(session: Session, made: Scan, look: Look) -> Result:
    """Do what the scan asks, once: the same scan again is told its first answer.

    `look` says who scans and where the device stands; when another scan of the device comes in between, it is
    asked again. Raises Refusal, and IntegrityError on a `scan_id` that is there already (`intake.py`).
    """
    mark = ScanMark(made.scan_id, _micros(made.at))
    work = Work(made.station, made.seen, mark, undoes=made.undoes, place=made.place)
    step_seen: list[int | None] = []

    def attempt() -> tuple[Actor, Done]:
        actor, standing = look()
        actor.must(Permission.DEVICE_SCAN)
        if step_seen and made.asked in OF_THE_STEP and step_seen[0] != standing.step_id:
            raise Refusal(Code.MOVED_MEANWHILE)
        step_seen.append(standing.step_id)
        stage = standing.step_kind or standing.state
        action = DESK.get((stage, made.asked), workshops.tell) if stage else workshops.tell
        return actor, action(session, actor, standing, work)

    actor, done = register.retried(attempt)
    if done.outcome is Outcome.NOTHING:
        first = queries.first_answer(session, actor, made.scan_id, made.code, made.asked)
        if first is not None:
            return first
    return _result(done)


def scan_together(session: Session, actor: Actor, scans: Sequence[Scan]) -> list[Result]:
    """Do what the first of these scans ask, as far as each passes a plain step of a device of its own.

    The answers, in order; the first scan without one is to be taken by itself. Two SELECTs and two writes, however
    many. Raises Refusal(moved-meanwhile) and IntegrityError, with nothing done, when somebody else came in between.
    """
    actor.must(Permission.DEVICE_SCAN)
    taken = queries.known_scans(session, (made.scan_id for made in scans))
    standings = register.look_at_all(session, {made.code for made in scans})
    results: list[Result] = []
    with register.together(session):
        for made in scans:
            # Each device once: what was seen of it holds for one move.
            standing = standings.pop(made.code, None)
            if standing is None or made.scan_id in taken or not _is_plain(made, standing):
                break
            try:
                results.append(scan(session, made, partial(_as_seen, actor, standing)))
            except Refusal:
                break
            taken.add(made.scan_id)
    return results


def _as_seen(actor: Actor, standing: Standing) -> tuple[Actor, Standing]:
    return actor, standing


def _is_plain(made: Scan, standing: Standing) -> bool:
    """Whether the scan can only pass a step that records nothing."""
    return (
        made.asked is Asked.DONE
        and made.seen is NOTHING_SEEN
        and standing.blocker_id is None
        and standing.step_kind is not None
        and not RECORDS[standing.step_kind]
    )


def _result(done: Done) -> Result:
    standing = done.standing
    return Result(
        outcome=done.outcome,
        state=standing.state,
        step=standing.step_kind,
        code=standing.code,
        category=standing.category,
        open_drives=standing.open_drives,
        reason=queries.reason_of(done.outcome, done.problem),
        problem=done.problem,
    )


def _micros(at: datetime | None) -> int | None:
    return round(at.timestamp() * 1_000_000) if at else None
