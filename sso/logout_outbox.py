"""Back-channel logout notices (Back-Channel Logout 1.0) that survive crashes of either side.

A notice is a row in the transaction that ends the session. Whoever delivers takes rows that are due
by pushing `next_at` forward (a lease), calls outside any transaction, then writes what came of it.
A crash in between: the notice is tried again when its lease is over, and may come twice.
"""

import logging
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from sso import clients, jose, signing_keys, subjects
from sso.client import Client
from sso.models import Account
from sso.outgoing import OutgoingFailed, OutgoingRefused
from sso.provider import Provider
from sso.token_models import LogoutDelivery

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TYPE: Final = "logout+jwt"
#: Spec 2.4: recommended to be short.
TOKEN_LIFE: Final = timedelta(minutes=2)
LEASE: Final = timedelta(minutes=1)
FIRST_WAIT: Final = timedelta(seconds=10)
LONGEST_WAIT: Final = timedelta(hours=2)
GIVE_UP: Final = timedelta(hours=24)
BATCH: Final = 20
_logger = logging.getLogger("sso.logout")


def add(session: Session, client: Client, *, account: str, sid: str, at: datetime) -> None:
    """A notice to one platform, due at once, in the caller's transaction."""
    session.add(
        LogoutDelivery(
            client_id=client.client_id, account=account, sid=sid,
            created_at=at, tried=0, next_at=at,
        )
    )  # fmt: skip


def deliver_due(provider: Provider, at: datetime) -> int:
    """Try the notices that are due, at most 20; how many were delivered."""
    some = select(LogoutDelivery.id).where(LogoutDelivery.next_at <= at).limit(1)
    with provider.reading() as session:  # every second: no writer waits for nothing
        if session.scalar(some) is None:
            return 0
    with provider.sessions.begin() as session:
        taken = _take(session, at=at)
    delivered = 0
    for notice in taken:
        error = _deliver(provider, notice, at=at)
        delivered += error is None
        with provider.sessions.begin() as session:
            _note(session, notice, error, at=at)
    return delivered


def _take(session: Session, *, at: datetime) -> list[LogoutDelivery]:
    """Rows that are due, leased by one statement: two processes never take the same."""
    due = (
        select(LogoutDelivery.id)
        .where(LogoutDelivery.next_at <= at)
        .order_by(LogoutDelivery.next_at)
        .limit(BATCH)
    )
    rows = session.scalars(
        update(LogoutDelivery)
        .where(LogoutDelivery.id.in_(due.scalar_subquery()), LogoutDelivery.next_at <= at)
        .values(next_at=at + LEASE, tried=LogoutDelivery.tried + 1)
        .returning(LogoutDelivery),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    return list(rows)


def _deliver(provider: Provider, notice: LogoutDelivery, *, at: datetime) -> str | None:
    """None when the platform took it; why not otherwise. 400 is its own fault and final for no one:
    it is tried again like any other."""
    client = clients.find(provider.reading, notice.client_id)
    if client is None or client.backchannel_logout_uri is None:
        return "the platform takes no notices any more"
    with provider.reading() as session:
        account = session.get_one(Account, notice.account)
    token = logout_token(provider, client, account.sub, notice.sid, at=at)
    try:
        status = provider.outgoing.post_form(client.backchannel_logout_uri, {"logout_token": token})
    except (OutgoingFailed, OutgoingRefused) as error:
        return str(error)
    # Spec 2.8: 200, and 204 from frameworks that turn an empty 200 into that.
    return None if status in (200, 204) else f"the platform answered {status}"


def logout_token(
    provider: Provider, client: Client, account_sub: str, sid: str, *, at: datetime
) -> str:
    """A logout token (2.4) by the algorithm of the platform's ID tokens; no nonce, ever."""
    now = int(at.timestamp())
    claims: dict[str, Any] = {
        "iss": provider.issuer, "aud": client.client_id, "iat": now,
        "exp": now + int(TOKEN_LIFE.total_seconds()), "jti": secrets.token_urlsafe(16),
        "sub": subjects.subject(client, account_sub, provider.vault), "sid": sid,
        "events": {EVENT: {}},
    }  # fmt: skip
    key = signing_keys.active(provider, client.id_token_alg, at=at)
    return jose.sign_jwt(provider.keys, key, claims, typ=TYPE)


def _note(session: Session, notice: LogoutDelivery, error: str | None, *, at: datetime) -> None:
    """Write what came of a try: delivered, tried again later (each wait twice the last), or given
    up after a day."""
    values: dict[str, Any] = {"last_error": error[:100] if error else None}
    if error is None:
        values |= {"delivered_at": at, "next_at": None}
    elif at >= notice.created_at + GIVE_UP:
        values |= {"given_up_at": at, "next_at": None}
        _logger.warning("client %s was not told of a logout: %s", notice.client_id, error[:100])
    else:
        wait = min(FIRST_WAIT * 2 ** min(notice.tried - 1, 20), LONGEST_WAIT)
        values["next_at"] = at + wait
    session.execute(
        update(LogoutDelivery).where(LogoutDelivery.id == notice.id).values(**values),
        execution_options={"synchronize_session": False},
    )


def undelivered(session: Session, *, limit: int = 100) -> list[LogoutDelivery]:
    """Notices that wait or were given up, the newest first: for an administrator's page."""
    waiting = or_(LogoutDelivery.next_at.is_not(None), LogoutDelivery.given_up_at.is_not(None))
    order = LogoutDelivery.created_at.desc()
    return list(session.scalars(select(LogoutDelivery).where(waiting).order_by(order).limit(limit)))
