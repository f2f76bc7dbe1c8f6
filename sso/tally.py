"""Acts of machines, counted: one audit entry a second for each platform and kind of token.

A platform may fetch a thousand tokens a second by client_credentials or refresh. One entry each
would make the audit log the slowest part of the token endpoint and say nothing more.
"""

import threading
from collections import Counter
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

from sso.provider import Provider
from trust.access import Caller
from trust.audit_queue import ActNotRecorded, AuditQueue

SECONDS: Final = 1.0


class Tally:
    """What is counted for one audit queue, until the second is over or `flush` is called."""

    def __init__(self, queue: AuditQueue) -> None:
        # The queue owns nothing of us, and a timer that still runs must not lose its counts.
        self._queue = queue
        self._counts: Counter[tuple[str, str]] = Counter()
        self._last: datetime | None = None
        self._timer: threading.Timer | None = None
        self._held = threading.Lock()

    def count(self, client_id: str, grant_type: str, *, at: datetime) -> None:
        with self._held:
            self._counts[client_id, grant_type] += 1
            self._last = at
            if self._timer is None:
                self._timer = threading.Timer(SECONDS, self._on_time)
                self._timer.daemon = True
                self._timer.start()

    def _on_time(self) -> None:
        try:
            self.flush()
        except ActNotRecorded:
            return  # the counts were put back; the next count starts the timer again

    def flush(self) -> None:
        """Hand over what was counted; ActNotRecorded when the queue has no room: it stays."""
        with self._held:
            counts, self._counts = self._counts, Counter()
            last, self._timer = self._last, None
        while counts and last is not None:
            (client_id, grant_type), number = counts.popitem()
            try:
                self._queue.record(
                    "token.issued", subject=client_id, by=of_client(client_id), at=last,
                    details={"grant_type": grant_type, "count": number},
                )  # fmt: skip
            except ActNotRecorded:
                with self._held:
                    self._counts[client_id, grant_type] += number
                    self._counts.update(counts)
                raise


_TALLIES: Final[WeakKeyDictionary[AuditQueue, Tally]] = WeakKeyDictionary()
_HELD: Final = threading.Lock()


def count(provider: Provider, client_id: str, grant_type: str, *, at: datetime) -> None:
    """Count one token."""
    _of(provider).count(client_id, grant_type, at=at)


def flush(provider: Provider) -> None:
    """Hand the counts to the audit queue now: before it is stopped."""
    _of(provider).flush()


def _of(provider: Provider) -> Tally:
    found = _TALLIES.get(provider.audit)
    if found is None:
        with _HELD:
            found = _TALLIES.setdefault(provider.audit, Tally(provider.audit))
    return found


def of_client(client_id: str) -> Caller:
    """A platform as the audit log names it; no account's name has a colon."""
    return Caller(account=f"client:{client_id}", authority=None, roles=frozenset())
