"""Revocation answers kept for a moment: of all who ask within it, one pays."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Final

from trust.crypto.x509 import Certificate
from trust.validation import RevocationLookup, Status

#: So long may a revocation in our own registry stay unseen by a process that serves.
SECONDS: Final = 1.0
_KEPT_MAX: Final = 4096


class KeptFor:
    """A `RevocationLookup` that asks another one at most once in `seconds` about a certificate.

    A question about another minute is another question, so that a judgement of the past is never
    answered by one of the present.
    """

    def __init__(
        self, lookup: RevocationLookup, *, seconds: float = SECONDS,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._lookup, self._seconds, self._tick = lookup, seconds, tick
        self._kept: OrderedDict[tuple[bytes, bytes, int], tuple[float, Status]] = OrderedDict()
        self._lock = Lock()

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        key = (certificate.der, issuer.der, int(at.timestamp()) // 60)
        now = self._tick()
        kept = self._kept.get(key)
        if kept is not None and now - kept[0] < self._seconds:
            return kept[1]
        found = self._lookup.status(certificate, issuer, at=at)
        with self._lock:
            self._kept[key] = (now, found)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        return found
