"""Changes to batches: one is entered, one is received."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.donations import queries, rules
from bank.donations.models import Batch, BatchLine, BatchState, GapReason
from bank.donations.rules import Counts, Fault, NewBatch
from bank.errors import Code, Refusal
from bank.identity.models import Organisation, OrganisationRole
from bank.inventory import codes, register
from bank.inventory.models import Category, Origin
from bank.web.pages import today_in_paris

REF_SIGNS = 6
DRAWS = 8


def enter(session: Session, actor: Actor, new: NewBatch) -> str:
    """Enter a batch that a donor and the bank agreed on; its reference.

    Raises Refusal(not-allowed, invalid).
    """
    actor.must(Permission.BATCH_ENTER)
    donor = _in_role(session, new.donor_id, OrganisationRole.DONOR, {"donor_id": [Fault.NOT_A_DONOR]})
    workshop = _in_role(
        session, new.workshop_id, OrganisationRole.WORKSHOP, {"workshop_id": [Fault.NOT_A_WORKSHOP]}
    )
    rules.check(new, donor.legal_nature, today_in_paris(utcnow()))
    origin = Origin(
        donor_id=donor.id,
        donor_nature=donor.legal_nature,
        legal_basis=new.legal_basis,
        receiver_id=workshop.id,
        agreed_on=new.agreed_on,
        no_resale=new.no_resale,
        unnamed=new.unnamed,
        purge_asked=new.purge_asked,
    )
    session.add(origin)
    session.flush()
    batch = Batch(
        ref=_free_ref(session),
        donor_id=donor.id,
        workshop_id=workshop.id,
        origin_id=origin.id,
        state=BatchState.ACCEPTED,
        no_resale=new.no_resale,
        unnamed=new.unnamed,
        purge_asked=new.purge_asked,
    )
    session.add(batch)
    session.flush()
    session.add_all(
        BatchLine(batch_id=batch.id, category=category, announced=count) for category, count in new.lines
    )
    session.flush()
    journal.append(
        session,
        actor,
        journal.Kind.BATCH_ENTERED,
        batch.id,
        {
            "donor": donor.id,
            "workshop": workshop.id,
            "origin": origin.id,
            "announced": {category.value: count for category, count in new.lines},
        },
    )
    return batch.ref


def receive(
    session: Session,
    actor: Actor,
    ref: str,
    counts: Counts,
    reasons: Mapping[Category, GapReason],
) -> list[str]:
    """Receive a batch, once: a device and a label for each thing counted; the labels' codes.

    A category that is not counted did not arrive; one that was not announced counts as announced 0.
    Raises Refusal(not-allowed, not-found, batch-closed, invalid, gap-unexplained).
    """
    actor.must(Permission.BATCH_RECEIVE)
    batch = _awaited(session, actor, ref)
    lines = {
        line.category: line
        for line in session.scalars(sa.select(BatchLine).where(BatchLine.batch_id == batch.id))
    }
    announced = {category: line.announced for category, line in lines.items()}
    rules.check_reception(announced, counts, reasons.keys())
    gaps = rules.gaps(announced, counts)
    for category in (category for category in counts if counts[category] and category not in lines):
        lines[category] = BatchLine(batch_id=batch.id, category=category, announced=0)
        session.add(lines[category])
    for category, line in lines.items():
        line.received = counts.get(category, 0)
        line.gap_reason = reasons[category] if category in gaps else None
    batch.state, batch.received_at = BatchState.RECEIVED, utcnow()
    journal.append(
        session,
        actor,
        journal.Kind.BATCH_RECEIVED,
        batch.id,
        {
            "received": {category.value: line.received for category, line in sorted(lines.items())},
            "gap": {category.value: gap for category, gap in gaps.items()},
            "reasons": {category.value: reasons[category].value for category in gaps},
        },
    )
    return _make_devices(session, actor, batch, counts)


def _make_devices(session: Session, actor: Actor, batch: Batch, counts: Counts) -> list[str]:
    origin = session.get_one(Origin, batch.origin_id)
    return [
        register.receive(
            session,
            actor,
            category=category,
            origin_id=origin.id,
            owner_id=origin.receiver_id,
            batch_ref=batch.ref,
        ).code
        for category in Category
        for _ in range(counts.get(category, 0))
    ]


def _awaited(session: Session, actor: Actor, ref: str) -> Batch:
    """The batch, locked: of two receptions at once the second waits, then finds it received."""
    batch = session.scalars(
        sa.select(Batch)
        .where(Batch.ref == queries.read_ref(ref), Batch.workshop_id == actor.organisation_id)
        .with_for_update()
    ).one_or_none()
    if batch is None:
        raise Refusal(Code.NOT_FOUND)
    if batch.state is not BatchState.ACCEPTED:
        raise Refusal(Code.BATCH_CLOSED, batch=batch.ref)
    return batch


def _in_role(
    session: Session, organisation_id: int, role: OrganisationRole, errors: dict[str, list[str]]
) -> Organisation:
    organisation = session.get(Organisation, organisation_id)
    if organisation is None or role.value not in organisation.roles:
        raise Refusal(Code.INVALID, errors=errors)
    return organisation


def _free_ref(session: Session) -> str:
    """A reference that no batch has yet. Random, so that it tells neither a count nor a donor."""
    drawn = [f"L-{codes.mint(REF_SIGNS)}" for _ in range(DRAWS)]
    taken = set(session.scalars(sa.select(Batch.ref).where(Batch.ref.in_(drawn))))
    return next(ref for ref in drawn if ref not in taken)
