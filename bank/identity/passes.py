"""A pass: what proves, days later, who made a scan that was stored on a phone without network.

It opens no session: it only names the author of what somebody signed in at the same browser sends.
"""

from dataclasses import dataclass, replace

import sqlalchemy as sa
from flask import current_app, session
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.identity import rules, signin
from bank.identity.models import Badge, Organisation, Person

PURPOSE = "banque:scan-pass"
LASTS_S = 14 * 86_400
LONGEST = 300

HOLDER = (
    sa.select(
        Person.organisation_id,
        Person.roles,
        Person.epoch,
        Person.name,
        Organisation.name.label("organisation"),
        Person.disabled_at,
        Badge.id.label("badge_id"),
    )
    .join(Organisation, Person.organisation_id == Organisation.id)
    .outerjoin(
        Badge,
        sa.and_(
            Badge.person_id == Person.id,
            Badge.id == sa.bindparam("badge_id"),
            Badge.voided_at.is_(None),
        ),
    )
    .where(Person.id == sa.bindparam("person_id"))
)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a pass says: who, under which epoch, for whom, by which badge (0: by password). `stale`: too old."""

    person_id: int
    epoch: int
    organisation_id: int
    badge_id: int
    stale: bool = False


def make(actor: Actor) -> str:
    """The pass of whoever is signed in on this browser."""
    epoch = session[signin.SESSION_KEY][1]
    badge_id = session.get(signin.AT_STATION, [0])[0]
    return _serializer().dumps([actor.person_id, epoch, actor.organisation_id, badge_id])


def holder(reading: Session, token: str, organisation_id: int) -> Actor:
    """Whose pass it is, with the rights they have at this moment, for one organisation.

    Raises Refusal(pass-expired, pass-withdrawn): the first waits for its holder, the second for nobody.
    """
    claim = _read(token)
    if claim is None:
        raise Refusal(Code.PASS_EXPIRED)
    keys = {"person_id": claim.person_id, "badge_id": claim.badge_id}
    row = reading.execute(HOLDER, keys).one_or_none()
    if row is None or row.disabled_at is not None:
        raise Refusal(Code.PASS_WITHDRAWN)
    by_badge = claim.badge_id != 0
    if (
        claim.stale
        or row.epoch != claim.epoch
        or not claim.organisation_id == row.organisation_id == organisation_id
        or (by_badge and row.badge_id is None)
    ):
        raise Refusal(Code.PASS_EXPIRED)
    rights = rules.at_a_station(row.roles) if by_badge else rules.permissions(row.roles)
    return Actor(claim.person_id, row.organisation_id, rights, row.name, row.organisation)


def closed(reading: Session, tokens: list[str]) -> list[int]:
    """The people among the holders of these passes whose account is closed: what is kept for them must go."""
    people = {claim.person_id for token in tokens if (claim := _read(token)) is not None}
    found = reading.scalars(
        sa.select(Person.id).where(Person.id.in_(people), Person.disabled_at.is_not(None))
    )
    return sorted(found)


def _read(token: str) -> _Claim | None:
    """What a pass of ours says, however old; None for what nobody here has signed."""
    if len(token) > LONGEST:
        return None
    try:
        return _Claim(*_serializer().loads(token, max_age=LASTS_S))
    except SignatureExpired as error:
        return replace(_Claim(*_serializer().load_payload(error.payload or b"")), stale=True)
    except (BadSignature, ValueError, TypeError):
        return None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=PURPOSE)
