"""Who may act for an organisation: its legal representative (法定代表人) and its agents (经办人).

An agency is given by the organisation's own account or its legal representative, says in what scope
and until when, and is never changed: it is revoked, and another given.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from sso import accounts, particulars
from sso.models import Account, AccountKind
from sso.people_models import Agency, Capacity
from trust import audit
from trust.access import SYSTEM, Caller
from trust.errors import Conflict, Forbidden, Invalid, NotFound

SCOPE_MAX: Final = 200
#: An agent's authorisation ends after so long at the latest, and is given again.
LONGEST: Final = timedelta(days=3 * 365)
#: Agencies of one organisation that were not revoked; more are nobody's to oversee.
MOST: Final = 1000


class MayNotAct(Forbidden):
    """Nobody gave this person the right to act for this organisation now."""

    code = "may_not_act"


class TooManyAgents(Conflict):
    code = "too_many_agents"


def grant(
    session: Session, *, organisation: str, agent: str, capacity: Capacity, scope: str,
    not_before: datetime, not_after: datetime | None, by: Caller, at: datetime,
) -> Agency:  # fmt: skip
    """Let a person act for an organisation; both by their account's name.

    The organisation's own account may, and its legal representative may appoint agents; the
    platform itself may what a registry or an import says. `scope` is what for, in words. NotFound,
    Invalid, MayNotAct, or TooManyAgents.
    """
    body, person = accounts.find(session, organisation), accounts.find(session, agent)
    if body.kind != AccountKind.LEGAL or person.kind != AccountKind.NATURAL:
        raise Invalid("a natural person acts for a legal person")
    check_may_appoint(session, organisation, capacity, by=by, at=at)
    _check_time(capacity, not_before, not_after, at=at)
    given = select(func.count()).where(
        Agency.organisation == organisation, Agency.revoked_at.is_(None)
    )
    if (session.scalar(given) or 0) >= MOST:
        raise TooManyAgents("the organisation has too many agents; revoke some first")
    row = Agency(
        organisation=organisation, agent=agent, capacity=capacity, not_before=not_before,
        scope=particulars.text("scope", scope, SCOPE_MAX), not_after=not_after,
        granted_by=by.account, granted_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    details: dict[str, audit.JSON] = {
        "agency": row.id, "agent": agent, "capacity": capacity,
        "not_after": not_after.isoformat() if not_after else "",
    }  # fmt: skip
    audit.record(session, "agency.granted", subject=organisation, by=by, at=at, details=details)
    return row


def check_may_appoint(
    session: Session, organisation: str, capacity: Capacity, *, by: Caller, at: datetime
) -> None:
    """MayNotAct unless the caller may; to be asked before anything is told of whom they name."""
    if by == SYSTEM or by.account == organisation:
        return
    if capacity is Capacity.AGENT and _is_representative(session, by.account, organisation, at=at):
        return
    raise MayNotAct("agents are appointed by the organisation or its legal representative")


def _check_time(
    capacity: Capacity, not_before: datetime, not_after: datetime | None, *, at: datetime
) -> None:
    if not_after is None:
        if capacity is Capacity.AGENT:
            raise Invalid("an agent's authorisation has an end date")
        return
    if not_after <= max(not_before, at):
        raise Invalid("the authorisation ends before it begins, or has ended")
    if capacity is Capacity.AGENT and not_after - not_before > LONGEST:
        raise Invalid(f"an agent is authorised for {LONGEST.days} days at most")


def revoke(session: Session, agency_id: int, *, by: Caller, at: datetime) -> Agency:
    """End an agency; the organisation, its legal representative and the agent may.

    NotFound for one that is not there, has been revoked, or is not the caller's to see.
    """
    found = session.get(Agency, agency_id)
    if found is None or not _may_revoke(session, found, by=by, at=at):
        raise NotFound("no such authorisation")
    ended: Agency | None = session.scalar(
        update(Agency)
        .where(Agency.id == agency_id, Agency.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(Agency),
        execution_options={"populate_existing": True},
    )
    if ended is None:
        raise NotFound("no such authorisation")
    details: dict[str, audit.JSON] = {"agency": agency_id, "agent": ended.agent}
    audit.record(
        session, "agency.revoked", subject=ended.organisation, by=by, at=at, details=details
    )
    return ended


def _may_revoke(session: Session, agency: Agency, *, by: Caller, at: datetime) -> bool:
    if by == SYSTEM or by.account in (agency.organisation, agency.agent):
        return True
    return _is_representative(session, by.account, agency.organisation, at=at)


def acting_for(session: Session, agent: str, *, at: datetime) -> list[Agency]:
    """The agencies that a person has at a time, of organisations that are active."""
    return _in_force(session, Agency.agent == agent, at=at)


def agents_of(session: Session, organisation: str, *, at: datetime) -> list[Agency]:
    """The agencies that an active organisation has given and that are in force."""
    return _in_force(session, Agency.organisation == organisation, at=at)


def may_act(session: Session, agent: str, organisation: str, *, at: datetime) -> Agency:
    """The agency by which a person acts for an organisation, the strongest; MayNotAct."""
    both = (Agency.agent == agent) & (Agency.organisation == organisation)
    found = _in_force(session, both, at=at)
    if not found:
        raise MayNotAct("this person is not authorised to act for this organisation")
    strongest = [each for each in found if each.capacity == Capacity.LEGAL_REPRESENTATIVE]
    return (strongest or found)[0]


def _in_force(session: Session, whose: ColumnElement[bool], *, at: datetime) -> list[Agency]:
    rows = session.scalars(
        select(Agency)
        .join(Account, Account.name == Agency.organisation)
        .where(
            whose,
            Account.active,
            Agency.revoked_at.is_(None),
            Agency.not_before <= at,
            or_(Agency.not_after.is_(None), Agency.not_after > at),
        )
        .order_by(Agency.granted_at, Agency.id)
        .limit(MOST)
    )
    return list(rows)


def _is_representative(session: Session, agent: str, organisation: str, *, at: datetime) -> bool:
    try:
        found = may_act(session, agent, organisation, at=at)
    except MayNotAct:
        return False
    return found.capacity == Capacity.LEGAL_REPRESENTATIVE
