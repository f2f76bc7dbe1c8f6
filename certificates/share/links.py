"""Links to one file that work once and for ten minutes (GB/T 36906, 地址获取).

Whoever has the link has the file: no token is asked for, so that a browser or another machine of
the office can fetch it. It is spent when the transfer begins: one that breaks off is not repeated,
the caller asks for another link, which is counted and recorded like the first. HEAD spends nothing
and tells nothing but that the link would work.
"""

import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from certificates.share.models import ShareDownload, ShareRight
from certificates.share.refusals import LinkGone
from trust.crypto.hashes import sha256

LIFE: Final = timedelta(minutes=10)
LENGTH: Final = 32
KEPT: Final = timedelta(days=1)
_ALPHABET: Final = string.ascii_letters + string.digits
_LINK: Final = re.compile(r"[A-Za-z0-9]{32}")


@dataclass(frozen=True, slots=True)
class Spent:
    """The file a link stood for. `made_for` is the account that asked for it."""

    licence: str
    stored_as: str
    made_for: str


def make(
    session: Session, right: UUID, *, licence: str, stored_as: str, made_for: str, at: datetime
) -> str:
    """A new link's 32 random characters (190 bits), of which only the digest is kept. Links that
    ended a day ago go: each making removes what the last ones left, so it never has much to do."""
    session.execute(
        delete(ShareDownload).where(ShareDownload.until < at - KEPT),
        execution_options={"synchronize_session": False},
    )
    token = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
    session.add(
        ShareDownload(
            digest=_digest(token), right_id=right, licence=licence, stored_as=stored_as,
            made_for=made_for, until=at + LIFE,
        )
    )  # fmt: skip
    return token


def spend(session: Session, token: str, *, at: datetime) -> Spent:
    """Use a link up; LinkGone. One statement decides, so that of two who come at once one gets the
    file. A right that ended meanwhile ends its links."""
    row = None
    if _LINK.fullmatch(token):
        row = session.execute(
            update(ShareDownload)
            .where(*_usable(token, at))
            .values(used_at=at)
            .returning(ShareDownload.licence, ShareDownload.stored_as, ShareDownload.made_for)
        ).one_or_none()
    if row is None:
        raise LinkGone("the link is unknown, was used, or is too old")
    return Spent(row.licence, row.stored_as, row.made_for)


def check(session: Session, token: str, *, at: datetime) -> None:
    """LinkGone unless the link would work now; it still will afterwards."""
    found = None
    if _LINK.fullmatch(token):
        found = session.scalar(select(ShareDownload.digest).where(*_usable(token, at)))
    if found is None:
        raise LinkGone("the link is unknown, was used, or is too old")


def _usable(token: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    standing = select(ShareRight.id).where(ShareRight.ended_at.is_(None))
    return (
        ShareDownload.digest == _digest(token), ShareDownload.used_at.is_(None),
        ShareDownload.until > at, ShareDownload.right_id.in_(standing),
    )  # fmt: skip


def _digest(token: str) -> bytes:
    return sha256(token.encode("ascii"))
