"""The register's tables: origin, place, route and step, device, drive and its proofs, label, code."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bank.db import Base, BigId, Utc, Words, enum_type, utcnow
from bank.identity.models import LegalNature
from bank.inventory.lifecycle import GATED, State
from bank.journal import GENESIS

# Codes are compared byte by byte, whatever the database's own collation: a prefix is then a range of the index.
BYTEWISE = sa.String(60).with_variant(sa.String(60, collation="C"), "postgresql")


class Category(StrEnum):
    """What kind of thing a device is: it decides the route, the price and the legal cap."""

    LAPTOP = "laptop"
    DESKTOP = "desktop"
    ALL_IN_ONE = "all_in_one"
    SCREEN = "screen"
    TEACHING_SCREEN = "teaching_screen"
    TABLET = "tablet"
    SMARTPHONE = "smartphone"
    BASIC_PHONE = "basic_phone"
    PRINTER = "printer"
    MULTIFUNCTION = "multifunction"
    SCANNER = "scanner"
    ROUTER = "router"
    PROJECTOR = "projector"
    ACCESSORY = "accessory"


# Things that may hold somebody's data: each starts with one drive that nobody has seen yet.
DATA_BEARING = frozenset(
    {
        Category.LAPTOP,
        Category.DESKTOP,
        Category.ALL_IN_ONE,
        Category.TEACHING_SCREEN,
        Category.TABLET,
        Category.SMARTPHONE,
        Category.BASIC_PHONE,
        Category.PRINTER,
        Category.MULTIFUNCTION,
        Category.ROUTER,
    }
)


class LegalBasis(StrEnum):
    """Under which text the donor gave. Decides whether the thing may be sold, at what cap and to whom."""

    # Public gifts, Code général de la propriété des personnes publiques
    L3212_2_2 = "l3212-2-2"
    L3212_2_3 = "l3212-2-3"
    L3212_3 = "l3212-3"
    PRIVATE_GIFT = "private_gift"
    UNKNOWN = "unknown"


class DriveKind(StrEnum):
    """What holds the data. UNSEEN is the drive that a data-bearing device has until someone looked."""

    UNSEEN = "unseen"
    HDD = "hdd"
    SSD = "ssd"
    NVME = "nvme"
    EMMC = "emmc"
    PHONE = "phone"


class DriveFate(StrEnum):
    """What became of a drive, when it is no longer a question of erasing it."""

    PRESENT = "present"
    ABSENT = "absent"
    REMOVED = "removed"
    DESTROYED = "destroyed"


class ErasureMethod(StrEnum):
    """NIST SP 800-88: Clear reaches what the user can address, Purge what a laboratory could read."""

    CLEAR_OVERWRITE = "clear_overwrite"
    PURGE_ATA_SANITIZE = "purge_ata_sanitize"
    PURGE_NVME_SANITIZE = "purge_nvme_sanitize"
    PURGE_CRYPTO_ERASE = "purge_crypto_erase"
    FACTORY_RESET = "factory_reset"


class ErasureResult(StrEnum):
    """The verdict of one erasure of one drive."""

    PASSED = "passed"
    FAILED = "failed"


class LabelState(StrEnum):
    """A label's own life: printed ahead, stuck on a device, replaced by another, or void. Never re-used."""

    BLANK = "blank"
    CLAIMED = "claimed"
    REPLACED = "replaced"
    VOID = "void"


class PlaceKind(StrEnum):
    """What a place is: some stay where they are, a box and a pallet are carried."""

    ROOM = "room"
    SHELF = "shelf"
    COUNTER = "counter"
    BOX = "box"
    PALLET = "pallet"


class CodeKind(StrEnum):
    """The other codes that a device carries."""

    ASSET_TAG = "asset_tag"
    SERIAL = "serial"
    IMEI = "imei"


class StepKind(StrEnum):
    """What a step of a route is about: it decides which evidence the step asks for."""

    POWER_ON = "power_on"
    LOCKS = "locks"
    ERASURE = "erasure"
    MARKS = "marks"
    REPAIR = "repair"
    INSTALL = "install"
    FUNCTIONAL = "functional"
    CLEANING = "cleaning"
    GRADING = "grading"
    CONTROL = "control"


class Grade(StrEnum):
    """How a device looks, and nothing else: what works is a checklist of its own."""

    A = "a"
    B = "b"
    C = "c"
    D = "d"


class Origin(Base):
    """Where a batch comes from, as the law sees it on that day. It never changes afterwards."""

    __tablename__ = "origin"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    donor_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    donor_nature: Mapped[LegalNature | None] = mapped_column(enum_type(LegalNature))
    legal_basis: Mapped[LegalBasis] = mapped_column(enum_type(LegalBasis))
    # The receiver of record has title: it may sell, give, and issue a receipt.
    receiver_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    agreed_on: Mapped[date]
    no_resale: Mapped[bool] = mapped_column(default=False)
    unnamed: Mapped[bool] = mapped_column(default=False)
    purge_asked: Mapped[bool] = mapped_column(default=False)


