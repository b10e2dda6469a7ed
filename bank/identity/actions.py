"""Changes: organisations, people, passwords, tokens. Nothing here commits, hashes a password or sends a mail."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import crypto, journal
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity import codes, queries, rules, signin
from bank.identity.models import (
    ApiToken,
    Badge,
    Capacity,
    LegalNature,
    Organisation,
    Person,
    PersonRole,
    Station,
    WorkshopKind,
)
from bank.identity.queries import PersonState
from bank.identity.rules import CapacityDraft, Fault, OrganisationDraft
from bank.journal import Kind
from bank.work import fingerprint

# Shown in front of every token, so that one left in a file or a log is recognised for what it is.
TOKEN_MARK = "bdn_"


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """Who is invited, to do what."""

    name: str
    email: str
    roles: frozenset[PersonRole]

    @property
    def mark(self) -> str:
        """A digest of the invitation, which tells nobody whom it is for."""
        return fingerprint([crypto.search_hash(self.email), self.name, sorted(self.roles)])


@dataclass(frozen=True, kw_only=True)
class TokenWish:
    """A token as asked for. Without scopes it may do all that its maker may do at that moment."""

    name: str
    days: int
    scopes: frozenset[Permission] = frozenset()

    @property
    def mark(self) -> str:
        """The same for the same wish."""
        return fingerprint([self.name, self.days, sorted(self.scopes)])


@dataclass(frozen=True, kw_only=True)
class StationDraft:
    """A station as its supervisor wants it: `open` lets a badge in without a PIN."""

    name: str
    open: bool
    idle_minutes: int


@dataclass(frozen=True)
class MadeToken:
    """A token and its secret, which is known here and nowhere after."""

    id: int
    secret: str


@dataclass(frozen=True)
class MadeBadge:
    """A badge and its code, which is known here and on the card, and nowhere after."""

    id: int
    code: str


# --- organisations ---


def create_organisation(session: Session, actor: Actor, draft: OrganisationDraft) -> int:
    """Add an organisation; its id. Raises Refusal(invalid, already-exists)."""
    _check(session, draft, None)
    row = Organisation(**_columns(draft), capacities=[Capacity(**_held(each)) for each in draft.capacities])
    session.add(row)
    session.flush()
    facts = {"roles": sorted(draft.roles)}
    journal.append(session, actor, Kind.ORGANISATION_CREATED, row.id, facts)
    return row.id


def edit_organisation(
    session: Session, actor: Actor, organisation_id: int, version: int, draft: OrganisationDraft
) -> int:
    """Write an organisation anew, capacities included; its new version.

    Raises Refusal(not-found, edited-meanwhile, invalid, already-exists).
    """
    queries.organisation(session, actor, organisation_id)
    _check(session, draft, organisation_id)
    # Guarded by hand: the version must rise even when only the capacities change.
    changed = session.execute(
        sa.update(Organisation)
        .where(Organisation.id == organisation_id, Organisation.version == version)
        .values(**_columns(draft), version=version + 1)
        .returning(Organisation.id)
    ).one_or_none()
    if changed is None:
        raise Refusal(Code.EDITED_MEANWHILE)
    _check_people_keep_ground(session, organisation_id, draft)
    _write_capacities(session, organisation_id, draft.capacities)
    facts = {
        "roles": sorted(draft.roles),
        "capacities": sorted(f"{each.kind}:{each.valid_from}" for each in draft.capacities),
    }
    journal.append(session, actor, Kind.ORGANISATION_EDITED, organisation_id, facts)
    return version + 1


def _check(session: Session, draft: OrganisationDraft, organisation_id: int | None) -> None:
    faults = rules.faults(draft)
    if faults:
        raise Refusal(Code.INVALID, errors=faults)
    namesake = session.scalar(sa.select(Organisation.id).where(Organisation.name == draft.name))
    if namesake not in (None, organisation_id):
        raise Refusal(Code.ALREADY_EXISTS, field="name")


def _check_people_keep_ground(session: Session, organisation_id: int, draft: OrganisationDraft) -> None:
    active = session.scalars(
        sa.select(Person.roles).where(Person.organisation_id == organisation_id, Person.disabled_at.is_(None))
    )
    roles = {PersonRole(role) for held in active for role in held}
    if rules.misplaced_roles(roles, draft.roles):
        raise Refusal(Code.INVALID, errors={"roles": [Fault.ROLE_IN_USE]})


def _columns(
    draft: OrganisationDraft,
) -> dict[str, str | LegalNature | WorkshopKind | frozenset[str] | None]:
    return {
        "name": draft.name,
        "legal_nature": draft.legal_nature,
        "roles": frozenset(role.value for role in draft.roles),
        "workshop_kind": draft.workshop_kind,
        "siret": rules.siret_or_none(draft.siret) if draft.siret else None,
        "address": draft.address,
        "phone": draft.phone,
        "first_lesson": draft.first_lesson,
    }


def _held(capacity: CapacityDraft) -> dict[str, object]:
    return {
        "kind": capacity.kind,
        "reference": capacity.reference,
        "valid_from": capacity.valid_from,
        "valid_until": capacity.valid_until,
    }


def _write_capacities(session: Session, organisation_id: int, wanted: Collection[CapacityDraft]) -> None:
    """Rows that stay as they were keep their id."""
    missing = set(wanted)
    rows = session.scalars(sa.select(Capacity).where(Capacity.organisation_id == organisation_id)).all()
    for row in rows:
        same = CapacityDraft(
            kind=row.kind, reference=row.reference, valid_from=row.valid_from, valid_until=row.valid_until
        )
        if same in missing:
            missing.remove(same)
        else:
            session.delete(row)
    session.add_all([Capacity(organisation_id=organisation_id, **_held(each)) for each in missing])
    session.flush()


# --- people ---


def invite(session: Session, actor: Actor, organisation_id: int, invitation: Invitation) -> int:
    """Open an account that a mailed link will give a password to; the person's id.

    Someone disabled in this organisation comes back under the same id.
    Raises Refusal(not-found, invalid, already-exists).
    """
    organisation = queries.organisation(session, actor, organisation_id)
    fault = rules.roles_fault(invitation.roles, organisation.roles, sees_all=actor.sees_all)
    if fault is not None:
        raise Refusal(Code.INVALID, errors={"roles": [fault]})
    person = _by_email(session, invitation.email)
    if person is None:
        person = Person(organisation_id=organisation_id, email_hash=crypto.search_hash(invitation.email))
        session.add(person)
    elif person.disabled_at is None or person.organisation_id != organisation_id:
        raise Refusal(Code.ALREADY_EXISTS, field="email")
    else:
        person.disabled_at, person.password_hash, person.epoch = None, None, person.epoch + 1
    person.name, person.email = invitation.name, invitation.email
    person.roles = frozenset(role.value for role in invitation.roles)
    session.flush()
    _journal_invitation(session, actor, person)
    return person.id


def resend_invitation(session: Session, actor: Actor, person_id: int) -> int:
    """Send the link again to someone who has not joined; the journal entry's id.

    Raises Refusal(not-found, not-allowed).
    """
    if queries.person(session, actor, person_id).state is not PersonState.INVITED:
        raise Refusal(Code.NOT_ALLOWED, reason="not-waiting")
    return _journal_invitation(session, actor, session.get_one(Person, person_id))


def _journal_invitation(session: Session, actor: Actor, person: Person) -> int:
    facts = {"roles": sorted(person.roles), "organisation": person.organisation_id}
    return journal.append(session, actor, Kind.PERSON_INVITED, person.id, facts)


def disable(session: Session, actor: Actor, person_id: int) -> None:
    """Shut someone out as of their next request: session, links and tokens. Twice is once.

    Raises Refusal(not-found, not-allowed).
    """
    line = queries.person(session, actor, person_id)
    if line.state is PersonState.DISABLED:
        return
    if person_id == actor.person_id:
        raise Refusal(Code.NOT_ALLOWED, reason="own-account")
    if PersonRole.COORDINATOR in line.roles and _coordinators(session) <= {person_id}:
        raise Refusal(Code.NOT_ALLOWED, reason="last-coordinator")
    now = utcnow()
    session.execute(
        sa.update(Person).where(Person.id == person_id).values(disabled_at=now, epoch=Person.epoch + 1)
    )
    session.execute(
        sa.update(ApiToken)
        .where(ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    _void_badge(session, actor, person_id)
    journal.append(session, actor, Kind.PERSON_DISABLED, person_id, {})


def _coordinators(session: Session) -> set[int]:
    """Those who can sign in. Their rows are locked: two of them could shut each other out at once."""
    held = sa.type_coerce(Person.roles, sa.Text())
    rows = session.scalars(
        sa.select(Person.id)
        .where(
            held.contains(PersonRole.COORDINATOR.value),
            Person.disabled_at.is_(None),
            Person.password_hash.is_not(None),
        )
        .order_by(Person.id)
        .with_for_update()
    )
    return set(rows)


def _by_email(session: Session, email: str) -> Person | None:
    hashes = crypto.search_hashes(email)
    return session.scalars(sa.select(Person).where(Person.email_hash.in_(hashes)).limit(1)).one_or_none()


# --- passwords ---


def ask_reset(session: Session, email: str) -> None:
    """Write down that the holder of this address, if there is one, wants a new password."""
    person = _by_email(session, email)
    if person is not None and person.disabled_at is None:
        journal.append(session, None, Kind.PERSON_RESET_ASKED, person.id, {})


def set_password(session: Session, person_id: int, epoch: int, password_hash: str) -> int:
    """Give the password that a link allows, once; the new epoch. Raises Refusal(link-expired)."""
    joined = session.scalar(sa.select(Person.password_hash.is_not(None)).where(Person.id == person_id))
    raised = session.execute(
        sa.update(Person)
        .where(Person.id == person_id, Person.epoch == epoch, Person.disabled_at.is_(None))
        .values(password_hash=password_hash, epoch=epoch + 1)
        .returning(Person.organisation_id)
    ).one_or_none()
    if raised is None:
        raise Refusal(Code.LINK_EXPIRED)
    who = Actor(person_id, raised.organisation_id, frozenset())
    kind = Kind.PERSON_PASSWORD_SET if joined else Kind.PERSON_JOINED
    journal.append(session, who, kind, person_id, {})
    return epoch + 1


def change_password(session: Session, actor: Actor, password_hash: str) -> int:
    """Replace one's own password; the new epoch, under which no other session is open."""
    epoch = session.execute(
        sa.update(Person)
        .where(Person.id == actor.person_id)
        .values(password_hash=password_hash, epoch=Person.epoch + 1)
        .returning(Person.epoch)
    ).scalar_one()
    journal.append(session, actor, Kind.PERSON_PASSWORD_SET, actor.person_id, {})
    return epoch


