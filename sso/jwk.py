"""Public keys as JWKs (RFC 7517, 7518, 8037) and their thumbprints (RFC 7638).

SM2 has no registered curve name: a JWK of ours says kty "EC" and crv "SM2" (docs/tokens.md).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from trust.crypto import signatures, sm2
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.crypto.hashes import sha256
from trust.crypto.jose import b64url, unb64url
from trust.crypto.sm2_formats import is_spki as is_sm2
from trust.errors import Unauthenticated

KEYS_MAX: Final = 50
_CURVES: Final = {
    "P-256": (KeyKind.P256, 32),
    "P-384": (KeyKind.P384, 48),
    "SM2": (KeyKind.SM2, 32),
}
_EC_CURVES: Final[dict[KeyKind, ec.EllipticCurve]] = {
    KeyKind.P256: ec.SECP256R1(), KeyKind.P384: ec.SECP384R1(),
}  # fmt: skip
#: RFC 7638, 3.2, and RFC 8037, 2: the members that make a key what it is.
_THUMBPRINT: Final = {
    "RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"),
}  # fmt: skip
_PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")

JSON = dict[str, Any]


class InvalidToken(Unauthenticated):
    """A JWT that is malformed, badly signed, out of time or meant for somebody else."""

    code = "invalid_token"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key of a set: `alg` and `kid` where the set says them."""

    spki: bytes
    kind: KeyKind
    kid: str | None = None
    alg: str | None = None


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of a JWK set that may sign."""

    keys: tuple[PublicKey, ...]

    def fitting(self, algorithm: Algorithm, kid: str | None) -> list[PublicKey]:
        """The keys that may have signed a JWS: by kid where both name one, by kind, by alg."""
        row = algorithm.row
        return [
            key
            for key in self.keys
            if key.kind is row.key
            and (key.alg is None or key.alg == row.jose)
            and (kid is None or key.kid is None or key.kid == kid)
        ]


def key_set(document: object) -> KeySet:
    """The signing keys of a JWK set; those of kinds not allowed are passed over (RFC 7517, 5).

    InvalidToken for what is no key set, or when a private key stands in it.
    """
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise InvalidToken(f"a JWK set lists at most {KEYS_MAX} keys")
    found = (_listed_key(item) for item in listed)
    return KeySet(tuple(key for key in found if key is not None))


def _listed_key(item: object) -> PublicKey | None:
    if not isinstance(item, Mapping) or item.get("use", "sig") != "sig":
        return None
    kid, alg = item.get("kid"), item.get("alg")
    try:
        spki = spki_of(item)
        return PublicKey(
            spki, signatures.kind_of(spki),
            kid if isinstance(kid, str) else None, alg if isinstance(alg, str) else None,
        )  # fmt: skip
    except (InvalidToken, Malformed, UnknownAlgorithm):
        return None


def spki_of(jwk: Mapping[str, Any]) -> bytes:
    """The SubjectPublicKeyInfo (DER) of a public JWK; InvalidToken, also for a private one."""
    if any(name in jwk for name in _PRIVATE):
        raise InvalidToken("the JWK holds a private key")
    names = _THUMBPRINT.get(str(jwk.get("kty")), ())
    values = tuple(jwk.get(name) for name in names)
    if not names or not all(isinstance(value, str) and len(value) <= 1500 for value in values):
        raise InvalidToken("not a JWK of a kind that is allowed")
    try:
        return _spki(names, tuple(str(value) for value in values))
    except (ValueError, Malformed, UnknownAlgorithm) as error:
        raise InvalidToken("the JWK is no key that is allowed") from error


@lru_cache(maxsize=1024)
def _spki(names: tuple[str, ...], values: tuple[str, ...]) -> bytes:
    part = dict(zip(names, values, strict=True))
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    if part["kty"] == "RSA":
        numbers = rsa.RSAPublicNumbers(_number(part["e"]), _number(part["n"]))
        key = numbers.public_key()
    elif part["kty"] == "OKP":
        if part["crv"] != "Ed25519":
            raise UnknownAlgorithm("of the OKP curves only Ed25519 is allowed")
        key = ed25519.Ed25519PublicKey.from_public_bytes(unb64url(part["x"]))
    else:
        kind, size = _CURVES.get(part["crv"], (None, 0))
        x, y = unb64url(part["x"]), unb64url(part["y"])
        if kind is None or (len(x), len(y)) != (size, size):
            raise UnknownAlgorithm("an elliptic curve that is not allowed")
        if kind is KeyKind.SM2:
            return sm2.spki(x + y)
        key = ec.EllipticCurvePublicKey.from_encoded_point(_EC_CURVES[kind], b"\4" + x + y)
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signatures.kind_of(spki)  # weak ones are refused by name
    return spki


def _number(text: str) -> int:
    return int.from_bytes(unb64url(text), "big")


def jwk_of(spki: bytes) -> JSON:
    """The public JWK of a SubjectPublicKeyInfo, with the members of its thumbprint only."""
    if is_sm2(spki):
        point = sm2.public_key_from_spki(spki)
        return {"kty": "EC", "crv": "SM2", "x": b64url(point[:32]), "y": b64url(point[32:])}
    key = load_der_public_key(spki)
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _minimal(numbers.n), "e": _minimal(numbers.e)}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": b64url(key.public_bytes_raw())}
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise UnknownAlgorithm("a key of a kind that is not allowed")
    size = (key.curve.key_size + 7) // 8
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
    crv = "P-256" if size == 32 else "P-384"
    return {"kty": "EC", "crv": crv, "x": b64url(point[:size]), "y": b64url(point[size:])}


def _minimal(number: int) -> str:
    return b64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """43 characters that name a key (RFC 7638, by SHA-256); InvalidToken for an unknown kind."""
    names = _THUMBPRINT.get(str(jwk.get("kty")))
    if names is None or not all(isinstance(jwk.get(name), str) for name in names):
        raise InvalidToken("not a JWK of a kind that is allowed")
    content = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"))
    return b64url(sha256(content.encode()))
