"""Changes to batches: one is announced, sent, decided on, received; or comes unannounced."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from bank import journal
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.donations import queries, rules
from bank.donations.models import Batch, BatchImport, BatchLine, BatchState, GapReason, ImportState
from bank.donations.rules import (
    Acceptance,
    Act,
    Announcement,
    Arrival,
    Count,
    Counts,
    Fault,
    NewBatch,
    NoThanks,
    Pickup,
)
from bank.errors import Code, Refusal
from bank.identity.models import Organisation, OrganisationRole
from bank.inventory import codes, register
from bank.inventory.models import AnnouncedItem, Category, Origin
from bank.web.pages import today_in_paris

REF_SIGNS = 6
DRAWS = 8
K = journal.Kind
R = OrganisationRole
# Who may have title to what a workshop receives.
RECEIVERS = (R.WORKSHOP, R.DESK, R.BANK)


# --- the donor's side ---


def announce(session: Session, actor: Actor, new: Announcement, *, donor_id: int | None = None) -> str:
    """Open a draft, of one's own organisation unless the coordinator writes for a donor; its reference.

    Raises Refusal(not-allowed, invalid).
    """
    donor_id = donor_id or actor.organisation_id
    if donor_id != actor.organisation_id or not actor.can(Permission.BATCH_ANNOUNCE):
        actor.must(Permission.BATCH_ENTER)
    donor = _in_role(session, donor_id, (R.DONOR,), {"donor_id": [Fault.NOT_A_DONOR]})
    rules.check_draft(new, {})
    batch = Batch(ref=_free_ref(session), donor_id=donor.id, state=BatchState.DRAFT, **_asked(new))
    _add(session, actor, batch, new.lines)
    journal.append(session, actor, K.BATCH_OPENED, batch.id, {"donor": donor.id})
    return batch.ref


def edit(session: Session, actor: Actor, ref: str, version: int, new: Announcement) -> None:
    """Write a draft anew, its lines included.

    Raises Refusal(not-allowed, not-found, batch-closed, batch-moved-on, edited-meanwhile, invalid).
    """
    batch = _given(session, actor, ref, Act.EDIT, version)
    rules.check_draft(new, _listed(session, batch.ref))
    for name, value in _asked(new).items():
        setattr(batch, name, value)
    session.execute(sa.delete(BatchLine).where(BatchLine.batch_id == batch.id))
    _write_lines(session, batch, new.lines)
    # The version must rise even when only the lines change.
    flag_modified(batch, "state")
    session.flush()
    journal.append(session, actor, K.BATCH_EDITED, batch.id, {"announced": _codes(dict(new.lines))})


def reopen(session: Session, actor: Actor, ref: str) -> None:
    """Take what was sent or refused back among the drafts, to correct it and send it again.

    Raises Refusal(not-allowed, not-found, batch-closed, batch-moved-on).
    """
    batch = _given(session, actor, ref, Act.REOPEN)
    batch.state, batch.refusal_reason, batch.refusal_note = BatchState.DRAFT, None, ""
    batch.submitted_at = batch.decided_at = None
    session.flush()
    journal.append(
        session, actor, K.BATCH_EDITED, batch.id, {"announced": _codes(_announced(session, batch))}
    )


def submit(session: Session, actor: Actor, ref: str, version: int | None = None) -> None:
    """Send a draft to the coordinator.

    Raises Refusal(not-allowed, not-found, batch-closed, batch-moved-on, edited-meanwhile, invalid).
    """
    batch = _given(session, actor, ref, Act.SUBMIT, version)
    announced = _announced(session, batch)
    rules.check_sent(_as_announcement(batch, announced), being_read=_is_being_read(session, batch))
    batch.state, batch.submitted_at = BatchState.SUBMITTED, utcnow()
    session.flush()
    journal.append(session, actor, K.BATCH_SUBMITTED, batch.id, {"announced": _codes(announced)})


def withdraw(session: Session, actor: Actor, ref: str) -> None:
    """Take a batch back for good, as long as it has not been received.

    The devices of its spreadsheet are forgotten, so that they can be announced in another batch.
    Raises Refusal(not-allowed, not-found, batch-closed, batch-moved-on).
    """
    batch = _given(session, actor, ref, Act.WITHDRAW)
    batch.state, batch.pickup_contact = BatchState.WITHDRAWN, None
    session.execute(sa.delete(AnnouncedItem).where(AnnouncedItem.batch_ref == batch.ref))
    session.flush()
    journal.append(session, actor, K.BATCH_WITHDRAWN, batch.id, {})


# --- the coordinator's side ---


def enter(session: Session, actor: Actor, new: NewBatch) -> str:
    """Enter a batch that a donor and the bank agreed on; its reference.

    Raises Refusal(not-allowed, invalid).
    """
    actor.must(Permission.BATCH_ENTER)
    donor = _in_role(session, new.donor_id, (R.DONOR,), {"donor_id": [Fault.NOT_A_DONOR]})
    workshop = _workshop(session, new.workshop_id)
    rules.check(new, donor.legal_nature, today_in_paris(utcnow()))
    asked = {"no_resale": new.no_resale, "unnamed": new.unnamed, "purge_asked": new.purge_asked}
    batch = Batch(
        ref=_free_ref(session),
        donor_id=donor.id,
        workshop_id=workshop.id,
        state=BatchState.ACCEPTED,
        collection_on=new.collection_on,
        decided_at=utcnow(),
        **asked,
    )
    origin = Origin(
        donor_id=donor.id,
        donor_nature=donor.legal_nature,
        legal_basis=new.legal_basis,
        receiver_id=workshop.id,
        agreed_on=new.agreed_on,
        **asked,
    )
    _put_origin(session, batch, origin)
    _add(session, actor, batch, new.lines)
    facts = {"donor": donor.id, "workshop": workshop.id, "origin": origin.id}
    journal.append(session, actor, K.BATCH_ENTERED, batch.id, facts | {"announced": _codes(dict(new.lines))})
    return batch.ref


def accept(session: Session, actor: Actor, ref: str, version: int, answer: Acceptance) -> None:
    """Take what a donor sent: which workshop, under which text, who has title, when it is fetched.

    Raises Refusal(not-allowed, not-found, batch-closed, batch-moved-on, edited-meanwhile, invalid).
    """
    batch = _decided(session, actor, ref, Act.ACCEPT, version)
    donor = session.get_one(Organisation, batch.donor_id)
    workshop = _workshop(session, answer.workshop_id)
    receiver_id = answer.receiver_id or workshop.id
    _in_role(session, receiver_id, RECEIVERS, {"receiver_id": [Fault.NOT_A_RECEIVER]})
    today = today_in_paris(utcnow())
    rules.check_acceptance(answer, donor.legal_nature, today)
    origin = Origin(
        donor_id=donor.id,
        donor_nature=donor.legal_nature,
        legal_basis=answer.legal_basis,
        receiver_id=receiver_id,
        agreed_on=today,
        no_resale=batch.no_resale,
        unnamed=batch.unnamed,
        purge_asked=batch.purge_asked,
    )
    _put_origin(session, batch, origin)
    batch.state, batch.workshop_id, batch.decided_at = BatchState.ACCEPTED, workshop.id, utcnow()
    batch.collection_on = answer.collection_on
    _note_accepted(session, actor, batch)


def refuse(session: Session, actor: Actor, ref: str, version: int, answer: NoThanks) -> None:
    """Say no to what a donor sent, with the reason.

    Raises Refusal(not-allowed, not-found, batch-closed, batch-moved-on, edited-meanwhile, invalid).
    """
    batch = _decided(session, actor, ref, Act.REFUSE, version)
    rules.check_no(answer)
    batch.state, batch.refusal_reason, batch.refusal_note = BatchState.REFUSED, answer.reason, answer.note
    batch.decided_at = utcnow()
    session.flush()
    journal.append(session, actor, K.BATCH_REFUSED, batch.id, {"reason": answer.reason.value})


def reschedule(session: Session, actor: Actor, ref: str, version: int, pickup: Pickup) -> None:
    """Change the day of the collection or the workshop of an accepted batch; the donor is told again.

    Raises Refusal(not-allowed, not-found, batch-closed, batch-moved-on, edited-meanwhile, invalid).
    """
    batch = _decided(session, actor, ref, Act.RESCHEDULE, version)
    workshop = _workshop(session, pickup.workshop_id)
    if pickup.collection_on != batch.collection_on:
        rules.check_pickup(pickup, today_in_paris(utcnow()))
    if workshop.id != batch.workshop_id:
        _move_origin(session, batch, workshop.id)
    batch.workshop_id, batch.collection_on = workshop.id, pickup.collection_on
    _note_accepted(session, actor, batch)


# --- the workshop's side ---


def receive(
    session: Session,
    actor: Actor,
    ref: str,
    counts: Counts,
    reasons: Mapping[Category, GapReason],
    refused: Counts | None = None,
) -> list[str]:
    """Receive a batch, once: a device and a label for each thing counted; the labels' codes.

    A category that is not counted did not arrive; one that was not announced counts as announced 0. `refused`
    came too, and was sent back at the dock.
    Raises Refusal(not-allowed, not-found, batch-closed, batch-moved-on, invalid, gap-unexplained).
    """
    actor.must(Permission.BATCH_RECEIVE)
    batch = _locked(session, ref, Batch.workshop_id == actor.organisation_id)
    rules.must_stand(batch.state, Act.RECEIVE)
    count = Count(received=counts, refused=refused or {}, reasons=reasons)
    why = rules.check_reception(_announced(session, batch), count)
    return _take(session, actor, batch, count, why)


def take_in(session: Session, actor: Actor, arrival: Arrival) -> str:
    """Receive what nobody had announced, as a batch of its own; its reference.

    A supervisor counts for their own workshop, the coordinator for any. Raises Refusal(not-allowed, invalid).
    """
    actor.must(Permission.BATCH_TAKE_IN)
    workshop = _workshop(session, arrival.workshop_id)
    if not actor.sees_all and workshop.id != actor.organisation_id:
        raise Refusal(Code.INVALID, errors={"workshop_id": [Fault.NOT_A_WORKSHOP]})
    donor = None
    if arrival.donor_id is not None:
        donor = _in_role(session, arrival.donor_id, (R.DONOR,), {"donor_id": [Fault.NOT_A_DONOR]})
    nature = donor.legal_nature if donor else None
    basis = rules.basis_of_arrival(arrival, nature)
    why = rules.check_arrival(arrival.count)
    batch = Batch(
        ref=_free_ref(session),
        donor_id=donor.id if donor else None,
        workshop_id=workshop.id,
        state=BatchState.RECEIVED,
        received_at=utcnow(),
    )
    origin = Origin(
        donor_id=batch.donor_id,
        donor_nature=nature,
        legal_basis=basis,
        receiver_id=workshop.id,
        agreed_on=today_in_paris(utcnow()),
    )
    _put_origin(session, batch, origin)
    _add(session, actor, batch, ())
    _take(session, actor, batch, arrival.count, why)
    return batch.ref


def _take(
    session: Session, actor: Actor, batch: Batch, count: Count, why: Mapping[Category, GapReason]
) -> list[str]:
    """Write the counts beside what was announced, and put the devices into the register."""
    lines = {line.category: line for line in _lines(session, batch)}
    announced = {category: line.announced for category, line in lines.items()}
    came = {category for counts in (count.received, count.refused) for category, n in counts.items() if n}
    for category in sorted(came - lines.keys()):
        lines[category] = BatchLine(batch_id=batch.id, category=category, announced=0)
        session.add(lines[category])
    for category, line in lines.items():
        line.received = count.received.get(category, 0)
        line.refused = count.refused.get(category, 0)
        line.gap_reason = why.get(category)
    batch.state, batch.received_at = BatchState.RECEIVED, utcnow()
    # Whom to call at the dock is nobody's business any more.
    batch.pickup_contact = None
    facts = {
        "received": _codes({category: count.received.get(category, 0) for category in sorted(lines)}),
        "refused": _codes({category: n for category, n in sorted(count.refused.items()) if n}),
        "gap": _codes(rules.gaps(announced, count.received)),
        "reasons": {category.value: reason.value for category, reason in sorted(why.items())},
        "unannounced": not announced,
    }
    journal.append(session, actor, K.BATCH_RECEIVED, batch.id, facts)
    return _make_devices(session, actor, batch, count.received)


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
            holder_id=batch.workshop_id,
        ).code
        for category in Category
        for _ in range(counts.get(category, 0))
    ]


# --- what they share ---


def _locked(session: Session, ref: str, scope: sa.ColumnElement[bool]) -> Batch:
    """The batch, locked: of two who change it at once the second waits, then finds it changed."""
    batch = session.scalars(
        sa.select(Batch)
        .where(Batch.ref == queries.read_ref(ref), scope)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if batch is None:
        raise Refusal(Code.NOT_FOUND)
    return batch


def _given(session: Session, actor: Actor, ref: str, act: Act, version: int | None = None) -> Batch:
    """A batch on its donor's side of the table: their own people's, or the coordinator's for them."""
    scope = queries.reach(actor)
    if not actor.can(Permission.BATCH_ENTER):
        actor.must(Permission.BATCH_ANNOUNCE)
        scope = Batch.donor_id == actor.organisation_id
    return _standing(_locked(session, ref, scope), act, version)


