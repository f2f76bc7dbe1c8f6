"""Sending batches to the superior, one after the other, each until it is answered.

1. lease the oldest batch that is unsent. 2. send it, outside any transaction. 3. note its answer,
row by row. A crash between 2 and 3: the same batch goes again, to the byte, and the superior
answers what it answered before; so nothing is counted twice. A failure is tried again for ever,
each wait twice the last: nothing overtakes it.
"""

import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from certificates.feeds import reporting, reporting_signature
from certificates.feeds.reporting_models import BatchState, ReportBatch, ReportRow, RowState
from certificates.feeds.webhooks_delivery import Post
from sso.outgoing import OutgoingFailed, OutgoingRefused
from trust import audit
from trust.access import SYSTEM
from trust.clock import Clock
from trust.crypto import jose
from trust.crypto.errors import Malformed
from trust.db import Sessions
from trust.errors import Conflict, Invalid, NotFound, TrustError, Unavailable
from trust.vault import Vault

LEASE: Final = timedelta(minutes=2)
SECONDS: Final = 60.0
ANSWER_MAX: Final = 4 * 1024 * 1024
FIRST_WAIT: Final = timedelta(seconds=10)
LONGEST_WAIT: Final = timedelta(hours=1)
_logger = logging.getLogger("trust.reporting")


class ReportFailed(Unavailable):
    """The superior could not be reached, refused, or answered something else."""

    code = "report_failed"


class BadAnswer(Invalid):
    """An answer that is not one, or to another batch."""

    code = "bad_report_answer"


class Superior(Protocol):
    """Where batches go."""

    def send(self, batch: str, body: bytes) -> bytes | None:
        """The answer, or None when it will come by another way; ReportFailed."""
        ...


@dataclass(frozen=True, slots=True)
class HttpSuperior:
    """The national exchange's headers over HTTPS (`reporting_signature`)."""

    url: str
    rid: str
    secret: bytes
    post: Post
    clock: Clock

    def send(self, batch: str, body: bytes) -> bytes:
        return self.ask("catalogue", body)

    def ask(self, path: str, body: bytes) -> bytes:
        """POST below `/sysapi/`; ReportFailed unless the answer is there."""
        headers = reporting_signature.headers(
            rid=self.rid, sid=reporting_signature.SID, secret=self.secret, body=body,
            at=self.clock(),
        ) | {"Content-Type": "application/json"}  # fmt: skip
        try:
            status, answer = self.post(
                f"{self.url}/sysapi/{path}", body, headers=headers, cap=ANSWER_MAX, timeout=SECONDS
            )
        except (OutgoingFailed, OutgoingRefused) as error:
            raise ReportFailed(str(error)) from error
        if status != 200:
            raise ReportFailed(f"the superior answered {status}")
        return answer


@dataclass(frozen=True, slots=True)
class FileSuperior:
    """Batches as files, for a gateway or a disk that is carried; answers are read in by command."""

    directory: Path

    def send(self, batch: str, body: bytes) -> None:
        """Write `BATCH.json`, whole or not at all; the same one again changes nothing."""
        path, new = self.directory / f"{batch}.json", self.directory / f".{batch}.new"
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
            raise ReportFailed("the batch cannot be written to its directory") from error


@dataclass(frozen=True, slots=True)
class Reporter:
    """What reporting needs. `source` is this region's `data_source`, empty: its code."""

    sessions: Sessions
    reading: Sessions
    vault: Vault
    superior: Superior
    clock: Clock
    source: str = ""
    jitter: Callable[[], float] = lambda: secrets.randbelow(1000) / 1000


@dataclass(frozen=True, slots=True)
class _Leased:
    batch: str
    body: bytes
    token: str
    tried: int


def report_due(reporter: Reporter, *, limit: int = 20) -> int:
    """Make and send what is due, at most so many batches; how many were sent."""
    sent = 0
    for _ in range(limit):
        if _waits(reporter):
            with reporter.sessions.begin() as session:
                reporting.make_batch(
                    session, reporter.vault, source=reporter.source, at=reporter.clock()
                )
        leased = _lease(reporter)
        if leased is None or not _send(reporter, leased):
            break
        sent += 1
    return sent


def _waits(reporter: Reporter) -> bool:
    with reporter.reading() as session:
        waiting = select(ReportRow.id).where(ReportRow.state == RowState.WAITING).limit(1)
        return session.scalar(waiting) is not None


