"""Accounts: who may log in and act here, for whom, in which roles."""

import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trust.db import Base, UTCDateTime


class AccountKind(StrEnum):
    """What stands behind an account: a person (自然人), a body with a USCC (法人), or a system of
    an authority (sso.machines), with which nobody ever logs in."""

    NATURAL = "natural"
    LEGAL = "legal"
    MACHINE = "machine"


def new_subject() -> str:
    """22 characters that name an account to other platforms, and tell nothing about it."""
    return secrets.token_urlsafe(16)


class Account(Base):
    """One login. Staff are natural persons with roles; an agent (经办人) is a natural person to
    whom a legal person's account gave an `Agency`.

    `display_name` may be shown to anyone who may see the account: a body's name, a staff member's
    title, a citizen's name masked. What is personal lies sealed in `particulars` (sso.particulars)
    and is found by the keyed hashes `key_index` (document type and number, or USCC: the one key),
    `mobile_index` and `email_index`.
    """

    __tablename__ = "account"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    sub: Mapped[str] = mapped_column(String(22), unique=True, default=new_subject)
    kind: Mapped[str] = mapped_column(String(8), default=AccountKind.NATURAL)
    display_name: Mapped[str] = mapped_column(String(100))
    authority: Mapped[str | None] = mapped_column(String(18), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    key_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    mobile_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    email_index: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    particulars: Mapped[bytes | None] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    roles: Mapped[list["AccountRole"]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class AccountRole(Base):
    """One role of an account (codes in docs/roles.md)."""

    __tablename__ = "account_role"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    role: Mapped[str] = mapped_column(String(32), primary_key=True)
