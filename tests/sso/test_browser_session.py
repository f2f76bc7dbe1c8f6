"""Sessions of browsers: found by their cookie while they live, ended by anyone of the account."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import tests.sso.signing_in
from sso import accounts, browser_session
from sso.browser_session import BrowserSession, SessionGone
from sso.models import Account
from sso.policy import Policy
from tests.sso.provider import START
from tests.sso.signing_in import at_once
from trust.access import SYSTEM
from trust.db import Sessions

assert tests.sso.signing_in  # all tables
POLICY = Policy()


def account(sessions: Sessions, *names: str) -> None:
    with sessions.begin() as session:
        for name in names:
            accounts.create(
                session, name, display_name="x", authority=None, roles=(), by=SYSTEM, at=START
            )


def begin(
    sessions: Sessions, name: str = "zhang.san", *, staff: bool = False, at: datetime = START,
    user_agent: str = "Firefox",
) -> tuple[str, BrowserSession]:  # fmt: skip
    with sessions.begin() as session:
        return browser_session.begin(
            session, name, methods=("pwd", "otp", "mfa"), at=at, policy=POLICY, staff=staff,
            user_agent=user_agent,
        )  # fmt: skip


def find(sessions: Sessions, token: str, at: datetime = START) -> BrowserSession | None:
    with sessions() as session:
        return browser_session.find(session, token, at=at, policy=POLICY)


def touch(sessions: Sessions, row: BrowserSession, at: datetime) -> None:
    with sessions.begin() as session:
        browser_session.touch(session, row, at=at)


def test_a_session_is_found_by_its_cookie_with_what_was_proved(sessions: Sessions) -> None:
    account(sessions, "zhang.san")
    token, begun = begin(sessions)
    row = find(sessions, token)
    assert row is not None
    assert (row.id, row.account, row.methods) == (begun.id, "zhang.san", ("pwd", "otp", "mfa"))
    assert (row.auth_time, row.acting_for, row.staff) == (START, None, False)
    assert len(row.id) == 22
    assert token.encode() not in row.digest


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.one_of(st.text(max_size=60), st.text(min_size=43, max_size=43), st.just("x" * 10**5)))
def test_no_other_cookie_finds_anything(sqlite_sessions: Sessions, token: str) -> None:
    assert find(sqlite_sessions, token) is None


@pytest.mark.parametrize(("staff", "minutes"), [(False, 30), (True, 15)])
def test_an_idle_session_ends(sqlite_sessions: Sessions, staff: bool, minutes: int) -> None:
    account(sqlite_sessions, "zhang.san")
    token, _ = begin(sqlite_sessions, staff=staff)
    end = START + timedelta(minutes=minutes)
    assert find(sqlite_sessions, token, at=end - timedelta(seconds=1)) is not None
    assert find(sqlite_sessions, token, at=end) is None


def test_a_used_session_lives_on_until_it_is_too_old(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions, "zhang.san")
    token, _ = begin(sqlite_sessions)
    at = START
    while at < START + POLICY.session_lifetime - timedelta(minutes=20):
        at += timedelta(minutes=20)
        row = find(sqlite_sessions, token, at=at)
        assert row is not None
        touch(sqlite_sessions, row, at)
    assert find(sqlite_sessions, token, at=START + POLICY.session_lifetime) is None


def test_a_session_is_stamped_once_a_minute_at_most(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions, "zhang.san")
    token, row = begin(sqlite_sessions)
    for seconds, stamped in ((59, 0), (60, 60)):
        touch(sqlite_sessions, row, START + timedelta(seconds=seconds))
        found = find(sqlite_sessions, token)
        assert found is not None
        assert found.last_seen_at == START + timedelta(seconds=stamped)


def test_an_ended_session_is_found_no_more_nor_stamped_back(sessions: Sessions) -> None:
    account(sessions, "zhang.san")
    token, row = begin(sessions)
    with sessions.begin() as session:
        assert browser_session.end(session, row, at=START)
        assert not browser_session.end(session, row, at=START)
    touch(sessions, row, START + timedelta(minutes=5))
    assert find(sessions, token) is None
    with sessions() as session:
        kept = session.scalars(select(BrowserSession)).one()
    assert (kept.ended_at, kept.last_seen_at) == (START, START)


def test_the_sessions_of_a_closed_account_are_found_no_more(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions, "zhang.san")
    token, _ = begin(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        session.get_one(Account, "zhang.san").active = False
    assert find(sqlite_sessions, token) is None


def test_all_sessions_of_an_account_end_but_the_one_that_asks(sessions: Sessions) -> None:
    account(sessions, "zhang.san", "li.si")
    mine, here = begin(sessions)
    others = [begin(sessions)[1].id for _ in range(2)]
    theirs, _ = begin(sessions, "li.si")
    with sessions.begin() as session:
        ended = browser_session.end_all(session, "zhang.san", at=START, except_id=here.id)
        again = browser_session.end_all(session, "zhang.san", at=START, except_id=here.id)
    assert ended == sorted(others)
    assert again == []
    assert find(sessions, mine) is not None
    assert find(sessions, theirs) is not None


def test_proving_more_keeps_the_session_and_changes_its_cookie(sessions: Sessions) -> None:
    account(sessions, "zhang.san")
    token, row = begin(sessions)
    later = START + timedelta(minutes=5)
    with sessions.begin() as session:
        row = session.get_one(BrowserSession, row.id)
        new = browser_session.strengthen(session, row, ("pop", "user", "hwk"), at=later)
    assert find(sessions, token, at=later) is None
    found = find(sessions, new, at=later)
    assert found is not None
    assert (found.id, found.methods, found.auth_time) == (row.id, ("pop", "user", "hwk"), later)


def test_of_two_requests_that_prove_more_at_once_one_gets_the_new_cookie(
    sessions: Sessions,
) -> None:
    account(sessions, "zhang.san")
    _, row = begin(sessions)

    def more() -> object:
        with sessions.begin() as session:
            return browser_session.strengthen(session, session.merge(row), ("pop",), at=START)

    outcomes = at_once(more, more, more)
    # The merge reads the row anew: on SQLite the later one finds the new digest and replaces it.
    tokens = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert all(isinstance(outcome, str | SessionGone) for outcome in outcomes)
    assert sum(find(sessions, token) is not None for token in tokens) == 1


def test_an_ended_session_proves_no_more(sqlite_sessions: Sessions) -> None:
    account(sqlite_sessions, "zhang.san")
    _, row = begin(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        row = session.get_one(BrowserSession, row.id)
        browser_session.end(session, row, at=START)
        with pytest.raises(SessionGone):
            browser_session.strengthen(session, row, ("pop",), at=START)


def test_an_account_sees_its_living_sessions_the_last_used_first(
    sqlite_sessions: Sessions,
) -> None:
    account(sqlite_sessions, "zhang.san", "li.si")
    begin(sqlite_sessions, at=START - timedelta(hours=1))  # idle too long
    _, ended = begin(sqlite_sessions)
    _, first = begin(sqlite_sessions, at=START - timedelta(minutes=10))
    _, second = begin(sqlite_sessions, at=START - timedelta(minutes=5))
    begin(sqlite_sessions, "li.si")
    with sqlite_sessions.begin() as session:
        browser_session.end(session, ended, at=START)
    with sqlite_sessions() as session:
        rows = browser_session.of_account(session, "zhang.san", at=START, policy=POLICY)
    assert [row.id for row in rows] == [second.id, first.id]


def test_what_a_browser_says_of_itself_is_cut_and_made_printable(
    sqlite_sessions: Sessions,
) -> None:
    account(sqlite_sessions, "zhang.san")
    _, row = begin(sqlite_sessions, user_agent="Fire\x00fox\u202e\ud800\n" + "x" * 10_000)
    assert row.user_agent.startswith("Firefoxx")
    assert len(row.user_agent) <= 200
