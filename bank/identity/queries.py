"""Reads: organisations, their people, one's own tokens. A coordinator sees all; the others, their own house."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission, permissions_from
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity import rules
from bank.identity.models import (
    ApiToken,
    Badge,
    Capacity,
    CapacityKind,
    LegalNature,
    Organisation,
    OrganisationRole,
    Person,
    PersonRole,
    Station,
    WorkshopKind,
)

PAGE = 50
ID_MAX = 2**63 - 1


class PersonState(StrEnum):
    """Where a person's account stands."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


class TokenState(StrEnum):
    """Whether a token still opens anything."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class OrganisationLine:
    """An organisation in a list."""

    id: int
    name: str
    legal_nature: LegalNature
    roles: tuple[OrganisationRole, ...]
    workshop_kind: WorkshopKind | None
    siret: str | None


@dataclass(frozen=True)
class CapacityLine:
    """A legal capacity and its days."""

    kind: CapacityKind
    reference: str
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True)
class OrganisationSheet(OrganisationLine):
    """An organisation with its capacities, and the version that an edit must quote."""

    version: int
    address: str
    phone: str
    first_lesson: str
    capacities: tuple[CapacityLine, ...]


@dataclass(frozen=True)
class PersonLine:
    """Someone with an account. Shown only to those who manage the accounts of that organisation."""

    id: int
    organisation_id: int
    organisation: str
    name: str
    email: str
    roles: tuple[PersonRole, ...]
    state: PersonState


@dataclass(frozen=True)
class TokenLine:
    """One of one's own tokens; its secret is nowhere."""

    id: int
    name: str
    scopes: tuple[Permission, ...]
    created_at: datetime
    expires_at: datetime
    state: TokenState


@dataclass(frozen=True)
class Organisations:
    """A page of the list, and where the next one starts."""

    items: list[OrganisationLine]
    next_cursor: int | None


@dataclass(frozen=True)
class People:
    """A page of the list, and where the next one starts."""

    items: list[PersonLine]
    next_cursor: int | None


class BadgeState(StrEnum):
    """What a person's badge opens."""

    NONE = "none"
    WITHOUT_PIN = "without-pin"
    IN_SERVICE = "in-service"
    LOCKED = "locked"


@dataclass(frozen=True)
class StationLine:
    """A browser of the workshop where badges open a session."""

    id: int
    name: str
    open: bool
    idle_minutes: int
    last_used_at: datetime | None
    revoked_at: datetime | None
    version: int


@dataclass(frozen=True)
class BadgeHolder:
    """Someone who works at the stations, and where their badge stands."""

    person_id: int
    name: str
    roles: tuple[PersonRole, ...]
    state: BadgeState
    badge_id: int | None
    made_at: datetime | None


@dataclass(frozen=True)
class BadgeHolders:
    """A page of the list, and where the next one starts."""

    items: list[BadgeHolder]
    next_cursor: int | None


def organisations(
    session: Session,
    actor: Actor,
    *,
    q: str = "",
    role: OrganisationRole | None = None,
    cursor: int | None = None,
) -> Organisations:
    """Organisations by name; `q` is a part of the name or a SIRET."""
    name = sa.func.lower(Organisation.name)
    query = sa.select(Organisation).order_by(name, Organisation.id).limit(PAGE + 1)
    if not actor.sees_all:
        query = query.where(Organisation.id == actor.organisation_id)
    if q:
        digits = "".join(q.split())
        query = query.where(Organisation.name.icontains(q, autoescape=True) | (Organisation.siret == digits))
    if role is not None:
        held = sa.literal(" ") + sa.type_coerce(Organisation.roles, sa.Text()) + " "
        query = query.where(held.contains(f" {role.value} "))
    if cursor is not None:
        last = sa.select(name).where(Organisation.id == cursor).scalar_subquery()
        query = query.where((name > last) | ((name == last) & (Organisation.id > cursor)))
    rows = [OrganisationLine(**_line(row)) for row in session.scalars(query)]
    return Organisations(rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None)


def organisation(session: Session, actor: Actor, organisation_id: int) -> OrganisationSheet:
    """One organisation with its capacities. Raises Refusal(not-found)."""
    row = session.get(Organisation, organisation_id) if may_see(actor, organisation_id) else None
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    held = session.scalars(
        sa.select(Capacity)
        .where(Capacity.organisation_id == organisation_id)
        .order_by(Capacity.valid_from, Capacity.id)
    )
    capacities = tuple(
        CapacityLine(each.kind, each.reference, each.valid_from, each.valid_until) for each in held
    )
    return OrganisationSheet(
        **_line(row),
        version=row.version,
        address=row.address,
        phone=row.phone,
        first_lesson=row.first_lesson,
        capacities=capacities,
    )


def may_see(actor: Actor, organisation_id: int) -> bool:
    """Whether the organisation is the actor's business at all."""
    return actor.sees_all or actor.organisation_id == organisation_id


def _line(row: Organisation) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "legal_nature": row.legal_nature,
        "roles": tuple(role for role in OrganisationRole if role in row.roles),
        "workshop_kind": row.workshop_kind,
        "siret": row.siret,
    }


def people(session: Session, actor: Actor, organisation_id: int, *, cursor: int | None = None) -> People:
    """The people of one organisation, in the order they came. Raises Refusal(not-found)."""
    if not may_see(actor, organisation_id):
        raise Refusal(Code.NOT_FOUND)
    query = (
        _people()
        .where(Person.organisation_id == organisation_id, Person.id > (cursor or 0))
        .order_by(Person.id)
        .limit(PAGE + 1)
    )
    rows = [_person_line(row, name) for row, name in session.execute(query)]
    return People(rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None)


