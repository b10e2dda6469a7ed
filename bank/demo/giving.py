"""Batches of the demo's history: announced, decided on, received; or they come unannounced."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import sqlalchemy as sa

from bank.db import utcnow
from bank.demo import plan, working
from bank.demo.plan import Announced, Fate, How, Lot, Stage
from bank.demo.stage import Item, Place, Story
from bank.demo.timeline import Process
from bank.donations import actions as donations
from bank.donations import rules
from bank.donations.models import Batch, GapReason, RefusalReason
from bank.inventory.models import Category, Device, Label, LegalBasis
from bank.office import actions as office
from bank.office import queries as office_queries
from bank.office.queries import Selection
from bank.office.rules import Measured
from bank.web.pages import today_in_paris

SHEET = "L7160"
MEASURED = Measured(left=2_120, top=1_950, across=10_020, down=10_000)


def come(story: Story, lot: Lot) -> Process:
    """A batch comes, and each of its devices begins its life."""
    place = story.places[lot.workshop]
    if lot.how is How.UNANNOUNCED:
        ref = _take_in(story, lot, place)
    elif lot.how is How.ENTERED:
        ref = _enter(story, lot, place)
        yield story.dice.uniform(2, 4)
    else:
        ref = _announce(story, lot.donor or "", lot.counts, purge_asked=lot.purge_asked)
        yield story.dice.uniform(0.5, 2)
        _accept(story, ref, lot.basis, place, 3)
        yield 3
    if lot.how is not How.UNANNOUNCED:
        _receive(story, lot, place, ref)
    _label(story, place, ref)
    _begin_lives(story, lot, place, ref)


def set_up(story: Story) -> Process:
    """AGOIE's printers: one that somebody measured, and one that nobody did yet."""
    maker = story.places[plan.AGOIE].supervisor
    laser = office.add_printer(story.session, maker, "Laser du bureau")
    office.calibrate(story.session, maker, laser, 1, MEASURED)
    office.add_printer(story.session, maker, "Imprimante de l’atelier")
    yield from ()


def announce(story: Story, announced: Announced) -> Process:
    """A batch is announced, and does not come."""
    donor = story.cast[announced.donor]
    ref = _announce(story, announced.donor, announced.counts, submit=announced.stage is not Stage.DRAFT)
    if announced.stage in (Stage.DRAFT, Stage.SUBMITTED):
        return
    yield 1.5
    if announced.stage is Stage.WITHDRAWN:
        donations.withdraw(story.session, donor, ref)
    elif announced.stage is Stage.REFUSED:
        answer = rules.NoThanks(reason=RefusalReason.TOO_OLD, note=announced.note)
        donations.refuse(story.session, story.coordinator, ref, _version(story, ref), answer)
    else:
        _accept(story, ref, LegalBasis.PRIVATE_GIFT, story.places[plan.AGOIE], 12)


def _enter(story: Story, lot: Lot, place: Place) -> str:
    new = rules.NewBatch(
        donor_id=story.cast[lot.donor or ""].organisation_id,
        workshop_id=place.supervisor.organisation_id,
        legal_basis=lot.basis,
        agreed_on=today_in_paris(utcnow()),
        lines=tuple(lot.counts.items()),
        purge_asked=lot.purge_asked,
    )
    return donations.enter(story.session, story.coordinator, new)


def _take_in(story: Story, lot: Lot, place: Place) -> str:
    arrival = rules.Arrival(
        donor_id=story.cast[lot.donor].organisation_id if lot.donor else None,
        workshop_id=place.supervisor.organisation_id,
        count=rules.Count(received=lot.counts),
    )
    return donations.take_in(story.session, place.supervisor, arrival)


def _announce(
    story: Story, name: str, counts: Mapping[Category, int], *, purge_asked: bool = False, submit: bool = True
) -> str:
    donor = story.cast[name]
    new = rules.Announcement(
        lines=tuple(counts.items()),
        purge_asked=purge_asked,
        pickup_address=plan.PICKUPS[name],
        pickup_contact=f"{donor.name}, 01 99 00 75 {story.dice.randint(10, 99)}",
    )
    ref = donations.announce(story.session, donor, new)
    if submit:
        donations.submit(story.session, donor, ref)
    return ref


def _accept(story: Story, ref: str, basis: LegalBasis, place: Place, in_days: int) -> None:
    answer = rules.Acceptance(
        workshop_id=place.supervisor.organisation_id,
        legal_basis=basis,
        collection_on=today_in_paris(utcnow()) + timedelta(days=in_days),
    )
    donations.accept(story.session, story.coordinator, ref, _version(story, ref), answer)


def _version(story: Story, ref: str) -> int:
    return story.session.scalars(sa.select(Batch.version).where(Batch.ref == ref)).one()


def _receive(story: Story, lot: Lot, place: Place, ref: str) -> None:
    less = {category: lot.absent.get(category, 0) + lot.refused.get(category, 0) for category in lot.counts}
    counts = {category: count - less[category] for category, count in lot.counts.items()}
    reasons = dict.fromkeys(lot.absent, GapReason.NOT_ON_THE_LORRY)
    donations.receive(story.session, place.supervisor, ref, counts, reasons, lot.refused)


def _label(story: Story, place: Place, ref: str) -> None:
    """Each device gets its label: the workshop prints them on the sheet where it stopped last."""
    if next(_arrived(story, ref), None) is None:
        return
    maker = place.supervisor
    start = office_queries.opened(story.session, maker, None).get(SHEET, 1)
    office.print_labels(story.session, maker, Selection(batch=ref), office.Paper(sheet=SHEET, start=start))


def _begin_lives(story: Story, lot: Lot, place: Place, ref: str) -> None:
    told = {category: iter(fates) for category, fates in lot.fates.items()}
    for code, category in _arrived(story, ref):
        fate = next(told.get(category, iter(())), None) or _drawn(story, lot)
        item = Item(code, category, lot, place)
        story.arrived.append(item)
        day = story.time.day + story.dice.uniform(1.2, 6) * min(lot.pace, 1.5)
        story.time.begin(day, working.work_on(story, item, fate))


def _drawn(story: Story, lot: Lot) -> Fate:
    if lot.steady:
        return plan.READY
    fates, weights = zip(*plan.DRAWN, strict=True)
    drawn: Fate = story.dice.choices(fates, weights)[0]
    return drawn


def _arrived(story: Story, ref: str) -> Iterator[tuple[str, Category]]:
    rows = story.session.execute(
        sa.select(Label.code, Device.category)
        .join(Device, Label.device_id == Device.id)
        .where(Device.batch_ref == ref)
        .order_by(Device.id)
    )
    return ((row.code, row.category) for row in rows.all())
