"""The forms of a page, as a browser without JavaScript sees them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

#: Inputs that send something only when they are chosen or pressed.
_PRESSED = {"submit", "button", "image", "reset"}
_CHOSEN = {"checkbox", "radio"}


@dataclass(slots=True)
class Form:
    """Where it goes and what it sends; `buttons` are name to value, sent by the one pressed."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)

    def filled(self, **values: str) -> dict[str, str]:
        """Its fields with these instead, to be sent."""
        return {**self.fields, **values}


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.forms: list[Form] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self.base, given.get("action", ""))
            self.forms.append(Form(action, given.get("method", "get").lower()))
            self._open = True
        elif self._open and tag in ("input", "button") and "name" in given:
            self._note(tag, given)

    def _note(self, tag: str, given: dict[str, str]) -> None:
        form, kind = self.forms[-1], given.get("type", "submit" if tag == "button" else "text")
        if kind in _PRESSED:
            form.buttons[given["name"]] = given.get("value", "")
        elif kind not in _CHOSEN or "checked" in given:
            form.fields[given["name"]] = given.get("value", "on" if kind in _CHOSEN else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


def read(page: str, base: str) -> list[Form]:
    """The forms of an HTML page at the URL `base`, in order."""
    reader = _Reader(base)
    reader.feed(page)
    return reader.forms
