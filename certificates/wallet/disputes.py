"""A holder says that a licence is wrong: the complaint goes to its issuer and is tracked.

open -> accepted -> resolved (by a re-issue);  open -> refused

Words and answer lie sealed, and are read by the holder's side and the issuer's only.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from certificates.models import Licence
from certificates.wallet.holder_models import Dispute, DisputeState
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, Forbidden, Invalid, NotFound
from trust.vault import Vault

WORDS_MAX: Final = 1000
#: Open at once of one licence, so that nobody buries an issuer.
MOST: Final = 5
#: Who deals with complaints at the issuer.
DESK: Final = frozenset({Role.CLERK, Role.APPROVER})
_LIVING: Final = (DisputeState.OPEN, DisputeState.ACCEPTED)


class NoDispute(NotFound):
    """No such complaint, or not this caller's."""

    code = "no_dispute"


class DisputeDecided(Conflict):
    """The complaint is not in the state that the act wants."""

    code = "dispute_decided"


class TooManyDisputes(Conflict):
    code = "too_many_disputes"


class NotItsReissue(Invalid):
    """The licence named does not follow the one complained about."""

    code = "not_its_reissue"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint opened for one of its two sides. `answer` is empty until it was decided."""

    id: UUID
    licence: str
    authority: str
    state: DisputeState
    words: str
    answer: str
    raised_at: datetime
    decided_at: datetime | None
    resolved_at: datetime | None
    resolved_by_licence: str | None


def raise_(
    session: Session, vault: Vault, licence: str, words: str, *, by: Caller, at: datetime
) -> Dispute:
    """Enter a complaint about a licence that `by` may dispose of (checked by the caller before),
    in the caller's transaction. Invalid, NotFound or TooManyDisputes."""
    authority = session.scalar(select(Licence.authority).where(Licence.identifier == licence))
    if authority is None:
        raise NotFound("no such licence")
    living = select(func.count()).where(Dispute.licence == licence, Dispute.state.in_(_LIVING))
    if (session.scalar(living) or 0) >= MOST:
        raise TooManyDisputes(f"{MOST} complaints about this licence are under way already")
    key = uuid4()
    row = Dispute(
        id=key, licence=licence, authority=authority, state=DisputeState.OPEN,
        words_box=vault.seal(_text(words).encode(), context=_context(key, "words")),
        raised_by=by.account, raised_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _record(session, "raised", row.licence, key, by=by, at=at)
    return row


def decide(
    session: Session, vault: Vault, key: UUID, state: DisputeState, answer: str, *, by: Caller,
    at: datetime,
) -> None:  # fmt: skip
    """The issuer accepts or refuses, with an answer to the holder. NoDispute, Forbidden, Invalid
    or DisputeDecided."""
    if state not in (DisputeState.ACCEPTED, DisputeState.REFUSED):
        raise Invalid("a complaint is accepted or refused")
    row = _of_desk(session, key, by=by)
    box = vault.seal(_text(answer).encode(), context=_context(key, "answer"))
    won = session.scalar(
        update(Dispute)
        .where(Dispute.id == key, Dispute.state == DisputeState.OPEN)
        .values(state=state, answer_box=box, decided_by=by.account, decided_at=at)
        .returning(Dispute.id)
    )
    if won is None:
        raise DisputeDecided(f"the complaint is {row.state}")
    _record(session, str(state), row.licence, key, by=by, at=at)


def resolve(session: Session, key: UUID, *, reissued: str, by: Caller, at: datetime) -> None:
    """Close an accepted complaint by the licence that put it right (`Licence.previous` is the one
    complained about). NoDispute, Forbidden, NotItsReissue or DisputeDecided."""
    row = _of_desk(session, key, by=by)
    named = reissued[:200] if reissued.isprintable() else ""
    previous = session.scalar(select(Licence.previous).where(Licence.identifier == named))
    if previous != row.licence:
        raise NotItsReissue("that licence does not follow the one complained about")
    won = session.scalar(
        update(Dispute)
        .where(Dispute.id == key, Dispute.state == DisputeState.ACCEPTED)
        .values(
            state=DisputeState.RESOLVED, resolved_by=by.account, resolved_at=at,
            resolved_by_licence=reissued,
        )
        .returning(Dispute.id)
    )  # fmt: skip
    if won is None:
        raise DisputeDecided(f"the complaint is {row.state}")
    _record(session, "resolved", row.licence, key, by=by, at=at)


def of_licence(session: Session, vault: Vault, licence: str) -> list[Complaint]:
    """The complaints about a licence, newest first: for whoever may dispose of it."""
    mine = select(Dispute).where(Dispute.licence == licence)
    rows = session.scalars(mine.order_by(Dispute.raised_at.desc()).limit(50))
    return [_open(vault, row) for row in rows]


def of_authority(
    session: Session, vault: Vault, *, by: Caller, living: tuple[DisputeState, ...] = _LIVING
) -> list[Complaint]:
    """The complaints that wait at the caller's own desk, oldest first; Forbidden."""
    if by.roles.isdisjoint(DESK) or by.authority is None:
        raise Forbidden("complaints are for clerks and approvers of the issuer")
    wanted = select(Dispute).where(Dispute.authority == by.authority, Dispute.state.in_(living))
    rows = session.scalars(wanted.order_by(Dispute.raised_at).limit(200))
    return [_open(vault, row) for row in rows]


def _of_desk(session: Session, key: UUID, *, by: Caller) -> Dispute:
    if by.roles.isdisjoint(DESK):
        raise Forbidden("complaints are for clerks and approvers of the issuer")
    row = session.get(Dispute, key)
    if row is None or row.authority != by.authority:
        raise NoDispute("no such complaint")
    return row


def _open(vault: Vault, row: Dispute) -> Complaint:
    answer = (
        vault.unseal(row.answer_box, context=_context(row.id, "answer")).decode()
        if row.answer_box is not None
        else ""
    )
    return Complaint(
        id=row.id, licence=row.licence, authority=row.authority, state=DisputeState(row.state),
        words=vault.unseal(row.words_box, context=_context(row.id, "words")).decode(),
        answer=answer, raised_at=row.raised_at, decided_at=row.decided_at,
        resolved_at=row.resolved_at, resolved_by_licence=row.resolved_by_licence,
    )  # fmt: skip


def _text(words: str) -> str:
    """Several lines are well; control characters are not."""
    kept = words.replace("\r\n", "\n").strip()
    if not 0 < len(kept) <= WORDS_MAX or not kept.replace("\n", "").isprintable():
        raise Invalid(f"say in 1 to {WORDS_MAX} characters what is wrong, or why")
    return kept


def _context(key: UUID, column: str) -> str:
    return f"dispute/{key}/{column}"


def _record(
    session: Session, what: str, licence: str, key: UUID, *, by: Caller, at: datetime
) -> None:
    audit.record(
        session, f"dispute.{what}", subject=licence, by=by, at=at, details={"dispute": str(key)}
    )
