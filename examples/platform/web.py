"""The platform's pages, over what `relying_party` does. Everything is kept in memory."""

import hmac
import html
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from threading import Lock
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

import httpx

from examples.platform.relying_party import Refused, RelyingParty, Tokens, Transaction
from examples.platform.step_up import Needed, read_challenge

BODY_MAX = 64 * 1024
#: Sign-ins under way; the oldest is forgotten when there are more.
WAITING_MAX = 1000
PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>招标平台 Tenders</title>
<main><h1>招标平台 Tenders</h1>{}</main>"""
BUTTON = '<form method="post" action="{}"><button>{}</button></form>'


@dataclass
class Memory:
    """Sessions by cookie, sign-ins under way by state. Guarded: requests come in threads."""

    lock: Lock = field(default_factory=Lock)
    sessions: dict[str, Tokens] = field(default_factory=dict)
    waiting: dict[str, tuple[str, Transaction]] = field(default_factory=dict)
    leaving: dict[str, str] = field(default_factory=dict)

    def wait(self, browser: str, made: Transaction) -> None:
        with self.lock:
            self.waiting[made.state] = (browser, made)
            while len(self.waiting) > WAITING_MAX:
                self.waiting.pop(next(iter(self.waiting)))

    def take(self, browser: str, state: str) -> Transaction | None:
        """The sign-in of this state, once, if this browser began it."""
        with self.lock:
            found = self.waiting.pop(state, None)
        if found is None or not hmac.compare_digest(found[0], browser):
            return None
        return found[1]

    def end(self, *, sid: str | None, sub: str | None) -> int:
        """End the sessions of a provider's session, or of a person if no session is named."""
        with self.lock:
            ended = [
                key for key, tokens in self.sessions.items()
                if (tokens.claims.get("sid") == sid if sid else tokens.claims["sub"] == sub)
            ]  # fmt: skip
            for key in ended:
                del self.sessions[key]
        return len(ended)


