"""The ledger of uses: rows are added, never changed, and outlive their seal."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Float, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class UseResult(StrEnum):
    """What came of a use."""

    USED = "used"
    REFUSED = "refused"  # the key was not touched
    ABANDONED = "abandoned"  # allowed, but no document left the platform


class SealUse(Base):
    """One use or refused use. No foreign keys: a refusal may name what does not exist, and a row
    must never stand in the way of anything's end, nor go with it.

    `digest` is the SHA-256 of the sealed document; `page`, `x_mm`, `y_mm` where the seal's centre
    is; `time_stamp` the serial number of a time-stamp (RFC 3161), hexadecimal. `reason` is the code
    of the refusal.
    """

    __tablename__ = "seal_use"
    __table_args__ = (Index("ix_seal_use_seal", "seal", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    seal: Mapped[str] = mapped_column(String(32))
    operator: Mapped[str] = mapped_column(String(64))
    authority: Mapped[str | None] = mapped_column(String(18))
    system: Mapped[str] = mapped_column(String(100))
    grant: Mapped[UUID | None]
    type_code: Mapped[str] = mapped_column(String(21))
    item: Mapped[str] = mapped_column(String(100))
    case: Mapped[str] = mapped_column(String(100), index=True)
    document: Mapped[str] = mapped_column(String(200))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    page: Mapped[int | None]
    x_mm: Mapped[float | None] = mapped_column(Float)
    y_mm: Mapped[float | None] = mapped_column(Float)
    time_stamp: Mapped[str | None] = mapped_column(String(40))
    result: Mapped[UseResult] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(200))
