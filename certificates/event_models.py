"""What happened to licences, in order: the outbox of catalogue, webhooks and counters."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class LicenceEvent(Base):
    """One change of a licence. `kind` is `issued` or the state that it came into; `sequence` only
    grows, though a transaction that commits late may fill a gap: what is new is found by
    `routed_at`, never by a place reached in the sequence."""

    __tablename__ = "licence_event"
    __table_args__ = (
        Index(
            "ix_licence_event_unrouted", "sequence",
            postgresql_where=text("routed_at IS NULL"), sqlite_where=text("routed_at IS NULL"),
        ),
    )  # fmt: skip

    sequence: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    licence: Mapped[str] = mapped_column(ForeignKey("licence.identifier"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    routed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
