"""Tries are counted before they are judged; locks grow and end; nobody locks a holder out."""

import multiprocessing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sso import sign_in, throttle
from sso.messages import FileMessages
from sso.proof import FactorLocked, SignInFailed
from sso.provider import Provider
from sso.throttle import Counter, Limit
from tests.sso.provider import START
from tests.sso.signing_in import (
    MOBILE,
    PASSWORD,
    at_once,
    audited,
    citizen,
    provider_on,
    staff,
    with_totp,
)
from trust.access import Role
from trust.db import Sessions, open_engine, open_sessions
from trust.keys import SoftKeyStore

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def provider(sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return provider_on(sqlite_sessions, soft_keys, tmp_path)


@pytest.fixture
def both(sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path) -> Provider:
    return provider_on(sessions, soft_keys, tmp_path)


def fail(
    provider: Provider, times: int = 1, *, login: str = "zhang.san", network: str = HERE,
    device: str = "", at: datetime = START,
) -> None:  # fmt: skip
    for _ in range(times):
        with pytest.raises(SignInFailed):
            sign_in.by_password(provider, login, "wrong", network=network, device=device, at=at)


def gets_in(
    provider: Provider, *, network: str = HERE, device: str = "", at: datetime = START
) -> bool:
    try:
        sign_in.by_password(provider, "zhang.san", PASSWORD, network=network, device=device, at=at)
    except SignInFailed:
        return False
    return True


def told(provider: Provider) -> list[tuple[str, str]]:
    assert isinstance(provider.messages, FileMessages)
    return [(message.to, message.text) for message in provider.messages.sent()]


def test_five_wrong_passwords_lock_for_fifteen_minutes(both: Provider) -> None:
    citizen(both)
    fail(both, 5)
    assert not gets_in(both)
    assert not gets_in(both, at=START + timedelta(minutes=14, seconds=59))
    assert gets_in(both, at=START + timedelta(minutes=15))


def test_four_wrong_passwords_and_a_right_one_leave_nothing(provider: Provider) -> None:
    citizen(provider)
    for _ in range(3):
        fail(provider, 4)
        assert gets_in(provider)


def test_each_lock_is_twice_as_long_as_the_last_and_none_longer_than_a_day(
    provider: Provider,
) -> None:
    citizen(provider)
    at, lengths = START, []
    for _ in range(9):
        fail(provider, 5, at=at)
        with provider.sessions() as session:
            until = throttle.locked_until(session, "zhang.san", at=at)
        assert until is not None
        lengths.append(until - at)
        at = until
    minutes = [length.total_seconds() / 60 for length in lengths]
    assert minutes == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    assert gets_in(provider, at=at)


def test_failures_are_forgotten_after_a_day(provider: Provider) -> None:
    citizen(provider)
    fail(provider, 4)
    later = START + timedelta(hours=24)
    fail(provider, 4, at=later)
    assert gets_in(provider, at=later)


def test_a_lock_does_not_reach_another_network(provider: Provider) -> None:
    citizen(provider)
    fail(provider, 5, network=ELSEWHERE)
    assert not gets_in(provider, network="198.51.100.200")  # the same /24
    assert gets_in(provider)


def test_tries_from_everywhere_lock_the_account_but_not_the_known_device(
    provider: Provider,
) -> None:
    citizen(provider)
    assert gets_in(provider, device="my own browser")
    for net in range(12):
        fail(provider, 5, network=f"10.0.{net}.1")
    assert not gets_in(provider, network="192.0.2.1")
    assert not gets_in(provider, device="another browser")
    assert gets_in(provider, device="my own browser")


def test_the_known_device_has_its_own_five_tries(provider: Provider) -> None:
    citizen(provider)
    assert gets_in(provider, device="my own browser")
    fail(provider, 5, device="my own browser")
    assert not gets_in(provider, device="my own browser")
    assert gets_in(provider, device="another browser")


def test_a_device_is_known_to_the_account_that_used_it_only(provider: Provider) -> None:
    citizen(provider)
    staff(provider, "li.si", Role.CLERK)
    sign_in.by_password(provider, "li.si", PASSWORD, network=HERE, device="shared", at=START)
    fail(provider, 5, network=HERE)
    assert not gets_in(provider, device="shared")


def test_a_device_is_forgotten_when_it_was_not_used_for_long(provider: Provider) -> None:
    citizen(provider)
    assert gets_in(provider, device="old")
    later = START + throttle.DEVICE_LIFETIME
    fail(provider, 5, at=later)
    assert not gets_in(provider, device="old", at=later)


def test_the_newest_twenty_devices_are_kept(provider: Provider) -> None:
    citizen(provider)
    for number in range(throttle.DEVICES + 1):
        at = START + timedelta(seconds=number)
        assert gets_in(provider, device=f"browser {number}", at=at)
    with provider.sessions() as session:
        known = [
            throttle.known_device(session, "zhang.san", f"browser {number}", at=at) is not None
            for number in range(throttle.DEVICES + 1)
        ]
    assert known == [False] + [True] * throttle.DEVICES


def test_a_login_that_is_nobodys_locks_like_an_account(provider: Provider) -> None:
    fail(provider, 5, login="nobody")
    (locked,) = audited(provider, "sign_in.locked")
    assert locked.subject == "unknown"
    citizen(provider, "nobody")
    # Who takes that name afterwards begins without a lock.
    sign_in.by_password(provider, "nobody", PASSWORD, network=HERE, at=START)


def test_all_names_of_an_account_share_its_counter(provider: Provider) -> None:
    citizen(provider)
    fail(provider, 3)
    fail(provider, 2, login=MOBILE)
    assert not gets_in(provider)


def test_one_network_that_tries_everybody_is_locked(provider: Provider) -> None:
    citizen(provider)
    with provider.sessions.begin() as session:
        counters = [
            each
            for each in throttle.password_counters(
                "x", account=None, network=HERE, known_device=None
            )
            if each.kind == "password_net"
        ]
        for _ in range(300):
            assert throttle.admit(session, counters, at=START).locked_until is None
    assert not gets_in(provider)
    assert gets_in(provider, network=ELSEWHERE)


def test_a_lock_is_audited_and_the_holder_told_once_a_day(provider: Provider) -> None:
    citizen(provider)
    fail(provider, 5)
    fail(provider, 5, at=START + timedelta(hours=1))
    assert [entry.subject for entry in audited(provider, "sign_in.locked")] == ["zhang.san"] * 2
    assert [to for to, _ in told(provider)] == [MOBILE]
    fail(provider, 5, at=START + timedelta(hours=26))
    assert len(told(provider)) == 2


def test_many_tries_at_once_are_not_judged_more_often_than_five_times(both: Provider) -> None:
    citizen(both)

    def attempt() -> object:
        return sign_in.by_password(both, "zhang.san", "wrong", network=HERE, at=START)

    outcomes = at_once(*[attempt] * 12)
    assert all(isinstance(outcome, SignInFailed) for outcome in outcomes)
    entries = [entry.details for entry in audited(both, "sign_in.failed")]
    assert len(entries) == 12
    assert sum('"locked":false' in details.replace(" ", "") for details in entries) == 5


def test_twenty_wrong_codes_lock_are_audited_and_the_holder_is_told(both: Provider) -> None:
    generator = with_totp(both, citizen(both))
    good = generator.at(START)
    wrong = f"{(int(good) + 1) % 10**6:06}"
    for _ in range(20):
        with pytest.raises(SignInFailed):
            sign_in.by_totp(both, "zhang.san", wrong, at=START)
    with pytest.raises(FactorLocked):
        sign_in.by_totp(both, "zhang.san", good, at=START)
    (locked,) = audited(both, "sign_in.locked")
    assert locked.subject == "zhang.san"
    assert "totp" in locked.details
    ((to, text),) = told(both)
    assert to == MOBILE
    assert "口令" in text
    # A password is counted on its own, and the lock ends.
    assert gets_in(both)
    later = START + timedelta(hours=1)
    sign_in.by_totp(both, "zhang.san", generator.at(later), at=later)


def test_the_holder_is_told_of_locked_codes_though_told_of_a_password_before(
    provider: Provider,
) -> None:
    with_totp(provider, citizen(provider))
    fail(provider, 5)
    for _ in range(20):
        with pytest.raises(SignInFailed):
            sign_in.by_totp(provider, "zhang.san", "abcdef", at=START)
    assert len(told(provider)) == 2


def test_nineteen_wrong_codes_and_a_right_one_leave_nothing(provider: Provider) -> None:
    generator = with_totp(provider, citizen(provider))
    for turn in range(2):
        at = START + timedelta(minutes=turn)
        for _ in range(19):
            with pytest.raises(SignInFailed):
                sign_in.by_totp(provider, "zhang.san", "no", at=at)
        sign_in.by_totp(provider, "zhang.san", generator.at(at), at=at)


def test_an_account_that_gave_no_address_is_locked_all_the_same(provider: Provider) -> None:
    with_totp(provider, staff(provider, "li.si", Role.CLERK))
    for _ in range(20):
        with pytest.raises(SignInFailed):
            sign_in.by_totp(provider, "li.si", "000", at=START)
    (locked,) = audited(provider, "sign_in.locked")
    assert '"told":false' in locked.details.replace(" ", "")


def _try_in_a_process(url: str, tries: int) -> None:
    counter = throttle.code_counter("totp", "li.si")
    sessions = open_sessions(open_engine(url))
    for _ in range(tries):
        with sessions.begin() as session:
            throttle.admit(session, (counter,), at=START)


def test_processes_count_together(engine: Engine) -> None:
    """Four processes, five tries each: were one lost, there would be no lock."""
    url = engine.url.render_as_string(hide_password=False)
    spawn = multiprocessing.get_context("spawn")
    running = [spawn.Process(target=_try_in_a_process, args=(url, 5)) for _ in range(4)]
    for process in running:
        process.start()
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0] * 4
    with Session(engine) as session, session.begin():
        admission = throttle.admit(session, (throttle.code_counter("totp", "li.si"),), at=START)
    assert admission.locked_until == START + timedelta(hours=1)


def test_an_administrator_unlocks(provider: Provider) -> None:
    citizen(provider)
    fail(provider, 5)
    with provider.sessions.begin() as session:
        assert throttle.unlock(session, "zhang.san") == 2
    assert gets_in(provider)


def test_counters_are_taken_in_one_order_by_whoever_comes(both: Provider) -> None:
    """Crossed orders would end in a deadlock on PostgreSQL."""
    limit = Limit(1000)
    a, b = (Counter("password", who, "", limit, None) for who in ("a", "b"))

    def run(*order: Counter) -> None:
        for _ in range(15):
            with both.sessions.begin() as session:
                throttle.admit(session, order, at=START)

    outcomes = at_once(lambda: run(a, b), lambda: run(b, a))
    assert outcomes == [None, None]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"), ("203.0.113.0/24", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("", "unknown"), ("x" * 100_000, "unknown"), ("testclient", "unknown"),
    ],
)  # fmt: skip
def test_a_network_is_a_24_or_a_64(address: str, network: str) -> None:
    assert throttle.network_of(address) == network
