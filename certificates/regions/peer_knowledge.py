"""What this deployment knows of other regions when it verifies: their lists, their status, their
CRLs, and what is recognised here."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Final, Protocol

from certificates.evidence import Foreign, Knowledge, StatusSource
from certificates.regions.region_knowledge import Either, RegionsKnowledge
from trust import chain, recognition, recognition_policy
from trust.crypto.x509 import Certificate
from trust.db import Sessions
from trust.list_store import Freshness, ListStore, NoSuchRegion
from trust.lists_model import ServiceType
from trust.recognition import Decision, Facts, Outcome, Policy
from trust.recognition_words import words
from trust.report import Check, failed, passed, unknown
from trust.validation import RevocationLookup, TrustStore

#: The policy is read again after so many seconds.
KEEP: Final = 1.0
_REGION: Final = re.compile(r"\d{6}")


class Noted(Protocol):
    """Who remembers that a licence of another region was verified here."""

    def note(self, found: Foreign, *, at: datetime) -> None: ...


class KeptPolicy:
    """The recognition policy, read once a second at most."""

    def __init__(self, reading: Sessions, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._reading, self._tick, self._lock = reading, tick, Lock()
        self._kept: tuple[float, Policy] | None = None

    def __call__(self) -> Policy:
        with self._lock:
            now = self._tick()
            if self._kept is None or now - self._kept[0] >= KEEP:
                with self._reading() as session:
                    self._kept = now, recognition_policy.load(session)
            return self._kept[1]

    def forget(self) -> None:
        """Read it anew at the next question."""
        with self._lock:
            self._kept = None


class PeerKnowledge:
    """Implements `evidence.Elsewhere`."""

    def __init__(
        self, lists: ListStore, *, own: Knowledge, own_region: str, revocation: RevocationLookup,
        status: StatusSource, policy: Callable[[], Policy], noted: Noted,
    ) -> None:  # fmt: skip
        self._lists, self._own, self._policy, self._noted = lists, own, policy, noted
        self._regions = RegionsKnowledge(
            lists, own=own, revocation=revocation, status=status, own_region=own_region
        )
        self._nobodys = tuple(
            each for each in (*own.store.roots, *own.store.intermediates)
            if not _REGION.fullmatch(chain.region_of(each))
        )  # fmt: skip

    def of(self, region: str) -> Knowledge:
        try:
            found = self._regions.of(region)
        except NoSuchRegion:
            return replace(self._own, elsewhere=self)
        store = found.store
        if self._nobodys:
            store = self._with_nobodys(store)
        return replace(found, store=store, signer=self._signer(found), elsewhere=self)

    def _with_nobodys(self, store: TrustStore) -> TrustStore:
        """A national CA, of no region, that is trusted here may stand above any region's seals."""
        roots = tuple(each for each in self._nobodys if each.self_issued)
        rest = tuple(each for each in self._nobodys if not each.self_issued)
        own = self._own.store.revocation
        return TrustStore(
            (*store.roots, *roots), (*store.intermediates, *rest), Either(store.revocation, own)
        )

    def _signer(self, found: Knowledge) -> Callable[[bytes], Certificate | None]:
        """The region's own signers; a key of anybody else's is found too, so that its misuse is
        refused by name."""
        return lambda kid: found.signer(kid) or self._regions.every().signer(kid)

    def listed(self, region: str, *, at: datetime) -> list[Check]:
        try:
            known = self._lists.region(region)
        except NoSuchRegion:
            return [unknown("listed", "region_unknown", region)]
        freshness = known.freshness(at)
        if freshness is Freshness.UNKNOWN:
            return [unknown("listed", "region_unknown", region)]
        return [] if freshness is Freshness.FRESH else [unknown("listed", "list_stale", region)]

    def judge(self, found: Foreign, *, at: datetime) -> list[Check]:
        """1 the signer by the list when it signed  2 the issuer likewise  3 our policy, now"""
        claim = found.claim
        kind = ServiceType.CLAIM_SIGNER if claim.copy is None else ServiceType.COPY_SIGNER
        signer = self._regions.listed(claim.region, kind, found.signer, at=claim.made_at, now=at)
        issuer = self._regions.listed(
            claim.region, ServiceType.ISSUER, claim.identifier.issuer, at=claim.made_at, now=at
        )
        self._noted.note(found, at=at)
        return [
            self._not_yet(signer, found),
            self._not_yet(replace(issuer, name="listed.issuer"), found),
            self._recognised(found, at=at),
        ]  # fmt: skip

    def _not_yet(self, check: Check, found: Foreign) -> Check:
        """A list that is older than the claim cannot say that its signer was not granted."""
        listed = self._lists.region(found.claim.region).listed
        older = listed is not None and listed.issued_at < found.claim.made_at
        if check.code == "not_on_list" and older:
            return unknown(check.name, "list_stale", found.claim.region)
        return check

    def _recognised(self, found: Foreign, *, at: datetime) -> Check:
        claim = found.claim
        facts = Facts(issued_at=claim.made_at, issuer=claim.identifier.issuer, fields=found.fields)
        return check_of(
            recognition.decide(self._policy(), claim.region, claim.identifier.type_code, at, facts)
        )


def check_of(decision: Decision) -> Check:
    """A decision as the check `recognition`; the reasons are its detail."""
    told = [words(reason) for reason in decision.reasons]
    detail = "".join(zh for zh, _ in told), " ".join(en for _, en in told)
    if decision.outcome is Outcome.RECOGNISED:
        return passed("recognition", "recognised", detail)
    if decision.outcome is Outcome.REFUSED:
        return failed("recognition", "not_recognised", detail)
    if decision.outcome is Outcome.CONDITIONAL:
        return unknown("recognition", "recognised_if", detail)
    return unknown("recognition", "recognition_unknown", detail)
