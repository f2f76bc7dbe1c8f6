"""What SM2 looks like as bytes: the curve, ZA, and the DER of signatures, ciphers and keys.

GB/T 32918.5-2017 (curve), GB/T 32918.2-2016, 5.5 (ZA), GB/T 35276-2017, 7 (signatures and ciphers),
RFC 5480 and RFC 5915 (keys). One encoding of each thing is accepted: minimal DER, named curve,
uncompressed points. Nothing here touches a private key except to wrap its 32 bytes.
"""

from functools import lru_cache
from hmac import compare_digest

from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from trust.crypto import der
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.hashes import sm3_parts

DEFAULT_ID = b"1234567812345678"

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

#: SEQUENCE, two INTEGERs of at most 33 bytes each.
LONGEST_SIGNATURE = 72
LONGEST_ID = 0xFFFF // 8
#: SM2 wraps keys and short secrets; longer data belongs in an SM4 box.
LONGEST_PLAINTEXT = 65_536

_ZERO = bytes(32)
_ORDER_LESS_ONE = (ORDER - 1).to_bytes(32, "big")
_FIXED_PART_OF_ZA = b"".join(value.to_bytes(32, "big") for value in (A, B, GX, GY))
#: AlgorithmIdentifier { id-ecPublicKey 1.2.840.10045.2.1, curve 1.2.156.10197.1.301 }
ALGORITHM = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
_SPKI_HEAD = bytes.fromhex("3059") + ALGORITHM + bytes.fromhex("03420004")
_CURVE_IN_SEC1 = bytes.fromhex("a00a06082a811ccf5501822d")
_POINT_IN_SEC1 = bytes.fromhex("a14403420004")


@lru_cache(maxsize=4096)
def check_public_key(public_key: bytes) -> None:
    """Refuse, as Malformed, what is not 64 bytes x then y of a point on the curve.

    The cofactor is 1, so every such point has the group's order (GB/T 32918.1-2016, 6.2).
    """
    if len(public_key) != 64:
        raise Malformed("an SM2 public key is 64 bytes, x then y")
    x, y = int.from_bytes(public_key[:32], "big"), int.from_bytes(public_key[32:], "big")
    if x >= P or y >= P or (y * y - (x * x * x + A * x + B)) % P:
        raise Malformed("the SM2 public key is not a point on the curve")


def check_scalar(scalar: bytes) -> None:
    """Refuse, as Malformed, what is not 32 bytes of a number in [1, n-2] (GB/T 32918.1, 6.1)."""
    if len(scalar) != 32:
        raise Malformed("an SM2 private key is 32 bytes")
    # Comparing bytes keeps the secret out of Python's integers, which leave copies behind.
    if not _ZERO < scalar < _ORDER_LESS_ONE:
        raise Malformed("the SM2 private key is outside [1, n-2]")


def za(public_key: bytes, user_id: bytes = DEFAULT_ID) -> bytes:
    """Return the 32 bytes that bind a signer's id and key into what is signed (5.5)."""
    if len(user_id) > LONGEST_ID:
        raise Malformed("an SM2 user id is at most 8191 bytes")
    length = (8 * len(user_id)).to_bytes(2, "big")
    return sm3_parts(length, user_id, _FIXED_PART_OF_ZA, public_key)


def parse_signature(signature: bytes) -> tuple[int, int]:
    """Return r and s; InvalidSignature unless minimal DER with both in [1, n-1]."""
    if len(signature) > LONGEST_SIGNATURE:
        raise InvalidSignature("the SM2 signature is longer than any can be")
    try:
        r, s = decode_dss_signature(signature)
    except ValueError as error:
        raise InvalidSignature("the SM2 signature is not the DER of r and s") from error
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise InvalidSignature("the SM2 signature has a number outside [1, n-1]")
    return r, s


def raw_to_der(rs: bytes) -> bytes:
    """Turn the 64 bytes r then s into DER; Malformed outside [1, n-1]."""
    if len(rs) != 64:
        raise Malformed("a raw SM2 signature is 64 bytes, r then s")
    r, s = int.from_bytes(rs[:32], "big"), int.from_bytes(rs[32:], "big")
    if not (0 < r < ORDER and 0 < s < ORDER):
        raise Malformed("the raw SM2 signature has a number outside [1, n-1]")
    return encode_dss_signature(r, s)


