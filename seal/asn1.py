"""Seals and seal signatures as ASN.1: GB/T 38540-2020 (v4), read also as GM/T 0031-2014 (v1) and
GM/T 0031-2025 (v5).

Reading is for anyone's data: the generation follows from the shape, then from header.version;
deviations that occur in the field are taken and named in `oddities`. Writing has one form, v4.
Signed bytes are always the original ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from trust.crypto import der
from trust.crypto.errors import Malformed

SEAL_MAX, STAMP_MAX = 2 * 1024 * 1024, 4 * 1024 * 1024
SM2_SM3 = "1.2.156.10197.1.501"
VERSION = 4


class Generation(StrEnum):
    V1 = "GM/T 0031-2014"
    V4 = "GB/T 38540-2020"
    V5 = "GM/T 0031-2025"


class CertListType:
    CERTIFICATES, DIGESTS = 1, 2


@dataclass(frozen=True, slots=True)
class SealInfo:
    """SES_SealInfo. `cert_list` holds DER certificates, or digests when `cert_list_type` is 2.

    `picture` is of `picture_type` (SVG, PNG, ofd …), `width` and `height` in millimetres.
    """

    version: int
    vendor: str
    es_id: str
    kind: int
    name: str
    cert_list_type: int
    cert_list: tuple[bytes, ...]
    created: datetime
    valid_from: datetime
    valid_until: datetime
    picture_type: str
    picture: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Seal:
    """SESeal as read. `signed` is exactly what the maker signed."""

    raw: bytes
    generation: Generation
    info: SealInfo
    info_raw: bytes
    maker: bytes
    algorithm: str
    signature: bytes
    signed: bytes
    time_stamp: bytes | None
    oddities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """SES_Signature as read. `tbs` is what was signed; `at` its claimed time, if readable."""

    raw: bytes
    tbs: bytes
    version: int
    seal: Seal
    at: datetime | None
    data_hash: bytes
    property_info: str
    signer: bytes
    algorithm: str
    signature: bytes
    time_stamp: bytes | None
    oddities: tuple[str, ...] = field(default=())


# --- reading -----------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def parse_seal(data: bytes) -> Seal:
    """Read a SESeal of any generation; Malformed."""
    return _seal(der.parse(data, tag=der.SEQUENCE, cap=SEAL_MAX))


def _seal(value: der.Value) -> Seal:
    parts = der.children(der.expect(value, der.SEQUENCE))
    if len(parts) not in (2, 4, 5):
        raise Malformed("a seal has two, four or five parts")
    oddities: list[str] = []
    info = _info(parts[0], oddities)
    if len(parts) == 2:
        signing = der.children(der.expect(parts[1], der.SEQUENCE))
        if len(signing) != 3:
            raise Malformed("seal signature information has three parts")
        maker, algorithm, signature = signing
        generation = Generation.V1
        signed = der.sequence(parts[0].raw, maker.raw, algorithm.raw)
    else:
        maker, algorithm, signature = parts[1:4]
        generation = Generation.V5 if len(parts) == 5 or info.version == 5 else Generation.V4
        signed = parts[0].raw
    return Seal(
        raw=value.raw, generation=generation, info=info, info_raw=parts[0].raw,
        maker=der.read_octets(maker), algorithm=der.read_oid(algorithm),
        signature=der.read_bits(signature), signed=signed,
        time_stamp=_tagged_bits(parts[4]) if len(parts) == 5 else None, oddities=tuple(oddities),
    )  # fmt: skip


def _info(value: der.Value, oddities: list[str]) -> SealInfo:
    parts = der.children(der.expect(value, der.SEQUENCE))
    if len(parts) not in (4, 5):
        raise Malformed("seal information has four or five parts")
    header = der.children(der.expect(parts[0], der.SEQUENCE))
    if len(header) != 3 or der.read_text(header[0]) != "ES":
        raise Malformed("seal header is not that of an ES")
    picture = der.children(der.expect(parts[3], der.SEQUENCE))
    if len(picture) != 4:
        raise Malformed("seal picture has four parts")
    if len(parts) == 5 and parts[4].tag != der.SEQUENCE:
        oddities.append("extDatas are tagged")
    kind, name, list_type, cert_list, times = _property(parts[2], oddities)
    return SealInfo(
        version=der.read_integer(header[1]), vendor=der.read_text(header[2]),
        es_id=der.read_text(parts[1]), kind=kind, name=name, cert_list_type=list_type,
        cert_list=cert_list, created=times[0], valid_from=times[1], valid_until=times[2],
        picture_type=der.read_text(picture[0]), picture=der.read_octets(picture[1]),
        width=der.read_integer(picture[2]), height=der.read_integer(picture[3]),
    )  # fmt: skip


_Property = tuple[int, str, int, tuple[bytes, ...], list[datetime]]


def _property(value: der.Value, oddities: list[str]) -> _Property:
    parts = der.children(der.expect(value, der.SEQUENCE))
    if len(parts) not in (6, 7):
        raise Malformed("seal properties have six or seven parts")
    # Only generations since 2020 say whether the list holds certificates or their digests.
    list_type = der.read_integer(parts.pop(2)) if len(parts) == 7 else CertListType.CERTIFICATES
    if list_type not in (CertListType.CERTIFICATES, CertListType.DIGESTS):
        raise Malformed(f"certificate list of unknown type {list_type}")
    entries = der.children(der.expect(parts[2], der.SEQUENCE))
    times = [der.read_time(part) for part in parts[3:]]
    if times[0] > times[1]:
        oddities.append("created after its validity begins")
    cert_list = tuple(_listed(entry, list_type, oddities) for entry in entries)
    return der.read_integer(parts[0]), der.read_text(parts[1]), list_type, cert_list, times


def _listed(entry: der.Value, list_type: int, oddities: list[str]) -> bytes:
    if list_type == CertListType.DIGESTS:
        parts = der.children(der.expect(entry, der.SEQUENCE))
        if len(parts) != 2:
            raise Malformed("certificate digest has two parts")
        return der.read_octets(parts[1])
    if entry.tag != der.OCTET_STRING:
        oddities.append(f"certificate list entry of tag {entry.tag:#04x}")
    return entry.content


def _tagged_bits(value: der.Value) -> bytes:
    """[0] time-stamp: EXPLICIT in what we write, IMPLICIT or untagged in what others do."""
    if value.tag == 0xA0:
        return der.read_bits(der.parse(value.content))
    if value.tag == 0x80:
        return value.content[1:]
    return der.read_bits(value)


def parse_stamp(data: bytes) -> Stamp:
    """Read an SES_Signature of any generation; Malformed."""
    value = der.parse(data, tag=der.SEQUENCE, cap=STAMP_MAX)
    parts = der.children(value)
    if len(parts) not in (2, 4, 5):
        raise Malformed("a seal signature has two, four or five parts")
    tbs = der.children(der.expect(parts[0], der.SEQUENCE))
    if len(tbs) < 5:
        raise Malformed("seal signature lacks a field")
    if len(parts) == 2:
        if len(tbs) != 7:
            raise Malformed("a 2014 seal signature has seven parts")
        signer, algorithm, signature = tbs[5], tbs[6], parts[1]
    else:
        signer, algorithm, signature = parts[1:4]
    oddities: list[str] = []
    return Stamp(
        raw=data, tbs=parts[0].raw, version=der.read_integer(tbs[0]), seal=parse_seal(tbs[1].raw),
        at=_stamp_time(tbs[2], oddities), data_hash=_octets_or_bits(tbs[3], oddities),
        property_info=der.read_text(tbs[4]), signer=der.read_octets(signer),
        algorithm=der.read_oid(algorithm), signature=der.read_bits(signature),
        time_stamp=_tagged_bits(parts[4]) if len(parts) == 5 else None, oddities=tuple(oddities),
    )  # fmt: skip


def _octets_or_bits(value: der.Value, oddities: list[str]) -> bytes:
    if value.tag == der.OCTET_STRING:
        oddities.append("hash as OCTET STRING")
        return value.content
    return der.read_bits(value)


def _stamp_time(value: der.Value, oddities: list[str]) -> datetime | None:
    """GeneralizedTime since 2020; before, a BIT STRING around a time, a token or plain text."""
    if value.tag in (der.GENERALIZED_TIME, der.UTC_TIME):
        return der.read_time(value)
    body = value.content[1:] if value.tag == der.BIT_STRING else value.content
    oddities.append("time is not a GeneralizedTime")
    try:
        return der.read_time(der.parse(body))
    except Malformed:
        return _text_time(body)


def _text_time(body: bytes) -> datetime | None:
    try:
        found = datetime.fromisoformat(body.decode("ascii").strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (UnicodeDecodeError, ValueError, OverflowError):
        return None


# --- writing -----------------------------------------------------------------------------------


def write_info(info: SealInfo) -> bytes:
    """SES_SealInfo of v4, with a list of certificates: what the seal's maker signs."""
    if info.version != VERSION or info.cert_list_type != CertListType.CERTIFICATES:
        raise Malformed("seals are written as GB/T 38540-2020 with certificates")
    return der.sequence(
        der.sequence(der.ia5("ES"), der.integer(VERSION), der.ia5(info.vendor)),
        der.ia5(info.es_id),
        der.sequence(
            der.integer(info.kind), der.utf8(info.name), der.integer(info.cert_list_type),
            der.sequence(*map(der.octets, info.cert_list)), der.generalized_time(info.created),
            der.generalized_time(info.valid_from), der.generalized_time(info.valid_until),
        ),
        der.sequence(
            der.ia5(info.picture_type), der.octets(info.picture), der.integer(info.width),
            der.integer(info.height),
        ),
    )  # fmt: skip


