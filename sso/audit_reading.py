"""The audit log read forward, a stretch at a time, for those who watch it.

Only the sequence is an index worth using here: a filter by account has none, one by act would have
to sort. So each call looks at a bounded stretch of sequences, whatever it finds there.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trust.audit import AuditEntry

#: Entries that one call looks at.
STRETCH: Final = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an entry must be; "" for anything."""

    act: str = ""
    account: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries in order, how far was looked, and where to go on (None: that was the end)."""

    entries: list[dict[str, Any]]
    scanned_to: int
    next: int | None


def read(session: Session, wanted: Wanted, *, after: int, limit: int) -> Stretch:
    """The entries after a sequence, `limit` at most, out of the next `STRETCH`."""
    head = session.scalar(select(func.max(AuditEntry.sequence)))
    last = min(after + STRETCH, -1 if head is None else head)
    found = select(AuditEntry).where(AuditEntry.sequence > after, AuditEntry.sequence <= last)
    filters = (
        (AuditEntry.act, wanted.act), (AuditEntry.account, wanted.account),
        (AuditEntry.subject, wanted.subject),
    )  # fmt: skip
    for column, value in filters:
        if not value.isprintable():
            return Stretch([], last, None)  # no entry holds it, and no database takes it
        if value:
            found = found.where(column == value)
    rows = session.scalars(found.order_by(AuditEntry.sequence).limit(limit + 1)).all()
    shown = rows[:limit]
    scanned_to = shown[-1].sequence if len(rows) > limit else max(last, after)
    more = head is not None and scanned_to < head
    return Stretch([_entry(row) for row in shown], scanned_to, scanned_to if more else None)


def _entry(row: AuditEntry) -> dict[str, Any]:
    return {
        "sequence": row.sequence, "at": row.at, "act": row.act, "subject": row.subject,
        "account": row.account, "authority": row.authority, "details": json.loads(row.details),
        "hash": row.hash.hex(),
    }  # fmt: skip
