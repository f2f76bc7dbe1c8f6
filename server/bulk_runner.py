"""Bulk jobs that came by page or API: read, and worked off when they are released.

A thread of the running service. Every process may run it: a job is read by one of them, and rows go
to whoever takes them first.
"""

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError

from certificates.bulk import check as bulk_check
from certificates.bulk import jobs as bulk_jobs
from certificates.bulk.jobs import BulkNotReady
from certificates.bulk.models import BulkFile, BulkJob, BulkState
from server import bulk_dispatch
from server.bulk_bench import open_bench
from server.platform import Platform
from trust.clock import Clock
from trust.errors import TrustError

#: Seconds between two looks for work.
ROUND: Final = 2.0

_logger = logging.getLogger("trust.bulk")


class BulkRunner:
    """Two threads: files are read while jobs are worked off. `stop` waits for the blocks in hand,
    not for the jobs: whoever starts next goes on with them."""

    def __init__(self, platform: Platform, clock: Clock) -> None:
        self._platform, self._clock = platform, clock
        self._stopped = Event()
        self._watch: bulk_dispatch.Watch | None = None
        self._threads = [
            Thread(target=self._run, args=(each,), name="bulk", daemon=True)
            for each in (self.check, self.work)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _run(self, verb: Callable[[], None]) -> None:
        while not self._stopped.wait(ROUND):
            try:
                verb()
            except (TrustError, SQLAlchemyError, OSError) as error:
                _logger.warning("bulk: %s: %s", verb.__name__, type(error).__name__)

    def check(self) -> None:
        """Read and check what was uploaded. A job without a kept file is read by the command that
        brought it."""
        uploaded = (
            select(BulkJob.id)
            .join(BulkFile, BulkFile.job == BulkJob.id)
            .where(BulkJob.state == BulkState.CHECKING)
        )
        for key in self._keys(uploaded):
            bench = open_bench(self._platform, clock=self._clock)
            try:
                bulk_check.check(bench, key)
            except BulkNotReady:
                continue  # somebody else is at it
            except TrustError as error:
                self._note(key, error)

    def work(self) -> None:
        """Work off, or hand to the broker, what was released; a job that cannot go on says why and
        holds up no other."""
        for key in self._keys(select(BulkJob.id).where(BulkJob.state == BulkState.RUNNING)):
            try:
                if not bulk_dispatch.broker(self._platform.settings):
                    bulk_dispatch.run(self._platform, key, stopped=self._stopped.is_set)
                    continue
                self._watch = self._watch or bulk_dispatch.Watch(self._platform)
                self._watch.tend(key)
            except TrustError as error:
                self._note(key, error)

    def _keys(self, query: Select[UUID]) -> list[UUID]:
        """Oldest first; none once the service ends."""
        with self._platform.reading() as session:
            keys = session.scalars(query.order_by(BulkJob.entered_at)).all()
        return [] if self._stopped.is_set() else list(keys)

    def _note(self, key: UUID, error: TrustError) -> None:
        _logger.warning("bulk: job %s: %s", key, error.code)
        with self._platform.sessions.begin() as session:
            bulk_jobs.note_trouble(session, key, f"{error.code}: {error}")
