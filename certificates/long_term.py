"""The long-term data of a licence file: what it carries, and since when that is known to be there.

The DSS stands in the revision of the closing signature, whose time-stamp thereby proves that it was
there (EN 319 102-1, 5.6: proof of existence). What was appended later is known since now.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from certificates.evidence import Knowledge
from seal import asn1
from seal.pdf import dss
from seal.pdf.document import Document
from seal.pdf.fields import Signature
from trust import signing_time
from trust.carried import CarriedLookup, Evidence, Together, with_evidence
from trust.crypto import cms
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.hashes import Digest
from trust.crypto.x509 import Certificate
from trust.validation import RevocationLookup

SEAL_SUB_FILTER, PADES_SUB_FILTER = "GM.sm2seal", "ETSI.CAdES.detached"


@dataclass(frozen=True, slots=True)
class Carried:
    """`signed` is what the closing signature covers; None where it covers no long-term data."""

    signed: Evidence | None
    lookup: RevocationLookup
    everything: Evidence


def read(
    whole: Document, signatures: list[Signature], knowledge: Knowledge, *, now: datetime,
    seen: datetime | None = None,
) -> Carried | None:  # fmt: skip
    """What the file carries, None when it carries nothing; BadPdf.

    `seen` is since when what the closing signature covers is known to be there: by default since
    that one's time-stamp.
    """
    closing = signatures[-1]
    signed = dss.read(whole.at(closing.revision)) or None
    newest = dss.read(whole) if len(whole.revisions) > closing.revision else None
    if signed is None and newest is None:
        return None
    parts: list[RevocationLookup] = []
    seen = seen or _stamped_at(closing) or now
    for evidence, since in ((signed, seen), (newest, now)):
        if evidence is not None:
            parts.append(_lookup(evidence, tuple(knowledge.store.roots), since, now))
    everything = (signed or Evidence()).with_(newest or Evidence())
    lookup = parts[0] if len(parts) == 1 else Together(*parts)
    return Carried(signed, lookup, everything)


@lru_cache(maxsize=16)
def _lookup(
    evidence: Evidence, roots: tuple[Certificate, ...], seen: datetime, now: datetime
) -> CarriedLookup:
    """Remembered, because the files of one minute carry the same evidence: it speaks for itself,
    and what it says depends on nothing else."""
    return CarriedLookup(evidence, roots=roots, seen=seen, now=now)


def knowing(knowledge: Knowledge, carried: Carried | None) -> Knowledge:
    """The knowledge for one file."""
    if carried is None:
        return knowledge
    store = with_evidence(knowledge.store, carried.everything, carried.lookup)
    return replace(knowledge, store=store)


def time_stamp(signature: Signature) -> tuple[bytes | None, bytes, Digest]:
    """The token in a signature, the value that it must be over, and by which digest; Malformed."""
    if signature.sub_filter == SEAL_SUB_FILTER:
        stamp = asn1.parse_stamp(signature.contents)
        return stamp.time_stamp, stamp.signature, Digest.SM3
    signed = cms.parse(signature.contents)
    return cms.time_stamp(signed), signed.signature, Digest.SHA256


def is_stamped(signature: Signature) -> bool:
    try:
        return time_stamp(signature)[0] is not None
    except Malformed:
        return False


def _stamped_at(closing: Signature) -> datetime | None:
    """The time in the closing signature's own time-stamp, when that is over it. Whether its
    authority is believed is a check of its own, without which the file does not pass."""
    try:
        token, value, digest = time_stamp(closing)
        return signing_time.read(token, value, digest).info.at if token is not None else None
    except (Malformed, InvalidSignature, UnknownAlgorithm):
        return None
