"""Entrusting somebody (委托), in the wallet."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from certificates.wallet.entrust import Terms
from certificates.wallet.holder import NotYours, Party
from certificates.wallet.holder_models import Entrustment
from server.pages import show
from server.pages.form import Posted
from server.pages.route import Page
from server.pages.wallet_frame import (
    ENTRUSTED,
    GUARDS,
    Mine,
    Owner,
    card,
    check,
    collecting_refusal,
    day_after,
    end_of,
    wallet_page,
)
from trust.errors import NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)
_FIELDS: Final = ("what", "agent", "matter", "until")


@router.get(ENTRUSTED)
def show_entrusted(
    mine: Mine, done: Annotated[str, Query(max_length=40)] = "",
    licence: Annotated[str, Query(max_length=200)] = "",
) -> Response:  # fmt: skip
    values = dict.fromkeys(_FIELDS, "") | {
        "until": day_after(mine.me.at, 30), "what": f"l:{licence}" if licence else "",
    }  # fmt: skip
    return _page(mine, values, done=done)


def _page(
    mine: Owner, values: Mapping[str, str], *, done: str = "", error: TrustError | None = None
) -> Response:
    given = [_row(mine, row) for row in mine.wallet.entrusted()]
    choices = [
        (f"p:{number}", f"{party.name} 的全部证照 All licences")
        for number, party in enumerate(mine.wallet.holder.parties) if party.disposes
    ]  # fmt: skip
    for one in mine.wallet.cards():
        if one.party is not None and one.party.disposes:
            shown = card(mine, one.licence, one.party)
            choices.append((f"l:{shown['identifier']}", f"{shown['type']} {shown['number']}"))
    return wallet_page(
        mine, "wallet_entrusted.html", here=ENTRUSTED, done=done, error=error, values=values,
        given=given, choices=choices, today=day_after(mine.me.at, 0),
    )  # fmt: skip


def _row(mine: Owner, row: Entrustment) -> dict[str, Any]:
    return {
        "id": str(row.id), "what": row.licence or row.type_code or "全部证照 all licences",
        "agent": row.agent, "matter": row.matter,
        "principal": row.principal_public, "until": row.until, "revoked_at": row.revoked_at,
        "good": row.revoked_at is None and row.until > mine.me.at,
    }  # fmt: skip


@router.post(ENTRUSTED)
def entrust(mine: Mine, form: Posted) -> Response:
    check(mine, form)
    with collecting_refusal() as refused:
        kind, _, name = form.text("what", cap=210).partition(":")
        terms = Terms(
            matter=form.text("matter", cap=200), until=end_of(form),
            licence=name if kind == "l" else None,
        )  # fmt: skip
        party = mine.wallet.held(name).disposing() if kind == "l" else _party(mine, name)
        mine.wallet.entrust(party, form.text("agent", cap=254), terms)
    if refused:
        values = {each: form.texts.get(each, "")[:254] for each in _FIELDS}
        return _page(mine, values, error=refused[0])
    return show.onward(mine.me.visitor, f"{ENTRUSTED}?done=entrusted")


def _party(mine: Owner, number: str) -> Party:
    parties = mine.wallet.holder.parties
    if not (number.isascii() and number.isdigit() and int(number[:6]) < len(parties)):
        raise NotYours("choose what to entrust")
    return parties[int(number[:6])]


@router.post(ENTRUSTED + "/revocation")
def take_back(mine: Mine, form: Posted) -> Response:
    check(mine, form)
    key = next((row.id for row in mine.wallet.entrusted() if str(row.id) == form.text("id")), None)
    if key is None:
        raise NotFound("no such entrustment")
    mine.wallet.revoke_entrustment(key)
    return show.onward(mine.me.visitor, f"{ENTRUSTED}?done=taken-back")
