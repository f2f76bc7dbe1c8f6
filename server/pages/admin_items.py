"""Service items and the licence types they are given for: searched, bound, unbound, imported."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from certificates.licence_types import item_files, item_imports, items
from certificates.licence_types import registry as type_registry
from certificates.licence_types.item_files import Imported, RowError, RowsRefused
from server.pages import show
from server.pages.admin_types import refused
from server.pages.administration import PAGE, PURPOSE, admin_page, require
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.access import Role
from trust.clock import CHINA
from trust.errors import Forbidden, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

HERE: Final = "/admin/items"
IMPORTS: Final = {
    "organisations": ("机构", "Organisations", "code,name,division,parent",
                      item_imports.import_organisations),
    "items": ("事项", "Service items", "code,name,organisation,category",
              item_imports.import_items),
    "bindings": ("事项与证照类型的关联", "Bindings of items to types", "item,type,since,until",
                 item_imports.import_bindings),
}  # fmt: skip


@router.get("/admin/items")
def list_items(
    me: Present, q: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=64)] = "",
) -> Response:  # fmt: skip
    require(me, Role.SYSTEM_ADMIN)
    return _page(me, q=q.replace("\0", "").strip(), after=after.replace("\0", ""))


def _page(
    me: SignedIn, *, q: str = "", after: str = "", done: tuple[str, str] | None = None,
    error: TrustError | None = None, wrong: tuple[RowError, ...] = (),
) -> Response:  # fmt: skip
    with me.provider.reading() as session:
        found = items.page(session, text=q, after=after, limit=PAGE + 1)
        bound: dict[str, list[object]] = {}
        for each in items.bindings(session, [item.code for item in found[:PAGE]]):
            bound.setdefault(each.item, []).append(each)
        types = type_registry.all_current(session)
        counts = items.count(session)
    last = found[PAGE - 1].code if len(found) > PAGE else ""
    return admin_page(
        me, "admin_items.html", here=HERE, items=found[:PAGE], bound=bound, types=types, q=q,
        names={each.code: each.name for each in types}, after=last, counts=counts, wrong=wrong,
        imports=IMPORTS, today=_today(me), may_change=me.caller.has(Role.SYSTEM_ADMIN), done=done,
        **refused(error),
    )  # fmt: skip


def _today(me: SignedIn) -> date:
    return me.at.astimezone(CHINA).date()


def _check(me: SignedIn, form: Form) -> None:
    show.check_session_form(me, form, PURPOSE)
    if not me.caller.has(Role.SYSTEM_ADMIN):
        raise Forbidden("items and their types are kept by a system administrator")


@router.post("/admin/items/bind")
def bind(me: Present, form: Posted) -> Response:
    _check(me, form)
    q = form.text("q", cap=100)
    try:
        since = item_files.parse_day(form.text("since", cap=10))
        with me.provider.sessions.begin() as session:
            items.bind(
                session, form.text("item", cap=64), form.text("type"), since=since, by=me.caller,
                at=me.at,
            )  # fmt: skip
    except TrustError as error:
        return _page(me, q=q, error=error)
    return _page(me, q=q, done=("已关联。", "Bound."))


@router.post("/admin/items/unbind")
def unbind(me: Present, form: Posted) -> Response:
    """From tomorrow on; today is the last day."""
    _check(me, form)
    q = form.text("q", cap=100)
    try:
        with me.provider.sessions.begin() as session:
            items.unbind(
                session, form.text("item", cap=64), form.text("type", cap=21), until=_today(me),
                by=me.caller, at=me.at,
            )  # fmt: skip
    except TrustError as error:
        return _page(me, q=q, error=error)
    return _page(me, q=q, done=("今日起不再关联。", "It ends with today."))


@router.post("/admin/items/import/{what}")
def import_rows(me: Present, form: Posted, what: str) -> Response:
    """All rows of a file or none; the wrong ones are listed."""
    _check(me, form)
    if what not in IMPORTS:
        raise NotFound("there is no such import")
    raw = form.file("file")
    try:
        with me.provider.sessions.begin() as session:
            made: Imported = IMPORTS[what][3](session, raw, by=me.caller, at=me.at)
    except RowsRefused as error:
        return _page(me, error=error, wrong=error.errors)
    except TrustError as error:
        return _page(me, error=error)
    return _page(
        me,
        done=(
            f"已导入 {made.rows} 行：新增 {made.added}，更新 {made.changed}。",
            f"{made.rows} rows imported: {made.added} added, {made.changed} changed.",
        ),
    )