def person(session: Session, actor: Actor, person_id: int) -> PersonLine:
    """One person of an organisation that the actor sees. Raises Refusal(not-found)."""
    row = session.execute(_people().where(Person.id == person_id)).one_or_none()
    if row is None or not may_see(actor, row[0].organisation_id):
        raise Refusal(Code.NOT_FOUND)
    return _person_line(row[0], row[1])


def myself(session: Session, actor: Actor) -> PersonLine:
    """The actor's own account."""
    row = session.execute(_people().where(Person.id == actor.person_id)).one()
    return _person_line(row[0], row[1])


def _people() -> sa.Select[Person, str]:
    return sa.select(Person, Organisation.name).join(Organisation, Person.organisation_id == Organisation.id)


def _person_line(row: Person, organisation_name: str) -> PersonLine:
    state = PersonState.ACTIVE if row.password_hash else PersonState.INVITED
    return PersonLine(
        id=row.id,
        organisation_id=row.organisation_id,
        organisation=organisation_name,
        name=row.name,
        email=row.email,
        roles=tuple(role for role in PersonRole if role in row.roles),
        state=PersonState.DISABLED if row.disabled_at else state,
    )


def tokens(session: Session, actor: Actor) -> list[TokenLine]:
    """The actor's own tokens, newest first."""
    query = sa.select(ApiToken).where(ApiToken.person_id == actor.person_id).order_by(ApiToken.id.desc())
    return [_token_line(row) for row in session.scalars(query.limit(PAGE))]


def token(session: Session, actor: Actor, token_id: int) -> TokenLine:
    """One of the actor's own tokens. Raises Refusal(not-found)."""
    row = session.get(ApiToken, token_id)
    if row is None or row.person_id != actor.person_id:
        raise Refusal(Code.NOT_FOUND)
    return _token_line(row)


def _token_line(row: ApiToken) -> TokenLine:
    state = TokenState.VALID if row.expires_at > utcnow() else TokenState.EXPIRED
    return TokenLine(
        id=row.id,
        name=row.name,
        scopes=tuple(sorted(permissions_from(row.scopes))),
        created_at=row.created_at,
        expires_at=row.expires_at,
        state=TokenState.REVOKED if row.revoked_at else state,
    )


# --- stations and badges: a supervisor's own workshop ---


def stations(session: Session, actor: Actor) -> list[StationLine]:
    """The workshop's stations, those in service first."""
    query = (
        sa.select(Station)
        .where(Station.organisation_id == actor.organisation_id)
        .order_by(Station.revoked_at.is_not(None), sa.func.lower(Station.name), Station.id)
        .limit(PAGE)
    )
    return [_station_line(row) for row in session.scalars(query)]


def station(session: Session, actor: Actor, station_id: int) -> StationLine:
    """One station of the workshop that still is one. Raises Refusal(not-found)."""
    row = session.get(Station, station_id)
    if row is None or row.organisation_id != actor.organisation_id or row.revoked_at is not None:
        raise Refusal(Code.NOT_FOUND)
    return _station_line(row)


def _station_line(row: Station) -> StationLine:
    return StationLine(
        row.id, row.name, row.open, row.idle_minutes, row.last_used_at, row.revoked_at, row.version
    )


def badge_holders(session: Session, actor: Actor, *, cursor: int | None = None) -> BadgeHolders:
    """Those of the workshop who work at its stations, with or without a badge."""
    query = _holders(actor).where(Person.id > (cursor or 0)).order_by(Person.id).limit(PAGE + 1)
    rows = [_holder(person, badge) for person, badge in session.execute(query)]
    return BadgeHolders(rows[:PAGE], rows[PAGE - 1].person_id if len(rows) > PAGE else None)


def badge_holder(session: Session, actor: Actor, person_id: int) -> BadgeHolder:
    """One of them. Raises Refusal(not-found)."""
    row = session.execute(_holders(actor).where(Person.id == person_id)).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return _holder(row[0], row[1])


def _holders(actor: Actor) -> sa.Select[Person, Badge | None]:
    held = sa.literal(" ") + sa.type_coerce(Person.roles, sa.Text()) + " "
    at_work = (PersonRole.OPERATOR, PersonRole.SUPERVISOR)
    return (
        sa.select(Person, Badge)
        .outerjoin(Badge, sa.and_(Badge.person_id == Person.id, Badge.voided_at.is_(None)))
        .where(
            Person.organisation_id == actor.organisation_id,
            Person.disabled_at.is_(None),
            sa.or_(*(held.contains(f" {role.value} ") for role in at_work)),
        )
    )


def _holder(person: Person, badge: Badge | None) -> BadgeHolder:
    state = BadgeState.NONE
    if badge is not None:
        state = BadgeState.IN_SERVICE if badge.pin_hash else BadgeState.WITHOUT_PIN
        state = BadgeState.LOCKED if badge.tries >= rules.PIN_TRIES else state
    return BadgeHolder(
        person_id=person.id,
        name=person.name,
        roles=tuple(role for role in PersonRole if role in person.roles),
        state=state,
        badge_id=badge.id if badge else None,
        made_at=badge.made_at if badge else None,
    )


def roles_to_offer(session: Session, actor: Actor, organisation_id: int) -> list[PersonRole]:
    """The roles that the actor may give in this organisation. Raises Refusal(not-found)."""
    held = organisation(session, actor, organisation_id).roles
    return rules.offered_roles(held, sees_all=actor.sees_all)
