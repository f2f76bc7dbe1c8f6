"""What this provider can do, for machines (OIDC Discovery 1.0, 3; RFC 8414, 2)."""

from typing import Any

from sso import claims, client_metadata, scopes
from sso.authorization_responses import RESPONSE_MODES
from sso.policy import LEVELS, acr
from sso.provider import Provider

#: Claims a platform may get (sso.claims says when).
CLAIMS = (
    "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid",
    *claims.SUPPORTED,
)  # fmt: skip


def metadata(provider: Provider) -> dict[str, Any]:
    """The document at both well-known paths."""
    issuer = provider.issuer
    found: dict[str, Any] = {
        "issuer": issuer,
        **_endpoints(issuer),
        "scopes_supported": list(scopes.SUPPORTED),
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(client_metadata.GRANT_TYPES),
        "acr_values_supported": [acr(level) for level in LEVELS],
        "subject_types_supported": ["public", "pairwise"],
        "display_values_supported": ["page", "popup", "touch", "wap"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claim_types_supported": ["normal"],
        "claims_supported": list(CLAIMS),
        "ui_locales_supported": ["zh-CN", "en"],
        "code_challenge_methods_supported": ["S256"],
        **_algorithms(_methods(provider)),
        **_abilities(),
        "tls_client_certificate_bound_access_tokens": provider.policy.certificate_header,
    }
    if provider.policy.initial_access_token is not None:
        found["registration_endpoint"] = f"{issuer}/oauth2/register"
    return found


def _endpoints(issuer: str) -> dict[str, str]:
    return {
        "authorization_endpoint": f"{issuer}/oauth2/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth2/par",
        "token_endpoint": f"{issuer}/oauth2/token",
        "userinfo_endpoint": f"{issuer}/oauth2/userinfo",
        "jwks_uri": f"{issuer}/oauth2/jwks",
        # Ours: see signing_keys.jwks.
        "sm2_jwks_uri": f"{issuer}/oauth2/jwks/sm2",
        "introspection_endpoint": f"{issuer}/oauth2/introspect",
        "revocation_endpoint": f"{issuer}/oauth2/revoke",
        "device_authorization_endpoint": f"{issuer}/oauth2/device_authorization",
        "end_session_endpoint": f"{issuer}/oauth2/end_session",
    }


def _methods(provider: Provider) -> list[str]:
    """How clients may authenticate here; by TLS only where the proxy shows us certificates."""
    tls = set() if provider.policy.certificate_header else client_metadata.TLS_METHODS
    return sorted(client_metadata.AUTH_METHODS - tls)


def _algorithms(methods: list[str]) -> dict[str, list[str]]:
    """`none` is nowhere, and no HMAC: a secret kept as a digest cannot make one."""
    ours, theirs = list(client_metadata.SIGNING_ALGS), list(client_metadata.CLIENT_ALGS)
    proving = [each for each in methods if each != "none"]
    return {
        "id_token_signing_alg_values_supported": ours,
        "userinfo_signing_alg_values_supported": ours,
        "introspection_signing_alg_values_supported": ours,
        "request_object_signing_alg_values_supported": theirs,
        "dpop_signing_alg_values_supported": list(client_metadata.FAPI_ALGS),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": theirs,
        "introspection_endpoint_auth_methods_supported": proving,
        "introspection_endpoint_auth_signing_alg_values_supported": theirs,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": theirs,
    }


def _abilities() -> dict[str, bool]:
    return {
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "require_pushed_authorization_requests": False,
        "authorization_response_iss_parameter_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }
