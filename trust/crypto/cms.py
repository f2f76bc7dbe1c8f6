"""CMS SignedData with one signer, in the dress of RFC 5652 and in that of GM/T 0010 (GB/T 35275).

What this platform writes has one form (`signed_data`); `require_canonical` refuses any other
spelling of it, because nothing signs the bytes around the signed attributes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, wraps
from typing import TypeVar

from trust.crypto import der, hashes, signatures
from trust.crypto.algorithms import Algorithm, by_oid
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.x509 import Certificate, algorithm_oid, parse_certificate
from trust.crypto.x509_write import algorithm_identifier

#: What is longer than `_USUAL` is read anew each time.
SIGNED_DATA_MAX, _USUAL = 1 << 20, 16_384
_Read = TypeVar("_Read")

SHA256, SM3 = "2.16.840.1.101.3.4.2.1", "1.2.156.10197.1.401"
SM2_SIGN = "1.2.156.10197.1.301.1"  # what GM/T 0010 signers name in place of .501
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
SIGNATURE_TIME_STAMP = "1.2.840.113549.1.9.16.2.14"
_DIGESTS = {SHA256: "SHA-256", SM3: "SM3", "2.16.840.1.101.3.4.2.2": "SHA-384",
            "2.16.840.1.101.3.4.2.3": "SHA-512"}  # fmt: skip


class Dress(Enum):
    """Content types of the two standards: (signedData, data)."""

    RFC5652 = ("1.2.840.113549.1.7.2", "1.2.840.113549.1.7.1")
    GMT0010 = ("1.2.156.10197.6.1.4.2.2", "1.2.156.10197.6.1.4.2.1")


@dataclass(frozen=True, slots=True)
class SignedData:
    """A SignedData as read. `attributes` is the SET OF signed attributes re-tagged 31, or empty.

    `content` is None when detached. `certificates` are DER, in the order they came.
    """

    der: bytes
    dress: Dress
    content: bytes | None
    certificates: tuple[bytes, ...]
    issuer: bytes
    serial: int
    digest_oid: str
    signature_oid: str
    signature: bytes
    attributes: bytes
    unsigned_attributes: bytes

    def signer(self) -> Certificate:
        """The embedded certificate that the signer's identifier names; Malformed without one."""
        for data in self.certificates:
            certificate = parse_certificate(data)
            if certificate.issuer == self.issuer and certificate.serial == self.serial:
                return certificate
        raise Malformed("the signer's certificate is not in the signature")


# --- reading -----------------------------------------------------------------------------------


def _remembering(read: Callable[[bytes], _Read]) -> Callable[[bytes], _Read]:
    """Keep what was read of short data for a while: a signature is looked at from many sides."""
    usual = lru_cache(maxsize=64)(read)
    return wraps(read)(lambda data: usual(data) if len(data) <= _USUAL else read(data))


@_remembering
def parse(data: bytes) -> SignedData:
    """Read ContentInfo > SignedData with exactly one SignerInfo; Malformed otherwise."""
    outer = der.children(der.parse(data, tag=der.SEQUENCE, cap=SIGNED_DATA_MAX))
    if len(outer) != 2 or outer[1].tag != 0xA0:
        raise Malformed("not a CMS ContentInfo")
    kind = der.read_oid(outer[0])
    dress = next((dress for dress in Dress if dress.value[0] == kind), None)
    if dress is None:
        raise Malformed(f"CMS content of type {kind} is no SignedData")
    parts = der.children(der.parse(outer[1].content, tag=der.SEQUENCE))
    if len(parts) < 4:
        raise Malformed("SignedData lacks a field")
    return _signed_data(data, dress, parts)


def _signed_data(data: bytes, dress: Dress, parts: list[der.Value]) -> SignedData:
    certificates = next((p for p in parts[3:-1] if p.tag == 0xA0), None)
    infos = der.children(der.expect(parts[-1], der.SET))
    if len(infos) != 1:
        raise Malformed("SignedData with other than one signer")
    info = der.children(der.expect(infos[0], der.SEQUENCE))
    if len(info) < 5:
        raise Malformed("SignerInfo lacks a field")
    identifier = der.children(der.expect(info[1], der.SEQUENCE))
    if len(identifier) != 2:
        raise Malformed("SignerInfo does not name issuer and serial number")
    attributes = info.pop(3) if info[3].tag == 0xA0 else None
    rest = info[3:]
    if len(rest) not in (2, 3) or (len(rest) == 3 and rest[2].tag != 0xA1):
        raise Malformed("SignerInfo of an unknown form")
    return SignedData(
        der=data, dress=dress, content=_content(parts[2]),
        certificates=tuple(c.raw for c in der.children(certificates)) if certificates else (),
        issuer=identifier[0].raw, serial=der.read_integer(identifier[1]),
        digest_oid=algorithm_oid(info[2]), signature_oid=algorithm_oid(rest[0]),
        signature=der.read_octets(rest[1]),
        attributes=bytes((der.SET,)) + attributes.raw[1:] if attributes else b"",
        unsigned_attributes=rest[2].raw if len(rest) == 3 else b"",
    )  # fmt: skip


