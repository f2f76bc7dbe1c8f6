"""People as accounts: found by what they type, one number one account, roles granted by others."""

from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sso import accounts, agents, assurance, browser_session, clients, closing, grants, people
from sso.claim_key import KeyTaken, claim_key
from sso.models import Account
from sso.particulars import NoParticulars, Particulars, open_particulars
from sso.people import AccountTaken
from sso.people_models import Capacity
from sso.policy import Policy
from sso.token_models import LogoutDelivery
from tests.sso.samples import (
    AT,
    BODY,
    LI,
    MARKET,
    MOBILE,
    NUMBER,
    OTHER_MOBILE,
    SECURITY,
    TRANSPORT,
    USCC,
    VAULT,
    acts,
    add,
    add_body,
    details,
    found,
    himself,
    row,
)
from trust.access import SYSTEM, Caller, Role
from trust.db import Sessions
from trust.errors import Invalid

PLATFORM = {
    "client_name": "Platform",
    "redirect_uris": ["https://platform.example.cn/back"],
    "backchannel_logout_uri": "https://platform.example.cn/logout",
}


def set_roles(
    sessions: Sessions, name: str, *roles: Role, by: Caller = SECURITY, authority: str | None = None
) -> None:
    with sessions.begin() as session:
        people.set_roles(
            session, session.get_one(Account, name), roles, authority=authority, by=by, at=AT
        )


@pytest.mark.parametrize(
    "typed",
    ["zhang.san", "ZHANG.SAN", " zhang.san ", "13800000001", "+8613800000001", "138 0000 0001",
     "11010519491231002X", "11010519491231002x", "zhang@example.cn", "Zhang@EXAMPLE.cn"],
)  # fmt: skip
def test_a_person_is_found_by_each_of_their_names(sqlite_sessions: Sessions, typed: str) -> None:
    add(sqlite_sessions, name="zhang.san")
    assert found(sqlite_sessions, typed) == "zhang.san"


def test_a_person_is_found_on_both_databases(sessions: Sessions) -> None:
    name = add(sessions)
    assert found(sessions, NUMBER) == name
    assert found(sessions, MOBILE) == name


def test_a_body_is_found_by_its_code(sqlite_sessions: Sessions) -> None:
    name = add_body(sqlite_sessions)
    assert found(sqlite_sessions, USCC.lower()) == name
    assert row(sqlite_sessions, name).display_name == BODY
    assert row(sqlite_sessions, name).kind == "legal"


def test_a_person_is_found_by_a_passport(sqlite_sessions: Sessions) -> None:
    name = add(sqlite_sessions, Particulars(name="WANG Wu", key_type="414", key_number="e12345678"))
    assert found(sqlite_sessions, "E12345678") == name


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(typed=st.text(max_size=300))
def test_garbage_finds_nobody_and_never_raises(sqlite_sessions: Sessions, typed: str) -> None:
    assert found(sqlite_sessions, typed) is None


@pytest.mark.parametrize("typed", ["\ud800", "a\0b", "x" * 10_000, "@", "+", "1" * 18, " "])
def test_hostile_input_finds_nobody(sqlite_sessions: Sessions, typed: str) -> None:
    add(sqlite_sessions)
    assert found(sqlite_sessions, typed) is None


def test_an_address_that_two_gave_names_nobody(sqlite_sessions: Sessions) -> None:
    add(sqlite_sessions)
    other = Particulars(
        name="李四", key_type="111", key_number=LI.key_number, email="zhang@example.cn"
    )
    add(sqlite_sessions, other)
    assert found(sqlite_sessions, "zhang@example.cn") is None


@pytest.mark.parametrize(
    "name", ["13800000001", "11010519491231002x", USCC.lower(), "root", "张三"]
)
def test_a_user_name_that_reads_as_a_number_is_refused(
    sqlite_sessions: Sessions, name: str
) -> None:
    with pytest.raises(Invalid):
        add(sqlite_sessions, name=name)


def test_names_without_a_wish_are_random(sqlite_sessions: Sessions) -> None:
    first, second = add(sqlite_sessions), add(sqlite_sessions, LI)
    assert first != second
    assert first.startswith("p")
    assert len(first) == 13


@pytest.mark.parametrize(
    "second",
    [
        Particulars(name="李四", key_type="111", key_number=NUMBER),
        Particulars(name="李四", key_type="111", key_number=LI.key_number, mobile=MOBILE),
    ],
    ids=["number", "mobile"],
)
def test_a_number_has_one_account_and_the_refusal_tells_nothing(
    sessions: Sessions, second: Particulars
) -> None:
    name = add(sessions)
    with pytest.raises(AccountTaken) as refused:
        add(sessions, second)
    told = str(refused.value)
    assert refused.value.__cause__ is None
    assert not any(word in told for word in (name, NUMBER, MOBILE, "张三丰", "张**"))


