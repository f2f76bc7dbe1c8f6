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
    RETURNED = "returned"
    CHECKED = "checked"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    ISSUING = "issuing"
    ISSUED = "issued"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ApplicationKind(StrEnum):
    """Why a licence is asked for. All but NEW and STOCK cite the licence that it follows."""

    NEW = "new"
    REISSUE = "reissue"
    TRANSFER_IN = "transfer_in"
    STOCK = "stock"


class Application(Base):
    """What a holder asked for, as checked content.

    `joint` are the authorities that seal besides `authority`; `acting` the one whose people act
    for it by a grant; `previous` the identifier of the licence that this one follows; `system` the
    client that handed it in; `revision` counts how often its content was written.
    """

    __tablename__ = "application"
    __table_args__ = (
        Index("ix_application_authority_state_entered_at", "authority", "state", "entered_at"),
        Index("ix_application_acting_state_entered_at", "acting", "state", "entered_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    type_code: Mapped[str] = mapped_column(String(21))
    authority: Mapped[str] = mapped_column(ForeignKey("authority.code"))
    state: Mapped[ApplicationState] = mapped_column(String(12))
    type_version: Mapped[str] = mapped_column(String(3), default="001", server_default="001")
    kind: Mapped[ApplicationKind] = mapped_column(
        String(16), default=ApplicationKind.NEW, server_default="new"
    )
    joint: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    acting: Mapped[str | None] = mapped_column(String(18))
    previous: Mapped[str | None] = mapped_column(String(200))
    paper_number: Mapped[str | None] = mapped_column(String(128))
    item_code: Mapped[str | None] = mapped_column(String(64))
    case_number: Mapped[str | None] = mapped_column(String(64), index=True)
    system: Mapped[str] = mapped_column(String(64), default="trust", server_default="trust")
    content_box: Mapped[bytes] = mapped_column(LargeBinary)
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    entered_by: Mapped[str] = mapped_column(String(64))
    entered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ApplicationStep(Base):
    """One step of an application's way: who, when, and why where a reason is owed."""

    __tablename__ = "application_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    application: Mapped[UUID] = mapped_column(ForeignKey("application.id"), index=True)
    state: Mapped[ApplicationState] = mapped_column(String(12))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(String(500), default="")


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
    type_version: Mapped[str] = mapped_column(String(3), default="001", server_default="001")
    joint: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")
    previous: Mapped[str | None] = mapped_column(String(200), index=True)
    paper_number: Mapped[str | None] = mapped_column(String(128), index=True)
    item_code: Mapped[str | None] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(String(128), index=True)
    authority: Mapped[str] = mapped_column(ForeignKey("authority.code"))
    holder_index: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    holder_public: Mapped[str] = mapped_column(String(400))
    content_box: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
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


class LicenceHolder(Base):
    """One of a licence's holders by the keyed hash of their code; `position` counts from 0."""

    __tablename__ = "licence_holder"

    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    code_index: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)


class StateChange(Base):
    """One step of a licence's life: no state without actor and reason. `basis` is the provision
    of law that the act rests on, `cause` why one was cancelled: 1 ordinary, 2 issued in error."""

    __tablename__ = "state_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"), index=True)
    state: Mapped[LicenceState] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(500))
    basis: Mapped[str] = mapped_column(String(300), default="", server_default="")
    cause: Mapped[str] = mapped_column(String(1), default="", server_default="")


class StatusShard(Base):
    """A status list and how its indexes are handed out: `step * n + start mod capacity`.

    Both are secret and random, so that neighbours in a list were not issued one after the other.
    """

    __tablename__ = "status_shard"

    number: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int]
    start: Mapped[int]
    used: Mapped[int]
    capacity: Mapped[int] = mapped_column(server_default="131072")


class Counter(Base):
    """Sequences that licence numbers are made of."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[int]


Json = dict[str, Any]
