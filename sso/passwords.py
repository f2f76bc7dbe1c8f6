"""Passwords: hashed with argon2id, set by the rules of GB/T 22239-2019, 8.1.4.1 a.

What makes one weak is in sso.password_strength.
"""

import threading
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from sso.credential_models import PasswordCredential, PasswordHistory
from sso.models import Account, AccountKind, AccountRole
from sso.password_strength import WeakPassword, check_strength
from trust import audit
from trust.access import Caller
from trust.errors import Invalid, Unauthenticated, Unavailable

__all__ = [
    "Hasher", "HashingBusy", "WeakPassword", "WrongPassword", "check_strength", "has_password",
    "hash_of", "is_stale", "set_password", "set_weak_password",
]  # fmt: skip

#: Staff change theirs so often; citizens need not (changes nobody needs make passwords worse).
STAFF_LIFETIME = timedelta(days=90)
#: The present one and those before it that may not come back.
REMEMBERED = 5
#: Bytes; longer ones are not hashed.
LONGEST = 1024
#: How long a request waits for its turn to hash, and how many wait at once: less than half of the
#: threads that serve requests, so that a flood of sign-ins stops sign-ins and nothing else.
_PATIENCE = 15.0
_QUEUE = 14


class WrongPassword(Unauthenticated):
    """The password does not go with the hash."""

    code = "wrong_password"


class HashingBusy(Unavailable):
    """Too many passwords wait to be checked; trying again in a moment is right."""

    code = "hashing_busy"


