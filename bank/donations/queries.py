"""Reads of batches, each within the reach of who asks: the donor, the workshop, the whole bank."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bank.actor import Actor, Permission
from bank.donations.models import Batch, BatchLine, BatchState, GapReason
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature, Organisation, OrganisationRole
from bank.inventory.models import Category, LegalBasis, Origin

PAGE = 50
REF_MAX = 12


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the list is narrowed to; None means all."""

    donor_id: int | None = None
    state: BatchState | None = None


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch, as the list shows it; `received` is None until it is."""

    id: int
    ref: str
    state: BatchState
    donor: str | None
    workshop: str | None
    agreed_on: date | None
    announced: int | None
    received: int | None


@dataclass(frozen=True, slots=True)
class BatchPage:
    """A page of the list, and where the next one starts."""

    batches: tuple[BatchRow, ...]
    next_cursor: int | None


@dataclass(frozen=True, slots=True)
class LineSheet:
    """One category: announced and received side by side."""

    category: Category
    announced: int
    received: int | None
    gap_reason: GapReason | None


@dataclass(frozen=True, slots=True)
class BatchSheet:
    """All that a page says of a batch; its devices are the register's."""

    id: int
    ref: str
    state: BatchState
    donor_id: int | None
    donor: str | None
    donor_nature: LegalNature | None
    workshop_id: int | None
    workshop: str | None
    legal_basis: LegalBasis | None
    agreed_on: date | None
    no_resale: bool
    unnamed: bool
    purge_asked: bool
    created_at: datetime
    received_at: datetime | None
    lines: tuple[LineSheet, ...]

    @property
    def announced(self) -> int:
        """How many devices were announced."""
        return sum(line.announced for line in self.lines)

    @property
    def received(self) -> int:
        """How many devices arrived."""
        return sum(line.received or 0 for line in self.lines)


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation to choose."""

    id: int
    name: str


def reach(actor: Actor) -> sa.ColumnElement[bool]:
    """The scope rule: a batch is seen by its donor, by its workshop and by the whole-bank view.

    At an organisation that is donor and workshop, those who only give see only what was given.
    """
    if actor.sees_all:
        return sa.true()
    given = Batch.donor_id == actor.organisation_id
    if not actor.can(Permission.DEVICE_SEE):
        return given
    return given | (Batch.workshop_id == actor.organisation_id)


def batches(
    session: Session, actor: Actor, filters: Filters, *, cursor: int | None = None, limit: int = PAGE
) -> BatchPage:
    """A page of batches, the latest first. One statement, whatever the length."""
    wanted = [reach(actor)]
    if filters.donor_id is not None:
        wanted.append(Batch.donor_id == filters.donor_id)
    if filters.state is not None:
        wanted.append(Batch.state == filters.state)
    if cursor is not None:
        wanted.append(Batch.id < cursor)
    donor, workshop = aliased(Organisation), aliased(Organisation)
    rows = session.execute(
        sa.select(
            Batch.id,
            Batch.ref,
            Batch.state,
            donor.name,
            workshop.name,
            Origin.agreed_on,
            _sum(BatchLine.announced),
            _sum(BatchLine.received),
        )
        .outerjoin(donor, donor.id == Batch.donor_id)
        .outerjoin(workshop, workshop.id == Batch.workshop_id)
        .outerjoin(Origin, Origin.id == Batch.origin_id)
        .where(*wanted)
        .order_by(Batch.id.desc())
        .limit(limit + 1)
    ).all()
    shown = tuple(BatchRow(*row) for row in rows[:limit])
    return BatchPage(shown, shown[-1].id if len(rows) > limit else None)


def batch(session: Session, actor: Actor, ref: str) -> BatchSheet:
    """One batch with its lines. Raises Refusal(not-found)."""
    donor, workshop = aliased(Organisation), aliased(Organisation)
    row = session.execute(
        sa.select(
            Batch.id,
            Batch.ref,
            Batch.state,
            Batch.donor_id,
            donor.name,
            Origin.donor_nature,
            Batch.workshop_id,
            workshop.name,
            Origin.legal_basis,
            Origin.agreed_on,
            Batch.no_resale,
            Batch.unnamed,
            Batch.purge_asked,
            Batch.created_at,
            Batch.received_at,
        )
        .outerjoin(donor, donor.id == Batch.donor_id)
        .outerjoin(workshop, workshop.id == Batch.workshop_id)
        .outerjoin(Origin, Origin.id == Batch.origin_id)
        .where(Batch.ref == read_ref(ref), reach(actor))
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    lines = session.execute(
        sa.select(BatchLine.category, BatchLine.announced, BatchLine.received, BatchLine.gap_reason).where(
            BatchLine.batch_id == row.id
        )
    )
    return _sheet(row, (LineSheet(*line) for line in lines))


def donors(session: Session, actor: Actor) -> list[Partner]:
    """Whose batches the actor sees, by name: what the list can be narrowed to."""
    seen = sa.select(Batch.donor_id).where(reach(actor))
    return _partners(session, Organisation.id.in_(seen))


def partners(session: Session, actor: Actor, role: OrganisationRole) -> list[Partner]:
    """Which organisations a new batch can name in this role, by name; for who may enter batches."""
    actor.must(Permission.BATCH_ENTER)
    held = sa.literal(" ") + sa.type_coerce(Organisation.roles, sa.Text()) + " "
    return _partners(session, held.contains(f" {role.value} "))


def read_ref(text: str) -> str:
    """A batch reference as it is stored. Raises Refusal(not-found) on what cannot be one."""
    ref = text.strip().upper()
    if not 0 < len(ref) <= REF_MAX or not ref.isascii() or not ref.isprintable():
        raise Refusal(Code.NOT_FOUND)
    return ref


def _partners(session: Session, wanted: sa.ColumnElement[bool]) -> list[Partner]:
    rows = session.execute(
        sa.select(Organisation.id, Organisation.name).where(wanted).order_by(Organisation.name)
    )
    return [Partner(*row) for row in rows]


def _sum(column: Any) -> sa.ScalarSelect[Any]:
    return sa.select(sa.func.sum(column)).where(BatchLine.batch_id == Batch.id).scalar_subquery()


def _sheet(row: Sequence[Any], lines: Iterable[LineSheet]) -> BatchSheet:
    # As the categories are declared: the usual things first.
    order = list(Category)
    return BatchSheet(*(*row, tuple(sorted(lines, key=lambda line: order.index(line.category)))))