def _content(value: der.Value) -> bytes | None:
    parts = der.children(der.expect(value, der.SEQUENCE))
    return der.read_octets(der.parse(parts[1].content)) if len(parts) > 1 else None


def attribute(signed: SignedData, oid: str) -> der.Value | None:
    """The single value of a signed attribute; Malformed when it stands twice."""
    found = None
    for kind, values in _attributes(signed.attributes) if signed.attributes else ():
        if kind == oid:
            if found is not None or len(der.children(values)) != 1:
                raise Malformed(f"signed attribute {oid} has not exactly one value")
            found = der.children(values)[0]
    return found


@_remembering
def _attributes(encoded: bytes) -> tuple[tuple[str, der.Value], ...]:
    parts = [der.parts(item, 2) for item in der.children(der.parse(encoded, tag=der.SET))]
    return tuple((der.read_oid(kind), values) for kind, values in parts)


def time_stamp(signed: SignedData) -> bytes | None:
    """The signature time-stamp (RFC 5126, 6.1.1), if there is one; Malformed when the unsigned
    attributes are anything but exactly one of these with one value."""
    if not signed.unsigned_attributes:
        return None
    held = der.children(der.read(signed.unsigned_attributes))
    if len(held) != 1:
        raise Malformed("unsigned attributes other than one time-stamp")
    kind, values = der.parts(held[0], 2)
    tokens = der.children(der.expect(values, der.SET))
    if der.read_oid(kind) != SIGNATURE_TIME_STAMP or len(tokens) != 1:
        raise Malformed("unsigned attributes other than one time-stamp")
    return tokens[0].raw


# --- verifying ---------------------------------------------------------------------------------


def digest_name(signed: SignedData) -> str:
    """The name of the digest for `trust.crypto.hashes`; UnknownAlgorithm when not allowed."""
    found = _DIGESTS.get(signed.digest_oid)
    if found is None:
        raise Malformed(f"digest {signed.digest_oid} is not accepted")
    return found


def algorithm_of(signed: SignedData, signer: Certificate) -> Algorithm:
    """The suite: GM signers name .301.1, RFC ones often just rsaEncryption beside the digest."""
    if signed.signature_oid == SM2_SIGN:
        return Algorithm.SM2_SM3
    if signed.signature_oid == "1.2.840.113549.1.1.1":
        suite = {"SHA-256": Algorithm.RSA_SHA256, "SHA-384": Algorithm.RSA_SHA384,
                 "SHA-512": Algorithm.RSA_SHA512}  # fmt: skip
        if digest_name(signed) in suite:
            return suite[digest_name(signed)]
    return by_oid(signed.signature_oid)


def verify(signed: SignedData, digest: bytes, content: bytes | None = None) -> Certificate:
    """Check the signature over content of `digest`; return the signer's certificate, not judged.

    Raises InvalidSignature or Malformed. `content` is needed only without signed attributes.
    """
    signer = signed.signer()
    algorithm = algorithm_of(signed, signer)
    if not signed.attributes:
        if content is None:
            raise Malformed("signature without signed attributes over absent content")
        signatures.verify(algorithm, signer.spki, content, signed.signature)
        return signer
    stated = attribute(signed, MESSAGE_DIGEST)
    kind = attribute(signed, CONTENT_TYPE)
    if stated is None or kind is None:
        raise Malformed("signed attributes lack content type or message digest")
    if der.read_octets(stated) != digest:
        raise InvalidSignature("the signed digest is not that of the content")
    signatures.verify(algorithm, signer.spki, signed.attributes, signed.signature)
    _check_signing_certificate(signed, signer)
    return signer


