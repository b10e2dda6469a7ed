"""Changes: a request is made, a device is promised to it or taken back.

Locks are taken in one order: the request's row, then its devices by id.
"""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from bank import journal
from bank.actor import Actor, Permission
from bank.allocation import eligibility, nir, pricing, queries
from bank.allocation.models import (
    Allocation,
    AllocationState,
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


@dataclass(frozen=True, kw_only=True)
class NewRequest:
    """What is asked for. With a person's name it is for that person, else for the asking organisation."""

    programme: str
    # What is asked for: a category and how many of it, each category once.
    lines: tuple[tuple[Category, int], ...]
    person_name: str | None = None
    contact: str | None = None
    proof: ProofKind | None = None
    proof_day: date | None = None
    proof_seen: bool = False


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
    _check_eligible(new, nature, organisation, programme)
    made = Request(
        ref=fresh_ref(session, "D", Request.ref),
        programme_id=programme.id,
        organisation_id=organisation.id,
        recipient=Recipient(name=new.person_name, contact=new.contact or None) if for_a_person else None,
        recipient_nature=nature,
        lines=[RequestLine(category=category, quantity=quantity) for category, quantity in new.lines],
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
    if row.state is not RequestState.OPEN or asked.missing <= 0:
        raise Refusal(Code.REQUEST_CLOSED)
    code, day = codes.read(device_code), queries.today()
    standing, quoted = register.retried(lambda: _reserve(session, actor, asked, code, day))
    promised = _promise(session, actor, asked, standing, quoted)
    facts = {
        "device": standing.device_id,
        "price_cents": promised.price_cents,
        "cap_cents": promised.cap_cents,
        "reasons": sorted(promised.reasons),
    }
    journal.append(session, actor, journal.Kind.REQUEST_ALLOCATED, row.id, facts)
    if asked.missing == 1:
        row.state = RequestState.ALLOCATED
    return promised.id


def release(session: Session, actor: Actor, request_ref: str, device_code: str) -> None:
    """Take a promised device back: it is ready again, and the request is open again. Asked twice, done once.

    Raises Refusal(not-found, request-closed) and what the register raises.
    """
    actor.must(Permission.REQUEST_ALLOCATE)
    row, asked = locked(session, actor, request_ref)
    if row.state not in (RequestState.OPEN, RequestState.ALLOCATED):
        raise Refusal(Code.REQUEST_CLOSED)
    code = codes.read(device_code)
    promised = next((line for line in asked.allocations if line.device_code == code), None)
    if promised is None:
        if _was_released(session, row.id, code):
            return
        raise Refusal(Code.NOT_FOUND)
    facts = {"request": row.ref, "allocation": promised.id}
    register.retried(
        lambda: register.move(
            session, actor, register.look_by_id(session, promised.device_id), Move.RELEASE, facts=facts
        )
    )
    session.get_one(Allocation, promised.id).state = AllocationState.RELEASED
    row.state = RequestState.OPEN


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
    if for_a_person and not (new.person_name or "").strip():
        errors["person_name"] = ["missing"]
    if errors:
        raise Refusal(Code.INVALID, errors=errors)


def _fault_of_lines(new: NewRequest, for_a_person: bool) -> str | None:
    if not new.lines:
        return "nothing-asked"
    if len({category for category, _quantity in new.lines}) < len(new.lines):
        return "category-twice"
    if for_a_person and any(quantity != 1 for _category, quantity in new.lines):
        return "one-of-each"
    return None


def _check_eligible(
    new: NewRequest, nature: LegalNature, organisation: Organisation, programme: Programme
) -> None:
    ask = eligibility.Ask(nature, organisation.roles, new.proof, new.proof_day, new.proof_seen)
    terms = eligibility.Terms(
        programme.recipient_nature,
        programme.proofs,
        programme.proof_days,
        programme.valid_from,
        programme.valid_until,
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


def _reserve(
    session: Session, actor: Actor, asked: queries.RequestFacts, code: str, day: date
) -> tuple[Standing, pricing.Quote]:
    standing = register.look(session, code)
    queries.must_be_asked_for(asked, standing.category)
    line = asked.line_of(standing.category)
    if line is None or line.missing <= 0:
        raise Refusal(Code.REQUEST_CLOSED)
    if standing.state is State.RESERVED:
        raise Refusal(Code.ALREADY_TAKEN)
    quoted = queries.quote_for(session, asked, standing, day)
    refuse_unlawful(quoted)
    after = register.move(session, actor, standing, Move.RESERVE, facts={"request": asked.ref})
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
