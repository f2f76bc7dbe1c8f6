"""What a platform says of itself when it registers, checked (RFC 7591, 2; OIDC Registration, 2)."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from sso import client_certificates, scopes
from sso.client import KEY_METHODS, SECRET_METHODS, Client
from sso.metadata_fields import FIELDS, refuse
from sso.policy import level_of_acr

#: RFC 8705, 2.
TLS_METHODS: Final = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})
AUTH_METHODS: Final = SECRET_METHODS | KEY_METHODS | {"none"}
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES: Final = ("authorization_code", "refresh_token", "client_credentials", DEVICE)
#: What we sign with on request. RS256 is what a client without a wish gets (Core, 15.1).
SIGNING_ALGS: Final = ("RS256", "PS256", "ES256", "EdDSA", "SM2-SM3")
#: What clients may sign with; FAPI 2.0, 5.4.1 leaves out RS256.
CLIENT_ALGS: Final = SIGNING_ALGS
FAPI_ALGS: Final = ("PS256", "ES256", "EdDSA")
#: Encryption is not offered: ignoring the wish would send plain what was to be sealed.
_ENCRYPTION: Final = (
    "id_token_encrypted_response_alg", "userinfo_encrypted_response_alg",
    "request_object_encryption_alg", "introspection_encrypted_response_alg",
    "authorization_encrypted_response_alg",
)  # fmt: skip
#: RFC 6749, A.4. Scopes that are not ours are the platform's own, for its machines.
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")


def read(metadata: Mapping[str, object], *, fapi: bool) -> dict[str, Any]:
    """Attributes of a `Client`, each in its form, defaults left out; OAuthError
    invalid_client_metadata or invalid_redirect_uri. Unknown names are ignored (RFC 7591, 2)."""
    for name in _ENCRYPTION:
        if metadata.get(name) is not None:
            raise refuse(f"{name}: encrypted responses are not offered")
    if metadata.get("response_types", ["code"]) not in (["code"], []):
        raise refuse("response_types must be code alone: implicit and hybrid are not offered")
    found = {
        field.attribute: field.read(field.name, metadata[field.name])
        for field in FIELDS
        if metadata.get(field.name) is not None
    }
    found.setdefault("scopes", frozenset(scopes.STANDARD))
    if fapi:  # FAPI 2.0, 5.3.2
        found.setdefault("auth_method", "private_key_jwt")
        found.setdefault("id_token_alg", "PS256")
        found.setdefault("dpop_bound", not found.get("mtls_bound", False))
        found["require_par"] = found["require_pkce"] = True
    return found


def client_of(
    client_id: str, attributes: Mapping[str, Any], *, at: datetime, fapi: bool, first_party: bool
) -> Client:
    """The client that attributes from `read` describe; its sector as far as hosts tell it."""
    given = dict(attributes)
    client = Client(
        client_id=client_id, name=given.pop("name", client_id), created_at=at, fapi=fapi,
        first_party=first_party, **given,
    )  # fmt: skip
    if client.public:
        client = replace(client, require_pkce=True)
    return replace(client, sector=_sector(client))


def check(client: Client, *, development: bool, administered: bool) -> None:
    """Refuse what does not go together; OAuthError. `administered`: by one of our own people,
    not by whoever holds the initial access token."""
    _check_redirect_uris(client, development=development)
    _check_authentication(client)
    _check_words(client, administered=administered)
    _check_algorithms(client)
    _check_callbacks(client, development=development)
    if client.fapi:
        _check_fapi(client)


def metadata_of(client: Client) -> dict[str, object]:
    """The registration as RFC 7591, 3.2.1 answers it, without secrets."""
    found: dict[str, object] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "response_types": ["code"] if "authorization_code" in client.grant_types else [],
    }
    for field in FIELDS:
        value = getattr(client, field.attribute)
        if field.name == "scope":
            found["scope"] = " ".join(sorted(value))
        elif isinstance(value, frozenset):
            found[field.name] = sorted(value)
        elif isinstance(value, tuple) and value:
            found[field.name] = list(value)
        elif value is not None and value != ():
            found[field.name] = value
    return found


def _sector(client: Client) -> str:
    """The host of the sector URI, else the one host of all redirect URIs (Core, 8.1)."""
    if client.sector_identifier_uri:
        return urlsplit(client.sector_identifier_uri).hostname or ""
    hosts = {urlsplit(each).hostname or "" for each in client.redirect_uris}
    if client.subject_type == "pairwise" and len(hosts) > 1:
        raise refuse("pairwise subjects with several hosts need a sector_identifier_uri")
    return hosts.pop() if len(hosts) == 1 else client.client_id


def check_sector_document(client: Client, document: object) -> None:
    """Every redirect URI must stand in the fetched sector document (Core, 8.1)."""
    listed = document if isinstance(document, list) else []
    if not listed or not set(client.redirect_uris) <= {str(each) for each in listed}:
        raise refuse("the sector_identifier_uri does not list every redirect URI")


def _check_redirect_uris(client: Client, *, development: bool) -> None:
    needed = "authorization_code" in client.grant_types
    if needed and not client.redirect_uris:
        raise refuse("redirect_uris are needed for the code flow", "invalid_redirect_uri")
    for each in client.redirect_uris:
        parts = urlsplit(each)
        if "#" in each:
            raise refuse("a redirect URI has no fragment", "invalid_redirect_uri")
        if "*" in each or parts.username is not None or parts.password is not None:
            raise refuse("no wildcard and no login in a redirect URI", "invalid_redirect_uri")
        _check_redirect_scheme(client, parts, development=development)
    for each in client.post_logout_redirect_uris:
        parts = urlsplit(each)
        if parts.scheme in ("javascript", "data", "vbscript", "file") or "#" in each:
            raise refuse("a post_logout_redirect_uri is a URL without fragment")


def _check_redirect_scheme(client: Client, parts: SplitResult, *, development: bool) -> None:
    """https; http on the machine itself; of native clients also schemes like com.example.app
    (RFC 8252, 7)."""
    if parts.scheme == "https" and parts.hostname:
        return
    loopback = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if client.fapi and not (loopback and (development or client.application_type == "native")):
        # FAPI 2.0, 5.3.2.2, point 8: http for native clients on the loopback interface only.
        raise refuse("FAPI 2.0 takes https redirect URIs only", "invalid_redirect_uri")
    if parts.scheme == "http" and parts.hostname:
        if development or is_loopback(parts.hostname):
            return
        raise refuse("http only for the loopback interface", "invalid_redirect_uri")
    if client.application_type == "native" and "." in parts.scheme:
        return
    raise refuse("a redirect URI is https", "invalid_redirect_uri")


def is_loopback(host: str) -> bool:
    """localhost or a loopback address in its literal form."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_authentication(client: Client) -> None:
    if client.auth_method not in AUTH_METHODS:
        raise refuse("this token_endpoint_auth_method is not offered")
    if client.jwks is not None and client.jwks_uri is not None:
        raise refuse("jwks and jwks_uri exclude each other")  # RFC 7591, 2
    by_key = client.auth_method in ("private_key_jwt", "self_signed_tls_client_auth")
    if by_key and client.jwks is None and client.jwks_uri is None:
        raise refuse(f"{client.auth_method} needs jwks or jwks_uri")
    if client.auth_method == "tls_client_auth":
        _check_subject_dn(client.tls_subject_dn)
    if client.public and "client_credentials" in client.grant_types:
        raise refuse("client_credentials needs a client that authenticates")