def test_of_two_who_add_one_number_at_once_one_wins(sessions: Sessions) -> None:
    outcomes: list[str] = []

    def work(mobile: str) -> None:
        known = Particulars(name="张三丰", key_type="111", key_number=NUMBER, mobile=mobile)
        try:
            outcomes.append(add(sessions, known))
        except AccountTaken:
            outcomes.append("taken")

    threads = [Thread(target=work, args=(f"1390000000{each}",)) for each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("taken") == 3
    assert found(sessions, NUMBER) in outcomes


def test_what_is_declared_only_names_nobody(sqlite_sessions: Sessions) -> None:
    add(sqlite_sessions, key_checked=False)
    assert found(sqlite_sessions, NUMBER) is None
    second = add(sqlite_sessions, Particulars(name="张三丰", key_type="111", key_number=NUMBER))
    assert found(sqlite_sessions, NUMBER) == second


def test_a_better_proof_takes_the_number_from_a_lesser_one(sessions: Sessions) -> None:
    squatter = add(sessions, level=1)
    true = add(
        sessions, Particulars(name="张三丰", key_type="111", key_number=NUMBER), key_checked=False
    )
    with sessions.begin() as session:
        account = session.get_one(Account, true)
        with pytest.raises(KeyTaken):
            claim_key(session, VAULT, account, level=1, by=himself(true), at=AT)
        loser = claim_key(session, VAULT, account, level=2, by=himself(true), at=AT)
    assert loser is not None
    assert loser.name == squatter
    assert found(sessions, NUMBER) == true
    with sessions() as session:
        assert assurance.level(session, squatter, at=AT) == 0
    assert acts(sessions)[-1] == "account.key_lost"


def test_the_imported_level_is_evidence(sqlite_sessions: Sessions) -> None:
    name = add(sqlite_sessions, level=2)
    with sqlite_sessions() as session:
        assert assurance.level(session, name, at=AT) == 2
    assert acts(sqlite_sessions) == ["assurance.raised", "account.created"]


def test_nothing_personal_reaches_the_row_or_the_log(sqlite_sessions: Sessions) -> None:
    stored = row(sqlite_sessions, add(sqlite_sessions))
    box = stored.particulars or b""
    assert stored.display_name == "张**"
    assert b"138" not in box
    assert "张三丰".encode() not in box
    assert "张" not in str(details(sqlite_sessions, "account.created"))


def test_contacts_change_and_the_old_ones_are_returned(sqlite_sessions: Sessions) -> None:
    name = add(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        account = session.get_one(Account, name)
        before = people.change_contact(
            session, VAULT, account, mobile="13911112222", by=himself(name), at=AT
        )
    assert before.mobile == MOBILE
    assert found(sqlite_sessions, "13911112222") == name
    assert found(sqlite_sessions, MOBILE) is None
    assert found(sqlite_sessions, "zhang@example.cn") == name
    assert details(sqlite_sessions, "account.contact_changed") == {"changed": ["mobile"]}


def test_nobody_takes_another_accounts_mobile(sessions: Sessions) -> None:
    add(sessions)
    other = add(sessions, LI)
    with sessions() as session:
        account = session.get_one(Account, other)
        with pytest.raises(AccountTaken):
            people.change_contact(session, VAULT, account, mobile=MOBILE, by=himself(other), at=AT)
    assert found(sessions, OTHER_MOBILE) == other


def test_roles_are_given_and_taken(sqlite_sessions: Sessions) -> None:
    name = add(sqlite_sessions)
    set_roles(sqlite_sessions, name, Role.CLERK, Role.APPROVER, authority=MARKET)
    set_roles(sqlite_sessions, name, Role.APPROVER, Role.OFFICE, authority=MARKET)
    with sqlite_sessions() as session:
        caller = accounts.caller(session, name)
    assert caller.roles == {Role.APPROVER, Role.OFFICE}
    assert caller.authority == MARKET
    assert details(sqlite_sessions, "account.roles_changed")["before"] == ["approver", "clerk"]


def test_new_roles_end_what_was_begun_without_them(sessions: Sessions) -> None:
    name = add(sessions)
    with sessions.begin() as session:
        token, begun = browser_session.begin(
            session, name, methods=("pwd",), at=AT, policy=Policy(), user_agent="", staff=False
        )
        clients.add(session, PLATFORM, by=SYSTEM, at=AT, client_id="platform")
        grant = grants.begin_grant(
            session, account=name, client_id="platform", scopes=["openid", "offline_access"],
            session_id=begun.id, at=AT,
        )  # fmt: skip
    set_roles(sessions, name, Role.SEAL_ADMIN, authority=MARKET)
    with sessions() as session:
        assert browser_session.find(session, token, at=AT, policy=Policy()) is None
        assert session.get_one(grants.Grant, grant.id).revoked_reason == "roles changed"
        notices = session.scalars(select(LogoutDelivery)).all()
    assert [(notice.client_id, notice.sid) for notice in notices] == [("platform", begun.id)]


@pytest.mark.parametrize(
    ("by", "authority"),
    [
        (Caller("someone", None, frozenset({Role.SYSTEM_ADMIN})), MARKET),
        (Caller("zhang.san", None, frozenset({Role.SECURITY_ADMIN})), MARKET),
        (Caller("of.transport", TRANSPORT, frozenset({Role.SECURITY_ADMIN})), MARKET),
        (Caller("of.transport", TRANSPORT, frozenset({Role.SECURITY_ADMIN})), None),
    ],
    ids=["another administrator", "oneself", "another authority", "the whole platform"],
)
def test_roles_are_granted_by_a_security_administrator_of_the_authority(
    sqlite_sessions: Sessions, by: Caller, authority: str | None
) -> None:
    name = add(sqlite_sessions, name="zhang.san")
    with pytest.raises(accounts.MayNotGrant):
        set_roles(sqlite_sessions, name, Role.CLERK, by=by, authority=authority)
    assert row(sqlite_sessions, name).roles == []


def test_a_security_administrator_takes_nobody_from_another_authority(
    sqlite_sessions: Sessions,
) -> None:
    name = add(sqlite_sessions)
    set_roles(sqlite_sessions, name, Role.CLERK, authority=MARKET)
    by = Caller("of.transport", TRANSPORT, frozenset({Role.SECURITY_ADMIN}))
    with pytest.raises(accounts.MayNotGrant):
        set_roles(sqlite_sessions, name, Role.CLERK, by=by, authority=TRANSPORT)


def test_the_three_administrators_are_never_one_account(sqlite_sessions: Sessions) -> None:
    name = add(sqlite_sessions)
    with pytest.raises(Invalid):
        set_roles(sqlite_sessions, name, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)


def test_a_body_has_no_roles(sqlite_sessions: Sessions) -> None:
    name = add_body(sqlite_sessions)
    with pytest.raises(Invalid):
        set_roles(sqlite_sessions, name, Role.CLERK)


def test_a_suspended_account_is_found_again_when_resumed(sqlite_sessions: Sessions) -> None:
    name = add(sqlite_sessions)
    with sqlite_sessions.begin() as session:
        account = session.get_one(Account, name)
        closing.suspend(session, account, reason="lost phone", by=SECURITY, at=AT)
        with pytest.raises(closing.NotInThatState):
            closing.suspend(session, account, reason="again", by=SECURITY, at=AT)
    assert found(sqlite_sessions, MOBILE) is None
    with sqlite_sessions.begin() as session:
        closing.resume(session, session.get_one(Account, name), reason="", by=SECURITY, at=AT)
    assert found(sqlite_sessions, MOBILE) == name


def test_a_closed_account_forgets_the_person_who_may_come_back(sessions: Sessions) -> None:
    body, name = add_body(sessions), add(sessions)
    with sessions.begin() as session:
        agents.grant(
            session, organisation=body, agent=name, capacity=Capacity.LEGAL_REPRESENTATIVE,
            scope="all", not_before=AT, not_after=None, by=SYSTEM, at=AT,
        )  # fmt: skip
    with sessions.begin() as session:
        closing.close(session, session.get_one(Account, name), reason="", by=himself(name), at=AT)
    with sessions() as session:
        with pytest.raises(NoParticulars):
            open_particulars(VAULT, session.get_one(Account, name))
        assert agents.acting_for(session, name, at=AT) == []
    assert found(sessions, NUMBER) is None
    assert add(sessions) != name


def test_nobody_closes_another_citizens_account(sqlite_sessions: Sessions) -> None:
    name = add(sqlite_sessions)
    with pytest.raises(accounts.MayNotGrant), sqlite_sessions.begin() as session:
        closing.close(session, session.get_one(Account, name), reason="", by=himself("li"), at=AT)
