"""Certification path validation at a stated time (RFC 5280, 6.1); revocation is `trust.chain`'s.

What is not understood is refused: a critical extension outside `UNDERSTOOD` (name constraints and
policy constraints among them) ends the path. Work is bounded: at most `DEPTH` certificates a path
and `WORK` signature checks a call.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from trust.crypto import signatures, x509
from trust.crypto.algorithms import by_oid
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.errors import TrustError

DEPTH = 6
WORK = 40
UNDERSTOOD = frozenset({x509.BASIC_CONSTRAINTS, x509.KEY_USAGE, x509.EXTENDED_KEY_USAGE})


class PathFailed(TrustError):
    """There is a path, and it is not good; `code` says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class PathUnknown(TrustError):
    """It cannot be told: no path to an anchor is known, or a revocation status is unknown."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Standing(StrEnum):
    """What is known of a certificate's revocation at a time."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Status:
    """`at` and `reason` (RFC 5280, 5.3.1) are those of the revocation, if there is one."""

    standing: Standing
    at: datetime | None = None
    reason: int = 0


class RevocationLookup(Protocol):
    """Who can say whether a certificate was revoked: our registry, or CRLs at hand."""

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status: ...


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Whom a verification trusts, and what it may build chains with."""

    roots: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]
    revocation: RevocationLookup


@dataclass(frozen=True, slots=True)
class Path:
    """From the anchor down to the certificate that was asked about."""

    certificates: tuple[Certificate, ...]

    @property
    def anchor(self) -> Certificate:
        return self.certificates[0]


def find_path(
    leaf: Certificate, *, intermediates: Iterable[Certificate], anchors: Sequence[Certificate]
) -> Path:
    """The path whose names and signatures hold, anchor first; time is not looked at.

    PathUnknown (`no_anchor`) when none leads to an anchor; PathFailed (`chain_signature`) when
    one does by its names alone.
    """
    by_subject: dict[bytes, list[Certificate]] = {}
    for certificate in intermediates:
        by_subject.setdefault(certificate.subject, []).append(certificate)
    search = _Search(by_subject, {anchor.der: anchor for anchor in anchors})
    found = search.up((leaf,))
    if found is not None:
        return Path(found)
    if search.bad_signature:
        raise PathFailed(
            "chain_signature", "a certificate in the chain is not signed by its issuer"
        )
    raise PathUnknown("no_anchor", "no chain leads to a trusted root")


class _Search:
    """Depth-first, with a budget: a maze of same-named certificates ends it, not our time."""

    def __init__(
        self, by_subject: dict[bytes, list[Certificate]], anchors: dict[bytes, Certificate]
    ) -> None:
        self.by_subject, self.anchors = by_subject, anchors
        self.bad_signature, self.work = False, WORK

    def up(self, path: tuple[Certificate, ...]) -> tuple[Certificate, ...] | None:
        """`path` is top first; returns it completed by an anchor."""
        top = path[0]
        if top.der in self.anchors:
            return path
        if len(path) >= DEPTH:
            return None
        named = [a for a in self.anchors.values() if a.subject == top.issuer]
        for issuer in (*named, *self.by_subject.get(top.issuer, ())):
            if issuer not in path and self._signed_by(top, issuer):
                found = self.up((issuer, *path))
                if found is not None:
                    return found
        return None

    def _signed_by(self, certificate: Certificate, issuer: Certificate) -> bool:
        wanted = x509.authority_key_id(certificate.extensions)
        given = x509.subject_key_id(issuer)
        if wanted is not None and given is not None and wanted != given:
            return False
        if self.work <= 0:
            raise PathUnknown("path_work", "the chain takes more work than is allowed")
        self.work -= 1
        if _is_signed_by(certificate, issuer.spki):
            return True
        self.bad_signature = True
        return False


@lru_cache(maxsize=4096)
def _is_signed_by(certificate: Certificate, spki: bytes) -> bool:
    """A fact that never changes: the same few issuing certificates come with every file."""
    try:
        verify_signed(certificate, spki)
    except InvalidSignature:
        return False
    return True


def verify_signed(signed: Certificate | x509.RevocationList | x509.Request, spki: bytes) -> None:
    """Check the issuer's signature; InvalidSignature or UnknownAlgorithm."""
    signatures.verify(by_oid(signed.signature_oid), spki, signed.tbs, signed.signature)


def check_path(path: Path, *, at: datetime) -> None:
    """Judge a path at `at`, revocation apart: PathFailed with a code, or nothing.

    1. every certificate's validity  2. CA bits, path lengths, key usages  3. critical extensions
    """
    for certificate in path.certificates:
        _check_validity(certificate, at)
    _check_issuers(path)
    for certificate in path.certificates:
        unknown = {e.oid for e in certificate.extensions.values() if e.critical} - UNDERSTOOD
        if unknown:
            raise PathFailed("critical_extension", f"critical extension {min(unknown)} is unknown")


def _check_validity(certificate: Certificate, at: datetime) -> None:
    if at < certificate.not_before:
        raise PathFailed("not_yet_valid", "a certificate of the chain was not yet valid")
    if at > certificate.not_after:
        raise PathFailed("expired", "a certificate of the chain had expired")


def _check_issuers(path: Path) -> None:
    issuers = path.certificates[:-1]
    for at, issuer in enumerate(issuers):
        is_ca, length = x509.basic_constraints(issuer)
        usage = x509.key_usage(issuer)
        if not is_ca or (usage is not None and x509.KEY_CERT_SIGN not in usage):
            raise PathFailed("not_a_ca", "an issuer in the chain is no certificate authority")
        below = sum(not c.self_issued for c in path.certificates[at + 1 : -1])
        if length is not None and below > length:
            raise PathFailed("path_length", "the chain is longer than an issuer allows")


def read_chain(items: Iterable[bytes]) -> list[Certificate]:
    """Parse what can be parsed: foreign bundles hold odd certificates that no path will need."""
    found = []
    for item in items:
        try:
            found.append(x509.parse_certificate(item))
        except (Malformed, UnknownAlgorithm):
            continue
    return found
