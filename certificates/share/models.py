"""Sharing with offices: who may have what, how often; what was asked; links that work once."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON, Date, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class ShareRight(Base):
    """One caller may have licences of some types. Never deleted: it is why somebody saw a licence.

    The caller is a platform (`client`) or the people of an office at their desk (`office`, a USCC),
    exactly one of them. `types` are type codes; `fields` the names of items the caller may have,
    None for all that are not restricted; `networks` address ranges, empty for any; `categories` the
    call categories of GB/T 36906 ("0" for a service item, "1" otherwise); `ceiling` calls in a day
    of China; `original` whether a file may be had without a purpose, as it is.
    """

    __tablename__ = "share_right"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client: Mapped[str | None] = mapped_column(String(100), index=True)
    office: Mapped[str | None] = mapped_column(String(18), index=True)
    types: Mapped[list[str]] = mapped_column(JSON)
    fields: Mapped[list[str] | None] = mapped_column(JSON)
    networks: Mapped[list[str]] = mapped_column(JSON)
    categories: Mapped[list[str]] = mapped_column(JSON)
    original: Mapped[bool] = mapped_column(default=False)
    ceiling: Mapped[int | None]
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(200))
    granted_by: Mapped[str] = mapped_column(String(64))
    granted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ShareCount(Base):
    """Calls of one right on one day of China."""

    __tablename__ = "share_count"

    right_id: Mapped[UUID] = mapped_column(ForeignKey("share_right.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    used: Mapped[int]


class ShareCall(Base):
    """One call, given or refused. Nothing of the holder: `licence` is an identifier, `outcome`
    "given" or the code of the refusal, `how` as in `looks`."""

    __tablename__ = "share_call"
    __table_args__ = (Index("ix_share_call_account_id", "account", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    account: Mapped[str] = mapped_column(String(64))
    client: Mapped[str | None] = mapped_column(String(100))
    office: Mapped[str | None] = mapped_column(String(18), index=True)
    right_id: Mapped[UUID | None]
    verb: Mapped[str] = mapped_column(String(16))
    how: Mapped[str] = mapped_column(String(16))
    type_code: Mapped[str] = mapped_column(String(21), default="")
    licence: Mapped[str] = mapped_column(String(200), default="")
    cause: Mapped[str] = mapped_column(String(200), default="")
    item_code: Mapped[str] = mapped_column(String(64), default="")
    case_number: Mapped[str] = mapped_column(String(64), default="")
    outcome: Mapped[str] = mapped_column(String(64))


class ShareDownload(Base):
    """A link to one file that works once: `digest` is SHA-256 of its 32 characters, `stored_as` the
    name of the file in the store. Gone a day after its end, when another link is made."""

    __tablename__ = "share_download"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    right_id: Mapped[UUID] = mapped_column(ForeignKey("share_right.id"))
    licence: Mapped[str] = mapped_column(String(200))
    stored_as: Mapped[str] = mapped_column(String(200))
    made_for: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ShareKey(Base):
    """A platform's SM2 key: what its data are encrypted to and its requests are signed by.

    `public_key` is 64 bytes, x then y; `signed` whether requests without a signature are refused.
    """

    __tablename__ = "share_key"

    client: Mapped[str] = mapped_column(String(100), primary_key=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(64))
    signed: Mapped[bool] = mapped_column(default=False)
    registered_by: Mapped[str] = mapped_column(String(64))
    registered_at: Mapped[datetime] = mapped_column(UTCDateTime)


class VerificationSlip(Base):
    """A verification made at an office's desk, of which a slip may be printed.

    `licence` is the identifier that was believed, "" for none; `checks` are name, outcome and code
    of each check; `subject_digest` is SHA-256 of what was verified, `file_digest` that of the slip
    once it is printed. Nothing of the holder is kept.
    """

    __tablename__ = "verification_slip"

    number: Mapped[str] = mapped_column(String(40), primary_key=True)
    licence: Mapped[str] = mapped_column(String(200))
    type_name: Mapped[str] = mapped_column(String(256))
    outcome: Mapped[str] = mapped_column(String(16))
    checks: Mapped[list[list[str]]] = mapped_column(JSON)
    how: Mapped[str] = mapped_column(String(16))
    subject_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    office: Mapped[str | None] = mapped_column(String(18))
    made_by: Mapped[str] = mapped_column(String(64), index=True)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    file_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
