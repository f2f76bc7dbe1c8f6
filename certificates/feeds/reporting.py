"""The catalogue reported upward: what changed becomes a row, rows become batches.

A row is noted with the event that it tells of and says nothing yet; its items (GB/T 36903 and those
of reporting, docs/events.md) are written when its batch is made, as the licence then stands. Holder
and number are among them because the standard's metadata has them; extension items stay here.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from certificates import identifier, registry
from certificates.events import ISSUED
from certificates.feeds.reporting_models import BatchState, ReportBatch, ReportRow, RowState
from certificates.models import Authority, Licence, LicenceState
from trust import audit
from trust.access import Caller, Role
from trust.clock import CHINA
from trust.crypto import hashes, jose
from trust.errors import Conflict, Forbidden, NotFound
from trust.vault import Vault

BATCH_ROWS: Final = 500
#: Of one batch; the exchange takes a megabyte.
BATCH_BYTES: Final = 768 * 1024
INSERT, UPDATE, DELETE = "I", "U", "D"
WITHDRAWN: Final = "withdrawn"
_LOCK: Final = "report/batch"
#: Of a licence's metadata these go up, those it has; nothing else does.
ITEMS: Final = (
    "ZZMC", "ZZLXDM", "ZZBH", "ZZBS", "ZZBFJG", "ZZBFJGDM", "ZZBFRQ", "CZZT", "CZZTDM", "CZZTDMLX",
    "CZZTDMLXDM", "ZZYXQQSRQ", "ZZYXQJZRQ", "GLZZBS",
)  # fmt: skip


class NotReported(Conflict):
    """Nothing of this licence was reported, or it was withdrawn already."""

    code = "not_reported"


def note(session: Session, licence: str, kind: str, *, event: int | None, at: datetime) -> None:
    """A row for a change, inside the caller's transaction; `event` at most once. Of a licence that
    was withdrawn nothing more is told."""
    if kind not in (ISSUED, WITHDRAWN) and _last(session, licence) == DELETE:
        return
    operation = {ISSUED: INSERT, WITHDRAWN: DELETE}.get(kind, UPDATE)
    session.execute(
        insert(ReportRow),
        {"licence": licence, "kind": kind, "event": event, "operation": operation, "at": at,
         "state": RowState.WAITING},
    )  # fmt: skip


def _last(session: Session, licence: str) -> str | None:
    """What was last to be done with a licence's row."""
    found = select(ReportRow.operation).where(ReportRow.licence == licence)
    return session.scalar(found.order_by(ReportRow.id.desc()).limit(1))


def _require(by: Caller) -> None:
    if not by.has(Role.SYSTEM_ADMIN):
        raise Forbidden("上报由系统管理员负责 / reporting is for a system administrator")


def withdraw(session: Session, licence: str, *, reason: str, by: Caller, at: datetime) -> None:
    """Take a licence out of the superior's catalogue (D): it was reported by mistake. Its life here
    goes on. NotReported."""
    _require(by)
    if _last(session, licence) in (None, DELETE):
        raise NotReported("这份证照没有上报，或已撤回 / not reported, or withdrawn already")
    note(session, licence, WITHDRAWN, event=None, at=at)
    details: dict[str, audit.JSON] = {"reason": reason[:200]}
    audit.record(session, "report.withdrawn", subject=licence, by=by, at=at, details=details)


def resend(session: Session, row: int, *, by: Caller, at: datetime) -> None:
    """Send a rejected row again after what was wrong was put right; NotFound for any other."""
    _require(by)
    licence = session.scalar(
        update(ReportRow)
        .where(ReportRow.id == row, ReportRow.state == RowState.REJECTED)
        .values(state=RowState.WAITING, batch=None)
        .returning(ReportRow.licence)
    )
    if licence is None:
        raise NotFound("没有这一被退回的行 / there is no such rejected row")
    details: dict[str, audit.JSON] = {"row": row}
    audit.record(session, "report.resent", subject=licence, by=by, at=at, details=details)


