"""The one table of client metadata (RFC 7591, 2; OIDC Registration 1.0, 2): name, attribute of
`Client`, form. Reading, checking and writing out all follow it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from sso.oauth_errors import OAuthError

URI_MAX: Final = 2000
URIS_MAX: Final = 50
TEXT_MAX: Final = 200
JWKS_KEYS_MAX: Final = 20
#: Parts of a private or symmetric JWK (RFC 7518, 6): whoever sends one has lost the key.
_SECRET_PARTS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_URI: Final = re.compile(r"[\x21-\x7e]+")


def refuse(description: str, error: str = "invalid_client_metadata") -> OAuthError:
    return OAuthError(error, description)


def text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX or not value.isprintable():
        raise refuse(f"{name} must be 1 to {TEXT_MAX} printable characters")
    return value


def flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise refuse(f"{name} must be true or false")
    return value


def seconds(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise refuse(f"{name} must be a number of seconds")
    return value


def uri(name: str, value: object, *, error: str = "invalid_client_metadata") -> str:
    """An absolute URI in printable ASCII."""
    good = isinstance(value, str) and len(value) <= URI_MAX and _URI.fullmatch(value) is not None
    try:
        parts = urlsplit(str(value) if good else "")
        _ = parts.port  # out of range is an error of its own
    except ValueError as broken:
        raise refuse(f"{name} is no URI", error) from broken
    if not good or not parts.scheme or not (parts.netloc or parts.path):
        raise refuse(f"{name} must be an absolute URI of at most {URI_MAX} characters", error)
    return str(value)


def web_uri(name: str, value: object) -> str:
    """A page to be linked to or shown: http or https, never javascript: and the like."""
    found = uri(name, value)
    if urlsplit(found).scheme not in ("http", "https") or not urlsplit(found).hostname:
        raise refuse(f"{name} must be an http or https URI")
    return found


def words(name: str, value: object) -> tuple[str, ...]:
    """A JSON list of short strings."""
    if not isinstance(value, list) or len(value) > URIS_MAX:
        raise refuse(f"{name} must be a list of at most {URIS_MAX}")
    return tuple(text(name, each) for each in value)


def uris(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > URIS_MAX:
        raise refuse(f"{name} must be a list of at most {URIS_MAX}")
    return tuple(uri(name, each) for each in value)


def redirect_uris(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > URIS_MAX:
        raise refuse(f"{name} must be a list of at most {URIS_MAX}", "invalid_redirect_uri")
    return tuple(uri(name, each, error="invalid_redirect_uri") for each in value)


def word_set(name: str, value: object) -> frozenset[str]:
    return frozenset(words(name, value))


def scope_set(name: str, value: object) -> frozenset[str]:
    """Separated by spaces (RFC 7591, 2)."""
    if not isinstance(value, str) or len(value) > 1000:
        raise refuse(f"{name} must be a string of at most 1000 characters")
    return frozenset(value.split())


def jwk_set(name: str, value: object) -> Mapping[str, Any]:
    """Public keys only (RFC 7517, 5); what each holds is read when it is used."""
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= JWKS_KEYS_MAX:
        raise refuse(f"{name} must be a JWK set of 1 to {JWKS_KEYS_MAX} keys")
    for key in keys:
        if not isinstance(key, dict) or not isinstance(key.get("kty"), str):
            raise refuse(f"{name} holds something that is no JWK")
        if _SECRET_PARTS & set(key):
            raise refuse(f"{name} holds a private or symmetric key: replace that key everywhere")
    try:
        json.dumps(keys, allow_nan=False)  # Python reads NaN, which no JSON is (RFC 8259, 6)
    except ValueError as error:
        raise refuse(f"{name} is no JSON") from error
    return {"keys": keys}


@dataclass(frozen=True, slots=True)
class Field:
    """`read` makes the attribute's value of a JSON value, or refuses it."""

    name: str
    attribute: str
    read: Callable[[str, object], Any]


#: `token_endpoint_auth_method` and the like are checked further by `client_metadata`.
FIELDS: Final = (
    Field("redirect_uris", "redirect_uris", redirect_uris),
    Field("client_name", "name", text),
    Field("application_type", "application_type", text),
    Field("post_logout_redirect_uris", "post_logout_redirect_uris", uris),
    Field("request_uris", "request_uris", uris),
    Field("token_endpoint_auth_method", "auth_method", text),
    Field("token_endpoint_auth_signing_alg", "auth_alg", text),
    Field("jwks", "jwks", jwk_set),
    Field("jwks_uri", "jwks_uri", web_uri),
    Field("grant_types", "grant_types", word_set),
    Field("scope", "scopes", scope_set),
    Field("resources", "resources", uris),
    Field("subject_type", "subject_type", text),
    Field("sector_identifier_uri", "sector_identifier_uri", web_uri),
    Field("id_token_signed_response_alg", "id_token_alg", text),
    Field("userinfo_signed_response_alg", "userinfo_alg", text),
    Field("introspection_signed_response_alg", "introspection_alg", text),
    Field("access_token_signed_response_alg", "access_token_alg", text),
    Field("request_object_signing_alg", "request_object_alg", text),
    Field("require_pkce", "require_pkce", flag),
    Field("require_pushed_authorization_requests", "require_par", flag),
    Field("require_signed_request_object", "require_signed_request", flag),
    Field("dpop_bound_access_tokens", "dpop_bound", flag),
    Field("tls_client_certificate_bound_access_tokens", "mtls_bound", flag),
    Field("tls_client_auth_subject_dn", "tls_subject_dn", text),
    Field("backchannel_logout_uri", "backchannel_logout_uri", web_uri),
    Field("backchannel_logout_session_required", "backchannel_session_required", flag),
    Field("frontchannel_logout_uri", "frontchannel_logout_uri", web_uri),
    Field("frontchannel_logout_session_required", "frontchannel_session_required", flag),
    Field("default_max_age", "default_max_age", seconds),
    Field("default_acr_values", "default_acr_values", words),
    Field("require_auth_time", "require_auth_time", flag),
    Field("initiate_login_uri", "initiate_login_uri", web_uri),
    Field("client_uri", "client_uri", web_uri),
    Field("logo_uri", "logo_uri", web_uri),
    Field("policy_uri", "policy_uri", web_uri),
    Field("tos_uri", "tos_uri", web_uri),
    Field("contacts", "contacts", words),
)
