"""What a TBSCertificate must obey before a real key signs it."""

from trust.crypto import der, signatures, x509
from trust.errors import TrustError

SERIAL_BITS_MAX = 159  # 20 octets, positive (RFC 5280, 4.1.2.2)
_PLACEHOLDER = b"\x00" * 8


class LintFailed(TrustError):
    """A fault of ours or of a profile, found before it was signed."""

    code = "lint_failed"


def lint(tbs: bytes, signature_oid: str, *, issuer: x509.Certificate | None) -> None:
    """Read the certificate as strangers will and refuse what RFC 5280 or our own rules forbid.

    The signature is a placeholder: nothing is signed until this returns.
    """
    whole = der.sequence(tbs, der.sequence(der.oid(signature_oid)), der.bits(_PLACEHOLDER))
    inner = der.children(der.parse(tbs))[2]
    if x509.algorithm_oid(inner) != signature_oid:
        raise LintFailed("the certificate names another algorithm than it will be signed with")
    certificate = x509.parse_certificate(whole)
    signatures.kind_of(certificate.spki)  # refuses weak and unknown keys by name
    if not 64 <= certificate.serial.bit_length() <= SERIAL_BITS_MAX:
        raise LintFailed("serial number is not 64 to 159 bits")
    if certificate.not_after <= certificate.not_before:
        raise LintFailed("validity is empty")
    if x509.subject_key_id(certificate) is None:
        raise LintFailed("no subject key identifier (RFC 5280, 4.2.1.2)")
    if issuer is not None:
        _lint_under(certificate, issuer)


def _lint_under(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    if certificate.not_after > issuer.not_after:
        raise LintFailed("the certificate outlives its issuer")
    if certificate.issuer != issuer.subject:
        raise LintFailed("issuer name is not the issuer's subject")
    if x509.authority_key_id(certificate.extensions) != x509.subject_key_id(issuer):
        raise LintFailed("authority key identifier is not the issuer's")
    is_ca, length = x509.basic_constraints(issuer)
    if not is_ca or (certificate.is_ca and length == 0):
        raise LintFailed("the issuer may not sign this")
