"""Seals over HTTP: their life, for the people of an authority and of the region.

Whoever calls has an access token (`trust.dependencies`); roles and authority are checked here and
again by the verb itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Protocol, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy import select

from seal import asn1, cancel, decide, file, freeze, ledger, life, remake, request, upload
from seal.life_models import RequestState, SealRequest
from seal.make import Maker
from seal.models import Seal
from seal.request import Wanted
from seal.schemas import SealOut, SealReasonIn, SealRequestIn, SealRequestOut, SealWithStepsOut
from seal.seal_kinds import Size
from seal.shown import request_out, seal_out, step_out
from trust.access import Caller, Role
from trust.db import Sessions
from trust.dependencies import DbSession, Keys, Now, Reading, having
from trust.keys import KeyStore

router = APIRouter(prefix="/v1/seals", tags=["印章 seals"])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}


class SealMakers(Protocol):
    """With what seals are made now (the composition root's)."""

    def __call__(self, *, at: datetime) -> Maker: ...


def _makers(asked: Request) -> SealMakers:
    return cast(SealMakers, asked.app.state.seal_maker)


def _owners(asked: Request) -> Callable[[str], str]:
    return cast(Callable[[str], str], asked.app.state.owner_name)


def _fallback(asked: Request) -> FilePath | None:
    return cast(FilePath | None, asked.app.state.fallback_font)


def _sessions(asked: Request) -> Sessions:
    return cast(Sessions, asked.app.state.sessions)


Makers = Annotated[SealMakers, Depends(_makers)]
#: The name of an owner by its code; NotFound.
Owners = Annotated[Callable[[str], str], Depends(_owners)]
#: A font for characters that the packaged one lacks.
Fallback = Annotated[FilePath | None, Depends(_fallback)]
AllSessions = Annotated[Sessions, Depends(_sessions)]
Applicant = Annotated[Caller, Depends(having(Role.CLERK, Role.APPROVER, Role.SEAL_ADMIN))]
Administrator = Annotated[Caller, Depends(having(Role.SEAL_ADMIN))]
Reader = Annotated[Caller, Depends(having(Role.SEAL_ADMIN, Role.AUDIT_ADMIN))]
EsId = Annotated[str, Path(max_length=32, description="印章编码 / The seal's esID")]


def _post(path: str, zh: str, en: str) -> Callable[[Any], Any]:
    return router.post(path, status_code=201, summary=f"{zh} / {en}", openapi_extra=_SECURITY)


def _get(path: str, zh: str, en: str, **options: Any) -> Callable[[Any], Any]:
    return router.get(path, summary=f"{zh} / {en}", openapi_extra=_SECURITY, **options)


# --- applications ------------------------------------------------------------------------------


@_post("/requests", "申请印章", "Apply for a seal")
def create_seal_request(
    body: SealRequestIn, caller: Applicant, session: DbSession, now: Now, owners: Owners,
    fallback: Fallback,
) -> SealRequestOut:  # fmt: skip
    """为本机构申请；图样按级别绘制，或上传后检查。

    For the caller's own authority; the picture is drawn by rank, or uploaded and checked.
    """
    owner = caller.authority or ""
    sized = body.width_mm is not None and body.height_mm is not None
    wanted = Wanted(
        body.kind, body.name, body.rank, body.number,
        upload.from_base64(body.picture) if body.picture is not None else None,
        Size(body.width_mm or 0.0, body.height_mm or 0.0) if sized else None,
    )  # fmt: skip
    owner_name = owners(owner)
    with session.begin():
        made = request.request(
            session,
            wanted,
            owner=owner,
            owner_name=owner_name,
            by=caller,
            at=now(),
            fallback=fallback,
        )
        return request_out(made)


@_get("/requests", "印章申请清单", "Applications for seals")
def list_seal_requests(
    caller: Reader, reading: Reading, state: RequestState | None = None
) -> list[SealRequestOut]:
    """本机构的申请，从新到旧，最多 200 件；地区管理员看全部。

    The caller's authority's, newest first, at most 200; the region's own administrators see all.
    """
    query = select(SealRequest).order_by(SealRequest.applied_at.desc()).limit(200)
    if caller.authority is not None:
        query = query.where(SealRequest.owner == caller.authority)
    if state is not None:
        query = query.where(SealRequest.state == state)
    return [request_out(row) for row in reading.scalars(query)]


@_post("/requests/{key}/approval", "批准", "Approve")
def approve_seal_request(
    key: UUID, caller: Administrator, session: DbSession, now: Now
) -> SealRequestOut:
    """印章管理员批准他人的申请 / A seal administrator approves what somebody else applied for."""
    with session.begin():
        return request_out(decide.approve(session, key, by=caller, at=now()))


@_post("/requests/{key}/refusal", "不予批准", "Refuse")
def refuse_seal_request(
    key: UUID, body: SealReasonIn, caller: Administrator, session: DbSession, now: Now
) -> SealRequestOut:
    """说明理由，不可恢复 / For good, with a reason."""
    with session.begin():
        return request_out(decide.refuse(session, key, reason=body.reason, by=caller, at=now()))


@_post("/requests/{key}/seal", "制作并备案", "Make and file")
def make_seal(
    key: UUID, caller: Administrator, sessions: AllSessions, keys: Keys, now: Now, makers: Makers
) -> SealOut:
    """申请人、审批人以外的管理员制作；中断后重复请求会继续。

    By an administrator who neither applied nor approved. Said again it goes on where it stopped.
    """
    at = now()
    made = file.make_and_file(sessions, key, maker=makers(at=at), keys=keys, by=caller, at=at)
    return seal_out(made, at)


# --- the life ----------------------------------------------------------------------------------


@_get("", "印章清单", "Seals")
def list_seals(caller: Reader, reading: Reading, now: Now) -> list[SealOut]:
    """本机构的印章；地区管理员看全部，最多 500 枚 / The authority's; the region's see all."""
    query = select(Seal).order_by(Seal.made_at.desc()).limit(500)
    if caller.authority is not None:
        query = query.where(Seal.owner == caller.authority)
    return [seal_out(row, now()) for row in reading.scalars(query)]


@_get("/{es_id}", "查看印章", "Read a seal")
def read_seal(es_id: EsId, caller: Reader, reading: Reading, now: Now) -> SealWithStepsOut:
    """印章及其全部经历 / The seal with its whole history."""
    row = life.find(reading, es_id, by=caller, readers=ledger.READERS)
    steps = [step_out(step) for step in life.steps(reading, seal=es_id)]
    return SealWithStepsOut(**seal_out(row, now()).model_dump(), steps=steps)


@_get(
    "/{es_id}/picture", "印章图样", "The picture", response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}}},
)  # fmt: skip
def read_seal_picture(es_id: EsId, caller: Reader, reading: Reading) -> Response:
    """签章时所用的图样 / The picture that seals."""
    row = life.find(reading, es_id, by=caller, readers=ledger.READERS)
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'"}
    return Response(asn1.parse_seal(row.seal).info.picture, 200, headers, "image/svg+xml")


