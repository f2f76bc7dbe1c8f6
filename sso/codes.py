"""Authorization codes (RFC 6749, 4.1.2): 43 random characters, one use, a minute at most."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import (
    JSON,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from trust.crypto.hashes import sha256
from trust.db import Base, UTCDateTime

#: 256 bits (RFC 6749, 10.10 asks for 128) in base64url.
CODE_LENGTH = 43


class AuthorizationCode(Base):
    """What a code stands for. The code itself is known to the platform only.

    `scope` is separated by spaces; `claims` is the claims parameter of the request, parsed;
    `resource` the audiences asked for; `sid` the browser session's id.
    """

    __tablename__ = "authorization_code"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"))
    grant_id: Mapped[str] = mapped_column(ForeignKey("grant.id", ondelete="CASCADE"), index=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"))
    redirect_uri: Mapped[str] = mapped_column(Text)
    code_challenge: Mapped[str | None] = mapped_column(String(43))
    nonce: Mapped[str | None] = mapped_column(Text)
    auth_time: Mapped[datetime] = mapped_column(UTCDateTime)
    acr: Mapped[str] = mapped_column(String(40))
    amr: Mapped[list[str]] = mapped_column(JSON)
    scope: Mapped[str] = mapped_column(Text)
    claims: Mapped[dict[str, Any]] = mapped_column(JSON)
    resource: Mapped[list[str]] = mapped_column(JSON)
    sid: Mapped[str | None] = mapped_column(String(22))
    dpop_jkt: Mapped[str | None] = mapped_column(String(43))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


# Built once: building a statement costs as much as running it.
_ADD = insert(cast(Table, AuthorizationCode.__table__))


@dataclass(frozen=True, slots=True)
class Authorized:
    """Everything a code shall stand for."""

    client_id: str
    grant_id: str
    account: str
    redirect_uri: str
    auth_time: datetime
    acr: str
    amr: Sequence[str]
    scope: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    resource: Sequence[str] = ()
    code_challenge: str | None = None
    nonce: str | None = None
    sid: str | None = None
    dpop_jkt: str | None = None


def issue(session: Session, authorized: Authorized, *, lifetime: timedelta, at: datetime) -> str:
    """A new code for a grant, in the caller's transaction."""
    code = secrets.token_urlsafe(32)
    session.connection().execute(
        _ADD,
        {
            "digest": _digest(code), "client_id": authorized.client_id,
            "grant_id": authorized.grant_id, "account": authorized.account,
            "redirect_uri": authorized.redirect_uri, "code_challenge": authorized.code_challenge,
            "nonce": authorized.nonce, "auth_time": authorized.auth_time, "acr": authorized.acr,
            "amr": list(authorized.amr), "scope": authorized.scope,
            "claims": dict(authorized.claims), "resource": list(authorized.resource),
            "sid": authorized.sid, "dpop_jkt": authorized.dpop_jkt, "expires_at": at + lifetime,
        },
    )  # fmt: skip
    return code


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a code that was just spent stands for; as in `AuthorizationCode`."""

    grant_id: str
    account: str
    redirect_uri: str
    code_challenge: str | None
    nonce: str | None
    auth_time: datetime
    acr: str
    amr: list[str]
    scope: str
    resource: list[str]
    sid: str | None
    dpop_jkt: str | None


_CODE: Final = cast(Table, AuthorizationCode.__table__)
# Built once, below the ORM: every login ends here.
_REDEEM: Final = (
    update(_CODE)
    .where(
        _CODE.c.digest == bindparam("wanted"),
        _CODE.c.client_id == bindparam("client"),
        _CODE.c.expires_at > bindparam("now"),
        _CODE.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"))
    .returning(*(_CODE.c[name] for name in Redeemed.__dataclass_fields__))
)


def redeem(session: Session, code: str, *, client_id: str, at: datetime) -> Redeemed | None:
    """Spend a code; None if it is unknown, expired, another client's or spent.

    One statement decides, so two requests can never both win (RFC 6749, 4.1.2). None and no
    exception: a code that comes twice must have its grant revoked and committed first.
    """
    if len(code) != CODE_LENGTH:
        return None
    values = {"wanted": _digest(code), "client": client_id, "now": at}
    row = session.connection().execute(_REDEEM, values).one_or_none()
    return None if row is None else Redeemed(*row)


def find_used(session: Session, code: str) -> AuthorizationCode | None:
    """A code that was spent before, whoever brings it now: its grant is to be revoked."""
    if len(code) != CODE_LENGTH:
        return None
    return session.scalar(
        select(AuthorizationCode).where(
            AuthorizationCode.digest == _digest(code), AuthorizationCode.used_at.is_not(None)
        )
    )


def _digest(code: str) -> bytes:
    return sha256(code.encode("utf-8", "replace"))
