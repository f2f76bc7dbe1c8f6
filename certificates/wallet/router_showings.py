"""The office's side of 亮证, and the issuer's side of complaints, over HTTP."""

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from certificates.applications.refusals import recording_refusals
from certificates.wallet import disputes, showing, showing_look, shown
from certificates.wallet.holder_models import DisputeState
from certificates.wallet.schemas import (
    DecisionIn,
    DisputeOut,
    ResolutionIn,
    ShowingIn,
    ShowingOut,
    ShownOut,
)
from trust.db import Sessions
from trust.dependencies import DbSession, Now, Reading, Someone, no_store
from trust.vault import Vault

router = APIRouter(tags=["亮证与异议 showings and complaints"], dependencies=[Depends(no_store)])
_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}


def _vault(request: Request) -> Vault:
    return cast(Vault, request.app.state.vault)


def _sessions(request: Request) -> Sessions:
    return cast(Sessions, request.app.state.sessions)


Box = Annotated[Vault, Depends(_vault)]
OpenSessions = Annotated[Sessions, Depends(_sessions)]


@router.post(
    "/v1/showings", status_code=201, summary="扫描亮证码 / Ask by a code", openapi_extra=_SECURITY
)
def create_showing(
    body: ShowingIn, caller: Someone, session: DbSession, sessions: OpenSessions, vault: Box,
    now: Now,
) -> ShowingOut:  # fmt: skip
    """用证单位用持证人出示的码提出请求；码即作废，持证人确认前不显示任何内容。

    An office asks by the code on a holder's screen. The code is spent; nothing is shown before the
    holder confirms.
    """
    at = now()
    noting = recording_refusals(sessions, "showing.ask", subject="showing", by=caller, at=at)
    with noting, session.begin():
        key = showing.begin(
            session, vault, body.code, purpose=body.purpose.checked(), by=caller, at=at
        )
        standing = showing.standing(session, key, by=caller, at=at)
        return shown.request(session, standing)


@router.get("/v1/showings/{key}", summary="亮证状态 / How it stands", openapi_extra=_SECURITY)
def read_showing(key: UUID, caller: Someone, reading: Reading, now: Now) -> ShowingOut:
    """等待、已确认、已拒绝、已查看或已过期。 / waiting, granted, refused, shown or expired."""
    return shown.request(reading, showing.standing(reading, key, by=caller, at=now()))


@router.post("/v1/showings/{key}/licence", summary="查看一次 / Look, once", openapi_extra=_SECURITY)
def look_once(key: UUID, caller: Someone, sessions: OpenSessions, vault: Box, now: Now) -> ShownOut:
    """持证人确认后 5 分钟内可查看一次；持证人看得到这次查看。

    Within 5 minutes of the holder's word, once. The holder sees that it was looked at.
    """
    at = now()
    with recording_refusals(sessions, "showing.look", subject=str(key), by=caller, at=at):
        look = showing_look.take(sessions, vault, key, by=caller, at=at)
    return ShownOut(
        identifier=look.licence.identifier, type=look.licence_type.name,
        state=str(look.licence.state), in_force=shown.in_force(look.licence, at=at),
        items=shown.items(look.rows), licence=look.items,
    )  # fmt: skip


@router.get("/v1/disputes", summary="待办异议 / Complaints to deal with", openapi_extra=_SECURITY)
def list_disputes(caller: Someone, reading: Reading, vault: Box) -> list[DisputeOut]:
    """本机构颁发的证照的异议，最早的在前。 / About licences of the caller's authority."""
    found = disputes.of_authority(reading, vault, by=caller)
    return [shown.complaint(one) for one in found]


@router.post(
    "/v1/disputes/{key}/decision", status_code=204, summary="答复异议 / Answer a complaint",
    openapi_extra=_SECURITY,
)  # fmt: skip
def decide_dispute(
    key: UUID, body: DecisionIn, caller: Someone, session: DbSession, sessions: OpenSessions,
    vault: Box, now: Now,
) -> None:  # fmt: skip
    """受理或不予受理，附答复。 / Accept or refuse, with an answer to the holder."""
    at = now()
    noting = recording_refusals(sessions, "dispute.decide", subject=str(key), by=caller, at=at)
    with noting, session.begin():
        disputes.decide(
            session, vault, key, DisputeState(body.decision), body.answer, by=caller, at=at
        )


@router.post(
    "/v1/disputes/{key}/resolution", status_code=204, summary="办结异议 / Put right by a re-issue",
    openapi_extra=_SECURITY,
)  # fmt: skip
def resolve_dispute(
    key: UUID, body: ResolutionIn, caller: Someone, session: DbSession, sessions: OpenSessions,
    now: Now,
) -> None:  # fmt: skip
    """以换发的新证照办结。 / Closed by the licence that replaced the wrong one."""
    at = now()
    noting = recording_refusals(sessions, "dispute.resolve", subject=str(key), by=caller, at=at)
    with noting, session.begin():
        disputes.resolve(session, key, reissued=body.licence, by=caller, at=at)
