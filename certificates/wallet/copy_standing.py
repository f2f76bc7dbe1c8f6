"""How a purpose-marked copy (加注件) stands: its own end, the register, and its original now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certificates import qr, standing
from certificates.evidence import CopyRecord, Knowledge, Record
from certificates.qr import Claim, CopyMark
from trust.clock import CHINA
from trust.report import Check, failed, passed


@dataclass(frozen=True, slots=True)
class CopyStanding:
    """What a copy's QR code adds to the report; `original` is the registry's word on it."""

    checks: list[Check]
    summary: dict[str, Any]
    original: Record | None


def check_claim(
    claim: Claim, mark: CopyMark, knowledge: Knowledge, *, at: datetime
) -> CopyStanding:
    """Of a claim whose signer is known: `copy`, `registry`, `original`, `state`, `dates`."""
    copies = knowledge.copies_of(claim.region)
    record = copies.copy(mark.number) if copies is not None else None
    cause, maker = (record.cause, record.maker) if record else ("", "")
    checks = [check_end(mark.until, cause, at=at)]
    if claim.made_at > at:
        checks = [failed("copy", "copy_from_future")]
    if copies is not None:
        checks.append(_registered(claim, record))
    more, found = original(claim, mark.original, knowledge, at=at)
    told = summary(mark.number, mark.until, cause=cause, maker=maker)
    return CopyStanding([*checks, *more], told, found)


def _registered(claim: Claim, record: CopyRecord | None) -> Check:
    if record is None:
        return failed("registry", "copy_not_in_registry")
    if record.digest[: qr.DIGEST_LENGTH] != claim.digest:
        return failed("registry", "copy_differs_from_registry", "digest")
    if record.licence != str(claim.identifier):
        return failed("registry", "copy_differs_from_registry", "identifier")
    return passed("registry", "copy_matches_registry")


def check_end(until: datetime, cause: str, *, at: datetime) -> Check:
    told = f"{until.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    if at > until:
        return failed("copy", "copy_expired", told)
    if not cause:
        # Only the register knows, and it is not at hand: the page in front of one says it.
        return passed("copy", "copy_in_force", ("见加注件所载", "as written on the copy"))
    return passed("copy", "copy_in_force", cause)


def original(
    claim: Claim, digest: bytes, knowledge: Knowledge, *, at: datetime
) -> tuple[list[Check], Record | None]:
    """`original`, `state` and `dates`; `digest` is SM3 of its licence.json, or its beginning."""
    registry = knowledge.registry_of(claim.region)
    if registry is None:
        state = knowledge.status.state(claim.region, claim.status_list, claim.status_index, at=at)
        return [state, standing.check_dates(claim, at=at)], None
    found = registry.record(str(claim.identifier), at=at)
    if found is None:
        return [failed("original", "not_in_registry")], None
    if found.digest[: len(digest)] != digest:
        return [failed("original", "original_differs")], None
    agrees = passed("original", "original_matches")
    return [agrees, standing.state_of(found), standing.check_dates(claim, at=at)], found


def summary(number: str, until: datetime, *, cause: str, maker: str) -> dict[str, Any]:
    """A copy's own lines in a report; what only the register could tell may be empty."""
    return {
        "copy_number": number, "copy_purpose": cause, "copy_maker": maker,
        "copy_until": until.astimezone(CHINA).isoformat(timespec="seconds"),
    }  # fmt: skip
