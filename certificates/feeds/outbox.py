"""From the outbox of licences' events to everyone who must hear of them, exactly once.

An event is new while its `routed_at` is empty, whatever its sequence: a transaction that took a
sequence early and commits late is found all the same. Routing runs under one row's lock, so that
two processes never route side by side; and as events of one licence are written under that
licence's row lock, a receiver hears of each licence's changes in the order they were made.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from certificates import registry
from certificates.event_models import LicenceEvent
from certificates.events import ISSUED
from certificates.feeds import reporting
from certificates.feeds.webhooks_models import WebhookDelivery, WebhookSubscription
from certificates.models import Licence, LicenceState
from trust.crypto import jose
from trust.db import Sessions

BATCH: Final = 500
#: The counter whose row whoever routes holds.
LOCK: Final = "feed/rounds"
WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"


@dataclass(frozen=True, slots=True)
class Event:
    """What others may hear of a change: identifiers and a state, nothing of the holder."""

    sequence: int
    licence: str
    kind: str
    at: datetime
    type_code: str
    authority: str

    @property
    def state(self) -> str:
        """The state that the licence came into."""
        return str(LicenceState.ACTIVE) if self.kind == ISSUED else self.kind

    def body(self, region: str) -> str:
        """The payload, the same at every try."""
        data: dict[str, Any] = {
            "sequence": self.sequence, "identifier": self.licence, "state": self.state,
            "type": self.type_code, "authority": self.authority, "region": region,
        }  # fmt: skip
        at = f"{self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        found = {"type": f"licence.{self.kind}", "timestamp": at, "data": data}
        return jose.canonical_json(found).decode()


def route_new(sessions: Sessions, reading: Sessions, *, at: datetime) -> int:
    """Route what waits, at most `BATCH` events, in a transaction of its own; how many."""
    with reading() as session:  # asked every second: no writer waits for nothing
        if session.scalar(_new().limit(1)) is None:
            return 0
    with sessions.begin() as session:
        return route(session, at=at)


def _new() -> Any:
    return select(LicenceEvent.sequence).where(LicenceEvent.routed_at.is_(None))


def route(session: Session, *, at: datetime) -> int:
    """Give every new event to the receivers that ask for it and to the catalogue's report."""
    registry.next_number(session, LOCK)  # its row is held until the commit
    found = _events(session)
    if not found:
        return 0
    region = registry.region(session).code
    chosen = select(WebhookSubscription).where(WebhookSubscription.active)
    for subscription in session.scalars(chosen.order_by(WebhookSubscription.id)).all():
        queue(session, subscription, found, region=region, at=at)
    for event in found:
        reporting.note(session, event.licence, event.kind, event=event.sequence, at=event.at)
    session.execute(
        update(LicenceEvent)
        .where(LicenceEvent.sequence.in_([event.sequence for event in found]))
        .values(routed_at=at)
    )
    return len(found)


def _events(session: Session) -> list[Event]:
    return read(session, LicenceEvent.routed_at.is_(None), limit=BATCH)


def read(session: Session, *conditions: Any, limit: int) -> list[Event]:
    """Events in the order of their sequence, with what of their licences may be told."""
    rows = session.execute(
        select(
            LicenceEvent.sequence, LicenceEvent.licence, LicenceEvent.kind, LicenceEvent.at,
            Licence.type_code, Licence.authority,
        )
        .join(Licence, Licence.identifier == LicenceEvent.licence)
        .where(*conditions)
        .order_by(LicenceEvent.sequence)
        .limit(limit)
    )  # fmt: skip
    return [Event(*row) for row in rows]


def queue(
    session: Session, subscription: WebhookSubscription, events: Sequence[Event], *, region: str,
    at: datetime,
) -> int:  # fmt: skip
    """Deliveries of the events that this receiver asked for; how many."""
    rows = [
        {
            "subscription": subscription.id, "event": event.sequence,
            "message": f"msg_{secrets.token_urlsafe(18)}", "body": event.body(region),
            "state": WAITING, "tried": 0, "created_at": at,
        }
        for event in events
        if _wanted(subscription, event)
    ]  # fmt: skip
    if rows:
        session.execute(insert(WebhookDelivery), rows)
        wake(session, subscription.id, at=at)
    return len(rows)


def _wanted(subscription: WebhookSubscription, event: Event) -> bool:
    return (not subscription.kinds or event.kind in subscription.kinds) and (
        not subscription.types or event.type_code in subscription.types
    )


def wake(session: Session, subscription: str, *, at: datetime) -> None:
    """There is something in the queue; a wait after a failure stays as it is. The row is written
    either way: whoever is about to find the queue empty waits here and then sees what is new."""
    session.execute(
        update(WebhookSubscription)
        .where(WebhookSubscription.id == subscription)
        .values(next_at=func.coalesce(WebhookSubscription.next_at, at)),
        execution_options={"synchronize_session": False},
    )
