"""Requests of the demo's history: asked, allocated from the shelf, appointed, handed over; some come back."""

from datetime import timedelta
from typing import Any

from bank.allocation import actions as allocation
from bank.allocation import handovers, queries
from bank.allocation.actions import NewRequest
from bank.allocation.counter import ComeBack, NewHandover
from bank.allocation.handovers import NewAppointment
from bank.allocation.models import CancelReason, Collector, IdPaper, Payment, Signature
from bank.db import utcnow
from bank.demo import plan, working
from bank.demo.plan import Wish
from bank.demo.stage import Item, Place, Story
from bank.demo.timeline import LAST, Process
from bank.inventory.models import Category
from bank.web.pages import today_in_paris

# So many of each category stay on the shelf of each place, so that the demo has stock to show.
KEPT = 2
SIGNED = "M120 180L180 90L240 210L300 100L380 190L460 120L560 170L700 140"
PATIENCE_DAYS = 4.0


def follow(story: Story, wish: Wish) -> Process:
    """A request from the day it is made until what was handed over comes back, if it does."""
    ref = _ask(story, wish)
    if wish.left_open:
        return
    yield story.dice.uniform(0.5, 3)
    if wish.cancelled:
        allocation.cancel(story.session, story.cast[wish.asker], ref, CancelReason.NO_LONGER_NEEDED)
        return
    items: list[Item] = []
    missing = dict(wish.lines)
    while any(missing.values()):
        found = _allocate(story, ref, wish, missing, items[0].place if items else None)
        items += found
        if any(missing.values()):
            yield PATIENCE_DAYS
    yield story.dice.uniform(0.2, 1)
    wait = story.dice.randint(2, 9) + story.dice.choice((0.1, 0.35, 0.6, 0.8))
    day = int(story.time.day) + wait
    _appoint(story, ref, items[0].place, day)
    yield day - story.time.day
    if story.time.day >= LAST + 1:
        return
    _hand_over(story, ref, wish, items)
    if wish.come_back is not None:
        yield from _come_back(story, items[0], wish.come_back)


def _ask(story: Story, wish: Wish) -> str:
    dice, today = story.dice, today_in_paris(utcnow())
    name = f"{dice.choice(plan.FIRST_NAMES)} {dice.choice(plan.LAST_NAMES)}" if wish.proof else None
    new = NewRequest(
        programme=wish.programme,
        lines=wish.lines,
        person_name=name,
        birth_date=today - timedelta(days=dice.randint(19 * 365, 78 * 365)) if name else None,
        contact=f"01 99 00 {dice.randint(10, 99)} {dice.randint(10, 99)}" if name else None,
        proof=wish.proof,
        proof_day=today - timedelta(days=dice.randint(1, 25)) if wish.proof else None,
        proof_seen=wish.proof is not None,
    )
    return allocation.make_request(story.session, story.cast[wish.asker], new)


def _allocate(
    story: Story, ref: str, wish: Wish, missing: dict[Category, int], place: Place | None
) -> list[Item]:
    """Promise what the shelf of one place holds; `missing` says what is still to be found."""
    places = [place] if place else [each for each in story.places.values() if each.desk]
    best = max(places, key=lambda each: sum(len(found) for found in _found(story, wish, missing, each)))
    chosen = {item.code: item for found in _found(story, wish, missing, best) for item in found}
    if not chosen:
        return []
    done = allocation.allocate_many(story.session, story.coordinator, ref, chosen)
    promised = [chosen[code] for code in done.promised]
    for item in promised:
        story.shelf.remove(item)
        missing[item.category] -= 1
    return promised


def _found(story: Story, wish: Wish, missing: dict[Category, int], place: Place) -> list[list[Item]]:
    """For each category, what of one place's shelf may go to such a request, the oldest first."""
    shelves = [
        [
            item
            for item in story.shelf
            if item.place is place and item.category is category and _may_go(item, wish)
        ]
        for category in missing
    ]
    return [
        shelf[: min(count, max(len(shelf) - KEPT, 0))]
        for shelf, count in zip(shelves, missing.values(), strict=True)
    ]


def _may_go(item: Item, wish: Wish) -> bool:
    """What nobody knows the donor of is given only; a public gift goes to no commune, and is capped where sold."""
    if item.lot.kept:
        return False
    if item.lot.donor is None:
        return wish.programme == "GRANDE-PRECARITE"
    if item.lot.donor in plan.PUBLIC:
        return wish.programme != "ESPACE-COMMUNE" and item.category in plan.CAPPED
    return True


def _appoint(story: Story, ref: str, place: Place, day: float) -> None:
    if place.desk is None:
        raise ValueError("nobody stands at a counter there")
    new = NewAppointment(request_ref=ref, desk_id=place.desk.organisation_id, at=story.time.moment(day))
    handovers.appoint(story.session, place.desk, new)


def _hand_over(story: Story, ref: str, wish: Wish, items: list[Item]) -> None:
    desk = items[0].place.desk
    if desk is None:
        raise ValueError("nobody stands at a counter there")
    total = queries.find(story.session, desk, ref).total_cents
    paid = story.dice.choice((Payment.CASH, Payment.CASH, Payment.CARD, Payment.CHEQUE))
    if wish.proof is None:
        paid = Payment.TRANSFER
    new = NewHandover(
        request_ref=ref,
        device_codes=tuple(item.code for item in items),
        payment=paid if total else Payment.NONE,
        paid_cents=total,
        **_signing(story, wish),
    )
    handovers.hand_over(story.session, desk, new)


def _signing(story: Story, wish: Wish) -> dict[str, Any]:
    """Who signs, and how."""
    other = f"{story.dice.choice(plan.FIRST_NAMES)} {story.dice.choice(plan.LAST_NAMES)}"
    if wish.proof is None:
        title = {"signer_name": story.cast[wish.asker].name, "signer_title": "Responsable"}
        return {"signature": Signature.ON_SCREEN, "drawing": SIGNED, **title}
    ways: tuple[dict[str, Any], ...] = (
        {"signature": Signature.ON_SCREEN, "drawing": SIGNED, "id_paper": IdPaper.IDENTITY_CARD},
        {"signature": Signature.ON_SCREEN, "drawing": SIGNED, "id_paper": IdPaper.RESIDENCE_PERMIT},
        {"signature": Signature.ON_PAPER, "id_paper": IdPaper.IDENTITY_CARD},
        {"signature": Signature.WITNESS, "witness_name": other, "id_paper": IdPaper.PASSPORT},
        {
            "signature": Signature.ON_SCREEN,
            "drawing": SIGNED,
            "collector": Collector.MANDATED,
            "signer_name": other,
            "id_paper": IdPaper.IDENTITY_CARD,
        },
    )
    return story.dice.choice(ways)


def _come_back(story: Story, item: Item, reason: ComeBack) -> Process:
    """A device comes back, and is worked on again; the last ones still wait for that."""
    yield story.dice.uniform(14, 30)
    if item.place.desk is None:
        return
    handovers.take_back(story.session, item.place.desk, item.code, reason)
    yield story.dice.uniform(4, 9)
    yield from working.work_on(story, item, plan.READY)
