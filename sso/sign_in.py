"""Ways to prove who one is; each takes what was typed or signed and returns a `Proof`.

A try is counted and committed before it is judged (sso.throttle), every outcome is audited, and
what went wrong is not told apart: unknown, wrong, closed and locked are one refusal, reached by the
same work.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from sso import (
    one_time_code,
    particulars,
    passwords,
    people,
    recovery_codes,
    throttle,
    totp,
)
from sso.credential_models import PasswordCredential
from sso.factors import Missing, combine, is_staff, missing, offered, second_factors, strength
from sso.models import Account
from sso.proof import FactorLocked, Proof, SignInFailed, failed, proved
from sso.provider import Provider
from sso.sign_in_by_key import by_certificate, by_passkey, by_qr
from sso.throttle import Admission, Counter

__all__ = [
    "FactorLocked", "Missing", "Proof", "SignInFailed", "by_certificate", "by_passkey",
    "by_password", "by_qr", "by_recovery_code",
    "by_sms", "by_totp", "combine", "is_staff", "missing", "offered", "second_factors", "send_sms",
    "strength",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Try:
    """A password try after its counting. `stored` None: nothing to compare with."""

    account: str | None
    stored: str | None
    counters: tuple[Counter, ...]
    admission: Admission


def by_password(
    provider: Provider, login: str, password: str, *, network: str, device: str = "", at: datetime
) -> Proof:
    """A password for whatever one signs in with: user name, mobile, ID number, USCC, e-mail.

    `network` is the address the request came from, `device` the browser's cookie ("" without).
    SignInFailed, or HashingBusy.

    1. find the account and count the try, committed;
    2. hash, whatever was found; not for a network that is locked as a whole, which tells of no
       account and must not keep the processors busy;
    3. failed: audit, tell of a lock; succeeded: clear the counters, know the device.
    """
    tried = _count_password(provider, login, network=network, device=device, at=at)
    if tried.admission.network:
        raise failed(provider, tried.account, "pwd", tried.admission, at=at)
    try:
        if tried.stored is None:
            provider.hasher.waste(password)
        else:
            provider.hasher.verify(tried.stored, password)
    except passwords.WrongPassword as error:
        raise failed(provider, tried.account, "pwd", tried.admission, at=at) from error
    if tried.admission.locked_until is not None or tried.account is None or tried.stored is None:
        raise failed(provider, tried.account, "pwd", tried.admission, at=at)
    with provider.sessions.begin() as session:
        throttle.clear(session, tried.counters, at=at)
        throttle.know_device(session, tried.account, device, at=at)
        _renew_hash(session, provider, tried.account, tried.stored, password)
    return proved(provider, tried.account, ("pwd",), at=at)


def _count_password(
    provider: Provider, login: str, *, network: str, device: str, at: datetime
) -> _Try:
    with provider.sessions.begin() as session:
        account = people.find_by_login(session, provider.vault, login)
        name = account.name if account is not None else None
        # What is nobody's is counted and locks like an account, under a digest of what was typed.
        typed = login[: people.LOGIN_MAX].strip().casefold().encode(errors="replace").decode()
        who = name or provider.vault.index(typed, column="sign_in.login").hex()
        known = throttle.known_device(session, who, device, at=at)
        counters = throttle.password_counters(
            who, account=name, network=network, known_device=known
        )
        stored = passwords.hash_of(session, who)
        closed = account is None or not account.active
        admission = throttle.admit(session, counters, at=at)
    return _Try(name, None if closed else stored, counters, admission)


def _renew_hash(
    session: Session, provider: Provider, account: str, stored: str, password: str
) -> None:
    """A hash of older parameters is replaced while the password is at hand."""
    if provider.hasher.needs_rehash(stored):
        session.execute(
            update(PasswordCredential)
            .where(PasswordCredential.account == account, PasswordCredential.hash == stored)
            .values(hash=provider.hasher.hash(password))
        )


def by_totp(
    provider: Provider, account_name: str, code: str, *, at: datetime, network: str = ""
) -> Proof:
    """A code of the authenticator application, after another proof of `account_name`.

    SignInFailed; FactorLocked after twenty wrong ones in a row, from wherever they came.
    """
    counter, admission = _count_code(provider, "totp", account_name, at=at)
    try:
        with provider.sessions.begin() as session:
            _check_open(session, account_name)
            totp.verify(session, provider.vault, account_name, code.replace(" ", "")[:10], at=at)
            throttle.clear(session, (counter,), at=at)
    except (totp.WrongTotp, SignInFailed) as error:
        raise failed(provider, account_name, "otp", admission, at=at) from error
    return proved(provider, account_name, ("otp",), at=at)


def by_recovery_code(
    provider: Provider, account_name: str, code: str, *, at: datetime, network: str = ""
) -> Proof:
    """A code from paper, after another proof of `account_name`; errors as of `by_totp`."""
    counter, admission = _count_code(provider, "recovery", account_name, at=at)
    try:
        with provider.sessions.begin() as session:
            _check_open(session, account_name)
            recovery_codes.spend(session, provider.vault, account_name, code, at=at)
            throttle.clear(session, (counter,), at=at)
    except (recovery_codes.WrongRecoveryCode, SignInFailed) as error:
        raise failed(provider, account_name, "recovery", admission, at=at) from error
    return proved(provider, account_name, ("recovery",), at=at)


def _count_code(
    provider: Provider, kind: str, account_name: str, *, at: datetime
) -> tuple[Counter, Admission]:
    counter = throttle.code_counter(kind, account_name)
    with provider.sessions.begin() as session:
        admission = throttle.admit(session, (counter,), at=at)
    if admission.locked_until is not None:
        raise failed(provider, account_name, kind, admission, at=at)
    return counter, admission


def _check_open(session: Session, account_name: str) -> None:
    account = session.get(Account, account_name)
    if account is None or not account.active:
        raise SignInFailed("sign-in failed")


def send_sms(provider: Provider, mobile: str, *, at: datetime, binding: str = "") -> None:
    """Send a sign-in code to an account's mobile; TooManyCodes, or InvalidParticulars.

    A number that is no account's gets no message, and the same answer.
    """
    number = particulars.mobile(mobile)
    with provider.reading() as session:
        account = people.find_by_login(session, provider.vault, number)
    sign_in = one_time_code.Purpose.SIGN_IN
    if account is not None and account.active:
        one_time_code.send(
            provider.sessions, provider.vault, provider.messages, to=number, purpose=sign_in,
            at=at, binding=binding,
        )  # fmt: skip
    else:
        one_time_code.issue(
            provider.sessions, provider.vault, to=number, purpose=sign_in, at=at, binding=binding
        )


def by_sms(
    provider: Provider, mobile: str, code: str, *, at: datetime, binding: str = "",
    network: str = "",
) -> Proof:  # fmt: skip
    """The code that `send_sms` sent with the same `binding`; SignInFailed."""
    number = particulars.mobile(mobile)
    with provider.reading() as session:
        account = people.find_by_login(session, provider.vault, number)
        name = account.name if account is not None and account.active else None
    try:
        one_time_code.verify(
            provider.sessions, provider.vault, to=number, code=code, at=at, binding=binding,
            purpose=one_time_code.Purpose.SIGN_IN,
        )  # fmt: skip
    except one_time_code.WrongOneTimeCode as error:
        raise failed(provider, name, "sms", Admission(None), at=at) from error
    if name is None:
        raise failed(provider, name, "sms", Admission(None), at=at)
    return proved(provider, name, ("sms",), at=at)
