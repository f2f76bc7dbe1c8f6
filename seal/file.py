"""Filing a made seal in the register (备案) and handing it over: from then on it seals."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from seal import life, make
from seal.life_models import RequestState
from seal.make import Maker, NotApproved
from seal.models import Seal, SealState
from trust.access import Caller
from trust.db import Sessions
from trust.keys import KeyStore

FILED = "entered in the region's register"
HANDED_OVER = "handed over to its owner"


def file(session: Session, es_id: str, *, by: Caller, at: datetime) -> Seal:
    """Enter a made seal in the register: NotFound, SealNotInForce."""
    life.find(session, es_id, by=by)
    return life.move(session, es_id, SealState.FILED, reason=FILED, by=by, at=at)


def hand_over(session: Session, es_id: str, *, by: Caller, at: datetime) -> Seal:
    """Put a filed seal in force: NotFound, SealNotInForce."""
    life.find(session, es_id, by=by)
    if session.get_one(Seal, es_id).state != SealState.FILED:
        raise life.SealNotInForce(f"seal {es_id} is not waiting to be handed over")
    return life.move(session, es_id, SealState.ACTIVE, reason=HANDED_OVER, by=by, at=at)


def make_and_file(
    sessions: Sessions, key: UUID, *, maker: Maker, keys: KeyStore, by: Caller, at: datetime
) -> Seal:
    """Make, file and hand over, as the making-and-management unit does; said again it goes on where
    a crash stopped it. NotApproved when the seal is in force or has ended already."""
    with sessions() as session:
        row = life.find_request(session, key)
        make.check_maker(row, by=by)
        es_id = row.es_id if row.state == RequestState.MADE else None
    if es_id is None:
        es_id = make.make(sessions, key, maker=maker, keys=keys, by=by, at=at).es_id
    with sessions.begin() as session:
        state = session.get_one(Seal, es_id).state
        if state not in (SealState.MADE, SealState.FILED):
            raise NotApproved(f"application {key} has seal {es_id}, which is {state}")
        if state == SealState.MADE:
            file(session, es_id, by=by, at=at)
        return hand_over(session, es_id, by=by, at=at)
