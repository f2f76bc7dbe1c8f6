"""What a platform gets, in whose name; and the level it asks for, when that is not reached."""

from typing import Any

from fastapi import APIRouter, Request, Response

from server.pages import flow, identity_words
from server.pages.account import raising_methods
from server.pages.flow import Flow
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Looking
from sso import agents, assurance, contact, grants, interactions, scopes
from sso.models import Account
from sso.raise_level import raise_level
from trust.errors import Forbidden, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)


def show(found: Flow, _way: str, **values: Any) -> Response:
    request, account = found.request, found.account
    if request is None or account is None:
        raise interactions.InteractionGone("nobody signed in yet")
    chosen = found.interaction.acting_for
    if not found.interaction.chosen and found.visitor.session is not None:
        chosen = found.visitor.session.acting_for
    asked = identity_words.scopes(request.scope)
    claims = sorted(grants.claim_names(request.claims))
    if claims:
        named = "、".join(claims)
        asked.append((f"另外请求的信息项：{named}", "claims asked for besides", True))
    return flow.page(
        found, "consent.html", scopes=asked, name=account.display_name, acting_for=chosen or "",
        organisations=_organisations(found, account), **values,
    )  # fmt: skip


def _organisations(found: Flow, account: Account) -> list[tuple[str, str, str]]:
    """Account, name, scope: for whom this person may act, where the platform wants to know it."""
    if found.request is None or scopes.ORGANISATION not in found.request.scope:
        return []
    with found.provider.reading() as session:
        held = agents.acting_for(session, account.name, at=found.visitor.at)
        names = {each.organisation: session.get_one(Account, each.organisation) for each in held}
    return [
        (each.organisation, f"{names[each.organisation].display_name}（{each.scope}）",
         identity_words.CAPACITIES[each.capacity][1])
        for each in held
    ]  # fmt: skip


@router.post("/sign-in/{interaction_id}/consent")
def decide(request: Request, visitor: Looking, interaction_id: str, form: Posted) -> Response:
    """Yes, in whose name; anything else is no."""
    found = flow.posted(visitor, interaction_id, form)
    if not form.text("consent"):
        return flow.refuse(request, found, "access_denied", "the person did not consent")
    if found.standing is None:
        return flow.go_on(found)
    try:
        _agree(found, form.text("acting_for", cap=64) or None)
    except TrustError as error:
        return show(found, "", trouble=identity_words.refusal(error))
    return flow.go_on(found)


def _agree(found: Flow, organisation: str | None) -> None:
    visitor = found.visitor
    account = found.standing.account if found.standing else ""
    with found.provider.sessions.begin() as session:
        row = interactions.find(session, found.id, browser=visitor.browser, at=visitor.at)
        if found.request is not None and scopes.ORGANISATION in found.request.scope:
            interactions.choose(session, row, organisation, account=account, at=visitor.at)
        interactions.agree(session, row, account=account)


def show_raise(found: Flow, _way: str, **values: Any) -> Response:
    """The level asked for, the level reached, and what can be done about it here."""
    request, account = found.request, found.account
    if request is None or account is None:
        raise interactions.InteractionGone("nobody signed in yet")
    asked = interactions.wanted(request)
    with found.provider.reading() as session:
        level = assurance.level_in_force(session, account.name, at=found.visitor.at)
    development = found.provider.policy.development
    methods = [
        (method, assurance.METHODS[method].zh, assurance.METHODS[method].en)
        for method in raising_methods(account, development=development)
        if (assurance.METHODS[method].level or 0) > level
    ]
    return flow.page(
        found, "raise_level.html", wanted=asked.target, level=level, simulated=development,
        methods=methods if account.particulars else [], action=f"{found.path}/raise",
        may_go_on=not asked.essential, **values,
    )  # fmt: skip


@router.post("/sign-in/{interaction_id}/raise")
def raise_by(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    found = flow.posted(visitor, interaction_id, form)
    if found.account is None or found.step is not interactions.Step.RAISE_LEVEL:
        return flow.go_on(found)
    method, provider = form.text("method", cap=24), found.provider
    try:
        if method not in raising_methods(found.account, development=provider.policy.development):
            raise Forbidden("this check is not offered here")
        loser = raise_level(
            provider.sessions, provider.vault, provider.checks, found.account.name, method=method,
            by=flow.caller(found), at=visitor.at,
            picture=form.text(f"face-{method}", cap=200).encode(),
        )  # fmt: skip
        if loser is not None:
            contact.tell_lost(provider, loser)
    except TrustError as error:
        return show_raise(found, "", trouble=identity_words.refusal(error))
    return flow.go_on(found)


@router.post("/sign-in/{interaction_id}/as-is")
def go_on_as_is(visitor: Looking, interaction_id: str, form: Posted) -> Response:
    """Without the level that was only wished for (Core, 3.1.2.1, acr_values is voluntary)."""
    found = flow.posted(visitor, interaction_id, form)
    account = flow.caller(found).account
    with found.provider.sessions.begin() as session:
        row = interactions.find(session, found.id, browser=visitor.browser, at=visitor.at)
        interactions.decline_raise(session, row, account=account)
    return flow.go_on(found)
