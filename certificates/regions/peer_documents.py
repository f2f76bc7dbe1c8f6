"""Signed documents of other regions: fetched when they are wanted, believed before they are kept,
and kept in the database, so that a restart or an outage answers from the last good one.

A document is asked for at most once in `keep` seconds, whoever wants it: of those who want it at
once one asks. An answer that is older than the one that is held is a replay and changes nothing.
Nothing is fetched while a transaction is open.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from certificates.regions.peer_circuit import Circuits
from certificates.regions.peer_models import PeerDocument
from trust.crypto import hashes
from trust.db import Sessions
from trust.errors import Invalid
from trust.fetch import BadAddress, Fetch, FetchFailed

T = TypeVar("T")

#: Seconds for which an answer counts as the newest there is.
KEEP: Final = 3.0
#: Whoever finds somebody else asking is served what was good so short a time ago.
SERVED: Final = 7.0
#: What was judged once is judged again after so long: its signer may have been revoked since.
JUDGED: Final = 30.0
SLOTS_MAX: Final = 4096

_logger = logging.getLogger("trust.peers")


class PeerAnswerRefused(Invalid):
    """A region's document that is not signed by it, of another form, or about something else."""

    code = "peer_answer_refused"


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """A document as believed. A later `issued_at` replaces an earlier one."""

    value: T
    issued_at: datetime
    good_until: datetime


@dataclass(frozen=True, slots=True)
class Wanted(Generic[T]):
    """A document: whose, what, where, and how it is judged.

    `read` raises PeerAnswerRefused. `context` names what that judgement rests on (the digest of the
    region's list): when it changes, what is held is judged anew.
    """

    region: str
    kind: str
    name: str
    uri: str
    context: str
    read: Callable[[bytes], Read[T]]
    cap: int
    keep: float = KEEP

    @property
    def key(self) -> tuple[str, str, str]:
        return self.region, self.kind, self.name


@dataclass(slots=True)
class _Slot:
    lock: Lock = field(default_factory=Lock)
    document: bytes | None = None
    loaded: bool = False
    read: Read[Any] | None = None
    context: str = ""
    judged_at: float = float("-inf")
    asked_at: float = float("-inf")
    good_at: float = float("-inf")


