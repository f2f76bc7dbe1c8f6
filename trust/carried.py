"""Evidence that a document carries along: certificates, CRLs and OCSP answers (ETSI EN 319 142-1,
5.4), as far as it speaks for itself. Who put it there does not matter: every part is signed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from trust.crypto import x509
from trust.crypto.errors import Malformed
from trust.crypto.x509 import Certificate, RevocationList
from trust.ocsp_answers import OcspLookup, read_answers
from trust.revocation import CrlLookup
from trust.validation import (
    RevocationLookup,
    Standing,
    Status,
    TrustStore,
    read_chain,
)

#: Two honest clocks differ by less.
SKEW: Final = timedelta(minutes=5)
_CRL_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Evidence:
    """DER of what a document carries, each kind in the order of the file."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    answers: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.certificates or self.crls or self.answers)

    def with_(self, other: "Evidence") -> "Evidence":
        """Both together, nothing twice."""
        return Evidence(
            tuple(dict.fromkeys((*self.certificates, *other.certificates))),
            tuple(dict.fromkeys((*self.crls, *other.crls))),
            tuple(dict.fromkeys((*self.answers, *other.answers))),
        )


class CarriedLookup:
    """What one piece of evidence says of revocation (a `RevocationLookup`).

    `seen` is when it is known to have existed, and the proof of existence that EN 319 102-1, 5.6
    asks for: an issuer whose certificate had ended before may have had its key broken since. What
    claims to be made after `now` says nothing.
    """

    def __init__(
        self, evidence: Evidence, *, roots: Sequence[Certificate], seen: datetime, now: datetime
    ) -> None:
        until = now + SKEW
        crls = [crl for crl in _read_crls(evidence.crls) if crl.this_update <= until]
        self._seen = seen
        self._parts: tuple[RevocationLookup, ...] = (
            OcspLookup(read_answers(evidence.answers, until=until), seen=seen),
            CrlLookup(crls, certificates=read_chain(evidence.certificates), anchors=roots),
        )

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        if self._seen > issuer.not_after:
            return Status(Standing.UNKNOWN)
        return worst(part.status(certificate, issuer, at=at) for part in self._parts)


class Together:
    """Several lookups as one; whoever says revoked is believed."""

    def __init__(self, *parts: RevocationLookup) -> None:
        self._parts = parts

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        return worst(part.status(certificate, issuer, at=at) for part in self._parts)


class Demanding:
    """What `known` says, but GOOD only when `carried` alone would do too: for our own output."""

    def __init__(self, known: RevocationLookup, carried: RevocationLookup) -> None:
        self._known, self._carried = known, carried

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        found = self._known.status(certificate, issuer, at=at)
        if found.standing is not Standing.GOOD:
            return found
        return self._carried.status(certificate, issuer, at=at)


def worst(found: Iterable[Status]) -> Status:
    """The first REVOKED, else the first GOOD, else UNKNOWN."""
    good = None
    for status in found:
        if status.standing is Standing.REVOKED:
            return status
        if status.standing is Standing.GOOD:
            good = good or status
    return good or Status(Standing.UNKNOWN)


def _read_crls(items: Iterable[bytes]) -> list[RevocationList]:
    found = []
    for item in items:
        try:
            if len(item) <= _CRL_MAX:
                found.append(x509.parse_crl(item))
        except Malformed:
            continue
    return found


def with_evidence(
    store: TrustStore, evidence: Evidence, carried: RevocationLookup | None
) -> TrustStore:
    """The store for one document: its certificates help to build paths, its evidence to judge."""
    known = set(store.intermediates)
    new = [one for one in read_chain(evidence.certificates) if one not in known]
    return replace(store, intermediates=(*store.intermediates, *new), carried=carried)
