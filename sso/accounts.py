"""Accounts made and looked up."""

import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from sso.models import Account, AccountRole
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, Forbidden, Invalid, NotFound

#: 三员: the three administrators of GB/T 22239, level 3 are never one person.
EXCLUSIVE = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
#: Accounts that the audit log names without there being any.
RESERVED = frozenset({"system", "operator", "public", "anonymous", "root"})
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


def create(
    session: Session, name: str, *, display_name: str, authority: str | None,
    roles: Iterable[Role], by: Caller, at: datetime,
) -> Account:  # fmt: skip
    """A new account, inside the caller's transaction; Invalid or Conflict."""
    wanted = frozenset(roles)
    if name in RESERVED:
        raise Invalid(f"{name!r} is what the log calls the platform itself or nobody in particular")
    if not _NAME.fullmatch(name):
        raise Invalid("an account's name is 2 to 64 of a-z, 0-9, dot, dash, underscore")
    if len(wanted & EXCLUSIVE) > 1:
        raise Invalid("system, security and audit administrator are three people")
    if session.get(Account, name) is not None:
        raise Conflict(f"account {name} exists")
    account = Account(
        name=name, display_name=display_name, authority=authority, active=True, created_at=at,
        roles=[AccountRole(role=str(role)) for role in sorted(wanted)],
    )  # fmt: skip
    session.add(account)
    details = {"authority": authority or "", "roles": sorted(map(str, wanted))}
    audit.record(session, "account.created", subject=name, by=by, at=at, details=details)
    return account


def caller(session: Session, name: str) -> Caller:
    """The acting value of an account; NotFound, or Forbidden when it was closed."""
    account = session.get(Account, name)
    if account is None:
        raise NotFound(f"no account {name}")
    if not account.active:
        raise Forbidden(f"account {name} is closed")
    roles = frozenset(Role(row.role) for row in account.roles)
    return Caller(account=account.name, authority=account.authority, roles=roles)
