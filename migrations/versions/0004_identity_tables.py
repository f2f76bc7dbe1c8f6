"""identity: credentials, sessions, platforms, grants, tokens, other identity systems

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

import trust.db

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "client",
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("sector", sa.String(length=255), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("previous_secret_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("previous_secret_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("registration_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("fapi", sa.Boolean(), nullable=False),
        sa.Column("first_party", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client")),
    )
    with op.batch_alter_table("client", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_client_name"), ["name"], unique=False)

    op.create_table(
        "one_time_code",
        sa.Column("recipient", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("issued_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", "purpose", name=op.f("pk_one_time_code")),
    )
    with op.batch_alter_table("one_time_code", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_one_time_code_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "qr_login",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("bound_to", sa.LargeBinary(length=32), nullable=False),
        sa.Column("desktop", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=2), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("methods", sa.Text(), nullable=True),
        sa.Column("approved_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("denied_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_qr_login")),
    )
    with op.batch_alter_table("qr_login", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_qr_login_bound_to"), ["bound_to"], unique=False)
        batch_op.create_index(batch_op.f("ix_qr_login_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "revoked_token",
        sa.Column("jti", sa.String(length=22), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_revoked_token")),
    )
    with op.batch_alter_table("revoked_token", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_revoked_token_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "sign_in_challenge",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("bound_to", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_challenge")),
    )
    with op.batch_alter_table("sign_in_challenge", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sign_in_challenge_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "sign_in_throttle",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locks", sa.Integer(), nullable=False),
        sa.Column("last_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("locked_until", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("told_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_throttle")),
    )
    with op.batch_alter_table("sign_in_throttle", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_throttle_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_in_throttle_last_at"), ["last_at"], unique=False)

    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("alg", sa.String(length=16), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("spki", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("retired_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("removed_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_key")),
        sa.UniqueConstraint("key_id", name=op.f("uq_signing_key_key_id")),
    )
    with op.batch_alter_table("signing_key", schema=None) as batch_op:
        batch_op.create_index(
            "uq_signing_key_active",
            ["alg"],
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

    op.create_table(
        "upstream",
        sa.Column("slug", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("client_id", sa.String(length=200), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("scope", sa.String(length=300), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("level_cap", sa.Integer(), nullable=False),
        sa.Column("creates", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_upstream")),
        sa.UniqueConstraint("issuer", name=op.f("uq_upstream_issuer")),
    )
    op.create_table(
        "used_logout_token",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_logout_token")),
    )
    with op.batch_alter_table("used_logout_token", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_used_logout_token_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "used_proof",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_proof")),
    )
    with op.batch_alter_table("used_proof", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_used_proof_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "agency",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("capacity", sa.String(length=24), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("not_before", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("not_after", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("granted_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agent"], ["account.name"], name=op.f("fk_agency_agent_account")),
        sa.ForeignKeyConstraint(
            ["organisation"], ["account.name"], name=op.f("fk_agency_organisation_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
    )
    with op.batch_alter_table("agency", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agency_agent"), ["agent"], unique=False)
        batch_op.create_index(batch_op.f("ix_agency_organisation"), ["organisation"], unique=False)

    op.create_table(
        "browser_session",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("auth_time", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("methods", sa.Text(), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("acting_for", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.Column("staff", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_browser_session_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["acting_for"], ["account.name"], name=op.f("fk_browser_session_acting_for_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_browser_session_digest")),
    )
    with op.batch_alter_table("browser_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_browser_session_account"), ["account"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_browser_session_last_seen_at"), ["last_seen_at"], unique=False
        )

    op.create_table(
        "certificate_credential",
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("algorithm", sa.String(length=32), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_certificate_credential_account_account")
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_certificate_credential")),
    )
    with op.batch_alter_table("certificate_credential", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_certificate_credential_account"), ["account"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_certificate_credential_key_digest"), ["key_digest"], unique=False
        )

    op.create_table(
        "check_try",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=24), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_check_try_account_account")
        ),
        sa.PrimaryKeyConstraint("account", "method", name=op.f("pk_check_try")),
    )
    op.create_table(
        "consent",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_consent_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_consent_client_id_client")
        ),
        sa.PrimaryKeyConstraint("account", "client_id", name=op.f("pk_consent")),
    )
    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=24), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.LargeBinary(length=32), nullable=True),
        sa.Column("obtained_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_evidence_account_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_account_level", ["account", "level"], unique=False)

    op.create_table(
        "grant",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("session_id", sa.String(length=22), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("acting_for", sa.String(length=64), nullable=True),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_grant_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["acting_for"], ["account.name"], name=op.f("fk_grant_acting_for_account")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_grant_client_id_client")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant")),
    )
    with op.batch_alter_table("grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grant_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_grant_client_id"), ["client_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_grant_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_grant_session_id"), ["session_id"], unique=False)

    op.create_table(
        "interaction",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("next_path", sa.String(length=500), nullable=True),
        sa.Column("device_code", sa.String(length=64), nullable=True),
        sa.Column("browser", sa.LargeBinary(length=32), nullable=True),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("methods", sa.Text(), nullable=False),
        sa.Column("proved_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("acting_for", sa.String(length=64), nullable=True),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("consented", sa.Boolean(), nullable=False),
        sa.Column("declined", sa.Boolean(), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_interaction_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["acting_for"], ["account.name"], name=op.f("fk_interaction_acting_for_account")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_interaction_client_id_client")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_interaction")),
    )
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_interaction_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "known_device",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("last_seen_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_known_device_account_account")
        ),
        sa.PrimaryKeyConstraint("account", "digest", name=op.f("pk_known_device")),
    )
    with op.batch_alter_table("known_device", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_known_device_last_seen_at"), ["last_seen_at"], unique=False
        )

    op.create_table(
        "logout_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("sid", sa.String(length=22), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("next_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("given_up_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_logout_delivery_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_logout_delivery_client_id_client")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logout_delivery")),
    )
    with op.batch_alter_table("logout_delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_logout_delivery_account"), ["account"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_logout_delivery_client_id"), ["client_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_logout_delivery_next_at"), ["next_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_logout_delivery_sid"), ["sid"], unique=False)

    op.create_table(
        "passkey",
        sa.Column("credential_id", sa.LargeBinary(length=1023), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("backup_eligible", sa.Boolean(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("aaguid", sa.String(length=36), nullable=False),
        sa.Column("transports", sa.Text(), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_passkey_account_account")
        ),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_passkey")),
    )
    with op.batch_alter_table("passkey", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_passkey_account"), ["account"], unique=False)

    op.create_table(
        "password_credential",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=200), nullable=False),
        sa.Column("set_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("temporary", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_password_credential_account_account")
        ),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_password_credential")),
    )
    op.create_table(
        "password_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=200), nullable=False),
        sa.Column("replaced_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_password_history_account_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_history")),
    )
    with op.batch_alter_table("password_history", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_password_history_account"), ["account"], unique=False)

    op.create_table(
        "pushed_request",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_pushed_request_client_id_client")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pushed_request")),
    )
    with op.batch_alter_table("pushed_request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_pushed_request_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "recovery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("cancel_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("begun_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ready_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("proved_level", sa.Integer(), nullable=False),
        sa.Column("proved_by", sa.String(length=24), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("cancelled_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("completed_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_recovery_account_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery")),
        sa.UniqueConstraint("cancel_digest", name=op.f("uq_recovery_cancel_digest")),
        sa.UniqueConstraint("digest", name=op.f("uq_recovery_digest")),
    )
    with op.batch_alter_table("recovery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recovery_account"), ["account"], unique=False)

    op.create_table(
        "recovery_code",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_recovery_code_account_account")
        ),
        sa.PrimaryKeyConstraint("account", "digest", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "totp",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("pending", sa.LargeBinary(), nullable=True),
        sa.Column("pending_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_totp_account_account")
        ),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_totp")),
    )
    op.create_table(
        "upstream_link",
        sa.Column("upstream", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("linked_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_upstream_link_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["upstream"], ["upstream.slug"], name=op.f("fk_upstream_link_upstream_upstream")
        ),
        sa.PrimaryKeyConstraint("upstream", "subject", name=op.f("pk_upstream_link")),
    )
    with op.batch_alter_table("upstream_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_upstream_link_account"), ["account"], unique=False)

    op.create_table(
        "upstream_login",
        sa.Column("state", sa.LargeBinary(length=32), nullable=False),
        sa.Column("upstream", sa.String(length=32), nullable=False),
        sa.Column("browser", sa.LargeBinary(length=32), nullable=False),
        sa.Column("interaction", sa.LargeBinary(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["upstream"], ["upstream.slug"], name=op.f("fk_upstream_login_upstream_upstream")
        ),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_upstream_login")),
    )
    with op.batch_alter_table("upstream_login", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_upstream_login_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "upstream_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("upstream", sa.String(length=32), nullable=False),
        sa.Column("sid", sa.LargeBinary(length=32), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("auth_time", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_upstream_session_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["upstream"], ["upstream.slug"], name=op.f("fk_upstream_session_upstream_upstream")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upstream_session")),
    )
    with op.batch_alter_table("upstream_session", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_upstream_session_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_upstream_session_sid"), ["sid"], unique=False)
        batch_op.create_index(batch_op.f("ix_upstream_session_subject"), ["subject"], unique=False)

    op.create_table(
        "used_assertion",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_used_assertion_client_id_client")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_assertion")),
    )
    with op.batch_alter_table("used_assertion", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_used_assertion_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "authorization_code",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("grant_id", sa.String(length=22), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.String(length=43), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("auth_time", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("acr", sa.String(length=40), nullable=False),
        sa.Column("amr", sa.JSON(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("resource", sa.JSON(), nullable=False),
        sa.Column("sid", sa.String(length=22), nullable=True),
        sa.Column("dpop_jkt", sa.String(length=43), nullable=True),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_authorization_code_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_authorization_code_client_id_client")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["grant.id"],
            name=op.f("fk_authorization_code_grant_id_grant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_authorization_code")),
    )
    with op.batch_alter_table("authorization_code", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_authorization_code_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_authorization_code_grant_id"), ["grant_id"], unique=False
        )

    op.create_table(
        "device_code",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_code", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("resource", sa.JSON(), nullable=False),
        sa.Column("created_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("polled_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("grant_id", sa.String(length=22), nullable=True),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("approval", sa.JSON(), nullable=True),
        sa.Column("approved_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("denied_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_device_code_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_device_code_client_id_client")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["grant.id"],
            name=op.f("fk_device_code_grant_id_grant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_device_code")),
        sa.UniqueConstraint("user_code", name=op.f("uq_device_code_user_code")),
    )
    with op.batch_alter_table("device_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_code_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("family", sa.LargeBinary(length=32), nullable=False),
        sa.Column("grant_id", sa.String(length=22), nullable=False),
        sa.Column("client_id", sa.String(length=100), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("resource", sa.JSON(), nullable=False),
        sa.Column("sid", sa.String(length=22), nullable=True),
        sa.Column("acr", sa.String(length=40), nullable=False),
        sa.Column("amr", sa.JSON(), nullable=False),
        sa.Column("auth_time", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("jkt", sa.String(length=43), nullable=True),
        sa.Column("x5t", sa.String(length=43), nullable=True),
        sa.Column("issued_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("used_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.Column("successor", sa.LargeBinary(), nullable=True),
        sa.Column("revoked_at", trust.db.UTCDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account"], ["account.name"], name=op.f("fk_refresh_token_account_account")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_refresh_token_client_id_client")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["grant.id"],
            name=op.f("fk_refresh_token_grant_id_grant"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_token")),
    )
    with op.batch_alter_table("refresh_token", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_refresh_token_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_refresh_token_family"), ["family"], unique=False)
        batch_op.create_index(batch_op.f("ix_refresh_token_grant_id"), ["grant_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("refresh_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refresh_token_grant_id"))
        batch_op.drop_index(batch_op.f("ix_refresh_token_family"))
        batch_op.drop_index(batch_op.f("ix_refresh_token_expires_at"))

    op.drop_table("refresh_token")
    with op.batch_alter_table("device_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_code_expires_at"))

    op.drop_table("device_code")
    with op.batch_alter_table("authorization_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_authorization_code_grant_id"))
        batch_op.drop_index(batch_op.f("ix_authorization_code_expires_at"))

    op.drop_table("authorization_code")
    with op.batch_alter_table("used_assertion", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_used_assertion_expires_at"))

    op.drop_table("used_assertion")
    with op.batch_alter_table("upstream_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_upstream_session_subject"))
        batch_op.drop_index(batch_op.f("ix_upstream_session_sid"))
        batch_op.drop_index(batch_op.f("ix_upstream_session_expires_at"))

    op.drop_table("upstream_session")
    with op.batch_alter_table("upstream_login", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_upstream_login_expires_at"))

    op.drop_table("upstream_login")
    with op.batch_alter_table("upstream_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_upstream_link_account"))

    op.drop_table("upstream_link")
    op.drop_table("totp")
    op.drop_table("recovery_code")
    with op.batch_alter_table("recovery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recovery_account"))

    op.drop_table("recovery")
    with op.batch_alter_table("pushed_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pushed_request_expires_at"))

    op.drop_table("pushed_request")
    with op.batch_alter_table("password_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_password_history_account"))

    op.drop_table("password_history")
    op.drop_table("password_credential")
    with op.batch_alter_table("passkey", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_passkey_account"))

    op.drop_table("passkey")
    with op.batch_alter_table("logout_delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_logout_delivery_sid"))
        batch_op.drop_index(batch_op.f("ix_logout_delivery_next_at"))
        batch_op.drop_index(batch_op.f("ix_logout_delivery_client_id"))
        batch_op.drop_index(batch_op.f("ix_logout_delivery_account"))

    op.drop_table("logout_delivery")
    with op.batch_alter_table("known_device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_known_device_last_seen_at"))

    op.drop_table("known_device")
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_interaction_expires_at"))

    op.drop_table("interaction")
    with op.batch_alter_table("grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grant_session_id"))
        batch_op.drop_index(batch_op.f("ix_grant_created_at"))
        batch_op.drop_index(batch_op.f("ix_grant_client_id"))
        batch_op.drop_index(batch_op.f("ix_grant_account"))

    op.drop_table("grant")
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.drop_index("ix_evidence_account_level")

    op.drop_table("evidence")
    op.drop_table("consent")
    op.drop_table("check_try")
    with op.batch_alter_table("certificate_credential", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificate_credential_key_digest"))
        batch_op.drop_index(batch_op.f("ix_certificate_credential_account"))

    op.drop_table("certificate_credential")
    with op.batch_alter_table("browser_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_browser_session_last_seen_at"))
        batch_op.drop_index(batch_op.f("ix_browser_session_account"))

    op.drop_table("browser_session")
    with op.batch_alter_table("agency", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agency_organisation"))
        batch_op.drop_index(batch_op.f("ix_agency_agent"))

    op.drop_table("agency")
    with op.batch_alter_table("used_proof", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_used_proof_expires_at"))

    op.drop_table("used_proof")
    with op.batch_alter_table("used_logout_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_used_logout_token_expires_at"))

    op.drop_table("used_logout_token")
    op.drop_table("upstream")
    with op.batch_alter_table("signing_key", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_signing_key_active",
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        )

    op.drop_table("signing_key")
    with op.batch_alter_table("sign_in_throttle", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_throttle_last_at"))
        batch_op.drop_index(batch_op.f("ix_sign_in_throttle_account"))

    op.drop_table("sign_in_throttle")
    with op.batch_alter_table("sign_in_challenge", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_challenge_expires_at"))

    op.drop_table("sign_in_challenge")
    with op.batch_alter_table("revoked_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_revoked_token_expires_at"))

    op.drop_table("revoked_token")
    with op.batch_alter_table("qr_login", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_qr_login_expires_at"))
        batch_op.drop_index(batch_op.f("ix_qr_login_bound_to"))

    op.drop_table("qr_login")
    with op.batch_alter_table("one_time_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_one_time_code_expires_at"))

    op.drop_table("one_time_code")
    with op.batch_alter_table("client", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_client_name"))

    op.drop_table("client")
