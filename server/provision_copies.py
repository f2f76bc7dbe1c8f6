"""The region's seal for purpose-marked copies (加注件): made when the region is set up, and for an
older home when `trust init` is run again.

It belongs to the platform itself, not to an authority (`copy_mark.sealer`), and goes through the
same life as any seal: applied for, approved, made, filed. Afterwards the region's own seal
administrators freeze it, end it and have it made anew.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates import registry
from certificates.wallet import copy_mark
from seal import decide, file, life, request
from seal.life_models import RequestState, SealRequest
from seal.models import Seal, SealKind, SealState
from seal.picture import Rank
from seal.request import Wanted
from server.platform import Platform
from server.provision_seals import seal_maker
from trust.access import SYSTEM, Caller, Role

PURPOSE: Final = "证照服务专用章"
#: Nobody has an account before the region stands: applying is the operator's, approving the act of
#: setting up, making the platform's.
_APPLICANT, _APPROVER = "operator", "provision"
_OPEN: Final = (RequestState.APPLIED, RequestState.APPROVED, RequestState.MADE)


def create(platform: Platform, *, at: datetime) -> None:
    """The seal for copies, unless there is one that has not ended. Said again after a crash it goes
    on where that was."""
    with platform.sessions.begin() as session:
        region = registry.region(session)
        owner, name = copy_mark.sealer(region.code), f"{region.name}电子证照平台"
        states = session.scalars(select(Seal.state).where(Seal.owner == owner)).all()
        waiting = (SealState.MADE, SealState.FILED)
        if any(state not in life.ENDED and state not in waiting for state in states):
            return
        key = _applied(session, owner, name, at=at)
    file.make_and_file(
        platform.sessions, key, maker=seal_maker(platform, at=at), keys=platform.keys, by=SYSTEM,
        at=at,
    )  # fmt: skip


def _applied(session: Session, owner: str, name: str, *, at: datetime) -> UUID:
    """An approved application: the one a crash left, or a new one."""
    left = session.scalars(
        select(SealRequest).where(SealRequest.owner == owner, SealRequest.state.in_(_OPEN))
    ).all()
    living = [row for row in left if row.es_id is None or _lives(session, row.es_id)]
    if living:
        key, state = living[0].id, living[0].state
    else:
        by = Caller(_APPLICANT, owner, frozenset({Role.OPERATOR}))
        wanted = Wanted(SealKind.SPECIAL, name + PURPOSE, Rank.SPECIAL)
        made = request.request(session, wanted, owner=owner, owner_name=name, by=by, at=at)
        key, state = made.id, made.state
    if state == RequestState.APPLIED:
        administrator = Caller(_APPROVER, None, frozenset({Role.SEAL_ADMIN}))
        decide.approve(session, key, by=administrator, at=at)
    return key


def _lives(session: Session, es_id: str) -> bool:
    return session.get_one(Seal, es_id).state not in life.ENDED
