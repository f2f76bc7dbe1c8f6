"""Nothing is issued before what was issued already: a clock that was moved back stops the CA.

What was issued last says what time it was: the newest certificate, CRL, time-stamp and audit entry.
A clock that is behind them is wrong, or they are; either way nothing more is signed until somebody
has looked. It goes on by itself when the clock has passed them again. A clock that ran ahead leaves
its marks in the future: `accept` takes those out of consideration, once they have been judged.
"""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ca.models import Certificate, Crl, Timestamp
from trust import audit
from trust.access import Caller
from trust.audit_entry import AuditEntry
from trust.errors import Invalid, Unavailable

#: Processes whose clocks are kept by NTP agree within this.
TOLERANCE: Final = timedelta(seconds=5)
#: Certificates and CRLs bear the time at which their act began: making keys takes seconds, and
#: other processes have issued and recorded meanwhile.
ACT: Final = timedelta(seconds=30)

# By primary key or index, so that asking costs the same in a registry of millions. The newest of
# each is the one made last: nothing is made before the one before it, by this very rule.
_NEWEST: Final = select(
    select(Certificate.not_before).order_by(Certificate.id.desc()).limit(1).scalar_subquery(),
    select(Crl.this_update).order_by(Crl.id.desc()).limit(1).scalar_subquery(),
    select(func.max(Timestamp.at)).scalar_subquery(),
    select(AuditEntry.at).order_by(AuditEntry.sequence.desc()).limit(1).scalar_subquery(),
)
_ACCEPTED: Final = (
    select(AuditEntry.details)
    .where(AuditEntry.act == "clock.accepted")
    .order_by(AuditEntry.sequence.desc())
    .limit(1)
)
_logger = logging.getLogger("trust.clock")


class ClockMovedBack(Unavailable):
    """The clock is behind what was issued already: nothing is issued."""

    code = "clock_moved_back"


def newest(session: Session) -> datetime | None:
    """When the newest thing was issued or recorded; None before the first."""
    return max((mark for mark in _marks(session) if not set_aside(session, mark)), default=None)


def _marks(session: Session) -> list[datetime]:
    return [mark for mark in session.execute(_NEWEST).one() if mark is not None]


def set_aside(session: Session, mark: datetime) -> bool:
    """Whether somebody has judged a mark to be of a clock that ran ahead."""
    details = session.scalar(_ACCEPTED)
    if details is None:
        return False
    window = json.loads(details)
    return bool(window["from"] <= _text(mark) <= window["until"])


def accept(session: Session, *, reason: str, by: Caller, at: datetime) -> tuple[datetime, datetime]:
    """Say that `at` is right and what lies after it is of a clock that ran ahead, inside the
    caller's transaction; from when to when that is. Invalid when nothing lies ahead.

    What was issued in that future stays what it is: judge and revoke it.
    """
    ahead = [mark for mark in _marks(session) if mark > at]
    if not ahead:
        raise Invalid("nothing was issued or recorded after this time: there is nothing to accept")
    window = min(ahead), max(ahead)
    details = {"from": _text(window[0]), "until": _text(window[1]), "reason": reason[:200]}
    audit.record(session, "clock.accepted", subject="clock", by=by, at=at, details=details)
    return window


def _text(at: datetime) -> str:
    """Times in one form, so that they compare as they read."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def behind(session: Session, *, at: datetime) -> timedelta:
    """By how much `at` is behind the newest thing; zero when it is not."""
    last = newest(session)
    return max(last - at, timedelta()) if last is not None else timedelta()


def check(session: Session, *, at: datetime, tolerance: timedelta = ACT) -> None:
    """ClockMovedBack, and an alarm in the log, when `at` is behind by more than `tolerance`."""
    late = [mark for mark in _marks(session) if mark - at > tolerance]
    # Asked only when there is a doubt: everybody who issues comes by here.
    last = max((mark for mark in late if not set_aside(session, mark)), default=None)
    if last is not None:
        alarm(at, last)
        raise ClockMovedBack(
            f"the clock says {at:%Y-%m-%dT%H:%M:%SZ}, the last act is of {last:%Y-%m-%dT%H:%M:%SZ}:"
            " nothing is issued until the clock is right"
        )


def alarm(at: datetime, last: datetime) -> None:
    """The line that an operator must see."""
    _logger.critical(
        "!!! THE CLOCK WAS MOVED BACK: it says %s, the last act is of %s; NOTHING IS ISSUED UNTIL "
        "IT IS PUT RIGHT !!!", at.isoformat(), last.isoformat(),
    )  # fmt: skip
