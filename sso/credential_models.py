"""What people prove themselves with, the tries that were counted, and the sessions that follow."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Dialect, ForeignKey, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from trust.db import Base, UTCDateTime


class Words(TypeDecorator[tuple[str, ...]]):
    """A short tuple of words, kept as a JSON array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(list(value), separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))


class PasswordCredential(Base):
    """An account's password. `temporary`: somebody else chose it, so its first use replaces it."""

    __tablename__ = "password_credential"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    hash: Mapped[str] = mapped_column(String(200))
    set_at: Mapped[datetime] = mapped_column(UTCDateTime)
    temporary: Mapped[bool] = mapped_column(default=False)


class PasswordHistory(Base):
    """A password that was; the newest few are kept so that it does not come back."""

    __tablename__ = "password_history"

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    hash: Mapped[str] = mapped_column(String(200))
    replaced_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Totp(Base):
    """An authenticator application (RFC 6238). Secrets are sealed in the vault.

    `secret` counts once `confirmed_at` is set; `pending` waits for its first code, so that an
    enrolment broken off leaves the old authenticator in force. `last_step` is the newest 30-second
    step a code was taken of.
    """

    __tablename__ = "totp"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_step: Mapped[int] = mapped_column(default=0)
    pending: Mapped[bytes | None] = mapped_column(LargeBinary)
    pending_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RecoveryCode(Base):
    """One of the ten codes kept on paper, as a keyed digest."""

    __tablename__ = "recovery_code"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Passkey(Base):
    """A WebAuthn credential. `public_key` is a COSE_Key; `sign_count` the last counter seen."""

    __tablename__ = "passkey"

    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(default=0)
    backup_eligible: Mapped[bool]
    backed_up: Mapped[bool]
    aaguid: Mapped[str] = mapped_column(String(36))
    transports: Mapped[tuple[str, ...]] = mapped_column(Words)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class CertificateCredential(Base):
    """A certificate somebody registered to sign in with. Digests are SHA-256."""

    __tablename__ = "certificate_credential"

    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    key_digest: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    name: Mapped[str] = mapped_column(String(200))
    algorithm: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Challenge(Base):
    """Random bytes somebody is to sign; deleted by the one who spends them.

    `purpose` says for what, `bound_to` is the digest of what it was made for: an interaction, an
    account's page.
    """

    __tablename__ = "sign_in_challenge"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    bound_to: Mapped[bytes] = mapped_column(LargeBinary(32))
    account: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class Throttle(Base):
    """Failed tries by what was tried from where. `digest` is of the kind, the who and the where.

    `account` is None when no such account exists. `locks` counts locks without a success between;
    each is twice as long as the last.
    """

    __tablename__ = "sign_in_throttle"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    account: Mapped[str | None] = mapped_column(String(64), index=True)
    failures: Mapped[int] = mapped_column(Integer)
    locks: Mapped[int] = mapped_column(Integer, default=0)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class KnownDevice(Base):
    """A browser from which the account's password was once given rightly."""

    __tablename__ = "known_device"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class QrLogin(Base):
    """A desktop that waits for a phone. `digest` is of the id the picture shows; `bound_to` of the
    interaction that may collect the answer."""

    __tablename__ = "qr_login"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    bound_to: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    desktop: Mapped[str] = mapped_column(String(200))
    number: Mapped[str] = mapped_column(String(2))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    account: Mapped[str | None] = mapped_column(String(64))
    methods: Mapped[tuple[str, ...] | None] = mapped_column(Words)
    approved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    denied_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class BrowserSession(Base):
    """Somebody signed in with one browser. `id` is the OIDC `sid`; `digest` is of the cookie.

    `methods` are amr values (RFC 8176); `acting_for` the account of the organisation that was
    chosen, `staff` whether the shorter idle time applies.
    """

    __tablename__ = "browser_session"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    auth_time: Mapped[datetime] = mapped_column(UTCDateTime)
    methods: Mapped[tuple[str, ...]] = mapped_column(Words)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    acting_for: Mapped[str | None] = mapped_column(ForeignKey("account.name"))
    user_agent: Mapped[str] = mapped_column(String(200))
    staff: Mapped[bool]
