"""Six months of the demo bank, lived by its people through the same actions as the screens'.

`plan.py` says what happens and `timeline.py` when; `giving.py`, `working.py` and `asking.py` do it. Each batch,
device and request is a generator that acts, then waits for some days. The dice are seeded: every run is the same.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.db import utcnow
from bank.demo import asking, counting, giving, plan, shelves, working
from bank.demo.plan import ANNOUNCED, LOTS, Wish
from bank.demo.stage import Story
from bank.demo.timeline import LAST, Timeline
from bank.inventory import codes

SEED = 95


def live(session: Session, cast: Mapping[str, Actor]) -> None:
    """Live the six months that end yesterday, and what is under way today."""
    dice = Random(SEED)  # noqa: S311  (a demo that is the same at every run)
    story = Story(session, cast, dice, Timeline(utcnow()))
    with codes.drawn_with(dice):
        _begin(story)
        story.time.run()
        for ago, act in (
            *working.TODAY,
            (shelves.LATELY, shelves.put_away),
            (counting.LATELY, counting.count),
        ):
            story.time.just_now(ago, act(story))


def _begin(story: Story) -> None:
    """Have each batch and each request begin on its day."""
    story.time.begin(0, giving.set_up(story))
    for lot in LOTS:
        story.time.begin(lot.day, giving.come(story, lot))
    for announced in ANNOUNCED:
        story.time.begin(announced.day, giving.announce(story, announced))
    for day, wish in plan.OF_STRUCTURES:
        story.time.begin(day, asking.follow(story, wish))
    day, turn = plan.ASKED_FROM, 0
    while day < LAST + 1:
        story.time.begin(day, asking.follow(story, _asked(turn)))
        day, turn = day + plan.ASKED_EVERY, turn + 1


def _asked(turn: int) -> Wish:
    wish = plan.OF_PEOPLE[turn % len(plan.OF_PEOPLE)]
    return replace(wish, come_back=plan.BACK.get(turn), cancelled=turn in plan.CANCELLED)