class Place(Base):
    """Somewhere a device can stand, of one organisation. A place may stand within another: a box on a shelf."""

    __tablename__ = "place"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    kind: Mapped[PlaceKind] = mapped_column(enum_type(PlaceKind), default=PlaceKind.ROOM)
    within_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("place.id"), index=True)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        sa.UniqueConstraint("organisation_id", "name"),
        sa.CheckConstraint("within_id IS NULL OR within_id <> id", name="not_within_itself"),
    )
    __mapper_args__ = {"version_id_col": version}


class Route(Base):
    """The steps that a category goes through at work, in force from a day."""

    __tablename__ = "route"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    category: Mapped[Category] = mapped_column(enum_type(Category))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    source: Mapped[str] = mapped_column(sa.String(200))

    steps: Mapped[list["Step"]] = relationship(order_by="Step.position", lazy="raise")


class Step(Base):
    """One step of a route. The last has no next: passing it makes the device ready."""

    __tablename__ = "step"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    route_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("route.id"))
    position: Mapped[int]
    kind: Mapped[StepKind] = mapped_column(enum_type(StepKind))
    next_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("step.id"))

    __table_args__ = (sa.UniqueConstraint("route_id", "position"),)


class Device(Base):
    """One thing with one label. `state`, `step_id`, `place_id`, `custodian_id`, `owner_id`, `open_drives` and
    `blocker_id` are written by `register.py` alone, together with the journal's tip (`seq`, `head`).
    """

    __tablename__ = "device"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    category: Mapped[Category] = mapped_column(enum_type(Category))
    origin_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("origin.id"), index=True)
    # The batch it came in, by the reference that papers and labels carry.
    batch_ref: Mapped[str] = mapped_column(sa.String(12), index=True)
    maker: Mapped[str] = mapped_column(sa.String(60), default="")
    model: Mapped[str] = mapped_column(sa.String(80), default="")
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    state: Mapped[State] = mapped_column(enum_type(State))
    step_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("step.id"))
    place_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("place.id"))
    custodian_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    owner_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    open_drives: Mapped[int] = mapped_column(default=0)
    # The open blocker (`workshops/models.py`, a floor above: hence no foreign key). It stops the route.
    blocker_id: Mapped[int | None] = mapped_column(BigId)
    seq: Mapped[int] = mapped_column(default=0)
    head: Mapped[bytes] = mapped_column(sa.LargeBinary(32), default=GENESIS)

    __table_args__ = (
        sa.CheckConstraint("open_drives >= 0", name="open_drives"),
        sa.CheckConstraint(
            f"open_drives = 0 OR state NOT IN ({', '.join(repr(state.value) for state in GATED)})",
            name="erasure_gate",
        ),
        sa.CheckConstraint("(state = 'in_work') = (step_id IS NOT NULL)", name="step_in_work"),
        sa.CheckConstraint("blocker_id IS NULL OR state IN ('received', 'in_work')", name="blocked_at_work"),
        sa.Index(
            "ix_device_blocked",
            "custodian_id",
            postgresql_where=sa.text("blocker_id IS NOT NULL"),
            sqlite_where=sa.text("blocker_id IS NOT NULL"),
        ),
        sa.Index("ix_device_state_id", "state", "id"),
        sa.Index("ix_device_custodian_id_id", "custodian_id", "id"),
        # What a workshop has in hand, by state; a step that is passed changes neither.
        sa.Index("ix_device_custodian_id_state", "custodian_id", "state"),
        sa.Index("ix_device_owner_id_id", "owner_id", "id"),
        sa.Index(
            "ix_device_place_id",
            "place_id",
            postgresql_where=sa.text("place_id IS NOT NULL"),
            sqlite_where=sa.text("place_id IS NOT NULL"),
        ),
    )


class Drive(Base):
    """A thing that holds data, in one device at a time. `data_since` is the last time it could have got some."""

    __tablename__ = "drive"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("device.id"), index=True)
    kind: Mapped[DriveKind] = mapped_column(enum_type(DriveKind))
    fate: Mapped[DriveFate] = mapped_column(enum_type(DriveFate), default=DriveFate.PRESENT)
    serial: Mapped[str | None] = mapped_column(sa.String(60), index=True)
    size_gb: Mapped[int | None]
    data_since: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    proofs: Mapped[list["ErasureProof"]] = relationship(order_by="ErasureProof.id", lazy="raise")


class ErasureProof(Base):
    """What was done to one drive, by whom, with what, and whether it worked.

    Never changed afterwards, but for the entry that took it back: a proof that was a mistake proves nothing.
    """

    __tablename__ = "erasure_proof"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    drive_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("drive.id"), index=True)
    method: Mapped[ErasureMethod] = mapped_column(enum_type(ErasureMethod))
    tool: Mapped[str] = mapped_column(sa.String(40))
    tool_version: Mapped[str] = mapped_column(sa.String(20))
    result: Mapped[ErasureResult] = mapped_column(enum_type(ErasureResult))
    done_at: Mapped[datetime] = mapped_column(Utc())
    entry_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("journal_entry.id"))
    withdrawn_by: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("journal_entry.id"))
    person_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("person.id"))
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))


