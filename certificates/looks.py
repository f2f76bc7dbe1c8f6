"""Every look at a licence is audited, many to a transaction (trust.audit_queue)."""

from dataclasses import dataclass
from datetime import datetime

from certificates.verify_claim import Verification
from trust.access import Caller
from trust.audit_queue import AuditQueue

#: Nobody logs in to look.
PUBLIC = Caller(account="public", authority=None, roles=frozenset())
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Look:
    """One verification as the audit log tells of it: nothing about the holder or the asker."""

    identifier: str
    outcome: str
    how: str
    at: datetime


def look_of(report: Verification, *, how: str) -> Look:
    """`identifier` is `unknown` when nothing that was handed in could be believed."""
    identifier = str(report.licence["identifier"]) if report.licence else UNKNOWN
    return Look(identifier, str(report.outcome), how, report.at)


def record(queue: AuditQueue, look: Look, *, by: Caller = PUBLIC) -> None:
    """Keep a look for the next writing; ActNotRecorded: then the caller must not answer."""
    details = {"how": look.how, "outcome": look.outcome}
    queue.record("verification.made", subject=look.identifier, by=by, at=look.at, details=details)
