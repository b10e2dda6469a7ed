"""What follows when a device goes missing with data on it: a clock of 72 hours, people told, an outcome.

The article 33 of the GDPR gives the controller, who is the donor, 72 hours from the moment it knows.
"""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.inventory.models import Origin
from bank.inventory.register import Standing
from bank.workshops.models import Incident, IncidentOutcome

CLOCK = timedelta(hours=72)
# That a device was found is said of the device itself (`exits.py`), never of the incident alone.
BY_HAND = (IncidentOutcome.NOTIFIED, IncidentOutcome.NO_RISK)


def open_for(session: Session, actor: Actor, lost: Standing) -> int:
    """Open the incident of a device that has just gone missing with open drives; its id."""
    now = utcnow()
    row = Incident(
        device_id=lost.device_id,
        organisation_id=lost.custodian_id or actor.organisation_id,
        donor_id=session.scalar(sa.select(Origin.donor_id).where(Origin.id == lost.origin_id)),
        drives=lost.open_drives,
        opened_by=actor.person_id,
        opened_at=now,
        due_at=now + CLOCK,
    )
    session.add(row)
    session.flush()
    facts = {"device": lost.device_id, "drives": lost.open_drives, "custodian": row.organisation_id}
    journal.append(session, actor, journal.Kind.INCIDENT_OPENED, row.id, facts)
    return row.id


def settle(session: Session, actor: Actor, incident_id: int, outcome: IncidentOutcome) -> None:
    """Say how an incident ended, for a device that stays missing. The same again changes nothing.

    Raises Refusal(not-allowed, not-found, invalid, edited-meanwhile).
    """
    actor.must(Permission.INCIDENT_SETTLE)
    row = session.get(Incident, incident_id, with_for_update=True, populate_existing=True)
    if row is None or not (actor.sees_all or row.organisation_id == actor.organisation_id):
        raise Refusal(Code.NOT_FOUND)
    if outcome not in BY_HAND:
        raise Refusal(Code.INVALID, errors={"outcome": ["say-it-of-the-device"]})
    if row.outcome is not None and row.outcome is not outcome:
        raise Refusal(Code.EDITED_MEANWHILE, outcome=row.outcome.value)
    if row.outcome is None:
        _close(session, actor, row, outcome)


def close_found(session: Session, actor: Actor, device_id: int) -> None:
    """Close the open incident of a device that was found, if it has one."""
    is_open = sa.and_(Incident.device_id == device_id, Incident.closed_at.is_(None))
    row = session.scalars(sa.select(Incident).where(is_open).with_for_update()).one_or_none()
    if row is not None:
        _close(session, actor, row, IncidentOutcome.FOUND)


def _close(session: Session, actor: Actor, row: Incident, outcome: IncidentOutcome) -> None:
    row.closed_by, row.closed_at, row.outcome = actor.person_id, utcnow(), outcome
    session.flush()
    facts = {"device": row.device_id, "outcome": outcome.value}
    journal.append(session, actor, journal.Kind.INCIDENT_CLOSED, row.id, facts)
