"""What everybody in the demo's history has at hand: the people, the places, the dice, the calendar, the shelf."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.demo import plan
from bank.demo.plan import Lot
from bank.demo.timeline import Timeline
from bank.inventory.actions import DriveSeen
from bank.inventory.models import Category


@dataclass(frozen=True)
class Place:
    """A workshop at work: who decides, who does, who stands at its counter."""

    supervisor: Actor
    operators: tuple[Actor, ...]
    desk: Actor | None


@dataclass(frozen=True, eq=False)
class Item:
    """A device, as whoever works on it or allocates it knows it."""

    code: str
    category: Category
    lot: Lot
    place: Place
    # What was found in it, erased.
    drives: list[DriveSeen] = field(default_factory=list)


@dataclass
class Story:
    """The people and what they have at hand."""

    session: Session
    cast: Mapping[str, Actor]
    dice: Random
    time: Timeline
    # What ever came in, and of it what is ready, in the order in which it became so.
    arrived: list[Item] = field(default_factory=list)
    shelf: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        cast = self.cast
        self.coordinator = cast["coordination"]
        self.places = {
            plan.AGOIE: Place(cast["encadrant"], (cast["atelier"], cast["atelier2"]), cast["guichet"]),
            plan.LOXY: Place(cast["loxy"], (cast["loxy"],), cast["loxy"]),
            plan.ESAT: Place(cast["esat"], (cast["atelier.esat"],), None),
        }
