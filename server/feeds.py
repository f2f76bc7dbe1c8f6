"""What tells others of licences' changes, by the clock: events routed, webhooks sent, batches
reported. Every process may run it: rows are leased, and no receiver has two senders at once.

Receivers are served by a few threads, so that a slow one does not hold up the others.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from certificates.feeds import outbox, reporting_send, webhooks_delivery
from certificates.feeds.webhooks_delivery import Sender
from server import reporting
from server.platform import Platform
from sso.outgoing import Outgoing
from trust.clock import Clock
from trust.errors import TrustError

EVERY: Final = timedelta(seconds=1)
REPORT_EVERY: Final = timedelta(seconds=30)
CLEAN_EVERY: Final = timedelta(hours=1)
THREADS: Final = 4
_logger = logging.getLogger("trust.feeds")


def route_all(platform: Platform, clock: Clock) -> int:
    """Route every event that waits, now; how many."""
    routed = 0
    while number := outbox.route_new(platform.sessions, platform.reading, at=clock()):
        routed += number
    return routed


class Feeds:
    """A thread that looks every second, and its senders; `stop` waits for what is in hand."""

    def __init__(
        self, platform: Platform, clock: Clock, *, allow_private: bool | None = None
    ) -> None:
        self._platform, self._clock = platform, clock
        if allow_private is None:
            allow_private = platform.settings.allow_private_callbacks
        guarded = Outgoing(allow_private=allow_private)
        self._sender = Sender(
            platform.sessions, platform.reading, platform.vault, guarded.post, clock
        )
        self._reporter = reporting.reporter(platform, clock)
        self._reported: datetime | None = None
        self._cleaned: datetime | None = None
        self._stopped = Event()
        self._senders = ThreadPoolExecutor(THREADS, thread_name_prefix="webhooks")
        self._sending: list[Future[None]] = []
        self._thread = Thread(target=self._run, name="feeds", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=30)
        self.stop_senders()

    def stop_senders(self) -> None:
        """Wait for the receivers in hand; what was not begun is found again by its lease."""
        self._senders.shutdown(wait=True)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.round()
            self._stopped.wait(EVERY.total_seconds())

    def round(self) -> None:
        """One round, now."""
        for step in (self._route, self._send, self._report, self._clean):
            self._guarded(step.__name__, step)

    def _guarded(self, name: str, step: Callable[[], object]) -> None:
        try:
            step()
        except (TrustError, SQLAlchemyError) as error:
            _logger.warning("feeds: %s failed: %s", name, type(error).__name__)

    def _route(self) -> None:
        while outbox.route_new(self._platform.sessions, self._platform.reading, at=self._clock()):
            if self._stopped.is_set():
                return

    def _send(self) -> None:
        """A sender for each receiver that is due, as far as there are threads for them."""
        self._sending = [each for each in self._sending if not each.done()]
        while len(self._sending) < THREADS:
            turn = webhooks_delivery.lease(self._sender)
            if turn is None:
                return
            self._sending.append(self._senders.submit(self._serve, turn))

    def _serve(self, turn: webhooks_delivery.Turn) -> None:
        self._guarded("serve", lambda: webhooks_delivery.serve(self._sender, turn))

    def _report(self) -> None:
        at = self._clock()
        late = self._reported is None or at - self._reported >= REPORT_EVERY
        if self._reporter is None or not late:
            return
        self._reported = at
        reporting_send.report_due(self._reporter)

    def _clean(self) -> None:
        at = self._clock()
        if self._cleaned is not None and at - self._cleaned < CLEAN_EVERY:
            return
        self._cleaned = at
        webhooks_delivery.forget_old(self._platform.sessions, at=at)
