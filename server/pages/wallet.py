"""The wallet: licences as cards, and one of them looked at; pictures and files."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from certificates.wallet import licence_view, page_picture
from server.pages.route import Page
from server.pages.wallet_frame import GUARDS, WALLET, Mine, card, wallet_page

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)
_ONE = WALLET + "/licences/{identifier}"


@router.get(WALLET)
def show_wallet(mine: Mine) -> Response:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in mine.wallet.cards():
        shown = card(mine, one.licence, one.party, one.principal)
        groups.setdefault((shown["whose"], shown["body"] or one.principal), []).append(shown)
    return wallet_page(mine, "wallet.html", here=WALLET, groups=groups)


@router.get(_ONE)
def show_licence(
    mine: Mine, identifier: str, view: Annotated[str, Query(max_length=8)] = "",
    done: Annotated[str, Query(max_length=40)] = "",
) -> Response:  # fmt: skip
    """Masked, or (`?view=full`) in full with the page's picture."""
    opened = mine.wallet.open(identifier)
    full = view == "full"
    rows = licence_view.plain if full else licence_view.veiled
    return wallet_page(
        mine, "wallet_licence.html", here=WALLET, done=done, full=full,
        card=card(mine, opened.held.licence, opened.held.party),
        rows=rows(opened.licence_type, opened.items),
    )  # fmt: skip


@router.get(_ONE + "/picture")
def show_picture(mine: Mine, identifier: str) -> Response:
    drawn = page_picture.png(mine.wallet.file(identifier))
    return Response(drawn, media_type="image/png", headers={"Cache-Control": "no-store"})


@router.get(_ONE + "/file")
def fetch_file(mine: Mine, identifier: str) -> Response:
    return _pdf(mine.wallet.file(identifier), "licence.pdf")


@router.get(_ONE + "/copies/{number}")
def fetch_copy(mine: Mine, identifier: str, number: str) -> Response:
    return _pdf(mine.wallet.copy_file(identifier, number), f"{number}.pdf")


def _pdf(data: bytes, name: str) -> Response:
    headers = {
        "Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"',
    }  # fmt: skip
    return Response(data, media_type="application/pdf", headers=headers)
