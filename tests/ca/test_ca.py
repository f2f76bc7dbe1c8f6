"""The CA: what it issues others accept, and what it must not issue it does not."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509 as reference
from sqlalchemy import select
from sqlalchemy.orm import Session

from ca import crl, csr, issue, lint, profiles, revoke
from ca.csr import NoPossession
from ca.issue import Order
from ca.lint import LintFailed
from ca.models import Certificate, CertificateState
from ca.profiles import BadProfile
from ca.revoke import CertificateNotInForce, Reason
from ca.status import RegistryLookup
from tests.regions import Region, build
from tests.tools import find_tool
from trust.access import SYSTEM
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import private_keys, x509, x509_write
from trust.crypto.algorithms import DEFAULT, Algorithm, KeyKind
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.errors import Conflict, NotFound
from trust.validation import Standing

NAME = x509_write.name([(x509.COUNTRY, "CN"), (x509.COMMON_NAME, "试验")])


def request_for(kind: KeyKind, *, key: private_keys.PrivateKey | None = None) -> bytes:
    key = key or private_keys.generate(kind, bits=2048)
    algorithm = DEFAULT[key.kind]
    tbs = x509_write.tbs_request(NAME, key.spki)
    return x509_write.signed(tbs, algorithm.row.oid, key.sign(algorithm, tbs))


def certify(
    region: Region, *, issuer: str = "issuing-sm2", profile: str = "seal"
) -> x509.Certificate:
    kind = KeyKind.SM2 if issuer.endswith("sm2") else KeyKind.RSA
    return issue.issue_from_request(
        region.platform.sessions, request_for(kind), profile=profile, subject=NAME,
        issuer=issuer, keys=region.platform.keys, by=SYSTEM, at=utc_now(),
    )  # fmt: skip


@pytest.mark.parametrize("issuer", ["issuing-sm2", "issuing-rsa"])
def test_a_request_becomes_a_certificate_that_others_read(region: Region, issuer: str) -> None:
    made = certify(region, issuer=issuer)
    read = reference.load_der_x509_certificate(made.der)
    assert read.serial_number == made.serial
    assert read.not_valid_after_utc == made.not_after
    usage = read.extensions.get_extension_for_class(reference.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    with region.platform.reading() as session:
        row = session.scalars(
            select(Certificate).where(Certificate.serial == f"{made.serial:x}")
        ).one()
    assert row.state == CertificateState.ISSUED
    assert row.der == made.der


def test_openssl_accepts_the_rsa_chain_and_crl(sqlite_region: Region, tmp_path: Path) -> None:
    openssl = find_tool("openssl")
    made = certify(sqlite_region, issuer="issuing-rsa")
    with sqlite_region.platform.sessions.begin() as session:
        for name in ("root-rsa", "issuing-rsa"):
            der = crl.publish(
                session, name, keys=sqlite_region.platform.keys, by=SYSTEM, at=utc_now()
            )
            (tmp_path / f"{name}.crl").write_bytes(pem("X509 CRL", der))
            (tmp_path / f"{name}.pem").write_bytes(
                pem("CERTIFICATE", issue.find_issuer(session, name).certificate)
            )
    (tmp_path / "leaf.pem").write_bytes(pem("CERTIFICATE", made.der))
    crls = b"".join((tmp_path / f"{n}.crl").read_bytes() for n in ("root-rsa", "issuing-rsa"))
    (tmp_path / "all.crl").write_bytes(crls)
    said = subprocess.run(
        [openssl, "verify", "-x509_strict", "-crl_check_all", "-CRLfile", "all.crl", "-CAfile",
         "root-rsa.pem", "-untrusted", "issuing-rsa.pem", "leaf.pem"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.stdout.strip() == "leaf.pem: OK", said.stderr


def test_a_request_without_possession_is_refused() -> None:
    stolen = private_keys.generate(KeyKind.SM2)
    other = private_keys.generate(KeyKind.SM2)
    tbs = x509_write.tbs_request(NAME, stolen.spki)
    forged = x509_write.signed(tbs, Algorithm.SM2_SM3.row.oid, other.sign(Algorithm.SM2_SM3, tbs))
    with pytest.raises(NoPossession):
        csr.prove(forged)


def test_a_weak_key_is_refused_by_name() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding

    weak = rsa.generate_private_key(65537, 1024)
    name = reference.Name([reference.NameAttribute(reference.NameOID.COMMON_NAME, "x")])
    request = reference.CertificateSigningRequestBuilder().subject_name(name)
    with pytest.raises(UnknownAlgorithm, match="1024"):
        csr.prove(request.sign(weak, hashes.SHA256()).public_bytes(Encoding.DER))


@pytest.mark.parametrize("data", [b"", b"0", b"0\x03\x02\x01\x00", bytes(100), b"\xff" * 70_000])
def test_garbage_is_no_request(data: bytes) -> None:
    with pytest.raises(Malformed):
        csr.prove(data)


def test_an_issuing_ca_makes_no_further_ca(sqlite_region: Region) -> None:
    with pytest.raises(LintFailed):
        certify(sqlite_region, profile="issuing")


def test_a_certificate_never_outlives_its_issuer(tmp_path: Path) -> None:
    """In a region of its own: what is issued in the future stops everything until then."""
    ahead = build(tmp_path / "home")
    with ahead.platform.reading() as session:
        parent = x509.parse_certificate(issue.find_issuer(session, "issuing-sm2").certificate)
    late = parent.not_after - timedelta(days=30)
    made = issue.issue_from_request(
        ahead.platform.sessions, request_for(KeyKind.SM2), profile="seal", subject=NAME,
        issuer="issuing-sm2", keys=ahead.platform.keys, by=SYSTEM, at=late,
    )  # fmt: skip
    assert made.not_after == parent.not_after
    with pytest.raises(Conflict):
        issue.issue_from_request(
            ahead.platform.sessions, request_for(KeyKind.SM2), profile="seal", subject=NAME,
            issuer="issuing-sm2", keys=ahead.platform.keys, by=SYSTEM,
            at=parent.not_after + timedelta(days=1),
        )  # fmt: skip
    ahead.platform.engine.dispose()


def test_revocation_is_in_the_registry_and_in_the_next_crl(region: Region) -> None:
    made = certify(region)
    at = utc_now()
    with region.platform.sessions.begin() as session:
        _revoke(session, made, at)
    with region.platform.sessions() as session, pytest.raises(CertificateNotInForce):
        _revoke(session, made, at)
    with region.platform.sessions() as session, pytest.raises(NotFound):
        revoke.revoke(
            session, issuer="issuing-sm2", serial=1, reason=Reason.SUPERSEDED, by=SYSTEM, at=at
        )
    with region.platform.sessions.begin() as session:
        der = crl.publish(session, "issuing-sm2", keys=region.platform.keys, by=SYSTEM, at=at)
        parent = x509.parse_certificate(issue.find_issuer(session, "issuing-sm2").certificate)
        assert crl.newest(session, "issuing-sm2") == der
    entry = x509.parse_crl(der).entries[made.serial]
    assert entry.reason == Reason.SUPERSEDED
    listed = reference.load_der_x509_crl(der).get_revoked_certificate_by_serial_number(made.serial)
    assert listed is not None
    status = RegistryLookup(region.platform.reading).status(made, parent, at=at)
    assert status.standing is Standing.REVOKED
    assert status.reason == Reason.SUPERSEDED


def _revoke(session: Session, made: x509.Certificate, at: datetime) -> None:
    revoke.revoke(
        session,
        issuer="issuing-sm2",
        serial=made.serial,
        reason=Reason.SUPERSEDED,
        by=SYSTEM,
        at=at,
    )


def test_crl_numbers_go_up(region: Region) -> None:
    numbers = []
    for _ in range(2):
        with region.platform.sessions.begin() as session:
            der = crl.publish(
                session, "issuing-rsa", keys=region.platform.keys, by=SYSTEM, at=utc_now()
            )
        numbers.append(
            reference.load_der_x509_crl(der)
            .extensions.get_extension_for_class(reference.CRLNumber)
            .value.crl_number
        )
    assert numbers[1] == numbers[0] + 1


def test_a_certificate_that_names_us_and_is_not_ours_counts_as_revoked(
    sqlite_region: Region,
) -> None:
    """A stolen issuing key could sign it: only what was reserved first is ours."""
    keys = sqlite_region.platform.keys
    with sqlite_region.platform.reading() as session:
        parent = x509.parse_certificate(issue.find_issuer(session, "issuing-sm2").certificate)
    order = Order("seal", NAME, private_keys.generate(KeyKind.SM2).spki)
    tbs = issue._tbs(
        order, profiles.load("seal"), serial=1 << 100, algorithm=Algorithm.SM2_SM3, at=utc_now(),
        parent=parent,
    )  # fmt: skip
    stray = x509_write.signed(
        tbs, Algorithm.SM2_SM3.row.oid, keys.sign("issuing-sm2", tbs, Algorithm.SM2_SM3)
    )
    lookup = RegistryLookup(sqlite_region.platform.reading)
    found = lookup.status(x509.parse_certificate(stray), parent, at=utc_now())
    assert found.standing is Standing.REVOKED
    stranger = lookup.status(parent, x509.parse_certificate(stray), at=utc_now())
    assert stranger.standing is Standing.UNKNOWN


def test_a_reservation_that_a_crash_left_is_closed(region: Region) -> None:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    with region.platform.sessions.begin() as session:
        row = issue.find_issuer(session, "issuing-sm2")
        order = Order("seal", NAME, private_keys.generate(KeyKind.SM2).spki)
        serial = issue._serial()
        issue._reserve(
            session, order, profiles.load("seal"), issuer=row, serial=serial, by=SYSTEM, at=long_ago
        )
    with region.platform.sessions.begin() as session:
        closed = issue.abandon_stale(
            session, before=long_ago + timedelta(days=1), by=SYSTEM, at=utc_now()
        )
        assert closed == 1
        state = session.scalar(select(Certificate.state).where(Certificate.serial == f"{serial:x}"))
    assert state == CertificateState.ABANDONED


@pytest.mark.parametrize(
    "content",
    [
        {"years": 0, "key_usage": [0]},
        {"years": 99, "key_usage": [0]},
        {"years": 1, "key_usage": []},
        {"years": 1, "key_usage": [9]},
        {"years": 1, "key_usage": [5]},
        {"years": 1, "key_usage": [0], "ca": True},
        {"years": 1, "key_usage": [5, 6], "ca": True, "extended_key_usage": ["1.2.3"]},
        {"years": 1, "key_usage": [0], "color": "red"},
    ],
)
def test_a_profile_that_no_certificate_may_have_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(BadProfile):
        profiles.check("x", content)


@pytest.mark.parametrize("name", ["", "../root", "nothing", "root.toml"])
def test_only_packaged_profiles_are_read(name: str) -> None:
    with pytest.raises(NotFound):
        profiles.load(name)


def test_every_packaged_profile_is_sound() -> None:
    names = {path.stem for path in profiles.DIRECTORY.glob("*.toml")}
    assert {profiles.load(name).name for name in names} == names
    purposes = [p for n in names for p in profiles.load(n).extended_key_usage]
    assert len(purposes) == len(set(purposes))


def _tbs(**changes: object) -> bytes:
    at = utc_now().replace(microsecond=0)
    key = private_keys.generate(KeyKind.SM2)
    fields: dict[str, object] = {
        "serial": 1 << 100, "signature_oid": Algorithm.SM2_SM3.row.oid, "issuer": NAME,
        "subject": NAME, "not_before": at, "not_after": at + timedelta(days=1), "spki": key.spki,
        "extensions": [x509_write.subject_key_id(b"id")],
    }  # fmt: skip
    return x509_write.tbs_certificate(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"serial": 5}, "serial"),
        ({"serial": 1 << 170}, "serial"),
        ({"not_after": datetime(2000, 1, 1, tzinfo=UTC)}, "validity"),
        ({"extensions": []}, "subject key"),
        ({"signature_oid": Algorithm.RSA_SHA256.row.oid}, "algorithm"),
    ],
)
def test_lint_names_the_rule(changes: dict[str, object], rule: str) -> None:
    with pytest.raises(LintFailed, match=rule):
        lint.lint(_tbs(**changes), Algorithm.SM2_SM3.row.oid, issuer=None)
