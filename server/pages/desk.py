"""The clerk's desk: a lost account whose holder is there, document in hand."""

from typing import Any

from fastapi import APIRouter, Response

from server.pages import desk_frame, identity_words, show
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from sso import recovery_at_counter
from sso.recovery import DELAY, LIFE
from sso.recovery_at_counter import Shown
from trust.errors import Forbidden, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

_PURPOSE = "desk"


def _require(me: SignedIn) -> None:
    if me.caller.roles.isdisjoint(show.CLERKS):
        raise Forbidden("this desk is for clerks")


@router.get("/desk")
def show_first(me: Present) -> Response:
    """The counter for those who sit at it, else the first page of the desk that somebody has."""
    at_counter = not me.caller.roles.isdisjoint(show.CLERKS)
    return show.onward(me.visitor, "/desk/recovery" if at_counter else desk_frame.first(me))


@router.get("/desk/recovery")
def show_desk(me: Present) -> Response:
    _require(me)
    return _page(me)


def _page(me: SignedIn, **values: Any) -> Response:
    blank = {"token": "", "ready_at": None, "ends_at": None, "login": "", "holder": ""}
    return show.page(
        me.visitor, "desk_recovery.html", csrf=show.session_token(me, _PURPOSE),
        recover=f"{me.provider.issuer}/recover", **(blank | values),
    )  # fmt: skip


@router.post("/desk/recovery")
def begin_recovery(me: Present, form: Posted) -> Response:
    """Only whether document and account go together is told. The token is shown this once."""
    show.check_session_form(me, form, _PURPOSE)
    _require(me)
    login, holder = form.text("login", cap=254), form.text("name", cap=100)
    try:
        if form.text("seen") != "yes":
            raise Forbidden("the document has to be looked at first")
        token = recovery_at_counter.begin(
            me.provider, login, Shown(holder, form.text("id_number", cap=32)), by=me.caller,
            at=me.at,
        )  # fmt: skip
    except TrustError as error:
        return _page(me, login=login, holder=holder, trouble=identity_words.refusal(error))
    return _page(me, token=token, ready_at=me.at + DELAY, ends_at=me.at + LIFE)
