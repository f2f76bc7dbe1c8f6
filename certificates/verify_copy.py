"""Verifying a purpose-marked copy (加注件): its own seal, claim and end, and its original as it is
now. The checks stand in the same report as a licence's; `copy` and `original` are theirs alone.
"""

from datetime import datetime
from typing import Any

from certificates import qr, qr_reading
from certificates.evidence import Knowledge
from certificates.long_term import PADES_SUB_FILTER, SEAL_SUB_FILTER
from certificates.qr import BadClaim, Claim, SignedClaim
from certificates.verify_claim import check_signer
from certificates.verify_signatures import Signer
from certificates.wallet import copy_mark, copy_standing
from certificates.wallet.copy_mark import Mark
from seal.pdf import document
from trust import chain
from trust.crypto import hashes, x509
from trust.report import Check, failed, passed


def check_copy(
    data: bytes, raw: bytes, body: dict[str, Any], mark: Mark, signers: list[Signer],
    knowledge: Knowledge, *, at: datetime,
) -> tuple[dict[str, Any], list[Check], SignedClaim | None]:  # fmt: skip
    """What a copy's file adds to the summary, its checks, and the claim on its page."""
    region = str(body.get("region"))
    checks = [_check_seals(signers), *_check_owners(signers, region, knowledge)]
    more, signed = _check_qr(data, raw, body, mark, knowledge, at=at)
    checks += [*more, copy_standing.check_end(mark.until, mark.cause, at=at)]
    if signed is not None:
        checks += _standing(data, raw, mark, signed.claim, knowledge, at=at)
    shown = copy_standing.summary(mark.number, mark.until, cause=mark.cause, maker=mark.maker)
    return shown, checks, signed


def _check_seals(signers: list[Signer]) -> Check:
    """One seal of the platform's and the signature that locks; no more and no fewer."""
    if [signer.sub_filter for signer in signers] != [SEAL_SUB_FILTER, PADES_SUB_FILTER]:
        return failed("content", "missing_seal", "SM2, RSA")
    return passed("content", "content_valid")


def _check_owners(signers: list[Signer], region: str, knowledge: Knowledge) -> list[Check]:
    """Nobody but the region's platform makes copies: no authority has its code."""
    checks = []
    registry = knowledge.registry_of(region)
    for number, signer in enumerate(signers, 1):
        name = f"owner.{number}"
        owner = (x509.name_value(signer.certificate.subject, x509.ORGANIZATION) or "")[:18]
        problem = registry.seal_problem(signer.es_id, signed_at=signer.at) if registry else ""
        if owner != copy_mark.sealer(region):
            checks.append(failed(name, "copy_seal_mismatch"))
        elif chain.region_of(signer.certificate) != region:
            checks.append(failed(name, "seal_region_mismatch"))
        elif problem:
            checks.append(failed(name, "seal_state", problem))
        else:
            checks.append(passed(name, "copy_seal_matches"))
    return checks


def _check_qr(
    data: bytes, raw: bytes, body: dict[str, Any], mark: Mark, knowledge: Knowledge, *,
    at: datetime,
) -> tuple[list[Check], SignedClaim | None]:  # fmt: skip
    """`qr`: the code on the page is the copy signer's claim about this very copy."""
    try:
        signed = qr.parse(qr_reading.from_pdf(data))
    except qr_reading.NoCode:
        return [failed("qr", "qr_unreadable")], None
    except BadClaim as error:
        return [failed("qr", error.code, str(error))], None
    claim, checks = signed.claim, check_signer(signed, knowledge, at=at)
    differs = _difference(claim, raw, body, mark)
    checks.append(failed("qr", "qr_differs", differs) if differs else passed("qr", "qr_matches"))
    return checks, signed


def _difference(claim: Claim, raw: bytes, body: dict[str, Any], mark: Mark) -> str:
    if claim.copy is None:
        return "copy"
    if claim.digest != hashes.sm3(raw)[: qr.DIGEST_LENGTH]:
        return "digest"
    if str(claim.identifier) != body["licence"]["ZZBS"] or claim.region != body.get("region"):
        return "identifier"
    told = (claim.copy.number, claim.copy.until, claim.copy.original)
    if told != (mark.number, mark.until, mark.original[: qr.DIGEST_LENGTH]):
        return "copy"
    return ""


def _standing(
    data: bytes, raw: bytes, mark: Mark, claim: Claim, knowledge: Knowledge, *, at: datetime
) -> list[Check]:
    """The register of copies, then the original: its state and dates as they are now."""
    agrees, copies = passed("digest", "matches_claim"), knowledge.copies_of(claim.region)
    if copies is not None:
        record = copies.copy(mark.number)
        if record is None:
            return [failed("registry", "copy_not_in_registry")]
        if record.digest != hashes.sm3(raw) or not _same_file(data, record.file_digest):
            return [failed("registry", "copy_differs_from_registry", "file")]
        agrees = passed("registry", "copy_matches_registry")
    return [agrees, *copy_standing.original(claim, mark.original, knowledge, at=at)[0]]


def _same_file(data: bytes, digest: bytes) -> bool:
    whole = document.read(data)
    return any(hashes.sha256(data[: revision.end]) == digest for revision in whole.revisions)
