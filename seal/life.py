"""A seal's life: its states, who may move it, and one row of history and audit for every step.

applied -> approved -> made -> filed -> active <-> frozen -> expired | cancelled | invalid
        -> refused
"""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Table, insert, or_, select, update
from sqlalchemy.orm import Session

from seal.life_models import RequestState, SealRequest, SealStep
from seal.models import Seal, SealState
from trust import audit
from trust.access import SYSTEM, Caller, Role
from trust.errors import Conflict, Forbidden, Invalid, NotFound

REASON_MAX = 500

#: From which states a seal can come into each. Making anew brings one from EXPIRED back to ACTIVE
#: (seal.remake); what was unlawfully made is marked whatever became of it since.
BEFORE = {
    SealState.FILED: frozenset({SealState.MADE}),
    SealState.ACTIVE: frozenset({SealState.FILED, SealState.FROZEN}),
    SealState.FROZEN: frozenset({SealState.ACTIVE}),
    SealState.EXPIRED: frozenset({SealState.ACTIVE, SealState.FROZEN}),
    SealState.CANCELLED: frozenset(
        {SealState.MADE, SealState.FILED, SealState.ACTIVE, SealState.FROZEN, SealState.EXPIRED}
    ),
    SealState.INVALID: frozenset(SealState) - {SealState.INVALID},
}
#: After these another seal may have the owner's one statutory name, or the one of a department.
ENDED = frozenset({SealState.CANCELLED, SealState.INVALID})

_STEP = insert(cast(Table, SealStep.__table__))


class SealNotInForce(Conflict):
    """The seal is not in a state that allows the act, or outside its validity."""

    code = "seal_not_in_force"


class SamePerson(Forbidden):
    """Applicant, approver, maker and user of a seal are different people."""

    code = "seal_same_person"


def reason_of(text: str) -> str:
    """A reason as it is kept: 1 to 500 printable characters; Invalid."""
    kept = text.strip()
    if not 0 < len(kept) <= REASON_MAX or not kept.isprintable():
        raise Invalid(f"a reason of 1 to {REASON_MAX} characters is needed, in one line")
    return kept


def require_administrator(by: Caller, *, owner: str) -> None:
    """Forbidden unless `by` administers the owner's seals: its own seal administrator, one of the
    region (bound to no authority), or the platform itself."""
    if by == SYSTEM:
        return
    if not by.has(Role.SEAL_ADMIN) or by.authority not in (owner, None):
        raise Forbidden("only a seal administrator of the owner, or of the region, may do this")


def require_region(by: Caller) -> None:
    """Forbidden unless `by` speaks for the region's making-and-management unit (制作管理单位)."""
    if by != SYSTEM and (not by.has(Role.SEAL_ADMIN) or by.authority is not None):
        raise Forbidden("only the region's own seal administrator may do this")


def find(session: Session, es_id: str, *, by: Caller, readers: Sequence[Role] = ()) -> Seal:
    """A seal that `by` administers, or may read in one of `readers` at its owner (an audit
    administrator bound to no authority: anywhere). Another's seal is not told from none."""
    row = session.get(Seal, es_id)
    if row is None:
        raise NotFound(f"no seal {es_id[:40]}")
    if any(by.has(role) for role in readers) and by.authority in (row.owner, None):
        return row
    try:
        require_administrator(by, owner=row.owner)
    except Forbidden as error:
        raise NotFound(f"no seal {es_id[:40]}") from error
    return row


def find_request(session: Session, key: UUID) -> SealRequest:
    row = session.get(SealRequest, key)
    if row is None:
        raise NotFound(f"no application {key} for a seal")
    return row


def present(row: Seal, *, at: datetime) -> SealState:
    """The state at `at`: a seal whose validity is over has expired before anybody marks it."""
    state = SealState(row.state)
    over = state in BEFORE[SealState.EXPIRED] and at > row.valid_until
    return SealState.EXPIRED if over else state


def step(
    session: Session, state: SealState | RequestState, *, by: Caller, at: datetime,
    request: UUID | None = None, seal: str | None = None, reason: str = "",
) -> None:  # fmt: skip
    """One row of history; the caller writes the audit entry."""
    row = {"request": request, "seal": seal, "state": state, "at": at, "by": by.account,
           "reason": reason}  # fmt: skip
    session.connection().execute(_STEP, row)


def move(
    session: Session, es_id: str, after: SealState, *, reason: str, by: Caller, at: datetime
) -> Seal:
    """Bring a seal into another state; one statement decides. SealNotInForce.

    Who may is the verb's question (seal.file, freeze, cancel, expire).
    """
    allowed = [Seal.es_id == es_id, Seal.state.in_(BEFORE[after])]
    if after in (SealState.ACTIVE, SealState.FROZEN):
        allowed.append(Seal.valid_until >= at)
    moved = session.scalar(
        update(Seal).where(*allowed).values(state=after, state_at=at).returning(Seal.es_id)
    )
    row = session.get_one(Seal, es_id, populate_existing=True)
    if moved is None:
        raise SealNotInForce(f"seal {es_id} is {present(row, at=at)}")
    request = session.scalar(select(SealRequest.id).where(SealRequest.es_id == es_id))
    if after in ENDED and request is not None:
        session.execute(update(SealRequest).where(SealRequest.id == request).values(slot=None))
    step(session, after, request=request, seal=es_id, by=by, at=at, reason=reason)
    audit.record(
        session, f"seal.{after}", subject=es_id, by=by, at=at, details={"owner": row.owner}
    )
    return row


def steps(
    session: Session, *, seal: str | None = None, request: UUID | None = None
) -> list[SealStep]:
    """The history, oldest first, from the application on."""
    if request is None:
        request = session.scalar(select(SealRequest.id).where(SealRequest.es_id == seal))
    mine = [SealStep.request == request] if request is not None else []
    if seal is not None:
        mine.append(SealStep.seal == seal)
    return list(session.scalars(select(SealStep).where(or_(*mine)).order_by(SealStep.id)))
