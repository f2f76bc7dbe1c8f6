"""Every row of a bulk job checked before any is issued.

Rows are read and checked outside transactions and written a block at a time. A crash leaves the job
in CHECKING with some of its rows; whoever takes it up again begins at the first row.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Final, cast
from uuid import UUID, uuid5

from sqlalchemy import Table, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from certificates import catalogue
from certificates.bulk import jobs, read, receipts
from certificates.bulk.bench import Bench
from certificates.bulk.columns import BulkFileInvalid, Row, columns_of
from certificates.bulk.jobs import BulkNotReady
from certificates.bulk.models import BulkFile, BulkJob, BulkRow, BulkState, RowState
from certificates.licence_type import LicenceType
from certificates.licence_types import registry as type_registry
from certificates.models import ApplicationKind, Licence, LicenceState
from certificates.press import recovery
from certificates.values import InvalidField, parse_date
from trust import audit
from trust.access import SYSTEM
from trust.clock import CHINA
from trust.errors import TrustError

BLOCK: Final = 500
_INSERT = insert(cast(Table, BulkRow.__table__))
_STANDING: Final = (LicenceState.ACTIVE, LicenceState.SUSPENDED)
#: What a row's own number stands for, beside ZZBH.
_PAPER: Final = "paper_number"


@dataclass(frozen=True, slots=True)
class Judged:
    """A row, its checked content, and what is wrong with it: (column, code, reason), or None."""

    row: Row
    digest: bytes
    content: dict[str, object]
    fault: tuple[str, str, str] | None


def check_content(
    licence_type: LicenceType, kind: ApplicationKind, row: Row, *, today: date,
    fallback: Path | None,
) -> dict[str, object]:  # fmt: skip
    """The checked content of a row; TrustError.

    Old stock (存量) keeps the dates and a number of its paper: the day that is on it counts as the
    day of issue.
    """
    if row.fault is not None:
        raise InvalidField(*row.fault)
    if kind == ApplicationKind.STOCK:
        day = parse_date("ZZBFRQ", row.content.get("ZZBFRQ"))
        if day > today:
            raise InvalidField("ZZBFRQ", "不得晚于今天 / a licence cannot be dated in the future")
        if "ZZBH" not in row.content and _PAPER not in row.about:
            raise InvalidField(
                "ZZBH", "存量证照须有纸质编号 / old stock has the number of its paper"
            )
        today = day
    return catalogue.check(licence_type, row.content, today=today, fallback=fallback)


def fault_of(error: TrustError) -> tuple[str, str, str]:
    """(column, code, reason) of a refusal; no part of what was written in the row."""
    field = str(getattr(error, "field", ""))[:64]
    reason = str(getattr(error, "rule", error)).removeprefix(f"{field}: ")
    return field, error.code, reason[:300]


def check(
    bench: Bench, key: UUID, data: bytes | None = None, *,
    told: Callable[[int], None] = lambda _: None,
) -> None:  # fmt: skip
    """Read and check all rows of a job in CHECKING, from `data` or the file that was kept.

    BulkNotReady when it is not in CHECKING or somebody else is at it; BulkFileInvalid, with the job
    UNREADABLE, when the file cannot be read. `told` hears how many rows have been checked.
    """
    owner = recovery.process_name()
    with bench.sessions.begin() as session:
        job = _take(session, bench, key, owner)
        licence_type = type_registry.current(session, job.type_code)
        if data is None:
            box = session.get_one(BulkFile, key).box
            data = bench.vault.unseal(box, context=f"bulk/{key}/file")
        session.expunge(job)
    try:
        rows = read.rows(data, job.form, columns_of(licence_type))
        judged = _judged(bench, job, licence_type, rows)
        done = 0
        while block := list(islice(judged, BLOCK)):
            _write(bench, job, licence_type, block, owner)
            done += len(block)
            told(done)
    except BulkFileInvalid as error:
        _end(bench, key, owner, state=BulkState.UNREADABLE, trouble=str(error))
        raise
    _end(bench, key, owner, state=None, version=licence_type.version)


def _take(session: Session, bench: Bench, key: UUID, owner: str) -> BulkJob:
    """The job, for this checker alone; what an earlier one wrote is cleared away."""
    at = bench.clock()
    known = session.get(BulkJob, key)
    if known is not None and known.owner and recovery.is_gone(known.owner):
        session.execute(
            update(BulkJob)
            .where(BulkJob.id == key, BulkJob.owner == known.owner)
            .values(lease_until=None)
        )
    won = session.execute(
        update(BulkJob)
        .where(
            BulkJob.id == key, BulkJob.state == BulkState.CHECKING,
            or_(BulkJob.lease_until.is_(None), BulkJob.lease_until < at),
        )
        .values(owner=owner, lease_until=at + bench.lease)
        .returning(BulkJob.id)
    ).one_or_none()  # fmt: skip
    if won is None:
        raise BulkNotReady("任务正在核对或已核对 / it is being checked by another, or was checked")
    session.execute(delete(BulkRow).where(BulkRow.job == key))
    return session.get_one(BulkJob, key, populate_existing=True)


def _judged(
    bench: Bench, job: BulkJob, licence_type: LicenceType, rows: Iterable[Row]
) -> Iterator[Judged]:
    """Each row with its fault; the second of two equal rows is one."""
    row_key = receipts.row_key(job, bench.vault)
    today = bench.clock().astimezone(CHINA).date()
    seen: dict[bytes, int] = {}
    numbers: dict[tuple[str, str], int] = {}
    for row in rows:
        digest = receipts.row_digest(row_key, row.content, row.about)
        fault, content = None, dict[str, object]()
        try:
            if (first := seen.setdefault(digest, row.number)) != row.number and not row.fault:
                raise InvalidField("", f"与第 {first} 行相同 / the same as row {first}")
            content = check_content(
                licence_type, job.kind, row, today=today, fallback=bench.fallback
            )
            for column, value in (("ZZBH", content.get("ZZBH")), (_PAPER, row.about.get(_PAPER))):
                if value is not None:
                    first = numbers.setdefault((column, str(value)), row.number)
                    if first != row.number:
                        raise InvalidField(
                            column, f"编号与第 {first} 行相同 / the same number as row {first}"
                        )
        except TrustError as error:
            fault = fault_of(error)
        yield Judged(row, digest, content, fault)


def taken_numbers(
    session: Session, type_code: str, rows: Sequence[Row]
) -> dict[int, tuple[str, str, str]]:
    """The rows whose number, printed or on the paper, a standing licence of the type has."""
    found: dict[int, tuple[str, str, str]] = {}
    for column, kept in ((_PAPER, Licence.paper_number), ("ZZBH", Licence.number)):
        wanted = {row.number: value for row in rows if (value := _number(row, column)) is not None}
        if not wanted:
            continue
        there = set(
            session.scalars(
                select(kept).where(
                    Licence.type_code == type_code, kept.in_(set(wanted.values())),
                    Licence.state.in_(_STANDING),
                )
            )
        )  # fmt: skip
        fault = (column, "number_taken", "there is a licence with it")
        found |= {number: fault for number, value in wanted.items() if value in there}
    return found


def _number(row: Row, column: str) -> str | None:
    value = row.about.get(_PAPER) if column == _PAPER else row.content.get("ZZBH")
    return value if isinstance(value, str) else None


def _write(
    bench: Bench, job: BulkJob, licence_type: LicenceType, block: list[Judged], owner: str
) -> None:
    with bench.reading() as session:
        taken = taken_numbers(session, licence_type.code, [each.row for each in block])
    rows = [
        _row(bench, job, replace(each, fault=each.fault or taken.get(each.row.number)))
        for each in block
    ]
    at = bench.clock()
    with bench.sessions.begin() as session:
        still = session.execute(
            update(BulkJob)
            .where(BulkJob.id == job.id, BulkJob.owner == owner,
                   BulkJob.state == BulkState.CHECKING)
            .values(lease_until=at + bench.lease)
            .returning(BulkJob.id)
        ).one_or_none()  # fmt: skip
        if still is None:
            raise BulkNotReady(
                "任务已取消或由他人接手 / the job was cancelled or taken over meanwhile"
            )
        session.connection().execute(_INSERT, rows)


def application_of(job: UUID, number: int) -> UUID:
    """The key of a row's application: the same whenever it is asked for."""
    return uuid5(job, str(number))


