"""Alarms about lists: raised when one is refused or does not come, seen in `/readyz` and on the
administrators' page until somebody settles them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trust import audit
from trust.access import SYSTEM, Caller
from trust.errors import NotFound
from trust.list_models import ListAlarm

DETAIL_MAX: Final = 300
#: What is over as soon as a good list comes. The others mean that somebody tried something.
PASSING: Final = ("list_unreachable", "list_expired", "list_overdue")


@dataclass(frozen=True, slots=True)
class Alarm:
    id: int
    region: str
    code: str
    detail: str
    times: int
    first_at: datetime
    last_at: datetime


def open_alarms(session: Session) -> tuple[Alarm, ...]:
    """The newest first."""
    rows = session.scalars(
        select(ListAlarm)
        .where(ListAlarm.settled_at.is_(None))
        .order_by(ListAlarm.last_at.desc(), ListAlarm.id.desc())
    )
    return tuple(
        Alarm(row.id, row.region, row.code, row.detail, row.times, row.first_at, row.last_at)
        for row in rows
    )


def raise_(session: Session, region: str, code: str, detail: str, *, at: datetime) -> None:
    """Count one more of an open alarm, or open it; only its opening is audited, which is last."""
    counted = session.execute(
        update(ListAlarm)
        .where(
            ListAlarm.region == region, ListAlarm.code == code, ListAlarm.settled_at.is_(None)
        )
        .values(times=ListAlarm.times + 1, last_at=at, detail=detail[:DETAIL_MAX])
        .returning(ListAlarm.id)
    ).first()  # fmt: skip
    if counted is not None:
        return
    session.add(
        ListAlarm(
            region=region, code=code, detail=detail[:DETAIL_MAX], times=1, first_at=at, last_at=at
        )
    )
    session.flush()
    audit.record(
        session, "trust_list.alarm", subject=region, by=SYSTEM, at=at, details={"code": code}
    )


def settle(session: Session, key: int, *, by: Caller, at: datetime) -> None:
    """Somebody has looked at it and says so; NotFound when it is not open."""
    region = session.scalar(
        update(ListAlarm)
        .where(ListAlarm.id == key, ListAlarm.settled_at.is_(None))
        .values(settled_at=at, settled_by=by.account)
        .returning(ListAlarm.region)
    )
    if region is None:
        raise NotFound("there is no such open alarm")
    audit.record(
        session, "trust_list.alarm_settled", subject=region, by=by, at=at, details={"alarm": key}
    )


def settle_passing(session: Session, region: str, *, at: datetime) -> None:
    """A good list came: what was only late is over."""
    session.execute(
        update(ListAlarm)
        .where(
            ListAlarm.region == region, ListAlarm.code.in_(PASSING), ListAlarm.settled_at.is_(None)
        )
        .values(settled_at=at, settled_by=SYSTEM.account)
    )
