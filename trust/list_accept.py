"""Believing a list or not, beside what was believed before (the attacks that TUF names).

| attack | what refuses it |
|---|---|
| rollback | a lower sequence number than the one held, or than one that the hub names |
| fast repeat | the same number with another content |
| freeze | the list's own life; a hub that names a newer one makes it stale (`ListStore`) |
| mix and match | the digest that the hub names for that number; what a hub names never goes back |
| arbitrary list | a pinned signer, or one that a list announced which a pinned one signed |
| endless data, loops | caps on size, depth, pointers and sources; a pointer back up is refused |

Each refusal leaves the last good list where it is and raises an alarm.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from trust import audit, list_alarms, list_sources, lists
from trust.access import SYSTEM
from trust.crypto import x509
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate
from trust.db import Sessions
from trust.fetch import BadAddress
from trust.list_models import HeldList, ListSource
from trust.list_store import decoded, encoded
from trust.lists_judge import ListRefused, judge
from trust.lists_model import GRANTED, Pointer, ServiceType, TrustList, covers

#: By hand, a hub's, a hub's beneath it: nation, autonomous region, prefecture.
DEPTH_MAX: Final = 3


class ListRollback(ListRefused):
    """Older than the one that is held, or than the one that the hub names."""

    code = "list_rollback"


class ListForked(ListRefused):
    """Two lists bear one number."""

    code = "list_forked"


class ListMixed(ListRefused):
    """Not the list that the hub names for that number, or a hub that takes back what it named."""

    code = "list_mixed"


class ListLoop(ListRefused):
    """It points to itself, or to a list that leads to it."""

    code = "list_pointer_loop"


class ListTooDeep(ListRefused):
    code = "list_too_deep"


class ListOutsideScope(ListRefused):
    """A list that another one named points to a region outside its own."""

    code = "list_outside_scope"


class BadPointer(ListRefused):
    code = "list_bad_pointer"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a list: `code` is "accepted", "unchanged" or that of its refusal."""

    region: str
    code: str
    detail: str = ""
    listed: TrustList | None = field(default=None, repr=False)

    @property
    def refused(self) -> bool:
        return self.code not in ("accepted", "unchanged")


def take(sessions: Sessions, region: str, data: bytes, *, own: str, at: datetime) -> Taken:
    """Accept a list that came for a region, or refuse it and raise the alarm; NotFound for a region
    that nobody named. `own` is our own region."""
    try:
        with sessions.begin() as session:
            return accept(session, region, data, own=own, at=at)
    except ListRefused as error:
        with sessions.begin() as session:
            list_alarms.raise_(session, region, error.code, str(error), at=at)
        return Taken(region, error.code, str(error))


def accept(session: Session, region: str, data: bytes, *, own: str, at: datetime) -> Taken:
    """Put a list in the place of the one held; a ListRefused leaves everything as it was.

    1 signer, region, life  2 what is held  3 what the hub names  4 its pointers  5 put it there
    """
    source = list_sources.find(session, region)
    if source.dropped_at is not None:
        raise list_sources.SourceDropped(f"the list of {region} is fetched no more")
    before = session.get(HeldList, region)
    held = before if before is not None and _stands(source, before) else None
    listed = judge(data, region=region, signers=_signers(source, held), at=at)
    if held is not None and _same(held, listed):
        list_alarms.settle_passing(session, region, at=at)
        return Taken(region, "unchanged", listed=listed)
    _check_named(session, source, listed)
    _check_pointers(session, source, held, listed)
    _put(session, listed, data, source=source, before=before, at=at)
    followed = list_sources.follow(session, region, listed.pointers, own=own, at=at)
    list_alarms.settle_passing(session, region, at=at)
    _record(session, listed, followed, at=at)
    return Taken(region, "accepted", listed=listed)


def _record(
    session: Session, listed: TrustList, followed: list_sources.Followed, *, at: datetime
) -> None:
    acts = [
        audit.Act("trust_list.accepted", listed.region, SYSTEM, at,
                  {"sequence": listed.sequence, "digest": listed.digest}),
        *(audit.Act("trust_list.dropped", each, SYSTEM, at) for each in followed.dropped),
    ]  # fmt: skip
    audit.record_all(session, acts)
    for region, code, detail in followed.troubles:
        list_alarms.raise_(session, region, code, detail, at=at)


def _stands(source: ListSource, held: HeldList) -> bool:
    """Whether the held list is still vouched for: nobody was unpinned since, or its very signer is
    pinned now. Otherwise a thief of an old key could have announced a key of their own, or used up
    all numbers, and no change of the pins would get rid of it."""
    if set(held.pinned) <= set(source.signers):
        return True
    signer = lists.parse(held.document).jws.certificates()[:1]
    keys = {each.spki for each in decoded(source.signers)}
    return bool(signer) and x509.parse_certificate(signer[0]).spki in keys


def _signers(source: ListSource, held: HeldList | None) -> tuple[Certificate, ...]:
    """The pinned ones, and those that the held list announces."""
    pinned = decoded(source.signers)
    if held is None:
        return pinned
    return (*_not_withdrawn(pinned, held), *decoded(held.announced))


def _not_withdrawn(pinned: tuple[Certificate, ...], held: HeldList) -> tuple[Certificate, ...]:
    """A pinned key that its own region has withdrawn signs nothing more."""
    ended = {
        x509.parse_certificate(service.certificate).spki
        for service in lists.parse(held.document).of_kind(ServiceType.LIST_SIGNER)
        if service.status is not GRANTED
    }
    return tuple(each for each in pinned if each.spki not in ended)


