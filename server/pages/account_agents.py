"""For whom one acts, and who acts for one's organisation: appointed and dismissed here."""

from datetime import date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from server.pages import identity_words, show
from server.pages.account import account_page, check
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from sso import agents, people
from sso.models import Account, AccountKind
from sso.people_models import Agency, Capacity
from trust.clock import CHINA
from trust.errors import Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_HERE = "/account/agents"


@router.get(_HERE)
def show_agents(me: Present) -> Response:
    return _agents_page(me)


def _agents_page(me: SignedIn, **values: Any) -> Response:
    with me.provider.reading() as session:
        shown = _organisations(session, me)
    return account_page(me, "account_agents.html", here=_HERE, organisations=shown, **values)


def _organisations(session: Session, me: SignedIn) -> list[dict[str, Any]]:
    """Of an organisation's account itself; else of those its holder acts for. Who may appoint sees
    everybody, an agent only themselves."""
    own = me.account
    if own.kind == AccountKind.LEGAL:
        held = agents.agents_of(session, own.name, at=me.at)
        return [_organisation(session, own, held, grants=True)]
    by_name: dict[str, list[Agency]] = {}
    for agency in agents.acting_for(session, own.name, at=me.at):
        by_name.setdefault(agency.organisation, []).append(agency)
    shown = []
    for name, held in by_name.items():
        appoints = any(each.capacity == Capacity.LEGAL_REPRESENTATIVE for each in held)
        rows = agents.agents_of(session, name, at=me.at) if appoints else held
        shown.append(_organisation(session, session.get_one(Account, name), rows, grants=appoints))
    return shown


def _organisation(
    session: Session, account: Account, held: list[Agency], *, grants: bool
) -> dict[str, Any]:
    people_by_name = {row.agent: session.get_one(Account, row.agent).display_name for row in held}
    return {
        "account": account.name, "name": account.display_name, "grants": grants,
        "agents": [
            {
                "id": row.id, "name": people_by_name[row.agent], "scope": row.scope,
                "capacity": identity_words.CAPACITIES[row.capacity], "not_before": row.not_before,
                "not_after": row.not_after,
            }
            for row in held
        ],
    }  # fmt: skip


@router.post("/account/agents/grant")
def appoint(me: Present, form: Posted) -> Response:
    check(me, form)
    n = form.text("n", cap=4)
    try:
        with me.provider.sessions.begin() as session:
            agent = people.find_by_login(
                session, me.provider.vault, form.text(f"agent-{n}", cap=64)
            )
            if agent is None:
                raise NotFound("there is no such person here")
            agents.grant(
                session, organisation=form.text("organisation", cap=64), agent=agent.name,
                capacity=Capacity.AGENT, scope=form.text(f"scope-{n}", cap=200), not_before=me.at,
                not_after=_end_of(form, f"until-{n}"), by=me.caller, at=me.at,
            )  # fmt: skip
    except TrustError as error:
        return _agents_page(me, trouble=identity_words.refusal(error))
    return show.onward(me.visitor, _HERE)


def _end_of(form: Form, name: str) -> datetime:
    """The end of the day that was chosen, in China."""
    try:
        day = date.fromisoformat(form.text(name, cap=10))
        return datetime.combine(day, time(), CHINA) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise Invalid("the end is a day written YYYY-MM-DD") from error


@router.post("/account/agents/revoke")
def dismiss(me: Present, form: Posted) -> Response:
    check(me, form)
    wanted = form.text("id", cap=18)
    if not wanted.isascii() or not wanted.isdigit():
        raise NotFound("no such authorisation")
    with me.provider.sessions.begin() as session:
        agents.revoke(session, int(wanted), by=me.caller, at=me.at)
    return show.onward(me.visitor, _HERE)
