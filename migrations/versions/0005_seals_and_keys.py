"""seals' life, grants and ledger; keys counted and destroyed; outside authorities

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

import trust.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key_destruction",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("spki", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("witness", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("begun_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("method", sa.String(length=200), nullable=True),
        sa.Column("statement", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_key_destruction")),
    )
    op.create_table(
        "key_use",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("algorithm", sa.String(length=20), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("last_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "algorithm", name=op.f("pk_key_use")),
    )
    op.create_table(
        "seal_use",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("seal", sa.String(length=32), nullable=False),
        sa.Column("operator", sa.String(length=64), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=True),
        sa.Column("system", sa.String(length=100), nullable=False),
        sa.Column("grant", sa.Uuid(), nullable=True),
        sa.Column("type_code", sa.String(length=21), nullable=False),
        sa.Column("item", sa.String(length=100), nullable=False),
        sa.Column("case", sa.String(length=100), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("x_mm", sa.Float(), nullable=True),
        sa.Column("y_mm", sa.Float(), nullable=True),
        sa.Column("time_stamp", sa.String(length=40), nullable=True),
        sa.Column("result", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_use")),
    )
    with op.batch_alter_table("seal_use", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seal_use_case"), ["case"], unique=False)
        batch_op.create_index("ix_seal_use_seal", ["seal", "id"], unique=False)

    op.create_table(
        "ca_key_request",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("algorithm", sa.String(length=20), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("requested_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("issuer", sa.String(length=64), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.Column("imported_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["issuer"], ["ca_issuer.name"], name=op.f("fk_ca_key_request_issuer_ca_issuer")
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_ca_key_request")),
    )
    op.create_table(
        "ca_outside",
        sa.Column("issuer", sa.String(length=64), nullable=False),
        sa.Column("crl_url", sa.String(length=400), nullable=True),
        sa.Column("ocsp_url", sa.String(length=400), nullable=True),
        sa.Column("asked_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("told_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=64), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["issuer"], ["ca_issuer.name"], name=op.f("fk_ca_outside_issuer_ca_issuer")
        ),
        sa.PrimaryKeyConstraint("issuer", name=op.f("pk_ca_outside")),
    )
    op.create_table(
        "seal_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seal", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=True),
        sa.Column("system", sa.String(length=100), nullable=True),
        sa.Column("type_code", sa.String(length=21), nullable=True),
        sa.Column("item", sa.String(length=100), nullable=True),
        sa.Column("valid_from", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("valid_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ceiling", sa.Integer(), nullable=True),
        sa.Column("second_person", sa.Boolean(), nullable=False),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("granted_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.String(length=64), nullable=True),
        sa.Column("revoked_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "account IS NOT NULL OR role IS NOT NULL OR system IS NOT NULL",
            name=op.f("ck_seal_grant_somebody"),
        ),
        sa.CheckConstraint("ceiling IS NULL OR ceiling > 0", name=op.f("ck_seal_grant_ceiling")),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_seal_grant_account_account")
        ),
        sa.ForeignKeyConstraint(["seal"], ["seal.es_id"], name=op.f("fk_seal_grant_seal_seal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_grant")),
    )
    with op.batch_alter_table("seal_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seal_grant_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_seal_grant_seal"), ["seal"], unique=False)

    op.create_table(
        "seal_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("es_id", sa.String(length=32), nullable=True),
        sa.Column("owner", sa.String(length=18), nullable=False),
        sa.Column("owner_name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.Column("drawn", sa.Boolean(), nullable=False),
        sa.Column("width_mm", sa.Float(), nullable=False),
        sa.Column("height_mm", sa.Float(), nullable=False),
        sa.Column("slot", sa.LargeBinary(length=32), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("applied_by", sa.String(length=64), nullable=False),
        sa.Column("applied_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["es_id"], ["seal.es_id"], name=op.f("fk_seal_request_es_id_seal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_request")),
        sa.UniqueConstraint("es_id", name=op.f("uq_seal_request_es_id")),
        sa.UniqueConstraint("slot", name=op.f("uq_seal_request_slot")),
    )
    with op.batch_alter_table("seal_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seal_request_owner"), ["owner"], unique=False)

    op.create_table(
        "seal_version",
        sa.Column("es_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("sm2_key", sa.String(length=64), nullable=False),
        sa.Column("sm2_certificate", sa.LargeBinary(), nullable=False),
        sa.Column("rsa_key", sa.String(length=64), nullable=False),
        sa.Column("rsa_certificate", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("valid_until", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["es_id"], ["seal.es_id"], name=op.f("fk_seal_version_es_id_seal")),
        sa.PrimaryKeyConstraint("es_id", "number", name=op.f("pk_seal_version")),
    )
    op.create_table(
        "seal_grant_day",
        sa.Column("grant", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant"], ["seal_grant.id"], name=op.f("fk_seal_grant_day_grant_seal_grant")
        ),
        sa.PrimaryKeyConstraint("grant", "day", name=op.f("pk_seal_grant_day")),
    )
    op.create_table(
        "seal_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request", sa.Uuid(), nullable=True),
        sa.Column("seal", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"], ["seal_request.id"], name=op.f("fk_seal_step_request_seal_request")
        ),
        sa.ForeignKeyConstraint(["seal"], ["seal.es_id"], name=op.f("fk_seal_step_seal_seal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_step")),
    )
    with op.batch_alter_table("seal_step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seal_step_request"), ["request"], unique=False)
        batch_op.create_index(batch_op.f("ix_seal_step_seal"), ["seal"], unique=False)

    op.create_table(
        "seal_use_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grant", sa.Uuid(), nullable=False),
        sa.Column("seal", sa.String(length=32), nullable=False),
        sa.Column("case", sa.String(length=100), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(length=64), nullable=True),
        sa.Column("confirmed_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("good_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant"], ["seal_grant.id"], name=op.f("fk_seal_use_request_grant_seal_grant")
        ),
        sa.ForeignKeyConstraint(
            ["seal"], ["seal.es_id"], name=op.f("fk_seal_use_request_seal_seal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_use_request")),
    )
    with op.batch_alter_table("seal_use_request", schema=None) as batch_op:
        batch_op.create_index("ix_seal_use_request_case", ["seal", "case"], unique=False)
        batch_op.create_index(batch_op.f("ix_seal_use_request_grant"), ["grant"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("seal_use_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seal_use_request_grant"))
        batch_op.drop_index("ix_seal_use_request_case")

    op.drop_table("seal_use_request")
    with op.batch_alter_table("seal_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seal_step_seal"))
        batch_op.drop_index(batch_op.f("ix_seal_step_request"))

    op.drop_table("seal_step")
    op.drop_table("seal_grant_day")
    op.drop_table("seal_version")
    with op.batch_alter_table("seal_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seal_request_owner"))

    op.drop_table("seal_request")
    with op.batch_alter_table("seal_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seal_grant_seal"))
        batch_op.drop_index(batch_op.f("ix_seal_grant_account"))

    op.drop_table("seal_grant")
    op.drop_table("ca_outside")
    op.drop_table("ca_key_request")
    with op.batch_alter_table("seal_use", schema=None) as batch_op:
        batch_op.drop_index("ix_seal_use_seal")
        batch_op.drop_index(batch_op.f("ix_seal_use_case"))

    op.drop_table("seal_use")
    op.drop_table("key_use")
    op.drop_table("key_destruction")