# --- tokens ---


def make_token(session: Session, actor: Actor, wish: TokenWish) -> MadeToken:
    """Make a token of one's own, which can do no more than its maker. Raises Refusal(invalid)."""
    faults = rules.token_faults(wish.days, wish.scopes, actor.permissions)
    if faults:
        raise Refusal(Code.INVALID, errors=faults)
    # Written out even when all are meant: a narrow token must not make one that follows its person's roles.
    scopes = wish.scopes or actor.permissions
    return _issue(session, actor.person_id, wish.name, wish.days, scopes)


def create_token_for_email(session: Session, email: str, days: int, name: str) -> str:
    """A token for the holder of an address, able to do all that they may do; its secret.

    For the command line, whose user already holds the database. Raises Refusal(not-found, invalid).
    """
    faults = rules.token_faults(days, (), frozenset())
    if faults:
        raise Refusal(Code.INVALID, errors=faults)
    person = _by_email(session, email)
    if person is None or person.disabled_at is not None:
        raise Refusal(Code.NOT_FOUND)
    return _issue(session, person.id, name, days, frozenset()).secret


def _issue(
    session: Session, person_id: int, name: str, days: int, scopes: frozenset[Permission]
) -> MadeToken:
    secret = TOKEN_MARK + secrets.token_urlsafe(32)
    row = ApiToken(
        person_id=person_id,
        name=name,
        hash=signin.token_hash(secret),
        scopes=frozenset(scope.value for scope in scopes),
        expires_at=utcnow() + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    person = session.get_one(Person, person_id)
    who = Actor(person_id, person.organisation_id, frozenset())
    facts = {"token": row.id, "scopes": sorted(row.scopes), "expires": row.expires_at.date().isoformat()}
    journal.append(session, who, Kind.PERSON_TOKEN_MADE, person_id, facts)
    return MadeToken(row.id, secret)


def revoke_token(session: Session, actor: Actor, token_id: int) -> None:
    """Make one of one's own tokens useless at once. Twice is once. Raises Refusal(not-found)."""
    queries.token(session, actor, token_id)
    revoked = session.execute(
        sa.update(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=utcnow())
        .returning(ApiToken.id)
    ).one_or_none()
    if revoked is not None:
        journal.append(session, actor, Kind.PERSON_TOKEN_REVOKED, actor.person_id, {"token": token_id})


# --- stations and badges ---


def enrol_station(session: Session, actor: Actor, draft: StationDraft) -> int:
    """Make a station of the workshop; its id. It opens nothing before `give_secret`."""
    row = Station(
        organisation_id=actor.organisation_id,
        name=draft.name,
        open=draft.open,
        idle_minutes=draft.idle_minutes,
        secret_hash=signin.token_hash(secrets.token_urlsafe(32)),
        enrolled_by=actor.person_id,
    )
    session.add(row)
    session.flush()
    journal.append(session, actor, Kind.STATION_ENROLLED, row.id, {"open": draft.open})
    return row.id


def give_secret(session: Session, actor: Actor, station_id: int) -> str:
    """The secret of the one browser that is this station from now on. Raises Refusal(not-found)."""
    queries.station(session, actor, station_id)
    secret = secrets.token_urlsafe(32)
    session.execute(
        sa.update(Station).where(Station.id == station_id).values(secret_hash=signin.token_hash(secret))
    )
    return secret


def edit_station(session: Session, actor: Actor, station_id: int, version: int, draft: StationDraft) -> None:
    """Rename a station, open or close it. Raises Refusal(not-found, edited-meanwhile)."""
    queries.station(session, actor, station_id)
    changed = session.scalar(
        sa.update(Station)
        .where(Station.id == station_id, Station.version == version)
        .values(name=draft.name, open=draft.open, idle_minutes=draft.idle_minutes, version=version + 1)
        .returning(Station.id)
    )
    if changed is None:
        raise Refusal(Code.EDITED_MEANWHILE)
    facts = {"open": draft.open, "idle_minutes": draft.idle_minutes}
    journal.append(session, actor, Kind.STATION_EDITED, station_id, facts)


def revoke_station(session: Session, actor: Actor, station_id: int) -> None:
    """Close a station as of its next request, whoever sits there. Twice is once. Raises Refusal(not-found)."""
    revoked = session.scalar(
        sa.update(Station)
        .where(
            Station.id == station_id,
            Station.organisation_id == actor.organisation_id,
            Station.revoked_at.is_(None),
        )
        .values(revoked_at=utcnow())
        .returning(Station.id)
    )
    if revoked is not None:
        journal.append(session, actor, Kind.STATION_REVOKED, station_id, {})
    elif all(line.id != station_id for line in queries.stations(session, actor)):
        raise Refusal(Code.NOT_FOUND)


def make_badge(session: Session, actor: Actor, person_id: int, pin_hash: str | None) -> MadeBadge:
    """Make a person's badge; the one before opens nothing any more. Raises Refusal(not-found)."""
    queries.badge_holder(session, actor, person_id)
    _void_badge(session, actor, person_id)
    code = codes.mint()
    row = Badge(
        person_id=person_id,
        code_hash=signin.token_hash(code),
        pin_hash=pin_hash,
        made_by=actor.person_id,
    )
    session.add(row)
    session.flush()
    journal.append(session, actor, Kind.PERSON_BADGE_MADE, person_id, {"badge": row.id})
    return MadeBadge(row.id, code)


def set_pin(session: Session, actor: Actor, person_id: int, pin_hash: str) -> None:
    """Give a badge a PIN; a locked one opens again. Raises Refusal(not-found)."""
    badge_id = _held_badge(session, actor, person_id)
    session.execute(sa.update(Badge).where(Badge.id == badge_id).values(pin_hash=pin_hash, tries=0))
    journal.append(session, actor, Kind.PERSON_PIN_SET, person_id, {"badge": badge_id})


def unlock_badge(session: Session, actor: Actor, person_id: int) -> None:
    """Let a badge be tried again, with the PIN it has. Twice is once. Raises Refusal(not-found)."""
    badge_id = _held_badge(session, actor, person_id)
    unlocked = session.scalar(
        sa.update(Badge)
        .where(Badge.id == badge_id, Badge.tries >= rules.PIN_TRIES)
        .values(tries=0)
        .returning(Badge.id)
    )
    if unlocked is not None:
        journal.append(session, actor, Kind.PERSON_BADGE_UNLOCKED, person_id, {"badge": badge_id})


def void_badge(session: Session, actor: Actor, person_id: int) -> None:
    """Make a lost badge useless at once. Twice is once. Raises Refusal(not-found)."""
    queries.badge_holder(session, actor, person_id)
    _void_badge(session, actor, person_id)


def _held_badge(session: Session, actor: Actor, person_id: int) -> int:
    badge_id = queries.badge_holder(session, actor, person_id).badge_id
    if badge_id is None:
        raise Refusal(Code.NOT_FOUND)
    return badge_id


def _void_badge(session: Session, actor: Actor, person_id: int) -> None:
    voided = session.scalar(
        sa.update(Badge)
        .where(Badge.person_id == person_id, Badge.voided_at.is_(None))
        .values(voided_at=utcnow())
        .returning(Badge.id)
    )
    if voided is not None:
        journal.append(session, actor, Kind.PERSON_BADGE_VOIDED, person_id, {"badge": voided})
