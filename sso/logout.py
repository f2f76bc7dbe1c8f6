"""Logging out: asked for by a platform or a person (RP-Initiated Logout 1.0), told to every
platform that got a grant in the session (Back-Channel and Front-Channel Logout 1.0).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from urllib.parse import urlencode, urlsplit

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from sso import browser_session, clients, jose, logout_outbox, signing_keys, subjects
from sso.client import Client
from sso.credential_models import BrowserSession
from sso.grants import Grant
from sso.jose import InvalidToken
from sso.models import Account
from sso.oauth_errors import OAuthError
from sso.provider import Provider
from trust import audit
from trust.access import Caller

PATH: Final = "/oauth2/end_session"
STATE_MAX: Final = 1000
#: More frames than a browser loads while the page waits help nobody.
FRAMES_MAX: Final = 60
_GRANT: Final = cast(Table, Grant.__table__)
_CLIENTS: Final = select(_GRANT.c.client_id).distinct().where(
    _GRANT.c.session_id == bindparam("wanted")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hint:
    """An ID token of ours, shown again: whom it was given to and about which session. It may have
    expired long ago."""

    client_id: str
    sub: str
    sid: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A logout request whose parameters are good. `goes_to` is where the browser goes afterwards
    (state included), None for a page of ours. `hint` tells which login the platform means."""

    client: Client | None
    hint: Hint | None
    goes_to: str | None


@dataclass(frozen=True, slots=True)
class Confirm:
    """What the page asks that a person answers before they are logged out: `fields` are the
    request's own parameters, to be posted again to `action` with `csrf` and logout=yes."""

    client: Client | None
    csrf: str
    action: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """What a browser does after logout: load these frames, then go on to `goes_to`, if anywhere."""

    client: Client | None
    frames: tuple[str, ...]
    goes_to: str | None


def read(provider: Provider, parameters: Mapping[str, str], *, at: datetime) -> Asked:
    """Judge a request (RP-Initiated Logout 1.0, 2 and 3); OAuthError with `page` for a bad one:
    nobody is ever sent to an address that cannot be trusted."""
    hint = _hint(provider, parameters.get("id_token_hint"), at=at)
    named = parameters.get("client_id")
    if hint is not None and named not in (None, hint.client_id):
        raise _refused("id_token_hint and client_id name different platforms")
    client_id = hint.client_id if hint is not None else named
    client = clients.find(provider.reading, client_id) if client_id else None
    if client_id and client is None:
        raise _refused("this platform is not known here")
    wanted = parameters.get("post_logout_redirect_uri")
    if wanted is None:
        return Asked(client, hint, None)
    if client is None:
        raise _refused("a post_logout_redirect_uri needs an id_token_hint or a client_id")
    if wanted not in client.post_logout_redirect_uris:
        raise _refused("this post_logout_redirect_uri is not registered")
    return Asked(client, hint, _with_state(wanted, parameters.get("state")))


def _hint(provider: Provider, text: str | None, *, at: datetime) -> Hint | None:
    if text is None:
        return None
    try:
        jwt = jose.parse(text, algorithms=jose.SIGNING, typ="JWT")
        key = signing_keys.by_kid(provider, jwt.kid, at=at)
        if key is None or key.alg != jwt.header.get("alg"):
            raise InvalidToken("not signed by a key of ours")
        jose.check(jwt, key.spki)
    except InvalidToken as error:
        raise _refused("id_token_hint is no ID token of ours") from error
    claims = jwt.claims
    aud, sub, sid = claims.get("aud"), claims.get("sub"), claims.get("sid")
    if claims.get("iss") != provider.issuer or not isinstance(aud, str) or not isinstance(sub, str):
        raise _refused("id_token_hint is no ID token of ours")
    return Hint(aud, sub, sid if isinstance(sid, str) else None)


def _refused(description: str) -> OAuthError:
    return OAuthError("invalid_request", description, page=True)


def _with_state(uri: str, state: str | None) -> str:
    if state is None:
        return uri
    if len(state) > STATE_MAX:
        raise _refused(f"state is at most {STATE_MAX} characters")
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{urlencode({'state': state})}"


