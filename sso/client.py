"""A client: a registered platform that logs its users in here, as one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: RFC 8705, 7523: the methods in which the platform proves itself by a key of its own.
KEY_METHODS = frozenset({"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"})
SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post"})


@dataclass(frozen=True, slots=True)
class Client:
    """Metadata as checked by `client_metadata`; names differ from RFC 7591 only to be short.

    `auth_method` is the one way in which it may authenticate. `sector` is the host under which
    pairwise subjects are made. `resources` are the audiences (RFC 8707) it may ask tokens for.
    `first_party`: a platform of the same government, for which nobody is asked to consent.
    `machine_account`: the account that acts when the platform calls for itself (sso.machines).
    """

    client_id: str
    name: str
    created_at: datetime
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    request_uris: tuple[str, ...] = ()
    application_type: str = "web"
    auth_method: str = "client_secret_basic"
    secret_digest: bytes | None = field(default=None, repr=False)
    previous_secret_digest: bytes | None = field(default=None, repr=False)
    previous_secret_until: datetime | None = None
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    jwks_uri: str | None = None
    grant_types: frozenset[str] = frozenset({"authorization_code"})
    scopes: frozenset[str] = frozenset({"openid"})
    resources: tuple[str, ...] = ()
    subject_type: str = "public"
    sector_identifier_uri: str | None = None
    sector: str = ""
    id_token_alg: str = "RS256"  # noqa: S105 - an algorithm
    userinfo_alg: str | None = None
    introspection_alg: str | None = None
    access_token_alg: str = "ES256"  # noqa: S105 - an algorithm
    request_object_alg: str | None = None
    auth_alg: str | None = None
    require_pkce: bool = True
    require_par: bool = False
    require_signed_request: bool = False
    fapi: bool = False
    dpop_bound: bool = False
    mtls_bound: bool = False
    tls_subject_dn: str | None = None
    backchannel_logout_uri: str | None = None
    backchannel_session_required: bool = False
    frontchannel_logout_uri: str | None = None
    frontchannel_session_required: bool = False
    default_max_age: int | None = None
    default_acr_values: tuple[str, ...] = ()
    require_auth_time: bool = False
    initiate_login_uri: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    policy_uri: str | None = None
    tos_uri: str | None = None
    contacts: tuple[str, ...] = ()
    first_party: bool = False
    active: bool = True
    machine_account: str | None = None

    @property
    def public(self) -> bool:
        """It cannot keep a secret (RFC 6749, 2.1)."""
        return self.auth_method == "none"
