"""What the routers of applications and licences share: the pieces they ask for, the frame around an
act (refusals written down, repeats answered alike), who may look at whose rows."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path as FontFile
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Header, Path, Request
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from certificates.applications import idempotency
from certificates.applications.idempotency import KEY_MAX, Answer, Asked
from certificates.applications.refusals import recording_refusals
from certificates.evidence import Knowledge
from certificates.issue import Workshop
from certificates.licence_type import LicenceType
from certificates.licence_types import registry as type_registry
from certificates.models import Application, Licence
from trust.access import Caller
from trust.db import Sessions
from trust.dependencies import Someone
from trust.errors import NotFound

SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}

_Row = TypeVar("_Row", Application, Licence)


def _workshops(request: Request) -> Callable[..., Workshop]:
    return cast(Callable[..., Workshop], request.app.state.workshop)


def _sessions(request: Request) -> Sessions:
    return cast(Sessions, request.app.state.sessions)


def _knowledge(request: Request) -> Knowledge:
    return cast(Knowledge, request.app.state.knowledge)


def _fallback(request: Request) -> FontFile | None:
    return cast(FontFile | None, request.app.state.fallback_font)


async def _asked(
    request: Request, caller: Someone,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key", max_length=KEY_MAX,
            description="重复请求得到同一答复，7 天内 / A repeat gets the same answer, 7 days long",
        ),
    ] = None,
) -> Asked | None:  # fmt: skip
    """The request under its key, where it has one."""
    body = await request.body()
    return idempotency.asked(
        idempotency_key, by=caller, method=request.method, path=request.url.path, body=body
    )


Workshops = Annotated[Callable[..., Workshop], Depends(_workshops)]
OpenSessions = Annotated[Sessions, Depends(_sessions)]
#: A font for characters beyond the packaged typeface.
Fallback = Annotated[FontFile | None, Depends(_fallback)]
Known = Annotated[Knowledge, Depends(_knowledge)]
Repeatable = Annotated[Asked | None, Depends(_asked)]
Identifier = Annotated[str, Path(max_length=200, description="电子证照标识 / Licence identifier")]


def act(
    sessions: Sessions, name: str, perform: Callable[[Session], Answer], *, subject: str,
    by: Caller, at: datetime, asked: Asked | None,
) -> JSONResponse:  # fmt: skip
    """One act in one transaction, answered when it is committed. A refusal is in the audit log
    first; a repeat under the same Idempotency-Key is answered as before."""
    with (
        recording_refusals(sessions, name, subject=subject, by=by, at=at),
        sessions.begin() as session,
    ):
        answer = idempotency.begin(session, asked, at=at)
        if answer is None:
            answer = idempotency.keep(session, asked, perform(session))
    return answered(answer)


def answered(answer: Answer) -> JSONResponse:
    headers = {"Cache-Control": "no-store"}
    if answer.location:
        headers["Location"] = answer.location
    return JSONResponse(answer.body, answer.status, headers)


def of_authority(row: _Row | None, caller: Caller, absent: str) -> _Row:
    """Another authority's rows are not to be told from absent ones; who acts for it or seals with
    it is no stranger."""
    if row is None or caller.authority is None:
        raise NotFound(absent)
    found: Application | Licence = row
    acting = found.acting if isinstance(found, Application) else None
    if caller.authority not in (found.authority, acting, *found.joint):
        raise NotFound(absent)
    return row


def type_of(session: Session, row: Any) -> LicenceType:
    """The type under whose version the row was written."""
    return type_registry.of(session, row.type_code, row.type_version)
