"""Leave to act for another authority, over HTTP: given and ended by security administrators, seen
by the people of both authorities."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from certificates.applications import issuing_grants
from certificates.applications.idempotency import Answer
from certificates.applications.models import IssuingGrant
from certificates.applications.router_doors import SECURITY, OpenSessions, Repeatable, act
from certificates.applications.schemas import IssuingGrantIn, IssuingGrantOut, IssuingGrantsOut
from trust.access import Role
from trust.dependencies import Now, Reading, Someone
from trust.errors import Forbidden

router = APIRouter(tags=["办理 applications"])

_READERS = frozenset({Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.CLERK, Role.APPROVER})
_OVER_ALL = frozenset({Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})


@router.get("/v1/issuing-grants", summary="委托列表 / Grants to act", openapi_extra=SECURITY)
def list_issuing_grants(caller: Someone, reading: Reading) -> IssuingGrantsOut:
    """本机构给出和接受的委托；管理员可见全部。

    Those that the caller's authority gave or received; administrators of the region see all.
    """
    if caller.roles.isdisjoint(_READERS):
        raise Forbidden("此处供受理、审批、管理人员 / for clerks, approvers and administrators")
    if caller.authority is None and caller.roles.isdisjoint(_OVER_ALL):
        raise Forbidden("账户不属于任何机构 / the account acts for no authority")
    rows = issuing_grants.of(reading, caller.authority)
    return IssuingGrantsOut(grants=[_out(row) for row in rows])


@router.post(
    "/v1/issuing-grants", status_code=201, summary="委托代办 / Let another authority act",
    response_model=IssuingGrantOut, openapi_extra=SECURITY,
)  # fmt: skip
def create_issuing_grant(
    body: IssuingGrantIn, caller: Someone, sessions: OpenSessions, now: Now, asked: Repeatable
) -> JSONResponse:
    """安全管理员委托另一机构代为办理指定类型；证照仍由委托机构颁发、加盖其印章。

    By a security administrator, for named types and a time. The licence stays the granting
    authority's and bears its seal, whose use is granted apart.
    """
    at = now()

    def perform(session: Session) -> Answer:
        made = issuing_grants.grant(
            session, body.authority, body.acting, body.types, since=body.since,
            until=body.until, basis=body.basis, by=caller, at=at,
        )  # fmt: skip
        return Answer(201, _out(made).model_dump(mode="json"))

    return act(
        sessions, "issuing.grant", perform, subject=_subject(body.authority), by=caller, at=at,
        asked=asked,
    )  # fmt: skip


def _subject(code: str) -> str:
    return code if code.isascii() else "unknown"


@router.post(
    "/v1/issuing-grants/{key}/end", summary="终止委托 / End a grant",
    response_model=IssuingGrantOut, openapi_extra=SECURITY,
)  # fmt: skip
def end_issuing_grant(
    key: UUID, caller: Someone, sessions: OpenSessions, now: Now, asked: Repeatable
) -> JSONResponse:
    """提前终止，立即生效；已签发的证照不受影响。

    Before its time, from the next act on; licences issued under it stay.
    """
    at = now()

    def perform(session: Session) -> Answer:
        ended = issuing_grants.end(session, key, by=caller, at=at)
        return Answer(200, _out(ended).model_dump(mode="json"))

    return act(sessions, "issuing.end", perform, subject=str(key), by=caller, at=at, asked=asked)


def _out(row: IssuingGrant) -> IssuingGrantOut:
    return IssuingGrantOut(
        id=row.id, authority=row.authority, acting=row.acting, types=row.types, since=row.since,
        until=row.until, basis=row.basis, granted_by=row.granted_by, ended_at=row.ended_at,
    )  # fmt: skip
