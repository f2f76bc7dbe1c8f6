"""Verifying a QR code: its form, its signer at the time it was made, the licence's state now.

Order: 1 form  2 signature by a known claim signer of that region  3 signer's chain and revocation
4 registry (online, own region)  5 state  6 dates. Nothing of a claim is believed before 2.
"""

import json
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from ca import profiles
from certificates import catalogue, qr
from certificates.evidence import Foreign, Knowledge, Record
from certificates.qr import BadClaim, Claim, SignedClaim
from certificates.standing import check_dates as check_dates
from certificates.standing import state_of as state_of
from certificates.wallet import copy_standing
from trust import chain, identifiers
from trust.chain import Word
from trust.crypto import cose
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.errors import NotFound
from trust.indications import Indicated, Indication, indicate
from trust.report import Check, Outcome, failed, overall, passed, unknown

_WELL_FORMED = passed("claim", "claim_well_formed")
SIGNER_UNKNOWN = unknown("claim.signature", "claim_signer_unknown")
FORGED = failed("claim.signature", "claim_forged")

#: First words of the names of checks that are about signatures, whatever they stand for.
_OF_SIGNATURES = frozenset({"structure", "signature", "time", "chain", "revocation", "seal",
                            "changes", "claim"})  # fmt: skip


class _Unasked:
    """For a claim that anybody could have written: it may name any list, and no other region is to
    be asked for lists that are not there until it is left alone as one that does not answer."""

    def state(self, region: str, number: int, index: int, *, at: datetime) -> Check:
        return unknown("state", "state_unknown", ("签发者未能确认", "its signer is not known"))


_UNASKED = _Unasked()
#: A registry that knows the very file or claim.
_CONFIRMING = frozenset({"matches_registry", "claim_matches_registry", "copy_matches_registry"})


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
        checks = [check.as_json() for check in self.checks]
        return {**self._head(), "checks": checks, **self._tail()}

    def as_json_text(self) -> str:
        """`as_json` in UTF-8 and without spaces; a check that was written before is not written
        anew, for most are alike."""
        head, tail = _JSON.encode(self._head()), _JSON.encode(self._tail())
        checks = ",".join([_text_of(check) for check in self.checks])
        return f'{head[:-1]},"checks":[{checks}],{tail[1:]}'

    def _head(self) -> dict[str, Any]:
        return {
            "outcome": str(self.outcome), "at": _instant(self.at),
            "licence": self.licence, "changed_after_sealing": self.changed_after_sealing,
        }  # fmt: skip

    def _tail(self) -> dict[str, Any]:
        indicated = self.indicated
        return {
            **(indicated.as_json() if indicated else _NOT_INDICATED),
            "signatures": [one.as_json() for one in self.signatures],
        }


_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_NOT_INDICATED = {"indication": None, "sub_indication": None}


@lru_cache(maxsize=4096)
def _text_of(check: Check) -> str:
    return _JSON.encode(check.as_json())


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def verify_claim(text: str, knowledge: Knowledge, *, at: datetime) -> Verification:
    """The report on a QR code's text."""
    try:
        signed = qr.parse(text)
    except BadClaim as error:
        return unreadable(error, at=at)
    knowledge = knowledge.about(signed.claim.region)
    return report_on(signed, check_signer(signed, knowledge, at=at), knowledge, at=at)


def unreadable(error: BadClaim, *, at: datetime) -> Verification:
    """The report on a text that holds no claim."""
    return Verification(at, None, None, (failed("claim", error.code, str(error)),))


