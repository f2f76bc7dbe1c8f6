"""Applications and licences over HTTP, for the people and business systems of an authority.

Whoever calls has an access token of the identity provider (`trust.dependencies`); roles and
authority are checked here and again by the verb itself.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from certificates import application as applications
from certificates import catalogue, issue, revoke
from certificates.issue import Workshop
from certificates.models import Application, Licence
from certificates.schemas import (
    ApplicationIn,
    ApplicationOut,
    ApplicationWithContentOut,
    IssuedOut,
    RevocationIn,
)
from trust.access import Caller
from trust.clock import CHINA
from trust.dependencies import Approver, Audit, Clerk, DbSession, Now, Reading, Staff
from trust.errors import NotFound

router = APIRouter(tags=["办理 applications"])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}


def _workshops(request: Request) -> Callable[..., Workshop]:
    return cast(Callable[..., Workshop], request.app.state.workshop)


_Row = TypeVar("_Row", Application, Licence)
Workshops = Annotated[Callable[..., Workshop], Depends(_workshops)]
Identifier = Annotated[str, Path(max_length=100, description="电子证照标识 / Licence identifier")]


@router.post(
    "/v1/applications", status_code=201, summary="录入申请 / Enter an application",
    openapi_extra=_SECURITY,
)  # fmt: skip
def create_application(
    body: ApplicationIn, caller: Clerk, session: DbSession, now: Now, workshops: Workshops
) -> ApplicationOut:
    """受理员为本机构录入申请；内容按证照类型检查。

    A clerk enters an application for their own authority; its content is checked by the type.
    """
    at = now()
    vault = workshops(at=at).vault
    with session.begin():
        made = applications.enter(
            session, body.type, body.content, authority=caller.authority or "", by=caller, at=at,
            vault=vault,
        )  # fmt: skip
        return _shown(made)


@router.get(
    "/v1/applications/{key}", summary="查看申请 / Read an application", openapi_extra=_SECURITY
)
def read_application(
    key: UUID, caller: Staff, reading: Reading, audit: Audit, now: Now, workshops: Workshops
) -> ApplicationWithContentOut:
    """本机构人员查看申请内容；每次查看都有记录。

    The content, for the authority's own people; every look is audited.
    """
    at = now()
    found = _of_authority(reading.get(Application, key), caller, f"no application {key}")
    content = applications.content(found, workshops(at=at).vault)
    audit.record("application.read", subject=str(key), by=caller, at=at)
    return ApplicationWithContentOut(**_shown(found).model_dump(), content=content)


@router.post(
    "/v1/applications/{key}/approval", summary="审批通过 / Approve an application",
    openapi_extra=_SECURITY,
)  # fmt: skip
def approve_application(
    key: UUID, caller: Approver, session: DbSession, now: Now
) -> ApplicationOut:
    """审批员通过本机构的申请；不得审批自己录入的。

    An approver of the authority approves what somebody else entered.
    """
    with session.begin():
        return _shown(applications.approve(session, key, by=caller, at=now()))


@router.post(
    "/v1/applications/{key}/licence", status_code=201, summary="签发证照 / Issue the licence",
    openapi_extra=_SECURITY,
)  # fmt: skip
def create_licence(
    key: UUID, caller: Approver, response: Response, now: Now, workshops: Workshops
) -> IssuedOut:
    """制作、签章并登记证照；重复请求返回 409，并指明已签发的证照。

    Render, seal and record. A repeat is a conflict that names the licence.
    """
    at = now()
    made = issue.issue(workshops(at=at), key, by=caller, at=at)
    response.headers["Location"] = f"/v1/licences/{made.identifier}/file"
    return IssuedOut(
        identifier=made.identifier, number=made.number, qr=made.claim,
        file=f"/v1/licences/{made.identifier}/file",
    )  # fmt: skip


@router.get(
    "/v1/licences/{identifier}/file", summary="取证照文件 / Fetch the sealed file",
    response_class=Response, openapi_extra=_SECURITY,
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
    found = _of_authority(reading.get(Licence, identifier), caller, "no such licence here")
    pdf = workshops(at=at).store.get(found.identifier)
    audit.record("licence.read", subject=found.identifier, by=caller, at=at)
    headers = {"Cache-Control": "no-store", "Content-Disposition": "attachment"}
    return Response(pdf, media_type="application/pdf", headers=headers)


@router.post(
    "/v1/licences/{identifier}/revocation", status_code=201, summary="吊销 / Revoke a licence",
    openapi_extra=_SECURITY,
)  # fmt: skip
def create_revocation(
    identifier: Identifier, body: RevocationIn, caller: Approver, session: DbSession, now: Now,
    workshops: Workshops,
) -> JSONResponse:  # fmt: skip
    """颁发机构的审批员吊销证照，不可恢复。

    For good, by an approver of the authority that issued it, with a reason.
    """
    at = now()
    vault = workshops(at=at).vault
    with session.begin():
        changed = revoke.revoke(
            session, identifier, reason=body.reason, by=caller, at=at, vault=vault
        )
        said = {"identifier": changed.identifier, "state": str(changed.state)}
    return JSONResponse(said, 201)


def _of_authority(row: _Row | None, caller: Caller, absent: str) -> _Row:
    """Another authority's rows are not to be told from absent ones."""
    if row is None or row.authority != caller.authority:
        raise NotFound(absent)
    return row


def _shown(row: Application) -> ApplicationOut:
    return ApplicationOut(
        id=row.id, type=catalogue.find(row.type_code).name, type_code=row.type_code,
        authority=row.authority, state=str(row.state), entered_at=_local(row.entered_at),
        decided_at=_local(row.decided_at) if row.decided_at else None,
    )  # fmt: skip


def _local(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat(timespec="seconds")
