"""Time-stamps on the wire (RFC 3161; GB/T 20520 follows it): requests, TSTInfo, tokens, answers.

Tokens are written in the dress of RFC 5652 with ESS signing-certificate-v2 (RFC 5816), by SM2-SM3
as by RSA-SHA256. Reading is wider, because foreign tokens must be read: `trust.timestamps`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final

from trust.crypto import cms, der, hashes, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import Malformed
from trust.crypto.hashes import Digest
from trust.crypto.x509_write import algorithm_identifier

REQUEST_MAX: Final = 4096
RESPONSE_MAX: Final = 1 << 18
_NONCE_MAX_BITS: Final = 512
TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"

#: What may be stamped. Weak digests are absent: a stamp on one would lend it credit.
DIGESTS: Final[dict[str, Digest]] = {
    cms.SHA256: Digest.SHA256,
    "2.16.840.1.101.3.4.2.2": Digest.SHA384,
    "2.16.840.1.101.3.4.2.3": Digest.SHA512,
    cms.SM3: Digest.SM3,
}
SIZES: Final = {Digest.SM3: 32, Digest.SHA256: 32, Digest.SHA384: 48, Digest.SHA512: 64}
_OIDS: Final = {digest: oid for oid, digest in DIGESTS.items()}


class FailureInfo(IntEnum):
    """PKIFailureInfo (RFC 3161, 2.4.2): bit positions."""

    BAD_ALG = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16
    ADD_INFO_NOT_AVAILABLE = 17
    SYSTEM_FAILURE = 25


@dataclass(frozen=True, slots=True)
class Imprint:
    """A messageImprint as it came; `oid` need not be one of DIGESTS, nor the size its."""

    oid: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Request:
    imprint: Imprint
    policy: str | None
    nonce: int | None
    wants_certificates: bool
    extended: bool


@dataclass(frozen=True, slots=True)
class TstInfo:
    """What a token says. `at` is UTC, `accuracy` None when nothing is said of it."""

    version: int
    policy: str
    imprint: Imprint
    serial: int
    at: datetime
    accuracy: timedelta | None
    nonce: int | None


def imprint(digest: Digest, value: bytes) -> Imprint:
    return Imprint(_OIDS[digest], value)


# --- requests ----------------------------------------------------------------------------------


def write_request(
    stamped: Imprint, *, policy: str | None = None, nonce: int | None = None,
    certificates: bool = True,
) -> bytes:  # fmt: skip
    """A TimeStampReq of version 1."""
    return der.sequence(
        der.integer(1), _write_imprint(stamped), der.oid(policy) if policy else b"",
        der.integer(nonce) if nonce is not None else b"",
        der.boolean(True) if certificates else b"",
    )  # fmt: skip


def parse_request(data: bytes) -> Request:
    """Read a TimeStampReq; Malformed."""
    parts = der.children(der.parse(data, tag=der.SEQUENCE, cap=REQUEST_MAX))
    if len(parts) < 2 or parts[0].raw != der.integer(1):
        raise Malformed("not a TimeStampReq of version 1")
    rest = parts[2:]
    policy = der.read_oid(rest.pop(0)) if rest and rest[0].tag == der.OID else None
    nonce = der.read_integer(rest.pop(0)) if rest and rest[0].tag == der.INTEGER else None
    if nonce is not None and nonce.bit_length() > _NONCE_MAX_BITS:
        raise Malformed(f"a nonce has at most {_NONCE_MAX_BITS} bits")
    wanted = der.read_boolean(rest.pop(0)) if rest and rest[0].tag == der.BOOLEAN else False
    extended = bool(rest and rest.pop(0).tag == 0xA0)
    if rest:
        raise Malformed("TimeStampReq with parts that are not understood")
    return Request(_imprint(parts[1]), policy, nonce, wanted, extended)


def _imprint(value: der.Value) -> Imprint:
    parts = der.children(der.expect(value, der.SEQUENCE))
    if len(parts) != 2:
        raise Malformed("a messageImprint has two parts")
    return Imprint(x509.algorithm_oid(parts[0]), der.read_octets(parts[1]))


def _write_imprint(stamped: Imprint) -> bytes:
    return der.sequence(_digest_algorithm(stamped.oid), der.octets(stamped.value))


def _digest_algorithm(oid: str) -> bytes:
    return der.sequence(der.oid(oid), b"" if oid == cms.SM3 else der.null())


# --- what is stamped ---------------------------------------------------------------------------


def write_info(info: TstInfo) -> bytes:
    """TSTInfo; `at` and `accuracy` to the second, ordering false."""
    accuracy = b""
    if info.accuracy is not None:
        accuracy = der.sequence(der.integer(int(info.accuracy.total_seconds())))
    return der.sequence(
        der.integer(info.version), der.oid(info.policy), _write_imprint(info.imprint),
        der.integer(info.serial), der.generalized_time(info.at), accuracy,
        der.integer(info.nonce) if info.nonce is not None else b"",
    )  # fmt: skip


def parse_info(data: bytes) -> TstInfo:
    """Read a TSTInfo of version 1, or 2 as one reading of GB/T 20520 has it; Malformed."""
    parts = der.children(der.parse(data, tag=der.SEQUENCE, cap=REQUEST_MAX))
    if len(parts) < 5 or der.read_integer(parts[0]) not in (1, 2):
        raise Malformed("not a TSTInfo of version 1 or 2")
    rest = parts[5:]
    accuracy = _accuracy(rest.pop(0)) if rest and rest[0].tag == der.SEQUENCE else None
    if rest and rest[0].tag == der.BOOLEAN:
        der.read_boolean(rest.pop(0))
    nonce = der.read_integer(rest.pop(0)) if rest and rest[0].tag == der.INTEGER else None
    if [value.tag for value in rest] not in ([], [0xA0], [0xA1], [0xA0, 0xA1]):
        raise Malformed("TSTInfo with parts that are not understood")
    for value in rest:
        if value.tag == 0xA1:
            _refuse_critical(value)
    return TstInfo(
        der.read_integer(parts[0]), der.read_oid(parts[1]), _imprint(parts[2]),
        der.read_integer(parts[3]), _time(parts[4]), accuracy, nonce,
    )  # fmt: skip


def _refuse_critical(value: der.Value) -> None:
    """extensions is [1] IMPLICIT: the tag stands in place of SEQUENCE."""
    extensions = x509.read_extensions(der.tlv(der.SEQUENCE, value.content))
    if any(extension.critical for extension in extensions.values()):
        raise Malformed("a critical extension of the TSTInfo is not understood")


def _accuracy(value: der.Value) -> timedelta:
    units = {der.INTEGER: "seconds", 0x80: "milliseconds", 0x81: "microseconds"}
    given: dict[str, int] = {}
    for part in der.children(value):
        unit = units.get(part.tag)
        number = der.read_integer(der.Value(der.INTEGER, part.content, part.raw))
        if unit is None or unit in given or not 0 <= number < 1 << 31:
            raise Malformed("an accuracy that is not understood")
        given[unit] = number
    return timedelta(**given)


def _time(value: der.Value) -> datetime:
    """genTime: GeneralizedTime that may have a fraction without zeros at its end (RFC 3161)."""
    text = der.expect(value, der.GENERALIZED_TIME).content.decode("ascii", "replace")
    found = re.fullmatch(r"(\d{14})(?:\.(\d{0,8}[1-9]))?Z", text, re.ASCII)
    if found is None:
        raise Malformed("a genTime that is not in the form YYYYMMDDHHMMSS[.f]Z")
    try:
        at = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed("a time that no calendar has") from error
    return at.replace(microsecond=int((found[2] or "0").ljust(6, "0")[:6]))


# --- tokens and answers ------------------------------------------------------------------------


def write_token(
    info: bytes, *, signer: x509.Certificate, algorithm: Algorithm,
    sign: Callable[[bytes], bytes], certificates: tuple[bytes, ...],
) -> bytes:  # fmt: skip
    """TimeStampToken around the DER of a TSTInfo; `certificates` go in, none when not wanted."""
    digest_oid = _OIDS[algorithm.row.digest]
    attributes = signed_attributes(info, signer=signer, algorithm=algorithm)
    named = der.sequence(signer.issuer, der.integer(signer.serial))
    return _assemble(info, named, digest_oid, attributes, algorithm, sign(attributes), certificates)


def signed_attributes(info: bytes, *, signer: x509.Certificate, algorithm: Algorithm) -> bytes:
    """What the authority signs of a token: content-type, message-digest, the ESS binding."""
    digest, digest_oid = algorithm.row.digest, _OIDS[algorithm.row.digest]
    bound_by = b"" if digest_oid == cms.SHA256 else algorithm_identifier(digest_oid)
    hashed = der.octets(hashes.digest(digest, signer.der))
    bound = der.sequence(der.sequence(der.sequence(bound_by, hashed)))
    return der.set_of(
        _attribute(cms.CONTENT_TYPE, der.oid(TST_INFO)),
        _attribute(cms.MESSAGE_DIGEST, der.octets(hashes.digest(digest, info))),
        _attribute(cms.SIGNING_CERTIFICATE_V2, bound),
    )


def _assemble(
    info: bytes, named: bytes, digest_oid: str, attributes: bytes, algorithm: Algorithm,
    signature: bytes, certificates: tuple[bytes, ...],
) -> bytes:  # fmt: skip
    signer_info = der.sequence(
        der.integer(1), named, _digest_algorithm(digest_oid),
        der.tlv(0xA0, der.parse(attributes).content), algorithm_identifier(algorithm.row.oid),
        der.octets(signature),
    )  # fmt: skip
    body = der.sequence(
        der.integer(3), der.set_of(_digest_algorithm(digest_oid)),
        der.sequence(der.oid(TST_INFO), der.explicit(0, der.octets(info))),
        der.tlv(0xA0, b"".join(sorted(set(certificates)))) if certificates else b"",
        der.set_of(signer_info),
    )  # fmt: skip
    return der.sequence(der.oid(cms.Dress.RFC5652.value[0]), der.explicit(0, body))


def rewritten(token: bytes, *, certificates: tuple[bytes, ...] | None = None) -> bytes:
    """The token as `write_token` would spell it, with other `certificates` if given; Malformed.

    What the authority signed stays as it is; what nobody signed gets its one form, so that a token
    of foreign make can stand where nothing vouches for the bytes around a signature.
    """
    signed = cms.parse(token)
    if signed.dress is not cms.Dress.RFC5652 or signed.content is None or not signed.attributes:
        raise Malformed("a time-stamp of another form than RFC 3161 with signed attributes")
    return _assemble(
        signed.content, der.sequence(signed.issuer, der.integer(signed.serial)),
        signed.digest_oid, signed.attributes, cms.algorithm_of(signed, signed.signer()),
        signed.signature, signed.certificates if certificates is None else certificates,
    )  # fmt: skip


def require_canonical(token: bytes) -> None:
    """Malformed unless the token is in the one form that `rewritten` gives it."""
    if rewritten(token) != token:
        raise Malformed("the time-stamp is not in its canonical form")


def _attribute(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.set_of(value))


def granted(token: bytes) -> bytes:
    """TimeStampResp with a token."""
    return der.sequence(der.sequence(der.integer(0)), token)


def rejected(failure: FailureInfo, text: str) -> bytes:
    """TimeStampResp that says why not."""
    status = (der.integer(2), der.sequence(der.utf8(text)), der.named_bits({int(failure)}))
    return der.sequence(der.sequence(*status))


def parse_response(data: bytes) -> bytes | frozenset[int]:
    """The token in a TimeStampResp, or the failure bits of one that was refused; Malformed."""
    parts = der.children(der.parse(data, tag=der.SEQUENCE, cap=RESPONSE_MAX))
    if not 1 <= len(parts) <= 2:
        raise Malformed("a TimeStampResp has one or two parts")
    status = der.children(der.expect(parts[0], der.SEQUENCE))
    if not status:
        raise Malformed("a PKIStatusInfo without its status")
    if der.read_integer(status[0]) in (0, 1):
        if len(parts) == 1:
            raise Malformed("a time-stamp is granted and not there")
        return parts[1].raw
    last = status[-1]
    return der.read_named_bits(last) if last.tag == der.BIT_STRING else frozenset()
