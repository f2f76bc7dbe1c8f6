"""Logging out here of a login that came through another region: there as well.

RP-Initiated Logout 1.0 as its client: the browser goes to the upstream's end_session_endpoint with
the ID token of that login, and comes back by a `state` of one use. What is ended here is ended
before; an upstream that does not answer is left out, and the person goes on.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from sso import factors, upstream_tokens
from sso.credential_models import BrowserSession
from sso.oauth_errors import OAuthError
from sso.outgoing import OutgoingFailed, OutgoingRefused
from sso.provider import Provider
from sso.upstream_models import Upstream, UpstreamDeparture, UpstreamSession
from trust.crypto.hashes import sha256

LEFT: Final = "/sign-in/upstream/left"
#: How long the other side may take.
LIFE: Final = timedelta(minutes=15)
#: Whether it answers is tried before the browser is sent there: seconds.
PATIENCE: Final = 2.0
#: An ID token goes back in an address; ours have 1 kB.
HINT_MAX: Final = 4096
_CONTEXT: Final = "upstream_session.hint"


@dataclass(frozen=True, slots=True)
class Login:
    """The login at an upstream that a browser session here came of."""

    upstream: Upstream
    hint: str


@dataclass(frozen=True, slots=True)
class Back:
    """Whoever came back from there: the platform that asked for the logout ("" for nobody), and
    where they were going."""

    client_id: str
    goes_to: str | None


def sealed_hint(provider: Provider, upstream: Upstream, id_token: str) -> bytes | None:
    """What is kept of an ID token for a later logout. Only of regions connected by the lists: of
    others nobody knows whether they would send the browser back."""
    if not upstream.by_key or len(id_token) > HINT_MAX:
        return None
    return provider.vault.seal(id_token.encode(), context=_CONTEXT)


def login_of(session: Session, provider: Provider, current: BrowserSession) -> Login | None:
    """Which login elsewhere a session came of; None for one of our own."""
    if factors.federated(current.methods) is None:
        return None
    row = session.execute(
        select(UpstreamSession.hint, Upstream)
        .join(Upstream, Upstream.slug == UpstreamSession.upstream)
        .where(
            UpstreamSession.account == current.account,
            UpstreamSession.auth_time == current.auth_time,
            UpstreamSession.hint.is_not(None), Upstream.active,
        )
        .order_by(UpstreamSession.id.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    hint = provider.vault.unseal(row.hint or b"", context=_CONTEXT).decode()
    return Login(row.Upstream, hint)


def depart(
    provider: Provider, login: Login, *, client_id: str, goes_to: str | None, at: datetime
) -> str | None:
    """Where the browser goes to be logged out there; None when nobody answers there now.

    Nothing is open while the upstream is asked. A crash before the redirect leaves a row that ends
    by itself.
    """
    known, state = login.upstream, secrets.token_urlsafe(32)
    endpoint = _endpoint(provider, known)
    if endpoint is None:
        return None
    sealed = None
    if goes_to is not None:
        sealed = provider.vault.seal(goes_to.encode(), context=_goes_to(state))
    with provider.sessions.begin() as session:
        session.add(
            UpstreamDeparture(
                state=sha256(state.encode()), goes_to=sealed, client_id=client_id,
                expires_at=at + LIFE,
            )
        )  # fmt: skip
    asked = {
        "id_token_hint": login.hint, "client_id": known.client_id,
        "post_logout_redirect_uri": provider.issuer + LEFT, "state": state,
    }  # fmt: skip
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def _endpoint(provider: Provider, known: Upstream) -> str | None:
    """Asked anew: a browser that is sent to somebody who has gone comes back from nowhere."""
    try:
        found: Mapping[str, Any] = provider.outgoing.fetch_json(
            upstream_tokens.metadata_url(known), timeout=PATIENCE
        )
        return upstream_tokens.address(provider, known, found, "end_session_endpoint")
    except (OutgoingFailed, OutgoingRefused):
        return None


def arrive(provider: Provider, state: str, *, at: datetime) -> Back:
    """Somebody comes back; OAuthError with a page for a state that is unknown, used or too old."""
    with provider.sessions.begin() as session:
        row = session.execute(
            delete(UpstreamDeparture)
            .where(
                UpstreamDeparture.state == sha256(state[:100].encode("utf-8", "replace")),
                UpstreamDeparture.expires_at > at,
            )
            .returning(UpstreamDeparture.goes_to, UpstreamDeparture.client_id)
        ).one_or_none()
    if row is None:
        raise OAuthError("invalid_request", "nobody who logged out is expected here", page=True)
    goes_to = None
    if row.goes_to is not None:
        goes_to = provider.vault.unseal(row.goes_to, context=_goes_to(state)).decode()
    return Back(row.client_id, goes_to)


def _goes_to(state: str) -> str:
    return f"upstream_departure:{sha256(state.encode()).hex()}"
