"""Using seals over HTTP: grants, uses that want a second person, the ledger."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from seal import confirm, grants, ledger, life
from seal.grants import Terms
from seal.ledger import Filter, Use
from seal.ledger_models import UseResult
from seal.router import Administrator, Applicant, EsId, Reader
from seal.schemas import GrantIn, GrantOut, LedgerOut, UseIn, UseRequestOut
from seal.shown import grant_out, ledger_row_out, use_out
from trust.access import Caller, Role
from trust.dependencies import DbSession, Now, Reading, having

router = APIRouter(prefix="/v1/seals", tags=["用印 uses of seals"])

_SECURITY: dict[str, Any] = {"security": [{"oauth": ["trust"]}]}
Confirmer = Annotated[Caller, Depends(having(Role.APPROVER, Role.SEAL_ADMIN))]


class LedgerQuery(BaseModel):
    """台账的筛选 / Which rows of the ledger."""

    result: UseResult | None = Field(None, description="结果 / Result")
    operator: str | None = Field(None, max_length=64, description="用印账号 / Whose account")
    system: str | None = Field(None, max_length=100, description="系统 / System")
    type_code: str | None = Field(None, max_length=21, description="证照类型代码 / Licence type")
    item: str | None = Field(None, max_length=100, description="事项 / Matter")
    case: str | None = Field(None, max_length=100, description="办件 / Case")
    document: str | None = Field(None, max_length=200, description="文件名 / Document")
    digest: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="文件 SHA-256 / SHA-256 of the file"
    )
    since: AwareDatetime | None = Field(None, description="起 / From")
    before: AwareDatetime | None = Field(None, description="止（不含） / Until, exclusive")

    def filter(self) -> Filter:
        found = self.model_dump(include=set(LedgerQuery.model_fields))
        found["digest"] = bytes.fromhex(self.digest) if self.digest else None
        return Filter(**found)


class LedgerPageQuery(LedgerQuery):
    """台账的筛选与分页 / The same, a page of it."""

    below: int | None = Field(None, ge=1, description="上一页的 next / `next` of the page before")
    limit: int = Field(50, ge=1, le=ledger.PAGE_MAX, description="行数 / Rows")


def _post(path: str, zh: str, en: str) -> Callable[[Any], Any]:
    return router.post(path, status_code=201, summary=f"{zh} / {en}", openapi_extra=_SECURITY)


def _get(path: str, zh: str, en: str, **options: Any) -> Callable[[Any], Any]:
    return router.get(path, summary=f"{zh} / {en}", openapi_extra=_SECURITY, **options)


@_post("/{es_id}/grants", "授权用印", "Grant")
def create_seal_grant(
    es_id: EsId, body: GrantIn, caller: Administrator, session: DbSession, now: Now
) -> GrantOut:
    """谁可以用、用于什么、期限、每日上限 / Who may use it, for what, how long, how often."""
    with session.begin():
        made = grants.grant(session, es_id, Terms(**body.model_dump()), by=caller, at=now())
        return grant_out(made)


@_get("/{es_id}/grants", "授权清单", "Grants")
def list_seal_grants(es_id: EsId, caller: Reader, reading: Reading) -> list[GrantOut]:
    """该印章的全部授权 / Every grant of the seal."""
    life.find(reading, es_id, by=caller, readers=ledger.READERS)
    return [grant_out(row) for row in grants.of_seal(reading, es_id)]


@_post("/grants/{key}/revocation", "收回授权", "Take a grant back")
def revoke_seal_grant(key: UUID, caller: Administrator, session: DbSession, now: Now) -> GrantOut:
    """从下一次用印起生效 / From the next use on."""
    with session.begin():
        return grant_out(grants.revoke(session, key, by=caller, at=now()))


@_post("/{es_id}/uses", "申请一次用印", "Ask for one use")
def ask_for_use(
    es_id: EsId, body: UseIn, caller: Applicant, session: DbSession, now: Now
) -> UseRequestOut:
    """授权要求另一人确认时 / Where the grant wants a second person."""
    use = Use(es_id, body.type_code, body.case, body.document, body.item)
    with session.begin():
        return use_out(confirm.ask(session, use, by=caller, at=now()))


@_get("/uses/pending", "待确认的用印", "Uses to be confirmed")
def list_use_requests(caller: Confirmer, reading: Reading) -> list[UseRequestOut]:
    """本机构印章的 / Of the authority's seals."""
    return [use_out(row) for row in confirm.waiting(reading, caller.authority or "")]


@_post("/uses/{key}/confirmation", "确认用印", "Confirm a use")
def confirm_use(key: UUID, caller: Confirmer, session: DbSession, now: Now) -> UseRequestOut:
    """由申请人以外的人确认，24 小时内有效 / By another person; good for 24 hours."""
    with session.begin():
        return use_out(confirm.confirm(session, key, by=caller, at=now()))


@_get("/{es_id}/ledger", "用印台账", "The ledger")
def read_ledger(
    es_id: EsId, caller: Reader, reading: Reading, query: Annotated[LedgerPageQuery, Query()]
) -> LedgerOut:
    """每次用印和每次被拒，从新到旧；result=used 即该印章签过的文件。

    Every use and every refused one, newest first; `result=used` are the documents it touched.
    """
    life.find(reading, es_id, by=caller, readers=ledger.READERS)
    rows = ledger.page(reading, es_id, query.filter(), below=query.below, limit=query.limit)
    more = rows[-1].id if len(rows) == query.limit else None
    return LedgerOut(rows=[ledger_row_out(row) for row in rows], next=more)


@_get(
    "/{es_id}/ledger.csv", "导出台账", "Export the ledger", response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)  # fmt: skip
def export_ledger(
    es_id: EsId, caller: Reader, reading: Reading, query: Annotated[LedgerQuery, Query()]
) -> StreamingResponse:
    """CSV（UTF-8），全部行 / Every row as CSV."""
    life.find(reading, es_id, by=caller, readers=ledger.READERS)
    lines = ledger.as_csv(ledger.every(reading, es_id, query.filter()))
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="seal-{es_id}.csv"',
    }
    return StreamingResponse(lines, 200, headers, "text/csv; charset=utf-8")
