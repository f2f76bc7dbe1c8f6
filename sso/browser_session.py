"""Sessions of browsers: begun by a proof, found by a cookie, ended by anyone of the account.

The cookie is 32 random bytes; the table keeps their SHA-256. An act that ends a session ends it in
the same transaction as what it was ended for, and audits that; nothing here is audited by itself.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from sso.credential_models import BrowserSession
from sso.models import Account
from sso.policy import Policy
from trust.crypto.hashes import sha256
from trust.errors import Unauthenticated

__all__ = [
    "BrowserSession", "SessionGone", "begin", "end", "end_all", "find", "lives", "of_account",
    "strengthen", "touch",
]  # fmt: skip

#: 32 bytes in base64url.
TOKEN_LENGTH = 43
#: A session is stamped at most so often: a page with ten pictures is one write.
STAMP_EVERY = timedelta(minutes=1)
_LONGEST_AGENT = 200


class SessionGone(Unauthenticated):
    """The session was ended, or its cookie replaced, while this request was under way."""

    code = "session_gone"


def begin(
    session: Session, account_name: str, *, methods: Sequence[str], at: datetime, policy: Policy,
    user_agent: str, staff: bool, acting_for: str | None = None, auth_time: datetime | None = None,
) -> tuple[str, BrowserSession]:  # fmt: skip
    """A new session and its cookie, which is not kept. `auth_time`: when the proof was given, if
    not now."""
    token = secrets.token_urlsafe(32)
    row = BrowserSession(
        id=secrets.token_urlsafe(16), digest=_digest(token), account=account_name,
        auth_time=auth_time or at, methods=tuple(methods), created_at=at, last_seen_at=at,
        acting_for=acting_for, user_agent=_printable(user_agent), staff=staff,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return token, row


# Built once: every page and every authorization request asks.
_FIND = (
    select(BrowserSession)
    .join(Account, Account.name == BrowserSession.account)
    .where(
        BrowserSession.digest == bindparam("wanted"),
        BrowserSession.ended_at.is_(None),
        Account.active,
    )
)


def find(session: Session, token: str, *, at: datetime, policy: Policy) -> BrowserSession | None:
    """The session of a cookie, if it lives and its account is open; reads only."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    row = session.scalar(_FIND, {"wanted": _digest(token)})
    return row if row is not None and lives(row, at=at, policy=policy) else None


def lives(row: BrowserSession, *, at: datetime, policy: Policy) -> bool:
    """Neither ended, nor idle too long, nor too old (GB/T 22239-2019, 8.1.4.1 b)."""
    idle = policy.staff_session_idle if row.staff else policy.session_idle
    return (
        row.ended_at is None
        and at < row.last_seen_at + idle
        and at < row.created_at + policy.session_lifetime
    )


def touch(session: Session, row: BrowserSession, *, at: datetime) -> None:
    """Note that the session was used; writes at most once a minute. Never brings one back."""
    if at - row.last_seen_at < STAMP_EVERY:
        return
    session.execute(
        update(BrowserSession)
        .where(
            BrowserSession.id == row.id,
            BrowserSession.ended_at.is_(None),
            BrowserSession.last_seen_at < at,
        )
        .values(last_seen_at=at)
    )


def strengthen(
    session: Session, row: BrowserSession, methods: Sequence[str], *, at: datetime
) -> str:
    """More was proved: the same session under a new cookie, which is returned.

    The old cookie dies with this statement, so one stolen before the proof is worth nothing after
    it. SessionGone when the session was ended, or another request was quicker.
    """
    token = secrets.token_urlsafe(32)
    found = session.scalar(
        update(BrowserSession)
        .where(
            BrowserSession.id == row.id,
            BrowserSession.digest == row.digest,
            BrowserSession.ended_at.is_(None),
        )
        .values(digest=_digest(token), methods=tuple(methods), auth_time=at, last_seen_at=at)
        .returning(BrowserSession.id)
    )
    if found is None:
        raise SessionGone("this session has ended; sign in again")
    session.refresh(row)
    return token


def end(session: Session, row: BrowserSession, *, at: datetime) -> bool:
    """End a session; whether this call did it."""
    found = session.scalar(
        update(BrowserSession)
        .where(BrowserSession.id == row.id, BrowserSession.ended_at.is_(None))
        .values(ended_at=at)
        .returning(BrowserSession.id)
    )
    return found is not None


def end_all(
    session: Session, account_name: str, *, at: datetime, except_id: str | None = None
) -> list[str]:
    """End the account's sessions, one may stay; the ids of those that this call ended."""
    ended = session.scalars(
        update(BrowserSession)
        .where(
            BrowserSession.account == account_name,
            BrowserSession.ended_at.is_(None),
            BrowserSession.id != (except_id or ""),
        )
        .values(ended_at=at)
        .returning(BrowserSession.id)
    )
    return sorted(ended)


def of_account(
    session: Session, account_name: str, *, at: datetime, policy: Policy
) -> list[BrowserSession]:
    """The living sessions, the last used first."""
    rows = session.scalars(
        select(BrowserSession)
        .where(
            BrowserSession.account == account_name,
            BrowserSession.ended_at.is_(None),
            BrowserSession.created_at > at - policy.session_lifetime,
        )
        .order_by(BrowserSession.last_seen_at.desc(), BrowserSession.id)
        .limit(200)
    )
    return [row for row in rows if lives(row, at=at, policy=policy)]


def _digest(token: str) -> bytes:
    return sha256(token.encode())


def _printable(text: str) -> str:
    """What a browser says of itself, cut and without what no page should show."""
    return "".join(c for c in text[:_LONGEST_AGENT] if c.isprintable())
