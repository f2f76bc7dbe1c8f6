"""An upstream says that somebody logged out there (Back-Channel Logout 1.0, 2.6)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sso import factors, logout, upstream_tokens
from sso.credential_models import BrowserSession
from sso.jwk import InvalidToken
from sso.provider import Provider
from sso.upstream_models import Upstream, UpstreamSession, UsedLogoutToken
from trust import audit
from trust.access import SYSTEM
from trust.crypto.errors import Malformed
from trust.crypto.hashes import sha256
from trust.crypto.jose import unb64url

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_MAX: Final = 16 * 1024
#: A token may be so old when it comes (2.6, step 4 leaves it to us).
AGE_MAX: Final = timedelta(minutes=10)
_ANY: Final[ColumnElement[bool]] = true()


def receive(provider: Provider, token: str, *, at: datetime) -> int:
    """End the sessions that a logout token names; how many. InvalidToken, OutgoingFailed.

    The logout travels on: platforms that were given tokens in these sessions are told.
    """
    known = _issuer_of(provider, token)
    claims = upstream_tokens.verify(provider, known, token, at=at, typ="logout+jwt")
    _check(claims, at=at)
    try:
        with provider.sessions.begin() as session:
            _use(session, known, claims, at=at)
            ended = _sessions(session, known, claims)
            for row in ended:
                logout.end_session(session, provider, row, by=SYSTEM, at=at)
            details: dict[str, audit.JSON] = {"sessions": len(ended)}
            audit.record(
                session, "upstream.logout", subject=known.slug, by=SYSTEM, at=at, details=details
            )
    except IntegrityError as error:
        raise InvalidToken("this logout token was used before") from error
    return len(ended)


def _issuer_of(provider: Provider, token: str) -> Upstream:
    """Whose token it claims to be: that decides by whose keys it is judged, and nothing else."""
    if len(token) > TOKEN_MAX or token.count(".") != 2:
        raise InvalidToken("not a logout token")
    try:
        claims = json.loads(unb64url(token.split(".")[1]))
        issuer = claims["iss"]
    except (Malformed, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidToken("not a logout token") from error
    with provider.reading() as session:
        known = session.scalar(
            select(Upstream).where(Upstream.issuer == str(issuer)[:200], Upstream.active)
        )
    if known is None:
        raise InvalidToken("the logout token is of no identity system connected here")
    return known


def _check(claims: Mapping[str, Any], *, at: datetime) -> None:
    """2.6, steps 4 to 8."""
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise InvalidToken("the token tells of no logout")
    if "nonce" in claims or not isinstance(claims.get("jti"), str):
        raise InvalidToken("a logout token has a jti and no nonce")
    if not isinstance(claims.get("sid"), str) and not isinstance(claims.get("sub"), str):
        raise InvalidToken("a logout token names a session or a subject")
    if datetime.fromtimestamp(int(claims["iat"]), UTC) < at - AGE_MAX:
        raise InvalidToken("the logout token is too old")


def _use(session: Session, known: Upstream, claims: Mapping[str, Any], *, at: datetime) -> None:
    digest = sha256(f"{known.slug}\0{claims['jti']}".encode())
    session.add(UsedLogoutToken(digest=digest, expires_at=at + 2 * AGE_MAX))
    session.flush()


def _sessions(session: Session, known: Upstream, claims: Mapping[str, Any]) -> list[BrowserSession]:
    """The living sessions here that came of the session or subject named."""
    named = _ANY
    if isinstance(claims.get("sid"), str):
        named &= UpstreamSession.sid == sha256(claims["sid"].encode())
    if isinstance(claims.get("sub"), str):
        named &= UpstreamSession.subject == sha256(claims["sub"].encode())
    return came_of(session, known.slug, named)


def came_of(session: Session, slug: str, named: ColumnElement[bool] = _ANY) -> list[BrowserSession]:
    """The living sessions here that came of an upstream's, or of those of them that are named."""
    found = session.scalars(
        select(BrowserSession)
        .join(
            UpstreamSession,
            (UpstreamSession.account == BrowserSession.account)
            & (UpstreamSession.auth_time == BrowserSession.auth_time),
        )
        .where(UpstreamSession.upstream == slug, named, BrowserSession.ended_at.is_(None))
    )
    return [row for row in set(found) if factors.federated(row.methods) is not None]
