"""Devices of the demo's history at the workshop: from the shelf of what came in to ready, or wherever they end."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import sqlalchemy as sa

from bank.actor import Actor
from bank.demo import things
from bank.demo.plan import End, Fate
from bank.demo.stage import Item, Story
from bank.demo.timeline import Process
from bank.inventory import register
from bank.inventory.actions import Evidence
from bank.inventory.lifecycle import State
from bank.inventory.models import Grade, StepKind
from bank.inventory.register import Standing
from bank.workshops import actions as workshops
from bank.workshops import exits, incidents
from bank.workshops.actions import Work
from bank.workshops.exits import Exit, ExitReason, Leaving
from bank.workshops.models import DANGERS, Incident, IncidentOutcome, Problem
from bank.workshops.rules import BROKEN, FUNCTIONS, Repair, Seen

Turn = Callable[[Story, Item, Fate, Standing], Process]


def work_on(story: Story, item: Item, fate: Fate) -> Process:
    """A device's way along its route; at the step that its fate names, something else happens, once."""
    if fate.end is End.WAITS:
        return
    workshops.enter(story.session, _operator(story, item), _at(story, item), Work())
    befallen = False
    while (standing := _at(story, item)).state is State.IN_WORK:
        yield story.dice.uniform(0.1, 1) * item.lot.pace
        if not befallen and standing.step_kind in fate.at:
            befallen = True
            yield from TURNS[fate.end](story, item, fate, standing)
            if fate.end in LAST_TURNS:
                return
            continue
        _pass(story, item, standing)
    story.shelf.append(item)


def _at(story: Story, item: Item) -> Standing:
    return register.look(story.session, item.code)


def _operator(story: Story, item: Item) -> Actor:
    return story.dice.choice(item.place.operators)


def _pass(story: Story, item: Item, standing: Standing) -> None:
    """All is well at this step; a control is the supervisor's."""
    control = standing.step_kind is StepKind.CONTROL
    who = item.place.supervisor if control else _operator(story, item)
    if standing.step_kind is StepKind.ERASURE:
        seen = Seen(drives=_drives_of(story, item))
    else:
        seen = things.seen_at(story.dice, standing.step_kind, standing.category)
    workshops.pass_step(story.session, who, standing, Work(seen=seen))


def _drives_of(story: Story, item: Item) -> Evidence:
    """Every drive that was ever found in it, erased again if need be."""
    if item.lot.without_drives:
        return Evidence(no_drive=True)
    if not item.drives:
        item.drives.append(things.drive(story.dice, item.category))
    return Evidence(tuple(item.drives))


# --- what may befall a device ---


def _stay(_story: Story, _item: Item, _fate: Fate, _standing: Standing) -> Process:
    yield from ()


def _block(story: Story, item: Item, fate: Fate, standing: Standing) -> Process:
    """What the record itself says (a broken function, a weak battery) is recorded; the rest is said."""
    problem = fate.problem or Problem.OTHER
    who, seen = _operator(story, item), _recorded(standing, problem)
    if problem in DANGERS:
        workshops.stop_danger(story.session, who, standing, Work(seen=Seen(reason=problem)))
    elif seen is not None:
        workshops.pass_step(story.session, who, standing, Work(seen=seen))
    else:
        workshops.block(story.session, who, standing, Work(seen=Seen(reason=problem)))
    yield from ()


def _recorded(standing: Standing, problem: Problem) -> Seen | None:
    if standing.step_kind is StepKind.FUNCTIONAL and problem in BROKEN.values():
        checks = {each: BROKEN.get(each) is not problem for each in FUNCTIONS[standing.category]}
        return Seen(checks=checks)
    if standing.step_kind is StepKind.GRADING and problem is Problem.BATTERY_DEAD:
        return Seen(grade=Grade.B, battery=41)
    return None


def _mend(story: Story, item: Item, fate: Fate, standing: Standing) -> Process:
    """Blocked, then settled by the supervisor."""
    reason = Seen(reason=fate.problem if standing.step_kind is StepKind.REPAIR else Problem.OTHER)
    workshops.block(story.session, _operator(story, item), standing, Work(seen=reason))
    yield story.dice.uniform(2, 9)
    workshops.resolve(story.session, item.place.supervisor, _at(story, item))


def _swap(story: Story, item: Item, _fate: Fate, standing: Standing) -> Process:
    """Another drive is put in: back to the erasure."""
    seen = Seen(repairs=frozenset({Repair.STORAGE}))
    workshops.pass_step(story.session, _operator(story, item), standing, Work(seen=seen))
    item.drives.append(things.drive(story.dice, item.category))
    yield 0.2


