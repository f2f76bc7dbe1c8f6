"""Leaving for another platform, and what the content security policy has to do with it.

Chromium and Safari apply `form-action` to every redirect that follows a form (CSP 3, 6.4.2): with
`form-action 'self'` a consent form answered by a redirect to the platform goes nowhere, and naming
the platform's origin is not enough where its callback redirects once more to another host. So:

1. A form of ours is answered by 303 to our own `…/continue`.
2. There a browser that navigates (it says so: `Sec-Fetch-Mode`) gets a page with a refresh of
   0 seconds and a link. That is a new navigation; the form is forgotten, and nothing of the policy
   had to be widened for what comes after. It needs no script.
3. Whoever does not say so (old browsers, programs) gets a plain 303. For the old browsers the page
   with the form also names the one origin it may end at, in `form-action`.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from server.pages import show
from server.pages.visitor import Visitor

_BASE = (
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
    "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
)  # fmt: skip
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,60}")


def policy(*, form_action: Iterable[str] = (), frames: Iterable[str] = ()) -> dict[str, str]:
    """The header of a page whose forms may end, or whose frames may come from, these URLs too."""
    directives = [*_BASE, " ".join(["form-action 'self'", *_sources(form_action)])]
    framed = _sources(frames)
    if framed:
        directives.append(" ".join(["frame-src", *framed]))
    return {"Content-Security-Policy": "; ".join(directives)}


def policy_of_form_post() -> dict[str, str]:
    """No `form-action` at all: the page's one form carries a code to the platform, which may
    redirect anywhere; there is nothing else on the page that a form could take away."""
    return {"Content-Security-Policy": "; ".join(_BASE)}


def _sources(urls: Iterable[str]) -> list[str]:
    return sorted({source for url in urls if (source := source_of(url))})


def source_of(url: str) -> str:
    """The origin of an URL as a CSP source; "" where there is none (IPv6 literals, RFC 3986, 3.2.2:
    CSP's grammar has no brackets)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme in ("http", "https"):
        host = parts.netloc
        return f"{parts.scheme}://{host}" if _HOST.fullmatch(host) else ""
    # A native application's own scheme (RFC 8252, 7.1) has no host.
    return f"{parts.scheme}:" if _SCHEME.fullmatch(parts.scheme) else ""


def leave(request: Request, visitor: Visitor, url: str, *, to: str = "") -> Response:
    """Send the browser to a platform whose address was checked; `to` is the platform's name."""
    if request.headers.get("sec-fetch-mode", "")[:20] != "navigate":
        return RedirectResponse(url, 303, headers={"Cache-Control": "no-store"})
    return show.page(visitor, "leave.html", url=url, to=to, signed_in=False)
