"""Revocation by the CRLs at hand (RFC 5280, 6.3), for offline use and for foreign chains.

Complete, partitioned, indirect and delta CRLs; signed by the certificate's issuer, or by another
certificate that leads to the same anchor and whose own standing some other CRL tells: a key that
could vouch for itself could never be revoked. What is not answered is UNKNOWN, never GOOD.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from trust import crls as scopes
from trust.crls import Point, Scope
from trust.crypto import names, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate, RevocationList, Revoked
from trust.validation import (
    Path,
    PathFailed,
    PathUnknown,
    RevocationLookup,
    Standing,
    Status,
    TrustStore,
    choose_path,
    find_path,
    verify_signed,
)

#: A certificate that was fine when used and was revoked later for these reasons was never theirs
#: to use: 1 keyCompromise, 2 cACompromise (RFC 5280, 5.3.1).
COMPROMISED = frozenset({1, 2})
REMOVE_FROM_CRL = 8
#: Steps for one question: a CRL held against a point is one, its signature and a path cost more.
WORK = 2000
_SIGNATURE, _PATH = 20, 200

_Refused = (PathFailed, PathUnknown, InvalidSignature, Malformed, UnknownAlgorithm)


@dataclass(slots=True)
class _Budget:
    left: int = WORK

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise PathUnknown("path_work", "the CRLs take more work than is allowed")


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question: at which time, while which other certificates are being asked about."""

    at: datetime
    pending: frozenset[Certificate] = frozenset()
    budget: _Budget = field(default_factory=_Budget)


@dataclass(frozen=True, slots=True, eq=False)
class _Listed:
    """A CRL with what is known of it; compared by identity."""

    crl: RevocationList
    scope: Scope
    number: int
    base: int | None
    others: Mapping[names.Canonical, Mapping[int, Revoked]]

    def entry(self, certificate: Certificate) -> Revoked | None:
        """The certificate's entry, among those of its own issuer only (5.3.3)."""
        if names.same(self.crl.issuer, certificate.issuer):
            found = self.crl.entries.get(certificate.serial)
            if found is not None or not self.others:
                return found
        entries = self.others.get(names.canonical(certificate.issuer), {})
        return entries.get(certificate.serial)


class CrlLookup:
    """Answers from CRLs: those of the certificate's issuer, and with `anchors` those of others.

    `certificates` and `anchors` are for CRLs that the issuing certificate did not sign itself:
    their signer must lead to the anchor the issuer leads to, and not be revoked. A time before a
    CRL's thisUpdate is answered by that CRL (it lists what was revoked until then, with dates); a
    time after its nextUpdate is not.
    """

    def __init__(
        self,
        crls: Iterable[RevocationList],
        *,
        certificates: Sequence[Certificate] = (),
        anchors: Sequence[Certificate] = (),
    ) -> None:
        self._by_issuer: dict[names.Canonical, list[_Listed]] = {}
        usable = [listed for listed in map(_usable, crls) if listed is not None]
        for listed in sorted(usable, key=lambda one: (one.crl.this_update, one.number))[::-1]:
            self._by_issuer.setdefault(names.canonical(listed.crl.issuer), []).append(listed)
        self._certificates, self._anchors = tuple(certificates), tuple(anchors)
        self._by_subject: dict[names.Canonical, list[Certificate]] = {}
        for signer in (*anchors, *certificates) if anchors else ():
            self._by_subject.setdefault(names.canonical(signer.subject), []).append(signer)
        self._signed: dict[tuple[_Listed, bytes], bool] = {}

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        try:
            return self._status(certificate, issuer, _Asked(at))
        except PathUnknown:
            return Status(Standing.UNKNOWN)

    def _status(self, certificate: Certificate, issuer: Certificate, asked: _Asked) -> Status:
        """RFC 5280, 6.3.3: point by point, until every reason is answered for."""
        if certificate in asked.pending:
            return Status(Standing.UNKNOWN)
        asked = _Asked(asked.at, asked.pending | {certificate}, asked.budget)
        try:
            points = scopes.points(certificate)
        except Malformed:
            return Status(Standing.UNKNOWN)
        answered: frozenset[int] = frozenset()
        for point in points:
            for listed in self._at(point, certificate, asked):
                reasons = scopes.reasons_covered(listed.crl, listed.scope, certificate, point)
                if reasons <= answered:
                    continue
                signer = self._signer(listed, issuer, asked)
                if signer is None:
                    continue
                found = self._entry(listed, signer, certificate, asked)
                if found is not None and found.reason != REMOVE_FROM_CRL:
                    return Status(Standing.REVOKED, found.at, found.reason)
                answered |= reasons
                if answered == scopes.ALL_REASONS:
                    return Status(Standing.GOOD)
        return Status(Standing.UNKNOWN)

    def _at(self, point: Point, certificate: Certificate, asked: _Asked) -> Iterator[_Listed]:
        """Complete CRLs that may be the point's, newest first."""
        for issuer in point.issuers or (certificate.issuer,):
            for listed in self._by_issuer.get(names.canonical(issuer), ()):
                asked.budget.spend(1)
                if listed.base is None and _is_current(listed.crl, asked.at):
                    yield listed

    def _entry(
        self, listed: _Listed, signer: Certificate, certificate: Certificate, asked: _Asked
    ) -> Revoked | None:
        """What the newest delta says, or else the complete CRL (6.3.3 (i) to (k))."""
        for delta in self._by_issuer.get(names.canonical(listed.crl.issuer), ()):
            asked.budget.spend(1)
            if (
                _updates(delta, listed)
                and _is_current(delta.crl, asked.at)
                and self._is_signed(delta, signer, asked.budget)
            ):
                return delta.entry(certificate) or listed.entry(certificate)
        return listed.entry(certificate)

    def _signer(self, listed: _Listed, issuer: Certificate, asked: _Asked) -> Certificate | None:
        """Whose certificate signed it: the issuer's, or another good one (6.3.3 (f), (g))."""
        named = names.same(listed.crl.issuer, issuer.subject)
        if named and self._is_signed(listed, issuer, asked.budget):
            return issuer
        for other in self._by_subject.get(names.canonical(listed.crl.issuer), ()):
            if (
                other != issuer
                and self._is_signed(listed, other, asked.budget)
                and self._is_good(other, issuer, asked)
            ):
                return other
        return None

    def _is_good(self, signer: Certificate, issuer: Certificate, asked: _Asked) -> bool:
        """Whether a CRL's signer leads, unrevoked, to the anchor that the issuer leads to."""
        asked.budget.spend(_PATH)
        try:
            path = choose_path(
                signer, intermediates=self._certificates, anchors=self._anchors, at=asked.at
            )
            own = find_path(issuer, intermediates=self._certificates, anchors=self._anchors)
        except _Refused:
            return False
        return path.anchor == own.anchor and self._is_unrevoked(path, asked)

    def _is_unrevoked(self, path: Path, asked: _Asked) -> bool:
        steps = zip(path.certificates, path.certificates[1:], strict=False)
        return all(
            self._status(certificate, issuer, asked).standing is Standing.GOOD
            for issuer, certificate in steps
        )

    def _is_signed(self, listed: _Listed, signer: Certificate, budget: _Budget) -> bool:
        key = (listed, signer.der)
        if key not in self._signed:
            budget.spend(_SIGNATURE)
            self._signed[key] = _is_signed_by(listed.crl, signer)
        return self._signed[key]


