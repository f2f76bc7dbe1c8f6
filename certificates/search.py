"""Finding licences by index: by holder, by number, by the number on paper, by predecessor.

Columns, not objects; every query is one walk along an index, so that its time does not grow with
the register. Nothing here says who may look: callers check rights first and note the look after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast

from sqlalchemy import Row, Select, Table, bindparam, select, union
from sqlalchemy.orm import Session

from certificates.models import Licence, LicenceHolder, LicenceState
from trust.vault import Vault

LIMIT_MAX: Final = 200
#: The column under which a holder's code is hashed (`Licence.holder_index`, `LicenceHolder`).
HOLDER: Final = "holder"

_LICENCE = cast(Table, Licence.__table__)
_HOLDER = cast(Table, LicenceHolder.__table__)
_COLUMNS: Final = (
    _LICENCE.c.identifier, _LICENCE.c.number, _LICENCE.c.type_code, _LICENCE.c.type_version,
    _LICENCE.c.authority, _LICENCE.c.holder_public, _LICENCE.c.state, _LICENCE.c.state_at,
    _LICENCE.c.issued_on, _LICENCE.c.issued_at, _LICENCE.c.valid_from, _LICENCE.c.valid_until,
    _LICENCE.c.previous, _LICENCE.c.paper_number, _LICENCE.c.item_code,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """What the register knows of a licence without opening anything; the holder is masked as the
    type says. `previous` is the identifier of the licence that this one follows."""

    identifier: str
    number: str
    type_code: str
    type_version: str
    authority: str
    holder_public: str
    state: LicenceState
    state_at: datetime
    issued_on: date
    issued_at: datetime
    valid_from: date
    valid_until: date | None
    previous: str | None
    paper_number: str | None
    item_code: str | None


# Built once: building a statement costs as much as running it.
_BASE: Final = (
    select(*_COLUMNS)
    .where(_LICENCE.c.identifier > bindparam("after"))
    .order_by(_LICENCE.c.identifier)
    .limit(bindparam("most"))
)
#: The first holder stands in the licence's own row, every holder of several in `licence_holder`.
_HELD: Final = union(
    select(_LICENCE.c.identifier).where(_LICENCE.c.holder_index == bindparam("holder")),
    select(_HOLDER.c.licence).where(_HOLDER.c.code_index == bindparam("holder")),
)
_OF_TYPES: Final = _LICENCE.c.type_code.in_(bindparam("types", expanding=True))
_OF_AUTHORITY: Final = _LICENCE.c.authority == bindparam("authority")
_BY_HOLDER: Final = _BASE.where(_LICENCE.c.identifier.in_(_HELD))
_BY_HOLDER_AND_TYPE: Final = _BY_HOLDER.where(_OF_TYPES)
_BY_NUMBER: Final = _BASE.where(_LICENCE.c.number == bindparam("number"))
_BY_NUMBER_AND_TYPE: Final = _BY_NUMBER.where(_OF_TYPES)
_BY_PAPER: Final = _BASE.where(_LICENCE.c.paper_number == bindparam("number"))
_WITHIN: Final = {
    query: query.where(_OF_AUTHORITY)
    for query in (_BY_HOLDER, _BY_HOLDER_AND_TYPE, _BY_NUMBER, _BY_NUMBER_AND_TYPE, _BY_PAPER)
}
_BY_PREVIOUS: Final = _BASE.where(_LICENCE.c.previous == bindparam("number"))
_ONE: Final = select(*_COLUMNS).where(_LICENCE.c.identifier == bindparam("identifier"))


def by_holder(
    session: Session, vault: Vault, code: str, *, type_codes: Sequence[str] | None = None,
    limit: int = 50, after: str | None = None, authority: str | None = None,
) -> list[Found]:  # fmt: skip
    """The licences that somebody holds, alone or with others, by identifier.

    `code` is the holder's code as it stands on the licence; `type_codes` None is every type, an
    empty sequence none; `after` the last identifier of the page before; `authority` who issued
    them, None for anybody.
    """
    given: dict[str, Any] = {"holder": vault.index(code, column=HOLDER), "authority": authority}
    if type_codes is None:
        return _run(session, _BY_HOLDER, given, limit=limit, after=after)
    if not type_codes:
        return []
    given["types"] = list(type_codes)
    return _run(session, _BY_HOLDER_AND_TYPE, given, limit=limit, after=after)


def by_number(
    session: Session, number: str, *, type_code: str | None = None, limit: int = 50,
    after: str | None = None, authority: str | None = None,
) -> list[Found]:  # fmt: skip
    """The licences of that printed number: numbers are unique within a type at best, and a licence
    that was replaced keeps its own."""
    given: dict[str, Any] = {"number": number, "authority": authority}
    if type_code is None:
        return _run(session, _BY_NUMBER, given, limit=limit, after=after)
    given["types"] = [type_code]
    return _run(session, _BY_NUMBER_AND_TYPE, given, limit=limit, after=after)


def by_paper_number(
    session: Session, number: str, *, limit: int = 50, after: str | None = None,
    authority: str | None = None,
) -> list[Found]:  # fmt: skip
    """The licences tied to the paper of that number."""
    given = {"number": number, "authority": authority}
    return _run(session, _BY_PAPER, given, limit=limit, after=after)


def by_previous(session: Session, identifier: str, *, limit: int = 50) -> list[Found]:
    """The licences that followed a licence."""
    return _run(session, _BY_PREVIOUS, {"number": identifier}, limit=limit, after=None)


def one(session: Session, identifier: str) -> Found | None:
    """The licence of that identifier."""
    row = session.connection().execute(_ONE, {"identifier": identifier}).one_or_none()
    return None if row is None else _found(row)


def _run(
    session: Session, query: Select[Any], given: dict[str, Any], *, limit: int, after: str | None
) -> list[Found]:
    most = max(1, min(limit, LIMIT_MAX))
    # Within the query, not after it: where a page ends must not tell of another's licences.
    if given.get("authority") is None:
        given.pop("authority", None)
    else:
        query = _WITHIN[query]
    rows = session.connection().execute(query, {**given, "most": most, "after": after or ""})
    return [_found(row) for row in rows]


def _found(row: Row[*tuple[Any, ...]]) -> Found:
    values = dict(row._mapping)
    # The column is text: a member of the enumeration is what callers compare with.
    return Found(**(values | {"state": LicenceState(values["state"])}))
