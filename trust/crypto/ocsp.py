"""OCSP on the wire (RFC 6960; nonces of RFC 8954): requests and answers, read and written.

SHA-1 occurs here as a name only: clients hash the issuer's name and key with it to say whom they
mean. Nothing is trusted because of it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from typing import Final

from trust.crypto import der, hashes, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import Malformed
from trust.crypto.x509 import Extension
from trust.crypto.x509_write import algorithm_identifier, write_extensions

REQUEST_MAX: Final = 4096
SINGLES_MAX: Final = 20
#: RFC 8954 says 1 to 32 octets; its successor RFC 9654 lets clients send up to 128.
NONCE_MAX: Final = 128
RESPONSE_MAX: Final = 1 << 18

BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
SHA1: Final = "1.3.14.3.2.26"

#: What a CertID may be hashed with.
HASHES: Final[dict[str, Callable[[bytes], bytes]]] = {
    SHA1: lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "2.16.840.1.101.3.4.2.1": hashes.sha256,
    "1.2.156.10197.1.401": hashes.sm3,
}


class ResponseStatus(IntEnum):
    """OCSPResponseStatus (RFC 6960, 4.2.1); 4 is not used there."""

    SUCCESSFUL = 0
    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    SIG_REQUIRED = 5
    UNAUTHORIZED = 6


@dataclass(frozen=True, slots=True)
class CertId:
    """Which certificate is meant; `raw` is its DER as it came, to be given back unchanged."""

    raw: bytes
    hash_oid: str
    name_hash: bytes
    key_hash: bytes
    serial: int


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; `nonce` is the whole extension to be given back."""

    ids: tuple[CertId, ...]
    nonce: Extension | None


class Known(Enum):
    """What is said of a certificate that is not revoked."""

    GOOD = b"\x80\x00"
    UNKNOWN = b"\x82\x00"


@dataclass(frozen=True, slots=True)
class Revocation:
    at: datetime
    reason: int


@dataclass(frozen=True, slots=True)
class Single:
    """An answer on one certificate."""

    cert_id: CertId
    standing: Revocation | Known
    this_update: datetime
    next_update: datetime | None


@dataclass(frozen=True, slots=True)
class Response:
    """A BasicOCSPResponse as read, nothing verified. `responder` is the DER of ResponderID."""

    tbs: bytes
    responder: bytes
    produced_at: datetime
    singles: tuple[Single, ...]
    nonce: bytes | None
    signature_oid: str
    signature: bytes
    certificates: tuple[bytes, ...]


# --- requests ----------------------------------------------------------------------------------


def key_bits(spki: bytes) -> bytes:
    """The octets of subjectPublicKey, which issuerKeyHash is over (RFC 6960, 4.1.1)."""
    return der.read_bits(der.children(der.parse(spki))[1])


def cert_id(issuer: x509.Certificate, serial: int, *, hash_oid: str = SHA1) -> CertId:
    hashed = HASHES[hash_oid]
    name, key = hashed(issuer.subject), hashed(key_bits(issuer.spki))
    # SHA-1 and SHA-2 stand with NULL, as OpenSSL and everyone writes; SM3 without.
    parameters = b"" if hash_oid.startswith("1.2.156.") else der.null()
    algorithm = der.sequence(der.oid(hash_oid), parameters)
    raw = der.sequence(algorithm, der.octets(name), der.octets(key), der.integer(serial))
    return CertId(raw, hash_oid, name, key, serial)


def write_request(*ids: CertId, nonce: bytes | None = None) -> bytes:
    """An unsigned OCSPRequest."""
    extension = Extension(NONCE, False, der.octets(nonce or b""))
    extensions = der.explicit(2, write_extensions([extension])) if nonce is not None else b""
    singles = der.sequence(*(der.sequence(each.raw) for each in ids))
    return der.sequence(der.sequence(singles, extensions))


