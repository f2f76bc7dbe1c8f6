"""Time comes in as an argument; this is where it comes from."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

Clock = Callable[[], datetime]

#: China has had one zone and no summer time since 1991; dates printed on a licence are in it.
CHINA = timezone(timedelta(hours=8), "CST")


def utc_now() -> datetime:
    """The present, in UTC, to the microsecond."""
    return datetime.now(UTC)
