"""Applications over HTTP, for the people and business systems of an authority: entered, listed,
read, corrected. What is decided on them is in `router_decisions`.

Whoever calls has an access token of the identity provider (`trust.dependencies`); roles and
authority are checked by the verb itself, so that a refusal is written down.
"""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from certificates import registry
from certificates.applications import joint, lists, transfer
from certificates.applications import verbs as applications
from certificates.applications.idempotency import Answer
from certificates.applications.lists import OPEN, Listed, Part, Wanted
from certificates.applications.refusals import recording_refusals
from certificates.applications.router_doors import (
    SECURITY,
    Fallback,
    Known,
    OpenSessions,
    Repeatable,
    Workshops,
    act,
    of_authority,
    type_of,
)
from certificates.applications.schemas import (
    ApplicationIn,
    ApplicationOut,
    ApplicationsOut,
    ApplicationStepOut,
    ApplicationWithContentOut,
    ConsentOut,
    CorrectionIn,
    StepsOut,
    TransferIn,
    TransferOut,
)
from certificates.applications.transfer import Judged
from certificates.evidence import Knowledge
from certificates.models import Application, ApplicationKind, ApplicationState
from trust.clock import CHINA
from trust.dependencies import Audit, Now, Reading, Someone, Staff
from trust.errors import Invalid, NotFound

router = APIRouter(tags=["办理 applications"])

_ABSENT = "没有这件申请 / no such application"


@router.post(
    "/v1/applications", status_code=201, summary="录入申请 / Enter an application",
    response_model=ApplicationOut, openapi_extra=SECURITY,
)  # fmt: skip
def create_application(
    body: ApplicationIn, caller: Someone, sessions: OpenSessions, now: Now, workshops: Workshops,
    known: Known, asked: Repeatable, fallback: Fallback,
) -> JSONResponse:  # fmt: skip
    """受理员或业务系统录入申请；内容按证照类型检查。带 Idempotency-Key 的重复请求得到同一答复。

    By a clerk or a business system, for their own authority or one they act for by a grant; the
    content is checked by the type. A repeat under its Idempotency-Key is answered alike.
    """
    at = now()
    workshop = workshops(at=at)
    subject = body.type if body.type.isascii() else "application"
    with recording_refusals(sessions, "application.enter", subject=subject, by=caller, at=at):
        judged = _judged(body.transfer, body.previous, known, workshop.region.code, at)

    def perform(session: Session) -> Answer:
        made = applications.enter(
            session, body.type, body.content, authority=body.authority or caller.authority or "",
            by=caller, at=at, vault=workshop.vault, fallback=fallback,
            kind=ApplicationKind(body.kind), previous=body.previous, joint=body.joint,
            paper_number=body.paper_number, item_code=body.item_code,
            case_number=body.case_number, judged=judged,
        )  # fmt: skip
        return Answer(201, shown(session, made), f"/v1/applications/{made.id}")

    return act(
        sessions, "application.enter", perform, subject=subject, by=caller, at=at, asked=asked
    )


