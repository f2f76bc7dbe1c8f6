"""Certification path validation at a stated time (RFC 5280, 6.1); revocation is `trust.chain`'s.

What is not understood is refused: a critical extension outside `UNDERSTOOD`, or one that cannot
be read, ends the path. An anchor is held to its own certificate (dates, path length, name and
policy constraints: RFC 5937). Work is bounded: at most `DEPTH` certificates a path and `WORK`
signature checks a call; policies and names have bounds of their own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from trust.crypto import names, signatures, x509
from trust.crypto.algorithms import by_oid
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.errors import TrustError
from trust.name_constraints import NameConstraints, NameFacts, check_names, read_constraints
from trust.path_errors import PathFailed as PathFailed
from trust.path_errors import PathUnknown as PathUnknown
from trust.policies import ANY, PolicyFacts, PolicyInputs, check_policies, read_policies

DEPTH = 8
WORK = 40
UNDERSTOOD = frozenset(
    {
        x509.BASIC_CONSTRAINTS, x509.KEY_USAGE, x509.EXTENDED_KEY_USAGE, x509.ALTERNATIVE_NAME,
        x509.NAME_CONSTRAINTS, x509.CERTIFICATE_POLICIES, x509.POLICY_MAPPINGS,
        x509.POLICY_CONSTRAINTS, x509.INHIBIT_ANY_POLICY, x509.CRL_POINTS,
    }
)  # fmt: skip
#: Extensions that bind those below; one that cannot be read counts as not understood.
_CONSTRAINING = frozenset(
    {x509.NAME_CONSTRAINTS, x509.POLICY_MAPPINGS, x509.POLICY_CONSTRAINTS, x509.INHIBIT_ANY_POLICY}
)


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
    """Whom a verification trusts, and what it may build chains with.

    `carried` is the evidence that came with what is verified: asked only about a time that a
    time-stamp stands for, and only where `revocation` does not know.
    """

    roots: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]
    revocation: RevocationLookup
    carried: RevocationLookup | None = None


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
    """The first path whose names and signatures hold, anchor first; time is not looked at.

    PathUnknown (`no_anchor`) when none leads to an anchor, (`path_work`) when the search takes
    too much; PathFailed (`chain_signature`) when one does by its names alone.
    """
    search = _Search(intermediates, anchors)
    for found in search.up((leaf,)):
        return Path(found)
    raise search.why_none()


def choose_path(
    leaf: Certificate,
    *,
    intermediates: Iterable[Certificate],
    anchors: Sequence[Certificate],
    at: datetime,
    policies: PolicyInputs = ANY,
) -> Path:
    """The first path that `check_path` finds good at `at`: one bad way up hides no good one.

    As `find_path`; when every path is bad, raises what was wrong with the first.
    """
    search = _Search(intermediates, anchors)
    first: PathFailed | PathUnknown | Malformed | None = None
    for found in search.up((leaf,)):
        path = Path(found)
        try:
            check_path(path, at=at, policies=policies)
        except (PathFailed, PathUnknown, Malformed) as error:
            first = first or error
        else:
            return path
    raise first or search.why_none()


class _Search:
    """Depth-first, with a budget: a maze of same-named certificates ends it, not our time."""

    def __init__(
        self, intermediates: Iterable[Certificate], anchors: Sequence[Certificate]
    ) -> None:
        self.anchors = {anchor.der for anchor in anchors}
        self.by_subject: dict[names.Canonical, list[Certificate]] = {}
        for certificate in (*anchors, *intermediates):
            self.by_subject.setdefault(names.canonical(certificate.subject), []).append(certificate)
        self.work = WORK
        self.refused: TrustError | None = None

    def up(self, path: tuple[Certificate, ...]) -> Iterator[tuple[Certificate, ...]]:
        """Every completion of `path`, which is top first, by an anchor."""
        top = path[0]
        if top.der in self.anchors:
            yield path
            return
        if len(path) >= DEPTH:
            return
        for issuer in self.by_subject.get(names.canonical(top.issuer), ()):
            if issuer not in path and self._signed_by(top, issuer):
                yield from self.up((issuer, *path))

    def why_none(self) -> TrustError:
        return self.refused or PathUnknown("no_anchor", "no chain leads to a trusted root")

    def _signed_by(self, certificate: Certificate, issuer: Certificate) -> bool:
        wanted = x509.authority_key_id(certificate.extensions)
        given = x509.subject_key_id(issuer)
        if wanted is not None and given is not None and wanted != given:
            return False
        if self.work <= 0:
            raise PathUnknown("path_work", "the chain takes more work than is allowed")
        self.work -= 1
        try:
            if _is_signed_by(certificate, issuer.spki):
                return True
        except (Malformed, UnknownAlgorithm) as error:
            # A stranger of the issuer's name with a key of another kind must not end the search.
            self.refused = self.refused or error
            return False
        self.refused = PathFailed(
            "chain_signature", "a certificate in the chain is not signed by its issuer"
        )
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


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a certificate says of itself and of those below it, read once."""

    is_ca: bool
    path_length: int | None
    signs_certificates: bool
    self_issued: bool
    unknown: str
    policies: PolicyFacts
    constraints: NameConstraints | None


