"""Accounts: names, roles that exclude each other, closed ones."""

import pytest

from sso import accounts
from sso.models import Account
from trust.access import SYSTEM, Role
from trust.clock import utc_now
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, Invalid, NotFound


def make(sessions: Sessions, name: str, *roles: Role) -> None:
    with sessions.begin() as session:
        accounts.create(
            session, name, display_name="某人", authority="11542500999000056Q", roles=roles,
            by=SYSTEM, at=utc_now(),
        )  # fmt: skip


def test_an_account_acts_with_its_roles(sessions: Sessions) -> None:
    make(sessions, "zhang.san", Role.CLERK, Role.APPROVER)
    with sessions() as session:
        caller = accounts.caller(session, "zhang.san")
    assert caller.has(Role.APPROVER)
    assert not caller.has(Role.SEAL_ADMIN)
    assert caller.authority == "11542500999000056Q"


def test_a_name_is_given_once(sessions: Sessions) -> None:
    make(sessions, "zhang.san")
    with pytest.raises(Conflict):
        make(sessions, "zhang.san")


@pytest.mark.parametrize("name", ["", "a", "A.B", "a b", "../x", "x" * 65, "张三"])
def test_a_name_of_another_form_is_refused(sqlite_sessions: Sessions, name: str) -> None:
    with pytest.raises(Invalid):
        make(sqlite_sessions, name)


def test_the_three_administrators_are_three_people(sqlite_sessions: Sessions) -> None:
    with pytest.raises(Invalid):
        make(sqlite_sessions, "root", Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN)


def test_a_closed_account_does_not_act(sqlite_sessions: Sessions) -> None:
    make(sqlite_sessions, "gone", Role.CLERK)
    with sqlite_sessions.begin() as session:
        session.get_one(Account, "gone").active = False
    with sqlite_sessions() as session:
        with pytest.raises(Forbidden):
            accounts.caller(session, "gone")
        with pytest.raises(NotFound):
            accounts.caller(session, "never")