def _check_subject_dn(text: str | None) -> None:
    if not text:
        raise refuse("tls_client_auth needs tls_client_auth_subject_dn")
    try:
        client_certificates.subject_dn(text)
    except ValueError as error:
        raise refuse("tls_client_auth_subject_dn is no name (RFC 4514)") from error


def _check_words(client: Client, *, administered: bool) -> None:
    if client.application_type not in ("web", "native"):
        raise refuse("application_type is web or native")
    if client.subject_type not in ("public", "pairwise"):
        raise refuse("subject_type is public or pairwise")
    if not client.grant_types or not client.grant_types <= set(GRANT_TYPES):
        raise refuse("a grant type that is not offered")
    if not administered and not client.scopes <= set(scopes.STANDARD):
        raise refuse("a scope that only an administrator gives")
    if not all(_SCOPE.fullmatch(each) for each in client.scopes):
        raise refuse("a scope is 1 to 100 printable ASCII characters")  # RFC 6749, 3.3
    if any(level_of_acr(each) is None for each in client.default_acr_values):
        raise refuse("default_acr_values holds an acr that is not supported")
    if client.resources and not administered:
        raise refuse("resources are set by an administrator")


def _check_algorithms(client: Client) -> None:
    ours = (
        ("id_token_signed_response_alg", client.id_token_alg),
        ("userinfo_signed_response_alg", client.userinfo_alg),
        ("introspection_signed_response_alg", client.introspection_alg),
        ("access_token_signed_response_alg", client.access_token_alg),
    )
    theirs = (
        ("request_object_signing_alg", client.request_object_alg),
        ("token_endpoint_auth_signing_alg", client.auth_alg),
    )
    for allowed, chosen in ((SIGNING_ALGS, ours), (CLIENT_ALGS, theirs)):
        for name, value in chosen:
            if value is not None and value not in allowed:
                raise refuse(f"{name} must be one of {', '.join(allowed)}")


def _check_callbacks(client: Client, *, development: bool) -> None:
    """Addresses that we call or send browsers to are https, unless this is a workshop."""
    named = (
        ("jwks_uri", client.jwks_uri),
        ("sector_identifier_uri", client.sector_identifier_uri),
        ("backchannel_logout_uri", client.backchannel_logout_uri),
        ("frontchannel_logout_uri", client.frontchannel_logout_uri),
        *(("request_uris", each) for each in client.request_uris),
    )
    for name, value in named:
        if value is not None and not value.startswith("https://") and not development:
            raise refuse(f"{name} must be https")
    for name, value in (*named[:4], ("initiate_login_uri", client.initiate_login_uri)):
        if value is not None and "#" in value:
            raise refuse(f"{name} has no fragment")
    if client.initiate_login_uri and not client.initiate_login_uri.startswith("https://"):
        raise refuse("initiate_login_uri must be https")  # Core, 4


def _check_fapi(client: Client) -> None:
    """FAPI 2.0 Security Profile, 5.3.2 and 5.4."""
    if client.auth_method not in KEY_METHODS:
        raise refuse("FAPI 2.0 takes private_key_jwt or mutual TLS only")
    if not (client.dpop_bound or client.mtls_bound):
        raise refuse("FAPI 2.0 binds tokens: by DPoP or by the TLS certificate")
    named = {client.id_token_alg, client.userinfo_alg, client.request_object_alg, client.auth_alg}
    if not named <= {None, *FAPI_ALGS}:
        raise refuse(f"FAPI 2.0 takes {', '.join(FAPI_ALGS)} only")
