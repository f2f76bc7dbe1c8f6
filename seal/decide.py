"""Deciding on an application for a seal (制发部门): approve or refuse, by somebody else."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from seal import life
from seal.life import SamePerson
from seal.life_models import RequestState, SealRequest
from trust import audit
from trust.access import Caller
from trust.errors import Conflict


class AlreadyDecided(Conflict):
    code = "seal_application_decided"


def approve(
    session: Session, key: UUID, *, by: Caller, at: datetime, reason: str = ""
) -> SealRequest:
    """Approve, in the caller's transaction: NotFound, Forbidden, SamePerson, AlreadyDecided."""
    kept = life.reason_of(reason) if reason else ""
    return _decide(session, key, RequestState.APPROVED, reason=kept, by=by, at=at)


def refuse(session: Session, key: UUID, *, reason: str, by: Caller, at: datetime) -> SealRequest:
    """Refuse for good, with a reason; the same refusals, and Invalid. A name that only one seal may
    have is free again."""
    kept = life.reason_of(reason)
    return _decide(session, key, RequestState.REFUSED, reason=kept, by=by, at=at)


def _decide(
    session: Session, key: UUID, state: RequestState, *, reason: str, by: Caller, at: datetime
) -> SealRequest:
    row = life.find_request(session, key)
    life.require_administrator(by, owner=row.owner)
    if by.account == row.applied_by:
        raise SamePerson("nobody decides on an application of their own")
    values: dict[str, object] = {"state": state, "decided_by": by.account, "decided_at": at}
    if state is RequestState.REFUSED:
        values["slot"] = None
    won = session.scalar(
        update(SealRequest)
        .where(SealRequest.id == key, SealRequest.state == RequestState.APPLIED)
        .values(**values)
        .returning(SealRequest.id)
    )
    session.refresh(row)
    if won is None:
        raise AlreadyDecided(f"application {key} is {row.state}")
    life.step(session, state, request=key, by=by, at=at, reason=reason)
    audit.record(
        session, f"seal.{state}", subject=str(key), by=by, at=at, details={"owner": row.owner}
    )
    return row
