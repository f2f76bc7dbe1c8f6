"""The end_session endpoint (RP-Initiated Logout 1.0), and how OAuth refusals are answered."""

import hmac
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from sso import browser_session, clients, logout, upstream_departing
from sso.credential_models import BrowserSession
from sso.forms import FORM_TYPE, parse_form, read_form
from sso.oauth_errors import NO_STORE, OAuthError
from sso.provider import Provider
from trust.access import Caller

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]
#: Browser applications of other origins may call: no cookie counts there, so nothing is given to a
#: page that it could not fetch by itself.
OPEN: Final = {"Access-Control-Allow-Origin": "*"}
_FORM: Final = {"requestBody": {"content": {FORM_TYPE: {"schema": {"type": "object"}}}}}

_LEAVING: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}},
    303: {"description": "浏览器转往别处 / The browser goes elsewhere"},
}


class ProgramRoute(APIRoute):
    """A route for programs: refusals in the form of RFC 6749, 5.2, or a page where one is due."""

    def get_route_handler(self) -> _Handler:
        inner = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await inner(request)
            except OAuthError as error:
                if error.page:
                    return cast(Response, request.app.state.render_error(request, error))
                return refusal(error)

        return answered


def refusal(error: OAuthError) -> Response:
    """JSON; headers one by one, since WWW-Authenticate may stand twice (RFC 9449, 7.1)."""
    answer = JSONResponse(error.body(), error.status, OPEN)
    answer.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
    for name, value in error.headers:
        answer.headers.append(name, value)
    return answer


router = APIRouter(route_class=ProgramRoute)


def _provider(request: Request) -> Provider:
    return cast(Provider, request.app.state.provider)


@router.get(logout.PATH, summary="退出登录 / Log out", response_class=Response, responses=_LEAVING)
def log_out(request: Request) -> Response:
    """平台请求退出登录（RP-Initiated Logout）。/ A platform, or a person, asks to log out."""
    query = cast(bytes, request.scope["query_string"])
    return _log_out(request, _as_page(parse_form, query))


@router.post(
    logout.PATH, summary="退出登录（POST）/ Log out by POST", response_class=Response,
    openapi_extra=_FORM, responses=_LEAVING,
)  # fmt: skip
async def log_out_by_post(request: Request) -> Response:
    """同上，参数在表单中；也是确认页的去处。/ The same; and where the page that asks posts to."""
    try:
        form = await read_form(request)
    except OAuthError as error:
        error.page = True
        raise
    return await run_in_threadpool(_log_out_by_post, request, form)


def _as_page(read: Callable[[bytes], dict[str, str]], query: bytes) -> dict[str, str]:
    try:
        return read(query)
    except OAuthError as error:
        error.page = True
        raise


def _log_out_by_post(request: Request, form: dict[str, str]) -> Response:
    """A form from another site comes without our cookies (SameSite=Lax): ask again by GET."""
    token = _session_token(request)
    if token is None:
        return RedirectResponse(f"{logout.PATH}?{urlencode(form)}", 303, dict(NO_STORE))
    confirmed = form.pop("logout", "") == "yes"
    given = form.pop("csrf", "").encode("utf-8", "replace")
    if confirmed and hmac.compare_digest(given, _csrf(_provider(request), token).encode()):
        return _end(request, logout.read(_provider(request), form, at=_at(request)), token)
    return _log_out(request, form)


def _log_out(request: Request, parameters: Mapping[str, str]) -> Response:
    """1. judge the parameters, 2. end the session at once if the hint is about it, 3. else ask."""
    provider, token = _provider(request), _session_token(request)
    asked = logout.read(provider, parameters, at=_at(request))
    with provider.reading() as session:
        current = _session_of(request, token)
        if current is None:
            return _gone(request, logout.LoggedOut(asked.client, (), asked.goes_to), None)
        expected = logout.is_expected(session, provider, asked, current)
    if expected is not None:
        return _end(request, asked, token or "")
    page = logout.Confirm(asked.client, _csrf(provider, token or ""), logout.PATH, dict(parameters))
    return cast(Response, request.app.state.render_logout(request, page))


def _end(request: Request, asked: logout.Asked, token: str) -> Response:
    """What ends here is committed before the browser leaves to be logged out elsewhere too."""
    provider, at = _provider(request), _at(request)
    frames: tuple[str, ...] = ()
    elsewhere: upstream_departing.Login | None = None
    with provider.sessions.begin() as session:
        current = browser_session.find(session, token, at=at, policy=provider.policy)
        if current is not None:
            by = Caller(account=current.account, authority=None, roles=frozenset())
            elsewhere = upstream_departing.login_of(session, provider, current)
            frames = logout.end_session(session, provider, current, by=by, at=at)
    page = logout.LoggedOut(asked.client, frames, asked.goes_to)
    if elsewhere is not None:
        client_id = asked.client.client_id if asked.client else ""
        away = upstream_departing.depart(
            provider, elsewhere, client_id=client_id, goes_to=asked.goes_to, at=at
        )
        page = page if away is None else logout.LoggedOut(None, frames, away)
    return _gone(request, page, token)


@router.get(upstream_departing.LEFT, include_in_schema=False, response_class=Response)
def come_back(request: Request, state: str = "") -> Response:
    """The browser comes back from the other region, where it was logged out as well."""
    provider = _provider(request)
    back = upstream_departing.arrive(provider, state, at=_at(request))
    client = clients.find(provider.reading, back.client_id) if back.client_id else None
    return _gone(request, logout.LoggedOut(client, (), back.goes_to), None)


def _gone(request: Request, page: logout.LoggedOut, token: str | None) -> Response:
    """Straight on where there is nothing to show; else the page with the frames."""
    by_form = request.method == "POST"  # CSP's form-action would stop a redirect after a form
    if page.goes_to is not None and not page.frames and not by_form:
        answer: Response = RedirectResponse(page.goes_to, 303, dict(NO_STORE))
    else:
        answer = cast(Response, request.app.state.render_logged_out(request, page))
    if token is not None:
        secure = _provider(request).issuer.startswith("https:")
        answer.delete_cookie(_cookie(request), path="/", secure=secure, httponly=True)
    return answer


def _at(request: Request) -> datetime:
    return _provider(request).clock()


def _cookie(request: Request) -> str:
    """Over https it has the __Host- prefix."""
    secure = _provider(request).issuer.startswith("https:")
    return "__Host-trust_session" if secure else "trust_session"


def _session_token(request: Request) -> str | None:
    return request.cookies.get(_cookie(request)) or None


def _session_of(request: Request, token: str | None) -> BrowserSession | None:
    provider = _provider(request)
    if token is None:
        return None
    with provider.reading() as session:
        return browser_session.find(session, token, at=provider.clock(), policy=provider.policy)


def _csrf(provider: Provider, token: str) -> str:
    """What only our own page, in the browser of this session, can know."""
    return provider.vault.index(token, column="logout.csrf").hex()
