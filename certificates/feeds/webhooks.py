"""Receivers of licences' changes: registered, changed, given new secrets, removed.

System administrators do it; every act is audited. The secret is shown once and kept sealed.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from certificates.events import ISSUED
from certificates.feeds import outbox
from certificates.feeds.webhooks_models import WebhookDelivery, WebhookSubscription
from certificates.feeds.webhooks_signature import SignatureKind, new_secret, written
from certificates.models import LicenceState
from trust import audit
from trust.access import Caller, Role
from trust.errors import Forbidden, Invalid, NotFound
from trust.vault import Vault

NAME_MAX: Final = 100
URL_MAX: Final = 2000
SUBSCRIPTIONS_MAX: Final = 200
#: How long messages are signed with the old secret too.
OVERLAP: Final = timedelta(hours=24)
#: Messages of a receiver at a time.
PAGE: Final = 200
NEWEST: Final = 2**53 - 1
KINDS: Final = (ISSUED, *(str(state) for state in LicenceState))


class BadSubscription(Invalid):
    """The address, the name, a kind of event or the signature is not one there can be."""

    code = "bad_subscription"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a receiver asks for; `kinds` and `types` empty: everything."""

    name: str
    url: str
    kinds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    signature: SignatureKind = SignatureKind.SHA256


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A receiver and its secret, which is never shown again."""

    id: str
    secret: str


def check(wanted: Wanted, *, allow_private: bool) -> None:
    """BadSubscription. Where the address leads is judged at every call, not here."""
    if not 0 < len(wanted.name) <= NAME_MAX or not wanted.name.isprintable():
        raise BadSubscription(
            f"名称为 1 至 {NAME_MAX} 个字符 / a name has 1 to {NAME_MAX} characters"
        )
    if not set(wanted.kinds) <= set(KINDS):
        raise BadSubscription("没有这种事件 / there is no such kind of event")
    if len(wanted.types) > 200 or any(not 0 < len(each) <= 21 for each in wanted.types):
        raise BadSubscription("证照类型代码不对 / not codes of licence types")
    _check_url(wanted.url, allow_private=allow_private)


def _check_url(url: str, *, allow_private: bool) -> None:
    refused = BadSubscription(
        "地址须为 https，不含用户名与锚点 / the address is https, without user name or fragment"
    )
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise refused
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise refused from error
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes or not parts.hostname or port == 0 or parts.fragment:
        raise refused
    if parts.username is not None or parts.password is not None:
        raise refused


def _require(by: Caller) -> None:
    if not by.has(Role.SYSTEM_ADMIN):
        raise Forbidden("推送由系统管理员设置 / receivers are set up by a system administrator")


def subscribe(
    session: Session, wanted: Wanted, *, vault: Vault, by: Caller, at: datetime,
    allow_private: bool,
) -> Subscribed:  # fmt: skip
    """Register a receiver; it hears of what is routed from now on. Forbidden, BadSubscription."""
    _require(by)
    check(wanted, allow_private=allow_private)
    if len(every(session)) >= SUBSCRIPTIONS_MAX:
        raise BadSubscription(
            f"订阅不超过 {SUBSCRIPTIONS_MAX} 个 / at most {SUBSCRIPTIONS_MAX} receivers"
        )
    key, secret = f"wh_{secrets.token_urlsafe(12)}", new_secret()
    session.add(
        WebhookSubscription(
            id=key, name=wanted.name, url=wanted.url, kinds=list(wanted.kinds),
            types=list(wanted.types), signature=str(wanted.signature),
            secret_box=vault.seal(secret, context=f"webhook/{key}"), active=True,
            created_by=by.account, created_at=at,
        )
    )  # fmt: skip
    session.flush()
    audit.record(session, "webhook.added", subject=key, by=by, at=at, details=_told(wanted))
    return Subscribed(key, written(secret))


def _told(wanted: Wanted) -> dict[str, audit.JSON]:
    return {
        "host": (urlsplit(wanted.url).hostname or "")[:200], "kinds": list(wanted.kinds),
        "types": list(wanted.types)[:20], "signature": str(wanted.signature),
    }  # fmt: skip


def find(session: Session, key: str) -> WebhookSubscription:
    """NotFound for one that is not there."""
    found = session.get(WebhookSubscription, key)
    if found is None:
        raise NotFound("没有这个订阅 / there is no such receiver")
    return found


def every(session: Session) -> Sequence[WebhookSubscription]:
    order = (WebhookSubscription.created_at, WebhookSubscription.id)
    return session.scalars(select(WebhookSubscription).order_by(*order)).all()


def change(
    session: Session, key: str, wanted: Wanted, *, by: Caller, at: datetime, allow_private: bool
) -> WebhookSubscription:
    """Other address, kinds or types, from now on; what is queued goes to the new address."""
    _require(by)
    check(wanted, allow_private=allow_private)
    found = find(session, key)
    found.name, found.url, found.signature = wanted.name, wanted.url, str(wanted.signature)
    found.kinds, found.types = list(wanted.kinds), list(wanted.types)
    session.flush()
    audit.record(session, "webhook.changed", subject=key, by=by, at=at, details=_told(wanted))
    return found


def pause(session: Session, key: str, *, by: Caller, at: datetime) -> None:
    """Nothing is sent any more; what is queued waits. Events meanwhile are not queued."""
    _require(by)
    find(session, key).active = False
    session.flush()
    audit.record(session, "webhook.paused", subject=key, by=by, at=at)


def resume(session: Session, key: str, *, by: Caller, at: datetime) -> None:
    """Send again, at once what is queued; what was missed is replayed by `replay`."""
    _require(by)
    found = find(session, key)
    found.active, found.next_at = True, at
    session.flush()
    audit.record(session, "webhook.resumed", subject=key, by=by, at=at)


def rotate(session: Session, key: str, *, vault: Vault, by: Caller, at: datetime) -> Subscribed:
    """A new secret; for OVERLAP every message is signed with the old one too."""
    _require(by)
    found, secret = find(session, key), new_secret()
    found.old_secret_box, found.old_secret_until = found.secret_box, at + OVERLAP
    found.secret_box = vault.seal(secret, context=f"webhook/{key}")
    session.flush()
    audit.record(session, "webhook.rotated", subject=key, by=by, at=at)
    return Subscribed(key, written(secret))


def remove(session: Session, key: str, *, by: Caller, at: datetime) -> None:
    """The receiver and its queue, for good."""
    _require(by)
    find(session, key)
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.subscription == key))
    session.execute(delete(WebhookSubscription).where(WebhookSubscription.id == key))
    audit.record(session, "webhook.removed", subject=key, by=by, at=at)


# --- the queue ------------------------------------------------------------------------------------


def retry(session: Session, delivery: int, *, by: Caller, at: datetime) -> None:
    """Send a message again that was given up, before all others; NotFound for another."""
    _require(by)
    key = session.scalar(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery, WebhookDelivery.state == outbox.DEAD)
        .values(state=outbox.WAITING, tried=0)
        .returning(WebhookDelivery.subscription)
    )
    if key is None:
        raise NotFound("没有这条未送达的消息 / there is no such message that was given up")
    _at_once(session, key, at=at)
    details: dict[str, audit.JSON] = {"delivery": delivery}
    audit.record(session, "webhook.retried", subject=key, by=by, at=at, details=details)


def retry_all(session: Session, key: str, *, by: Caller, at: datetime) -> int:
    """`retry` of every message of a receiver that was given up; how many."""
    _require(by)
    find(session, key)
    again = session.scalars(
        update(WebhookDelivery)
        .where(WebhookDelivery.subscription == key, WebhookDelivery.state == outbox.DEAD)
        .values(state=outbox.WAITING, tried=0)
        .returning(WebhookDelivery.id)
    ).all()
    _at_once(session, key, at=at)
    details: dict[str, audit.JSON] = {"messages": len(again)}
    audit.record(session, "webhook.retried", subject=key, by=by, at=at, details=details)
    return len(again)


def _at_once(session: Session, key: str, *, at: datetime) -> None:
    session.execute(
        update(WebhookSubscription).where(WebhookSubscription.id == key).values(next_at=at)
    )


def deliveries(
    session: Session, key: str, *, state: str = "", before: int = NEWEST
) -> Sequence[WebhookDelivery]:
    """A page of a receiver's messages, the newest events first."""
    query = select(WebhookDelivery).where(
        WebhookDelivery.subscription == key, WebhookDelivery.event < before
    )
    if state:
        query = query.where(WebhookDelivery.state == state)
    return session.scalars(query.order_by(WebhookDelivery.event.desc()).limit(PAGE)).all()
