"""What a running service does by the clock: CRLs and OCSP signers before they end, checkpoints,
recovery.

Every process may run it: publishing twice is harmless, CRL numbers are unique, and a checkpoint of
an unchanged log is handed out again. A fault is logged and tried again at the next round.
"""

import logging
from datetime import datetime, timedelta
from threading import Event, Thread

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from ca import crl, issuers, outside
from ca.models import Crl, Issuer, Signer
from certificates import registry
from certificates.applications import idempotency
from certificates.bulk import jobs as bulk_jobs
from certificates.regions import peer_refresh, region_list
from seal import expire
from server import authorities, provision, region_login, witnessing
from server.platform import Platform
from trust import list_fetch
from trust.access import SYSTEM
from trust.clock import Clock
from trust.crypto import x509
from trust.errors import TrustError
from trust.fetch import Fetcher

ROUND = timedelta(minutes=10)
#: CRLs live seven days and are renewed daily.
CRL_AGE = timedelta(days=1)

_logger = logging.getLogger("trust.upkeep")


#: OCSP signers say of themselves that nobody need ask about them, so they are replaced in time.
SIGNER_MARGIN = timedelta(days=60)


def rotate_ocsp_signers(platform: Platform, *, at: datetime) -> list[str]:
    """A further key for each OCSP signer that ends within SIGNER_MARGIN; the new key ids.

    Of two processes at once the second is refused the key's name (Conflict) and finds it next time.
    """
    first: dict[str, str] = {}  # by issuer: the one the others are numbered after
    ends: dict[str, datetime] = {}
    with platform.reading() as session:
        signing = {row.name for row in issuers.ours(session) if issuers.stands(session, row)}
        for row in session.scalars(
            select(Signer)
            .where(Signer.purpose == "ocsp-signer", Signer.issuer.in_(signing))
            .order_by(Signer.created_at, Signer.key_id)
        ):
            first.setdefault(row.issuer, row.key_id)
            ends[row.issuer] = x509.parse_certificate(row.certificate).not_after
    return [
        authorities.rotate_signer(platform, name, at=at)
        for issuer, name in first.items()
        if ends[issuer] - at < SIGNER_MARGIN
    ]


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
        steps = (
            self._renew_crls, self._rotate_signers, self._ask_outside, self._sign_checkpoints,
            self._recover, self._expire_seals, self._publish_list,
            self._forget_answers,
            self._fetch_lists, self._ask_peers, self._ask_witnesses, self._keep_logins,
            self._cancel_idle_bulk,
        )  # fmt: skip
        for step in steps:
            try:
                step(at)
            except (TrustError, SQLAlchemyError) as error:
                _logger.warning("upkeep: %s failed: %s", step.__name__, type(error).__name__)

    def _renew_crls(self, at: datetime) -> None:
        with self._platform.reading() as session:
            signing = [row.name for row in issuers.ours(session)]
            rows = session.execute(
                select(Issuer.name, func.max(Crl.this_update))
                .outerjoin(Crl, Crl.issuer == Issuer.name)
                .where(Issuer.name.in_(signing))
                .group_by(Issuer.name)
            ).all()
        for name, newest in rows:
            if newest is None or at - newest >= CRL_AGE:
                with self._platform.sessions.begin() as session:
                    crl.publish(session, name, keys=self._platform.keys, by=SYSTEM, at=at)

    def _rotate_signers(self, at: datetime) -> None:
        made = rotate_ocsp_signers(self._platform, at=at)
        if made:
            _logger.info("new OCSP signers: %s", ", ".join(made))

    def _ask_outside(self, at: datetime) -> None:
        """What outside CAs have revoked; none is asked while a transaction is open."""
        with self._platform.reading() as session:
            names = outside.due(session, at=at)
        for name in names:
            outside.ask(self._platform.sessions, name, fetch=Fetcher(), at=at)

    def _sign_checkpoints(self, at: datetime) -> None:
        provision.sign_checkpoints(self._platform, at=at)

    def _recover(self, at: datetime) -> None:
        given_up = provision.recover(self._platform, at=at)
        if given_up:
            _logger.warning("gave up %d half-made licences", len(given_up))

    def _publish_list(self, at: datetime) -> None:
        region_list.publish(
            self._platform.sessions, keys=self._platform.keys, at=at,
            issuer=self._platform.settings.issuer_url,
        )  # fmt: skip

    def _fetch_lists(self, at: datetime) -> None:
        """The trust lists of other regions; what is refused is an alarm of its own."""
        with self._platform.reading() as session:
            own = registry.region(session).code
        list_fetch.refresh(self._platform.sessions, fetch=Fetcher(), own=own, at=at)

    def _ask_peers(self, at: datetime) -> None:
        """What other regions publish, so that an outage finds it at hand."""
        self._platform.peers.forget()
        peer_refresh.refresh(self._platform.peers, at=at)

    def _ask_witnesses(self, at: datetime) -> None:
        """Other regions cosign the newest checkpoint of the public log."""
        platform = self._platform
        witnessing.ask_witnesses(platform, platform.lists, post=witnessing.post_text, at=at)

    def _keep_logins(self, at: datetime) -> None:
        """Logins through other regions, as their lists and our policy now say."""
        region_login.keep_in_step(self._platform, at=at)

    def _cancel_idle_bulk(self, at: datetime) -> None:
        with self._platform.sessions.begin() as session:
            bulk_jobs.cancel_idle(session, at=at)

    def _forget_answers(self, at: datetime) -> None:
        """Answers kept for a repeat of a request (Idempotency-Key) go after a week."""
        idempotency.forget(self._platform.sessions, at=at)

    def _expire_seals(self, at: datetime) -> None:
        expire.expire(self._platform.sessions, by=SYSTEM, at=at)
