"""Bulk jobs, their rows and receipts: progress, resumption and the report are queries on these.

What a row says is sealed (`content_box`) and wiped when the row is issued, refused or dropped; the
file of an upload (`BulkFile`) when its rows have been read.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from certificates.models import ApplicationKind
from trust.db import Base, UTCDateTime


class BulkForm(StrEnum):
    """How the rows are written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class BulkState(StrEnum):
    """CHECKING reads and checks rows; HELD has bad ones and waits to be told; CHECKED has none."""

    CHECKING = "checking"
    UNREADABLE = "unreadable"
    HELD = "held"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class RowState(StrEnum):
    """BAD broke a rule when read; REFUSED could not be issued; DROPPED went with its job."""

    BAD = "bad"
    WAITING = "waiting"
    WORKING = "working"
    ISSUED = "issued"
    REFUSED = "refused"
    DROPPED = "dropped"


class BulkJob(Base):
    """One file of rows, all of one type and one authority.

    `file_key` is the digest of file, authority, type and kind: the same file finds its job again;
    a cancelled job gives it up. `row_key_box` holds the 16 bytes that rows are digested under, so
    that a digest tells nobody what a row said; `receipts_digest` is SM3 of the receipts file.
    `owner` holds the lease of a job whose rows are being read; `type_version` and `checked_at` are
    what they were checked by, and when.
    """

    __tablename__ = "bulk_job"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    file_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    form: Mapped[BulkForm] = mapped_column(String(8))
    type_code: Mapped[str] = mapped_column(String(21))
    type_version: Mapped[str] = mapped_column(String(3), default="")
    authority: Mapped[str] = mapped_column(ForeignKey("authority.code"))
    kind: Mapped[ApplicationKind] = mapped_column(String(16))
    state: Mapped[BulkState] = mapped_column(String(12), index=True)
    rows: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    row_key_box: Mapped[bytes] = mapped_column(LargeBinary)
    system: Mapped[str] = mapped_column(String(64))
    trouble: Mapped[str] = mapped_column(String(300), default="")
    owner: Mapped[str] = mapped_column(String(120), default="")
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    entered_by: Mapped[str] = mapped_column(String(64))
    entered_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    released_by: Mapped[str | None] = mapped_column(String(64))
    released_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    receipts_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class BulkFile(Base):
    """An uploaded file, sealed, until its rows have been read."""

    __tablename__ = "bulk_file"

    job: Mapped[UUID] = mapped_column(ForeignKey("bulk_job.id"), primary_key=True)
    box: Mapped[bytes] = mapped_column(LargeBinary)


class BulkRow(Base):
    """One row, counted from 1 without the heading.

    `application` is its licence's key: made of job and number alone, so that however often a row is
    worked on, one application, and one licence, comes of it. `owner` (host, process and its start)
    holds the lease of a row being WORKED on. `field`, `code` and `message` say what is wrong.
    """

    __tablename__ = "bulk_row"
    __table_args__ = (Index("ix_bulk_row_state", "job", "state", "number"),)

    job: Mapped[UUID] = mapped_column(ForeignKey("bulk_job.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[RowState] = mapped_column(String(8))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    content_box: Mapped[bytes | None] = mapped_column(LargeBinary)
    application: Mapped[UUID] = mapped_column(unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str] = mapped_column(String(120), default="")
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    field: Mapped[str] = mapped_column(String(64), default="")
    code: Mapped[str] = mapped_column(String(64), default="")
    message: Mapped[str] = mapped_column(String(300), default="")


class BulkReceipt(Base):
    """That a row became a licence; the constraints keep it from becoming two."""

    __tablename__ = "bulk_receipt"

    job: Mapped[UUID] = mapped_column(ForeignKey("bulk_job.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"), unique=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