def parse_request(data: bytes) -> Request:
    """Read an OCSPRequest; Malformed for anything that this responder does not understand.

    A signature on it is allowed and not looked at: the answers are public.
    """
    outer = der.children(der.parse(data, tag=der.SEQUENCE, cap=REQUEST_MAX))
    if not outer or len(outer) > 2 or (len(outer) == 2 and outer[1].tag != 0xA0):
        raise Malformed("an OCSPRequest is a TBSRequest and perhaps a signature")
    parts = der.children(der.expect(outer[0], der.SEQUENCE))
    if parts and parts[0].tag == 0xA0:
        raise Malformed("an OCSP request of another version, or version 1 written out")
    if parts and parts[0].tag == 0xA1:
        parts = parts[1:]  # requestorName: nobody here needs to know
    if not parts or len(parts) > 2 or (len(parts) == 2 and parts[1].tag != 0xA2):
        raise Malformed("a TBSRequest lacks its list, or has a part too many")
    singles = der.children(der.expect(parts[0], der.SEQUENCE))
    if not 1 <= len(singles) <= SINGLES_MAX:
        raise Malformed(f"an OCSP request asks for 1 to {SINGLES_MAX} certificates")
    nonce = _nonce(parts[1].content) if len(parts) == 2 else None
    return Request(tuple(map(_single_request, singles)), nonce)


def _single_request(value: der.Value) -> CertId:
    parts = der.children(der.expect(value, der.SEQUENCE))
    if not parts or len(parts) > 2 or (len(parts) == 2 and parts[1].tag != 0xA0):
        raise Malformed("a Request is a CertID and perhaps extensions")
    if len(parts) == 2:
        _refuse_critical(x509.read_extensions(parts[1].content))
    return _cert_id(parts[0])


def _cert_id(value: der.Value) -> CertId:
    parts = der.children(der.expect(value, der.SEQUENCE))
    if len(parts) != 4:
        raise Malformed("a CertID has four parts")
    serial = der.read_integer(parts[3])
    if serial.bit_length() > 160:
        raise Malformed("a serial number has at most 20 octets")
    found = CertId(
        value.raw, x509.algorithm_oid(parts[0]), der.read_octets(parts[1]),
        der.read_octets(parts[2]), serial,
    )  # fmt: skip
    if max(len(found.name_hash), len(found.key_hash)) > 64:
        raise Malformed("a hash of a CertID is longer than any hash")
    return found


def _nonce(data: bytes) -> Extension | None:
    extensions = x509.read_extensions(data)
    nonce = extensions.pop(NONCE, None)
    _refuse_critical(extensions)
    if nonce is not None and not 1 <= len(der.read_octets(der.parse(nonce.value))) <= NONCE_MAX:
        raise Malformed(f"a nonce has 1 to {NONCE_MAX} octets")
    return nonce


def _refuse_critical(extensions: dict[str, Extension]) -> None:
    for extension in extensions.values():
        if extension.critical:
            raise Malformed(f"critical extension {extension.oid} is not understood")


# --- answers -----------------------------------------------------------------------------------


def error(status: ResponseStatus) -> bytes:
    """An OCSPResponse that is no answer; it is not signed (RFC 6960, 2.3)."""
    return der.sequence(der.tlv(0x0A, bytes((status,))))


def tbs_response(
    singles: list[Single], *, responder: bytes, produced_at: datetime, nonce: Extension | None
) -> bytes:
    """ResponseData; `responder` is the DER Name of the signer's subject."""
    extensions = der.explicit(1, write_extensions([nonce])) if nonce else b""
    return der.sequence(
        der.explicit(1, responder), der.generalized_time(produced_at),
        der.sequence(*map(_write_single, singles)), extensions,
    )  # fmt: skip


def _write_single(single: Single) -> bytes:
    if isinstance(single.standing, Known):
        status = single.standing.value
    else:
        reason = der.tlv(0x0A, bytes((single.standing.reason,)))
        # RFC 5280, 5.3.1: unspecified is said by saying nothing.
        named = der.explicit(0, reason) if single.standing.reason else b""
        status = der.tlv(0xA1, der.generalized_time(single.standing.at) + named)
    ends = der.generalized_time(single.next_update) if single.next_update else b""
    return der.sequence(
        single.cert_id.raw, status, der.generalized_time(single.this_update),
        der.explicit(0, ends) if ends else b"",
    )  # fmt: skip


