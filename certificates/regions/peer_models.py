"""Tables of what other regions told: signed documents, questions with their answers."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class PeerDocument(Base):
    """The last good signed document of a kind that a region gave: a status list, a CRL.

    `issued_at` never goes down: one statement sees to it. Rows are replaced and never pile up: a
    region has one for each list that its licences name.
    """

    __tablename__ = "peer_document"

    region: Mapped[str] = mapped_column(String(6), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    good_until: Mapped[datetime] = mapped_column(UTCDateTime)
    fetched_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ExchangeRecord(Base):
    """One question to or from another region, with its answer, both as they were signed.

    Sealed (`trust.vault`), because a licence's number may be a person's. `direction` is "asked" or
    "answered"; `stamp` our own RFC 3161 token over both (empty until there was an answer).
    Evidence: never changed afterwards, never deleted by the platform.
    """

    __tablename__ = "exchange_record"
    __table_args__ = (
        UniqueConstraint("direction", "peer", "question_id"),
        Index("ix_exchange_record_subject_at", "subject", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    direction: Mapped[str] = mapped_column(String(8))
    peer: Mapped[str] = mapped_column(String(6))
    question_id: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str] = mapped_column(String(200))
    account: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    question_box: Mapped[bytes] = mapped_column(LargeBinary)
    answer_box: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    stamp: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    outcome: Mapped[str] = mapped_column(String(64), default="")


class PeerDisagreement(Base):
    """A region that contradicted itself: its signed answer and its signed status list, both kept.

    `record` is the exchange that shows the answer. Evidence: never deleted by the platform.
    """

    __tablename__ = "peer_disagreement"

    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6), index=True)
    record: Mapped[str] = mapped_column(String(64))
    licence: Mapped[str] = mapped_column(String(200))
    answered: Mapped[str] = mapped_column(String(20))
    listed: Mapped[str] = mapped_column(String(20))
    status_list: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
