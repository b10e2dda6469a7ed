"""Mails about accounts. Each job takes ids and may run twice: it mails only what still holds when it runs."""

from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app, render_template, url_for
from flask_babel import force_locale

from bank import db, mail
from bank.config import Config
from bank.identity import signin
from bank.identity.models import Organisation, Person
from bank.journal import Entry, Kind, Subject
from bank.work import Task

PASSWORD_KINDS = (Kind.PERSON_JOINED.value, Kind.PERSON_PASSWORD_SET.value)


@dataclass(frozen=True)
class Addressee:
    """Whom a link is for, as they are now."""

    name: str
    email: str
    epoch: int
    language: str
    joined: bool
    organisation: str


def send_invitation(task: Task) -> None:
    """Mail the link by which an invited person chooses a password, unless they have joined meanwhile."""
    to = _addressee(task)
    if to is not None and not to.joined:
        _send(task, to, "invitation", "mail/invitation.txt")


def send_reset(task: Task) -> None:
    """Mail the link to a new password, unless a password was set since it was asked for."""
    to = _addressee(task)
    if to is not None:
        _send(task, to, "reset", "mail/reset.txt")


def _addressee(task: Task) -> Addressee | None:
    """The person, or None when they are disabled or have set a password since the entry."""
    set_since = (
        sa.select(Entry.id)
        .where(
            Entry.subject == Subject.PERSON.value,
            Entry.subject_id == task.subject_id,
            Entry.id > task.entry_id,
            Entry.kind.in_(PASSWORD_KINDS),
        )
        .exists()
    )
    query = (
        sa.select(
            Person.name, Person.email, Person.epoch, Person.language, Person.password_hash, Organisation.name
        )
        .join(Organisation, Person.organisation_id == Organisation.id)
        .where(Person.id == task.subject_id, Person.disabled_at.is_(None), ~set_since)
    )
    with db.read() as session:
        row = session.execute(query).one_or_none()
    if row is None:
        return None
    name, email, epoch, language, password_hash, organisation = row
    return Addressee(name, email, epoch, language, password_hash is not None, organisation)


def _send(task: Task, to: Addressee, purpose: str, template: str) -> None:
    """The template's first line is the subject."""
    config: Config = current_app.config["BANK"]
    token = signin.link_token(purpose, task.subject_id, to.epoch)
    # Addresses in a mail are the public ones, whatever this process listens on.
    with current_app.test_request_context(base_url=config.public_url), force_locale(to.language):
        link = url_for("identity.set_password", purpose=purpose, token=token, _external=True)
        text = render_template(template, to=to, link=link, bank_name=config.bank_name)
    subject, _, body = text.partition("\n")
    mail.send(to.email, subject.strip(), body.lstrip("\n"), message_id=f"job-{task.job_id}")
