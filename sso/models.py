"""Accounts: who may act here, for whom, in which roles."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trust.db import Base, UTCDateTime


class Account(Base):
    """A person who acts for an authority (or for the platform, when `authority` is None).

    There are no credentials yet: accounts act by command, on the machine.
    """

    __tablename__ = "account"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    display_name: Mapped[str] = mapped_column(String(100))
    authority: Mapped[str | None] = mapped_column(String(18), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    roles: Mapped[list["AccountRole"]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class AccountRole(Base):
    """One role of an account (codes in docs/roles.md)."""

    __tablename__ = "account_role"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    role: Mapped[str] = mapped_column(String(32), primary_key=True)
