"""Dynamic registration (RFC 7591, OIDC Registration 1.0) and its management (RFC 7592).

Off unless the deployment has set an initial access token. Who registered a platform holds a
registration access token, kept here as a digest; it is the only way to read or change it.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sso import client_metadata, clients
from sso.client import SECRET_METHODS, Client
from sso.client_models import ClientRow
from sso.grants import Grant
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from trust.access import SYSTEM
from trust.crypto.hashes import sha256
from trust.errors import NotFound, TrustError

PATH: Final = "/oauth2/register"
#: What the answer carries and a platform sends back (RFC 7592, 2.2).
_OURS: Final = frozenset(
    {
        "client_id", "client_secret", "client_id_issued_at", "client_secret_expires_at",
        "registration_access_token", "registration_client_uri",
    }
)  # fmt: skip


def register(
    provider: Provider, authorization: str, metadata: Mapping[str, object], *, at: datetime
) -> dict[str, Any]:
    """Register a platform and answer as RFC 7591, 3.2.1 says; OAuthError, or NotFound when dynamic
    registration is off."""
    _check_initial(provider, authorization)
    # An id of one's own choice could take the name of a platform that is only announced.
    offered = {name: value for name, value in metadata.items() if name not in _OURS}
    client = clients.checked(
        offered, "new", at=at, administered=False, policy=provider.policy
    )  # fmt: skip
    fetch_sector(provider, client)
    token = secrets.token_urlsafe(32)
    with provider.sessions.begin() as session:
        made = clients.add(
            session, offered, by=SYSTEM, at=at, administered=False, policy=provider.policy,
            registration_token=token,
        )  # fmt: skip
    return _answer(provider, made.client, token=token, secret=made.client_secret)


def read(provider: Provider, client_id: str, authorization: str) -> dict[str, Any]:
    """The registration as it is (RFC 7592, 2.1); the secret is not known here and not told."""
    token = _bearer(authorization)
    with provider.reading() as session:
        client = clients.client_of(_row(session, client_id, token))
    return _answer(provider, client, token=token)


def replace(
    provider: Provider, client_id: str, authorization: str, metadata: Mapping[str, object], *,
    at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Replace the metadata (RFC 7592, 2.2): what is left out falls back to its default."""
    token = _bearer(authorization)
    with provider.reading() as session:
        before = clients.client_of(_row(session, client_id, token))
    _check_own(before, metadata, at=at)
    offered = {name: value for name, value in metadata.items() if name not in _OURS}
    after = clients.checked(
        offered, client_id, at=at, fapi=before.fapi, administered=False, policy=provider.policy
    )
    if after.auth_method in SECRET_METHODS and before.secret_digest is None:
        raise OAuthError("invalid_client_metadata", "register anew to authenticate by a secret")
    fetch_sector(provider, after)
    with provider.sessions.begin() as session:
        _row(session, client_id, token)
        client = clients.change(
            session, client_id, offered, by=SYSTEM, at=at, administered=False,
            policy=provider.policy,
        )  # fmt: skip
    return _answer(provider, client, token=token)


def remove(provider: Provider, client_id: str, authorization: str, *, at: datetime) -> None:
    """End a registration (RFC 7592, 2.3): switched off, every grant revoked, the token void."""
    token = _bearer(authorization)
    with provider.sessions.begin() as session:
        row = _row(session, client_id, token)
        row.registration_digest = None
        session.execute(
            update(Grant)
            .where(Grant.client_id == client_id, Grant.revoked_at.is_(None))
            .values(revoked_at=at, revoked_reason="client removed"),
            execution_options={"synchronize_session": False},
        )
        clients.disable(session, client_id, by=SYSTEM, at=at)


def fetch_sector(provider: Provider, client: Client) -> None:
    """Ask the sector_identifier_uri whether the redirect URIs are its own (Core, 8.1); OAuthError.

    Outside any transaction: the other side takes its time.
    """
    if client.sector_identifier_uri is None:
        return
    try:
        document = provider.outgoing.fetch_json(client.sector_identifier_uri)
    except TrustError as error:
        raise OAuthError(
            "invalid_client_metadata", "the sector_identifier_uri cannot be fetched"
        ) from error
    client_metadata.check_sector_document(client, document)


def _check_initial(provider: Provider, authorization: str) -> None:
    expected = provider.policy.initial_access_token
    if expected is None:
        raise NotFound("dynamic registration is switched off")
    given = sha256(_bearer(authorization).encode("utf-8", "replace"))
    if not hmac.compare_digest(given, sha256(expected.encode())):
        raise _refused()


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization[:1000].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _refused()
    return token.strip()


def _row(session: Session, client_id: str, token: str) -> ClientRow:
    """The registration this token manages; whether the client exists is not told."""
    found = session.scalar(
        select(ClientRow).where(
            ClientRow.client_id == client_id[:100],
            ClientRow.active,
            ClientRow.registration_digest == sha256(token.encode("utf-8", "replace")),
        )
    )
    if found is None:
        raise _refused()
    return found


def _check_own(client: Client, metadata: Mapping[str, object], *, at: datetime) -> None:
    """What a platform sends back of ours must be right (RFC 7592, 2.2)."""
    if metadata.get("client_id") != client.client_id:
        raise OAuthError("invalid_client_metadata", "client_id must be that of the registration")
    secret = metadata.get("client_secret")
    if secret is not None and not clients.check_secret(client, str(secret)[:512], at=at):
        raise OAuthError("invalid_client_metadata", "client_secret cannot be chosen")


def _refused() -> OAuthError:
    challenge = (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
    return OAuthError("invalid_token", "the token does not allow this", status=401,
                      headers=challenge)  # fmt: skip


def _answer(
    provider: Provider, client: Client, *, token: str, secret: str | None = None
) -> dict[str, Any]:
    found = dict(client_metadata.metadata_of(client))
    if secret is not None:
        found |= {"client_secret": secret, "client_secret_expires_at": 0}
    found["registration_access_token"] = token
    found["registration_client_uri"] = f"{provider.issuer}{PATH}/{client.client_id}"
    return found