def _usable(crl: RevocationList) -> _Listed | None:
    scope = scopes.scope(crl)
    try:
        number, base = scopes.numbers(crl)
    except Malformed:
        return None
    others: dict[names.Canonical, dict[int, Revoked]] = {}
    for issuer, entries in crl.others.items():
        others.setdefault(names.canonical(issuer), {}).update(entries)
    return None if scope is None else _Listed(crl, scope, number, base, others)


def _is_current(crl: RevocationList, at: datetime) -> bool:
    return crl.next_update is not None and at <= crl.next_update


def _updates(delta: _Listed, complete: _Listed) -> bool:
    """Whether the delta is one to this complete CRL (5.2.4, 6.3.3 (c)): the same scope and key,
    made on a base not newer than it, and newer itself."""
    if delta.base is None or not delta.base <= complete.number < delta.number:
        return False
    return all(
        _value(delta.crl, oid) == _value(complete.crl, oid)
        for oid in (x509.ISSUING_POINT, x509.AUTHORITY_KEY_ID)
    )


def _value(crl: RevocationList, oid: str) -> bytes | None:
    extension = crl.extensions.get(oid)
    return extension.value if extension else None


def _is_signed_by(crl: RevocationList, signer: Certificate) -> bool:
    try:
        usage = x509.key_usage(signer)
        wanted, given = x509.authority_key_id(crl.extensions), x509.subject_key_id(signer)
        if wanted is not None and given is not None and wanted != given:
            return False
        verify_signed(crl, signer.spki)
    except (InvalidSignature, Malformed, UnknownAlgorithm):
        return False
    return usage is None or x509.CRL_SIGN in usage


class Remembered:
    """One verification's answers: the same issuing certificates stand in several of its chains."""

    def __init__(self, lookup: RevocationLookup) -> None:
        self._lookup = lookup
        self._known: dict[tuple[Certificate, Certificate, datetime], Status] = {}

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        key = (certificate, issuer, at)
        if key not in self._known:
            self._known[key] = self._lookup.status(certificate, issuer, at=at)
        return self._known[key]


def remembered(store: TrustStore) -> TrustStore:
    """The store for one verification; its revocations are asked once each."""
    return replace(store, revocation=Remembered(store.revocation))
