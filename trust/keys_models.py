"""What is remembered of keys besides the keys themselves."""

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class KeyUse(Base):
    """How often a key has signed by an algorithm. Counted after the act and written in batches:
    a crash loses the last second's."""

    __tablename__ = "key_use"

    key_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(20), primary_key=True)
    uses: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime)


class KeyDestruction(Base):
    """A key's end. The row is there before the key is touched; `method` and `statement` come after,
    so that an end which a crash cut short is seen and finished."""

    __tablename__ = "key_destruction"

    key_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    spki: Mapped[bytes] = mapped_column(LargeBinary)
    place: Mapped[str] = mapped_column(String(80))
    by: Mapped[str] = mapped_column(String(64))
    witness: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(200))
    begun_at: Mapped[datetime] = mapped_column(UTCDateTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    method: Mapped[str | None] = mapped_column(String(200))
    statement: Mapped[str | None] = mapped_column(Text)
