"""As many devices as a load test wants, written in bulk: a million in minutes, a chunk of them at a time.

Each lives a life of the trade: received in a batch, a route walked, a hand-over or another end. Its entries are
composed by the register and the journal themselves (`register.moved`, `journal.compose`), so that they chain and
replay as any others do; only the writing is in bulk. No job follows from these entries.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import InstrumentedAttribute, Session

from bank import db, journal
from bank.actor import Actor
from bank.allocation import offers, pricing
from bank.allocation.models import (
    Allocation,
    AllocationState,
    Collector,
    Handover,
    IdPaper,
    Payment,
    Programme,
    ProofKind,
    Recipient,
    Request,
    RequestLine,
    RequestState,
    Signature,
)
from bank.db import Base, utcnow
from bank.demo import people, things
from bank.demo.bulk import Numbers, pour, row_of
from bank.donations.models import Batch, BatchLine, BatchState
from bank.identity.models import LegalNature
from bank.inventory import codes, register
from bank.inventory.actions import DriveSeen
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import (
    DATA_BEARING,
    Category,
    CodeKind,
    Condition,
    Device,
    DeviceCode,
    Drive,
    DriveKind,
    ErasureProof,
    Label,
    LabelState,
    LegalBasis,
    Origin,
    Step,
    StepKind,
)
from bank.inventory.register import Standing
from bank.journal import Entry, Kind
from bank.web.pages import today_in_paris
from bank.workshops import queries as workshop_queries
from bank.workshops import rules as workshop_rules
from bank.workshops.models import Blocker
from bank.workshops.rules import Seen

CHUNK = 2_000
BATCH = 50
DAYS = 730
# A device that came in less than so many days ago is still at work, or just ready.
RECENT_DAYS = 110
RECIPIENTS = 200

# Of a thousand devices.
SHARES: Mapping[Category, int] = {
    Category.LAPTOP: 430,
    Category.DESKTOP: 190,
    Category.SCREEN: 220,
    Category.TABLET: 50,
    Category.SMARTPHONE: 60,
    Category.ALL_IN_ONE: 10,
    Category.PRINTER: 15,
    Category.MULTIFUNCTION: 10,
    Category.ROUTER: 10,
    Category.PROJECTOR: 5,
}
OLD: Mapping[State, int] = {
    State.HANDED_OVER: 700,
    State.ON_LOAN: 30,
    State.READY: 50,
    State.RESERVED: 20,
    State.RECYCLED: 100,
    State.HARVESTED: 50,
    State.RETURNED_TO_DONOR: 30,
    State.MISSING: 20,
}
RECENT: Mapping[State, int] = {State.RECEIVED: 300, State.IN_WORK: 500, State.READY: 130, State.RESERVED: 70}
BLOCKED_SHARE = 0.15
ENDS: Mapping[State, Move] = {
    State.RECYCLED: Move.RECYCLE,
    State.HARVESTED: Move.HARVEST,
    State.RETURNED_TO_DONOR: Move.RETURN_TO_DONOR,
    State.MISSING: Move.LOSE,
}
PROMISED = (State.RESERVED, State.HANDED_OVER, State.ON_LOAN)
PEOPLE, TABLETS = "RSA", "TABLETTES"
REF_SIGNS = 6


def grow(count: int, say: Callable[[int], object] = int) -> None:
    """Add so many devices to a demo bank; `say` hears how many are made, after each chunk.

    Raises RuntimeError in production and where the demo's people are not.
    """
    if current_app.config["BANK"].production:
        raise RuntimeError("the demo bank is invented: production refuses it")
    made = 0
    while made < count:
        size = min(CHUNK, count - made)
        with db.transaction() as session:
            cast = people.cast_of(session)
            if not cast:
                raise RuntimeError("this bank is not the demo bank: its people are not here")
            chunk = Chunk(session, cast, made / count, size / count)
            chunk.live(size)
            chunk.write()
        made += size
        say(made)


@dataclass(frozen=True)
class Source:
    """A way that things come: who gives under which text, who receives, works, sells and hands over."""

    share: int
    donor: str
    nature: LegalNature
    basis: LegalBasis
    supervisor: str
    worker: str
    desk: str

    @property
    def provenance(self) -> pricing.Provenance:
        """As a price sees it."""
        return pricing.Provenance(self.basis, self.nature)


COMPANY, PUBLIC = LegalNature.COMPANY, LegalNature.PUBLIC_BODY
SOURCES = (
    Source(60, "donateur", COMPANY, LegalBasis.PRIVATE_GIFT, "encadrant", "atelier", "guichet"),
    Source(25, "laposte", COMPANY, LegalBasis.PRIVATE_GIFT, "loxy", "loxy", "loxy"),
    Source(15, "departement", PUBLIC, LegalBasis.L3212_3, "encadrant", "atelier2", "guichet"),
)


@dataclass(frozen=True)
class Delivery:
    """One batch: by which way it came, and when."""

    ref: str
    origin_id: int
    source: Source
    moment: datetime


@dataclass
class Life:
    """A device on its way: where it stands, its clock, how much time each step takes it, what was seen of it."""

    standing: Standing
    delivery: Delivery
    moment: datetime
    pace: timedelta
    entries: list[journal.Row] = field(default_factory=list)
    condition: dict[str, Any] = field(default_factory=dict)
    maker: str = ""
    model: str = ""
    serial: str = ""

    def move(self, actor: Actor, what: Move, facts: journal.Facts | None = None, **to: int | None) -> None:
        """Make one move, a pace later."""
        self.moment += self.pace
        with db.as_of(self.moment):
            self.standing, _, entry = register.moved(actor, self.standing, what, to=to, facts=facts)
        self.entries.append(entry)

    def note(self, seen: Seen) -> None:
        """Keep what a step says of the device."""
        self.condition |= workshop_rules.condition(seen)
        if self.condition:
            self.condition["updated_at"] = self.moment
        self.maker, self.model = seen.maker or self.maker, seen.model or self.model
        self.serial = seen.serial or self.serial


@dataclass(frozen=True)
class Walk:
    """A route: its steps in order, and from where on what went along it is erased."""

    id: int
    steps: tuple[tuple[int, StepKind], ...]

    @property
    def erased_after(self) -> int:
        """How many steps one has passed once the erasure is among them; 0 on a route without."""
        kinds = [kind for _step_id, kind in self.steps]
        return kinds.index(StepKind.ERASURE) + 1 if StepKind.ERASURE in kinds else 0


@dataclass(frozen=True)
class Scheme:
    """A programme of the demo, as its requests need it."""

    id: int
    code: str
    nature: LegalNature
    hardship: bool


@dataclass(frozen=True)
class Offer:
    """A device's price under a programme, from its owner."""

    programme: Scheme
    seller_id: int
    quote: pricing.Quote