def _decided(session: Session, actor: Actor, ref: str, act: Act, version: int) -> Batch:
    """A batch on the coordinator's side of the table."""
    actor.must(Permission.BATCH_ENTER)
    return _standing(_locked(session, ref, queries.reach(actor)), act, version)


def _standing(batch: Batch, act: Act, version: int | None) -> Batch:
    rules.must_stand(batch.state, act)
    if version is not None and batch.version != version:
        raise Refusal(Code.EDITED_MEANWHILE)
    return batch


def _add(session: Session, actor: Actor, batch: Batch, lines: rules.Lines) -> None:
    # The command line is no person of the bank.
    batch.made_by = actor.person_id or None
    session.add(batch)
    session.flush()
    _write_lines(session, batch, lines)


def _write_lines(session: Session, batch: Batch, lines: rules.Lines) -> None:
    session.add_all(
        BatchLine(batch_id=batch.id, category=category, announced=count) for category, count in lines
    )
    session.flush()


def _put_origin(session: Session, batch: Batch, origin: Origin) -> None:
    session.add(origin)
    session.flush()
    batch.origin_id = origin.id


def _move_origin(session: Session, batch: Batch, workshop_id: int) -> None:
    """Another workshop receives: an origin never changes, so the batch gets another."""
    before = session.get_one(Origin, batch.origin_id)
    receiver_id = workshop_id if before.receiver_id == batch.workshop_id else before.receiver_id
    origin = Origin(
        donor_id=before.donor_id,
        donor_nature=before.donor_nature,
        legal_basis=before.legal_basis,
        receiver_id=receiver_id,
        agreed_on=before.agreed_on,
        no_resale=before.no_resale,
        unnamed=before.unnamed,
        purge_asked=before.purge_asked,
    )
    _put_origin(session, batch, origin)


