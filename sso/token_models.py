"""Tables behind tokens: our signing keys, refresh tokens, device codes, logout notices."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class SigningKeyRow(Base):
    """One key that signs or signed tokens. `alg` is its JOSE name, `kid` its RFC 7638 thumbprint,
    `key_id` its name in the key store. Retired keys sign nothing any more and stay published until
    their last token has ended; a removed one (lost, stolen) verifies nothing either."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    alg: Mapped[str] = mapped_column(String(16))
    key_id: Mapped[str] = mapped_column(String(64), unique=True)
    spki: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


#: One active key an algorithm, whichever process is first.
Index(
    "uq_signing_key_active", SigningKeyRow.alg, unique=True,
    sqlite_where=SigningKeyRow.retired_at.is_(None),
    postgresql_where=SigningKeyRow.retired_at.is_(None),
)  # fmt: skip


class RefreshToken(Base):
    """One refresh token, by the SHA-256 of it. `family` is the digest of the first of its line.

    `successor` is the token that took its place, sealed: it is given out again to the honest client
    whose parallel request came a moment too late. `jkt` and `x5t` are the key or certificate that
    must be shown with it (public clients, RFC 9449, 5, and RFC 8705, 4).
    """

    __tablename__ = "refresh_token"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    family: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    grant_id: Mapped[str] = mapped_column(ForeignKey("grant.id", ondelete="CASCADE"), index=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"))
    account: Mapped[str] = mapped_column(ForeignKey("account.name"))
    scope: Mapped[str] = mapped_column(Text)
    resource: Mapped[list[str]] = mapped_column(JSON)
    sid: Mapped[str | None] = mapped_column(String(22))
    acr: Mapped[str] = mapped_column(String(40))
    amr: Mapped[list[str]] = mapped_column(JSON)
    auth_time: Mapped[datetime] = mapped_column(UTCDateTime)
    jkt: Mapped[str | None] = mapped_column(String(43))
    x5t: Mapped[str | None] = mapped_column(String(43))
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    #: The end of the whole line, which no rotation moves.
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    successor: Mapped[bytes | None] = mapped_column(LargeBinary)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RevokedToken(Base):
    """An access token taken back by itself (RFC 7009); kept until it would have ended."""

    __tablename__ = "revoked_token"

    jti: Mapped[str] = mapped_column(String(22), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class UsedProof(Base):
    """A DPoP proof that was shown at the token endpoint (RFC 9449, 11.1)."""

    __tablename__ = "used_proof"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class DeviceCode(Base):
    """A device that waits for its user (RFC 8628), by the SHA-256 of its code. `user_code` is the
    keyed hash of what the person types: eight letters could be searched in plain hashes."""

    __tablename__ = "device_code"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_code: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"))
    scope: Mapped[str] = mapped_column(Text)
    resource: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    interval: Mapped[int]
    polled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    grant_id: Mapped[str | None] = mapped_column(ForeignKey("grant.id", ondelete="CASCADE"))
    account: Mapped[str | None] = mapped_column(ForeignKey("account.name"))
    approval: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    approved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    denied_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class LogoutDelivery(Base):
    """A back-channel logout notice on its way to one platform. `next_at` is when it is tried next,
    and also the lease of the process that tries it now."""

    __tablename__ = "logout_delivery"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"), index=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    sid: Mapped[str] = mapped_column(String(22), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    tried: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    delivered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    given_up_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(String(100))
