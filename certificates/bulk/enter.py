"""Entering many applications that were released together: one transaction, a few statements.

Each goes through the checks of `applications.enter`; the person who handed the rows in has entered
it, the one who released the job has approved it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from certificates.licence_type import LicenceType
from certificates.models import (
    Application,
    ApplicationKind,
    ApplicationState,
    ApplicationStep,
)
from trust import audit
from trust.access import Caller
from trust.audit import Act
from trust.vault import Vault

_APPLICATION = insert(cast(Table, Application.__table__))
_STEP = insert(cast(Table, ApplicationStep.__table__))


@dataclass(frozen=True, slots=True)
class Entry:
    """One application to be: its key, its checked content, and what is said about it."""

    key: UUID
    content: dict[str, object]
    paper_number: str | None = None
    item_code: str | None = None
    case_number: str | None = None


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody's part in it: who, and when."""

    by: Caller
    at: datetime


def enter_approved(
    session: Session, entries: Sequence[Entry], licence_type: LicenceType, *, authority: str,
    kind: ApplicationKind, system: str, entered: Hand, approved: Hand, vault: Vault, at: datetime,
) -> None:  # fmt: skip
    """Applications in APPROVED, inside the caller's transaction; `at` is when they are written."""
    if not entries:
        return
    rows: list[dict[str, object]] = [
        {
            "id": entry.key, "type_code": licence_type.code, "type_version": licence_type.version,
            "authority": authority, "state": ApplicationState.APPROVED, "kind": kind, "joint": [],
            "acting": None, "previous": None, "paper_number": entry.paper_number,
            "item_code": entry.item_code, "case_number": entry.case_number, "system": system,
            "content_box": vault.seal(
                json.dumps(entry.content, ensure_ascii=False).encode(),
                context=f"application/{entry.key}",
            ),
            "entered_by": entered.by.account, "entered_at": entered.at,
            "decided_by": approved.by.account, "decided_at": approved.at,
        }
        for entry in entries
    ]  # fmt: skip
    session.connection().execute(_APPLICATION, rows)
    hands = ((ApplicationState.ENTERED, entered), (ApplicationState.APPROVED, approved))
    session.connection().execute(
        _STEP,
        [
            {"application": entry.key, "state": state, "by": hand.by.account, "at": hand.at,
             "reason": ""}
            for entry in entries
            for state, hand in hands
        ],
    )  # fmt: skip
    details: dict[str, audit.JSON] = {"type": licence_type.code, "authority": authority}
    details |= {} if kind == ApplicationKind.NEW else {"kind": str(kind)}
    audit.record_all(
        session,
        [
            act
            for entry in entries
            for act in (
                Act("application.entered", str(entry.key), entered.by, at, details),
                Act("application.approved", str(entry.key), approved.by, at),
            )
        ],
    )
