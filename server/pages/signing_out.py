"""Signing out: the pages of the logout endpoint, and of "sign out everywhere".

`/oauth2/end_session` judges the platform's request and ends the session; what the person sees on
the way is made here, as `state.render_logout` and `state.render_logged_out`.
"""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from server.pages import cookies, leaving, show
from server.pages.account import check
from server.pages.form import Posted
from server.pages.route import Page, platform
from server.pages.visitor import Present, visitor_of
from sso import logout
from sso.browser_session import BrowserSession
from sso.logout import Confirm, LoggedOut
from trust.errors import NotFound

router = APIRouter(route_class=Page, include_in_schema=False)

#: Seconds for the platforms' frames to load before the page goes on.
FRAME_SECONDS = 2


@router.get("/logout")
def sign_out() -> RedirectResponse:
    """A short address for people; the endpoint asks them first."""
    return RedirectResponse(logout.PATH, 303)


def render_logout(request: Request, asked: Confirm) -> Response:
    """Ask first: a link on somebody's page must not sign people out."""
    return show.page(
        visitor_of(request), "logout.html", action=asked.action, fields=dict(asked.fields),
        client=platform(asked.client), csrf=asked.csrf,
    )  # fmt: skip


def render_logged_out(request: Request, ended: LoggedOut) -> Response:
    """The end: the platforms' frames load, then the browser goes on, if anywhere.

    Only this page may show frames, and only of the origins that were registered for it.
    """
    visitor = visitor_of(request)
    to = ended.client.name if ended.client else ""
    if ended.goes_to is not None and not ended.frames:
        return leaving.leave(request, visitor, ended.goes_to, to=to)
    values: dict[str, Any] = {"frames": ended.frames, "url": ended.goes_to or "", "to": to}
    return show.page(
        visitor, "logged_out.html", headers=leaving.policy(frames=ended.frames),
        wait=FRAME_SECONDS, signed_in=False, **values,
    )  # fmt: skip


@router.post("/account/sessions/end")
def end_session(me: Present, form: Posted) -> Response:
    """End one of one's own sessions elsewhere."""
    check(me, form)
    provider = me.provider
    with provider.sessions.begin() as session:
        row = session.get(BrowserSession, form.text("id", cap=22))
        if row is None or row.account != me.account.name:
            raise NotFound("no such session")
        logout.end_session(session, provider, row, by=me.caller, at=me.at)
    return show.onward(me.visitor, "/account/sessions")


@router.post("/account/sessions/end-all")
def end_sessions(request: Request, me: Present, form: Posted) -> Response:
    """Everywhere, here too."""
    check(me, form)
    with me.provider.sessions.begin() as session:
        frames = logout.end_all(session, me.provider, me.account.name, by=me.caller, at=me.at)
    answer = render_logged_out(request, LoggedOut(None, frames, None))
    cookies.drop_session(answer, secure=me.visitor.secure)
    return answer
