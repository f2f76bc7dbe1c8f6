"""Judging an archive package by itself, with nobody to ask.

1. container and parts: every byte is of a part that the manifest lists, or in the one form that the
container has. 2. the manifest's two signatures, each with its time-stamp and chain. 3. the licence,
as of the time when it was archived. 4. both logs. Only what hangs on no other is looked at when the
parts are not whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ca import profiles
from certificates import evidence
from certificates.archive import container, proofs
from certificates.archive import manifest as archive_manifest
from certificates.archive.container import BadContainer
from certificates.archive.manifest import SUITES, UNLISTED, Manifest, Suite
from certificates.archive.package import ANCHORS
from certificates.verify import verify_file
from certificates.verify_content import ATTACHMENT, ATTACHMENT_MAX
from seal.pdf import attachments, document
from seal.pdf.errors import BadPdf
from trust import anchors, chain, signing_time
from trust.anchors import Anchors
from trust.chain import Word
from trust.crypto import hashes, signatures, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.report import Check, Outcome, failed, overall, passed, unknown
from trust.validation import TrustStore

#: Of the licence's own checks these depend on the day, and an ended licence is archived too.
_OF_THE_DAY: Final = frozenset({"state", "dates"})


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What was found. `archived_at` is the time-stamped time of making, None without one."""

    identifier: str
    archived_at: datetime | None
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        return overall(self.checks)

    def as_json(self) -> dict[str, object]:
        at = self.archived_at
        return {
            "outcome": str(self.outcome), "identifier": self.identifier,
            "archived_at": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else None,
            "checks": [check.as_json() for check in self.checks],
        }  # fmt: skip


def verify(data: bytes, given: Anchors | None, *, now: datetime) -> ArchiveReport:
    """The report on a package; every parser's refusal is a failed check, never an exception.

    `given` are the verifier's own anchors: without them the package's roots are taken, and the
    report is INDETERMINATE at best, because whoever makes a package can make roots too.
    """
    try:
        parts = container.read(data)
    except BadContainer as error:
        return ArchiveReport("", None, (failed("container", "container_altered", str(error)),))
    try:
        manifest = archive_manifest.read(parts.get(archive_manifest.NAME, b""))
    except Malformed as error:
        return ArchiveReport("", None, (failed("manifest", "manifest_malformed", str(error)),))
    checks = _check_parts(data, parts, manifest)
    try:
        known = _anchors(parts, given)
    except (Malformed, UnknownAlgorithm) as error:
        wrong = failed("roots", "chain_malformed", str(error))
        return ArchiveReport(manifest.identifier, None, (*checks, wrong))
    checks.append(_check_roots(known, given))
    store = evidence.store_of(known)
    stamped: list[datetime] = []
    for suite in SUITES:
        checks += _check_signature(suite, parts, manifest, store, stamped, now=now)
    at = min(stamped, default=None)
    if all(check.outcome is not Outcome.FAILED for check in checks):
        checks += _check_contents(parts, manifest, known, at=at or now)
    return ArchiveReport(manifest.identifier, at, tuple(checks))


def _check_parts(data: bytes, parts: Mapping[str, bytes], manifest: Manifest) -> list[Check]:
    """Each part by both digests, then the container around them."""
    wrong: list[Check] = []
    for name in sorted(manifest.parts.keys() | parts.keys() | UNLISTED):
        listed, found = manifest.parts.get(name), parts.get(name)
        if found is None:
            wrong.append(failed("part", "part_missing", name))
        elif name not in UNLISTED and listed is None:
            wrong.append(failed("part", "part_unlisted", name))
        elif listed and (len(found), hashes.sha256(found), hashes.sm3(found)) != listed:
            wrong.append(failed("part", "part_changed", name))
    if wrong:
        return wrong
    try:
        container.require_canonical(data, parts)
    except BadContainer as error:
        return [failed("container", "container_altered", str(error))]
    return [
        passed("container", "container_sound"), passed("part", "parts_intact", str(len(parts)))
    ]  # fmt: skip


