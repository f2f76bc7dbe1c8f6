"""What a verification may ask: trusted certificates, a registry, signed status lists."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ca import profiles
from certificates.models import LicenceState
from certificates.qr import Claim
from certificates.registry import PUBLISHED
from certificates.status import lists as status_list
from certificates.status.lists import Status, StatusList
from trust import chain
from trust.anchors import Anchors
from trust.crypto import jose, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.report import Check, Outcome, failed, passed, unknown
from trust.validation import TrustStore


@dataclass(frozen=True, slots=True)
class Record:
    """What the registry knows of a licence at the time asked for."""

    digest: bytes
    file_digest: bytes
    state: LicenceState | None
    number: str = ""
    authority_name: str = ""


class Registry(Protocol):
    """The issuing region's own knowledge."""

    region: str

    def record(self, identifier: str, *, at: datetime) -> Record | None: ...

    def seal_problem(self, es_id: str, *, signed_at: datetime) -> str:
        """Why the seal was not in force at that time, or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class CopyRecord:
    """What the register of copies (加注件) knows of one; digests as in `Record`."""

    licence: str
    digest: bytes
    file_digest: bytes
    cause: str
    maker: str


class CopyRegister(Protocol):
    """The issuing region's register of the copies that it made."""

    def copy(self, number: str) -> CopyRecord | None: ...


class StatusSource(Protocol):
    """Who can tell a licence's published state."""

    def state(self, region: str, number: int, index: int, *, at: datetime) -> Check: ...


@dataclass(frozen=True, slots=True)
class Foreign:
    """A licence of another region as far as its signatures are believed. `signer` signed its claim;
    `fields` (names of items that have a value) are known of files only, None of a code."""

    claim: Claim
    signer: Certificate
    fields: frozenset[str] | None = None


class Elsewhere(Protocol):
    """What is known here of other regions, by their trust lists and our recognition policy."""

    def of(self, region: str) -> "Knowledge":
        """What a verification may ask about that region, and nothing that it could say of
        another; of one that is not known, our own knowledge."""
        ...

    def listed(self, region: str, *, at: datetime) -> list[Check]:
        """Nothing when the region's list is held and fresh; else the check that says so."""
        ...

    def judge(self, found: Foreign, *, at: datetime) -> list[Check]:
        """The checks `listed`, `listed.issuer` and `recognition`."""
        ...


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that one verification may ask. `registry` is None offline and for other regions;
    `elsewhere` where nobody knows of other regions by their lists."""

    store: TrustStore
    signer: Callable[[bytes], Certificate | None]
    registry: Registry | None
    status: StatusSource
    copies: CopyRegister | None = None
    elsewhere: Elsewhere | None = None

    def about(self, region: str) -> "Knowledge":
        """What may be asked about a licence that says it is of that region."""
        if self.elsewhere is None or self.registry_of(region) is not None:
            return self
        return self.elsewhere.of(region)

    def elsewhere_of(self, region: str) -> Elsewhere | None:
        """Who judges that region as another one's; None for our own."""
        return self.elsewhere if self.registry_of(region) is None else None

    def registry_of(self, region: str) -> Registry | None:
        return self.registry if self.registry and self.registry.region == region else None

    def copies_of(self, region: str) -> CopyRegister | None:
        """The register of the copies that a region made, where it is at hand."""
        return self.copies if self.registry_of(region) is not None else None


STATUS_CHECKS = {
    Status.VALID: passed("state", "in_force"),
    Status.VOID: failed("state", "void", ("注销、撤销或吊销", "cancelled, rescinded or revoked")),
    Status.SUSPENDED: failed("state", "suspended"),
    Status.OTHER: failed("state", "other_state"),
}


