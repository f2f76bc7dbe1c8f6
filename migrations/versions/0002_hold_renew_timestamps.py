"""renewal links, time-stamps, partitioned CRLs

Revision ID: 0002
Revises: 0001

The state "held" needs no change: states are text.
"""

import sqlalchemy as sa
from alembic import op

import trust.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ca_certificate", schema=None) as batch_op:
        batch_op.add_column(sa.Column("renews", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("shard", sa.Integer(), nullable=True))
    with op.batch_alter_table("ca_crl", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shard", sa.Integer(), nullable=True))
    with op.batch_alter_table("ca_issuer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shards", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("shard_url", sa.String(length=200), nullable=True))
    op.create_table(
        "ca_timestamp",
        sa.Column("serial", sa.String(length=32), nullable=False),
        sa.Column("at", trust.db.UTCDateTime(timezone=True), nullable=False),
        sa.Column("signer", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=10), nullable=False),
        sa.Column("imprint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_ca_timestamp")),
    )
    with op.batch_alter_table("ca_timestamp", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ca_timestamp_at"), ["at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("ca_timestamp", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ca_timestamp_at"))
    op.drop_table("ca_timestamp")
    for table, columns in (
        ("ca_certificate", ("renews", "shard")),
        ("ca_crl", ("shard",)),
        ("ca_issuer", ("shards", "shard_url")),
    ):
        for column in columns:
            op.drop_column(table, column)
