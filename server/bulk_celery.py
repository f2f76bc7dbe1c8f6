"""Many machines: Celery on RabbitMQ. A message says "work on these rows of that job", nothing else.

The state is in the rows. A message is acknowledged when its rows are done and given to another
worker when this one dies (`acks_late`, `reject_on_worker_lost`); one that comes twice finds nothing
to take. There is no result backend.
"""

from typing import Any, Final
from uuid import UUID

from celery import Celery
from celery.exceptions import CeleryError
from kombu.exceptions import KombuError
from sqlalchemy import select

from certificates.bulk.bench import Bench
from certificates.bulk.models import BulkRow, RowState
from certificates.bulk.work import BLOCK
from server.bulk_bench import open_bench, open_in, work_off
from server.platform import Platform
from trust.errors import TrustError, Unavailable
from trust.settings import Settings

TASK: Final = "trust.bulk.rows"
QUEUE: Final = "trust-bulk"
#: Seconds until a block is tried again that the database or a key store refused.
_AGAIN: Final = 5


class BrokerUnavailable(Unavailable):
    """The broker does not take messages."""

    code = "broker_unavailable"


def open_app(url: str) -> Any:
    """Celery with what a crash-proof queue needs; Any, because it has no types."""
    app = Celery("trust", broker=url, set_as_current=False)  # type: ignore[no-untyped-call]
    app.conf.update(
        task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1,
        task_ignore_result=True, task_serializer="json", accept_content=["json"],
        task_default_queue=QUEUE, task_create_missing_queues=True, worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True, broker_connection_timeout=5,
        worker_enable_remote_control=False, worker_send_task_events=False,
    )  # fmt: skip
    return app


def send(url: str, bench: Bench, key: UUID) -> int:
    """A message for each block with rows that wait; how many. BrokerUnavailable."""
    with bench.reading() as session:
        waiting = session.scalars(
            select(BulkRow.number).where(BulkRow.job == key, BulkRow.state == RowState.WAITING)
        ).all()
    blocks = sorted({(number - 1) // BLOCK for number in waiting})
    app = open_app(url)
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=2, timeout=5)
            producer = app.amqp.Producer(connection)
            for block in blocks:
                first = block * BLOCK + 1
                app.send_task(TASK, [str(key), first, first + BLOCK], producer=producer, retry=True)
    except (CeleryError, KombuError, OSError) as error:
        raise BrokerUnavailable("消息代理不可用 / the broker cannot be reached") from error
    finally:
        app.close()
    return len(blocks)


def serve(url: str, settings: Settings, *, processes: int) -> None:
    """Be a worker until told to stop; its processes open the platform for themselves."""
    app = open_app(url)
    opened: dict[str, Bench] = {}

    @app.task(name=TASK, bind=True, max_retries=None, acks_late=True, reject_on_worker_lost=True)  # type: ignore[untyped-decorator]
    def rows(task: Any, job: str, first: int, last: int) -> None:
        """Work on rows `first` to before `last`."""
        if "bench" not in opened:  # after the fork: connections and keys are a process's own
            opened["bench"] = open_bench(Platform(settings))
        bench, key, span = opened["bench"], UUID(job), range(first, last)
        try:
            work_off(bench, key, span=span)
        except TrustError as error:
            # Why stands on the job; the message comes again.
            raise task.retry(countdown=_AGAIN, exc=error) from error
        if open_in(bench, key, span):
            raise task.retry(countdown=_AGAIN)  # in the hands of another, who may be dead

    app.worker_main(
        ["worker", "--pool=prefork", f"--concurrency={processes}", "--loglevel=WARNING",
         "--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", QUEUE]
    )  # fmt: skip
