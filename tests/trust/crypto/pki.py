"""A root and a leaf of every kind of key, made with our own writer, to test the readers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from trust.crypto import hashes, private_keys, x509, x509_write
from trust.crypto.algorithms import DEFAULT, KeyKind
from trust.crypto.private_keys import PrivateKey

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
END = BEGIN + timedelta(days=400)


@dataclass(frozen=True)
class Entity:
    key: PrivateKey
    certificate: bytes


def name(common: str) -> bytes:
    return x509_write.name(
        [(x509.COUNTRY, "CN"), (x509.ORGANIZATION, "阿里地区"), (x509.COMMON_NAME, common)]
    )


@cache
def key(kind: KeyKind, number: int = 0) -> PrivateKey:
    """One key of each kind and number; RSA ones are slow to make."""
    return private_keys.generate(kind, bits=2048)


@cache
def root(kind: KeyKind) -> Entity:
    extensions = [x509_write.basic_constraints(path_length=1), x509_write.key_usage({5, 6})]
    return Entity(key(kind), certify(key(kind), "Root", key(kind), "Root", 1, extensions))


@cache
def leaf(kind: KeyKind) -> Entity:
    extensions = [
        x509_write.key_usage({0, 1}),
        x509_write.extended_key_usage(["1.3.6.1.5.5.7.3.36"], critical=False),
        x509_write.crl_points(["http://example.cn/a.crl"]),
        x509_write.authority_access("http://example.cn/a.cer"),
        x509_write.certificate_policies(["1.2.156.3"]),
    ]
    made = certify(key(kind), "Root", key(kind, 1), "叶 Leaf", 2**100 + 7, extensions)
    return Entity(key(kind, 1), made)


def certify(
    signer: PrivateKey, issuer: str, subject: PrivateKey, common: str, serial: int,
    extensions: list[x509.Extension],
) -> bytes:  # fmt: skip
    algorithm = DEFAULT[signer.kind]
    identifiers = [
        x509_write.subject_key_id(hashes.sha256(subject.spki)[:20]),
        x509_write.authority_key_id(hashes.sha256(signer.spki)[:20]),
    ]
    tbs = x509_write.tbs_certificate(
        serial=serial, signature_oid=algorithm.row.oid, issuer=name(issuer), subject=name(common),
        not_before=BEGIN, not_after=END, spki=subject.spki, extensions=[*identifiers, *extensions],
    )  # fmt: skip
    return x509_write.signed(tbs, algorithm.row.oid, signer.sign(algorithm, tbs))
