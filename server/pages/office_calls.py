"""An office's desk: the licences that its people asked for, the newest first."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from certificates.share.models import ShareCall
from certificates.share.words import WORDS
from server.pages.desk_frame import CALLS, GUARDS, OFFICES, PAGE, desk_page, require
from server.pages.office import library_of
from server.pages.route import Page
from server.pages.visitor import Present
from trust.errors import NotFound

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

VERBS = {
    "search": ("检索", "search"), "metadata": ("查看", "read"), "file": ("加注件", "copy"),
    "url": ("地址", "link"), "verify_data": ("信息验证", "verify data"),
    "verify_file": ("文件验证", "verify file"),
}  # fmt: skip


@router.get(CALLS)
def show_calls(me: Present, request: Request) -> Response:
    """Of one's own account; `before` is where the page before ended."""
    require(me, OFFICES)
    before = request.query_params.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) <= 18):
        raise NotFound("there is no such page")
    wanted = select(ShareCall).where(ShareCall.account == me.caller.account)
    if before:
        wanted = wanted.where(ShareCall.id < int(before))
    with library_of(request).reading() as session:
        rows = list(session.scalars(wanted.order_by(ShareCall.id.desc()).limit(PAGE)))
    more = f"{CALLS}?before={rows[-1].id}" if len(rows) == PAGE else ""
    return desk_page(
        me, "office_calls.html", here=CALLS, rows=rows, verbs=VERBS, next=more,
        sharing=WORDS,
    )  # fmt: skip
