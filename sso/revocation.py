"""Token revocation (RFC 7009): a platform gives back what it does not need any more."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, cast

from sqlalchemy import Executable, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from sso import access_tokens, client_authentication, grants, refresh
from sso.client import Client
from sso.jose import InvalidToken
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from sso.tally import of_client
from sso.token_models import RevokedToken
from trust import audit

PATH: Final = "/oauth2/revoke"
_TABLE: Final = cast(Table, RevokedToken.__table__)
_ADD: Final[dict[str, Executable]] = {
    "sqlite": sqlite_insert(_TABLE).on_conflict_do_nothing(),
    "postgresql": postgresql_insert(_TABLE).on_conflict_do_nothing(),
}


def revoke(
    provider: Provider, headers: Mapping[str, str], form: Mapping[str, str], *, at: datetime,
    certificate: bytes | None = None,
) -> None:  # fmt: skip
    """End a token of the client that asks. One that is unknown, or not its own, is no error (RFC
    7009, 2.2): the caller learns nothing. OAuthError for the rest.

    A refresh token takes its grant with it, and so every access token of it.
    """
    client = client_authentication.authenticate(
        provider, headers, form, at=at, endpoint=provider.issuer + PATH, certificate=certificate
    )
    token = form.get("token")
    if token is None:
        raise OAuthError("invalid_request", "token is missing")
    if len(token) == refresh.LENGTH:
        with provider.sessions.begin() as session:
            _end_refresh_token(session, client, token, at=at)
        return
    try:
        claims = access_tokens.read(provider, token, at=at)
    except InvalidToken:
        return
    if claims["client_id"] != client.client_id:
        return
    with provider.sessions.begin() as session:
        ends = datetime.fromtimestamp(claims["exp"], UTC)
        _end_access_token(session, client, str(claims["jti"]), ends=ends, at=at)


def _end_refresh_token(session: Session, client: Client, token: str, *, at: datetime) -> None:
    row = refresh.find(session, token)
    if row is None or row.client_id != client.client_id:
        return
    refresh.end_family(session, row.family, at=at)
    grants.revoke_grant(session, row.grant_id, at=at, reason="given back")
    details: dict[str, audit.JSON] = {"grant": row.grant_id, "kind": "refresh_token"}
    _record(session, client, row.account, details, at=at)


def _end_access_token(
    session: Session, client: Client, jti: str, *, ends: datetime, at: datetime
) -> None:
    add = _ADD[session.get_bind().dialect.name]
    session.connection().execute(add, {"jti": jti, "expires_at": ends})
    details: dict[str, audit.JSON] = {"jti": jti, "kind": "access_token"}
    _record(session, client, client.client_id, details, at=at)


def _record(
    session: Session, client: Client, subject: str, details: dict[str, audit.JSON], *, at: datetime
) -> None:
    by = of_client(client.client_id)
    audit.record(session, "token.revoked", subject=subject, by=by, at=at, details=details)
