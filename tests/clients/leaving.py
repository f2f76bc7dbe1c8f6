"""The provider's way out: its page may ask, and shows frames of the platforms to be told."""

import html
import re
from urllib.parse import urljoin

from tests.clients import forms
from tests.clients.person import Arrival, Browser, StuckAt

_FRAME = re.compile(r'<iframe[^>]*\ssrc="([^"]+)"')
_ONWARD = re.compile(r'<a[^>]*\sid="onward"[^>]*\shref="([^"]+)"')
_STEPS = 5


def leave(browser: Browser, at: Arrival) -> Arrival:
    """Answer what the page of end_session asks, open its frames, go where it leads."""
    for _ in range(_STEPS):
        if at.page is None:
            return at
        if at.status >= 400:
            raise StuckAt(f"{at.url} refused with {at.status}: {at.page[:2000]}")
        for frame in _FRAME.findall(at.page):
            browser.http.get(urljoin(at.url, html.unescape(frame)))
        onward = _ONWARD.search(at.page)
        asked = [form for form in forms.read(at.page, at.url) if "logout" in form.buttons]
        if asked:
            at = browser.submit(asked[0], asked[0].filled(logout=asked[0].buttons["logout"]))
        elif onward is not None:
            at = browser.visit(urljoin(at.url, html.unescape(onward[1])))
        else:
            return at
    raise StuckAt(f"still asked at {at.url}: {at.page}")
