"""What a seal's life leaves behind: applications, each step with actor and reason, versions."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Float, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from seal.models import SealKind
from trust.db import Base, UTCDateTime


class RequestState(StrEnum):
    """Where an application for a seal is; from MADE on the seal's own state goes on."""

    APPLIED = "applied"
    APPROVED = "approved"
    REFUSED = "refused"
    MADE = "made"


class SealRequest(Base):
    """An application for a seal, checked and drawn, so that what is approved is what is made.

    `picture` is SVG of our own form. `slot` is what only one seal of its owner may have (a
    statutory name, a department …); it is NULL for kinds of which there may be several, and once
    the application is refused or the seal has ended.
    """

    __tablename__ = "seal_request"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    es_id: Mapped[str | None] = mapped_column(ForeignKey("seal.es_id"), unique=True)
    owner: Mapped[str] = mapped_column(String(18), index=True)
    owner_name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[SealKind] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    picture: Mapped[bytes] = mapped_column(LargeBinary)
    drawn: Mapped[bool]
    width_mm: Mapped[float] = mapped_column(Float)
    height_mm: Mapped[float] = mapped_column(Float)
    slot: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    state: Mapped[RequestState] = mapped_column(String(12))
    applied_by: Mapped[str] = mapped_column(String(64))
    applied_at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class SealStep(Base):
    """One step of a life: who, when, why. Before the seal is made `seal` is NULL; `request` is
    NULL for seals older than applications."""

    __tablename__ = "seal_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    request: Mapped[UUID | None] = mapped_column(ForeignKey("seal_request.id"), index=True)
    seal: Mapped[str | None] = mapped_column(ForeignKey("seal.es_id"), index=True)
    state: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(500))


class SealVersion(Base):
    """A form that a seal had before it was made anew under the same es_id: what it sealed then is
    judged by these certificates still."""

    __tablename__ = "seal_version"

    es_id: Mapped[str] = mapped_column(ForeignKey("seal.es_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    sm2_key: Mapped[str] = mapped_column(String(64))
    sm2_certificate: Mapped[bytes] = mapped_column(LargeBinary)
    rsa_key: Mapped[str] = mapped_column(String(64))
    rsa_certificate: Mapped[bytes] = mapped_column(LargeBinary)
    valid_from: Mapped[datetime] = mapped_column(UTCDateTime)
    valid_until: Mapped[datetime] = mapped_column(UTCDateTime)
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    replaced_at: Mapped[datetime] = mapped_column(UTCDateTime)
