"""The signatures of a licence file: each with its chain, its seal, and what changed after it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ca import profiles
from certificates.evidence import Knowledge
from certificates.long_term import PADES_SUB_FILTER, SEAL_SUB_FILTER
from seal import asn1
from seal import verify as seal_verify
from seal.pdf import changes
from seal.pdf.document import Document
from seal.pdf.errors import BadPdf
from seal.pdf.fields import Signature
from trust import chain, signing_time
from trust.chain import Word
from trust.crypto import cms, hashes, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.hashes import Digest
from trust.crypto.x509 import Certificate
from trust.report import Check, failed, passed
from trust.signing_time import SigningTime


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, once a signature has been read: for the checks against the content. `at` is on
    the word of `word`."""

    certificate: Certificate
    sub_filter: str
    es_id: str
    at: datetime
    word: Word


def signing_region(signatures: list[Signature]) -> str:
    """The region that the first readable signature's certificate says it is of, nothing believed;
    empty when there is none. It only chooses whose knowledge is asked."""
    for signature in signatures:
        try:
            if signature.sub_filter == SEAL_SUB_FILTER:
                ders: tuple[bytes, ...] = (asn1.parse_stamp(signature.contents).signer,)
            else:
                ders = tuple(cms.parse(signature.contents).certificates)
            named = [chain.region_of(x509.parse_certificate(der)) for der in ders]
        except (InvalidSignature, UnknownAlgorithm, Malformed):
            continue
        if any(named):
            return next(each for each in named if each)
    return ""


def check_signature(
    label: str, data: bytes, signature: Signature, knowledge: Knowledge, *, at: datetime
) -> tuple[list[Check], Signer | None]:
    """The checks of one signature and, if it could be read, its signer."""
    name = f"signature{label}"
    try:
        if signature.sub_filter == SEAL_SUB_FILTER:
            return _check_stamp(label, data, signature, knowledge, at=at)
        if signature.sub_filter == PADES_SUB_FILTER:
            return _check_pades(label, data, signature, knowledge, at=at)
    except InvalidSignature:
        return [failed(name, "signature_invalid")], None
    except UnknownAlgorithm as error:
        return [failed(name, "algorithm_refused", str(error))], None
    except Malformed as error:
        return [failed(name, "signature_malformed", str(error))], None
    return [failed(name, "algorithm_refused", signature.sub_filter[:40])], None


def _check_stamp(
    label: str, data: bytes, signature: Signature, knowledge: Knowledge, *, at: datetime
) -> tuple[list[Check], Signer | None]:
    stamp = asn1.parse_stamp(signature.contents)
    asn1.require_canonical(stamp)
    certificate = x509.parse_certificate(stamp.signer)
    if stamp.at is None:
        raise Malformed("a signing time that is none")
    region = chain.region_of(certificate)
    time = signing_time.establish(
        label, stamp.time_stamp, stamp.signature, Digest.SM3, claimed=stamp.at,
        store=knowledge.store, now=at, region=region,
    )  # fmt: skip
    checks = seal_verify.check_stamp(
        label, stamp, digest=hashes.sm3(signature.covered(data)), store=knowledge.store, now=at,
        purpose=chain.DOCUMENT_SIGNING, maker_purpose=profiles.purpose("seal-maker"),
        region=region, time=time,
    )  # fmt: skip
    es_id = stamp.seal.info.es_id
    return _timed(checks, time), Signer(
        certificate, signature.sub_filter, es_id, time.at, time.word
    )


def _timed(checks: list[Check], time: SigningTime) -> list[Check]:
    """The time stands after the value and before what is judged at it."""
    return [checks[0], time.check, *checks[1:]]


def _check_pades(
    label: str, data: bytes, signature: Signature, knowledge: Knowledge, *, at: datetime
) -> tuple[list[Check], Signer | None]:
    signed = cms.parse(signature.contents)
    cms.require_canonical(signed)
    if signed.dress is not cms.Dress.RFC5652 or signed.content is not None:
        raise Malformed("not a detached CMS signature")
    if signed.signature_oid != Algorithm.RSA_SHA256.row.oid:
        # rsaEncryption would verify too, and nothing signs the name: one spelling only.
        raise UnknownAlgorithm(f"{signed.signature_oid} in a closing signature")
    if cms.attribute(signed, cms.SIGNING_CERTIFICATE_V2) is None:
        raise Malformed("the signature is not bound to its certificate")
    name = cms.digest_name(signed)
    signer = cms.verify(signed, hashes.digest(name, signature.covered(data)))
    region = chain.region_of(signer)
    time = signing_time.establish(
        label, cms.time_stamp(signed), signed.signature, Digest.SHA256,
        claimed=_claimed_time(signature.time), store=knowledge.store, now=at, region=region,
    )  # fmt: skip
    valid = passed(f"signature{label}", "signature_valid", x509.holder_text(signer.subject))
    extra = _companions(signed, signer, knowledge)
    legs = chain.judge(
        label, signer, store=knowledge.store, at=time.at, now=at,
        purpose=chain.DOCUMENT_SIGNING, extra=extra, region=region, word=time.word,
    )  # fmt: skip
    es_id = x509.name_value(signer.subject, x509.COMMON_NAME) or ""
    return _timed([valid, *legs], time), Signer(
        signer, signature.sub_filter, es_id, time.at, time.word
    )


def _companions(
    signed: cms.SignedData, signer: Certificate, knowledge: Knowledge
) -> list[Certificate]:
    """The embedded issuing certificates. Nothing signs them here, so they must be exactly the
    signer's own chain: none more, none less, none twice."""
    others = [x509.parse_certificate(c) for c in signed.certificates if c != signer.der]
    wanted = chain.issuers(signer, store=knowledge.store, extra=others)
    if wanted is None:
        return others  # no path: the chain's own check says so
    if sorted(c.der for c in wanted) != sorted(c.der for c in others):
        raise Malformed("the certificates that come along are not the signer's chain")
    return others


def _claimed_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "D:%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed("signing time is not in the form D:YYYYMMDDHHMMSSZ") from error


def check_changes(whole: Document, signatures: list[Signature]) -> Check:
    """`changes`: each revision after the first adds one seal, the last one perhaps the long-term
    data that it covers; then long-term data or nothing."""
    last = signatures[-1].revision
    try:
        if [s.revision for s in signatures] != list(range(2, last + 1)):
            return failed(
                "changes", "changed_between", ("有一次修订没有签章", "a revision without a seal")
            )
        for revision in range(2, last + 1):
            problem = changes.beyond_a_signature(whole, revision)
            if problem:
                return failed("changes", "changed_between", problem)
        if last > 1 and "DSS" in whole.at(last - 1).catalog():
            return failed("changes", "changed_between", ("长期验证数据", "long-term data"))
        problem = changes.beyond_long_term_data(whole, last)
    except BadPdf as error:
        return failed("changes", error.code, error.detail)
    if problem:
        return failed("changes", "changed", problem)
    if not signatures[-1].locks:
        return failed("changes", "not_locked")
    code = "unchanged" if last == len(whole.revisions) else "long_term_data"
    return passed("changes", code)
