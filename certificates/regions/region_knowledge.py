"""What a verification may believe of other regions, by the trust lists that are held.

No region speaks for another: of what its list names, only certificates whose one OU is that region
are taken. So a root that region A slips into its list cannot stand under signatures of region B,
nor, as a root of no region, under everybody's seals.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from certificates.evidence import Knowledge, StatusSource
from trust import chain
from trust.anchors import Anchors
from trust.crypto.x509 import Certificate
from trust.list_store import Freshness, ListStore, NoSuchRegion, TrustedRegion
from trust.lists_model import ServiceType, Was
from trust.report import Check, failed, passed, unknown
from trust.validation import RevocationLookup, Standing, Status, TrustStore

_CAS: Final = (ServiceType.ISSUING_CA,)
#: Signers whose certificates are needed to build a chain or to find a claim's key.
_SIGNERS: Final = (
    ServiceType.CLAIM_SIGNER, ServiceType.COPY_SIGNER, ServiceType.ARCHIVE_SIGNER,
    ServiceType.SEAL_MAKER, ServiceType.STATUS,
    ServiceType.LIST_SIGNER, ServiceType.LOG, ServiceType.OCSP, ServiceType.TSA,
)  # fmt: skip


def anchors_of(region: TrustedRegion) -> Anchors:
    """Its roots and signers, each of that very region; CRLs and status are for others to fetch.

    What was withdrawn stays, for what it signed before; what is compromised does not.
    """
    roots = tuple(
        each for each in _own(region, (ServiceType.ROOT_CA,)) if each.self_issued and each.is_ca
    )
    return Anchors(roots, tuple(_own(region, (*_CAS, *_SIGNERS))))


def _own(region: TrustedRegion, kinds: tuple[ServiceType, ...]) -> Iterator[Certificate]:
    for kind in kinds:
        for certificate in region.certificates(kind):
            standing = region.was_trusted(kind, certificate.der, certificate.not_after)
            if standing is not Was.COMPROMISED and chain.region_of(certificate) == region.code:
                yield certificate


class RegionsKnowledge:
    """`Knowledge` of this deployment and of every region whose list is held.

    `own` is what this deployment knows of itself, `revocation` who can tell about certificates of
    other regions (their CRLs), `status` who can tell the state of their licences.
    """

    def __init__(
        self, lists: ListStore, *, own: Knowledge, revocation: RevocationLookup,
        status: StatusSource, own_region: str,
    ) -> None:  # fmt: skip
        self._lists, self._own, self._own_region = lists, own, own_region
        self._revocation, self._status = revocation, status
        self._anchors: dict[str, tuple[str, Anchors]] = {}

    def of(self, region: str) -> Knowledge:
        """What may be asked about one region: its own anchors and nobody else's. Our own region is
        what we know of it, whatever a list says of us. NoSuchRegion."""
        if region == self._own_region:
            return self._own
        known = self._known(self._lists.region(region))
        store = TrustStore(known.roots, known.intermediates, self._revocation)
        return Knowledge(store, known.signer, None, self._status)

    def every(self) -> Knowledge:
        """What may be asked before it is known whose claim it is: ours and every region's."""
        found = [self._known(region) for region in self._lists.regions() if self._foreign(region)]
        roots = tuple(root for each in found for root in each.roots)
        rest = tuple(one for each in found for one in each.intermediates)
        own = self._own.store
        store = TrustStore(
            (*own.roots, *roots), (*own.intermediates, *rest),
            Either(own.revocation, self._revocation),
        )  # fmt: skip
        return replace(self._own, store=store, signer=self._signer(found), status=self._status)

    def _foreign(self, region: TrustedRegion) -> TrustedRegion | None:
        return region if region.code != self._own_region and region.dropped_at is None else None

    def _signer(self, found: list[Anchors]) -> Callable[[bytes], Certificate | None]:
        def signer(kid: bytes) -> Certificate | None:
            """Our own first: nobody can put a key in its place."""
            known = self._own.signer(kid)
            others = (each.signer(kid) for each in found)
            return known or next((each for each in others if each is not None), None)

        return signer

    def _known(self, region: TrustedRegion) -> Anchors:
        kept = self._anchors.get(region.code)
        if kept is None or kept[0] != region.digest:
            kept = self._anchors[region.code] = (region.digest, anchors_of(region))
        return kept[1]

    def listed(self, region: str, kind: ServiceType, subject: Certificate | str, *, at: datetime,
               now: datetime) -> Check:  # fmt: skip
        """The check `listed`: was this signer (or body, by its USCC) trusted by its region's list
        at `at`; `now` is when it is judged, by a list that must be fresh then."""
        try:
            found = self._lists.region(region)
        except NoSuchRegion:
            return unknown("listed", "region_unknown", region)
        known = subject.der if isinstance(subject, Certificate) else subject
        standing = found.was_trusted(kind, known, at)
        if standing is Was.COMPROMISED:
            return failed("listed", "list_compromised")
        if found.freshness(now) is not Freshness.FRESH:
            return unknown("listed", "list_stale", region)
        if standing is Was.GRANTED:
            return passed("listed", "on_list", region)
        return failed("listed", "not_on_list")


class Either:
    """The first of two that knows."""

    def __init__(self, first: RevocationLookup, second: RevocationLookup) -> None:
        self._both = first, second

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        for each in self._both:
            found = each.status(certificate, issuer, at=at)
            if found.standing is not Standing.UNKNOWN:
                return found
        return Status(Standing.UNKNOWN)
