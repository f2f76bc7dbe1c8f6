"""What a certificate must obey before a real key signs it.

Each is first signed with a throw-away key of the same kind and size, and read back as strangers
will read it, signature and all: a fault is found on something that nobody can use.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from trust.crypto import der, private_keys, signatures, x509, x509_write
from trust.crypto.algorithms import KeyKind, by_oid
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.private_keys import PrivateKey
from trust.errors import TrustError
from trust.validation import verify_signed

SERIAL_BITS_MAX = 159  # 20 octets, positive (RFC 5280, 4.1.2.2)
#: Upper bounds of RFC 5280, appendix A.1, in characters.
_LONGEST = {
    x509.COMMON_NAME: 64, x509.ORGANIZATION: 64, x509.UNIT: 64, x509.COUNTRY: 2,
    x509.LOCALITY: 128, x509.PROVINCE: 128, x509.SERIAL_NUMBER: 64,
}  # fmt: skip
_CA_USAGE = frozenset({x509.KEY_CERT_SIGN, x509.CRL_SIGN})
_URI = 0x86
_OCSP = "1.3.6.1.5.5.7.48.1"
#: What certificates do mark critical.
KNOWN_CRITICAL = frozenset(
    {
        x509.BASIC_CONSTRAINTS, x509.KEY_USAGE, x509.EXTENDED_KEY_USAGE, x509.NAME_CONSTRAINTS,
        x509.POLICY_CONSTRAINTS, x509.INHIBIT_ANY_POLICY, x509.CERTIFICATE_POLICIES,
    }
)  # fmt: skip


class LintFailed(TrustError):
    """A fault of ours or of a profile, found before it was signed."""

    code = "lint_failed"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A certificate in whole DER, signed by a key that ends with this process."""

    der: bytes
    spki: bytes


def lint(tbs: bytes, signature_oid: str, *, issuer: x509.Certificate | None) -> None:
    """Refuse what RFC 5280 or our own rules forbid; LintFailed names the rule.

    The real key signs nothing until this returns. `issuer` is None for a root.
    """
    certificate = _read_back(rehearse(tbs, signature_oid, issuer=issuer))
    signatures.kind_of(certificate.spki)  # refuses weak and unknown keys by name
    for fault in faults(certificate):
        raise LintFailed(fault)
    if issuer is not None:
        for fault in _faults_under(certificate, issuer):
            raise LintFailed(fault)


def rehearse(tbs: bytes, signature_oid: str, *, issuer: x509.Certificate | None) -> Rehearsal:
    """Sign with the throw-away key of the algorithm's kind, as large as the issuer's."""
    algorithm = by_oid(signature_oid)
    size = _rsa_bits(issuer.spki) if issuer is not None else _LARGEST
    key = _throw_away(algorithm.row.key, size)
    return Rehearsal(x509_write.signed(tbs, signature_oid, key.sign(algorithm, tbs)), spki=key.spki)


#: What roots and issuing CAs are made with.
_LARGEST = 3072


def _rsa_bits(spki: bytes) -> int:
    """The size of an issuer's RSA key, so that the rehearsal is as long as the real thing."""
    if signatures.kind_of(spki) is not KeyKind.RSA:
        return _LARGEST
    key = der.parse(der.read_bits(der.children(der.parse(spki))[1]), tag=der.SEQUENCE)
    return der.read_integer(der.children(key)[0]).bit_length()


@lru_cache(maxsize=8)
def _throw_away(kind: KeyKind, bits: int) -> PrivateKey:
    """Made once a process: no certificate names it, so what it signs is worth nothing."""
    return private_keys.generate(kind, bits=bits)


def _read_back(made: Rehearsal) -> x509.Certificate:
    tbs, outer, _ = der.children(der.parse(made.der))
    if der.children(tbs)[2].raw != outer.raw:
        raise LintFailed("the certificate names another algorithm than it will be signed with")
    try:
        certificate = x509.parse_certificate(made.der)
        verify_signed(certificate, made.spki)
    except (Malformed, InvalidSignature) as error:
        raise LintFailed(f"the certificate does not read back: {error}") from error
    return certificate


