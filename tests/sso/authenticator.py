"""A software authenticator: makes passkeys and uses them as a browser would answer (WebAuthn).

Everything a real one does right can be switched to wrong, by name.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40

_Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_key(algorithm: str) -> _Key:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "P-384":  # an ES256 key may not be one
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(65537, 1024 if algorithm == "RS256-1024" else 2048)


def cose_key(key: _Key) -> bytes:
    """The public key as a COSE_Key (RFC 9053)."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        numbers = key.public_key().public_numbers()
        size = (key.curve.key_size + 7) // 8
        x, y = numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big")
        return cbor2.dumps({1: 2, 3: -7, -1: 1 if size == 32 else 2, -2: x, -3: y})
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: raw})
    public = key.public_key().public_numbers()
    n = public.n.to_bytes((key.key_size + 7) // 8, "big")
    return cbor2.dumps({1: 3, 3: -257, -1: n, -2: public.e.to_bytes(3, "big")})


def sign(key: _Key, message: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256()))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


@dataclass
class Authenticator:
    """One authenticator with one credential. `synced` ones may be backed up and do not count."""

    algorithm: str = "ES256"
    attestation: str = "none"
    synced: bool = False
    verifies: bool = True
    present: bool = True
    backed_up: bool | None = None
    origin: str = "http://localhost:8000"
    rp_id: str = ""
    cross_origin: bool = False
    counter: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: bytes = b""
    key: _Key | None = None

    def create(self, options: dict[str, Any], **changed: Any) -> str:
        """RegistrationResponseJSON for creation options."""
        self.key = self.key or new_key(self.algorithm)
        self.user_handle = unb64(options["user"]["id"])
        self.rp_id = self.rp_id or options["rp"]["id"]
        client = self._client("webauthn.create", options["challenge"])
        credential = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(AT) + credential + cose_key(self.key)
        statement: dict[str, Any] = {}
        if self.attestation == "packed":
            signed = data + hashlib.sha256(client).digest()
            alg = {"ES256": -7, "EdDSA": -8}.get(self.algorithm, -257)
            statement = {"alg": alg, "sig": sign(self.key, signed)}
        made = {"fmt": self.attestation, "attStmt": statement, "authData": data}
        response = {
            "clientDataJSON": b64(client), "attestationObject": b64(cbor2.dumps(made)),
            "transports": ["internal", "hybrid"],
        }  # fmt: skip
        return self._answer(response, **changed)

    def use(self, options: dict[str, Any], **changed: Any) -> str:
        """AuthenticationResponseJSON for request options."""
        assert self.key is not None
        if not self.synced:
            self.counter += 1
        client = self._client("webauthn.get", options["challenge"])
        data = self._data(0)
        response = {
            "clientDataJSON": b64(client), "authenticatorData": b64(data),
            "signature": b64(sign(self.key, data + hashlib.sha256(client).digest())),
            "userHandle": b64(self.user_handle),
        }  # fmt: skip
        return self._answer(response, **changed)

    def _client(self, kind: str, challenge: str) -> bytes:
        fields = {
            "type": kind, "challenge": challenge, "origin": self.origin,
            "crossOrigin": self.cross_origin,
        }  # fmt: skip
        return json.dumps(fields).encode()

    def _data(self, more: int) -> bytes:
        backed_up = self.synced if self.backed_up is None else self.backed_up
        flags = more | UP * self.present | UV * self.verifies | BE * self.synced | BS * backed_up
        return (
            hashlib.sha256(self.rp_id.encode()).digest()
            + bytes([flags])
            + self.counter.to_bytes(4, "big")
        )

    def _answer(self, response: dict[str, Any], **changed: Any) -> str:
        """`changed` replaces fields of the response; None leaves one out."""
        fields = {name: value for name, value in (response | changed).items() if value is not None}
        return json.dumps(
            {
                "id": b64(self.credential_id), "rawId": b64(self.credential_id),
                "type": "public-key", "response": fields, "clientExtensionResults": {},
            }
        )  # fmt: skip
