"""Verifying a licence file as a stranger would: every leg a check of its own.

Order: 1 structure  2 each signature, its chain, its seal  3 changes between and after seals
4 content: identifier, issuer, seals it must have  5 QR code against content  6 registry, state,
dates. Steps 4 to 6 are only looked at when the signatures did not fail: nothing unsigned is shown.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from certificates.evidence import Knowledge
from certificates.verify_claim import Verification, confirm
from certificates.verify_content import check_content
from certificates.verify_signatures import Signer, check_changes, check_signature
from seal.pdf import document, fields
from seal.pdf.errors import BadPdf, NotOurs
from trust.chain import all_passed
from trust.report import Check, Outcome, failed, passed
from trust.revocation import remembered

#: Two honest clocks differ by less.
SKEW = timedelta(minutes=5)
_ALTERED = frozenset({"signature_invalid", "digest_mismatch", "changed", "changed_between"})


def verify_file(data: bytes, knowledge: Knowledge, *, at: datetime) -> Verification:
    """The report on a file. Every parser's refusal is a failed check, never an exception."""
    knowledge = replace(knowledge, store=remembered(knowledge.store))
    try:
        whole = document.read(data)
        signatures = fields.signatures(whole)
    except NotOurs:
        return _nothing(at, failed("structure", "no_licence"))
    except BadPdf as error:
        return _nothing(at, failed("structure", error.code, error.detail))
    if not signatures:
        return _nothing(at, failed("structure", "no_signature"))
    checks = [passed("structure", "well_formed")]
    signers: list[Signer] = []
    for number, signature in enumerate(signatures, 1):
        found, signer = check_signature(f".{number}", whole.data, signature, knowledge, at=at)
        checks += found
        signers += [signer] if signer else []
    checks += [
        failed(f"time.{number}", "sealed_in_future")
        for number, signer in enumerate(signers, 1)
        if signer.at > at + SKEW
    ]
    checks.append(check_changes(whole, signatures))
    changed = any(check.code in _ALTERED for check in checks)
    if any(check.outcome is Outcome.FAILED for check in checks):
        return Verification(at, None, changed, tuple(checks))
    trusted = all_passed(check for check in checks if check.name.startswith(("signature", "chain")))
    if not trusted:
        # What strangers signed is neither repeated as a licence's content nor drawn: only pages
        # that a trusted seal stands for reach the renderer.
        return Verification(at, None, changed, tuple(checks))
    licence, more = check_content(whole, signers, knowledge, at=at)
    return Verification(at, licence, changed, tuple(confirm(checks + more)))


def _nothing(at: datetime, check: Check) -> Verification:
    return Verification(at, None, None, (check,))