def der_to_raw(signature: bytes) -> bytes:
    """Turn a DER signature into the 64 bytes r then s; Malformed if it is not one."""
    try:
        r, s = parse_signature(signature)
    except InvalidSignature as error:
        raise Malformed(str(error)) from error
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def spki(public_key: bytes) -> bytes:
    """Wrap 64 bytes of public key into a SubjectPublicKeyInfo (RFC 5480)."""
    check_public_key(public_key)
    return _SPKI_HEAD + public_key


def is_spki(encoded: bytes) -> bool:
    """Say whether these bytes claim to be an SM2 key; the claim is not checked."""
    return encoded.startswith(_SPKI_HEAD)


def public_key_from_spki(encoded: bytes) -> bytes:
    """Return the 64 bytes of the point; Malformed for another curve, form or encoding.

    There is exactly one good encoding, 91 bytes with a fixed head: explicit curve parameters and
    compressed points are refused, and so is everything BER would allow.
    """
    if len(encoded) != len(_SPKI_HEAD) + 64 or not is_spki(encoded):
        raise Malformed("not a SubjectPublicKeyInfo of an uncompressed SM2 point")
    public_key = encoded[len(_SPKI_HEAD) :]
    check_public_key(public_key)
    return public_key


def sec1(scalar: bytes, public_key: bytes | None, *, named: bool = True) -> bytes:
    """Build an ECPrivateKey (RFC 5915); `named` says whether the curve is inside."""
    body = b"\x02\x01\x01" + der.octets(scalar)
    if named:
        body += _CURVE_IN_SEC1
    if public_key is not None:
        body += _POINT_IN_SEC1 + public_key
    return der.sequence(body)


def pkcs8(scalar: bytes, public_key: bytes | None, *, named: bool = False) -> bytes:
    """Build a PrivateKeyInfo (RFC 5208) around an ECPrivateKey, as OpenSSL writes it."""
    return _private_key_info(sec1(scalar, public_key, named=named))


def _private_key_info(inner: bytes) -> bytes:
    return der.sequence(der.integer(0), ALGORITHM, der.octets(inner))


def scalar_from_sec1(encoded: bytes) -> tuple[bytes, bytes | None]:
    """Return the scalar of an ECPrivateKey and the public key if it holds one, or Malformed.

    The four shapes in use (curve inside or not, public key inside or not) hold the scalar at one
    place; which shape it is, is proved by building the same bytes again: only DER can pass.
    """
    scalar, last = encoded[7:39], encoded[-64:]
    for public_key in (last, None):
        for named in (True, False):
            if compare_digest(sec1(scalar, public_key, named=named), encoded):
                return scalar, public_key
    raise Malformed("not the DER of an SM2 ECPrivateKey (RFC 5915)")


def scalar_from_pkcs8(encoded: bytes) -> tuple[bytes, bytes | None]:
    """Return the scalar in a PrivateKeyInfo and the public key if it holds one, or Malformed."""
    parts = der.children(der.parse(encoded, tag=der.SEQUENCE, cap=200))
    if len(parts) == 3:
        inner = parts[2].content
        if compare_digest(_private_key_info(inner), encoded):
            return scalar_from_sec1(inner)
    raise Malformed("not the DER of an SM2 PrivateKeyInfo (RFC 5208)")


def cipher(point: bytes, digest: bytes, text: bytes) -> bytes:
    """Build an SM2Cipher: C1 as two INTEGERs, C3, C2 (GB/T 35276-2017, 7.2)."""
    x, y = int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big")
    return der.sequence(der.integer(x), der.integer(y), der.octets(digest), der.octets(text))


def parse_cipher(encoded: bytes) -> tuple[bytes, bytes, bytes]:
    """Return C1 (64 bytes, a point on the curve), C3 and C2 of an SM2Cipher, or Malformed."""
    parts = der.children(der.parse(encoded, tag=der.SEQUENCE, cap=LONGEST_PLAINTEXT + 128))
    if len(parts) != 4:
        raise Malformed("an SM2Cipher has four parts")
    x, y = der.read_integer(parts[0]), der.read_integer(parts[1])
    digest, text = der.read_octets(parts[2]), der.read_octets(parts[3])
    if not (0 <= x < P and 0 <= y < P) or len(digest) != 32 or not text:
        raise Malformed("a part of the SM2Cipher has a size it cannot have")
    point = x.to_bytes(32, "big") + y.to_bytes(32, "big")
    check_public_key(point)
    return point, digest, text
