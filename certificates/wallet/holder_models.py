"""What holders decide about their licences: who may have them, who acts for them, what is wrong."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class HolderGrant(Base):
    """One office may have one licence for one purpose until a time (依授权).

    `office` is the office's code; `item_code`, where it stands, is what the purpose is told by,
    else `cause`. Never deleted: it is the reason why somebody saw a licence.
    """

    __tablename__ = "holder_grant"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"), index=True)
    office: Mapped[str] = mapped_column(String(18), index=True)
    cause: Mapped[str] = mapped_column(String(200))
    item_code: Mapped[str] = mapped_column(String(64))
    matter: Mapped[str] = mapped_column(String(200))
    until: Mapped[datetime] = mapped_column(UTCDateTime)
    granted_by: Mapped[str] = mapped_column(String(64))
    granted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_by: Mapped[str | None] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Entrustment(Base):
    """An agent may use a holder's licences (委托): one, or all of a type, or all, until a time.

    `principal_index` is the keyed hash of the holder's code, as in `Licence.holder_index`;
    `agent` an account. Never deleted, for the same reason.
    """

    __tablename__ = "entrustment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    principal_index: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    principal_public: Mapped[str] = mapped_column(String(400))
    agent: Mapped[str] = mapped_column(String(64), index=True)
    licence: Mapped[str | None] = mapped_column(ForeignKey("licence.identifier"))
    type_code: Mapped[str | None] = mapped_column(String(21))
    matter: Mapped[str] = mapped_column(String(200))
    until: Mapped[datetime] = mapped_column(UTCDateTime)
    granted_by: Mapped[str] = mapped_column(String(64))
    granted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_by: Mapped[str | None] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class DisputeState(StrEnum):
    """Where a holder's complaint is."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    RESOLVED = "resolved"


class Dispute(Base):
    """A holder says that a licence is wrong. Their words and the answer lie sealed: they say what
    is wrong with a person's data. `resolved_by_licence` is the re-issue that put it right."""

    __tablename__ = "dispute"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"), index=True)
    authority: Mapped[str] = mapped_column(String(18), index=True)
    state: Mapped[DisputeState] = mapped_column(String(12))
    words_box: Mapped[bytes] = mapped_column(LargeBinary)
    answer_box: Mapped[bytes | None] = mapped_column(LargeBinary)
    raised_by: Mapped[str] = mapped_column(String(64), index=True)
    raised_at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    resolved_by: Mapped[str | None] = mapped_column(String(64))
    resolved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    resolved_by_licence: Mapped[str | None] = mapped_column(String(200))