class DriveBefore(Base):
    """A drive as it was before an entry changed it, so that the entry can be undone. None: in no device yet."""

    __tablename__ = "drive_before"

    entry_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("journal_entry.id"), primary_key=True)
    drive_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("drive.id"), primary_key=True)
    device_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("device.id"))
    kind: Mapped[DriveKind] = mapped_column(enum_type(DriveKind))
    fate: Mapped[DriveFate] = mapped_column(enum_type(DriveFate))
    serial: Mapped[str | None] = mapped_column(sa.String(60))
    size_gb: Mapped[int | None]
    data_since: Mapped[datetime] = mapped_column(Utc())


class Label(Base):
    """A code to print. It may exist before any device, and is claimed by sticking it on one, or on a place."""

    __tablename__ = "label"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    code: Mapped[str] = mapped_column(BYTEWISE, unique=True)
    state: Mapped[LabelState] = mapped_column(enum_type(LabelState))
    device_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("device.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("place.id"))
    organisation_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)
    # When it first went into a file to print; None means that nobody can have stuck it yet.
    printed_at: Mapped[datetime | None] = mapped_column(Utc())

    __table_args__ = (
        sa.CheckConstraint(
            "(state IN ('claimed', 'replaced')) = (device_id IS NOT NULL OR place_id IS NOT NULL)",
            name="claimed_by",
        ),
        sa.CheckConstraint("device_id IS NULL OR place_id IS NULL", name="one_bearer"),
        sa.Index(
            "uq_label_place_id_claimed",
            "place_id",
            unique=True,
            postgresql_where=sa.text("state = 'claimed' AND place_id IS NOT NULL"),
            sqlite_where=sa.text("state = 'claimed' AND place_id IS NOT NULL"),
        ),
        # What still has to be printed, or claimed: it stays short.
        sa.Index(
            "ix_label_unprinted",
            "device_id",
            postgresql_where=sa.text("state = 'claimed' AND printed_at IS NULL"),
            sqlite_where=sa.text("state = 'claimed' AND printed_at IS NULL"),
        ),
        sa.Index(
            "uq_label_device_id_claimed",
            "device_id",
            unique=True,
            postgresql_where=sa.text("state = 'claimed'"),
            sqlite_where=sa.text("state = 'claimed'"),
        ),
    )


class DeviceCode(Base):
    """Another code on a device: the donor's asset tag, the maker's serial, an IMEI. Two devices may share one."""

    __tablename__ = "device_code"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    device_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("device.id"), index=True)
    kind: Mapped[CodeKind] = mapped_column(enum_type(CodeKind))
    # Upper case, without spaces: what is compared. What was read stays readable enough.
    value: Mapped[str] = mapped_column(BYTEWISE, index=True)

    __table_args__ = (sa.UniqueConstraint("device_id", "kind", "value"),)


class AnnouncedItem(Base):
    """One row of a donor's spreadsheet: what is said to come, before anyone has seen it.

    It is no device: what arrives is counted and labelled first. When a serial or an asset tag is read on a device
    of the batch, the two are tied together (`device_id`), and what nobody found stays visible.
    """

    __tablename__ = "announced_item"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    donor_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("organisation.id"))
    batch_ref: Mapped[str] = mapped_column(sa.String(12), index=True)
    # What makes the same row the same thing when the file comes again: serial, else asset tag, else content.
    key: Mapped[str] = mapped_column(sa.String(160))
    row: Mapped[int]
    category: Mapped[Category] = mapped_column(enum_type(Category))
    maker: Mapped[str] = mapped_column(sa.String(60), default="")
    model: Mapped[str] = mapped_column(sa.String(80), default="")
    serial: Mapped[str | None] = mapped_column(BYTEWISE, index=True)
    asset_tag: Mapped[str | None] = mapped_column(BYTEWISE, index=True)
    imei: Mapped[str | None] = mapped_column(BYTEWISE, index=True)
    suspicions: Mapped[frozenset[str]] = mapped_column(Words(), default=frozenset())
    device_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("device.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    __table_args__ = (sa.UniqueConstraint("donor_id", "key"),)


class Condition(Base):
    """How a device is, as its last tests and gradings say: three axes, never one letter for all."""

    __tablename__ = "condition"

    device_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("device.id"), primary_key=True)
    grade: Mapped[Grade | None] = mapped_column(enum_type(Grade))
    battery_percent: Mapped[int | None]
    # Functions that were tried, by the words of `workshops/rules.py`.
    passed: Mapped[frozenset[str]] = mapped_column(Words(), default=frozenset())
    failed: Mapped[frozenset[str]] = mapped_column(Words(), default=frozenset())
    os: Mapped[str | None] = mapped_column(sa.String(40))
    os_until: Mapped[date | None]
    updated_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    __table_args__ = (
        sa.CheckConstraint("battery_percent IS NULL OR battery_percent BETWEEN 0 AND 100", name="battery"),
    )
