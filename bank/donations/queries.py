"""Reads of batches, each within the reach of who asks: the donor, the workshop, the whole bank."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from bank.actor import Actor, Permission
from bank.donations import rules
from bank.donations.models import Batch, BatchLine, BatchState, GapReason, RefusalReason
from bank.donations.rules import Act, Announcement, Outcome
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature, Organisation, OrganisationRole
from bank.inventory import rules as inventory_rules
from bank.inventory.lifecycle import State
from bank.inventory.models import (
    AnnouncedItem,
    Category,
    CodeKind,
    Device,
    DeviceCode,
    Drive,
    DriveFate,
    DriveKind,
    ErasureMethod,
    ErasureProof,
    Label,
    LabelState,
    LegalBasis,
    Origin,
)

PAGE = 50
ITEMS = 50
REF_MAX = 12
# What a csv holds at most: what a batch can announce.
ALL_ITEMS = 100_000


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the list is narrowed to; None means all."""

    donor_id: int | None = None
    state: BatchState | None = None


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch, as the list shows it; `received` is None until it is. No donor: nobody knows whose it was."""

    id: int
    ref: str
    state: BatchState
    donor: str | None
    workshop: str | None
    agreed_on: date | None
    collection_on: date | None
    created_at: datetime
    announced: int
    received: int | None


@dataclass(frozen=True, slots=True)
class BatchPage:
    """A page of the list, and where the next one starts."""

    batches: tuple[BatchRow, ...]
    next_cursor: int | None


@dataclass(frozen=True, slots=True)
class LineSheet:
    """One category: announced, received and sent back at the dock, side by side."""

    category: Category
    announced: int
    received: int | None
    refused: int
    gap_reason: GapReason | None

    @property
    def gap(self) -> int | None:
        """Received less announced, once it is received."""
        return None if self.received is None else self.received - self.announced


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
    receiver_id: int | None
    receiver: str | None
    legal_basis: LegalBasis | None
    agreed_on: date | None
    no_resale: bool
    unnamed: bool
    purge_asked: bool
    pickup_address: str
    pickup_contact: str | None
    collection_on: date | None
    refusal_reason: RefusalReason | None
    refusal_note: str
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    received_at: datetime | None
    version: int
    lines: tuple[LineSheet, ...]

    @property
    def announced(self) -> int:
        """How many devices were announced."""
        return sum(line.announced for line in self.lines)

    @property
    def received(self) -> int:
        """How many devices arrived."""
        return sum(line.received or 0 for line in self.lines)

    @property
    def refused(self) -> int:
        """How many devices were sent back at the dock."""
        return sum(line.refused for line in self.lines)

    @property
    def unannounced(self) -> bool:
        """Whether it came without anybody having announced it."""
        return self.state is BatchState.RECEIVED and not any(line.announced for line in self.lines)

    def allows(self, act: Act) -> bool:
        """Whether the act starts from where the batch stands."""
        return self.state in rules.FROM[act]

    def as_announcement(self) -> Announcement:
        """What its donor wrote."""
        return Announcement(
            lines=tuple((line.category, line.announced) for line in self.lines if line.announced),
            no_resale=self.no_resale,
            unnamed=self.unnamed,
            purge_asked=self.purge_asked,
            pickup_address=self.pickup_address,
            pickup_contact=self.pickup_contact or "",
        )


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """What became of the devices of one category, by outcome; those with none are left out."""

    category: Category
    counts: Mapping[Outcome, int]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of a batch, by category and in all."""

    lines: tuple[OutcomeLine, ...]

    @property
    def totals(self) -> dict[Outcome, int]:
        """How many devices came to each outcome, the outcomes in their order."""
        sums = {outcome: sum(line.counts.get(outcome, 0) for line in self.lines) for outcome in Outcome}
        return {outcome: count for outcome, count in sums.items() if count}


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the donor's spreadsheet, or one device where there was none, and what became of it."""

    id: int
    row: int | None
    category: Category
    maker: str
    model: str
    serial: str | None
    asset_tag: str | None
    imei: str | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of rows, and where the next one starts."""

    items: tuple[Item, ...]
    next_cursor: int | None
    count: int


@dataclass(frozen=True, slots=True)
class ProofTold:
    """The erasure that counts: how, with what, when, by whom."""

    method: ErasureMethod
    tool: str
    tool_version: str
    done_at: datetime
    organisation: str


@dataclass(frozen=True, slots=True)
class DriveTold:
    """One drive of a batch. `open`: somebody's data may still be on it."""

    kind: DriveKind
    fate: DriveFate
    serial: str | None
    open: bool
    proof: ProofTold | None


