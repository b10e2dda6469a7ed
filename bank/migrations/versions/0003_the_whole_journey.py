"""The whole journey: announcements, long routes, blockers, stations, appointments, signatures.

An enum column is text with a CHECK that knows the list; where a list grows, its CHECK is made anew.
"""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.DateTime(timezone=True)
BYTEWISE = sa.String(60).with_variant(sa.String(60, collation="C"), "postgresql")

CATEGORIES = (
    "laptop",
    "desktop",
    "all_in_one",
    "screen",
    "teaching_screen",
    "tablet",
    "smartphone",
    "basic_phone",
    "printer",
    "multifunction",
    "scanner",
    "router",
    "projector",
    "accessory",
)
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
PROBLEMS = (
    "no_power",
    "no_charger",
    "black_screen",
    "bios_password",
    "account_lock",
    "managed",
    "erasure_failed",
    "drive_dead",
    "drive_not_found",
    "marks_stuck",
    "part_missing",
    "not_repairable",
    "install_failed",
    "screen_broken",
    "keyboard_broken",
    "battery_dead",
    "network_broken",
    "sound_broken",
    "dirty",
    "too_damaged",
    "not_as_said",
    "other",
    "battery_swollen",
    "smell",
    "broken_glass",
)
CAPACITIES = ("rup", "general_interest", "esus", "receipts", "vat_liable", "vat_exempt", "hardship")

ROUTES_FROM = date(2026, 1, 1)
ROUTES_SOURCE = "Parcours complet"
START, END = ("power_on", "locks"), ("cleaning", "grading", "control")
COMPUTER = (*START, "erasure", "marks", "repair", "install", "functional", *END)
POCKET = (*START, "erasure", "marks", "repair", "functional", *END)
OFFICE = ("power_on", "erasure", "marks", "functional", *END)
PLAIN = ("power_on", "marks", "functional", *END)
ROUTES = {
    "laptop": COMPUTER,
    "desktop": COMPUTER,
    "all_in_one": COMPUTER,
    "screen": PLAIN,
    "teaching_screen": (*START, "erasure", "marks", "functional", *END),
    "tablet": POCKET,
    "smartphone": POCKET,
    "basic_phone": POCKET,
    "printer": OFFICE,
    "multifunction": OFFICE,
    "scanner": PLAIN,
    "router": OFFICE,
    "projector": PLAIN,
    "accessory": ("marks", "functional", "cleaning", "control"),
}


def upgrade() -> None:
    """Apply."""
    _identity()
    _register()
    _donations()
    _workshops()
    _allocation()
    _routes()


