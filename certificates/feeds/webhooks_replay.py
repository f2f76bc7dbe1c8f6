"""Telling a receiver again what was: from one event on, those it never got included.

A message that it got before keeps its id, so that a receiver which remembers ids does nothing
twice; an event that was never queued for it gets a message now.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from certificates import registry
from certificates.event_models import LicenceEvent
from certificates.feeds import outbox, webhooks
from certificates.feeds.webhooks_models import WebhookDelivery
from trust import audit
from trust.access import Caller, Role
from trust.errors import Forbidden, Invalid

REPLAY_MAX: Final = 10_000


def replay(session: Session, key: str, *, first: int, by: Caller, at: datetime) -> int:
    """Queue every routed event from sequence `first` on, at most `REPLAY_MAX`; how many.

    Forbidden, NotFound, or Invalid for too many.
    """
    if not by.has(Role.SYSTEM_ADMIN):
        raise Forbidden("重发由系统管理员决定 / a replay is for a system administrator")
    subscription = webhooks.find(session, key)
    registry.next_number(session, outbox.LOCK)  # nothing is routed beside this
    found = outbox.read(
        session, LicenceEvent.sequence >= first, LicenceEvent.routed_at.is_not(None),
        limit=REPLAY_MAX + 1,
    )  # fmt: skip
    if len(found) > REPLAY_MAX:
        raise Invalid(f"一次重发不超过 {REPLAY_MAX} 条 / at most {REPLAY_MAX} events at once")
    again = session.scalars(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.subscription == key, WebhookDelivery.event >= first,
            WebhookDelivery.state != outbox.WAITING,
        )
        .values(state=outbox.WAITING, tried=0)
        .returning(WebhookDelivery.id)
    ).all()  # fmt: skip
    known = set(
        session.scalars(
            select(WebhookDelivery.event).where(
                WebhookDelivery.subscription == key, WebhookDelivery.event >= first
            )
        )
    )
    missed = [event for event in found if event.sequence not in known]
    region = registry.region(session).code
    added = outbox.queue(session, subscription, missed, region=region, at=at)
    outbox.wake(session, key, at=at)
    details: dict[str, audit.JSON] = {"from": first, "again": len(again), "added": added}
    audit.record(session, "webhook.replayed", subject=key, by=by, at=at, details=details)
    return len(again) + added
