"""The audit log: who did what to what, when, in an order nobody can change unseen.

Each entry's hash is SM3 over the previous hash and the canonical JSON of the entry; that hash is a
leaf of the Merkle log "audit" (trust.log), whose checkpoints are signed and given away. The chain
shows what was changed; the checkpoints show that the whole chain, or its end, was made anew.

`details` says what the act was about: ids, digests, reasons, states. Personal data does not belong
there, nor in `subject`: an audit entry can never be deleted, and the law on personal data may ask
for that. Point to a record (its number, its digest) and let the record hold the person.
"""

import re
from collections.abc import Mapping
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

__all__ = ["JSON", "LOG", "AuditEntry", "AuditReport", "Fault", "Signer", "record", "verify"]

_ACT: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_ENTRY = cast(Table, AuditEntry.__table__)
# Built once: building a statement costs as much as running it.
_ADD: Final = insert(_ENTRY)
_PREVIOUS: Final = select(_ENTRY.c.hash).where(_ENTRY.c.sequence == bindparam("sequence"))


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
    _check_words(act, subject, by)
    row: dict[str, object] = {
        "at": in_utc(at),
        "act": act,
        "subject": subject,
        "account": by.account,
        "authority": by.authority,
        "details": canonical_details(dict(details or {})),
    }
    head = log.lock(session, LOG)
    row["sequence"], row["previous"] = head.size, _hash_before(session, head.size)
    row["hash"] = entry_hash(row)
    try:
        session.connection().execute(_ADD, row)
    except IntegrityError as error:
        raise log.LogDamaged(f"there is an audit entry {head.size} already") from error
    log.extend(session, head, cast(bytes, row["hash"]), at=at)
    return head.size


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