def _kind(name: str, values: Sequence[str]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _in(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _enlarge(table: str, name: str, column: str, values: Sequence[str]) -> None:
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        batch.create_check_constraint(op.f(f"ck_{table}_{name}"), _in(column, values))


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def _identity() -> None:
    with op.batch_alter_table("organisation") as batch:
        batch.add_column(sa.Column("address", sa.String(200), nullable=False, server_default=""))
        batch.add_column(sa.Column("phone", sa.String(30), nullable=False, server_default=""))
        batch.add_column(sa.Column("first_lesson", sa.String(300), nullable=False, server_default=""))
    _enlarge("capacity", "capacitykind", "kind", CAPACITIES)
    op.create_table(
        "station",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("idle_minutes", sa.Integer(), nullable=False),
        sa.Column("enrolled_by", BIG, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("enrolled_at", UTC, nullable=False),
        sa.Column("last_used_at", UTC),
        sa.Column("revoked_at", UTC),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("idle_minutes BETWEEN 1 AND 60", name="idle"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index("ix_station_organisation_id", "station", ["organisation_id"])
    op.create_table(
        "badge",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("person_id", BIG, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("pin_hash", sa.String(200)),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_by", BIG, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("made_at", UTC, nullable=False),
        sa.Column("voided_at", UTC),
        sa.UniqueConstraint("code_hash"),
    )
    op.create_index(
        "uq_badge_person_id_live", "badge", ["person_id"], unique=True, **_where("voided_at IS NULL")
    )


def _register() -> None:
    _enlarge("step", "stepkind", "kind", STEPS)
    with op.batch_alter_table("device") as batch:
        batch.add_column(sa.Column("blocker_id", BIG))
        batch.create_check_constraint(
            op.f("ck_device_blocked_at_work"), "blocker_id IS NULL OR state IN ('received', 'in_work')"
        )
    op.create_index("ix_device_blocked", "device", ["custodian_id"], **_where("blocker_id IS NOT NULL"))
    op.create_index("ix_device_custodian_id_state", "device", ["custodian_id", "state"])
    op.create_table(
        "announced_item",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("donor_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("batch_ref", sa.String(12), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("category", _kind("category", CATEGORIES), nullable=False),
        sa.Column("maker", sa.String(60), nullable=False),
        sa.Column("model", sa.String(80), nullable=False),
        sa.Column("serial", BYTEWISE),
        sa.Column("asset_tag", BYTEWISE),
        sa.Column("imei", BYTEWISE),
        sa.Column("suspicions", sa.Text(), nullable=False),
        sa.Column("device_id", BIG, sa.ForeignKey("device.id")),
        sa.Column("created_at", UTC, nullable=False),
        sa.UniqueConstraint("donor_id", "key"),
        sa.UniqueConstraint("device_id"),
    )
    for column in ("batch_ref", "serial", "asset_tag", "imei"):
        op.create_index(f"ix_announced_item_{column}", "announced_item", [column])
    op.create_table(
        "condition",
        sa.Column("device_id", BIG, sa.ForeignKey("device.id"), primary_key=True),
        sa.Column("grade", _kind("grade", ("a", "b", "c", "d"))),
        sa.Column("battery_percent", sa.Integer()),
        sa.Column("passed", sa.Text(), nullable=False),
        sa.Column("failed", sa.Text(), nullable=False),
        sa.Column("os", sa.String(40)),
        sa.Column("os_until", sa.Date()),
        sa.Column("updated_at", UTC, nullable=False),
        sa.CheckConstraint("battery_percent IS NULL OR battery_percent BETWEEN 0 AND 100", name="battery"),
    )


def _donations() -> None:
    reasons = ("too_old", "not_our_kind", "no_capacity", "too_far", "incomplete", "other")
    states = ("draft", "submitted", "accepted", "refused", "withdrawn", "received")
    with op.batch_alter_table("batch") as batch:
        for column in ("donor_id", "workshop_id", "origin_id"):
            batch.alter_column(column, existing_type=BIG, nullable=True)
        for column in ("no_resale", "unnamed", "purge_asked"):
            batch.add_column(sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("pickup_address", sa.String(200), nullable=False, server_default=""))
        batch.add_column(sa.Column("pickup_contact", sa.Text()))
        batch.add_column(sa.Column("collection_on", sa.Date()))
        batch.add_column(sa.Column("refusal_reason", sa.String(40)))
        batch.add_column(sa.Column("refusal_note", sa.String(500), nullable=False, server_default=""))
        batch.add_column(sa.Column("made_by", BIG))
        batch.create_foreign_key(op.f("fk_batch_made_by"), "person", ["made_by"], ["id"])
        for column in ("submitted_at", "decided_at"):
            batch.add_column(sa.Column(column, UTC))
        batch.drop_constraint(op.f("ck_batch_batchstate"), type_="check")
        batch.create_check_constraint(op.f("ck_batch_batchstate"), _in("state", states))
        batch.create_check_constraint(op.f("ck_batch_refusalreason"), _in("refusal_reason", reasons))
        batch.create_check_constraint(
            op.f("ck_batch_decided"),
            "state NOT IN ('accepted', 'received') OR (workshop_id IS NOT NULL AND origin_id IS NOT NULL)",
        )
        batch.create_check_constraint(
            op.f("ck_batch_refusal_explained"), "(state = 'refused') = (refusal_reason IS NOT NULL)"
        )
    gaps = ("not_on_the_lorry", "more_than_announced", "other_category", "damaged_refused", "unannounced")
    with op.batch_alter_table("batch_line") as batch:
        batch.add_column(sa.Column("refused", sa.Integer(), nullable=False, server_default="0"))
        batch.drop_constraint(op.f("ck_batch_line_gapreason"), type_="check")
        batch.create_check_constraint(op.f("ck_batch_line_gapreason"), _in("gap_reason", gaps))
        batch.drop_constraint(op.f("ck_batch_line_counts"), type_="check")
        batch.create_check_constraint(
            op.f("ck_batch_line_counts"),
            "announced >= 0 AND refused >= 0 AND (received IS NULL OR received >= 0)",
        )
    op.create_table(
        "batch_import",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("batch_id", BIG, sa.ForeignKey("batch.id"), nullable=False),
        sa.Column(
            "state",
            _kind("importstate", ("preview", "waiting", "running", "done", "failed")),
            nullable=False,
        ),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("filename", sa.String(120), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("default_category", _kind("category", CATEGORIES)),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("rows", "new", "same", "changed", "refused", "suspicious", "cursor")
        ),
        sa.Column("made_by", BIG, sa.ForeignKey("person.id")),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("finished_at", UTC),
    )
    op.create_index("ix_batch_import_batch_id", "batch_import", ["batch_id"])
    op.create_table(
        "import_problem",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("import_id", BIG, sa.ForeignKey("batch_import.id"), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(80), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("value", sa.String(200), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_import_problem_import_id", "import_problem", ["import_id"])


def _workshops() -> None:
    op.create_table(
        "blocker",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("device_id", BIG, sa.ForeignKey("device.id"), nullable=False),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("step", _kind("stepkind", STEPS)),
        sa.Column("problem", _kind("problem", PROBLEMS), nullable=False),
        sa.Column("danger", sa.Boolean(), nullable=False),
        sa.Column("opened_by", BIG, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("closed_by", BIG, sa.ForeignKey("person.id")),
        sa.Column("closed_at", UTC),
        sa.Column("outcome", _kind("blockeroutcome", ("resolved", "sent_to_step", "left"))),
        sa.CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed"),
    )
    op.create_index("ix_blocker_device_id", "blocker", ["device_id"])
    op.create_index(
        "uq_blocker_device_id_open", "blocker", ["device_id"], unique=True, **_where("closed_at IS NULL")
    )
    op.create_index(
        "ix_blocker_open", "blocker", ["organisation_id", "opened_at"], **_where("closed_at IS NULL")
    )
    op.create_table(
        "help_call",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("person_id", BIG, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("device_id", BIG, sa.ForeignKey("device.id")),
        sa.Column("step", _kind("stepkind", STEPS)),
        sa.Column("called_at", UTC, nullable=False),
        sa.Column("answered_by", BIG, sa.ForeignKey("person.id")),
        sa.Column("answered_at", UTC),
    )
    op.create_index("ix_help_call_organisation_id", "help_call", ["organisation_id"])
    op.create_index(
        "uq_help_call_person_id_open",
        "help_call",
        ["person_id"],
        unique=True,
        **_where("answered_at IS NULL"),
    )
    op.create_table(
        "incident",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("device_id", BIG, sa.ForeignKey("device.id"), nullable=False),
        sa.Column("organisation_id", BIG, sa.ForeignKey("organisation.id"), nullable=False),
        sa.Column("donor_id", BIG, sa.ForeignKey("organisation.id")),
        sa.Column("drives", sa.Integer(), nullable=False),
        sa.Column("opened_by", BIG, sa.ForeignKey("person.id"), nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("due_at", UTC, nullable=False),
        sa.Column("closed_by", BIG, sa.ForeignKey("person.id")),
        sa.Column("closed_at", UTC),
        sa.Column("outcome", _kind("incidentoutcome", ("found", "notified", "no_risk"))),
    )
    op.create_index("ix_incident_device_id", "incident", ["device_id"])
    op.create_index(
        "uq_incident_device_id_open", "incident", ["device_id"], unique=True, **_where("closed_at IS NULL")
    )


def _allocation() -> None:
    with op.batch_alter_table("programme") as batch:
        batch.add_column(sa.Column("capacity_asked", sa.String(40)))
        batch.add_column(sa.Column("loan_days", sa.Integer()))
        batch.create_check_constraint(op.f("ck_programme_capacitykind"), _in("capacity_asked", CAPACITIES))
    with op.batch_alter_table("recipient") as batch:
        batch.add_column(sa.Column("birth_date", sa.Text()))
        batch.add_column(sa.Column("search_hash", sa.String(64)))
        batch.create_index(op.f("ix_recipient_search_hash"), ["search_hash"])
    _request_lines()
    with op.batch_alter_table("allocation") as batch:
        batch.add_column(sa.Column("due_on", sa.Date()))
        batch.drop_constraint(op.f("ck_allocation_allocationstate"), type_="check")
        batch.create_check_constraint(
            op.f("ck_allocation_allocationstate"),
            _in("state", ("live", "handed_over", "released", "returned")),
        )
        batch.drop_constraint(op.f("ck_allocation_handed_over"), type_="check")
        batch.create_check_constraint(
            op.f("ck_allocation_handed_over"),
            "(state IN ('handed_over', 'returned')) = (handover_id IS NOT NULL)",
        )
    papers = ("identity_card", "passport", "residence_permit", "driving_licence", "other", "none")
    collectors = ("recipient", "mandated", "representative")
    with op.batch_alter_table("handover") as batch:
        batch.add_column(sa.Column("collector", sa.String(40), nullable=False, server_default="recipient"))
        batch.add_column(sa.Column("id_paper", sa.String(40)))
        batch.create_check_constraint(op.f("ck_handover_collector"), _in("collector", collectors))
        batch.create_check_constraint(op.f("ck_handover_idpaper"), _in("id_paper", papers))
        batch.drop_constraint(op.f("ck_handover_signature"), type_="check")
        batch.create_check_constraint(
            op.f("ck_handover_signature"), _in("signature", ("on_screen", "on_paper", "witness", "code"))
        )
    op.create_table(
        "handover_signature",
        sa.Column("handover_id", BIG, sa.ForeignKey("handover.id"), primary_key=True),
        *(sa.Column(name, sa.Text()) for name in ("drawing", "signer_name", "signer_title", "witness_name")),
    )
    op.create_table(
        "access_log",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("request_id", BIG, sa.ForeignKey("request.id"), nullable=False),
        sa.Column("person_id", BIG, nullable=False),
        sa.Column("organisation_id", BIG, nullable=False),
        sa.Column("at", UTC, nullable=False),
    )
    op.create_index("ix_access_log_request_id", "access_log", ["request_id"])
    for statement in _append_only("access_log", op.get_bind().dialect.name):
        op.execute(statement)


def _request_lines() -> None:
    """A request's one category and quantity become its first line."""
    op.create_table(
        "request_line",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("request_id", BIG, sa.ForeignKey("request.id"), nullable=False),
        sa.Column("category", _kind("category", CATEGORIES), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.UniqueConstraint("request_id", "category"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 100", name="quantity"),
    )
    op.execute(
        "INSERT INTO request_line (request_id, category, quantity) SELECT id, category, quantity FROM request"
    )
    with op.batch_alter_table("request") as batch:
        batch.drop_constraint(op.f("ck_request_quantity"), type_="check")
        batch.drop_constraint(op.f("ck_request_category"), type_="check")
        batch.drop_column("category")
        batch.drop_column("quantity")
        batch.add_column(sa.Column("needs", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("cancel_reason", sa.String(40)))
        batch.add_column(sa.Column("desk_id", BIG))
        batch.add_column(sa.Column("appointment_at", UTC))
        batch.add_column(sa.Column("slip_code", sa.String(20)))
        batch.add_column(sa.Column("slip_pin", sa.Text()))
        batch.add_column(sa.Column("slip_tries", sa.Integer(), nullable=False, server_default="0"))
        batch.create_foreign_key(op.f("fk_request_desk_id"), "organisation", ["desk_id"], ["id"])
        batch.create_unique_constraint(op.f("uq_request_slip_code"), ["slip_code"])
        batch.create_index(op.f("ix_request_desk_id"), ["desk_id"])
        batch.create_check_constraint(
            op.f("ck_request_cancelreason"),
            _in("cancel_reason", ("no_longer_needed", "mistake", "no_show", "not_possible")),
        )
        batch.create_check_constraint(
            op.f("ck_request_cancelled"), "(state = 'cancelled') = (cancel_reason IS NOT NULL)"
        )


def _append_only(table: str, dialect: str) -> list[str]:
    """As the journal is (`journal.protect`)."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION journal_refuse()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse()",
    ]


def _routes() -> None:
    """The whole route of each category; devices at work finish the one they are on."""
    connection = op.get_bind()
    tables = sa.MetaData()
    tables.reflect(connection, only=["route", "step"])
    route, step = tables.tables["route"], tables.tables["step"]
    for category, kinds in ROUTES.items():
        values = {"category": category, "valid_from": ROUTES_FROM, "source": ROUTES_SOURCE}
        route_id = connection.execute(sa.insert(route).values(values)).inserted_primary_key[0]
        following = None
        # Backwards, so that each step knows the one after it.
        for position, kind in reversed(list(enumerate(kinds, start=1))):
            row = {"route_id": route_id, "position": position, "kind": kind, "next_id": following}
            following = connection.execute(sa.insert(step).values(row)).inserted_primary_key[0]
