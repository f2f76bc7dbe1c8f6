"""What a CA remembers: its issuers, every certificate it meant to sign, every CRL it gave out."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class CertificateState(StrEnum):
    """RESERVED is an intention recorded before signing: a crash leaves it, never a stray key.

    HELD is revoked for the time being (RFC 5280, 5.3.1, certificateHold); only it can go back.
    """

    RESERVED = "reserved"
    ISSUED = "issued"
    HELD = "held"
    REVOKED = "revoked"
    ABANDONED = "abandoned"


class Issuer(Base):
    """A CA key with its certificate. `algorithm` is what it signs with.

    Certificates made from now on are spread over `shards` CRLs beneath `shard_url`; 1 is none.
    """

    __tablename__ = "ca_issuer"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(20))
    key_id: Mapped[str] = mapped_column(String(64), unique=True)
    parent: Mapped[str | None] = mapped_column(ForeignKey("ca_issuer.name"))
    certificate: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    shards: Mapped[int] = mapped_column(default=1, server_default="1")
    shard_url: Mapped[str | None] = mapped_column(String(200))


class Certificate(Base):
    """One serial number. `der` is empty until signed; `renews` is the serial it took over from.

    `shard` is the partition of CRLs that the certificate itself names, for good.
    """

    __tablename__ = "ca_certificate"
    __table_args__ = (
        UniqueConstraint("issuer", "serial"),
        Index("ix_ca_certificate_revoked", "issuer", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(String(64))
    serial: Mapped[str] = mapped_column(String(40))
    profile: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(400))
    state: Mapped[CertificateState] = mapped_column(String(12))
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    not_after: Mapped[datetime] = mapped_column(UTCDateTime)
    der: Mapped[bytes | None] = mapped_column(LargeBinary)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[int | None]
    renews: Mapped[str | None] = mapped_column(String(40))
    shard: Mapped[int | None]


class Crl(Base):
    """A CRL as it was handed out; numbers never go back (RFC 5280, 5.2.3). The complete one has no
    `shard`, and of those made together the highest number."""

    __tablename__ = "ca_crl"
    __table_args__ = (UniqueConstraint("issuer", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(ForeignKey("ca_issuer.name"))
    number: Mapped[int]
    this_update: Mapped[datetime] = mapped_column(UTCDateTime)
    next_update: Mapped[datetime] = mapped_column(UTCDateTime)
    der: Mapped[bytes] = mapped_column(LargeBinary)
    shard: Mapped[int | None]


class Signer(Base):
    """A platform key with its certificate, for one purpose (a profile's name)."""

    __tablename__ = "signer"

    key_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(40), index=True)
    algorithm: Mapped[str] = mapped_column(String(20))
    issuer: Mapped[str] = mapped_column(ForeignKey("ca_issuer.name"))
    certificate: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Timestamp(Base):
    """A time-stamp that was handed out. The primary key keeps serial numbers from repeating, and
    the newest `at` shows a clock that was moved back, also after a restart."""

    __tablename__ = "ca_timestamp"

    serial: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    signer: Mapped[str] = mapped_column(String(64))
    policy: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(10))
    imprint: Mapped[bytes] = mapped_column(LargeBinary)
