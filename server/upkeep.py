"""What a running service does by the clock: CRLs before they end, checkpoints, recovery.

Every process may run it: publishing twice is harmless, CRL numbers are unique, and a checkpoint of
an unchanged log is handed out again. A fault is logged and tried again at the next round.
"""

import logging
from datetime import datetime, timedelta
from threading import Event, Thread

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from ca import crl
from ca.models import Crl, Issuer
from server import provision
from server.platform import Platform
from trust.access import SYSTEM
from trust.clock import Clock
from trust.errors import TrustError

ROUND = timedelta(minutes=10)
#: CRLs live seven days and are renewed daily.
CRL_AGE = timedelta(days=1)

_logger = logging.getLogger("trust.upkeep")


class Upkeep:
    """A thread that keeps what is published fresh; `stop` waits for the round in progress."""

    def __init__(self, platform: Platform, clock: Clock) -> None:
        self._platform, self._clock = platform, clock
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.round()
            self._stopped.wait(ROUND.total_seconds())

    def round(self) -> None:
        """One round, now."""
        at = self._clock()
        for step in (self._renew_crls, self._sign_checkpoints, self._recover):
            try:
                step(at)
            except (TrustError, SQLAlchemyError) as error:
                _logger.warning("upkeep: %s failed: %s", step.__name__, type(error).__name__)

    def _renew_crls(self, at: datetime) -> None:
        with self._platform.reading() as session:
            rows = session.execute(
                select(Issuer.name, func.max(Crl.this_update))
                .outerjoin(Crl, Crl.issuer == Issuer.name)
                .group_by(Issuer.name)
            ).all()
        for name, newest in rows:
            if newest is None or at - newest >= CRL_AGE:
                with self._platform.sessions.begin() as session:
                    crl.publish(session, name, keys=self._platform.keys, by=SYSTEM, at=at)

    def _sign_checkpoints(self, at: datetime) -> None:
        provision.sign_checkpoints(self._platform, at=at)

    def _recover(self, at: datetime) -> None:
        given_up = provision.recover(self._platform, at=at)
        if given_up:
            _logger.warning("gave up %d half-made licences", len(given_up))
