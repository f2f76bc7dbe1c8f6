"""Signing keys in a PKCS#11 token: RSA, P-256 and P-384. PKCS#11 has no SM2 mechanism, so SM2 keys
stay in the soft store, or in a vendor's store behind the same protocol.

Tokens crash under threads, each with a session (SoftHSM 2.6.1 does, every time): one session a
process, one lock for all of them. Scale by processes, and fork before the store is opened.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from trust.crypto import der, signatures
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.hashes import digest
from trust.errors import Conflict, Invalid, NotFound, TrustError, Unavailable
from trust.keys import KEY_ID, WrongPassphrase, check_key_id

if TYPE_CHECKING:  # the library is an extra; this module loads without it
    import pkcs11

_LOCK: Final = threading.RLock()
_CURVES: Final[dict[KeyKind, tuple[str, ec.EllipticCurve]]] = {
    KeyKind.P256: ("secp256r1", ec.SECP256R1()),
    KeyKind.P384: ("secp384r1", ec.SECP384R1()),
}


class Pkcs11KeyStore:
    """The keys of one token, found by label. Opening it logs in.

    WrongPassphrase for a wrong PIN; Unavailable where library, token or session fail. After such a
    failure the next call opens a new session: a token that was pulled and put back goes on.
    """

    def __init__(self, module: Path, token: str, pin: SecretStr) -> None:
        self._module, self._token, self._pin = module, token, pin
        self._process = os.getpid()
        self._session: pkcs11.Session | None = None
        self._keys: dict[str, pkcs11.SignMixin] = {}  # handles: worth as much as the session
        self._spkis: dict[str, bytes] = {}
        with self._in_hand():
            pass

    def __repr__(self) -> str:
        return f"<Pkcs11KeyStore {self._token!r}>"

    def generate(self, key_id: str, kind: KeyKind, *, bits: int = 3072) -> bytes:
        """Make a key that never leaves the token.

        A token does not insist on unique labels: two processes that make the same key at the same
        moment both succeed, and from then on the id is refused as ambiguous.
        """
        check_key_id(key_id)
        _check_kind(kind, bits)
        with self._in_hand() as session:
            if _find(session, key_id, public=False):
                raise Conflict(f"there is a key {key_id!r} already")
            public = _generate(session, key_id, kind, bits)
            spki = self._spkis[key_id] = _spki(public)
            return spki

    def public_key(self, key_id: str) -> bytes:
        check_key_id(key_id)
        with self._in_hand() as session:
            if key_id not in self._spkis:
                self._spkis[key_id] = _spki(_only(session, key_id, public=True))
            return self._spkis[key_id]

    def sign(self, key_id: str, message: bytes, algorithm: Algorithm) -> bytes:
        kind = signatures.kind_of(self.public_key(key_id))
        if algorithm.row.key is not kind:
            raise Invalid(f"{algorithm} does not go with a key of kind {kind}")
        with self._in_hand() as session:
            key = self._keys.get(key_id)
            if key is None:
                found = _only(session, key_id, public=False)
                key = self._keys[key_id] = cast("pkcs11.SignMixin", found)
            return _sign(key, kind, message, algorithm)

    def ids(self) -> list[str]:
        from pkcs11 import Attribute, ObjectClass

        with self._in_hand() as session:
            found = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
            labels = {cast("pkcs11.PrivateKey", key).label for key in found}
        return sorted(label for label in labels if label and KEY_ID.fullmatch(label))

    def place(self, key_id: str) -> str:
        check_key_id(key_id)
        with self._in_hand() as session:
            _only(session, key_id, public=False)
        return f"token {self._token}"

    def destroy(self, key_id: str) -> str:
        """Both objects of the pair; the private one first, so that a crash leaves no usable key.

        Repeated after one, it removes the public half that was left.
        """
        check_key_id(key_id)
        with self._in_hand() as session:
            halves = [*_find(session, key_id, public=False), *_find(session, key_id, public=True)]
            if not halves:
                raise NotFound(f"no key {key_id!r}")
            for half in halves:
                half.destroy()
            self._keys.pop(key_id, None)
            self._spkis.pop(key_id, None)
            if _find(session, key_id, public=False):
                raise Unavailable(f"the token {self._token!r} did not destroy the key {key_id!r}")
        return f"{len(halves)} objects destroyed in the token {self._token}"

    @contextmanager
    def _in_hand(self) -> Iterator["pkcs11.Session"]:
        """The one session under the one lock. Whatever the library raises leaves as Unavailable."""
        try:
            from pkcs11.exceptions import PKCS11Error
        except ImportError as error:
            raise Unavailable("keys in a token need the package python-pkcs11") from error
        if os.getpid() != self._process:
            raise Unavailable("the token was opened before this process was forked")
        with _LOCK:
            try:
                if self._session is None:
                    self._session = self._open()
                yield self._session
            except PKCS11Error as error:
                self._drop()
                raise self._refusal(error) from error

    def _open(self) -> "pkcs11.Session":
        import pkcs11

        token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
        try:
            return token.open(rw=True, user_pin=self._pin.get_secret_value())
        except pkcs11.UserAlreadyLoggedIn:  # a login counts for the process, not for the session
            return token.open(rw=True)

    def _drop(self) -> None:
        """Forget the session and all it gave out; the next call begins again."""
        session, self._session = self._session, None
        self._keys.clear()
        self._spkis.clear()
        if session is not None:
            with suppress(RuntimeError):  # PKCS11Error is one; the session may be gone already
                session.close()

    def _refusal(self, error: Exception) -> TrustError:
        name = type(error).__name__
        if name in ("PinIncorrect", "PinInvalid", "PinLenRange"):
            return WrongPassphrase(f"the token {self._token!r} refuses the PIN")
        return Unavailable(f"the token {self._token!r} cannot be used: {name}")


def _check_kind(kind: KeyKind, bits: int) -> None:
    if kind is KeyKind.SM2:
        raise Invalid("the token has no SM2 mechanism (PKCS#11 defines none): use the soft store")
    if kind is KeyKind.ED25519:
        raise Invalid("Ed25519 keys are not made in the token: use the soft store")
    if kind is KeyKind.RSA and not (
        signatures.SHORTEST_RSA <= bits <= signatures.LONGEST_RSA and bits % 256 == 0
    ):
        raise Invalid("RSA keys have 2048 to 8192 bits, in steps of 256")


def _generate(
    session: "pkcs11.Session", key_id: str, kind: KeyKind, bits: int
) -> "pkcs11.PublicKey":
    from pkcs11 import Attribute, KeyType
    from pkcs11.util.ec import encode_named_curve_parameters

    private = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True}
    number = hashlib.sha256(key_id.encode()).digest()[:20]
    if kind is KeyKind.RSA:
        public, _ = session.generate_keypair(
            KeyType.RSA, bits, label=key_id, id=number, store=True, private_template=private
        )
        return public
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(_CURVES[kind][0])}
    parameters = session.create_domain_parameters(KeyType.EC, curve, local=True)
    public, _ = parameters.generate_keypair(
        label=key_id, id=number, store=True, private_template=private
    )
    return public


def _find(
    session: "pkcs11.Session", key_id: str, *, public: bool
) -> list["pkcs11.PublicKey | pkcs11.PrivateKey"]:
    from pkcs11 import Attribute, ObjectClass

    kind = ObjectClass.PUBLIC_KEY if public else ObjectClass.PRIVATE_KEY
    found = list(session.get_objects({Attribute.CLASS: kind, Attribute.LABEL: key_id}))
    return cast("list[pkcs11.PublicKey | pkcs11.PrivateKey]", found)


def _only(
    session: "pkcs11.Session", key_id: str, *, public: bool
) -> "pkcs11.PublicKey | pkcs11.PrivateKey":
    found = _find(session, key_id, public=public)
    if not found:
        raise NotFound(f"no key {key_id!r}")
    if len(found) > 1:
        raise Unavailable(f"the token has {len(found)} keys {key_id!r}")
    return found[0]


def _spki(key: "pkcs11.PublicKey | pkcs11.PrivateKey") -> bytes:
    """The SubjectPublicKeyInfo from the attributes of a public key object."""
    from pkcs11 import Attribute, KeyType
    from pkcs11.util.ec import encode_named_curve_parameters

    if key.key_type == KeyType.RSA:
        exponent, modulus = key[Attribute.PUBLIC_EXPONENT], key[Attribute.MODULUS]
        numbers = rsa.RSAPublicNumbers(
            int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")
        )
        return _encode(numbers.public_key())
    for name, curve in _CURVES.values():
        if key[Attribute.EC_PARAMS] == encode_named_curve_parameters(name):
            point = der.read_octets(der.parse(key[Attribute.EC_POINT]))
            return _encode(_point(curve, point))
    raise Unavailable("the token's key is of a kind that is not allowed")


def _point(curve: ec.EllipticCurve, point: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError as error:
        raise Unavailable("the token's public key is not a point on its curve") from error


def _encode(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _sign(key: "pkcs11.SignMixin", kind: KeyKind, message: bytes, algorithm: Algorithm) -> bytes:
    """RSA hashes in the token. ECDSA is given the digest, since older tokens know no other, and
    answers r then s."""
    from pkcs11 import MGF, Mechanism

    if kind in _CURVES:
        raw = key.sign(digest(algorithm.row.digest, message), mechanism=Mechanism.ECDSA)
        return signatures.ecdsa_raw_to_der(raw, kind=kind)
    if algorithm is Algorithm.RSA_PSS_SHA256:
        parameters = (Mechanism.SHA256, MGF.SHA256, 32)
        mechanism = Mechanism.SHA256_RSA_PKCS_PSS
        return key.sign(message, mechanism=mechanism, mechanism_param=parameters)
    mechanism = {
        Algorithm.RSA_SHA256: Mechanism.SHA256_RSA_PKCS,
        Algorithm.RSA_SHA384: Mechanism.SHA384_RSA_PKCS,
        Algorithm.RSA_SHA512: Mechanism.SHA512_RSA_PKCS,
    }[algorithm]
    return key.sign(message, mechanism=mechanism)
