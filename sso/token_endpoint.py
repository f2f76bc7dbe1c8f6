"""The token endpoint (RFC 6749, 3.2): one transaction a request, its outcome committed, then told.

A code whose PKCE verifier was wrong stays spent, a family that died stays dead: each grant's
transaction ends in a value, and only after the commit is a refusal raised or a token signed. A
crash between commit and answer leaves a code spent (the platform sends its user again) or a
refresh token used (its successor is given again within the grace).
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from sso import (
    client_authentication,
    codes,
    device,
    dpop,
    grant_state,
    grants,
    mutual_tls,
    refresh,
    resources,
    scopes,
    tally,
    tokens,
)
from sso.client import Client
from sso.codes import Redeemed
from sso.dpop import Headers, Proof
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from sso.token_request import Granted, TokenRequest, grant, told
from sso.tokens import Bound
from trust import audit
from trust.crypto.hashes import sha256
from trust.crypto.jose import b64url
from trust.group_commit import committed

PATH: Final = "/oauth2/token"
#: RFC 7636, 4.1.
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def answer(
    provider: Provider, headers: Mapping[str, str], form: Mapping[str, str], *, proofs: Headers,
    at: datetime, certificate: bytes | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The token response to a request, or OAuthError.

    `proofs` is where the DPoP headers are (`Headers.getlist`); `certificate` the client's (DER).
    """
    client = client_authentication.authenticate(
        provider, headers, form, at=at, certificate=certificate
    )
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise OAuthError("invalid_request", "grant_type is missing")
    exchange = _GRANTS.get(grant_type)
    if exchange is None:
        raise OAuthError("unsupported_grant_type", "no such grant type here")
    if grant_type not in client.grant_types:
        raise OAuthError("unauthorized_client", "this client may not use this grant type")
    proof = dpop.of_token_request(provider, proofs, endpoint=PATH, at=at)
    bound = _binding(client, proof, certificate)
    return exchange(TokenRequest(provider, client, form, at, bound, proof))


def _binding(client: Client, proof: Proof | None, certificate: bytes | None) -> Bound:
    if client.mtls_bound:
        if certificate is None:
            raise OAuthError("invalid_request", "this client's tokens are bound to a certificate")
        return Bound(x5t=mutual_tls.thumbprint(certificate))
    if proof is not None:
        return Bound(jkt=proof.jkt)
    if client.dpop_bound or client.fapi:
        # Not invalid_dpop_proof, which is for one that was sent (RFC 9449, 5).
        raise OAuthError("invalid_request", "this client's tokens need a DPoP proof")
    return tokens.UNBOUND


def _by_client_credentials(request: TokenRequest) -> dict[str, Any]:
    """RFC 6749, 4.4: a token for the platform itself. Nothing is written, but a proof is."""
    provider, client = request.provider, request.client
    if client.public:
        raise OAuthError("unauthorized_client", "a public client has no credentials")
    scope = _own_scope(client, request.form.get("scope"))
    audience = resources.audience(
        provider, request.form, granted=client.resources, default=provider.issuer
    )
    if request.proof is not None:
        with provider.sessions.begin() as session:
            request.spend_proof(session)
    tally.count(provider, client.client_id, "client_credentials", at=request.at)
    return tokens.response(
        provider, client, audience=audience, scope=scope, bound=request.bound, at=request.at
    )


def _own_scope(client: Client, wanted: str | None) -> str:
    """What a platform may ask for itself: no scope that speaks of a person."""
    allowed = client.scopes - set(scopes.SUPPORTED)
    if client.machine_account is not None:
        allowed |= client.scopes & {scopes.TRUST}
    if wanted is None:
        return " ".join(sorted(allowed))
    asked = dict.fromkeys(wanted.split())
    if not set(asked) <= allowed:
        raise OAuthError("invalid_scope", "a scope this client may not have for itself")
    return " ".join(asked)


def _by_code(request: TokenRequest) -> dict[str, Any]:
    """RFC 6749, 4.1.3."""
    code = request.form.get("code")
    if code is None:
        raise OAuthError("invalid_request", "code is missing")

    def redeem(session: Session) -> Granted | OAuthError:
        request.spend_proof(session)
        return _redeem(session, request, code)

    return told(request, committed(request.provider.sessions, redeem))


