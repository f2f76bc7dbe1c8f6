"""What the identity provider does by the clock: logout calls every second, cleaning every hour."""

import logging
from datetime import datetime, timedelta
from threading import Event, Thread

from sqlalchemy.exc import SQLAlchemyError

from sso import logout_outbox
from sso.cleaning import clean
from sso.cleaning_rules import RULES
from sso.provider import Provider
from trust.errors import TrustError

EVERY = timedelta(seconds=1)
CLEAN_EVERY = timedelta(hours=1)

_logger = logging.getLogger("trust.identity")


class IdentityUpkeep:
    """A thread; every process may run one: a logout call is claimed by one statement, and deleting
    what another deletes is harmless."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._cleaned: datetime | None = None
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="identity-upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.round()
            self._stopped.wait(EVERY.total_seconds())

    def round(self) -> None:
        """One round, now."""
        for step in (self._deliver, self._clean):
            try:
                step()
            except (TrustError, SQLAlchemyError) as error:
                _logger.warning("identity: %s failed: %s", step.__name__, type(error).__name__)

    def _deliver(self) -> None:
        logout_outbox.deliver_due(self._provider, at=self._provider.clock())

    def _clean(self) -> None:
        at = self._provider.clock()
        if self._cleaned is not None and at - self._cleaned < CLEAN_EVERY:
            return
        gone = clean(self._provider.sessions, RULES, at=at)
        self._cleaned = at
        if gone:
            _logger.info("deleted %d rows that had ended", gone)
