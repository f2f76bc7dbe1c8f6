"""Giving others a licence: leave for one office (授权), purpose-marked copies (加注件)."""

from collections.abc import Mapping
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
    day_after,
    end_of,
    path_of,
    purpose_of,
    wallet_page,
)
from trust.errors import NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)
_ONE = WALLET + "/licences/{identifier}"
_GRANT_FIELDS, _COPY_FIELDS = ("office", "cause", "item_code", "until"), ("cause", "maker", "until")


@router.get(_ONE + "/authorisations")
def show_authorisations(
    mine: Mine, identifier: str, done: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    values = dict.fromkeys(_GRANT_FIELDS, "") | {"until": day_after(mine.me.at, 30)}
    return _authorisations(mine, identifier, values, done=done)


def _authorisations(
    mine: Owner, identifier: str, values: Mapping[str, str], *, done: str = "",
    error: TrustError | None = None,
) -> Response:  # fmt: skip
    held = mine.wallet.held(identifier)
    with mine.wallet.reading() as session:
        given = [
            {
                "id": str(row.id), "office": row.office, "cause": row.cause,
                "item_code": row.item_code, "until": row.until, "revoked_at": row.revoked_at,
                "name": wallet_shown.office_name(session, row.office),
                "good": row.revoked_at is None and row.until > mine.me.at,
            }
            for row in mine.wallet.grants(identifier)
        ]  # fmt: skip
    return wallet_page(
        mine, "wallet_grants.html", here=WALLET, done=done, error=error, values=values,
        card=card(mine, held.licence, held.party), given=given, today=day_after(mine.me.at, 0),
    )  # fmt: skip


@router.post(_ONE + "/authorisations")
def authorise(mine: Mine, identifier: str, form: Posted) -> Response:
    check(mine, form)
    with collecting_refusal() as refused:
        mine.wallet.authorise(
            identifier, office=form.text("office", cap=18).upper(), purpose=purpose_of(form),
            until=end_of(form),
        )  # fmt: skip
    if refused:
        values = {name: form.texts.get(name, "")[:200] for name in _GRANT_FIELDS}
        return _authorisations(mine, identifier, values, error=refused[0])
    return show.onward(mine.me.visitor, path_of(identifier, "/authorisations?done=authorised"))


@router.post(_ONE + "/authorisations/revocation")
def take_back(mine: Mine, identifier: str, form: Posted) -> Response:
    check(mine, form)
    key = next(
        (row.id for row in mine.wallet.grants(identifier) if str(row.id) == form.text("id")), None
    )
    if key is None:
        raise NotFound("no such authorisation")
    mine.wallet.revoke_grant(identifier, key)
    return show.onward(mine.me.visitor, path_of(identifier, "/authorisations?done=taken-back"))


@router.get(_ONE + "/copies")
def show_copies(
    mine: Mine, identifier: str, done: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    values = dict.fromkeys(_COPY_FIELDS, "") | {"until": day_after(mine.me.at, 30)}
    return _copies(mine, identifier, values, done=done)


def _copies(
    mine: Owner, identifier: str, values: Mapping[str, str], *, done: str = "",
    error: TrustError | None = None,
) -> Response:  # fmt: skip
    held = mine.wallet.held(identifier)
    made = [
        {
            "number": row.number, "cause": row.cause, "maker": row.maker, "at": row.made_at,
            "until": row.until, "good": row.until > mine.me.at,
            "path": path_of(identifier, f"/copies/{row.number}"),
        }
        for row in mine.wallet.copies(identifier)
    ]  # fmt: skip
    return wallet_page(
        mine, "wallet_copies.html", here=WALLET, done=done, error=error, values=values, made=made,
        card=card(mine, held.licence, held.party), today=day_after(mine.me.at, 0),
    )  # fmt: skip


@router.post(_ONE + "/copies")
def make_copy(mine: Mine, identifier: str, form: Posted) -> Response:
    check(mine, form)
    with collecting_refusal() as refused:
        mine.wallet.copy(
            identifier, purpose=purpose_of(form), maker=form.text("maker", cap=200),
            until=end_of(form),
        )  # fmt: skip
    if refused:
        values = {name: form.texts.get(name, "")[:200] for name in _COPY_FIELDS}
        return _copies(mine, identifier, values, error=refused[0])
    return show.onward(mine.me.visitor, path_of(identifier, "/copies?done=copied"))
