"""a licence's whole life; mutual recognition

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

import trust.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cosignature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("witness", sa.String(length=200), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cosignature")),
        sa.UniqueConstraint("origin", "size", "witness", name=op.f("uq_cosignature_origin")),
    )
    op.create_table(
        "exchange_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("peer", sa.String(length=6), nullable=False),
        sa.Column("question_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("question_box", sa.LargeBinary(), nullable=False),
        sa.Column("answer_box", sa.LargeBinary(), nullable=False),
        sa.Column("stamp", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_record")),
        sa.UniqueConstraint(
            "direction", "peer", "question_id", name=op.f("uq_exchange_record_direction")
        ),
    )
    with op.batch_alter_table("exchange_record", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_exchange_record_question_id"), ["question_id"], unique=False
        )
        batch_op.create_index("ix_exchange_record_subject_at", ["subject", "at"], unique=False)

    op.create_table(
        "kept_answer",
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("location", sa.String(length=300), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("made_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key_digest", name=op.f("pk_kept_answer")),
    )
    with op.batch_alter_table("kept_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_answer_made_at"), ["made_at"], unique=False)

    op.create_table(
        "licence_type_version",
        sa.Column("code", sa.String(length=21), nullable=False),
        sa.Column("version", sa.String(length=3), nullable=False),
        sa.Column("slug", sa.String(length=41), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("saved_by", sa.String(length=64), nullable=False),
        sa.Column("saved_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("since", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.String(length=64), nullable=True),
        sa.Column("until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_licence_type_version")),
    )
    with op.batch_alter_table("licence_type_version", schema=None) as batch_op:
        batch_op.create_index(
            "uq_licence_type_version_draft",
            ["code"],
            unique=True,
            sqlite_where=sa.text("state = 'draft'"),
            postgresql_where=sa.text("state = 'draft'"),
        )
        batch_op.create_index(
            "uq_licence_type_version_in_force",
            ["code"],
            unique=True,
            sqlite_where=sa.text("state = 'published'"),
            postgresql_where=sa.text("state = 'published'"),
        )
        batch_op.create_index(
            "uq_licence_type_version_name",
            ["name"],
            unique=True,
            sqlite_where=sa.text("state = 'published'"),
            postgresql_where=sa.text("state = 'published'"),
        )
        batch_op.create_index(
            "uq_licence_type_version_slug",
            ["slug"],
            unique=True,
            sqlite_where=sa.text("state = 'published'"),
            postgresql_where=sa.text("state = 'published'"),
        )

    op.create_table(
        "organisation",
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("parent", sa.String(length=18), nullable=True),
        sa.Column("imported_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_organisation")),
    )
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organisation_division"), ["division"], unique=False)
        batch_op.create_index(batch_op.f("ix_organisation_parent"), ["parent"], unique=False)

    op.create_table(
        "peer_disagreement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("record", sa.String(length=64), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("answered", sa.String(length=20), nullable=False),
        sa.Column("listed", sa.String(length=20), nullable=False),
        sa.Column("status_list", sa.LargeBinary(), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_peer_disagreement")),
    )
    with op.batch_alter_table("peer_disagreement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_peer_disagreement_region"), ["region"], unique=False)

    op.create_table(
        "peer_document",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("issued_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("good_until", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("fetched_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("region", "kind", "name", name=op.f("pk_peer_document")),
    )
    op.create_table(
        "recognition_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("local", sa.String(length=80), nullable=False),
        sa.Column("national", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recognition_mapping")),
        sa.UniqueConstraint("region", "kind", "local", name=op.f("uq_recognition_mapping_region")),
    )
    op.create_table(
        "recognition_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("type_code", sa.String(length=40), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("conditions", sa.JSON(), nullable=False),
        sa.Column("since", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recognition_rule")),
    )
    with op.batch_alter_table("recognition_rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recognition_rule_region"), ["region"], unique=False)

    op.create_table(
        "recognition_seen",
        sa.Column("identifier", sa.String(length=80), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("type_code", sa.String(length=40), nullable=False),
        sa.Column("issuer", sa.String(length=18), nullable=False),
        sa.Column("issued_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("first_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("identifier", "region", name=op.f("pk_recognition_seen")),
    )
    with op.batch_alter_table("recognition_seen", schema=None) as batch_op:
        batch_op.create_index("ix_recognition_seen_issuer", ["region", "issuer"], unique=False)

    op.create_table(
        "recognition_withdrawal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("issuer", sa.String(length=18), nullable=False),
        sa.Column("effective_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("compromised", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("recorded_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.Column("lifted_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recognition_withdrawal")),
    )
    with op.batch_alter_table("recognition_withdrawal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recognition_withdrawal_region"), ["region"], unique=False
        )

    op.create_table(
        "region_login",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("level_min", sa.Integer(), nullable=False),
        sa.Column("connected_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("region", name=op.f("pk_region_login")),
    )
    op.create_table(
        "report_batch",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("answered_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("next_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("lease_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_batch")),
    )
    with op.batch_alter_table("report_batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_batch_next_at"), ["next_at"], unique=False)

    op.create_table(
        "report_count",
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("type_code", sa.String(length=21), nullable=False),
        sa.Column("ours", sa.Integer(), nullable=False),
        sa.Column("theirs", sa.Integer(), nullable=False),
        sa.Column("last_batch", sa.String(length=40), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("division", "type_code", name=op.f("pk_report_count")),
    )
    op.create_table(
        "report_source",
        sa.Column("rid", sa.String(length=64), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret_box", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("rid", name=op.f("pk_report_source")),
    )
    op.create_table(
        "share_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("client", sa.String(length=100), nullable=True),
        sa.Column("office", sa.String(length=18), nullable=True),
        sa.Column("right_id", sa.Uuid(), nullable=True),
        sa.Column("verb", sa.String(length=16), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("type_code", sa.String(length=21), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("item_code", sa.String(length=64), nullable=False),
        sa.Column("case_number", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_call")),
    )
    with op.batch_alter_table("share_call", schema=None) as batch_op:
        batch_op.create_index("ix_share_call_account_id", ["account", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_share_call_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_share_call_office"), ["office"], unique=False)

    op.create_table(
        "share_key",
        sa.Column("client", sa.String(length=100), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=64), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("registered_by", sa.String(length=64), nullable=False),
        sa.Column("registered_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client", name=op.f("pk_share_key")),
    )
    op.create_table(
        "share_right",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client", sa.String(length=100), nullable=True),
        sa.Column("office", sa.String(length=18), nullable=True),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=True),
        sa.Column("networks", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("original", sa.Boolean(), nullable=False),
        sa.Column("ceiling", sa.Integer(), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("granted_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_right")),
    )
    with op.batch_alter_table("share_right", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_share_right_client"), ["client"], unique=False)
        batch_op.create_index(batch_op.f("ix_share_right_office"), ["office"], unique=False)

    op.create_table(
        "split_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Text(), nullable=False),
        sa.Column("second", sa.Text(), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_split_view")),
    )
    with op.batch_alter_table("split_view", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_split_view_origin"), ["origin"], unique=False)

    op.create_table(
        "trust_list_alarm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("settled_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust_list_alarm")),
    )
    with op.batch_alter_table("trust_list_alarm", schema=None) as batch_op:
        batch_op.create_index(
            "ix_trust_list_alarm_open", ["region", "code", "settled_at"], unique=False
        )

    op.create_table(
        "trust_list_published",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("issued_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("next_update", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("xml", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_trust_list_published")),
    )
    op.create_table(
        "trust_list_source",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("uri", sa.String(length=400), nullable=False),
        sa.Column("signers", sa.JSON(), nullable=False),
        sa.Column("parent", sa.String(length=6), nullable=True),
        sa.Column("pointed", sa.Boolean(), nullable=False),
        sa.Column("added_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("dropped_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("asked_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("region", name=op.f("pk_trust_list_source")),
    )
    op.create_table(
        "trust_service_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("since", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("account", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust_service_notice")),
    )
    op.create_table(
        "upstream_departure",
        sa.Column("state", sa.LargeBinary(length=32), nullable=False),
        sa.Column("goes_to", sa.LargeBinary(), nullable=True),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_upstream_departure")),
    )
    with op.batch_alter_table("upstream_departure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_upstream_departure_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "verification_slip",
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("type_name", sa.String(length=256), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("subject_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("office", sa.String(length=18), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_verification_slip")),
    )
    with op.batch_alter_table("verification_slip", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verification_slip_made_by"), ["made_by"], unique=False)

    op.create_table(
        "webhook_subscription",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("signature", sa.String(length=10), nullable=False),
        sa.Column("secret_box", sa.LargeBinary(), nullable=False),
        sa.Column("old_secret_box", sa.LargeBinary(), nullable=True),
        sa.Column("old_secret_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("next_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("lease_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_subscription")),
    )
    with op.batch_alter_table("webhook_subscription", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_webhook_subscription_next_at"), ["next_at"], unique=False
        )

    op.create_table(
        "witnessed_log",
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_witnessed_log")),
    )
    op.create_table(
        "bulk_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_key", sa.String(length=64), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("form", sa.String(length=8), nullable=False),
        sa.Column("type_code", sa.String(length=21), nullable=False),
        sa.Column("type_version", sa.String(length=3), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("row_key_box", sa.LargeBinary(), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("trouble", sa.String(length=300), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("lease_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("entered_by", sa.String(length=64), nullable=False),
        sa.Column("entered_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("checked_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.String(length=64), nullable=True),
        sa.Column("released_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("finished_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("receipts_digest", sa.LargeBinary(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority"], ["authority.code"], name=op.f("fk_bulk_job_authority_authority")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_job")),
        sa.UniqueConstraint("file_key", name=op.f("uq_bulk_job_file_key")),
    )
    with op.batch_alter_table("bulk_job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bulk_job_entered_at"), ["entered_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_bulk_job_state"), ["state"], unique=False)

    op.create_table(
        "catalogue_row",
        sa.Column("identifier", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("type_code", sa.String(length=21), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        sa.Column("reported_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["source"], ["report_source.rid"], name=op.f("fk_catalogue_row_source_report_source")
        ),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_catalogue_row")),
    )
    with op.batch_alter_table("catalogue_row", schema=None) as batch_op:
        batch_op.create_index(
            "ix_catalogue_row_counts", ["source", "division", "type_code"], unique=False
        )

    op.create_table(
        "issuing_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("acting", sa.String(length=18), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("since", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("until", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("basis", sa.String(length=300), nullable=False),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("granted_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["acting"], ["authority.code"], name=op.f("fk_issuing_grant_acting_authority")
        ),
        sa.ForeignKeyConstraint(
            ["authority"], ["authority.code"], name=op.f("fk_issuing_grant_authority_authority")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issuing_grant")),
    )
    with op.batch_alter_table("issuing_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_issuing_grant_acting"), ["acting"], unique=False)

    op.create_table(
        "received_batch",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["source"], ["report_source.rid"], name=op.f("fk_received_batch_source_report_source")
        ),
        sa.PrimaryKeyConstraint("source", "batch", name=op.f("pk_received_batch")),
    )
    with op.batch_alter_table("received_batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_received_batch_at"), ["at"], unique=False)

    op.create_table(
        "service_item",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("organisation", sa.String(length=18), nullable=False),
        sa.Column("category", sa.String(length=40), server_default="", nullable=False),
        sa.Column("imported_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation"],
            ["organisation.code"],
            name=op.f("fk_service_item_organisation_organisation"),
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_service_item")),
    )
    with op.batch_alter_table("service_item", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_service_item_organisation"), ["organisation"], unique=False
        )

    op.create_table(
        "share_count",
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["right_id"], ["share_right.id"], name=op.f("fk_share_count_right_id_share_right")
        ),
        sa.PrimaryKeyConstraint("right_id", "day", name=op.f("pk_share_count")),
    )
    op.create_table(
        "share_download",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("right_id", sa.Uuid(), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("stored_as", sa.String(length=200), nullable=False),
        sa.Column("made_for", sa.String(length=64), nullable=False),
        sa.Column("until", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["right_id"], ["share_right.id"], name=op.f("fk_share_download_right_id_share_right")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_share_download")),
    )
    with op.batch_alter_table("share_download", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_share_download_until"), ["until"], unique=False)

    op.create_table(
        "trust_list_held",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("issued_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("next_update", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("received_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("announced", sa.JSON(), nullable=False),
        sa.Column("pinned", sa.JSON(), nullable=False),
        sa.Column("points_to", sa.JSON(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["region"],
            ["trust_list_source.region"],
            name=op.f("fk_trust_list_held_region_trust_list_source"),
        ),
        sa.PrimaryKeyConstraint("region", name=op.f("pk_trust_list_held")),
    )
    op.create_table(
        "application_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["application"],
            ["application.id"],
            name=op.f("fk_application_step_application_application"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_step")),
    )
    with op.batch_alter_table("application_step", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_application_step_application"), ["application"], unique=False
        )

    op.create_table(
        "bulk_file",
        sa.Column("job", sa.Uuid(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["bulk_job.id"], name=op.f("fk_bulk_file_job_bulk_job")),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_bulk_file")),
    )
    op.create_table(
        "bulk_row",
        sa.Column("job", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_box", sa.LargeBinary(), nullable=True),
        sa.Column("application", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("lease_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("message", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["bulk_job.id"], name=op.f("fk_bulk_row_job_bulk_job")),
        sa.PrimaryKeyConstraint("job", "number", name=op.f("pk_bulk_row")),
        sa.UniqueConstraint("application", name=op.f("uq_bulk_row_application")),
    )
    with op.batch_alter_table("bulk_row", schema=None) as batch_op:
        batch_op.create_index("ix_bulk_row_state", ["job", "state", "number"], unique=False)

    op.create_table(
        "item_binding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("type_code", sa.String(length=21), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("bound_by", sa.String(length=64), nullable=False),
        sa.Column("unbound_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["item"], ["service_item.code"], name=op.f("fk_item_binding_item_service_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_binding")),
    )
    with op.batch_alter_table("item_binding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_binding_item"), ["item"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_binding_type_code"), ["type_code"], unique=False)
        batch_op.create_index(
            "uq_item_binding_open",
            ["item", "type_code"],
            unique=True,
            sqlite_where=sa.text("until IS NULL"),
            postgresql_where=sa.text("until IS NULL"),
        )

    op.create_table(
        "joint_consent",
        sa.Column("application", sa.Uuid(), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=True),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["application"],
            ["application.id"],
            name=op.f("fk_joint_consent_application_application"),
        ),
        sa.ForeignKeyConstraint(
            ["authority"], ["authority.code"], name=op.f("fk_joint_consent_authority_authority")
        ),
        sa.PrimaryKeyConstraint("application", "authority", name=op.f("pk_joint_consent")),
    )
    with op.batch_alter_table("joint_consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_joint_consent_authority"), ["authority"], unique=False)

    op.create_table(
        "transfer_check",
        sa.Column("application", sa.Uuid(), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=True),
        sa.Column("outcome", sa.String(length=13), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("made_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("settled_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["application"],
            ["application.id"],
            name=op.f("fk_transfer_check_application_application"),
        ),
        sa.PrimaryKeyConstraint("application", name=op.f("pk_transfer_check")),
        sa.UniqueConstraint("licence", name=op.f("uq_transfer_check_licence")),
    )
    op.create_table(
        "bulk_receipt",
        sa.Column("job", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["job"], ["bulk_job.id"], name=op.f("fk_bulk_receipt_job_bulk_job")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_bulk_receipt_licence_licence")
        ),
        sa.PrimaryKeyConstraint("job", "number", name=op.f("pk_bulk_receipt")),
        sa.UniqueConstraint("licence", name=op.f("uq_bulk_receipt_licence")),
    )
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("words_box", sa.LargeBinary(), nullable=False),
        sa.Column("answer_box", sa.LargeBinary(), nullable=True),
        sa.Column("raised_by", sa.String(length=64), nullable=False),
        sa.Column("raised_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.String(length=64), nullable=True),
        sa.Column("resolved_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("resolved_by_licence", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_dispute_licence_licence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispute_authority"), ["authority"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispute_licence"), ["licence"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispute_raised_by"), ["raised_by"], unique=False)

    op.create_table(
        "entrustment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("principal_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("principal_public", sa.String(length=400), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=True),
        sa.Column("type_code", sa.String(length=21), nullable=True),
        sa.Column("matter", sa.String(length=200), nullable=False),
        sa.Column("until", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("granted_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.String(length=64), nullable=True),
        sa.Column("revoked_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_entrustment_licence_licence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entrustment")),
    )
    with op.batch_alter_table("entrustment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entrustment_agent"), ["agent"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_entrustment_principal_index"), ["principal_index"], unique=False
        )

    op.create_table(
        "holder_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("office", sa.String(length=18), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("item_code", sa.String(length=64), nullable=False),
        sa.Column("matter", sa.String(length=200), nullable=False),
        sa.Column("until", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("granted_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("revoked_by", sa.String(length=64), nullable=True),
        sa.Column("revoked_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_holder_grant_licence_licence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holder_grant")),
    )
    with op.batch_alter_table("holder_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_holder_grant_licence"), ["licence"], unique=False)
        batch_op.create_index(batch_op.f("ix_holder_grant_office"), ["office"], unique=False)

    op.create_table(
        "licence_copy",
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("item_code", sa.String(length=64), nullable=False),
        sa.Column("matter", sa.String(length=200), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("maker", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("until", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("file_digest", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_licence_copy_licence_licence")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_licence_copy")),
    )
    with op.batch_alter_table("licence_copy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_licence_copy_licence"), ["licence"], unique=False)
        batch_op.create_index(batch_op.f("ix_licence_copy_made_by"), ["made_by"], unique=False)

    op.create_table(
        "licence_event",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("routed_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_licence_event_licence_licence")
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_licence_event")),
    )
    with op.batch_alter_table("licence_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_licence_event_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_licence_event_licence"), ["licence"], unique=False)
        batch_op.create_index(
            "ix_licence_event_unrouted",
            ["sequence"],
            unique=False,
            postgresql_where=sa.text("routed_at IS NULL"),
            sqlite_where=sa.text("routed_at IS NULL"),
        )

    op.create_table(
        "licence_holder",
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_licence_holder_licence_licence")
        ),
        sa.PrimaryKeyConstraint("licence", "position", name=op.f("pk_licence_holder")),
    )
    with op.batch_alter_table("licence_holder", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_licence_holder_code_index"), ["code_index"], unique=False
        )

    op.create_table(
        "showing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=18), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("item_code", sa.String(length=64), nullable=False),
        sa.Column("matter", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("asked_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("shown_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("good_until", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_showing_licence_licence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_showing")),
    )
    with op.batch_alter_table("showing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_showing_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_showing_asked_by"), ["asked_by"], unique=False)

    op.create_table(
        "showing_code",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("code_box", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("good_until", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_showing_code_licence_licence")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_showing_code")),
    )
    with op.batch_alter_table("showing_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_showing_code_account"), ["account"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_showing_code_good_until"), ["good_until"], unique=False
        )

    op.create_table(
        "report_row",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("event", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("operation", sa.String(length=1), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=True),
        sa.Column("remark", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch"], ["report_batch.id"], name=op.f("fk_report_row_batch_report_batch")
        ),
        sa.ForeignKeyConstraint(
            ["event"], ["licence_event.sequence"], name=op.f("fk_report_row_event_licence_event")
        ),
        sa.ForeignKeyConstraint(
            ["licence"], ["licence.identifier"], name=op.f("fk_report_row_licence_licence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_row")),
        sa.UniqueConstraint("event", name=op.f("uq_report_row_event")),
    )
    with op.batch_alter_table("report_row", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_row_batch"), ["batch"], unique=False)
        batch_op.create_index(batch_op.f("ix_report_row_licence"), ["licence"], unique=False)
        batch_op.create_index("ix_report_row_queue", ["state", "id"], unique=False)

    op.create_table(
        "webhook_delivery",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("event", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message", sa.String(length=40), nullable=False),
        sa.Column("body", sa.String(length=2000), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(
            ["event"],
            ["licence_event.sequence"],
            name=op.f("fk_webhook_delivery_event_licence_event"),
        ),
        sa.ForeignKeyConstraint(
            ["subscription"],
            ["webhook_subscription.id"],
            name=op.f("fk_webhook_delivery_subscription_webhook_subscription"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("message", name=op.f("uq_webhook_delivery_message")),
        sa.UniqueConstraint("subscription", "event", name=op.f("uq_webhook_delivery_subscription")),
    )
    with op.batch_alter_table("webhook_delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhook_delivery_queue", ["subscription", "state", "event"], unique=False
        )

    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("type_version", sa.String(length=3), server_default="001", nullable=False)
        )
        batch_op.add_column(
            sa.Column("kind", sa.String(length=16), server_default="new", nullable=False)
        )
        batch_op.add_column(sa.Column("joint", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("acting", sa.String(length=18), nullable=True))
        batch_op.add_column(sa.Column("previous", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("paper_number", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("item_code", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("case_number", sa.String(length=64), nullable=True))
        batch_op.add_column(
            sa.Column("system", sa.String(length=64), server_default="trust", nullable=False)
        )
        batch_op.add_column(sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
        batch_op.create_index(
            "ix_application_acting_state_entered_at",
            ["acting", "state", "entered_at"],
            unique=False,
        )
        batch_op.create_index(
            "ix_application_authority_state_entered_at",
            ["authority", "state", "entered_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_application_case_number"), ["case_number"], unique=False
        )

    with op.batch_alter_table("client", schema=None) as batch_op:
        batch_op.add_column(sa.Column("machine_account", sa.String(length=64), nullable=True))
        batch_op.create_unique_constraint(
            batch_op.f("uq_client_machine_account"), ["machine_account"]
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_client_machine_account_account"),
            "account",
            ["machine_account"],
            ["name"],
        )

    with op.batch_alter_table("licence", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("type_version", sa.String(length=3), server_default="001", nullable=False)
        )
        batch_op.add_column(sa.Column("joint", sa.JSON(), server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("previous", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("paper_number", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("item_code", sa.String(length=64), nullable=True))
        batch_op.create_index(batch_op.f("ix_licence_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_licence_paper_number"), ["paper_number"], unique=False)
        batch_op.create_index(batch_op.f("ix_licence_previous"), ["previous"], unique=False)

    with op.batch_alter_table("state_change", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("basis", sa.String(length=300), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("cause", sa.String(length=1), server_default="", nullable=False)
        )

    with op.batch_alter_table("status_shard", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("capacity", sa.Integer(), server_default="131072", nullable=False)
        )

    with op.batch_alter_table("upstream", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("level_min", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("by_key", sa.Boolean(), server_default=sa.false(), nullable=False)
        )

    with op.batch_alter_table("upstream_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hint", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("upstream_session", schema=None) as batch_op:
        batch_op.drop_column("hint")

    with op.batch_alter_table("upstream", schema=None) as batch_op:
        batch_op.drop_column("by_key")
        batch_op.drop_column("level_min")

    with op.batch_alter_table("status_shard", schema=None) as batch_op:
        batch_op.drop_column("capacity")

    with op.batch_alter_table("state_change", schema=None) as batch_op:
        batch_op.drop_column("cause")
        batch_op.drop_column("basis")

    with op.batch_alter_table("licence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_licence_previous"))
        batch_op.drop_index(batch_op.f("ix_licence_paper_number"))
        batch_op.drop_index(batch_op.f("ix_licence_digest"))
        batch_op.drop_column("item_code")
        batch_op.drop_column("paper_number")
        batch_op.drop_column("previous")
        batch_op.drop_column("joint")
        batch_op.drop_column("type_version")

    with op.batch_alter_table("client", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_client_machine_account_account"), type_="foreignkey"
        )
        batch_op.drop_constraint(batch_op.f("uq_client_machine_account"), type_="unique")
        batch_op.drop_column("machine_account")

    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_case_number"))
        batch_op.drop_index("ix_application_authority_state_entered_at")
        batch_op.drop_index("ix_application_acting_state_entered_at")
        batch_op.drop_column("revision")
        batch_op.drop_column("system")
        batch_op.drop_column("case_number")
        batch_op.drop_column("item_code")
        batch_op.drop_column("paper_number")
        batch_op.drop_column("previous")
        batch_op.drop_column("acting")
        batch_op.drop_column("joint")
        batch_op.drop_column("kind")
        batch_op.drop_column("type_version")

    with op.batch_alter_table("webhook_delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_delivery_queue")

    op.drop_table("webhook_delivery")
    with op.batch_alter_table("report_row", schema=None) as batch_op:
        batch_op.drop_index("ix_report_row_queue")
        batch_op.drop_index(batch_op.f("ix_report_row_licence"))
        batch_op.drop_index(batch_op.f("ix_report_row_batch"))

    op.drop_table("report_row")
    with op.batch_alter_table("showing_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_showing_code_good_until"))
        batch_op.drop_index(batch_op.f("ix_showing_code_account"))

    op.drop_table("showing_code")
    with op.batch_alter_table("showing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_showing_asked_by"))
        batch_op.drop_index(batch_op.f("ix_showing_account"))

    op.drop_table("showing")
    with op.batch_alter_table("licence_holder", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_licence_holder_code_index"))

    op.drop_table("licence_holder")
    with op.batch_alter_table("licence_event", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_licence_event_unrouted",
            postgresql_where=sa.text("routed_at IS NULL"),
            sqlite_where=sa.text("routed_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_licence_event_licence"))
        batch_op.drop_index(batch_op.f("ix_licence_event_at"))

    op.drop_table("licence_event")
    with op.batch_alter_table("licence_copy", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_licence_copy_made_by"))
        batch_op.drop_index(batch_op.f("ix_licence_copy_licence"))

    op.drop_table("licence_copy")
    with op.batch_alter_table("holder_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_holder_grant_office"))
        batch_op.drop_index(batch_op.f("ix_holder_grant_licence"))

    op.drop_table("holder_grant")
    with op.batch_alter_table("entrustment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entrustment_principal_index"))
        batch_op.drop_index(batch_op.f("ix_entrustment_agent"))

    op.drop_table("entrustment")
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dispute_raised_by"))
        batch_op.drop_index(batch_op.f("ix_dispute_licence"))
        batch_op.drop_index(batch_op.f("ix_dispute_authority"))

    op.drop_table("dispute")
    op.drop_table("bulk_receipt")
    op.drop_table("transfer_check")
    with op.batch_alter_table("joint_consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_joint_consent_authority"))

    op.drop_table("joint_consent")
    with op.batch_alter_table("item_binding", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_item_binding_open",
            sqlite_where=sa.text("until IS NULL"),
            postgresql_where=sa.text("until IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_item_binding_type_code"))
        batch_op.drop_index(batch_op.f("ix_item_binding_item"))

    op.drop_table("item_binding")
    with op.batch_alter_table("bulk_row", schema=None) as batch_op:
        batch_op.drop_index("ix_bulk_row_state")

    op.drop_table("bulk_row")
    op.drop_table("bulk_file")
    with op.batch_alter_table("application_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_step_application"))

    op.drop_table("application_step")
    op.drop_table("trust_list_held")
    with op.batch_alter_table("share_download", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_share_download_until"))

    op.drop_table("share_download")
    op.drop_table("share_count")
    with op.batch_alter_table("service_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_service_item_organisation"))

    op.drop_table("service_item")
    with op.batch_alter_table("received_batch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_received_batch_at"))

    op.drop_table("received_batch")
    with op.batch_alter_table("issuing_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_issuing_grant_acting"))

    op.drop_table("issuing_grant")
    with op.batch_alter_table("catalogue_row", schema=None) as batch_op:
        batch_op.drop_index("ix_catalogue_row_counts")

    op.drop_table("catalogue_row")
    with op.batch_alter_table("bulk_job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bulk_job_state"))
        batch_op.drop_index(batch_op.f("ix_bulk_job_entered_at"))

    op.drop_table("bulk_job")
    op.drop_table("witnessed_log")
    with op.batch_alter_table("webhook_subscription", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_subscription_next_at"))

    op.drop_table("webhook_subscription")
    with op.batch_alter_table("verification_slip", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verification_slip_made_by"))

    op.drop_table("verification_slip")
    with op.batch_alter_table("upstream_departure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_upstream_departure_expires_at"))

    op.drop_table("upstream_departure")
    op.drop_table("trust_service_notice")
    op.drop_table("trust_list_source")
    op.drop_table("trust_list_published")
    with op.batch_alter_table("trust_list_alarm", schema=None) as batch_op:
        batch_op.drop_index("ix_trust_list_alarm_open")

    op.drop_table("trust_list_alarm")
    with op.batch_alter_table("split_view", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_split_view_origin"))

    op.drop_table("split_view")
    with op.batch_alter_table("share_right", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_share_right_office"))
        batch_op.drop_index(batch_op.f("ix_share_right_client"))

    op.drop_table("share_right")
    op.drop_table("share_key")
    with op.batch_alter_table("share_call", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_share_call_office"))
        batch_op.drop_index(batch_op.f("ix_share_call_at"))
        batch_op.drop_index("ix_share_call_account_id")

    op.drop_table("share_call")
    op.drop_table("report_source")
    op.drop_table("report_count")
    with op.batch_alter_table("report_batch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_batch_next_at"))

    op.drop_table("report_batch")
    op.drop_table("region_login")
    with op.batch_alter_table("recognition_withdrawal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recognition_withdrawal_region"))

    op.drop_table("recognition_withdrawal")
    with op.batch_alter_table("recognition_seen", schema=None) as batch_op:
        batch_op.drop_index("ix_recognition_seen_issuer")

    op.drop_table("recognition_seen")
    with op.batch_alter_table("recognition_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recognition_rule_region"))

    op.drop_table("recognition_rule")
    op.drop_table("recognition_mapping")
    op.drop_table("peer_document")
    with op.batch_alter_table("peer_disagreement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_peer_disagreement_region"))

    op.drop_table("peer_disagreement")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisation_parent"))
        batch_op.drop_index(batch_op.f("ix_organisation_division"))

    op.drop_table("organisation")
    with op.batch_alter_table("licence_type_version", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_licence_type_version_slug",
            sqlite_where=sa.text("state = 'published'"),
            postgresql_where=sa.text("state = 'published'"),
        )
        batch_op.drop_index(
            "uq_licence_type_version_name",
            sqlite_where=sa.text("state = 'published'"),
            postgresql_where=sa.text("state = 'published'"),
        )
        batch_op.drop_index(
            "uq_licence_type_version_in_force",
            sqlite_where=sa.text("state = 'published'"),
            postgresql_where=sa.text("state = 'published'"),
        )
        batch_op.drop_index(
            "uq_licence_type_version_draft",
            sqlite_where=sa.text("state = 'draft'"),
            postgresql_where=sa.text("state = 'draft'"),
        )

    op.drop_table("licence_type_version")
    with op.batch_alter_table("kept_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kept_answer_made_at"))

    op.drop_table("kept_answer")
    with op.batch_alter_table("exchange_record", schema=None) as batch_op:
        batch_op.drop_index("ix_exchange_record_subject_at")
        batch_op.drop_index(batch_op.f("ix_exchange_record_question_id"))

    op.drop_table("exchange_record")
    op.drop_table("cosignature")
