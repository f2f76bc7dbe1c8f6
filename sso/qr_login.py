"""Signing in on a desktop by a telephone that is signed in already.

The desktop shows a QR symbol of `/qr/{id}` and two digits. The phone opens it, says where the
desktop is, and its holder types the digits: whoever was sent a picture of someone else's screen has
no digits to type. The desktop asks until it is told. One answer, two minutes.

What the desktop gets is weaker than what the phone has: never a cryptographic factor, because
nothing ties the phone to the desktop but its holder's eyes (sso.factors).
"""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from sso import factors
from sso.credential_models import BrowserSession, QrLogin
from sso.models import Account
from trust import audit
from trust.access import Caller
from trust.crypto.hashes import sha256
from trust.db import Sessions
from trust.errors import Conflict, NotFound

LIFETIME = timedelta(minutes=2)
#: Of what the phone proved, this is handed on.
_HANDED_ON = ("pwd", "sms", "mfa")
_ID = re.compile(r"[A-Za-z0-9_-]{22}")


class QrLoginGone(NotFound):
    """The picture is too old, was answered, or never was."""

    code = "qr_login_gone"


class WrongNumber(Conflict):
    """The digits are not the desktop's: the request is refused for good."""

    code = "wrong_number"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the desktop shows: `id` goes into the picture, `number` is read by the holder."""

    id: str = field(repr=False)
    number: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What the phone shows before its holder answers."""

    desktop: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Approved:
    """What the desktop collects: an account, and the methods it may go on with."""

    account: str
    methods: tuple[str, ...]


def begin(session: Session, *, interaction: str, desktop: str, at: datetime) -> Shown:
    """A picture for one interaction. `desktop`: browser and network, as the phone shows them."""
    session.execute(
        # One picture at a time: the one before is gone when a new one is drawn.
        update(QrLogin)
        .where(QrLogin.bound_to == _digest(interaction), QrLogin.used_at.is_(None))
        .values(used_at=at)
    )
    shown = Shown(secrets.token_urlsafe(16), f"{secrets.randbelow(100):02}", at + LIFETIME)
    session.add(
        QrLogin(
            digest=_digest(shown.id), bound_to=_digest(interaction), number=shown.number,
            desktop="".join(c for c in desktop[:200] if c.isprintable()), created_at=at,
            expires_at=shown.expires_at,
        )
    )  # fmt: skip
    session.flush()
    return shown


def look(session: Session, qr_id: str, *, at: datetime) -> Asked:
    """What the phone's holder is asked; QrLoginGone."""
    row = session.scalar(select(QrLogin).where(*_waiting(qr_id, at)))
    if row is None:
        raise QrLoginGone("this picture is no longer good; draw a new one on the desktop")
    return Asked(row.desktop, row.created_at, row.expires_at)


def approve(
    sessions: Sessions, qr_id: str, number: str, *, phone: BrowserSession, at: datetime
) -> None:
    """The holder of `phone`'s session lets the desktop in. QrLoginGone, or WrongNumber for other
    digits than the desktop's: then the request is refused for good, one try."""
    with sessions.begin() as session:
        found = session.scalar(
            update(QrLogin)
            .where(*_waiting(qr_id, at), QrLogin.number == number)
            .values(account=phone.account, methods=_handed_on(phone.methods), approved_at=at)
            .returning(QrLogin.digest)
        )
        if found is None:
            deny(session, qr_id, phone=phone, at=at)
        else:
            by = Caller(account=phone.account, authority=None, roles=frozenset())
            audit.record(session, "qr_login.approved", subject=phone.account, by=by, at=at)
    if found is None:
        raise WrongNumber("the number is not the one on the desktop; nothing was let in")


def deny(session: Session, qr_id: str, *, phone: BrowserSession, at: datetime) -> None:
    """The holder says no; QrLoginGone when there is nothing to refuse (any more)."""
    found = session.scalar(
        update(QrLogin).where(*_waiting(qr_id, at)).values(denied_at=at).returning(QrLogin.digest)
    )
    if found is None:
        raise QrLoginGone("this picture is no longer good; draw a new one on the desktop")
    by = Caller(account=phone.account, authority=None, roles=frozenset())
    audit.record(session, "qr_login.denied", subject=phone.account, by=by, at=at)


def collect(session: Session, qr_id: str, *, interaction: str, at: datetime) -> Approved | None:
    """The desktop asks; None while nobody answered. QrLoginGone once refused, taken or too old.

    Only the interaction that drew the picture can, and only once.
    """
    mine = (QrLogin.digest == _digest(qr_id), QrLogin.bound_to == _digest(interaction))
    row = session.scalar(
        update(QrLogin)
        .where(
            *mine, QrLogin.approved_at.is_not(None), QrLogin.used_at.is_(None),
            QrLogin.expires_at > at,
            select(Account.name)
            .where(Account.name == QrLogin.account, Account.active)
            .exists(),
        )
        .values(used_at=at)
        .returning(QrLogin)
    )  # fmt: skip
    if row is not None and row.account is not None:
        return Approved(row.account, row.methods or ())
    waiting = session.scalar(select(QrLogin.digest).where(*mine, *_waiting(qr_id, at)))
    if waiting is None:
        raise QrLoginGone("refused, or no longer good; draw a new picture")
    return None


def _waiting(qr_id: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    """The picture of this id, as long as it can be answered."""
    return (
        QrLogin.digest == _digest(qr_id if _ID.fullmatch(qr_id) else ""),
        QrLogin.approved_at.is_(None),
        QrLogin.denied_at.is_(None),
        QrLogin.used_at.is_(None),
        QrLogin.expires_at > at,
    )


def _handed_on(methods: tuple[str, ...]) -> tuple[str, ...]:
    """With how far the phone's own login is believed, or a QR code would wash that off."""
    fed = (method for method in methods if factors.federated((method,)) is not None)
    return ("mca", *(method for method in _HANDED_ON if method in methods), *fed)


def _digest(text: str) -> bytes:
    return sha256(text[:200].encode(errors="replace"))
