"""The demo's workshop counts a box, and tells its people at some steps what no other workshop knows."""

from collections.abc import Mapping
from datetime import timedelta

from bank.demo import plan
from bank.demo.stage import Place, Story
from bank.demo.timeline import Process
from bank.inventory import place_queries, queries
from bank.inventory.models import PlaceKind, StepKind
from bank.inventory.queries import Filters
from bank.scanning import stock_queries, stock_takes
from bank.workshops import guides
from bank.workshops.guides import Guide

LATELY = timedelta(minutes=10)
GUIDES: Mapping[StepKind, str] = {
    StepKind.POWER_ON: "Les chargeurs sont dans le bac bleu, rangés par marque.",
    StepKind.ERASURE: "La clé d’effacement est sur la table 2. Notez l’heure du début sur le carton.",
    StepKind.MARKS: "Le produit pour les autocollants est sous l’évier. Mettez des gants.",
    StepKind.CLEANING: "Un chiffon propre par appareil. Jamais de produit sur l’écran.",
}


def count(story: Story) -> Process:
    """Its supervisor writes the guides; a box is counted: one thing is not in it, and one of its shelf is."""
    place = story.places[plan.AGOIE]
    for step, text in GUIDES.items():
        guides.edit(story.session, place.supervisor, Guide(step, text))
    _count(story, place)
    yield from ()


def _count(story: Story, place: Place) -> None:
    session, scans, closes = story.session, place.operators[0], place.supervisor
    box = next(each for each in place_queries.places(session, closes) if each.kind is PlaceKind.BOX)
    take_id = stock_takes.open_at(session, scans, "demo-stock-take", box.id)
    expected = [line.said for line in stock_queries.stock_take(session, scans, take_id).missing]
    around = queries.devices(session, scans, Filters(place=box.within_id)).devices
    astray = [line.code for line in around if line.code not in expected]
    stock_takes.scan(session, scans, take_id, [*expected[:-1], *astray[:1]])
    stock_takes.close(session, closes, take_id, {})
