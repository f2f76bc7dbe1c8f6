"""Tables of trust lists: whose lists are fetched, the last good one of each, alarms, our own."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class ListSource(Base):
    """A region whose list is fetched from `uri`. `signers` are base64 DER certificates that may
    sign it: named by hand, or by the list of `parent`. With `pointed` our own list points to it.
    `dropped_at` is when whoever named it no longer did."""

    __tablename__ = "trust_list_source"

    region: Mapped[str] = mapped_column(String(6), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    uri: Mapped[str] = mapped_column(String(400))
    signers: Mapped[list[str]] = mapped_column(JSON)
    parent: Mapped[str | None] = mapped_column(String(6))
    pointed: Mapped[bool] = mapped_column(default=False)
    added_at: Mapped[datetime] = mapped_column(UTCDateTime)
    dropped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class HeldList(Base):
    """The last good list of a region. `sequence` never goes down: one statement sees to it.

    `announced` are the list signers (base64 DER) that it names as granted, by which the next one
    may be signed; `pinned` who was pinned when it was accepted; `points_to` the regions that it
    points to.
    """

    __tablename__ = "trust_list_held"

    region: Mapped[str] = mapped_column(ForeignKey("trust_list_source.region"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    next_update: Mapped[datetime] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    announced: Mapped[list[str]] = mapped_column(JSON)
    pinned: Mapped[list[str]] = mapped_column(JSON)
    points_to: Mapped[list[str]] = mapped_column(JSON)
    document: Mapped[bytes] = mapped_column(LargeBinary)


class ListAlarm(Base):
    """Something that was refused, or did not come. Open until it is settled; one open alarm of a
    kind for each region, however often it happens."""

    __tablename__ = "trust_list_alarm"
    __table_args__ = (Index("ix_trust_list_alarm_open", "region", "code", "settled_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6))
    code: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(Text)
    times: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    settled_by: Mapped[str | None] = mapped_column(String(200))


class PublishedList(Base):
    """A list of our own as it was given out; the highest number is in force. `content` is the
    digest of what it says without number and times: nothing new, no new list."""

    __tablename__ = "trust_list_published"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    next_update: Mapped[datetime] = mapped_column(UTCDateTime)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    xml: Mapped[bytes | None] = mapped_column(LargeBinary)


class ServiceNotice(Base):
    """What this region says of one of its bodies or services that no certificate shows: an
    authority that no longer issues, a share interface that is open. Appended, never changed."""

    __tablename__ = "trust_service_notice"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(12))
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    account: Mapped[str] = mapped_column(String(200))
