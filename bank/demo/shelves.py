"""Where things stand in the demo's workshops: rooms, shelves and boxes with their labels, and devices put there."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice

from bank.demo import plan
from bank.demo.stage import Place, Story
from bank.demo.timeline import Process
from bank.inventory import places, queries
from bank.inventory.lifecycle import State
from bank.inventory.models import PlaceKind
from bank.inventory.places import PlaceDraft
from bank.inventory.queries import Filters
from bank.office import actions as office
from bank.office import queries as office_queries
from bank.office.queries import Selection

SHEET = "L7160"
LATELY = timedelta(minutes=15)
ON_A_SHELF, IN_A_BOX, BLOCKED = 8, 5, 6


def put_away(story: Story) -> Process:
    """Each workshop names its places, prints their labels and puts away what is ready or blocked."""
    for name in (plan.AGOIE, plan.LOXY, plan.ESAT):
        _furnish(story, story.places[name])
    yield from ()


def _furnish(story: Story, place: Place) -> None:
    room = _make(story, place, "Réserve", PlaceKind.ROOM)
    shelf = _make(story, place, "Étagère 1", PlaceKind.SHELF, room)
    box = _make(story, place, "Carton A", PlaceKind.BOX, shelf)
    blocked = _make(story, place, "Étagère des bloqués", PlaceKind.SHELF, room)
    made = [room, shelf, box, blocked]
    if place.desk is not None:
        made.append(_make(story, place, "Guichet", PlaceKind.COUNTER))
    maker = place.supervisor
    start = office_queries.opened(story.session, maker, None).get(SHEET, 1)
    office.print_labels(
        story.session, maker, Selection(places=tuple(made)), office.Paper(sheet=SHEET, start=start)
    )
    ready = _codes(story, place, Filters(state=State.READY), ON_A_SHELF + IN_A_BOX)
    _put(story, place, ready[:ON_A_SHELF], shelf)
    _put(story, place, ready[ON_A_SHELF:], box)
    _put(story, place, _codes(story, place, Filters(blocked=True), BLOCKED), blocked)


def _make(story: Story, place: Place, name: str, kind: PlaceKind, within_id: int | None = None) -> int:
    return places.make(story.session, place.supervisor, PlaceDraft(name, kind, within_id))


def _codes(story: Story, place: Place, filters: Filters, most: int) -> list[str]:
    """Devices that the workshop has in hand; those that it only owns stand elsewhere."""
    mine = queries.stickers_of(story.session, place.supervisor, filters=filters)
    sheets = (queries.sheet(story.session, place.supervisor, each.code) for each in mine)
    return list(islice((sheet.code for sheet in sheets if sheet.held), most))


def _put(story: Story, place: Place, codes: Sequence[str], place_id: int) -> None:
    for code in codes:
        places.put(story.session, place.operators[0], code, place_id)
