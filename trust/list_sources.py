"""Whose lists are fetched: named by hand, or by a list that points to them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from trust import audit, fetch
from trust.access import Caller
from trust.crypto import hashes, x509
from trust.errors import Conflict, Invalid, NotFound
from trust.list_models import ListSource
from trust.list_store import encoded
from trust.lists import NAME_MAX, SIGNERS_MAX
from trust.lists_model import Pointer

#: However many lists point to however many others, this is the end of it.
SOURCES_MAX: Final = 2_000


class BadSource(Invalid):
    code = "bad_list_source"


class SourceThere(Conflict):
    code = "list_source_there"


class SourceDropped(Conflict):
    code = "list_source_dropped"


def add(
    session: Session, region: str, *, name: str, uri: str, signers: tuple[bytes, ...],
    by: Caller, at: datetime, pointed: bool = False,
) -> ListSource:  # fmt: skip
    """Name a region's list by hand: its address and who may sign it (DER certificates). What was
    named by another list is ours from now on. BadSource, BadAddress, Malformed, SourceThere."""
    check(region, name, uri, signers)
    found = session.get(ListSource, region)
    if found is not None and found.parent is None and found.dropped_at is None:
        raise SourceThere(f"the list of {region} is named by hand already")
    if found is None:
        found = ListSource(region=region, added_at=at)
        session.add(found)
    found.name, found.uri, found.signers = name, uri, encoded(signers)
    found.parent, found.pointed, found.dropped_at = None, pointed, None
    session.flush()
    audit.record(
        session, "trust_list.source_added", subject=region, by=by, at=at,
        details={"signers": _thumbprints(signers), "pointed": pointed},
    )  # fmt: skip
    return found


def pin(
    session: Session, region: str, *, signers: tuple[bytes, ...], by: Caller, at: datetime
) -> None:
    """Other signers from now on, of a list that is named by hand; NotFound, Conflict."""
    found = find(session, region)
    if found.parent is not None:
        raise Conflict(f"who signs the list of {region} is said by the list of {found.parent}")
    check(region, found.name, found.uri, signers)
    found.signers = encoded(signers)
    session.flush()
    audit.record(
        session, "trust_list.pinned", subject=region, by=by, at=at,
        details={"signers": _thumbprints(signers)},
    )  # fmt: skip


def find(session: Session, region: str) -> ListSource:
    found = session.get(ListSource, region)
    if found is None:
        raise NotFound(f"no list of {region} is named here")
    return found


def drop(session: Session, region: str, *, by: Caller, at: datetime) -> None:
    """Fetch it no more; what it said of the past stays. NotFound."""
    gone = session.scalar(
        update(ListSource)
        .where(ListSource.region == region, ListSource.dropped_at.is_(None))
        .values(dropped_at=at)
        .returning(ListSource.region)
    )
    if gone is None:
        raise NotFound(f"no list of {region} is fetched here")
    audit.record(session, "trust_list.dropped", subject=region, by=by, at=at)


def check(region: str, name: str, uri: str, signers: tuple[bytes, ...]) -> None:
    """BadSource, fetch.BadAddress or Malformed."""
    if len(region) != 6 or not (region.isascii() and region.isdigit()):
        raise BadSource("a region is six digits")
    if not (0 < len(name) <= NAME_MAX and name.isprintable()):
        raise BadSource(f"a name has 1 to {NAME_MAX} printable characters")
    fetch.check_address(uri)
    if not 0 < len(signers) <= SIGNERS_MAX:
        raise BadSource(f"a list has 1 to {SIGNERS_MAX} signers")
    for der in signers:
        x509.parse_certificate(der)


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of a list's pointers: who was dropped, and (region, alarm, detail) of trouble."""

    dropped: tuple[str, ...]
    troubles: tuple[tuple[str, str, str], ...]


def follow(
    session: Session, parent: str, pointers: Iterable[Pointer], *, own: str, at: datetime
) -> Followed:
    """Bring the sources in line with the pointers of a list that was believed a moment ago. What is
    named by hand, and what another list names, stays as it is; our own region needs no source."""
    seen, troubles = set(), []
    for pointer in pointers:
        seen.add(pointer.region)
        found = session.get(ListSource, pointer.region)
        there = found is not None and found.dropped_at is None
        if pointer.region == own or (found is not None and there and found.parent is None):
            continue
        if found is None and _full(session):
            troubles.append((parent, "list_too_many", pointer.region))
        elif found is not None and there and found.parent != parent:
            troubles.append((pointer.region, "list_named_twice", parent))
        else:
            _put(session, found, pointer, parent=parent, at=at)
    session.flush()
    gone = session.scalars(
        update(ListSource)
        .where(
            ListSource.parent == parent, ListSource.dropped_at.is_(None),
            ListSource.region.not_in(seen),
        )
        .values(dropped_at=at)
        .returning(ListSource.region)
    ).all()  # fmt: skip
    return Followed(tuple(sorted(gone)), tuple(troubles))


def _full(session: Session) -> int:
    return (session.scalar(select(func.count()).select_from(ListSource)) or 0) >= SOURCES_MAX


def _put(
    session: Session, found: ListSource | None, pointer: Pointer, *, parent: str, at: datetime
) -> None:
    if found is None:
        found = ListSource(region=pointer.region, added_at=at, pointed=False)
        session.add(found)
    found.name, found.uri, found.signers = pointer.name, pointer.uri, encoded(pointer.signers)
    found.parent, found.dropped_at = parent, None


def _thumbprints(signers: tuple[bytes, ...]) -> list[audit.JSON]:
    return [hashes.sha256(der).hex() for der in signers]
