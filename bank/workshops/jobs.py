"""Mails of this room: a device went missing with data on it. A job takes ids and may run twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app, render_template, url_for
from flask_babel import force_locale
from sqlalchemy.orm import Session

from bank import db, mail
from bank.config import Config
from bank.identity.models import Person, PersonRole
from bank.work import Task
from bank.workshops import board
from bank.workshops.board import IncidentLine
from bank.workshops.models import Incident, IncidentOutcome


@dataclass(frozen=True, slots=True)
class Told:
    """Whom to tell. A coordinator follows the incident here; a donor answers for the data."""

    person_id: int
    email: str
    language: str
    coordinates: bool


def tell_incident(task: Task) -> None:
    """Mail the donor's people and the coordinators, unless the device was found meanwhile."""
    with db.read() as session:
        incident, people = _incident(session, task.subject_id)
    if incident.outcome is IncidentOutcome.FOUND:
        return
    for person in people:
        _send(task, incident, person)


def _incident(session: Session, incident_id: int) -> tuple[IncidentLine, Sequence[Told]]:
    donor_id = session.scalar(sa.select(Incident.donor_id).where(Incident.id == incident_id))
    held = sa.literal(" ") + sa.type_coerce(Person.roles, sa.Text()) + " "
    coordinates = held.contains(f" {PersonRole.COORDINATOR.value} ")
    of_donor = sa.and_(Person.organisation_id == donor_id, held.contains(f" {PersonRole.DONOR.value} "))
    rows = session.execute(
        sa.select(Person.id, Person.email, Person.language, coordinates)
        .where(sa.or_(coordinates, of_donor), Person.disabled_at.is_(None), Person.password_hash.is_not(None))
        .order_by(Person.id)
    )
    return board.incident_line(session, incident_id), [Told(*row) for row in rows]


def _send(task: Task, incident: IncidentLine, to: Told) -> None:
    """The template's first line is the subject."""
    config: Config = current_app.config["BANK"]
    with current_app.test_request_context(base_url=config.public_url), force_locale(to.language):
        link = url_for("incidents.show", incident_id=incident.id, _external=True)
        text = render_template(
            "mail/incident.txt", incident=incident, to=to, link=link, bank_name=config.bank_name
        )
    subject, _, body = text.partition("\n")
    mail.send(to.email, subject.strip(), body.lstrip("\n"), message_id=f"job-{task.job_id}-{to.person_id}")
