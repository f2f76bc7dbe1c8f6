"""Entrusting an agent (委托): somebody may use a holder's licences for a matter, until a day.

An agent looks, shows and has copies made; only the holder says who else may have the licences. An
entrustment is never changed: it is revoked, and another given.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from certificates.models import Licence, LicenceHolder
from certificates.purpose import purpose
from certificates.search import HOLDER
from certificates.wallet.holder import Party
from certificates.wallet.holder_models import Entrustment
from trust import audit
from trust.access import Caller
from trust.errors import Conflict, Invalid, NotFound
from trust.vault import Vault

LONGEST: Final = timedelta(days=3 * 365)
#: Of one holder, in force at once; more are nobody's to oversee.
MOST: Final = 200


class TooManyEntrusted(Conflict):
    code = "too_many_entrusted"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is entrusted: one licence, or all of a type, or (neither) all there are and will be;
    `matter` says in words for what."""

    matter: str
    until: datetime
    licence: str | None = None
    type_code: str | None = None


def entrust(
    session: Session, vault: Vault, principal: Party, agent: str, terms: Terms, *, shown: str,
    by: Caller, at: datetime,
) -> Entrustment:  # fmt: skip
    """Let the account `agent` use a holder's licences, in the caller's transaction.

    That `by` speaks for the principal, and that a named licence is theirs, the caller has checked;
    `shown` is the principal's name as others may see it. Invalid or TooManyEntrusted.
    """
    _check(principal, agent, terms, by=by, at=at)
    index = vault.index(principal.code, column=HOLDER)
    given = select(func.count()).where(
        Entrustment.principal_index == index, Entrustment.revoked_at.is_(None),
        Entrustment.until > at,
    )  # fmt: skip
    if (session.scalar(given) or 0) >= MOST:
        raise TooManyEntrusted(f"at most {MOST} entrustments at once; revoke some first")
    row = Entrustment(
        id=uuid4(), principal_index=index, principal_public=shown, agent=agent,
        licence=terms.licence, type_code=terms.type_code, matter=purpose(terms.matter).cause,
        until=terms.until, granted_by=by.account, granted_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    details: dict[str, audit.JSON] = {
        "agent": agent, "licence": terms.licence, "type": terms.type_code,
        "until": terms.until.isoformat(),
    }  # fmt: skip
    audit.record(
        session, "licence.entrusted", subject=str(row.id), by=by, at=at, details=details
    )  # fmt: skip
    return row


def _check(principal: Party, agent: str, terms: Terms, *, by: Caller, at: datetime) -> None:
    if agent in (by.account, principal.account):
        raise Invalid("nobody entrusts themselves")
    if terms.licence is not None and terms.type_code is not None:
        raise Invalid("one licence, or one type, not both")
    if not at < terms.until <= at + LONGEST:
        raise Invalid(f"an entrustment ends in the future, in {LONGEST.days} days at most")


def revoke(session: Session, key: UUID, *, index: bytes | None, by: Caller, at: datetime) -> None:
    """End an entrustment: the principal (whose code hashes to `index`) and the agent may.

    NotFound for one that is not there, has ended, or is neither's.
    """
    theirs = Entrustment.agent == by.account
    if index is not None:
        theirs = or_(theirs, Entrustment.principal_index == index)
    ended = session.scalar(
        update(Entrustment)
        .where(Entrustment.id == key, Entrustment.revoked_at.is_(None), theirs)
        .values(revoked_at=at, revoked_by=by.account)
        .returning(Entrustment.id)
    )
    if ended is None:
        raise NotFound("no such entrustment")
    audit.record(session, "licence.entrustment_revoked", subject=str(key), by=by, at=at)


def given(session: Session, index: bytes, *, limit: int = 100) -> list[Entrustment]:
    """What a holder (by the hash of their code) has entrusted, newest first, the past with it."""
    mine = select(Entrustment).where(Entrustment.principal_index == index)
    return list(session.scalars(mine.order_by(Entrustment.granted_at.desc()).limit(limit)))


def held(session: Session, agent: str, *, at: datetime) -> list[Entrustment]:
    """What an agent was entrusted with and has now."""
    rows = session.scalars(
        select(Entrustment)
        .where(Entrustment.agent == agent, Entrustment.revoked_at.is_(None), Entrustment.until > at)
        .order_by(Entrustment.granted_at)
        .limit(MOST)
    )
    return list(rows)


def entrusted(session: Session, licence: str, *, agent: str, at: datetime) -> Entrustment | None:
    """The entrustment by which an account may use a licence at a time, the one that ends last."""
    first = select(Licence.holder_index).where(Licence.identifier == licence)
    others = select(LicenceHolder.code_index).where(LicenceHolder.licence == licence)
    of_type = select(Licence.type_code).where(Licence.identifier == licence).scalar_subquery()
    return session.scalar(
        select(Entrustment)
        .where(
            Entrustment.agent == agent,
            Entrustment.revoked_at.is_(None),
            Entrustment.until > at,
            or_(Entrustment.principal_index.in_(first), Entrustment.principal_index.in_(others)),
            or_(Entrustment.licence.is_(None), Entrustment.licence == licence),
            or_(Entrustment.type_code.is_(None), Entrustment.type_code == of_type),
        )
        .order_by(Entrustment.until.desc())
        .limit(1)
    )
