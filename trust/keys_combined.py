"""Keys in two places: in a token what it has a mechanism for, SM2 in the soft store."""

from collections.abc import Sequence

from trust.crypto.algorithms import Algorithm, KeyKind
from trust.errors import Conflict, NotFound
from trust.keys import KeyStore, sign_many


class CombinedKeyStore:
    """New RSA and ECDSA keys go to `token`, SM2 and Ed25519 keys to `soft`; a key is used where it
    lies.

    Standard PKCS#11 has no SM2 mechanism; a vendor's module that has one of its own would take the
    place of `soft`.
    """

    def __init__(self, soft: KeyStore, token: KeyStore) -> None:
        self._soft, self._token = soft, token
        self._places: dict[str, KeyStore] = {}

    def _of(self, key_id: str) -> KeyStore:
        if key_id not in self._places:
            try:
                self._soft.public_key(key_id)
                self._places[key_id] = self._soft
            except NotFound:
                self._token.public_key(key_id)
                self._places[key_id] = self._token
        return self._places[key_id]

    def generate(self, key_id: str, kind: KeyKind, *, bits: int = 3072) -> bytes:
        """Make a key; Conflict when either place has one of that id."""
        if key_id in self.ids():
            raise Conflict(f"there is a key {key_id!r} already")
        store = self._soft if kind in (KeyKind.SM2, KeyKind.ED25519) else self._token
        return store.generate(key_id, kind, bits=bits)

    def public_key(self, key_id: str) -> bytes:
        return self._of(key_id).public_key(key_id)

    def sign(self, key_id: str, message: bytes, algorithm: Algorithm) -> bytes:
        return self._of(key_id).sign(key_id, message, algorithm)

    def sign_many(
        self, key_id: str, messages: Sequence[bytes], algorithm: Algorithm
    ) -> list[bytes]:
        return sign_many(self._of(key_id), key_id, messages, algorithm)

    def ids(self) -> list[str]:
        return sorted({*self._soft.ids(), *self._token.ids()})

    def place(self, key_id: str) -> str:
        return self._of(key_id).place(key_id)

    def destroy(self, key_id: str) -> str:
        done = self._of(key_id).destroy(key_id)
        del self._places[key_id]
        return done
