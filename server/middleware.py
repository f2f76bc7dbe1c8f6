"""What every request passes, outside in: headers, its id and the access log, the rate limit, the
body's limit. Pure ASGI: bodies stream through and are never kept here.
"""

import ipaddress
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.problems import Problem, respond, respond_to_fault

_logger = logging.getLogger("trust.access")

#: 32 random bytes in base64url, as links to a login or a recovery carry them.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40,}|(?<=/files/)[A-Za-z0-9]{32}")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{16,64}")
#: What a form adds to the file inside it.
FORM_ROOM = 16 * 1024
#: A JSON body is made into objects, twenty times its size, before anybody has asked who sent it.
JSON_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests at once, and so many a second from then on."""

    burst: int
    per_second: float


def rate(per_second: float) -> Rate:
    """So many a second in the long run, and what comes in half a minute at once."""
    return Rate(max(1, round(30 * per_second)), per_second)


#: Of one address, behind which a whole office may sit.
VERIFYING = rate(10.0)
#: A thousand people who come to work within ten minutes post four forms each.
SIGNING_IN = Rate(1000, 10.0)
#: Anyone may ask for these, and each costs signatures or a row: verifications, time-stamps,
#: cosignatures, questions of other regions.
_VERIFYING = frozenset(
    {"/v1/verifications", "/verify", "/tsa", "/witness/add-checkpoint", "/v1/exchange"}
)
#: The doors at which passwords and codes are tried and sent.
_SIGNING_IN = ("/register", "/recover", "/sign-in", "/device")
_ADDRESSES_MAX = 10_000

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = (
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Requests:
    """Gives each request an id, logs it, and answers for what nobody foresaw.

    An id from outside is taken when it has the one form, so that a gateway's log and ours meet.
    The log has method, path, status, time: no query, body or address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _inbound_id(scope) or secrets.token_urlsafe(16)
        scope["request_id"] = request_id
        began, status = time.monotonic(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request_id.encode()))
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:  # the one place: nothing may leak, everything gets an answer
            response = respond_to_fault(Request(scope), error)
            if status == 0:
                await response(scope, receive, send_with_id)
        finally:
            spent = (time.monotonic() - began) * 1000
            _logger.info(
                "%s %s %d %.0fms %s", scope["method"], _printable(scope["path"]), status, spent,
                request_id,
            )  # fmt: skip


def _inbound_id(scope: Scope) -> str | None:
    found = [value for name, value in scope["headers"] if name == b"x-request-id"]
    if len(found) == 1 and _REQUEST_ID.fullmatch(found[0]):
        return str(found[0], "ascii")
    return None


def _printable(path: str) -> str:
    """A path writes no lines of its own into the log, and no token of a link that was sent."""
    path = _TOKEN.sub(lambda found: found[0][:4] + "...", path)
    return "".join(c if c.isprintable() and c != " " else "?" for c in path[:200])


class SecurityHeaders:
    """The same strict headers on every answer; HSTS where the platform is served by https.

    An answer that states a header itself keeps its own: the logged-out page must frame the pages of
    the platforms it logs out of, and no other page may.
    """

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app, self._headers = app, (*_HEADERS, _HSTS) if https else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                added = [header for header in self._headers if header[0] not in own]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class _BodyTooLarge(Exception):
    pass


class BodyLimit:
    """413 for bodies over the limit: by Content-Length before anything is read, and by count.

    Only a form may be as long as `limit`, which is for the file in it.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app, self._limit = app, limit + FORM_ROOM

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_of(scope)
        if self._declared(scope) > limit:
            await self._refuse(scope, receive, send, limit)
            return
        read, started = 0, False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise _BodyTooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _BodyTooLarge:
            if started:
                raise
            await self._refuse(scope, receive, send, limit)

    def _limit_of(self, scope: Scope) -> int:
        kinds = [value for name, value in scope["headers"] if name == b"content-type"]
        if len(kinds) == 1 and kinds[0].lower().startswith(b"multipart/form-data"):
            return self._limit
        return min(self._limit, JSON_MAX + FORM_ROOM)

    @staticmethod
    def _declared(scope: Scope) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and len(value) < 20:
                return int(value)
        return 0

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        megabytes = (limit - FORM_ROOM) / 1024 / 1024
        problem = Problem(
            413, "body_too_large", f"a request has at most {megabytes:g} MB",
            headers=(("Connection", "close"),),
        )  # fmt: skip
        await respond(Request(scope), problem)(scope, receive, send)


class RateLimit:
    """Token buckets for each address, one for what it verifies and one for its tries to sign in;
    429 when it is empty. Whose account is tried is counted elsewhere (sso.throttle).

    Of this process only: behind several, the limit is that many times as high. Addresses are kept
    in memory for as long as they are among the last ten thousand, and written nowhere.
    """

    def __init__(
        self, app: ASGIApp, *, verifying: Rate = VERIFYING, signing_in: Rate = SIGNING_IN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._app, self._verifying, self._signing_in = app, verifying, signing_in
        self._clock = clock
        self._buckets: OrderedDict[tuple[bool, str], tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rate = self._rate_of(scope)
        if rate is None or self._take(rate, _address(scope)):
            await self._app(scope, receive, send)
            return
        problem = Problem(
            429, "too_many_requests", headers=(("Retry-After", "1"), ("Connection", "close"))
        )
        await respond(Request(scope), problem)(scope, receive, send)

    def _rate_of(self, scope: Scope) -> Rate | None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        path = scope["path"]
        if path in _VERIFYING:
            return self._verifying
        doors = (path == door or path.startswith(f"{door}/") for door in _SIGNING_IN)
        return self._signing_in if any(doors) else None

    def _take(self, rate: Rate, address: str) -> bool:
        now, of = self._clock(), (rate is self._signing_in, address)
        with self._lock:
            left, at = self._buckets.pop(of, (float(rate.burst), now))
            left = min(float(rate.burst), left + (now - at) * rate.per_second)
            allowed = left >= 1
            self._buckets[of] = (left - 1 if allowed else left, now)
            if len(self._buckets) > _ADDRESSES_MAX:
                self._buckets.popitem(last=False)
            return allowed


def _address(scope: Scope) -> str:
    """The client's address; of IPv6 the /64, which one subscriber has for itself."""
    client = scope.get("client")
    host = str(client[0]) if client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), 64), strict=False).network_address)
    return host
