"""SM2 signatures and encryption over SM3 (GB/T 32918-2016) on the curve of GB/T 32918.5-2017.

The engine is the system's libcrypto. Where there is none with SM2, signatures are still verified
(slowly, `sm2_portable`), and whatever needs a private key is Unavailable. Public keys are 64 bytes,
x then y; signatures are the DER SEQUENCE of r and s; ciphertexts are the DER of SM2Cipher.
"""

import secrets
from functools import cache, lru_cache
from typing import Self

from trust.crypto import _libcrypto
from trust.crypto.errors import DecryptionFailed, Malformed
from trust.crypto.hashes import sm3_parts
from trust.crypto.sm2_formats import (
    DEFAULT_ID,
    LONGEST_PLAINTEXT,
    check_public_key,
    check_scalar,
    der_to_raw,
    parse_cipher,
    parse_signature,
    pkcs8,
    public_key_from_spki,
    raw_to_der,
    scalar_from_pkcs8,
    scalar_from_sec1,
    sec1,
    spki,
    za,
)
from trust.errors import Unavailable

__all__ = [
    "DEFAULT_ID",
    "PrivateKey",
    "der_to_raw",
    "encrypt",
    "engine",
    "public_key_from_spki",
    "raw_to_der",
    "spki",
    "verify",
    "za",
]


def engine() -> str:
    """Name what does the arithmetic, e.g. "libcrypto 3.0.19"."""
    libcrypto = _libcrypto.load()
    if libcrypto is not None:
        return f"libcrypto {libcrypto.version}"
    from trust.crypto import sm2_portable

    return f"gmssl {sm2_portable.VERSION} (portable; verifies only)"


@cache
def _engine() -> _libcrypto.Libcrypto:
    libcrypto = _libcrypto.load()
    if libcrypto is None:
        raise Unavailable(
            "SM2 private keys need OpenSSL 3 (libcrypto.so.3) with SM2; it is not here"
        )
    return libcrypto


class PrivateKey:
    """An SM2 key pair. The scalar lives in libcrypto's memory, which wipes it when the key dies."""

    __slots__ = ("_key", "_za", "public_key")

    public_key: bytes

    def __init__(self, scalar: bytes, public_key: bytes | None = None) -> None:
        """Take 32 bytes in [1, n-2]; Malformed if not, or if `public_key` is not theirs."""
        check_scalar(scalar)
        self.public_key = _engine().multiply_base(scalar)
        if public_key is not None and public_key != self.public_key:
            raise Malformed("the public key stored with the SM2 private key is not its own")
        self._key = _engine().private(scalar, self.public_key)
        self._za = za(self.public_key)

    def __repr__(self) -> str:
        return f"<SM2 private key of {self.public_key[:4].hex()}...>"

    def __reduce__(self) -> str:
        raise TypeError("an SM2 private key is not pickled")

    @classmethod
    def generate(cls) -> Self:
        """Draw a new key, uniform in [1, n-2]."""
        while True:
            scalar = secrets.token_bytes(32)
            try:
                check_scalar(scalar)
            except Malformed:
                continue  # Once in 2^32 draws: reducing instead would bias the key.
            return cls(scalar)

    @classmethod
    def from_scalar(cls, scalar: bytes) -> Self:
        """Take 32 bytes, big-endian."""
        return cls(scalar)

    @classmethod
    def from_pkcs8(cls, der: bytes) -> Self:
        """Read a PrivateKeyInfo (RFC 5208)."""
        return cls(*scalar_from_pkcs8(der))

    @classmethod
    def from_sec1(cls, der: bytes) -> Self:
        """Read an ECPrivateKey (RFC 5915)."""
        return cls(*scalar_from_sec1(der))

    def scalar(self) -> bytes:
        """Return the 32 secret bytes."""
        return _engine().scalar(self._key)

    def pkcs8(self) -> bytes:
        """Return the PrivateKeyInfo, unencrypted."""
        return pkcs8(self.scalar(), self.public_key)

    def sec1(self) -> bytes:
        """Return the ECPrivateKey, unencrypted."""
        return sec1(self.scalar(), self.public_key)

    def sign(self, message: bytes, *, user_id: bytes = DEFAULT_ID) -> bytes:
        """Sign and return the DER of r and s."""
        prefix = self._za if user_id == DEFAULT_ID else za(self.public_key, user_id)
        return _engine().sign(self._key, sm3_parts(prefix, message))

    def decrypt(self, ciphertext_der: bytes) -> bytes:
        """Open an SM2Cipher; DecryptionFailed whatever is wrong with it."""
        try:
            _, _, text = parse_cipher(ciphertext_der)
        except Malformed as error:
            raise DecryptionFailed(str(error)) from error
        plaintext = _engine().decrypt(self._key, ciphertext_der)
        if plaintext == text:
            # The key stream was all zero: the standard has both sides refuse (part 4, 7.1, B4).
            raise DecryptionFailed("the SM2 ciphertext is its own plaintext")
        return plaintext


class _PublicKey:
    """A loaded public key and its ZA for the default id: both cost more than a hash to make."""

    __slots__ = ("key", "za")

    def __init__(self, public_key: bytes) -> None:
        check_public_key(public_key)
        self.key = _engine().public(public_key)
        self.za = za(public_key)


@lru_cache(maxsize=1024)
def _loaded(public_key: bytes) -> _PublicKey:
    return _PublicKey(public_key)


def verify(
    public_key: bytes, message: bytes, signature: bytes, *, user_id: bytes = DEFAULT_ID
) -> None:
    """Raise InvalidSignature unless `signature` over `message` is good; Malformed for a bad key."""
    r, s = parse_signature(signature)
    libcrypto = _libcrypto.load()
    if libcrypto is None:
        _verify_portably(public_key, message, (r, s), user_id)
        return
    loaded = _loaded(public_key)
    prefix = loaded.za if user_id == DEFAULT_ID else za(public_key, user_id)
    libcrypto.verify(loaded.key, sm3_parts(prefix, message), signature)


def _verify_portably(
    public_key: bytes, message: bytes, signature: tuple[int, int], user_id: bytes
) -> None:
    from trust.crypto import sm2_portable  # Slow to import, and gone from most processes.

    check_public_key(public_key)
    digest = sm3_parts(za(public_key, user_id), message)
    sm2_portable.verify(public_key, digest, signature)


def encrypt(public_key: bytes, plaintext: bytes) -> bytes:
    """Encrypt 1 to 65536 bytes for the holder of the key; returns SM2Cipher (C1, C3, C2)."""
    if not 0 < len(plaintext) <= LONGEST_PLAINTEXT:
        raise Malformed("SM2 encrypts 1 to 65536 bytes")
    loaded = _loaded(public_key)
    while True:
        ciphertext = _engine().encrypt(loaded.key, plaintext)
        # An all-zero key stream would send the plaintext as it is; the standard draws again
        # (part 4, 6.1, A5), OpenSSL 3.0 does not. For one byte that is one draw in 256.
        if parse_cipher(ciphertext)[2] != plaintext:
            return ciphertext
