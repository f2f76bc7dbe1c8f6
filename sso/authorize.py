"""The authorization endpoint's first half (OIDC Core 1.0, 3.1.2.1): from parameters to a request.

Until the redirect URI is known to be the client's, a refusal is a page for the person (OAuthError
with `page`); from there on it goes to the platform (AuthorizationRefused).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from sso import authorization_checks, clients, id_token_hints, pushed, request_objects
from sso.authorization_checks import CHECKS, Asked
from sso.authorization_request import AuthorizationRequest, Parameters
from sso.authorization_responses import RESPONSE_MODES
from sso.client import Client
from sso.client_metadata import is_loopback
from sso.oauth_errors import AuthorizationRefused, OAuthError
from sso.provider import Provider

__all__ = ["AuthorizationRequest", "Parameters", "examine", "matches", "read"]

_OUTSIDE: Final = ("client_id", "request", "request_uri")


def read(provider: Provider, parameters: Parameters, *, at: datetime) -> AuthorizationRequest:
    """The request behind the parameters of the authorization endpoint.

    1. the client, 2. a pushed request (RFC 9126) is checked already, 3. everything else: `examine`.
    """
    client = _client(provider, parameters)
    request_uri = parameters.text("request_uri") or ""
    if request_uri.startswith(pushed.URN):
        if "request_uri" in parameters.repeated or "request" in parameters.values:
            raise OAuthError("invalid_request", "one request_uri, and no request", page=True)
        with provider.reading() as session:
            return pushed.find(session, request_uri, client_id=client.client_id, at=at)
    return examine(provider, client, parameters, pushed=False, at=at)


def examine(
    provider: Provider, client: Client, parameters: Parameters, *, pushed: bool, at: datetime
) -> AuthorizationRequest:
    """Check a client's request.

    1. resolve a request object, 2. the redirect URI, 3. CHECKS in their order, 4. build the value,
    5. the ID token given as a hint.
    """
    signed = request_objects.is_used(parameters)
    if signed:
        parameters = _resolved(provider, client, parameters, at=at)
    redirect_uri = _redirect_uri(client, parameters)
    asked = Asked(client, parameters, pushed=pushed, signed=signed, issuer=provider.issuer)
    try:
        for check in CHECKS:
            check(asked)
        request = authorization_checks.build(asked, redirect_uri=redirect_uri)
        return _with_hint(provider, client, request, parameters.text("id_token_hint"), at=at)
    except OAuthError as error:
        raise _to_platform(error, redirect_uri, parameters) from error


def matches(client: Client, redirect_uri: str) -> bool:
    """Whether a redirect URI is one of the client's: the same string (RFC 9700, 2.1), except that
    a native client's loopback address may have any port (RFC 8252, 7.3)."""
    if redirect_uri in client.redirect_uris:
        return True
    if client.application_type != "native":
        return False
    bare = _without_port(redirect_uri)
    return bare is not None and bare in {_without_port(each) for each in client.redirect_uris}


def _client(provider: Provider, parameters: Parameters) -> Client:
    client_id = parameters.text("client_id")
    if client_id is None or "client_id" in parameters.repeated:
        raise OAuthError("invalid_request", "client_id is needed, once", page=True)
    client = clients.find(provider.reading, client_id)
    if client is None or not client.active:
        raise OAuthError("unauthorized_client", "this client is not known here", page=True)
    return client


def _resolved(
    provider: Provider, client: Client, parameters: Parameters, *, at: datetime
) -> Parameters:
    """The parameters of a request object. What is wrong with it goes to the platform where the
    redirect URI beside or in it is good."""
    try:
        return request_objects.resolve(provider, client, parameters, at=at)
    except OAuthError as error:
        named = request_objects.redirection(parameters)
        try:
            redirect_uri = _redirect_uri(client, named)
        except OAuthError:
            error.page = True
            raise error from None
        raise _to_platform(error, redirect_uri, named) from error


def _redirect_uri(client: Client, parameters: Parameters) -> str:
    """Needed even where one is registered (Core, 3.1.2.1)."""
    found = parameters.text("redirect_uri")
    if found is None or "redirect_uri" in parameters.repeated:
        raise OAuthError("invalid_request", "redirect_uri is needed, once", page=True)
    if not matches(client, found):
        raise OAuthError("invalid_request", "this redirect_uri is not registered", page=True)
    return found


def _without_port(redirect_uri: str) -> str | None:
    """A loopback address without its port; None for any other URI."""
    try:
        parts = urlsplit(redirect_uri)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return None
    # "localhost" may be pointed elsewhere (RFC 8252, 8.3).
    if parts.scheme != "http" or host == "localhost" or not is_loopback(host) or parts.username:
        return None
    return parts._replace(netloc=host).geturl()


def _with_hint(
    provider: Provider, client: Client, request: AuthorizationRequest, hint: str | None, *,
    at: datetime,
) -> AuthorizationRequest:  # fmt: skip
    if hint is None:
        return request
    subject = id_token_hints.subject(provider, client, hint, at=at)
    if request.id_token_hint_sub not in (None, subject):
        raise OAuthError("invalid_request", "id_token_hint and claims name different subjects")
    return replace(request, id_token_hint_sub=subject)


def _to_platform(
    error: OAuthError, redirect_uri: str, parameters: Parameters
) -> AuthorizationRefused:
    mode = parameters.text("response_mode")
    return AuthorizationRefused(
        error.error, error.description, redirect_uri=redirect_uri,
        response_mode=mode if mode in RESPONSE_MODES else "query",
        state=authorization_checks.safe_state(parameters),
    )  # fmt: skip


def platform_refusal(
    request: AuthorizationRequest, error: str, description: str = ""
) -> AuthorizationRefused:
    """A refusal found later, once the request is a value."""
    return AuthorizationRefused(
        error, description, redirect_uri=request.redirect_uri, state=request.state,
        response_mode=request.response_mode,
    )  # fmt: skip


def plain(form: Mapping[str, str]) -> Parameters:
    """The parameters of a form that was read strictly (`forms.read_form`)."""
    return Parameters(form)
