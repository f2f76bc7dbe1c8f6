"""Licences shared with offices (GB/T 36906): searched, read, given as files or links.

Every verb does the same four things: 1 admit (admission), which counts the call and records
it, committed; 2 note the look for the holder; 3 open; 4 give what the right covers. Without a
purpose only a right to originals gives anything; with one a purpose-marked copy is made.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from certificates import holders, identifier, search
from certificates.identifier import MalformedIdentifier, WrongCheckCharacter
from certificates.licence_type import LicenceType, Mask, masked
from certificates.licence_types import registry as type_registry
from certificates.models import LicenceState
from certificates.search import Found
from certificates.share import links
from certificates.share.admission import (
    Asking,
    Right,
    check_leave,
    may_find,
    require_whole,
    rights,
)
from certificates.share.library import (
    Given,
    Library,
    Metadata,
    Page,
    Query,
    note_look,
    recording,
    take,
)
from certificates.share.refusals import BadQuery, LicenceVoid, NoSuchLicence
from certificates.wallet import copies, holder_licences

#: Licences on a page (the provincial interfaces allow as many).
PAGE_MAX: Final = 150
COPY_LIFE: Final = timedelta(days=30)
MAKER_MAX: Final = 100
_VOID: Final = frozenset(LicenceState) - {LicenceState.ACTIVE, LicenceState.SUSPENDED}


def find(
    library: Library, asking: Asking, query: Query, *, limit: int = 50, after: str = ""
) -> Page:
    """Search; only types that this caller may have, and for this purpose, are found at all."""
    with recording(library, asking, "search", type_code=query.type_code) as about:
        _check_query(query, after)
        wanted = {query.type_code} if query.type_code else None
        most = max(1, min(limit, PAGE_MAX))
        with library.reading() as session:
            allowed = rights(session, asking, wanted)
            rows = _rows(session, library, asking, query, sorted(allowed), most + 1, after)
            rows = _veiled_rows(session, rows)
        charged = {right.id: right for right in allowed.values()}
        take(library, asking, "search", about, list(charged.values()))
    shown = rows[:most]
    for row in shown:
        note_look(library, asking, row.identifier)
    return Page(tuple(shown), shown[-1].identifier if len(rows) > most else None)


def read(library: Library, asking: Asking, known_as: str) -> Metadata:
    """The items of one licence that the right covers, in clear."""
    licence, right = admit(library, asking, "metadata", known_as)
    note_look(library, asking, licence.identifier)
    with library.reading() as session:
        items = holder_licences.items(session, library.vault, licence.identifier)
        kind = type_registry.of(session, licence.type_code, licence.type_version)
    covered = _covered(items, kind, right, licence)
    return Metadata(replace(licence, number=str(covered.get("ZZBH", ""))), covered)


def give(
    library: Library, asking: Asking, known_as: str, *, maker: str, until: datetime | None = None
) -> Given:
    """The file: with a purpose a copy marked with it, else, by a right to originals, the original.

    `maker` says for whom the copy is made, in words; it ends in 30 days unless `until` is sooner.
    """
    licence, _ = _admit_file(library, asking, "file", known_as, maker)
    return _file(library, asking, licence, maker=maker, until=until)


def link(
    library: Library, asking: Asking, known_as: str, *, maker: str, until: datetime | None = None
) -> str:
    """The 32 characters of a link that gives the same file once, within ten minutes."""
    licence, right = _admit_file(library, asking, "url", known_as, maker)
    made = _file(library, asking, licence, maker=maker, until=until)
    with library.sessions.begin() as session:
        return links.make(
            session, right.id, licence=licence.identifier,
            stored_as=made.copy or licence.identifier, made_for=asking.by.account, at=asking.at,
        )  # fmt: skip


def admit(
    library: Library, asking: Asking, verb: str, known_as: str, *, whole: bool = False
) -> tuple[Found, Right]:
    """One licence and the right to it: checked, counted and recorded, nothing opened. `whole`: its
    file is wanted."""
    with recording(library, asking, verb) as about:
        about.type_code = type_of(known_as)
        about.licence = known_as
        with library.reading() as session:
            right = rights(session, asking, {about.type_code})[about.type_code]
            licence = search.one(session, known_as)
            if licence is None:
                raise NoSuchLicence("there is no licence of that identifier")
            check_leave(session, asking, licence.identifier)
            if whole and licence.state in _VOID:
                raise LicenceVoid(f"the licence is {licence.state}: its file is not given")
            if whole:
                version = licence.type_code, licence.type_version
                require_whole(right, type_registry.of(session, *version))
        take(library, asking, verb, about, [right])
    return licence, right


def type_of(known_as: str) -> str:
    """The type's code, which stands in every identifier; NoSuchLicence for what is none."""
    try:
        return identifier.parse(known_as).type_code
    except (MalformedIdentifier, WrongCheckCharacter) as error:
        raise NoSuchLicence("there is no licence of that identifier") from error


