"""Showing a licence by a one-time code (亮证): the codes, and what offices asked for by them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class ShowingCode(Base):
    """A code on a holder's screen; `digest` is its keyed hash, by which it is found, `code_box` the
    code itself, sealed, so that the screen can show it again. Spent by one UPDATE."""

    __tablename__ = "showing_code"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"))
    account: Mapped[str] = mapped_column(String(64), index=True)
    code_box: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    good_until: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ShowingState(StrEnum):
    """Stored states; EXPIRED is also what a row is when its time has run out."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"
    SHOWN = "shown"
    EXPIRED = "expired"


class Showing(Base):
    """One office wants to see one licence that was shown to it.

    `account` is the holder's (or whoever showed it), `asked_by` the office's. `good_until` is when
    waiting ends, or once it is granted, when fetching does.
    """

    __tablename__ = "showing"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"))
    account: Mapped[str] = mapped_column(String(64), index=True)
    office: Mapped[str] = mapped_column(String(18))
    asked_by: Mapped[str] = mapped_column(String(64), index=True)
    cause: Mapped[str] = mapped_column(String(200))
    item_code: Mapped[str] = mapped_column(String(64))
    matter: Mapped[str] = mapped_column(String(200))
    state: Mapped[ShowingState] = mapped_column(String(12))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    shown_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    good_until: Mapped[datetime] = mapped_column(UTCDateTime)
