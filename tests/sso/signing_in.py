"""What the tests of credentials share: accounts that can sign in, codes, threads."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyotp
from sqlalchemy import select

import sso.client_models  # noqa: F401 - the tables that others point to
from sso import accounts, passwords, people, totp
from sso.models import Account
from sso.particulars import Particulars
from sso.policy import Policy
from sso.provider import Provider
from tests.sso.provider import START, HandClock, make_provider
from trust.access import SYSTEM, Caller, Role
from trust.audit import AuditEntry
from trust.db import Sessions
from trust.keys import SoftKeyStore

PASSWORD = "Gehe-47-mauve"
#: Of the examples in GB 11643 (citizen ID) and a mobile number nobody has.
CITIZEN = "11010519491231002X"
MOBILE = "13800000001"


def provider_on(
    sessions: Sessions, keys: SoftKeyStore, home: Path, *, clock: HandClock | None = None,
    policy: Policy | None = None,
) -> Provider:  # fmt: skip
    return make_provider(sessions, keys, home, clock=clock, policy=policy)


def himself(name: str) -> Caller:
    return Caller(account=name, authority=None, roles=frozenset())


def citizen(provider: Provider, name: str = "zhang.san", *, password: str = PASSWORD) -> str:
    """A person with particulars and a password; the account's name."""
    person = Particulars(
        name="张三丰", key_type="111", key_number=CITIZEN, mobile=MOBILE, email="zhang@example.cn"
    )
    with provider.sessions.begin() as session:
        account = people.add_person(
            session, provider.vault, person, by=accounts.ANONYMOUS, at=START, name=name
        )
        passwords.set_password(
            session, account, password, hasher=provider.hasher, by=himself(name), at=START
        )
    return name


def staff(provider: Provider, name: str, *roles: Role, password: str = PASSWORD) -> str:
    """A staff account with a password of its own choice; the account's name."""
    with provider.sessions.begin() as session:
        account = accounts.create(
            session, name, display_name="经办人", authority="11542500999000056Q", roles=roles,
            by=SYSTEM, at=START,
        )  # fmt: skip
        passwords.set_password(
            session, account, password, hasher=provider.hasher, by=himself(name), at=START
        )
    return name


def with_totp(provider: Provider, name: str) -> pyotp.TOTP:
    """Enrol an authenticator application five minutes before START."""
    before = START - timedelta(minutes=5)
    with provider.sessions.begin() as session:
        enrolment = totp.enrol(session, provider.vault, name, issuer="政务", at=before)
    generator = pyotp.TOTP(enrolment.secret)
    with provider.sessions.begin() as session:
        totp.confirm(
            session, provider.vault, name, generator.at(before), by=himself(name), at=before
        )
    return generator


def audited(provider: Provider, act: str) -> list[AuditEntry]:
    """The entries of an act, those that waited too."""
    provider.audit.flush()
    with provider.sessions() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.act == act)))


def close(provider: Provider, name: str) -> None:
    with provider.sessions.begin() as session:
        session.get_one(Account, name).active = False


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each call returned or raised, all begun at the same moment."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[object] = [None] * len(calls)

    def run(at: int) -> None:
        barrier.wait(10)
        try:
            outcomes[at] = calls[at]()
        except Exception as error:  # told to the test
            outcomes[at] = error

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes
