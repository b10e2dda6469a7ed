"""Changes: a request is made or cancelled, devices are promised to it or taken back, a look is written down.

Locks are taken in one order: the request's row, then its devices by id.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from bank import crypto, journal
from bank.actor import Actor, Permission
from bank.allocation import eligibility, nir, offers, pricing, queries
from bank.allocation.models import (
    AccessLog,
    Allocation,
    AllocationState,
    CancelReason,
    Need,
    Programme,
    ProofKind,
    Recipient,
    Request,
    RequestLine,
    RequestState,
)
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature, Organisation
from bank.inventory import codes, register
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import Category, Label
from bank.inventory.register import Standing

REF_SIGNS = 6
OLDEST_BIRTH = date(1900, 1, 1)
FOLLOWED = (RequestState.OPEN, RequestState.ALLOCATED)


@dataclass(frozen=True, kw_only=True)
class NewRequest:
    """What is asked for. With a person's name it is for that person, else for the asking organisation."""

    programme: str
    # What is asked for: a category and how many of it, each category once.
    lines: tuple[tuple[Category, int], ...]
    person_name: str | None = None
    # Without it the person is found by the reference only.
    birth_date: date | None = None
    contact: str | None = None
    needs: frozenset[Need] = frozenset()
    proof: ProofKind | None = None
    proof_day: date | None = None
    proof_seen: bool = False


@dataclass(frozen=True)
class Refused:
    """A device that could not be promised, and why."""

    code: str
    refusal: Refusal


@dataclass(frozen=True)
class Allotment:
    """What became of devices that were chosen together."""

    promised: tuple[str, ...]
    refused: tuple[Refused, ...]


def make_request(session: Session, actor: Actor, new: NewRequest) -> str:
    """Ask for equipment under a programme; the request's reference.

    Raises Refusal(invalid, not-eligible).
    """
    actor.must(Permission.REQUEST_MAKE)
    organisation = session.get_one(Organisation, actor.organisation_id)
    programme = _programme(session, new.programme)
    for_a_person = programme.recipient_nature is LegalNature.PERSON
    _check(new, for_a_person)
    nature = LegalNature.PERSON if for_a_person else organisation.legal_nature
    _check_eligible(session, new, nature, organisation, programme)
    made = Request(
        ref=fresh_ref(session, "D", Request.ref),
        programme_id=programme.id,
        organisation_id=organisation.id,
        recipient=_recipient(new) if for_a_person else None,
        recipient_nature=nature,
        lines=[RequestLine(category=category, quantity=quantity) for category, quantity in new.lines],
        needs=frozenset(need.value for need in new.needs) if for_a_person else frozenset(),
        proof=new.proof,
        proof_day=new.proof_day if new.proof else None,
        proof_seen_by=actor.person_id if new.proof else None,
        made_by=actor.person_id,
    )
    session.add(made)
    session.flush()
    facts = {
        "programme": programme.code,
        "asked": {category.value: quantity for category, quantity in new.lines},
        "proof": made.proof.value if made.proof else None,
        "proof_day": made.proof_day.isoformat() if made.proof_day else None,
    }
    journal.append(session, actor, journal.Kind.REQUEST_MADE, made.id, facts)
    return made.ref


def allocate(session: Session, actor: Actor, request_ref: str, device_code: str) -> int:
    """Promise a ready device to an open request, at the price of this day, frozen; the allocation's id.

    Raises Refusal(not-found, request-closed, no-tariff, unlawful, already-taken) and what the register raises.
    """
    actor.must(Permission.REQUEST_ALLOCATE)
    row, asked = locked(session, actor, request_ref)
    _must_want(row, asked)
    quoting = offers.Quoting(session, asked, queries.today())
    left = {line.category: line.missing for line in asked.lines}
    promised = _give(session, actor, quoting, codes.read(device_code), left)
    if not any(left.values()):
        row.state = RequestState.ALLOCATED
    return promised.id


def allocate_many(session: Session, actor: Actor, request_ref: str, device_codes: Iterable[str]) -> Allotment:
    """Promise ready devices to an open request in one go; those that cannot be do not keep the others from it.

    Raises Refusal(not-found, request-closed).
    """
    actor.must(Permission.REQUEST_ALLOCATE)
    row, asked = locked(session, actor, request_ref)
    _must_want(row, asked)
    quoting = offers.Quoting(session, asked, queries.today())
    left = {line.category: line.missing for line in asked.lines}
    promised: list[str] = []
    chosen, refused = _in_order(session, device_codes)
    for code in chosen:
        try:
            # A savepoint each: what the database refuses last takes back this device's reservation only.
            with session.begin_nested():
                _give(session, actor, quoting, code, left)
            promised.append(code)
        except Refusal as refusal:
            refused.append(Refused(code, refusal))
    if not any(left.values()):
        row.state = RequestState.ALLOCATED
    return Allotment(tuple(promised), tuple(refused))


