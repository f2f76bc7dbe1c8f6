"""What a grant in force lets a token say."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from sso import claims, tokens
from sso.client import Client
from sso.live_grant import LiveGrant, find
from sso.provider import Provider
from sso.tokens import Authorized

__all__ = ["LiveGrant", "authorized", "find"]


def authorized(
    session: Session, provider: Provider, client: Client, live: LiveGrant, *, scope: str,
    auth_time: datetime, acr: str, amr: Sequence[str], sid: str | None, nonce: str | None,
    at: datetime,
) -> Authorized:  # fmt: skip
    """What a token request of this grant may say of its person."""
    more = claims.for_id_token(session, provider, client, live, at=at)
    return Authorized(
        grant_id=live.grant_id, account=live.account,
        subject=tokens.subject(provider, client, live.sub), scope=scope, auth_time=auth_time,
        acr=acr, amr=tuple(amr), sid=sid, nonce=nonce, more=more,
    )  # fmt: skip
