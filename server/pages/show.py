"""Identity pages made: the frame around them, their form tokens and cookies."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from server.pages import cookies, csrf, render
from server.pages.form import Form
from server.pages.visitor import SignedIn, Visitor
from trust.access import Role

_R = TypeVar("_R", bound=Response)
#: Who recovers accounts at a counter.
CLERKS = frozenset({Role.CLERK, Role.SECURITY_ADMIN})
#: Who finds something under /desk/ besides that counter (server.pages.desk_frame).
WORKERS = frozenset(
    {Role.CLERK, Role.APPROVER, Role.SEAL_ADMIN, Role.CA_ADMIN, Role.SYSTEM_ADMIN,
     Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.OFFICE}
)  # fmt: skip
#: Who finds something under /admin/.
ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})


def page(
    visitor: Visitor, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:  # fmt: skip
    """A page of `templates/identity/`; never stored, and it names the browser if nobody has yet."""
    held = {row.role for row in visitor.account.roles} if visitor.account else set()
    frame = {
        "region": visitor.region, "signed_in": visitor.account is not None,
        "administers": not held.isdisjoint(ADMINISTRATORS),
        "receives": not held.isdisjoint(CLERKS), "works": not held.isdisjoint(WORKERS),
        "csrf": "", "trouble": None, "done": None, "client": None,
    }  # fmt: skip
    made = render.page(
        f"identity/{template}", status=status,
        headers={"Cache-Control": "no-store", **(headers or {})}, **(frame | values),
    )  # fmt: skip
    return name_browser(visitor, made)


def name_browser(visitor: Visitor, response: _R) -> _R:
    """A browser that had no name gets its cookie."""
    if visitor.newcomer:
        cookies.put_browser(response, visitor.browser, secure=visitor.secure)
    return response


def onward(visitor: Visitor, path: str) -> RedirectResponse:
    """To another page of ours, by GET."""
    answer = RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})
    return name_browser(visitor, answer)


def browser_token(visitor: Visitor, purpose: str) -> str:
    """For forms of somebody who is only about to sign in: bound to the browser."""
    return csrf.token(visitor.provider.vault, visitor.browser, purpose=purpose)


def check_browser_form(visitor: Visitor, form: Form, purpose: str) -> None:
    """ForeignForm unless the form came from this browser's page; a newcomer never had one."""
    given = "" if visitor.newcomer else form.text(csrf.FIELD)
    csrf.check(visitor.provider.vault, visitor.browser, given, purpose=purpose)


def session_token(me: SignedIn, purpose: str) -> str:
    """For forms that act on an account: bound to the session."""
    return csrf.token(me.provider.vault, me.token, purpose=purpose)


def check_session_form(me: SignedIn, form: Form, purpose: str) -> None:
    csrf.check(me.provider.vault, me.token, form.text(csrf.FIELD), purpose=purpose)
