"""The frame of the pages for applications and licences: who finds them, refusals shown where they
happened and written down, the one form of acts that are asked about first."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from fastapi import Request, Response

from certificates.applications.refusals import recording_refusals
from certificates.licence_type import LicenceType
from server import problems
from server.pages import desk_frame, desk_words, life_words, show
from server.pages.account_credentials import require_recent
from server.pages.desk_frame import NotUnderstood, collecting_refusal
from server.pages.form import Form
from server.pages.visitor import SignedIn
from server.platform import Platform
from trust.access import Role
from trust.errors import Forbidden, TrustError

STAFF: Final = frozenset({Role.CLERK, Role.APPROVER})
Words = tuple[str, str]


@dataclass(frozen=True, slots=True)
class LifeAct:
    """Something that may be done now. `asks` are inputs of its page: note, reason, basis, cause;
    without any it is done by a button where it stands. `for_good` wants a fresh sign-in and a
    ticked box."""

    name: str
    heading: Words
    told: Words
    asks: tuple[str, ...] = ()
    needed: frozenset[str] = field(default_factory=frozenset)
    for_good: bool = False
    quiet: bool = False


def platform_of(asked: Request) -> Platform:
    return cast(Platform, asked.app.state.platform)


def life_page(
    me: SignedIn, template: str, *, here: str, done: str = "", error: TrustError | None = None,
    licence_type: LicenceType | None = None, **values: Any,
) -> Response:  # fmt: skip
    """A page of this desk; with `error` it says why, under the status of that refusal."""
    return show.page(
        me.visitor, template, status=problems.status_of(type(error)) if error else 200,
        places=desk_frame.places(me), here=here, csrf=show.session_token(me, desk_frame.PURPOSE),
        done=life_words.DONE.get(done[:40]), words=desk_words, life_words=life_words,
        licence_type=licence_type,
        trouble=life_words.refusal(error, licence_type) if error else None, **values,
    )  # fmt: skip


@contextmanager
def refusing(me: SignedIn, act: str, *, subject: str, at: datetime) -> Iterator[list[TrustError]]:
    """Collects the refusal of an act, to be shown on its page, once it is in the audit log."""
    with (
        collecting_refusal() as refused,
        recording_refusals(me.provider.sessions, act, subject=subject, by=me.caller, at=at),
    ):
        yield refused


def ask(
    me: SignedIn, act: LifeAct, *, here: str, action: str, back: str,
    about: list[tuple[str, str, str]], error: TrustError | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """The page that asks; without a fresh sign-in it says so instead of offering the form."""
    stale: TrustError | None = None
    if act.for_good:
        try:
            require_recent(me)
        except Forbidden as found:
            stale = found
    return life_page(
        me, "desk_life_act.html", here=here, act=act, action=action, back=back, about=about,
        given=given or {}, stale=stale is not None, error=error or stale,
    )  # fmt: skip


def check_act(me: SignedIn, act: LifeAct, form: Form) -> None:
    """SignInTooOld, NotUnderstood: before an act that cannot be undone."""
    if act.for_good:
        require_recent(me)
        if form.text("understood") != "yes":
            raise NotUnderstood("an act that cannot be undone is confirmed by its box")


def given_of(act: LifeAct, form: Form) -> dict[str, str]:
    """What was filled in on the page that asks."""
    return {name: form.text(name, cap=2000) for name in act.asks}
