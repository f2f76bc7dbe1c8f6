"""A signer's chain as two legs of a report: trusted at the time, and not revoked by then."""

from collections.abc import Iterable
from datetime import datetime

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
    TrustStore,
    choose_path,
    find_path,
)

DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36"  # RFC 9336
_SIGNING = frozenset({x509.DIGITAL_SIGNATURE, x509.NON_REPUDIATION})


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
) -> list[Check]:
    """The checks `chain<label>` and `revocation<label>` of a certificate that signed at `at`.

    `now` is when it is judged: a key that was compromised since leaves a claimed time worthless.
    `purpose` is the extended key usage it must carry; None takes any (seals of foreign make).
    `policies` are the certificate policies asked for; by default none is. `region` is the region
    that every certificate of the path must be of, so that no region's CA speaks for another.
    """
    chain, revocation = f"chain{label}", f"revocation{label}"
    not_reached = unknown(revocation, "revocation_not_reached")
    try:
        path = choose_path(
            leaf, intermediates=(*store.intermediates, *extra), anchors=store.roots, at=at,
            policies=policies,
        )  # fmt: skip
    except PathFailed as error:
        return [failed(chain, error.code), not_reached]
    except PathUnknown as error:
        return [unknown(chain, error.code), not_reached]
    except (Malformed, UnknownAlgorithm) as error:
        return [failed(chain, "chain_malformed", str(error)), not_reached]
    wrong = wrong_usage(leaf, purpose=purpose)
    if wrong:
        return [failed(chain, "key_usage", wrong), not_reached]
    if region is not None and any(region_of(each) != region for each in path.certificates):
        return [failed(chain, "region_mismatch"), not_reached]
    good = passed(chain, "chain_valid", x509.name_text(path.anchor.subject))
    return [good, _judge_revocation(revocation, path, store=store, at=at, now=now)]


def region_of(certificate: Certificate) -> str:
    """The region that a certificate speaks for: its one OU; empty without one or with several."""
    units = [text for kind, text in x509.name_values(certificate.subject) if kind == x509.UNIT]
    return units[0] if len(units) == 1 else ""


def _judge_revocation(
    name: str, path: Path, *, store: TrustStore, at: datetime, now: datetime
) -> Check:
    for issuer, certificate in zip(path.certificates, path.certificates[1:], strict=False):
        status = store.revocation.status(certificate, issuer, at=now)
        if status.standing is Standing.UNKNOWN:
            return unknown(name, "revocation_unknown")
        if status.standing is Standing.REVOKED and (status.at is None or status.at <= at):
            return failed(name, "revoked")
        if status.standing is Standing.REVOKED and status.reason in COMPROMISED:
            return unknown(name, "compromised")
    return passed(name, "not_revoked")


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
    try:
        path = find_path(leaf, intermediates=(*store.intermediates, *extra), anchors=store.roots)
    except (PathFailed, PathUnknown, Malformed, UnknownAlgorithm):
        return None
    return path.certificates[1:-1]
