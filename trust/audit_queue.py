"""Acts audited many to a transaction, where a synchronous write would be the bottleneck.

Every write to the audit log waits for its one writer and for the disk. Acts that happen hundreds of
times a second and change nothing else (a token given, personal data read) are kept in memory,
`room` at most, and written every `every` seconds and when the process ends in order. A crash loses
the acts of its last moment. While the log cannot be written they wait; once there is no room, an
act that cannot be recorded is refused, not forgotten.
"""

import logging
import threading
from collections import deque
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from trust import audit
from trust.access import Caller
from trust.audit import JSON, Act
from trust.db import Sessions
from trust.errors import TrustError, Unavailable

#: Acts that may wait in memory; the thread is woken when a quarter of it is taken.
ROOM = 20_000
SECONDS = 1.0
#: Seconds that an act waits for room.
PATIENCE = 1.0

_logger = logging.getLogger("trust.audit_queue")


class ActNotRecorded(Unavailable):
    """The audit log cannot be written, and no more acts can wait for it."""

    code = "act_not_recorded"


class AuditQueue:
    """The queue and the thread that empties it."""

    def __init__(self, sessions: Sessions, *, room: int = ROOM, every: float = SECONDS) -> None:
        self._sessions, self._room, self._every = sessions, room, every
        self._waiting: deque[Act] = deque()
        self._held = threading.Lock()  # the queue
        self._freed = threading.Condition(self._held)
        self._writing = threading.Lock()  # one writer, so that acts are recorded in their order
        self._stopped = threading.Event()
        self._due = threading.Event()
        self._thread: threading.Thread | None = None

    def record(
        self, act: str, *, subject: str, by: Caller, at: datetime,
        details: Mapping[str, JSON] | None = None,
    ) -> None:  # fmt: skip
        """Keep an act until the next writing. Without room the queue is emptied at once: by its
        thread, for which this waits a moment only, because the caller may be inside a transaction
        and then the thread waits for that.

        ActNotRecorded: then the caller must not answer.
        """
        waiting = Act(act, subject, by, at, dict(details or {}))
        if not self._keep(waiting):
            self._make_room()
            if not self._keep(waiting):
                raise ActNotRecorded("too many acts wait for the audit log")

    def _make_room(self) -> None:
        if self._thread is None:
            self.flush()
            return
        self._due.set()
        with self._held:
            self._freed.wait_for(lambda: len(self._waiting) < self._room, timeout=PATIENCE)

    def _keep(self, waiting: Act) -> bool:
        with self._held:
            if len(self._waiting) >= self._room:
                return False
            self._waiting.append(waiting)
            if len(self._waiting) * 4 > self._room:
                self._due.set()
            return True

    def flush(self) -> int:
        """Write what waits, in one transaction; how many. ActNotRecorded: they wait on."""
        with self._writing:
            with self._held:
                batch = list(self._waiting)
            if not batch:
                return 0
            try:
                self._write(batch)
            except (SQLAlchemyError, TrustError) as error:
                raise ActNotRecorded("the audit log cannot be written") from error
            with self._held:
                # Only writers take from the left, and there is one: these are the very same.
                for _ in batch:
                    self._waiting.popleft()
                self._freed.notify_all()
            return len(batch)

    def _write(self, batch: list[Act]) -> None:
        with self._sessions.begin() as session:
            audit.record_all(session, batch)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="audit-queue", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and write what still waits."""
        self._stopped.set()
        self._due.set()
        if self._thread is not None:
            self._thread.join()
        self._try_flush()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._due.wait(self._every)
            self._due.clear()
            self._try_flush()

    def _try_flush(self) -> None:
        try:
            self.flush()
        except ActNotRecorded:
            # Tried again in a second; the next one refused for want of room is told so.
            _logger.error("%d acts wait: the audit log cannot be written", len(self._waiting))