def release(session: Session, actor: Actor, request_ref: str, device_code: str) -> None:
    """Take a promised device back: it is ready again, and the request is open again. Asked twice, done once.

    Raises Refusal(not-found, request-closed) and what the register raises.
    """
    actor.must(Permission.REQUEST_ALLOCATE)
    row, asked = locked(session, actor, request_ref)
    if row.state not in FOLLOWED:
        raise Refusal(Code.REQUEST_CLOSED)
    code = codes.read(device_code)
    promised = next((line for line in asked.allocations if line.device_code == code), None)
    if promised is None:
        if _was_released(session, row.id, code):
            return
        raise Refusal(Code.NOT_FOUND)
    _take_back(session, actor, row, promised)
    row.state = RequestState.OPEN


def cancel(session: Session, actor: Actor, request_ref: str, reason: CancelReason) -> None:
    """Stop following a request: what was promised to it is ready again. Asked twice, done once.

    Those who asked may, and the coordinator. Raises Refusal(not-found, not-allowed, request-closed).
    """
    row, asked = locked(session, actor, request_ref)
    if not may_cancel(actor, asked):
        raise Refusal(Code.NOT_ALLOWED)
    if row.state is RequestState.CANCELLED:
        return
    if row.state not in FOLLOWED:
        raise Refusal(Code.REQUEST_CLOSED)
    for promised in asked.allocations:
        _take_back(session, actor, row, promised)
    row.state, row.cancel_reason = RequestState.CANCELLED, reason
    journal.append(session, actor, journal.Kind.REQUEST_CANCELLED, row.id, {"reason": reason.value})


def may_cancel(actor: Actor, asked: queries.RequestFacts) -> bool:
    """Whether this actor may stop a request: whoever asked, and who allocates."""
    own = actor.can(Permission.REQUEST_MAKE) and asked.organisation_id == actor.organisation_id
    return own or actor.can(Permission.REQUEST_ALLOCATE)


def note_look(session: Session, actor: Actor, request_id: int) -> None:
    """Write down that this person opened the file of the person whom a request is for."""
    session.add(
        AccessLog(request_id=request_id, person_id=actor.person_id, organisation_id=actor.organisation_id)
    )


def _take_back(session: Session, actor: Actor, row: Request, promised: queries.AllocationLine) -> None:
    facts = {"request": row.ref, "allocation": promised.id}
    register.retried(
        lambda: register.move(
            session, actor, register.look_by_id(session, promised.device_id), Move.RELEASE, facts=facts
        )
    )
    session.get_one(Allocation, promised.id).state = AllocationState.RELEASED
    journal.append(session, actor, journal.Kind.REQUEST_RELEASED, row.id, {"device": promised.device_id})


def _was_released(session: Session, request_id: int, code: str) -> bool:
    return (
        session.scalar(
            sa.select(
                sa.exists().where(
                    Allocation.request_id == request_id,
                    Allocation.state == AllocationState.RELEASED,
                    Allocation.device_id == Label.device_id,
                    Label.code == code,
                )
            )
        )
        is True
    )


# ---- requests ----


def _programme(session: Session, code: str) -> Programme:
    """The programme's row in force, or its last one, which eligibility will refuse for its dates."""
    current = queries.in_force(Programme, queries.today())
    known = (
        sa.select(Programme)
        .where(Programme.code == code)
        .order_by(sa.case((current, 0), else_=1), Programme.valid_from.desc())
        .limit(1)
    )
    found = session.scalars(known).one_or_none() if queries.CODE_FORM.fullmatch(code) else None
    if found is None:
        raise Refusal(Code.INVALID, errors={"programme": ["unknown"]})
    return found


def _check(new: NewRequest, for_a_person: bool) -> None:
    errors: dict[str, list[str]] = {}
    lines = _fault_of_lines(new, for_a_person)
    if lines:
        errors["lines"] = [lines]
    for name, value in (("person_name", new.person_name), ("contact", new.contact)):
        if value and nir.found_in(value):
            errors[name] = ["nir"]
    if new.birth_date and not OLDEST_BIRTH <= new.birth_date <= queries.today():
        errors["birth_date"] = ["birth-date"]
    if for_a_person and not (new.person_name or "").strip():
        errors["person_name"] = ["missing"]
    if errors:
        raise Refusal(Code.INVALID, errors=errors)


def _recipient(new: NewRequest) -> Recipient:
    name, birth_date = new.person_name or "", new.birth_date
    return Recipient(
        name=name,
        contact=new.contact or None,
        birth_date=birth_date.isoformat() if birth_date else None,
        search_hash=crypto.recipient_hash(name, birth_date) if birth_date else None,
    )


def _fault_of_lines(new: NewRequest, for_a_person: bool) -> str | None:
    if not new.lines:
        return "nothing-asked"
    if len({category for category, _quantity in new.lines}) < len(new.lines):
        return "category-twice"
    if for_a_person and any(quantity != 1 for _category, quantity in new.lines):
        return "one-of-each"
    return None


