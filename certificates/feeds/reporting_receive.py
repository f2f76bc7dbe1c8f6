"""Being the superior: batches from lower regions, each taken exactly once.

The answer is stored with the batch in one transaction: a batch that comes again, because its sender
died before it read the answer, gets the same one. A row is taken or rejected by itself; what is
rejected names why (`error_code`, `error_remark`).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certificates import identifier, registry
from certificates.feeds.reporting import BATCH_ROWS, DELETE, INSERT, ITEMS, UPDATE
from certificates.feeds.reporting_models import CatalogueRow, ReceivedBatch, ReportSource
from certificates.models import LicenceState
from trust import audit, identifiers
from trust.access import SYSTEM, Caller, Role
from trust.crypto import hashes, jose
from trust.crypto.errors import Malformed
from trust.errors import Conflict, Forbidden, Invalid, NotFound
from trust.vault import Vault

BODY_MAX: Final = 8 * 1024 * 1024
_TEXT_MAX: Final = 512
_COUNT_MAX: Final = 20_000
_REQUIRED: Final = (
    "ZZMC", "ZZLXDM", "ZZBH", "ZZBS", "ZZBFJG", "ZZBFJGDM", "ZZBFRQ", "CZZT", "CZZTDM", "CZZTDMLX",
    "CZZTDMLXDM", "ZZZT",
)  # fmt: skip
#: What is kept in columns and compared, besides the issuers.
_TEXTS: Final = ("cd_operation", "ZZBS", "ZZLXDM", "ZZZT", "certificate_area_code")
_STATES: Final = frozenset({"", *map(str, LicenceState)})
REMARKS: Final = {
    "identifier": "证照标识不符合 GB/T 36904 / not an identifier of GB/T 36904",
    "items": "缺少必填的元数据项 / an item that must be there is missing",
    "mismatch": "代码与证照标识不一致 / the codes are not those of the identifier",
    "division": "行政区划不属于上报地区 / a division that is not of the reporting region",
    "operation": "操作须为 I、U 或 D / the operation is I, U or D",
    "state": "没有这种证照状态 / there is no such state",
    "source": "该证照由另一地区上报 / another region reports this licence",
    "form": "行的格式不对 / not the form of a row",
}


class BadBatch(Invalid):
    """Not a batch, or one without id or rows."""

    code = "bad_batch"


class BatchDiffers(Conflict):
    """A batch of this id came before with other content."""

    code = "batch_differs"


class RowRejected(Invalid):
    """One row is not taken; inside this module only."""

    code = "row_rejected"


@dataclass(frozen=True, slots=True)
class Taken:
    """What is answered: the body to the byte."""

    answer: bytes
    again: int = 0


def add_source(
    session: Session, rid: str, *, division: str, name: str, vault: Vault, by: Caller, at: datetime
) -> str:
    """Let a lower region report; its secret, shown once. Forbidden, Invalid, Conflict."""
    if not by.has(Role.SYSTEM_ADMIN):
        raise Forbidden("下级由系统管理员登记 / a lower region is added by a system administrator")
    identifiers.check_division(division)
    if not 0 < len(rid) <= 64 or not rid.isascii() or not rid.isprintable() or " " in rid:
        raise Invalid("编号为 1 至 64 个可见字符 / an id has 1 to 64 visible ASCII characters")
    if session.get(ReportSource, rid) is not None:
        raise Conflict("这个编号已登记 / this id is there already")
    secret = secrets.token_urlsafe(32)
    session.add(
        ReportSource(
            rid=rid, division=division, name=name[:100], active=True, added_by=by.account,
            secret_box=vault.seal(secret.encode(), context=f"report-source/{rid}"), added_at=at,
        )
    )  # fmt: skip
    session.flush()
    audit.record(session, "report.source_added", subject=rid, by=by, at=at,
                 details={"division": division})  # fmt: skip
    return secret


def secret_of(session: Session, rid: str, vault: Vault) -> bytes | None:
    """The secret of a region that may report; None for any other."""
    source = session.get(ReportSource, rid)
    if source is None or not source.active:
        return None
    return vault.unseal(source.secret_box, context=f"report-source/{rid}")


def receive(session: Session, rid: str, body: bytes, *, vault: Vault, at: datetime) -> Taken:
    """Take a batch, in the caller's transaction: BadBatch, BatchDiffers.

    1. the batch before, if it came; 2. each row by itself; 3. batch, answer and audit entry.
    """
    source = session.get_one(ReportSource, rid)
    batch, rows = _parse(body)
    registry.next_number(session, f"receive/{hashes.sha256(rid.encode()).hex()[:32]}")
    before = session.get(ReceivedBatch, (rid, batch))
    digest = hashes.sha256(body)
    if before is not None:
        if before.digest != digest:
            raise BatchDiffers(f"批次 {batch} 内容不同 / batch {batch} came with other content")
        return Taken(before.answer, again=1)
    rejects = _take_all(session, source, batch, rows, vault=vault, at=at)
    data = {"cd_batch": batch, "received": len(rows), "taken": len(rows) - len(rejects),
            "rejects": rejects}  # fmt: skip
    answer = jose.canonical_json({"code": 200, "message": "ok", "data": data})
    session.add(
        ReceivedBatch(
            source=rid, batch=batch, digest=digest, rows=len(rows), rejected=len(rejects),
            answer=answer, at=at,
        )
    )  # fmt: skip
    session.flush()
    details: dict[str, audit.JSON] = {
        "batch": batch, "rows": len(rows), "rejected": len(rejects), "sha256": digest.hex(),
    }  # fmt: skip
    audit.record(session, "report.received", subject=rid, by=SYSTEM, at=at, details=details)
    return Taken(answer)


def _parse(body: bytes) -> tuple[str, list[dict[str, Any]]]:
    try:
        found = jose.load_json(body.decode(), cap=BODY_MAX)
    except (UnicodeDecodeError, Malformed) as error:
        raise BadBatch("批次须为 UTF-8 的 JSON / a batch is JSON in UTF-8") from error
    batch = found.get("cd_batch") if isinstance(found, dict) else None
    rows = found.get("rows") if isinstance(found, dict) else None
    if not isinstance(batch, str) or not 0 < len(batch) <= 40 or not batch.isalnum():
        raise BadBatch("cd_batch 为 1 至 40 个字母数字 / cd_batch has 1 to 40 letters and digits")
    if not isinstance(rows, list) or not 0 < len(rows) <= BATCH_ROWS:
        raise BadBatch(f"每批 1 至 {BATCH_ROWS} 行 / a batch has 1 to {BATCH_ROWS} rows")
    if not all(isinstance(row, dict) for row in rows):
        raise BadBatch("每行是一个 JSON 对象 / each row is a JSON object")
    return batch, rows


def _take_all(
    session: Session, source: ReportSource, batch: str, rows: list[dict[str, Any]], *,
    vault: Vault, at: datetime,
) -> list[dict[str, Any]]:  # fmt: skip
    """Take each row that can be taken; why the others are not."""
    rejects = []
    for row in rows:
        try:
            _check(source, row)
            _put(session, source, batch, row, vault=vault, at=at)
        except RowRejected as error:
            rejects.append({
                "cd_row": row["cd_row"] if isinstance(row.get("cd_row"), int) else None,
                "error_code": str(error), "error_remark": REMARKS[str(error)],
            })  # fmt: skip
    return rejects


def _check(source: ReportSource, row: Mapping[str, Any]) -> None:
    number = row.get("cd_row")
    texts = all(isinstance(row.get(name, ""), str) for name in _TEXTS)
    if type(number) is not int or not 0 < number < 2**53 or not texts or not _plain(row):
        raise RowRejected("form")
    if row.get("cd_operation") not in (INSERT, UPDATE, DELETE):
        raise RowRejected("operation")
    try:
        known = identifier.parse(str(row.get("ZZBS", "")))
    except Invalid as error:
        raise RowRejected("identifier") from error
    # Of a joint licence all who issued it are named; the identifier names the first.
    issuers = row.get("ZZBFJGDM")
    named = issuers if isinstance(issuers, list) else [issuers]
    if known.type_code != row.get("ZZLXDM") or known.issuer not in named[:1]:
        raise RowRejected("mismatch")
    area = str(row.get("certificate_area_code", ""))
    if len(area) != 6 or not area.startswith(_trimmed(source.division)):
        raise RowRejected("division")
    if row.get("ZZZT", "") not in _STATES:
        raise RowRejected("state")
    if row["cd_operation"] == DELETE:
        return
    if any(not row.get(name) for name in _REQUIRED):
        raise RowRejected("items")


def _plain(row: Mapping[str, Any]) -> bool:
    """Whether every item is a short text, a number, or a short list of short texts."""
    for value in row.values():
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, str | int) or len(str(each)) > _TEXT_MAX or "\0" in str(each):
                return False
        if isinstance(value, list) and len(value) > 50:
            return False
    return len(row) <= 40


def _trimmed(division: str) -> str:
    """A division's code without the pairs of zeros at its end: what the codes below begin with."""
    while division.endswith("00") and len(division) > 2:
        division = division[:-2]
    return division


