"""Refusals over HTTP: the one table from errors to statuses, as problem documents (RFC 9457).

A browser that asks for a page gets a page; everyone else gets JSON. A refusal says what its message
says; a fault of ours says nothing but the request's id, under which the log knows more.
"""

import logging
import traceback
from dataclasses import dataclass, replace
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from ca.lint import LintFailed
from certificates.press.own_output import UnsoundOutput
from certificates.regions import exchange_words
from certificates.share import words as share_words
from certificates.share.refusals import ShareCeilingReached
from certificates.submission import TooLarge
from server.exits import CannotOpen, Usage
from server.pages import desk_words, identity_words, render, trust_words, wallet_words
from sso.authenticate import TokenRefused
from trust.crypto.errors import InvalidSignature
from trust.crypto.merkle import ProofFailed
from trust.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TrustError,
    Unauthenticated,
    Unavailable,
)
from trust.log import LogDamaged
from trust.validation import PathFailed, PathUnknown

MEDIA_TYPE = "application/problem+json"

#: The nearest base decides. TrustError itself is not here: a new kind has to be thought about.
STATUS: dict[type[TrustError], int] = {
    Invalid: 422,
    TooLarge: 413,
    ShareCeilingReached: 429,
    InvalidSignature: 422,
    ProofFailed: 422,
    PathFailed: 422,
    PathUnknown: 503,
    NotFound: 404,
    Conflict: 409,
    Forbidden: 403,
    Unauthenticated: 401,
    Unavailable: 503,
    LogDamaged: 500,
    LintFailed: 500,
    UnsoundOutput: 500,
    # The command line's own; no request can meet them.
    CannotOpen: 500,
    Usage: 500,
}

TITLES: dict[int, tuple[str, str]] = {
    400: ("请求有误", "Bad request"),
    401: ("尚未证明身份", "Not authenticated"),
    403: ("无权办理", "Forbidden"),
    404: ("没有找到", "Not found"),
    405: ("不支持这种请求方法", "Method not allowed"),
    409: ("当前状态不允许", "Conflict"),
    413: ("内容过大", "Content too large"),
    422: ("内容不符合规则", "The content breaks a rule"),
    429: ("请求过于频繁，请稍后再试", "Too many requests"),
    500: ("系统内部错误", "Internal error"),
    503: ("暂时无法提供服务", "Temporarily unavailable"),
}
#: Refusals in words, by code; a code that stands for many things keeps its status' title.
WORDS: dict[str, tuple[str, str]] = {
    code: (zh.rstrip("。"), en.rstrip("."))
    for table in (
        identity_words.REFUSALS, trust_words.REFUSALS, desk_words.REFUSALS,
        wallet_words.REFUSALS, share_words.WORDS, exchange_words.WORDS,
    )
    for code, (zh, en) in table.items()
    if code not in ("invalid", "not_found", "conflict", "forbidden", "unavailable", "token_refused")
}  # fmt: skip


class ProblemOut(BaseModel):
    """拒绝的理由（RFC 9457） / Why a request was refused (RFC 9457)."""

    type: str = Field(description='/problems/ 加代码 / "/problems/" and the code')
    title: str = Field(description="中文标题 / Title in Chinese")
    title_en: str = Field(description="英文标题 / Title in English")
    status: int = Field(description="HTTP 状态码 / HTTP status")
    code: str = Field(description="稳定的代码 / Stable: programs branch on it")
    detail: str | None = Field(None, description="原因 / What was wrong")
    errors: list[dict[str, str]] | None = Field(
        None, description="出错的字段与规则 / Fields that broke a rule: where, rule"
    )
    request_id: str = Field(description="请求编号 / Names the request in our log")


