"""The first shape of the bank."""

import sqlalchemy as sa
from alembic import op

from bank import journal

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "cap",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
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
                name="category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("cap_cents", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("article", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cap")),
        sa.UniqueConstraint("category", "valid_from", name=op.f("uq_cap_category_valid_from")),
    )
    op.create_table(
        "idempotency_mark",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("made", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "person_id", "key", name=op.f("pk_idempotency_mark")),
    )
    with op.batch_alter_table("idempotency_mark", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_mark_created_at"), ["created_at"], unique=False)

    op.create_table(
        "journal_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("client_at_us", sa.BigInteger(), nullable=True),
        sa.Column("scan_id", sa.String(length=36), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entry")),
        sa.UniqueConstraint("scan_id", name=op.f("uq_journal_entry_scan_id")),
        sa.UniqueConstraint(
            "subject", "subject_id", "seq", name=op.f("uq_journal_entry_subject_subject_id_seq")
        ),
    )
    with op.batch_alter_table("journal_entry", schema=None) as batch_op:
        batch_op.create_index("ix_journal_entry_subject_time", ["subject", "subject_id", "id"], unique=False)

    op.create_table(
        "organisation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "legal_nature",
            sa.Enum(
                "public_body",
                "company",
                "association",
                "person",
                name="legalnature",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column(
            "workshop_kind",
            sa.Enum(
                "ea",
                "esat",
                "aci",
                "other",
                name="workshopkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("siret", sa.String(length=14), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("name", name=op.f("uq_organisation_name")),
    )
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organisation_siret"), ["siret"], unique=False)

    op.create_table(
        "programme",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "recipient_nature",
            sa.Enum(
                "public_body",
                "company",
                "association",
                "person",
                name="legalnature",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("hardship", sa.Boolean(), nullable=False),
        sa.Column("proofs", sa.Text(), nullable=False),
        sa.Column("proof_days", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sa.UniqueConstraint("code", "valid_from", name=op.f("uq_programme_code_valid_from")),
    )
    op.create_table(
        "recipient",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
    )
    op.create_table(
        "route",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
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
                name="category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route")),
    )
    op.create_table(
        "capacity",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "rup",
                "general_interest",
                "esus",
                "receipts",
                "vat_liable",
                "vat_exempt",
                name="capacitykind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until >= valid_from", name=op.f("ck_capacity_capacity_days")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_capacity_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capacity")),
    )
    with op.batch_alter_table("capacity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_capacity_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "done",
                "failed",
                name="jobstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=80), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], name=op.f("fk_job_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("entry_id", "name", name=op.f("uq_job_entry_id_name")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(
            "ix_job_open",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("state IN ('waiting', 'running')"),
            sqlite_where=sa.text("state IN ('waiting', 'running')"),
        )

    op.create_table(
        "origin",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("donor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "donor_nature",
            sa.Enum(
                "public_body",
                "company",
                "association",
                "person",
                name="legalnature",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "legal_basis",
            sa.Enum(
                "l3212-2-2",
                "l3212-2-3",
                "l3212-3",
                "private_gift",
                "unknown",
                name="legalbasis",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("receiver_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("no_resale", sa.Boolean(), nullable=False),
        sa.Column("unnamed", sa.Boolean(), nullable=False),
        sa.Column("purge_asked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["donor_id"], ["organisation.id"], name=op.f("fk_origin_donor_id")),
        sa.ForeignKeyConstraint(["receiver_id"], ["organisation.id"], name=op.f("fk_origin_receiver_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_origin")),
    )
    with op.batch_alter_table("origin", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_origin_donor_id"), ["donor_id"], unique=False)

    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_hash", sa.String(length=64), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_person_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email_hash", name=op.f("uq_person_email_hash")),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "place",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_place_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_place_organisation_id_name")),
    )
    with op.batch_alter_table("place", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_place_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("route_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "erasure", "control", name="stepkind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("next_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["next_id"], ["step.id"], name=op.f("fk_step_next_id")),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name=op.f("fk_step_route_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step")),
        sa.UniqueConstraint("route_id", "position", name=op.f("uq_step_route_id_position")),
    )
    op.create_table(
        "tariff",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("programme_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
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
                name="category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("seller_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.CheckConstraint("price_cents >= 0", name=op.f("ck_tariff_price")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_tariff_programme_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["organisation.id"], name=op.f("fk_tariff_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff")),
    )
    with op.batch_alter_table("tariff", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tariff_programme_id"), ["programme_id"], unique=False)

    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_token_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_token_hash")),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_token_person_id"), ["person_id"], unique=False)

    op.create_table(
        "batch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ref", sa.String(length=12), nullable=False),
        sa.Column("donor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("origin_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "accepted",
                "received",
                name="batchstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["donor_id"], ["organisation.id"], name=op.f("fk_batch_donor_id")),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_batch_origin_id")),
        sa.ForeignKeyConstraint(["workshop_id"], ["organisation.id"], name=op.f("fk_batch_workshop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("ref", name=op.f("uq_batch_ref")),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_donor_id"), ["donor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_batch_workshop_id"), ["workshop_id"], unique=False)

    op.create_table(
        "device",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
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
                name="category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("origin_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_ref", sa.String(length=12), nullable=False),
        sa.Column("maker", sa.String(length=60), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "announced",
                "received",
                "in_work",
                "ready",
                "reserved",
                "handed_over",
                "on_loan",
                "missing",
                "harvested",
                "recycled",
                "returned_to_donor",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("step_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("place_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("custodian_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("open_drives", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint(
            "(state = 'in_work') = (step_id IS NOT NULL)", name=op.f("ck_device_step_in_work")
        ),
        sa.CheckConstraint(
            "open_drives = 0 OR state NOT IN ('ready', 'reserved', 'handed_over', 'on_loan', 'harvested')",
            name=op.f("ck_device_erasure_gate"),
        ),
        sa.CheckConstraint("open_drives >= 0", name=op.f("ck_device_open_drives")),
        sa.ForeignKeyConstraint(["custodian_id"], ["organisation.id"], name=op.f("fk_device_custodian_id")),
        sa.ForeignKeyConstraint(["origin_id"], ["origin.id"], name=op.f("fk_device_origin_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["organisation.id"], name=op.f("fk_device_owner_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_device_place_id")),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name=op.f("fk_device_step_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_batch_ref"), ["batch_ref"], unique=False)
        batch_op.create_index("ix_device_custodian_id_id", ["custodian_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_device_origin_id"), ["origin_id"], unique=False)
        batch_op.create_index("ix_device_owner_id_id", ["owner_id", "id"], unique=False)
        batch_op.create_index("ix_device_state_id", ["state", "id"], unique=False)

    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ref", sa.String(length=12), nullable=False),
        sa.Column("programme_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recipient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "recipient_nature",
            sa.Enum(
                "public_body",
                "company",
                "association",
                "person",
                name="legalnature",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "category",
            sa.Enum(
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
                name="category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column(
            "proof",
            sa.Enum(
                "rsa_certificate",
                "fsl_decision",
                "structure_attestation",
                name="proofkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("proof_day", sa.Date(), nullable=True),
        sa.Column("proof_seen_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "allocated",
                "handed_over",
                "cancelled",
                name="requeststate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("made_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(recipient_nature = 'person') = (recipient_id IS NOT NULL)", name=op.f("ck_request_recipient")
        ),
        sa.CheckConstraint("quantity BETWEEN 1 AND 100", name=op.f("ck_request_quantity")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_request_made_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_request_organisation_id")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_request_programme_id")),
        sa.ForeignKeyConstraint(["proof_seen_by"], ["person.id"], name=op.f("fk_request_proof_seen_by")),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipient.id"], name=op.f("fk_request_recipient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("ref", name=op.f("uq_request_ref")),
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_request_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_request_state"), ["state"], unique=False)

    op.create_table(
        "batch_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
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
                name="category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("announced", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=True),
        sa.Column(
            "gap_reason",
            sa.Enum(
                "not_on_the_lorry",
                "more_than_announced",
                "other_category",
                "damaged_refused",
                name="gapreason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "announced >= 0 AND (received IS NULL OR received >= 0)", name=op.f("ck_batch_line_counts")
        ),
        sa.CheckConstraint(
            "received IS NULL OR received = announced OR gap_reason IS NOT NULL",
            name=op.f("ck_batch_line_gap_explained"),
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_batch_line_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_line")),
        sa.UniqueConstraint("batch_id", "category", name=op.f("uq_batch_line_batch_id_category")),
    )
    op.create_table(
        "device_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "asset_tag",
                "serial",
                "imei",
                name="codekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "value",
            sa.String(length=60).with_variant(sa.String(length=60, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_code_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_code")),
        sa.UniqueConstraint("device_id", "kind", "value", name=op.f("uq_device_code_device_id_kind_value")),
    )
    with op.batch_alter_table("device_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_code_device_id"), ["device_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_device_code_value"), ["value"], unique=False)

    op.create_table(
        "drive",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "unseen",
                "hdd",
                "ssd",
                "nvme",
                "emmc",
                "phone",
                name="drivekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "fate",
            sa.Enum(
                "present",
                "absent",
                "removed",
                "destroyed",
                name="drivefate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("serial", sa.String(length=60), nullable=True),
        sa.Column("size_gb", sa.Integer(), nullable=True),
        sa.Column("data_since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_drive_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drive")),
    )
    with op.batch_alter_table("drive", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drive_device_id"), ["device_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_drive_serial"), ["serial"], unique=False)

    op.create_table(
        "handover",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ref", sa.String(length=12), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("desk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "payment",
            sa.Enum(
                "cash",
                "cheque",
                "card",
                "transfer",
                "none",
                name="payment",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("paid_cents", sa.Integer(), nullable=False),
        sa.Column(
            "signature",
            sa.Enum(
                "on_paper", "witness", name="signature", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("made_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "paid_cents >= 0 AND (payment = 'none') = (paid_cents = 0)", name=op.f("ck_handover_paid")
        ),
        sa.ForeignKeyConstraint(["desk_id"], ["organisation.id"], name=op.f("fk_handover_desk_id")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_handover_made_by")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_handover_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
        sa.UniqueConstraint("ref", name=op.f("uq_handover_ref")),
        sa.UniqueConstraint("request_id", name=op.f("uq_handover_request_id")),
    )
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handover_desk_id"), ["desk_id"], unique=False)

    op.create_table(
        "label",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "code",
            sa.String(length=60).with_variant(sa.String(length=60, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "blank",
                "claimed",
                "replaced",
                "void",
                name="labelstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state IN ('claimed', 'replaced')) = (device_id IS NOT NULL)", name=op.f("ck_label_claimed_by")
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_label_device_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_label_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint("code", name=op.f("uq_label_code")),
    )
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_label_device_id"), ["device_id"], unique=False)
        batch_op.create_index(
            "uq_label_device_id_claimed",
            ["device_id"],
            unique=True,
            postgresql_where=sa.text("state = 'claimed'"),
            sqlite_where=sa.text("state = 'claimed'"),
        )

    op.create_table(
        "allocation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "live",
                "handed_over",
                "released",
                name="allocationstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("cap_cents", sa.Integer(), nullable=True),
        sa.Column("tariff_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seller_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("handover_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "(state = 'handed_over') = (handover_id IS NOT NULL)", name=op.f("ck_allocation_handed_over")
        ),
        sa.CheckConstraint(
            "price_cents >= 0 AND (cap_cents IS NULL OR price_cents <= cap_cents)",
            name=op.f("ck_allocation_lawful_price"),
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_allocation_decided_by")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_allocation_device_id")),
        sa.ForeignKeyConstraint(["handover_id"], ["handover.id"], name=op.f("fk_allocation_handover_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_allocation_request_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["organisation.id"], name=op.f("fk_allocation_seller_id")),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_allocation_tariff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_allocation_device_id"), ["device_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_allocation_request_id"), ["request_id"], unique=False)
        batch_op.create_index(
            "uq_allocation_device_id_live",
            ["device_id"],
            unique=True,
            postgresql_where=sa.text("state = 'live'"),
            sqlite_where=sa.text("state = 'live'"),
        )

    op.create_table(
        "erasure_proof",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("drive_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "method",
            sa.Enum(
                "clear_overwrite",
                "purge_ata_sanitize",
                "purge_nvme_sanitize",
                "purge_crypto_erase",
                "factory_reset",
                name="erasuremethod",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("tool", sa.String(length=40), nullable=False),
        sa.Column("tool_version", sa.String(length=20), nullable=False),
        sa.Column(
            "result",
            sa.Enum(
                "passed", "failed", name="erasureresult", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["drive_id"], ["drive.id"], name=op.f("fk_erasure_proof_drive_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], name=op.f("fk_erasure_proof_entry_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_erasure_proof_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_erasure_proof_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_proof")),
    )
    with op.batch_alter_table("erasure_proof", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_erasure_proof_drive_id"), ["drive_id"], unique=False)

    for statement in journal.protect(op.get_bind().dialect.name):
        op.execute(statement)
