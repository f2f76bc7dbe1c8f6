"""An outside CA certifies our keys: what it sends is taken in, used like our own, asked about."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ca import crl, import_certificate, issue, issuers, outside, request, signers
from ca.import_certificate import AnotherKey, Delivery, UnfitCertificate
from ca.issue import Order
from ca.issuers import CannotSign
from ca.models import Certificate, CertificateState, Issuer, KeyRequest, OutsideAuthority, Signer
from ca.outside_answers import BadAnswer
from ca.status import RegistryLookup
from tests.ca.outside_ca import Answers, OutsideCa, serving
from tests.ca.requests import NAME
from trust import chain
from trust.access import SYSTEM
from trust.anchors import pem
from trust.clock import utc_now
from trust.crypto import private_keys, x509, x509_write
from trust.crypto.algorithms import KeyKind
from trust.db import Sessions
from trust.errors import Conflict, Invalid, NotFound
from trust.fetch import BadAddress, Fetcher, FetchFailed, check_address
from trust.keys import SoftKeyStore
from trust.report import Outcome
from trust.validation import PathUnknown, Standing, TrustStore

SUBJECT = x509_write.name(
    [(x509.COUNTRY, "CN"), (x509.ORGANIZATION, "某市"), (x509.COMMON_NAME, "签发")]
)


@pytest.fixture(scope="module")
def answers() -> Answers:
    return Answers()


@pytest.fixture(scope="module")
def address(answers: Answers) -> Iterator[str]:
    with serving(answers) as url:
        yield url


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, address: str) -> OutsideCa:
    made = OutsideCa(tmp_path_factory.mktemp("outside") / "ca", address)
    made.begin()
    return made


def ask_for(
    sessions: Sessions, keys: SoftKeyStore, key_id: str, purpose: str, kind: KeyKind = KeyKind.RSA
) -> bytes:
    return request.create(
        sessions, key_id, purpose=purpose, kind=kind, subject=SUBJECT, keys=keys, by=SYSTEM,
        at=utc_now(), bits=2048,
    )  # fmt: skip


def take(
    sessions: Sessions, keys: SoftKeyStore, key_id: str, certificate: x509.Certificate,
    root: x509.Certificate,
) -> import_certificate.Imported:  # fmt: skip
    sent = Delivery(certificate, roots=(root,))
    return import_certificate.import_certificate(
        sessions, key_id, sent, keys=keys, by=SYSTEM, at=utc_now()
    )


@pytest.fixture
def certified(
    sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa, request: pytest.FixtureRequest
) -> tuple[str, x509.Certificate]:
    """An issuing CA of ours, certified by openssl and taken in."""
    key_id = f"gov-{abs(hash(request.node.name)) % 10**9}"
    made = other.certify(ask_for(sessions, soft_keys, key_id, "issuing"), "issuing")
    take(sessions, soft_keys, key_id, made, other.root)
    return key_id, made


def judged(
    sessions: Sessions, leaf: x509.Certificate, roots: tuple[x509.Certificate, ...]
) -> list[Outcome]:
    with sessions() as session:
        known = tuple(
            x509.parse_certificate(der) for der in session.scalars(select(Issuer.certificate))
        )
    store = TrustStore(roots, known, RegistryLookup(sessions))
    checks = chain.judge("", leaf, store=store, at=utc_now(), now=utc_now(), purpose=None)
    return [check.outcome for check in checks]


def test_an_issuing_ca_certified_outside_issues_like_our_own(
    sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa, answers: Answers,
    certified: tuple[str, x509.Certificate],
) -> None:  # fmt: skip
    name, _ = certified
    with sessions() as session:
        assert issuers.active(session, KeyKind.RSA, at=utc_now()).name == name
    order = Order("seal", NAME, private_keys.generate(KeyKind.RSA, bits=2048).spki)
    leaf = issue.issue(sessions, order, issuer=name, keys=soft_keys, by=SYSTEM, at=utc_now())
    with sessions.begin() as session:
        assert crl.publish(session, name, keys=soft_keys, by=SYSTEM, at=utc_now())
    assert judged(sessions, leaf, (other.root,)) == [Outcome.PASSED, Outcome.INDETERMINATE]
    answers.body, answers.status = other.crl(), 200
    with sessions() as session:
        above = session.get_one(Issuer, name).parent
        assert above is not None
        assert outside.due(session, at=utc_now()) == [above]
    told = outside.ask(sessions, above, fetch=Fetcher(), at=utc_now())
    assert told.problem == ""
    with sessions() as session:
        assert outside.due(session, at=utc_now()) == []
    assert judged(sessions, leaf, (other.root,)) == [Outcome.PASSED, Outcome.PASSED]


def test_openssl_verifies_what_our_ca_issues_under_its_own_root(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa
) -> None:
    made = other.certify(ask_for(sqlite_sessions, soft_keys, "gov-judged", "issuing"), "issuing")
    take(sqlite_sessions, soft_keys, "gov-judged", made, other.root)
    order = Order("seal", NAME, private_keys.generate(KeyKind.RSA, bits=2048).spki)
    leaf = issue.issue(
        sqlite_sessions, order, issuer="gov-judged", keys=soft_keys, by=SYSTEM, at=utc_now()
    )
    for name, certificate in (("middle", made), ("leaf", leaf)):
        (other.directory / f"{name}.pem").write_bytes(pem("CERTIFICATE", certificate.der))
    said = other.run(
        "verify", "-x509_strict", "-CAfile", "ca.pem", "-untrusted", "middle.pem", "leaf.pem"
    )
    assert said.decode().strip() == "leaf.pem: OK"


def test_a_ca_of_no_region_stands_above_a_regions_seals_and_nothing_else_of_it(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa
) -> None:
    parts = [(x509.UNIT, "310000"), (x509.COMMON_NAME, "章")]
    made = other.certify(
        request.create(
            sqlite_sessions, "gov-region", purpose="issuing", kind=KeyKind.RSA,
            subject=x509_write.name(parts), keys=soft_keys, by=SYSTEM, at=utc_now(), bits=2048,
        ), "issuing",
    )  # fmt: skip
    take(sqlite_sessions, soft_keys, "gov-region", made, other.root)
    leaves = {
        unit: issue.issue(
            sqlite_sessions,
            Order("seal", x509_write.name([(x509.UNIT, unit), *parts[1:]]),
                  private_keys.generate(KeyKind.SM2).spki),
            issuer="gov-region", keys=soft_keys, by=SYSTEM, at=utc_now(),
        ) for unit in ("310000", "110000")
    }  # fmt: skip
    store = TrustStore((other.root,), (made,), RegistryLookup(sqlite_sessions))
    found = [
        chain.judge(
            "", leaves[unit], store=store, at=utc_now(), now=utc_now(), purpose=purpose,
            region=unit,
        )[0].code for unit, purpose in (
            ("310000", chain.DOCUMENT_SIGNING), ("310000", None), ("110000", chain.DOCUMENT_SIGNING)
        )
    ]  # fmt: skip
    assert found == ["chain_valid", "region_mismatch", "region_mismatch"]


def test_an_outside_ca_that_revokes_ours_stops_it(
    sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa, answers: Answers,
    certified: tuple[str, x509.Certificate],
) -> None:  # fmt: skip
    name, made = certified
    other.revoke(made)
    answers.body, answers.status = other.crl(), 200
    with sessions() as session:
        above = session.get_one(Issuer, name).parent or ""
    assert outside.ask(sessions, above, fetch=Fetcher(), at=utc_now()).problem == ""
    with sessions() as session:
        row = session.scalars(select(Certificate).filter_by(serial=f"{made.serial:x}")).one()
        assert (row.state, row.reason) == (CertificateState.REVOKED, 1)
        with pytest.raises(NotFound):
            issuers.active(session, KeyKind.RSA, at=utc_now())
    order = Order("seal", NAME, private_keys.generate(KeyKind.SM2).spki)
    with pytest.raises(CannotSign):
        issue.issue(sessions, order, issuer=name, keys=soft_keys, by=SYSTEM, at=utc_now())
    found = RegistryLookup(sessions).status(made, other.root, at=utc_now())
    assert found.standing is Standing.REVOKED


@pytest.mark.parametrize("fault", ["unreachable", "garbage", "another", "error"])
def test_an_outside_ca_that_does_not_answer_well_is_indeterminate(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa, answers: Answers,
    tmp_path: Path, fault: str,
) -> None:  # fmt: skip
    key_id = f"gov-{fault}"
    made = other.certify(ask_for(sqlite_sessions, soft_keys, key_id, "seal"), "seal")
    above = take(sqlite_sessions, soft_keys, key_id, made, other.root).issuer
    stranger = OutsideCa(tmp_path / "ca")
    stranger.begin()
    answers.status = 500 if fault == "error" else 200
    answers.body = {"another": stranger.crl(), "error": other.crl()}.get(fault, b"0\x03\x02\x01")
    if fault == "unreachable":
        with sqlite_sessions.begin() as session:
            session.get_one(OutsideAuthority, above).crl_url = "http://127.0.0.1:9/x.crl"
    problem = outside.ask(sqlite_sessions, above, fetch=Fetcher(), at=utc_now()).problem
    assert problem == {
        "unreachable": "fetch_failed", "error": "fetch_failed", "garbage": "malformed",
        "another": "bad_revocation_answer",
    }[fault]  # fmt: skip
    assert judged(sqlite_sessions, made, (other.root,)) == [
        Outcome.PASSED, Outcome.INDETERMINATE,
    ]  # fmt: skip


def test_an_outside_ca_that_answers_by_ocsp_only(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    plain = OutsideCa(tmp_path / "ca")
    plain.begin()
    answers = Answers(made=plain.ocsp)
    made = plain.certify(ask_for(sqlite_sessions, soft_keys, "by-ocsp", "seal"), "seal")
    with serving(answers) as url:
        sent = Delivery(made, roots=(plain.root,), ocsp_url=url)
        above = import_certificate.import_certificate(
            sqlite_sessions, "by-ocsp", sent, keys=soft_keys, by=SYSTEM, at=utc_now()
        ).issuer
        assert judged(sqlite_sessions, made, (plain.root,))[1] is Outcome.INDETERMINATE
        time.sleep(1.1)  # openssl's thisUpdate has whole seconds, and none may be in the future
        told = outside.ask(sqlite_sessions, above, fetch=Fetcher(), at=utc_now())
        assert (told.problem, len(answers.asked)) == ("", 1)
        assert judged(sqlite_sessions, made, (plain.root,))[1] is Outcome.PASSED
        late = utc_now() + timedelta(days=2)
        with sqlite_sessions() as session:
            assert outside.due(session, at=late) == [above]
        found = RegistryLookup(sqlite_sessions).status(made, plain.root, at=late)
        assert found.standing is Standing.UNKNOWN
        answers.status = 500
        told = outside.ask(sqlite_sessions, above, fetch=Fetcher(), at=utc_now())
        assert told.problem == "fetch_failed"
        assert judged(sqlite_sessions, made, (plain.root,))[1] is Outcome.PASSED
        second = plain.certify(ask_for(sqlite_sessions, soft_keys, "by-ocsp-b", "seal"), "seal")
        take(sqlite_sessions, soft_keys, "by-ocsp-b", second, plain.root)
        assert judged(sqlite_sessions, second, (plain.root,))[1] is Outcome.INDETERMINATE
        answers.status = 200
        plain.revoke(made, "superseded")
        assert outside.ask(sqlite_sessions, above, fetch=Fetcher(), at=utc_now()).problem == ""
    found = RegistryLookup(sqlite_sessions).status(made, plain.root, at=utc_now())
    assert (found.standing, found.reason) == (Standing.REVOKED, 4)
    with sqlite_sessions() as session, pytest.raises(Conflict):
        import_certificate.ready(session, "by-ocsp")


def test_a_crl_brought_by_hand_counts_and_an_older_one_does_not(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa
) -> None:
    made = other.certify(ask_for(sqlite_sessions, soft_keys, "gov-hand", "seal"), "seal")
    above = take(sqlite_sessions, soft_keys, "gov-hand", made, other.root).issuer
    old = other.crl()
    time.sleep(1.1)  # CRLs have whole seconds
    new = other.crl()
    outside.take_crl(sqlite_sessions, above, new, by=SYSTEM, at=utc_now())
    assert judged(sqlite_sessions, made, (other.root,)) == [Outcome.PASSED, Outcome.PASSED]
    with pytest.raises(BadAnswer, match="older"):
        outside.take_crl(sqlite_sessions, above, old, by=SYSTEM, at=utc_now())


def test_a_signer_certified_outside_signs(
    sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa
) -> None:
    key_id = f"tsa-gov-{sessions.kw['bind'].dialect.name}"
    made = other.certify(ask_for(sessions, soft_keys, key_id, "tsa"), "tsa")
    take(sessions, soft_keys, key_id, made, other.root)
    with sessions() as session:
        ready = signers.active(session, "tsa", keys=soft_keys, at=utc_now())
    assert (ready.key_id, ready.certificate) == (key_id, made)
    assert ready.sign(b"x")


def test_a_seals_certificate_waits_for_the_making_of_the_seal(
    sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa
) -> None:
    key_id = f"seal-gov-{sessions.kw['bind'].dialect.name}"
    with sessions() as session, pytest.raises(NotFound):
        import_certificate.ready(session, key_id)
    made = other.certify(ask_for(sessions, soft_keys, key_id, "seal"), "seal")
    taken = take(sessions, soft_keys, key_id, made, other.root)
    assert taken.advice == ()
    with sessions() as session:
        assert import_certificate.ready(session, key_id) == (made, taken.issuer)
        assert session.get(Signer, key_id) is None
    with pytest.raises(Conflict):
        take(sessions, soft_keys, key_id, made, other.root)


def test_the_same_request_is_given_again_and_another_is_refused(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore
) -> None:
    made = ask_for(sqlite_sessions, soft_keys, "again", "seal", KeyKind.SM2)
    assert ask_for(sqlite_sessions, soft_keys, "again", "seal", KeyKind.SM2) == made
    for purpose, kind in (("issuing", KeyKind.SM2), ("seal", KeyKind.RSA)):
        with pytest.raises(Conflict):
            ask_for(sqlite_sessions, soft_keys, "again", purpose, kind)
    read = x509.parse_request(made)
    assert read.subject == SUBJECT
    assert read.spki == soft_keys.public_key("again")
    with pytest.raises(Invalid):
        ask_for(sqlite_sessions, soft_keys, "a-root", "root")
    with pytest.raises(Invalid):
        ask_for(sqlite_sessions, soft_keys, "a-ca", "issuing", KeyKind.P256)


def test_a_certificate_that_does_not_fit_is_refused_and_nothing_is_stored(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa, tmp_path: Path
) -> None:
    csr = ask_for(sqlite_sessions, soft_keys, "unfit", "issuing")
    stray = other.certify(ask_for(sqlite_sessions, soft_keys, "stray", "issuing"), "issuing")
    with pytest.raises(AnotherKey):
        take(sqlite_sessions, soft_keys, "unfit", stray, other.root)
    with pytest.raises(UnfitCertificate):
        take(sqlite_sessions, soft_keys, "unfit", other.certify(csr, "seal"), other.root)
    stranger = OutsideCa(tmp_path / "ca")
    stranger.begin()
    with pytest.raises(PathUnknown):
        take(sqlite_sessions, soft_keys, "unfit", other.certify(csr, "issuing"), stranger.root)
    with pytest.raises(NotFound):
        take(sqlite_sessions, soft_keys, "unasked", stray, other.root)
    with sqlite_sessions() as session:
        assert session.scalars(select(Issuer)).all() == []
        assert session.get_one(KeyRequest, "unfit").certificate is None


def test_what_another_ca_does_otherwise_is_told_as_advice(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path
) -> None:
    plain = OutsideCa(tmp_path / "ca")
    plain.begin()
    made = plain.certify(ask_for(sqlite_sessions, soft_keys, "advised", "seal"), "tsa")
    taken = take(sqlite_sessions, soft_keys, "advised", made, plain.root)
    said = " ".join(taken.advice)
    assert "extended key usage is another" in said
    assert "no http address" in said
    with sqlite_sessions() as session:
        told = session.get_one(OutsideAuthority, taken.issuer)
        assert outside.due(session, at=utc_now()) == []
    assert (told.crl_url, told.ocsp_url) == (None, None)


def test_nothing_is_signed_in_an_outside_cas_name(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, other: OutsideCa
) -> None:
    made = other.certify(ask_for(sqlite_sessions, soft_keys, "gov-name", "issuing"), "issuing")
    above = take(sqlite_sessions, soft_keys, "gov-name", made, other.root).issuer
    order = Order("seal", NAME, private_keys.generate(KeyKind.SM2).spki)
    with pytest.raises(CannotSign):
        issue.issue(sqlite_sessions, order, issuer=above, keys=soft_keys, by=SYSTEM, at=utc_now())
    with sqlite_sessions.begin() as session:
        assert crl.publish(session, above, keys=soft_keys, by=SYSTEM, at=utc_now()) == b""


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a/b", "ldap://a/b", "http:///x", "http://u:p@a/", "http://a/" + "x" * 400,
     "http://a b/", "http://[", "http://a:99999/", "http://例/"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        check_address(url)


def test_a_fetch_ends_at_its_caps(answers: Answers, address: str) -> None:
    answers.body, answers.status = b"x" * 10_000, 200
    assert len(Fetcher()(address)) == 10_000
    with pytest.raises(FetchFailed, match="more than 100"):
        Fetcher()(address, cap=100)
    with pytest.raises(FetchFailed, match="more than 0 seconds"):
        Fetcher(seconds=0.0)(address)
