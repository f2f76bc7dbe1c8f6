"""A circuit breaker for each peer: who has failed several times in a row is left alone a while.

closed: asked. open: not asked, for `OPEN` seconds. half-open: one is let through to try; when its
answer is believed the circuit closes, otherwise it is open again. An answer that cannot be believed
counts as none: a peer that lies is left alone like one that is silent.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Final

#: Failures in a row that open a circuit.
FAILURES: Final = 3
#: Short, so that a peer that is back is seen within ten seconds.
OPEN: Final = 5.0
#: Questions to one peer at a time, however many documents are wanted.
AT_ONCE: Final = 4


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class _Peer:
    failures: int = 0
    opened_at: float = 0.0
    trying: bool = False
    under_way: int = 0


class Circuits:
    """One for the process; `tick` are seconds of a clock that only goes forward."""

    def __init__(self, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._tick, self._lock = tick, Lock()
        self._peers: dict[str, _Peer] = {}

    def state(self, peer: str) -> CircuitState:
        with self._lock:
            return self._state(self._peers.get(peer, _Peer()))

    def _state(self, peer: _Peer) -> CircuitState:
        if peer.failures < FAILURES:
            return CircuitState.CLOSED
        waited = self._tick() - peer.opened_at
        return CircuitState.HALF_OPEN if waited >= OPEN else CircuitState.OPEN

    def ask(self, peer: str, question: Callable[[], bytes]) -> bytes | None:
        """What the peer answers; None when it is not asked now. What `question` raises is counted
        as a failure and goes on; whether an answer is good the caller says by `praise` or `blame`.
        """
        if not self._enter(peer):
            return None
        good = False
        try:
            answer = question()
            good = True
            return answer
        finally:
            self._leave(peer, good=good)

    def praise(self, peer: str) -> None:
        """What it answered is believed."""
        with self._lock:
            self._peers.setdefault(peer, _Peer()).failures = 0

    def blame(self, peer: str) -> None:
        """What it answered cannot be believed: that counts as a failure."""
        with self._lock:
            self._fail(self._peers.setdefault(peer, _Peer()))

    def _enter(self, name: str) -> bool:
        with self._lock:
            peer = self._peers.setdefault(name, _Peer())
            state = self._state(peer)
            if peer.under_way >= AT_ONCE or state is CircuitState.OPEN:
                return False
            if state is CircuitState.HALF_OPEN:
                if peer.trying:
                    return False
                peer.trying = True
            peer.under_way += 1
            return True

    def _leave(self, name: str, *, good: bool) -> None:
        with self._lock:
            peer = self._peers[name]
            peer.under_way -= 1
            peer.trying = False
            if not good:
                self._fail(peer)

    def _fail(self, peer: _Peer) -> None:
        peer.failures = min(peer.failures + 1, FAILURES)
        peer.opened_at = self._tick()
