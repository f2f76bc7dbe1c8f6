"""Grants: what a person let a platform have, until it is taken back; and remembered consent."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import JSON, ForeignKey, String, Table, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from sso.client import Client
from trust import audit
from trust.access import Caller
from trust.db import Base, UTCDateTime
from trust.errors import NotFound


class Grant(Base):
    """One authorization by one person for one platform; every token of it names it ("gid").

    `scopes` are those granted; `claims` the claims parameter of the request; `resources` the
    audiences; `acting_for` the organisation in whose name; `session_id` the browser session
    ("sid"); `offline`: may be used when the person is away (Core, 11).
    """

    __tablename__ = "grant"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"), index=True)
    session_id: Mapped[str | None] = mapped_column(String(22), index=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    claims: Mapped[dict[str, Any]] = mapped_column(JSON)
    resources: Mapped[list[str]] = mapped_column(JSON)
    acting_for: Mapped[str | None] = mapped_column(ForeignKey("account.name"))
    offline: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_reason: Mapped[str | None] = mapped_column(String(64))


class ConsentRow(Base):
    """What a person has agreed to for a platform, so that it is not asked again."""

    __tablename__ = "consent"

    account: Mapped[str] = mapped_column(ForeignKey("account.name"), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"), primary_key=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    claims: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


# Built once: building a statement costs as much as running it.
_ADD = insert(cast(Table, Grant.__table__))
_CONSENT = select(ConsentRow.scopes, ConsentRow.claims).where(
    ConsentRow.account == bindparam("whose"), ConsentRow.client_id == bindparam("for_whom")
)


def begin_grant(
    session: Session, *, account: str, client_id: str, scopes: Iterable[str], at: datetime,
    session_id: str | None = None, claims: Mapping[str, Any] | None = None,
    resources: Iterable[str] = (), acting_for: str | None = None,
) -> Grant:  # fmt: skip
    """A new grant, in the caller's transaction; the value is what was written, not a loaded row."""
    granted = list(scopes)
    values: dict[str, Any] = {
        "id": secrets.token_urlsafe(16), "account": account, "client_id": client_id,
        "session_id": session_id, "scopes": granted, "claims": dict(claims or {}),
        "resources": list(resources), "acting_for": acting_for,
        "offline": "offline_access" in granted, "created_at": at,
    }  # fmt: skip
    session.flush()  # an account or session that was only added is named by it
    session.connection().execute(_ADD, values)
    return Grant(**values)


def revoke_grant(session: Session, grant_id: str, *, at: datetime, reason: str) -> Grant | None:
    """Take a grant back, for good; None if it is unknown or was revoked before.

    The caller audits: only they know what happened (a replay, a wish, a logout).
    """
    return session.scalar(
        update(Grant)
        .where(Grant.id == grant_id, Grant.revoked_at.is_(None))
        .values(revoked_at=at, revoked_reason=reason)
        .returning(Grant),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )


def of_account(session: Session, account: str) -> list[Grant]:
    """The grants of a person that are in force, newest first; 500 at most."""
    live = select(Grant).where(Grant.account == account, Grant.revoked_at.is_(None))
    return list(session.scalars(live.order_by(Grant.created_at.desc()).limit(500)))


def withdraw(
    session: Session, account: str, client_id: str, *, by: Caller, at: datetime
) -> list[str]:
    """A person ends a platform's access: every grant revoked, the consent forgotten.

    Returns the ids of the grants; NotFound when the platform had no access.
    """
    consent = session.get(ConsentRow, (account, client_id))
    ended = session.scalars(
        update(Grant)
        .where(
            Grant.account == account, Grant.client_id == client_id, Grant.revoked_at.is_(None)
        )
        .values(revoked_at=at, revoked_reason="withdrawn")
        .returning(Grant.id),
        execution_options={"synchronize_session": False},
    ).all()  # fmt: skip
    if consent is None and not ended:
        raise NotFound("this platform has no access")
    if consent is not None:
        session.delete(consent)
    details: dict[str, audit.JSON] = {"client": client_id, "grants": len(ended)}
    audit.record(session, "access.withdrawn", subject=account, by=by, at=at, details=details)
    return list(ended)


def consent_needed(
    session: Session, client: Client, account: str, *, scopes: Iterable[str],
    claims: Mapping[str, Any],
) -> bool:  # fmt: skip
    """Whether the person must be asked before this platform gets these scopes and claims."""
    if client.first_party:
        return False
    wanted = {"whose": account, "for_whom": client.client_id}
    known = session.connection().execute(_CONSENT, wanted).first()
    if known is None:
        return True
    return not (set(scopes) <= set(known.scopes) and claim_names(claims) <= set(known.claims))


def remember(
    session: Session, account: str, client_id: str, *, scopes: Iterable[str],
    claims: Mapping[str, Any], at: datetime,
) -> None:  # fmt: skip
    """Add to what a person has agreed to for a platform."""
    row = session.get(ConsentRow, (account, client_id))
    if row is None:
        try:
            with session.begin_nested():
                row = ConsentRow(account=account, client_id=client_id, scopes=[], claims=[], at=at)
                session.add(row)
        except IntegrityError:  # agreed in another tab at the same moment
            row = session.get_one(ConsentRow, (account, client_id), populate_existing=True)
    row.scopes = sorted(set(row.scopes) | set(scopes))
    row.claims = sorted(set(row.claims) | claim_names(claims))
    row.at = at


def claim_names(claims: Mapping[str, Any]) -> set[str]:
    """The names in a parsed claims parameter, wherever they shall appear."""
    return {name for place in ("userinfo", "id_token") for name in claims.get(place) or {}}
