"""Regions, authorities, applications, licences: what the registry remembers.

Personal data is sealed (`trust.vault`) in the columns called `*_box`; `holder_index` is the keyed
hash by which a holder's licences are found.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Date, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class Region(Base):
    """This deployment. One row; `code` is a division code (GB/T 2260)."""

    __tablename__ = "region"

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    base_url: Mapped[str] = mapped_column(String(40))
    claim_algorithm: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Authority(Base):
    """A department that issues. `types` are codes it may issue, `seal` the es_id it seals with."""

    __tablename__ = "authority"

    code: Mapped[str] = mapped_column(String(18), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    division: Mapped[str] = mapped_column(String(6))
    types: Mapped[list[str]] = mapped_column(JSON)
    seal: Mapped[str | None] = mapped_column(String(32))


class ApplicationState(StrEnum):
    ENTERED = "entered"
    APPROVED = "approved"
    ISSUING = "issuing"
    ISSUED = "issued"
    REFUSED = "refused"


class Application(Base):
    """What a holder asked for, as checked content."""

    __tablename__ = "application"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    type_code: Mapped[str] = mapped_column(String(21))
    authority: Mapped[str] = mapped_column(ForeignKey("authority.code"))
    state: Mapped[ApplicationState] = mapped_column(String(12))
    content_box: Mapped[bytes] = mapped_column(LargeBinary)
    entered_by: Mapped[str] = mapped_column(String(64))
    entered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Reservation(Base):
    """An issue that has begun: the identifier, status index and log leaf are taken.

    `owner` is host, process and its start; `lease_until` ends the wait for one that died.
    """

    __tablename__ = "reservation"
    __table_args__ = (UniqueConstraint("status_list", "status_index"),)

    identifier: Mapped[str] = mapped_column(String(200), primary_key=True)
    application: Mapped[UUID] = mapped_column(ForeignKey("application.id"), index=True)
    state: Mapped[str] = mapped_column(String(12))
    status_list: Mapped[int]
    status_index: Mapped[int]
    leaf_index: Mapped[int]
    owner: Mapped[str] = mapped_column(String(120))
    reserved_at: Mapped[datetime] = mapped_column(UTCDateTime)
    lease_until: Mapped[datetime] = mapped_column(UTCDateTime)


class LicenceState(StrEnum):
    """States of facts that void or suspend; expiry is computed from dates and never stored."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    RESCINDED = "rescinded"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    TRANSFERRED_OUT = "transferred_out"


class Licence(Base):
    """An issued licence. `digest` is SM3 of licence.json, `file_digest` SHA-256 of the file."""

    __tablename__ = "licence"
    __table_args__ = (
        UniqueConstraint("status_list", "status_index"),
        Index("ix_licence_not_active", "status_list", "state"),
    )

    identifier: Mapped[str] = mapped_column(String(200), primary_key=True)
    application: Mapped[UUID] = mapped_column(ForeignKey("application.id"), unique=True)
    type_code: Mapped[str] = mapped_column(String(21))
    number: Mapped[str] = mapped_column(String(128), index=True)
    authority: Mapped[str] = mapped_column(ForeignKey("authority.code"))
    holder_index: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    holder_public: Mapped[str] = mapped_column(String(400))
    content_box: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    file_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    claim: Mapped[str] = mapped_column(Text)
    status_list: Mapped[int]
    status_index: Mapped[int]
    leaf_index: Mapped[int]
    issued_on: Mapped[date] = mapped_column(Date)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    issued_by: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[LicenceState] = mapped_column(String(20))
    state_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StateChange(Base):
    """One step of a licence's life: no state without actor and reason."""

    __tablename__ = "state_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"), index=True)
    state: Mapped[LicenceState] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(500))


class StatusShard(Base):
    """A status list and how its indexes are handed out: `step * n + start mod CAPACITY`.

    Both are secret and random, so that neighbours in a list were not issued one after the other.
    """

    __tablename__ = "status_shard"

    number: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int]
    start: Mapped[int]
    used: Mapped[int]


class Counter(Base):
    """Sequences that licence numbers are made of."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[int]


Json = dict[str, Any]
