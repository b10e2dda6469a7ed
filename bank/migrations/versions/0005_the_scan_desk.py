"""The scan desk: refused scans, stock-takes, shipments, guides of steps, settings, proofs that are taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.DateTime(timezone=True)
STEPS = (
    "power_on",
    "locks",
    "erasure",
    "marks",
    "repair",
    "install",
    "functional",
    "cleaning",
    "grading",
    "control",
)


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("erasure_proof") as batch:
        batch.add_column(sa.Column("withdrawn_by", BIG))
        batch.create_foreign_key(
            op.f("fk_erasure_proof_withdrawn_by"), "journal_entry", ["withdrawn_by"], ["id"]
        )
    _undoing()
    _workshops()
    _desk()
    _stock_takes()


def _kind(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def _undoing() -> None:
    with op.batch_alter_table("blocker") as batch:
        batch.drop_constraint(op.f("ck_blocker_blockeroutcome"), type_="check")
        batch.create_check_constraint(
            op.f("ck_blocker_blockeroutcome"), "outcome IN ('resolved', 'sent_to_step', 'left', 'undone')"
        )
    op.create_table(
        "drive_before",
        sa.Column("entry_id", BIG, sa.ForeignKey("journal_entry.id"), primary_key=True),
        sa.Column("drive_id", BIG, sa.ForeignKey("drive.id"), primary_key=True),
        sa.Column("device_id", BIG, sa.ForeignKey("device.id")),
        sa.Column(
            "kind", _kind("drivekind", "unseen", "hdd", "ssd", "nvme", "emmc", "phone"), nullable=False
        ),
        sa.Column("fate", _kind("drivefate", "present", "absent", "removed", "destroyed"), nullable=False),
        sa.Column("serial", sa.String(60)),
        sa.Column("size_gb", sa.Integer()),
        sa.Column("data_since", UTC, nullable=False),
    )


def _workshops() -> None:
    op.create_table(
        "shipment",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("to_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("sent_by", BIG, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("sent_at", UTC, nullable=False),
        sa.Column("closed_by", BIG, sa.ForeignKey("person.id")),
        sa.Column("closed_at", UTC),
        sa.CheckConstraint("organisation_id <> to_id", name="elsewhere"),
    )
    op.create_index("ix_shipment_organisation_id", "shipment", ["organisation_id"])
    op.create_index("ix_shipment_to_id", "shipment", ["to_id"])
    op.create_table(
        "shipment_line",
        sa.Column("shipment_id", BIG, sa.ForeignKey("shipment.id"), primary_key=True),
        sa.Column("device_id", BIG, sa.ForeignKey("device.id"), primary_key=True),
        sa.Column("arrived_at", UTC),
        sa.Column("settled", sa.String(20)),
        sa.Column("open", sa.Boolean(), nullable=False),
    )
    op.create_index(
        "uq_shipment_line_device_id_open", "shipment_line", ["device_id"], unique=True, **_where("open")
    )
    op.create_table(
        "step_guide",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("step", _kind("stepkind", *STEPS), nullable=False),
        sa.Column("text", sa.String(300), nullable=False),
        sa.Column("picture", sa.String(64)),
        sa.Column("picture_alt", sa.String(150), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.UniqueConstraint("organisation_id", "step"),
    )


def _desk() -> None:
    op.create_table(
        "refused_scan",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("scan_id", sa.String(36), nullable=False, unique=True),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("person_id", BIG, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("said", sa.String(60), nullable=False),
        sa.Column("asked", sa.String(20), nullable=False),
        sa.Column("station", sa.String(20)),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("scanned_at", UTC),
        sa.Column("refused_at", UTC, nullable=False),
        sa.Column("settled_by", BIG, sa.ForeignKey("person.id")),
        sa.Column("settled_at", UTC),
    )
    op.create_index(
        "ix_refused_scan_open",
        "refused_scan",
        ["organisation_id", "person_id"],
        **_where("settled_at IS NULL"),
    )
    op.create_table(
        "desk_settings",
        sa.Column("person_id", BIG, sa.ForeignKey("person.id"), primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Boolean(), nullable=False)
            for name in ("sound", "vibration", "speech", "contrast")
        ),
        sa.Column("text_size", _kind("textsize", "normal", "large", "largest"), nullable=False),
    )


def _stock_takes() -> None:
    op.create_table(
        "stock_take",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("place_id", BIG, sa.ForeignKey("place.id"), nullable=False),
        sa.Column("opened_by", BIG, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("closed_by", BIG, sa.ForeignKey("person.id")),
        sa.Column("closed_at", UTC),
    )
    op.create_index("ix_stock_take_organisation_id", "stock_take", ["organisation_id"])
    op.create_index(
        "uq_stock_take_place_id_open", "stock_take", ["place_id"], unique=True, **_where("closed_at IS NULL")
    )
    op.create_table(
        "stock_take_scan",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("stock_take_id", BIG, sa.ForeignKey("stock_take.id"), nullable=False),
        sa.Column("device_id", BIG, sa.ForeignKey("device.id")),
        sa.Column("said", sa.String(60), nullable=False),
        sa.Column("sight", _kind("sight", "found", "missing", "unexpected", "unknown"), nullable=False),
        sa.Column("scanned_at", UTC, nullable=False),
        sa.Column("settled", sa.String(20)),
        sa.UniqueConstraint("stock_take_id", "said"),
        sa.UniqueConstraint("stock_take_id", "device_id"),
    )