def _lease(reporter: Reporter) -> _Leased | None:
    at, token = reporter.clock(), secrets.token_urlsafe(16)
    oldest = select(ReportBatch.id).where(ReportBatch.state == BatchState.MADE)
    oldest = oldest.order_by(ReportBatch.made_at, ReportBatch.id).limit(1)
    with reporter.reading() as session:
        if session.scalar(oldest) is None:
            return None
    with reporter.sessions.begin() as session:
        row = session.scalar(
            update(ReportBatch)
            .where(
                ReportBatch.id == oldest.scalar_subquery(),
                ReportBatch.state == BatchState.MADE,
                ReportBatch.next_at <= at,
                or_(ReportBatch.lease_until.is_(None), ReportBatch.lease_until < at),
            )
            .values(lease=token, lease_until=at + LEASE)
            .returning(ReportBatch),
            execution_options={"synchronize_session": False, "populate_existing": True},
        )
        if row is None or row.box is None:
            return None
        body = reporter.vault.unseal(row.box, context=f"report/{row.id}")
        return _Leased(row.id, body, token, row.tried)


def _send(reporter: Reporter, leased: _Leased) -> bool:
    """One try; whether the batch is on its way."""
    try:
        answer = reporter.superior.send(leased.batch, leased.body)
        if answer is not None:
            with reporter.sessions.begin() as session:
                take_answer(session, answer, batch=leased.batch, at=reporter.clock())
            return True
    except TrustError as error:
        _logger.warning("batch %s was not taken: %s", leased.batch, error.code)
        _put_off(reporter, leased, str(error))
        return False
    with reporter.sessions.begin() as session:
        _change(session, leased, {"state": BatchState.WRITTEN, "tried": leased.tried + 1})
    return True


def _put_off(reporter: Reporter, leased: _Leased, error: str) -> None:
    wait = min(FIRST_WAIT * 2 ** min(leased.tried, 20), LONGEST_WAIT)
    wait *= 0.5 + reporter.jitter() / 2
    values = {
        "tried": leased.tried + 1, "last_error": error[:200], "lease": None, "lease_until": None,
        "next_at": reporter.clock() + wait,
    }  # fmt: skip
    with reporter.sessions.begin() as session:
        _change(session, leased, values)


def _change(session: Session, leased: _Leased, values: dict[str, Any]) -> None:
    session.execute(
        update(ReportBatch)
        .where(ReportBatch.id == leased.batch, ReportBatch.lease == leased.token)
        .values(**values)
    )


# --- answers --------------------------------------------------------------------------------------


def take_answer(session: Session, answer: bytes, *, batch: str = "", at: datetime) -> str:
    """Note what became of a batch's rows; its id. An answer that comes twice changes nothing.

    BadAnswer, NotFound for a batch that is not ours, Conflict for one that was never sent.
    """
    data = _read_answer(answer)
    found = session.get(ReportBatch, data["cd_batch"], with_for_update=True)
    if found is None or batch not in ("", found.id):
        raise NotFound("没有这个批次 / no such batch")
    if found.state == BatchState.ANSWERED:
        return found.id
    if data["received"] != found.rows:
        raise Conflict("回执的行数不符 / the answer counts other rows than were sent")
    remarks = {each["cd_row"]: str(each["error_remark"])[:200] for each in data["rejects"]}
    for row in session.scalars(select(ReportRow).where(ReportRow.batch == found.id)):
        row.state = RowState.REJECTED if row.id in remarks else RowState.TAKEN
        row.remark = remarks.get(row.id)
    found.state, found.answered_at, found.box = BatchState.ANSWERED, at, None
    found.next_at = found.lease = found.lease_until = found.last_error = None
    session.flush()
    details: dict[str, audit.JSON] = {"rows": found.rows, "rejected": len(remarks)}
    audit.record(session, "report.answered", subject=found.id, by=SYSTEM, at=at, details=details)
    return found.id


def _read_answer(answer: bytes) -> dict[str, Any]:
    """The `data` of `{"code":200,"message":…,"data":{…}}`; BadAnswer."""
    try:
        found = jose.load_json(answer.decode(), cap=ANSWER_MAX)
        data = found["data"]
        good = found["code"] in (200, "200") and isinstance(data["cd_batch"], str)
        good = good and type(data["received"]) is int and len(data["rejects"]) <= data["received"]
        good = good and all(
            type(each["cd_row"]) is int and isinstance(each["error_remark"], str)
            for each in data["rejects"]
        )
    except (UnicodeDecodeError, Malformed, KeyError, TypeError) as error:
        raise BadAnswer("不是回执 / not an answer to a batch") from error
    if not good:
        raise BadAnswer(f"上级未接收批次 / the superior did not take the batch ({found['code']})")
    taken: dict[str, Any] = data
    return taken
