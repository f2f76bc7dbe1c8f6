"""Sending what is queued: each receiver's messages in order, one process at a time.

1. lease: one statement gives a receiver that is due to this process for `LEASE`.
2. send the first of its queue, outside any transaction.
3. note what came of it, under the lease: delivered, tried again later (each wait twice the last, so
   nothing overtakes a message that fails), or given up after `TRIES` (a dead letter, and the next
   one has its turn). 4. on with 2, until the queue is empty, a try failed, or the turn is over.

A crash between 2 and 3 leaves a message that was sent and does not count as sent: when the lease is
over it goes out again with the same webhook-id, by which the receiver knows it.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from certificates.feeds import outbox, webhooks_signature
from certificates.feeds.webhooks_models import WebhookDelivery, WebhookSubscription
from certificates.feeds.webhooks_signature import SignatureKind
from sso.outgoing import OutgoingFailed, OutgoingRefused
from trust.clock import Clock
from trust.db import Sessions
from trust.vault import Vault

#: Longer than any one call; each note renews it.
LEASE: Final = timedelta(seconds=60)
#: Of one call, from the first byte to the last.
SECONDS: Final = 10.0
ANSWER_MAX: Final = 16 * 1024
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(minutes=15)
TRIES: Final = 10
#: Messages of one receiver before others have their turn.
TURN: Final = 100
KEPT: Final = timedelta(days=90)
_logger = logging.getLogger("trust.webhooks")


class Post(Protocol):
    """`sso.outgoing.Outgoing.post`: guarded against addresses inside our own network."""

    def __call__(
        self, url: str, body: bytes, *, headers: Mapping[str, str], cap: int, timeout: float
    ) -> tuple[int, bytes]: ...


@dataclass(frozen=True, slots=True)
class Sender:
    """What delivering needs. `jitter` gives a number from 0 to below 1, so that receivers which
    failed together are not all tried again in the same second."""

    sessions: Sessions
    reading: Sessions
    vault: Vault
    post: Post
    clock: Clock
    jitter: Callable[[], float] = lambda: secrets.randbelow(1000) / 1000


@dataclass(frozen=True, slots=True)
class Turn:
    """A receiver leased to this process. `token` is the lease."""

    subscription: str
    token: str
    url: str
    kind: SignatureKind
    keys: tuple[bytes, ...]


def deliver_due(sender: Sender, *, limit: int = 20) -> int:
    """Serve the receivers that are due, one after the other; how many messages were delivered."""
    delivered = 0
    for _ in range(limit):
        turn = lease(sender)
        if turn is None:
            break
        delivered += serve(sender, turn)
    return delivered


def lease(sender: Sender) -> Turn | None:
    """Take one receiver that is due; None when there is none."""
    at = sender.clock()
    due = (
        WebhookSubscription.active,
        WebhookSubscription.next_at <= at,
        or_(WebhookSubscription.lease_until.is_(None), WebhookSubscription.lease_until < at),
    )
    wanted = select(WebhookSubscription.id).where(*due).order_by(WebhookSubscription.next_at)
    with sender.reading() as session:
        if session.scalar(wanted.limit(1)) is None:
            return None
    token = secrets.token_urlsafe(16)
    with sender.sessions.begin() as session:
        taken = session.scalar(
            update(WebhookSubscription)
            .where(WebhookSubscription.id == wanted.limit(1).scalar_subquery(), *due)
            .values(lease=token, lease_until=at + LEASE)
            .returning(WebhookSubscription),
            execution_options={"synchronize_session": False, "populate_existing": True},
        )
        return _turn(taken, token, sender.vault, at) if taken is not None else None


def _turn(row: WebhookSubscription, token: str, vault: Vault, at: datetime) -> Turn:
    boxes = [row.secret_box]
    if row.old_secret_box is not None and row.old_secret_until and row.old_secret_until > at:
        boxes.append(row.old_secret_box)
    keys = tuple(vault.unseal(box, context=f"webhook/{row.id}") for box in boxes)
    return Turn(row.id, token, row.url, SignatureKind(row.signature), keys)


def serve(sender: Sender, turn: Turn) -> int:
    """Send a leased receiver its queue; how many messages it took."""
    delivered = 0
    for _ in range(TURN):
        message = _first(sender, turn)
        if message is None:
            _rest(sender, turn)
            return delivered
        error = send(sender, turn, message)
        if not _note(sender, turn, message, error):
            return delivered  # another process has the lease, or the wait begins
        delivered += 1
    _end(sender, turn)
    return delivered


def _first(sender: Sender, turn: Turn) -> WebhookDelivery | None:
    with sender.reading() as session:
        return session.scalar(_queue(turn.subscription).limit(1))


def _queue(subscription: str) -> Select[WebhookDelivery]:
    return (
        select(WebhookDelivery)
        .where(
            WebhookDelivery.subscription == subscription, WebhookDelivery.state == outbox.WAITING
        )
        .order_by(WebhookDelivery.event)
    )


def send(sender: Sender, turn: Turn, message: WebhookDelivery) -> str | None:
    """One try, outside any transaction; None when the receiver took it, else why not."""
    body = message.body.encode()
    headers = webhooks_signature.headers(
        message.message, body, kind=turn.kind, keys=turn.keys, at=sender.clock()
    )
    headers["Content-Type"] = "application/json"
    try:
        status, _ = sender.post(turn.url, body, headers=headers, cap=ANSWER_MAX, timeout=SECONDS)
    except (OutgoingFailed, OutgoingRefused) as error:
        return str(error)
    return None if 200 <= status < 300 else f"the receiver answered {status}"


def _note(sender: Sender, turn: Turn, message: WebhookDelivery, error: str | None) -> bool:
    """Write what came of a try; whether the next message may follow at once."""
    at = sender.clock()
    tried = message.tried + 1
    values: dict[str, object] = {"tried": tried, "last_at": at, "last_error": None}
    if error is None:
        values["state"] = outbox.DELIVERED
    else:
        values["last_error"] = error[:100]
        if tried >= TRIES:
            values["state"] = outbox.DEAD
            _logger.warning(
                "webhook %s: a message was given up: %s", turn.subscription, error[:100]
            )
    with sender.sessions.begin() as session:
        if not _renew(session, turn, error, tried, at, sender.jitter):
            return False
        session.execute(
            update(WebhookDelivery).where(WebhookDelivery.id == message.id).values(**values)
        )
    return error is None


def _renew(
    session: Session, turn: Turn, error: str | None, tried: int, at: datetime,
    jitter: Callable[[], float],
) -> bool:  # fmt: skip
    """Keep the lease, or after a failure give it back with a wait; False when it is lost."""
    values: dict[str, object] = {"lease_until": at + LEASE}
    if error is not None:
        wait = min(FIRST_WAIT * 2 ** min(tried - 1, 20), LONGEST_WAIT) * (0.5 + jitter() / 2)
        values = {"lease": None, "lease_until": None, "next_at": at + wait}
    held = session.scalar(
        update(WebhookSubscription)
        .where(WebhookSubscription.id == turn.subscription, WebhookSubscription.lease == turn.token)
        .values(**values)
        .returning(WebhookSubscription.id)
    )
    return held is not None


def _rest(sender: Sender, turn: Turn) -> None:
    """The queue is empty: nothing is due until something is routed. Looked at once more under the
    row's lock, or what is routed in this very moment would wait for the next event."""
    with sender.sessions.begin() as session:
        _release(session, turn, {"next_at": None})
        if session.scalar(_queue(turn.subscription).limit(1)) is not None:
            outbox.wake(session, turn.subscription, at=sender.clock())


def _end(sender: Sender, turn: Turn) -> None:
    with sender.sessions.begin() as session:
        _release(session, turn, {})


def _release(session: Session, turn: Turn, values: Mapping[str, object]) -> None:
    session.execute(
        update(WebhookSubscription)
        .where(WebhookSubscription.id == turn.subscription, WebhookSubscription.lease == turn.token)
        .values(lease=None, lease_until=None, **values)
    )


def forget_old(sessions: Sessions, *, at: datetime) -> int:
    """Delete delivered messages after `KEPT`; dead letters stay until somebody decides."""
    with sessions.begin() as session:
        gone = session.scalars(
            delete(WebhookDelivery)
            .where(WebhookDelivery.state == outbox.DELIVERED, WebhookDelivery.last_at < at - KEPT)
            .returning(WebhookDelivery.id)
        )
        return len(gone.all())
