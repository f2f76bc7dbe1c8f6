"""Signatures as r then s, as JOSE (RFC 7518, 3.4) and COSE (RFC 9053, 2.1) carry them."""

from trust.crypto import signatures, sm2
from trust.crypto.algorithms import KeyKind


def der_to_raw(kind: KeyKind, signature: bytes) -> bytes:
    """SM2 or ECDSA, DER to raw; Malformed."""
    if kind is KeyKind.SM2:
        return sm2.der_to_raw(signature)
    return signatures.ecdsa_der_to_raw(signature, kind=kind)


def raw_to_der(kind: KeyKind, rs: bytes) -> bytes:
    """SM2 or ECDSA, raw to DER; Malformed."""
    if kind is KeyKind.SM2:
        return sm2.raw_to_der(rs)
    return signatures.ecdsa_raw_to_der(rs, kind=kind)
