"""CMS SignedData as others write it, verified (GM/T 0010 = GB/T 35275, and RFC 5652).

What DianJu, CFCA, Suwell, Gomain, Tongzhi and ofdrw make differs in ways that no standard names:
the digest as the content, raw signature values, other algorithm and type identifiers. Each way is
read and said (`oddities`); none loosens what the signature must be over.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from trust.crypto import cms, der, hashes
from trust.crypto.algorithms import Algorithm
from trust.crypto.cms import SignedData
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.sm2 import raw_to_der
from trust.crypto.x509 import Certificate, parse_certificate

SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.14"
_DATA: Final = frozenset(dress.value[1] for dress in cms.Dress)
#: Names that are given to SM2 with SM3 in place of .301.1 or .501.
_ALSO_SM2: Final = frozenset({"1.2.156.10197.1.301", "1.2.840.10045.2.1"})
_CERTIFICATES_MAX: Final = 32
#: Content of these lengths may be a digest, raw or in Base64, of a document elsewhere.
_DIGEST_SIZES: Final = frozenset({32, 44, 48, 64, 88})


class NoOriginal(Exception):
    """The signature is over a document that is not at hand; caught by whoever judges."""


class NoSigner(Exception):
    """The signer's certificate is neither inside nor known; caught by whoever judges."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature value that holds. `over_original` is None where the original is not at hand.

    `at` is the signer's claim, `time_stamps` tokens over `value`; nothing of them is judged here.
    """

    signer: Certificate
    certificates: tuple[Certificate, ...]
    over_original: bool | None
    content_is_digest: bool
    at: datetime | None
    value: bytes
    time_stamps: tuple[bytes, ...]
    oddities: tuple[str, ...]


def verify(data: bytes, original: bytes | None, *, known: Sequence[Certificate] = ()) -> Verified:
    """Verify the value and compare what it is over with `original`.

    Raises Malformed, UnknownAlgorithm, InvalidSignature, NoOriginal or NoSigner.
    1. read  2. name the oddities  3. what it is over  4. the value  5. the original
    """
    found = cms.parse(data)
    if len(found.certificates) > _CERTIFICATES_MAX:
        raise Malformed(f"more than {_CERTIFICATES_MAX} certificates")
    oddities: list[str] = []
    signer = _signer(found, known, oddities)
    signed = _plain(found, oddities)
    _check_types(signed, oddities)
    name = cms.digest_name(signed)
    if cms.algorithm_of(signed, signer).row.digest != name:
        raise UnknownAlgorithm(f"{signed.signature_oid} beside digest {signed.digest_oid}")
    over = signed.content if signed.content is not None else original
    if over is None:
        raise NoOriginal
    over_original = _verify_value(replace(signed, certificates=(signer.der,)), over, name)
    if signed.content is not None:
        over_original = _compare(signed.content, original, name, oddities)
    is_digest = signed.content is not None and len(signed.content) in _DIGEST_SIZES
    return Verified(
        signer, tuple(_readable(signed.certificates)), over_original, is_digest,
        _signing_time(signed), found.signature, tuple(_time_stamps(found)), tuple(oddities),
    )  # fmt: skip


def _signer(signed: SignedData, known: Sequence[Certificate], oddities: list[str]) -> Certificate:
    for certificate in (*_readable(signed.certificates), *known):
        if certificate.issuer == signed.issuer and certificate.serial == signed.serial:
            if certificate.der not in signed.certificates:
                oddities.append("the signer's certificate is not inside")
            return certificate
    raise NoSigner


def _readable(certificates: Sequence[bytes]) -> list[Certificate]:
    """Those that can be read: attribute certificates and worse may stand among them."""
    found = []
    for data in certificates:
        try:
            found.append(parse_certificate(data))
        except Malformed:
            continue
    return found


def _plain(signed: SignedData, oddities: list[str]) -> SignedData:
    """The same with its algorithm and value in the forms that `trust.crypto` verifies."""
    oid, value = signed.signature_oid, signed.signature
    if oid in _ALSO_SM2 and signed.digest_oid == cms.SM3:
        oddities.append(f"SM2 with SM3 is called {oid}")
        oid = cms.SM2_SIGN
    suite_is_sm2 = oid in (cms.SM2_SIGN, Algorithm.SM2_SM3.row.oid)
    if suite_is_sm2 and len(value) == 64 and value[:1] != b"0":
        oddities.append("the value is r then s, raw")
        value = raw_to_der(value)
    if suite_is_sm2 and signed.dress is cms.Dress.RFC5652:
        oddities.append("SM2 in the content types of RFC 5652")
    if signed.dress is cms.Dress.GMT0010 and oid == Algorithm.SM2_SM3.row.oid:
        oddities.append("the signature algorithm is called .501, GM/T 0010 has .301.1")
    return replace(signed, signature_oid=oid, signature=value)


def _check_types(signed: SignedData, oddities: list[str]) -> None:
    """What is signed must be data: a time-stamp's SignedData is no document signature."""
    outer = der.children(der.parse(signed.der))
    body = der.children(der.parse(outer[1].content))
    inner = der.read_oid(der.parts(der.expect(body[2], der.SEQUENCE), 1, 2)[0])
    if inner not in _DATA:
        raise Malformed(f"the signed content is of type {inner}")
    if inner != signed.dress.value[1]:
        oddities.append(f"content type {inner} under {signed.dress.value[0]}")
    stated = cms.attribute(signed, cms.CONTENT_TYPE)
    if stated is None:
        return
    if der.read_oid(stated) not in _DATA:
        raise Malformed("the signed attributes name another type than data")
    if der.read_oid(stated) != inner:
        oddities.append(f"the signed attributes call the content {der.read_oid(stated)}")


