"""Building certificates, requests and CRLs (RFC 5280, RFC 2986, GM/T 0015), to be signed."""

from datetime import datetime
from functools import lru_cache

from trust.crypto import der
from trust.crypto.x509 import (
    AUTHORITY_ACCESS,
    AUTHORITY_KEY_ID,
    BASIC_CONSTRAINTS,
    CERTIFICATE_POLICIES,
    COUNTRY,
    CRL_NUMBER,
    CRL_POINTS,
    EXTENDED_KEY_USAGE,
    ISSUING_POINT,
    KEY_USAGE,
    OCSP_NOCHECK,
    REASON_CODE,
    SUBJECT_KEY_ID,
    Extension,
    Revoked,
)

#: RSA signature algorithms carry NULL parameters (RFC 4055, 5); SM2 and ECDSA carry none.
_NULL_PARAMETERS = frozenset(f"1.2.840.113549.1.1.{arc}" for arc in (1, 11, 12, 13))


def algorithm_identifier(oid: str) -> bytes:
    """RSA wants NULL parameters (RFC 4055, 5); SM2 and ECDSA want none."""
    return der.sequence(der.oid(oid), der.null() if oid in _NULL_PARAMETERS else b"")


def name(attributes: list[tuple[str, str]]) -> bytes:
    """A DER Name; country as PrintableString, all else as UTF8String (GM/T 0015)."""
    return der.sequence(
        *(
            der.set_of(
                der.sequence(
                    der.oid(kind), der.printable(text) if kind == COUNTRY else der.utf8(text)
                )
            )
            for kind, text in attributes
        )
    )


def write_extensions(extensions: list[Extension]) -> bytes:
    return der.sequence(
        *(
            der.sequence(
                der.oid(item.oid),
                der.boolean(True) if item.critical else b"",
                der.octets(item.value),
            )
            for item in extensions
        )
    )


def tbs_certificate(
    *,
    serial: int,
    signature_oid: str,
    issuer: bytes,
    subject: bytes,
    not_before: datetime,
    not_after: datetime,
    spki: bytes,
    extensions: list[Extension],
) -> bytes:
    """A version 3 TBSCertificate (RFC 5280, 4.1.2)."""
    return der.sequence(
        der.explicit(0, der.integer(2)), der.integer(serial), algorithm_identifier(signature_oid),
        issuer, der.sequence(der.time(not_before), der.time(not_after)), subject, spki,
        der.explicit(3, write_extensions(extensions)),
    )  # fmt: skip


def tbs_crl(
    *,
    signature_oid: str,
    issuer: bytes,
    this_update: datetime,
    next_update: datetime,
    entries: list[Revoked],
    extensions: list[Extension],
) -> bytes:
    """A version 2 TBSCertList (RFC 5280, 5.1.2)."""
    return der.sequence(
        der.integer(1), algorithm_identifier(signature_oid), issuer, der.time(this_update),
        der.time(next_update),
        der.sequence(*map(_revoked, entries)) if entries else b"",
        der.explicit(0, write_extensions(extensions)),
    )  # fmt: skip


def _revoked(entry: Revoked) -> bytes:
    reason = _reason(entry.reason) if entry.reason else b""
    return der.sequence(der.integer(entry.serial), der.time(entry.at), reason)


@lru_cache(maxsize=16)
def _reason(code: int) -> bytes:
    return write_extensions([Extension(REASON_CODE, False, der.tlv(0x0A, bytes((code,))))])


def tbs_request(subject: bytes, spki: bytes) -> bytes:
    return der.sequence(der.integer(0), subject, spki, b"\xa0\x00")


def signed(tbs: bytes, signature_oid: str, signature: bytes) -> bytes:
    """What a signer hands out: TBS, algorithm, signature."""
    return der.sequence(tbs, algorithm_identifier(signature_oid), der.bits(signature))


def basic_constraints(*, path_length: int | None) -> Extension:
    length = b"" if path_length is None else der.integer(path_length)
    return Extension(BASIC_CONSTRAINTS, True, der.sequence(der.boolean(True), length))


def key_usage(positions: set[int]) -> Extension:
    return Extension(KEY_USAGE, True, der.named_bits(positions))


def extended_key_usage(purposes: list[str], *, critical: bool) -> Extension:
    return Extension(EXTENDED_KEY_USAGE, critical, der.sequence(*map(der.oid, purposes)))


def subject_key_id(key_id: bytes) -> Extension:
    return Extension(SUBJECT_KEY_ID, False, der.octets(key_id))


def authority_key_id(key_id: bytes) -> Extension:
    return Extension(AUTHORITY_KEY_ID, False, der.sequence(der.tlv(0x80, key_id)))


def crl_points(urls: list[str]) -> Extension:
    points = (
        der.sequence(der.tlv(0xA0, der.tlv(0xA0, der.tlv(0x86, url.encode("ascii")))))
        for url in urls
    )
    return Extension(CRL_POINTS, False, der.sequence(*points))


def issuing_point(url: str) -> Extension:
    """This CRL is of the certificates that name `url` as their distribution point, and complete
    for them (RFC 5280, 5.2.5)."""
    name = der.tlv(0xA0, der.tlv(0xA0, der.tlv(0x86, url.encode("ascii"))))
    return Extension(ISSUING_POINT, True, der.sequence(name))


def authority_access(ca_issuers: str, *, ocsp: str = "") -> Extension:
    """Where the issuer's certificate (DER) is, and who answers for it (RFC 5280, 4.2.2.1)."""
    places = [("1.3.6.1.5.5.7.48.1", ocsp), ("1.3.6.1.5.5.7.48.2", ca_issuers)]
    access = (
        der.sequence(der.oid(kind), der.tlv(0x86, url.encode("ascii")))
        for kind, url in places
        if url
    )
    return Extension(AUTHORITY_ACCESS, False, der.sequence(*access))


def ocsp_nocheck() -> Extension:
    """This OCSP signer is not to be asked about (RFC 6960, 4.2.2.2.1)."""
    return Extension(OCSP_NOCHECK, False, der.null())


def certificate_policies(policies: list[str]) -> Extension:
    return Extension(
        CERTIFICATE_POLICIES, False, der.sequence(*(der.sequence(der.oid(p)) for p in policies))
    )


def crl_number(number: int) -> Extension:
    return Extension(CRL_NUMBER, False, der.integer(number))
