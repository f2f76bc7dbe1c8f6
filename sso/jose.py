"""JWTs (RFC 7519) and the keys that sign them (RFC 7517, 7518, 8037): read, checked, written.

One way for every algorithm: what a header names must be on the caller's list and must fit the key
(RFC 8725, 3.1 and 3.2). "none" and every HMAC are absent below, so no list can let them in.
The JOSE name of SM2 over SM3 is ours: `SM2-SM3`, its JWK has kty "EC" and crv "SM2"
(docs/tokens.md).
"""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sso.client import Client
from sso.jwk import JSON, InvalidToken, KeySet, jwk_of, key_set, spki_of, thumbprint
from sso.outgoing import OutgoingFailed, OutgoingRefused
from sso.provider import Provider
from trust.crypto import raw, signatures
from trust.crypto.algorithms import Algorithm, by_jose
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.jose import b64url, load_json, unb64url
from trust.keys import KeyStore

__all__ = [
    "FAPI_SIGNING", "JSON", "SIGNING", "InvalidToken", "Jwt", "KeySet", "SigningKey", "check",
    "check_times", "client_keys", "jwk_of", "key_set", "parse", "sign_jwt", "spki_of",
    "thumbprint", "verify", "verify_by_client",
]  # fmt: skip

#: What may sign an ID token, a client assertion, a request object or a DPoP proof.
SIGNING: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA", "SM2-SM3"})
#: FAPI 2.0 Security Profile, 5.4: of ours, these.
FAPI_SIGNING: Final = frozenset({"PS256", "ES256", "EdDSA"})

JWT_MAX: Final = 16 * 1024
#: A key set is fetched again after so many seconds, and for a kid it lacks after so few.
KEY_SET_FRESH: Final = 600.0
KEY_SET_RETRY: Final = 30.0


@dataclass(frozen=True, slots=True)
class Jwt:
    """A JWT as read; only `verify` and `check` say that its signature is good."""

    header: Mapping[str, Any]
    claims: JSON
    algorithm: Algorithm
    signing_input: bytes
    signature: bytes

    @property
    def kid(self) -> str | None:
        found = self.header.get("kid")
        return found if isinstance(found, str) else None


def parse(
    compact: str, *, algorithms: Container[str], typ: str | None = None, cap: int = JWT_MAX
) -> Jwt:
    """Read a compact JWT; InvalidToken. `typ` is compared as RFC 7515, 4.1.9 says."""
    if len(compact) > cap or compact.count(".") != 2:
        raise InvalidToken("not a compact JWT of bounded length")
    first, second, third = compact.split(".")
    try:
        header, claims = load_json(unb64url(first)), load_json(unb64url(second))
        signature = unb64url(third)
    except Malformed as error:
        raise InvalidToken("not a compact JWT") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise InvalidToken("header and claims of a JWT are JSON objects")
    if "crit" in header or "b64" in header:
        raise InvalidToken("a critical header parameter is not understood")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        raise InvalidToken("the signature algorithm is not allowed here")
    if typ is not None and _media(header.get("typ")) != _media(typ):
        raise InvalidToken(f"a JWT of type {typ} is needed")
    try:
        algorithm = by_jose(alg)
    except UnknownAlgorithm as error:
        raise InvalidToken("the signature algorithm is not allowed") from error
    return Jwt(header, claims, algorithm, f"{first}.{second}".encode(), signature)


def _media(typ: object) -> str:
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def check(jwt: Jwt, spki: bytes) -> None:
    """InvalidToken unless this key signed it."""
    row = jwt.algorithm.row
    try:
        signature = raw.raw_to_der(row.key, jwt.signature)
        signatures.verify(jwt.algorithm, spki, jwt.signing_input, signature)
    except (InvalidSignature, Malformed, UnknownAlgorithm) as error:
        raise InvalidToken("the signature of the JWT does not verify") from error


def verify(
    compact: str, keys: KeySet, *, algorithms: Container[str], typ: str | None = None
) -> Jwt:
    """Read a JWT and check its signature by one of the keys; InvalidToken. Claims are not judged:
    see `check_times`, and who made it for whom is the caller's."""
    jwt = parse(compact, algorithms=algorithms, typ=typ)
    _check_by_one(jwt, keys)
    return jwt


def _check_by_one(jwt: Jwt, keys: KeySet) -> None:
    fitting = keys.fitting(jwt.algorithm, jwt.kid)
    for number, key in enumerate(fitting[:5], 1):
        try:
            check(jwt, key.spki)
        except InvalidToken:
            if number == len(fitting[:5]):
                raise
        else:
            return
    raise InvalidToken("no key that may sign this JWT is known")


def check_times(claims: Mapping[str, Any], *, at: datetime, skew: float) -> None:
    """InvalidToken for a JWT that has ended, or begins later than `skew` seconds from now.

    `exp`, `nbf` and `iat` are judged where present; numbers only (RFC 7519, 2).
    """
    now = at.timestamp()
    if "exp" in claims and _seconds(claims, "exp") + skew <= now:
        raise InvalidToken("the JWT has expired")
    for name in ("nbf", "iat"):
        if name in claims and _seconds(claims, name) > now + skew:
            raise InvalidToken(f"the {name} of the JWT lies in the future")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    # bool is an int in Python, and 1e400 an infinity.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise InvalidToken(f"the {name} of the JWT is not a time")
    return float(value)


def client_keys(provider: Provider, client: Client, *, kid: str | None = None) -> KeySet:
    """A platform's own keys: registered, or at its jwks_uri (fetched at most every ten minutes; for
    a kid that is not there at most every thirty seconds). InvalidToken when there are none."""
    if client.jwks is not None:
        return key_set(client.jwks)
    if client.jwks_uri is None:
        raise InvalidToken("the client has registered no keys")
    found = _fetched(provider, client.jwks_uri, KEY_SET_FRESH)
    if kid is not None and all(key.kid not in (None, kid) for key in found.keys):
        found = _fetched(provider, client.jwks_uri, KEY_SET_RETRY)
    return found


def _fetched(provider: Provider, url: str, fresh: float) -> KeySet:
    try:
        return key_set(provider.outgoing.cached_json(url, fresh=fresh))
    except (OutgoingRefused, OutgoingFailed) as error:
        raise InvalidToken("the keys of the client could not be fetched") from error


def verify_by_client(
    provider: Provider, client: Client, compact: str, *, algorithms: Container[str],
    typ: str | None = None,
) -> Jwt:  # fmt: skip
    """Read a JWT that a platform signed with its own key; InvalidToken."""
    jwt = parse(compact, algorithms=algorithms, typ=typ)
    _check_by_one(jwt, client_keys(provider, client, kid=jwt.kid))
    return jwt


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of ours: where it lies in the key store, and by what it is called outside."""

    kid: str
    alg: str
    key_id: str
    spki: bytes


@lru_cache(maxsize=64)
def _header(alg: str, kid: str, typ: str) -> str:
    """Every token of a key begins with the same characters."""
    return b64url(json.dumps({"alg": alg, "kid": kid, "typ": typ}, separators=(",", ":")).encode())


def sign_jwt(keys: KeyStore, key: SigningKey, claims: Mapping[str, Any], *, typ: str) -> str:
    """A compact JWT by a key of ours."""
    payload = b64url(json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode())
    content = f"{_header(key.alg, key.kid, typ)}.{payload}"
    algorithm = by_jose(key.alg)
    signature = keys.sign(key.key_id, content.encode(), algorithm)
    return f"{content}.{b64url(raw.der_to_raw(algorithm.row.key, signature))}"
