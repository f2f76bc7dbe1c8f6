"""A person at a browser: follows redirects, fills the forms of a login, presses the buttons.

What is no page of the identity provider ends the journey: that is where a relying party is reached.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
import pyotp

#: Longer journeys go in circles.
STEPS_MAX: Final = 25
#: What a browser says of a navigation (Fetch Metadata): begun by another site, or by our own page.
_ELSEWHERE: Final = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
_HERE: Final = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}


@dataclass
class Form:
    """`fields` as the page fills them in; `buttons` are those with a name."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrival:
    """The browser was sent to a relying party. `url` is all of it; `posted` the form, if any."""

    method: str
    url: str
    parameters: dict[str, str]
    pairs: tuple[tuple[str, str], ...]
    content_type: str = ""

    @property
    def address(self) -> str:
        """The URL without query and fragment."""
        return self.url.partition("#")[0].partition("?")[0]


@dataclass(frozen=True)
class Page:
    """A page of the identity provider on which the person has nothing more to do."""

    status: int
    url: str
    html: str
    forms: tuple[Form, ...]
    links: tuple[str, ...]
    frames: tuple[str, ...]
    refresh: str | None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.frames: list[str] = []
        self.refresh: str | None = None
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag in ("input", "button", "textarea") and self._open is not None:
            self._field(self._open, tag, given)
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "iframe" and "src" in given:
            self.frames.append(given["src"])
        elif tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            _, _, target = given.get("content", "").partition(";")
            self.refresh = target.strip().partition("=")[2].strip() or None

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    @staticmethod
    def _field(form: Form, tag: str, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        if not name:
            return
        if tag == "button" or kind == "submit":
            form.buttons[name] = given.get("value", "")
        elif kind not in ("radio", "checkbox") or "checked" in given:
            form.fields[name] = given.get("value", "")


def read_page(response: httpx.Response) -> Page:
    reader = _Reader()
    reader.feed(response.text)
    return Page(
        response.status_code, str(response.url), response.text, tuple(reader.forms),
        tuple(reader.links), tuple(reader.frames), reader.refresh,
    )  # fmt: skip


@dataclass
class Person:
    """One browser and who sits at it.

    `asked` is what the pages wanted, in order: sign_in, otp, consent, logout. With `consents` off
    the person presses the other button. `frames` are those of every page passed through.
    """

    browser: httpx.Client
    issuer: str
    username: str
    password: str
    clock: Callable[[], datetime]
    totp: pyotp.TOTP | None = None
    consents: bool = True
    asked: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)

    def open(self, url: str, query: Mapping[str, str] | None = None) -> Arrival | Page:
        """Follow a link of a relying party, and do whatever the pages ask."""
        return self._travel(self._get(_with(url, query), _ELSEWHERE))

    def look(self, url: str, query: Mapping[str, str] | None = None) -> Arrival | Page:
        """Follow a link up to the first page that asks for something."""
        return self._travel(self._get(_with(url, query), _ELSEWHERE), fill=False)

    def post(self, url: str, form: Mapping[str, str]) -> Arrival | Page:
        """A form on a relying party's page: SameSite=Lax keeps our cookies from going along."""
        request = self.browser.build_request("POST", url, data=dict(form), headers=_ELSEWHERE)
        request.headers.pop("cookie", None)
        return self._travel(self.browser.send(request, follow_redirects=False))

    def forget(self) -> None:
        """Clear what was noted, not the cookies."""
        self.asked.clear()
        self.frames.clear()

    def _get(self, url: str, headers: Mapping[str, str] = _HERE) -> httpx.Response:
        return self.browser.get(url, headers=dict(headers), follow_redirects=False)

    def _travel(self, response: httpx.Response, *, fill: bool = True) -> Arrival | Page:
        for _ in range(STEPS_MAX):
            page = read_page(response)
            self.frames.extend(page.frames)
            onward = response.headers.get("location") or page.refresh
            if onward is not None:
                target = urljoin(str(response.url), onward)
                if not self._is_here(target):
                    return _arrived(target)
                response = self._get(target)
                continue
            leaving = [each for each in page.forms if not self._is_here(each.action)]
            if leaving:
                return _posted(leaving[0])
            answer = self._answer(page) if fill else None
            if answer is None:
                return page
            target = urljoin(str(response.url), answer.action)
            response = self.browser.post(
                target, data=answer.fields, headers=_HERE, follow_redirects=False
            )
        raise AssertionError(f"the browser went in circles: {self.asked}\n{response.text[:3000]}")

    def _is_here(self, url: str) -> bool:
        parts = urlsplit(url)
        return not parts.scheme or f"{parts.scheme}://{parts.netloc}" == self.issuer

    def _answer(self, page: Page) -> Form | None:
        """The form this person sends off; None when the page asks for nothing they know."""
        for form in page.forms:
            if {"username", "password"} <= form.fields.keys():
                said = {"username": self.username, "password": self.password}
                return self._filled("sign_in", form, said)
            if "otp" in form.fields and self.totp is not None:
                return self._filled("otp", form, {"otp": self.totp.at(self.clock())})
            if "consent" in form.buttons:
                button = "consent" if self.consents else "deny"
                return self._filled("consent", form, {button: form.buttons[button]})
            if "logout" in form.buttons:
                return self._filled("logout", form, {"logout": form.buttons["logout"]})
        return None

    def _filled(self, asked: str, form: Form, said: Mapping[str, str]) -> Form:
        self.asked.append(asked)
        return Form(form.action, form.method, {**form.fields, **said})


def _with(url: str, query: Mapping[str, str] | None) -> str:
    if query is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(dict(query))}"


def _arrived(url: str) -> Arrival:
    pairs = tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return Arrival("GET", url, dict(pairs), pairs)


def _posted(form: Form) -> Arrival:
    pairs = tuple(form.fields.items())
    return Arrival(
        form.method.upper(), form.action, dict(form.fields), pairs,
        "application/x-www-form-urlencoded",
    )  # fmt: skip