def _verify_value(signed: SignedData, over: bytes, name: str) -> bool | None:
    """Verify; whether `over` is what the message digest says (without attributes: it is)."""
    if not signed.attributes:
        _refuse_attributes(over)
        cms.verify(signed, b"", over)
        return True
    stated = cms.attribute(signed, cms.MESSAGE_DIGEST)
    if stated is None:
        raise Malformed("signed attributes lack the message digest")
    cms.verify(signed, der.read_octets(stated))
    matches = der.read_octets(stated) == hashes.digest(name, over)
    if not matches and signed.content is not None:
        raise InvalidSignature("the signed digest is not that of the content")
    return matches


def _refuse_attributes(over: bytes) -> None:
    """A signature over attributes must not be passed off as one over content that looks so."""
    try:
        parts = der.children(der.parse(over, tag=der.SET))
        kinds = {der.read_oid(der.children(part)[0]) for part in parts}
    except (Malformed, IndexError):
        return
    if kinds & {cms.MESSAGE_DIGEST, cms.CONTENT_TYPE}:
        raise Malformed("the content is itself a set of signed attributes")


def _compare(content: bytes, original: bytes | None, name: str, oddities: list[str]) -> bool | None:
    """Whether the content inside is the original, or its digest as several vendors write it."""
    if original is None:
        return None
    digest = hashes.digest(name, original)
    if content == digest:
        oddities.append("the content is the original's digest")
    elif content.strip() == base64.b64encode(digest):
        oddities.append("the content is the original's digest in Base64")
    elif content != original:
        return False
    return True


def _signing_time(signed: SignedData) -> datetime | None:
    value = cms.attribute(signed, SIGNING_TIME)
    if value is None:
        return None
    try:
        return der.read_time(value)
    except Malformed:
        return None


def _time_stamps(signed: SignedData) -> list[bytes]:
    """The signature time-stamps among the unsigned attributes (RFC 3161, appendix A)."""
    found: list[bytes] = []
    if not signed.unsigned_attributes:
        return found
    for item in der.children(der.read(signed.unsigned_attributes)):
        kind, values = der.parts(item, 2)
        if der.read_oid(kind) == _TIME_STAMP:
            found += [value.raw for value in der.children(values)]
    return found[:4]