def _anchors(parts: Mapping[str, bytes], given: Anchors | None) -> Anchors:
    """The package's knowledge under the verifier's roots, or its own; Malformed."""
    certificates, crls, lists = [], [], []
    for name in sorted(parts):
        if name.startswith(ANCHORS) and name.endswith(".jwt"):
            lists.append(parts[name].decode("ascii", "replace").strip())
        elif name.startswith(ANCHORS) and name.endswith((".pem", ".crl")):
            for kind, body in anchors.read_pem(parts[name], name=name):
                if kind == b"CERTIFICATE":
                    certificates.append(x509.parse_certificate(body))
                else:
                    crls.append(x509.parse_crl(body))
    own = tuple(each for each in certificates if each.self_issued and each.is_ca)
    rest = tuple(each for each in certificates if each not in own)
    if given is None:
        return Anchors(own, rest, tuple(crls), tuple(lists))
    return Anchors(
        given.roots, (*rest, *given.intermediates), (*crls, *given.crls),
        (*lists, *given.status_lists),
    )  # fmt: skip


def _check_roots(known: Anchors, given: Anchors | None) -> Check:
    if given is not None:
        return passed("roots", "roots_given")
    prints = ", ".join(hashes.sha256(root.der).hex() for root in known.roots)
    return unknown("roots", "roots_own", prints)


def _check_signature(
    suite: Suite, parts: Mapping[str, bytes], manifest: Manifest, store: TrustStore,
    stamped: list[datetime], *, now: datetime,
) -> list[Check]:  # fmt: skip
    """Signature, time-stamp and chain; the time goes to `stamped` when its authority holds."""
    label, name = f".{suite.label}", f"signature.{suite.label}"
    if any(each not in parts for each in (suite.certificate, suite.signature, suite.stamp)):
        return [failed(name, "part_missing", suite.signature)]
    value = parts[suite.signature]
    try:
        blocks = anchors.read_pem(parts[suite.certificate], name=suite.certificate)
        leaf = x509.parse_certificate(blocks[0][1] if blocks else b"")
        signatures.verify(suite.algorithm, leaf.spki, parts[archive_manifest.NAME], value)
    except InvalidSignature:
        return [failed(name, "signature_invalid")]
    except (Malformed, UnknownAlgorithm) as error:
        return [failed(name, "signature_malformed", str(error))]
    time = signing_time.establish(
        label, parts[suite.stamp], value, suite.digest, claimed=manifest.made_at, store=store,
        now=now, region=manifest.region,
    )  # fmt: skip
    if time.word is Word.STAMPED:
        stamped.append(time.at)
    legs = chain.judge(
        label, leaf, store=store, at=time.at, now=now, region=manifest.region, word=time.word,
        purpose=profiles.purpose(archive_manifest.PURPOSE),
    )  # fmt: skip
    return [passed(name, "signature_valid", str(suite.algorithm)), time.check, *legs]


def _check_contents(
    parts: Mapping[str, bytes], manifest: Manifest, known: Anchors, *, at: datetime
) -> list[Check]:
    """The licence as it stood when it was archived, its metadata, and both logs."""
    pdf, raw = parts.get("licence.pdf", b""), parts.get("licence.json", b"")
    store = evidence.store_of(known)
    found = verify_file(pdf, evidence.offline(known, store), at=at)
    checks = [check for check in found.checks if check.name not in _OF_THE_DAY]
    checks.append(_check_metadata(pdf, raw))
    told = found.licence or {}
    if told.get("identifier") != manifest.identifier:
        checks.append(failed("content", "identifier_wrong", "not the licence of the manifest"))
    checks.append(passed("archived", "archived_state", manifest.state))
    logs = proofs.log_keys(known, store, region=manifest.region, at=at)
    checks.append(proofs.check_licence(parts, raw, logs, region=manifest.region))
    checks.append(proofs.check_audit(parts, manifest, logs))
    return checks


def _check_metadata(pdf: bytes, raw: bytes) -> Check:
    try:
        attached = attachments.find(document.read(pdf).at(1), ATTACHMENT, cap=ATTACHMENT_MAX)
    except (BadPdf, Malformed):
        attached = None
    if attached is None or attached != raw:
        return failed("metadata", "metadata_differs")
    return passed("metadata", "metadata_matches")
