"""Who acts for an organisation: appointed by those who may, in a scope, until a day."""

from datetime import datetime, timedelta

import pytest

from sso import agents, closing
from sso.agents import MayNotAct
from sso.models import Account
from sso.people_models import Agency, Capacity
from tests.sso.samples import AT, LI, acts, add, add_body, details, himself
from trust.access import SYSTEM, Caller, Role
from trust.db import Sessions
from trust.errors import Invalid, NotFound

MONTH = timedelta(days=30)


def appoint(
    sessions: Sessions, body: str, person: str, *, by: Caller,
    capacity: Capacity = Capacity.AGENT, not_before: datetime = AT,
    not_after: datetime | None = AT + MONTH,
) -> Agency:  # fmt: skip
    with sessions.begin() as session:
        return agents.grant(
            session, organisation=body, agent=person, capacity=capacity, scope="企业开办",
            not_before=not_before, not_after=not_after, by=by, at=AT,
        )  # fmt: skip


def appoint_representative(sessions: Sessions, body: str, person: str) -> Agency:
    representative = Capacity.LEGAL_REPRESENTATIVE
    return appoint(sessions, body, person, by=SYSTEM, capacity=representative, not_after=None)


def may_act(sessions: Sessions, person: str, body: str, *, at: datetime = AT) -> Agency:
    with sessions() as session:
        return agents.may_act(session, person, body, at=at)


def test_an_organisation_appoints_an_agent(sessions: Sessions) -> None:
    body, person = add_body(sessions), add(sessions)
    with pytest.raises(MayNotAct):
        may_act(sessions, person, body)
    given = appoint(sessions, body, person, by=himself(body))
    found = may_act(sessions, person, body)
    assert (found.id, found.scope, found.capacity) == (given.id, "企业开办", "agent")
    assert details(sessions, "agency.granted")["agent"] == person


def test_a_legal_representative_appoints_agents_and_no_representative(
    sqlite_sessions: Sessions,
) -> None:
    body, boss = add_body(sqlite_sessions), add(sqlite_sessions)
    clerk = add(sqlite_sessions, LI)
    appoint_representative(sqlite_sessions, body, boss)
    appoint(sqlite_sessions, body, clerk, by=himself(boss))
    assert may_act(sqlite_sessions, clerk, body).granted_by == boss
    with pytest.raises(MayNotAct):
        appoint(
            sqlite_sessions, body, clerk, by=himself(boss),
            capacity=Capacity.LEGAL_REPRESENTATIVE, not_after=None,
        )  # fmt: skip


@pytest.mark.parametrize("role", [None, *Role])
def test_nobody_else_appoints_whatever_their_role(
    sqlite_sessions: Sessions, role: Role | None
) -> None:
    body, person = add_body(sqlite_sessions), add(sqlite_sessions)
    by = Caller("li.si", None, frozenset({role} if role else ()))
    with pytest.raises(MayNotAct):
        appoint(sqlite_sessions, body, person, by=by)


def test_an_agent_appoints_nobody(sqlite_sessions: Sessions) -> None:
    body, agent = add_body(sqlite_sessions), add(sqlite_sessions)
    friend = add(sqlite_sessions, LI)
    appoint(sqlite_sessions, body, agent, by=himself(body))
    with pytest.raises(MayNotAct):
        appoint(sqlite_sessions, body, friend, by=himself(agent))


@pytest.mark.parametrize(
    ("not_before", "not_after"),
    [
        (AT, None), (AT, AT), (AT + MONTH, AT), (AT - MONTH, AT - timedelta(days=1)),
        (AT, AT + agents.LONGEST + timedelta(days=1)),
    ],
    ids=["no end", "empty", "turned round", "over", "too long"],
)  # fmt: skip
def test_an_agents_time_has_an_end_that_makes_sense(
    sqlite_sessions: Sessions, not_before: datetime, not_after: datetime | None
) -> None:
    body, person = add_body(sqlite_sessions), add(sqlite_sessions)
    with pytest.raises(Invalid):
        appoint(
            sqlite_sessions, body, person, by=himself(body), not_before=not_before,
            not_after=not_after,
        )  # fmt: skip


def test_an_agency_counts_within_its_time_only(sessions: Sessions) -> None:
    body, person = add_body(sessions), add(sessions)
    begins, ends = AT + timedelta(days=1), AT + timedelta(days=2)
    appoint(sessions, body, person, by=himself(body), not_before=begins, not_after=ends)
    for at in (begins - timedelta(seconds=1), ends):
        with pytest.raises(MayNotAct):
            may_act(sessions, person, body, at=at)
    assert may_act(sessions, person, body, at=begins)


@pytest.mark.parametrize("who", ["organisation", "representative", "agent"])
def test_three_may_end_an_agency_and_once(sqlite_sessions: Sessions, who: str) -> None:
    body, boss = add_body(sqlite_sessions), add(sqlite_sessions)
    agent = add(sqlite_sessions, LI)
    appoint_representative(sqlite_sessions, body, boss)
    agency = appoint(sqlite_sessions, body, agent, by=himself(body))
    by = himself({"organisation": body, "representative": boss, "agent": agent}[who])
    with sqlite_sessions.begin() as session:
        agents.revoke(session, agency.id, by=by, at=AT)
    with pytest.raises(MayNotAct):
        may_act(sqlite_sessions, agent, body)
    with sqlite_sessions() as session, pytest.raises(NotFound):
        agents.revoke(session, agency.id, by=himself(body), at=AT)
    assert acts(sqlite_sessions).count("agency.revoked") == 1


def test_others_do_not_even_learn_of_an_agency(sqlite_sessions: Sessions) -> None:
    body, agent = add_body(sqlite_sessions), add(sqlite_sessions)
    agency = appoint(sqlite_sessions, body, agent, by=himself(body))
    told = []
    for agency_id in (agency.id, agency.id + 1):
        with sqlite_sessions() as session, pytest.raises(NotFound) as refused:
            agents.revoke(session, agency_id, by=himself("li.si"), at=AT)
        told.append(str(refused.value))
    assert told[0] == told[1]
    assert may_act(sqlite_sessions, agent, body)


def test_nobody_acts_for_a_suspended_organisation(sqlite_sessions: Sessions) -> None:
    body, agent = add_body(sqlite_sessions), add(sqlite_sessions)
    appoint(sqlite_sessions, body, agent, by=himself(body))
    with sqlite_sessions.begin() as session:
        closing.suspend(session, session.get_one(Account, body), reason="", by=SYSTEM, at=AT)
    with sqlite_sessions() as session:
        assert agents.acting_for(session, agent, at=AT) == []
    with pytest.raises(MayNotAct):
        may_act(sqlite_sessions, agent, body)


def test_a_person_is_no_organisation_and_an_organisation_no_agent(
    sqlite_sessions: Sessions,
) -> None:
    body, person = add_body(sqlite_sessions), add(sqlite_sessions)
    for organisation, agent in ((person, person), (body, body)):
        with pytest.raises(Invalid):
            appoint(sqlite_sessions, organisation, agent, by=SYSTEM)


def test_the_strongest_agency_is_the_one_acted_by(sqlite_sessions: Sessions) -> None:
    body, boss = add_body(sqlite_sessions), add(sqlite_sessions)
    appoint(sqlite_sessions, body, boss, by=himself(body))
    appoint_representative(sqlite_sessions, body, boss)
    assert may_act(sqlite_sessions, boss, body).capacity == "legal_representative"
