"""Seals that were made. How one comes to be, and what has been done with it: seal.life_models."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class SealState(StrEnum):
    """Where a made seal is in its life (电子印章管理办法); seal.life has the steps."""

    MADE = "made"
    FILED = "filed"
    ACTIVE = "active"
    FROZEN = "frozen"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    INVALID = "invalid"


class SealKind(StrEnum):
    """The kinds of the same rules; seal.seal_kinds says what goes for each."""

    STATUTORY = "statutory"  # 法定名称章
    DEPARTMENT = "department"  # 部门章
    BRANCH = "branch"  # 分支机构章
    LICENCE = "licence"  # 电子证照专用章
    SPECIAL = "special"  # 其他业务专用章
    PERSONAL = "personal"  # 个人名章, for the body's business


#: SES type numbers; the national table is not public. 15, 4 and 5 are what real seals carry, 99 is
#: "other" in the list that vendors share.
KIND_NUMBERS = {
    SealKind.STATUTORY: 15, SealKind.DEPARTMENT: 99, SealKind.BRANCH: 99, SealKind.LICENCE: 4,
    SealKind.SPECIAL: 99, SealKind.PERSONAL: 5,
}  # fmt: skip


class Seal(Base):
    """A seal as it seals now. Keys stay in the key store; `seal` is the SESeal (GB/T 38540).

    What it was before it was made anew is in `SealVersion`.
    """

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
