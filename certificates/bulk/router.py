"""Bulk jobs over HTTP: a file of rows handed in, its report read, released by another, receipts."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import ClientDisconnect

from certificates.applications.refusals import recording_refusals
from certificates.applications.router_doors import OpenSessions, Workshops
from certificates.bulk import jobs as bulk_jobs
from certificates.bulk import receipts
from certificates.bulk.columns import BulkFileInvalid
from certificates.bulk.jobs import Wanted
from certificates.bulk.models import BulkForm, BulkJob
from certificates.licence_types import registry as type_registry
from certificates.models import ApplicationKind
from trust.clock import CHINA
from trust.dependencies import Approver, Clerk, Now, Reading, Staff

router = APIRouter(tags=["批量 bulk jobs"])

_SECURITY: Final[dict[str, Any]] = {"security": [{"oauth": ["trust"]}]}
_FORMS: Final = {
    "text/csv": BulkForm.CSV,
    "application/x-ndjson": BulkForm.JSONL,
    "application/jsonl": BulkForm.JSONL,
    "application/vnd.apache.parquet": BulkForm.PARQUET,
}
_BODY: Final = {
    "required": True,
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _FORMS},
}
PAGE: Final = 200
Key = Annotated[UUID, Path(description="任务编号 / The job's id")]


class BulkCountsOut(BaseModel):
    """各状态的行数 / Rows by state."""

    bad: int
    waiting: int
    working: int
    issued: int
    refused: int
    dropped: int


class BulkJobOut(BaseModel):
    """一个批量任务 / A bulk job."""

    id: UUID
    type_code: str
    kind: str = Field(description="new 新办，stock 存量 / stock: digitised old stock")
    form: str
    state: str = Field(
        description="checking, unreadable, held (有不合格行 bad rows), checked, running, done, "
        "cancelled"
    )
    rows: int
    counts: BulkCountsOut | None = Field(
        description="列表中不给出 / Counted when one job is read, not in lists"
    )
    file_sha256: str
    trouble: str
    entered_by: str
    entered_at: str
    released_by: str | None
    released_at: str | None
    finished_at: str | None
    receipts_sm3: str | None


class BulkJobsOut(BaseModel):
    """本机构的任务，新的在前 / The authority's jobs, newest first."""

    jobs: list[BulkJobOut]


class BulkFaultOut(BaseModel):
    """一行的问题 / What is wrong with a row."""

    row: int
    column: str
    code: str
    reason: str


class BulkFaultsOut(BaseModel):
    """不合格和未签发的行；`next` 是下一页的 `after` / Rows that are bad or were refused."""

    faults: list[BulkFaultOut]
    next: int | None


class ReleaseIn(BaseModel):
    """`rows`: all 全部合格才放行，good 只签发合格的行 / good: leave the bad rows out."""

    rows: str = Field(default="all", pattern="^(all|good)$")


async def _body(request: Request) -> bytes:
    """The whole body; the server's own limit bounds it."""
    found = bytearray()
    try:
        async for chunk in request.stream():
            found += chunk
    except ClientDisconnect as error:
        raise BulkFileInvalid("the body ended early") from error
    return bytes(found)


def _form(request: Request) -> BulkForm:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS:
        raise BulkFileInvalid("send text/csv, application/x-ndjson or a Parquet file")
    return _FORMS[kind]


@router.post(
    "/v1/bulk-jobs", status_code=201, summary="提交批量文件 / Hand in a file of rows",
    openapi_extra=_SECURITY | {"requestBody": _BODY},
)  # fmt: skip
def create_bulk_job(
    caller: Clerk, sessions: OpenSessions, now: Now, workshops: Workshops, response: Response,
    data: Annotated[bytes, Depends(_body)], form: Annotated[BulkForm, Depends(_form)],
    type: Annotated[str, Query(max_length=256, description="类型代码、短名或名称 / Licence type")],
    stock: Annotated[bool, Query(description="存量证照 / Old stock")] = False,
) -> BulkJobOut:  # fmt: skip
    """逐行核对后才可放行；同一文件得到同一任务。

    Every row is checked first. The same file is the same job, however often it is sent.
    """
    at = now()
    vault = workshops(at=at).vault
    kind = ApplicationKind.STOCK if stock else ApplicationKind.NEW
    with (
        recording_refusals(sessions, "bulk.enter", subject=_subject(type), by=caller, at=at),
        sessions.begin() as session,
    ):
        wanted = Wanted(data, form, type_registry.current(session, type), kind)
        job = bulk_jobs.begin(
            session, wanted, by=caller, at=at, vault=vault, system=caller.client or "trust",
            file=data,
        )  # fmt: skip
        response.headers["Location"] = f"/v1/bulk-jobs/{job.id}"
        return _shown(session, job)


