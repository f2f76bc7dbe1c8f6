"""identity: accounts that log in

Revision ID: 0003
Revises: 0002
"""

import secrets

import sqlalchemy as sa
from alembic import op

import trust.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _extend_accounts()


def _extend_accounts() -> None:
    """Accounts made before get a subject of their own."""
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sub", sa.String(length=22), nullable=True))
        batch_op.add_column(
            sa.Column("kind", sa.String(length=8), nullable=False, server_default="natural")
        )
        batch_op.add_column(sa.Column("key_index", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("mobile_index", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("email_index", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("particulars", sa.LargeBinary(), nullable=True))
        batch_op.add_column(
            sa.Column("updated_at", trust.db.UTCDateTime(timezone=True), nullable=True)
        )
    connection = op.get_bind()
    account = sa.table("account", sa.column("name", sa.String), sa.column("sub", sa.String))
    for name in connection.scalars(sa.select(account.c.name)).all():
        connection.execute(
            sa.update(account).where(account.c.name == name).values(sub=secrets.token_urlsafe(16))
        )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.alter_column("sub", existing_type=sa.String(length=22), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_account_sub"), ["sub"])
        batch_op.create_unique_constraint(batch_op.f("uq_account_key_index"), ["key_index"])
        batch_op.create_unique_constraint(batch_op.f("uq_account_mobile_index"), ["mobile_index"])
        batch_op.create_index(batch_op.f("ix_account_email_index"), ["email_index"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_email_index"))
        batch_op.drop_constraint(batch_op.f("uq_account_mobile_index"), type_="unique")
        batch_op.drop_constraint(batch_op.f("uq_account_key_index"), type_="unique")
        batch_op.drop_constraint(batch_op.f("uq_account_sub"), type_="unique")
        for column in (
            "updated_at", "particulars", "email_index", "mobile_index", "key_index", "kind", "sub",
        ):  # fmt: skip
            batch_op.drop_column(column)
