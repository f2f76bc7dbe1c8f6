"""The administrators' interface: platforms, people, organisations, bulk import, the audit log.

Whoever calls has an access token of an account with the role (`trust.dependencies`); a machine's
token opens none of it, because nobody logged in for it. docs/administration.md says who may what.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.orm import Session
from starlette.requests import ClientDisconnect

from sso import (
    audit_reading,
    import_rows,
    importing,
    router_accounts,
    router_clients,
    router_machines,
    router_organisations,
    router_people,
)
from sso.authenticate import recently
from sso.import_rows import FILE_MAX, Rows, UnreadableFile
from sso.importing import Report
from sso.provider import Provider
from sso.router_people import Opened
from sso.schemas import AuditEntryOut, AuditPageOut, FaultOut, ImportOut
from trust import audit
from trust.access import Caller
from trust.dependencies import AuditAdmin, SecurityAdmin, no_store

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
_FORMS: dict[str, import_rows.Format] = {
    "text/csv": "csv", "application/jsonl": "jsonl", "application/x-ndjson": "jsonl",
}  # fmt: skip
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string"}} for kind in _FORMS},
    }
}
_LAST = 2**53 - 1

_own = APIRouter(dependencies=[Depends(no_store), Depends(recently)])


async def _file(request: Request) -> bytes:
    """The body, never on disk; UnreadableFile over the limit of an import."""
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > FILE_MAX:
                raise UnreadableFile(f"a file has at most {FILE_MAX} bytes; import it in parts")
    except ClientDisconnect as error:
        raise UnreadableFile("the body ended early") from error
    return bytes(content)


@_own.post(
    "/v1/imports/{kind}", summary="批量导入 / Import in bulk", tags=["人员管理 people"],
    openapi_extra=_SECURITY | _BODY,
)  # fmt: skip
def import_rows_of(
    kind: Literal["people", "organisations"], request: Request, caller: SecurityAdmin,
    provider: Opened, content: Annotated[bytes, Depends(_file)],
    check: Annotated[bool, Query(description="只检查，不导入 / Report only")] = True,
) -> ImportOut:  # fmt: skip
    """先检查（默认），逐行报告错误；没有错误再以 check=false 导入。

    Report first, which is the default: every fault by line and column. With check=false every row
    is imported, or none (422 `import_refused`). Columns: docs/identity-levels.md.
    """
    at = provider.clock()
    form = _FORMS.get(
        request.headers.get("content-type", "")[:100].partition(";")[0].strip().lower()
    )
    if form is None:
        raise UnreadableFile("the file is text/csv or application/jsonl")
    reads = import_rows.read_people if kind == "people" else import_rows.read_organisations
    rows = reads(content, form, at=at)
    if not check:
        return _told(
            importing.run(provider.sessions, provider.vault, rows, by=caller, at=at), done=True
        )
    with provider.reading() as session:
        return _check(session, provider, rows, kind, caller)


def _check(
    session: Session, provider: Provider, rows: Rows, kind: str, caller: Caller
) -> ImportOut:
    """A report says of numbers whether they are here: that it was made is in the audit log."""
    at = provider.clock()
    importing.check_may_import(caller)
    report = importing.check(session, provider.vault, rows, by=caller, at=at)
    details: dict[str, audit.JSON] = {"rows": report.rows, "present": report.present}
    provider.audit.record("people.import_checked", subject=kind, by=caller, at=at, details=details)
    return _told(report, done=False)


def _told(report: Report, *, done: bool) -> ImportOut:
    faults = [
        FaultOut(line=each.line, column=each.column, rule=each.rule) for each in report.problems
    ]
    return ImportOut(
        done=done, rows=report.rows, new=report.new, present=report.present, problems=faults
    )


@_own.get(
    "/v1/audit", summary="读审计日志 / Read the audit log", tags=["审计 audit"],
    openapi_extra=_SECURITY,
)  # fmt: skip
def list_audit(
    caller: AuditAdmin, provider: Opened,
    after: Annotated[int, Query(ge=-1, le=_LAST, description="此序号之后 / After this one")] = -1,
    act: Annotated[str, Query(max_length=64, description="行为 / Only this act")] = "",
    account: Annotated[str, Query(max_length=64, description="操作者 / Only by this one")] = "",
    subject: Annotated[str, Query(max_length=200, description="对象 / Only of this one")] = "",
    limit: Annotated[int, Query(ge=1, le=500, description="每页条数 / How many")] = 100,
) -> AuditPageOut:  # fmt: skip
    """按序号向后读，一次查看至多一万条；items 为空而 next 不空时继续。

    Forward by sequence. One request looks at ten thousand entries at most, so a page may be empty
    with more to come: go on until `next` is null. Reading is itself in the log.
    """
    wanted = audit_reading.Wanted(act=act, account=account, subject=subject)
    with provider.reading() as session:
        page = audit_reading.read(session, wanted, after=after, limit=limit)
    details: dict[str, audit.JSON] = {"after": after, "shown": len(page.entries)}
    provider.audit.record(
        "audit.read", subject="audit", by=caller, at=provider.clock(), details=details
    )
    return AuditPageOut(
        items=[AuditEntryOut(**each) for each in page.entries], scanned_to=page.scanned_to,
        next=page.next,
    )  # fmt: skip


router = APIRouter()
for _each in (
    # What has a word after a client's id stands before router_clients, whose ids hold slashes.
    router_machines.router, router_clients.router, router_people.router, router_accounts.router,
    router_organisations.router, _own,
):  # fmt: skip
    router.include_router(_each)