@router.get("/v1/bulk-jobs", summary="批量任务列表 / List bulk jobs", openapi_extra=_SECURITY)
def list_bulk_jobs(caller: Staff, reading: Reading) -> BulkJobsOut:
    """本机构最近的任务。

    The authority's latest jobs.
    """
    rows = reading.scalars(
        select(BulkJob)
        .where(BulkJob.authority == caller.authority)
        .order_by(BulkJob.entered_at.desc(), BulkJob.id)
        .limit(PAGE)
    )
    return BulkJobsOut(jobs=[_shown(None, row) for row in rows])


@router.get("/v1/bulk-jobs/{key}", summary="查看进度 / Read a bulk job", openapi_extra=_SECURITY)
def read_bulk_job(key: Key, caller: Staff, reading: Reading) -> BulkJobOut:
    """状态和各类行数。

    Its state, and how many rows are in which.
    """
    return _shown(reading, bulk_jobs.find(reading, key, by=caller))


@router.get(
    "/v1/bulk-jobs/{key}/faults", summary="不合格的行 / Rows at fault", openapi_extra=_SECURITY
)
def list_bulk_faults(
    key: Key, caller: Staff, reading: Reading, after: Annotated[int, Query(ge=0, le=10**9)] = 0
) -> BulkFaultsOut:
    """逐行列出行号、列和原因，不含行内数据。

    By row, column and reason, without what the rows say.
    """
    job = bulk_jobs.find(reading, key, by=caller)
    found = receipts.faults(reading, job, after=after, limit=PAGE)
    return BulkFaultsOut(
        faults=[
            BulkFaultOut(row=row, column=column, code=code, reason=reason)
            for row, column, code, reason in found
        ],
        next=found[-1][0] if len(found) == PAGE else None,
    )


@router.post(
    "/v1/bulk-jobs/{key}/release", summary="放行 / Release a bulk job", openapi_extra=_SECURITY
)
def release_bulk_job(
    key: Key, body: ReleaseIn, caller: Approver, sessions: OpenSessions, now: Now
) -> BulkJobOut:
    """由提交人以外的审批员放行；有不合格行时须指明只签发合格的行。

    By an approver who did not hand it in. With bad rows it must be said to go on with the good.
    """
    verb, at = bulk_jobs.release_good if body.rows == "good" else bulk_jobs.release, now()
    with (
        recording_refusals(sessions, "bulk.release", subject=str(key), by=caller, at=at),
        sessions.begin() as session,
    ):
        return _shown(session, verb(session, key, by=caller, at=at))


@router.post(
    "/v1/bulk-jobs/{key}/cancellation", summary="取消 / Cancel a bulk job", openapi_extra=_SECURITY
)
def cancel_bulk_job(key: Key, caller: Staff, sessions: OpenSessions, now: Now) -> BulkJobOut:
    """未开始的行不再签发并清除；已签发的证照不受影响。

    Rows that nobody has begun are dropped and wiped; licences issued so far stay.
    """
    at = now()
    with (
        recording_refusals(sessions, "bulk.cancel", subject=str(key), by=caller, at=at),
        sessions.begin() as session,
    ):
        return _shown(session, bulk_jobs.cancel(session, key, by=caller, at=at))


@router.get(
    "/v1/bulk-jobs/{key}/receipts", summary="回执 / Receipts", response_class=Response,
    responses={200: {"content": {"application/x-ndjson": {}}}}, openapi_extra=_SECURITY,
)  # fmt: skip
def read_bulk_receipts(
    key: Key, caller: Staff, reading: Reading, now: Now, workshops: Workshops
) -> Response:
    """每行一条；全文的 SM3 值记入审计日志。

    A line for each row; SM3 of the file is in the audit log.
    """
    job = bulk_jobs.find(reading, key, by=caller)
    made = receipts.write(reading, job, vault=workshops(at=now()).vault)
    headers = {"Cache-Control": "no-store", "Content-Disposition": "attachment"}
    return Response(made, media_type="application/x-ndjson", headers=headers)


def _subject(type_key: str) -> str:
    """The type's code; a name that somebody made up is not for the log."""
    return type_key if type_key.isascii() and type_key.isalnum() else "unknown"


def _shown(session: Session | None, job: BulkJob) -> BulkJobOut:
    """A job; without a session its rows are not counted."""
    counts = None
    if session is not None:
        counts = BulkCountsOut(**asdict(bulk_jobs.counts(session, job.id)))
    return BulkJobOut(
        id=job.id, type_code=job.type_code, kind=str(job.kind), form=str(job.form),
        state=str(job.state), rows=job.rows, file_sha256=job.digest.hex(), trouble=job.trouble,
        counts=counts, entered_by=job.entered_by, entered_at=_local(job.entered_at) or "",
        released_by=job.released_by, released_at=_local(job.released_at),
        finished_at=_local(job.finished_at),
        receipts_sm3=job.receipts_digest.hex() if job.receipts_digest is not None else None,
    )  # fmt: skip


def _local(at: datetime | None) -> str | None:
    return at.astimezone(CHINA).isoformat(timespec="seconds") if at is not None else None
