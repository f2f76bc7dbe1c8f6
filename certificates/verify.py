"""Verifying a licence file as a stranger would: every leg a check of its own.

Order: 1 structure  2 each signature, its chain, its seal  3 changes between and after seals
4 content: identifier, issuer, seals it must have  5 QR code against content  6 registry, state,
dates. Steps 4 to 6 are only looked at when the signatures did not fail: nothing unsigned is shown.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ca import profiles
from certificates import identifier, qr, qr_reading
from certificates.evidence import Knowledge
from certificates.qr import BadClaim, SignedClaim
from certificates.verify_claim import (
    Verification,
    check_dates,
    check_signer,
    claim_summary,
    confirm,
    state_of,
    type_name,
)
from seal import asn1
from seal import verify as seal_verify
from seal.pdf import attachments, changes, document, fields
from seal.pdf.document import Document
from seal.pdf.errors import BadPdf, NotOurs
from seal.pdf.fields import Signature
from trust import chain
from trust.chain import all_passed
from trust.crypto import cms, hashes, jose, x509
from trust.crypto.algorithms import Algorithm
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.errors import Invalid
from trust.report import Check, Outcome, failed, passed
from trust.revocation import remembered

ATTACHMENT = "licence.json"
ATTACHMENT_MAX = 512 * 1024
AUTHORITIES_MAX = 8
SEAL_SUB_FILTER, PADES_SUB_FILTER = "GM.sm2seal", "ETSI.CAdES.detached"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, once a signature has been read: for the checks against the content."""

    certificate: Certificate
    sub_filter: str
    es_id: str
    at: datetime


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
    change = check_changes(whole, signatures)
    checks.append(change)
    changed = _changed(checks, change)
    if any(check.outcome is Outcome.FAILED for check in checks):
        return Verification(at, None, changed, tuple(checks))
    trusted = all_passed(check for check in checks if check.name.startswith(("signature", "chain")))
    if not trusted:
        # What strangers signed is neither repeated as a licence's content nor drawn: only pages
        # that a trusted seal stands for reach the renderer.
        return Verification(at, None, changed, tuple(checks))
    licence, more = _content(whole, signers, knowledge, at=at)
    return Verification(at, licence, changed, tuple(confirm(checks + more)))


def _nothing(at: datetime, check: Check) -> Verification:
    return Verification(at, None, None, (check,))


def _changed(checks: list[Check], change: Check) -> bool | None:
    altered = {"signature_invalid", "digest_mismatch", "changed", "changed_between"}
    return any(check.code in altered for check in (*checks, change))


# --- signatures --------------------------------------------------------------------------------


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
    checks = seal_verify.check_stamp(
        label, stamp, digest=hashes.sm3(signature.covered(data)), store=knowledge.store, now=at,
        purpose=chain.DOCUMENT_SIGNING, maker_purpose=profiles.purpose("seal-maker"),
        region=chain.region_of(certificate),
    )  # fmt: skip
    if stamp.at is None:
        return checks, None
    return checks, Signer(certificate, signature.sub_filter, stamp.seal.info.es_id, stamp.at)


