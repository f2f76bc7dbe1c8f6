"""Tokens made: access tokens (RFC 9068) and ID tokens (OIDC Core, 2), signed through the key store.

No access token has a row: what ends one early is its grant, or its `jti` in `revoked_token`.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sso import jose, signing_keys, subjects
from sso.client import Client
from sso.provider import Provider
from trust.crypto.algorithms import by_jose
from trust.crypto.hashes import digest
from trust.crypto.jose import b64url

ACCESS_TYPE: Final = "at+jwt"
ID_TYPE: Final = "JWT"


@dataclass(frozen=True, slots=True)
class Bound:
    """The key or certificate without which an access token is worth nothing."""

    jkt: str | None = None
    x5t: str | None = None

    @property
    def confirmation(self) -> dict[str, str]:
        """`cnf` (RFC 9449, 6.1; RFC 8705, 3.1)."""
        found = {"jkt": self.jkt, "x5t#S256": self.x5t}
        return {name: value for name, value in found.items() if value is not None}


UNBOUND: Final = Bound()


@dataclass(frozen=True, slots=True)
class Authorized:
    """What a person allowed a platform, as one token request uses it.

    `subject` is the `sub` this platform knows; `more` the claims its ID token was asked to hold.
    """

    grant_id: str
    account: str
    subject: str
    scope: str
    auth_time: datetime
    acr: str
    amr: Sequence[str]
    sid: str | None = None
    nonce: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def access_token(
    provider: Provider, client: Client, *, audience: Sequence[str], scope: str, bound: Bound,
    at: datetime, authorized: Authorized | None = None,
) -> str:  # fmt: skip
    """A JWT access token; without `authorized` it speaks for the platform itself."""
    now = int(at.timestamp())
    claims: dict[str, Any] = {
        "iss": provider.issuer,
        "sub": authorized.subject if authorized else client.client_id,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "client_id": client.client_id,
        "iat": now,
        "exp": now + int(provider.policy.access_token_lifetime.total_seconds()),
        "jti": secrets.token_urlsafe(16),
    }
    if scope:
        claims["scope"] = scope
    if authorized is not None:
        claims |= {
            "gid": authorized.grant_id, "auth_time": int(authorized.auth_time.timestamp()),
            "acr": authorized.acr, "amr": list(authorized.amr),
        }  # fmt: skip
    if bound.confirmation:
        claims["cnf"] = bound.confirmation
    key = signing_keys.active(provider, client.access_token_alg, at=at)
    return jose.sign_jwt(provider.keys, key, claims, typ=ACCESS_TYPE)


def id_token(
    provider: Provider, client: Client, authorized: Authorized, *, at: datetime,
    access_token: str,
) -> str:  # fmt: skip
    """An ID token for a platform, with the algorithm that it registered."""
    now = int(at.timestamp())
    claims: dict[str, Any] = {
        **authorized.more,
        "iss": provider.issuer,
        "sub": authorized.subject,
        "aud": client.client_id,
        "azp": client.client_id,
        "iat": now,
        "exp": now + int(provider.policy.id_token_lifetime.total_seconds()),
        "auth_time": int(authorized.auth_time.timestamp()),
        "acr": authorized.acr,
        "amr": list(authorized.amr),
        "at_hash": half_hash(access_token, alg=client.id_token_alg),
    }
    if authorized.nonce is not None:
        claims["nonce"] = authorized.nonce
    if authorized.sid is not None:
        claims["sid"] = authorized.sid
    key = signing_keys.active(provider, client.id_token_alg, at=at)
    return jose.sign_jwt(provider.keys, key, claims, typ=ID_TYPE)


def half_hash(token: str, *, alg: str) -> str:
    """`at_hash`: the left half of the digest that goes with the signature (OIDC Core, 3.1.3.6)."""
    found = digest(by_jose(alg).row.digest, token.encode("ascii"))
    return b64url(found[: len(found) // 2])


def response(
    provider: Provider, client: Client, *, audience: Sequence[str], scope: str, bound: Bound,
    at: datetime, authorized: Authorized | None = None, refresh_token: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The body of a token response (RFC 6749, 5.1; OIDC Core, 3.1.3.3)."""
    token = access_token(
        provider, client, audience=audience, scope=scope, bound=bound, at=at,
        authorized=authorized,
    )  # fmt: skip
    body: dict[str, Any] = {
        "access_token": token,
        "token_type": "DPoP" if bound.jkt else "Bearer",
        "expires_in": int(provider.policy.access_token_lifetime.total_seconds()),
    }
    if scope:
        body["scope"] = scope
    if refresh_token is not None:
        body["refresh_token"] = refresh_token
    if authorized is not None and "openid" in scope.split():
        body["id_token"] = id_token(provider, client, authorized, at=at, access_token=token)
    return body


def subject(provider: Provider, client: Client, account_sub: str) -> str:
    return subjects.subject(client, account_sub, provider.vault)
