"""Machine accounts: accounts with which nobody logs in, each what one platform acts as.

A business system calls with a token of its own (client_credentials, RFC 6749, 4.4). Whose roles it
has then is told here: a security administrator makes the account with roles in an authority, a
system administrator ties a platform to it. Both, and the roles, are looked up at every request, so
that switching either off ends the access at once, whatever tokens there are.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sso import accounts, clients, scopes
from sso.client_models import ClientRow
from sso.models import Account, AccountKind, AccountRole
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, Forbidden, Invalid, NotFound

PREFIX: Final = "m"
NAME_MAX: Final = 100
#: Applications and ledgers name the platform by its id, in columns of this length.
CLIENT_MAX: Final = 64


class NotAMachine(Conflict):
    """People act by logging in; only a machine account is tied to a platform."""

    code = "not_a_machine_account"


class MachineTaken(Conflict):
    """The account is another platform's, or the platform has one already."""

    code = "machine_account_taken"


class NotFitForMachine(Conflict):
    """A platform that can get no token of its own: the grant client_credentials and the scope
    trust are needed."""

    code = "client_not_for_machines"


def add(
    session: Session, *, display_name: str, authority: str, roles: Iterable[Role], by: Caller,
    at: datetime, name: str | None = None,
) -> Account:  # fmt: skip
    """A machine account, inside the caller's transaction; `name` is made up when None.

    `authority` is the USCC of the body whose system it is, which the caller knows to exist.
    Invalid, Conflict for a name that is taken, MayNotGrant.
    """
    wanted = frozenset(roles)
    accounts.check_machine_roles(wanted)
    known_as = name or accounts.random_name(PREFIX)
    accounts.check_name(known_as)
    accounts.check_may_grant(by, to=known_as, authority=authority, roles=wanted)
    if not (0 < len(display_name.strip()) <= NAME_MAX and display_name.isprintable()):
        raise Invalid(f"a machine account's name to show is 1 to {NAME_MAX} printable characters")
    if session.get(Account, known_as) is not None:
        raise Conflict(f"account {known_as} exists")
    account = Account(
        name=known_as, kind=AccountKind.MACHINE, display_name=display_name.strip(),
        authority=authority, active=True, created_at=at, roles=accounts.role_rows(wanted),
    )  # fmt: skip
    session.add(account)
    session.flush()
    accounts.record_created(session, account, by=by, at=at)
    return account


def tie(session: Session, client_id: str, account: str, *, by: Caller, at: datetime) -> None:
    """Let a platform act as a machine account, in the caller's transaction.

    NotFound, NotFitForMachine, NotAMachine, MachineTaken; Forbidden for anyone but a system
    administrator.
    """
    _check_may(by)
    client = session.get(ClientRow, client_id)
    if client is None:
        raise NotFound("there is no such client")
    _check_fit(client)
    row = session.get(Account, account)
    if row is None:
        raise NotFound(f"no account {account}")
    if row.kind != AccountKind.MACHINE or not row.active:
        raise NotAMachine(f"{account} is not a machine account that may act")
    free = ClientRow.machine_account.is_(None)
    tying = update(ClientRow).where(ClientRow.client_id == client_id, free)
    try:
        tied = session.scalar(
            tying.values(machine_account=account, updated_at=at).returning(ClientRow.client_id)
        )
    except IntegrityError as error:
        raise MachineTaken("the account is another platform's") from error
    if tied is None:
        raise MachineTaken("the platform has a machine account already")
    _changed(session, client_id, "client.machine_tied", account, by=by, at=at)


def untie(session: Session, client_id: str, *, by: Caller, at: datetime) -> None:
    """Let a platform act as nobody again; NotFound when it does not act as anyone."""
    _check_may(by)
    row = session.get(ClientRow, client_id)
    account = row.machine_account if row is not None else None
    if row is None or account is None:
        raise NotFound("there is no such client, or it has no machine account")
    row.machine_account, row.updated_at = None, at
    session.flush()
    _changed(session, client_id, "client.machine_untied", account, by=by, at=at)


def caller(session: Session, client_id: str) -> Caller | None:
    """Whom a platform's own token acts as now; None when either of the two may not act."""
    found = session.execute(
        select(Account.name, Account.authority)
        .join(ClientRow, ClientRow.machine_account == Account.name)
        .where(
            ClientRow.client_id == client_id, ClientRow.active, Account.active,
            Account.kind == AccountKind.MACHINE,
        )
    ).one_or_none()  # fmt: skip
    if found is None:
        return None
    held = session.scalars(select(AccountRole.role).where(AccountRole.account == found.name))
    roles = frozenset(Role(role) for role in held)
    return Caller(account=found.name, authority=found.authority, roles=roles, client=client_id)


def _check_may(by: Caller) -> None:
    if not by.has(Role.SYSTEM_ADMIN):
        raise Forbidden("platforms are registered by a system administrator")


def _check_fit(row: ClientRow) -> None:
    client = clients.client_of(row)
    if len(client.client_id) > CLIENT_MAX:
        raise NotFitForMachine(f"registers name a system by {CLIENT_MAX} characters at most")
    if "client_credentials" not in client.grant_types or scopes.TRUST not in client.scopes:
        raise NotFitForMachine("the platform needs client_credentials and the scope trust")


def _changed(
    session: Session, client_id: str, act: str, account: str, *, by: Caller, at: datetime
) -> None:
    clients.forget(client_id)
    details: dict[str, audit.JSON] = {"account": account}
    audit.record(session, act, subject=client_id, by=by, at=at, details=details)
