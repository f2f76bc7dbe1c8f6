"""Who works bulk jobs off: the processes of this machine, or the workers behind a broker."""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from certificates.bulk import jobs as bulk_jobs
from certificates.bulk import settle as bulk_settle
from certificates.bulk.jobs import Counts
from server import bulk_pool
from server.bulk_bench import PAUSE, open_bench, still_open
from server.platform import Platform
from trust.settings import Settings

#: Seconds after which messages of rows that still wait are sent again.
RESEND: Final = 300.0


def broker(settings: Settings) -> str:
    """The broker's address; empty: this machine works alone."""
    return settings.broker_url.get_secret_value() if settings.broker_url is not None else ""


def run(
    platform: Platform, key: UUID, *, told: Callable[[Counts], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    """Until the job is done: worked off here, or handed to the broker and watched."""
    if not broker(platform.settings):
        bulk_pool.run(platform, key, told=told, stopped=stopped)
        return
    watch = Watch(platform)
    while watch.tend(key) and not stopped():
        with platform.reading() as session:
            told(bulk_jobs.counts(session, key))
        time.sleep(PAUSE)
    with platform.reading() as session:
        told(bulk_jobs.counts(session, key))


class Watch:
    """Remembers when the messages of each job were sent."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._bench = platform, open_bench(platform)
        self._sent: dict[UUID, float] = {}

    def tend(self, key: UUID) -> bool:
        """Send the job's messages when they are due; whether rows are still open.

        What a worker held that died with its machine comes back when its lease ends: its rows
        first, then their messages.
        """
        if not still_open(self._bench, key):
            self._sent.pop(key, None)
            return False
        freed = bulk_settle.reclaim(self._bench, key)
        due = time.monotonic() - self._sent.get(key, float("-inf")) > RESEND
        if freed or due:
            from server import bulk_celery  # Celery is an extra

            bulk_celery.send(broker(self._platform.settings), self._bench, key)
            self._sent[key] = time.monotonic()
        return True