def _check_signing_certificate(signed: SignedData, signer: Certificate) -> None:
    """ESS signing-certificate-v2 (RFC 5035) binds the certificate; wrong is as bad as unsigned."""
    bound = attribute(signed, SIGNING_CERTIFICATE_V2)
    if bound is None:
        return
    listed = der.children(der.parts(bound, 1, 2)[0])
    if len(listed) != 1:
        raise Malformed("the signature is bound to other than one certificate")
    first = der.parts(listed[0], 1, 2, 3)
    name = "SHA-256"
    if first[0].tag == der.SEQUENCE:
        name = _DIGESTS.get(algorithm_oid(first.pop(0)), "")
    if not first or not name or der.read_octets(first[0]) != hashes.digest(name, signer.der):
        raise InvalidSignature("the signature is bound to another certificate")


# --- writing -----------------------------------------------------------------------------------


def signed_attributes(digest: bytes, *, signer: bytes, dress: Dress, digest_oid: str) -> bytes:
    """SET OF content-type, message-digest, signing-certificate-v2 (PAdES baseline: no time)."""
    name = _DIGESTS[digest_oid]
    algorithm = b"" if digest_oid == SHA256 else algorithm_identifier(digest_oid)
    bound = der.sequence(
        der.sequence(der.sequence(algorithm, der.octets(hashes.digest(name, signer))))
    )
    return der.set_of(
        der.sequence(der.oid(CONTENT_TYPE), der.set_of(der.oid(dress.value[1]))),
        der.sequence(der.oid(MESSAGE_DIGEST), der.set_of(der.octets(digest))),
        der.sequence(der.oid(SIGNING_CERTIFICATE_V2), der.set_of(bound)),
    )


def signed_data(
    digest: bytes,
    *,
    signer: bytes,
    chain: tuple[bytes, ...] = (),
    sign: Callable[[bytes], bytes],
    dress: Dress = Dress.RFC5652,
    stamp: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """A detached SignedData over content of `digest`; `sign` gets the signed attributes' DER.

    RSA-SHA256 in the dress of RFC 5652, SM2-SM3 in that of GM/T 0010. `stamp` gets the signature
    value and gives the TimeStampToken over it, which goes in as the one unsigned attribute.
    """
    digest_oid = SHA256 if dress is Dress.RFC5652 else SM3
    attributes = signed_attributes(digest, signer=signer, dress=dress, digest_oid=digest_oid)
    signature_oid = "1.2.840.113549.1.1.11" if dress is Dress.RFC5652 else SM2_SIGN
    signature = sign(attributes)
    return _assemble(
        dress, digest_oid, (signer, *chain), parse_certificate(signer), attributes,
        signature_oid, signature, _unsigned(stamp(signature)) if stamp else b"",
    )  # fmt: skip


def _unsigned(token: bytes) -> bytes:
    """unsignedAttrs with a time-stamp and nothing else."""
    return der.tlv(0xA1, der.sequence(der.oid(SIGNATURE_TIME_STAMP), der.set_of(token)))


def _assemble(
    dress: Dress,
    digest_oid: str,
    certificates: tuple[bytes, ...],
    signer: Certificate,
    attributes: bytes,
    signature_oid: str,
    signature: bytes,
    unsigned: bytes = b"",
) -> bytes:
    digest_algorithm = der.sequence(
        der.oid(digest_oid), der.null() if digest_oid == SHA256 else b""
    )
    info = der.sequence(
        der.integer(1), der.sequence(signer.issuer, der.integer(signer.serial)),
        digest_algorithm, der.tlv(0xA0, der.parse(attributes).content),
        algorithm_identifier(signature_oid), der.octets(signature), unsigned,
    )  # fmt: skip
    body = der.sequence(
        der.integer(1), der.set_of(digest_algorithm), der.sequence(der.oid(dress.value[1])),
        der.tlv(0xA0, b"".join(sorted(certificates))), der.set_of(info),
    )  # fmt: skip
    return der.sequence(der.oid(dress.value[0]), der.explicit(0, body))


def require_canonical(signed: SignedData) -> None:
    """Malformed unless the bytes are the ones `signed_data` would write from the same parts.

    The time-stamp's own bytes are for `tst.require_canonical`.
    """
    token = time_stamp(signed)
    again = _assemble(
        signed.dress, signed.digest_oid, signed.certificates, signed.signer(), signed.attributes,
        signed.signature_oid, signed.signature, b"" if token is None else _unsigned(token),
    )  # fmt: skip
    if again != signed.der:
        raise Malformed("the signature is not in its canonical form")
