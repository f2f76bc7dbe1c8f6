"""The processes of this machine that work a bulk job off. No broker: its rows are the queue.

A process that dies is replaced; what it held goes back to the rows (`bulk.settle.reclaim`). When
this process dies, its children end themselves (`server.bulk_child`).
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from certificates.bulk import jobs as bulk_jobs
from certificates.bulk import settle as bulk_settle
from certificates.bulk.bench import Bench
from certificates.bulk.jobs import Counts
from certificates.bulk.models import BulkJob
from server import bulk_child
from server.bulk_bench import PAUSE, open_bench, still_open
from server.platform import Platform
from trust.errors import Unavailable
from trust.settings import Settings

#: Processes that are started anew for one job before it is left alone.
RESTARTS_MAX: Final = 200
_ROOT: Final = Path(__file__).resolve().parents[1]
Child = subprocess.Popen[bytes]


class BulkStopped(Unavailable):
    """The workers cannot go on; what is done is done, and the job can be taken up again."""

    code = "bulk_stopped"


def processes(settings: Settings) -> int:
    """TRUST_BULK_PROCESSES, or one for each core that this process may use."""
    return settings.bulk_processes or len(os.sched_getaffinity(0))


def run(
    platform: Platform, key: UUID, *, told: Callable[[Counts], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    """Work a released job off with the processes of this machine; BulkStopped."""
    bench = open_bench(platform)
    bulk_settle.reclaim(bench, key)
    pool: list[Child] = []
    restarts = 0
    try:
        while still_open(bench, key) and not stopped():
            ended = [each for each in pool if each.poll() is not None]
            _refuse_stopped(bench, key, ended)
            restarts += len(ended)
            if restarts > RESTARTS_MAX:
                raise BulkStopped(f"{restarts} processes ended over this job")
            if ended:
                bulk_settle.reclaim(bench, key)
            pool = [each for each in pool if each not in ended]
            wanted = _wanted(bench, key, platform.settings) - len(pool)
            pool += [_start(platform.settings, key) for _ in range(wanted)]
            told(_counts(bench, key))
            time.sleep(PAUSE)
        told(_counts(bench, key))
    finally:
        _end(pool)


def _wanted(bench: Bench, key: UUID, settings: Settings) -> int:
    """No more processes than there is work for."""
    return max(1, min(processes(settings), -(-_counts(bench, key).open // 8)))


def _counts(bench: Bench, key: UUID) -> Counts:
    with bench.reading() as session:
        return bulk_jobs.counts(session, key)


def _refuse_stopped(bench: Bench, key: UUID, ended: list[Child]) -> None:
    if any(each.returncode == bulk_child.REFUSED for each in ended):
        with bench.reading() as session:
            raise BulkStopped(session.get_one(BulkJob, key).trouble)


def _start(settings: Settings, key: UUID) -> Child:
    """Not a fork, which would copy the parent's keys and locks."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, sys.path)])
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "server.bulk_child"], stdin=subprocess.PIPE, env=environment
    )
    if child.stdin is not None:
        child.stdin.write(bulk_child.order(settings, key))
        child.stdin.flush()
    return child


def _end(pool: list[Child]) -> None:
    """They stop after the blocks in hand, or when they see that nothing is open; one that does
    neither is killed, and its rows are taken up like those of any crash."""
    for each in pool:
        with suppress(OSError):
            if each.stdin is not None:
                each.stdin.write(b"stop\n")
                each.stdin.flush()
    deadline = time.monotonic() + 40
    for each in pool:
        try:
            each.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()
        with suppress(OSError):
            if each.stdin is not None:
                each.stdin.close()