def _check_eligible(
    session: Session, new: NewRequest, nature: LegalNature, organisation: Organisation, programme: Programme
) -> None:
    held = offers.capacities(session, [organisation.id], queries.today())[organisation.id]
    ask = eligibility.Ask(nature, organisation.roles, new.proof, new.proof_day, new.proof_seen, held)
    terms = eligibility.Terms(
        programme.recipient_nature,
        programme.proofs,
        programme.proof_days,
        programme.valid_from,
        programme.valid_until,
        programme.capacity_asked,
    )
    decision = eligibility.decide(ask, terms, queries.today())
    if not decision.ok:
        raise Refusal(Code.NOT_ELIGIBLE, reasons=[reason.value for reason in decision.reasons])


def fresh_ref(session: Session, letter: str, column: InstrumentedAttribute[str]) -> str:
    """A reference short enough to be said aloud; as many are drawn as it takes to find a free one."""
    while True:
        ref = f"{letter}-{codes.mint(REF_SIGNS)}"
        if session.scalar(sa.select(column).where(column == ref)) is None:
            return ref


def locked(session: Session, actor: Actor, ref: str) -> tuple[Request, queries.RequestFacts]:
    """The request's row, locked, then what the actor may see of it. Raises Refusal(not-found)."""
    locked = sa.select(Request).where(Request.ref == queries.reference(ref)).with_for_update()
    row = session.scalars(locked).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    # Looked at after the lock, so that what another unit of work has just changed is seen.
    return row, queries.find(session, actor, ref)


# ---- allocations ----


def _must_want(row: Request, asked: queries.RequestFacts) -> None:
    if row.state is not RequestState.OPEN or asked.missing <= 0:
        raise Refusal(Code.REQUEST_CLOSED)


def _in_order(session: Session, device_codes: Iterable[str]) -> tuple[list[str], list[Refused]]:
    """The codes, each once, in the order of their devices' ids, in which locks are taken; and what is no code."""
    read: set[str] = set()
    refused: list[Refused] = []
    for given in device_codes:
        try:
            read.add(codes.read(given))
        except Refusal as refusal:
            refused.append(Refused(given, refusal))
    rows = session.execute(sa.select(Label.code, Label.device_id).where(Label.code.in_(read)))
    ids = {code: device_id or 0 for code, device_id in rows}
    return sorted(read, key=lambda code: (ids.get(code, 0), code)), refused


def _give(
    session: Session,
    actor: Actor,
    quoting: offers.Quoting,
    code: str,
    left: dict[Category, int],
) -> Allocation:
    """Promise one device; `left` counts down what the request still misses."""
    standing, quoted = register.retried(lambda: _reserve(session, actor, quoting, code, left))
    promised = _promise(session, actor, quoting.asked, standing, quoted)
    facts = {
        "device": standing.device_id,
        "price_cents": promised.price_cents,
        "cap_cents": promised.cap_cents,
        "reasons": sorted(promised.reasons),
    }
    journal.append(session, actor, journal.Kind.REQUEST_ALLOCATED, quoting.asked.id, facts)
    left[standing.category] -= 1
    return promised


def _reserve(
    session: Session, actor: Actor, quoting: offers.Quoting, code: str, left: dict[Category, int]
) -> tuple[Standing, pricing.Quote]:
    standing = register.look(session, code)
    offers.must_be_asked_for(quoting.asked, standing.category)
    if standing.state is State.RESERVED:
        raise Refusal(Code.ALREADY_TAKEN)
    quoted = quoting.of(standing)
    refuse_unlawful(quoted)
    # The law's reason comes first: it holds whatever else is in the way.
    if left[standing.category] <= 0:
        raise Refusal(Code.LINE_FULL, category=standing.category.value)
    after = register.move(session, actor, standing, Move.RESERVE, facts={"request": quoting.asked.ref})
    return after, quoted


def refuse_unlawful(quoted: pricing.Quote) -> None:
    """Raise Refusal(no-tariff, unlawful) with the reasons and the first article, unless the quote stands."""
    if quoted.ok:
        return
    obstacles = [objection.obstacle for objection in quoted.refusals]
    of_the_list = pricing.PRICE_LIST_FAULTS.issuperset(obstacles)
    articles = [objection.article for objection in quoted.refusals if objection.article]
    raise Refusal(
        Code.NO_TARIFF if of_the_list else Code.UNLAWFUL,
        reasons=[obstacle.value for obstacle in obstacles],
        article=articles[0] if articles else None,
    )


def _promise(
    session: Session, actor: Actor, asked: queries.RequestFacts, standing: Standing, quoted: pricing.Quote
) -> Allocation:
    promised = Allocation(
        request_id=asked.id,
        device_id=standing.device_id,
        price_cents=quoted.price_cents,
        cap_cents=quoted.cap_cents,
        tariff_id=quoted.tariff_id,
        seller_id=standing.owner_id,
        reasons=frozenset(reason.value for reason in quoted.reasons),
        decided_on=quoted.day,
        decided_by=actor.person_id,
    )
    session.add(promised)
    try:
        session.flush()
    except IntegrityError as error:
        # The partial unique index has the last word on who has the device; other constraints are faults.
        if "device_id" not in str(error.orig):
            raise
        raise Refusal(Code.ALREADY_TAKEN) from error
    return promised
