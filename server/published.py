"""Signed documents kept for a minute: asking often must not mean signing often."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from certificates.regions import region_list
from certificates.regions.region_list import Published
from server import provision, witnessing
from server.platform import Platform
from trust import log as logs
from trust.errors import NotFound

KEPT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Kept:
    published: Published
    signed_at: datetime


class SignedTrustLists:
    """Implements `certificates.router.TrustLists`. A list is made anew when it says something new;
    that is looked into once a minute."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._lock = platform, Lock()
        self._kept: _Kept | None = None

    def document(self, *, at: datetime) -> bytes:
        return self._current(at).document

    def xml(self, *, at: datetime) -> bytes:
        return self._current(at).xml

    def _current(self, at: datetime) -> Published:
        with self._lock:
            if self._kept is None or at - self._kept.signed_at >= KEPT:
                made = region_list.publish(
                    self._platform.sessions, keys=self._platform.keys, at=at,
                    issuer=self._platform.settings.issuer_url,
                )  # fmt: skip
                self._kept = _Kept(made, at)
            return self._kept.published


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
        return witnessing.with_cosignatures(self._platform, newest.text)
