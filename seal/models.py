"""Seals and their life."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class SealState(StrEnum):
    """The states of 电子印章管理办法 that a made seal can be in; approval comes before."""

    ACTIVE = "active"
    FROZEN = "frozen"
    CANCELLED = "cancelled"
    INVALID = "invalid"


class SealKind(StrEnum):
    STATUTORY = "statutory"
    LICENCE = "licence"  # 电子证照专用章


#: SES type numbers; the national table is not public, these follow what real seals carry.
KIND_NUMBERS = {SealKind.STATUTORY: 15, SealKind.LICENCE: 4}


class Seal(Base):
    """A seal that was made. Keys stay in the key store; `seal` is the SESeal (GB/T 38540)."""

    __tablename__ = "seal"

    es_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[SealKind] = mapped_column(String(20))
    owner: Mapped[str] = mapped_column(String(18), index=True)
    owner_name: Mapped[str] = mapped_column(String(200))
    state: Mapped[SealState] = mapped_column(String(12))
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    sm2_key: Mapped[str] = mapped_column(String(64))
    sm2_certificate: Mapped[bytes] = mapped_column(LargeBinary)
    rsa_key: Mapped[str] = mapped_column(String(64))
    rsa_certificate: Mapped[bytes] = mapped_column(LargeBinary)
    rsa_chain: Mapped[bytes] = mapped_column(LargeBinary)
    valid_from: Mapped[datetime] = mapped_column(UTCDateTime)
    valid_until: Mapped[datetime] = mapped_column(UTCDateTime)
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state_at: Mapped[datetime] = mapped_column(UTCDateTime)