@dataclass(frozen=True, slots=True)
class DeviceTold:
    """One device of a batch with its drives and the donor's own marks, as its certificate tells it."""

    code: str
    category: Category
    maker: str
    model: str
    marks: tuple[str, ...]
    drives: tuple[DriveTold, ...]


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
            Batch.collection_on,
            Batch.created_at,
            sa.func.coalesce(_sum(BatchLine.announced), 0),
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
    donor, workshop, receiver = aliased(Organisation), aliased(Organisation), aliased(Organisation)
    row = session.execute(
        sa.select(
            Batch.id,
            Batch.ref,
            Batch.state,
            Batch.donor_id,
            donor.name,
            sa.func.coalesce(Origin.donor_nature, donor.legal_nature),
            Batch.workshop_id,
            workshop.name,
            Origin.receiver_id,
            receiver.name,
            Origin.legal_basis,
            Origin.agreed_on,
            Batch.no_resale,
            Batch.unnamed,
            Batch.purge_asked,
            Batch.pickup_address,
            Batch.pickup_contact,
            Batch.collection_on,
            Batch.refusal_reason,
            Batch.refusal_note,
            Batch.created_at,
            Batch.submitted_at,
            Batch.decided_at,
            Batch.received_at,
            Batch.version,
        )
        .outerjoin(donor, donor.id == Batch.donor_id)
        .outerjoin(workshop, workshop.id == Batch.workshop_id)
        .outerjoin(Origin, Origin.id == Batch.origin_id)
        .outerjoin(receiver, receiver.id == Origin.receiver_id)
        .where(Batch.ref == read_ref(ref), reach(actor))
    ).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    lines = session.execute(
        sa.select(
            BatchLine.category,
            BatchLine.announced,
            BatchLine.received,
            BatchLine.refused,
            BatchLine.gap_reason,
        ).where(BatchLine.batch_id == row.id)
    )
    return _sheet(row, (LineSheet(*line) for line in lines))


def outcomes(session: Session, actor: Actor, ref: str) -> Outcomes:
    """What became of the devices of a batch, counted. Never who has them. Raises Refusal(not-found)."""
    found = _reached(session, actor, ref)
    rows = session.execute(
        sa.select(Device.category, Device.state, sa.func.count())
        .where(Device.batch_ref == found)
        .group_by(Device.category, Device.state)
    )
    counts: dict[Category, dict[Outcome, int]] = {}
    for category, state, count in rows:
        line = counts.setdefault(category, {})
        line[rules.OUTCOMES[state]] = line.get(rules.OUTCOMES[state], 0) + count
    return Outcomes(
        tuple(OutcomeLine(category, counts[category]) for category in Category if category in counts)
    )


def items(
    session: Session, actor: Actor, ref: str, *, cursor: int | None = None, limit: int = ITEMS
) -> ItemPage:
    """The rows of a batch's spreadsheet, in order, each with its outcome. Raises Refusal(not-found)."""
    found = _reached(session, actor, ref)
    wanted = [AnnouncedItem.batch_ref == found]
    count = session.scalar(sa.select(sa.func.count()).select_from(AnnouncedItem).where(*wanted)) or 0
    onward = wanted if cursor is None else [*wanted, AnnouncedItem.id > cursor]
    rows = session.execute(
        sa.select(
            AnnouncedItem.id,
            AnnouncedItem.row,
            AnnouncedItem.category,
            AnnouncedItem.maker,
            AnnouncedItem.model,
            AnnouncedItem.serial,
            AnnouncedItem.asset_tag,
            AnnouncedItem.imei,
            Device.state,
            Batch.state.label("batch_state"),
        )
        .join(Batch, Batch.ref == AnnouncedItem.batch_ref)
        .outerjoin(Device, Device.id == AnnouncedItem.device_id)
        .where(*onward)
        .order_by(AnnouncedItem.id)
        .limit(limit + 1)
    ).all()
    shown = tuple(Item(*row[:8], _outcome(row.state, row.batch_state)) for row in rows[:limit])
    return ItemPage(shown, shown[-1].id if len(rows) > limit else None, count)


def answer(session: Session, actor: Actor, ref: str) -> tuple[Item, ...]:
    """Every announced row with its outcome; of a batch without a spreadsheet, every device that came.

    Raises Refusal(not-found).
    """
    announced = items(session, actor, ref, limit=ALL_ITEMS).items
    return announced or tuple(_devices_as_items(session, _reached(session, actor, ref)))


def told(session: Session, actor: Actor, ref: str) -> tuple[DeviceTold, ...]:
    """The devices of a batch with their drives, for its certificate. Raises Refusal(not-found)."""
    found = _reached(session, actor, ref)
    devices = session.execute(
        sa.select(Device.id, Label.code, Device.category, Device.maker, Device.model)
        .join(Label, sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED))
        .where(Device.batch_ref == found)
        .order_by(Device.id)
    ).all()
    marks: dict[int, list[str]] = {}
    for device_id, value in session.execute(
        sa.select(DeviceCode.device_id, DeviceCode.value)
        .join(Device, Device.id == DeviceCode.device_id)
        .where(Device.batch_ref == found)
        .order_by(DeviceCode.kind, DeviceCode.value)
    ):
        marks.setdefault(device_id, []).append(value)
    drives = _drives_told(session, found)
    return tuple(
        DeviceTold(*row[1:], tuple(marks.get(row.id, ())), tuple(drives.get(row.id, ()))) for row in devices
    )


