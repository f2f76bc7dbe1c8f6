"""The ledger on the desk: uses and refused uses of one seal, filtered, paged, as CSV."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from seal import ledger
from seal.ledger import Filter
from seal.ledger_models import UseResult
from seal.models import Seal
from server.pages.desk_frame import (
    GUARDS,
    LEDGER,
    PAGE,
    SEAL_READERS,
    collecting_refusal,
    desk_page,
    require,
)
from server.pages.desk_seals import find
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from trust.clock import CHINA
from trust.errors import Invalid, NotFound

router = APIRouter(route_class=Page, include_in_schema=False, dependencies=GUARDS)

#: More seals than these are found by their number in the address.
_CHOICES: Final = 200
_FILTERS: Final = tuple(each.name for each in fields(Filter))


@router.get(LEDGER)
def show_ledger(me: Present, request: Request) -> Response:
    """Of one seal, newest first: the one that is named, else the newest of the authority's."""
    require(me, SEAL_READERS)
    asked = _asked(request)
    rows: list[dict[str, Any]] = []
    more: int | None = None
    with me.provider.reading() as session:
        seals = _choices(session, me)
        es_id = asked["seal"] or (seals[0][0] if seals else "")
        with collecting_refusal() as refused:
            if es_id:
                find(session, es_id, me)
                found = ledger.page(
                    session, es_id, _filter(asked), below=_below(asked["below"]), limit=PAGE
                )
                rows = [ledger.shown(row) | {"at": row.at} for row in found]
                more = found[-1].id if len(found) == PAGE else None
    kept = {name: text for name, text in asked.items() if text and name != "below"} | {
        "seal": es_id
    }
    return desk_page(
        me, "desk_ledger.html", here=LEDGER, error=refused[0] if refused else None, rows=rows,
        asked=asked | {"seal": es_id}, seals=seals, results=list(UseResult),
        export=f"{LEDGER}.csv?{urlencode(kept)}" if es_id else "",
        next=f"{LEDGER}?{urlencode(kept | {'below': more})}" if more else "",
    )  # fmt: skip


@router.get(LEDGER + ".csv")
def export_ledger(me: Present, request: Request) -> Response:
    """Every row of the same filter."""
    require(me, SEAL_READERS)
    asked = _asked(request)
    wanted = _filter(asked)
    with me.provider.reading() as session:
        es_id = find(session, asked["seal"], me).es_id
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="seal-{es_id}.csv"',
    }
    return StreamingResponse(_lines(me, es_id, wanted), 200, headers, "text/csv; charset=utf-8")


def _lines(me: SignedIn, es_id: str, wanted: Filter) -> Iterator[str]:
    with me.provider.reading() as session:
        yield from ledger.as_csv(ledger.every(session, es_id, wanted))


def _asked(request: Request) -> dict[str, str]:
    """The filter as it was typed; what is too long to be in the ledger is cut."""
    names = ("seal", "below", "until", *_FILTERS)
    return {name: request.query_params.get(name, "").strip()[:200] for name in names}


def _filter(asked: Mapping[str, str]) -> Filter:
    """Invalid for a day, digest or result that is none. `until` is a day that belongs to it."""
    result, digest = asked["result"], asked["digest"].lower()
    if result and result not in set(UseResult):
        raise Invalid("no such result")
    try:
        sought = bytes.fromhex(digest) or None
    except ValueError as error:
        raise Invalid("a digest is 64 hexadecimal digits") from error
    until = day(asked["until"])
    return Filter(
        result=UseResult(result) if result else None, operator=asked["operator"] or None,
        system=asked["system"] or None, type_code=asked["type_code"] or None,
        item=asked["item"] or None, case=asked["case"] or None,
        document=asked["document"] or None, digest=sought, since=day(asked["since"]),
        before=until + timedelta(days=1) if until else None,
    )  # fmt: skip


def _below(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound("there is no such page")
    return int(text) if text else None


def _choices(session: Session, me: SignedIn) -> list[tuple[str, str]]:
    query = select(Seal.es_id, Seal.name).order_by(Seal.made_at.desc()).limit(_CHOICES)
    if me.caller.authority is not None:
        query = query.where(Seal.owner == me.caller.authority)
    return [(es_id, name) for es_id, name in session.execute(query)]


def day(text: str) -> datetime | None:
    """The beginning of a day of China, from YYYY-MM-DD; Invalid."""
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("a day is YYYY-MM-DD") from error
    if not 2000 <= found.year <= 2200:
        raise Invalid("a day is of the years 2000 to 2200")
    return datetime.combine(found, time(), CHINA)
