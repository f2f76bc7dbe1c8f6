"""Certificates sign a challenge: SM2, RSA and P-256 keys, bound to an account or naming one."""

import base64
import dataclasses
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sso import certificate_login, sign_in
from sso.certificate_login import (
    CertificateRefused,
    CertificateTaken,
    JudgedCertificate,
    SignedChallenge,
)
from sso.models import Account
from sso.proof import Proof, SignInFailed
from sso.provider import Provider
from tests.sso.provider import START
from tests.sso.signing_in import (
    CITIZEN,
    at_once,
    audited,
    citizen,
    close,
    himself,
    provider_on,
    staff,
)
from trust.access import Role
from trust.crypto import private_keys, signatures, x509, x509_write
from trust.crypto.algorithms import DEFAULT, Algorithm, KeyKind
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.hashes import sha256
from trust.crypto.private_keys import PrivateKey
from trust.db import Sessions
from trust.errors import Invalid, NotFound, Unauthenticated
from trust.keys import SoftKeyStore

PAGE = "interaction-1"
AUTHORITY = private_keys.generate(KeyKind.SM2)
KEYS = {
    "SM2": private_keys.generate(KeyKind.SM2),
    "RSA": private_keys.generate(KeyKind.RSA, bits=2048),
    "P-256": private_keys.generate(KeyKind.P256),
    "P-384": private_keys.generate(KeyKind.P384),
}
SERIAL_NUMBER = "2.5.4.5"


def certificate(
    key: PrivateKey, *, number: str = "", signer: PrivateKey = AUTHORITY, serial: int = 1 << 90
) -> bytes:
    """A leaf of our authority; `number` is a citizen ID in its subject."""
    subject = [(x509.COMMON_NAME, "张三丰")] + ([(SERIAL_NUMBER, number)] if number else [])
    algorithm = DEFAULT[signer.kind]
    tbs = x509_write.tbs_certificate(
        serial=serial, signature_oid=algorithm.row.oid,
        issuer=x509_write.name([(x509.COMMON_NAME, "根")]), subject=x509_write.name(subject),
        not_before=START - timedelta(days=1), not_after=START + timedelta(days=1), spki=key.spki,
        extensions=[x509_write.key_usage({0})],
    )  # fmt: skip
    return x509_write.signed(tbs, algorithm.row.oid, signer.sign(algorithm, tbs))


def judge(leaf: bytes, chain: tuple[bytes, ...], at: datetime) -> JudgedCertificate:
    """Trusts our authority, for as long as a certificate says."""
    try:
        read = x509.parse_certificate(leaf)
        signatures.verify(Algorithm.SM2_SM3, AUTHORITY.spki, read.tbs, read.signature)
    except (Malformed, InvalidSignature) as error:
        raise Unauthenticated("not trusted") from error
    if not read.not_before <= at < read.not_after:
        raise Unauthenticated("not in force")
    number = x509.name_value(read.subject, SERIAL_NUMBER)
    return JudgedCertificate(("111", number) if number else None, "张三丰", sha256(leaf), read.spki)


def ready(sessions: Sessions, keys: SoftKeyStore, home: Path) -> Provider:
    provider = dataclasses.replace(provider_on(sessions, keys, home), judge=judge)
    citizen(provider)
    return provider


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return ready(sqlite_sessions, soft_keys, tmp_path)


@pytest.fixture
def both(sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return ready(sessions, soft_keys, tmp_path)


def challenge(provider: Provider, page: str = PAGE, at: datetime = START) -> bytes:
    with provider.sessions.begin() as session:
        return certificate_login.challenge(session, interaction=page, at=at)


def signed(
    provider: Provider, key: PrivateKey, leaf: bytes, *, algorithm: Algorithm | None = None,
    issuer: str = "", random: bytes = b"",
) -> SignedChallenge:  # fmt: skip
    random = random or challenge(provider)
    chosen = algorithm or DEFAULT[key.kind]
    octets = certificate_login.message(issuer or provider.issuer, random)
    return SignedChallenge(random, leaf, (), key.sign(chosen, octets), chosen)


def use(
    provider: Provider, answer: SignedChallenge, *, page: str = PAGE, at: datetime = START,
    name: str | None = None,
) -> Proof:  # fmt: skip
    return sign_in.by_certificate(provider, answer, interaction=page, at=at, account_name=name)


def register(provider: Provider, leaf: bytes, name: str = "zhang.san") -> None:
    with provider.sessions.begin() as session:
        account = session.get_one(Account, name)
        judged = judge(leaf, (), START)
        certificate_login.register(
            session, provider.vault, account, judged, by=himself(name), at=START
        )


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("SM2", Algorithm.SM2_SM3), ("RSA", Algorithm.RSA_SHA256),
        ("RSA", Algorithm.RSA_PSS_SHA256), ("P-256", Algorithm.ES256),
    ],
)  # fmt: skip
def test_a_registered_certificate_signs_in(
    provider: Provider, kind: str, algorithm: Algorithm
) -> None:
    key = KEYS[kind]
    register(provider, leaf := certificate(key))
    proof = use(provider, signed(provider, key, leaf, algorithm=algorithm))
    assert (proof.account, proof.methods) == ("zhang.san", ("pop", "sc"))
    with provider.sessions() as session:
        (row,) = certificate_login.of_account(session, "zhang.san")
    assert (row.algorithm, row.last_used_at) == (kind, START)