class Hasher:
    """argon2id (RFC 9106) with the parameters OWASP gives: 19 MiB, 2 passes, 1 lane.

    At most `at_once` threads hash: each takes that memory and a core for about 20 ms, and more at
    a time would only make all of them slow. Text is normalised (NFKC, NIST SP 800-63B, 3.1.1.2).
    """

    def __init__(
        self, *, memory_kib: int = 19_456, iterations: int = 2, parallelism: int = 1,
        at_once: int = 2,
    ) -> None:  # fmt: skip
        self._below = PasswordHasher(
            time_cost=iterations, memory_cost=memory_kib, parallelism=parallelism, hash_len=32,
            salt_len=16, type=Type.ID,
        )  # fmt: skip
        self._turns = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + _QUEUE)
        # Nobody's: a hash to compare with where an account has none.
        self._decoy = self._below.hash(b"no password is this one\0")

    def __repr__(self) -> str:
        return "<Hasher argon2id>"

    def hash(self, text: str) -> str:
        """The PHC string of a password; WeakPassword when it is too long to be one."""
        octets = _octets(text)
        if octets is None:
            raise WeakPassword("length", f"口令不得超过 {LONGEST} 字节 / at most {LONGEST} bytes")
        with self._turn():
            return self._below.hash(octets)

    def verify(self, stored: str, text: str) -> None:
        """Raise WrongPassword unless `text` goes with the hash. Same work for every outcome."""
        octets = _octets(text)
        with self._turn():
            try:
                # Too long to be anybody's: compared all the same, for the time it takes.
                self._below.verify(stored, octets if octets is not None else b"")
            except (VerificationError, ValueError) as error:  # a damaged hash is nobody's
                raise WrongPassword("the password is wrong") from error
        if octets is None:
            raise WrongPassword("the password is wrong")

    def waste(self, text: str) -> None:
        """The work of `verify` where there is nothing to compare with; always WrongPassword."""
        self.verify(self._decoy, text)
        raise WrongPassword("the password is wrong")  # of the decoy's very own text

    def needs_rehash(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._below.check_needs_rehash(stored)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        busy = "too many people are signing in; try again in a moment"
        if not self._places.acquire(blocking=False):
            raise HashingBusy(busy)
        try:
            if not self._turns.acquire(timeout=_PATIENCE):
                raise HashingBusy(busy)
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()


def _octets(text: str) -> bytes | None:
    """NFKC in UTF-8; None for what is too long or no text (lone surrogates)."""
    if len(text) > LONGEST:
        return None
    try:
        octets = unicodedata.normalize("NFKC", text).encode()
    except UnicodeEncodeError:
        return None
    return octets if len(octets) <= LONGEST else None


def set_password(
    session: Session, account: Account, text: str, *, hasher: Hasher, by: Caller, at: datetime,
    words: Iterable[str] = (),
) -> None:  # fmt: skip
    """Set an account's password; WeakPassword for a weak one or one of the last five.

    `words` are what must not be in it besides the account's own name: name, ID number, mobile. One
    that somebody else sets is temporary: `is_stale` until its holder sets the next. Sessions are
    the caller's to end.
    """
    check_strength(text, account_words=(account.name, account.display_name, *words))
    set_weak_password(session, account, text, hasher=hasher, by=by, at=at)


def set_weak_password(
    session: Session, account: Account, text: str, *, hasher: Hasher, by: Caller, at: datetime
) -> None:
    """`set_password` for a text whose strength nobody asks for: to try things out on one's own
    machine. Still none of the last five, and WeakPassword for one too long to be hashed."""
    # One at a time for each account, or two first passwords would meet at the primary key.
    session.get_one(Account, account.name, with_for_update=True)
    if account.kind == AccountKind.MACHINE:
        raise Invalid("nobody logs in with a machine account")
    present = session.get(PasswordCredential, account.name)
    _refuse_repeated(session, account.name, present, text, hasher=hasher)
    if present is None:
        present = PasswordCredential(account=account.name)
        session.add(present)
    else:
        session.add(PasswordHistory(account=account.name, hash=present.hash, replaced_at=at))
    # The platform's own acts (registration, recovery) are the holder's; another person's are not.
    own = by.account in (account.name, "anonymous", "system")
    present.hash, present.set_at, present.temporary = hasher.hash(text), at, not own
    session.flush()
    _forget_old(session, account.name)
    audit.record(
        session, "password.set", subject=account.name, by=by, at=at, details={"temporary": not own}
    )


def _refuse_repeated(
    session: Session, account_name: str, present: PasswordCredential | None, text: str, *,
    hasher: Hasher,
) -> None:  # fmt: skip
    earlier = list(
        session.scalars(
            select(PasswordHistory.hash)
            .where(PasswordHistory.account == account_name)
            .order_by(PasswordHistory.id.desc())
            .limit(REMEMBERED - 1)
        )
    )
    for stored in ([present.hash] if present is not None else []) + earlier:
        try:
            hasher.verify(stored, text)
        except WrongPassword:
            continue
        raise WeakPassword(
            "repeated", f"不得使用最近 {REMEMBERED} 次用过的口令 / one of the last {REMEMBERED}"
        )


def _forget_old(session: Session, account_name: str) -> None:
    """Hashes that no rule needs any more are deleted."""
    kept = (
        select(PasswordHistory.id)
        .where(PasswordHistory.account == account_name)
        .order_by(PasswordHistory.id.desc())
        .limit(REMEMBERED - 1)
    )
    session.execute(
        delete(PasswordHistory).where(
            PasswordHistory.account == account_name, PasswordHistory.id.not_in(kept)
        )
    )


def hash_of(session: Session, account_name: str) -> str | None:
    """The stored hash, or None for an account without a password."""
    return session.scalar(
        select(PasswordCredential.hash).where(PasswordCredential.account == account_name)
    )


def has_password(session: Session, account_name: str) -> bool:
    return hash_of(session, account_name) is not None


def is_stale(session: Session, account_name: str, *, at: datetime) -> bool:
    """Whether the holder must set a new one before going on: somebody else chose it, or it is a
    staff member's and older than 90 days."""
    found = session.get(PasswordCredential, account_name)
    if found is None:
        return False
    if found.temporary:
        return True
    if at < found.set_at + STAFF_LIFETIME:
        return False
    role = select(AccountRole.role).where(AccountRole.account == account_name).limit(1)
    return session.scalar(role) is not None
