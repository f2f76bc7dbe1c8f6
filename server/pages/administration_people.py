"""Administration of people: found by a whole number only, masked, given roles, suspended."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import select, tuple_

from server.pages import account_words, identity_words, show
from server.pages.administration import PAGE, PURPOSE, admin_page, require
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from sso import accounts, assurance, browser_session, closing, logout, particulars, people
from sso.models import Account, AccountRole
from sso.token_models import LogoutDelivery
from trust import audit
from trust.access import Role
from trust.errors import NotFound

router = APIRouter(route_class=Page, include_in_schema=False)

#: What a form with checkboxes may grant; `operator` is the platform's own.
_GRANTED = tuple(role for role in identity_words.ROLES if role != Role.OPERATOR)
_RECENT = 200


@router.get("/admin/people")
def show_search(me: Present) -> Response:
    require(me, Role.SECURITY_ADMIN)
    return _people_page(me, None, searched=False)


@router.post("/admin/people")
def find_person(me: Present, form: Posted) -> Response:
    """By the whole number or name: nobody leafs through a nation. Every search is recorded."""
    require(me, Role.SECURITY_ADMIN)
    show.check_session_form(me, form, PURPOSE)
    with me.provider.sessions.begin() as session:
        found = people.find_by_login(session, me.provider.vault, form.text("key", cap=64))
        if found is None:  # a suspended account can be found by its name, to be let act again
            found = session.get(Account, form.text("key", cap=64).lower())
        details: dict[str, audit.JSON] = {"found": found is not None}
        audit.record(
            session, "person.searched", subject=found.name if found else "unknown", by=me.caller,
            at=me.at, details=details,
        )  # fmt: skip
    return _people_page(me, found, searched=True)


def _people_page(me: SignedIn, found: Account | None, **values: Any) -> Response:
    return admin_page(
        me, "admin_people.html", here="/admin/people", person=_person(me, found) if found else None,
        may_grant=me.caller.has(Role.SECURITY_ADMIN),
        roles=[(role, *identity_words.ROLES[role]) for role in _GRANTED],
        **({"searched": True} | values),
    )  # fmt: skip


def _person(me: SignedIn, account: Account) -> dict[str, Any]:
    """What an administrator sees of somebody: masked, and no more than it takes to know them."""
    provider = me.provider
    with provider.reading() as session:
        level = assurance.level_in_force(session, account.name, at=me.at)
        sessions = browser_session.of_account(
            session, account.name, at=me.at, policy=provider.policy
        )
        known: particulars.Particulars | None = None
        if account.particulars is not None:
            known = particulars.read(
                session, provider.vault, provider.audit, account,
                purpose="administration, masked", by=me.caller, at=me.at,
            )  # fmt: skip
    facts = account_words.particulars(known) if known else []
    facts += [
        ("认证等级", "Level", str(level)), ("登录的设备", "Sessions", str(len(sessions))),
        ("状态", "State", "启用 active" if account.active else "停用 suspended"),
    ]  # fmt: skip
    return {
        "account": account.name, "name": account.display_name, "facts": facts,
        "roles": {row.role for row in account.roles}, "authority": account.authority,
        "active": account.active,
    }  # fmt: skip


def _named(me: SignedIn, form: Form) -> str:
    show.check_session_form(me, form, PURPOSE)
    return form.text("account", cap=64)


@router.post("/admin/people/roles")
def set_roles(me: Present, form: Posted) -> Response:
    name = _named(me, form)
    wanted = [Role(role) for role in _GRANTED if form.text(f"role.{role}")]
    with me.provider.sessions.begin() as session:
        account = _find(session.get(Account, name))
        people.set_roles(
            session, account, wanted, authority=form.text("authority", cap=18).upper() or None,
            by=me.caller, at=me.at,
        )  # fmt: skip
    return _people_page(me, account, done=("角色已保存。", "Roles saved."))


def _find(account: Account | None) -> Account:
    if account is None:
        raise NotFound("no such account")
    return account


@router.post("/admin/people/sessions/end")
def end_sessions(me: Present, form: Posted) -> Response:
    name = _named(me, form)
    with me.provider.sessions.begin() as session:
        account = session.get(Account, name)
        # Whoever may only look (an audit administrator) may not, and none beyond their authority.
        accounts.check_may_grant(
            me.caller, to=name, authority=account.authority if account else None
        )
        account = _find(account)
        logout.end_all(session, me.provider, name, by=me.caller, at=me.at)
    return _people_page(me, account, done=("已结束全部登录。", "All sessions ended."))


@router.post("/admin/people/switch")
def switch_account(me: Present, form: Posted) -> Response:
    """Suspend, or let act again: the form says which."""
    name = _named(me, form)
    switch = closing.resume if form.text("active") == "yes" else closing.suspend
    with me.provider.sessions.begin() as session:
        account = _find(session.get(Account, name))
        switch(session, account, reason=form.text("reason", cap=200), by=me.caller, at=me.at)
    return _people_page(me, account, done=("已保存。", "Saved."))


@router.get("/admin/roles")
def list_roles(me: Present, after: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Who holds which role, by role and account; paged in the database."""
    require(me, Role.SECURITY_ADMIN)
    role, _, name = after.partition("~")
    wanted = (
        select(AccountRole.role, Account.name, Account.display_name, Account.authority,
               Account.active)
        .join(Account, Account.name == AccountRole.account)
        .order_by(AccountRole.role, AccountRole.account)
    )  # fmt: skip
    if after:
        wanted = wanted.where(tuple_(AccountRole.role, AccountRole.account) > (role, name))
    if me.caller.authority is not None:  # an authority's administrator sees its own people
        wanted = wanted.where(Account.authority == me.caller.authority)
    with me.provider.reading() as session:
        rows = session.execute(wanted.limit(PAGE + 1)).all()
    held = [
        {
            "words": identity_words.ROLES.get(row.role, (row.role, row.role)), "name":
            row.display_name, "account": row.name, "authority": row.authority, "active": row.active,
        }
        for row in rows[:PAGE]
    ]  # fmt: skip
    last = f"{rows[PAGE - 1].role}~{rows[PAGE - 1].name}" if len(rows) > PAGE else ""
    return admin_page(me, "admin_roles.html", here="/admin/roles", held=held, after=last)


@router.get("/admin/deliveries")
def list_deliveries(me: Present) -> Response:
    """The newest back-channel logout notices and what became of them."""
    require(me, Role.SYSTEM_ADMIN)
    newest = select(LogoutDelivery).order_by(LogoutDelivery.id.desc()).limit(_RECENT)
    with me.provider.reading() as session:
        rows = list(session.scalars(newest))
    return admin_page(
        me, "admin_deliveries.html", here="/admin/deliveries",
        deliveries=[_delivery(row) for row in rows],
    )  # fmt: skip


def _delivery(row: LogoutDelivery) -> dict[str, Any]:
    if row.delivered_at is not None:
        words, mood, when = ("已送达", "delivered"), "good", row.delivered_at
    elif row.given_up_at is not None:
        words, mood, when = ("已放弃", "given up"), "bad", row.given_up_at
    else:
        words, mood, when = ("待送", "waiting"), "unsure", row.next_at or row.created_at
    return {
        "client_id": row.client_id, "words": words, "mood": mood, "tries": row.tried, "at": when,
    }  # fmt: skip
