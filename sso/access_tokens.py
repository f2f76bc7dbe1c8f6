"""Access tokens judged: ours, in time, not taken back, and shown by whom they are bound to."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from sso import clients, grant_state, jose, signing_keys
from sso.client import Client
from sso.jose import JSON, InvalidToken, Jwt
from sso.live_grant import LiveGrant
from sso.provider import Provider
from sso.token_models import RevokedToken
from sso.tokens import ACCESS_TYPE

_REVOKED: Final = cast(Table, RevokedToken.__table__)
_IS_REVOKED: Final = select(_REVOKED.c.jti).where(_REVOKED.c.jti == bindparam("wanted"))


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that is good now. `live` is None where it speaks for the platform itself."""

    claims: JSON
    client: Client
    live: LiveGrant | None

    @property
    def scope(self) -> str:
        return str(self.claims.get("scope", ""))

    @property
    def audience(self) -> tuple[str, ...]:
        found = self.claims["aud"]
        return (found,) if isinstance(found, str) else tuple(found)

    @property
    def confirmation(self) -> dict[str, str]:
        """What it is bound to: jkt or x5t#S256, or nothing."""
        found: dict[str, str] = self.claims.get("cnf", {})
        return found


def read(provider: Provider, token: str, *, at: datetime) -> JSON:
    """The claims of an access token of ours that has not expired; InvalidToken. No database: what
    ended it early is `judge`'s to see."""
    jwt = jose.parse(token, algorithms=jose.SIGNING, typ=ACCESS_TYPE)
    key = signing_keys.by_kid(provider, jwt.kid, at=at)
    if key is None or key.alg != jwt.header["alg"]:
        raise InvalidToken("the token is not signed by a key of ours")
    claims = _verified(token, key.spki).claims
    if claims.get("iss") != provider.issuer or claims["exp"] <= at.timestamp():
        raise InvalidToken("the token has expired, or is not ours")
    return claims


@lru_cache(maxsize=4096)
def _verified(token: str, spki: bytes) -> Jwt:
    """A platform shows the same token many times; its signature is checked once.

    Nothing in it is believed for that: time, key and revocation are judged each time.
    """
    jwt = jose.parse(token, algorithms=jose.SIGNING, typ=ACCESS_TYPE)
    jose.check(jwt, spki)
    return jwt


def judge(session: Session, provider: Provider, token: str, *, at: datetime) -> AccessToken:
    """A token that is good at this moment, revocations counted; InvalidToken.

    Whether whoever shows it may is `authenticate`'s to see.
    """
    claims = read(provider, token, at=at)
    client = clients.find(provider.reading, str(claims["client_id"]))
    if client is None or not client.active:
        raise InvalidToken("the client of the token is not active")
    found = session.connection().execute(_IS_REVOKED, {"wanted": claims["jti"]}).first()
    if found is not None:
        raise InvalidToken("the token was revoked")
    live: LiveGrant | None = None
    if "gid" in claims:
        live = grant_state.find(session, claims["gid"])
        if live is None:
            raise InvalidToken("the access was taken back")
    return AccessToken(claims, client, live)


def described(token: AccessToken) -> dict[str, Any]:
    """What an introspection says of it (RFC 7662, 2.2)."""
    kept = (
        "iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope", "auth_time", "acr", "amr",
        "cnf",
    )  # fmt: skip
    found = {name: token.claims[name] for name in kept if name in token.claims}
    return {
        "active": True,
        "token_type": "DPoP" if "jkt" in token.confirmation else "Bearer",
    } | found
