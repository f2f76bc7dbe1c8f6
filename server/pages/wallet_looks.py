"""Who looked at one's licence, and complaints about it (异议)."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from certificates.wallet import shown as wallet_shown
from server.pages import show
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.wallet_frame import (
    GUARDS,
    WALLET,
    Mine,
    Owner,
    card,
    check,
    collecting_refusal,
    path_of,
    wallet_page,
)
from trust.errors import TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)
_ONE = WALLET + "/licences/{identifier}"
_PAGE = 30


@router.get(_ONE + "/looks")
def show_looks(
    mine: Mine, identifier: str, before: Annotated[int | None, Query(ge=0, le=2**53)] = None
) -> Response:
    held = mine.wallet.held(identifier)
    found = mine.wallet.looks(identifier, limit=_PAGE + 1, before=before)
    with mine.wallet.reading() as session:
        names = {one.office: wallet_shown.office_name(session, one.office)
                 for one in found if one.office}  # fmt: skip
    older = found[_PAGE - 1].sequence if len(found) > _PAGE else None
    return wallet_page(
        mine, "wallet_looks.html", here=WALLET, card=card(mine, held.licence, held.party),
        looks=found[:_PAGE], names=names, older=older, own=mine.me.account.name,
    )  # fmt: skip


@router.get(_ONE + "/disputes")
def show_disputes(
    mine: Mine, identifier: str, done: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    return _disputes(mine, identifier, done=done)


def _disputes(
    mine: Owner, identifier: str, *, done: str = "", typed: str = "",
    error: TrustError | None = None,
) -> Response:  # fmt: skip
    held = mine.wallet.held(identifier)
    return wallet_page(
        mine, "wallet_disputes.html", here=WALLET, done=done, error=error, typed=typed,
        card=card(mine, held.licence, held.party), disputes=mine.wallet.disputes(identifier),
    )  # fmt: skip


@router.post(_ONE + "/disputes")
def complain(mine: Mine, identifier: str, form: Posted) -> Response:
    check(mine, form)
    with collecting_refusal() as refused:
        mine.wallet.dispute(identifier, form.text("words", cap=2000))
    if refused:
        typed = form.texts.get("words", "")[:2000]
        return _disputes(mine, identifier, typed=typed, error=refused[0])
    return show.onward(mine.me.visitor, path_of(identifier, "/disputes?done=disputed"))
