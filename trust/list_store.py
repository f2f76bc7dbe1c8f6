"""The lists of other regions as they are believed now: who does what there, since when, how fresh.

Reading only. Lists come in by `trust.list_accept`; `trust.list_fetch` goes and gets them.
"""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Final

from sqlalchemy import select

from trust import lists
from trust.crypto import x509
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.db import Sessions
from trust.errors import NotFound
from trust.list_models import HeldList, ListSource
from trust.lists_model import Pointer, Service, ServiceType, TrustList, Was, was_trusted

#: What is held is looked up in the database again after so many seconds.
KEEP: Final = 1.0


class NoSuchRegion(NotFound):
    """No list of that region is known, and nobody has named one."""

    code = "no_such_region"


class Freshness(StrEnum):
    """FRESH is within its life and no older than what its hub names; UNKNOWN was never had."""

    FRESH = "fresh"
    STALE = "stale"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TrustedRegion:
    """A region as its last good list tells of it; without one, what its source tells."""

    code: str
    name: str
    uri: str
    parent: str | None
    dropped_at: datetime | None
    listed: TrustList | None
    named: Pointer | None  # what the list that points here says of it
    received_at: datetime | None = None

    @property
    def sequence(self) -> int | None:
        return self.listed.sequence if self.listed else None

    @property
    def digest(self) -> str:
        return self.listed.digest if self.listed else ""

    def services(self, kind: ServiceType) -> tuple[Service, ...]:
        return self.listed.of_kind(kind) if self.listed else ()

    def was_trusted(self, kind: ServiceType, subject: bytes | str, at: datetime) -> Was:
        """Whether a certificate (DER) or a body (USCC) was granted that service at `at`."""
        return was_trusted(self.listed.services if self.listed else (), kind, subject, at)

    def freshness(self, at: datetime) -> Freshness:
        if self.listed is None:
            return Freshness.UNKNOWN
        named = self.named.sequence if self.named else None
        behind = named is not None and named > self.listed.sequence
        over = at > self.listed.next_update or behind or self.dropped_at is not None
        return Freshness.STALE if over else Freshness.FRESH

    def certificates(self, kind: ServiceType) -> tuple[Certificate, ...]:
        """Those of a kind of service that can be read, whatever their status."""
        found = []
        for service in self.services(kind):
            try:
                found.append(x509.parse_certificate(service.certificate))
            except (Malformed, UnknownAlgorithm):
                continue  # a certificate that nobody can read is nobody's
        return tuple(found)


class ListStore:
    """What is held, kept parsed: a list is read once, and looked for anew every second."""

    def __init__(self, reading: Sessions, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._reading, self._tick = reading, tick
        self._lock = Lock()
        self._parsed: dict[str, tuple[str, TrustList | None]] = {}
        self._kept: dict[str, TrustedRegion] = {}
        self._looked: float | None = None

    def region(self, code: str) -> TrustedRegion:
        """NoSuchRegion for one that nobody has named."""
        found = self._regions().get(code)
        if found is None:
            raise NoSuchRegion(f"no list of region {code} is known here")
        return found

    def regions(self) -> tuple[TrustedRegion, ...]:
        """All that are named, in the order of their codes; dropped ones too."""
        return tuple(self._regions().values())

    def forget(self) -> None:
        """Look again at the next question: something was changed by this process."""
        with self._lock:
            self._looked = None

    def _regions(self) -> dict[str, TrustedRegion]:
        with self._lock:
            now = self._tick()
            if self._looked is None or now - self._looked >= KEEP:
                self._kept, self._looked = self._load(), now
            return self._kept

    def _load(self) -> dict[str, TrustedRegion]:
        with self._reading() as session:
            sources = list(session.scalars(select(ListSource).order_by(ListSource.region)))
            held = {
                row.region: row
                for row in session.execute(
                    select(HeldList.region, HeldList.digest, HeldList.received_at)
                )
            }
            for region, row in held.items():
                if self._parsed.get(region, ("",))[0] != row.digest:
                    document = session.scalar(
                        select(HeldList.document).where(HeldList.region == region)
                    )
                    self._parsed[region] = (row.digest, _read(document))
        parsed = {region: self._parsed[region][1] for region in held}
        listed = {region: found for region, found in parsed.items() if found is not None}
        return {
            row.region: TrustedRegion(
                row.region, row.name, row.uri, row.parent, row.dropped_at,
                listed.get(row.region), _named(listed, row),
                held[row.region].received_at if row.region in held else None,
            )
            for row in sources
        }  # fmt: skip


def _read(document: bytes | None) -> TrustList | None:
    """A list that was taken in a form which is read no more counts as never had: it comes again."""
    try:
        return lists.parse(document or b"")
    except (Malformed, UnknownAlgorithm):
        return None


def _named(listed: dict[str, TrustList], row: ListSource) -> Pointer | None:
    above = listed.get(row.parent) if row.parent else None
    pointers = above.pointers if above else ()
    return next((each for each in pointers if each.region == row.region), None)


def decoded(texts: list[str]) -> tuple[Certificate, ...]:
    """Certificates of a source or a held list, as their columns keep them."""
    return tuple(x509.parse_certificate(base64.b64decode(text)) for text in texts)


def encoded(ders: tuple[bytes, ...]) -> list[str]:
    return [base64.b64encode(der).decode() for der in ders]
