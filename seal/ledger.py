"""The ledger: a row for every use of a seal and every refused one. Which documents did it touch?"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Select, Table, insert, select
from sqlalchemy.orm import Session

from seal.ledger_models import SealUse, UseResult
from seal.pdf.sealing import Place
from trust.access import Caller, Role
from trust.clock import CHINA
from trust.errors import Invalid

#: This platform itself, when nobody's system asked.
OWN_SYSTEM: Final = "trust"
#: Who, besides its administrators, may read a seal's ledger.
READERS: Final = (Role.AUDIT_ADMIN,)
PAGE_MAX: Final = 500
TEXT_MAX: Final = 100
DOCUMENT_MAX: Final = 200
COLUMNS: Final = (
    "id", "at", "seal", "operator", "authority", "system", "grant", "type_code", "item", "case",
    "document", "digest", "page", "x_mm", "y_mm", "time_stamp", "result", "reason",
)  # fmt: skip

_TABLE = cast(Table, SealUse.__table__)
# Built once: it runs for every licence.
_ADD: Final = insert(_TABLE)


@dataclass(frozen=True, slots=True)
class Use:
    """What a seal is wanted for: `case` is the matter (an application's number), `document` the
    file's name, `item` the 事项 (empty: none named), `system` the one that asks."""

    seal: str
    type_code: str
    case: str
    document: str
    item: str = ""
    system: str = OWN_SYSTEM


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; `digest` is the SHA-256 of the sealed document."""

    result: UseResult
    reason: str = ""
    grant: UUID | None = None
    digest: bytes | None = None
    place: Place | None = None
    time_stamp: str | None = None


def check(use: Use) -> None:
    """Invalid for words that the ledger cannot hold."""
    for text, longest in (
        (use.type_code, 21), (use.case, TEXT_MAX), (use.item, TEXT_MAX), (use.system, TEXT_MAX),
        (use.document, DOCUMENT_MAX),
    ):  # fmt: skip
        if len(text) > longest or (text and not text.isprintable()):
            raise Invalid(f"case, item, system and document are up to {longest} printable letters")


def add(session: Session, use: Use, outcome: Outcome, *, by: Caller, at: datetime) -> None:
    """One row, in the caller's transaction."""
    place = outcome.place
    session.connection().execute(_ADD, {
        "at": at, "seal": use.seal[:32], "operator": by.account, "authority": by.authority,
        "system": _system(use, by), "grant": outcome.grant, "type_code": use.type_code,
        "item": use.item, "case": use.case, "document": use.document, "digest": outcome.digest,
        "page": place.page if place else None, "x_mm": place.x_mm if place else None,
        "y_mm": place.y_mm if place else None, "time_stamp": outcome.time_stamp,
        "result": outcome.result, "reason": outcome.reason[:200],
    })  # fmt: skip


def _system(use: Use, by: Caller) -> str:
    """The system that was named, else the platform whose token the caller brought."""
    return use.system if use.system != OWN_SYSTEM else by.client or OWN_SYSTEM


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows; None leaves a column open. `since` belongs to it, `before` does not."""

    result: UseResult | None = None
    operator: str | None = None
    system: str | None = None
    type_code: str | None = None
    item: str | None = None
    case: str | None = None
    document: str | None = None
    digest: bytes | None = None
    since: datetime | None = None
    before: datetime | None = None


#: Which documents did the seal touch.
TOUCHED: Final = Filter(result=UseResult.USED)
ALL: Final = Filter()


def page(
    session: Session, es_id: str, wanted: Filter = TOUCHED, *, below: int | None = None,
    limit: int = 50,
) -> list[SealUse]:  # fmt: skip
    """The newest rows of a seal with an `id` lower than `below`, at most `limit` (1 to 500).

    Who may ask is the caller's question (`life.find` with READERS).
    """
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid(f"a page has 1 to {PAGE_MAX} rows")
    query = _where(es_id, wanted).order_by(SealUse.id.desc()).limit(limit)
    if below is not None:
        query = query.where(SealUse.id < below)
    return list(session.scalars(query))


def every(session: Session, es_id: str, wanted: Filter = ALL) -> Iterator[SealUse]:
    """All rows of a seal, newest first, a page at a time."""
    below: int | None = None
    while rows := page(session, es_id, wanted, below=below, limit=PAGE_MAX):
        yield from rows
        below = rows[-1].id
        session.expunge_all()


def _where(es_id: str, wanted: Filter) -> Select[SealUse]:
    query = select(SealUse).where(SealUse.seal == es_id)
    for name in ("result", "operator", "system", "type_code", "item", "case", "document", "digest"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(SealUse, name) == value)
    if wanted.since is not None:
        query = query.where(SealUse.at >= wanted.since)
    if wanted.before is not None:
        query = query.where(SealUse.at < wanted.before)
    return query


def shown(row: SealUse) -> dict[str, Any]:
    """A row for people and programs: time in China, digest in hexadecimal."""
    found = {name: getattr(row, name) for name in COLUMNS}
    found["at"] = row.at.astimezone(CHINA).isoformat(timespec="milliseconds")
    found["grant"] = str(row.grant) if row.grant else None
    found["digest"] = row.digest.hex() if row.digest else None
    found["result"] = str(row.result)
    return found


def as_csv(rows: Iterable[SealUse]) -> Iterator[str]:
    """The rows as CSV (RFC 4180), a header first, a chunk a row; with a byte order mark, by which
    spreadsheets know UTF-8."""
    yield "\ufeff" + _line(COLUMNS)
    for row in rows:
        yield _line(_plain(value) for value in shown(row).values())


def _plain(value: object) -> str:
    """A spreadsheet runs a cell that begins like a formula, so an apostrophe goes before it."""
    text = "" if value is None else str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _line(cells: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()
