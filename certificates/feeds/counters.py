"""Counters for the assessment of services (评估): how many licences were issued, changed, verified
and shared, by type, authority, division and day (China's). Numbers only, of nobody's person.

They are read from what is kept anyway: issues and changes from the events, looks from the audit log
by its act. Days that are over do not change, so a day is counted once and remembered.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from certificates import looks
from certificates.event_models import LicenceEvent
from certificates.events import ISSUED
from certificates.models import Authority, Licence
from trust.audit_entry import AuditEntry
from trust.clock import CHINA
from trust.errors import Invalid

DAYS_MAX: Final = 92
_KEPT_MAX: Final = 400
_DAY: Final = timedelta(days=1)
#: What an act in the audit log is counted as.
_LOOKS: Final = {looks.VERIFIED: "verified", looks.LOOKED: "shared"}
#: Holders who look at their own licences share them with nobody.
_OWN: Final = f'%"how":"{looks.BY_HOLDER}"%'
EVENTS: Final = ("issued", "changed", "verified", "shared")


@dataclass(frozen=True, slots=True)
class Count:
    """How often `event` happened on a day. Type, authority and division are empty for a look at
    something that is no licence of ours."""

    day: date
    event: str
    type_code: str
    authority: str
    division: str
    total: int


class Counters:
    """Counts by day, those of past days remembered; one for each process."""

    def __init__(self) -> None:
        self._kept: dict[date, tuple[Count, ...]] = {}
        self._lock = Lock()

    def between(
        self, session: Session, first: date, last: date, *, at: datetime
    ) -> Sequence[Count]:
        """The days from `first` to `last`, both included; Invalid for too many or none."""
        days = (last - first).days + 1
        if not 0 < days <= DAYS_MAX:
            raise Invalid(f"1 至 {DAYS_MAX} 天 / from 1 to {DAYS_MAX} days")
        found: list[Count] = []
        for number in range(days):
            found += self._day(session, first + number * _DAY, at=at)
        return found

    def _day(self, session: Session, day: date, *, at: datetime) -> tuple[Count, ...]:
        known = self._kept.get(day)
        if known is not None:
            return known
        counted = tuple(_count(session, day))
        # An hour's grace for a transaction that commits late.
        if at.astimezone(CHINA) >= _begin(day) + _DAY + timedelta(hours=1):
            with self._lock:
                if len(self._kept) >= _KEPT_MAX:
                    self._kept.pop(min(self._kept))
                self._kept[day] = counted
        return counted


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CHINA)


def _count(session: Session, day: date) -> Iterable[Count]:
    start, end = _begin(day).astimezone(UTC), (_begin(day) + _DAY).astimezone(UTC)
    totals: Counter[tuple[str, str, str, str]] = Counter()
    places = (Licence.type_code, Licence.authority, Authority.division)
    changes = (
        select(LicenceEvent.kind, *places, func.count())
        .join(Licence, Licence.identifier == LicenceEvent.licence)
        .join(Authority, Authority.code == Licence.authority)
        .where(LicenceEvent.at >= start, LicenceEvent.at < end)
        .group_by(LicenceEvent.kind, *places)
    )
    for kind, type_code, authority, division, number in session.execute(changes):
        totals["issued" if kind == ISSUED else "changed", type_code, authority, division] += number
    seen = (
        select(AuditEntry.act, *places, func.count())
        .join(Licence, Licence.identifier == AuditEntry.subject, isouter=True)
        .join(Authority, Authority.code == Licence.authority, isouter=True)
        .where(AuditEntry.at >= start, AuditEntry.at < end, AuditEntry.act.in_(_LOOKS))
        .where(AuditEntry.details.not_like(_OWN))
        .group_by(AuditEntry.act, *places)
    )
    for act, type_code, authority, division, number in session.execute(seen):
        totals[_LOOKS[act], type_code or "", authority or "", division or ""] += number
    for (event, type_code, authority, division), total in sorted(totals.items()):
        yield Count(day, event, type_code, authority, division, total)


def as_json(counts: Sequence[Count]) -> list[dict[str, object]]:
    return [
        {"day": f"{each.day:%Y-%m-%d}", "event": each.event, "type": each.type_code,
         "authority": each.authority, "division": each.division, "total": each.total}
        for each in counts
    ]  # fmt: skip


def as_prometheus(counts: Sequence[Count]) -> str:
    """Text format 0.0.4: a gauge for each day, because a counter would have to begin anew."""
    lines = [
        "# HELP trust_licence_events Licences issued, changed, verified and shared, by day.",
        "# TYPE trust_licence_events gauge",
    ]
    for each in counts:
        labels = {
            "day": f"{each.day:%Y-%m-%d}", "event": each.event, "type": each.type_code,
            "authority": each.authority, "division": each.division,
        }  # fmt: skip
        shown = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
        lines.append(f"trust_licence_events{{{shown}}} {each.total}")
    return "\n".join(lines) + "\n"
