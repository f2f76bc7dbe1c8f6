"""SM2 signatures in the ways of several makers, with keys of our own: no vendor's file is at hand.

What each does is what was read of its products (docs/seal.md lists it); the bytes are ours.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trust.crypto import cms, der, hashes, x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.private_keys import PrivateKey, generate
from trust.crypto.x509_write import algorithm_identifier

MADE = datetime(2026, 5, 1, tzinfo=UTC)
SM2_501, GM_SIGNED, GM_DATA = Algorithm.SM2_SM3.row.oid, *cms.Dress.GMT0010.value
RFC_SIGNED, RFC_DATA = cms.Dress.RFC5652.value
_SIGNING_TIME = "1.2.840.113549.1.9.5"


@dataclass(frozen=True)
class Signer:
    """A key with its own certificate, a root for those who trust it."""

    key: PrivateKey
    certificate: bytes

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(Algorithm.SM2_SM3, message)


def signer(name: str = "A maker's device") -> Signer:
    key = generate(KeyKind.SM2)
    subject = x509_write.name([(x509.COUNTRY, "CN"), (x509.COMMON_NAME, name)])
    tbs = x509_write.tbs_certificate(
        serial=7, signature_oid=SM2_501, issuer=subject, subject=subject,
        not_before=MADE - timedelta(days=9), not_after=MADE + timedelta(days=900), spki=key.spki,
        extensions=[x509_write.key_usage({0, 1})],
    )  # fmt: skip
    return Signer(key, x509_write.signed(tbs, SM2_501, key.sign(Algorithm.SM2_SM3, tbs)))


def raw(value: bytes) -> bytes:
    """r then s, 32 bytes each."""
    r, s = (der.read_integer(part) for part in der.children(der.parse(value)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def attributes(content: bytes, *, kind: str = GM_DATA) -> bytes:
    return der.set_of(
        der.sequence(der.oid(cms.CONTENT_TYPE), der.set_of(der.oid(kind))),
        der.sequence(der.oid(cms.MESSAGE_DIGEST), der.set_of(der.octets(hashes.sm3(content)))),
        der.sequence(der.oid(_SIGNING_TIME), der.set_of(der.time(MADE))),
    )


def signed_data(
    by: Signer, *, over: bytes, content: bytes | None, held: bytes = b"", algorithm: str,
    outer: str = GM_SIGNED, inner: str = GM_DATA, value: Callable[[bytes], bytes] = bytes,
    null: bool = False, unsigned: bytes = b"",
) -> bytes:  # fmt: skip
    """A SignedData: `over` is what is signed, `held` the signed attributes as a SET."""
    certificate = x509.parse_certificate(by.certificate)
    digest = der.sequence(der.oid(cms.SM3), der.null() if null else b"")
    info = der.sequence(
        der.integer(1), der.sequence(certificate.issuer, der.integer(certificate.serial)), digest,
        b"\xa0" + held[1:] if held else b"", algorithm_identifier(algorithm),
        der.octets(value(by.sign(held or over))), unsigned,
    )  # fmt: skip
    encapsulated = der.explicit(0, der.octets(content)) if content is not None else b""
    body = der.sequence(
        der.integer(1), der.set_of(digest), der.sequence(der.oid(inner), encapsulated),
        der.tlv(0xA0, by.certificate), der.set_of(info),
    )  # fmt: skip
    return der.sequence(der.oid(outer), der.explicit(0, body))


def dianju(by: Signer, original: bytes) -> bytes:
    digest = hashes.sm3(original)
    return signed_data(by, over=digest, content=digest, algorithm=SM2_501)


def dianju_301(by: Signer, original: bytes) -> bytes:
    digest = hashes.sm3(original)
    return signed_data(by, over=digest, content=digest, algorithm=cms.SM2_SIGN)


def cfca_attached(by: Signer, original: bytes) -> bytes:
    return signed_data(by, over=original, content=original, algorithm=cms.SM2_SIGN, null=True)


def cfca_detached(by: Signer, original: bytes) -> bytes:
    return signed_data(by, over=original, content=None, algorithm=cms.SM2_SIGN, null=True)


def gomain(by: Signer, original: bytes) -> bytes:
    held = attributes(original)
    return signed_data(
        by, over=b"", held=held, content=None, algorithm=cms.SM2_SIGN, inner=RFC_DATA, null=True
    )


def tongzhi(by: Signer, original: bytes) -> bytes:
    digest = hashes.sm3(original)
    return signed_data(by, over=digest, content=digest, algorithm=SM2_501, value=raw)


def ofdrw(by: Signer, original: bytes) -> bytes:
    digest = hashes.sm3(original)
    return signed_data(by, over=digest, content=digest, algorithm=cms.SM2_SIGN)


def ofdrw_base64(by: Signer, original: bytes) -> bytes:
    text = base64.b64encode(hashes.sm3(original))
    return signed_data(by, over=text, content=text, algorithm=cms.SM2_SIGN)


def suwell(by: Signer, original: bytes) -> bytes:
    held = attributes(original)
    return signed_data(by, over=b"", held=held, content=None, algorithm=cms.SM2_SIGN)


def itext(by: Signer, original: bytes) -> bytes:
    """The forks of iText: SM2 and SM3 in the types of RFC 5652, as adbe.pkcs7.detached."""
    held = attributes(original, kind=RFC_DATA)
    return signed_data(
        by, over=b"", held=held, content=None, algorithm=SM2_501, outer=RFC_SIGNED, inner=RFC_DATA
    )


def odd_name(by: Signer, original: bytes) -> bytes:
    """The curve's OID where the algorithm's belongs."""
    return signed_data(by, over=original, content=None, algorithm="1.2.156.10197.1.301")


MAKERS: dict[str, Callable[[Signer, bytes], bytes]] = {
    make.__name__: make
    for make in (dianju, dianju_301, cfca_attached, cfca_detached, gomain, tongzhi, ofdrw,
                 ofdrw_base64, suwell, itext, odd_name)
}  # fmt: skip
