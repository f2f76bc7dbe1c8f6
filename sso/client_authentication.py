"""Client authentication (RFC 6749, 2.3; RFC 7523; RFC 8705): the registered method, alone."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import unquote_plus

from sso import client_assertions, client_certificates, clients
from sso.client import Client
from sso.oauth_errors import OAuthError, invalid_client
from sso.provider import Provider

BASIC_MAX: Final = 4096
TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of its client: exactly one method."""

    method: str
    client_id: str
    secret: str = field(default="", repr=False)
    assertion: str = field(default="", repr=False)


def authenticate(
    provider: Provider, headers: Mapping[str, str], form: Mapping[str, str], *, at: datetime,
    endpoint: str | None = None, certificate: bytes | None = None,
) -> Client:  # fmt: skip
    """The client that sent this request; OAuthError invalid_client (401) or invalid_request.

    `headers` by lower-case names. `endpoint`: the URL that was called (the token endpoint's if
    None), for `aud` of assertions. `certificate`: the client's TLS certificate (DER), as the proxy
    handed it over. A public client only names itself.
    """
    shown = _shown(headers, form, certificate=certificate)
    basic = shown.method == "client_secret_basic"
    client = clients.find(provider.reading, shown.client_id)
    if client is None or not client.active:
        raise invalid_client("client authentication failed", basic=basic)
    if not _is_registered(client, shown.method):
        raise invalid_client("this client is registered with another method", basic=basic)
    if shown.method in ("client_secret_basic", "client_secret_post"):
        if not clients.check_secret(client, shown.secret, at=at):
            raise invalid_client("client authentication failed", basic=basic)
    elif shown.method == "private_key_jwt":
        called = endpoint or provider.issuer + TOKEN_PATH
        client_assertions.check(provider, client, shown.assertion, endpoint=called, at=at)
    elif shown.method == "tls":
        _check_certificate(provider, client, certificate, at=at)
    return client


def _shown(
    headers: Mapping[str, str], form: Mapping[str, str], *, certificate: bytes | None
) -> Shown:
    """Which method a request uses; two at once are invalid_request (RFC 6749, 2.3)."""
    authorization = headers.get("authorization", "")
    basic = authorization[:6].lower() == "basic "
    used = [basic, "client_secret" in form, "client_assertion" in form]
    if sum(used) > 1:
        raise OAuthError("invalid_request", "one way of client authentication at a time")
    named = form.get("client_id", "")
    if basic:
        client_id, secret = _basic(authorization)
        if named and named != client_id:
            raise OAuthError("invalid_request", "two different client ids")
        return Shown("client_secret_basic", client_id, secret=secret)
    if "client_assertion" in form:
        if form.get("client_assertion_type") != client_assertions.TYPE:
            raise invalid_client(f"client_assertion_type must be {client_assertions.TYPE}")
        assertion = form["client_assertion"]
        claimed = client_assertions.subject(assertion)
        if named and named != claimed:
            raise invalid_client("the assertion speaks for another client")
        return Shown("private_key_jwt", claimed, assertion=assertion)
    if not named:
        raise invalid_client("no client authentication")
    if "client_secret" in form:
        return Shown("client_secret_post", named, secret=form["client_secret"])
    return Shown("none" if certificate is None else "tls", named)


def _is_registered(client: Client, method: str) -> bool:
    if method == "tls":  # a proxy may hand over certificates that mean nothing to a public client
        return client.auth_method in ("tls_client_auth", "self_signed_tls_client_auth", "none")
    return client.auth_method == method


def _basic(authorization: str) -> tuple[str, str]:
    """Id and secret, each form-encoded before they were joined (RFC 6749, 2.3.1)."""
    if len(authorization) > BASIC_MAX:
        raise invalid_client("the Authorization header is too long", basic=True)
    try:
        decoded = base64.b64decode(authorization[6:].strip(), validate=True).decode("utf-8")
        client_id, colon, secret = decoded.partition(":")
        found = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise invalid_client("the Authorization header is malformed", basic=True) from error
    if not colon:
        raise invalid_client("the Authorization header is malformed", basic=True)
    return found


def _check_certificate(
    provider: Provider, client: Client, certificate: bytes | None, *, at: datetime
) -> None:
    """RFC 8705, 2: the registered name in a certificate that the proxy has judged, or a key of the
    client's JWK set in any certificate. A public client shows one for binding only."""
    if client.public:
        return
    client_certificates.check(provider, client, certificate or b"", at=at)
