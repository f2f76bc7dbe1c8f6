"""Many QR codes at once: the reports that `verify_claim` gives, several times as fast.

Signatures are checked eight at a time where the CPU can (`trust.crypto.sm2_batch`), and a signer's
certificates are asked about once, not once for each code. Nothing is left out: every code is
judged by `verify_claim`'s own functions, as of one time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from certificates import qr
from certificates.evidence import Knowledge
from certificates.qr import BadClaim, SignedClaim
from certificates.verify_claim import (
    FORGED,
    SIGNER_UNKNOWN,
    Verification,
    check_trust,
    report_on,
    unreadable,
)
from trust import kept_paths
from trust.crypto import cose, sm2, sm2_batch
from trust.crypto.algorithms import Algorithm
from trust.crypto.cose import Sign1
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.kept_paths import Moment
from trust.report import Check
from trust.revocation import Remembered
from trust.validation import RevocationLookup, Standing, Status

#: Codes that are held at once; a registry's revocations are asked anew for as many.
TOGETHER: Final = 1024


@dataclass(frozen=True, slots=True)
class _Read:
    """A code that holds a claim; `signer` is None where nobody knows the key."""

    place: int
    signed: SignedClaim
    signer: Certificate | None


def verify_claims(
    texts: Iterable[str], knowledge: Knowledge, *, at: datetime
) -> Iterator[Verification]:
    """The reports on QR codes' texts, in their order, TOGETHER of them at a time.

    A report differs from `verify_claim`'s in nothing, except that revocations and other regions'
    lists are those of the moment when its part was begun.
    """
    left = iter(texts)
    while part := list(islice(left, TOGETHER)):
        yield from _verify_part(part, knowledge, at=at)


def _verify_part(texts: list[str], knowledge: Knowledge, *, at: datetime) -> list[Verification]:
    """1 read each  2 find the signers  3 check the signatures together  4 judge each as if alone"""
    reports: list[Verification | None] = [None] * len(texts)
    known = _Known(knowledge, at=at)
    read = []
    for place, text in enumerate(texts):
        try:
            signed = qr.parse(text)
        except BadClaim as error:
            reports[place] = unreadable(error, at=at)
        else:
            signer = known.of(signed.claim.region).signer(signed.message.kid)
            read.append(_Read(place, signed, signer))
    for one, well in zip(read, _signatures_hold(read), strict=True):
        region = known.of(one.signed.claim.region)
        of_signer = region.judge(one, well=well)
        reports[one.place] = report_on(one.signed, of_signer, region.knowledge, at=at)
    return [report for report in reports if report is not None]


class _Asked:
    """A region's revocations, each asked once. `quiet` as long as none was anything but good."""

    def __init__(self, lookup: RevocationLookup) -> None:
        self._lookup, self.quiet = Remembered(lookup), True

    def status(self, certificate: Certificate, issuer: Certificate, *, at: datetime) -> Status:
        found = self._lookup.status(certificate, issuer, at=at)
        self.quiet = self.quiet and found.standing is Standing.GOOD
        return found


class _Region:
    """What may be asked about one region, each thing once."""

    def __init__(self, knowledge: Knowledge, *, at: datetime) -> None:
        self._asked, self._at = _Asked(knowledge.store.revocation), at
        self.knowledge = replace(knowledge, store=replace(knowledge.store, revocation=self._asked))
        self._signers: dict[bytes, Certificate | None] = {}
        self._legs: dict[tuple[bytes, bool, Moment], list[Check]] = {}

    def signer(self, kid: bytes) -> Certificate | None:
        if kid not in self._signers:
            self._signers[kid] = self.knowledge.signer(kid)
        return self._signers[kid]

    def judge(self, one: _Read, *, well: bool) -> list[Check]:
        """What `verify_claim.check_signer` says; `well` is whether the signature holds.

        Of a signer of whose path nothing was ever revoked only the time can make a difference, and
        only where a certificate begins or ends; others are judged for each code.
        """
        if one.signer is None:
            return [SIGNER_UNKNOWN]
        if not well:
            return [FORGED]
        claim = one.signed.claim
        moment = kept_paths.moment(one.signer, store=self.knowledge.store, at=claim.made_at)
        key = (one.signed.message.kid, claim.copy is None, moment)
        legs = self._legs.get(key)
        if legs is None:
            legs = check_trust(one.signed, one.signer, self.knowledge, at=self._at)
            if self._asked.quiet:
                self._legs[key] = legs
        return legs


class _Known:
    """What is known at one time, asked once for each region."""

    def __init__(self, knowledge: Knowledge, *, at: datetime) -> None:
        self._knowledge, self._at = knowledge, at
        self._regions: dict[str, _Region] = {}

    def of(self, region: str) -> _Region:
        found = self._regions.get(region)
        if found is None:
            about = self._knowledge.about(region)
            found = self._regions[region] = _Region(about, at=self._at)
        return found


def _signatures_hold(read: Sequence[_Read]) -> list[bool]:
    """Of each code whether its signer signed it; of one without a signer False."""
    held = [False] * len(read)
    places, items = [], []
    for place, one in enumerate(read):
        if one.signer is None:
            continue
        key = _sm2_key(one.signed.message, one.signer)
        if key is None:
            held[place] = _holds(one.signed.message, one.signer)
        else:
            message = one.signed.message
            places.append(place)
            items.append((key, cose.to_be_signed(message), message.signature))
    for place, well in zip(places, sm2_batch.verify_many_raw(items), strict=True):
        held[place] = well
    return held


def _sm2_key(message: Sign1, signer: Certificate) -> bytes | None:
    """The signer's key where both it and the message are SM2's; all else goes one by one."""
    if message.algorithm is not Algorithm.SM2_SM3:
        return None
    try:
        return sm2.public_key_from_spki(signer.spki)
    except Malformed:
        return None


def _holds(message: Sign1, signer: Certificate) -> bool:
    try:
        cose.verify(message, signer.spki)
    except (InvalidSignature, UnknownAlgorithm, Malformed):
        return False
    return True
