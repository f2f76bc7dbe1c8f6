"""What trusted seals stand for: content, owners, QR code, registry, state, dates."""

from datetime import datetime
from typing import Any

from certificates import identifier, qr, qr_reading, verify_copy
from certificates.evidence import Knowledge
from certificates.long_term import PADES_SUB_FILTER, SEAL_SUB_FILTER
from certificates.qr import BadClaim, SignedClaim
from certificates.verify_claim import (
    check_dates,
    check_elsewhere,
    check_signer,
    claim_summary,
    state_of,
    type_name,
)
from certificates.verify_signatures import Signer
from certificates.wallet import copy_mark
from seal.pdf import attachments, document
from seal.pdf.document import Document
from seal.pdf.errors import BadPdf
from trust import chain
from trust.crypto import hashes, jose, x509
from trust.crypto.errors import Malformed
from trust.errors import Invalid
from trust.report import Check, failed, passed

ATTACHMENT = "licence.json"
ATTACHMENT_MAX = 512 * 1024
AUTHORITIES_MAX = 8
#: As many holders as a type may allow (certificates.licence_type).
HOLDERS_MAX = 20


def check_content(
    whole: Document, signers: list[Signer], knowledge: Knowledge, *, at: datetime
) -> tuple[dict[str, Any] | None, list[Check]]:
    try:
        raw = attachments.find(whole.at(1), ATTACHMENT, cap=ATTACHMENT_MAX)
        if raw is None:
            return None, [failed("content", "no_licence")]
        body = read_content(raw)
        known, mark = identifier.parse(str(body["licence"]["ZZBS"])), copy_mark.read(body)
    except (BadPdf, Malformed) as error:
        return None, [failed("content", "content_malformed", str(error))]
    except Invalid as error:
        return None, [failed("content", "identifier_wrong", str(error))]
    if mark is not None:
        told, found, claim = verify_copy.check_copy(
            whole.data, raw, body, mark, signers, knowledge, at=at
        )
        said = claim_summary(claim.claim) if claim is not None else {}
        if claim is not None:
            found += check_elsewhere(
                claim, knowledge, trusted=_is_trusted(found), at=at, fields=_fields(body)
            )
        return {**said, **_summary(body), **told}, found
    checks = [_check_seals(body, signers), *_check_owners(body, signers, knowledge)]
    if known.issuer not in _codes(body):
        checks.append(failed("content", "identifier_wrong", "its issuer is not the licence's"))
    claim_checks, signed = _check_qr(whole.data, raw, knowledge, at=at)
    checks += claim_checks
    if signed is None:
        return _summary(body), checks
    checks += _standing(whole.data, raw, signed, knowledge, at=at)
    checks += check_elsewhere(
        signed, knowledge, trusted=_is_trusted(claim_checks), at=at, fields=_fields(body)
    )
    return {**claim_summary(signed.claim), **_summary(body)}, checks


def _is_trusted(checks: list[Check]) -> bool:
    legs = ("claim.signature", "chain.claim")
    return chain.all_passed(check for check in checks if check.name.startswith(legs))


def _fields(body: dict[str, Any]) -> frozenset[str]:
    """The names of the items that have a value, as the issuing region calls them."""
    return frozenset(name for name, value in body["licence"].items() if value)


def read_content(raw: bytes) -> dict[str, Any]:
    """licence.json as `certificates.issue` writes it; Malformed."""
    body: dict[str, Any] = jose.load_json(_text(raw), cap=ATTACHMENT_MAX)
    licence = body.get("licence") if isinstance(body, dict) else None
    if not isinstance(licence, dict) or body.get("version") != 1:
        raise Malformed("licence.json of an unknown version")
    for key in ("ZZBS", "ZZMC", "ZZLXDM"):
        if not isinstance(licence.get(key), str) or not licence[key]:
            raise Malformed(f"licence.json lacks {key}")
    for key, most in (("CZZT", HOLDERS_MAX), ("ZZBFJG", AUTHORITIES_MAX),
                      ("ZZBFJGDM", AUTHORITIES_MAX)):  # fmt: skip
        found = licence.get(key)
        listed = found if isinstance(found, list) else [found]
        if not 1 <= len(listed) <= most or not all(type(n) is str and n for n in listed):
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
    if claim.copy is not None:
        return [failed("qr", "copy_claim")], None
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
