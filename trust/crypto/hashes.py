"""Digests: SM3 (GB/T 32905-2016) and SHA-2 (FIPS 180-4). Weak ones are absent."""

import hashlib
from collections.abc import Callable
from enum import StrEnum

from cryptography.hazmat.primitives import hashes

from trust.crypto.errors import UnknownAlgorithm


class Digest(StrEnum):
    """The digests anything here may be signed with or named by."""

    SM3 = "SM3"
    SHA256 = "SHA-256"
    SHA384 = "SHA-384"
    SHA512 = "SHA-512"


def _sm3_by_cryptography(*parts: bytes) -> bytes:
    """Hash with the library's own OpenSSL, where the interpreter's has no SM3."""
    running = hashes.Hash(hashes.SM3())
    for part in parts:
        running.update(part)
    return running.finalize()


def _sm3_by_hashlib(*parts: bytes) -> bytes:
    """Hash with the interpreter's OpenSSL, which costs half as much on short messages."""
    running = _EMPTY_SM3.copy()
    for part in parts:
        running.update(part)
    return running.digest()


try:
    # Copying a started digest spares OpenSSL 3 the search for the algorithm on each call.
    _EMPTY_SM3 = hashlib.new("sm3")
    sm3_parts: Callable[..., bytes] = _sm3_by_hashlib
except ValueError:
    sm3_parts = _sm3_by_cryptography


def sm3(data: bytes) -> bytes:
    """Return the 32 bytes of SM3."""
    return sm3_parts(data)


def sha256(data: bytes) -> bytes:
    """Return the 32 bytes of SHA-256."""
    return hashlib.sha256(data).digest()


_FUNCTIONS: dict[str, Callable[[bytes], bytes]] = {
    Digest.SM3: sm3,
    Digest.SHA256: sha256,
    Digest.SHA384: lambda data: hashlib.sha384(data).digest(),
    Digest.SHA512: lambda data: hashlib.sha512(data).digest(),
}


def digest(name: str, data: bytes) -> bytes:
    """Hash by a name from `Digest`; UnknownAlgorithm for any other."""
    function = _FUNCTIONS.get(name)
    if function is None:
        raise UnknownAlgorithm(f"digest {name[:40]!r} is not one of {', '.join(Digest)}")
    return function(data)
