"""Tables of the recognition policy: rules, mappings, withdrawals, what was seen of other regions.

Rows are appended; only a withdrawal is lifted, and a seen licence seen again.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class RecognitionRule(Base):
    """In force from `since` until a later row for the same region and type. `*` is any."""

    __tablename__ = "recognition_rule"

    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6), index=True)
    type_code: Mapped[str] = mapped_column(String(40))
    verdict: Mapped[str] = mapped_column(String(12))
    conditions: Mapped[dict[str, Any]] = mapped_column(JSON)
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    account: Mapped[str] = mapped_column(String(200))


class RecognitionMapping(Base):
    """How a region calls what the nation calls otherwise. `kind` is "type" or "field"."""

    __tablename__ = "recognition_mapping"
    __table_args__ = (UniqueConstraint("region", "kind", "local"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6))
    kind: Mapped[str] = mapped_column(String(8))
    local: Mapped[str] = mapped_column(String(80))
    national: Mapped[str] = mapped_column(String(80))


class RecognitionWithdrawal(Base):
    """`issuer` is a USCC, or empty for the whole region."""

    __tablename__ = "recognition_withdrawal"

    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6), index=True)
    issuer: Mapped[str] = mapped_column(String(18), default="")
    effective_at: Mapped[datetime] = mapped_column(UTCDateTime)
    compromised: Mapped[bool] = mapped_column(default=False)
    basis: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    account: Mapped[str] = mapped_column(String(200))
    lifted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ForeignLicenceSeen(Base):
    """A licence of another region that was verified here: so many times, last when. It holds no
    personal data, only the identifier."""

    __tablename__ = "recognition_seen"
    __table_args__ = (Index("ix_recognition_seen_issuer", "region", "issuer"),)

    identifier: Mapped[str] = mapped_column(String(80), primary_key=True)
    region: Mapped[str] = mapped_column(String(6), primary_key=True)
    type_code: Mapped[str] = mapped_column(String(40))
    issuer: Mapped[str] = mapped_column(String(18))
    issued_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    first_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime)
    times: Mapped[int] = mapped_column(default=1)
