"""What has ended is deleted, a bounded number of rows at a time, so that no table grows for ever
and no deletion holds the database up.

Kept longer than their life: used codes and tokens, because a replay must still be known for one;
evidence, agencies, grants and sessions, because they are records and not credentials.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from trust.db import Base, Sessions

#: Rows of one table that one transaction deletes.
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of `table` may go when `ended` lies `keep` back."""

    table: type[Base]
    key: InstrumentedAttribute[object]
    ended: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]
    keep: timedelta


def clean(sessions: Sessions, rules: Sequence[Rule], *, at: datetime, rounds: int = 20) -> int:
    """Delete what has ended; the number of rows. At most `rounds` batches of each table, each in a
    transaction of its own: what is left goes the next time."""
    gone = 0
    for rule in rules:
        for _ in range(rounds):
            with sessions.begin() as session:
                found = _delete(session, rule, at - rule.keep)
            gone += found
            if found < BATCH:
                break
    return gone


def _delete(session: Session, rule: Rule, before: datetime) -> int:
    ended: ColumnElement[bool] = rule.ended < before
    some = select(rule.key).where(ended).limit(BATCH).scalar_subquery()
    found = session.execute(
        delete(rule.table).where(rule.key.in_(some), ended).returning(rule.key),
        execution_options={"synchronize_session": False},
    )
    return len(found.all())
