"""Private keys of every allowed kind behind one face: generate, load, sign, store."""

from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from trust.crypto import signatures, sm2, sm2_batch
from trust.crypto.algorithms import DEFAULT, Algorithm, KeyKind
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.crypto.sm2_formats import ALGORITHM as SM2_ALGORITHM
from trust.errors import Invalid

_Below = sm2.PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
#: An RSA key of 8192 bits is about 4700 bytes.
_LONGEST = 6000
_CURVES: Final = {KeyKind.P256: ec.SECP256R1, KeyKind.P384: ec.SECP384R1}


class PrivateKey:
    """A private key that knows its kind. Its repr tells the public part only."""

    __slots__ = ("_key", "kind", "spki")

    kind: KeyKind
    spki: bytes

    def __init__(self, key: _Below) -> None:
        """Wrap a key of a library; UnknownAlgorithm for kinds, curves and sizes not allowed."""
        if isinstance(key, sm2.PrivateKey):
            self.spki = sm2.spki(key.public_key)
        else:
            public = key.public_key()
            self.spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.kind = signatures.kind_of(self.spki)
        self._key = key

    def __repr__(self) -> str:
        return f"<{self.kind} private key>"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not pickled")

    @property
    def default_algorithm(self) -> Algorithm:
        """The algorithm to sign with when nobody asks for another."""
        return DEFAULT[self.kind]

    def sign(self, algorithm: Algorithm, message: bytes) -> bytes:
        """Sign; DER for SM2 and ECDSA, 64 bytes for Ed25519. Invalid if the algorithm does not fit
        the kind."""
        row = algorithm.row
        if row.key is not self.kind:
            raise Invalid(f"{algorithm} does not go with a key of kind {self.kind}")
        key = self._key
        if isinstance(key, sm2.PrivateKey):
            return key.sign(message)
        if isinstance(key, rsa.RSAPrivateKey):
            padding = signatures.rsa_padding(algorithm)
            return key.sign(message, padding, signatures.HASHES[row.digest])
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return key.sign(message)
        return key.sign(message, ec.ECDSA(signatures.HASHES[row.digest]))

    def sign_many(self, algorithm: Algorithm, messages: Sequence[bytes]) -> list[bytes]:
        """`sign` each; by SM2 eight at a time where the processor can (`sm2_batch`)."""
        if isinstance(self._key, sm2.PrivateKey) and algorithm.row.key is self.kind:
            return sm2_batch.sign_many(self._key, messages)
        return [self.sign(algorithm, message) for message in messages]

    def pkcs8(self) -> bytes:
        """Return the PrivateKeyInfo, unencrypted: for a sealed box, nowhere else."""
        if isinstance(self._key, sm2.PrivateKey):
            return self._key.pkcs8()
        return self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def sm2_key(self) -> sm2.PrivateKey:
        """Return the SM2 key itself, for batches and decryption; Invalid for another kind."""
        if not isinstance(self._key, sm2.PrivateKey):
            raise Invalid(f"a key of kind {self.kind} is not an SM2 key")
        return self._key


def generate(kind: KeyKind, *, bits: int = 3072) -> PrivateKey:
    """Make a new key; `bits` counts for RSA only, 2048 to 8192 in steps of 256."""
    if kind is KeyKind.SM2:
        return PrivateKey(sm2.PrivateKey.generate())
    if kind is KeyKind.RSA:
        if bits % 256 or not signatures.SHORTEST_RSA <= bits <= signatures.LONGEST_RSA:
            raise Invalid("RSA keys have 2048 to 8192 bits, in steps of 256")
        return PrivateKey(rsa.generate_private_key(public_exponent=65537, key_size=bits))
    if kind is KeyKind.ED25519:
        return PrivateKey(ed25519.Ed25519PrivateKey.generate())
    return PrivateKey(ec.generate_private_key(_CURVES[kind]()))


def load(pkcs8: bytes) -> PrivateKey:
    """Read a PrivateKeyInfo from outside, checking that its parts belong together.

    Malformed if it does not parse, UnknownAlgorithm if its kind is not allowed.
    """
    return _load(pkcs8, trusted=False)


def load_own(pkcs8: bytes) -> PrivateKey:
    """Read a PrivateKeyInfo that came out of our own sealed box.

    The box is authenticated, so the slow primality checks of RSA are left out (40 times faster).
    """
    return _load(pkcs8, trusted=True)


def _load(pkcs8: bytes, *, trusted: bool) -> PrivateKey:
    if len(pkcs8) > _LONGEST:
        raise Malformed("the private key is longer than any allowed one")
    if SM2_ALGORITHM in pkcs8[:32]:
        return PrivateKey(sm2.PrivateKey.from_pkcs8(pkcs8))
    try:
        key = load_der_private_key(pkcs8, None, unsafe_skip_rsa_key_validation=trusted)
    except (ValueError, TypeError) as error:
        raise Malformed("not the DER of a PrivateKeyInfo that can be used") from error
    except UnsupportedAlgorithm as error:
        raise UnknownAlgorithm("the private key is of a kind that is not allowed") from error
    if not isinstance(
        key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    ):
        raise UnknownAlgorithm(f"a {type(key).__name__} is not allowed")
    return PrivateKey(key)
