"""An office's desk: find licences for a case, look at what its right covers, have a copy made.

Holders' codes, purposes and case numbers travel in forms, never in addresses.
"""

from datetime import date
from typing import Final, cast

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from certificates.licence_type import LicenceType
from certificates.licence_types import registry as type_registry
from certificates.models import Authority, LicenceState
from certificates.purpose import purpose
from certificates.search import Found
from certificates.share import verbs as share_verbs
from certificates.share.admission import Asking, Way, check_case
from certificates.share.library import Library, Query
from certificates.share.refusals import BadQuery
from certificates.wallet import licence_view
from server.pages import life_words
from server.pages.desk_frame import (
    GUARDS,
    OFFICE,
    OFFICES,
    PAGE,
    check,
    collecting_refusal,
    desk_page,
    require,
)
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.clock import CHINA
from trust.errors import TrustError

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

#: What every form of this desk says of its purpose, carried from page to page.
_WHY: Final = ("cause", "item_code", "matter", "case_number", "way")
_BY: Final = ("holder_code", "number", "licence")


def library_of(request: Request) -> Library:
    return cast(Library, request.app.state.share_library)


@router.get(OFFICE)
def show_search(me: Present) -> Response:
    require(me, OFFICES)
    return _search_page(me, {})


@router.post(OFFICE)
def search(me: Present, form: Posted, request: Request) -> Response:
    """What is found, or why nothing may be."""
    check(me, form, OFFICES)
    library, next_one = library_of(request), None
    rows: tuple[Found, ...] = ()
    with collecting_refusal() as refused:
        asking = asking_of(me, form)
        by = form.text("by", cap=16)
        if by not in _BY:
            raise BadQuery("search by holder code, number or identifier")
        query = Query(**{by: form.text("key", cap=200)})
        page = share_verbs.find(
            library, asking, query, limit=PAGE, after=form.text("after", cap=200)
        )
        rows, next_one = page.rows, page.next
    error = refused[0] if refused else None
    return _search_page(me, _kept(form), rows=_shown(library, rows, today(me)), error=error,
                        searched=error is None, next_one=next_one)  # fmt: skip


def asking_of(me: SignedIn, form: Form) -> Asking:
    """The purpose a form states. By duty an item and a case are named, always."""
    way = form.text("way", cap=16) or Way.DUTY
    if way not in (Way.DUTY, Way.GRANT):
        raise BadQuery("by duty, or by the holder's leave")
    item, case = form.text("item_code", cap=64), check_case(form.text("case_number", cap=64))
    if way == Way.DUTY and not (item and case):
        raise BadQuery("by duty, the item and the case are named")
    why = purpose(
        form.text("cause", cap=200), system="用证工作台", item_code=item,
        matter=form.text("matter", cap=200),
    )  # fmt: skip
    return Asking(me.caller, me.visitor.network, me.at, purpose=why, way=Way(way), case=case)


def _kept(form: Form) -> dict[str, str]:
    return {name: form.text(name, cap=200) for name in (*_WHY, "by", "key")}


def _search_page(
    me: SignedIn, kept: dict[str, str], *, rows: tuple[dict[str, object], ...] = (),
    error: TrustError | None = None, searched: bool = False, next_one: str | None = None,
) -> Response:  # fmt: skip
    empty = dict.fromkeys((*_WHY, "by", "key"), "") | {"way": str(Way.DUTY), "by": "holder_code"}
    return desk_page(
        me, "office.html", here=OFFICE, error=error, kept=empty | kept, rows=rows,
        searched=searched, next=next_one, why=_WHY,
    )  # fmt: skip


def _shown(library: Library, rows: tuple[Found, ...], day: date) -> tuple[dict[str, object], ...]:
    with library.reading() as session:
        names = {code: name for code, name in session.execute(
            select(Authority.code, Authority.name).where(
                Authority.code.in_({row.authority for row in rows})
            )
        )}  # fmt: skip
        kinds = {row.identifier: type_registry.of(session, row.type_code, row.type_version)
                 for row in rows}  # fmt: skip
    return tuple(
        {"row": row, "type": kinds[row.identifier].name,
         "authority": names.get(row.authority, row.authority), "state": state_of(row, day)}
        for row in rows
    )  # fmt: skip


def today(me: SignedIn) -> date:
    return me.at.astimezone(CHINA).date()


def state_of(row: Found, day: date) -> tuple[str, str, str]:
    """A licence's state in words; expiry is a matter of its dates."""
    if row.state is LicenceState.ACTIVE and row.valid_until is not None and row.valid_until < day:
        return "已过期", "expired", "bad"
    return life_words.STATES.get(row.state, (row.state, row.state, ""))


@router.post(OFFICE + "/licence")
def show_licence(me: Present, form: Posted, request: Request) -> Response:
    """One licence, as far as the office's right goes; the holder sees that it was looked at."""
    check(me, form, OFFICES)
    library, known_as = library_of(request), form.text("licence", cap=200)
    with collecting_refusal() as refused:
        found = share_verbs.read(library, asking_of(me, form), known_as)
        with library.reading() as session:
            kind: LicenceType = type_registry.of(
                session, found.licence.type_code, found.licence.type_version
            )
        return desk_page(
            me, "office_licence.html", here=OFFICE, found=found, kind=kind,
            state=state_of(found.licence, today(me)),
            usable=found.licence.state is LicenceState.ACTIVE,
            rows=licence_view.plain(kind, found.items), kept=_kept(form), why=_WHY,
        )  # fmt: skip
    return _search_page(me, _kept(form), error=refused[0])


@router.post(OFFICE + "/copy")
def give_copy(me: Present, form: Posted, request: Request) -> Response:
    """A copy marked with the purpose, as a file."""
    check(me, form, OFFICES)
    library, known_as = library_of(request), form.text("licence", cap=200)
    with collecting_refusal() as refused:
        asking = asking_of(me, form)
        with library.reading() as session:
            office = session.get(Authority, me.caller.authority or "")
            maker = office.name if office is not None else me.caller.account
        given = share_verbs.give(library, asking, known_as, maker=maker[: share_verbs.MAKER_MAX])
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{given.copy}.pdf"',
        }
        return Response(given.pdf, media_type="application/pdf", headers=headers)
    return _search_page(me, _kept(form), error=refused[0])
