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
_FAULTS = (cbor2.CBORError, ValueError, TypeError, ArithmeticError, RecursionError)


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


def encode_ordered(value: dict[int, Any]) -> bytes:
    """Deterministic CBOR of a map whose keys come in ascending order, from 0 to 23; the values hold
    no maps."""
    encoded: bytes = cbor2.dumps(value)
    return encoded


def decode(data: bytes) -> Any:
    """CBOR in its deterministic encoding only; Malformed for anything else."""
    value = decode_any(data)
    try:
        again = encode(value)
    except _FAULTS as error:
        raise Malformed("not CBOR") from error
    if again != data:
        raise Malformed("CBOR is not in its deterministic encoding")
    return value


def decode_any(data: bytes) -> Any:
    """The first item in whatever encoding, for who compares the bytes afterwards; Malformed."""
    try:
        return cbor2.CBORDecoder(io.BytesIO(data)).decode()
    except _FAULTS as error:
        raise Malformed("not CBOR") from error


def to_be_signed(message: Sign1) -> bytes:
    """What the signature of a message is over."""
    return _to_be_signed(message.protected, message.payload)


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """The Sig_structure (RFC 9052, 4.4): an array of the context, the protected header, no
    external data and the payload."""
    return b"\x84\x6aSignature1" + _octets(protected) + b"\x40" + _octets(payload)


def _octets(data: bytes) -> bytes:
    """A byte string in deterministic CBOR."""
    size = len(data)
    if size < 24:
        return bytes((0x40 + size,)) + data
    if size < 256:
        return bytes((0x58, size)) + data
    if size < 65_536:
        return b"\x59" + size.to_bytes(2, "big") + data
    return encode(data)


def _head(number: int) -> bytes:
    """The bytes before the key id in every message by one algorithm."""
    protected = encode({ALG: number, KID: bytes(KID_LENGTH)})
    return b"\xd2\x84" + _octets(protected)[:-KID_LENGTH]


_HEADS = tuple((_head(number), algorithm) for number, algorithm in _ALGORITHMS.items())
#: Tag 18, array of four, byte string of less than 24.
_WRAPPING = 3
#: An empty map, then a byte string of 24 to 255; a byte string of 64.
_SHORT_PAYLOAD, _SIGNATURE_HEAD = b"\xa0\x58", b"\x58\x40"


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
    return _parse_usual(data) or _parse_any(data)


def _parse_usual(data: bytes) -> Sign1 | None:
    """A good message of less than 256 bytes of payload, cut at its lengths; None for all else.

    Such messages differ in nothing but key id, payload and signature: whatever else is in one is
    read item by item by `_parse_any`, which names what is wrong.
    """
    for head, algorithm in _HEADS:
        if data.startswith(head):
            at = len(head) + KID_LENGTH
            size = data[at + 2] if data[at : at + 2] == _SHORT_PAYLOAD else 0
            end = at + 3 + size
            if size < 24 or data[end : end + 2] != _SIGNATURE_HEAD or len(data) != end + 66:
                return None
            protected, kid = data[_WRAPPING:at], data[at - KID_LENGTH : at]
            return Sign1(algorithm, kid, protected, data[at + 3 : end], data[end + 2 :])
    return None


def _parse_any(data: bytes) -> Sign1:
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
    signatures.verify(message.algorithm, spki, to_be_signed(message), signature)
