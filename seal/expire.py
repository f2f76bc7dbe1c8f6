"""Seals whose validity is over. They seal nothing from that moment; this only writes it down."""

from datetime import datetime

from sqlalchemy import select

from seal import life
from seal.life import SealNotInForce
from seal.models import Seal, SealState
from trust.access import Caller
from trust.db import Sessions

OVER = "its validity is over"


def expire(sessions: Sessions, *, by: Caller, at: datetime) -> list[str]:
    """Mark the seals whose last moment is past, a transaction each; their es_ids."""
    with sessions() as session:
        over = session.scalars(
            select(Seal.es_id).where(
                Seal.state.in_(life.BEFORE[SealState.EXPIRED]), Seal.valid_until < at
            )
        ).all()
    marked = []
    for es_id in over:
        try:
            with sessions.begin() as session:
                life.move(session, es_id, SealState.EXPIRED, reason=OVER, by=by, at=at)
        except SealNotInForce:
            continue  # cancelled or made anew by somebody else meanwhile
        marked.append(es_id)
    return marked
