"""COSE_Sign1 (RFC 9052, 4.2) over deterministic CBOR (RFC 8949, 4.2.1), strict both ways.

SM2 has no COSE number; -65538 is from the range for private use (below -65536) and is written in
docs/qr.md. Both algorithms' signatures are r then s, 64 bytes (RFC 9053, 2.1).
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cbor2

from trust.crypto import raw, signatures
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm

ALG, KID = 1, 4
KID_LENGTH = 8
TAG_SIGN1 = 18
NUMBERS = {Algorithm.ES256: -7, Algorithm.SM2_SM3: -65538}
_ALGORITHMS = {number: algorithm for algorithm, number in NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Sign1:
    """A COSE_Sign1 as read: the signer's key id, its algorithm, the payload's CBOR."""

    algorithm: Algorithm
    kid: bytes
    protected: bytes
    payload: bytes
    signature: bytes


def encode(value: Any) -> bytes:
    """Deterministic CBOR."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes) -> Any:
    """CBOR in its deterministic encoding only; Malformed for anything else."""
    try:
        value = cbor2.CBORDecoder(io.BytesIO(data)).decode()
        again = encode(value)
    except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise Malformed("not CBOR") from error
    if again != data:
        raise Malformed("CBOR is not in its deterministic encoding")
    return value


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return encode(["Signature1", protected, b"", payload])


def sign1(
    payload: bytes, *, algorithm: Algorithm, kid: bytes, sign: Callable[[bytes], bytes]
) -> bytes:
    """A tagged COSE_Sign1; `sign` returns a DER signature over the bytes it is given."""
    protected = encode({ALG: NUMBERS[algorithm], KID: kid})
    signature = sign(_to_be_signed(protected, payload))
    rs = raw.der_to_raw(algorithm.row.key, signature)
    return encode(cbor2.CBORTag(TAG_SIGN1, [protected, {}, payload, rs]))


def parse(data: bytes) -> Sign1:
    """Read a tagged COSE_Sign1 with exactly alg and kid, both protected; Malformed otherwise."""
    value = decode(data)
    if not isinstance(value, cbor2.CBORTag) or value.tag != TAG_SIGN1:
        raise Malformed("not a COSE_Sign1")
    match value.value:
        case [
            bytes() as protected,
            dict() as open_header,
            bytes() as payload,
            bytes() as signature,
        ]:
            header = decode(protected)
        case _:
            raise Malformed("not a COSE_Sign1")
    if open_header or not isinstance(header, dict) or set(header) != {ALG, KID}:
        raise Malformed("COSE header holds other than alg and kid")
    number, kid = header[ALG], header[KID]
    algorithm = _ALGORITHMS.get(number) if type(number) is int else None
    if algorithm is None:
        raise UnknownAlgorithm(f"COSE algorithm {str(number)[:20]} is not accepted")
    if not isinstance(kid, bytes) or len(kid) != KID_LENGTH or len(signature) != 64:
        raise Malformed("COSE key id or signature of a wrong length")
    return Sign1(algorithm, kid, protected, payload, signature)


def verify(message: Sign1, spki: bytes) -> None:
    """Raise InvalidSignature unless `message` is signed by the key."""
    try:
        signature = raw.raw_to_der(message.algorithm.row.key, message.signature)
    except Malformed as error:
        raise InvalidSignature("the signature is out of range") from error
    signed = _to_be_signed(message.protected, message.payload)
    signatures.verify(message.algorithm, spki, signed, signature)
