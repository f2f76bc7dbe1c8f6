"""People who register themselves: a code to the mobile first, then an account at level 0.

To the outside every mobile number is answered alike; only its holder learns, by SMS, that it has an
account already. The document's number is the person's own word: it names the account only once a
registry or a face confirmed it (sso.claim_key), so no answer here depends on who has registered
which number, and nobody can take another's by being first.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import select

from sso import accounts, assurance, one_time_code, particulars, passwords, people
from sso.models import Account
from sso.one_time_code import Purpose
from sso.particulars import CITIZEN_ID, Particulars
from sso.provider import Provider

_TAKEN: Final = (
    "有人用本手机号注册账户,但该号已有账户:请直接登录,或找回账户。如非本人操作,请忽略。"
    " / Somebody tried to register with this number, which has an account: sign in or recover it. "
    "If it was not you, ignore this."
)


@dataclass(frozen=True, slots=True)
class Application:
    """What a person hands in; `code` came by SMS to `mobile`."""

    mobile: str = field(repr=False)
    code: str = field(repr=False)
    name: str = field(repr=False)
    key_number: str = field(repr=False)
    password: str = field(repr=False)
    key_type: str = CITIZEN_ID


def begin(provider: Provider, mobile: str, *, at: datetime) -> None:
    """Send a code to a mobile number; InvalidParticulars, TooManyCodes or MessageNotSent, whether
    or not the number has an account."""
    number = particulars.mobile(mobile)
    with provider.reading() as session:
        index = particulars.mobile_index(provider.vault, number)
        taken = session.scalar(select(Account.name).where(Account.mobile_index == index))
    if taken is None:
        one_time_code.send(
            provider.sessions, provider.vault, provider.messages, to=number,
            purpose=Purpose.REGISTER, at=at,
        )  # fmt: skip
        return
    # A code nobody sees: the number's limits count, and no code that is typed in is right.
    one_time_code.issue(
        provider.sessions, provider.vault, to=number, purpose=Purpose.REGISTER, at=at
    )
    provider.messages.send("sms", number, _TAKEN)


def create(provider: Provider, application: Application, *, at: datetime) -> str:
    """The new account's name.

    What the person can mend is checked before the code is spent: InvalidParticulars,
    InvalidIdentifier, WeakPassword; then WrongOneTimeCode; AccountTaken when somebody else was
    quicker with the same mobile.
    """
    known = particulars.checked_person(
        Particulars(
            name=application.name, key_type=application.key_type,
            key_number=application.key_number, mobile=application.mobile,
        ),
        at=at,
    )  # fmt: skip
    words = (known.name, known.key_number, known.mobile)
    passwords.check_strength(application.password, account_words=words)
    one_time_code.verify(
        provider.sessions, provider.vault, to=known.mobile, purpose=Purpose.REGISTER,
        code=application.code, at=at,
    )  # fmt: skip
    with provider.sessions.begin() as session:
        account = people.add_person(
            session, provider.vault, known, by=accounts.ANONYMOUS, at=at, key_checked=False
        )
        own = accounts.caller(session, account.name)
        passwords.set_password(
            session, account, application.password, hasher=provider.hasher, by=own, at=at,
            words=words,
        )  # fmt: skip
        assurance.add_evidence(session, account.name, "self_declared", by=own, at=at)
        return account.name
