"""The OAuth endpoints behind a login: tokens, userinfo, introspection, revocation, devices, keys,
discovery; logout is in `router_logout`.

Handlers take the bare request and read its form themselves: each dependency that FastAPI resolves
costs as much as a signature. What asks the database runs in a worker thread.
"""

from collections.abc import Mapping
from typing import Final, cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from sso import (
    authenticate,
    device,
    discovery,
    introspection,
    revocation,
    router_logout,
    signing_keys,
    token_endpoint,
    userinfo,
)
from sso.forms import FORM_TYPE, read_form
from sso.oauth_errors import NO_STORE
from sso.provider import Provider
from sso.router_logout import OPEN, ProgramRoute

_PREFLIGHT: Final = {
    **OPEN,
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type, dpop",
    "Access-Control-Max-Age": "86400",
}
_FRESH: Final = {**dict(NO_STORE), **OPEN}
_FORM: Final = {"requestBody": {"content": {FORM_TYPE: {"schema": {"type": "object"}}}}}
#: Read again by platforms when they meet a kid they do not know.
_DOCUMENT: Final = {"Cache-Control": "public, max-age=60", **OPEN}


router = APIRouter(tags=["登录 identity"], route_class=ProgramRoute)


def _provider(request: Request) -> Provider:
    return cast(Provider, request.app.state.provider)


@router.post(token_endpoint.PATH, summary="令牌 / Tokens", openapi_extra=_FORM)
async def issue_tokens(request: Request) -> Response:
    """以授权码、刷新令牌、设备码或平台自身凭据换取令牌（RFC 6749 3.2）。

    Tokens for a code, a refresh token, a device code, or the platform's own credentials.
    """
    form = await read_form(request)
    return await run_in_threadpool(_issue_tokens, request, form)


def _issue_tokens(request: Request, form: Mapping[str, str]) -> Response:
    provider = _provider(request)
    body = token_endpoint.answer(
        provider, request.headers, form, proofs=request.headers, at=provider.clock(),
        certificate=authenticate.client_certificate(request),
    )  # fmt: skip
    return JSONResponse(body, 200, _FRESH)


@router.post(introspection.PATH, summary="令牌自省 / Introspection", openapi_extra=_FORM)
async def introspect_token(request: Request) -> Response:
    """令牌此刻是否有效、说明了什么（RFC 7662）。/ Whether a token is good now (RFC 7662)."""
    form = await read_form(request)
    return await run_in_threadpool(_introspect_token, request, form)


def _introspect_token(request: Request, form: Mapping[str, str]) -> Response:
    provider = _provider(request)
    found = introspection.answer(
        provider, request.headers, form, at=provider.clock(),
        certificate=authenticate.client_certificate(request),
    )  # fmt: skip
    if isinstance(found, str):
        return Response(found, 200, dict(NO_STORE), introspection.JWT_MEDIA_TYPE)
    return JSONResponse(found, 200, dict(NO_STORE))


@router.post(revocation.PATH, summary="撤销令牌 / Revocation", openapi_extra=_FORM)
async def revoke_token(request: Request) -> Response:
    """平台交还令牌（RFC 7009）。/ A platform gives a token back (RFC 7009)."""
    form = await read_form(request)
    return await run_in_threadpool(_revoke_token, request, form)


def _revoke_token(request: Request, form: Mapping[str, str]) -> Response:
    provider = _provider(request)
    revocation.revoke(
        provider, request.headers, form, at=provider.clock(),
        certificate=authenticate.client_certificate(request),
    )  # fmt: skip
    return JSONResponse({}, 200, _FRESH)


@router.post(device.PATH, summary="设备授权 / Device authorization", openapi_extra=_FORM)
async def authorize_device(request: Request) -> Response:
    """没有浏览器的设备请求登录（RFC 8628）。/ A device without a browser asks (RFC 8628)."""
    form = await read_form(request)
    return await run_in_threadpool(_authorize_device, request, form)


def _authorize_device(request: Request, form: Mapping[str, str]) -> Response:
    provider = _provider(request)
    body = device.authorize(
        provider, request.headers, form, at=provider.clock(),
        certificate=authenticate.client_certificate(request),
    )  # fmt: skip
    return JSONResponse(body, 200, _FRESH)


@router.get(userinfo.PATH, summary="用户信息 / Userinfo")
async def show_userinfo(request: Request) -> Response:
    """平台获准知道的用户信息（OIDC Core 5.3）。/ What the platform may know (OIDC Core, 5.3)."""
    return await run_in_threadpool(_userinfo, request, {})


@router.post(userinfo.PATH, summary="用户信息（POST）/ Userinfo by POST", openapi_extra=_FORM)
async def post_userinfo(request: Request) -> Response:
    """同上，令牌也可在表单中。/ The same; the token may stand in the form."""
    posted = request.headers.get("content-type", "")[:200].lower().startswith(FORM_TYPE)
    form = await read_form(request) if posted else {}
    return await run_in_threadpool(_userinfo, request, form)


def _userinfo(request: Request, form: Mapping[str, str]) -> Response:
    found = userinfo.answer(_provider(request), request, form)
    if isinstance(found, str):
        return Response(found, 200, _FRESH, "application/jwt")
    return JSONResponse(found, 200, _FRESH)


@router.get("/oauth2/jwks", summary="签名公钥 / Signing keys")
def show_keys(request: Request) -> Response:
    """令牌签名的公钥（RFC 7517）。/ The keys that sign tokens (RFC 7517)."""
    provider = _provider(request)
    return JSONResponse(signing_keys.jwks(provider, at=provider.clock()), 200, _DOCUMENT)


@router.get("/oauth2/jwks/sm2", summary="签名公钥（SM2）/ Signing keys of SM2")
def show_sm2_keys(request: Request) -> Response:
    """SM2 公钥，单独一份。/ The SM2 keys, apart: their curve has no registered name."""
    provider = _provider(request)
    return JSONResponse(signing_keys.sm2_jwks(provider, at=provider.clock()), 200, _DOCUMENT)


@router.get("/.well-known/openid-configuration", summary="发现文档 / Discovery")
def show_configuration(request: Request) -> Response:
    """OIDC 发现文档。/ OpenID Connect Discovery 1.0."""
    return JSONResponse(discovery.metadata(_provider(request)), 200, _DOCUMENT)


@router.get("/.well-known/oauth-authorization-server", summary="发现文档（RFC 8414）/ Metadata")
def show_server_metadata(request: Request) -> Response:
    """授权服务器元数据（RFC 8414）。/ Authorization server metadata (RFC 8414)."""
    return JSONResponse(discovery.metadata(_provider(request)), 200, _DOCUMENT)


def _preflight(_request: Request) -> Response:
    """What a browser asks before it sends a DPoP or Authorization header from another origin."""
    return Response(status_code=204, headers=_PREFLIGHT)


for _path in (token_endpoint.PATH, revocation.PATH, device.PATH, userinfo.PATH, "/oauth2/jwks"):
    router.add_api_route(_path, _preflight, methods=["OPTIONS"], include_in_schema=False)


router.include_router(router_logout.router)