def _row(bench: Bench, job: BulkJob, judged: Judged) -> dict[str, object]:
    row, box = judged.row, None
    column, code, message = judged.fault or ("", "", "")
    if judged.fault is None:
        said = {"content": judged.content, "about": dict(row.about)}
        plain = json.dumps(said, ensure_ascii=False).encode()
        box = bench.vault.seal(plain, context=row_context(job.id, row.number))
    return {
        "job": job.id, "number": row.number, "digest": judged.digest, "content_box": box,
        "state": RowState.BAD if judged.fault else RowState.WAITING,
        "application": application_of(job.id, row.number), "attempts": 0, "owner": "",
        "lease_until": None, "field": column, "code": code, "message": message,
    }  # fmt: skip


def row_context(job: UUID, number: int) -> str:
    return f"bulk/{job}/{number}"


def _end(
    bench: Bench,
    key: UUID,
    owner: str,
    *,
    state: BulkState | None,
    trouble: str = "",
    version: str = "",
) -> None:
    """The job is CHECKED, HELD for its bad rows, or UNREADABLE; the kept file goes."""
    at = bench.clock()
    with bench.sessions.begin() as session:
        job = session.get_one(BulkJob, key, with_for_update=True)
        if job.state != BulkState.CHECKING or job.owner != owner:
            raise BulkNotReady(
                "任务已取消或由他人接手 / the job was cancelled or taken over meanwhile"
            )
        found = jobs.counts(session, key)
        job.rows, job.bad = found.all, found.bad
        job.state = state or (BulkState.HELD if job.bad else BulkState.CHECKED)
        job.trouble, job.owner, job.lease_until = trouble[:300], "", None
        job.type_version, job.checked_at = version, at
        if state is BulkState.UNREADABLE:
            job.file_key = None  # the same bytes may come again, under another type or name
            session.execute(delete(BulkRow).where(BulkRow.job == key))
        session.execute(delete(BulkFile).where(BulkFile.job == key))
        session.flush()
        details: dict[str, audit.JSON] = {
            "state": str(job.state), "rows": job.rows, "bad": job.bad,
        }  # fmt: skip
        audit.record(session, "bulk.checked", subject=str(key), by=SYSTEM, at=at, details=details)
