"""The single legs of an inspection (`seal.inspect`), each one check."""

from datetime import UTC, datetime, timedelta, timezone

from seal import asn1
from seal.asn1 import Stamp
from seal.inspection import shown, subject
from seal.ofd import CHECK_METHODS, Ofd, OfdSignature
from seal.ofd_integrity import INTEGRITY, Integrity
from seal.pdf.anyone import Found
from seal.verify import verify_value
from trust.clock import CHINA
from trust.crypto import hashes, x509
from trust.crypto.algorithms import by_oid
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.report import Check, Detail, failed, passed, unknown

_NAMES_SHOWN = 5


def check_value(label: str, stamp: Stamp) -> Check:
    name = f"signature{label}"
    try:
        signer = x509.parse_certificate(stamp.signer)
        verify_value(stamp.algorithm, signer.spki, stamp.tbs, stamp.signature)
    except InvalidSignature:
        return failed(name, "signature_invalid")
    except UnknownAlgorithm as error:
        return failed(name, "algorithm_refused", shown(str(error)))
    except Malformed as error:
        return failed(name, "signature_malformed", shown(str(error)))
    return passed(name, "signature_valid", subject(stamp.signer))


def check_digest(label: str, stamp: Stamp, original: bytes | None) -> Check:
    name = f"digest{label}"
    if original is None:
        return unknown(name, "document_withheld")
    try:
        digest = hashes.digest(by_oid(stamp.algorithm).row.digest, original)
    except UnknownAlgorithm as error:
        return failed(name, "algorithm_refused", shown(str(error)))
    return (
        passed(name, "digest_matches")
        if digest == stamp.data_hash
        else failed(name, "digest_mismatch")
    )


def check_listed(label: str, stamp: Stamp) -> Check:
    name = f"signer{label}"
    if stamp.version != stamp.seal.info.version:
        return failed(name, "seal_version")
    digests = (hashes.sm3(stamp.signer), hashes.sha256(stamp.signer))
    if not asn1.lists(stamp.seal, stamp.signer, digests):
        return failed(name, "seal_signer_mismatch")
    return passed(name, "signer_listed")


def check_seal_in_force(label: str, stamp: Stamp, at: datetime | None) -> Check:
    name, info = f"validity{label}", stamp.seal.info
    if at is None:
        return unknown(name, "not_judged", "timeInfo")
    if not info.valid_from <= at <= info.valid_until:
        return failed(name, "seal_not_in_force")
    return passed(name, "seal_valid", shown(info.name))


def check_certificate(label: str, signer: Certificate, at: datetime | None) -> Check:
    name = f"certificate{label}"
    if at is None:
        return unknown(name, "not_judged", "signing time")
    if at < signer.not_before:
        return failed(name, "not_yet_valid")
    return failed(name, "expired") if at > signer.not_after else passed(name, "certificate_valid")


def check_references(label: str, found: Ofd, one: OfdSignature) -> Check:
    name = f"references{label}"
    method = CHECK_METHODS.get(one.check_method or "")
    if method is None:
        return failed(name, "algorithm_refused", shown(one.check_method or "MD5"))
    wrong = [
        reference.path for reference in one.references
        if reference.path not in found.package.entries
        or found.package.digest(reference.path, method) != reference.digest
    ]  # fmt: skip
    if wrong or not one.references:
        return failed(name, "references_differ", _some(wrong))
    return passed(name, "references_match", str(len(one.references)))


def check_coverage(label: str, found: Ofd, one: OfdSignature, integrity: Integrity | None) -> Check:
    left = found.uncovered(one, aside=_integrity_files(integrity))
    name = f"coverage{label}"
    return unknown(name, "files_uncovered", _some(left)) if left else passed(name, "covers_all")


def check_integrity(found: Ofd, integrity: Integrity) -> list[Check]:
    """The package against its signed list of files, and whether anything tells what is in them."""
    checks = []
    if missing := integrity.missing(found.package):
        checks.append(failed("integrity", "references_differ", _some(missing)))
    if unlisted := integrity.unlisted(found.package):
        checks.append(failed("integrity", "files_unlisted", _some(unlisted)))
    if not checks:
        checks.append(passed("integrity", "files_listed", str(len(integrity.files))))
    if not found.signatures:
        # The list has names and no digests: without a signature nothing holds the content.
        checks.append(unknown("coverage", "files_uncovered", _some(sorted(integrity.files))))
    return checks


def _integrity_files(integrity: Integrity | None) -> tuple[str, ...]:
    return (INTEGRITY, integrity.value_path) if integrity else ()


def _some(paths: list[str]) -> str:
    listed = ", ".join(shown(path) for path in paths[:_NAMES_SHOWN])
    return listed if len(paths) <= _NAMES_SHOWN else f"{listed} … ({len(paths)})"


def check_seal_file(label: str, one: OfdSignature) -> Check:
    same = asn1.parse_stamp(one.value).seal.raw == one.seal
    name = f"seal_file{label}"
    return passed(name, "seal_file_matches") if same else failed(name, "seal_file_differs")


def deviations(one: OfdSignature, form: str) -> tuple[str, ...]:
    """What of an OFD signature departs from GB/T 33190 and GM/T 0099, and whose make it is."""
    found = [f"Type={shown(one.kind)}"] if one.kind not in ("Seal", "Sign") else []
    if one.kind == "Sign" and form == "stamp":
        found.append("Type=Sign over a seal signature")
    if one.kind == "Seal" and form in ("cms", "bare"):
        found.append("Type=Seal over a signature without a seal")
    if one.check_method and one.check_method not in CHECK_METHODS:
        found.append(f"CheckMethod={shown(one.check_method)}")
    return (*found, *([f"Provider: {shown(one.provider)}"] if one.provider else ()))


def parse_ofd_time(text: str) -> datetime | None:
    """SignatureDateTime in the forms met in the field, taken as China's time without a zone.

    One vendor labels local time Z, so it is never more than a claim.
    """
    digits = "".join(character for character in text if character.isdigit())[:14]
    try:
        at = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if text.endswith("Z") else at


_AFTER = {"nothing": "unchanged", "long_term_data": "long_term_data", "signatures": "signed_again"}


def _shown(detail: Detail) -> Detail:
    return shown(detail) if isinstance(detail, str) else (shown(detail[0]), shown(detail[1]))


def check_after(label: str, one: Found) -> Check:
    name = f"changes{label}"
    if one.after not in _AFTER:
        return failed(name, "changed", _shown(one.detail))
    if one.hybrid:
        return unknown(name, "not_judged", "hybrid cross-references")
    return passed(name, _AFTER[one.after])


def parse_pdf_time(text: str) -> datetime | None:
    """A PDF date (ISO 32000-1, 7.9.4) with its zone; None when it is not one."""
    digits, zone = text[2:16], text[16:].replace("'", "")
    if not text.startswith("D:") or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        at = datetime.strptime(digits, "%Y%m%d%H%M%S")  # noqa: DTZ007  # the zone comes next
        offset = timedelta()
        if zone[:1] in ("+", "-"):
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or "0"))
        return at.replace(tzinfo=timezone(-offset if zone.startswith("-") else offset))
    except ValueError:
        return None
