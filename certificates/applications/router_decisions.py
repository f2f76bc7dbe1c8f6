"""What is decided on an application over HTTP: checked, reviewed, approved, returned, refused,
withdrawn, agreed to by joint authorities, issued. Each a step with its person; refusals are written
down, repeats under an Idempotency-Key answered alike."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates import issue
from certificates.applications import idempotency
from certificates.applications import verbs as applications
from certificates.applications.idempotency import Answer, Asked
from certificates.applications.refusals import recording_refusals
from certificates.applications.router import shown
from certificates.applications.router_doors import (
    SECURITY,
    OpenSessions,
    Repeatable,
    Workshops,
    act,
    answered,
)
from certificates.applications.schemas import (
    ApplicationOut,
    DecisionReasonIn,
    IssuedOut,
    LookedAt,
    StepIn,
)
from certificates.issue import AlreadyIssued
from certificates.models import Application, Licence
from trust.access import Caller
from trust.db import Sessions
from trust.dependencies import Now, Someone

router = APIRouter(tags=["办理 applications"])

_Verb = Callable[..., Application]
_Looked = Annotated[LookedAt | None, Body()]


def _step(
    verb: _Verb, name: str, key: UUID, *, caller: Caller, at: datetime, sessions: Sessions,
    asked: Asked | None, **given: Any,
) -> JSONResponse:  # fmt: skip
    def perform(session: Session) -> Answer:
        return Answer(200, shown(session, verb(session, key, by=caller, at=at, **given)))

    return act(
        sessions, f"application.{name}", perform, subject=str(key), by=caller, at=at, asked=asked
    )


@router.post(
    "/v1/applications/{key}/check", summary="审查 / Check an application",
    response_model=ApplicationOut, openapi_extra=SECURITY,
)  # fmt: skip
def check_application(
    key: UUID, caller: Someone, sessions: OpenSessions, now: Now, asked: Repeatable,
    body: Annotated[StepIn | None, Body()] = None,
) -> JSONResponse:  # fmt: skip
    """由未录入此件的人审查。

    By somebody of the authority who did not enter it.
    """
    given = body or StepIn(note="", revision=None)
    return _step(
        applications.check, "check", key, caller=caller, at=now(), sessions=sessions,
        asked=asked, note=given.note, revision=given.revision,
    )  # fmt: skip


@router.post(
    "/v1/applications/{key}/review", summary="审核 / Review an application",
    response_model=ApplicationOut, openapi_extra=SECURITY,
)  # fmt: skip
def review_application(
    key: UUID, caller: Someone, sessions: OpenSessions, now: Now, asked: Repeatable,
    body: Annotated[StepIn | None, Body()] = None,
) -> JSONResponse:  # fmt: skip
    """审批员审核；转入核验未定的，须在意见中说明仍予通过的理由。

    By an approver who neither entered nor checked it. Where the check of a transferred licence
    left something open, the note is owed: why it may pass.
    """
    given = body or StepIn(note="", revision=None)
    return _step(
        applications.review, "review", key, caller=caller, at=now(), sessions=sessions,
        asked=asked, note=given.note, revision=given.revision,
    )  # fmt: skip


@router.post(
    "/v1/applications/{key}/approval", summary="审批通过 / Approve an application",
    response_model=ApplicationOut, openapi_extra=SECURITY,
)  # fmt: skip
def approve_application(
    key: UUID, caller: Someone, sessions: OpenSessions, now: Now, asked: Repeatable,
    body: _Looked = None,
) -> JSONResponse:  # fmt: skip
    """审批员通过本机构的申请；不得审批自己录入、审查或审核的。

    An approver of the authority approves what others entered, checked and reviewed.
    """
    return _step(
        applications.approve, "approve", key, caller=caller, at=now(), sessions=sessions,
        asked=asked, revision=body.revision if body is not None else None,
    )  # fmt: skip


@router.post(
    "/v1/applications/{key}/return", summary="退回补正 / Return for correction",
    response_model=ApplicationOut, openapi_extra=SECURITY,
)  # fmt: skip
def return_application(
    key: UUID, body: DecisionReasonIn, caller: Someone, sessions: OpenSessions, now: Now,
    asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """退回补正，须说明理由；联合颁发机构也可退回。

    With a reason; a joint authority that does not agree returns it too.
    """
    return _step(
        applications.return_, "return", key, caller=caller, at=now(), sessions=sessions,
        asked=asked, reason=body.reason,
    )  # fmt: skip


@router.post(
    "/v1/applications/{key}/refusal", summary="不予许可 / Refuse an application",
    response_model=ApplicationOut, openapi_extra=SECURITY,
)  # fmt: skip
def refuse_application(
    key: UUID, body: DecisionReasonIn, caller: Someone, sessions: OpenSessions, now: Now,
    asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """审批员决定不予许可，须说明理由。

    By an approver, with a reason; for good.
    """
    return _step(
        applications.refuse, "refuse", key, caller=caller, at=now(), sessions=sessions,
        asked=asked, reason=body.reason,
    )  # fmt: skip


@router.post(
    "/v1/applications/{key}/withdrawal", summary="撤回 / Withdraw an application",
    response_model=ApplicationOut, openapi_extra=SECURITY,
)  # fmt: skip
def withdraw_application(
    key: UUID, body: DecisionReasonIn, caller: Someone, sessions: OpenSessions, now: Now,
    asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """申请人撤回，签发前办理。

    What the applicant no longer wants, before it is being issued.
    """
    return _step(
        applications.withdraw, "withdraw", key, caller=caller, at=now(), sessions=sessions,
        asked=asked, reason=body.reason,
    )  # fmt: skip


@router.post(
    "/v1/applications/{key}/consent", summary="同意联合颁发 / Agree to a joint licence",
    response_model=ApplicationOut, openapi_extra=SECURITY,
)  # fmt: skip
def consent_to_application(
    key: UUID, caller: Someone, sessions: OpenSessions, now: Now, asked: Repeatable,
    body: _Looked = None,
) -> JSONResponse:  # fmt: skip
    """联合颁发机构的审批员同意；其印章在签发时加盖。

    By an approver of a joint authority, whose seal is then applied when the licence is issued.
    """
    return _step(
        applications.consent, "consent", key, caller=caller, at=now(), sessions=sessions,
        asked=asked, revision=body.revision if body is not None else None,
    )  # fmt: skip


@router.post(
    "/v1/applications/{key}/licence", status_code=201, summary="签发证照 / Issue the licence",
    response_model=IssuedOut, openapi_extra=SECURITY,
)  # fmt: skip
def create_licence(
    key: UUID, caller: Someone, sessions: OpenSessions, now: Now, workshops: Workshops,
    asked: Repeatable,
) -> JSONResponse:  # fmt: skip
    """制作、签章并登记证照。带 Idempotency-Key 的重复请求得到同一证照，其他重复返回 409。

    Render, seal and record. A repeat under its Idempotency-Key is answered with the same licence,
    any other one is a conflict that names it.
    """
    at = now()
    with recording_refusals(sessions, "application.issue", subject=str(key), by=caller, at=at):
        with sessions() as session:
            known = idempotency.find(session, asked)
        if known is not None:
            return answered(known)
        try:
            answer = _issued(issue.issue(workshops(at=at), key, by=caller, at=at))
        except AlreadyIssued:
            # A crash after the licence was recorded leaves its key unanswered.
            found = _own_licence(sessions, key, caller) if asked is not None else None
            if found is None:
                raise
            answer = _issued(found)
        with sessions.begin() as session:
            first = idempotency.begin(session, asked, at=at)
            answer = first or idempotency.keep(session, asked, answer)
    return answered(answer)


def _own_licence(sessions: Sessions, key: UUID, caller: Caller) -> Licence | None:
    """The application's licence, when this very caller issued it."""
    with sessions() as session:
        return session.scalar(
            select(Licence).where(
                Licence.application == key, Licence.issued_by == caller.account,
                Licence.authority == caller.authority,
            )
        )  # fmt: skip


def _issued(made: Licence) -> Answer:
    file = f"/v1/licences/{made.identifier}/file"
    out = IssuedOut(identifier=made.identifier, number=made.number, qr=made.claim, file=file)
    return Answer(201, out.model_dump(mode="json"), file)
