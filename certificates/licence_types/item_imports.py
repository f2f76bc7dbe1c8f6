"""Organisations, items and bindings imported: rows checked against one another and against what is
here, then kept, all or none, in the caller's transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from certificates.licence_types import item_files, items, registry
from certificates.licence_types.item_files import Imported, Row, RowError, RowsRefused
from certificates.licence_types.item_models import ItemBinding, Organisation, ServiceItem
from trust import audit
from trust.access import Caller, Role
from trust.errors import Forbidden, TrustError

#: Names in one question: SQLite takes no more than some thousands of values.
_AT_ONCE: Final = 500
_Kept = TypeVar("_Kept", Organisation, ServiceItem)


def import_organisations(session: Session, raw: bytes, *, by: Caller, at: datetime) -> Imported:
    """Organisations from a file; those that are here are brought up to date.

    Raises Forbidden, UnreadableFile, RowsRefused.
    """
    _require_admin(by)
    rows = item_files.read(raw, item_files.ORGANISATION)
    errors = _twice(rows, ("code",))
    held = _held(session, Organisation, [row["code"] for row in rows])
    parents = {row["parent"] for row in rows if row["parent"]}
    known = {row["code"] for row in rows} | set(held) | set(_held(session, Organisation, parents))
    above = {code: each.parent for code, each in held.items()}
    above |= {row["code"]: row["parent"] or None for row in rows}
    for number, row in enumerate(rows, start=1):
        if row["parent"] and row["parent"] not in known:
            errors.append(RowError(number, "parent", "没有这个上级机构 / no such organisation"))
        if _runs_in_a_circle(row["code"], above):
            errors.append(RowError(number, "parent", "上下级成环 / it is above itself"))
    _refuse(errors)
    kept = [{**row, "parent": row["parent"] or None} for row in rows]
    done = [
        _keep(session, held.get(row["code"]), Organisation, values, at)
        for row, values in zip(rows, kept, strict=True)
    ]
    return _note(session, "organisations", done, by=by, at=at)


def import_items(session: Session, raw: bytes, *, by: Caller, at: datetime) -> Imported:
    """Service items from a file; those that are here are brought up to date.

    Raises Forbidden, UnreadableFile, RowsRefused.
    """
    _require_admin(by)
    rows = item_files.read(raw, item_files.ITEM)
    errors = _twice(rows, ("code",))
    known = _held(session, Organisation, {row["organisation"] for row in rows})
    errors += [
        RowError(number, "organisation", "没有这个机构 / no such organisation")
        for number, row in enumerate(rows, start=1)
        if row["organisation"] not in known
    ]
    _refuse(errors)
    held = _held(session, ServiceItem, [row["code"] for row in rows])
    done = [_keep(session, held.get(row["code"]), ServiceItem, dict(row), at) for row in rows]
    return _note(session, "items", done, by=by, at=at)


def import_bindings(session: Session, raw: bytes, *, by: Caller, at: datetime) -> Imported:
    """Bindings of items to types from a file; one that is here with the same days stays.

    Raises Forbidden, UnreadableFile, RowsRefused.
    """
    _require_admin(by)
    rows = item_files.read(raw, item_files.BINDING)
    errors = _twice(rows, ("item", "type", "since"))
    codes = _type_codes(session, {row["type"] for row in rows})
    there = _bound(session, {row["item"] for row in rows})
    done: list[str] = []
    for number, row in enumerate(rows, start=1):
        try:
            done.append(_bind_row(session, row, codes, there, by=by, at=at))
        except TrustError as error:
            errors.append(RowError(number, _column_of(error), str(error)))
    _refuse(sorted(errors, key=lambda each: each.row))
    return _note(session, "bindings", done, by=by, at=at)


def _bind_row(
    session: Session, row: Row, codes: dict[str, str], there: set[tuple[str, str, str, str]], *,
    by: Caller, at: datetime,
) -> str:  # fmt: skip
    type_code = codes.get(row["type"]) or registry.current(session, row["type"]).code
    since = item_files.parse_day(row["since"])
    until = item_files.parse_day(row["until"]) if row["until"] else None
    if (row["item"], type_code, str(since), str(until or "")) in there:
        return "unchanged"
    items.begin(session, row["item"], type_code, since=since, by=by, at=at)
    if until is not None:
        items.end(session, row["item"], type_code, until=until, by=by, at=at)
    return "added"


def _column_of(error: TrustError) -> str:
    if error.code == "type_not_published" or "licence type" in str(error):
        return "type"
    return "item" if error.code in ("not_found", "item_already_bound") else "since"


def _type_codes(session: Session, keys: Iterable[str]) -> dict[str, str]:
    """Code of every type in force, by each of its names."""
    wanted = set(keys)
    found = {}
    for each in registry.all_current(session):
        for key in (each.code, each.slug, each.name):
            if key in wanted:
                found[key] = each.code
    return found


def _bound(session: Session, codes: Iterable[str]) -> set[tuple[str, str, str, str]]:
    found = set()
    for some in _slices(codes):
        rows = session.execute(
            select(ItemBinding.item, ItemBinding.type_code, ItemBinding.since, ItemBinding.until)
            .where(ItemBinding.item.in_(some))
        )  # fmt: skip
        found |= {(row.item, row.type_code, str(row.since), str(row.until or "")) for row in rows}
    return found


def _held(session: Session, model: type[_Kept], codes: Iterable[str]) -> dict[str, _Kept]:
    """What is here of these codes."""
    found: dict[str, _Kept] = {}
    for some in _slices(codes):
        found |= {
            row.code: row for row in session.scalars(select(model).where(model.code.in_(some)))
        }
    return found


def _slices(codes: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(set(codes))
    return (ordered[at : at + _AT_ONCE] for at in range(0, len(ordered), _AT_ONCE))


def _keep(
    session: Session, held: _Kept | None, model: type[_Kept], values: Mapping[str, str | None],
    at: datetime,
) -> str:  # fmt: skip
    """Add a row, or bring it up to date: "added", "changed" or "unchanged"."""
    if held is None:
        session.add(model(**values, imported_at=at))
        return "added"
    changed = {name: value for name, value in values.items() if getattr(held, name) != value}
    for name, value in changed.items():
        setattr(held, name, value)
    if changed:
        held.imported_at = at
    return "changed" if changed else "unchanged"


def _twice(rows: Sequence[Row], key: tuple[str, ...]) -> list[RowError]:
    seen: dict[tuple[str, ...], int] = {}
    errors = []
    for number, row in enumerate(rows, start=1):
        named = tuple(row[name] for name in key)
        if named in seen:
            reason = f"与第 {seen[named]} 行重复 / the same as row {seen[named]}"
            errors.append(RowError(number, key[0], reason))
        seen.setdefault(named, number)
    return errors


def _runs_in_a_circle(code: str, above: dict[str, str | None]) -> bool:
    seen, at = {code}, above.get(code)
    while at is not None:
        if at in seen:
            return True
        seen.add(at)
        at = above.get(at)
    return False


def _refuse(errors: Sequence[RowError]) -> None:
    if errors:
        raise RowsRefused(errors[: item_files.ERRORS_MAX])


def _require_admin(by: Caller) -> None:
    if not by.has(Role.SYSTEM_ADMIN):
        raise Forbidden("items and organisations are imported by a system administrator")


def _note(
    session: Session, what: str, done: Sequence[str], *, by: Caller, at: datetime
) -> Imported:
    counts = {name: done.count(name) for name in ("added", "changed", "unchanged")}
    session.flush()
    audit.record(
        session, f"{what}.imported", subject=f"{len(done)} rows", by=by, at=at,
        details=dict(counts),
    )  # fmt: skip
    return Imported(rows=len(done), **counts)
