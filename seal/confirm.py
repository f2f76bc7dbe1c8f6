"""Uses that want a second person: asked for by one, confirmed by another, then good for one use."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from seal import covering, ledger, life
from seal.grant_models import SealUseRequest, UseState
from seal.ledger import Use
from seal.models import Seal
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, Forbidden, NotFound

#: A confirmation that was not used in this time is worth nothing any more.
GOOD_FOR: Final = timedelta(hours=24)
_CONFIRMERS: Final = frozenset({Role.APPROVER, Role.SEAL_ADMIN})


class NotConfirmed(Conflict):
    """The use is not confirmed by a second person, or no longer."""

    code = "seal_use_not_confirmed"


def ask(session: Session, use: Use, *, by: Caller, at: datetime) -> SealUseRequest:
    """Ask for one use, for the case it names: NotFound, or Forbidden without such a grant."""
    ledger.check(use)
    seal = session.get(Seal, use.seal)
    if seal is None:
        raise NotFound(f"no seal {use.seal[:40]}")
    found = covering.covering(session, use, owner=seal.owner, by=by, at=at)
    key = next((row.grant for row in found if row.second_person), None)
    if key is None:
        raise covering.NotGranted(f"no grant with a second person lets {by.account} use {use.seal}")
    row = SealUseRequest(
        id=uuid4(), grant=key, seal=use.seal, case=use.case, document=use.document,
        state=UseState.ASKED, asked_by=by.account, asked_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(session, "seal.use_asked", subject=use.seal, by=by, at=at,
                 details={"use": str(row.id), "case": use.case})  # fmt: skip
    return row


def confirm(session: Session, key: UUID, *, by: Caller, at: datetime) -> SealUseRequest:
    """Confirm a use that somebody else asked for: NotFound, Forbidden, SamePerson, Conflict."""
    row = session.get(SealUseRequest, key)
    seal = session.get(Seal, row.seal) if row is not None else None
    if row is None or seal is None or by.authority != seal.owner:
        raise NotFound(f"no use {key} to confirm")
    if not by.roles & _CONFIRMERS:
        raise Forbidden("an approver or seal administrator of the owner confirms a use")
    if by.account == row.asked_by:
        raise life.SamePerson("nobody confirms a use that they asked for")
    won = session.scalar(
        update(SealUseRequest)
        .where(SealUseRequest.id == key, SealUseRequest.state == UseState.ASKED)
        .values(state=UseState.CONFIRMED, confirmed_by=by.account, confirmed_at=at,
                good_until=at + GOOD_FOR)
        .returning(SealUseRequest.id)
    )  # fmt: skip
    session.refresh(row)
    if won is None:
        raise Conflict(f"the use {key} is {row.state}")
    audit.record(session, "seal.use_confirmed", subject=row.seal, by=by, at=at,
                 details={"use": str(key), "case": row.case})  # fmt: skip
    return row


def spend(session: Session, grant: UUID, use: Use, *, by: Caller, at: datetime) -> bool:
    """Take one confirmation for this case, asked for by the same person; False without any.

    The oldest goes first; one statement spends it, so no two uses have the same.
    """
    mine = (
        SealUseRequest.grant == grant, SealUseRequest.seal == use.seal,
        SealUseRequest.case == use.case, SealUseRequest.asked_by == by.account,
        SealUseRequest.state == UseState.CONFIRMED, SealUseRequest.good_until >= at,
    )  # fmt: skip
    oldest = select(SealUseRequest.id).where(*mine).order_by(SealUseRequest.asked_at).limit(1)
    spent = session.scalar(
        update(SealUseRequest)
        .where(SealUseRequest.id == oldest.scalar_subquery(), *mine)
        .values(state=UseState.SPENT)
        .returning(SealUseRequest.id)
    )
    return spent is not None


def waiting(session: Session, owner: str) -> list[SealUseRequest]:
    """What an owner's people may confirm, oldest first."""
    return list(session.scalars(
        select(SealUseRequest)
        .join(Seal, Seal.es_id == SealUseRequest.seal)
        .where(Seal.owner == owner, SealUseRequest.state == UseState.ASKED)
        .order_by(SealUseRequest.asked_at)
        .limit(200)
    ))  # fmt: skip
