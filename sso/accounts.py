"""Accounts made and looked up, and who acts with them."""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from sso.models import Account, AccountRole
from trust import audit, identifiers
from trust.access import SYSTEM, Caller, Role
from trust.errors import Conflict, Forbidden, Invalid, NotFound

#: 三员: the three administrators of GB/T 22239, level 3 are never one person.
EXCLUSIVE = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
#: The platform's own roles: no administrator of one authority gives or takes them.
PLATFORM_ROLES = frozenset({Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN, Role.CA_ADMIN, Role.OPERATOR})
#: What a system may do for its authority. Administration and seals in hand stay with people.
MACHINE_ROLES = frozenset({Role.CLERK, Role.APPROVER, Role.OFFICE})
#: Accounts that the audit log names without there being any.
RESERVED = frozenset({"system", "operator", "public", "anonymous", "root"})
#: Somebody who has not said who they are.
ANONYMOUS: Final = Caller(account="anonymous", authority=None, roles=frozenset())
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_RANDOM_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"


class MayNotGrant(Forbidden):
    """Roles are granted by a security administrator, to others, within their authority."""

    code = "may_not_grant"


def create(
    session: Session, name: str, *, display_name: str, authority: str | None,
    roles: Iterable[Role], by: Caller, at: datetime,
) -> Account:  # fmt: skip
    """A new account without a person's data, inside the caller's transaction; Invalid or Conflict.

    For staff whom their authority names; sso.people makes the accounts of people.
    """
    wanted = frozenset(roles)
    check_name(name)
    check_roles(wanted)
    if session.get(Account, name) is not None:
        raise Conflict(f"account {name} exists")
    account = Account(
        name=name, display_name=display_name, authority=authority, active=True, created_at=at,
        roles=role_rows(wanted),
    )  # fmt: skip
    session.add(account)
    record_created(session, account, by=by, at=at)
    return account


def record_created(session: Session, account: Account, *, by: Caller, at: datetime) -> None:
    details: dict[str, audit.JSON] = {
        "authority": account.authority or "", "roles": sorted(row.role for row in account.roles),
    }  # fmt: skip
    audit.record(session, "account.created", subject=account.name, by=by, at=at, details=details)


def check_name(name: str) -> None:
    """Invalid for a name that no account can have.

    The login box takes names and numbers alike, so a name that reads as a number would catch
    somebody else's login.
    """
    if name in RESERVED:
        raise Invalid(f"{name!r} is what the log calls the platform itself or nobody in particular")
    if not _NAME.fullmatch(name):
        raise Invalid("an account's name is 2 to 64 of a-z, 0-9, dot, dash, underscore")
    if name.isdigit() or is_number(name.upper()):
        raise Invalid("an account's name must not be a number that people log in with")


def is_number(text: str) -> bool:
    """Does it read as a citizen ID or USCC?"""
    if len(text) != 18:
        return False
    for check in (identifiers.check_citizen_id, identifiers.check_uscc):
        try:
            check(text)
        except identifiers.InvalidIdentifier:
            continue
        return True
    return False


def random_name(prefix: str) -> str:
    """A name that tells nothing: the prefix and 12 random characters (60 bits)."""
    return prefix + "".join(secrets.choice(_RANDOM_ALPHABET) for _ in range(12))


def check_roles(wanted: frozenset[Role]) -> None:
    """Invalid for roles that never meet in one account."""
    if len(wanted & EXCLUSIVE) > 1:
        raise Invalid("system, security and audit administrator are three people")


def check_machine_roles(wanted: frozenset[Role]) -> None:
    """Invalid for roles that only a person has."""
    if not wanted or not wanted <= MACHINE_ROLES:
        raise Invalid(f"a machine account's roles are of {', '.join(sorted(MACHINE_ROLES))}")


def check_may_grant(
    by: Caller, *, to: str, authority: str | None, roles: Iterable[Role] = ()
) -> None:
    """MayNotGrant unless `by` may give (or take) the account `to` these roles in an authority.

    A security administrator bound to an authority grants within it only and never the platform's
    own roles, and nobody to themselves. The platform itself may: somebody has to make the first
    security administrator.
    """
    if by == SYSTEM:
        return
    if not by.has(Role.SECURITY_ADMIN):
        raise MayNotGrant("roles are granted by a security administrator")
    if by.account == to:
        raise MayNotGrant("nobody grants roles to themselves")
    if by.authority is not None and by.authority != authority:
        raise MayNotGrant("a security administrator grants within their own authority")
    if by.authority is not None and not PLATFORM_ROLES.isdisjoint(roles):
        raise MayNotGrant("the platform's own roles are granted by the platform's administrator")


def role_rows(wanted: frozenset[Role]) -> list[AccountRole]:
    return [AccountRole(role=str(role)) for role in sorted(wanted)]


def find(session: Session, name: str) -> Account:
    """An account that may act; NotFound, or Forbidden when it was closed."""
    account = session.get(Account, name)
    if account is None:
        raise NotFound(f"no account {name}")
    if not account.active:
        raise Forbidden(f"account {name} is closed")
    return account


def caller(session: Session, name: str) -> Caller:
    """The acting value of an account; NotFound, or Forbidden when it was closed."""
    account = find(session, name)
    roles = frozenset(Role(row.role) for row in account.roles)
    return Caller(account=account.name, authority=account.authority, roles=roles)


def is_staff(account: Account) -> bool:
    """Does it act for an authority or the platform? Staff prove themselves by two factors."""
    return bool(account.roles)
