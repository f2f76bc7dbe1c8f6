"""Counters and archive packages over HTTP: what assessment and archive systems take.

Counters are numbers only. An archive package is the licence itself: every one is audited before it
is given.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from certificates.archive import package as archive_package
from certificates.archive.package import Archivist
from certificates.feeds import counters
from certificates.feeds.counters import Counters
from certificates.models import Licence
from trust.access import Caller, Role
from trust.clock import CHINA
from trust.dependencies import Now, Reading, having, no_store
from trust.errors import NotFound

router = APIRouter(tags=["事件 events"], dependencies=[Depends(no_store)])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}


def _counters(request: Request) -> Counters:
    return cast(Counters, request.app.state.counters)


def _archivist(request: Request) -> Archivist:
    return cast(Callable[[], Archivist], request.app.state.archivist)()


#: An authority's people and its archive system (a machine account) take its own licences; an
#: operator of the platform takes any.
Archiving = Annotated[Caller, Depends(having(Role.OPERATOR, Role.CLERK, Role.APPROVER))]
#: An assessment platform has a machine account with `office`.
Counting = Annotated[
    Caller, Depends(having(Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN, Role.OPERATOR, Role.OFFICE))
]


class DayOut(BaseModel):
    """某日某类的次数 / How often on a day."""

    day: date
    event: str = Field(description="issued, changed, verified, shared")
    type: str = Field(description="证照类型代码 / Code of the licence type")
    authority: str = Field(description="颁发机构代码 / Code of the issuer")
    division: str = Field(description="行政区划代码 / Division code")
    total: int


@router.get(
    "/v1/counters", summary="计数 / Counters", response_model=list[DayOut],
    openapi_extra=_SECURITY,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def read_counters(
    request: Request, caller: Counting, session: Reading, now: Now,
    kept: Annotated[Counters, Depends(_counters)],
    first: Annotated[date | None, Query(description="起 / First day")] = None,
    last: Annotated[date | None, Query(description="止 / Last day")] = None,
) -> Any:  # fmt: skip
    """签发、变更、核验、共享的次数，按类型、机构、区划和日期；默认今天。

    Today by default, at most 92 days. With `Accept: text/plain` in Prometheus' text format.
    """
    at = now()
    today = at.astimezone(CHINA).date()
    found = kept.between(session, first or last or today, last or first or today, at=at)
    if request.headers.get("accept", "").startswith("text/plain"):
        text = counters.as_prometheus(found)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
    return counters.as_json(found)


@router.get(
    "/v1/licences/{identifier}/archive", summary="归档包 / The archive package",
    response_class=Response, openapi_extra=_SECURITY,
    responses={200: {"content": {"application/zip": {}}}},
)  # fmt: skip
def read_archive(
    identifier: Annotated[str, Path(max_length=200, description="证照标识 / Identifier")],
    caller: Archiving, reading: Reading, now: Now,
    archivist: Annotated[Archivist, Depends(_archivist)],
) -> Response:  # fmt: skip
    """证照文件、元数据、证据与审计证明，可脱离本平台核验。本机构人员或档案系统可取，逐次审计。

    File, metadata, evidence and proofs: it verifies without this platform. For the issuer's own
    people and archive system, and for operators; each is audited.
    """
    owner = reading.scalar(select(Licence.authority).where(Licence.identifier == identifier))
    reading.rollback()  # packing takes a while and has snapshots of its own
    region_wide = caller.authority is None and caller.has(Role.OPERATOR)
    if owner is None or not (region_wide or caller.authority == owner):
        raise NotFound("没有这份证照 / no such licence here")
    made = archive_package.make(archivist, identifier, by=caller, at=now())
    headers = {"Content-Disposition": 'attachment; filename="licence-archive.zip"'}
    return Response(made, media_type="application/zip", headers=headers)