def _redeem(session: Session, request: TokenRequest, code: str) -> Granted | OAuthError:
    """Spend the code, then look whether it was the right one; the caller commits either way."""
    client, at = request.client, request.at
    row = codes.redeem(session, code, client_id=client.client_id, at=at)
    if row is None:
        _punish_replay(session, code, request)
        return OAuthError("invalid_grant", "the code is not good, or not any more")
    wrong = _what_is_wrong(request, row)
    if wrong:
        return OAuthError("invalid_grant", wrong)
    state = grant_state.find(session, row.grant_id)
    if state is None:
        return OAuthError("invalid_grant", "the access was taken back")
    try:
        audience = resources.audience(
            request.provider, request.form, granted=row.resource, default=request.provider.issuer
        )
    except OAuthError as error:
        return error
    authorized = grant_state.authorized(
        session, request.provider, client, state, scope=row.scope, auth_time=row.auth_time,
        acr=row.acr, amr=row.amr, sid=row.sid, nonce=row.nonce, at=at,
    )  # fmt: skip
    return grant(session, request, authorized, resource=tuple(row.resource), audience=audience)


def _punish_replay(session: Session, code: str, request: TokenRequest) -> None:
    """A code that comes twice was seen by a thief: its tokens end (RFC 6749, 4.1.2)."""
    used = codes.find_used(session, code)
    if used is None:
        return
    if grants.revoke_grant(session, used.grant_id, at=request.at, reason="code replayed") is None:
        return
    details: dict[str, audit.JSON] = {
        "client": used.client_id, "by_client": request.client.client_id, "grant": used.grant_id,
    }  # fmt: skip
    audit.record(
        session, "code.replayed", subject=used.account,
        by=tally.of_client(request.client.client_id), at=request.at, details=details,
    )  # fmt: skip


def _what_is_wrong(request: TokenRequest, row: Redeemed) -> str:
    """Why a code does not fit the request that brings it; empty when it does."""
    if request.form.get("redirect_uri") != row.redirect_uri:
        return "redirect_uri is not that of the authorization request"
    verifier = request.form.get("code_verifier")
    if row.code_challenge is None:
        # RFC 9700, 4.8.2: somebody took the challenge out of the authorization request.
        return "" if verifier is None else "no code_challenge was sent for this code"
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        return "code_verifier is missing or malformed"
    if not hmac.compare_digest(b64url(sha256(verifier.encode())), row.code_challenge):
        return "code_verifier does not fit"
    if row.dpop_jkt is not None and row.dpop_jkt != request.bound.jkt:
        return "the code is bound to another DPoP key"
    return ""


def _by_refresh_token(request: TokenRequest) -> dict[str, Any]:
    """RFC 6749, 6; OIDC Core, 12."""
    token = request.form.get("refresh_token")
    if token is None:
        raise OAuthError("invalid_request", "refresh_token is missing")

    def renew(session: Session) -> Granted | OAuthError:
        request.spend_proof(session)
        return _refresh(session, request, token)

    return told(request, committed(request.provider.sessions, renew))


def _refresh(session: Session, request: TokenRequest, token: str) -> Granted | OAuthError:
    provider, client, at = request.provider, request.client, request.at
    if "scope" in request.form or "resource" in request.form:
        # What is wrong with the request itself must not cost the client its token.
        known = refresh.find(session, token)
        if known is not None and known.client_id == client.client_id:
            _asked_of(request, known.scope, known.resource)
    kept = refresh.spend(
        session, provider.vault, token, client=client, bound=request.bound,
        policy=provider.policy, at=at,
    )  # fmt: skip
    if kept is None:
        return OAuthError("invalid_grant", "the refresh token is not good, or not any more")
    state = grant_state.find(session, kept.grant_id)
    if state is None:
        return OAuthError("invalid_grant", "the access was taken back")
    scope, audience = _asked_of(request, kept.scope, kept.resource)
    authorized = grant_state.authorized(
        session, provider, client, state, scope=scope, auth_time=kept.auth_time, acr=kept.acr,
        amr=kept.amr, sid=kept.sid, nonce=None, at=at,
    )  # fmt: skip
    return Granted(authorized, audience, kept.token)


def _asked_of(
    request: TokenRequest, scope: str, resource: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """Scope and audience of this refresh, within those of the token; OAuthError."""
    audience = resources.audience(
        request.provider, request.form, granted=resource, default=request.provider.issuer
    )
    return _narrowed(scope, request.form.get("scope")), audience


def _narrowed(granted: str, wanted: str | None) -> str:
    if wanted is None:
        return granted
    asked = dict.fromkeys(wanted.split())
    if not asked or not set(asked) <= set(granted.split()):
        raise OAuthError("invalid_scope", "a scope that was not granted")
    return " ".join(asked)


_GRANTS: Final[dict[str, Callable[[TokenRequest], dict[str, Any]]]] = {
    "client_credentials": _by_client_credentials,
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
    device.GRANT_TYPE: device.exchange,
}