@dataclass
class Deal:
    """One device asked for, promised and perhaps handed over."""

    offer: Offer
    asker: Actor
    ref: str
    lent: bool
    request_id: int = 0
    allocation_id: int = 0


class Market:
    """What a chunk asks the bank over and over: routes, programmes, prices. Each is read once."""

    def __init__(self, session: Session, today: date) -> None:
        self._session, self._today = session, today
        self._quotes: dict[tuple[str, Category, Source], Offer] = {}
        rows = session.scalars(sa.select(Programme).where(Programme.code.in_((PEOPLE, TABLETS))))
        self._schemes = {
            row.code: Scheme(row.id, row.code, row.recipient_nature, row.hardship) for row in rows
        }
        self.routes = {category: self._walk(category) for category in SHARES}

    def _walk(self, category: Category) -> Walk:
        first = workshop_queries.first_step(self._session, category, self._today)
        if first is None:
            raise RuntimeError(f"no route is in force for {category.value}")
        steps = self._session.execute(
            sa.select(Step.id, Step.kind).where(Step.route_id == first.route_id).order_by(Step.position)
        )
        return Walk(first.route_id, tuple((row.id, row.kind) for row in steps))

    def offer(self, code: str, standing: Standing, source: Source) -> Offer:
        """The price of such a device, from such a source, under a programme."""
        key = (code, standing.category, source)
        if key not in self._quotes:
            self._quotes[key] = self._asked(self._schemes[code], standing, source)
        return self._quotes[key]

    def _asked(self, scheme: Scheme, standing: Standing, source: Source) -> Offer:
        seller_id = standing.owner_id or 0
        held = offers.capacities(self._session, [seller_id], self._today)
        case = pricing.Case(
            scheme.id,
            standing.category,
            source.provenance,
            pricing.Seller(seller_id, held[seller_id]),
            pricing.Buyer(scheme.nature, scheme.hardship),
        )
        book = offers.price_book(self._session, scheme.id, standing.category, self._today)
        return Offer(scheme, seller_id, pricing.quote(book, case, self._today))