@dataclass(frozen=True, slots=True)
class _Change:
    """What every change of a seal needs."""

    caller: Administrator
    session: DbSession
    now: Now

    def __call__(
        self, es_id: str, reason: str, act: Callable[..., Seal], **more: KeyStore
    ) -> SealOut:
        at = self.now()
        with self.session.begin():
            changed = act(self.session, es_id, reason=reason, by=self.caller, at=at, **more)
            return seal_out(changed, at)


Change = Annotated[_Change, Depends(_Change)]


@_post("/{es_id}/freezing", "冻结", "Freeze")
def freeze_seal(es_id: EsId, body: SealReasonIn, change: Change) -> SealOut:
    """立即生效，所有进程 / At once, in every process."""
    return change(es_id, body.reason, freeze.freeze)


@_post("/{es_id}/release", "解冻", "Release")
def unfreeze_seal(es_id: EsId, body: SealReasonIn, change: Change) -> SealOut:
    """恢复使用 / It seals again."""
    return change(es_id, body.reason, freeze.unfreeze)


@_post("/{es_id}/cancellation", "注销", "Cancel")
def cancel_seal(es_id: EsId, body: SealReasonIn, change: Change, keys: Keys) -> SealOut:
    """不可恢复；以前的签章仍然有效 / For good; what it sealed before stays good."""
    return change(es_id, body.reason, cancel.cancel, keys=keys)


@_post("/{es_id}/invalidation", "标记无效", "Mark invalid")
def invalidate_seal(es_id: EsId, body: SealReasonIn, change: Change, keys: Keys) -> SealOut:
    """违规制作的印章，仅地区办理；所有签章不再可信 / Unlawfully made; by the region only."""
    return change(es_id, body.reason, cancel.invalidate, keys=keys)


@_post("/{es_id}/version", "重新制作", "Make anew")
def remake_seal(
    es_id: EsId, body: SealReasonIn, caller: Administrator, sessions: AllSessions, keys: Keys,
    now: Now, makers: Makers,
) -> SealOut:  # fmt: skip
    """新的密钥和证书，编码不变 / New keys and certificates under the same esID."""
    at = now()
    made = remake.remake(
        sessions, es_id, reason=body.reason, maker=makers(at=at), keys=keys, by=caller, at=at
    )
    return seal_out(made, at)