def is_expected(
    session: Session, provider: Provider, asked: Asked, current: BrowserSession
) -> Hint | None:
    """The hint, if it is about the session of this browser; None: ask the person first.

    Otherwise any page could log people out by a link (RP-Initiated Logout 1.0, 6).
    """
    if asked.hint is None or asked.client is None:
        return None
    if asked.hint.sid is not None:
        return asked.hint if asked.hint.sid == current.id else None
    account = session.get_one(Account, current.account)
    subject = subjects.subject(asked.client, account.sub, provider.vault)
    return asked.hint if subject == asked.hint.sub else None


def end_session(
    session: Session, provider: Provider, current: BrowserSession, *, by: Caller, at: datetime
) -> tuple[str, ...]:
    """End a browser session and what hangs on it, in the caller's transaction; the frames to show.

    Grants that are not for the person's absence end with it; every platform that got one is told,
    by a row of the outbox (`logout_outbox.deliver_due`) or a frame.
    """
    session_id, account_name = current.id, current.account
    if not browser_session.end(session, current, at=at):
        return ()
    told = _announce(session, provider, account_name, session_id, at=at)
    details: dict[str, audit.JSON] = {
        "session": session_id, "platforms": sorted(client.client_id for client in told)[:50],
    }  # fmt: skip
    audit.record(session, "session.ended", subject=account_name, by=by, at=at, details=details)
    return tuple(_frame(provider, client, session_id) for client in told if _has_frame(client))


def end_all(
    session: Session, provider: Provider, account_name: str, *, by: Caller, at: datetime,
    except_id: str | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """End the account's sessions, one may stay, and tell the platforms; the frames to show.

    At most `FRAMES_MAX` of them, for who has a page to show them on: a platform that knows its
    sessions by `sid` ends those of other browsers by a frame in this one.
    """
    frames: list[str] = []
    ended = browser_session.end_all(session, account_name, at=at, except_id=except_id)
    for session_id in ended:
        told = _announce(session, provider, account_name, session_id, at=at)
        frames += [_frame(provider, client, session_id) for client in told if _has_frame(client)]
    details: dict[str, audit.JSON] = {"sessions": len(ended)}
    audit.record(session, "sessions.ended", subject=account_name, by=by, at=at, details=details)
    return tuple(frames[:FRAMES_MAX])


def tell_of_sessions(provider: Provider, session_ids: Sequence[str], *, at: datetime) -> None:
    """Tell the platforms of sessions that something else ended (a password changed, an account
    suspended), in a transaction of its own."""
    with provider.sessions.begin() as session:
        for session_id in session_ids:
            row = session.get(BrowserSession, session_id)
            if row is not None:
                _announce(session, provider, row.account, session_id, at=at)


def _announce(
    session: Session, provider: Provider, account_name: str, session_id: str, *, at: datetime
) -> list[Client]:
    """Notices for the outbox, and the end of the grants that live with the session only."""
    told = _platforms(session, provider, session_id)
    for client in told:
        if client.backchannel_logout_uri is not None:
            logout_outbox.add(session, client, account=account_name, sid=session_id, at=at)
    session.execute(
        update(Grant)
        .where(
            Grant.session_id == session_id, Grant.revoked_at.is_(None), Grant.offline.is_(False)
        )
        .values(revoked_at=at, revoked_reason="logged out"),
        execution_options={"synchronize_session": False},
    )  # fmt: skip
    return told


def _platforms(session: Session, provider: Provider, session_id: str) -> list[Client]:
    names = session.connection().execute(_CLIENTS, {"wanted": session_id}).scalars().all()
    found = (clients.find(provider.reading, name) for name in sorted(names))
    return [client for client in found if client is not None]


def _has_frame(client: Client) -> bool:
    return client.frontchannel_logout_uri is not None


def _frame(provider: Provider, client: Client, session_id: str) -> str:
    """With `iss` and `sid` always: whoever registered that it needs them gets them, and others may
    use them (Front-Channel Logout 1.0, 2)."""
    uri = client.frontchannel_logout_uri or ""
    more = urlencode({"iss": provider.issuer, "sid": session_id})
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{more}"
