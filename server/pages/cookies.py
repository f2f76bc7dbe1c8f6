"""The two cookies of the identity pages.

`trust_browser` names this browser: forms and logins in progress are bound to it, and a browser that
has signed somebody in before is known by it. `trust_session` is a session's token. Over https both
carry the `__Host-` prefix (RFC 6265bis, 4.1.3.2): no neighbouring host can plant them.
"""

import re
import secrets
from datetime import timedelta

from fastapi import Request, Response

#: 32 random bytes each; anything else in their place is as good as no cookie.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
#: What browsers keep at most.
_BROWSER_LIFE = timedelta(days=400)


def new_browser() -> str:
    return secrets.token_urlsafe(32)


def browser_of(request: Request, *, secure: bool) -> str | None:
    """The name of the browser that asks, or None before it has one."""
    return _read(request, "trust_browser", secure=secure)


def session_of(request: Request, *, secure: bool) -> str | None:
    """The session token that came along; nothing is known yet of whether it is good."""
    return _read(request, "trust_session", secure=secure)


def put_browser(response: Response, token: str, *, secure: bool) -> None:
    life = int(_BROWSER_LIFE.total_seconds())
    _put(response, "trust_browser", token, secure=secure, max_age=life)


def put_session(response: Response, token: str, *, secure: bool) -> None:
    """Without Max-Age: it goes when the browser is closed; the table knows its end otherwise."""
    _put(response, "trust_session", token, secure=secure, max_age=None)


def drop_session(response: Response, *, secure: bool) -> None:
    _put(response, "trust_session", "", secure=secure, max_age=0)


def _name(name: str, *, secure: bool) -> str:
    return f"__Host-{name}" if secure else name


def _read(request: Request, name: str, *, secure: bool) -> str | None:
    value = request.cookies.get(_name(name, secure=secure), "")
    return value if _TOKEN.fullmatch(value) else None


def _put(response: Response, name: str, value: str, *, secure: bool, max_age: int | None) -> None:
    # Lax, not Strict: a client's redirect to us must bring the session along.
    response.set_cookie(
        _name(name, secure=secure), value, max_age=max_age, path="/", secure=secure,
        httponly=True, samesite="lax",
    )  # fmt: skip
