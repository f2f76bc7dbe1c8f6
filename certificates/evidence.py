"""What a verification may ask: trusted certificates, a registry, signed status lists."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ca import profiles
from certificates import status_list
from certificates.models import LicenceState
from certificates.registry import PUBLISHED
from certificates.status_list import Status, StatusList
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


class StatusSource(Protocol):
    """Who can tell a licence's published state."""

    def state(self, region: str, number: int, index: int, *, at: datetime) -> Check: ...


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that one verification may ask. `registry` is None offline and for other regions."""

    store: TrustStore
    signer: Callable[[bytes], Certificate | None]
    registry: Registry | None
    status: StatusSource

    def registry_of(self, region: str) -> Registry | None:
        return self.registry if self.registry and self.registry.region == region else None


_STATE_CHECKS = {
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
    return _STATE_CHECKS[published]


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
        told = [_told(listed, index, at=at) for listed in found if listed.issued_at == newest]
        # Two lists of one second may differ; then the worse is believed.
        return next((check for check in told if check.outcome is Outcome.FAILED), told[0])

    def _lists(self, at: datetime) -> list[tuple[str, StatusList]]:
        if self._read is None:
            self._read = []
            for token in self._tokens:
                try:
                    self._read.append(check_list(token, self._store, now=at))
                except (Malformed, InvalidSignature, UnknownAlgorithm, UntrustedList):
                    continue  # a list that is not signed by its region says nothing
        return self._read


def _told(listed: StatusList, index: int, *, at: datetime) -> Check:
    if not listed.issued_at <= at <= listed.expires_at:
        return unknown(
            "state", "state_unknown", ("状态列表已过期", "the status list is out of date")
        )
    try:
        return _STATE_CHECKS[listed.status(index)]
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
