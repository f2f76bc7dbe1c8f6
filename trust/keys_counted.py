"""A key store that counts what each key signs, for `trust keys list` and for judging misuse.

Counts are kept in memory and written every second by a thread of their own: signing never waits for
the database, and a signature that is made inside somebody's transaction never waits for itself.
A crash loses what was not yet written; the counts are a measure, not an account.
"""

import atexit
import logging
import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from trust.clock import Clock
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.db import Sessions
from trust.errors import TrustError
from trust.keys import KeyStore, sign_many
from trust.keys_models import KeyUse

SECONDS: Final = 1.0

_logger = logging.getLogger("trust.keys")


class CountingKeyStore:
    """The keys of another store, their uses counted. `sessions` opens the database at the first
    writing: a store is there before the region is."""

    def __init__(
        self, below: KeyStore, sessions: Callable[[], Sessions], *, clock: Clock,
        every: float = SECONDS,
    ) -> None:  # fmt: skip
        self._below, self._sessions, self._clock, self._every = below, sessions, clock, every
        self._waiting: Counter[tuple[str, str]] = Counter()
        self._held = threading.Lock()
        self._writing = threading.Lock()
        self._process: int | None = None  # whose thread writes
        self._complained = False

    def generate(self, key_id: str, kind: KeyKind, *, bits: int = 3072) -> bytes:
        return self._below.generate(key_id, kind, bits=bits)

    def public_key(self, key_id: str) -> bytes:
        return self._below.public_key(key_id)

    def sign(self, key_id: str, message: bytes, algorithm: Algorithm) -> bytes:
        made = self._below.sign(key_id, message, algorithm)
        self._count(key_id, algorithm, 1)
        return made

    def sign_many(
        self, key_id: str, messages: Sequence[bytes], algorithm: Algorithm
    ) -> list[bytes]:
        made = sign_many(self._below, key_id, messages, algorithm)
        self._count(key_id, algorithm, len(made))
        return made

    def _count(self, key_id: str, algorithm: Algorithm, uses: int) -> None:
        with self._held:
            if self._process != os.getpid():
                self._begin()
            self._waiting[key_id, str(algorithm)] += uses

    def ids(self) -> list[str]:
        return self._below.ids()

    def place(self, key_id: str) -> str:
        return self._below.place(key_id)

    def destroy(self, key_id: str) -> str:
        return self._below.destroy(key_id)

    def flush(self) -> None:
        """Write what waits; when that fails it waits on, and the log says so once."""
        with self._writing:
            with self._held:
                batch, self._waiting = self._waiting, Counter()
            if not batch:
                return
            try:
                with self._sessions().begin() as session:
                    for (key_id, algorithm), uses in sorted(batch.items()):
                        self._add(session, key_id, algorithm, uses)
                self._complained = False
            except (SQLAlchemyError, TrustError) as error:
                with self._held:
                    self._waiting.update(batch)
                if not self._complained:
                    _logger.warning("key uses wait to be written: %s", type(error).__name__)
                self._complained = True

    def _add(self, session: Session, key_id: str, algorithm: str, uses: int) -> None:
        """Of two processes that begin a row one inserts it; the other adds to it."""
        key = {"key_id": key_id, "algorithm": algorithm}
        if self._raise(session, key, uses):
            return
        try:
            with session.begin_nested():
                session.execute(insert(KeyUse).values(**key, uses=uses, last_at=self._clock()))
        except IntegrityError:
            self._raise(session, key, uses)

    def _raise(self, session: Session, key: dict[str, str], uses: int) -> bool:
        found = session.scalar(
            update(KeyUse)
            .filter_by(**key)
            .values(uses=KeyUse.uses + uses, last_at=self._clock())
            .returning(KeyUse.key_id)
        )
        return found is not None

    def _begin(self) -> None:
        """A thread for this process; a forked child counts anew and starts its own."""
        self._process = os.getpid()
        self._waiting.clear()
        own = weakref.ref(self)
        threading.Thread(target=_write_on, args=(own, self._every), daemon=True).start()
        atexit.register(_write_last, own)


def _write_on(store: "weakref.ref[CountingKeyStore]", every: float) -> None:
    """Until the store is gone: the thread must not be what keeps it."""
    pause = threading.Event()
    while not pause.wait(every):
        found = store()
        if found is None:
            return
        found.flush()
        del found


def _write_last(store: "weakref.ref[CountingKeyStore]") -> None:
    found = store()
    if found is not None:
        found.flush()
