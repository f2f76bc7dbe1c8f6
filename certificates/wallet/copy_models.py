"""Purpose-marked copies (加注件): the register of those that were made."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class LicenceCopy(Base):
    """A copy made for one use. `number` is its own, on its page and in its claim; `digest` is SM3
    of its licence.json, `file_digest` SHA-256 of its file; `maker` who it was made for, in words
    (JZJZZZ), `made_by` the account that had it made."""

    __tablename__ = "licence_copy"

    number: Mapped[str] = mapped_column(String(40), primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"), index=True)
    cause: Mapped[str] = mapped_column(String(200))
    item_code: Mapped[str] = mapped_column(String(64))
    matter: Mapped[str] = mapped_column(String(200))
    system: Mapped[str] = mapped_column(String(64))
    maker: Mapped[str] = mapped_column(String(200))
    made_by: Mapped[str] = mapped_column(String(64), index=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    until: Mapped[datetime] = mapped_column(UTCDateTime)
    claim: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    file_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
