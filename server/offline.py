"""The offline bundle as this deployment gives it out: its own region and those it trusts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from ca.models import Crl, Issuer
from certificates import catalogue, offline_bundle, publish, registry
from certificates.offline_bundle import Entry
from certificates.regions import region_list
from server.platform import Platform
from trust.allowance import Allowance, AllowanceSpent
from trust.anchors import key_id

#: Signed again when it is older; lists in it live for a day, so a quarter of an hour is fresh.
KEPT: Final = timedelta(minutes=15)
#: How often it is made after a change of state: at once, and when many follow, every so often.
AT_ONCE: Final = 20
EVERY: Final = timedelta(seconds=10)


class ForeignEntries(Protocol):
    """What is known of other regions, each entry checked before it is handed on."""

    def __call__(self, *, at: datetime) -> Iterable[Entry]: ...


def nothing_foreign(*, at: datetime) -> Iterable[Entry]:
    """A deployment that knows no other region."""
    return ()


def own_entry(session: Session, platform: Platform, *, at: datetime) -> Entry:
    """This region, from its own registry."""
    region = registry.region(session)
    document = region_list.current(
        session, keys=platform.keys, at=at, issuer=platform.settings.issuer_url
    ).document
    signer = region_list.list_signer(session, keys=platform.keys, at=at)
    lifetime = platform.settings.status_lifetime
    status = tuple(
        publish.sign_status_list(session, number, keys=platform.keys, at=at, lifetime=lifetime)
        for number in registry.list_numbers(session)
    )
    return Entry(
        region=region.code, name=region.name, trust_list=document,
        list_signers=(signer.certificate.der,), status=status, crls=_crls(session),
        types={each.code: each.name for each in catalogue.load()},
    )  # fmt: skip


def write(
    platform: Platform, *, at: datetime, foreign: ForeignEntries = nothing_foreign,
    only: frozenset[str] | None = None,
) -> bytes:  # fmt: skip
    """The signed bundle; `only` names the regions that go into it, None all that are known."""
    entries = list(foreign(at=at))
    with platform.reading() as session:
        own = own_entry(session, platform, at=at)
        signer = region_list.list_signer(session, keys=platform.keys, at=at)
    chosen = [each for each in (own, *entries) if only is None or each.region in only]
    return offline_bundle.write(
        chosen, region=own.region, at=at, algorithm=signer.algorithm,
        kid=key_id(signer.certificate.spki).hex(), x5c=(signer.certificate.der,), sign=signer.sign,
    )  # fmt: skip


def _crls(session: Session) -> tuple[bytes, ...]:
    """The newest CRL of every issuer."""
    found = []
    for name in session.scalars(select(Issuer.name).order_by(Issuer.name)):
        newest = session.scalar(
            select(Crl.der).where(Crl.issuer == name).order_by(Crl.number.desc()).limit(1)
        )
        if newest is not None:
            found.append(newest)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Kept:
    document: bytes
    made_at: datetime
    changes: object


class SignedBundles:
    """The bundle ready to be served: made again when a state changed, or it grows old."""

    def __init__(self, platform: Platform, foreign: ForeignEntries = nothing_foreign) -> None:
        self._platform, self._foreign = platform, foreign
        self._kept: _Kept | None = None
        self._allowance = Allowance(AT_ONCE, EVERY)
        self._lock = Lock()

    def document(self, *, at: datetime) -> bytes:
        with self._lock:
            changes = self._changes()
            kept = self._kept
            if kept is None or self._is_due(kept, changes, at=at):
                made = write(self._platform, at=at, foreign=self._foreign)
                kept = self._kept = _Kept(made, at, changes)
            return kept.document

    def _is_due(self, kept: _Kept, changes: object, *, at: datetime) -> bool:
        """Each making signs every status list anew: while states change all the time, not at every
        request."""
        if at - kept.made_at >= KEPT:
            return True
        if kept.changes == changes:
            return False
        try:
            self._allowance.spend(at=at)
        except AllowanceSpent:
            return False
        return True

    def _changes(self) -> object:
        with self._platform.reading() as session:
            return [
                publish.changes_of(session, number) for number in registry.list_numbers(session)
            ]
