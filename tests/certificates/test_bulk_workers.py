"""Many machines: workers behind a real RabbitMQ, on PostgreSQL, give what one machine gives."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from certificates.bulk import jobs as bulk_jobs
from certificates.bulk.models import BulkReceipt, BulkRow
from certificates.models import Reservation
from server import bulk_dispatch
from server.bulk_celery import BrokerUnavailable
from server.platform import Platform
from tests.certificates.bulk_jobs import Tally, released, tally
from tests.certificates.bulk_rabbit import rabbitmq
from tests.certificates.bulk_rows import as_csv, contents
from tests.regions import Region

ROOT = Path(__file__).resolve().parents[2]
ROWS = 70


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="trust-mq-") as directory,
        rabbitmq(Path(directory)) as url,
    ):
        yield url


@contextmanager
def worker(region: Region, broker: str, log: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """`trust worker` with one process, in a process group of its own."""
    settings = region.platform.settings
    environment = os.environ | {
        "TRUST_HOME": str(settings.home), "TRUST_DATABASE_URL": settings.database_url,
        "TRUST_KEY_PASSPHRASE": settings.passphrase().get_secret_value(),
        "TRUST_DEVELOPMENT": "1", "TRUST_BROKER_URL": broker, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "worker", "--processes", "1"], env=environment,
            cwd=ROOT, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def receipts(platform: Platform, key: UUID) -> int:
    with platform.reading() as session:
        return session.scalar(
            select(func.count()).select_from(BulkReceipt).where(BulkReceipt.job == key)
        ) or 0  # fmt: skip


def test_two_workers_behind_a_broker_issue_each_row_once_though_one_is_killed(
    postgresql_region: Region, broker: str, tmp_path: Path
) -> None:
    key = released(postgresql_region, as_csv(contents(ROWS, start=50_000)))
    settings = postgresql_region.platform.settings.model_copy(
        update={"broker_url": SecretStr(broker)}
    )
    platform = Platform(settings)
    given_up = threading.Event()
    with (
        worker(postgresql_region, broker, tmp_path / "one") as first,
        worker(postgresql_region, broker, tmp_path / "two"),
    ):
        watching = threading.Thread(
            target=bulk_dispatch.run, args=(platform, key), kwargs={"stopped": given_up.is_set}
        )
        watching.start()
        deadline = time.monotonic() + 120
        while not receipts(platform, key) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        watching.join(timeout=120)
        given_up.set()
        watching.join(timeout=10)
    said = (tmp_path / "two").read_text(errors="replace")[-3000:]
    assert tally(platform, key) == Tally(ROWS, ROWS, ROWS), said
    with platform.reading() as session:
        assert bulk_jobs.counts(session, key).issued == ROWS
        mine = select(BulkRow.application).where(BulkRow.job == key)
        owners = set(
            session.scalars(select(Reservation.owner).where(Reservation.application.in_(mine)))
        )
    platform.engine.dispose()
    assert len(owners) == 2, "both workers had a part in it"


def test_a_broker_that_is_away_is_a_refusal_and_the_rows_wait(
    postgresql_region: Region,
) -> None:
    key = released(postgresql_region, as_csv(contents(2, start=51_000)))
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    url = SecretStr(f"amqp://guest:guest@127.0.0.1:{port}//")
    settings = postgresql_region.platform.settings.model_copy(update={"broker_url": url})
    platform = Platform(settings)
    with pytest.raises(BrokerUnavailable) as refused:
        bulk_dispatch.run(platform, key)
    assert "guest" not in str(refused.value)
    with platform.reading() as session:
        assert bulk_jobs.counts(session, key).waiting == 2
    platform.engine.dispose()
