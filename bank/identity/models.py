"""Tables: organisation, legal capacity, person, API token."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bank.crypto import Encrypted
from bank.db import Base, BigId, Utc, Words, enum_type, utcnow


class LegalNature(StrEnum):
    """What an organisation is in law: it decides what it may receive, sell and issue."""

    PUBLIC_BODY = "public_body"
    COMPANY = "company"
    ASSOCIATION = "association"
    PERSON = "person"


class OrganisationRole(StrEnum):
    """What an organisation does here. A set: AGOIE is workshop, seller and desk."""

    BANK = "bank"
    DONOR = "donor"
    WORKSHOP = "workshop"
    PRESCRIBER = "prescriber"
    STRUCTURE = "structure"
    DESK = "desk"
    FUNDER = "funder"


class WorkshopKind(StrEnum):
    """Entreprise adaptée, ESAT, atelier et chantier d'insertion, or another kind."""

    EA = "ea"
    ESAT = "esat"
    ACI = "aci"
    OTHER = "other"


class CapacityKind(StrEnum):
    """A legal capacity, held from a day to a day, with its reference."""

    RUP = "rup"
    # General interest, with the statutory object to equip, train and accompany people (CG3P L3212-2 3°).
    GENERAL_INTEREST = "general_interest"
    ESUS = "esus"
    RECEIPTS = "receipts"
    VAT_LIABLE = "vat_liable"
    VAT_EXEMPT = "vat_exempt"
    # Accredited by the bank to attest that somebody lives in great hardship.
    HARDSHIP = "hardship"


class PersonRole(StrEnum):
    """What a person does for their organisation. A set too; each is a set of permissions (`rules.py`)."""

    COORDINATOR = "coordinator"
    ADMINISTRATOR = "administrator"
    DONOR = "donor"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    PRESCRIBER = "prescriber"
    STRUCTURE = "structure"
    DESK = "desk"


class Organisation(Base):
    """A legal entity that gives, works, asks, hands over or funds. A SIRET may host several: it is no key."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120), unique=True)
    legal_nature: Mapped[LegalNature] = mapped_column(enum_type(LegalNature))
    roles: Mapped[frozenset[str]] = mapped_column(Words())
    workshop_kind: Mapped[WorkshopKind | None] = mapped_column(enum_type(WorkshopKind))
    siret: Mapped[str | None] = mapped_column(sa.String(14), index=True)
    # What papers say of it: where it is, whom to call, where the first lesson is.
    address: Mapped[str] = mapped_column(sa.String(200), default="")
    phone: Mapped[str] = mapped_column(sa.String(30), default="")
    first_lesson: Mapped[str] = mapped_column(sa.String(300), default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    capacities: Mapped[list["Capacity"]] = relationship(
        order_by="Capacity.valid_from", cascade="all, delete-orphan", lazy="raise"
    )
    __mapper_args__ = {"version_id_col": version}


class Capacity(Base):
    """A legal capacity of an organisation, dated, with its reference (decree, approval, ruling)."""

    __tablename__ = "capacity"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    kind: Mapped[CapacityKind] = mapped_column(enum_type(CapacityKind))
    reference: Mapped[str] = mapped_column(sa.String(120))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]

    __table_args__ = (
        sa.CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="capacity_days"),
    )


class Person(Base):
    """Someone with an account, at work for one organisation. Name and address are encrypted."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(Encrypted())
    email: Mapped[str] = mapped_column(Encrypted())
    email_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    roles: Mapped[frozenset[str]] = mapped_column(Words())
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    # Raised when the password changes or the account is disabled: every session and link from before is void.
    epoch: Mapped[int] = mapped_column(default=1)
    language: Mapped[str] = mapped_column(sa.String(2), default="fr")
    disabled_at: Mapped[datetime | None] = mapped_column(Utc())
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    organisation: Mapped[Organisation] = relationship(lazy="raise")


class ApiToken(Base):
    """A key for a program. Only its hash is kept; it can do at most what its person can."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    # Empty means everything its person may do.
    scopes: Mapped[frozenset[str]] = mapped_column(Words())
    expires_at: Mapped[datetime] = mapped_column(Utc())
    revoked_at: Mapped[datetime | None] = mapped_column(Utc())
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)


class Station(Base):
    """A browser of a workshop where badges open a session. Its cookie is a secret of which the hash is here."""

    __tablename__ = "station"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    # Whether the badge alone opens it, without a PIN.
    open: Mapped[bool] = mapped_column(default=False)
    idle_minutes: Mapped[int] = mapped_column(default=5)
    enrolled_by: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    enrolled_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    last_used_at: Mapped[datetime | None] = mapped_column(Utc())
    revoked_at: Mapped[datetime | None] = mapped_column(Utc())
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (sa.CheckConstraint("idle_minutes BETWEEN 1 AND 60", name="idle"),)
    __mapper_args__ = {"version_id_col": version}


class Badge(Base):
    """A card that stands for a person at a station. Five wrong PINs lock it until the supervisor unlocks it."""

    __tablename__ = "badge"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    person_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    code_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    pin_hash: Mapped[str | None] = mapped_column(sa.String(200))
    tries: Mapped[int] = mapped_column(default=0)
    made_by: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    made_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    voided_at: Mapped[datetime | None] = mapped_column(Utc())

    __table_args__ = (
        sa.Index(
            "uq_badge_person_id_live",
            "person_id",
            unique=True,
            postgresql_where=sa.text("voided_at IS NULL"),
            sqlite_where=sa.text("voided_at IS NULL"),
        ),
    )