class Pages(BaseHTTPRequestHandler):
    """One request. `party`, `memory` and `needed` are put here by `__main__`."""

    party: ClassVar[RelyingParty]
    memory: ClassVar[Memory]
    needed: ClassVar[Needed]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(
            {
                "/": self._home, "/login": self._login, "/callback": self._callback,
                "/sign-contract": self._sign_contract, "/logged-out": self._logged_out,
                "/frontchannel-logout": self._frontchannel_logout,
            }
        )  # fmt: skip

    def do_POST(self) -> None:
        self._answer(
            {
                "/logout": self._logout, "/renew": self._renew,
                "/backchannel-logout": self._backchannel_logout,
                "/api/contracts": self._api_contracts,
            }
        )  # fmt: skip

    def _answer(self, routes: dict[str, Callable[[], None]]) -> None:
        parts = urlsplit(self.path)
        self.query = dict(parse_qsl(parts.query))
        self.form: dict[str, str] = {}
        if self.command == "POST":
            length = int(self.headers.get("content-length") or 0)
            if length > BODY_MAX:
                self.close_connection = True
                return self._page(413, "<p>请求过大 Too large")
            self.form = dict(parse_qsl(self.rfile.read(length).decode("utf-8", "replace")))
        route = routes.get(parts.path)
        if route is None:
            return self._page(404, "<p>没有此页 No such page")
        try:
            return route()
        except Refused as error:
            return self._page(
                403, f'<p class="refused">登录失败 Refused: {html.escape(str(error))}'
            )
        except httpx.HTTPError as error:
            return self._page(
                502, f"<p>身份平台无法访问 Provider unreachable: {type(error).__name__}"
            )

    # Pages

    def _home(self) -> None:
        tokens = self._tokens()
        if tokens is None:
            return self._page(
                200, '<p>未登录 Not signed in</p><p><a href="/login">登录 Sign in</a>'
            )
        claims = (
            (html.escape(name), html.escape(str(tokens.claims[name]))) for name in tokens.claims
        )
        shown = "".join(f'<dt>{name}</dt><dd id="{name}">{value}</dd>' for name, value in claims)
        buttons = BUTTON.format("/renew", "续期 Renew") + BUTTON.format("/logout", "退出 Sign out")
        link = '<p><a href="/sign-contract">签订合同 Sign a contract</a>'
        return self._page(200, f"<p>已登录 Signed in</p><dl>{shown}</dl>{link}{buttons}")

    def _login(self) -> None:
        self._send_to_provider("/")

    def _send_to_provider(
        self, return_to: str, *, acr_values: tuple[str, ...] = (), max_age: int | None = None
    ) -> None:
        url, made = self.party.begin(return_to, acr_values=acr_values, max_age=max_age)
        browser = self._cookie("platform_browser") or secrets.token_urlsafe(32)
        self.memory.wait(browser, made)
        self._redirect(url, platform_browser=browser)

    def _callback(self) -> None:
        made = self.memory.take(self._cookie("platform_browser"), self.query.get("state", ""))
        if made is None:
            raise Refused("no sign-in of this browser is under way")
        tokens = self.party.finish(made, self.query)
        key = secrets.token_urlsafe(32)  # never the cookie that was there before
        with self.memory.lock:
            self.memory.sessions.pop(self._cookie("platform_session"), None)
            self.memory.sessions[key] = tokens
        self._redirect(made.return_to, platform_session=key)

    def _sign_contract(self) -> None:
        """Call the API as this person; answer its challenge once."""
        tokens = self._tokens()
        if tokens is None:
            return self._send_to_provider("/sign-contract")
        bearer = {"authorization": f"Bearer {tokens.access_token}"}
        own = self.party.settings.base_url
        answer = self.party.http.post(f"{own}/api/contracts", headers=bearer)
        challenge = read_challenge(answer.headers.get("www-authenticate", ""))
        if answer.status_code == 200:
            return self._page(200, '<p id="signed">合同已签 The contract is signed')
        if challenge is None:
            raise Refused(f"the API answered {answer.status_code}")
        if "stepped_up" in self.query:
            return self._page(403, '<p id="too-low">认证级别不足 Your level is too low for this')
        return self._send_to_provider(
            "/sign-contract?stepped_up=1",
            acr_values=challenge.acr_values, max_age=challenge.max_age,
        )  # fmt: skip

    def _renew(self) -> None:
        self._check_own_form()
        tokens, key = self._tokens(), self._cookie("platform_session")
        if tokens is None:
            return self._redirect("/")
        renewed = self.party.renew(tokens)
        with self.memory.lock:
            if key in self.memory.sessions:  # it may have been ended meanwhile
                self.memory.sessions[key] = renewed
        return self._redirect("/")

    # Logout, from here and from there

    def _logout(self) -> None:
        self._check_own_form()
        with self.memory.lock:
            tokens = self.memory.sessions.pop(self._cookie("platform_session"), None)
        if tokens is None:
            return self._redirect("/")
        state = secrets.token_urlsafe(16)
        return self._redirect(
            self.party.logout_url(tokens, state), platform_session="", platform_leaving=state
        )

    def _logged_out(self) -> None:
        expected = self._cookie("platform_leaving")
        if not expected or not hmac.compare_digest(expected, self.query.get("state", "")):
            raise Refused("nobody of this browser was leaving")
        self._page(200, '<p id="left">已退出 Signed out</p><p><a href="/">首页 Home</a>')

    def _backchannel_logout(self) -> None:
        """OpenID Connect Back-Channel Logout 1.0, 2.8."""
        try:
            claims = self.party.verify_logout_token(self.form.get("logout_token", ""))
        except Refused as error:
            self.log_message("logout token refused: %s", error)
            return self._send(400, b'{"error":"invalid_request"}', "application/json")
        self.memory.end(sid=claims.get("sid"), sub=claims.get("sub"))
        return self._send(200, b"", "text/plain")

    def _frontchannel_logout(self) -> None:
        """OpenID Connect Front-Channel Logout 1.0, 2: in a frame, so without our cookie."""
        if self.query.get("iss") == self.party.settings.issuer and self.query.get("sid"):
            self.memory.end(sid=self.query["sid"], sub=None)
        self._page(200, "<p>已退出 Signed out")

    # The API that asks for more

    def _api_contracts(self) -> None:
        given = self.headers.get("authorization", "")
        try:
            claims = self.party.verify_access_token(given.removeprefix("Bearer "))
        except Refused:
            headers = {"www-authenticate": 'Bearer error="invalid_token"'}
            return self._send(401, b"", "text/plain", headers)
        if self.needed.lacks(claims, now=self.party.now()):
            headers = {"www-authenticate": self.needed.challenge()}
            return self._send(401, b"", "text/plain", headers)
        return self._send(200, b'{"signed":true}', "application/json")

    # HTTP

    def _tokens(self) -> Tokens | None:
        with self.memory.lock:
            return self.memory.sessions.get(self._cookie("platform_session"))

    def _check_own_form(self) -> None:
        """A form of another site's carries another Origin."""
        if self.headers.get("origin") != self.party.settings.base_url:
            raise Refused("this form was sent from elsewhere")

    def _cookie(self, name: str) -> str:
        found = SimpleCookie(self.headers.get("cookie", "")).get(name)
        return found.value if found is not None else ""

    def _redirect(self, url: str, **cookies: str) -> None:
        self._send(303, b"", "text/plain", {"location": url}, cookies)

    def _page(self, status: int, body: str) -> None:
        self._send(status, PAGE.format(body).encode(), "text/html; charset=utf-8")

    def _send(
        self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.send_response(status)
        secure = "; Secure" if self.party.settings.base_url.startswith("https:") else ""
        for name, value in (cookies or {}).items():
            ended = "" if value else "; Max-Age=0"
            self.send_header(
                "set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{ended}"
            )
        for name, value in {
            "content-type": kind, "content-length": str(len(body)), "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; frame-ancestors "
            f"{self.party.settings.issuer}",
            **(headers or {}),
        }.items():  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Without query strings: codes and states are in them."""
        words = [str(value).partition("?")[0] for value in values]
        super().log_message("%s", format % tuple(words) if "%s" in format else format)
