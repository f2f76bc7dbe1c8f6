"""Who may use a seal, how often on each day, and uses that want a second person's word."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from sso.models import Account
from trust.db import Base, UTCDateTime


class SealGrant(Base):
    """Leave to use a seal. Who: `account`, or whoever has `role` at the owner, and through which
    `system`; what for: `type_code`, `item`. NULL leaves that open, but not all three of who.

    `ceiling` is the most uses on one day of China (NULL: as many as there are); with
    `second_person` every use is first confirmed by somebody else.
    """

    __tablename__ = "seal_grant"
    __table_args__ = (
        CheckConstraint(
            "account IS NOT NULL OR role IS NOT NULL OR system IS NOT NULL", name="somebody"
        ),
        CheckConstraint("ceiling IS NULL OR ceiling > 0", name="ceiling"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seal: Mapped[str] = mapped_column(ForeignKey("seal.es_id"), index=True)
    account: Mapped[str | None] = mapped_column(ForeignKey(Account.name), index=True)
    role: Mapped[str | None] = mapped_column(String(32))
    system: Mapped[str | None] = mapped_column(String(100))
    type_code: Mapped[str | None] = mapped_column(String(21))
    item: Mapped[str | None] = mapped_column(String(100))
    valid_from: Mapped[datetime] = mapped_column(UTCDateTime)
    valid_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ceiling: Mapped[int | None]
    second_person: Mapped[bool]
    granted_by: Mapped[str] = mapped_column(String(64))
    granted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_by: Mapped[str | None] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class SealGrantDay(Base):
    """How often a grant with a ceiling was used on a day of China."""

    __tablename__ = "seal_grant_day"

    grant: Mapped[UUID] = mapped_column(ForeignKey("seal_grant.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    used: Mapped[int]


class UseState(StrEnum):
    """Where a use that wants a second person is."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    SPENT = "spent"


class SealUseRequest(Base):
    """One use asked for under a grant with `second_person`; `case` is what it is for."""

    __tablename__ = "seal_use_request"
    __table_args__ = (Index("ix_seal_use_request_case", "seal", "case"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    grant: Mapped[UUID] = mapped_column(ForeignKey("seal_grant.id"), index=True)
    seal: Mapped[str] = mapped_column(ForeignKey("seal.es_id"))
    case: Mapped[str] = mapped_column(String(100))
    document: Mapped[str] = mapped_column(String(200))
    state: Mapped[UseState] = mapped_column(String(12))
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    confirmed_by: Mapped[str | None] = mapped_column(String(64))
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    good_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