@dataclass
class Chunk:
    """The devices of one unit of work: their lives are lived in memory, then written table by table."""

    session: Session
    cast: Mapping[str, Actor]
    # Which part of the whole this is: it says on which days its devices came.
    start: float
    share: float
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.now = utcnow()
        self.today = today_in_paris(self.now)
        self.numbers = Numbers(self.session)
        self.dice = Random(self.numbers.of(Device))  # noqa: S311  (invented lives)
        self.labels = self._fresh(Label.code, "", codes.LENGTH, CHUNK)
        self.batches = self._fresh(Batch.ref, "L-", REF_SIGNS, 50)
        self.requests = self._fresh(Request.ref, "D-", REF_SIGNS, 1_000)
        self.handovers = self._fresh(Handover.ref, "R-", REF_SIGNS, 1_000)
        self.recipients = [self._recipient() for _ in range(RECIPIENTS)]
        self.market = Market(self.session, self.today)

    def _fresh(
        self, column: InstrumentedAttribute[str], prefix: str, signs: int, block: int
    ) -> Iterator[str]:
        """Codes that no row has yet. Unforeseeable: labels of a bank that lives on are among them."""
        given: set[str] = set()
        while True:
            drawn = dict.fromkeys(prefix + codes.mint(signs) for _ in range(block))
            taken = given.union(self.session.scalars(sa.select(column).where(column.in_(drawn))))
            free = [code for code in drawn if code not in taken]
            given.update(free)
            yield from free

    def add(self, model: type[Base], /, **values: Any) -> dict[str, Any]:
        """Keep a row to be written."""
        row = row_of(model, **values)
        self.rows[db.table(model).name].append(row)
        return row

    def say(self, actor: Actor, kind: Kind, subject_id: int, facts: journal.Facts) -> None:
        """Keep an entry on something that is no device."""
        self.rows[Entry.__tablename__].append(journal.compose(actor, kind, subject_id, facts))

    def write(self) -> None:
        """Write what was lived, each table after those that it points to."""
        for entry in self.rows[Entry.__tablename__]:
            entry["id"] = self.numbers.of(Entry)
        for proof in self.rows[ErasureProof.__tablename__]:
            proof["entry_id"] = proof["entry_id"]["id"]
        for target in Base.metadata.sorted_tables:
            pour(self.session, target, self.rows[target.name])

    # --- who comes ---

    def live(self, count: int) -> None:
        """Let so many devices come and live."""
        for first in range(0, count, BATCH):
            size = min(BATCH, count - first)
            categories = self.dice.choices(list(SHARES), list(SHARES.values()), k=size)
            delivery = self._deliver(self.start + self.share * first / count, Counter(categories))
            for category in categories:
                self._live(delivery, category)

    def _recipient(self) -> int:
        recipient_id = self.numbers.of(Recipient)
        self.add(Recipient, id=recipient_id, name=f"Personne inventée {recipient_id}")
        return recipient_id

    def _deliver(self, part: float, counts: Mapping[Category, int]) -> Delivery:
        """A batch, received. `part` says how far it is from the first day (0) to this one (1)."""
        source = self.dice.choices(SOURCES, [each.share for each in SOURCES])[0]
        moment = self.now - timedelta(days=2 + DAYS * (1 - part))
        donor, workshop = self.cast[source.donor], self.cast[source.supervisor]
        origin_id, batch_id, ref = self.numbers.of(Origin), self.numbers.of(Batch), next(self.batches)
        announced = {category.value: count for category, count in counts.items()}
        with db.as_of(moment):
            self.add(
                Origin,
                id=origin_id,
                donor_id=donor.organisation_id,
                donor_nature=source.nature,
                legal_basis=source.basis,
                receiver_id=workshop.organisation_id,
                agreed_on=moment.date(),
            )
            self.add(
                Batch,
                id=batch_id,
                ref=ref,
                donor_id=donor.organisation_id,
                workshop_id=workshop.organisation_id,
                origin_id=origin_id,
                state=BatchState.RECEIVED,
                received_at=moment,
            )
            for category, count in counts.items():
                self.add(BatchLine, batch_id=batch_id, category=category, announced=count, received=count)
            facts = {
                "donor": donor.organisation_id,
                "workshop": workshop.organisation_id,
                "origin": origin_id,
            }
            self.say(
                self.cast["coordination"], Kind.BATCH_ENTERED, batch_id, facts | {"announced": announced}
            )
            received = {"received": announced, "gap": {}, "reasons": {}}
            self.say(workshop, Kind.BATCH_RECEIVED, batch_id, received)
        return Delivery(ref, origin_id, source, moment)

    # --- a device's life ---

    def _live(self, delivery: Delivery, category: Category) -> None:
        device_id = self.numbers.of(Device)
        life = Life(
            register.unknown(device_id, next(self.labels), category, delivery.origin_id),
            delivery,
            delivery.moment,
            pace=min((self.now - delivery.moment) / 24, timedelta(days=2)) * self.dice.uniform(0.3, 1),
        )
        aim = self._aim(delivery)
        self._receive(life)
        if aim is not State.RECEIVED:
            self._work(life, aim)
        if aim in PROMISED:
            self._promise(life, aim)
        if aim in ENDS:
            life.move(self.cast[delivery.source.supervisor], ENDS[aim], {"reason": "other"})
        self._keep(life)

    def _aim(self, delivery: Delivery) -> State:
        recent = delivery.moment > self.now - timedelta(days=RECENT_DAYS)
        table = RECENT if recent else OLD
        return self.dice.choices(list(table), list(table.values()))[0]

    def _receive(self, life: Life) -> None:
        supervisor, standing = self.cast[life.delivery.source.supervisor], life.standing
        life.move(
            supervisor,
            Move.RECEIVE,
            {
                "batch": life.delivery.ref,
                "label": standing.code,
                "category": standing.category.value,
                "origin": standing.origin_id,
            },
            open_drives=int(standing.category in DATA_BEARING),
            custodian_id=supervisor.organisation_id,
            owner_id=supervisor.organisation_id,
        )

    def _work(self, life: Life, aim: State) -> None:
        """Walk the route: all of it, or as far as the aim asks."""
        worker = self.cast[life.delivery.source.worker]
        route = self.market.routes[life.standing.category]
        stop = self._stop(route, aim)
        life.move(worker, Move.ENTER, {"route": route.id}, step_id=route.steps[0][0])
        for place in range(stop):
            self._pass(life, worker, route, place)
        if aim is State.IN_WORK and self.dice.random() < BLOCKED_SHARE:
            self._block(life, worker, route.steps[stop][1])

    def _stop(self, route: Walk, aim: State) -> int:
        """How many steps are passed. What leaves the workshop for good has been erased before."""
        if aim is State.IN_WORK:
            return self.dice.randrange(len(route.steps))
        if aim in ENDS:
            return self.dice.randrange(route.erased_after, len(route.steps))
        return len(route.steps)

    def _pass(self, life: Life, worker: Actor, route: Walk, place: int) -> None:
        kind = route.steps[place][1]
        seen = things.seen_at(self.dice, kind, life.standing.category)
        if seen.serial:
            life.move(worker, Move.DESCRIBE, {"codes": [CodeKind.SERIAL.value], "item": None})
        last = place + 1 == len(route.steps)
        to: dict[str, int | None] = {} if last else {"step_id": route.steps[place + 1][0]}
        if seen.drives:
            to["open_drives"] = 0
        facts = workshop_rules.entry_facts(kind, seen)
        life.move(worker, Move.FINISH if last else Move.PASS, facts, **to)
        if seen.drives:
            self._erase(life, worker, seen.drives.drives[0])
        life.note(seen)

    def _erase(self, life: Life, worker: Actor, seen: DriveSeen) -> None:
        drive_id = self.numbers.of(Drive)
        device_id, erasure = life.standing.device_id, seen.erasure
        if erasure is None:
            raise ValueError("a drive that was seen at this step was erased there")
        self.add(
            Drive,
            id=drive_id,
            device_id=device_id,
            kind=seen.kind,
            serial=seen.serial,
            size_gb=seen.size_gb,
            data_since=life.delivery.moment,
        )
        self.add(
            ErasureProof,
            drive_id=drive_id,
            method=erasure.method,
            tool=erasure.tool,
            tool_version=erasure.tool_version,
            result=erasure.result,
            done_at=life.moment,
            # The entry itself: its id is known when it is written.
            entry_id=life.entries[-1],
            person_id=worker.person_id,
            organisation_id=worker.organisation_id,
        )

    def _block(self, life: Life, worker: Actor, step: StepKind) -> None:
        blocker_id = self.numbers.of(Blocker)
        problem = self.dice.choice(workshop_rules.PROBLEMS[step])
        facts = {"step": step.value, "reason": problem.value, "danger": False}
        life.move(worker, Move.BLOCK, facts, blocker_id=blocker_id)
        self.add(
            Blocker,
            id=blocker_id,
            device_id=life.standing.device_id,
            organisation_id=worker.organisation_id,
            step=step,
            problem=problem,
            danger=False,
            opened_by=worker.person_id,
            opened_at=life.moment,
        )

    # --- a request, an allocation, a hand-over ---

    def _promise(self, life: Life, aim: State) -> None:
        """Promise the device, where its price stands; and hand it over where that is the aim."""
        lent = aim is State.ON_LOAN and life.standing.category is Category.TABLET
        offer = self.market.offer(TABLETS if lent else PEOPLE, life.standing, life.delivery.source)
        if not offer.quote.ok:
            return
        deal = Deal(offer, self.cast["persan" if lent else "prescripteur"], next(self.requests), lent=lent)
        deal.request_id, deal.allocation_id = self.numbers.of(Request), self.numbers.of(Allocation)
        facts = {"request": deal.ref, "allocation": deal.allocation_id}
        life.move(self.cast["coordination"], Move.RESERVE, facts)
        handover_id = None
        if aim is not State.RESERVED:
            handover_id = self._hand_over(life, deal)
        with db.as_of(life.moment):
            self._ask(life, deal, handed=handover_id is not None)
            self._allocate(life, deal, handover_id)

    def _ask(self, life: Life, deal: Deal, *, handed: bool) -> None:
        category, asker, day = life.standing.category, deal.asker, life.moment.date()
        self.add(
            Request,
            id=deal.request_id,
            ref=deal.ref,
            programme_id=deal.offer.programme.id,
            organisation_id=asker.organisation_id,
            recipient_id=None if deal.lent else self.dice.choice(self.recipients),
            recipient_nature=deal.offer.programme.nature,
            proof=None if deal.lent else ProofKind.RSA_CERTIFICATE,
            proof_day=None if deal.lent else day,
            proof_seen_by=None if deal.lent else asker.person_id,
            state=RequestState.HANDED_OVER if handed else RequestState.ALLOCATED,
            made_by=asker.person_id,
        )
        self.add(RequestLine, request_id=deal.request_id, category=category, quantity=1)
        facts: dict[str, Any] = {"programme": deal.offer.programme.code, "asked": {category.value: 1}}
        if not deal.lent:
            facts |= {"proof": ProofKind.RSA_CERTIFICATE.value, "proof_day": day.isoformat()}
        self.say(asker, Kind.REQUEST_MADE, deal.request_id, facts)

    def _allocate(self, life: Life, deal: Deal, handover_id: int | None) -> None:
        coordinator, quote = self.cast["coordination"], deal.offer.quote
        self.add(
            Allocation,
            id=deal.allocation_id,
            request_id=deal.request_id,
            device_id=life.standing.device_id,
            state=AllocationState.HANDED_OVER if handover_id else AllocationState.LIVE,
            price_cents=quote.price_cents,
            cap_cents=quote.cap_cents,
            tariff_id=quote.tariff_id,
            seller_id=deal.offer.seller_id,
            reasons=frozenset(reason.value for reason in quote.reasons),
            decided_on=life.moment.date(),
            decided_by=coordinator.person_id,
            handover_id=handover_id,
            due_on=self.today + timedelta(days=60) if deal.lent else None,
        )
        facts = {
            "device": life.standing.device_id,
            "price_cents": quote.price_cents,
            "cap_cents": quote.cap_cents,
            "reasons": sorted(quote.reasons),
        }
        self.say(coordinator, Kind.REQUEST_ALLOCATED, deal.request_id, facts)

    def _hand_over(self, life: Life, deal: Deal) -> int:
        desk, ref, handover_id = (
            self.cast[life.delivery.source.desk],
            next(self.handovers),
            self.numbers.of(Handover),
        )
        facts = {"handover": ref, "allocation": deal.allocation_id}
        if deal.lent:
            life.move(desk, Move.LEND, facts, custodian_id=deal.asker.organisation_id)
        else:
            life.move(desk, Move.HAND_OVER, facts, custodian_id=None, owner_id=None)
        paid = deal.offer.quote.price_cents or 0
        payment = self.dice.choice((Payment.CASH, Payment.CARD)) if paid else Payment.NONE
        with db.as_of(life.moment):
            self.add(
                Handover,
                id=handover_id,
                ref=ref,
                request_id=deal.request_id,
                desk_id=desk.organisation_id,
                payment=payment,
                paid_cents=paid,
                signature=Signature.ON_PAPER,
                id_paper=IdPaper.IDENTITY_CARD,
                collector=Collector.REPRESENTATIVE if deal.lent else Collector.RECIPIENT,
                made_by=desk.person_id,
            )
            devices = [life.standing.device_id]
            facts = {"handover": ref, "devices": devices, "paid_cents": paid, "payment": payment.value}
            self.say(desk, Kind.REQUEST_HANDED_OVER, deal.request_id, facts)
        return handover_id

    # --- what is written of a life ---

    def _keep(self, life: Life) -> None:
        standing = life.standing
        self.rows[Entry.__tablename__] += life.entries
        with db.as_of(life.delivery.moment):
            self.add(
                Device,
                id=standing.device_id,
                category=standing.category,
                origin_id=standing.origin_id,
                batch_ref=life.delivery.ref,
                maker=life.maker,
                model=life.model,
                seq=standing.seq,
                head=standing.head,
                **{name: getattr(standing, name) for name in register.COLUMNS},
            )
            self.add(
                Label,
                code=standing.code,
                state=LabelState.CLAIMED,
                device_id=standing.device_id,
                organisation_id=self.cast[life.delivery.source.supervisor].organisation_id,
            )
            if standing.open_drives:
                self.add(
                    Drive, id=self.numbers.of(Drive), device_id=standing.device_id, kind=DriveKind.UNSEEN
                )
        if life.serial:
            self.add(DeviceCode, device_id=standing.device_id, kind=CodeKind.SERIAL, value=life.serial)
        if life.condition:
            self.add(Condition, device_id=standing.device_id, **life.condition)