def _check_pades(
    label: str, data: bytes, signature: Signature, knowledge: Knowledge, *, at: datetime
) -> tuple[list[Check], Signer | None]:
    signed = cms.parse(signature.contents)
    cms.require_canonical(signed)
    if signed.dress is not cms.Dress.RFC5652 or signed.content is not None:
        raise Malformed("not a detached CMS signature")
    if signed.unsigned_attributes:
        raise Malformed("unsigned attributes")
    if signed.signature_oid != Algorithm.RSA_SHA256.row.oid:
        # rsaEncryption would verify too, and nothing signs the name: one spelling only.
        raise UnknownAlgorithm(f"{signed.signature_oid} in a closing signature")
    if cms.attribute(signed, cms.SIGNING_CERTIFICATE_V2) is None:
        raise Malformed("the signature is not bound to its certificate")
    name = cms.digest_name(signed)
    signer = cms.verify(signed, hashes.digest(name, signature.covered(data)))
    claimed = _claimed_time(signature.time)
    valid = passed(f"signature{label}", "signature_valid", x509.holder_text(signer.subject))
    extra = _companions(signed, signer, knowledge)
    legs = chain.judge(
        label, signer, store=knowledge.store, at=claimed, now=at,
        purpose=chain.DOCUMENT_SIGNING, extra=extra, region=chain.region_of(signer),
    )  # fmt: skip
    es_id = x509.name_value(signer.subject, x509.COMMON_NAME) or ""
    return [valid, *legs], Signer(signer, signature.sub_filter, es_id, claimed)


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
    """`changes`: each revision after the first adds one seal; then long-term data or nothing."""
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
        problem = changes.beyond_long_term_data(whole, last)
    except BadPdf as error:
        return failed("changes", error.code, error.detail)
    if problem:
        return failed("changes", "changed", problem)
    if not signatures[-1].locks:
        return failed("changes", "not_locked")
    code = "unchanged" if last == len(whole.revisions) else "long_term_data"
    return passed("changes", code)


# --- content -----------------------------------------------------------------------------------


def _content(
    whole: Document, signers: list[Signer], knowledge: Knowledge, *, at: datetime
) -> tuple[dict[str, Any] | None, list[Check]]:
    try:
        raw = attachments.find(whole.at(1), ATTACHMENT, cap=ATTACHMENT_MAX)
        if raw is None:
            return None, [failed("content", "no_licence")]
        body = read_content(raw)
        known = identifier.parse(str(body["licence"]["ZZBS"]))
    except (BadPdf, Malformed) as error:
        return None, [failed("content", "content_malformed", str(error))]
    except Invalid as error:
        return None, [failed("content", "identifier_wrong", str(error))]
    checks = [_check_seals(body, signers), *_check_owners(body, signers, knowledge)]
    if known.issuer not in _codes(body):
        checks.append(failed("content", "identifier_wrong", "its issuer is not the licence's"))
    claim_checks, signed = _check_qr(whole.data, raw, knowledge, at=at)
    checks += claim_checks
    if signed is None:
        return _summary(body), checks
    return {**claim_summary(signed.claim), **_summary(body)}, [
        *checks, *_standing(whole.data, raw, signed, knowledge, at=at)
    ]  # fmt: skip


def read_content(raw: bytes) -> dict[str, Any]:
    """licence.json as `certificates.issue` writes it; Malformed."""
    body: dict[str, Any] = jose.load_json(_text(raw), cap=ATTACHMENT_MAX)
    licence = body.get("licence") if isinstance(body, dict) else None
    if not isinstance(licence, dict) or body.get("version") != 1:
        raise Malformed("licence.json of an unknown version")
    for key in ("ZZBS", "ZZMC", "ZZLXDM", "CZZT"):
        if not isinstance(licence.get(key), str) or not licence[key]:
            raise Malformed(f"licence.json lacks {key}")
    for key in ("ZZBFJG", "ZZBFJGDM"):
        found = licence.get(key)
        listed = found if isinstance(found, list) else [found]
        if not 1 <= len(listed) <= AUTHORITIES_MAX or not all(type(n) is str and n for n in listed):
            raise Malformed(f"licence.json lacks {key}")
    return body


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed("licence.json is not UTF-8") from error


def _codes(body: dict[str, Any]) -> list[str]:
    codes = body["licence"]["ZZBFJGDM"]
    return [str(code) for code in codes] if isinstance(codes, list) else [str(codes)]


def _check_seals(body: dict[str, Any], signers: list[Signer]) -> Check:
    """Which seals there must be is part of what was signed: none can be cut away unnoticed."""
    wanted = str(body.get("seals"))
    kinds = [signer.sub_filter for signer in signers]
    stamps, closing = kinds.count(SEAL_SUB_FILTER), kinds.count(PADES_SUB_FILTER)
    if wanted in ("dual", "sm2") and stamps != len(_codes(body)):
        return failed("content", "missing_seal", "SM2")
    if wanted in ("dual", "rsa") and (closing != 1 or kinds[-1] != PADES_SUB_FILTER):
        return failed("content", "missing_seal", "RSA")
    if wanted not in ("dual", "sm2", "rsa"):
        return failed("content", "content_malformed", "seals")
    return passed("content", "content_valid")


