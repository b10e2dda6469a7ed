"""What a donor is mailed about a batch: the bank's answer, as it stands, and to whom."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from flask import current_app, render_template, url_for
from flask_babel import force_locale
from sqlalchemy.orm import Session

from bank import mail
from bank.config import Config
from bank.donations.models import Batch, BatchState, RefusalReason
from bank.identity.models import Organisation, Person, PersonRole
from bank.journal import Entry, Kind, Subject
from bank.work import Task

ANSWERED = (BatchState.ACCEPTED, BatchState.REFUSED)
ANSWERS = (Kind.BATCH_ACCEPTED.value, Kind.BATCH_REFUSED.value)


@dataclass(frozen=True)
class Addressee:
    """Somebody who gives for the donor."""

    person_id: int
    name: str
    email: str
    language: str


@dataclass(frozen=True)
class Answer:
    """What the bank decided on a batch, as it stands now; `again`: the donor had a yes before."""

    ref: str
    state: BatchState
    workshop: str | None
    collection_on: date | None
    reason: RefusalReason | None
    note: str
    again: bool
    to: tuple[Addressee, ...]


def answer(session: Session, task: Task) -> Answer | None:
    """The answer that an entry gave; None when there is a later one or the batch has moved on."""
    workshop = sa.select(Organisation.name).where(Organisation.id == Batch.workshop_id).scalar_subquery()
    row = session.execute(
        sa.select(Batch, workshop.label("workshop")).where(Batch.id == task.subject_id)
    ).one_or_none()
    if row is None or row.Batch.state not in ANSWERED:
        return None
    answers = session.scalars(
        sa.select(Entry.id)
        .where(
            Entry.subject == Subject.BATCH.value,
            Entry.subject_id == task.subject_id,
            Entry.kind.in_(ANSWERS),
        )
        .order_by(Entry.id)
    ).all()
    if answers[-1] != task.entry_id:
        return None
    batch: Batch = row.Batch
    return Answer(
        batch.ref,
        batch.state,
        row.workshop,
        batch.collection_on,
        batch.refusal_reason,
        batch.refusal_note,
        _was_accepted(session, task),
        tuple(_people(session, batch)),
    )


def _was_accepted(session: Session, task: Task) -> bool:
    """Whether the entry before this one on the batch was a yes already: then only the collection has changed."""
    kind = session.scalar(
        sa.select(Entry.kind)
        .where(
            Entry.subject == Subject.BATCH.value,
            Entry.subject_id == task.subject_id,
            Entry.id < task.entry_id,
        )
        .order_by(Entry.id.desc())
        .limit(1)
    )
    return kind == Kind.BATCH_ACCEPTED.value


def _people(session: Session, batch: Batch) -> list[Addressee]:
    """Who wrote the batch, if they still give for the donor; else everybody who does."""
    rows = session.execute(
        sa.select(Person.id, Person.name, Person.email, Person.language, Person.roles).where(
            Person.organisation_id == batch.donor_id,
            Person.disabled_at.is_(None),
            Person.password_hash.is_not(None),
        )
    )
    people = [Addressee(*row[:4]) for row in rows if PersonRole.DONOR.value in row.roles]
    return [person for person in people if person.person_id == batch.made_by] or people


def send(task: Task, told: Answer, to: Addressee) -> None:
    """Mail the answer in its reader's language. The template's first line is the subject."""
    config: Config = current_app.config["BANK"]
    # Addresses in a mail are the public ones, whatever this process listens on.
    with current_app.test_request_context(base_url=config.public_url), force_locale(to.language):
        link = url_for("donations.show", ref=told.ref, _external=True)
        text = render_template(
            "mail/batch_answer.txt", to=to, answer=told, link=link, bank_name=config.bank_name
        )
    subject, _, body = text.partition("\n")
    message_id = f"job-{task.job_id}-{to.person_id}"
    mail.send(to.email, subject.strip(), body.lstrip("\n"), message_id=message_id)
