"""The office's desk for 亮证: scan or type the code on somebody's screen, wait, look once."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response

from certificates.applications.refusals import recording_refusals
from certificates.wallet import showing, showing_look
from certificates.wallet import shown as wallet_shown
from server.pages import show, wallet_words
from server.pages.desk_frame import GUARDS, SHOWING, check, desk_page, require
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from server.pages.wallet_frame import collecting_refusal, purpose_of
from trust.errors import TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)
_FIELDS: Final = ("code", "cause", "item_code")


@router.get(SHOWING)
def show_form(me: Present) -> Response:
    require(me, showing.OFFICERS)
    return _form(me, dict.fromkeys(_FIELDS, ""))


def _page(
    me: SignedIn, template: str, *, error: TrustError | None = None, **values: Any
) -> Response:
    return desk_page(me, template, here=SHOWING, error=error, states=wallet_words, **values)


def _form(me: SignedIn, values: Mapping[str, str], *, error: TrustError | None = None) -> Response:
    return _page(me, "desk_showing.html", values=values, error=error)


@router.post(SHOWING)
def ask(me: Present, form: Posted) -> Response:
    check(me, form, showing.OFFICERS)
    sessions, by, at = me.provider.sessions, me.caller, me.at
    noting = recording_refusals(sessions, "showing.ask", subject="showing", by=by, at=at)
    with collecting_refusal() as refused, noting:
        purpose, code = purpose_of(form), form.text("code", cap=60)
        with sessions.begin() as session:
            key = showing.begin(session, me.provider.vault, code, purpose=purpose, by=by, at=at)
    if refused:
        # The code is not shown again: it was spent, or is to be read anew from the other screen.
        values = {name: form.texts.get(name, "")[:200] for name in _FIELDS} | {"code": ""}
        return _form(me, values, error=refused[0])
    return show.onward(me.visitor, f"{SHOWING}/{key}")


@router.get(SHOWING + "/{key}")
def show_standing(me: Present, key: UUID) -> Response:
    require(me, showing.OFFICERS)
    with me.provider.reading() as session:
        standing = showing.standing(session, key, by=me.caller, at=me.at)
    return _page(me, "desk_showing_one.html", standing=standing, look=None, good=False)


@router.post(SHOWING + "/{key}/licence")
def look(me: Present, key: UUID, form: Posted) -> Response:
    """The one look: this very page, never to be had again."""
    check(me, form, showing.OFFICERS)
    sessions, by, at = me.provider.sessions, me.caller, me.at
    with recording_refusals(sessions, "showing.look", subject=str(key), by=by, at=at):
        found = showing_look.take(sessions, me.provider.vault, key, by=by, at=at)
    with me.provider.reading() as session:
        standing = showing.standing(session, key, by=me.caller, at=me.at)
    good = wallet_shown.in_force(found.licence, at=me.at)
    return _page(me, "desk_showing_one.html", standing=standing, look=found, good=good)
