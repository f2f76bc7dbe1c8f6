"""A signer's chain as two legs of a report: trusted at the time, and not revoked by then."""

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from trust import kept_paths
from trust.crypto import x509
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.policies import ANY, PolicyInputs
from trust.report import Check, Outcome, failed, passed, unknown
from trust.revocation import COMPROMISED
from trust.validation import (
    Path,
    PathFailed,
    PathUnknown,
    Standing,
    Status,
    TrustStore,
    choose_path,
    find_path,
)

DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"  # RFC 9336
_DIVISION = re.compile(r"\d{6}", re.ASCII)
_SIGNING = frozenset({x509.DIGITAL_SIGNATURE, x509.NON_REPUDIATION})


class Word(StrEnum):
    """Whose word a signing time is.

    CLAIMED: the signer's own. AUTHORITY: a time-stamp authority's, in a token of its own. STAMPED:
    a time-stamp that holds says so of somebody else's signature.
    """

    CLAIMED = "claim"
    AUTHORITY = "authority"
    STAMPED = "time-stamp"


def judge(
    label: str,
    leaf: Certificate,
    *,
    store: TrustStore,
    at: datetime,
    now: datetime,
    purpose: str | None,
    extra: Iterable[Certificate] = (),
    policies: PolicyInputs = ANY,
    region: str | None = None,
    word: Word = Word.CLAIMED,
) -> list[Check]:
    """The checks `chain<label>` and `revocation<label>` of a certificate that signed at `at`.

    `now` is when it is judged: a key that was compromised since leaves a claimed time worthless.
    `purpose` is the extended key usage it must carry; None takes any (seals of foreign make).
    `policies` are the certificate policies asked for; by default none is. `region` is the region
    that every certificate of the path must be of, so that no region's CA speaks for another; above
    a seal's there may be CAs of no region.
    `word` says whose word `at` is.
    """
    chain, revocation = f"chain{label}", f"revocation{label}"
    not_reached = unknown(revocation, "revocation_not_reached")
    try:
        path = _choose(leaf, store=store, at=at, policies=policies, extra=tuple(extra))
    except PathFailed as error:
        return [failed(chain, error.code), not_reached]
    except PathUnknown as error:
        return [unknown(chain, error.code), not_reached]
    except (Malformed, UnknownAlgorithm) as error:
        return [failed(chain, "chain_malformed", str(error)), not_reached]
    wrong = wrong_usage(leaf, purpose=purpose)
    if wrong:
        return [failed(chain, "key_usage", wrong), not_reached]
    if region is not None and not _speaks_for(path, region, purpose=purpose):
        return [failed(chain, "region_mismatch"), not_reached]
    good = passed(chain, "chain_valid", x509.name_text(path.anchor.subject))
    return [good, _judge_revocation(revocation, path, store=store, at=at, now=now, word=word)]


def _choose(
    leaf: Certificate, *, store: TrustStore, at: datetime, policies: PolicyInputs,
    extra: tuple[Certificate, ...],
) -> Path:  # fmt: skip
    if not extra:
        return kept_paths.choose(leaf, store=store, at=at, policies=policies)
    return choose_path(
        leaf, intermediates=(*store.intermediates, *extra), anchors=store.roots, at=at,
        policies=policies,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def region_of(certificate: Certificate) -> str:
    """The region that a certificate speaks for: its one OU; empty without one or with several."""
    units = [text for kind, text in x509.name_values(certificate.subject) if kind == x509.UNIT]
    return units[0] if len(units) == 1 else ""


def _speaks_for(path: Path, region: str, *, purpose: str | None) -> bool:
    """Whether a path is of a region. A seal may be certified by a CA of no region, a national one
    that is trusted here; who signs claims and lists for a region is certified by its own."""
    *above, leaf = path.certificates
    units = {region_of(each) for each in above}
    if purpose == DOCUMENT_SIGNING:
        units = {unit for unit in units if _DIVISION.fullmatch(unit)}
    return region_of(leaf) == region and units <= {region}


def of_no_region(
    leaf: Certificate, *, store: TrustStore, extra: Iterable[Certificate] = ()
) -> bool:
    """Whether the whole path, its root too, is of nobody who speaks for a region."""
    path = _path(leaf, store=store, extra=extra)
    return path is not None and not any(
        _DIVISION.fullmatch(region_of(each)) for each in path.certificates
    )


def _judge_revocation(
    name: str, path: Path, *, store: TrustStore, at: datetime, now: datetime, word: Word
) -> Check:
    """A time that is only claimed is judged by what is known now, a key that was compromised since
    making any claim possible. A stamped one is also judged by what was known then, and nothing
    that happened after it touches it (EN 319 102-1, 5.5.4)."""
    since = False
    for issuer, certificate in zip(path.certificates, path.certificates[1:], strict=False):
        status = _status(certificate, issuer, store=store, at=at, now=now, word=word)
        if status.standing is Standing.UNKNOWN:
            return unknown(name, "revocation_unknown")
        if status.standing is Standing.REVOKED and (status.at is None or status.at <= at):
            return failed(name, "revoked")
        revoked_later = status.standing is Standing.REVOKED
        if revoked_later and status.reason in COMPROMISED and word is not Word.STAMPED:
            return unknown(name, "compromised")
        since |= revoked_later
    return passed(name, "revoked_since" if since and word is Word.STAMPED else "not_revoked")


def _status(
    certificate: Certificate, issuer: Certificate, *, store: TrustStore, at: datetime,
    now: datetime, word: Word,
) -> Status:  # fmt: skip
    """What is known now; else, of a stamped time, what was known then: a revocation before all."""
    present = store.revocation.status(certificate, issuer, at=now)
    if present.standing is not Standing.UNKNOWN or word is Word.CLAIMED:
        return present
    told = [store.revocation.status(certificate, issuer, at=at)]
    if store.carried is not None:
        told.append(store.carried.status(certificate, issuer, at=at))
    revoked = [status for status in told if status.standing is Standing.REVOKED]
    if revoked:
        # No time at all is the earliest of all.
        return min(revoked, key=lambda status: (status.at is not None, status.at or now))
    return next((status for status in told if status.standing is Standing.GOOD), present)


@lru_cache(maxsize=1024)
def wrong_usage(leaf: Certificate, *, purpose: str | None) -> str:
    """Why the certificate may not sign this, or nothing."""
    try:
        usage, purposes = x509.key_usage(leaf), x509.extended_key_usage(leaf)
    except Malformed as error:
        return str(error)
    if usage is not None and not usage & _SIGNING:
        return "keyUsage"
    if purpose is not None and purpose not in (purposes or ()):
        return "extendedKeyUsage"
    if leaf.is_ca and purpose is not None:
        return "basicConstraints"
    return ""


def all_passed(checks: Iterable[Check]) -> bool:
    return all(check.outcome is Outcome.PASSED for check in checks)


def issuers(
    leaf: Certificate, *, store: TrustStore, extra: Iterable[Certificate]
) -> tuple[Certificate, ...] | None:
    """The certificates between `leaf` and its root, the root's side first; None without a path."""
    path = _path(leaf, store=store, extra=extra)
    return None if path is None else path.certificates[1:-1]


def _path(leaf: Certificate, *, store: TrustStore, extra: Iterable[Certificate]) -> Path | None:
    try:
        return find_path(leaf, intermediates=(*store.intermediates, *extra), anchors=store.roots)
    except (PathFailed, PathUnknown, Malformed, UnknownAlgorithm):
        return None
