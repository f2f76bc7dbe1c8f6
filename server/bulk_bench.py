"""A platform opened for bulk jobs, and the loop of one worker on it."""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from sqlalchemy import select

from certificates.bulk import jobs as bulk_jobs
from certificates.bulk import settle as bulk_settle
from certificates.bulk import work as bulk_work
from certificates.bulk.bench import Bench
from certificates.bulk.models import BulkJob, BulkRow, BulkState, RowState
from server.platform import Platform
from sso import accounts
from trust.clock import Clock, utc_now
from trust.errors import TrustError

#: Seconds between two looks at rows that others hold.
PAUSE: Final = 0.5
#: The longest pause when nothing of a block could be issued: what it needs may come back.
PAUSE_MAX: Final = 20.0


def open_bench(platform: Platform, *, clock: Clock = utc_now) -> Bench:
    """The lease of a row outlasts that of its reservation: who takes a row over finds the
    reservation given up, or recorded."""
    settings = platform.settings
    return Bench(
        sessions=platform.sessions, reading=platform.reading, vault=platform.vault,
        workshop=platform.workshop, caller=accounts.caller, clock=clock,
        lease=2 * settings.reservation_lease, fallback=settings.fallback_font,
    )  # fmt: skip


def work_off(
    bench: Bench, key: UUID, *, span: range | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    """Work until no row of the job is open, or with `span` none of it is to be had: others may hold
    some. A refusal that concerns the whole job is noted on it and raised."""
    pause = PAUSE
    while not stopped():
        try:
            done = bulk_work.work(bench, key, span=span)
        except TrustError as error:
            with bench.sessions.begin() as session:
                bulk_jobs.note_trouble(session, key, f"{error.code}: {error}")
            raise
        if done is None:
            if bulk_settle.reclaim(bench, key):
                continue
            if not still_open(bench, key) or span is not None:
                return
        went_on = done is None or done.issued or done.refused
        pause = PAUSE if went_on else min(2 * pause, PAUSE_MAX)
        if done is None or not went_on:
            time.sleep(pause)


def open_in(bench: Bench, key: UUID, span: range) -> bool:
    """Whether rows of the span are left to do, by whomever."""
    with bench.reading() as session:
        found = session.scalar(
            select(BulkRow.number)
            .join(BulkJob, BulkJob.id == BulkRow.job)
            .where(
                BulkRow.job == key, BulkRow.number >= span.start, BulkRow.number < span.stop,
                BulkRow.state.in_((RowState.WAITING, RowState.WORKING)),
                BulkJob.state == BulkState.RUNNING,
            )
            .limit(1)
        )  # fmt: skip
    return found is not None


def still_open(bench: Bench, key: UUID) -> bool:
    """Whether rows are left to do; the last one to see none closes the job."""
    with bench.reading() as session:
        job = session.get_one(BulkJob, key)
        if bulk_jobs.counts(session, key).open:
            return job.state == BulkState.RUNNING
        over = job.finished_at is not None
    if not over:
        bulk_work.finish(bench, key)
    return False