#: What every operation may answer besides its own.
DESCRIPTION: dict[str, object] = {
    "description": "拒绝 / A refusal",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

_logger = logging.getLogger("trust.http")


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal; `errors` are (where, rule) of the fields that broke one."""

    status: int
    code: str
    detail: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> tuple[str, str]:
        """Chinese and English: of the code where it has words, else of the status."""
        standard = HTTPStatus(self.status).phrase
        return WORDS.get(self.code) or TITLES.get(self.status, (standard, standard))


def status_of(kind: type[TrustError]) -> int:
    """The status of an error class; StopIteration for a kind that is not in the table."""
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def problem_of(error: TrustError) -> Problem:
    """A refusal as a problem. What broke on our side is not told in detail."""
    status = status_of(type(error))
    return Problem(status, error.code, "" if status == 500 else str(error))


def respond(request: Request, problem: Problem) -> Response:
    """The problem in the form that the asker reads."""
    request_id = str(request.scope.get("request_id", ""))
    headers = {**dict(problem.headers), "Cache-Control": "no-store"}
    if problem.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    if _wants_page(request):
        return render.page(
            "problem.html", status=problem.status, headers=headers, problem=problem,
            request_id=request_id,
        )  # fmt: skip
    zh, en = problem.title
    body: dict[str, object] = {
        "type": f"/problems/{problem.code}", "title": zh, "title_en": en,
        "status": problem.status, "code": problem.code,
    }  # fmt: skip
    if problem.detail:
        body["detail"] = problem.detail
    if problem.errors:
        body["errors"] = [{"where": where, "rule": rule} for where, rule in problem.errors]
    body["request_id"] = request_id
    return JSONResponse(body, problem.status, headers, media_type=MEDIA_TYPE)


def _wants_page(request: Request) -> bool:
    accept = request.headers.get("accept", "")[:1000]
    return "text/html" in accept and not request.url.path.startswith("/v1/")


def respond_to_fault(request: Request, error: Exception) -> Response:
    """500 for what nobody foresaw. Its message may hold anything (SQL with its values, a name), so
    the log gets the kinds and places only."""
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 8:
        kinds.append(type(cause).__qualname__)
        cause = cause.__cause__ or cause.__context__
    frames = "".join(traceback.format_tb(error.__traceback__))
    _logger.error(
        "fault in request %s: %s\n%s", request.scope.get("request_id"), " < ".join(kinds), frames
    )
    return respond(request, Problem(500, "internal"))


def add_handlers(app: FastAPI) -> None:
    @app.exception_handler(TrustError)
    def refuse(request: Request, error: TrustError) -> Response:
        if status_of(type(error)) >= 500:
            _logger.error("request %s: %s", request.scope.get("request_id"), error.code)
        problem = problem_of(error)
        if isinstance(error, TokenRefused):
            challenge = (("WWW-Authenticate", error.challenge),)
            problem = replace(problem, headers=challenge)
        return respond(request, problem)

    @app.exception_handler(RequestValidationError)
    def refuse_request(request: Request, error: RequestValidationError) -> Response:
        # Neither the value nor a message built from it: both may hold personal data.
        errors = tuple(
            (".".join(str(part) for part in each["loc"])[:200], str(each["type"]))
            for each in error.errors()[:20]
        )
        return respond(request, Problem(422, "request_invalid", errors=errors))

    @app.exception_handler(HTTPException)
    def refuse_plainly(request: Request, error: HTTPException) -> Response:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("-", "_")
        headers = tuple((error.headers or {}).items())
        return respond(request, Problem(error.status_code, code, headers=headers))

    @app.exception_handler(DataError)
    def refuse_value(request: Request, error: DataError) -> Response:
        # A value that no column takes (a NUL, a number too large): whatever let it through to the
        # database, it is the asker's.
        _logger.error("request %s: a value no column takes", request.scope.get("request_id"))
        return respond(request, Problem(422, "request_invalid"))

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    def refuse_for_now(request: Request, error: Exception) -> Response:
        _logger.error(
            "request %s: database: %s", request.scope.get("request_id"), type(error).__name__
        )
        return respond(request, Problem(503, "unavailable", "the database cannot be reached"))