@lru_cache(maxsize=256)
def _facts(certificate: Certificate) -> _Facts:
    extensions = certificate.extensions
    is_ca, length = x509.basic_constraints(certificate)
    usage = x509.key_usage(certificate)
    unknown = {e.oid for e in extensions.values() if e.critical} - UNDERSTOOD
    constrained = extensions.get(x509.NAME_CONSTRAINTS)
    own = certificate.self_issued
    return _Facts(
        is_ca=is_ca, path_length=length, self_issued=own,
        signs_certificates=usage is None or x509.KEY_CERT_SIGN in usage,
        unknown=min(unknown, default=""), policies=read_policies(extensions, self_issued=own),
        constraints=read_constraints(constrained) if constrained else None,
    )  # fmt: skip


def check_path(path: Path, *, at: datetime, policies: PolicyInputs = ANY) -> None:
    """Judge a path at `at`, revocation apart: PathFailed with a code, or nothing.

    1. every certificate's validity  2. CA bits, path lengths, key usages  3. critical extensions
    4. name constraints  5. policies. PathUnknown (`path_work`) where 4 or 5 take too much.
    """
    for certificate in path.certificates:
        _check_validity(certificate, at)
    facts = [_readable_facts(certificate) for certificate in path.certificates]
    _check_issuers(facts)
    for one in facts:
        if one.unknown:
            raise PathFailed("critical_extension", f"critical extension {one.unknown} is unknown")
    if any(one.constraints for one in facts):
        pairs = zip(path.certificates, facts, strict=True)
        check_names([NameFacts(c, one.constraints, one.self_issued) for c, one in pairs])
    # Without a policy asked for, by the caller or by a CA, no policy can be missing.
    if policies.explicit_policy or any(one.policies.can_fail for one in facts):
        below = [one.policies for one in facts[1:]]
        check_policies(below, policies, anchor=facts[0].policies)


def _readable_facts(certificate: Certificate) -> _Facts:
    try:
        return _facts(certificate)
    except Malformed as error:
        if certificate.extensions.keys() & _CONSTRAINING:
            raise PathFailed("critical_extension", f"cannot be understood: {error}") from error
        raise


def _check_validity(certificate: Certificate, at: datetime) -> None:
    if at < certificate.not_before:
        raise PathFailed("not_yet_valid", "a certificate of the chain was not yet valid")
    if at > certificate.not_after:
        raise PathFailed("expired", "a certificate of the chain had expired")


def _check_issuers(facts: Sequence[_Facts]) -> None:
    below = 0
    for at in range(len(facts) - 2, -1, -1):
        issuer = facts[at]
        if not issuer.is_ca or not issuer.signs_certificates:
            raise PathFailed("not_a_ca", "an issuer in the chain is no certificate authority")
        if issuer.path_length is not None and below > issuer.path_length:
            raise PathFailed("path_length", "the chain is longer than an issuer allows")
        below += not issuer.self_issued


def read_chain(items: Iterable[bytes]) -> list[Certificate]:
    """Parse what can be parsed: foreign bundles hold odd certificates that no path will need."""
    found = []
    for item in items:
        try:
            found.append(x509.parse_certificate(item))
        except (Malformed, UnknownAlgorithm):
            continue
    return found
