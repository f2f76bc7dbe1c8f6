"""Issued licences over HTTP, for the people and business systems of the authority that issued them:
found, read, their state changed with basis and reason."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from certificates import licence_shown, search, states
from certificates.applications.idempotency import Answer, Asked
from certificates.applications.router_doors import (
    SECURITY,
    Identifier,
    OpenSessions,
    Repeatable,
    Workshops,
    act,
    of_authority,
)
from certificates.applications.schemas import (
    CancellationIn,
    ChangeOut,
    HistoryOut,
    LicenceSearchIn,
    LicenceShownOut,
    LicencesOut,
    LicenceStateOut,
    StateChangeIn,
)
from certificates.models import Licence, LicenceState
from certificates.purpose import purpose
from certificates.search import Found
from certificates.states import Cause
from trust.access import Caller
from trust.db import Sessions
from trust.dependencies import Audit, Now, Reading, Someone, Staff
from trust.errors import Invalid
from trust.vault import Vault

router = APIRouter(tags=["办理 applications"])

_ABSENT = "没有这份证照 / no such licence here"
_Change = Callable[..., Licence]


@router.post("/v1/licences/searches", summary="查找证照 / Find licences", openapi_extra=SECURITY)
def search_licences(
    body: LicenceSearchIn, caller: Staff, reading: Reading, audit: Audit, now: Now,
    workshops: Workshops,
) -> LicencesOut:  # fmt: skip
    """按持证主体、证照编号或纸质编号之一，查找本机构颁发的证照；每次都有记录。

    Licences that the caller's authority issued, by one of holder, number or number on paper; every
    search is audited, without what was searched for.
    """
    at, why = now(), purpose(body.purpose).cause
    how, rows = _found(reading, body, workshops(at=at).vault, caller.authority or "")
    page = rows[: body.limit]
    out = LicencesOut(
        licences=[_licence_out(reading, each) for each in page],
        after=rows[body.limit - 1].identifier if len(rows) > body.limit else None,
    )
    audit.record(
        "licence.searched", subject=caller.authority or "none", by=caller, at=at,
        details={"by": how, "purpose": why, "found": len(page)},
    )  # fmt: skip
    return out


def _found(
    session: Session, body: LicenceSearchIn, vault: Vault, authority: str
) -> tuple[str, Sequence[Found]]:
    given = [name for name in ("holder", "number", "paper_number") if getattr(body, name)]
    if len(given) != 1:
        raise Invalid(
            "按持证主体、编号、纸质编号之一查找 / by exactly one of holder, number, paper number"
        )
    page: dict[str, Any] = {
        "limit": body.limit + 1, "after": body.after, "authority": authority
    }  # fmt: skip
    if body.holder is not None:
        rows = search.by_holder(session, vault, body.holder, **page)
    elif body.number is not None:
        rows = search.by_number(session, body.number, **page)
    else:
        rows = search.by_paper_number(session, body.paper_number or "", **page)
    return given[0], rows


@router.get("/v1/licences/{identifier}", summary="查看证照 / A licence", openapi_extra=SECURITY)
def read_licence(
    identifier: Identifier, caller: Staff, reading: Reading, audit: Audit, now: Now
) -> LicenceShownOut:
    """登记簿中的证照；持证主体已脱敏，每次查看都有记录。

    As registered, the holder masked; every look is audited.
    """
    found = of_authority(reading.get(Licence, identifier), caller, _ABSENT)
    out = _licence_out(reading, search.one(reading, found.identifier))
    audit.record("licence.looked_at", subject=found.identifier, by=caller, at=now())
    return out


@router.get(
    "/v1/licences/{identifier}/history", summary="证照的经历 / A licence's history",
    openapi_extra=SECURITY,
)  # fmt: skip
def read_history(identifier: Identifier, caller: Staff, reading: Reading) -> HistoryOut:
    """每次状态变更的依据、理由、办理人，和后续证照。

    Basis, reason and person of every change, and the licences that followed.
    """
    found = of_authority(reading.get(Licence, identifier), caller, _ABSENT)
    return HistoryOut(
        changes=[
            ChangeOut(
                state=LicenceState(row.state), by=row.by, at=row.at, reason=row.reason,
                basis=row.basis, cause=row.cause,
            )
            for row in states.history(reading, found.identifier)
        ],
        followed_by=[
            each.identifier for each in search.by_previous(reading, found.identifier)
        ],
    )  # fmt: skip


@router.get(
    "/v1/licences/{identifier}/file", summary="取证照文件 / Fetch the sealed file",
    response_class=Response, openapi_extra=SECURITY,
    responses={200: {"content": {"application/pdf": {}}}},
)  # fmt: skip
def read_file(
    identifier: Identifier, caller: Staff, reading: Reading, audit: Audit, now: Now,
    workshops: Workshops,
) -> Response:  # fmt: skip
    """颁发机构的人员取回已签章的文件；每次都有记录。

    The sealed PDF, for the issuing authority's own people; every look is audited.
    """
    at = now()
    found = of_authority(reading.get(Licence, identifier), caller, _ABSENT)
    pdf = workshops(at=at).store.get(found.identifier)
    audit.record("licence.read", subject=found.identifier, by=caller, at=at)
    headers = {"Cache-Control": "no-store", "Content-Disposition": "attachment"}
    return Response(pdf, media_type="application/pdf", headers=headers)


def _change(
    verb: _Change, name: str, identifier: str, body: StateChangeIn, *, caller: Caller,
    at: datetime, sessions: Sessions, vault: Vault, asked: Asked | None, **given: Any,
) -> JSONResponse:  # fmt: skip
    def perform(session: Session) -> Answer:
        changed = verb(
            session, identifier, basis=body.basis, reason=body.reason, by=caller, at=at,
            vault=vault, **given,
        )  # fmt: skip
        out = LicenceStateOut(identifier=identifier, state=changed.state, at=changed.state_at)
        return Answer(201, out.model_dump(mode="json"))

    return act(
        sessions, f"licence.{name}", perform, subject=identifier, by=caller, at=at, asked=asked
    )


@router.post(
    "/v1/licences/{identifier}/suspension", status_code=201, summary="暂扣 / Suspend a licence",
    response_model=LicenceStateOut, openapi_extra=SECURITY,
)  # fmt: skip
def suspend_licence(
    identifier: Identifier, body: StateChangeIn, caller: Someone, sessions: OpenSessions,
    now: Now, workshops: Workshops, asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """暂扣有效的证照，直到恢复。

    An active licence, until it is resumed.
    """
    at = now()
    return _change(
        states.suspend, "suspend", identifier, body, caller=caller, at=at, sessions=sessions,
        vault=workshops(at=at).vault, asked=asked,
    )  # fmt: skip


@router.post(
    "/v1/licences/{identifier}/resumption", status_code=201, summary="恢复 / Resume a licence",
    response_model=LicenceStateOut, openapi_extra=SECURITY,
)  # fmt: skip
def resume_licence(
    identifier: Identifier, body: StateChangeIn, caller: Someone, sessions: OpenSessions,
    now: Now, workshops: Workshops, asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """恢复暂扣的证照。

    A suspended licence is active again.
    """
    at = now()
    return _change(
        states.resume, "resume", identifier, body, caller=caller, at=at, sessions=sessions,
        vault=workshops(at=at).vault, asked=asked,
    )  # fmt: skip


@router.post(
    "/v1/licences/{identifier}/rescission", status_code=201, summary="撤销 / Rescind a licence",
    response_model=LicenceStateOut, openapi_extra=SECURITY,
)  # fmt: skip
def rescind_licence(
    identifier: Identifier, body: StateChangeIn, caller: Someone, sessions: OpenSessions,
    now: Now, workshops: Workshops, asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """撤销不应准予的证照，不可恢复。

    It ought never to have been granted; for good.
    """
    at = now()
    return _change(
        states.rescind, "rescind", identifier, body, caller=caller, at=at, sessions=sessions,
        vault=workshops(at=at).vault, asked=asked,
    )  # fmt: skip


@router.post(
    "/v1/licences/{identifier}/revocation", status_code=201, summary="吊销 / Revoke a licence",
    response_model=LicenceStateOut, openapi_extra=SECURITY,
)  # fmt: skip
def revoke_licence(
    identifier: Identifier, body: StateChangeIn, caller: Someone, sessions: OpenSessions,
    now: Now, workshops: Workshops, asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """吊销证照，不可恢复。

    As a penalty; for good.
    """
    at = now()
    return _change(
        states.revoke, "revoke", identifier, body, caller=caller, at=at, sessions=sessions,
        vault=workshops(at=at).vault, asked=asked,
    )  # fmt: skip


@router.post(
    "/v1/licences/{identifier}/cancellation", status_code=201, summary="注销 / Cancel a licence",
    response_model=LicenceStateOut, openapi_extra=SECURITY,
)  # fmt: skip
def cancel_licence(
    identifier: Identifier, body: CancellationIn, caller: Someone, sessions: OpenSessions,
    now: Now, workshops: Workshops, asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """注销证照（一般注销或错发），不可恢复。

    Ordinarily or because it was issued in error; for good.
    """
    at = now()
    return _change(
        states.cancel, "cancel", identifier, body, caller=caller, at=at, sessions=sessions,
        vault=workshops(at=at).vault, asked=asked, cause=Cause(body.cause),
    )  # fmt: skip


@router.post(
    "/v1/licences/{identifier}/transfer-out", status_code=201,
    summary="转出 / Transfer a licence out", response_model=LicenceStateOut,
    openapi_extra=SECURITY,
)  # fmt: skip
def transfer_licence_out(
    identifier: Identifier, body: StateChangeIn, caller: Someone, sessions: OpenSessions,
    now: Now, workshops: Workshops, asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """有效的证照转往另一地区，不可恢复；另一地区据此颁发新证照。

    To another region, which issues the licence that follows; for good.
    """
    at = now()
    return _change(
        states.transfer_out, "transfer_out", identifier, body, caller=caller, at=at,
        sessions=sessions, vault=workshops(at=at).vault, asked=asked,
    )  # fmt: skip


def _licence_out(session: Session, row: Found | None) -> LicenceShownOut:
    assert row is not None  # noqa: S101 - it was found a moment ago, and licences are never deleted
    licence_type = licence_shown.type_of(session, row)
    return LicenceShownOut(
        identifier=row.identifier, number=licence_shown.number(licence_type, row.number),
        type=licence_type.name, type_code=row.type_code, type_version=row.type_version,
        authority=row.authority, holder=row.holder_public, state=row.state,
        state_at=row.state_at, issued=row.issued_on.isoformat(),
        valid_from=row.valid_from.isoformat(),
        valid_until=row.valid_until.isoformat() if row.valid_until else None,
        previous=row.previous, paper_number=row.paper_number,
    )  # fmt: skip
