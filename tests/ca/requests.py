"""Requests and certificates that several tests of the CA need."""

from ca import issue
from tests.regions import Region
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import private_keys, x509, x509_write
from trust.crypto.algorithms import DEFAULT, KeyKind

NAME = x509_write.name([(x509.COUNTRY, "CN"), (x509.COMMON_NAME, "试验")])
SUITES = ("sm2", "rsa")


def request_for(key: private_keys.PrivateKey) -> bytes:
    algorithm = DEFAULT[key.kind]
    tbs = x509_write.tbs_request(NAME, key.spki)
    return x509_write.signed(tbs, algorithm.row.oid, key.sign(algorithm, tbs))


def certify(region: Region, suite: str, *, profile: str = "seal") -> x509.Certificate:
    """A certificate of a fresh key under `issuing-<suite>`, with all its addresses."""
    kind = KeyKind.SM2 if suite == "sm2" else KeyKind.RSA
    request = request_for(private_keys.generate(kind, bits=2048))
    return issue.issue_from_request(
        region.platform.sessions, request, profile=profile, subject=NAME,
        issuer=f"issuing-{suite}", keys=region.platform.keys, by=SYSTEM, at=utc_now(),
        base_url=region.platform.settings.base_url,
    )  # fmt: skip


def authority(region: Region, name: str) -> x509.Certificate:
    """The certificate of an issuer."""
    with region.platform.reading() as session:
        return x509.parse_certificate(issue.find_issuer(session, name).certificate)
