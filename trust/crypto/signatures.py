"""Verify a signature by any allowed algorithm; the one place that loads foreign public keys.

RSA: RFC 8017 (PKCS#1 v1.5, and PSS with a salt as long as the digest). ECDSA: FIPS 186-5, here in
DER (RFC 3279); JOSE and COSE write r then s raw, see the two conversions. SM2: GB/T 32918.2.
Ed25519: RFC 8032, always 64 bytes.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from cryptography.exceptions import InvalidSignature as LibrarySaysNo
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from trust.crypto import der, sm2, sm2_batch
from trust.crypto.algorithms import REFUSED, Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.hashes import Digest
from trust.crypto.sm2_formats import is_spki as is_sm2

SHORTEST_RSA, LONGEST_RSA = 2048, 8192
_LONGEST_SPKI = 1200
#: SM2, P-256, P-384.
_CURVE_OIDS = ("1.2.156.10197.1.301", "1.2.840.10045.3.1.7", "1.3.132.0.34")
_CURVES: dict[str, KeyKind] = {"secp256r1": KeyKind.P256, "secp384r1": KeyKind.P384}
#: FIPS 186-4, D.1.2: the orders, so that r and s are checked before any library is asked.
_ORDERS: dict[KeyKind, int] = {
    KeyKind.P256: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    KeyKind.P384: int(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
        "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
        16,
    ),
}
HASHES: dict[Digest, hashes.HashAlgorithm] = {
    Digest.SHA256: hashes.SHA256(),
    Digest.SHA384: hashes.SHA384(),
    Digest.SHA512: hashes.SHA512(),
}

_Loaded = tuple[
    KeyKind, bytes | rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
]


def rsa_padding(algorithm: Algorithm) -> padding.AsymmetricPadding:
    """Return the padding an RSA algorithm signs with."""
    if algorithm is Algorithm.RSA_PSS_SHA256:
        return padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    return padding.PKCS1v15()


def kind_of(spki: bytes) -> KeyKind:
    """Return the kind of a SubjectPublicKeyInfo.

    UnknownAlgorithm for kinds, curves and sizes that are not allowed; Malformed for what is not
    strict DER of a key.
    """
    return _load(spki)[0]


@lru_cache(maxsize=1024)
def _load(spki: bytes) -> _Loaded:
    if is_sm2(spki):
        return KeyKind.SM2, sm2.public_key_from_spki(spki)
    if len(spki) > _LONGEST_SPKI:
        raise Malformed("the public key is longer than any allowed one")
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _why_refused(spki) from error
    if isinstance(key, rsa.RSAPublicKey):
        _check_rsa(key)
        kind = KeyKind.RSA
    elif isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        kind = _CURVES[key.curve.name]
    elif isinstance(key, ed25519.Ed25519PublicKey):
        kind = KeyKind.ED25519
    else:
        raise _why_refused(spki)
    # One encoding of each key, or two SPKIs would name one key and fingerprints lose their meaning.
    if key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != spki:
        raise Malformed("the public key is not in its one DER encoding")
    return kind, key


def _check_rsa(key: rsa.RSAPublicKey) -> None:
    """Hold the sizes of NIST SP 800-131A and FIPS 186-5, 5.4; large ones cost the verifier."""
    if not SHORTEST_RSA <= key.key_size <= LONGEST_RSA:
        raise UnknownAlgorithm(
            f"RSA of {key.key_size} bits is not allowed, {SHORTEST_RSA} to {LONGEST_RSA} are"
        )
    exponent = key.public_numbers().e
    if exponent % 2 == 0 or not 65537 <= exponent < 2**64:
        raise UnknownAlgorithm("the RSA public exponent is even, below 65537 or above 64 bits")


def _why_refused(spki: bytes) -> UnknownAlgorithm | Malformed:
    """Find the OID to name in the refusal. Both libraries have said no by now, so this may fail."""
    try:
        info = der.children(der.parse(spki, tag=der.SEQUENCE))
        algorithm = der.children(info[0])
        name = der.read_oid(algorithm[0])
        if name == "1.2.840.10045.2.1":
            return _why_curve_refused(algorithm[1])
    except (Malformed, IndexError):
        return Malformed("not the DER of a SubjectPublicKeyInfo")
    if name == "1.2.840.113549.1.1.1":
        return Malformed("the RSA public key does not parse")
    called = f"{REFUSED[name]} ({name})" if name in REFUSED else name
    return UnknownAlgorithm(f"public key algorithm {called} is not allowed")


def _why_curve_refused(parameters: der.Value) -> UnknownAlgorithm | Malformed:
    if parameters.tag != der.OID:
        return UnknownAlgorithm("an elliptic curve by explicit parameters is not allowed")
    curve = der.read_oid(parameters)
    if curve in _CURVE_OIDS:
        return Malformed("the public key is not an uncompressed point on its curve")
    return UnknownAlgorithm(f"elliptic curve {curve} is not allowed")


def verify(algorithm: Algorithm, spki: bytes, message: bytes, signature: bytes) -> None:
    """Raise InvalidSignature unless `signature` over `message` is good.

    ECDSA and SM2 signatures are DER. UnknownAlgorithm or Malformed if the key is refused or is of
    another kind than the algorithm's.
    """
    row = algorithm.row
    kind, key = _load(spki)
    if kind is not row.key:
        raise UnknownAlgorithm(f"{algorithm} does not go with a key of kind {kind}")
    if isinstance(key, bytes):
        if (key, message, signature) not in _AHEAD.get():
            sm2_batch.verify(key, message, signature)
        return
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, rsa_padding(algorithm), HASHES[row.digest])
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            _check_ecdsa(kind, signature)
            key.verify(signature, message, ec.ECDSA(HASHES[row.digest]))
    except LibrarySaysNo as error:
        raise InvalidSignature(f"the {algorithm} signature does not verify") from error


#: SPKI, message and signature.
Item = tuple[bytes, bytes, bytes]
#: SM2 signatures that were found good: key, message and signature of each, all three to the byte.
_AHEAD: ContextVar[frozenset[tuple[bytes, bytes, bytes]]] = ContextVar(
    "signatures verified ahead", default=frozenset()
)


@contextmanager
def verified_ahead(items: Iterable[Item]) -> Iterator[None]:
    """Verify the SM2 signatures among `items` now, many at once.

    Inside, `verify` takes those that are good as verified. It says of the others what it always
    says: nothing is refused here, and what is no item is computed as ever.
    """
    asked = []
    for spki, message, signature in items:
        try:
            _, key = _load(spki)
        except (Malformed, UnknownAlgorithm):
            continue
        if isinstance(key, bytes):
            asked.append((key, message, signature))
    verdicts = sm2_batch.verify_many(asked)
    good = frozenset(item for item, well in zip(asked, verdicts, strict=True) if well)
    before = _AHEAD.set(good)
    try:
        yield
    finally:
        _AHEAD.reset(before)


def _check_ecdsa(kind: KeyKind, signature: bytes) -> tuple[int, int]:
    """Return r and s; InvalidSignature unless minimal DER with both in [1, n-1]."""
    order = _ORDERS[kind]
    if len(signature) > 2 * (order.bit_length() // 8 + 3) + 2:
        raise InvalidSignature("the ECDSA signature is longer than any can be")
    try:
        r, s = decode_dss_signature(signature)
    except ValueError as error:
        raise InvalidSignature("the ECDSA signature is not the DER of r and s") from error
    if not (0 < r < order and 0 < s < order):
        raise InvalidSignature("the ECDSA signature has a number outside [1, n-1]")
    return r, s


def ecdsa_der_to_raw(signature: bytes, *, kind: KeyKind = KeyKind.P256) -> bytes:
    """Turn DER into r then s, 32 bytes each for P-256, 48 for P-384; Malformed if it is not one."""
    try:
        r, s = _check_ecdsa(kind, signature)
    except InvalidSignature as error:
        raise Malformed(str(error)) from error
    size = _ORDERS[kind].bit_length() // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def ecdsa_raw_to_der(rs: bytes, *, kind: KeyKind = KeyKind.P256) -> bytes:
    """Turn r then s (RFC 7518, 3.4) into DER; Malformed for another length or range."""
    order = _ORDERS[kind]
    size = order.bit_length() // 8
    r, s = int.from_bytes(rs[:size], "big"), int.from_bytes(rs[size:], "big")
    if len(rs) != 2 * size or not (0 < r < order and 0 < s < order):
        raise Malformed(f"a raw {kind} signature is {2 * size} bytes, r then s in [1, n-1]")
    return encode_dss_signature(r, s)
