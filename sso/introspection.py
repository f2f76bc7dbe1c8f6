"""Token introspection (RFC 7662): is this token good now, and what does it say. Never writes.

A platform may ask about its own tokens, and about those made for an audience that it is: then it is
the resource server. Of others' tokens it learns nothing, not even that they exist.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from sso import access_tokens, client_authentication, grant_state, jose, refresh, signing_keys
from sso.client import Client
from sso.jose import InvalidToken
from sso.oauth_errors import OAuthError, invalid_client
from sso.provider import Provider

PATH: Final = "/oauth2/introspect"
INACTIVE: Final = {"active": False}
JWT_TYPE: Final = "token-introspection+jwt"
JWT_MEDIA_TYPE: Final = "application/token-introspection+jwt"


def answer(
    provider: Provider, headers: Mapping[str, str], form: Mapping[str, str], *, at: datetime,
    certificate: bytes | None = None,
) -> dict[str, Any] | str:  # fmt: skip
    """The response: JSON, or a signed JWT (RFC 9701) when the request accepts that; OAuthError."""
    client = client_authentication.authenticate(
        provider, headers, form, at=at, endpoint=provider.issuer + PATH, certificate=certificate
    )
    if client.public:
        raise invalid_client("a public client cannot introspect")
    token = form.get("token")
    if token is None:
        raise OAuthError("invalid_request", "token is missing")
    with provider.reading() as session:
        found = look(session, provider, client, token, at=at)
    if headers.get("accept", "").strip().lower() == JWT_MEDIA_TYPE:
        return _signed(provider, client, found, at=at)
    return found


def look(
    session: Session, provider: Provider, client: Client, token: str, *, at: datetime
) -> dict[str, Any]:
    """What the client may know of the token; `{"active": false}` for anything it may not."""
    if len(token) == refresh.LENGTH:
        return _of_refresh_token(session, provider, client, token, at=at)
    try:
        found = access_tokens.judge(session, provider, token, at=at)
    except InvalidToken:
        return INACTIVE
    its_own = found.client.client_id == client.client_id
    if not its_own and set(found.audience).isdisjoint({client.client_id, *client.resources}):
        return INACTIVE
    return access_tokens.described(found)


def _of_refresh_token(
    session: Session, provider: Provider, client: Client, token: str, *, at: datetime
) -> dict[str, Any]:
    row = refresh.find(session, token)
    if row is None or row.client_id != client.client_id or row.expires_at <= at:
        return INACTIVE
    if row.used_at is not None or row.revoked_at is not None:
        return INACTIVE
    live = grant_state.find(session, row.grant_id)
    if live is None:
        return INACTIVE
    return {
        "active": True, "iss": provider.issuer, "client_id": client.client_id, "scope": row.scope,
        "iat": int(row.issued_at.timestamp()), "exp": int(row.expires_at.timestamp()),
    }  # fmt: skip


def _signed(provider: Provider, client: Client, found: dict[str, Any], *, at: datetime) -> str:
    alg = client.introspection_alg or client.id_token_alg
    claims = {
        "iss": provider.issuer, "aud": client.client_id, "iat": int(at.timestamp()),
        "token_introspection": found,
    }  # fmt: skip
    key = signing_keys.active(provider, alg, at=at)
    return jose.sign_jwt(provider.keys, key, claims, typ=JWT_TYPE)
