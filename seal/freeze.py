"""Freezing a seal and ending that. Its state is read in the transaction of every use, so a freeze
counts from the moment it is committed, in every process."""

from datetime import datetime

from sqlalchemy.orm import Session

from seal import life
from seal.models import Seal, SealState
from trust.access import Caller


def freeze(session: Session, es_id: str, *, reason: str, by: Caller, at: datetime) -> Seal:
    """Stop a seal until it is released: NotFound, Invalid, SealNotInForce."""
    kept = life.reason_of(reason)
    life.find(session, es_id, by=by)
    return life.move(session, es_id, SealState.FROZEN, reason=kept, by=by, at=at)


def unfreeze(session: Session, es_id: str, *, reason: str, by: Caller, at: datetime) -> Seal:
    """Let a frozen seal seal again: NotFound, Invalid, SealNotInForce."""
    kept = life.reason_of(reason)
    if life.find(session, es_id, by=by).state != SealState.FROZEN:
        raise life.SealNotInForce(f"seal {es_id} is not frozen")
    return life.move(session, es_id, SealState.ACTIVE, reason=kept, by=by, at=at)