def _judged(
    given: TransferIn | None, previous: str | None, known: Knowledge, region: str, at: datetime
) -> Judged | None:
    """The other region's licence, verified; no transaction is open meanwhile."""
    if given is None:
        return None
    file = None
    if given.file is not None:
        try:
            file = base64.b64decode(given.file, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Invalid("文件不是 base64 / the file is not base64") from error
    return transfer.judge(
        previous or "", file=file, qr_text=given.qr, knowledge=known, region=region, at=at
    )


@router.get("/v1/applications", summary="申请列表 / List applications", openapi_extra=SECURITY)
def list_applications(
    caller: Staff, reading: Reading,
    part: Annotated[
        Part, Query(description="本机构的、受托办理的、联合颁发的 / Own, acted for, joint")
    ] = Part.OWN,
    state: Annotated[
        ApplicationState | None, Query(description="状态；默认为未办结 / By default the open ones")
    ] = None,
    type_code: Annotated[str | None, Query(max_length=21)] = None,
    kind: Annotated[ApplicationKind | None, Query()] = None,
    case_number: Annotated[str | None, Query(max_length=64)] = None,
    after: Annotated[UUID | None, Query(description="上一页最后一件 / Page on")] = None,
    limit: Annotated[int, Query(ge=1, le=lists.LIMIT_MAX)] = 50,
) -> ApplicationsOut:  # fmt: skip
    """本机构的申请，新的在前，不含内容。

    The authority's applications, the newest first, without their content.
    """
    states = (state,) if state is not None else OPEN
    wanted = Wanted(part, states, type_code, kind, case_number)
    rows = lists.listed(reading, caller.authority or "", wanted, limit=limit + 1, after=after)
    page = rows[:limit]
    return ApplicationsOut(
        applications=[ApplicationOut(**shown(reading, row)) for row in page],
        after=page[-1].id if len(rows) > limit else None,
    )


@router.get(
    "/v1/applications/{key}", summary="查看申请 / Read an application", openapi_extra=SECURITY
)
def read_application(
    key: UUID, caller: Staff, reading: Reading, audit: Audit, now: Now, workshops: Workshops
) -> ApplicationWithContentOut:
    """办理机构的人员查看申请内容；每次查看都有记录。

    The content, for the people of the authorities that handle it; every look is audited.
    """
    at = now()
    found = of_authority(reading.get(Application, key), caller, _ABSENT)
    content = applications.content(found, workshops(at=at).vault)
    made = with_content(reading, found, content)
    audit.record("application.read", subject=str(key), by=caller, at=at)
    return made


@router.get(
    "/v1/applications/{key}/steps", summary="办理过程 / An application's way",
    openapi_extra=SECURITY,
)  # fmt: skip
def read_steps(key: UUID, caller: Staff, reading: Reading) -> StepsOut:
    """每一步由谁、何时、为何办理。

    Each step: who, when, why.
    """
    of_authority(reading.get(Application, key), caller, _ABSENT)
    rows = applications.steps(reading, key)
    return StepsOut(
        steps=[
            ApplicationStepOut(state=str(row.state), by=row.by, at=row.at, reason=row.reason)
            for row in rows
        ]
    )


@router.put(
    "/v1/applications/{key}/content", summary="补正 / Correct a returned application",
    response_model=ApplicationOut, openapi_extra=SECURITY,
)  # fmt: skip
def correct_application(
    key: UUID, body: CorrectionIn, caller: Someone, sessions: OpenSessions, reading: Reading,
    now: Now, workshops: Workshops, known: Known, asked: Repeatable, fallback: Fallback,
) -> JSONResponse:  # fmt: skip
    """退回的申请重新提交完整内容，按现行类型版本检查，重新办理。

    The whole content of a returned application, checked by the type now in force; it begins again.
    """
    at = now()
    workshop = workshops(at=at)
    row = reading.get(Application, key)
    with recording_refusals(sessions, "application.correct", subject=str(key), by=caller, at=at):
        if row is None:
            raise NotFound(_ABSENT)
        judged = _judged(body.transfer, row.previous, known, workshop.region.code, at)

    def perform(session: Session) -> Answer:
        made = applications.correct(
            session, key, body.content, by=caller, at=at, vault=workshop.vault,
            fallback=fallback, judged=judged,
        )  # fmt: skip
        return Answer(200, shown(session, made))

    return act(
        sessions, "application.correct", perform, subject=str(key), by=caller, at=at, asked=asked
    )


def shown(session: Session, row: Application | Listed) -> dict[str, Any]:
    """An application without its content."""
    out = ApplicationOut(
        id=row.id, type=type_of(session, row).name, type_code=row.type_code,
        type_version=row.type_version, authority=row.authority, acting=row.acting,
        kind=ApplicationKind(row.kind), state=ApplicationState(row.state),
        case_number=row.case_number, system=row.system, entered_at=local(row.entered_at),
        decided_at=local(row.decided_at) if row.decided_at else None,
    )  # fmt: skip
    return out.model_dump(mode="json")


def with_content(
    session: Session, row: Application, content: dict[str, object]
) -> ApplicationWithContentOut:
    licence = registry.licence_of(session, row)
    checked = transfer.of(session, row.id) if row.kind == ApplicationKind.TRANSFER_IN else None
    consents = joint.of(session, row.id) if row.joint else []
    return ApplicationWithContentOut(
        **shown(session, row), content=content, revision=row.revision, previous=row.previous,
        paper_number=row.paper_number, item_code=row.item_code,
        licence=licence.identifier if licence is not None else None,
        consents=[
            ConsentOut(authority=each.authority, by=each.by, at=each.at) for each in consents
        ],
        transfer=TransferOut(
            region=checked.region, outcome=checked.outcome, findings=checked.findings,
            reason=checked.reason,
        ) if checked is not None else None,
    )  # fmt: skip


def local(at: datetime) -> datetime:
    return at.astimezone(CHINA).replace(microsecond=0)
