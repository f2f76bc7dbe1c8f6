"""Reading our own output as a stranger would, before it is let out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from certificates import long_term, qr
from certificates.evidence import Knowledge
from certificates.long_term import Carried
from certificates.verify_claim import check_signer
from certificates.verify_signatures import check_changes, check_signature
from seal import asn1
from seal.pdf import document, fields
from seal.pdf.document import Document
from seal.pdf.fields import Signature
from trust import signing_time
from trust.carried import Demanding, Evidence
from trust.crypto import cms, signatures, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.errors import TrustError
from trust.report import Outcome, failed
from trust.revocation import remembered
from trust.validation import RevocationLookup


class UnsoundOutput(TrustError):
    """What we were about to hand out does not verify: a fault of ours, nothing is stored."""

    code = "unsound_output"


def require_sound(pdf: bytes, claim: str, knowledge: Knowledge, *, at: datetime) -> None:
    """Every signature, chain, seal and the lock of a freshly sealed file must pass, and the claim
    that is printed on it for good. Evidence that the file carries must be enough by itself, beside
    what we know; then every signature must be time-stamped too."""
    require_all_sound([(pdf, claim)], knowledge, at=at)


def require_all_sound(
    files: Sequence[tuple[bytes, str]], knowledge: Knowledge, *, at: datetime
) -> list[list[str]]:
    """`require_sound` of each (file, claim); the serial numbers of its time-stamps, hexadecimal, in
    the order of its signatures.

    Digests and signature values are each file's own. Chains and revocations are asked about once
    for all, now, when the last of them is signed already: no answer is older than its signature.
    """
    look = _Look(replace(knowledge, store=remembered(knowledge.store)), at)
    read = [_read(pdf, claim) for pdf, claim in files]
    values = [value for file in read for each in file.signatures for value in _values(each)]
    with signatures.verified_ahead(values):
        return [look.at_file(file) for file in read]


@dataclass(frozen=True, slots=True)
class _Read:
    """A file read from its final bytes, and the claim that is printed on it."""

    whole: Document
    signatures: list[Signature]
    claim: str


def _read(pdf: bytes, claim: str) -> _Read:
    whole = document.read(pdf)
    return _Read(whole, fields.signatures(whole), claim)


def _values(signature: Signature) -> list[signatures.Item]:
    """What an SM2 seal and its time-stamp sign, by which keys; nothing when it does not parse:
    the look itself says so."""
    if signature.sub_filter != long_term.SEAL_SUB_FILTER:
        return []
    try:
        stamp = asn1.parse_stamp(signature.contents)
        found = [(x509.parse_certificate(stamp.signer).spki, stamp.tbs, stamp.signature)]
        if stamp.time_stamp is not None:
            token = cms.parse(stamp.time_stamp)
            found.append((token.signer().spki, token.attributes, token.signature))
    except (InvalidSignature, Malformed, UnknownAlgorithm):
        return []
    return found


class _Look:
    """What is known of chains while the files of one block are looked at."""

    def __init__(self, knowledge: Knowledge, at: datetime) -> None:
        self._knowledge, self._at = knowledge, at
        self._known: dict[tuple[Evidence, RevocationLookup], Knowledge] = {}

    def at_file(self, file: _Read) -> list[str]:
        """Raise UnsoundOutput unless the file and its claim are what a stranger would accept."""
        whole, found = file.whole, file.signatures
        checks = [check_changes(whole, found)]
        carried = long_term.read(whole, found, self._knowledge, now=self._at)
        known = self._knowledge if carried is None else self._demanding(carried)
        for number, signature in enumerate(found, 1):
            checks += check_signature(f".{number}", whole.data, signature, known, at=self._at)[0]
            if carried is not None and not long_term.is_stamped(signature):
                checks.append(failed(f"time.{number}", "time_stamp_missing"))
        checks += check_signer(qr.parse(file.claim), self._knowledge, at=self._at)
        wrong = [check for check in checks if check.outcome is not Outcome.PASSED]
        if wrong:
            raise UnsoundOutput(", ".join(f"{check.name}: {check.code}" for check in wrong))
        return [_serial(signature) for signature in found] if carried is not None else []

    def _demanding(self, carried: Carried) -> Knowledge:
        """What we know, where the carried evidence alone would do too."""
        key = (carried.everything, carried.lookup)
        if key not in self._known:
            known = long_term.knowing(self._knowledge, carried)
            enough = Demanding(self._knowledge.store.revocation, carried.lookup)
            store = remembered(replace(known.store, revocation=enough))
            self._known[key] = replace(known, store=store)
        return self._known[key]


def _serial(signature: Signature) -> str:
    token, value, digest = long_term.time_stamp(signature)
    return f"{signing_time.read(token or b'', value, digest).info.serial:x}"
