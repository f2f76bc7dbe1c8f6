"""What every identity page does with a refusal: a page in the same frame, or the way to sign in."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from server import problems
from server.pages import identity_words, render
from server.pages.visitor import SignInFirst
from sso import clients
from sso.client import Client
from sso.interactions import InteractionGone
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from trust.errors import TrustError

_logger = logging.getLogger("trust.pages")
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]

#: Errors of an authorization request that no platform is told of (RFC 6749, 4.1.2.1).
_UNKNOWN = ("平台没有登记或已停用", "The platform is not registered, or switched off")
_OAUTH_TITLES = {
    "invalid_client": _UNKNOWN,
    "unauthorized_client": _UNKNOWN,
    "server_error": ("系统内部错误", "Internal error"),
    "temporarily_unavailable": ("暂时无法提供服务", "Temporarily unavailable"),
}
_OAUTH_TITLE = ("平台发来的请求有误", "The platform sent a bad request")


class Page(APIRoute):
    """A route whose refusals are pages; a fault of ours goes on to the application's handlers."""

    def get_route_handler(self) -> _Handler:
        below = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await below(request)
            except SignInFirst:
                return sign_in_first(request)
            except InteractionGone as error:
                return _show_gone(request, error)
            except TrustError as error:
                if isinstance(error, OAuthError) or problems.status_of(type(error)) < 500:
                    return render_error(request, error)
                raise

        return shown


def sign_in_first(request: Request) -> Response:
    """To the sign-in page, and back to where they wanted to go: for a form, to its page."""
    path = request.url.path
    if request.method != "GET":
        path = "/" + path.split("/")[1] + ("/" if path.startswith("/admin") else "")
    elif request.url.query and path == "/device":
        path += "?" + request.url.query[:200]
    target = f"/sign-in?next={quote(path[:400], safe='')}"
    return RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})


def render_error(request: Request, error: TrustError) -> Response:
    """An error page: for `state.render_error`, and for the refusals of our own pages.

    Says that nothing was sent to the platform, and the request's id, which the log explains.
    """
    region = cast(str, request.app.state.region_name)
    request_id = str(request.scope.get("request_id", ""))
    if isinstance(error, OAuthError):
        title, code, status = _oauth_title(error), error.error, error.status
        words, detail = ("无法继续登录。", "You cannot be signed in this way."), error.description
        headers = dict(error.headers)
    else:
        status, code = problems.status_of(type(error)), error.code
        title = problems.TITLES.get(status, ("未能办理", "Refused"))
        words, detail, headers = identity_words.refusal(error), "", {}
    _logger.info("request %s: %s", request_id, code)
    return render.page(
        "identity/error.html", status=status,
        headers={**headers, "Cache-Control": "no-store"}, region=region, signed_in=False,
        administers=False, title=title, words=words, detail=detail, code=code,
        request_id=request_id, platform=isinstance(error, OAuthError),
    )  # fmt: skip


def _show_gone(request: Request, error: InteractionGone) -> Response:
    """The end of a login that is over; where the platform can begin anew, the way there."""
    provider = cast(Provider, request.app.state.provider)
    client = clients.find(provider.reading, error.client_id) if error.client_id else None
    again = ""
    if client is not None and client.initiate_login_uri:
        joint = "&" if urlsplit(client.initiate_login_uri).query else "?"
        # OIDC Core 1.0, 4: third-party initiated login.
        again = f"{client.initiate_login_uri}{joint}{urlencode({'iss': provider.issuer})}"
    elif client is not None:
        again = client.client_uri or ""
    return render.page(
        "identity/gone.html", status=problems.status_of(type(error)),
        headers={"Cache-Control": "no-store"}, region=cast(str, request.app.state.region_name),
        signed_in=False, administers=False, again=again,
        client=platform(client),
    )  # fmt: skip


def platform(client: Client | None) -> dict[str, str] | None:
    """What a page shows of a platform. Its logo would be fetched from elsewhere: an initial stands
    for it, and the host it is registered under says who it really is."""
    if client is None:
        return None
    first = client.redirect_uris[0] if client.redirect_uris else ""
    return {
        "name": client.name, "initial": client.name[:1].upper(),
        "host": urlsplit(first).hostname or "", "policy_uri": client.policy_uri or "",
        "tos_uri": client.tos_uri or "",
    }  # fmt: skip


def _oauth_title(error: OAuthError) -> tuple[str, str]:
    return _OAUTH_TITLES.get(error.error, _OAUTH_TITLE)
