"""The end of an account: suspended by an administrator for a while, or closed for good.

Closing forgets the person: particulars, indexes and credentials go, the account's name stays in the
audit log and tells nothing. A person whose account was closed may register anew.
"""

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from sso import accounts
from sso.end_access import end_access, forget_credentials
from sso.models import Account
from sso.people_models import Agency
from trust import audit
from trust.access import Caller
from trust.audit import AuditEntry
from trust.errors import Conflict

REASON_MAX = 200


class NotInThatState(Conflict):
    """The account is already what it should become, or was closed."""

    code = "account_not_in_that_state"


def suspend(session: Session, account: Account, *, reason: str, by: Caller, at: datetime) -> None:
    """No login until `resume`; MayNotGrant unless a security administrator asks."""
    accounts.check_may_grant(by, to=account.name, authority=account.authority)
    _set_active(account, active=False, at=at)
    session.flush()
    end_access(session, account.name, reason="account suspended", at=at)
    _record(session, "account.suspended", account, reason, by=by, at=at)


def resume(session: Session, account: Account, *, reason: str, by: Caller, at: datetime) -> None:
    """A suspended account acts again; errors as of `suspend`, and a closed one never does."""
    accounts.check_may_grant(by, to=account.name, authority=account.authority)
    closed = (AuditEntry.subject == account.name, AuditEntry.act == "account.closed")
    if session.scalar(select(AuditEntry.sequence).where(*closed).limit(1)) is not None:
        raise NotInThatState(f"account {account.name} was closed for good")
    _set_active(account, active=True, at=at)
    session.flush()
    _record(session, "account.resumed", account, reason, by=by, at=at)


def close(session: Session, account: Account, *, reason: str, by: Caller, at: datetime) -> None:
    """Close an account and forget whose it was; its holder or a security administrator may.

    Irreversible: a crash before the commit leaves everything, after it nothing.
    """
    if by.account != account.name:
        accounts.check_may_grant(by, to=account.name, authority=account.authority)
    account.active, account.updated_at = False, at
    account.key_index = account.mobile_index = account.email_index = None
    account.particulars = None
    account.roles.clear()
    session.flush()
    session.execute(
        update(Agency)
        .where(
            or_(Agency.organisation == account.name, Agency.agent == account.name),
            Agency.revoked_at.is_(None),
        )
        .values(revoked_at=at)
    )
    end_access(session, account.name, reason="account closed", at=at)
    forget_credentials(session, account.name)
    _record(session, "account.closed", account, reason, by=by, at=at)


def _set_active(account: Account, *, active: bool, at: datetime) -> None:
    if account.active is active:
        raise NotInThatState(f"account {account.name} is {'active' if active else 'not active'}")
    account.active, account.updated_at = active, at


def _record(
    session: Session, act: str, account: Account, reason: str, *, by: Caller, at: datetime
) -> None:
    details: dict[str, audit.JSON] = {"reason": reason[:REASON_MAX]}
    audit.record(session, act, subject=account.name, by=by, at=at, details=details)
