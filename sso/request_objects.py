"""Request objects (RFC 9101; OIDC Core 1.0, 6): signed by the client, by value or by reference.

What is inside counts, what is outside does not (RFC 9101, 6.3): otherwise a signature would protect
nothing. Unsigned objects are refused.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sso import client_jwts
from sso.authorization_request import Parameters
from sso.client import Client
from sso.client_metadata import CLIENT_ALGS, FAPI_ALGS
from sso.forms import VALUE_MAX
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from trust.crypto.jose import canonical_json
from trust.errors import TrustError

#: FAPI 2.0 Message Signing, 5.3.1: at most 60 minutes from nbf to exp, and nbf no older.
LIFE_MAX: Final = timedelta(minutes=60)
_BY_URI: Final = "request_uri"
_NOT_PARAMETERS: Final = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})


def is_used(parameters: Parameters) -> bool:
    return "request" in parameters.values or _BY_URI in parameters.values


def resolve(
    provider: Provider, client: Client, parameters: Parameters, *, at: datetime
) -> Parameters:
    """The parameters a request object holds, verified; OAuthError otherwise.

    invalid_request_object; request_not_supported or request_uri_not_supported for an unsigned one;
    invalid_request_uri for one that cannot be fetched.
    """
    if "request" in parameters.values and _BY_URI in parameters.values:
        raise OAuthError("invalid_request", "request and request_uri exclude each other")
    if {"request", _BY_URI} & parameters.repeated:
        raise OAuthError("invalid_request", "a parameter stands twice")
    by_uri = _BY_URI in parameters.values
    compact = (
        _fetched(provider, client, parameters.values[_BY_URI])
        if by_uri else parameters.values["request"]
    )  # fmt: skip
    claims = _verified(provider, client, compact, by_uri=by_uri)
    _check_parties(provider, client, claims)
    _check_times(provider, client, claims, at=at)
    return Parameters(_parameters(client, claims))


def redirection(parameters: Parameters) -> Parameters:
    """Where an error about the object itself may go: redirect_uri, state and response_mode as the
    unverified object names them, else those beside it. They are only used once the redirect URI
    has been found among the client's own, so a forged object gains what a forged link would."""
    claims = client_jwts.peek(parameters.values.get("request", "")) or {}
    inside = {
        name: claims[name]
        for name in ("redirect_uri", "state", "response_mode")
        if isinstance(claims.get(name), str)
    }
    return Parameters({**parameters.values, **inside}, parameters.repeated)


def _fetched(provider: Provider, client: Client, url: str) -> str:
    """Only URIs the client registered are fetched (Core, 6.2); a fragment is a version's name."""
    if not client.request_uris:
        raise OAuthError("request_uri_not_supported", "this client registered no request_uris")
    if url not in client.request_uris:
        bare = url.partition("#")[0]
        if bare not in {each.partition("#")[0] for each in client.request_uris}:
            raise OAuthError("invalid_request_uri", "this request_uri is not registered")
    accept = "application/oauth-authz-req+jwt, application/jwt"
    try:
        text = provider.outgoing.fetch_text(url.partition("#")[0], accept=accept, cap=VALUE_MAX)
    except TrustError as error:
        raise OAuthError("invalid_request_uri", "the request_uri cannot be fetched") from error
    return text.strip()


def _verified(provider: Provider, client: Client, compact: str, *, by_uri: bool) -> dict[str, Any]:
    used = client_jwts.algorithm(compact) if len(compact) <= VALUE_MAX else None
    if used is None:
        raise OAuthError("invalid_request_object", "the request object is no signed JWT")
    if used == "none" and not client.fapi:
        error = "request_uri_not_supported" if by_uri else "request_not_supported"
        raise OAuthError(error, "request objects must be signed")
    allowed = FAPI_ALGS if client.fapi else CLIENT_ALGS
    try:
        return client_jwts.verified(
            provider, client, compact, algorithms=allowed, registered=client.request_object_alg
        )
    except OAuthError as error:
        raise OAuthError("invalid_request_object", error.description) from error


def _check_parties(provider: Provider, client: Client, claims: Mapping[str, Any]) -> None:
    """By the client, for us (RFC 9101, 4), and no client assertion in disguise (10.8)."""
    if claims.get("sub") == client.client_id:
        raise OAuthError("invalid_request_object", "a request object has no sub of the client")
    if claims.get("iss", None if client.fapi else client.client_id) != client.client_id:
        raise OAuthError("invalid_request_object", "iss of a request object is the client id")
    if claims.get("client_id", client.client_id) != client.client_id:
        raise OAuthError("invalid_request_object", "client_id differs inside and outside")
    aud = claims.get("aud", None if client.fapi else provider.issuer)
    if provider.issuer not in (aud if isinstance(aud, list) else [aud]):
        raise OAuthError("invalid_request_object", "aud of a request object is the issuer")


def _check_times(
    provider: Provider, client: Client, claims: Mapping[str, Any], *, at: datetime
) -> None:
    skew = provider.policy.skew
    times = {name: client_jwts.moment(claims.get(name)) for name in ("exp", "nbf", "iat")}
    for name, moment in times.items():
        if moment is None and claims.get(name) is not None:
            raise OAuthError("invalid_request_object", f"{name} is no time")
    ends, begins, made = times["exp"], times["nbf"], times["iat"]
    if ends is not None and ends <= at - skew:
        raise OAuthError("invalid_request_object", "the request object has expired")
    if any(moment is not None and moment > at + skew for moment in (begins, made)):
        raise OAuthError("invalid_request_object", "the request object is not valid yet")
    if not client.fapi:
        return
    if ends is None or begins is None:
        raise OAuthError("invalid_request_object", "exp and nbf are needed")
    if ends - begins > LIFE_MAX or begins < at - LIFE_MAX - skew:
        raise OAuthError("invalid_request_object", "the request object lives over an hour")


def _parameters(client: Client, claims: Mapping[str, Any]) -> dict[str, str]:
    """Claims as parameters: strings as they are, anything else as its JSON (RFC 9101, 4)."""
    if "request" in claims or _BY_URI in claims:
        raise OAuthError("invalid_request_object", "no request object within a request object")
    found = {"client_id": client.client_id}
    for name, value in claims.items():
        if name in _NOT_PARAMETERS or value is None or value == "":
            continue
        if name == "resource" and isinstance(value, list):
            found[name] = " ".join(str(each) for each in value)
        elif isinstance(value, str):
            found[name] = value
        else:
            found[name] = canonical_json(value).decode()
    return found
