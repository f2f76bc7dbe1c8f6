"""`trust issue --batch`: a file of rows checked, then issued, and taken up again after a crash."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from certificates.applications.refusals import recording_refusals
from certificates.bulk import check as bulk_check
from certificates.bulk import jobs as bulk_jobs
from certificates.bulk import read as bulk_read
from certificates.bulk import receipts as bulk_receipts
from certificates.bulk.jobs import Wanted
from certificates.bulk.models import BulkJob, BulkState
from certificates.licence_types import registry as type_registry
from certificates.models import ApplicationKind
from server import bulk_dispatch, exits, provision
from server.bulk_bench import open_bench
from server.commands.progress import Progress
from server.exits import CannotOpen, CannotWrite
from server.platform import Platform
from trust.access import Caller, Role
from trust.clock import utc_now
from trust.errors import Invalid

#: Faults that are printed; --report writes all of them.
_SHOWN: Final = 200
_CHECKING, _ISSUING = ("核对", "checking"), ("签发", "issuing")
Approver = Callable[[Session, str, str | None], Caller]


def add(parser: argparse.ArgumentParser) -> None:
    """The words of `trust issue` that concern many."""
    parser.add_argument(
        "--batch", type=Path, metavar="FILE", help="many rows: .csv .jsonl .parquet"
    )
    parser.add_argument(
        "--check", action="store_true", help="with --batch: check and issue nothing"
    )
    parser.add_argument("--go-on", action="store_true", help="issue the good rows, leave the bad")
    parser.add_argument(
        "--stock", action="store_true", help="digitise old stock: paper's own dates"
    )
    parser.add_argument(
        "--receipts", type=Path, metavar="FILE.jsonl", help="a receipt for each row"
    )
    parser.add_argument("--report", type=Path, metavar="FILE.csv", help="every row at fault")


def run(arguments: argparse.Namespace, platform: Platform, *, approver: Approver) -> int:
    """Check every row, then release as `--as` and issue; the file finds its job again."""
    data = _read(arguments.batch)
    form = bulk_read.form_of(arguments.batch.name)
    provision.recover(platform, at=utc_now())
    kind = ApplicationKind.STOCK if arguments.stock else ApplicationKind.NEW
    with platform.sessions.begin() as session:
        licence_type = type_registry.current(session, arguments.type)
        by = approver(session, licence_type.code, arguments.actor)
        operator = Caller("operator", by.authority, frozenset({Role.OPERATOR}))
        job = bulk_jobs.begin(
            session, Wanted(data, form, licence_type, kind), by=operator, at=utc_now(),
            vault=platform.vault, system="trust",
        )  # fmt: skip
        key, state = job.id, job.state
    if state == BulkState.CHECKING:
        _check(platform, key, data)
    job = _job(platform, key)
    if not arguments.json:
        _say_checked(platform, job)
    may_go_on = job.bad == 0 or arguments.go_on or job.released_at is not None
    if not arguments.check and may_go_on:
        _issue(arguments, platform, job, by)
        job = _job(platform, key)
    _write_files(arguments, platform, job)
    return _end(arguments, platform, job, said_no=not may_go_on)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > bulk_read.FILE_MAX:
            raise Invalid(f"{path} is over {bulk_read.FILE_MAX} bytes")
        return path.read_bytes()
    except OSError as error:
        raise CannotOpen(f"{path} cannot be opened: {error.strerror}") from error


def _check(platform: Platform, key: UUID, data: bytes) -> None:
    progress = Progress(_CHECKING, 0)
    bulk_check.check(open_bench(platform), key, data, told=progress.show)
    progress.end()


def _job(platform: Platform, key: UUID) -> BulkJob:
    with platform.reading() as session:
        return session.get_one(BulkJob, key)


def _say_checked(platform: Platform, job: BulkJob) -> None:
    mark = "✗" if job.bad else "✓"
    print(f"{mark} 已核对 checked: {job.rows} 行 rows, {job.rows - job.bad} 合格 good, "
          f"{job.bad} 不合格 bad")  # fmt: skip
    with platform.reading() as session:
        faults = bulk_receipts.faults(session, job, limit=_SHOWN)
    for number, column, code, reason in faults:
        print(f"  第 {number} 行 row {number}, {column or '-'}: {reason} [{code}]")
    if job.bad > len(faults):
        print("  …: --report FILE.csv writes all of them")


def _issue(arguments: argparse.Namespace, platform: Platform, job: BulkJob, by: Caller) -> None:
    at = utc_now()
    if job.state in (BulkState.CHECKED, BulkState.HELD):
        with (
            recording_refusals(
                platform.sessions, "bulk.release", subject=str(job.id), by=by, at=at
            ),
            platform.sessions.begin() as session,
        ):
            verb = bulk_jobs.release_good if arguments.go_on else bulk_jobs.release
            verb(session, job.id, by=by, at=at)
    progress = Progress(_ISSUING, job.rows - job.bad)
    try:
        bulk_dispatch.run(platform, job.id, told=progress.rows)
    finally:
        progress.end()


def _write_files(arguments: argparse.Namespace, platform: Platform, job: BulkJob) -> None:
    made: list[tuple[Path, bytes]] = []
    with platform.reading() as session:
        if arguments.report is not None:
            made.append((arguments.report, bulk_receipts.report(session, job)))
        if arguments.receipts is not None and job.finished_at is not None:
            receipts = bulk_receipts.write(session, job, vault=platform.vault)
            made.append((arguments.receipts, receipts))
    for path, data in made:
        try:
            path.write_bytes(data)
        except OSError as error:
            raise CannotWrite(f"{path} cannot be written: {error.strerror}") from error


def _end(arguments: argparse.Namespace, platform: Platform, job: BulkJob, *, said_no: bool) -> int:
    with platform.reading() as session:
        counts = bulk_jobs.counts(session, job.id)
    if arguments.json:
        said: dict[str, Any] = {"job": str(job.id), "state": str(job.state), **asdict(counts)}
        if job.receipts_digest is not None:
            said["receipts_sm3"] = job.receipts_digest.hex()
        print(json.dumps(said))
    elif job.finished_at is not None:
        print(f"✓ 已签发 issued {counts.issued}, 未签发 refused {counts.refused}")
        print(f"  回执 receipts SM3 {(job.receipts_digest or b'').hex()}")
    elif said_no:
        print("  一份都没有签发 nothing is issued; --go-on 只签发合格的行 issues the good rows")
    return exits.BAD_DATA if said_no or counts.bad + counts.refused else 0