STATE_NAMES = {
    LicenceState.ACTIVE: ("有效", "in force"),
    LicenceState.SUSPENDED: ("暂扣", "suspended"),
    LicenceState.RESCINDED: ("已撤销", "rescinded"),
    LicenceState.REVOKED: ("已吊销", "revoked"),
    LicenceState.CANCELLED: ("已注销", "cancelled"),
    LicenceState.REPLACED: ("已换发", "replaced"),
    LicenceState.TRANSFERRED_OUT: ("已转出", "transferred out"),
}


def state_check(state: LicenceState) -> Check:
    """The registry's state as a check."""
    published = PUBLISHED.get(state, Status.VOID)
    if published is Status.VOID:
        return failed("state", "void", STATE_NAMES[state])
    return STATUS_CHECKS[published]


class ListedStatus:
    """Answers from signed status lists at hand, each checked when first needed."""

    def __init__(self, tokens: Iterable[str], store: TrustStore) -> None:
        self._tokens, self._store = tuple(tokens), store
        self._read: list[tuple[str, StatusList]] | None = None

    def state(self, region: str, number: int, index: int, *, at: datetime) -> Check:
        found = [
            listed
            for owner, listed in self._lists(at)
            if owner == region and listed.subject.endswith(f"/status/{number}")
        ]
        if not found:
            return unknown("state", "state_unknown", ("没有状态列表", "no status list"))
        newest = max(listed.issued_at for listed in found)
        said = [told(listed, index, at=at) for listed in found if listed.issued_at == newest]
        # Two lists of one second may differ; then the worse is believed.
        return next((check for check in said if check.outcome is Outcome.FAILED), said[0])

    def _lists(self, at: datetime) -> list[tuple[str, StatusList]]:
        if self._read is None:
            self._read = []
            for token in self._tokens:
                try:
                    self._read.append(check_list(token, self._store, now=at))
                except (Malformed, InvalidSignature, UnknownAlgorithm, UntrustedList):
                    continue  # a list that is not signed by its region says nothing
        return self._read


def told(listed: StatusList, index: int, *, at: datetime) -> Check:
    """What a list says of a place in it, within its life."""
    if not listed.issued_at <= at <= listed.expires_at:
        return unknown(
            "state", "state_unknown", ("状态列表已过期", "the status list is out of date")
        )
    try:
        return STATUS_CHECKS[listed.status(index)]
    except Malformed as error:
        return unknown("state", "state_unknown", str(error))


class UntrustedList(InvalidSignature):
    code = "untrusted_list"


def check_list(token: str, store: TrustStore, *, now: datetime) -> tuple[str, StatusList]:
    """(region, list) of a status list signed by a region's status signer.

    Malformed, InvalidSignature, UnknownAlgorithm or UntrustedList.
    """
    listed = status_list.parse(token)
    region = check_signer(listed.jws, store, purpose="status-signer", at=listed.issued_at, now=now)
    return region, listed


def check_signer(
    jws: jose.Jws, store: TrustStore, *, purpose: str, at: datetime, now: datetime
) -> str:
    """Verify a JWS by the certificate in its x5c, judged for a purpose; the signer's region."""
    given = jws.certificates()
    if not given:
        raise UntrustedList("no certificate comes with the signature")
    leaf, *rest = (x509.parse_certificate(data) for data in given)
    jose.verify(jws, leaf.spki)
    region = chain.region_of(leaf)
    legs = chain.judge(
        "", leaf, store=store, at=at, now=now, purpose=profiles.purpose(purpose), extra=rest,
        region=region,
    )  # fmt: skip
    if not chain.all_passed(legs):
        raise UntrustedList(", ".join(leg.code for leg in legs))
    return region


def offline(anchors: Anchors, store: TrustStore) -> Knowledge:
    """What can be known from a folder of anchors alone."""
    return Knowledge(store, anchors.signer, None, ListedStatus(anchors.status_lists, store))


def store_of(anchors: Anchors) -> TrustStore:
    return TrustStore(anchors.roots, anchors.intermediates, anchors.revocation())
