"""Showing by QR (亮证) in the wallet: the code on the screen, and who asks.

Without script the page loads itself again every few seconds; a script does it without a flicker.
The code stays the same while it counts, so a loading page changes nothing under a scanner.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from certificates.search import Found
from certificates.wallet import shown as wallet_shown
from certificates.wallet.showing import Standing
from server.pages import drawing, show
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.wallet_frame import (
    ASKED,
    GUARDS,
    WALLET,
    Mine,
    Owner,
    card,
    check,
    collecting_refusal,
    wallet_page,
)

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)


@router.get(WALLET + "/licences/{identifier}/show")
def show_code(mine: Mine, identifier: str) -> Response:
    held = mine.wallet.held(identifier)
    code = mine.wallet.code(identifier)
    left = max(1, int((code.good_until - mine.me.at).total_seconds()))
    return wallet_page(
        mine, "wallet_show.html", here=WALLET, card=card(mine, held.licence, held.party),
        qr=drawing.qr(code.text), typed=code.typed, left=left, waiting=_waiting(mine),
    )  # fmt: skip


@router.get(ASKED)
def show_asked(mine: Mine, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    return wallet_page(mine, "wallet_asked.html", here=ASKED, done=done, waiting=_waiting(mine))


def _waiting(mine: Owner) -> list[dict[str, Any]]:
    return [_asked(mine, standing, licence) for standing, licence in mine.wallet.asked()]


def _asked(mine: Owner, standing: Standing, licence: Found) -> dict[str, Any]:
    with mine.wallet.reading() as session:
        name = wallet_shown.office_name(session, standing.office)
    return {
        "id": str(standing.id), "office": standing.office, "office_name": name,
        "account": standing.asked_by, "purpose": standing.purpose, "at": standing.asked_at,
        "until": standing.good_until, "licence": card(mine, licence, None),
    }  # fmt: skip


@router.post(ASKED + "/{key}/confirmation")
def confirm(mine: Mine, key: UUID, form: Posted) -> Response:
    check(mine, form)
    with collecting_refusal() as refused:
        mine.wallet.confirm(key)
    if refused:
        return wallet_page(
            mine, "wallet_asked.html", here=ASKED, error=refused[0], waiting=_waiting(mine)
        )
    return show.onward(mine.me.visitor, f"{ASKED}?done=confirmed")


@router.post(ASKED + "/{key}/refusal")
def refuse(mine: Mine, key: UUID, form: Posted) -> Response:
    check(mine, form)
    with collecting_refusal() as refused:
        mine.wallet.refuse(key)
    if refused:
        return wallet_page(
            mine, "wallet_asked.html", here=ASKED, error=refused[0], waiting=_waiting(mine)
        )
    return show.onward(mine.me.visitor, f"{ASKED}?done=refused")
