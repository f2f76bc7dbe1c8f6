"""X.509 certificates, requests and CRLs (RFC 5280, RFC 2986) for SM2 and RSA alike.

Certificates are read with `trust.crypto.der`, so that an SM2 certificate is no stranger and the
signed bytes stay the ones that came. Names are compared by their encoding and shown by `name_text`,
which never fails: real certificates carry strings that break their own types.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from trust.crypto import der, names
from trust.crypto.errors import Malformed

CERTIFICATE_MAX = 64 * 1024
CRL_MAX = 64 * 1024 * 1024

COMMON_NAME, COUNTRY, ORGANIZATION, UNIT = "2.5.4.3", "2.5.4.6", "2.5.4.10", "2.5.4.11"
SERIAL_NUMBER, LOCALITY, PROVINCE = "2.5.4.5", "2.5.4.7", "2.5.4.8"
_LABELS = {
    COMMON_NAME: "CN", COUNTRY: "C", ORGANIZATION: "O", UNIT: "OU", LOCALITY: "L",
    PROVINCE: "ST", SERIAL_NUMBER: "serialNumber", "1.2.840.113549.1.9.1": "emailAddress",
}  # fmt: skip

BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
SUBJECT_KEY_ID, AUTHORITY_KEY_ID = "2.5.29.14", "2.5.29.35"
CRL_POINTS, CERTIFICATE_POLICIES, AUTHORITY_ACCESS = "2.5.29.31", "2.5.29.32", "1.3.6.1.5.5.7.1.1"
OCSP_NOCHECK = "1.3.6.1.5.5.7.48.1.5"
CRL_NUMBER, REASON_CODE, ISSUING_POINT = "2.5.29.20", "2.5.29.21", "2.5.29.28"
DELTA_INDICATOR, CERTIFICATE_ISSUER, ALTERNATIVE_NAME = "2.5.29.27", "2.5.29.29", "2.5.29.17"
NAME_CONSTRAINTS, POLICY_MAPPINGS = "2.5.29.30", "2.5.29.33"
POLICY_CONSTRAINTS, INHIBIT_ANY_POLICY = "2.5.29.36", "2.5.29.54"

DIGITAL_SIGNATURE, NON_REPUDIATION, KEY_CERT_SIGN, CRL_SIGN = 0, 1, 5, 6


@dataclass(frozen=True, slots=True)
class Extension:
    """`value` is the content of extnValue: a DER structure."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """A certificate as read. Names and SPKI are DER; times are UTC; `signature` is as signed.

    Two are equal when their bytes are.
    """

    der: bytes
    tbs: bytes
    serial: int
    issuer: bytes
    subject: bytes
    not_before: datetime
    not_after: datetime
    spki: bytes
    signature_oid: str
    signature: bytes
    extensions: Mapping[str, Extension]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.der)

    @property
    def is_ca(self) -> bool:
        return basic_constraints(self)[0]

    @property
    def self_issued(self) -> bool:
        return names.same(self.issuer, self.subject)


@dataclass(frozen=True, slots=True)
class Revoked:
    serial: int
    at: datetime
    reason: int


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A CRL as read; `entries` by serial number, those of other issuers (5.3.3) in `others`."""

    der: bytes
    tbs: bytes
    issuer: bytes
    this_update: datetime
    next_update: datetime | None
    signature_oid: str
    signature: bytes
    entries: Mapping[int, Revoked]
    extensions: Mapping[str, Extension]
    others: Mapping[bytes, Mapping[int, Revoked]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """A PKCS#10 request (RFC 2986), its proof of possession not yet checked."""

    der: bytes
    tbs: bytes
    subject: bytes
    spki: bytes
    signature_oid: str
    signature: bytes


def algorithm_oid(value: der.Value) -> str:
    """The OID of an AlgorithmIdentifier whose parameters are absent or NULL, as real CAs write."""
    parts = der.children(der.expect(value, der.SEQUENCE))
    if (len(parts) == 2 and parts[1].raw != der.null()) or len(parts) > 2 or not parts:
        raise Malformed("algorithm with parameters that are not understood")
    return der.read_oid(parts[0])


def _signed(data: bytes, cap: int) -> tuple[der.Value, str, bytes]:
    parts = der.children(der.parse(data, tag=der.SEQUENCE, cap=cap))
    if len(parts) != 3:
        raise Malformed("a signed structure has three parts")
    return parts[0], algorithm_oid(parts[1]), der.read_bits(parts[2])


@lru_cache(maxsize=1024)
def parse_certificate(data: bytes) -> Certificate:
    """Read a DER certificate (RFC 5280, 4.1); Malformed when it is none.

    Cached: the same few issuing certificates come with every file.
    """
    tbs, outer, signature = _signed(data, CERTIFICATE_MAX)
    parts = der.children(der.expect(tbs, der.SEQUENCE))
    if not parts or parts[0].tag != 0xA0 or parts[0].content != der.integer(2):
        raise Malformed("certificate is not of version 3")
    if len(parts) < 7:
        raise Malformed("certificate lacks a field")
    if algorithm_oid(parts[2]) != outer:
        raise Malformed("certificate names two signature algorithms")
    not_before, not_after = _validity(parts[4])
    return Certificate(
        der=data, tbs=tbs.raw, serial=der.read_integer(parts[1]), issuer=parts[3].raw,
        subject=parts[5].raw, not_before=not_before, not_after=not_after, spki=parts[6].raw,
        signature_oid=outer, signature=signature, extensions=_extensions(parts[7:], 0xA3),
    )  # fmt: skip


def _validity(value: der.Value) -> tuple[datetime, datetime]:
    times = der.children(der.expect(value, der.SEQUENCE))
    if len(times) != 2:
        raise Malformed("validity is not two times")
    return der.read_time(times[0]), der.read_time(times[1])


def read_extensions(data: bytes) -> dict[str, Extension]:
    """Extensions by OID, out of their own DER; Malformed, also when one stands twice."""
    return _extensions([der.Value(0, data, data)], 0)


def _extensions(rest: list[der.Value], tag: int) -> dict[str, Extension]:
    found: dict[str, Extension] = {}
    for holder in rest:
        if holder.tag != tag:
            continue  # issuer and subject unique ids: read over, never used
        for item in der.children(der.parse(holder.content, tag=der.SEQUENCE)):
            extension = _extension(item)
            if extension.oid in found:
                raise Malformed(f"extension {extension.oid} stands twice")
            found[extension.oid] = extension
    return found


def _extension(item: der.Value) -> Extension:
    parts = der.children(der.expect(item, der.SEQUENCE))
    if len(parts) not in (2, 3):
        raise Malformed("extension has two or three parts")
    critical = der.read_boolean(parts[1]) if len(parts) == 3 else False
    return Extension(der.read_oid(parts[0]), critical, der.read_octets(parts[-1]))


def parse_crl(data: bytes) -> RevocationList:
    """Read a version 2 CRL (RFC 5280, 5.1)."""
    tbs, outer, signature = _signed(data, CRL_MAX)
    parts = der.children(der.expect(tbs, der.SEQUENCE))
    if len(parts) < 4 or parts[0].raw != der.integer(1) or algorithm_oid(parts[1]) != outer:
        raise Malformed("CRL is not of version 2, or names two signature algorithms")
    rest = parts[4:]
    next_update = None
    if rest and rest[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME):
        next_update = der.read_time(rest.pop(0))
    revoked = rest.pop(0) if rest and rest[0].tag == der.SEQUENCE else None
    entries: dict[bytes, dict[int, Revoked]] = {parts[2].raw: {}}
    holder = entries[parts[2].raw]
    for item in der.children(revoked) if revoked else ():
        entry, issuer = _revoked(item)
        if issuer is not None:  # An entry without one is of the issuer before it (5.3.3).
            holder = entries.setdefault(issuer, {})
        holder[entry.serial] = entry
    return RevocationList(
        der=data, tbs=tbs.raw, issuer=parts[2].raw, this_update=der.read_time(parts[3]),
        next_update=next_update, signature_oid=outer, signature=signature,
        entries=entries.pop(parts[2].raw), extensions=_extensions(rest, 0xA0), others=entries,
    )  # fmt: skip


def _revoked(item: der.Value) -> tuple[Revoked, bytes | None]:
    parts = der.parts(der.expect(item, der.SEQUENCE), 2, 3)
    reason, issuer = 0, None
    if len(parts) > 2:
        short = len(parts[2].raw) <= _SHORT
        reason, issuer = (_usual_extensions if short else _entry_extensions)(parts[2])
    return Revoked(der.read_integer(parts[0]), der.read_time(parts[1]), reason), issuer


def _entry_extensions(value: der.Value) -> tuple[int, bytes | None]:
    """Reason and certificate issuer of a CRL entry."""
    reason, issuer = 0, None
    for entry in der.children(value):
        extension = _extension(entry)
        if extension.oid == REASON_CODE:
            reason = int.from_bytes(der.parse(extension.value, tag=0x0A).content, "big")
        elif extension.oid == CERTIFICATE_ISSUER:
            issuer = names.one_directory_name(extension.value)
        elif extension.critical:
            raise Malformed(f"critical CRL entry extension {extension.oid} is not understood")
    return reason, issuer


#: A reason alone takes 14 bytes, the same few in every entry of a CRL.
_SHORT = 64
_usual_extensions = lru_cache(maxsize=256)(_entry_extensions)


def parse_request(data: bytes) -> Request:
    """Read a PKCS#10 request; the caller proves possession."""
    tbs, outer, signature = _signed(data, CERTIFICATE_MAX)
    parts = der.children(der.expect(tbs, der.SEQUENCE))
    if len(parts) < 3 or parts[0].raw != der.integer(0):
        raise Malformed("certificate request is not of version 1")
    return Request(data, tbs.raw, parts[1].raw, parts[2].raw, outer, signature)


def basic_constraints(certificate: Certificate) -> tuple[bool, int | None]:
    """(cA, pathLenConstraint) (RFC 5280, 4.2.1.9)."""
    extension = certificate.extensions.get(BASIC_CONSTRAINTS)
    if extension is None:
        return False, None
    parts = der.children(der.parse(extension.value, tag=der.SEQUENCE))
    is_ca = bool(parts) and parts[0].tag == der.BOOLEAN and der.read_boolean(parts[0])
    rest = parts[1:] if parts and parts[0].tag == der.BOOLEAN else parts
    return is_ca, der.read_integer(rest[0]) if rest else None


def key_usage(certificate: Certificate) -> frozenset[int] | None:
    """Bit positions of RFC 5280, 4.2.1.3; None when the extension is absent."""
    extension = certificate.extensions.get(KEY_USAGE)
    return der.read_named_bits(der.parse(extension.value)) if extension else None


def extended_key_usage(certificate: Certificate) -> tuple[str, ...] | None:
    extension = certificate.extensions.get(EXTENDED_KEY_USAGE)
    if extension is None:
        return None
    purposes = der.children(der.parse(extension.value, tag=der.SEQUENCE))
    return tuple(der.read_oid(purpose) for purpose in purposes)


def subject_key_id(certificate: Certificate) -> bytes | None:
    extension = certificate.extensions.get(SUBJECT_KEY_ID)
    return der.read_octets(der.parse(extension.value)) if extension else None


def authority_key_id(extensions: Mapping[str, Extension]) -> bytes | None:
    extension = extensions.get(AUTHORITY_KEY_ID)
    if extension is None:
        return None
    for part in der.children(der.parse(extension.value, tag=der.SEQUENCE)):
        if part.tag == 0x80:
            return part.content
    return None


def name_values(name: bytes) -> list[tuple[str, str]]:
    """(OID, text) of each attribute; text that breaks its own type is shown with replacements."""
    return list(_name_values(name))


@lru_cache(maxsize=1024)
def _name_values(name: bytes) -> tuple[tuple[str, str], ...]:
    found = []
    for rdn in der.children(der.parse(name, tag=der.SEQUENCE)):
        for attribute in der.children(rdn):
            kind, value = der.parts(attribute, 2)
            # IA5 and Printable strings with UTF-8 inside do occur in the field.
            codec = der.TEXT.get(value.tag, "utf-8")
            codec = "utf-8" if codec == "ascii" else codec
            found.append((der.read_oid(kind), value.content.decode(codec, "replace")))
    return tuple(found)


def name_value(name: bytes, kind: str) -> str | None:
    return next((text for oid, text in name_values(name) if oid == kind), None)


def holder_text(name: bytes) -> str:
    """For people: the organisation without the code before it, or the common name."""
    organisation = name_value(name, ORGANIZATION)
    if organisation is None:
        return name_value(name, COMMON_NAME) or name_text(name)
    return re.sub(r"^[0-9A-HJ-NP-RTUWXY]{18}(?=.)", "", organisation)


def name_text(name: bytes) -> str:
    """For people: `C=CN, O=…, CN=…`. Never fails."""
    try:
        return ", ".join(f"{_LABELS.get(oid, oid)}={text}" for oid, text in name_values(name))
    except (Malformed, ValueError):
        return f"(unreadable name, {len(name)} bytes)"