def write_seal(info: bytes, *, maker: bytes, signature: bytes) -> bytes:
    """SESeal: info, the maker's certificate, SM2 with SM3, the signature."""
    return der.sequence(info, der.octets(maker), der.oid(SM2_SM3), der.bits(signature))


def write_tbs(seal: bytes, *, at: datetime, data_hash: bytes, property_info: str) -> bytes:
    """TBS_Sign: what the seal's user signs."""
    return der.sequence(
        der.integer(VERSION), seal, der.generalized_time(at), der.bits(data_hash),
        der.ia5(property_info),
    )  # fmt: skip


def write_stamp(
    tbs: bytes, *, signer: bytes, signature: bytes, time_stamp: bytes | None = None
) -> bytes:
    """SES_Signature. `time_stamp` is a TimeStampToken over the octets of `signature`; it goes
    last, as [0] EXPLICIT BIT STRING."""
    stamped = b"" if time_stamp is None else der.explicit(0, der.bits(time_stamp))
    return der.sequence(tbs, der.octets(signer), der.oid(SM2_SM3), der.bits(signature), stamped)


def require_canonical(stamp: Stamp) -> None:
    """Malformed unless what stands outside the signed bytes is in the one form we write; the
    time-stamp's own bytes are for `trust.signing_time`."""
    again = write_stamp(
        stamp.tbs, signer=stamp.signer, signature=stamp.signature, time_stamp=stamp.time_stamp
    )
    # Reading also takes r then s raw, as one vendor writes it: a second spelling of one signature.
    der.parse(stamp.signature, tag=der.SEQUENCE)
    if again != stamp.raw or stamp.algorithm != SM2_SM3:
        raise Malformed("the seal signature is not in its canonical form")


def lists(seal: Seal, certificate: bytes, digests: Sequence[bytes]) -> bool:
    """Whether a certificate (or, for type 2, one of its digests) is in the seal's list."""
    if seal.info.cert_list_type == CertListType.DIGESTS:
        return any(digest in seal.info.cert_list for digest in digests)
    return certificate in seal.info.cert_list
