"""Tables: programme, tariff, legal cap, recipient, request, allocation, hand-over."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bank.crypto import Encrypted
from bank.db import Base, BigId, Utc, Words, enum_type, utcnow
from bank.identity.models import CapacityKind, LegalNature, Organisation
from bank.inventory.models import Category


class ProofKind(StrEnum):
    """Which paper was seen. It is checked and dated, never kept."""

    RSA_CERTIFICATE = "rsa_certificate"
    FSL_DECISION = "fsl_decision"
    STRUCTURE_ATTESTATION = "structure_attestation"


class Need(StrEnum):
    """What would help a person to use a device. Words for a need, never for a condition."""

    LARGE_PRINT = "large_print"
    SCREEN_READER = "screen_reader"
    MOUSE = "mouse"
    BIG_KEYBOARD = "big_keyboard"
    SIMPLE_PHONE = "simple_phone"


class RequestState(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    ALLOCATED = "allocated"
    HANDED_OVER = "handed_over"
    CANCELLED = "cancelled"


class AllocationState(StrEnum):
    """LIVE promises the device to one request; the two others are history."""

    LIVE = "live"
    HANDED_OVER = "handed_over"
    RELEASED = "released"
    RETURNED = "returned"


class Payment(StrEnum):
    """How the price was paid at the counter."""

    CASH = "cash"
    CHEQUE = "cheque"
    CARD = "card"
    TRANSFER = "transfer"
    NONE = "none"


class Signature(StrEnum):
    """How the recipient signed for it."""

    ON_SCREEN = "on_screen"
    ON_PAPER = "on_paper"
    WITNESS = "witness"
    CODE = "code"


class Collector(StrEnum):
    """Who came for it."""

    RECIPIENT = "recipient"
    MANDATED = "mandated"
    REPRESENTATIVE = "representative"


class IdPaper(StrEnum):
    """Which kind of identity paper was shown. Its kind only: no number, no copy."""

    IDENTITY_CARD = "identity_card"
    PASSPORT = "passport"
    RESIDENCE_PERMIT = "residence_permit"
    DRIVING_LICENCE = "driving_licence"
    OTHER = "other"
    NONE = "none"


class CancelReason(StrEnum):
    """Why a request is not followed any more."""

    NO_LONGER_NEEDED = "no_longer_needed"
    MISTAKE = "mistake"
    NO_SHOW = "no_show"
    NOT_POSSIBLE = "not_possible"


class Programme(Base):
    """A scheme under which equipment is asked for, in force from a day, with its source."""

    __tablename__ = "programme"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(30))
    name: Mapped[str] = mapped_column(sa.String(120))
    recipient_nature: Mapped[LegalNature] = mapped_column(enum_type(LegalNature))
    # Whether its recipients are people in hardship, whom the law lets a public gift be sold to.
    hardship: Mapped[bool]
    proofs: Mapped[frozenset[str]] = mapped_column(Words())
    # A proof older than this on the day of the request is not accepted; None: no limit.
    proof_days: Mapped[int | None]
    # Only organisations that hold this capacity may ask under it.
    capacity_asked: Mapped[CapacityKind | None] = mapped_column(enum_type(CapacityKind))
    # Lent for so many days instead of handed over for good.
    loan_days: Mapped[int | None]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    source: Mapped[str] = mapped_column(sa.String(200))

    __table_args__ = (sa.UniqueConstraint("code", "valid_from"),)


class Tariff(Base):
    """What one category costs under a programme, from a seller or any, in force from a day."""

    __tablename__ = "tariff"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    programme_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("programme.id"), index=True)
    category: Mapped[Category] = mapped_column(enum_type(Category))
    seller_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    price_cents: Mapped[int]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    source: Mapped[str] = mapped_column(sa.String(200))

    __table_args__ = (sa.CheckConstraint("price_cents >= 0", name="price"),)


class Cap(Base):
    """The most that the law lets an association ask for a thing that came free from a public body, tax included."""

    __tablename__ = "cap"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    category: Mapped[Category] = mapped_column(enum_type(Category))
    cap_cents: Mapped[int]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    article: Mapped[str] = mapped_column(sa.String(80))
    source: Mapped[str] = mapped_column(sa.String(200))

    __table_args__ = (sa.UniqueConstraint("category", "valid_from"),)


class Recipient(Base):
    """A person for whom a device is asked: as little as possible, encrypted, purged on time."""

    __tablename__ = "recipient"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(Encrypted())
    contact: Mapped[str | None] = mapped_column(Encrypted())
    birth_date: Mapped[str | None] = mapped_column(Encrypted())
    # Exact name and birth date under a key of their own: the only way to find a person, besides a reference.
    search_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)


class Request(Base):
    """What a prescriber or a structure asks for, under one programme."""

    __tablename__ = "request"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ref: Mapped[str] = mapped_column(sa.String(12), unique=True)
    programme_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("programme.id"))
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    # One of the two: a person, or the organisation itself.
    recipient_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("recipient.id"))
    recipient_nature: Mapped[LegalNature] = mapped_column(enum_type(LegalNature))
    proof: Mapped[ProofKind | None] = mapped_column(enum_type(ProofKind))
    proof_day: Mapped[date | None]
    proof_seen_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("person.id"))
    state: Mapped[RequestState] = mapped_column(
        enum_type(RequestState), default=RequestState.OPEN, index=True
    )
    made_by: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    needs: Mapped[frozenset[str]] = mapped_column(Words(), default=frozenset())
    cancel_reason: Mapped[CancelReason | None] = mapped_column(enum_type(CancelReason))
    # The appointment at a desk, and the slip that finds it again.
    desk_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    appointment_at: Mapped[datetime | None] = mapped_column(Utc())
    slip_code: Mapped[str | None] = mapped_column(sa.String(20), unique=True)
    # Six digits printed on the slip, for who cannot sign: encrypted, because the slip is printed again.
    slip_pin: Mapped[str | None] = mapped_column(Encrypted())
    slip_tries: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)

    lines: Mapped[list["RequestLine"]] = relationship(order_by="RequestLine.id", lazy="raise")
    programme: Mapped[Programme] = relationship(lazy="raise")
    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id], lazy="raise")
    recipient: Mapped[Recipient | None] = relationship(lazy="raise")
    allocations: Mapped[list["Allocation"]] = relationship(order_by="Allocation.id", lazy="raise")
    __table_args__ = (
        sa.CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelled"),
        sa.CheckConstraint("(recipient_nature = 'person') = (recipient_id IS NOT NULL)", name="recipient"),
    )
    __mapper_args__ = {"version_id_col": version}


class RequestLine(Base):
    """How many things of one category a request asks for: ten desktops and ten screens are two lines."""

    __tablename__ = "request_line"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    request_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("request.id"))
    category: Mapped[Category] = mapped_column(enum_type(Category))
    quantity: Mapped[int]

    __table_args__ = (
        sa.UniqueConstraint("request_id", "category"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 100", name="quantity"),
    )


class Allocation(Base):
    """A device promised to a request, at a price frozen on that day, with its reasons."""

    __tablename__ = "allocation"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    request_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("request.id"), index=True)
    device_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("device.id"), index=True)
    state: Mapped[AllocationState] = mapped_column(enum_type(AllocationState), default=AllocationState.LIVE)
    price_cents: Mapped[int]
    cap_cents: Mapped[int | None]
    tariff_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("tariff.id"))
    seller_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    reasons: Mapped[frozenset[str]] = mapped_column(Words())
    # The civil day in France whose prices and rights were applied.
    decided_on: Mapped[date]
    decided_by: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    handover_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("handover.id"))
    # When a loan is to come back.
    due_on: Mapped[date | None]

    __table_args__ = (
        sa.CheckConstraint(
            "price_cents >= 0 AND (cap_cents IS NULL OR price_cents <= cap_cents)", name="lawful_price"
        ),
        sa.CheckConstraint(
            "(state IN ('handed_over', 'returned')) = (handover_id IS NOT NULL)", name="handed_over"
        ),
        sa.Index(
            "uq_allocation_device_id_live",
            "device_id",
            unique=True,
            postgresql_where=sa.text("state = 'live'"),
            sqlite_where=sa.text("state = 'live'"),
        ),
    )


class Handover(Base):
    """One signature for all the devices of one request, with what was paid."""

    __tablename__ = "handover"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    ref: Mapped[str] = mapped_column(sa.String(12), unique=True)
    request_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("request.id"), unique=True)
    desk_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    payment: Mapped[Payment] = mapped_column(enum_type(Payment))
    paid_cents: Mapped[int]
    signature: Mapped[Signature] = mapped_column(enum_type(Signature))
    collector: Mapped[Collector] = mapped_column(enum_type(Collector), default=Collector.RECIPIENT)
    id_paper: Mapped[IdPaper | None] = mapped_column(enum_type(IdPaper))
    made_by: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    made_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    __table_args__ = (
        sa.CheckConstraint("paid_cents >= 0 AND (payment = 'none') = (paid_cents = 0)", name="paid"),
    )


class HandoverSignature(Base):
    """Who signed and how it looked: in a row of its own, encrypted, so that it can be purged on time."""

    __tablename__ = "handover_signature"

    handover_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("handover.id"), primary_key=True)
    # The strokes drawn on the screen, as an SVG path.
    drawing: Mapped[str | None] = mapped_column(Encrypted())
    signer_name: Mapped[str | None] = mapped_column(Encrypted())
    signer_title: Mapped[str | None] = mapped_column(Encrypted())
    witness_name: Mapped[str | None] = mapped_column(Encrypted())


class AccessLog(Base):
    """Who looked at a person's file, and when. Append-only, as the journal is."""

    __tablename__ = "access_log"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    request_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("request.id"), index=True)
    person_id: Mapped[int] = mapped_column(BigId)
    organisation_id: Mapped[int] = mapped_column(BigId)
    at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
