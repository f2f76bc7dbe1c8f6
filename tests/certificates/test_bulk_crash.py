"""Bulk jobs whose workers are killed: nothing is lost, nothing comes twice."""

import os
import random
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from certificates.bulk import jobs as bulk_jobs
from certificates.bulk import receipts as bulk_receipts
from certificates.bulk.models import BulkJob, BulkState
from tests.certificates.bulk_jobs import Tally, released, tally
from tests.certificates.bulk_rows import as_csv, contents
from tests.regions import Region
from trust.crypto import hashes

ROWS = 12
ROOT = Path(__file__).resolve().parents[2]


def work_and_die(region: Region, key: UUID, points: list[int]) -> int:
    """Workers killed at these points one after the other, then one that is not; how many were."""
    settings = region.platform.settings
    passphrase = settings.passphrase().get_secret_value()
    environment = os.environ | {
        "TRUST_HOME": str(settings.home), "TRUST_KEY_PASSPHRASE": passphrase,
        "TRUST_DATABASE_URL": settings.database_url, "TRUST_DEVELOPMENT": "1",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.certificates.bulk_victim", str(key), *map(str, points)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return int(done.stdout)


@pytest.mark.parametrize("seed", [1, 2, 3, 4], ids=lambda seed: f"seed{seed}")
def test_twenty_kills_lose_no_licence_and_make_none_twice(sqlite_region: Region, seed: int) -> None:
    """Five kills to a job of twelve rows, each somewhere else in the work."""
    chosen = random.Random(seed)
    points = [chosen.randint(1, 170) for _ in range(5)]
    rows = contents(ROWS, start=1000 * seed)
    key = released(sqlite_region, as_csv(rows))
    platform = sqlite_region.platform
    assert work_and_die(sqlite_region, key, points) == 5
    assert tally(platform, key) == Tally(ROWS, ROWS, ROWS)
    with platform.reading() as session:
        job = session.get_one(BulkJob, key)
        assert (job.state, bulk_jobs.counts(session, key).issued) == (BulkState.DONE, ROWS)
        receipts = bulk_receipts.write(session, job, vault=platform.vault)
    assert receipts.count(b'"state":"issued"') == ROWS
    assert hashes.sm3(receipts) == job.receipts_digest


def test_the_points_of_the_kills_reach_into_every_part_of_the_work(sqlite_region: Region) -> None:
    """Otherwise the twenty would prove nothing: a kill after the very last thing does not come."""
    key = released(sqlite_region, as_csv(contents(3, start=9000)))
    assert work_and_die(sqlite_region, key, [1, 100_000]) == 1
    assert tally(sqlite_region.platform, key) == Tally(3, 3, 3)
