"""The audit log: who did what to what, when, in an order nobody can change unseen.

Each entry's hash is SM3 over the previous hash and the canonical JSON of the entry; that hash is a
leaf of the Merkle log "audit" (trust.log), whose checkpoints are signed and given away. The chain
shows what was changed; the checkpoints show that the whole chain, or its end, was made anew.

`details` says what the act was about: ids, digests, reasons, states. Personal data does not belong
there, nor in `subject`: an audit entry can never be deleted, and the law on personal data may ask
for that. Point to a record (its number, its digest) and let the record hold the person.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

from sqlalchemy import Table, bindparam, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trust import log
from trust.access import Caller
from trust.audit_entry import (
    BEGINNING,
    JSON,
    LOG,
    TEXT_MAX,
    AuditEntry,
    canonical_details,
    entry_hash,
    in_utc,
)
from trust.audit_findings import AuditReport, Fault, Signer
from trust.audit_report import verify
from trust.errors import Invalid

__all__ = [
    "JSON",
    "LOG",
    "Act",
    "AuditEntry",
    "AuditReport",
    "Fault",
    "Signer",
    "record",
    "record_all",
    "verify",
]

_ACT: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_ENTRY = cast(Table, AuditEntry.__table__)
# Built once: building a statement costs as much as running it.
_ADD: Final = insert(_ENTRY)
_PREVIOUS: Final = select(_ENTRY.c.hash).where(_ENTRY.c.sequence == bindparam("sequence"))


@dataclass(frozen=True, slots=True)
class Act:
    """One entry to be, as `record` takes it."""

    act: str
    subject: str
    by: Caller
    at: datetime
    details: Mapping[str, JSON] = field(default_factory=dict)


def record(
    session: Session,
    act: str,
    *,
    subject: str,
    by: Caller,
    at: datetime,
    details: Mapping[str, JSON] | None = None,
) -> int:
    """Append an entry in the caller's transaction and return its sequence.

    `act` is dotted lower case ("licence.issued"), at most 64 characters; `subject` and the account
    at most 200, no control characters; `details` at most 4096 bytes of canonical JSON. Other values
    are Invalid. Call it last: from here to the commit no other act can be recorded.
    """
    return record_all(session, [Act(act, subject, by, at, details or {})])


def record_all(session: Session, acts: Sequence[Act]) -> int:
    """`record` one act after the other, in a few statements together; the first one's sequence."""
    rows = [_row_of(each) for each in acts]
    head = log.lock(session, LOG)
    previous = _hash_before(session, head.size)
    for sequence, row in enumerate(rows, head.size):
        row["sequence"], row["previous"] = sequence, previous
        previous = row["hash"] = entry_hash(row)
    try:
        session.connection().execute(_ADD, rows)
    except IntegrityError as error:
        raise log.LogDamaged(f"there is an audit entry {head.size} already") from error
    leaves = [
        (cast(bytes, row["hash"]), each.at) for row, each in zip(rows, acts, strict=True)
    ]  # fmt: skip
    log.extend_all(session, head, leaves)
    return head.size


def _row_of(act: Act) -> dict[str, object]:
    _check_words(act.act, act.subject, act.by)
    return {
        "at": in_utc(act.at), "act": act.act, "subject": act.subject, "account": act.by.account,
        "authority": act.by.authority, "details": canonical_details(_details(act)),
    }  # fmt: skip


def _details(act: Act) -> dict[str, JSON]:
    """What was given, and the platform through which a caller with a token acted."""
    through: dict[str, JSON] = {"client": act.by.client} if act.by.client is not None else {}
    return through | dict(act.details)


def _check_words(act: str, subject: str, by: Caller) -> None:
    if len(act) > 64 or not _ACT.fullmatch(act):
        raise Invalid("an act is dotted lower-case words, at most 64 characters")
    for name, text in (("subject", subject), ("account", by.account), ("authority", by.authority)):
        # Printable also leaves out lone surrogates, which no database takes.
        if text is not None and not (0 < len(text) <= TEXT_MAX and text.isprintable()):
            raise Invalid(f"the {name} of an audit entry is 1 to {TEXT_MAX} printable characters")


def _hash_before(session: Session, sequence: int) -> bytes:
    if sequence == 0:
        return BEGINNING
    found = session.connection().scalar(_PREVIOUS, {"sequence": sequence - 1})
    if found is None:
        raise log.LogDamaged(f"the audit entry {sequence - 1} is missing")
    return cast(bytes, found)
