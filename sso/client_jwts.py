"""JWTs that clients sign: assertions and request objects. One door to `sso.jose` for both."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sso import jose
from sso.client import Client
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from trust.crypto.errors import Malformed
from trust.crypto.jose import load_json
from trust.errors import TrustError

PART_MAX = 64 * 1024


def peek(compact: str) -> dict[str, Any] | None:
    """The claims of a compact JWT, nothing verified; None when it is no JWT."""
    return _part(compact, 1)


def algorithm(compact: str) -> str | None:
    """`alg` as the header says; None when it is no JWT."""
    found = (_part(compact, 0) or {}).get("alg")
    return found if isinstance(found, str) else None


def verified(
    provider: Provider, client: Client, compact: str, *, algorithms: Sequence[str],
    registered: str | None,
) -> dict[str, Any]:  # fmt: skip
    """The claims of a JWT signed by this client's key; OAuthError invalid_request otherwise.

    `registered`: the one algorithm the client registered, if any; "none" and HMAC never pass.
    """
    used = algorithm(compact)
    allowed = (registered,) if registered is not None else tuple(algorithms)
    if used is None or used not in allowed or used not in algorithms:
        raise OAuthError("invalid_request", f"signed by {used}, not by one of {list(allowed)}")
    try:
        return jose.verify_by_client(provider, client, compact, algorithms=allowed).claims
    except TrustError as error:
        raise OAuthError("invalid_request", "the signature does not verify") from error


def moment(value: object) -> datetime | None:
    """A NumericDate (RFC 7519, 2); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value < 2**40:
        return None
    return datetime.fromtimestamp(value, UTC)


def _part(compact: str, index: int) -> dict[str, Any] | None:
    parts = compact.split(".", 3)
    if len(parts) != 3 or len(parts[index]) > PART_MAX:
        return None
    try:
        decoded = base64.urlsafe_b64decode(parts[index] + "=" * (-len(parts[index]) % 4))
        found = load_json(decoded, cap=PART_MAX)
    except (binascii.Error, ValueError, Malformed):
        return None
    return found if isinstance(found, dict) else None
