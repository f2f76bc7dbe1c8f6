"""SM4 (GB/T 32907-2016) in GCM (NIST SP 800-38D): sealed boxes for data at rest.

A box is nonce (12 bytes), ciphertext, tag (16 bytes). The `context` is authenticated but not
stored: it ties a box to its place (table, column, row), so that a box moved elsewhere stays shut.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from trust.crypto.errors import DecryptionFailed, Malformed

NONCE, TAG = 12, 16


def _cipher(key: bytes, mode: modes.GCM) -> Cipher[modes.GCM]:
    if len(key) != 16:
        raise Malformed("an SM4 key is 16 bytes")
    return Cipher(algorithms.SM4(key), mode)


def seal(key: bytes, plaintext: bytes, *, context: bytes) -> bytes:
    """Encrypt and authenticate. A random nonce is safe for up to 2^32 boxes under one key."""
    return seal_with(key, plaintext, context=context, nonce=secrets.token_bytes(NONCE))


def seal_with(key: bytes, plaintext: bytes, *, context: bytes, nonce: bytes) -> bytes:
    """`seal` under a nonce of the caller's, 12 bytes, never used before with this key."""
    encryptor = _cipher(key, modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(context)
    ciphertext = encryptor.update(plaintext) + encryptor.finalize()
    return nonce + ciphertext + encryptor.tag


def unseal(key: bytes, box: bytes, *, context: bytes) -> bytes:
    """Open a box; DecryptionFailed for a wrong key, another context or a single changed bit."""
    if len(box) < NONCE + TAG:
        raise DecryptionFailed("the sealed box is too short to be one")
    nonce, ciphertext, tag = box[:NONCE], box[NONCE:-TAG], box[-TAG:]
    decryptor = _cipher(key, modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(context)
    try:
        return decryptor.update(ciphertext) + decryptor.finalize()
    except InvalidTag as error:
        raise DecryptionFailed("the sealed box does not open: key, context or content") from error