def _put(
    session: Session, source: ReportSource, batch: str, row: Mapping[str, Any], *, vault: Vault,
    at: datetime,
) -> None:  # fmt: skip
    """Insert, or replace what is older; a row that comes late changes nothing."""
    key = str(row["ZZBS"])
    found = session.get(CatalogueRow, key)
    if found is not None and found.source != source.rid:
        raise RowRejected("source")
    if found is not None and found.row > row["cd_row"]:
        return
    if found is None:
        found = CatalogueRow(identifier=key, source=source.rid, type_code=row["ZZLXDM"],
                             authority=identifier.parse(key).issuer)  # fmt: skip
        session.add(found)
    found.division, found.row, found.batch = row["certificate_area_code"], row["cd_row"], batch
    found.deleted, found.reported_at = row["cd_operation"] == DELETE, at
    found.state = str(row.get("ZZZT", "")) or "deleted"
    kept = {name: row[name] for name in ITEMS if name in row}
    found.box = (
        None if found.deleted
        else vault.seal(jose.canonical_json(kept), context=f"catalogue/{key}")
    )  # fmt: skip
    session.flush()


def counts(session: Session, rid: str) -> dict[str, Any]:
    """What we hold of a region, by division and type, and the last batch that came."""
    rows = session.execute(
        select(CatalogueRow.division, CatalogueRow.type_code, func.count())
        .where(CatalogueRow.source == rid, CatalogueRow.deleted.is_(False))
        .group_by(CatalogueRow.division, CatalogueRow.type_code)
        .order_by(CatalogueRow.division, CatalogueRow.type_code)
        .limit(_COUNT_MAX)
    ).all()
    last = session.scalar(
        select(ReceivedBatch.batch)
        .where(ReceivedBatch.source == rid)
        .order_by(ReceivedBatch.at.desc(), ReceivedBatch.batch.desc())
        .limit(1)
    )
    return {
        "last_batch": last or "",
        "counts": [{"division": division, "type": kind, "total": total}
                   for division, kind, total in rows],
    }  # fmt: skip


def read(session: Session, key: str, vault: Vault) -> dict[str, Any]:
    """The items of one row, for whoever may read them; NotFound."""
    found = session.get(CatalogueRow, key)
    if found is None or found.box is None:
        raise NotFound("目录中没有这份证照 / this licence is not in the catalogue")
    opened: dict[str, Any] = jose.load_json(vault.unseal(found.box, context=f"catalogue/{key}"))
    return opened
