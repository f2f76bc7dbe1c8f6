"""Whom an organisation wants to appoint, found by what they log in with; nobody is let search."""

from datetime import datetime

from sso import agents, people, throttle
from sso.people_models import Capacity
from sso.provider import Provider
from trust.access import Caller
from trust.errors import Conflict, NotFound


class TooManyNames(Conflict):
    """Too many people in a row who are not here: somebody searches."""

    code = "too_many_names"


def find_agent(
    provider: Provider, organisation: str, login: str, *, by: Caller, at: datetime
) -> str:
    """The account of whom is to be appointed; NotFound, MayNotAct or TooManyNames.

    Who may not appoint learns nothing of who has an account here, and who may is not let search:
    every try is counted before it is told.
    """
    counter = throttle.code_counter("agent", by.account)
    with provider.sessions.begin() as session:
        agents.check_may_appoint(session, organisation, Capacity.AGENT, by=by, at=at)
        admission = throttle.admit(session, (counter,), at=at)
    if admission.locked_until is not None:
        raise TooManyNames("too many people were looked for; wait a while")
    with provider.sessions.begin() as session:
        found = people.find_by_login(session, provider.vault, login)
        if found is None:
            raise NotFound("there is no such person here")
        throttle.clear(session, (counter,), at=at)
        return found.name
