"""Reading our own output as a stranger would, before it is let out."""

from dataclasses import replace
from datetime import datetime

from certificates import long_term, qr
from certificates.evidence import Knowledge
from certificates.verify_claim import check_signer
from certificates.verify_signatures import check_changes, check_signature
from seal.pdf import document, fields
from trust.carried import Demanding
from trust.errors import TrustError
from trust.report import Outcome, failed
from trust.revocation import remembered


class UnsoundOutput(TrustError):
    """What we were about to hand out does not verify: a fault of ours, nothing is stored."""

    code = "unsound_output"


def require_sound(pdf: bytes, claim: str, knowledge: Knowledge, *, at: datetime) -> None:
    """Every signature, chain, seal and the lock of a freshly sealed file must pass, and the claim
    that is printed on it for good. Evidence that the file carries must be enough by itself, beside
    what we know; then every signature must be time-stamped too."""
    knowledge = replace(knowledge, store=remembered(knowledge.store))
    whole = document.read(pdf)
    signatures = fields.signatures(whole)
    checks = [check_changes(whole, signatures)]
    carried = long_term.read(whole, signatures, knowledge, now=at)
    known = long_term.knowing(knowledge, carried)
    if carried is not None:
        enough = Demanding(knowledge.store.revocation, carried.lookup)
        known = replace(known, store=replace(known.store, revocation=enough))
    for number, signature in enumerate(signatures, 1):
        checks += check_signature(f".{number}", pdf, signature, known, at=at)[0]
        if carried is not None and not long_term.is_stamped(signature):
            checks.append(failed(f"time.{number}", "time_stamp_missing"))
    checks += check_signer(qr.parse(claim), knowledge, at=at)
    wrong = [check for check in checks if check.outcome is not Outcome.PASSED]
    if wrong:
        raise UnsoundOutput(", ".join(f"{check.name}: {check.code}" for check in wrong))
