"""Signing in through another identity system: there and back, and its word that somebody left."""

from typing import cast

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from server.pages import flow, leaving
from server.pages.route import Page
from server.pages.visitor import Looking
from sso import upstream, upstream_logout
from sso.forms import read_form
from sso.jwk import InvalidToken
from sso.oauth_errors import OAuthError
from sso.outgoing import OutgoingFailed, OutgoingRefused
from sso.provider import Provider
from sso.router_authorize import OAuthRoute

router = APIRouter(include_in_schema=False, route_class=Page)


@router.get("/sign-in/upstream/callback")
def come_back(request: Request, visitor: Looking) -> Response:
    """The other system sends the browser back here; every answer is spent by its `state`."""
    answer = {name: value for name, value in request.query_params.items() if len(value) <= 4000}
    received = upstream.finish(
        visitor.provider, answer, browser=visitor.browser, at=visitor.at
    )  # fmt: skip
    return flow.note(flow.find(visitor, received.interaction), received.proof)


@router.get("/sign-in/{interaction_id}/upstream/{slug}")
def go_there(request: Request, visitor: Looking, interaction_id: str, slug: str) -> Response:
    """To the other system. A link and not a form: nothing is changed here but a row that ends by
    itself, and the login's id is known to this browser only."""
    found = flow.find(visitor, interaction_id)
    url = upstream.begin(
        visitor.provider, slug[:32], browser=visitor.browser, interaction=interaction_id,
        at=visitor.at, asked_for=found.request,
    )  # fmt: skip
    return leaving.leave(request, visitor, url)


logout_router = APIRouter(tags=["登录 identity"], route_class=OAuthRoute)


@logout_router.post(
    "/sign-in/upstream/logout", summary="上级身份源退出通知 / An upstream's logout notice",
    response_class=Response, responses={200: {"description": "已退出 / Done"}},
)  # fmt: skip
async def receive_logout(request: Request) -> Response:
    """OpenID Connect Back-Channel Logout 1.0，第 2.5 节：`logout_token`。

    A logout token of an identity system connected here ends the sessions that came of it.
    """
    form = await read_form(request)
    provider = cast(Provider, request.app.state.provider)
    token = form.get("logout_token", "")
    try:
        await run_in_threadpool(upstream_logout.receive, provider, token, at=provider.clock())
    except (InvalidToken, OutgoingFailed, OutgoingRefused) as error:
        raise OAuthError("invalid_request", str(error)) from error
    return Response(status_code=200, headers={"Cache-Control": "no-store"})
