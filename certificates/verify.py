"""Verifying a licence file as a stranger would: every leg a check of its own.

Order: 1 structure  2 each signature, its chain, its seal  3 changes between and after seals
4 content: identifier, issuer, seals it must have  5 QR code against content  6 registry, state,
dates. Steps 4 to 6 are only looked at when the signatures did not fail: nothing unsigned is shown.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from certificates import long_term
from certificates.evidence import Knowledge
from certificates.verify_claim import SignatureReport, Verification, confirm
from certificates.verify_content import check_content
from certificates.verify_signatures import (
    Signer,
    check_changes,
    check_signature,
    signing_region,
)
from seal.pdf import document, fields
from seal.pdf.document import Document
from seal.pdf.errors import BadPdf, NotOurs
from seal.pdf.fields import Signature
from trust.carried import SKEW
from trust.chain import Word, all_passed
from trust.report import Check, Outcome, failed, passed
from trust.revocation import remembered

_ALTERED = frozenset({"signature_invalid", "digest_mismatch", "changed", "changed_between"})


def verify_file(data: bytes, knowledge: Knowledge, *, at: datetime) -> Verification:
    """The report on a file. Every parser's refusal is a failed check, never an exception."""
    try:
        whole = document.read(data)
        signatures = fields.signatures(whole)
        region = signing_region(signatures)
        knowledge = knowledge.about(region)
        knowledge = replace(knowledge, store=remembered(knowledge.store))
        carried = long_term.read(whole, signatures, knowledge, now=at) if signatures else None
    except NotOurs:
        return _nothing(at, failed("structure", "no_licence"))
    except BadPdf as error:
        return _nothing(at, failed("structure", error.code, error.detail))
    if not signatures:
        return _nothing(at, failed("structure", "no_signature"))
    sealing = _check_all(whole, signatures, knowledge, carried, at=at)
    if carried is not None and sealing[-1].report.word is not Word.STAMPED:
        # A closing time-stamp that does not hold proves nothing of the evidence before it either.
        carried = long_term.read(whole, signatures, knowledge, now=at, seen=at)
        sealing = _check_all(whole, signatures, knowledge, carried, at=at)
    checks = [passed("structure", "well_formed")]
    checks += [check for found in sealing for check in found.checks]
    checks.append(check_changes(whole, signatures))
    reports = tuple(found.report for found in sealing)
    changed = any(check.code in _ALTERED for check in checks)
    trusted = all_passed(check for check in checks if check.name.startswith(("signature", "chain")))
    if not trusted or any(check.outcome is Outcome.FAILED for check in checks):
        # What strangers signed is neither repeated as a licence's content nor drawn: only pages
        # that a trusted seal stands for reach the renderer.
        elsewhere = knowledge.elsewhere_of(region)
        checks += elsewhere.listed(region, at=at) if elsewhere is not None else []
        return Verification(at, None, changed, tuple(checks), reports)
    signers = [found.signer for found in sealing if found.signer]
    licence, more = check_content(whole, signers, knowledge, at=at)
    return Verification(at, licence, changed, tuple(confirm(checks + more)), reports)


@dataclass(frozen=True, slots=True)
class _Sealing:
    """One signature's part of the report."""

    checks: list[Check]
    signer: Signer | None
    report: SignatureReport


def _check_all(
    whole: Document, signatures: list[Signature], knowledge: Knowledge,
    carried: long_term.Carried | None, *, at: datetime,
) -> list[_Sealing]:  # fmt: skip
    known = long_term.knowing(knowledge, carried)
    return [
        _check_one(number, whole, one, known, carried, at=at)
        for number, one in enumerate(signatures, 1)
    ]


def _check_one(
    number: int, whole: Document, signature: Signature, knowledge: Knowledge,
    carried: long_term.Carried | None, *, at: datetime,
) -> _Sealing:  # fmt: skip
    label, name = f".{number}", f"time.{number}"
    checks, signer = check_signature(label, whole.data, signature, knowledge, at=at)
    stamped = long_term.is_stamped(signature)
    if signer and signer.at > at + SKEW:
        checks = [check for check in checks if check.name != name]
        checks.append(failed(name, "sealed_in_future"))
    elif carried is not None and carried.signed is not None and not stamped:
        # Nothing signs a time-stamp's presence but this: whoever wrote the one wrote the other.
        checks = [check for check in checks if check.name != name]
        checks.append(failed(name, "time_stamp_missing"))
    level = "B-B" if not stamped else "B-LT" if carried and carried.signed else "B-T"
    word = signer.word if signer else Word.CLAIMED
    report = SignatureReport(number, level, signer.at if signer else None, word, tuple(checks))
    return _Sealing(checks, signer, report)


def _nothing(at: datetime, check: Check) -> Verification:
    return Verification(at, None, None, (check,))
