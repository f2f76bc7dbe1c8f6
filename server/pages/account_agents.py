"""For whom one acts, and who acts for one's organisation: appointed and dismissed here."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session

from server.pages import account_words, identity_words, show
from server.pages.account import account_page, check
from server.pages.account_credentials import require_recent
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from sso import agents, factors, representation
from sso.appointing import find_agent
from sso.models import Account, AccountKind
from sso.people_models import Agency, Capacity
from trust.clock import CHINA
from trust.errors import Forbidden, Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_HERE = "/account/agents"


@router.get(_HERE)
def show_agents(me: Present, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    return _agents_page(me, done=account_words.DONE.get(done))


def _agents_page(me: SignedIn, **values: Any) -> Response:
    with me.provider.reading() as session:
        shown = _organisations(session, me)
    natural = me.account.kind == AccountKind.NATURAL and me.account.particulars is not None
    return account_page(
        me, "account_agents.html", here=_HERE, organisations=shown, may_represent=natural, **values
    )


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
    n, organisation = form.text("n", cap=4), form.text("organisation", cap=64)
    try:
        agent = _person(me, organisation, form.text(f"agent-{n}", cap=64))
        with me.provider.sessions.begin() as session:
            agents.grant(
                session, organisation=organisation, agent=agent,
                capacity=Capacity.AGENT, scope=form.text(f"scope-{n}", cap=200), not_before=me.at,
                not_after=_end_of(form, f"until-{n}"), by=me.caller, at=me.at,
            )  # fmt: skip
    except TrustError as error:
        return _agents_page(me, trouble=identity_words.refusal(error))
    return show.onward(me.visitor, _HERE)


def _person(me: SignedIn, organisation: str, login: str) -> str:
    """The account of whom is to be appointed, by somebody who showed something of their own."""
    with me.provider.reading() as session:
        if not factors.is_own(session, me.account.name, me.session.methods):
            raise Forbidden("sign in with your own password to appoint somebody")
    return find_agent(me.provider, organisation, login, by=me.caller, at=me.at)


def _end_of(form: Form, name: str) -> datetime:
    """The end of the day that was chosen, in China."""
    try:
        day = date.fromisoformat(form.text(name, cap=10))
        return datetime.combine(day, time(), CHINA) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise Invalid("the end is a day written YYYY-MM-DD") from error


@router.post("/account/agents/represent")
def bring_organisation(me: Present, form: Posted) -> Response:
    """Become its legal representative's account holder, if the registry says so."""
    check(me, form)
    try:
        require_recent(me)
        representation.represent(
            me.provider, me.account.name, uscc=form.text("uscc", cap=18).upper(),
            name=form.text("body", cap=100), at=me.at,
        )  # fmt: skip
    except TrustError as error:
        return _agents_page(me, trouble=identity_words.refusal(error))
    return show.onward(me.visitor, f"{_HERE}?done=represents")


@router.post("/account/agents/revoke")
def dismiss(me: Present, form: Posted) -> Response:
    check(me, form)
    wanted = form.text("id", cap=18)
    if not wanted.isascii() or not wanted.isdigit():
        raise NotFound("no such authorisation")
    with me.provider.sessions.begin() as session:
        agents.revoke(session, int(wanted), by=me.caller, at=me.at)
    return show.onward(me.visitor, _HERE)