class PeerDocuments:
    """One for the process. `fetch` is injected, `tick` are seconds that only go forward."""

    def __init__(
        self, sessions: Sessions, reading: Sessions, *, fetch: Fetch, circuits: Circuits,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._sessions, self._reading = sessions, reading
        self._fetch, self._circuits, self._tick = fetch, circuits, tick
        self._slots: OrderedDict[tuple[str, str, str], _Slot] = OrderedDict()
        self._lock = Lock()

    def newest(self, wanted: Wanted[T], *, at: datetime) -> Read[T] | None:
        """The newest good one that can be had, asked for if need be; None when there never was one.

        It may be past its life: that is for the caller to judge.
        """
        slot = self._slot(wanted.key)
        if not slot.lock.acquire(blocking=False):
            if self._recent(slot, wanted):
                return slot.read
            slot.lock.acquire()
        try:
            self._rejudge(slot, wanted)
            if self._tick() - slot.asked_at >= wanted.keep:
                self._ask(slot, wanted, at=at)
            return slot.read
        finally:
            slot.lock.release()

    def held(self, wanted: Wanted[T]) -> Read[T] | None:
        """The one that is held, nobody asked."""
        slot = self._slot(wanted.key)
        with slot.lock:
            self._rejudge(slot, wanted)
            return slot.read

    def document(self, key: tuple[str, str, str]) -> bytes | None:
        """A document that is kept, as it came; whether it still holds is not looked at."""
        region, kind, name = key
        with self._reading() as session:
            return session.scalar(
                select(PeerDocument.document).where(
                    PeerDocument.region == region, PeerDocument.kind == kind,
                    PeerDocument.name == name,
                )
            )  # fmt: skip

    def _slot(self, key: tuple[str, str, str]) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > SLOTS_MAX:
                self._slots.popitem(last=False)
            return slot

    def _recent(self, slot: _Slot, wanted: Wanted[Any]) -> bool:
        young = self._tick() - slot.good_at < SERVED
        return slot.read is not None and slot.context == wanted.context and young

    def _rejudge(self, slot: _Slot, wanted: Wanted[Any]) -> None:
        """Load what is kept the first time; judge it when the region's list changed or time went.
        What was fetched a moment ago is judged then, so this costs once in half a minute."""
        if not slot.loaded:
            slot.document, slot.loaded = self.document(wanted.key), True
        same = slot.context == wanted.context and self._tick() - slot.judged_at < JUDGED
        if slot.document is None or same:
            return
        slot.context, slot.judged_at = wanted.context, self._tick()
        try:
            slot.read = wanted.read(slot.document)
        except PeerAnswerRefused:
            slot.read = None  # it was good once; by what is known now it is not

    def _ask(self, slot: _Slot, wanted: Wanted[Any], *, at: datetime) -> None:
        try:
            answer = self._circuits.ask(
                wanted.region, lambda: self._fetch(wanted.uri, cap=wanted.cap)
            )
        except (FetchFailed, BadAddress):
            answer = None
        slot.asked_at = self._tick()
        if answer is None:
            self._take_kept(slot, wanted)
            return
        if answer == slot.document and slot.read is not None:
            self._circuits.praise(wanted.region)
            slot.good_at = self._tick()
            return
        try:
            read = wanted.read(answer)
        except PeerAnswerRefused as error:
            self._circuits.blame(wanted.region)
            _logger.warning("%s %s of %s refused: %s", *wanted.key[1:], wanted.region, error)
            return
        self._circuits.praise(wanted.region)
        if slot.read is not None and read.issued_at < slot.read.issued_at:
            return  # played again, or from a replica that is behind
        self._take(slot, wanted, answer, read)
        self._keep(wanted, answer, read, at=at)

    def _take(self, slot: _Slot, wanted: Wanted[Any], answer: bytes, read: Read[Any]) -> None:
        slot.document, slot.read, slot.context = answer, read, wanted.context
        slot.judged_at = slot.good_at = self._tick()

    def _take_kept(self, slot: _Slot, wanted: Wanted[Any]) -> None:
        """Another process may have had a newer one before the peer fell silent."""
        kept = self.document(wanted.key)
        if kept is None or kept == slot.document:
            return
        try:
            read = wanted.read(kept)
        except PeerAnswerRefused:
            return
        if slot.read is None or read.issued_at > slot.read.issued_at:
            slot.document, slot.read, slot.context = kept, read, wanted.context
            slot.judged_at = self._tick()

    def _keep(self, wanted: Wanted[Any], answer: bytes, read: Read[Any], *, at: datetime) -> None:
        """Only a newer one takes the row's place. A database that cannot be written costs what is
        remembered, not the answer."""
        try:
            with self._sessions.begin() as session:
                kind = session.get_bind().dialect.name
                insert = postgresql.insert if kind == "postgresql" else sqlite.insert
                row = insert(PeerDocument).values(
                    region=wanted.region, kind=wanted.kind, name=wanted.name, document=answer,
                    digest=hashes.sha256(answer).hex(), issued_at=read.issued_at,
                    good_until=read.good_until, fetched_at=at,
                )  # fmt: skip
                said = row.excluded
                session.execute(
                    row.on_conflict_do_update(
                        index_elements=["region", "kind", "name"],
                        set_={
                            "document": said.document, "digest": said.digest,
                            "issued_at": said.issued_at, "good_until": said.good_until,
                            "fetched_at": said.fetched_at,
                        },
                        where=PeerDocument.issued_at <= said.issued_at,
                    )
                )  # fmt: skip
        except SQLAlchemyError as error:
            _logger.warning("%s not kept: %s", wanted.kind, type(error).__name__)