def _check_owners(body: dict[str, Any], signers: list[Signer], knowledge: Knowledge) -> list[Check]:
    """Every seal is of an authority that the licence names, of its region, and each has sealed."""
    codes = set(_codes(body))
    sealed = set()
    checks = []
    for number, signer in enumerate(signers, 1):
        owner = (x509.name_value(signer.certificate.subject, x509.ORGANIZATION) or "")[:18]
        sealed.add(owner)
        name = f"owner.{number}"
        if owner not in codes:
            checks.append(failed(name, "seal_owner_mismatch"))
        elif chain.region_of(signer.certificate) != body.get("region"):
            checks.append(failed(name, "seal_region_mismatch"))
        else:
            checks += _registered_seal(name, signer, str(body.get("region")), knowledge)
    if codes - sealed:
        checks.append(failed("owner", "missing_seal", min(codes - sealed)))
    return checks


def _registered_seal(name: str, signer: Signer, region: str, knowledge: Knowledge) -> list[Check]:
    registry = knowledge.registry_of(region)
    if registry is not None:
        problem = registry.seal_problem(signer.es_id, signed_at=signer.at)
        if problem:
            return [failed(name, "seal_state", problem)]
    return [passed(name, "owner_matches", x509.holder_text(signer.certificate.subject))]


def _check_qr(
    data: bytes, raw: bytes, knowledge: Knowledge, *, at: datetime
) -> tuple[list[Check], SignedClaim | None]:
    """`qr`: the code printed on the page is a signed claim about this very content."""
    try:
        text = qr_reading.from_pdf(data)
        signed = qr.parse(text)
    except qr_reading.NoCode:
        return [failed("qr", "qr_unreadable")], None
    except BadClaim as error:
        return [failed("qr", error.code, str(error))], None
    claim, body = signed.claim, read_content(raw)
    checks = check_signer(signed, knowledge, at=at)
    if claim.digest != hashes.sm3(raw)[: qr.DIGEST_LENGTH]:
        checks.append(failed("qr", "qr_differs", "digest"))
    elif str(claim.identifier) != body["licence"]["ZZBS"] or claim.region != body.get("region"):
        checks.append(failed("qr", "qr_differs", "identifier"))
    else:
        checks.append(passed("qr", "qr_matches"))
    return checks, signed


def _standing(
    data: bytes, raw: bytes, signed: SignedClaim, knowledge: Knowledge, *, at: datetime
) -> list[Check]:
    claim = signed.claim
    dates = check_dates(claim, at=at)
    registry = knowledge.registry_of(claim.region)
    if registry is None:
        state = knowledge.status.state(claim.region, claim.status_list, claim.status_index, at=at)
        return [passed("digest", "matches_claim"), state, dates]
    record = registry.record(str(claim.identifier), at=at)
    if record is None:
        return [failed("registry", "not_in_registry")]
    # Long-term data may have been appended since: then the content's digest is what is compared.
    if hashes.sm3(raw) != record.digest or not _same_file(data, record.file_digest):
        return [failed("registry", "differs_from_registry")]
    return [passed("registry", "matches_registry"), state_of(record), dates]


def _same_file(data: bytes, digest: bytes) -> bool:
    whole = document.read(data)
    return any(hashes.sha256(data[: revision.end]) == digest for revision in whole.revisions)


def _summary(body: dict[str, Any]) -> dict[str, Any]:
    licence = body["licence"]
    names = licence["ZZBFJG"]
    return {
        "identifier": str(licence["ZZBS"]), "type": type_name(str(licence["ZZLXDM"])),
        "number": str(licence.get("ZZBH", "")),
        "authority_name": "、".join(names) if isinstance(names, list) else str(names),
    }  # fmt: skip
