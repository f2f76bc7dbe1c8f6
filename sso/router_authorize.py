"""The OAuth endpoints in front of a login: authorization, pushed requests, registration."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import APIRoute

from sso import (
    authenticate,
    authorization_responses,
    authorize,
    interactions,
    pushed,
    pushing,
    registering,
)
from sso.authorization_request import Parameters, read_parameters
from sso.authorization_responses import FormPost
from sso.forms import BODY_MAX, FORM_TYPE, read_form
from sso.oauth_errors import NO_STORE, AuthorizationRefused, OAuthError
from sso.provider import Provider
from sso.router_logout import refusal
from trust.crypto.errors import Malformed
from trust.crypto.jose import load_json

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]
AUTHORIZE: Final = "/oauth2/authorize"


class OAuthRoute(APIRoute):
    """A route whose OAuth refusals are answered in their own form: to the platform by redirect, to
    the person as a page, to a program as JSON (RFC 6749, 5.2)."""

    def get_route_handler(self) -> _Handler:
        inner = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await inner(request)
            except AuthorizationRefused as error:
                issuer = _provider(request).issuer
                return _show(request, authorization_responses.refusal(error, issuer=issuer))
            except OAuthError as error:
                if error.page:
                    return cast(Response, request.app.state.render_error(request, error))
                return refusal(error)

        return answered


router = APIRouter(tags=["登录 identity"], route_class=OAuthRoute)


def _provider(request: Request) -> Provider:
    return cast(Provider, request.app.state.provider)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            page = request.url.path == AUTHORIZE
            raise OAuthError("invalid_request", "the request is too long", page=page)
    return bytes(body)


async def _posted(request: Request) -> Parameters:
    kind = request.headers.get("content-type", "")[:200].partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise OAuthError("invalid_request", f"the content type must be {FORM_TYPE}", page=True)
    return read_parameters(await _body(request))


async def _metadata(request: Request) -> dict[str, object]:
    try:
        found = load_json(await _body(request), cap=BODY_MAX)
    except Malformed as error:
        raise OAuthError("invalid_client_metadata", "the body is no JSON") from error
    if not isinstance(found, dict):
        raise OAuthError("invalid_client_metadata", "the body is no JSON object")
    return found


Form = Annotated[dict[str, str], Depends(read_form)]
Posted = Annotated[Parameters, Depends(_posted)]
Metadata = Annotated[dict[str, object], Depends(_metadata)]


@router.get(
    AUTHORIZE, summary="授权请求 / Authorization request", status_code=303, response_class=Response
)
def authorize_by_get(request: Request) -> Response:
    """浏览器来此登录（OIDC Core 3.1.2）。

    Where a browser comes to log in (OIDC Core 3.1.2): on to the sign-in page, or straight back.
    """
    parameters = read_parameters(cast(bytes, request.scope["query_string"]))
    return _authorize(request, parameters, may_lack_cookies=False)


@router.post(
    AUTHORIZE, summary="授权请求（POST）/ Authorization request by POST", status_code=303,
    response_class=Response,
    openapi_extra={"requestBody": {"content": {FORM_TYPE: {"schema": {"type": "object"}}}}},
)  # fmt: skip
def authorize_by_post(request: Request, parameters: Posted) -> Response:
    """同上，参数在表单中。/ The same, its parameters in a form."""
    return _authorize(request, parameters, may_lack_cookies=True)


def _authorize(request: Request, parameters: Parameters, *, may_lack_cookies: bool) -> Response:
    """1. read and check, 2. a form from another site comes without our cookies (SameSite=Lax):
    the browser asks again by GET, 3. the session may be enough, 4. else the person is asked."""
    provider = _provider(request)
    at = provider.clock()
    asked = authorize.read(provider, parameters, at=at)
    token = session_cookie(request, provider)
    if token is None and may_lack_cookies:
        return _ask_again(provider, asked, parameters)
    answer = interactions.answer_at_once(provider, asked, token, at=at)
    if answer is not None:
        return _show(request, answer)
    with provider.sessions.begin() as session:
        begun = interactions.begin(session, asked, at=at, policy=provider.policy)
        return _redirect(f"/sign-in/{begun}")


def _ask_again(
    provider: Provider, asked: authorize.AuthorizationRequest, parameters: Parameters
) -> Response:
    at = provider.clock()
    with provider.sessions.begin() as session:
        request_uri = (
            pushed.keep(session, asked, policy=provider.policy, at=at)
            if asked.request_uri_id is None else parameters.values["request_uri"]
        )  # fmt: skip
        query = urlencode({"client_id": asked.client_id, "request_uri": request_uri})
        return _redirect(f"{AUTHORIZE}?{query}")


@router.post(
    pushing.PATH, summary="推送授权请求 / Pushed authorization request", status_code=201,
    openapi_extra={"requestBody": {"content": {FORM_TYPE: {"schema": {"type": "object"}}}}},
)  # fmt: skip
def push_request(request: Request, form: Form) -> Response:
    """平台先把授权请求交来（RFC 9126）。/ A platform hands its request in first (RFC 9126)."""
    provider = _provider(request)
    answer = pushing.push(
        provider, request.headers, form, proofs=request.headers, at=provider.clock(),
        certificate=authenticate.client_certificate(request),
    )  # fmt: skip
    return JSONResponse(answer, 201, dict(NO_STORE))


_JSON_BODY: Final = {
    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}
}


@router.post(
    registering.PATH, summary="登记平台 / Register a platform", status_code=201,
    openapi_extra=_JSON_BODY,
)  # fmt: skip
def register_client(request: Request, metadata: Metadata) -> Response:
    """动态登记（RFC 7591），需初始令牌。/ Dynamic registration, by the initial access token."""
    provider = _provider(request)
    made = registering.register(provider, _authorization(request), metadata, at=provider.clock())
    return JSONResponse(made, 201, dict(NO_STORE))


@router.get(registering.PATH + "/{client_id}", summary="查看登记 / Read a registration")
def read_client(request: Request, client_id: str) -> Response:
    """平台查看自己的登记（RFC 7592）。/ A platform reads its registration."""
    found = registering.read(_provider(request), client_id, _authorization(request))
    return JSONResponse(found, 200, dict(NO_STORE))


@router.put(
    registering.PATH + "/{client_id}", summary="更改登记 / Change a registration",
    openapi_extra=_JSON_BODY,
)  # fmt: skip
def replace_client(request: Request, client_id: str, metadata: Metadata) -> Response:
    """平台更改自己的登记（RFC 7592）。/ A platform changes its registration."""
    provider = _provider(request)
    found = registering.replace(
        provider, client_id, _authorization(request), metadata, at=provider.clock()
    )
    return JSONResponse(found, 200, dict(NO_STORE))


@router.delete(
    registering.PATH + "/{client_id}", summary="撤销登记 / End a registration", status_code=204
)
def remove_client(request: Request, client_id: str) -> Response:
    """平台撤销自己的登记（RFC 7592）。/ A platform ends its registration."""
    provider = _provider(request)
    registering.remove(provider, client_id, _authorization(request), at=provider.clock())
    return Response(status_code=204, headers=dict(NO_STORE))


def session_cookie(request: Request, provider: Provider) -> str | None:
    """The browser session's token; over https its cookie has the __Host- prefix."""
    prefix = "__Host-" if provider.issuer.startswith("https:") else ""
    return request.cookies.get(f"{prefix}trust_session")


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


def _redirect(url: str) -> RedirectResponse:
    """303: a browser must not post again what it posted here (RFC 9700, 4.12)."""
    return RedirectResponse(url, 303, dict(NO_STORE))


def _show(request: Request, answer: authorization_responses.Response) -> Response:
    if isinstance(answer, FormPost):
        return cast(Response, request.app.state.render_form_post(request, answer))
    return _redirect(answer.url)
