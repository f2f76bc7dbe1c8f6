"""Authorising an office (依授权): one office, one licence, one purpose, until a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from certificates.purpose import Purpose
from certificates.wallet.holder_models import HolderGrant
from trust import audit, identifiers
from trust.access import Caller
from trust.errors import Invalid, NotFound

LONGEST: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave that holds now."""

    id: UUID
    licence: str
    office: str
    purpose: Purpose
    until: datetime


def grant(
    session: Session, licence: str, *, office: str, purpose: Purpose, until: datetime, by: Caller,
    at: datetime,
) -> HolderGrant:  # fmt: skip
    """Let an office (by its USCC) have a licence for a purpose, in the caller's transaction.

    That the licence is the caller's to give was checked before (`Held.disposing`). Invalid, or
    InvalidIdentifier for a code that is none.
    """
    identifiers.check_uscc(office)
    if not at < until <= at + LONGEST:
        raise Invalid(f"an authorisation ends in the future, in {LONGEST.days} days at most")
    row = HolderGrant(
        id=uuid4(), licence=licence, office=office, cause=purpose.cause,
        item_code=purpose.item_code, matter=purpose.matter, until=until, granted_by=by.account,
        granted_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    details: dict[str, audit.JSON] = {
        "grant": str(row.id), "office": office, "item": purpose.item_code,
        "until": until.isoformat(),
    }  # fmt: skip
    audit.record(session, "licence.authorised", subject=licence, by=by, at=at, details=details)
    return row


def revoke(session: Session, key: UUID, *, licence: str, by: Caller, at: datetime) -> None:
    """Take leave back; it counts from the next use on. NotFound for another licence's, or one that
    was taken back before."""
    ended = session.scalar(
        update(HolderGrant)
        .where(
            HolderGrant.id == key, HolderGrant.licence == licence, HolderGrant.revoked_at.is_(None)
        )
        .values(revoked_at=at, revoked_by=by.account)
        .returning(HolderGrant.office)
    )
    if ended is None:
        raise NotFound("no such authorisation")
    audit.record(
        session, "licence.authorisation_revoked", subject=licence, by=by, at=at,
        details={"grant": str(key), "office": ended},
    )  # fmt: skip


def of_licence(session: Session, licence: str, *, limit: int = 100) -> list[HolderGrant]:
    """Every leave that was given for a licence, newest first."""
    mine = select(HolderGrant).where(HolderGrant.licence == licence)
    return list(session.scalars(mine.order_by(HolderGrant.granted_at.desc()).limit(limit)))


def granted(
    session: Session, licence: str, office_code: str, purpose: Purpose, at: datetime
) -> Grant | None:
    """The leave by which an office may have a licence for a purpose now, if there is one.

    A leave that names an item is for that item; one that does not is for its very words.
    """
    rows = session.scalars(
        select(HolderGrant)
        .where(
            HolderGrant.licence == licence, HolderGrant.office == office_code,
            HolderGrant.revoked_at.is_(None), HolderGrant.granted_at <= at, HolderGrant.until > at,
        )
        .order_by(HolderGrant.until.desc())
        .limit(100)
    )  # fmt: skip
    for row in rows:
        same = row.item_code == purpose.item_code if row.item_code else row.cause == purpose.cause
        if same:
            return Grant(row.id, row.licence, row.office, purpose, row.until)
    return None