def report_on(
    signed: SignedClaim, of_signer: list[Check], knowledge: Knowledge, *, at: datetime
) -> Verification:
    """The report on a claim whose signer was judged as `check_signer` does; `knowledge` is about
    its region."""
    checks = [_WELL_FORMED, *of_signer]
    if any(check.outcome is Outcome.FAILED for check in of_signer):
        return Verification(at, None, None, tuple(checks))
    trusted = all(
        check.outcome is Outcome.PASSED or check.name.startswith("revocation")
        for check in of_signer
    )
    if SIGNER_UNKNOWN in of_signer:
        knowledge = replace(knowledge, status=_UNASKED)
    standing, more = _found(signed.claim, knowledge, at=at)
    # Nothing of a claim is repeated unless a trusted signer says it.
    shown = {**claim_summary(signed.claim), **more} if trusted else None
    standing += check_elsewhere(signed, knowledge, trusted=trusted, at=at)
    return Verification(at, shown, None, tuple(confirm([*checks, *standing])))


def check_elsewhere(
    signed: SignedClaim, knowledge: Knowledge, *, trusted: bool, at: datetime,
    fields: frozenset[str] | None = None,
) -> list[Check]:  # fmt: skip
    """Of another region's licence: whether its list granted the signer, and whether it is
    recognised here. Of one whose signer is not trusted, only how well its region is known."""
    elsewhere = knowledge.elsewhere_of(signed.claim.region)
    if elsewhere is None:
        return []
    signer = knowledge.signer(signed.message.kid) if trusted else None
    if signer is None:
        return elsewhere.listed(signed.claim.region, at=at)
    return elsewhere.judge(Foreign(signed.claim, signer, fields), at=at)


def _found(
    claim: Claim, knowledge: Knowledge, *, at: datetime
) -> tuple[list[Check], dict[str, Any]]:
    """What the registry or the status lists say, of a licence or of a copy and its original."""
    if claim.copy is not None:
        found = copy_standing.check_claim(claim, claim.copy, knowledge, at=at)
        return found.checks, found.summary | _registered(found.original)
    standing, record = _standing(claim, knowledge, at=at)
    return standing, _registered(record)


def _registered(record: Record | None) -> dict[str, Any]:
    """What the registry adds, so that a code can be compared with the paper that it is on."""
    if record is None:
        return {}
    return {"number": record.number, "authority_name": record.authority_name}


def check_signer(signed: SignedClaim, knowledge: Knowledge, *, at: datetime) -> list[Check]:
    """Checks `claim.signature`, `chain.claim`, `revocation.claim`."""
    signer = knowledge.signer(signed.message.kid)
    if signer is None:
        return [SIGNER_UNKNOWN]
    try:
        cose.verify(signed.message, signer.spki)
    except (InvalidSignature, UnknownAlgorithm, Malformed):
        return [FORGED]
    return check_trust(signed, signer, knowledge, at=at)


def check_trust(
    signed: SignedClaim, signer: Certificate, knowledge: Knowledge, *, at: datetime
) -> list[Check]:
    """The same checks of a claim that `signer` did sign."""
    name = "claim.signature"
    if chain.region_of(signer) != signed.claim.region:
        return [failed(name, "claim_region_mismatch")]
    made_at = signed.claim.made_at
    # Neither signs for the other: a copy's claim never passes for an original's.
    purpose = "claim-signer" if signed.claim.copy is None else "copy-signer"
    legs = chain.judge(
        ".claim", signer, store=knowledge.store, at=made_at, now=at,
        purpose=profiles.purpose(purpose), region=signed.claim.region,
    )  # fmt: skip
    return [passed(name, "claim_valid", signed.claim.region), *legs]


def confirm(checks: list[Check]) -> list[Check]:
    """A registry that knows the very file outweighs a key that was compromised since; of a region
    that contradicts itself (`peer_disagrees`) neither word on the state counts."""
    if any(check.code == "peer_disagrees" for check in checks):
        checks = [check for check in checks if check.name != "state"]
    if _CONFIRMING.isdisjoint([check.code for check in checks]):
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


@lru_cache(maxsize=4096)
def type_name(code: str) -> str:
    """The type's name if it is in our catalogue, else its code."""
    try:
        return catalogue.find(code).name
    except NotFound:
        return code


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
