"""JWS in compact and detached form (RFC 7515) for the status and trust lists.

One JOSE name is ours: `SM2-SM3` (GB/T 32918 over SM3 with the default user id, r then s). ES256
is the default, so that any JOSE library can read what we publish.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trust.crypto import raw, signatures
from trust.crypto.algorithms import Algorithm, by_jose
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm

JWS_MAX = 16 * 1024 * 1024
_ALLOWED = frozenset({Algorithm.ES256, Algorithm.SM2_SM3})
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]*")
_STANDARD = bytes.maketrans(b"-_", b"+/")
#: Characters that may stand last after so many of a group of four: those whose spare bits are zero.
_LAST = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Jws:
    """A JWS as read, its signature not yet checked."""

    header: Mapping[str, Any]
    algorithm: Algorithm
    payload: bytes
    signing_input: bytes
    signature: bytes

    def certificates(self) -> tuple[bytes, ...]:
        """The DER certificates of `x5c` (RFC 7515, 4.1.6)."""
        chain = self.header.get("x5c", [])
        if not isinstance(chain, list) or not all(isinstance(item, str) for item in chain):
            raise Malformed("x5c is no list of certificates")
        try:
            return tuple(base64.b64decode(item, validate=True) for item in chain)
        except ValueError as error:
            raise Malformed("x5c is not base64") from error


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str | bytes) -> bytes:
    """base64url without padding, in its one encoding (spare bits zero)."""
    data = text.encode("ascii", "replace") if isinstance(text, str) else text
    spare = len(data) % 4
    if not _BASE64URL.fullmatch(data) or spare == 1:
        raise Malformed("not base64url")
    if spare and data[-1] not in _LAST[spare]:
        raise Malformed("base64url with spare bits set")
    return binascii.a2b_base64(data.translate(_STANDARD) + b"=" * (-spare % 4))


def canonical_json(value: Any) -> bytes:
    """JSON in one form: sorted keys, no spaces, UTF-8 (RFC 8785 for strings, integers, lists)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def load_json(data: bytes | str, *, cap: int = JWS_MAX) -> Any:
    """JSON without duplicate keys, of bounded size; Malformed otherwise."""
    if len(data) > cap:
        raise Malformed(f"JSON over {cap} bytes")
    try:
        found = json.loads(data, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        canonical_json(found)  # a lone surrogate cannot be written again
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    return found


def _no_duplicates(pairs: list[tuple[str, Any]]) -> JSON:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a JSON key stands twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def sign(
    payload: bytes,
    *,
    algorithm: Algorithm,
    sign: Callable[[bytes], bytes],
    typ: str,
    kid: str,
    x5c: tuple[bytes, ...] = (),
) -> str:
    """A compact JWS; `sign` returns a DER signature over the bytes it is given."""
    if algorithm not in _ALLOWED:
        raise UnknownAlgorithm(f"{algorithm} is not used for JWS here")
    header: JSON = {"alg": str(algorithm), "kid": kid, "typ": typ}
    if x5c:
        header["x5c"] = [base64.b64encode(item).decode() for item in x5c]
    signing_input = f"{b64url(canonical_json(header))}.{b64url(payload)}"
    der = sign(signing_input.encode())
    return f"{signing_input}.{b64url(raw.der_to_raw(algorithm.row.key, der))}"


def detach(compact: str) -> str:
    """The detached form (RFC 7515, appendix F)."""
    header, _, signature = compact.split(".")
    return f"{header}..{signature}"


def attach(detached: str, payload: bytes) -> str:
    header, middle, signature = _three(detached)
    if middle:
        raise Malformed("a detached JWS carries no payload")
    return f"{header}.{b64url(payload)}.{signature}"


def _three(text: str) -> tuple[str, str, str]:
    if len(text) > JWS_MAX or text.count(".") != 2:
        raise Malformed("not a compact JWS")
    header, payload, signature = text.split(".")
    return header, payload, signature


def parse(compact: str, *, typ: str) -> Jws:
    """Read a compact JWS of the stated type; unknown or critical headers are refused."""
    header_text, payload_text, signature_text = _three(compact)
    header = load_json(unb64url(header_text))
    if not isinstance(header, dict) or not set(header) <= {"alg", "kid", "typ", "x5c"}:
        raise Malformed("JWS header with parameters that are not understood")
    if header.get("typ") != typ:
        raise Malformed(f"JWS is not of type {typ}")
    algorithm = by_jose(str(header.get("alg")))
    if algorithm not in _ALLOWED:
        raise UnknownAlgorithm(f"JWS algorithm {algorithm} is not accepted")
    signing_input = f"{header_text}.{payload_text}".encode()
    return Jws(header, algorithm, unb64url(payload_text), signing_input, unb64url(signature_text))


def verify(jws: Jws, spki: bytes) -> None:
    """Raise InvalidSignature unless the key signed it."""
    try:
        signature = raw.raw_to_der(jws.algorithm.row.key, jws.signature)
    except Malformed as error:
        raise InvalidSignature("the signature is out of range") from error
    signatures.verify(jws.algorithm, spki, jws.signing_input, signature)
