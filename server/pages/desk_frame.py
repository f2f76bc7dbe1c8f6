"""The frame of the pages for seals and certificates: who finds which of them, the one form of acts
that are asked about first, refusals shown where they happened.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import Depends, Request, Response

from server import problems
from server.pages import desk_words, show
from server.pages.account_credentials import require_recent
from server.pages.form import Form
from server.pages.visitor import SignedIn
from trust.access import Role
from trust.errors import Forbidden, Invalid, NotFound, TrustError

PURPOSE: Final = "desk.work"
PAGE: Final = 50
Words = tuple[str, str]

#: Who applies for seals, and who confirms somebody's use of one.
APPLICANTS: Final = frozenset({Role.CLERK, Role.APPROVER, Role.SEAL_ADMIN})
CONFIRMERS: Final = frozenset({Role.APPROVER, Role.SEAL_ADMIN})
SEAL_READERS: Final = frozenset({Role.SEAL_ADMIN, Role.AUDIT_ADMIN})
CA_READERS: Final = frozenset({Role.CA_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
HEALTH_READERS: Final = CA_READERS | {Role.SYSTEM_ADMIN}

SEALS, REQUESTS, USES = "/desk/seals", "/desk/seal-requests", "/desk/seal-uses"
LEDGER, CERTIFICATES, CRLS = "/desk/ledger", "/desk/certificates", "/desk/crls"
HEALTH: Final = "/desk/health"
OFFICE, SCAN, CALLS = "/desk/office", "/desk/office/scan", "/desk/office/calls"
OFFICES: Final = frozenset({Role.OFFICE})
BULK: Final = "/desk/bulk"
CASES, LICENCES = "/desk/cases", "/desk/licences"
SHOWING, DISPUTES = "/desk/showing", "/desk/disputes"
_PLACES: Final = (
    (CASES, "申请办理", "Cases", frozenset({Role.CLERK, Role.APPROVER})),
    (LICENCES, "证照", "Licences", frozenset({Role.CLERK, Role.APPROVER})),
    (SEALS, "印章", "Seals", SEAL_READERS),
    (REQUESTS, "印章申请", "Applications", APPLICANTS | SEAL_READERS),
    (USES, "用印确认", "Uses", CONFIRMERS),
    (LEDGER, "用印台账", "Ledger", SEAL_READERS),
    (CERTIFICATES, "证书", "Certificates", CA_READERS),
    (CRLS, "吊销列表", "CRLs", CA_READERS),
    (SHOWING, "亮证", "Showing", frozenset({Role.OFFICE, Role.CLERK, Role.APPROVER})),
    (DISPUTES, "异议", "Complaints", frozenset({Role.CLERK, Role.APPROVER})),
    (HEALTH, "运行状况", "Health", HEALTH_READERS),
    (OFFICE, "用证", "Licences", OFFICES),
    (SCAN, "核验", "Verify", OFFICES),
    (CALLS, "用证记录", "Calls", OFFICES),
    (BULK, "批量签发", "Bulk", frozenset({Role.CLERK, Role.APPROVER})),
)


def refuse_unwritable(request: Request) -> None:
    """NotFound for an address with a NUL: PostgreSQL has no text with one. Forms are without."""
    given = [*request.path_params.values(), *request.query_params.values()]
    if any("\0" in str(each) for each in given):
        raise NotFound("there is no such page")


#: What every router of the desk begins with.
GUARDS: Final = (Depends(refuse_unwritable),)


class NotUnderstood(Invalid):
    """An act that cannot be undone was sent without the box that says so."""

    code = "not_understood"


def require(me: SignedIn, roles: frozenset[Role]) -> None:
    if me.caller.roles.isdisjoint(roles):
        raise Forbidden("this page is for other offices")


def first(me: SignedIn) -> str:
    """The first page that somebody has; Forbidden without any."""
    for path, _, _, roles in _PLACES:
        if not me.caller.roles.isdisjoint(roles):
            return path
    raise Forbidden("this desk is for those who administer seals and certificates")


def places(me: SignedIn) -> list[tuple[str, str, str]]:
    """The pages of this desk that somebody finds, in their order."""
    return [each[:3] for each in _PLACES if not me.caller.roles.isdisjoint(each[3])]


def desk_page(
    me: SignedIn, template: str, *, here: str, done: str = "", error: TrustError | None = None,
    **values: Any,
) -> Response:  # fmt: skip
    """A page of this desk; with `error` it says why, under the status of that refusal."""
    return show.page(
        me.visitor, template, status=problems.status_of(type(error)) if error else 200,
        places=places(me), here=here, csrf=show.session_token(me, PURPOSE),
        done=desk_words.DONE.get(done[:40]), words=desk_words,
        trouble=desk_words.refusal(error) if error else None, **values,
    )  # fmt: skip


def check(me: SignedIn, form: Form, roles: frozenset[Role]) -> None:
    """ForeignForm, or Forbidden: a form of this session's page, by somebody of these offices."""
    show.check_session_form(me, form, PURPOSE)
    require(me, roles)


@contextmanager
def collecting_refusal() -> Iterator[list[TrustError]]:
    """Collects the refusal of an act, to be shown on its page; a fault of ours is raised."""
    refused: list[TrustError] = []
    try:
        yield refused
    except TrustError as error:
        if problems.status_of(type(error)) >= 500 and error.code not in desk_words.REFUSALS:
            raise
        refused.append(error)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is asked about on a page of its own before it is done.

    `told` is what it does. With `for_good` it wants a fresh sign-in and a ticked box; `reason` is
    whether a reason is asked for: "", "may" or "must".
    """

    name: str
    heading: Words
    told: Words
    for_good: bool = False
    reason: str = "must"
    choices: Mapping[str, Words] = field(default_factory=dict)  # in the place of a reason's text


def ask(
    me: SignedIn, act: Act, *, here: str, action: str, back: str, about: list[tuple[str, str, str]],
    error: TrustError | None = None, reason: str = "",
) -> Response:  # fmt: skip
    """The page that asks; without a fresh sign-in it says so instead of offering the form."""
    stale: TrustError | None = None
    if act.for_good:
        try:
            require_recent(me)
        except Forbidden as found:
            stale = found
    return desk_page(
        me, "desk_act.html", here=here, act=act, action=action, back=back, about=about,
        reason=reason, stale=stale is not None, error=error or stale,
    )  # fmt: skip


def check_act(me: SignedIn, act: Act, form: Form) -> None:
    """SignInTooOld, NotUnderstood: before an act that cannot be undone."""
    if not act.for_good:
        return
    require_recent(me)
    if form.text("understood") != "yes":
        raise NotUnderstood("an act that cannot be undone is confirmed by its box")