def response(
    tbs: bytes, algorithm: Algorithm, signature: bytes, *, certificates: tuple[bytes, ...]
) -> bytes:
    """An OCSPResponse around a signed ResponseData."""
    basic = der.sequence(
        tbs, algorithm_identifier(algorithm.row.oid), der.bits(signature),
        der.explicit(0, der.sequence(*certificates)),
    )  # fmt: skip
    inner = der.sequence(der.oid(BASIC), der.octets(basic))
    return der.sequence(der.tlv(0x0A, b"\x00"), der.explicit(0, inner))


def parse_response(data: bytes) -> Response | ResponseStatus:
    """Read an OCSPResponse: its answer, or the status by which it refuses one; Malformed."""
    outer = der.children(der.parse(data, tag=der.SEQUENCE, cap=RESPONSE_MAX))
    code = der.expect(outer[0], 0x0A).content if outer else b""
    if code != b"\x00":
        try:
            return ResponseStatus(int.from_bytes(code, "big"))
        except ValueError as error_:
            raise Malformed("an OCSP response status that does not exist") from error_
    if len(outer) != 2 or outer[1].tag != 0xA0:
        raise Malformed("a successful OCSP response without an answer")
    inner = der.children(der.parse(outer[1].content, tag=der.SEQUENCE))
    if len(inner) != 2 or der.read_oid(inner[0]) != BASIC:
        raise Malformed("an OCSP answer of an unknown kind")
    basic = der.children(der.parse(der.read_octets(inner[1]), tag=der.SEQUENCE))
    if len(basic) not in (3, 4) or (len(basic) == 4 and basic[3].tag != 0xA0):
        raise Malformed("a BasicOCSPResponse has three or four parts")
    held = der.children(der.parse(basic[3].content, tag=der.SEQUENCE)) if len(basic) == 4 else []
    return _response(basic, tuple(each.raw for each in held))


def _response(basic: list[der.Value], certificates: tuple[bytes, ...]) -> Response:
    parts = der.children(der.expect(basic[0], der.SEQUENCE))
    if parts and parts[0].tag == 0xA0:
        parts = parts[1:]
    if len(parts) not in (3, 4) or parts[0].tag not in (0xA1, 0xA2):
        raise Malformed("ResponseData of an unknown form")
    nonce = None
    if len(parts) == 4:
        found = _nonce(der.expect(parts[3], 0xA1).content)
        nonce = der.read_octets(der.parse(found.value)) if found else None
    return Response(
        tbs=basic[0].raw, responder=parts[0].raw, produced_at=der.read_time(parts[1]),
        singles=tuple(map(_read_single, der.children(parts[2]))), nonce=nonce,
        signature_oid=x509.algorithm_oid(basic[1]), signature=der.read_bits(basic[2]),
        certificates=certificates,
    )  # fmt: skip


def _read_single(value: der.Value) -> Single:
    parts = der.children(der.expect(value, der.SEQUENCE))
    if len(parts) < 3:
        raise Malformed("a SingleResponse lacks a part")
    ends = next((der.read_time(der.parse(p.content)) for p in parts[3:] if p.tag == 0xA0), None)
    for part in (p for p in parts[3:] if p.tag == 0xA1):
        _refuse_critical(x509.read_extensions(part.content))
    return Single(_cert_id(parts[0]), _standing(parts[1]), der.read_time(parts[2]), ends)


def _standing(value: der.Value) -> Revocation | Known:
    if value.tag != 0xA1:
        try:
            return Known(value.raw)
        except ValueError as error_:
            raise Malformed("a certificate status of an unknown kind") from error_
    told = der.children(value)
    if not told:
        raise Malformed("a revocation without its time")
    reason = der.parse(told[1].content, tag=0x0A).content if len(told) > 1 else b""
    return Revocation(der.read_time(told[0]), int.from_bytes(reason, "big"))
