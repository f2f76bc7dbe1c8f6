"""The catalogue on its way up (上报): rows, batches, what the superior counts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime

_NUMBER = BigInteger().with_variant(Integer, "sqlite")


class RowState(StrEnum):
    WAITING = "waiting"
    BATCHED = "batched"
    TAKEN = "taken"
    REJECTED = "rejected"


class BatchState(StrEnum):
    """MADE may be sent; WRITTEN lies in a file and waits for its answer; ANSWERED is done."""

    MADE = "made"
    WRITTEN = "written"
    ANSWERED = "answered"


class ReportBatch(Base):
    """Rows sent together. `box` is the body to the byte, sealed; empty once it was answered."""

    __tablename__ = "report_batch"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    rows: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    box: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[BatchState] = mapped_column(String(10))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    tried: Mapped[int]
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(String(200))


class ReportRow(Base):
    """One change of the catalogue. `operation` is I, U or D; `remark` why it was rejected. What it
    says of the licence is written when its batch is made."""

    __tablename__ = "report_row"
    __table_args__ = (Index("ix_report_row_queue", "state", "id"),)

    id: Mapped[int] = mapped_column(_NUMBER, primary_key=True, autoincrement=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"), index=True)
    event: Mapped[int | None] = mapped_column(ForeignKey("licence_event.sequence"), unique=True)
    operation: Mapped[str] = mapped_column(String(1))
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[RowState] = mapped_column(String(10))
    batch: Mapped[str | None] = mapped_column(ForeignKey("report_batch.id"), index=True)
    remark: Mapped[str | None] = mapped_column(String(200))


class ReportCount(Base):
    """The last comparison (对账): how many licences of a type we have in a division, and how many
    the superior says it has."""

    __tablename__ = "report_count"

    division: Mapped[str] = mapped_column(String(6), primary_key=True)
    type_code: Mapped[str] = mapped_column(String(21), primary_key=True)
    ours: Mapped[int]
    theirs: Mapped[int]
    last_batch: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class ReportSource(Base):
    """A lower region that reports to us. `rid` names it, its secret is sealed."""

    __tablename__ = "report_source"

    rid: Mapped[str] = mapped_column(String(64), primary_key=True)
    division: Mapped[str] = mapped_column(String(6))
    name: Mapped[str] = mapped_column(String(100))
    secret_box: Mapped[bytes] = mapped_column(LargeBinary)
    active: Mapped[bool]
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ReceivedBatch(Base):
    """A batch that came, and the answer it got: the same one gets the same answer."""

    __tablename__ = "received_batch"

    source: Mapped[str] = mapped_column(ForeignKey("report_source.rid"), primary_key=True)
    batch: Mapped[str] = mapped_column(String(40), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    rows: Mapped[int]
    rejected: Mapped[int]
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class CatalogueRow(Base):
    """A licence of a lower region as it was last reported; `row` is the sender's number, which only
    grows. The items are sealed; a deleted row keeps none."""

    __tablename__ = "catalogue_row"
    __table_args__ = (Index("ix_catalogue_row_counts", "source", "division", "type_code"),)

    identifier: Mapped[str] = mapped_column(String(200), primary_key=True)
    source: Mapped[str] = mapped_column(ForeignKey("report_source.rid"))
    division: Mapped[str] = mapped_column(String(6))
    type_code: Mapped[str] = mapped_column(String(21))
    authority: Mapped[str] = mapped_column(String(18))
    state: Mapped[str] = mapped_column(String(20))
    row: Mapped[int] = mapped_column(BigInteger)
    batch: Mapped[str] = mapped_column(String(40))
    deleted: Mapped[bool]
    box: Mapped[bytes | None] = mapped_column(LargeBinary)
    reported_at: Mapped[datetime] = mapped_column(UTCDateTime)
