"""What is known of people beyond their account: how sure, for whom they act, what is under way."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class Evidence(Base):
    """One reason to believe that an account is who it says; sso.assurance has the methods.

    `source` names who checked, `reference` is the SHA-256 of the number that the source gave the
    check. Evidence is never changed: what proved wrong is withdrawn.
    """

    __tablename__ = "evidence"
    __table_args__ = (Index("ix_evidence_account_level", "account", "level"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"))
    method: Mapped[str] = mapped_column(String(24))
    level: Mapped[int]
    source: Mapped[str] = mapped_column(String(64))
    reference: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    obtained_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class CheckTry(Base):
    """How often an account tried a registry check on a day (of China), so that names and numbers
    cannot be guessed against a registry."""

    __tablename__ = "check_try"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    method: Mapped[str] = mapped_column(String(24), primary_key=True)
    day: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int]


class Capacity(StrEnum):
    """In what capacity a person acts for an organisation: 法定代表人 or 经办人."""

    LEGAL_REPRESENTATIVE = "legal_representative"
    AGENT = "agent"


class Agency(Base):
    """A person may act for an organisation, in a scope, for a time.

    An agent's (经办人) always ends; a legal representative's may last until it is revoked.
    """

    __tablename__ = "agency"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    agent: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    capacity: Mapped[str] = mapped_column(String(24))
    scope: Mapped[str] = mapped_column(String(200))
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    not_after: Mapped[datetime | None] = mapped_column(UTCDateTime)
    granted_by: Mapped[str] = mapped_column(String(64))
    granted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class OneTimeCode(Base):
    """The newest code sent to one address for one purpose; a newer one takes its place.

    `recipient` is a keyed hash of the address, `digest` one of the code and all it is bound to.
    `sent` counts the codes of `day` (of China).
    """

    __tablename__ = "one_time_code"

    recipient: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    day: Mapped[str] = mapped_column(String(10))
    sent: Mapped[int]


class Recovery(Base):
    """A lost account on its way back to its holder; sso.recovery says in which steps.

    `digest` is the SHA-256 of the token held by whoever asked, `cancel_digest` that of the one sent
    to the account's own addresses. `proved_level` is what has been proved so far (-1: nothing).
    """

    __tablename__ = "recovery"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    cancel_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    begun_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ready_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    proved_level: Mapped[int] = mapped_column(default=-1)
    proved_by: Mapped[str] = mapped_column(String(24), default="")
    tries: Mapped[int] = mapped_column(default=0)
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