def _same(held: HeldList, listed: TrustList) -> bool:
    """Whether it is the list that is held; ListRollback or ListForked."""
    if listed.sequence < held.sequence:
        raise ListRollback(f"number {listed.sequence} came after number {held.sequence}")
    if listed.sequence == held.sequence and listed.digest != held.digest:
        raise ListForked(f"two lists bear number {listed.sequence}")
    return listed.sequence == held.sequence


def _check_named(session: Session, source: ListSource, listed: TrustList) -> None:
    """What the list that points here has named: nothing older, and for that number nothing else."""
    if source.parent is None:
        return
    document = session.scalar(select(HeldList.document).where(HeldList.region == source.parent))
    pointers = lists.parse(document).pointers if document else ()
    named = next((each for each in pointers if each.region == source.region), None)
    if named is None or named.sequence is None:
        return
    if listed.sequence < named.sequence:
        raise ListRollback(f"number {listed.sequence}; its hub names {named.sequence}")
    if listed.sequence == named.sequence and listed.digest != named.digest:
        raise ListMixed(f"not the list {named.sequence} that its hub names")


def _check_pointers(
    session: Session, source: ListSource, held: HeldList | None, listed: TrustList
) -> None:
    if not listed.pointers:
        return
    regions = [pointer.region for pointer in listed.pointers]
    if len(set(regions)) != len(regions):
        raise BadPointer("two pointers to one region")
    if listed.region in regions or _leads_back(session, listed.region, regions):
        raise ListLoop("a pointer leads back to the list that it stands in")
    if _depth(session, source) >= DEPTH_MAX:
        raise ListTooDeep(f"lists point to lists at most {DEPTH_MAX} deep")
    if source.parent is not None and not all(covers(listed.region, each) for each in regions):
        raise ListOutsideScope("a pointer to a region that is none of its own")
    for pointer in listed.pointers:
        _check_pointer(pointer)
    _check_snapshot(held, listed)


def _check_pointer(pointer: Pointer) -> None:
    try:
        list_sources.check(pointer.region, pointer.name or "-", pointer.uri, pointer.signers)
    except (BadAddress, list_sources.BadSource, Malformed, UnknownAlgorithm) as error:
        raise BadPointer(f"the pointer to {pointer.region}: {error}") from error


def _check_snapshot(held: HeldList | None, listed: TrustList) -> None:
    """A hub that names an older list than it did before was rolled back itself, or lies."""
    before = lists.parse(held.document).pointers if held else ()
    known = {each.region: each for each in before}
    for pointer in listed.pointers:
        old = known.get(pointer.region)
        if old is None or old.sequence is None or old.signers != pointer.signers:
            continue  # with other signers the numbers begin anew
        if pointer.sequence is None or pointer.sequence < old.sequence:
            raise ListMixed(f"it named number {old.sequence} of {pointer.region} before")
        if pointer.sequence == old.sequence and pointer.digest != old.digest:
            raise ListMixed(f"it names another list as number {old.sequence} of {pointer.region}")


def _leads_back(session: Session, region: str, pointed: list[str]) -> int:
    """Whether, by the lists that are held, one of these leads to `region`: how many steps, or 0."""
    graph = {
        source: targets
        for source, targets in session.execute(select(HeldList.region, HeldList.points_to))
    }
    seen, edge, steps = set(pointed), list(pointed), 1
    while edge:
        if region in edge:
            return steps
        edge = [each for at in edge for each in graph.get(at, ()) if each not in seen]
        seen.update(edge)
        steps += 1
    return 0


def _depth(session: Session, source: ListSource) -> int:
    """1 for a list that was named by hand."""
    depth, at = 1, source
    while at.parent is not None and depth <= DEPTH_MAX:
        above = session.get(ListSource, at.parent)
        if above is None:
            break
        depth, at = depth + 1, above
    return depth


def _put(
    session: Session, listed: TrustList, data: bytes, *, source: ListSource,
    before: HeldList | None, at: datetime,
) -> None:  # fmt: skip
    """One statement decides, whoever else is putting one there: only what was judged is replaced,
    so numbers go up in whatever order lists come."""
    announced = tuple(
        service.certificate
        for service in listed.of_kind(ServiceType.LIST_SIGNER)
        if service.status is GRANTED and service.certificate
    )
    values = {
        "sequence": listed.sequence, "digest": listed.digest, "issued_at": listed.issued_at,
        "next_update": listed.next_update, "received_at": at, "document": data,
        "announced": encoded(_readable(announced)), "pinned": list(source.signers),
        "points_to": [pointer.region for pointer in listed.pointers],
    }  # fmt: skip
    if before is None:
        session.add(HeldList(region=listed.region, **values))
        session.flush()
        return
    moved = session.scalar(
        update(HeldList)
        .where(HeldList.region == listed.region, HeldList.digest == before.digest)
        .values(**values)
        .returning(HeldList.region)
    )
    if moved is None:
        raise ListRollback("another process has taken a list meanwhile")


def _readable(ders: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """A list signer that cannot be read here announces nobody."""
    found = []
    for der in ders:
        try:
            x509.parse_certificate(der)
        except (Malformed, UnknownAlgorithm):
            continue
        found.append(der)
    return tuple(found)
