"""Every look at a licence is audited, many to a transaction.

One commit a look would cost more than the look itself, and every one of them waits for the audit
log's single writer. So looks are kept in memory, `ROOM` at most, and written every second and when
the process ends in order. A crash loses the looks of its last second. While the log cannot be
written they wait; once there is no room, a look that cannot be recorded is refused, not forgotten.
"""

import logging
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from certificates.verify_claim import Verification
from trust import audit
from trust.access import Caller
from trust.db import Sessions
from trust.errors import TrustError, Unavailable

#: Looks that may wait in memory.
ROOM = 1000
SECONDS = 1.0
#: Nobody logs in to look.
PUBLIC = Caller(account="public", authority=None, roles=frozenset())
UNKNOWN = "unknown"

_logger = logging.getLogger("trust.looks")


class LookNotRecorded(Unavailable):
    """The audit log cannot be written, and no more looks can wait for it."""

    code = "look_not_recorded"


@dataclass(frozen=True, slots=True)
class Look:
    """One verification as the audit log tells of it: nothing about the holder or the asker."""

    identifier: str
    outcome: str
    how: str
    at: datetime


def look_of(report: Verification, *, how: str) -> Look:
    """`identifier` is `unknown` when nothing that was handed in could be believed."""
    identifier = str(report.licence["identifier"]) if report.licence else UNKNOWN
    return Look(identifier, str(report.outcome), how, report.at)


class Looks:
    """The queue and the thread that empties it."""

    def __init__(
        self, sessions: Sessions, *, room: int = ROOM, every: float = SECONDS, by: Caller = PUBLIC
    ) -> None:
        self._sessions, self._room, self._every, self._by = sessions, room, every, by
        self._waiting: deque[Look] = deque()
        self._held = threading.Lock()  # the queue
        self._writing = threading.Lock()  # one writer, so that looks are recorded in their order
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def record(self, look: Look) -> None:
        """Keep a look until the next writing; writes at once when there is no room.

        LookNotRecorded when that fails: then the caller must not answer.
        """
        if not self._keep(look):
            self.flush()
            if not self._keep(look):
                raise LookNotRecorded("too many looks wait for the audit log")

    def _keep(self, look: Look) -> bool:
        with self._held:
            if len(self._waiting) >= self._room:
                return False
            self._waiting.append(look)
            return True

    def flush(self) -> int:
        """Write what waits, in one transaction; how many. LookNotRecorded: they wait on."""
        with self._writing:
            with self._held:
                batch = list(self._waiting)
            if not batch:
                return 0
            try:
                self._write(batch)
            except (SQLAlchemyError, TrustError) as error:
                raise LookNotRecorded("the audit log cannot be written") from error
            with self._held:
                # Only writers take from the left, and there is one: these are the very same.
                for _ in batch:
                    self._waiting.popleft()
            return len(batch)

    def _write(self, batch: list[Look]) -> None:
        with self._sessions.begin() as session:
            for look in batch:
                audit.record(
                    session, "verification.made", subject=look.identifier, by=self._by, at=look.at,
                    details={"how": look.how, "outcome": look.outcome},
                )  # fmt: skip

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="looks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and write what still waits; what cannot be written is counted in the
        log."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._try_flush()

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            self._try_flush()

    def _try_flush(self) -> None:
        try:
            self.flush()
        except LookNotRecorded:
            # Tried again in a second; the next one refused for want of room is told so.
            _logger.error("%d looks wait: the audit log cannot be written", len(self._waiting))