def _erase_twice(story: Story, item: Item, _fate: Fate, standing: Standing) -> Process:
    """The first erasure fails; the next, on the same drive, passes."""
    evidence = _drives_of(story, item)
    first = Evidence(tuple(map(things.failed, evidence.drives)), no_drive=evidence.no_drive)
    workshops.pass_step(story.session, _operator(story, item), standing, Work(seen=Seen(drives=first)))
    yield 0.7


def _send_back(story: Story, item: Item, fate: Fate, standing: Standing) -> Process:
    work = Work(seen=Seen(reason=fate.problem))
    workshops.fail_control(story.session, item.place.supervisor, standing, work)
    yield 0.3


def _leave(story: Story, item: Item, leaving: Leaving) -> None:
    exits.leave(story.session, item.place.supervisor, item.code, leaving)


def _harvest(story: Story, item: Item, _fate: Fate, _standing: Standing) -> Process:
    _leave(story, item, Leaving(Exit.HARVEST, ExitReason.NOT_REPAIRABLE))
    yield from ()


def _recycle(story: Story, item: Item, _fate: Fate, standing: Standing) -> Process:
    """Somebody finds that it cannot be mended, and the supervisor agrees."""
    problem = Problem.NOT_REPAIRABLE if standing.step_kind is StepKind.REPAIR else Problem.OTHER
    work = Work(seen=Seen(reason=problem))
    workshops.block(story.session, _operator(story, item), standing, work)
    yield story.dice.uniform(1, 6)
    _leave(story, item, Leaving(Exit.RECYCLE, ExitReason.NOT_REPAIRABLE))


def _strip(story: Story, item: Item, fate: Fate, standing: Standing) -> Process:
    """For parts, then what is left is recycled."""
    yield from _harvest(story, item, fate, standing)
    yield 12
    _leave(story, item, Leaving(Exit.RECYCLE, ExitReason.PARTS_TAKEN))


def _give_back(story: Story, item: Item, fate: Fate, standing: Standing) -> Process:
    """Locked by its donor, who takes it back."""
    work = Work(seen=Seen(reason=fate.problem))
    workshops.block(story.session, _operator(story, item), standing, work)
    yield 8
    _leave(story, item, Leaving(Exit.RETURN_TO_DONOR, ExitReason.LOCKED))


def _lose(story: Story, item: Item, _fate: Fate, standing: Standing) -> Process:
    """Missing for good: what could hold data is told to the authority within two days."""
    _leave(story, item, Leaving(Exit.LOSE, ExitReason.NOT_AT_COUNT))
    if not standing.open_drives:
        return
    yield 2
    known = sa.select(Incident.id).where(Incident.device_id == standing.device_id)
    incident_id = story.session.scalars(known).one()
    incidents.settle(story.session, story.coordinator, incident_id, IncidentOutcome.NOTIFIED)


def _find(story: Story, item: Item, _fate: Fate, _standing: Standing) -> Process:
    """Missing for a day and a half, then found on the wrong shelf: its route starts anew."""
    _leave(story, item, Leaving(Exit.LOSE, ExitReason.NOT_IN_PLACE))
    yield 1.5
    _leave(story, item, Leaving(Exit.FIND))
    yield 1
    workshops.enter(story.session, _operator(story, item), _at(story, item), Work())


TURNS: Mapping[End, Turn] = {
    End.STAYS: _stay,
    End.BLOCKED: _block,
    End.MENDED: _mend,
    End.SWAPPED: _swap,
    End.ERASED_TWICE: _erase_twice,
    End.SENT_BACK: _send_back,
    End.HARVESTED: _harvest,
    End.RECYCLED: _recycle,
    End.STRIPPED: _strip,
    End.RETURNED: _give_back,
    End.LOST: _lose,
    End.FOUND: _find,
}
LAST_TURNS = frozenset(
    {End.STAYS, End.BLOCKED, End.HARVESTED, End.RECYCLED, End.STRIPPED, End.RETURNED, End.LOST}
)


# --- today ---


def lose_one(story: Story) -> Process:
    """A device that nobody has erased yet is not where it should be."""
    item = next(each for each in story.arrived if _at(story, each).state is State.RECEIVED)
    _leave(story, item, Leaving(Exit.LOSE, ExitReason.NOT_IN_PLACE))
    yield from ()


def call_help(story: Story) -> Process:
    """An operator asks for help."""
    item = next(
        each
        for each in reversed(story.arrived)
        if (standing := _at(story, each)).state is State.IN_WORK
        and standing.blocker_id is None
        and story.cast["atelier"] in each.place.operators
    )
    workshops.call_help(story.session, story.cast["atelier"], _at(story, item), Work())
    yield from ()


TODAY = ((timedelta(hours=5), lose_one), (timedelta(minutes=20), call_help))
