"""The rules of a deployment's identity provider: lifetimes, limits and switches, as one value."""

from dataclasses import dataclass, field
from datetime import timedelta

#: acr values (OIDC Core, 2): how sure we are of who somebody is; docs/identity.md.
ACR_PREFIX = "urn:trust:loa:"
LEVELS = (0, 1, 2, 3)


def acr(level: int) -> str:
    return f"{ACR_PREFIX}{level}"


def level_of_acr(value: str) -> int | None:
    """0 to 3, or None for an acr that is not one of ours."""
    tail = value.removeprefix(ACR_PREFIX)
    return int(tail) if value.startswith(ACR_PREFIX) and tail in ("0", "1", "2", "3") else None


@dataclass(frozen=True, slots=True)
class Policy:
    """Defaults follow GB/T 22239, level 3 and the OAuth 2.0 security BCP (RFC 9700)."""

    code_lifetime: timedelta = timedelta(seconds=60)
    request_uri_lifetime: timedelta = timedelta(seconds=90)
    interaction_lifetime: timedelta = timedelta(hours=1)
    id_token_lifetime: timedelta = timedelta(minutes=5)
    access_token_lifetime: timedelta = timedelta(minutes=10)
    refresh_token_lifetime: timedelta = timedelta(days=30)
    refresh_idle: timedelta = timedelta(days=14)
    refresh_grace: timedelta = timedelta(seconds=10)
    device_code_lifetime: timedelta = timedelta(minutes=10)
    session_lifetime: timedelta = timedelta(hours=12)
    session_idle: timedelta = timedelta(minutes=30)
    staff_session_idle: timedelta = timedelta(minutes=15)
    #: Clocks of clients may be off by so much (FAPI 2.0, 5.3.2.1, note 3).
    skew: timedelta = timedelta(seconds=10)
    #: From this level on a login must include a cryptographic factor to count for it.
    strong_level: int = 3
    #: Seal and CA administrators need a passkey or certificate; off: TOTP is enough for them too.
    administrators_by_key: bool = True
    #: RFC 7591: registering takes this bearer token; None switches dynamic registration off.
    initial_access_token: str | None = field(default=None, repr=False)
    #: Outgoing calls (jwks_uri, sector, back-channel logout) may reach private addresses.
    allow_private_callbacks: bool = False
    #: The proxy hands client certificates over: mutual TLS (RFC 8705) works, and is announced.
    certificate_header: bool = False
    development: bool = False
