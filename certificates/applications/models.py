"""What goes with an application: joint consents, leave to act for another authority, the check of a
licence that comes from another region, answers kept for a repeat."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class JointConsent(Base):
    """An authority that seals besides the first one. The row is there from the entry on; `by` and
    `at` are empty until one of its approvers has agreed, and again after a return."""

    __tablename__ = "joint_consent"

    application: Mapped[UUID] = mapped_column(ForeignKey("application.id"), primary_key=True)
    authority: Mapped[str] = mapped_column(
        ForeignKey("authority.code"), primary_key=True, index=True
    )
    position: Mapped[int]
    by: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class IssuingGrant(Base):
    """Leave of `authority` for the people of `acting` to handle its applications of these types.

    In force from `since` until before `until`, unless ended earlier.
    """

    __tablename__ = "issuing_grant"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    authority: Mapped[str] = mapped_column(ForeignKey("authority.code"))
    acting: Mapped[str] = mapped_column(ForeignKey("authority.code"), index=True)
    types: Mapped[list[str]] = mapped_column(JSON)
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    until: Mapped[datetime] = mapped_column(UTCDateTime)
    basis: Mapped[str] = mapped_column(String(300))
    granted_by: Mapped[str] = mapped_column(String(64))
    granted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class TransferCheck(Base):
    """What was found of the other region's licence that an application follows.

    `outcome` is PASSED or INDETERMINATE, FAILED is refused before; `findings` are codes of
    docs/report.md. A reviewer who lets an INDETERMINATE one pass says why: `reason`, `settled_by`.
    `licence` is the other region's identifier while the application stands: one licence comes over
    once.
    """

    __tablename__ = "transfer_check"

    application: Mapped[UUID] = mapped_column(ForeignKey("application.id"), primary_key=True)
    licence: Mapped[str | None] = mapped_column(String(200), unique=True)
    outcome: Mapped[str] = mapped_column(String(13))
    how: Mapped[str] = mapped_column(String(8))
    region: Mapped[str] = mapped_column(String(6))
    findings: Mapped[list[str]] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    reason: Mapped[str | None] = mapped_column(String(500))
    settled_by: Mapped[str | None] = mapped_column(String(64))
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class KeptAnswer(Base):
    """The answer to a request that came with an Idempotency-Key. Rows go after a week, at upkeep.

    `caller` is the account; `body` JSON without personal data.
    """

    __tablename__ = "kept_answer"

    caller: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    request_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int | None]
    location: Mapped[str | None] = mapped_column(String(300))
    body: Mapped[str | None]
    made_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
