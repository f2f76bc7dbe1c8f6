"""Reconciliation (对账): what we have against what the superior has, by division and type."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from certificates.feeds.reporting import DELETE
from certificates.feeds.reporting_models import (
    BatchState,
    ReportBatch,
    ReportCount,
    ReportRow,
    RowState,
)
from certificates.feeds.reporting_send import BadAnswer
from certificates.models import Authority, Licence
from trust import audit
from trust.access import Caller
from trust.crypto import jose
from trust.crypto.errors import Malformed
from trust.db import Sessions

_ROWS_MAX: Final = 20_000


class Asked(Protocol):
    """`reporting_send.HttpSuperior.ask`. ReportFailed."""

    def __call__(self, path: str, body: bytes) -> bytes: ...


def ours(session: Session) -> dict[tuple[str, str], int]:
    """Licences by division and type, without those withdrawn from the catalogue."""
    withdrawn = select(ReportRow.licence).where(ReportRow.operation == DELETE)
    rows = session.execute(
        select(Authority.division, Licence.type_code, func.count())
        .join(Authority, Authority.code == Licence.authority)
        .where(Licence.identifier.not_in(withdrawn))
        .group_by(Authority.division, Licence.type_code)
    )
    return {(division, kind): total for division, kind, total in rows}


def last_batch(session: Session) -> str:
    """The newest batch that was answered, "" before the first."""
    found = select(ReportBatch.id).where(ReportBatch.state == BatchState.ANSWERED)
    return session.scalar(found.order_by(ReportBatch.made_at.desc()).limit(1)) or ""


def reconcile(sessions: Sessions, ask: Asked, *, by: Caller, at: datetime) -> Sequence[ReportCount]:
    """Ask for the superior's counts and keep both; those that differ first. BadAnswer,
    ReportFailed."""
    data = _read(ask("catalogue/counts", b"{}"))
    theirs = {(row["division"], row["type"]): row["total"] for row in data["counts"]}
    with sessions.begin() as session:
        mine = ours(session)
        session.execute(delete(ReportCount))
        for division, kind in sorted(mine.keys() | theirs.keys()):
            session.add(
                ReportCount(
                    division=division, type_code=kind, ours=mine.get((division, kind), 0),
                    theirs=theirs.get((division, kind), 0), last_batch=data["last_batch"], at=at,
                )
            )  # fmt: skip
        session.flush()
        found = latest(session)
        details: dict[str, audit.JSON] = {
            "ours": sum(mine.values()), "theirs": sum(theirs.values()),
            "last_batch": data["last_batch"], "different": sum(r.ours != r.theirs for r in found),
        }  # fmt: skip
        audit.record(session, "report.reconciled", subject="catalogue", by=by, at=at,
                     details=details)  # fmt: skip
        return found


def latest(session: Session) -> Sequence[ReportCount]:
    """The last comparison, the largest differences first."""
    order = (func.abs(ReportCount.ours - ReportCount.theirs).desc(), ReportCount.division)
    return session.scalars(select(ReportCount).order_by(*order, ReportCount.type_code)).all()


def _read(answer: bytes) -> dict[str, Any]:
    try:
        found = jose.load_json(answer.decode(), cap=4 * 1024 * 1024)
        data: dict[str, Any] = found["data"]
        good = found["code"] in (200, "200") and len(data["counts"]) <= _ROWS_MAX
        good = good and isinstance(data["last_batch"], str) and len(data["last_batch"]) <= 40
        for row in data["counts"]:
            good = good and len(str(row["division"])) <= 6 and len(str(row["type"])) <= 21
            good = good and type(row["total"]) is int
    except (UnicodeDecodeError, Malformed, KeyError, TypeError) as error:
        raise BadAnswer("不是对账结果 / not a count") from error
    if not good:
        raise BadAnswer("不是对账结果 / not a count")
    return data


def states(session: Session) -> dict[str, int]:
    """How many rows stand in each state."""
    found = session.execute(select(ReportRow.state, func.count()).group_by(ReportRow.state))
    counted = {str(state): total for state, total in found}
    return {str(state): counted.get(str(state), 0) for state in RowState}
