"""Codes of an authenticator application (TOTP, RFC 6238): SHA-1, 6 digits, 30 seconds.

Those parameters are what every application reads, whatever the otpauth URI asks for; a code is
short-lived and its tries are counted (sso.throttle), which is what keeps it safe.
"""

import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sso.credential_models import Totp
from trust import audit
from trust.access import Caller
from trust.errors import Conflict, NotFound, Unauthenticated
from trust.vault import Vault

STEP = 30
#: Codes of the step before and after are good too: clocks differ and people type (RFC 6238, 5.2).
WINDOW = 1
#: An enrolment that nobody confirmed is forgotten.
PENDING_LIFETIME = timedelta(minutes=30)
_CODE = re.compile(r"[0-9]{6}")


class WrongTotp(Unauthenticated):
    """Not a code of now, or one that was used before."""

    code = "wrong_totp"


class NothingPending(Conflict):
    """No enrolment waits for its first code, or it waited too long."""

    code = "nothing_pending"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Shown once: `secret` in base32 to type in, `uri` (otpauth://) to draw as a QR symbol."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def enrol(
    session: Session, vault: Vault, account_name: str, *, issuer: str, at: datetime
) -> Enrolment:
    """Begin: a new secret waits for its first code. One that is in force stays so till then."""
    secret = pyotp.random_base32()  # 160 bits, of `secrets`
    row = session.get(Totp, account_name) or Totp(account=account_name, last_step=0)
    row.pending, row.pending_at = _seal(vault, account_name, secret), at
    session.add(row)
    session.flush()
    uri = pyotp.TOTP(secret).provisioning_uri(name=account_name, issuer_name=issuer)
    return Enrolment(secret, uri)


def confirm(
    session: Session, vault: Vault, account_name: str, code: str, *, by: Caller, at: datetime
) -> None:
    """The first code of a waiting secret puts it in force, in place of the one before.

    WrongTotp, or NothingPending. That code's step is spent by it.
    """
    row = session.get(Totp, account_name)
    if row is None or row.pending is None or row.pending_at is None:
        raise NothingPending("no authenticator waits to be confirmed")
    if at >= row.pending_at + PENDING_LIFETIME:
        raise NothingPending("the authenticator waited too long; begin again")
    step = _step_of(_unseal(vault, account_name, row.pending), code, at=at)
    taken = session.scalar(
        update(Totp)
        .where(Totp.account == account_name, Totp.pending == row.pending)
        .values(secret=row.pending, confirmed_at=at, last_step=step, pending=None, pending_at=None)
        .returning(Totp.account)
    )
    if taken is None:
        raise NothingPending("no authenticator waits to be confirmed")
    audit.record(session, "totp.enrolled", subject=account_name, by=by, at=at)


def hand_out(session: Session, vault: Vault, account_name: str, *, by: Caller, at: datetime) -> str:
    """A new secret in force at once, in base32, for whoever hands the authenticator over; no code
    of it was used yet. In place of one that is there."""
    secret = pyotp.random_base32()
    row = session.get(Totp, account_name) or Totp(account=account_name)
    row.secret, row.confirmed_at, row.last_step = _seal(vault, account_name, secret), at, 0
    row.pending = row.pending_at = None
    session.add(row)
    session.flush()
    audit.record(session, "totp.handed_out", subject=account_name, by=by, at=at)
    return secret


def verify(session: Session, vault: Vault, account_name: str, code: str, *, at: datetime) -> None:
    """Take a code, or WrongTotp. A step is taken once, also of two requests at the same moment.

    Does not count tries: callers go through `sign_in.by_totp`.
    """
    found = session.execute(
        select(Totp.secret, Totp.last_step).where(
            Totp.account == account_name, Totp.confirmed_at.is_not(None)
        )
    ).one_or_none()
    if found is None or found.secret is None:
        raise WrongTotp("the code is wrong or was used before")
    step = _step_of(_unseal(vault, account_name, found.secret), code, at=at)
    taken = session.scalar(
        update(Totp)
        .where(
            Totp.account == account_name, Totp.last_step < step,
            Totp.secret == found.secret,  # of the authenticator the code was compared with
        )
        .values(last_step=step)
        .returning(Totp.account)
    )  # fmt: skip
    if taken is None:
        raise WrongTotp("the code is wrong or was used before")


def enrolled(session: Session, account_name: str) -> bool:
    found = session.scalar(
        select(Totp.account).where(Totp.account == account_name, Totp.confirmed_at.is_not(None))
    )
    return found is not None


def remove(session: Session, account_name: str, *, by: Caller, at: datetime) -> None:
    """Take the authenticator out of force, and with it any that waits; NotFound without one."""
    row = session.get(Totp, account_name)
    if row is None or row.confirmed_at is None:
        raise NotFound("this account has no authenticator application")
    session.delete(row)
    session.flush()
    audit.record(session, "totp.removed", subject=account_name, by=by, at=at)


def _step_of(secret: str, code: str, *, at: datetime) -> int:
    """The step `code` belongs to. All of the window are computed and compared, so that the time
    taken does not tell which; of two equal codes the newer step counts."""
    if not _CODE.fullmatch(code):
        raise WrongTotp("a code is six digits")
    now, generator = int(at.timestamp()) // STEP, pyotp.TOTP(secret)
    steps = range(now - WINDOW, now + WINDOW + 1)
    good = [s for s in steps if hmac.compare_digest(generator.generate_otp(s), code)]
    if not good:
        raise WrongTotp("the code is wrong or was used before")
    return good[-1]


def _seal(vault: Vault, account_name: str, secret: str) -> bytes:
    return vault.seal(secret.encode(), context=f"totp.secret:{account_name}")


def _unseal(vault: Vault, account_name: str, box: bytes) -> str:
    return vault.unseal(box, context=f"totp.secret:{account_name}").decode()