def resend_all(session: Session, *, by: Caller, at: datetime) -> int:
    """`resend` of every rejected row; how many."""
    _require(by)
    found = session.scalars(
        update(ReportRow)
        .where(ReportRow.state == RowState.REJECTED)
        .values(state=RowState.WAITING, batch=None)
        .returning(ReportRow.id)
    ).all()
    details: dict[str, audit.JSON] = {"rows": len(found)}
    audit.record(session, "report.resent", subject="all", by=by, at=at, details=details)
    return len(found)


def make_batch(session: Session, vault: Vault, *, source: str, at: datetime) -> str | None:
    """Put the rows that wait into a batch, the oldest first; its id, None when nothing waits or a
    batch made before is not yet sent. The caller's transaction."""
    unsent = select(ReportBatch.id).where(ReportBatch.state == BatchState.MADE).limit(1)
    waiting = select(ReportRow.id).where(ReportRow.state == RowState.WAITING).limit(1)
    if session.scalar(waiting) is None or session.scalar(unsent) is not None:
        return None
    number = registry.next_number(session, _LOCK)  # whoever makes a batch holds this row
    if session.scalar(unsent) is not None:
        return None
    rows = session.scalars(
        select(ReportRow)
        .where(ReportRow.state == RowState.WAITING)
        .order_by(ReportRow.id)
        .limit(BATCH_ROWS)
    ).all()
    if not rows:
        return None
    region = registry.region(session).code
    batch = f"{region}{at.astimezone(CHINA):%Y%m%d}{number:08d}"
    body, rows = _body(session, vault, batch, rows, source=source or region)
    session.add(
        ReportBatch(
            id=batch, rows=len(rows), digest=hashes.sha256(body),
            box=vault.seal(body, context=f"report/{batch}"), state=BatchState.MADE, made_at=at,
            tried=0, next_at=at,
        )
    )  # fmt: skip
    session.flush()
    for row in rows:
        row.state, row.batch, row.remark = RowState.BATCHED, batch, None
    session.flush()
    return batch


def _body(
    session: Session, vault: Vault, batch: str, rows: Sequence[ReportRow], *, source: str
) -> tuple[bytes, Sequence[ReportRow]]:
    """A batch, and the rows that found room in it."""
    licences = {
        licence.identifier: (licence, division)
        for licence, division in session.execute(
            select(Licence, Authority.division)
            .join(Authority, Authority.code == Licence.authority)
            .where(Licence.identifier.in_({row.licence for row in rows}))
        )
    }
    items: list[dict[str, Any]] = []
    room = BATCH_BYTES
    for row in rows:
        found = row_items(row, *licences[row.licence], vault=vault, batch=batch, source=source)
        room -= len(jose.canonical_json(found))
        if room < 0 and items:
            break
        items.append(found)
    body = jose.canonical_json({"cd_batch": batch, "data_source": source, "rows": items})
    return body, rows[: len(items)]


def row_items(
    row: ReportRow, licence: Licence, division: str, *, vault: Vault, batch: str, source: str
) -> dict[str, Any]:
    """A row as it is sent. One that deletes names the licence and nothing of its holder."""
    state = str(LicenceState.ACTIVE) if row.kind == ISSUED else row.kind
    found: dict[str, Any] = {
        "cd_row": row.id, "cd_operation": row.operation, "cd_batch": batch,
        "cd_time": _time(row.at), "data_source": source,
        "certificate_source_id": licence.application.hex, "certificate_area_code": division,
        "ZZBS": licence.identifier, "ZZLXDM": licence.type_code, "ZZBFJGDM": licence.authority,
    }  # fmt: skip
    if row.operation == DELETE:
        return found
    opened = vault.unseal(licence.content_box, context=f"licence/{licence.identifier}")
    metadata = json.loads(opened)["licence"]
    found |= {name: metadata[name] for name in ITEMS if name in metadata}
    found |= {
        "certificate_version": f"{identifier.parse(licence.identifier).version:03d}", "ZZZT": state,
        "ZZBGSJ": _time(row.at),
    }  # fmt: skip
    return found


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
