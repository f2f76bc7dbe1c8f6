"""The end of one's own account: what follows is told first, and the user name typed."""

from typing import Any

from fastapi import APIRouter, Request, Response

from server.pages import cookies, identity_words
from server.pages.account import account_page, check
from server.pages.account_credentials import require_recent
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.signing_out import render_logged_out
from server.pages.visitor import Present, SignedIn
from sso import agents, close_own, grants
from sso.logout import LoggedOut
from sso.models import AccountKind
from trust.errors import Invalid, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)


class OtherAccount(Invalid):
    """The name that was typed is not this account's."""

    code = "other_account"


@router.get("/account/close")
def show_closing(me: Present) -> Response:
    require_recent(me)
    return _page(me)


def _page(me: SignedIn, **values: Any) -> Response:
    with me.provider.reading() as session:
        platforms = {each.client_id for each in grants.of_account(session, me.account.name)}
        acts_for = len(agents.acting_for(session, me.account.name, at=me.at))
        if me.account.kind == AccountKind.LEGAL:
            acts_for = len(agents.agents_of(session, me.account.name, at=me.at))
    return account_page(
        me, "account_closing.html", here="/account", account_name=me.account.name,
        platforms=len(platforms), agencies=acts_for,
        legal=me.account.kind == AccountKind.LEGAL, **values,
    )  # fmt: skip


@router.post("/account/close")
def close_account(request: Request, me: Present, form: Posted) -> Response:
    """For good. The page after it loads the platforms' frames, as after any sign-out."""
    check(me, form)
    require_recent(me)
    try:
        if form.text("account", cap=64).lower() != me.account.name:
            raise OtherAccount("type this account's own user name")
        frames = close_own.close_own(me.provider, by=me.caller, at=me.at)
    except TrustError as error:
        return _page(me, trouble=identity_words.refusal(error))
    answer = render_logged_out(request, LoggedOut(None, frames, None))
    cookies.drop_session(answer, secure=me.visitor.secure)
    return answer
