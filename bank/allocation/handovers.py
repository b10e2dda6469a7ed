"""Changes at the counter: an appointment is set, devices are handed over or lent, a device comes back.

Locks are taken in one order: the request's row, then its devices by id.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.allocation import actions, counter, desk_queries, queries
from bank.allocation.counter import ComeBack, NewHandover
from bank.allocation.models import (
    Allocation,
    AllocationState,
    Handover,
    HandoverSignature,
    Payment,
    Programme,
    Request,
    RequestState,
    Signature,
)
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity.models import Organisation, OrganisationRole
from bank.inventory import actions as drives
from bank.inventory import codes, register
from bank.inventory import rules as inventory_rules
from bank.inventory.lifecycle import Move
from bank.inventory.register import Standing
from bank.web.pages import today_in_paris


@dataclass(frozen=True, kw_only=True)
class NewAppointment:
    """When and where a request is to be handed over. `version` is that of the request as it was shown."""

    request_ref: str
    desk_id: int
    at: datetime
    version: int | None = None


@dataclass(frozen=True)
class _Terms:
    """What a hand-over comes to for each of its devices."""

    handover_ref: str
    new_owner_id: int | None
    due_on: date | None


def appoint(session: Session, actor: Actor, new: NewAppointment) -> str:
    """Set the appointment of a request, or move it; the code of its slip, which stays the same.

    Raises Refusal(not-found, request-closed, edited-meanwhile, invalid).
    """
    actor.must(Permission.APPOINTMENT_SET)
    row, _asked = actions.locked(session, actor, new.request_ref)
    if row.state is not RequestState.ALLOCATED:
        raise Refusal(Code.REQUEST_CLOSED)
    if new.version not in (None, row.version):
        raise Refusal(Code.EDITED_MEANWHILE)
    if new.desk_id not in dict(desk_queries.appointment(session, actor, row.ref).desks):
        raise Refusal(Code.INVALID, errors={"desk": ["not-at-desk"]})
    fault = counter.day_fault(today_in_paris(new.at), queries.today())
    if fault:
        raise Refusal(Code.INVALID, errors={"day": [fault]})
    row.desk_id, row.appointment_at = new.desk_id, new.at
    row.slip_code = row.slip_code or _fresh_slip(session)
    row.slip_pin = row.slip_pin or f"{secrets.randbelow(10**counter.PIN_SIGNS):0{counter.PIN_SIGNS}d}"
    session.flush()
    facts = {"desk": new.desk_id, "day": today_in_paris(new.at).isoformat()}
    journal.append(session, actor, journal.Kind.REQUEST_APPOINTED, row.id, facts)
    return row.slip_code


def count_try(session: Session, actor: Actor, request_ref: str, pin: str) -> None:
    """Count a wrong code of a slip, in a unit of work of its own that no refusal undoes.

    Raises Refusal(not-found).
    """
    actor.must(Permission.HANDOVER_MAKE)
    row, _asked = actions.locked(session, actor, request_ref)
    if row.slip_pin and row.slip_tries < counter.TRIES_MAX and not _is_pin(row, pin):
        row.slip_tries += 1


def hand_over(session: Session, actor: Actor, new: NewHandover) -> str:
    """Give or lend all the devices of a request to whom they are for; the hand-over's reference.

    Raises Refusal(not-found, request-closed, invalid, payment-mismatch, other-custodian).
    """
    actor.must(Permission.HANDOVER_MAKE)
    row, asked = actions.locked(session, actor, new.request_ref)
    _check_desk(session, actor)
    if row.state in (RequestState.HANDED_OVER, RequestState.CANCELLED):
        raise Refusal(Code.REQUEST_CLOSED)
    if row.state is not RequestState.ALLOCATED:
        raise Refusal(Code.INVALID, errors={"request": ["not-allocated"]})
    _check_devices(asked, new.device_codes)
    _check_payment(asked.total_cents, new)
    _check_signing(row, new, for_a_person=asked.for_a_person)
    ref = actions.fresh_ref(session, "R", Handover.ref)
    days = session.get_one(Programme, row.programme_id).loan_days
    terms = _Terms(
        ref,
        None if asked.for_a_person else row.organisation_id,
        queries.today() + timedelta(days=days) if days else None,
    )
    for line in asked.allocations:
        _give(session, actor, line, terms)
    made_id = _record(session, actor, row, new, ref)
    session.execute(
        sa.update(Allocation)
        .where(Allocation.id.in_([line.id for line in asked.allocations]))
        .values(state=AllocationState.HANDED_OVER, handover_id=made_id, due_on=terms.due_on)
    )
    row.state = RequestState.HANDED_OVER
    facts = {
        "handover": ref,
        "devices": [line.device_id for line in asked.allocations],
        "paid_cents": new.paid_cents,
        "payment": new.payment.value,
    }
    journal.append(session, actor, journal.Kind.REQUEST_HANDED_OVER, row.id, facts)
    return ref


def take_back(session: Session, actor: Actor, code: str, reason: ComeBack) -> str:
    """Take back a device that was handed over or lent; the reference of that hand-over.

    Somebody has used it: every drive is open again, and the device starts its route anew. Its seller has title.
    Raises Refusal(not-found, illegal-move) and what the register raises on a label.
    """
    actor.must(Permission.HANDOVER_MAKE)
    _check_desk(session, actor)
    seen = desk_queries.given(session, actor, register.look(session, codes.read(code)).device_id)
    session.execute(sa.select(Request.id).where(Request.id == seen.request_id).with_for_update())
    # Looked at again after the lock: another counter may have taken it back meanwhile.
    given = desk_queries.given(session, actor, seen.device_id)
    now = utcnow()

    def come_back() -> Standing:
        standing = register.look_by_id(session, given.device_id)
        to = {
            "custodian_id": actor.organisation_id,
            "owner_id": given.seller_id,
            "place_id": None,
            "open_drives": drives.open_again(session, given.device_id, standing.category),
        }
        return register.move(session, actor, standing, Move.COME_BACK, to=to, facts={"reason": reason.value})

    after = register.retried(come_back)
    drives.forget_proofs(session, given.device_id, after.category, now)
    session.execute(
        sa.update(Allocation)
        .where(Allocation.id == given.allocation_id)
        .values(state=AllocationState.RETURNED)
    )
    facts = {"device": given.device_id, "reason": reason.value}
    journal.append(session, actor, journal.Kind.REQUEST_COME_BACK, given.request_id, facts)
    return given.handover_ref


def _fresh_slip(session: Session) -> str:
    """A code of the labels' own alphabet, so that any scanner of the bank reads it."""
    while True:
        code = codes.mint()
        if session.scalar(sa.select(Request.id).where(Request.slip_code == code)) is None:
            return code


