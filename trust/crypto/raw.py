"""Signatures as JOSE (RFC 7518, 3.4; RFC 8037, 3.1) and COSE (RFC 9053, 2.1) carry them: r then s
for SM2 and ECDSA; RSA and Ed25519 ones are octets already."""

from trust.crypto import signatures, sm2
from trust.crypto.algorithms import KeyKind

_OCTETS = (KeyKind.RSA, KeyKind.ED25519)


def der_to_raw(kind: KeyKind, signature: bytes) -> bytes:
    """A signature of `KeyStore.sign` to its octets; Malformed."""
    if kind in _OCTETS:
        return signature
    if kind is KeyKind.SM2:
        return sm2.der_to_raw(signature)
    return signatures.ecdsa_der_to_raw(signature, kind=kind)


def raw_to_der(kind: KeyKind, rs: bytes) -> bytes:
    """The octets back to what `signatures.verify` takes; Malformed."""
    if kind in _OCTETS:
        return rs
    if kind is KeyKind.SM2:
        return sm2.raw_to_der(rs)
    return signatures.ecdsa_raw_to_der(rs, kind=kind)
