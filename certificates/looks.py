"""Every look at a licence is audited, many to a transaction (trust.audit_queue), and its holder can
see each of them: who, for which office, for what, how and when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates.purpose import Purpose
from certificates.verify_claim import Verification
from trust.access import Caller
from trust.audit import JSON, AuditEntry
from trust.audit_queue import AuditQueue

#: Nobody logs in to look.
PUBLIC = Caller(account="public", authority=None, roles=frozenset())
UNKNOWN = "unknown"
#: A verification of what somebody had in their hands already, and a reading out of the registry.
VERIFIED: Final = "verification.made"
LOOKED: Final = "licence.looked"
#: The issuer's own people fetched the file.
READ: Final = "licence.read"
#: Ways of looking. Docs/wallet.md says what each is in words.
BY_HOLDER, BY_SHOWING, BY_GRANT, BY_ENTRUSTING = "holder", "showing", "grant", "entrusted"
BY_DUTY, BY_COPY, BY_ISSUER = "duty", "copy", "issuer"
SEEN_MAX: Final = 100


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
    queue.record(VERIFIED, subject=look.identifier, by=by, at=look.at, details=details)


def note(
    queue: AuditQueue, licence: str, *, by: Caller, how: str, purpose: Purpose, at: datetime,
    office: str | None = None,
) -> None:  # fmt: skip
    """Record that a licence's data or file is about to be given to somebody, before it is.

    `licence` is its identifier, `how` one of the words above, `office` the code of the body that it
    is given to (None: to nobody but `by`). ActNotRecorded: then nothing may be given.
    """
    queue.record(
        LOOKED, subject=licence, by=by, at=at, details=details_of(purpose, how=how, office=office)
    )


def details_of(purpose: Purpose, *, how: str, office: str | None) -> dict[str, JSON]:
    """What the audit entry of a look says, empty parts left out."""
    details = {
        "how": how, "purpose": purpose.cause, "item": purpose.item_code,
        "system": purpose.system, "matter": purpose.matter, "office": office or "",
    }  # fmt: skip
    return {key: value for key, value in details.items() if value}


@dataclass(frozen=True, slots=True)
class Seen:
    """A look as a holder is told of it. `office` is a code, or "" for nobody's; `purpose` the cause
    in words; `outcome` stands for verifications only. `sequence` is the audit entry's."""

    sequence: int
    at: datetime
    how: str
    account: str
    office: str
    purpose: str
    item_code: str
    system: str
    outcome: str


def of(
    session: Session, identifier: str, *, limit: int = 50, before: int | None = None
) -> list[Seen]:
    """The looks at one licence, newest first, `limit` and SEEN_MAX at most; `before` is the
    sequence to go on from. Whose licence it is, the caller has checked."""
    wanted = select(AuditEntry).where(
        AuditEntry.subject == identifier, AuditEntry.act.in_((VERIFIED, LOOKED, READ))
    )
    if before is not None:
        wanted = wanted.where(AuditEntry.sequence < before)
    rows = session.scalars(wanted.order_by(AuditEntry.sequence.desc()).limit(min(limit, SEEN_MAX)))
    return [_seen(row) for row in rows]


def _seen(row: AuditEntry) -> Seen:
    details: Mapping[str, object] = json.loads(row.details)
    told = {
        ours: str(details.get(key, ""))
        for ours, key in (
            ("how", "how"), ("purpose", "purpose"), ("item_code", "item"), ("system", "system"),
            ("outcome", "outcome"),
        )
    }  # fmt: skip
    office = str(details.get("office", "")) or (row.authority or "")
    if row.act == READ:
        told["how"] = BY_ISSUER
    return Seen(sequence=row.sequence, at=row.at, account=row.account, office=office, **told)
