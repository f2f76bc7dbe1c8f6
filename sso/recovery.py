"""A lost account on its way back to its holder: announced, delayed, never by less than its level.

1. begin: whoever asks gets a token, whether or not there is such an account; the account is told by
   SMS and e-mail, with a link that cancels.
2. prove (sso.recovery_proofs), each at its level: a code sent to the account (0), with name and
   number besides (1), a face (2); or a clerk at a counter began it, documents on the table (3).
3. complete: a new password, once what was proved reaches the level of the account. Only a face, or
   a code and a counter together, need not wait a day from the beginning: whoever merely holds a
   stolen mobile, and a clerk alone, can be stopped by the account's holder.

After a face or a counter everything enrolled before is gone, and so are addresses that nobody
proved in this recovery: they may be those of the one who had taken the account.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from sso import accounts, assurance, contact, particulars, passwords, people
from sso.claim_key import KeyTaken, claim_key
from sso.end_access import end_access, forget_second_factors
from sso.models import Account, AccountKind
from sso.particulars import Particulars
from sso.people_models import Recovery
from sso.provider import Provider
from sso.recovery_announced import announce, announce_completed
from trust import audit
from trust.access import SYSTEM, Caller, Role
from trust.clock import CHINA
from trust.crypto.hashes import sha256
from trust.errors import Conflict, Forbidden, NotFound

DELAY: Final = timedelta(hours=24)
LIFE: Final = timedelta(days=7)
#: Recoveries of one account in a day; more are answered alike and announced no more.
A_DAY: Final = 3
TOKEN_LENGTH: Final = 43


class RecoveryGone(NotFound):
    """No such recovery, or it was cancelled, completed or never led to an account."""

    code = "recovery_gone"


class RecoveryNotReady(Conflict):
    """Too little was proved for this account, or the delay is not over.

    `ready_at` is when time alone will do, None when more has to be proved.
    """

    code = "recovery_not_ready"

    def __init__(self, message: str, ready_at: datetime | None = None) -> None:
        super().__init__(message)
        self.ready_at = ready_at


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a recovery is. `ready_at` None: what was proved does not reach the account's level,
    and no waiting helps."""

    proved_by: str
    proved_level: int
    needed_level: int
    ready_at: datetime | None


def begin(provider: Provider, login: str, *, at: datetime) -> str:
    """A token for whoever asks; the account that `login` names, if one does, is told.

    Staff are told to see their security administrator instead: their recovery goes by a counter.
    """
    token, cancel = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with provider.sessions.begin() as session:
        account = people.find_by_login(session, provider.vault, login)
        if account is None or account.particulars is None:
            return token
        if _begun_today(session, account, at=at) >= A_DAY:
            return token
        known = particulars.open_particulars(provider.vault, account)
        staff = accounts.is_staff(account)
        if not staff:
            _add(session, account, token, cancel, at=at)
        audit.record(
            session, "recovery.begun", subject=account.name, by=accounts.ANONYMOUS, at=at,
            details={"staff": staff},
        )  # fmt: skip
    announce(provider, known, "" if staff else cancel, ready_at=at + DELAY)
    return token


def begin_at_counter(provider: Provider, account_name: str, *, by: Caller, at: datetime) -> str:
    """A token for a person who showed their documents to a clerk; staff show them to their security
    administrator. Forbidden for everyone else, and for one's own account."""
    token, cancel = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with provider.sessions.begin() as session:
        account = accounts.find(session, account_name)
        known = _known(provider, account)
        if accounts.is_staff(account):
            accounts.check_may_grant(by, to=account_name, authority=account.authority)
        elif not by.has(Role.CLERK) or by.account == account_name:
            raise Forbidden("a clerk checks documents at a counter, and never their own")
        row = _add(session, account, token, cancel, at=at)
        row.proved_level, row.proved_by = 3, "counter"
        session.flush()
        audit.record(
            session, "recovery.begun", subject=account_name, by=by, at=at,
            details={"proved_by": "counter"},
        )  # fmt: skip
    announce(provider, known, cancel, ready_at=at + DELAY)
    return token


def _known(provider: Provider, account: Account) -> Particulars:
    """What is known of the account's holder; nothing, for staff who are but a title."""
    if account.particulars is None:
        return Particulars(name="", key_type="", key_number="")
    return particulars.open_particulars(provider.vault, account)


def _begun_today(session: Session, account: Account, *, at: datetime) -> int:
    # The account's row is the lock: two requests do not both find room for one more.
    session.get_one(Account, account.name, with_for_update=True, populate_existing=True)
    begun = select(func.count()).where(
        Recovery.account == account.name, Recovery.begun_at > at - timedelta(days=1)
    )
    return session.scalar(begun) or 0


