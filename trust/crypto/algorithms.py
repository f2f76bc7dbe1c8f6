"""The allow-list of signature algorithms: OID <-> JOSE name <-> kind of key. Weak ones are absent.

SM2: GM/T 0006-2012. RSA: RFC 8017, RFC 4055. ECDSA: RFC 5758. JOSE names: RFC 7518, 3.1; SM2 has
no registered one, so "SM2-SM3" is ours and means something between us only. EdDSA (RFC 8032, RFC
8037) is for tokens only: it has no OID here, so no certificate or CRL is signed by it.
"""

from dataclasses import dataclass
from enum import StrEnum

from trust.crypto.errors import UnknownAlgorithm
from trust.crypto.hashes import Digest


class KeyKind(StrEnum):
    """The kinds of key that may sign."""

    SM2 = "SM2"
    RSA = "RSA"
    P256 = "P-256"
    P384 = "P-384"
    ED25519 = "Ed25519"


class Algorithm(StrEnum):
    """The signature algorithms: digest and scheme together."""

    SM2_SM3 = "SM2-SM3"
    RSA_SHA256 = "RSA-SHA256"
    RSA_SHA384 = "RSA-SHA384"
    RSA_SHA512 = "RSA-SHA512"
    RSA_PSS_SHA256 = "RSA-PSS-SHA256"
    ES256 = "ES256"
    ES384 = "ES384"
    EDDSA = "EdDSA"

    @property
    def row(self) -> "Row":
        """The algorithm's row in the table."""
        return TABLE[self]


@dataclass(frozen=True, slots=True)
class Row:
    """One allowed algorithm. `oid` is dotted, empty where no X.509 object may be signed so;
    `digest` a name from `hashes.Digest`: EdDSA hashes inside, with the one named (RFC 8032, 5.1).
    """

    algorithm: Algorithm
    key: KeyKind
    digest: Digest
    oid: str
    jose: str


TABLE: dict[Algorithm, Row] = {
    row.algorithm: row
    for row in (
        Row(Algorithm.SM2_SM3, KeyKind.SM2, Digest.SM3, "1.2.156.10197.1.501", "SM2-SM3"),
        Row(Algorithm.RSA_SHA256, KeyKind.RSA, Digest.SHA256, "1.2.840.113549.1.1.11", "RS256"),
        Row(Algorithm.RSA_SHA384, KeyKind.RSA, Digest.SHA384, "1.2.840.113549.1.1.12", "RS384"),
        Row(Algorithm.RSA_SHA512, KeyKind.RSA, Digest.SHA512, "1.2.840.113549.1.1.13", "RS512"),
        Row(Algorithm.RSA_PSS_SHA256, KeyKind.RSA, Digest.SHA256, "1.2.840.113549.1.1.10", "PS256"),
        Row(Algorithm.ES256, KeyKind.P256, Digest.SHA256, "1.2.840.10045.4.3.2", "ES256"),
        Row(Algorithm.ES384, KeyKind.P384, Digest.SHA384, "1.2.840.10045.4.3.3", "ES384"),
        Row(Algorithm.EDDSA, KeyKind.ED25519, Digest.SHA512, "", "EdDSA"),
    )
}

#: What a signer uses when nobody asks for more.
DEFAULT: dict[KeyKind, Algorithm] = {
    KeyKind.SM2: Algorithm.SM2_SM3,
    KeyKind.RSA: Algorithm.RSA_SHA256,
    KeyKind.P256: Algorithm.ES256,
    KeyKind.P384: Algorithm.ES384,
    KeyKind.ED25519: Algorithm.EDDSA,
}

_BY_OID = {row.oid: row.algorithm for row in TABLE.values() if row.oid}
_BY_JOSE = {row.jose: row.algorithm for row in TABLE.values()}

#: Met in the field and refused; they are here only to be called by their name.
REFUSED: dict[str, str] = {
    "1.2.840.113549.1.1.2": "md2WithRSAEncryption",
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.3.14.3.2.29": "sha1WithRSA (OIW)",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
    "1.2.840.10040.4.1": "id-dsa",
    "1.2.840.10040.4.3": "dsa-with-sha1",
    "2.16.840.1.101.3.4.3.1": "dsa-with-sha224",
    "2.16.840.1.101.3.4.3.2": "dsa-with-sha256",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    # Two readings are in use (GM/T and Bouncy Castle): no way to know what was signed.
    "1.2.156.10197.1.502": "SM9-with-SM3 or SM2-with-SHA1",
    "1.2.156.10197.1.504": "RSA-with-SM3 or SM2-with-SHA512",
}


def by_oid(oid: str) -> Algorithm:
    """Return the algorithm of a dotted signatureAlgorithm OID, or raise UnknownAlgorithm.

    RSASSA-PSS keeps its digest and salt length in the parameters: the caller checks that they say
    SHA-256, MGF1 with SHA-256 and a salt of 32 bytes, the only form allowed here.
    """
    algorithm = _BY_OID.get(oid)
    if algorithm is not None:
        return algorithm
    if oid in REFUSED:
        raise UnknownAlgorithm(f"signature algorithm {REFUSED[oid]} ({oid}) is refused")
    raise UnknownAlgorithm(f"signature algorithm {oid[:80]} is not allowed")


def by_jose(name: str) -> Algorithm:
    """Return the algorithm of a JOSE `alg`; UnknownAlgorithm for others, "none" and HMAC too."""
    algorithm = _BY_JOSE.get(name)
    if algorithm is None:
        raise UnknownAlgorithm(f"alg {name[:40]!r} is not allowed")
    return algorithm
