"""Codes by SMS or e-mail: six digits, five minutes, five tries, once, for one purpose.

One row holds the newest code of an address and purpose, so a flood of requests fills no table. Both
functions own their transactions: what was sent and what was tried must survive a refusal.
"""

import hmac
import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import case, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sso.messages import Kind, Messages
from sso.people_models import OneTimeCode
from trust.clock import CHINA
from trust.db import Sessions
from trust.errors import Conflict, Unauthenticated
from trust.vault import Vault

LIFE: Final = timedelta(minutes=5)
TRIES: Final = 5
#: Between two codes to one address, and how many of them a day (of China).
PAUSE: Final = timedelta(seconds=60)
A_DAY: Final = 10
_DIGITS: Final = 6
_CODE: Final = re.compile(r"[0-9]{6}")


class Purpose(StrEnum):
    """What a code is good for; it is good for nothing else."""

    SIGN_IN = "sign_in"
    REGISTER = "register"
    RECOVER = "recover"
    CONTACT = "contact"


class TooManyCodes(Conflict):
    """The address got a code a moment ago, or as many as it gets in a day."""

    code = "too_many_codes"


class WrongOneTimeCode(Unauthenticated):
    """The code is wrong, used, replaced or too old, or was tried too often: one answer for all."""

    code = "wrong_one_time_code"


_TEXTS: Final = {
    Purpose.SIGN_IN: ("登录", "sign in"),
    Purpose.REGISTER: ("注册", "register"),
    Purpose.RECOVER: ("找回账号", "recover your account"),
    Purpose.CONTACT: ("确认联系方式", "confirm this address"),
}


def send(
    sessions: Sessions, vault: Vault, messages: Messages, *, to: str, purpose: Purpose,
    at: datetime, kind: Kind = "sms", binding: str = "",
) -> None:  # fmt: skip
    """Send a new code; TooManyCodes or MessageNotSent. `to` and `binding` as of `issue`."""
    code = issue(sessions, vault, to=to, purpose=purpose, at=at, binding=binding)
    zh, en = _TEXTS[purpose]
    minutes = int(LIFE.total_seconds()) // 60
    text = (
        f"验证码 {code},用于{zh},{minutes} 分钟内有效。请勿告诉任何人。"
        f" / {code} is your code to {en}, for {minutes} minutes. Tell it to nobody."
    )
    messages.send(kind, to, text)


def issue(
    sessions: Sessions, vault: Vault, *, to: str, purpose: Purpose, at: datetime, binding: str = ""
) -> str:
    """A new code that takes the place of an older one; TooManyCodes.

    `to` is the address in its one form (sso.particulars); `binding` ties the code to one attempt
    (an interaction's id), so that it is good nowhere else.
    """
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    recipient = vault.index(to, column="one_time_code.recipient")
    digest = _digest(vault, to=to, purpose=purpose, binding=binding, code=code)
    with sessions.begin() as session:
        if _replace(session, recipient, purpose, digest, at=at):
            return code
    row = OneTimeCode(
        recipient=recipient, purpose=purpose, digest=digest, issued_at=at, expires_at=at + LIFE,
        tries=0, day=_day(at), sent=1,
    )  # fmt: skip
    try:
        with sessions.begin() as session:
            session.add(row)
    except IntegrityError as error:
        raise TooManyCodes("a code was sent not long ago; use it, or try again later") from error
    return code


def _replace(
    session: Session, recipient: bytes, purpose: Purpose, digest: bytes, *, at: datetime
) -> bool:
    """One statement decides whether the address may have another code."""
    day = _day(at)
    found = session.scalar(
        update(OneTimeCode)
        .where(
            OneTimeCode.recipient == recipient,
            OneTimeCode.purpose == purpose,
            OneTimeCode.issued_at <= at - PAUSE,
            or_(OneTimeCode.day != day, OneTimeCode.sent < A_DAY),
        )
        .values(
            digest=digest, issued_at=at, expires_at=at + LIFE, tries=0, used_at=None, day=day,
            sent=case((OneTimeCode.day == day, OneTimeCode.sent + 1), else_=1),
        )
        .returning(OneTimeCode.sent)
    )  # fmt: skip
    return found is not None


def verify(
    sessions: Sessions, vault: Vault, *, to: str, purpose: Purpose, code: str, at: datetime,
    binding: str = "",
) -> None:  # fmt: skip
    """Spend a code, or raise WrongOneTimeCode; every call costs one of its tries."""
    recipient = vault.index(to, column="one_time_code.recipient")
    typed = code if _CODE.fullmatch(code) else ""
    given = _digest(vault, to=to, purpose=purpose, binding=binding, code=typed)
    with sessions.begin() as session:
        spent = _try(session, recipient, purpose, given, at=at)
    if not spent:
        raise WrongOneTimeCode("the code is wrong or no longer good")


def _try(
    session: Session, recipient: bytes, purpose: Purpose, given: bytes, *, at: datetime
) -> bool:
    """Two statements under the row's lock: count the try, then spend the code if it is the one."""
    row = (OneTimeCode.recipient == recipient, OneTimeCode.purpose == purpose)
    expected = session.scalar(
        update(OneTimeCode)
        .where(
            *row, OneTimeCode.used_at.is_(None), OneTimeCode.expires_at > at,
            OneTimeCode.tries < TRIES,
        )
        .values(tries=OneTimeCode.tries + 1)
        .returning(OneTimeCode.digest)
    )  # fmt: skip
    if expected is None or not hmac.compare_digest(expected, given):
        return False
    session.execute(update(OneTimeCode).where(*row).values(used_at=at))
    return True


def _digest(vault: Vault, *, to: str, purpose: Purpose, binding: str, code: str) -> bytes:
    """Keyed: the digest of six digits alone would be guessed in a second."""
    bound = "\0".join((purpose, binding, to, code))
    return vault.index(bound, column="one_time_code.digest")


def _day(at: datetime) -> str:
    return at.astimezone(CHINA).date().isoformat()
