"""What a CA remembers: its issuers, every certificate it meant to sign, every CRL it gave out."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime

#: What `Issuer.key_id` begins with where there is no key of ours to sign with: an outside CA, and a
#: CA of ours whose key was destroyed. No key store has a key of such a name.
OUTSIDE: Final = "outside."
DESTROYED: Final = "destroyed."


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

    Certificates made from now on are spread over `shards` CRLs beneath `shard_url`; 1 is none. An
    outside CA above one of ours, or above a key of ours, is a row too: see `outside`.
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

    @property
    def outside(self) -> bool:
        """Somebody else's CA: its certificate and CRLs are kept here, its key is not ours."""
        return self.key_id.startswith(OUTSIDE)

    @property
    def signs(self) -> bool:
        """Whether there is a key to sign certificates and CRLs with."""
        return not self.key_id.startswith((OUTSIDE, DESTROYED))


class OutsideAuthority(Base):
    """Where an outside CA (an `Issuer` that is `outside`) tells what it has revoked, and how the
    last question went: `told_until` is how long its answer holds, `problem` why there was none."""

    __tablename__ = "ca_outside"

    issuer: Mapped[str] = mapped_column(ForeignKey("ca_issuer.name"), primary_key=True)
    crl_url: Mapped[str | None] = mapped_column(String(400))
    ocsp_url: Mapped[str | None] = mapped_column(String(400))
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    told_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    problem: Mapped[str] = mapped_column(String(64), default="", server_default="")


class KeyRequest(Base):
    """A key of ours that an outside CA is asked to certify; `certificate` once it has. `purpose` is
    the profile it is meant for, `issuing` for a CA."""

    __tablename__ = "ca_key_request"

    key_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(40))
    algorithm: Mapped[str] = mapped_column(String(20))
    request: Mapped[bytes] = mapped_column(LargeBinary)
    requested_at: Mapped[datetime] = mapped_column(UTCDateTime)
    issuer: Mapped[str | None] = mapped_column(ForeignKey("ca_issuer.name"))
    certificate: Mapped[bytes | None] = mapped_column(LargeBinary)
    imported_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


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
