"""Refresh tokens: 43 random characters that rotate, and a family that dies when one comes twice.

Parallel requests of an honest client look like theft. So a token that comes again within the grace
gets the *same* successor, as long as nobody has used that; after it, or when the successor was
used, the whole family and its grant are revoked (RFC 9700, 4.14.2). Platforms of FAPI 2.0 keep
theirs (FAPI 2.0, 5.3.2.1, point 9): theirs are bound to the key they authenticate with.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Row, Table, bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from sso import grants
from sso.client import Client
from sso.policy import Policy
from sso.tally import of_client
from sso.token_models import RefreshToken
from sso.tokens import Authorized, Bound
from trust import audit
from trust.crypto.hashes import sha256
from trust.vault import Vault

LENGTH: Final = 43
_TABLE: Final = cast(Table, RefreshToken.__table__)
_C: Final = _TABLE.c
_GOOD: Final = (
    _C.digest == bindparam("wanted"),
    _C.client_id == bindparam("of_client"),
    _C.used_at.is_(None),
    _C.revoked_at.is_(None),
    _C.expires_at > bindparam("now"),
    or_(_C.jkt.is_(None), _C.jkt == bindparam("shown_jkt")),
    or_(_C.x5t.is_(None), _C.x5t == bindparam("shown_x5t")),
)
# Built once: building a statement costs as much as running it.
_ADD: Final = insert(_TABLE)
_SPEND: Final = (
    update(_TABLE)
    .where(*_GOOD)
    .values(used_at=bindparam("now"), successor=bindparam("box"))
    .returning(*_C)
)
_LOOK: Final = select(_TABLE).where(*_GOOD)
_KNOWN: Final = select(_TABLE).where(_C.digest == bindparam("wanted"))
_KILL: Final = (
    update(_TABLE)
    .where(_C.family == bindparam("of_family"), _C.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A refresh token that was good: what it stands for, and the token to use from now on (None:
    the same as before)."""

    grant_id: str
    account: str
    scope: str
    resource: tuple[str, ...]
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    sid: str | None
    token: str | None = field(repr=False)


def issue(
    session: Session, client: Client, authorized: Authorized, *, resource: Sequence[str],
    bound: Bound, policy: Policy, at: datetime,
) -> str:  # fmt: skip
    """The first token of a family, in the caller's transaction.

    A public client's is bound to the key it showed; a confidential one authenticates anyway, and
    may change its key (RFC 9449, 5).
    """
    token = secrets.token_urlsafe(32)
    digest, ends_at = _digest(token), at + policy.refresh_token_lifetime
    expires_at = ends_at if client.fapi else min(at + policy.refresh_idle, ends_at)
    values = {
        "digest": digest, "family": digest, "grant_id": authorized.grant_id,
        "client_id": client.client_id, "account": authorized.account, "scope": authorized.scope,
        "resource": list(resource), "sid": authorized.sid, "acr": authorized.acr,
        "amr": list(authorized.amr), "auth_time": authorized.auth_time,
        "jkt": bound.jkt if client.public else None, "x5t": bound.x5t if client.public else None,
        "issued_at": at, "expires_at": expires_at, "ends_at": ends_at,
    }  # fmt: skip
    session.connection().execute(_ADD, values)
    return token


def spend(
    session: Session, vault: Vault, token: str, *, client: Client, bound: Bound, policy: Policy,
    at: datetime,
) -> Kept | None:  # fmt: skip
    """Take a refresh token; None if it is not good, and what its misuse demands is done.

    None and no exception: the caller commits a family's death before it refuses.
    """
    if len(token) != LENGTH or not token.isascii():
        return None
    digest, successor = _digest(token), secrets.token_urlsafe(32)
    wanted = {
        "wanted": digest, "of_client": client.client_id, "now": at, "shown_jkt": bound.jkt,
        "shown_x5t": bound.x5t,
    }  # fmt: skip
    if client.fapi:
        kept = session.connection().execute(_LOOK, wanted).first()
        return None if kept is None else _kept(kept, None)
    box = vault.seal(successor.encode(), context=_context(digest))
    row = session.connection().execute(_SPEND, {**wanted, "box": box}).first()
    if row is None:
        return _again(session, vault, digest, client=client, bound=bound, policy=policy, at=at)
    _succeed(session, row, successor, policy=policy, at=at)
    return _kept(row, successor)


def _succeed(
    session: Session, row: Row[Any], successor: str, *, policy: Policy, at: datetime
) -> None:
    values = dict(row._mapping) | {
        "digest": _digest(successor), "issued_at": at, "used_at": None, "successor": None,
        "expires_at": min(at + policy.refresh_idle, row.ends_at),
    }  # fmt: skip
    session.connection().execute(_ADD, values)


def _again(
    session: Session, vault: Vault, digest: bytes, *, client: Client, bound: Bound, policy: Policy,
    at: datetime,
) -> Kept | None:  # fmt: skip
    """A token that could not be spent: used before, or never good."""
    row = session.connection().execute(_KNOWN, {"wanted": digest}).first()
    if row is None or row.client_id != client.client_id or not _may_show(row, bound):
        return None
    if row.used_at is None or row.revoked_at is not None or row.successor is None:
        return None
    successor = vault.unseal(row.successor, context=_context(digest)).decode()
    if at - row.used_at <= policy.refresh_grace and _is_unused(session, successor):
        return _kept(row, successor)
    kill(session, row, at=at)
    return None


def _may_show(row: Row[Any], bound: Bound) -> bool:
    return row.jkt in (None, bound.jkt) and row.x5t in (None, bound.x5t)


def _is_unused(session: Session, successor: str) -> bool:
    row = session.connection().execute(_KNOWN, {"wanted": _digest(successor)}).first()
    return row is not None and row.used_at is None and row.revoked_at is None


def kill(session: Session, row: Row[Any], *, at: datetime) -> None:
    """A token came twice: its family and its grant end, in the caller's transaction, audited."""
    end_family(session, row.family, at=at)
    grants.revoke_grant(session, row.grant_id, at=at, reason="refresh token reused")
    details: dict[str, audit.JSON] = {"client": row.client_id, "grant": row.grant_id}
    audit.record(
        session, "token.reused", subject=row.account, by=of_client(row.client_id), at=at,
        details=details,
    )  # fmt: skip


def end_family(session: Session, family: bytes, *, at: datetime) -> None:
    """No token of the family is good any more."""
    session.connection().execute(_KILL, {"of_family": family, "now": at})


def find(session: Session, token: str) -> Row[Any] | None:
    """The row of a token, in whatever state it is; None if there is none."""
    if len(token) != LENGTH or not token.isascii():
        return None
    return session.connection().execute(_KNOWN, {"wanted": _digest(token)}).first()


def _kept(row: Row[Any], token: str | None) -> Kept:
    return Kept(
        row.grant_id, row.account, row.scope, tuple(row.resource), row.auth_time, row.acr,
        tuple(row.amr), row.sid, token,
    )  # fmt: skip


def _digest(token: str) -> bytes:
    return sha256(token.encode("ascii"))


def _context(digest: bytes) -> str:
    return f"refresh_token.successor:{digest.hex()}"
