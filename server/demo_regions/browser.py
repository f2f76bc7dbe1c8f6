"""A browser without scripts, for demonstrations: cookies by host, redirects, links and forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

import httpx

from trust.errors import Unavailable

REDIRECTS_MAX: Final = 12
SECONDS: Final = 20.0
_ASKED: Final = {"Accept": "text/html", "Accept-Language": "zh-CN"}


class PageMissing(Unavailable):
    """A page did not come, or is not the one that was to come."""

    code = "page_missing"


@dataclass(slots=True)
class PageForm:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    """What there is to see and to press."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(PageForm(found.get("action", "")))
        elif tag == "a":
            self.links.append(found.get("href", ""))
        elif self.forms and tag in ("input", "button") and found.get("name"):
            pressed = found.get("type") in ("radio", "checkbox", "submit") or tag == "button"
            if not pressed or "checked" in found:
                self.forms[-1].fields[found["name"]] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@dataclass(frozen=True, slots=True)
class Shown:
    """The page that the browser shows, and where it is."""

    url: str
    status: int
    text: str
    links: tuple[str, ...]
    forms: tuple[PageForm, ...]

    def link(self, ending: str) -> str:
        """The address of the first link that ends so; PageMissing."""
        for each in self.links:
            if each.endswith(ending):
                return urljoin(self.url, each)
        raise PageMissing(f"{self.url} ({self.status}) has no link to {ending}: {self.text[:200]}")

    def form(self, ending: str) -> PageForm:
        """The form that is sent to such an address; PageMissing."""
        for each in self.forms:
            if each.action.endswith(ending):
                return each
        raise PageMissing(f"{self.url} ({self.status}) has no form {ending}: {self.text[:200]}")


class Browser:
    """`with Browser() as browser`: one person's, closed at the end."""

    def __init__(self) -> None:
        self._http = httpx.Client(trust_env=False, timeout=SECONDS, headers=_ASKED)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def get(self, url: str) -> Shown:
        """A page, after all its redirects; PageMissing."""
        return self._land("GET", url, {})

    def send(self, page: Shown, ending: str, values: Mapping[str, str]) -> Shown:
        """Fill in the form of a page whose address ends so, and send it."""
        form = page.form(ending)
        return self._land("POST", urljoin(page.url, form.action), form.fields | dict(values))

    def sessions(self) -> dict[str, str]:
        """By host, the session's cookie."""
        return {
            each.domain: each.value or ""
            for each in self._http.cookies.jar if each.name.endswith("trust_session")
        }  # fmt: skip

    def _land(self, method: str, url: str, values: dict[str, str]) -> Shown:
        try:
            answer = self._http.request(method, url, data=values or None)
            for _ in range(REDIRECTS_MAX):
                if not answer.is_redirect:
                    break
                answer = self._http.get(urljoin(str(answer.url), answer.headers["location"]))
        except httpx.HTTPError as error:
            raise PageMissing(f"{url}: {type(error).__name__}") from error
        read = _Reader(answer.text)
        return Shown(
            str(answer.url), answer.status_code, " ".join("".join(read.words).split()),
            tuple(read.links), tuple(read.forms),
        )  # fmt: skip
