"""Signed documents kept for a minute: asking often must not mean signing often."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from certificates import publish
from server import provision
from server.platform import Platform
from trust import log as logs
from trust.errors import NotFound

KEPT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Kept:
    document: bytes
    signed_at: datetime


class SignedTrustLists:
    """Implements `certificates.router.TrustLists`."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._lock = platform, Lock()
        self._kept: _Kept | None = None

    def document(self, *, at: datetime) -> bytes:
        with self._lock:
            if self._kept is None or at - self._kept.signed_at >= KEPT:
                with self._platform.reading() as session:
                    signed = publish.trust_list(session, keys=self._platform.keys, at=at)
                self._kept = _Kept(signed, at)
            return self._kept.document


class SignedCheckpoints:
    """Implements `trust.dependencies.LogCheckpoints`. Signing writes, so it is done once a minute
    at most, whoever asks."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._lock = platform, Lock()
        self._signed_at: datetime | None = None

    def text(self, log: str, *, at: datetime) -> str:
        """The newest checkpoint of a log; NotFound for one that does not exist or is empty."""
        if log not in provision.LOGS:
            raise NotFound(f"no log {log!r}")
        with self._lock:
            if self._signed_at is None or at - self._signed_at >= KEPT:
                provision.sign_checkpoints(self._platform, at=at)
                self._signed_at = at
        with self._platform.reading() as session:
            newest = logs.latest_checkpoint(session, log)
        if newest is None:
            raise NotFound(f"the log {log!r} is empty")
        return newest.text
