"""Before a real key signs, a throw-away key has, and the whole certificate was read back."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ca import issue, issuers, lint, particulars
from ca.issue import Order
from ca.lint import LintFailed
from tests.ca.requests import NAME, SUITES, authority
from tests.ca.test_pkilint import CERTIFICATE, findings
from tests.regions import Region
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import private_keys, signatures, x509, x509_write
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature
from trust.crypto.x509 import Extension
from trust.keys import KeyStore
from trust.validation import verify_signed

SM2 = Algorithm.SM2_SM3.row.oid


class Watched:
    """A key store that tells when it is asked to sign."""

    def __init__(self, below: KeyStore) -> None:
        self._below, self.signed = below, list[str]()

    def __getattr__(self, name: str) -> object:
        return getattr(self._below, name)

    def sign(self, key_id: str, message: bytes, algorithm: Algorithm) -> bytes:
        self.signed.append(key_id)
        return self._below.sign(key_id, message, algorithm)


def tbs_of(region: Region, suite: str = "sm2", **changes: Any) -> bytes:
    at = utc_now().replace(microsecond=0)
    above = authority(region, f"issuing-{suite}")
    spki = private_keys.generate(KeyKind.SM2).spki
    fields: dict[str, Any] = {
        "serial": 1 << 150, "signature_oid": issuers.SUITES[KeyKind[suite.upper()]].row.oid,
        "issuer": above.subject, "subject": NAME, "not_before": at,
        "not_after": at + timedelta(days=1), "spki": spki,
        "extensions": [
            x509_write.key_usage({0}), x509_write.subject_key_id(b"id"),
            x509_write.authority_key_id(x509.subject_key_id(above) or b""),
        ],
    }  # fmt: skip
    return x509_write.tbs_certificate(**(fields | changes))


def extensions(region: Region, *more: Extension, usage: set[int] | None = None) -> list[Extension]:
    above = authority(region, "issuing-sm2")
    return [
        x509_write.key_usage(usage if usage is not None else {0}), x509_write.subject_key_id(b"id"),
        x509_write.authority_key_id(x509.subject_key_id(above) or b""), *more,
    ]  # fmt: skip


@pytest.mark.parametrize("suite", SUITES)
def test_a_rehearsal_is_whole_as_long_as_the_real_thing_and_worth_nothing(
    sqlite_region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str], suite: str
) -> None:
    above = authority(sqlite_region, f"issuing-{suite}")
    tbs = tbs_of(sqlite_region, suite)
    made = lint.rehearse(tbs, issuers.SUITES[KeyKind[suite.upper()]].row.oid, issuer=above)
    read = x509.parse_certificate(made.der)
    verify_signed(read, made.spki)
    with pytest.raises(InvalidSignature):
        verify_signed(read, above.spki)
    assert signatures.kind_of(made.spki) is signatures.kind_of(above.spki)
    if suite == "rsa":
        assert len(read.signature) == len(above.signature)
    assert findings(CERTIFICATE, made.der, tmp_path, capsys) == []


def test_nothing_is_signed_for_real_when_the_lint_finds_a_fault(sqlite_region: Region) -> None:
    watched: Any = Watched(sqlite_region.platform.keys)
    long = x509_write.name([(x509.COUNTRY, "CN"), (x509.COMMON_NAME, "名" * 65)])
    order = Order("seal", long, private_keys.generate(KeyKind.SM2).spki)
    with pytest.raises(LintFailed, match="over 64"):
        issue.issue(
            sqlite_region.platform.sessions, order, issuer="issuing-sm2", keys=watched, by=SYSTEM,
            at=utc_now(),
        )  # fmt: skip
    assert watched.signed == []


Fault = Callable[[Region], dict[str, Any]]
FAULTS: dict[str, tuple[Fault, str]] = {
    "a subject without a part": (lambda r: {"subject": x509_write.name([])}, "subject is empty"),
    "a blank part": (
        lambda r: {"subject": x509_write.name([(x509.COMMON_NAME, " ")])}, "blank",
    ),
    "a key usage that is missing": (
        lambda r: {"extensions": extensions(r)[1:]}, "no key usage",
    ),
    "a signer of certificates that is no CA": (
        lambda r: {"extensions": extensions(r, usage={5})}, "only a CA",
    ),
    "a purpose twice": (
        lambda r: {"extensions": extensions(
            r, x509_write.extended_key_usage(["1.2.3", "1.2.3"], critical=False)
        )}, "twice",
    ),
    "a CRL at no address": (
        lambda r: {"extensions": extensions(r, x509_write.crl_points(["nowhere"]))}, "no address",
    ),
    "another issuer": (lambda r: {"issuer": NAME}, "issuer name"),
    "a life beyond the CA's": (
        lambda r: {"not_after": utc_now().replace(microsecond=0) + timedelta(days=9999)},
        "outlives",
    ),
    "a further CA under an issuing CA": (
        lambda r: {"extensions": extensions(
            r, x509_write.basic_constraints(path_length=None), usage={5, 6}
        )}, "may not sign",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named(sqlite_region: Region, name: str) -> None:
    changes, rule = FAULTS[name]
    above = authority(sqlite_region, "issuing-sm2")
    lint.lint(tbs_of(sqlite_region), SM2, issuer=above)
    with pytest.raises(LintFailed, match=rule):
        lint.lint(tbs_of(sqlite_region, **changes(sqlite_region)), SM2, issuer=above)


def test_the_addresses_of_a_certificate_are_read(sqlite_region: Region) -> None:
    access = x509_write.authority_access("http://a/ca.cer", ocsp="http://a/ocsp")
    points = x509_write.crl_points(["ldap://a/cn=x", "http://a/x.crl"])
    tbs = tbs_of(sqlite_region, extensions=extensions(sqlite_region, access, points))
    made = x509.parse_certificate(lint.rehearse(tbs, SM2, issuer=None).der)
    assert lint.http_uris(made, x509.CRL_POINTS) == ["http://a/x.crl"]
    assert lint.ocsp_uris(made) == ["http://a/ocsp"]
    assert particulars.read(made) == ()
