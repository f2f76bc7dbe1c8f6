"""SM2EnvelopedKey (GB/T 35276-2017, 7.4): an SM2 private key on its way to its owner.

The 32 bytes of the key are encrypted by SM4-ECB under a random key, and that key by SM2 for the
owner's signing key. Nothing authenticates the 32 bytes; the public key beside them does it, which
is why opening insists that they belong together.
"""

import secrets
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from trust.crypto import der, sm2
from trust.crypto.errors import DecryptionFailed, Malformed
from trust.crypto.x509 import algorithm_oid
from trust.crypto.x509_write import algorithm_identifier

SM4_ECB: Final = "1.2.156.10197.1.104.1"
#: Some products name the bare cipher; with 32 bytes and no vector it can only mean ECB.
_SM4: Final = "1.2.156.10197.1.104"
ENVELOPE_MAX: Final = 1024


def seal(key: sm2.PrivateKey, *, owner: bytes) -> bytes:
    """The DER of an SM2EnvelopedKey; `owner` is the 64-byte public key it is opened with."""
    wrapping = secrets.token_bytes(16)
    encryptor = Cipher(algorithms.SM4(wrapping), modes.ECB()).encryptor()  # noqa: S305
    boxed = encryptor.update(key.scalar()) + encryptor.finalize()
    return der.sequence(
        algorithm_identifier(SM4_ECB), sm2.encrypt(owner, wrapping),
        der.bits(b"\x04" + key.public_key), der.bits(boxed),
    )  # fmt: skip


def unseal(envelope: bytes, *, owner: sm2.PrivateKey) -> sm2.PrivateKey:
    """The key inside; Malformed for what is no envelope, DecryptionFailed for everything else."""
    parts = der.children(der.parse(envelope, tag=der.SEQUENCE, cap=ENVELOPE_MAX))
    if len(parts) != 4 or algorithm_oid(parts[0]) not in (SM4_ECB, _SM4):
        raise Malformed("not an SM2EnvelopedKey by SM4-ECB")
    point, boxed = der.read_bits(parts[2]), der.read_bits(parts[3])
    if len(point) != 65 or point[:1] != b"\x04" or len(boxed) != 32:
        raise Malformed("a part of the SM2EnvelopedKey has a size it cannot have")
    wrapping = owner.decrypt(parts[1].raw)
    if len(wrapping) != 16:
        raise DecryptionFailed("the SM2EnvelopedKey does not hold an SM4 key")
    decryptor = Cipher(algorithms.SM4(wrapping), modes.ECB()).decryptor()  # noqa: S305
    try:
        return sm2.PrivateKey(decryptor.update(boxed) + decryptor.finalize(), point[1:])
    except Malformed as error:
        raise DecryptionFailed("the SM2EnvelopedKey does not hold the key it names") from error
