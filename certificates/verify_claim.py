"""Verifying a QR code: its form, its signer at the time it was made, the licence's state now.

Order: 1 form  2 signature by a known claim signer of that region  3 signer's chain and revocation
4 registry (online, own region)  5 state  6 dates. Nothing of a claim is believed before 2.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ca import profiles
from certificates import catalogue, evidence, qr
from certificates.evidence import Knowledge, Record
from certificates.qr import BadClaim, Claim, SignedClaim
from trust import chain, identifiers
from trust.chain import Word
from trust.clock import CHINA
from trust.crypto import cose
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.errors import NotFound
from trust.indications import Indicated, Indication, indicate
from trust.report import Check, Outcome, failed, overall, passed, unknown

#: First words of the names of checks that are about signatures, whatever they stand for.
_OF_SIGNATURES = frozenset({"structure", "signature", "time", "chain", "revocation", "seal",
                            "changes", "claim"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """One signature of a file. `level` is B-B, B-T or B-LT (EN 319 142-1); `at` is the signing time
    on the word of `word`, None when it could not be read."""

    number: int
    level: str
    at: datetime | None
    word: Word
    checks: tuple[Check, ...]

    def as_json(self) -> dict[str, Any]:
        indicated = indicate(self.checks) or Indicated(Indication.PASSED)
        return {
            "number": self.number, "level": self.level,
            "time": _instant(self.at) if self.at else None, "time_by": str(self.word),
            **indicated.as_json(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verification:
    """The report: the same from command, HTTP and page (docs/report.md)."""

    at: datetime
    licence: dict[str, Any] | None
    changed_after_sealing: bool | None
    checks: tuple[Check, ...]
    signatures: tuple[SignatureReport, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return overall(self.checks)

    @property
    def indicated(self) -> Indicated | None:
        """The standard's word on the file's signatures, or on the claim's when there is no file;
        None where there is none. The licence's own state is no part of it."""
        return indicate(
            check for check in self.checks
            if check.name.partition(".")[0] in _OF_SIGNATURES
            and (not self.signatures or "claim" not in check.name)
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        none = {"indication": None, "sub_indication": None}
        return {
            "outcome": str(self.outcome), "at": _instant(self.at),
            "licence": self.licence, "changed_after_sealing": self.changed_after_sealing,
            "checks": [check.as_json() for check in self.checks],
            **(self.indicated.as_json() if self.indicated else none),
            "signatures": [one.as_json() for one in self.signatures],
        }  # fmt: skip


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def verify_claim(text: str, knowledge: Knowledge, *, at: datetime) -> Verification:
    """The report on a QR code's text."""
    try:
        signed = qr.parse(text)
    except BadClaim as error:
        return Verification(at, None, None, (failed("claim", error.code, str(error)),))
    checks = [passed("claim", "claim_well_formed"), *check_signer(signed, knowledge, at=at)]
    if any(check.outcome is Outcome.FAILED for check in checks):
        return Verification(at, None, None, tuple(checks))
    trusted = chain.all_passed(check for check in checks if not check.name.startswith("revocation"))
    standing, record = _standing(signed.claim, knowledge, at=at)
    # Nothing of a claim is repeated unless a trusted signer says it.
    shown = {**claim_summary(signed.claim), **_registered(record)} if trusted else None
    return Verification(at, shown, None, tuple(confirm([*checks, *standing])))


def _registered(record: Record | None) -> dict[str, Any]:
    """What the registry adds, so that a code can be compared with the paper that it is on."""
    if record is None:
        return {}
    return {"number": record.number, "authority_name": record.authority_name}


def check_signer(signed: SignedClaim, knowledge: Knowledge, *, at: datetime) -> list[Check]:
    """Checks `claim.signature`, `chain.claim`, `revocation.claim`."""
    name = "claim.signature"
    signer = knowledge.signer(signed.message.kid)
    if signer is None:
        return [unknown(name, "claim_signer_unknown")]
    try:
        cose.verify(signed.message, signer.spki)
    except (InvalidSignature, UnknownAlgorithm, Malformed):
        return [failed(name, "claim_forged")]
    if chain.region_of(signer) != signed.claim.region:
        return [failed(name, "claim_region_mismatch")]
    made_at = signed.claim.made_at
    legs = chain.judge(
        ".claim", signer, store=knowledge.store, at=made_at, now=at,
        purpose=profiles.purpose("claim-signer"), region=signed.claim.region,
    )  # fmt: skip
    return [passed(name, "claim_valid", signed.claim.region), *legs]


def confirm(checks: list[Check]) -> list[Check]:
    """A registry that knows the very file outweighs a key that was compromised since."""
    if not any(check.code in ("matches_registry", "claim_matches_registry") for check in checks):
        return checks
    return [
        passed(check.name, "confirmed_by_registry") if check.code == "compromised" else check
        for check in checks
    ]


def _standing(
    claim: Claim, knowledge: Knowledge, *, at: datetime
) -> tuple[list[Check], Record | None]:
    registry = knowledge.registry_of(claim.region)
    if registry is None:
        state = knowledge.status.state(claim.region, claim.status_list, claim.status_index, at=at)
        return [state, check_dates(claim, at=at)], None
    record = registry.record(str(claim.identifier), at=at)
    if record is None:
        return [failed("registry", "not_in_registry")], None
    if record.digest[: qr.DIGEST_LENGTH] != claim.digest:
        return [failed("registry", "claim_differs_from_registry")], None
    agrees = passed("registry", "claim_matches_registry")
    return [agrees, state_of(record), check_dates(claim, at=at)], record


def state_of(record: Record) -> Check:
    """The registry's state; before the licence was issued there is none to know."""
    if record.state is None:
        return unknown("state", "state_unknown", ("当时尚未颁发", "not yet issued at that time"))
    return evidence.state_check(record.state)


def check_dates(claim: Claim, *, at: datetime) -> Check:
    """Whether the licence's dates hold on the day of `at`, in China."""
    today = at.astimezone(CHINA).date()
    if claim.made_at > at:
        return failed("dates", "issued_in_future")
    if today < claim.valid_from:
        return failed("dates", "dates_not_yet")
    if claim.valid_until is not None and today > claim.valid_until:
        return failed("dates", "dates_over")
    return passed("dates", "dates_valid")


def claim_summary(claim: Claim) -> dict[str, Any]:
    """What the public may see of a licence: its claim and nothing more."""
    return {
        "identifier": str(claim.identifier), "type": type_name(claim.identifier.type_code),
        "type_code": claim.identifier.type_code, "region": claim.region,
        "region_name": identifiers.division_name(claim.region),
        "authority": claim.identifier.issuer, "holder": claim.holder,
        "issued": claim.issued.isoformat(), "valid_from": claim.valid_from.isoformat(),
        "valid_until": _day(claim.valid_until),
    }  # fmt: skip


def type_name(code: str) -> str:
    """The type's name if it is in our catalogue, else its code."""
    try:
        return catalogue.find(code).name
    except NotFound:
        return code


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
