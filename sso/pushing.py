"""The pushed authorization request endpoint (RFC 9126): authenticate, check everything, keep."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sso import authorize, client_authentication, dpop, pushed
from sso.authorization_request import AuthorizationRequest, Parameters
from sso.dpop import Headers, InvalidProof
from sso.oauth_errors import OAuthError
from sso.provider import Provider

PATH: Final = "/oauth2/par"
#: What proves the client is no part of the request.
_CREDENTIALS: Final = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def push(
    provider: Provider, headers: Mapping[str, str], form: Mapping[str, str], *, proofs: Headers,
    at: datetime, certificate: bytes | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The answer of RFC 9126, 2.2, or OAuthError.

    1. the client, 2. every check of the authorization endpoint, 3. the DPoP key the code will be
    bound to (RFC 9449, 10.1), 4. the request waits under a request_uri.
    """
    client = client_authentication.authenticate(
        provider, headers, form, at=at, endpoint=provider.issuer + PATH, certificate=certificate
    )
    if "request_uri" in form:
        raise OAuthError("invalid_request", "request_uri has no place in a pushed request")
    sent = {name: value for name, value in form.items() if name not in _CREDENTIALS}
    parameters = Parameters({**sent, "client_id": client.client_id})
    try:
        request = authorize.examine(provider, client, parameters, pushed=True, at=at)
    except OAuthError as error:
        # The platform itself is told here, whoever would be told later.
        raise OAuthError(error.error, error.description) from error
    proof = dpop.of_token_request(provider, proofs, endpoint=PATH, at=at)
    if proof is not None:
        request = _bind(request, proof.jkt)
    with provider.sessions.begin() as session:
        if proof is not None:
            try:
                dpop.spend(session, proof)
            except InvalidProof as error:
                raise dpop.refusal(error) from error
        request_uri = pushed.keep(session, request, policy=provider.policy, at=at)
    lifetime = int(provider.policy.request_uri_lifetime.total_seconds())
    return {"request_uri": request_uri, "expires_in": lifetime}


def _bind(request: AuthorizationRequest, jkt: str) -> AuthorizationRequest:
    if request.dpop_jkt not in (None, jkt):
        raise OAuthError("invalid_dpop_proof", "dpop_jkt is not the key of the proof")
    return request.bound_to(jkt)
