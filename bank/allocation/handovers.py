"""Changes at the counter: the devices of a request are handed over.

Locks are taken in one order: the request's row, then its devices by id.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.allocation import actions, queries
from bank.allocation.models import (
    Allocation,
    AllocationState,
    Handover,
    Payment,
    RequestState,
    Signature,
)
from bank.errors import Code, Refusal
from bank.identity.models import Organisation, OrganisationRole
from bank.inventory import codes, register
from bank.inventory import rules as inventory_rules
from bank.inventory.lifecycle import Move


@dataclass(frozen=True, kw_only=True)
class NewHandover:
    """What happened at the counter."""

    request_ref: str
    device_codes: tuple[str, ...]
    payment: Payment
    paid_cents: int
    signature: Signature


def hand_over(session: Session, actor: Actor, new: NewHandover) -> str:
    """Give all the devices of a request to whom they are for, against payment and signature; its reference.

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
    ref = actions.fresh_ref(session, "R", Handover.ref)
    new_owner_id = None if asked.for_a_person else row.organisation_id
    for line in asked.allocations:
        _give(session, actor, line, handover_ref=ref, new_owner_id=new_owner_id)
    made = Handover(
        ref=ref,
        request_id=row.id,
        desk_id=actor.organisation_id,
        payment=new.payment,
        paid_cents=new.paid_cents,
        signature=new.signature,
        made_by=actor.person_id,
    )
    session.add(made)
    session.flush()
    session.execute(
        sa.update(Allocation)
        .where(Allocation.id.in_([line.id for line in asked.allocations]))
        .values(state=AllocationState.HANDED_OVER, handover_id=made.id)
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


def _give(
    session: Session,
    actor: Actor,
    line: queries.AllocationLine,
    *,
    handover_ref: str,
    new_owner_id: int | None,
) -> None:
    """Hand one device over. A person is in no register: the device then has neither custodian nor owner."""

    def give() -> None:
        standing = register.look_by_id(session, line.device_id)
        inventory_rules.must_hold(actor, standing.custodian_id)
        register.move(
            session,
            actor,
            standing,
            Move.HAND_OVER,
            to={"custodian_id": new_owner_id, "owner_id": new_owner_id, "place_id": None},
            facts={"handover": handover_ref, "allocation": line.id},
        )

    register.retried(give)