def _add(session: Session, account: Account, token: str, cancel: str, *, at: datetime) -> Recovery:
    row = Recovery(
        account=account.name, digest=sha256(token.encode()), begun_at=at, ready_at=at + DELAY,
        cancel_digest=sha256(cancel.encode()), expires_at=at + LIFE, proved_level=-1, proved_by="",
        tries=0,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def find(session: Session, token: str, *, at: datetime) -> Recovery:
    """The open recovery of a token; RecoveryGone."""
    given = sha256(token.encode()) if len(token) == TOKEN_LENGTH and token.isascii() else b""
    row = session.scalar(select(Recovery).where(Recovery.digest == given, *_open(at)))
    if row is None:
        raise RecoveryGone("this recovery has ended or never began; begin again")
    return row


def standing(session: Session, token: str, *, at: datetime) -> Standing:
    """How far it is. RecoveryGone also for one in which nothing has been proved yet: whether there
    is an account is told to nobody who has shown nothing."""
    row = find(session, token, at=at)
    if not row.proved_by:
        raise RecoveryGone("nothing has been proved yet")
    needed = assurance.level_in_force(session, row.account, at=at)
    when = at if _at_once(row) else row.ready_at
    reaches = row.proved_level >= needed
    return Standing(row.proved_by, row.proved_level, needed, when if reaches else None)


def _proofs(row: Recovery) -> set[str]:
    return set(row.proved_by.split("+"))


def _at_once(row: Recovery) -> bool:
    return "face" in _proofs(row) or {"counter", "code"} <= _proofs(row)


def complete(provider: Provider, token: str, password: str, *, at: datetime) -> str:
    """Set the new password and end everything that was open; the account's name.

    RecoveryGone, RecoveryNotReady, or WeakPassword, which leaves the recovery as it was.
    """
    with provider.sessions.begin() as session:
        row = find(session, token, at=at)
        _check_ready(session, row, at=at)
        _spend(session, row, at=at)
        account = accounts.find(session, row.account)
        before = _known(provider, account)
        own = accounts.caller(session, account.name)
        loser = None
        if _proofs(row) & {"face", "counter"}:
            loser = _start_afresh(session, provider, account, row, at=at)
        passwords.set_password(
            session, account, password, hasher=provider.hasher, by=own, at=at,
            words=[word for word in (before.name, before.key_number, before.mobile) if word],
        )  # fmt: skip
        end_access(session, account.name, reason="account recovered", at=at)
        audit.record(
            session, "recovery.completed", subject=account.name, by=own, at=at,
            details={"proved_by": row.proved_by, "level": row.proved_level},
        )  # fmt: skip
    announce_completed(provider, before)
    if loser is not None:
        contact.tell_lost(provider, loser.name)
    return account.name


def _check_ready(session: Session, row: Recovery, *, at: datetime) -> None:
    needed = assurance.level_in_force(session, row.account, at=at)
    if row.proved_level < needed or not row.proved_by:
        raise RecoveryNotReady("this account asks for a stronger proof of who you are")
    if not _at_once(row) and at < row.ready_at:
        local = row.ready_at.astimezone(CHINA)
        raise RecoveryNotReady(f"the waiting time ends at {local:%Y-%m-%d %H:%M}", row.ready_at)


def _spend(session: Session, row: Recovery, *, at: datetime) -> None:
    """One statement decides: of two completions, or a completion and a cancellation, one wins."""
    spent = session.scalar(
        update(Recovery)
        .where(
            Recovery.id == row.id, Recovery.completed_at.is_(None), Recovery.cancelled_at.is_(None)
        )
        .values(completed_at=at)
        .returning(Recovery.id)
    )
    if spent is None:
        raise RecoveryGone("this recovery has ended")


def _start_afresh(
    session: Session, provider: Provider, account: Account, row: Recovery, *, at: datetime
) -> Account | None:
    """A face or documents at a counter say who the holder is; nothing enrolled before does.

    Returns the account that lost its number by this, if one did.
    """
    vault, loser = provider.vault, None
    forget_second_factors(session, account.name)
    if account.particulars is not None:
        if "code" not in _proofs(row):
            people.change_contact(session, vault, account, mobile="", email="", by=SYSTEM, at=at)
        try:
            loser = claim_key(session, vault, account, level=row.proved_level, by=SYSTEM, at=at)
        except KeyTaken:
            return None  # the person has another account, proved as well: this one stays as it was
    method = "representative_face" if account.kind == AccountKind.LEGAL else "face"
    method = "counter" if "counter" in _proofs(row) else method
    assurance.add_evidence(session, account.name, method, by=SYSTEM, at=at, source="recovery")
    return loser


def cancel(provider: Provider, cancel_token: str, *, at: datetime) -> None:
    """The link in the announcement: the recovery ends; RecoveryGone when it is not open."""
    fits = len(cancel_token) == TOKEN_LENGTH and cancel_token.isascii()
    digest = sha256(cancel_token.encode()) if fits else b""
    with provider.sessions.begin() as session:
        named = Recovery.cancel_digest == digest
        if not _cancel(session, named, by=accounts.ANONYMOUS, at=at):
            raise RecoveryGone("this recovery has ended")


def cancel_all(session: Session, account_name: str, *, by: Caller, at: datetime) -> int:
    """Somebody signed in to the account stops every recovery of it; how many were open."""
    return _cancel(session, Recovery.account == account_name, by=by, at=at)


def pending(session: Session, account_name: str, *, at: datetime) -> list[Recovery]:
    """The open recoveries of an account, for its holder to see and stop; the newest first."""
    return list(
        session.scalars(
            select(Recovery).where(Recovery.account == account_name, *_open(at))
            .order_by(Recovery.id.desc())
        )
    )  # fmt: skip


def _open(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Recovery.cancelled_at.is_(None),
        Recovery.completed_at.is_(None),
        Recovery.expires_at > at,
    )


def _cancel(session: Session, which: ColumnElement[bool], *, by: Caller, at: datetime) -> int:
    names = session.scalars(
        update(Recovery).where(which, *_open(at)).values(cancelled_at=at)
        .returning(Recovery.account)
    ).all()  # fmt: skip
    for name in names:
        audit.record(session, "recovery.cancelled", subject=name, by=by, at=at)
    return len(names)
