"""Keys of the platforms under test, and JWTs that say whatever a test wants them to say.

Signed here with `cryptography` alone, so that nothing of the provider's own JOSE is trusted, and so
that headers no library would write can be written.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
JSON = dict[str, Any]


def b64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def part(compact: str, index: int) -> JSON:
    """Header (0) or claims (1) of a compact JWT, nothing verified."""
    found: JSON = json.loads(from_b64url(compact.split(".")[index]))
    return found


def _number(value: int) -> str:
    return b64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class Key:
    """A private key and the one algorithm (JOSE name) it is meant for."""

    private: PrivateKey
    alg: str
    kid: str

    @property
    def public(self) -> JSON:
        """The public JWK (RFC 7517, 7518, 8037), without alg and kid."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            rsa_numbers = self.private.public_key().public_numbers()
            return {"kty": "RSA", "n": _number(rsa_numbers.n), "e": _number(rsa_numbers.e)}
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            x = self.private.public_key().public_bytes_raw()
            return {"kty": "OKP", "crv": "Ed25519", "x": b64url(x)}
        ec_numbers = self.private.public_key().public_numbers()
        x, y = ec_numbers.x.to_bytes(32, "big"), ec_numbers.y.to_bytes(32, "big")
        return {"kty": "EC", "crv": "P-256", "x": b64url(x), "y": b64url(y)}

    @property
    def with_private_part(self) -> JSON:
        """What nobody ever sends: the private JWK of an elliptic curve key."""
        assert isinstance(self.private, ec.EllipticCurvePrivateKey)
        d = self.private.private_numbers().private_value.to_bytes(32, "big")
        return {**self.public, "d": b64url(d)}

    @property
    def listed(self) -> JSON:
        """As it stands in a JWK set."""
        return {**self.public, "kid": self.kid, "alg": self.alg, "use": "sig"}

    @property
    def thumbprint(self) -> str:
        """RFC 7638."""
        content = json.dumps(self.public, sort_keys=True, separators=(",", ":"))
        return b64url(hashlib.sha256(content.encode()).digest())

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """A compact JWT; `alg` of the header is the key's own unless the header says another."""
        said = {"alg": self.alg, **header}
        content = f"{_json(said)}.{_json(claims)}"
        return f"{content}.{b64url(self._signature(said['alg'], content.encode()))}"

    def _signature(self, alg: str, content: bytes) -> bytes:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(content)
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(content, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        scheme = padding.PKCS1v15() if alg == "RS256" else pss
        return self.private.sign(content, scheme, hashes.SHA256())


def _json(content: Mapping[str, Any]) -> str:
    return b64url(json.dumps(content).encode())


def unsigned(claims: Mapping[str, Any]) -> str:
    """alg none (RFC 7518, 3.6)."""
    return f"{_json({'alg': 'none'})}.{_json(claims)}."


def without_alg(compact: str) -> str:
    """The same JWT with a header that names no algorithm."""
    header = part(compact, 0)
    header.pop("alg")
    return ".".join([_json(header), *compact.split(".")[1:]])


def with_broken_signature(compact: str) -> str:
    """One bit of the signature turned."""
    content, _, signature = compact.rpartition(".")
    changed = bytearray(from_b64url(signature))
    changed[5] ^= 1
    return f"{content}.{b64url(bytes(changed))}"


def make_key(alg: str, kid: str = "1") -> Key:
    """A new key for PS256, RS256, ES256 or EdDSA."""
    if alg == "EdDSA":
        return Key(ed25519.Ed25519PrivateKey.generate(), alg, kid)
    if alg == "ES256":
        return Key(ec.generate_private_key(ec.SECP256R1()), alg, kid)
    return Key(rsa.generate_private_key(65537, 2048), alg, kid)


def subject_of(key: Key) -> str:
    """The name in a platform's certificate (RFC 4514)."""
    return f"CN=client {hashlib.sha256(key.thumbprint.encode()).hexdigest()[:8]},C=CN"


def certificate_of(key: Key) -> bytes:
    """A self-signed TLS client certificate (DER) of a platform."""
    name = x509.Name.from_rfc4514_string(subject_of(key))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key.private, hashes.SHA256())
    )
    return made.public_bytes(Encoding.DER)
