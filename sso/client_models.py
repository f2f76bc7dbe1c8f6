"""Tables of the platforms registered here."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class ClientRow(Base):
    """One platform. `details` are its metadata in the names of RFC 7591, as they were checked;
    secrets and tokens are here as SHA-256 digests only."""

    __tablename__ = "client"

    client_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    details: Mapped[dict[str, object]] = mapped_column(JSON)
    sector: Mapped[str] = mapped_column(String(255), default="")
    secret_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    previous_secret_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    previous_secret_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: RFC 7592: who holds this token may read and change the registration.
    registration_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    fapi: Mapped[bool] = mapped_column(default=False)
    first_party: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    #: Who acts when the platform calls for itself (sso.machines); one platform to an account.
    machine_account: Mapped[str | None] = mapped_column(ForeignKey("account.name"), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class UsedAssertion(Base):
    """A client assertion that was taken: its `jti` counts once (RFC 7523, 3, point 7)."""

    __tablename__ = "used_assertion"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
