"""Time-stamp tokens judged (RFC 3161, 2.2; GB/T 20520): ours and those of foreign authorities.

What is checked here needs no trust: form, signature, the certificate's binding and its one purpose.
Whether the authority is believed is for `trust.chain.judge` with the purpose TIME_STAMPING.
"""

import dataclasses
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from trust.crypto import cms, der, hashes, tst, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.tst import TIME_STAMPING, Imprint, TstInfo
from trust.crypto.x509 import Certificate

__all__ = ["TIME_STAMPING", "Imprint", "Stamp", "Verified", "read", "verify", "verify_message"]

_SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"


@dataclass(frozen=True, slots=True)
class Stamp:
    """A token as read: what it says, and its SignedData, nothing verified."""

    info: TstInfo
    signed: cms.SignedData
    content: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """What an authority said. `certificates` came with the token, for building its chain."""

    info: TstInfo
    signer: Certificate
    certificates: tuple[bytes, ...]


def read(token: bytes) -> Stamp:
    """Read a TimeStampToken in the dress of RFC 5652 or of GM/T 0010; Malformed."""
    signed = cms.parse(token)
    if signed.content is None:
        raise Malformed("the time-stamp has no content")
    kind = _content_type(signed)
    own = tst.TST_INFO, *((signed.dress.value[1],) if signed.dress is cms.Dress.GMT0010 else ())
    if kind not in own:
        raise Malformed(f"content of type {kind} is no TSTInfo")
    return Stamp(tst.parse_info(signed.content), signed, signed.content)


def _content_type(signed: cms.SignedData) -> str:
    """The encapsulated content's type; Malformed if the signed attribute says another."""
    outer = der.children(der.parse(signed.der))
    held = der.children(der.children(der.parse(outer[1].content))[2])[0]
    attribute = cms.attribute(signed, cms.CONTENT_TYPE)
    if attribute is None or attribute.raw != held.raw:
        raise Malformed("the signed content type is not that of the content")
    return der.read_oid(held)


def verify_message(token: bytes, message: bytes, *, known: Iterable[Certificate] = ()) -> Verified:
    """`verify` over the digest of `message` that the token itself names."""
    oid = read(token).info.imprint.oid
    return verify(token, Imprint(oid, hashes.digest(_digest(oid), message)), known=known)


def _digest(oid: str) -> str:
    digest = tst.DIGESTS.get(oid)
    if digest is None:
        raise UnknownAlgorithm(f"a time-stamp over digest {oid} is not accepted")
    return digest


def verify(token: bytes, imprint: Imprint, *, known: Iterable[Certificate] = ()) -> Verified:
    """Check a token over `imprint`; its digest must be an allowed one.

    `known` are certificates to look among when the token carries none. Raises Malformed,
    UnknownAlgorithm (weak or unknown digest or signature) or InvalidSignature.
    """
    stamp = read(token)
    _digest(stamp.info.imprint.oid)
    same = compare_digest(imprint.value, stamp.info.imprint.value)
    if not same or imprint.oid != stamp.info.imprint.oid:
        raise InvalidSignature("the time-stamp is over something else")
    signed = stamp.signed
    extended = dataclasses.replace(
        signed, certificates=(*signed.certificates, *(each.der for each in known))
    )
    own_digest = hashes.digest(cms.digest_name(signed), stamp.content)
    signer = cms.verify(extended, own_digest)
    _check_bound(signed, signer)
    _check_purpose(signer)
    return Verified(stamp.info, signer, signed.certificates)


def _check_bound(signed: cms.SignedData, signer: Certificate) -> None:
    """RFC 3161 wants the certificate named in the signed attributes. `cms.verify` has judged the
    second version; of the first, SHA-1 names the certificate, and the signature vouches for it."""
    if cms.attribute(signed, cms.SIGNING_CERTIFICATE_V2) is not None:
        return
    bound = cms.attribute(signed, _SIGNING_CERTIFICATE)
    if bound is None:
        raise Malformed("the time-stamp does not name its signer's certificate (ESS)")
    value = bound
    for _ in range(3):  # SigningCertificate > certs > the first ESSCertID > its hash
        inside = der.children(value)
        if not inside:
            raise Malformed("an ESS signing certificate that names none")
        value = inside[0]
    named = hashlib.sha1(signer.der, usedforsecurity=False).digest()
    if not compare_digest(der.read_octets(value), named):
        raise InvalidSignature("the time-stamp is bound to another certificate")


def _check_purpose(signer: Certificate) -> None:
    """RFC 3161, 2.3: extended key usage of time-stamping alone, and critical."""
    extension = signer.extensions.get(x509.EXTENDED_KEY_USAGE)
    if extension is None or not extension.critical:
        raise Malformed("the signer's certificate is not for time-stamping alone (critical)")
    if x509.extended_key_usage(signer) != (TIME_STAMPING,):
        raise Malformed("the signer's certificate is for other things than time-stamps")
