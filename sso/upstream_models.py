"""Tables of other identity systems through which people log in here."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, false
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class Upstream(Base):
    """An OpenID Provider that this one relies on: a department's, or another region's.

    `secret` is sealed in the vault. `levels` maps the acr values it sends to our levels; what is
    not in it counts as 0. `level_cap` is the highest it is believed. `creates`: people who are not
    known here yet get an account. `by_key`: it knows us by a key of ours and not by a secret
    (private_key_jwt). A login that is worth less than `level_min` is refused.
    """

    __tablename__ = "upstream"

    slug: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    issuer: Mapped[str] = mapped_column(String(200), unique=True)
    client_id: Mapped[str] = mapped_column(String(200))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    scope: Mapped[str] = mapped_column(String(300))
    levels: Mapped[dict[str, int]] = mapped_column(JSON)
    level_cap: Mapped[int]
    level_min: Mapped[int] = mapped_column(default=0, server_default="0")
    by_key: Mapped[bool] = mapped_column(default=False, server_default=false())
    creates: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class UpstreamLogin(Base):
    """A login under way at an upstream: found by its `state`, of one browser, used once."""

    __tablename__ = "upstream_login"

    state: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    upstream: Mapped[str] = mapped_column(ForeignKey("upstream.slug"))
    browser: Mapped[bytes] = mapped_column(LargeBinary(32))
    interaction: Mapped[bytes] = mapped_column(LargeBinary)
    secrets: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class UpstreamLink(Base):
    """Whom an upstream's subject is here."""

    __tablename__ = "upstream_link"

    upstream: Mapped[str] = mapped_column(ForeignKey("upstream.slug"), primary_key=True)
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    linked_at: Mapped[datetime] = mapped_column(UTCDateTime)


class UpstreamSession(Base):
    """Which login here came of which session there, so that a logout there ends it here: the
    browser sessions of `account` whose proof is of `auth_time`."""

    __tablename__ = "upstream_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    upstream: Mapped[str] = mapped_column(ForeignKey("upstream.slug"))
    sid: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"))
    auth_time: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    #: The ID token of that login, sealed: by it the upstream knows which session is to end there.
    hint: Mapped[bytes | None] = mapped_column(LargeBinary)


class UpstreamDeparture(Base):
    """Somebody who logged out here is logged out at an upstream as well, and comes back by this
    `state`, once; `goes_to` (sealed) is where they were going."""

    __tablename__ = "upstream_departure"

    state: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    goes_to: Mapped[bytes | None] = mapped_column(LargeBinary)
    client_id: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class UsedLogoutToken(Base):
    """A logout token of an upstream that was taken: its `jti` counts once."""

    __tablename__ = "used_logout_token"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class RegionLogin(Base):
    """A region whose people log in here, and ours there, because its trust list and our policy say
    so: the upstream and the client of one name were made by that and are kept in step with it.
    `ended_at` since when they are switched off, and `reason` why (server.region_login)."""

    __tablename__ = "region_login"

    region: Mapped[str] = mapped_column(String(6), primary_key=True)
    issuer: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(100))
    level_min: Mapped[int]
    connected_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str] = mapped_column(String(40), default="")