def donors(session: Session, actor: Actor) -> list[Partner]:
    """Whose batches the actor sees, by name: what the list can be narrowed to."""
    seen = sa.select(Batch.donor_id).where(reach(actor))
    return _partners(session, Organisation.id.in_(seen))


def partners(session: Session, actor: Actor, *roles: OrganisationRole) -> list[Partner]:
    """Which organisations a batch can name in one of these roles, by name; for who writes or takes in batches."""
    if not actor.can(Permission.BATCH_ENTER):
        actor.must(Permission.BATCH_TAKE_IN)
    held = sa.literal(" ") + sa.type_coerce(Organisation.roles, sa.Text()) + " "
    return _partners(session, sa.or_(*(held.contains(f" {role.value} ") for role in roles)))


def may_write(actor: Actor, donor_id: int | None) -> bool:
    """Whether the actor writes what this donor announces: the donor's own people, and the coordinator."""
    own = donor_id is not None and donor_id == actor.organisation_id
    return actor.can(Permission.BATCH_ENTER) or (actor.can(Permission.BATCH_ANNOUNCE) and own)


def read_ref(text: str) -> str:
    """A batch reference as it is stored. Raises Refusal(not-found) on what cannot be one."""
    ref = text.strip().upper()
    if not 0 < len(ref) <= REF_MAX or not ref.isascii() or not ref.isprintable():
        raise Refusal(Code.NOT_FOUND)
    return ref


def _reached(session: Session, actor: Actor, ref: str) -> str:
    """The reference of a batch within reach. Raises Refusal(not-found)."""
    found = session.scalar(sa.select(Batch.ref).where(Batch.ref == read_ref(ref), reach(actor)))
    if found is None:
        raise Refusal(Code.NOT_FOUND)
    return found


def _outcome(state: State | None, batch_state: BatchState) -> Outcome:
    if state is not None:
        return rules.OUTCOMES[state]
    return Outcome.NOT_FOUND if batch_state is BatchState.RECEIVED else Outcome.AWAITED


def _devices_as_items(session: Session, ref: str) -> Iterator[Item]:
    codes: dict[int, dict[CodeKind, str]] = {}
    for device_id, kind, value in session.execute(
        sa.select(DeviceCode.device_id, DeviceCode.kind, DeviceCode.value)
        .join(Device, Device.id == DeviceCode.device_id)
        .where(Device.batch_ref == ref)
    ):
        codes.setdefault(device_id, {})[kind] = value
    rows = session.execute(
        sa.select(Device.id, Device.category, Device.maker, Device.model, Device.state)
        .where(Device.batch_ref == ref)
        .order_by(Device.id)
    )
    for row in rows:
        own = codes.get(row.id, {})
        yield Item(
            row.id,
            None,
            row.category,
            row.maker,
            row.model,
            own.get(CodeKind.SERIAL),
            own.get(CodeKind.ASSET_TAG),
            own.get(CodeKind.IMEI),
            rules.OUTCOMES[row.state],
        )


def _drives_told(session: Session, ref: str) -> dict[int | None, list[DriveTold]]:
    """The drives of a batch's devices, each with its last proof."""
    proofs: dict[int, list[Any]] = {}
    rows = session.execute(
        sa.select(ErasureProof, Organisation.name)
        .join(Drive, Drive.id == ErasureProof.drive_id)
        .join(Device, Device.id == Drive.device_id)
        .join(Organisation, Organisation.id == ErasureProof.organisation_id)
        .where(Device.batch_ref == ref, ErasureProof.withdrawn_by.is_(None))
        .order_by(ErasureProof.id)
    )
    for proof, organisation in rows:
        proofs.setdefault(proof.drive_id, []).append((proof, organisation))
    found: dict[int | None, list[DriveTold]] = {}
    for drive, purge_asked in session.execute(
        sa.select(Drive, Origin.purge_asked)
        .join(Device, Device.id == Drive.device_id)
        .join(Origin, Origin.id == Device.origin_id)
        .where(Device.batch_ref == ref)
        .order_by(Drive.id)
    ):
        told_ = _drive_told(drive, proofs.get(drive.id, ()), purge_asked=purge_asked)
        found.setdefault(drive.device_id, []).append(told_)
    return found


def _drive_told(drive: Drive, proofs: Sequence[Any], *, purge_asked: bool) -> DriveTold:
    facts = inventory_rules.DriveFacts(
        drive.fate,
        drive.data_since,
        tuple(inventory_rules.Proof(each.method, each.result, each.done_at) for each, _ in proofs),
    )
    is_open = inventory_rules.is_open(facts, purge_asked=purge_asked)
    last = None
    if proofs and not is_open and drive.fate is DriveFate.PRESENT:
        proof, organisation = proofs[-1]
        last = ProofTold(proof.method, proof.tool, proof.tool_version, proof.done_at, organisation)
    return DriveTold(drive.kind, drive.fate, drive.serial, is_open, last)


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
