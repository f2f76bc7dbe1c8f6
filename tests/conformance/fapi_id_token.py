"""What every module asks of an ID token (OIDC Core 1.0, 3.1.3.7; FAPI 2.0, 5.4)."""

from collections.abc import Mapping
from typing import Any

from tests.conformance.fapi import Ask, Platform
from tests.conformance.fapi_keys import JSON, part
from tests.conformance.responses import check_id_token, verified

ALLOWED = ("PS256", "ES256", "EdDSA")


def claims(compact: str) -> JSON:
    return part(compact, 1)


def signed(platform: Platform, compact: str) -> JSON:
    """The claims of a JWT of the provider's, its signature by an algorithm that FAPI allows."""
    alg = part(compact, 0)["alg"]
    assert alg in ALLOWED
    return verified(compact, platform.keys(), alg=alg)


def check(platform: Platform, said: Mapping[str, Any], ask: Ask) -> JSON:
    """The claims of the ID token in a token response, after everything was looked at."""
    compact: str = said["id_token"]
    found, alg = signed(platform, compact), part(compact, 0)["alg"]
    check_id_token(
        found, issuer=platform.op.issuer, client_id=platform.client_id, asked=ask.parameters,
        access_token=said["access_token"], at=platform.op.clock(),
        alg="ED512" if alg == "EdDSA" else alg,  # whose digest is SHA-512 (RFC 8032, 5.1)
    )  # fmt: skip
    assert found["at_hash"]
    assert found["acr"]
    return found
