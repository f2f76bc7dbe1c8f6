"""A person at a browser without JavaScript: follows redirects, signs in, consents.

The only things known of the provider's pages are their inputs' names: `username` and `password`,
`otp`, `user_code`, and the button `consent`.
"""

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
import pyotp

from tests.clients import forms

STEPS = 30
REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody knows and has; `totp_secret` is base32."""

    username: str
    password: str
    sub: str = ""
    totp_secret: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a browser came to rest: outside the provider (`page` is None) or on a page of it.

    `posted` holds the fields when the way out was a form (response_mode=form_post).
    """

    url: str
    page: str | None = None
    status: int = 0
    posted: dict[str, str] | None = None


class StuckAt(AssertionError):
    """The provider showed a page that the person cannot pass."""


class Browser:
    """Cookies and a way through redirects; `home` is the provider's origin."""

    def __init__(self, home: str) -> None:
        self.home = home.rstrip("/")
        accepted = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        self.http = httpx.Client(timeout=30, trust_env=False, headers=accepted)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.http.close()

    def is_home(self, url: str) -> bool:
        return url == self.home or url.startswith((f"{self.home}/", f"{self.home}?"))

    def visit(self, url: str) -> Arrival:
        """GET, and on through redirects as long as they stay at the provider."""
        if not self.is_home(url):
            return Arrival(url)
        return self._follow(self.http.get(url))

    def submit(self, form: forms.Form, fields: dict[str, str]) -> Arrival:
        if not self.is_home(form.action):
            return Arrival(form.action, posted=fields)
        if form.method == "get":
            return self._follow(self.http.get(form.action, params=fields))
        # A browser names where the form came from; a check of CSRF may ask for it.
        return self._follow(self.http.post(form.action, data=fields, headers={"origin": self.home}))

    def _follow(self, answer: httpx.Response) -> Arrival:
        for _ in range(STEPS):
            if answer.status_code not in REDIRECTS:
                return Arrival(str(answer.url), answer.text, answer.status_code)
            target = str(answer.url.join(answer.headers["location"]))
            if not self.is_home(target):
                return Arrival(target)
            answer = self.http.get(target)
        raise StuckAt(f"redirected {STEPS} times, at last to {answer.url}")


def sign_in(browser: Browser, person: Person, url: str) -> Arrival:
    """From an authorization URL to the way out of the provider, whatever pages it shows.

    Ends on a page of the provider's too, when that page asks for nothing known: the caller judges.
    """
    at = browser.visit(url)
    for _ in range(STEPS):
        if at.page is None:
            return at
        step = _answer(person, forms.read(at.page, at.url))
        if step is None:
            return at
        before, at = at, browser.submit(*step)
        if at.page is not None and at.status >= 400:
            raise StuckAt(f"{before.url} refused with {at.status}: {at.page[:2000]}")
    raise StuckAt(f"still not through at {at.url}")


def enter(browser: Browser, person: Person, url: str) -> httpx.Response:
    """A platform's page, through the provider and back as often as the platform sends there."""
    for _ in range(STEPS):
        answer = browser.http.get(url)
        if answer.status_code not in REDIRECTS:
            return answer
        url = str(answer.url.join(answer.headers["location"]))
        if browser.is_home(url):
            arrival = sign_in(browser, person, url)
            if arrival.page is not None:
                raise StuckAt(f"{arrival.url} ({arrival.status}): {arrival.page[:2000]}")
            url = arrival.url
    raise StuckAt(f"redirected {STEPS} times, at last to {url}")


def _answer(person: Person, found: list[forms.Form]) -> tuple[forms.Form, dict[str, str]] | None:
    """The first form that this person can fill, filled."""
    for form in found:
        if "username" in form.fields and "password" in form.fields:
            return form, form.filled(username=person.username, password=person.password)
        if "otp" in form.fields and person.totp_secret is not None:
            return form, form.filled(otp=one_time_password(person.totp_secret))
        if "consent" in form.buttons:
            return form, form.filled(consent=form.buttons["consent"])
        if form.fields.get("user_code"):
            return form, form.fields  # a device's code, filled in by the address
        if form.fields.keys() & {"code", "error"} and "state" in form.fields:
            return form, form.fields  # response_mode=form_post, sent by a script in real browsers
    return None


_used: dict[str, int] = {}


def one_time_password(secret: str) -> str:
    """A code of a step that this process has not used yet: the next one is good early as well."""
    step = int(time.time()) // 30
    while step <= _used.get(secret, 0):
        step += 1
    while step > int(time.time()) // 30 + 1:  # two steps ahead is out of the window
        time.sleep(0.5)
    _used[secret] = step
    return pyotp.TOTP(secret).generate_otp(step)
