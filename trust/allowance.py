"""So much work for anybody who asks: what costs signatures is done so often at once, then slowly.

Kept in this process only, for all callers together: a limit by address would not hold against many
addresses, and what is refused here has a cheaper answer (the whole list, the document of before).
"""

from datetime import datetime, timedelta
from threading import Lock

from trust.errors import Unavailable


class AllowanceSpent(Unavailable):
    """Enough of this was done lately."""

    code = "allowance_spent"


class Allowance:
    """`burst` at once, and one more after each `every`."""

    def __init__(self, burst: int, every: timedelta) -> None:
        self._burst, self._every = burst, every
        self._left = float(burst)
        self._at: datetime | None = None
        self._lock = Lock()

    def spend(self, *, at: datetime) -> None:
        """Take one; AllowanceSpent. A clock that was set back gives nothing."""
        with self._lock:
            last = self._at or at
            self._at = max(last, at)
            passed = (self._at - last) / self._every
            self._left = min(float(self._burst), self._left + passed)
            if self._left < 1:
                raise AllowanceSpent("enough of this was made lately; ask again later")
            self._left -= 1