def _note_accepted(session: Session, actor: Actor, batch: Batch) -> None:
    session.flush()
    facts = {
        "workshop": batch.workshop_id,
        "origin": batch.origin_id,
        "collection": batch.collection_on.isoformat() if batch.collection_on else None,
    }
    journal.append(session, actor, K.BATCH_ACCEPTED, batch.id, facts)


def _asked(new: Announcement) -> dict[str, Any]:
    return {
        "no_resale": new.no_resale,
        "unnamed": new.unnamed,
        "purge_asked": new.purge_asked,
        "pickup_address": new.pickup_address,
        "pickup_contact": new.pickup_contact or None,
    }


def _as_announcement(batch: Batch, announced: Counts) -> Announcement:
    return Announcement(
        lines=tuple(announced.items()),
        pickup_address=batch.pickup_address,
        pickup_contact=batch.pickup_contact or "",
    )


def _lines(session: Session, batch: Batch) -> list[BatchLine]:
    return list(session.scalars(sa.select(BatchLine).where(BatchLine.batch_id == batch.id)))


def _announced(session: Session, batch: Batch) -> dict[Category, int]:
    return {line.category: line.announced for line in _lines(session, batch)}


def _listed(session: Session, ref: str) -> dict[Category, int]:
    """How many devices of each category the batch's spreadsheet names."""
    rows = session.execute(
        sa.select(AnnouncedItem.category, sa.func.count().label("listed"))
        .where(AnnouncedItem.batch_ref == ref)
        .group_by(AnnouncedItem.category)
    )
    return {row.category: row.listed for row in rows}


