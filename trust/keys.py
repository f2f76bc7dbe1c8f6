"""Signing keys by name. Whoever signs holds a KeyStore and a key's id, never a private key.

SoftKeyStore keeps them in files, sealed under a passphrase; trust.keys_pkcs11 in a token.
"""

import base64
import contextlib
import hashlib
import re
import secrets
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from pydantic import SecretStr

from trust import key_files
from trust.crypto import private_keys, sm4
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import DecryptionFailed
from trust.crypto.private_keys import PrivateKey
from trust.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable

KEY_ID: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_SUFFIX: Final = ".key.json"
_STORE: Final = "store.json"
#: 32 MiB and about 0.1 s (RFC 7914); the parameters are stored and may rise for new stores.
_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1}
_KNOWN: Final = b"the passphrase is right"


class WrongPassphrase(Forbidden):
    """The passphrase does not open this key store; no key was touched."""

    code = "wrong_passphrase"


class KeyStore(Protocol):
    """Keys that sign without being shown."""

    def generate(self, key_id: str, kind: KeyKind, *, bits: int = 3072) -> bytes:
        """Make a key and return its SPKI (DER). `bits` counts for RSA. Conflict if it exists."""
        ...

    def public_key(self, key_id: str) -> bytes:
        """The SPKI (DER); NotFound for an unknown id."""
        ...

    def sign(self, key_id: str, message: bytes, algorithm: Algorithm) -> bytes:
        """Sign a message (not its digest); DER for SM2 and ECDSA. NotFound, or Invalid if the
        algorithm does not go with the key."""
        ...

    def ids(self) -> list[str]:
        """The ids of all keys, sorted."""
        ...

    def place(self, key_id: str) -> str:
        """Where the key lies, for people: "file" or "token LABEL"; NotFound."""
        ...

    def destroy(self, key_id: str) -> str:
        """End a key for good, and how that was done, for the record; NotFound.

        Whether anything still needs it is the caller's question (`ca.destroy`).
        """
        ...


@runtime_checkable
class SignsMany(Protocol):
    """A key store that signs a batch faster than one message after the other."""

    def sign_many(
        self, key_id: str, messages: Sequence[bytes], algorithm: Algorithm
    ) -> list[bytes]:
        """`KeyStore.sign` of each message, in their order."""
        ...


def sign_many(
    keys: KeyStore, key_id: str, messages: Sequence[bytes], algorithm: Algorithm
) -> list[bytes]:
    """Sign each message by one key, in their order, as fast as the store can."""
    if isinstance(keys, SignsMany):
        return keys.sign_many(key_id, messages, algorithm)
    return [keys.sign(key_id, message, algorithm) for message in messages]


def check_key_id(key_id: str) -> None:
    """Refuse ids that could leave a directory or a label: 1 to 64 of a-z 0-9 . - ."""
    if not KEY_ID.fullmatch(key_id):
        raise Invalid("a key id is 1 to 64 of a-z 0-9 . - and begins with a letter or digit")


