"""People and bodies as accounts: made, found from what they type to log in, changed, closed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from sso import accounts, assurance, masks, particulars
from sso.end_access import end_access
from sso.models import Account, AccountKind
from sso.particulars import CITIZEN_ID, ORGANISATION_DOCUMENTS, PERSON_DOCUMENTS, USCC, Particulars
from trust import audit
from trust.access import Caller, Role
from trust.errors import Conflict, Invalid
from trust.vault import Vault

#: Longer than anything that people log in with.
LOGIN_MAX: Final = 254


class AccountTaken(Conflict):
    """An account with this name, document or mobile number exists; whose is not told."""

    code = "account_taken"


def add_person(
    session: Session, vault: Vault, given: Particulars, *, by: Caller, at: datetime,
    name: str | None = None, roles: Iterable[Role] = frozenset(), authority: str | None = None,
    level: int | None = None, key_checked: bool = True,
) -> Account:  # fmt: skip
    """A natural person's account, inside the caller's transaction.

    `name` is the user name, a random one without it. `level` adds evidence that somebody else found
    out ("imported"). With `key_checked` off the number is the person's own word: it is kept, but
    names nobody until `claim_key`. InvalidParticulars, InvalidIdentifier, Invalid, AccountTaken, or
    MayNotGrant for roles.
    """
    wanted = frozenset(roles)
    accounts.check_roles(wanted)
    account_name = name or accounts.random_name("p")
    if wanted:
        accounts.check_may_grant(by, to=account_name, authority=authority, roles=wanted)
    account = _account(
        vault, account_name, particulars.checked_person(given, at=at), kind=AccountKind.NATURAL,
        at=at, key_checked=key_checked,
    )  # fmt: skip
    account.authority, account.roles = authority, accounts.role_rows(wanted)
    _insert(session, account)
    if level:
        assurance.add_evidence(session, account.name, "imported", level=level, by=by, at=at)
    accounts.record_created(session, account, by=by, at=at)
    return account


def add_organisation(
    session: Session, vault: Vault, *, uscc: str, name: str, by: Caller, at: datetime,
    account_name: str | None = None, representative_name: str = "",
    representative_number: str = "", mobile: str = "", email: str = "",
    level: int | None = None,
) -> Account:  # fmt: skip
    """A legal person's account, found by its USCC; errors as of `add_person`."""
    given = Particulars(
        name=name, key_type=USCC, key_number=uscc, mobile=mobile, email=email,
        representative_name=representative_name, representative_number=representative_number,
    )  # fmt: skip
    account = _account(
        vault, account_name or accounts.random_name("o"), particulars.checked(given, at=at),
        kind=AccountKind.LEGAL, at=at, key_checked=True,
    )  # fmt: skip
    _insert(session, account)
    if level:
        assurance.add_evidence(session, account.name, "imported", level=level, by=by, at=at)
    accounts.record_created(session, account, by=by, at=at)
    return account


def _account(
    vault: Vault, name: str, known: Particulars, *, kind: AccountKind, at: datetime,
    key_checked: bool,
) -> Account:  # fmt: skip
    accounts.check_name(name)
    account = Account(
        name=name, kind=kind, active=True, created_at=at, roles=[],
        display_name=known.name if kind is AccountKind.LEGAL else masks.mask_name(known.name),
    )  # fmt: skip
    if key_checked:
        account.key_index = particulars.key_index(vault, known.key_type, known.key_number)
    store(vault, account, known)
    return account


def store(vault: Vault, account: Account, known: Particulars) -> None:
    """Put checked particulars into an account's row, with the indexes of mobile and e-mail."""
    account.particulars = particulars.seal(vault, account.name, known)
    account.mobile_index = particulars.mobile_index(vault, known.mobile) if known.mobile else None
    account.email_index = particulars.email_index(vault, known.email) if known.email else None


def _insert(session: Session, account: Account) -> None:
    if session.get(Account, account.name) is not None:
        raise AccountTaken("an account with this name, number or mobile exists already")
    session.add(account)
    flush(session)


def flush(session: Session) -> None:
    """Write what waits; AccountTaken when a constraint says that somebody has it already."""
    try:
        session.flush()
    except IntegrityError:
        # The cause would quote the row.
        raise AccountTaken("an account with this name, number or mobile exists already") from None