def faults(certificate: x509.Certificate) -> Iterator[str]:
    """What is wrong with a certificate by itself, a sentence each."""
    yield from _faults_of_fields(certificate)
    try:
        yield from _faults_of_usage(certificate)
        yield from _faults_of_addresses(certificate)
    except Malformed as error:
        yield f"an extension cannot be read: {error}"


def _faults_of_fields(certificate: x509.Certificate) -> Iterator[str]:
    if not 64 <= certificate.serial.bit_length() <= SERIAL_BITS_MAX:
        yield "serial number is not 64 to 159 bits"
    if certificate.not_after <= certificate.not_before:
        yield "validity is empty"
    if x509.subject_key_id(certificate) is None:
        yield "no subject key identifier (RFC 5280, 4.2.1.2)"
    values = x509.name_values(certificate.subject)
    if not values:
        yield "the subject is empty"
    for kind, text in values:
        if not text.strip() or not text.isprintable():
            yield "a part of the subject is blank or cannot be printed"
        if len(text) > _LONGEST.get(kind, 256):
            yield f"a part of the subject is over {_LONGEST.get(kind, 256)} characters"


def _faults_of_usage(certificate: x509.Certificate) -> Iterator[str]:
    """RFC 5280, 4.2.1.3, 4.2.1.9 and 4.2.1.12, and what we hold ourselves to."""
    usage, purposes = x509.key_usage(certificate), x509.extended_key_usage(certificate)
    is_ca, length = x509.basic_constraints(certificate)
    if not usage:
        yield "no key usage"
    elif is_ca != bool(usage & _CA_USAGE):
        yield "only a CA signs certificates and CRLs, and a CA does"
    if length is not None and not is_ca:
        yield "a path length without being a CA"
    constraints = certificate.extensions.get(x509.BASIC_CONSTRAINTS)
    if is_ca and (constraints is None or not constraints.critical):
        yield "basic constraints of a CA are critical"
    if purposes is not None and len(set(purposes)) != len(purposes):
        yield "a purpose is named twice"


def _faults_of_addresses(certificate: x509.Certificate) -> Iterator[str]:
    for oid in (x509.CRL_POINTS, x509.AUTHORITY_ACCESS):
        extension = certificate.extensions.get(oid)
        for url in _uris(der.parse(extension.value)) if extension is not None else ():
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https", "ldap") or not (parts.netloc or parts.path):
                yield f"{url[:80]!r} is no address of a CRL, responder or certificate"


def _uris(value: der.Value) -> Iterator[str]:
    """Every uniformResourceIdentifier beneath a value."""
    if value.tag == _URI:
        yield value.content.decode("ascii", "replace")
    elif value.tag & 0x20:
        for inner in der.children(value):
            yield from _uris(inner)


def http_uris(certificate: x509.Certificate, oid: str) -> list[str]:
    """The http addresses in a certificate's CRL points or authority access; Malformed."""
    extension = certificate.extensions.get(oid)
    found = _uris(der.parse(extension.value)) if extension is not None else iter(())
    return [url for url in found if urlsplit(url).scheme in ("http", "https")]


def ocsp_uris(certificate: x509.Certificate) -> list[str]:
    """The http addresses of OCSP responders (RFC 5280, 4.2.2.1); Malformed."""
    extension = certificate.extensions.get(x509.AUTHORITY_ACCESS)
    if extension is None:
        return []
    found = []
    for access in der.children(der.parse(extension.value, tag=der.SEQUENCE)):
        method, place = der.parts(access, 2)
        if der.read_oid(method) == _OCSP and place.tag == _URI:
            found.append(place.content.decode("ascii", "replace"))
    return [url for url in found if urlsplit(url).scheme in ("http", "https")]


def _faults_under(certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[str]:
    if certificate.not_after > issuer.not_after:
        yield "the certificate outlives its issuer"
    if certificate.issuer != issuer.subject:
        yield "issuer name is not the issuer's subject"
    if x509.authority_key_id(certificate.extensions) != x509.subject_key_id(issuer):
        yield "authority key identifier is not the issuer's"
    is_ca, length = x509.basic_constraints(issuer)
    if not is_ca or (certificate.is_ca and length == 0):
        yield "the issuer may not sign this"
