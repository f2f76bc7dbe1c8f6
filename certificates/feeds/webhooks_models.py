"""Who is told of licences' changes, and what is still to be told them."""

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)  # fmt: skip
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class WebhookSubscription(Base):
    """A receiver. `kinds` and `types` say what it hears of, empty: everything; the secrets are
    sealed. `lease` is who delivers to it just now; `next_at` when the first in its queue may be
    tried, None while the queue is empty."""

    __tablename__ = "webhook_subscription"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    url: Mapped[str] = mapped_column(String(2000))
    kinds: Mapped[list[str]] = mapped_column(JSON)
    types: Mapped[list[str]] = mapped_column(JSON)
    signature: Mapped[str] = mapped_column(String(10))
    secret_box: Mapped[bytes] = mapped_column(LargeBinary)
    old_secret_box: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_secret_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    active: Mapped[bool]
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class WebhookDelivery(Base):
    """One event for one receiver. `message` is the webhook-id, the same at every try."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("subscription", "event"),
        Index("ix_webhook_delivery_queue", "subscription", "state", "event"),
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    subscription: Mapped[str] = mapped_column(ForeignKey("webhook_subscription.id"))
    event: Mapped[int] = mapped_column(ForeignKey("licence_event.sequence"))
    message: Mapped[str] = mapped_column(String(40), unique=True)
    body: Mapped[str] = mapped_column(String(2000))
    state: Mapped[str] = mapped_column(String(10))
    tried: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(String(100))