def find_by_login(session: Session, vault: Vault, text: str) -> Account | None:
    """The active account that a user name, mobile, ID number, USCC or e-mail address names.

    None for everything else, garbage among it; never raises on what people type. An address that
    several accounts gave names nobody.
    """
    typed = text.strip() if len(text) <= LOGIN_MAX else ""
    if not typed or not typed.isprintable():
        return None
    for found in (_by_address(session, vault, typed), _by_key(session, vault, typed)):
        if found is not None:
            return found if found.active else None
    by_name = session.get(Account, typed.lower()) if typed.isascii() else None
    found = by_name or _by_other_document(session, vault, typed)
    if found is None or found.kind == AccountKind.MACHINE:
        return None
    return found if found.active else None


def _by_address(session: Session, vault: Vault, typed: str) -> Account | None:
    try:
        if "@" in typed:
            index = particulars.email_index(vault, particulars.email(typed))
            return _only(session, Account.email_index == index)
        index = particulars.mobile_index(vault, particulars.mobile(typed))
    except particulars.InvalidParticulars:
        return None
    return session.scalar(select(Account).where(Account.mobile_index == index))


def find_by_key(session: Session, vault: Vault, key_type: str, number: str) -> Account | None:
    """The account known by a document, closed or not."""
    index = particulars.key_index(vault, key_type, number)
    return session.scalar(select(Account).where(Account.key_index == index))


def _by_key(session: Session, vault: Vault, typed: str) -> Account | None:
    number = typed.upper()
    if not number.isascii() or not accounts.is_number(number):
        return None
    return _of_documents(session, vault, (CITIZEN_ID, USCC), number)


def _by_other_document(session: Session, vault: Vault, typed: str) -> Account | None:
    others = {*PERSON_DOCUMENTS, *ORGANISATION_DOCUMENTS} - {CITIZEN_ID, USCC}
    return _of_documents(session, vault, sorted(others), typed.upper())


def _of_documents(
    session: Session, vault: Vault, key_types: Iterable[str], number: str
) -> Account | None:
    indexes = [particulars.key_index(vault, each, number) for each in key_types]
    return _only(session, Account.key_index.in_(indexes))


def _only(session: Session, condition: ColumnElement[bool]) -> Account | None:
    found = session.scalars(select(Account).where(condition).limit(2)).all()
    return found[0] if len(found) == 1 else None


def change_contact(
    session: Session, vault: Vault, account: Account, *, mobile: str | None = None,
    email: str | None = None, by: Caller, at: datetime,
) -> Particulars:  # fmt: skip
    """Another mobile number or e-mail address ("" for none, None leaves it).

    The caller has had the new one proved by a code, and tells the old one: the particulars as they
    were are returned. InvalidParticulars, AccountTaken, or NoParticulars.
    """
    before = particulars.open_particulars(vault, account)
    wanted = {"mobile": mobile, "email": email}
    changes = {item: value for item, value in wanted.items() if value is not None}
    store(vault, account, particulars.checked(replace(before, **changes), at=at))
    account.updated_at = at
    flush(session)
    details: dict[str, audit.JSON] = {"changed": sorted(changes)}
    audit.record(
        session, "account.contact_changed", subject=account.name, by=by, at=at, details=details
    )
    return before


def set_roles(
    session: Session, account: Account, roles: Iterable[Role], *, authority: str | None,
    by: Caller, at: datetime,
) -> None:  # fmt: skip
    """Give an account these roles in this authority, and no others; Invalid or MayNotGrant.

    Its sessions and grants end: they were begun with other powers, perhaps by one factor.
    """
    wanted = frozenset(roles)
    accounts.check_roles(wanted)
    if account.kind == AccountKind.MACHINE:
        accounts.check_machine_roles(wanted)
    elif account.kind != AccountKind.NATURAL:
        raise Invalid("roles are people's and machines'")
    before = sorted(row.role for row in account.roles)
    touched = wanted | {Role(role) for role in before}
    for of in {authority, account.authority} if account.roles else {authority}:
        accounts.check_may_grant(by, to=account.name, authority=of, roles=touched)
    account.roles[:] = [row for row in account.roles if row.role in wanted]
    kept = {row.role for row in account.roles}
    account.roles.extend(accounts.role_rows(wanted - {Role(role) for role in kept}))
    account.authority, account.updated_at = authority, at
    session.flush()
    end_access(session, account.name, reason="roles changed", at=at)
    details: dict[str, audit.JSON] = {
        "before": before, "after": sorted(map(str, wanted)), "authority": authority or "",
    }  # fmt: skip
    audit.record(
        session, "account.roles_changed", subject=account.name, by=by, at=at, details=details
    )