def test_a_certificate_that_names_its_holder_signs_in_unregistered(both: Provider) -> None:
    leaf = certificate(KEYS["SM2"], number=CITIZEN)
    assert use(both, signed(both, KEYS["SM2"], leaf)).account == "zhang.san"


def test_a_renewed_certificate_of_the_same_key_signs_in(provider: Provider) -> None:
    register(provider, certificate(KEYS["SM2"]))
    renewed = certificate(KEYS["SM2"], serial=1 << 91)
    assert use(provider, signed(provider, KEYS["SM2"], renewed)).account == "zhang.san"


def test_a_certificate_of_nobody_signs_nobody_in(provider: Provider) -> None:
    for leaf in (
        certificate(KEYS["SM2"]),
        certificate(KEYS["SM2"], number="440524188001010014"),
    ):
        with pytest.raises(SignInFailed):
            use(provider, signed(provider, KEYS["SM2"], leaf))


def test_a_certificate_that_is_not_trusted_signs_nobody_in(provider: Provider) -> None:
    stranger = private_keys.generate(KeyKind.SM2)
    leaf = certificate(KEYS["SM2"], number=CITIZEN, signer=stranger)
    with pytest.raises(SignInFailed):
        use(provider, signed(provider, KEYS["SM2"], leaf))
    good = certificate(KEYS["SM2"], number=CITIZEN)
    late = START + timedelta(days=2)
    random = challenge(provider, at=late)
    with pytest.raises(SignInFailed):
        use(provider, signed(provider, KEYS["SM2"], good, random=random), at=late)


def test_a_signature_by_another_key_or_over_something_else_is_refused(provider: Provider) -> None:
    key, leaf = KEYS["SM2"], certificate(KEYS["SM2"], number=CITIZEN)
    other = private_keys.generate(KeyKind.SM2)
    random = challenge(provider)
    bare = SignedChallenge(random, leaf, (), key.sign(Algorithm.SM2_SM3, random), Algorithm.SM2_SM3)
    for wrong in (
        signed(provider, other, leaf),
        signed(provider, key, leaf, issuer="https://elsewhere.example"),
        bare,
        dataclasses.replace(signed(provider, key, leaf), signature=b""),
        dataclasses.replace(signed(provider, key, leaf), leaf=b"no certificate"),
    ):
        with pytest.raises(SignInFailed):
            use(provider, wrong)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("RSA", Algorithm.RSA_SHA512), ("P-384", Algorithm.ES384), ("SM2", Algorithm.RSA_SHA256)],
)
def test_an_algorithm_that_is_not_asked_for_is_refused(
    provider: Provider, kind: str, algorithm: Algorithm
) -> None:
    key, leaf = KEYS[kind], certificate(KEYS[kind], number=CITIZEN)
    answer = signed(provider, key, leaf, algorithm=DEFAULT[key.kind])
    with pytest.raises(SignInFailed):
        use(provider, dataclasses.replace(answer, algorithm=algorithm))


def test_a_challenge_is_answered_once_on_its_own_page_within_five_minutes(
    provider: Provider,
) -> None:
    key, leaf = KEYS["SM2"], certificate(KEYS["SM2"], number=CITIZEN)
    answer = signed(provider, key, leaf)
    with pytest.raises(SignInFailed):
        use(provider, answer, page="another page")
    use(provider, answer)
    with pytest.raises(SignInFailed):
        use(provider, answer)
    with pytest.raises(SignInFailed):
        use(provider, signed(provider, key, leaf), at=START + timedelta(minutes=5))
    with pytest.raises(SignInFailed):
        use(provider, signed(provider, key, leaf, random=bytes(32)))


