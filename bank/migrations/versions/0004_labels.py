"""Labels: places that carry one, runs to print, printers and how far each is off, part-used sheets."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.DateTime(timezone=True)
PLACES = ("room", "shelf", "counter", "box", "pallet")


def upgrade() -> None:
    """Apply."""
    _places()
    _labels()
    _printing()


def _kind(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _places() -> None:
    with op.batch_alter_table("place") as batch:
        batch.add_column(sa.Column("kind", sa.String(40), nullable=False, server_default="room"))
        batch.add_column(sa.Column("within_id", BIG))
        batch.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch.create_foreign_key(op.f("fk_place_within_id"), "place", ["within_id"], ["id"])
        batch.create_index(op.f("ix_place_within_id"), ["within_id"])
        batch.create_check_constraint(
            op.f("ck_place_placekind"), f"kind IN ({', '.join(repr(kind) for kind in PLACES)})"
        )
        batch.create_check_constraint(
            op.f("ck_place_not_within_itself"), "within_id IS NULL OR within_id <> id"
        )


def _labels() -> None:
    """Labels that are on devices now were printed: nobody could have stuck them otherwise."""
    with op.batch_alter_table("label") as batch:
        batch.add_column(sa.Column("place_id", BIG))
        batch.add_column(sa.Column("printed_at", UTC))
        batch.create_foreign_key(op.f("fk_label_place_id"), "place", ["place_id"], ["id"])
        batch.create_index(op.f("ix_label_organisation_id"), ["organisation_id"])
        batch.drop_constraint(op.f("ck_label_claimed_by"), type_="check")
        batch.create_check_constraint(
            op.f("ck_label_claimed_by"),
            "(state IN ('claimed', 'replaced')) = (device_id IS NOT NULL OR place_id IS NOT NULL)",
        )
        batch.create_check_constraint(op.f("ck_label_one_bearer"), "device_id IS NULL OR place_id IS NULL")
    claimed_by_place = sa.text("state = 'claimed' AND place_id IS NOT NULL")
    op.create_index(
        "uq_label_place_id_claimed",
        "label",
        ["place_id"],
        unique=True,
        postgresql_where=claimed_by_place,
        sqlite_where=claimed_by_place,
    )
    op.execute("UPDATE label SET printed_at = made_at WHERE state IN ('claimed', 'replaced')")
    _partial("ix_label_unprinted", "label", "device_id", "state = 'claimed' AND printed_at IS NULL")
    _partial("ix_device_place_id", "device", "place_id", "place_id IS NOT NULL")


def _partial(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [column], postgresql_where=condition, sqlite_where=condition)


def _printing() -> None:
    op.create_table(
        "printer",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        *_correction(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.UniqueConstraint("organisation_id", "name"),
        sa.CheckConstraint("offset_x BETWEEN -1000 AND 1000", name="offset_x"),
        sa.CheckConstraint("offset_y BETWEEN -1000 AND 1000", name="offset_y"),
        sa.CheckConstraint("scale_x BETWEEN 9500 AND 10500", name="scale_x"),
        sa.CheckConstraint("scale_y BETWEEN 9500 AND 10500", name="scale_y"),
    )
    op.create_table(
        "print_run",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("station_id", BIG, sa.ForeignKey("station.id")),
        sa.Column("kind", _kind("runkind", "devices", "places", "blanks"), nullable=False),
        sa.Column("sheet", sa.String(20), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("start", "copies", "count", "made")),
        sa.Column("wanted", sa.Text()),
        sa.Column("reason", _kind("reprintreason", "lost", "unreadable", "misprinted", "changed")),
        sa.Column("printer_id", BIG, sa.ForeignKey("printer.id")),
        *_correction(),
        sa.Column("file", sa.String(64)),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("count > 0", name="count"),
        sa.CheckConstraint("made BETWEEN 0 AND count", name="made"),
        sa.CheckConstraint("copies BETWEEN 1 AND 20", name="copies"),
        sa.CheckConstraint("start > 0", name="start"),
    )
    op.create_index("ix_print_run_organisation_id", "print_run", ["organisation_id"])
    op.create_table(
        "printed_label",
        sa.Column("run_id", BIG, sa.ForeignKey("print_run.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("label_id", BIG, sa.ForeignKey("label.id"), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
    )
    op.create_index("ix_printed_label_label_id", "printed_label", ["label_id"])
    op.create_table(
        "opened_sheet",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("station_id", BIG, sa.ForeignKey("station.id")),
        sa.Column("person_id", BIG, sa.ForeignKey("person.id")),
        sa.Column("sheet", sa.String(20), nullable=False),
        sa.Column("next_place", sa.Integer(), nullable=False),
        sa.Column("updated_at", UTC, nullable=False),
        sa.UniqueConstraint("station_id", "sheet"),
        sa.UniqueConstraint("person_id", "sheet"),
        sa.CheckConstraint("(station_id IS NULL) <> (person_id IS NULL)", name="beside_one"),
    )


def _correction() -> list[sa.Column[int]]:
    names = ("offset_x", "offset_y", "scale_x", "scale_y")
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]
