"""Status lists as CWT (Token Status List, section 5.2): the same two bits a licence in CBOR,
without base64, for lists of millions.

A COSE_Sign1 whose protected header is exactly alg, typ (RFC 9596) and x5chain (RFC 9360).
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import cbor2

from certificates.status.lists import BITS, inflate
from trust.crypto import cose, raw, signatures
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm

MEDIA_TYPE: Final = "application/statuslist+cwt"
#: The content that a status list of ten million licences is allowed to be.
TOKEN_MAX: Final = 8 * 1024 * 1024

_ALG, _TYP, _X5CHAIN = 1, 16, 33
_SUB, _EXP, _IAT = 2, 4, 6
_LIST, _TTL = 65533, 65534
_ALGORITHMS: Final = {number: algorithm for algorithm, number in cose.NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class SignedList:
    """A list as read. `chain` is DER, leaf first; its judgement is the caller's, and so is
    `require_signature` with the leaf's key. `packed` has four licences to the byte."""

    subject: str
    issued_at: datetime
    expires_at: datetime
    packed: bytes
    chain: tuple[bytes, ...]
    algorithm: Algorithm
    signed: bytes
    signature: bytes

    def require_signature(self, spki: bytes) -> None:
        """InvalidSignature unless the key made it."""
        try:
            signature = raw.raw_to_der(self.algorithm.row.key, self.signature)
        except Malformed as error:
            raise InvalidSignature("the signature is out of range") from error
        signatures.verify(self.algorithm, spki, self.signed, signature)


def write(
    packed: bytes, *, subject: str, at: datetime, lifetime: timedelta, ttl: timedelta,
    algorithm: Algorithm, x5c: tuple[bytes, ...], sign: Callable[[bytes], bytes],
) -> bytes:  # fmt: skip
    """The signed list over `packed`, two bits a licence; `sign` returns a DER signature."""
    issued = int(at.timestamp())
    payload = cose.encode(
        {
            _SUB: subject, _IAT: issued, _EXP: issued + int(lifetime.total_seconds()),
            _TTL: int(ttl.total_seconds()),
            _LIST: {"bits": BITS, "lst": zlib.compress(packed, 9)},
        }
    )  # fmt: skip
    chain = x5c[0] if len(x5c) == 1 else list(x5c)
    protected = cose.encode({_ALG: cose.NUMBERS[algorithm], _TYP: MEDIA_TYPE, _X5CHAIN: chain})
    signature = raw.der_to_raw(algorithm.row.key, sign(_to_be_signed(protected, payload)))
    return cose.encode(cbor2.CBORTag(cose.TAG_SIGN1, [protected, {}, payload, signature]))


def parse(data: bytes) -> SignedList:
    """Read a list; Malformed or UnknownAlgorithm. Nothing in it is believed yet."""
    if len(data) > TOKEN_MAX:
        raise Malformed(f"a status list has at most {TOKEN_MAX} bytes")
    value = cose.decode(data)
    if not isinstance(value, cbor2.CBORTag) or value.tag != cose.TAG_SIGN1:
        raise Malformed("not a COSE_Sign1")
    match value.value:
        case [
            bytes() as protected,
            dict() as open_header,
            bytes() as payload,
            bytes() as signature,
        ]:
            header, content = cose.decode(protected), cose.decode(payload)
        case _:
            raise Malformed("not a COSE_Sign1")
    if open_header or not isinstance(header, dict) or set(header) != {_ALG, _TYP, _X5CHAIN}:
        raise Malformed("the header holds other than alg, typ and x5chain")
    if header[_TYP] != MEDIA_TYPE or len(signature) != 64:
        raise Malformed("not a status list")
    number = header[_ALG]
    algorithm = _ALGORITHMS.get(number) if type(number) is int else None
    if algorithm is None:
        raise UnknownAlgorithm(f"COSE algorithm {str(number)[:20]} is not accepted")
    return _typed(
        content, chain=_chain(header[_X5CHAIN]), algorithm=algorithm,
        signed=_to_be_signed(protected, payload), signature=signature,
    )  # fmt: skip


def _typed(
    content: Any, *, chain: tuple[bytes, ...], algorithm: Algorithm, signed: bytes,
    signature: bytes,
) -> SignedList:  # fmt: skip
    try:
        listed, issued, expires = content[_LIST], content[_IAT], content[_EXP]
        if listed["bits"] != BITS or not isinstance(content[_SUB], str):
            raise Malformed("a status list of other than two bits, or of nothing")
        if type(issued) is not int or type(expires) is not int or issued >= expires:
            raise Malformed("a status list without a life")
        return SignedList(
            content[_SUB], datetime.fromtimestamp(issued, UTC),
            datetime.fromtimestamp(expires, UTC), inflate(listed["lst"]), chain, algorithm, signed,
            signature,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, OSError) as error:
        raise Malformed("not a status list") from error


def _chain(value: Any) -> tuple[bytes, ...]:
    """One certificate alone is a byte string, several are an array (RFC 9360, 2)."""
    found = [value] if isinstance(value, bytes) else value
    if not isinstance(found, list) or not 1 <= len(found) <= 4:
        raise Malformed("no certificate comes with the signature")
    if any(not isinstance(each, bytes) for each in found):
        raise Malformed("a certificate is bytes")
    return tuple(found)


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return cose.encode(["Signature1", protected, b"", payload])