def test_a_wrong_answer_spends_the_challenge(provider: Provider) -> None:
    key, leaf = KEYS["SM2"], certificate(KEYS["SM2"], number=CITIZEN)
    answer = signed(provider, key, leaf)
    with pytest.raises(SignInFailed):
        use(provider, dataclasses.replace(answer, signature=answer.signature[:-1] + b"\x00"))
    with pytest.raises(SignInFailed):
        use(provider, answer)


def test_one_answer_sent_by_two_requests_at_once_signs_in_once(both: Provider) -> None:
    answer = signed(both, KEYS["SM2"], certificate(KEYS["SM2"], number=CITIZEN))
    outcomes = at_once(*[lambda: use(both, answer)] * 3)
    assert sum(isinstance(outcome, Proof) for outcome in outcomes) == 1


def test_a_second_factor_is_the_account_holders_own(provider: Provider) -> None:
    staff(provider, "li.si", Role.CLERK)
    leaf = certificate(KEYS["SM2"], number=CITIZEN)
    with pytest.raises(SignInFailed):
        use(provider, signed(provider, KEYS["SM2"], leaf), name="li.si")
    assert use(provider, signed(provider, KEYS["SM2"], leaf), name="zhang.san")


def test_a_certificate_of_another_person_is_not_registered(provider: Provider) -> None:
    with pytest.raises(CertificateRefused):
        register(provider, certificate(KEYS["SM2"], number="440524188001010014"))


def test_a_key_signs_one_account_in(provider: Provider) -> None:
    staff(provider, "li.si", Role.CLERK)
    leaf, renewed = certificate(KEYS["SM2"]), certificate(KEYS["SM2"], serial=1 << 91)
    register(provider, leaf)
    for theirs in (leaf, renewed):
        with pytest.raises(CertificateTaken):
            register(provider, theirs, "li.si")
    with pytest.raises(CertificateTaken):
        register(provider, leaf)
    register(provider, renewed)


def test_a_removed_certificate_signs_nobody_in(provider: Provider) -> None:
    leaf = certificate(KEYS["SM2"])
    register(provider, leaf)
    with provider.sessions.begin() as session, pytest.raises(NotFound):
        certificate_login.remove(session, "li.si", sha256(leaf), by=himself("li.si"), at=START)
    with provider.sessions.begin() as session:
        certificate_login.remove(
            session, "zhang.san", sha256(leaf), by=himself("zhang.san"), at=START
        )
    with pytest.raises(SignInFailed):
        use(provider, signed(provider, KEYS["SM2"], leaf))
    assert [entry.subject for entry in audited(provider, "certificate.removed")] == ["zhang.san"]


def test_a_closed_account_is_not_signed_in_by_any_certificate(provider: Provider) -> None:
    registered = certificate(KEYS["RSA"])
    register(provider, registered)
    close(provider, "zhang.san")
    for key, leaf in (
        (KEYS["RSA"], registered),
        (KEYS["SM2"], certificate(KEYS["SM2"], number=CITIZEN)),
    ):
        with pytest.raises(SignInFailed):
            use(provider, signed(provider, key, leaf))


def test_form_fields_are_read_as_base64_or_base64url() -> None:
    random = bytes(range(224, 256))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(random).decode()
        for form in (text, text.rstrip("=")):
            read = certificate_login.parse(
                challenge=form, leaf=form, chain=(form,), signature=form, algorithm="SM2-SM3"
            )
            assert read == SignedChallenge(random, random, (random,), random, Algorithm.SM2_SM3)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=20))
def test_garbage_in_form_fields_is_invalid(first: str, second: str, algorithm: str) -> None:
    try:
        read = certificate_login.parse(
            challenge=first, leaf=second, chain=(), signature=second, algorithm=algorithm
        )
    except Invalid:
        return
    assert len(read.challenge) <= 32


@pytest.mark.parametrize(
    "changed",
    [
        {"challenge": "A" * 48}, {"leaf": "A" * 40_000}, {"signature": "A" * 4000},
        {"chain": ("AAAA",) * 5}, {"chain": ("A" * 40_000,)}, {"algorithm": "MD5"},
        {"challenge": "A"}, {"challenge": "\ud800"},
    ],
    ids=range(8),
)  # fmt: skip
def test_fields_that_are_too_long_or_malformed_are_invalid(changed: dict[str, object]) -> None:
    fields: dict[str, object] = {
        "challenge": "AAAA", "leaf": "AAAA", "chain": (), "signature": "AAAA",
        "algorithm": "SM2-SM3",
    }  # fmt: skip
    with pytest.raises(Invalid):
        certificate_login.parse(**(fields | changed))  # type: ignore[arg-type]