def _admit_file(
    library: Library, asking: Asking, verb: str, known_as: str, maker: str
) -> tuple[Found, Right]:
    if not (0 < len(maker.strip()) <= MAKER_MAX and maker.strip().isprintable()):
        with recording(library, asking, verb):
            raise BadQuery(f"the copy's maker is 1 to {MAKER_MAX} printable characters")
    return admit(library, asking, verb, known_as, whole=True)


def _file(
    library: Library, asking: Asking, licence: Found, *, maker: str, until: datetime | None
) -> Given:
    note_look(library, asking, licence.identifier)
    if asking.purpose is None:
        return Given(licence.identifier, None, library.store.get(licence.identifier))
    latest = asking.at + COPY_LIFE
    copy = copies.make(
        library.workshops(at=asking.at), licence.identifier, purpose=asking.purpose,
        maker=maker.strip(),
        until=min(until, latest) if until is not None else latest, by=asking.by, at=asking.at,
    )  # fmt: skip
    return Given(licence.identifier, copy.identifier, copy.pdf)


def _check_query(query: Query, after: str) -> None:
    given = [each for each in (query.holder_code, query.number, query.licence) if each]
    if len(given) != 1:
        raise BadQuery("search by one of holder code, number and identifier")
    if any(len(each) > 200 or not each.isprintable() for each in (*given, after)):
        raise BadQuery("what is searched by has at most 200 printable characters")


def _rows(
    session: Session, library: Library, asking: Asking, query: Query, types: list[str], limit: int,
    after: str,
) -> list[Found]:  # fmt: skip
    """At most `limit` licences of these types, by identifier; without leave none is found."""
    if query.licence:
        one = search.one(session, query.licence)
        found = [one] if one is not None and one.type_code in types else []
    elif query.number:
        pages = (
            search.by_number(session, query.number, type_code=code, limit=limit, after=after)
            for code in types
        )
        found = sorted((row for page in pages for row in page), key=lambda row: row.identifier)
    else:
        found = search.by_holder(
            session, library.vault, query.holder_code, type_codes=types, limit=limit, after=after
        )
    return [row for row in found[:limit] if may_find(session, asking, row.identifier)]


def _veiled_rows(session: Session, rows: list[Found]) -> list[Found]:
    """Numbers that may be a person's own are masked: rows show nothing of the holder."""
    personal: dict[tuple[str, str], bool] = {}
    for row in rows:
        version = row.type_code, row.type_version
        if version not in personal:
            kind = type_registry.of(session, *version)
            personal[version] = any(map(kind.number_is_personal, kind.holder_code_types))
    return [
        replace(row, number=masked(row.number, Mask.CODE))
        if personal[row.type_code, row.type_version] else row
        for row in rows
    ]  # fmt: skip


def _covered(
    items: Mapping[str, Any], kind: LicenceType, right: Right, licence: Found
) -> dict[str, Any]:
    """The items that the right covers; of the holder what everyone sees where it does not."""
    found: dict[str, Any] = {}
    personal = {"CZZT", "CZZTDM"}
    if any(kind.number_is_personal(each.code_type) for each in holders.of(items)):
        personal.add("ZZBH")
    for name, value in items.items():
        entry = kind.extension(name)
        named = right.fields is not None and name in right.fields
        if entry is not None:
            if right.covers(entry):
                found[name] = value
        elif named or right.fields is None or name not in personal:
            found[name] = value
        elif name == "CZZT":
            found[name] = licence.holder_public
        else:
            found[name] = _veiled(value)
    return found


def _veiled(value: Any) -> Any:
    if isinstance(value, list):
        return [masked(str(each), Mask.CODE) for each in value]
    return masked(str(value), Mask.CODE)
