"""Which certificates may log in: those of our own roots, for signing, not revoked."""

import pytest

from ca import dual, revoke
from ca.revoke import Reason
from seal.models import Seal
from server.identity import CertificateJudge
from tests.ca.requests import NAME, request_for
from tests.regions import Region, sqlite_region  # noqa: F401 - a fixture
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import private_keys
from trust.crypto.algorithms import KeyKind
from trust.crypto.x509 import Certificate
from trust.errors import Unauthenticated

USCC = "11542421MB0123456X"


@pytest.fixture
def judge(sqlite_region: Region) -> CertificateJudge:  # noqa: F811
    return CertificateJudge(sqlite_region.platform)


@pytest.fixture
def certificate(sqlite_region: Region) -> Certificate:  # noqa: F811
    made = dual.issue_pair(
        sqlite_region.platform.sessions, request_for(private_keys.generate(KeyKind.SM2)),
        subject=NAME, issuer="issuing-sm2", keys=sqlite_region.platform.keys, by=SYSTEM,
        at=utc_now(), particulars=(("organization-code", USCC),),
    )  # fmt: skip
    return made.signing


def test_a_certificate_of_ours_says_whose_key_it_is(
    judge: CertificateJudge, certificate: Certificate
) -> None:
    found = judge(certificate.der, (), utc_now())
    assert found.subject_key == ("001", USCC)
    assert found.spki == certificate.spki


def test_a_revoked_one_opens_nothing(
    judge: CertificateJudge,
    certificate: Certificate,
    sqlite_region: Region,  # noqa: F811
) -> None:
    with sqlite_region.platform.sessions.begin() as session:
        revoke.revoke(
            session, issuer="issuing-sm2", serial=certificate.serial, reason=Reason.SUPERSEDED,
            by=SYSTEM, at=utc_now(),
        )  # fmt: skip
    with pytest.raises(Unauthenticated):
        judge(certificate.der, (), utc_now())


def test_a_key_that_seals_documents_does_not_log_in(
    judge: CertificateJudge,
    sqlite_region: Region,  # noqa: F811
) -> None:
    with sqlite_region.platform.reading() as session:
        signers = [row.sm2_certificate for row in session.query(Seal).all()]
    assert signers
    for der in signers:
        with pytest.raises(Unauthenticated):
            judge(der, (), utc_now())


def test_a_certificate_from_elsewhere_does_not_log_in(
    judge: CertificateJudge, certificate: Certificate
) -> None:
    for der in (b"", b"\x30\x00", certificate.der[:-1], certificate.der + b"\0"):
        with pytest.raises(Unauthenticated):
            judge(der, (), utc_now())


def test_an_expired_one_does_not_log_in(judge: CertificateJudge, certificate: Certificate) -> None:
    with pytest.raises(Unauthenticated):
        judge(
            certificate.der, (), certificate.not_after.replace(year=certificate.not_after.year + 1)
        )
