"""The account page: who one is here, since when and how sure, what was done, who has access."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import select

from server.pages import account_words, identity_words, show
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from sso import assurance, browser_session, clients, contact, grants, particulars, recovery
from sso.models import Account, AccountKind
from sso.raise_level import raise_level
from trust.audit import AuditEntry
from trust.errors import Forbidden, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

PURPOSE = "account"
_PLACES = (
    ("/account", "概况", "Overview"),
    ("/account/credentials", "登录方式", "Credentials"),
    ("/account/sessions", "设备", "Sessions"),
    ("/account/platforms", "平台", "Platforms"),
    ("/account/agents", "经办人", "Agents"),
    ("/account/history", "记录", "History"),
)
_HISTORY_PAGE = 50
_BY_REGISTRY = {AccountKind.NATURAL: ("population_match",), AccountKind.LEGAL: ("entity_match",)}
_BY_FACE = {AccountKind.NATURAL: ("face",), AccountKind.LEGAL: ("representative_face",)}


def account_page(me: SignedIn, template: str, **values: Any) -> Response:
    """One of the account's pages, with its forms' token."""
    return show.page(
        me.visitor, template, places=_PLACES, csrf=show.session_token(me, PURPOSE), **values
    )


def check(me: SignedIn, form: Posted) -> None:
    """ForeignForm unless the form came from a page of this session."""
    show.check_session_form(me, form, PURPOSE)


@router.get("/account")
def show_account(me: Present, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    return _overview(me, done=account_words.DONE.get(done))


def _overview(me: SignedIn, **values: Any) -> Response:
    with me.provider.reading() as session:
        evidence = assurance.evidence(session, me.account.name, me.at)
        level = assurance.level_in_force(session, me.account.name, at=me.at)
        recovering = bool(recovery.pending(session, me.account.name, at=me.at))
        facts = _facts(me)
    shown = [
        {
            "words": (assurance.METHODS[row.method].zh, assurance.METHODS[row.method].en),
            "at": row.obtained_at, "until": row.expires_at, "level": row.level,
        }
        for row in evidence
    ]  # fmt: skip
    methods = [
        (method, assurance.METHODS[method].zh, assurance.METHODS[method].en)
        for method in raising_methods(me.account, development=me.provider.policy.development)
        if method not in {row.method for row in evidence}
    ]
    return account_page(
        me, "account.html", here="/account", name=me.account.display_name, level=level,
        account_name=me.account.name, facts=facts, evidence=shown, recovery=recovering,
        methods=methods if me.account.particulars else [],
        has_contact=me.account.particulars is not None, may_close=not me.account.roles, **values,
    )  # fmt: skip


def raising_methods(account: Account, *, development: bool) -> tuple[str, ...]:
    """By what this account may raise its level here; a simulated face only in development."""
    kind = AccountKind(account.kind)
    return _BY_REGISTRY[kind] + (_BY_FACE[kind] if development else ())


def _facts(me: SignedIn) -> list[tuple[str, str, str]]:
    """What the account holds, masked: a page may be read over a shoulder."""
    known: particulars.Particulars | None = None
    if me.account.particulars is not None:
        known = particulars.open_particulars(me.provider.vault, me.account)
    facts = account_words.particulars(known) if known else []
    roles = [" ".join(identity_words.ROLES[row.role]) for row in me.account.roles]
    if roles:
        facts.append(("角色", "Roles", "、".join(roles)))
    if me.account.authority:
        facts.append(("所属机关", "Authority", me.account.authority))
    return facts


@router.post("/account/raise")
def raise_own_level(me: Present, form: Posted) -> Response:
    check(me, form)
    method = form.text("method", cap=24)
    try:
        raise_by(me, method, face=form.text(f"face-{method}", cap=200))
    except TrustError as error:
        return _overview(me, trouble=identity_words.refusal(error))
    return show.onward(me.visitor, "/account?done=raised")


def raise_by(me: SignedIn, method: str, *, face: str) -> None:
    """One check of the account's holder; Forbidden for a method that is not offered here."""
    if method not in raising_methods(me.account, development=me.provider.policy.development):
        raise Forbidden("this check is not offered here")
    provider = me.provider
    loser = raise_level(
        provider.sessions, provider.vault, provider.checks, me.account.name, method=method,
        by=me.caller, at=me.at, picture=face.encode(),
    )  # fmt: skip
    if loser is not None:
        contact.tell_lost(provider, loser)


@router.post("/account/recovery/cancel")
def cancel_recovery(me: Present, form: Posted) -> Response:
    check(me, form)
    with me.provider.sessions.begin() as session:
        recovery.cancel_all(session, me.account.name, by=me.caller, at=me.at)
    return show.onward(me.visitor, "/account?done=recovery-cancelled")


@router.get("/account/sessions")
def show_sessions(me: Present) -> Response:
    with me.provider.reading() as session:
        rows = browser_session.of_account(
            session, me.account.name, at=me.at, policy=me.provider.policy
        )
    shown = [
        {
            "id": row.id, "device": account_words.device(row.user_agent),
            "auth_time": row.auth_time, "last_seen_at": row.last_seen_at,
            "methods": identity_words.methods(row.methods), "current": row.id == me.session.id,
        }
        for row in rows
    ]  # fmt: skip
    return account_page(me, "account_sessions.html", here="/account/sessions", sessions=shown)


@router.get("/account/platforms")
def show_platforms(me: Present) -> Response:
    with me.provider.reading() as session:
        held = grants.of_account(session, me.account.name)
    by_client: dict[str, dict[str, Any]] = {}
    for grant in held:
        shown = by_client.setdefault(
            grant.client_id,
            {"since": grant.created_at, "names": set(), "offline": False},
        )
        shown["names"] |= set(grant.scopes)
        shown["offline"] = shown["offline"] or grant.offline
    platforms = [
        {
            "client_id": client_id, "name": _name_of(me, client_id), "since": shown["since"],
            "scopes": identity_words.scopes(shown["names"]), "offline": shown["offline"],
        }
        for client_id, shown in by_client.items()
    ]  # fmt: skip
    return account_page(me, "account_platforms.html", here="/account/platforms",
                        platforms=platforms)  # fmt: skip


def _name_of(me: SignedIn, client_id: str) -> str:
    found = clients.find(me.provider.reading, client_id)
    return found.name if found else client_id


@router.post("/account/platforms/revoke")
def revoke_platform(me: Present, form: Posted) -> Response:
    check(me, form)
    client_id = form.text("client_id", cap=100)
    with me.provider.sessions.begin() as session:
        grants.withdraw(session, me.account.name, client_id, by=me.caller, at=me.at)
    return show.onward(me.visitor, "/account/platforms")


@router.get("/account/history")
def show_history(me: Present, before: Annotated[int | None, Query(ge=0)] = None) -> Response:
    mine = AuditEntry.subject == me.account.name
    wanted = select(AuditEntry).where(mine).order_by(AuditEntry.sequence.desc())
    if before is not None:
        wanted = wanted.where(AuditEntry.sequence < before)
    with me.provider.reading() as session:
        found = list(session.scalars(wanted.limit(_HISTORY_PAGE + 1)))
    named = {str(json.loads(row.details).get("client", "")) for row in found} - {""}
    names = {client_id: _name_of(me, client_id) for client_id in named}
    entries = [account_words.entry(row, names) for row in found[:_HISTORY_PAGE]]
    older = found[_HISTORY_PAGE - 1].sequence if len(found) > _HISTORY_PAGE else None
    return account_page(me, "account_history.html", here="/account/history", entries=entries,
                        older=older)  # fmt: skip