def _check_desk(session: Session, actor: Actor) -> None:
    if OrganisationRole.DESK not in session.get_one(Organisation, actor.organisation_id).roles:
        raise Refusal(Code.NOT_ALLOWED, permission=Permission.HANDOVER_MAKE.value)


def _check_devices(asked: queries.RequestFacts, scanned: Iterable[str]) -> None:
    """What was scanned must be what was promised, no more and no less."""
    given = {codes.read(code) for code in scanned}
    promised = {line.device_code for line in asked.allocations}
    problems = []
    if promised - given:
        problems.append("device-missing")
    if given - promised:
        problems.append("device-unexpected")
    if problems:
        raise Refusal(
            Code.INVALID,
            errors={"devices": problems},
            missing=sorted(promised - given),
            unexpected=sorted(given - promised),
        )


def _check_payment(expected_cents: int, new: NewHandover) -> None:
    if new.paid_cents != expected_cents or (new.payment is Payment.NONE) != (new.paid_cents == 0):
        raise Refusal(Code.PAYMENT_MISMATCH, expected_cents=expected_cents)


def _check_signing(row: Request, new: NewHandover, *, for_a_person: bool) -> None:
    errors = counter.faults(new, for_a_person=for_a_person)
    if new.signature is Signature.CODE:
        if row.slip_pin is None:
            errors["pin"] = ["no-slip"]
        elif row.slip_tries >= counter.TRIES_MAX:
            errors["pin"] = ["too-many-tries"]
        elif not _is_pin(row, new.pin):
            errors["pin"] = ["wrong-pin"]
    if errors:
        raise Refusal(Code.INVALID, errors=errors)


def _is_pin(row: Request, typed: str) -> bool:
    digits = "".join(typed.split()).encode()
    return row.slip_pin is not None and secrets.compare_digest(row.slip_pin.encode(), digits)


def _give(session: Session, actor: Actor, line: queries.AllocationLine, terms: _Terms) -> None:
    """Hand one device over. A person is in no register: the device then has neither custodian nor owner.

    What is lent keeps its owner.
    """
    to: dict[str, int | None] = {"custodian_id": terms.new_owner_id, "place_id": None}
    if terms.due_on is None:
        to["owner_id"] = terms.new_owner_id

    def give() -> None:
        standing = register.look_by_id(session, line.device_id)
        inventory_rules.must_hold(actor, standing.custodian_id)
        register.move(
            session,
            actor,
            standing,
            Move.LEND if terms.due_on else Move.HAND_OVER,
            to=to,
            facts={"handover": terms.handover_ref, "allocation": line.id},
        )

    register.retried(give)


def _record(session: Session, actor: Actor, row: Request, new: NewHandover, ref: str) -> int:
    """The hand-over's row, and what is personal of it in a row of its own; its id."""
    for_a_person = row.recipient_id is not None
    made = Handover(
        ref=ref,
        request_id=row.id,
        desk_id=actor.organisation_id,
        payment=new.payment,
        paid_cents=new.paid_cents,
        signature=new.signature,
        collector=counter.collector_of(new, for_a_person=for_a_person),
        id_paper=new.id_paper,
        made_by=actor.person_id,
    )
    session.add(made)
    session.flush()
    kept = {
        "drawing": new.drawing if new.signature is Signature.ON_SCREEN else "",
        "signer_name": new.signer_name.strip(),
        "signer_title": new.signer_title.strip(),
        "witness_name": new.witness_name.strip() if new.signature is Signature.WITNESS else "",
    }
    if any(kept.values()):
        session.add(
            HandoverSignature(handover_id=made.id, **{name: value or None for name, value in kept.items()})
        )
    return made.id