class SoftKeyStore:
    """One file a key, sealed by SM4-GCM under a key made from the passphrase by scrypt.

    Opening makes the directory (0700) and `store.json` if absent. The seal binds id, kind and
    public key, so exchanged files or public keys are noticed. Opened keys stay in this process's
    memory. Raises WrongPassphrase, or Unavailable if the directory cannot be used.
    """

    def __init__(self, directory: Path, passphrase: SecretStr) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._open: dict[str, PrivateKey] = {}
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_shared(directory)
            self._kek = _open_store(directory, passphrase)
        except OSError as error:
            raise _unavailable(directory, error) from error

    def __repr__(self) -> str:
        return f"<SoftKeyStore in {self._directory}>"

    def generate(self, key_id: str, kind: KeyKind, *, bits: int = 3072) -> bytes:
        """A crash before the link leaves a `.new-*` file, which nothing reads."""
        path = self._path(key_id)
        if path.exists():
            raise Conflict(f"there is a key {key_id!r} already")
        key = private_keys.generate(kind, bits=bits)
        box = sm4.seal(self._kek, key.pkcs8(), context=_context(key_id, kind, key.spki))
        fields = {"id": key_id, "kind": kind.value, "spki": _text(key.spki), "box": _text(box)}
        try:
            key_files.write_once(path, fields)
        except FileExistsError as error:
            raise Conflict(f"there is a key {key_id!r} already") from error
        except OSError as error:
            raise _unavailable(self._directory, error) from error
        return key.spki

    def public_key(self, key_id: str) -> bytes:
        """Out of the sealed file too: a public key that was exchanged is noticed here already."""
        return self._unsealed(key_id).spki

    def sign(self, key_id: str, message: bytes, algorithm: Algorithm) -> bytes:
        return self._unsealed(key_id).sign(algorithm, message)

    def sign_many(
        self, key_id: str, messages: Sequence[bytes], algorithm: Algorithm
    ) -> list[bytes]:
        return self._unsealed(key_id).sign_many(algorithm, messages)

    def ids(self) -> list[str]:
        try:
            names = [path.name for path in self._directory.iterdir()]
        except OSError as error:
            raise _unavailable(self._directory, error) from error
        ids = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
        return sorted(key_id for key_id in ids if KEY_ID.fullmatch(key_id))

    def place(self, key_id: str) -> str:
        if not self._path(key_id).exists():
            raise NotFound(f"no key {key_id!r}")
        return "file"

    def destroy(self, key_id: str) -> str:
        """Other processes drop the key at its next use; what is in their memory until then dies
        with them."""
        path = self._path(key_id)
        try:
            length = key_files.erase(path)
        except FileNotFoundError as error:
            raise NotFound(f"no key {key_id!r}") from error
        except OSError as error:
            raise _unavailable(self._directory, error) from error
        with self._lock:
            self._open.pop(key_id, None)
        return f"file of {length} bytes overwritten {key_files.PASSES} times and removed"

    def secret(self, name: str, *, size: int) -> bytes:
        """A symmetric key of `size` bytes, made at the first call and the same ever after.

        Unavailable when its file was changed. For data at rest: signing keys never leave.
        """
        check_key_id(name)
        path, context = self._directory / f"{name}.secret.json", f"trust-secret\n{name}".encode()
        try:
            if not path.exists():
                box = sm4.seal(self._kek, secrets.token_bytes(size), context=context)
                with contextlib.suppress(FileExistsError):  # the other process was first
                    key_files.write_once(path, {"box": _text(box)})
            found = sm4.unseal(self._kek, _bytes(key_files.read(path)["box"]), context=context)
        except OSError as error:
            raise _unavailable(self._directory, error) from error
        except (KeyError, TypeError, ValueError, DecryptionFailed) as error:
            raise Unavailable(f"the file of the secret {name!r} was changed or damaged") from error
        if len(found) != size:
            raise Unavailable(f"the secret {name!r} is of another size")
        return found

    def _path(self, key_id: str) -> Path:
        check_key_id(key_id)
        return self._directory / (key_id + _SUFFIX)

    def _unsealed(self, key_id: str) -> PrivateKey:
        path = self._path(key_id)
        with self._lock:
            key = self._open.get(key_id)
            if key is not None and not path.exists():  # destroyed, perhaps by another process
                del self._open[key_id]
                raise NotFound(f"no key {key_id!r}")
            if key is None:
                key = self._open[key_id] = self._unseal(path, key_id)
            return key

    def _unseal(self, path: Path, key_id: str) -> PrivateKey:
        try:
            fields = key_files.read(path)
        except FileNotFoundError as error:
            raise NotFound(f"no key {key_id!r}") from error
        except OSError as error:
            raise _unavailable(self._directory, error) from error
        except ValueError as error:
            raise Unavailable(f"the file of the key {key_id!r} was changed or damaged") from error
        try:
            kind, spki = KeyKind(fields["kind"]), _bytes(fields["spki"])
            context = _context(key_id, kind, spki)
            key = private_keys.load_own(
                sm4.unseal(self._kek, _bytes(fields["box"]), context=context)
            )
        except (KeyError, TypeError, ValueError, Invalid) as error:
            raise Unavailable(f"the file of the key {key_id!r} was changed or damaged") from error
        if key.spki != spki or key.kind is not kind:
            raise Unavailable(f"the file of the key {key_id!r} holds another key")
        return key


def _open_store(directory: Path, passphrase: SecretStr) -> bytes:
    """The key that seals keys. Of two processes that begin a store one links its file; both read
    that."""
    path = directory / _STORE
    if not path.exists():
        salt = secrets.token_bytes(16)
        kek = _derive(passphrase, salt, **_SCRYPT)
        box = sm4.seal(kek, _KNOWN, context=_STORE.encode())
        fields = {"kdf": "scrypt", **_SCRYPT, "salt": _text(salt), "known": _text(box)}
        with contextlib.suppress(FileExistsError):  # the other process was first; its salt counts
            key_files.write_once(path, fields)
    try:
        stored = key_files.read(path)
        cost = {name: int(stored[name]) for name in ("n", "r", "p")}
        salt, box = _bytes(stored["salt"]), _bytes(stored["known"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"{path} is not the description of a key store") from error
    kek = _derive(passphrase, salt, **cost)
    try:
        sm4.unseal(kek, box, context=_STORE.encode())
    except DecryptionFailed as error:
        raise WrongPassphrase(f"the passphrase does not open the key store {directory}") from error
    return kek


def _derive(passphrase: SecretStr, salt: bytes, *, n: int, r: int, p: int) -> bytes:
    """16 bytes by scrypt. The stored cost is held to a range: a changed file must not weaken the
    derivation, nor take all memory."""
    if not 2**14 <= n <= 2**20 or not 1 <= r <= 16 or not 1 <= p <= 4 or n & (n - 1):
        raise Unavailable("the key store's scrypt parameters are out of range")
    secret = passphrase.get_secret_value().encode(errors="surrogateescape")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=16)


def _context(key_id: str, kind: KeyKind, spki: bytes) -> bytes:
    """What a sealed key is bound to; the parts cannot run into each other."""
    return f"trust-key\n{key_id}\n{kind.value}\n{_text(spki)}".encode()


def _refuse_shared(directory: Path) -> None:
    if stat.S_IMODE(directory.stat().st_mode) & 0o077:
        raise Unavailable(f"the key store {directory} is open to other users; chmod 700 it")


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _unavailable(directory: Path, error: OSError) -> Unavailable:
    return Unavailable(f"the key store {directory} cannot be used: {error.strerror}")
