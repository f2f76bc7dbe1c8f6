"""Using a seal: is it in force, may they, and what was refused is written down.

Taking is part of the transaction that the use belongs to; a refusal undoes that transaction, and
its row in the ledger is committed in one of its own before the refusal goes on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from seal import grants, ledger
from seal.apply import Impression, impression
from seal.ledger import Outcome, Use
from seal.ledger_models import UseResult
from seal.life import SealNotInForce
from seal.models import Seal, SealState
from seal.pdf.sealing import Place
from trust import audit
from trust.access import Caller
from trust.db import Sessions
from trust.errors import TrustError

_SEAL = cast(Table, Seal.__table__)
_STATE: Final = select(_SEAL.c.state, _SEAL.c.sm2_key).where(_SEAL.c.es_id == bindparam("seal"))


class RefusedUse(Exception):
    """Carries a refused use out of its transaction; `recording_refusals` lets it go no further."""

    def __init__(self, use: Use, error: TrustError) -> None:
        super().__init__(str(error))
        self.use, self.error = use, error


@dataclass(frozen=True, slots=True)
class Taken:
    """A use that may go ahead, once."""

    use: Use
    impression: Impression
    grant: UUID


@contextmanager
def recording_refusals(sessions: Sessions, *, by: Caller, at: datetime) -> Iterator[None]:
    """Around the transaction that takes seals: a refusal is in the ledger and the audit log before
    the caller hears of it. A crash in between leaves the use undone and not noted."""
    try:
        yield
    except RefusedUse as refused:
        use, error = refused.use, refused.error
        with sessions.begin() as session:
            ledger.add(session, use, Outcome(UseResult.REFUSED, error.code), by=by, at=at)
            audit.record(
                session, "seal.use_refused", subject=use.seal, by=by, at=at,
                details={"reason": error.code, "case": use.case},
            )  # fmt: skip
        raise error from error.__cause__


def take(session: Session, use: Use, *, by: Caller, at: datetime) -> Taken:
    """Take a seal for one use, inside `recording_refusals`.

    Refused by NotFound, SealNotInForce, NotGranted, SamePerson, CeilingReached or NotConfirmed;
    what was counted or spent is undone with the caller's transaction.
    """
    ledger.check(use)
    try:
        found = impression(session, use.seal, at=at)
        grant = grants.take(session, use, owner=found.owner, by=by, at=at)
    except TrustError as error:
        raise RefusedUse(use, error) from error
    return Taken(use, found, grant)


def take_many(session: Session, uses: Sequence[Use], *, by: Caller, at: datetime) -> list[Taken]:
    """`take` for uses that one person makes at one moment; one that is refused undoes them all.

    Uses of one seal for one type, item and system are alike: under a grant that neither counts nor
    asks for a second person the first one's leave is the others' too.
    """
    found: list[Taken] = []
    alike: dict[tuple[str, ...], Taken | None] = {}
    for use in uses:
        kind = (use.seal, use.type_code, use.item, use.system)
        like = alike.get(kind)
        if like is not None:
            ledger.check(use)
            found.append(replace(like, use=use))
            continue
        taken = take(session, use, by=by, at=at)
        if kind not in alike:
            owner = taken.impression.owner
            unlimited = grants.is_unlimited(session, taken.grant, use, owner=owner, by=by, at=at)
            alike[kind] = taken if unlimited else None
        found.append(taken)
    return found


def require_still_in_force(session: Session, taken: Taken) -> None:
    """SealNotInForce when the seal was frozen, ended or made anew since it was taken: asked in the
    transaction that lets the document out, so that a freeze counts from its commit on."""
    row = session.connection().execute(_STATE, {"seal": taken.use.seal}).one()
    if row.state != SealState.ACTIVE or row.sm2_key != taken.impression.sm2_key:
        raise SealNotInForce(f"seal {taken.use.seal} was changed while it sealed: {row.state}")


def record(
    session: Session, taken: Taken, *, digest: bytes, place: Place, by: Caller, at: datetime,
    time_stamp: str | None = None,
) -> None:  # fmt: skip
    """The ledger's row of a use whose document leaves the platform with this transaction."""
    outcome = Outcome(
        UseResult.USED, grant=taken.grant, digest=digest, place=place, time_stamp=time_stamp
    )
    ledger.add(session, taken.use, outcome, by=by, at=at)
