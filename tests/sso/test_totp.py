"""Codes of an authenticator application: RFC 6238, each step once, enrolled by the first code."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

import tests.sso.signing_in
from sso import accounts, totp
from sso.credential_models import Totp
from sso.totp import NothingPending, WrongTotp
from tests.sso.provider import START
from tests.sso.signing_in import himself
from trust.access import SYSTEM
from trust.db import Sessions
from trust.errors import NotFound
from trust.vault import Vault

assert tests.sso.signing_in  # all tables
VAULT = Vault(bytes(16), bytes(32))
ZHANG = himself("zhang.san")


def account(sessions: Sessions, name: str = "zhang.san") -> None:
    with sessions.begin() as session:
        accounts.create(
            session, name, display_name="x", authority=None, roles=(), by=SYSTEM, at=START
        )


def enrolled(sessions: Sessions, name: str = "zhang.san") -> pyotp.TOTP:
    """An authenticator confirmed an hour before START."""
    at = START - timedelta(hours=1)
    with sessions.begin() as session:
        made = totp.enrol(session, VAULT, name, issuer="政务", at=at)
        totp.confirm(session, VAULT, name, pyotp.TOTP(made.secret).at(at), by=ZHANG, at=at)
    return pyotp.TOTP(made.secret)


def verify(sessions: Sessions, code: str, at: datetime = START, name: str = "zhang.san") -> None:
    with sessions.begin() as session:
        totp.verify(session, VAULT, name, code, at=at)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
        (2000000000, "279037"), (20000000000, "353130"),
    ],
)  # fmt: skip
def test_the_codes_are_those_of_rfc_6238_appendix_b(
    sqlite_sessions: Sessions, seconds: int, code: str
) -> None:
    """Secret "12345678901234567890"; of the eight digits printed there, the last six."""
    account(sqlite_sessions)
    enrolled(sqlite_sessions)
    secret = VAULT.seal(b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", context="totp.secret:zhang.san")
    with sqlite_sessions.begin() as session:
        session.execute(update(Totp).values(secret=secret, last_step=0))
    verify(sqlite_sessions, code, at=datetime.fromtimestamp(seconds, UTC))


def test_an_authenticator_counts_after_its_first_code(sessions: Sessions) -> None:
    account(sessions)
    with sessions.begin() as session:
        made = totp.enrol(session, VAULT, "zhang.san", issuer="政务", at=START)
    code = pyotp.TOTP(made.secret).at(START)
    with pytest.raises(WrongTotp):
        verify(sessions, code)
    with sessions.begin() as session:
        assert not totp.enrolled(session, "zhang.san")
        totp.confirm(session, VAULT, "zhang.san", code, by=ZHANG, at=START)
        assert totp.enrolled(session, "zhang.san")
    with pytest.raises(WrongTotp):
        verify(sessions, code)  # spent by confirming


def test_the_picture_says_what_applications_read(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        made = totp.enrol(session, VAULT, "zhang.san", issuer="政务服务", at=START)
    read = pyotp.parse_uri(made.uri)
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.name, read.issuer) == (made.secret, "zhang.san", "政务服务")
    assert made.secret not in repr(made)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_one_step_off(sqlite_sessions: Sessions, steps: int) -> None:
    account(sqlite_sessions)
    generator = enrolled(sqlite_sessions)
    verify(sqlite_sessions, generator.at(START + steps * timedelta(seconds=30)))


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_clock_may_not_be_two_steps_off(sqlite_sessions: Sessions, steps: int) -> None:
    account(sqlite_sessions)
    generator = enrolled(sqlite_sessions)
    with pytest.raises(WrongTotp):
        verify(sqlite_sessions, generator.at(START + steps * timedelta(seconds=30)))


def test_no_step_is_taken_twice_nor_one_before_it(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions)
    generator = enrolled(sqlite_sessions)
    verify(sqlite_sessions, generator.at(START))
    for earlier in (0, 30):
        with pytest.raises(WrongTotp):
            verify(sqlite_sessions, generator.at(START - timedelta(seconds=earlier)))
    verify(sqlite_sessions, generator.at(START + timedelta(seconds=30)))


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=12))
def test_what_is_not_six_digits_is_no_code(text: str) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    if text.isascii() and text.isdigit() and len(text) == 6:
        return
    with pytest.raises(WrongTotp):
        totp._step_of(secret, text, at=START)


def test_digits_of_another_script_are_no_code(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions)
    generator = enrolled(sqlite_sessions)
    arabic = generator.at(START).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    with pytest.raises(WrongTotp):
        verify(sqlite_sessions, arabic)


def test_enrolling_again_leaves_the_old_authenticator_until_the_new_ones_first_code(
    sqlite_sessions: Sessions,
) -> None:
    account(sqlite_sessions)
    old = enrolled(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        made = totp.enrol(session, VAULT, "zhang.san", issuer="政务", at=START)
    verify(sqlite_sessions, old.at(START))
    new, later = pyotp.TOTP(made.secret), START + timedelta(minutes=1)
    with sqlite_sessions.begin() as session:
        totp.confirm(session, VAULT, "zhang.san", new.at(later), by=ZHANG, at=later)
    later += timedelta(minutes=1)
    with pytest.raises(WrongTotp):
        verify(sqlite_sessions, old.at(later), at=later)
    verify(sqlite_sessions, new.at(later), at=later)


def test_an_enrolment_is_not_confirmed_by_a_wrong_code_nor_too_late_nor_twice(
    sqlite_sessions: Sessions,
) -> None:
    account(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        with pytest.raises(NothingPending):
            totp.confirm(session, VAULT, "zhang.san", "123456", by=ZHANG, at=START)
        made = totp.enrol(session, VAULT, "zhang.san", issuer="政务", at=START)
        generator = pyotp.TOTP(made.secret)
        wrong = generator.at(START + timedelta(hours=5))
        with pytest.raises(WrongTotp):
            totp.confirm(session, VAULT, "zhang.san", wrong, by=ZHANG, at=START)
        late = START + totp.PENDING_LIFETIME
        with pytest.raises(NothingPending):
            totp.confirm(session, VAULT, "zhang.san", generator.at(late), by=ZHANG, at=late)
        totp.confirm(session, VAULT, "zhang.san", generator.at(START), by=ZHANG, at=START)
        with pytest.raises(NothingPending):
            totp.confirm(session, VAULT, "zhang.san", generator.at(START), by=ZHANG, at=START)


def test_a_code_is_good_for_its_own_account_only(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions)
    account(sqlite_sessions, "li.si")
    generator = enrolled(sqlite_sessions)
    enrolled(sqlite_sessions, "li.si")
    with pytest.raises(WrongTotp):
        verify(sqlite_sessions, generator.at(START), name="li.si")


def test_a_removed_authenticator_takes_no_code(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions)
    generator = enrolled(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        totp.remove(session, "zhang.san", by=ZHANG, at=START)
    with pytest.raises(WrongTotp):
        verify(sqlite_sessions, generator.at(START))
    with sqlite_sessions.begin() as session, pytest.raises(NotFound):
        totp.remove(session, "zhang.san", by=ZHANG, at=START)


def test_the_secret_lies_sealed_and_opens_in_its_own_row_only(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions)
    generator = enrolled(sqlite_sessions)
    with sqlite_sessions() as session:
        stored = session.get_one(Totp, "zhang.san").secret
    assert stored is not None
    assert generator.secret.encode() not in stored
    assert VAULT.unseal(stored, context="totp.secret:zhang.san").decode() == generator.secret