def _is_being_read(session: Session, batch: Batch) -> bool:
    """Whether a spreadsheet is still going into the batch."""
    found = session.scalar(
        sa.select(BatchImport.id)
        .where(
            BatchImport.batch_id == batch.id,
            BatchImport.state.in_([ImportState.WAITING, ImportState.RUNNING]),
        )
        .limit(1)
    )
    return found is not None


def _codes(counts: Counts) -> dict[str, int]:
    return {category.value: count for category, count in counts.items()}


def _workshop(session: Session, organisation_id: int) -> Organisation:
    return _in_role(session, organisation_id, (R.WORKSHOP,), {"workshop_id": [Fault.NOT_A_WORKSHOP]})


def _in_role(
    session: Session, organisation_id: int, roles: tuple[OrganisationRole, ...], errors: rules.Faults
) -> Organisation:
    organisation = session.get(Organisation, organisation_id)
    if organisation is None or organisation.roles.isdisjoint(role.value for role in roles):
        raise Refusal(Code.INVALID, errors=errors)
    return organisation


def _free_ref(session: Session) -> str:
    """A reference that no batch has yet. Random, so that it tells neither a count nor a donor."""
    drawn = [f"L-{codes.mint(REF_SIGNS)}" for _ in range(DRAWS)]
    taken = set(session.scalars(sa.select(Batch.ref).where(Batch.ref.in_(drawn))))
    return next(ref for ref in drawn if ref not in taken)
