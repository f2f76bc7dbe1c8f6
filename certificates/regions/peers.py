"""All that a deployment keeps open to other regions; one for the process."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from certificates.evidence import Foreign, Knowledge
from certificates.regions.peer_circuit import Circuits
from certificates.regions.peer_documents import PeerDocuments
from certificates.regions.peer_knowledge import KeptPolicy, PeerKnowledge
from certificates.regions.peer_revocation import PeerRevocation
from certificates.regions.peer_status import PeerStatus
from trust import recognition_withdraw
from trust.db import Sessions
from trust.fetch import Fetch
from trust.list_store import ListStore
from trust.revocation_kept import KeptFor

#: A licence that is shown again within it is not written down again.
NOTED: Final = timedelta(hours=1)
_NOTED_MAX: Final = 20_000
_logger = logging.getLogger("trust.peers")


class SeenLicences:
    """Implements `peer_knowledge.Noted`: what was verified here, so that a withdrawal of its region
    can tell what falls. A crash before the row is written costs that row."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions, self._lock = sessions, Lock()
        self._noted: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    def note(self, found: Foreign, *, at: datetime) -> None:
        claim, identifier = found.claim, str(found.claim.identifier)
        if not self._is_new((claim.region, identifier), at):
            return
        try:
            with self._sessions.begin() as session:
                recognition_withdraw.note_seen(
                    session, identifier, region=claim.region, issuer=claim.identifier.issuer,
                    type_code=claim.identifier.type_code, issued_at=claim.made_at, at=at,
                )  # fmt: skip
        except SQLAlchemyError as error:
            _logger.warning("a foreign licence was not noted: %s", type(error).__name__)

    def _is_new(self, key: tuple[str, str], at: datetime) -> bool:
        with self._lock:
            before = self._noted.get(key)
            if before is not None and timedelta() <= at - before < NOTED:
                return False
            self._noted[key] = at
            self._noted.move_to_end(key)
            while len(self._noted) > _NOTED_MAX:
                self._noted.popitem(last=False)
            return True


class Peers:
    """Other regions, as they are asked and believed. `own` is what is known of ourselves; `fetch`
    goes to the network, `tick` are seconds of a clock that only goes forward."""

    def __init__(
        self, sessions: Sessions, reading: Sessions, lists: ListStore, *, own: Knowledge,
        own_region: str, fetch: Fetch, tick: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.lists, self.own_region, self.fetch = lists, own_region, fetch
        self.circuits = Circuits(tick=tick)
        self.documents = PeerDocuments(
            sessions, reading, fetch=fetch, circuits=self.circuits, tick=tick
        )
        self.revocation = PeerRevocation(lists, self.documents)
        self.status = PeerStatus(
            lists, self.documents, stores=lambda region: self.knowledge.of(region).store
        )
        self.policy = KeptPolicy(reading, tick=tick)
        self.knowledge = PeerKnowledge(
            lists, own=own, own_region=own_region, status=self.status, policy=self.policy,
            revocation=KeptFor(self.revocation, tick=tick), noted=SeenLicences(sessions),
        )  # fmt: skip

    def forget(self) -> None:
        """Look again at lists and policy at the next question: this process changed them."""
        self.lists.forget()
        self.policy.forget()
