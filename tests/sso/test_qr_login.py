"""A desktop let in by a telephone: one answer, two minutes, the digits of the right screen."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso import browser_session, qr_login, sign_in
from sso.browser_session import BrowserSession
from sso.proof import Proof
from sso.provider import Provider
from sso.qr_login import QrLoginGone, Shown, WrongNumber
from tests.sso.provider import START
from tests.sso.signing_in import at_once, audited, citizen, close, provider_on
from trust.db import Sessions
from trust.keys import SoftKeyStore

PAGE = "interaction-1"


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    made = provider_on(sqlite_sessions, soft_keys, tmp_path)
    citizen(made)
    return made


@pytest.fixture
def both(sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    made = provider_on(sessions, soft_keys, tmp_path)
    citizen(made)
    return made


def shown(provider: Provider, page: str = PAGE, at: datetime = START) -> Shown:
    with provider.sessions.begin() as session:
        return qr_login.begin(session, interaction=page, desktop="Firefox, 203.0.113.0/24", at=at)


def phone(provider: Provider, *methods: str) -> BrowserSession:
    with provider.sessions.begin() as session:
        return browser_session.begin(
            session, "zhang.san", methods=methods or ("pop", "user", "swk", "mfa"), at=START,
            policy=provider.policy, user_agent="", staff=False,
        )[1]  # fmt: skip


def approve(
    provider: Provider, qr_id: str, number: str, by: BrowserSession | None = None,
    at: datetime = START,
) -> None:  # fmt: skip
    holder = by or phone(provider)
    qr_login.approve(provider.sessions, qr_id, number, phone=holder, at=at)


def collect(provider: Provider, qr_id: str, page: str = PAGE, at: datetime = START) -> Proof | None:
    return sign_in.by_qr(provider, qr_id, interaction=page, at=at)


def test_a_phone_lets_a_desktop_in(both: Provider) -> None:
    picture = shown(both)
    assert collect(both, picture.id) is None
    with both.sessions() as session:
        asked = qr_login.look(session, picture.id, at=START)
    assert asked.desktop == "Firefox, 203.0.113.0/24"
    approve(both, picture.id, picture.number)
    proof = collect(both, picture.id)
    assert proof is not None
    assert (proof.account, proof.methods) == ("zhang.san", ("mca", "mfa"))
    (entry,) = audited(both, "qr_login.approved")
    assert entry.account == "zhang.san"


@pytest.mark.parametrize(
    ("had", "handed_on"),
    [
        (("pop", "user", "hwk", "mfa"), ("mca", "mfa")),
        (("pwd", "otp", "mfa"), ("mca", "pwd", "mfa")),
        (("pwd",), ("mca", "pwd")), (("sms",), ("mca", "sms")), (("pop", "sc"), ("mca",)),
    ],
)  # fmt: skip
def test_a_desktop_never_gets_the_phones_key(
    provider: Provider, had: tuple[str, ...], handed_on: tuple[str, ...]
) -> None:
    picture = shown(provider)
    approve(provider, picture.id, picture.number, by=phone(provider, *had))
    proof = collect(provider, picture.id)
    assert proof is not None
    assert proof.methods == handed_on
    assert not sign_in.strength(proof.methods)


def test_an_answer_is_collected_once_also_by_requests_at_once(both: Provider) -> None:
    picture = shown(both)
    approve(both, picture.id, picture.number)
    outcomes = at_once(*[lambda: collect(both, picture.id)] * 3)
    assert sum(isinstance(outcome, Proof) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, QrLoginGone) for outcome in outcomes) == 2


def test_only_the_desktop_that_drew_the_picture_collects(provider: Provider) -> None:
    picture = shown(provider)
    approve(provider, picture.id, picture.number)
    with pytest.raises(QrLoginGone):
        collect(provider, picture.id, page="another browser's")
    assert collect(provider, picture.id) is not None


def test_other_digits_let_nobody_in(provider: Provider) -> None:
    picture = shown(provider)
    other = f"{(int(picture.number) + 1) % 100:02}"
    holder = phone(provider)
    with pytest.raises(WrongNumber):
        approve(provider, picture.id, other, by=holder)
    with pytest.raises(QrLoginGone):  # one try
        approve(provider, picture.id, picture.number, by=holder)
    with pytest.raises(QrLoginGone):
        collect(provider, picture.id)
    assert [entry.account for entry in audited(provider, "qr_login.denied")] == ["zhang.san"]


def test_a_picture_is_good_for_two_minutes(provider: Provider) -> None:
    picture, late = shown(provider), START + qr_login.LIFETIME
    with pytest.raises(QrLoginGone):
        approve(provider, picture.id, picture.number, at=late)
    with pytest.raises(QrLoginGone):
        collect(provider, picture.id, at=late)


def test_an_answer_is_not_collected_after_two_minutes(provider: Provider) -> None:
    picture = shown(provider)
    approve(provider, picture.id, picture.number)
    with pytest.raises(QrLoginGone):
        collect(provider, picture.id, at=START + qr_login.LIFETIME)


def test_a_picture_is_answered_once(provider: Provider) -> None:
    picture = shown(provider)
    approve(provider, picture.id, picture.number)
    with pytest.raises(QrLoginGone):
        approve(provider, picture.id, picture.number)
    holder = phone(provider)
    with provider.sessions.begin() as session, pytest.raises(QrLoginGone):
        qr_login.deny(session, picture.id, phone=holder, at=START)


def test_a_new_picture_takes_the_place_of_the_old(provider: Provider) -> None:
    old, new = shown(provider), shown(provider)
    elsewhere = shown(provider, page="interaction-2")
    with pytest.raises(QrLoginGone):
        approve(provider, old.id, old.number)
    approve(provider, new.id, new.number)
    approve(provider, elsewhere.id, elsewhere.number)


def test_a_closed_account_lets_nobody_in(provider: Provider) -> None:
    picture = shown(provider)
    approve(provider, picture.id, picture.number)
    close(provider, "zhang.san")
    with pytest.raises(QrLoginGone):
        collect(provider, picture.id)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=60), st.text(max_size=4))
def test_garbage_answers_nothing(provider: Provider, qr_id: str, number: str) -> None:
    with pytest.raises(QrLoginGone):
        collect(provider, qr_id)
    holder = BrowserSession(account="zhang.san", methods=("pwd",))
    with pytest.raises(QrLoginGone):
        qr_login.approve(provider.sessions, qr_id, number, phone=holder, at=START)


def test_a_holder_says_no(provider: Provider) -> None:
    picture = shown(provider)
    holder = phone(provider)
    with provider.sessions.begin() as session:
        qr_login.deny(session, picture.id, phone=holder, at=START)
    with pytest.raises(QrLoginGone):
        collect(provider, picture.id)
