"""Forms that only our own pages can post.

Every form holds a token: a keyed hash of the browser's name, or of the session's token where there
is one, and of what the form is for. Both cookies are random and unreadable to scripts, so nobody
else can make it, and a token for one purpose opens no other.
"""

import base64
import hmac

from fastapi import Request

from trust.errors import Forbidden
from trust.vault import Vault

FIELD = "csrf"
_ELSEWHERE = frozenset({"cross-site", "same-site"})


class ForeignForm(Forbidden):
    """The form did not come from a page of ours, or that page is of another session."""

    code = "foreign_form"


def token(vault: Vault, bound_to: str, *, purpose: str) -> str:
    """43 characters that are good for this browser or session and this purpose."""
    mac = vault.index(f"{bound_to}\0{purpose}", column="pages.csrf")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def check(vault: Vault, bound_to: str, given: str, *, purpose: str) -> None:
    """ForeignForm unless `given` is the token of this browser or session and purpose."""
    wanted = token(vault, bound_to, purpose=purpose)
    if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
        raise ForeignForm("this form is not of this browser's session: load the page again")


def refuse_elsewhere(request: Request) -> None:
    """ForeignForm when the browser itself says that another site sent the request.

    `Origin` cannot be asked: with `Referrer-Policy: no-referrer` our own forms send `null`.
    """
    if request.headers.get("sec-fetch-site", "")[:20] in _ELSEWHERE:
        raise ForeignForm("this form was posted by another site")
