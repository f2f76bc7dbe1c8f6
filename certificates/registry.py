"""The registry's own bookkeeping: status indexes, sequences, present states."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from certificates.models import (
    Application,
    Counter,
    Licence,
    LicenceState,
    Region,
    Reservation,
    StateChange,
    StatusShard,
)
from certificates.status.lists import CAPACITY, Status
from trust.errors import Conflict, NotFound

#: How a state reads in two bits.
PUBLISHED = {
    LicenceState.ACTIVE: Status.VALID,
    LicenceState.SUSPENDED: Status.SUSPENDED,
    LicenceState.TRANSFERRED_OUT: Status.OTHER,
}
ABANDONED = "abandoned"

#: Statement, insert, statement again; a further round when a list filled up meanwhile.
_TRIES = 4

# Built once, and executed below the ORM: these run for every licence.
_SHARD, _COUNTER = cast(Table, StatusShard.__table__), cast(Table, Counter.__table__)
_ROOM = _SHARD.c.used + bindparam("wanted") <= _SHARD.c.capacity
_TAKE = (
    update(_SHARD)
    .where(
        _ROOM,
        _SHARD.c.number == select(func.min(_SHARD.c.number)).where(_ROOM).scalar_subquery(),
    )
    .values(used=_SHARD.c.used + bindparam("wanted"))
    .returning(_SHARD.c.number, _SHARD.c.step, _SHARD.c.start, _SHARD.c.used, _SHARD.c.capacity)
)
_COUNT = (
    update(_COUNTER)
    .where(_COUNTER.c.name == bindparam("counted"))
    .values(value=_COUNTER.c.value + bindparam("wanted"))
    .returning(_COUNTER.c.value)
)
_KEYS = (
    (Application, cast(Table, Application.__table__), Application.__table__.c.id),
    (Reservation, cast(Table, Reservation.__table__), Reservation.__table__.c.identifier),
)
_MOVES = {
    kind: update(table)
    .where(key == bindparam("moved"), table.c.state == bindparam("before"))
    .values(state=bindparam("after"))
    .returning(key)
    for kind, table, key in _KEYS
}
_MOVES_OF_MANY = {
    kind: update(table)
    .where(key.in_(bindparam("moved", expanding=True)), table.c.state == bindparam("before"))
    .values(state=bindparam("after"))
    .returning(key)
    for kind, table, key in _KEYS
}


def move(
    session: Session, kind: type[Application | Reservation], key: UUID | str, *, before: str,
    after: str,
) -> bool:  # fmt: skip
    """Bring a row from one state into another; one statement decides, so only one caller wins."""
    found = {"moved": key, "before": before, "after": after}
    return session.connection().execute(_MOVES[kind], found).first() is not None


def move_all(
    session: Session, kind: type[Application | Reservation], keys: Sequence[UUID | str], *,
    before: str, after: str,
) -> set[UUID | str]:  # fmt: skip
    """`move` for many by one statement; those that this caller won."""
    found = {"moved": list(keys), "before": before, "after": after}
    return set(session.connection().execute(_MOVES_OF_MANY[kind], found).scalars())


@dataclass(frozen=True, slots=True)
class StatusPlace:
    number: int
    index: int


def region(session: Session) -> Region:
    """This deployment's region; NotFound before `trust init`."""
    found = session.scalars(select(Region)).first()
    if found is None:
        raise NotFound("no region: run `trust init` first")
    return found


def take_status_place(session: Session) -> StatusPlace:
    """The next index, never given twice; a full list is followed by a new one."""
    return take_status_places(session, 1)[0]


def take_status_places(session: Session, count: int) -> list[StatusPlace]:
    """`count` indexes of one list, by one statement. A list that has room for fewer is left to
    those that want fewer."""
    for _ in range(_TRIES):
        taken = session.connection().execute(_TAKE, {"wanted": count}).first()
        if taken is not None:
            number, step, start, used, capacity = taken
            return [
                StatusPlace(number, (step * turn + start) % capacity)
                for turn in range(used - count + 1, used + 1)
            ]
        _open_shard(session)
    raise Conflict("no status index could be had")


def _open_shard(session: Session) -> None:
    last = session.scalar(select(StatusShard.number).order_by(StatusShard.number.desc()).limit(1))
    # Odd steps are coprime to the capacity, a power of two: every index comes once.
    step, start = secrets.randbelow(CAPACITY // 2) * 2 + 1, secrets.randbelow(CAPACITY)
    shard = {
        "number": (last or 0) + 1, "step": step, "start": start, "used": 0, "capacity": CAPACITY,
    }  # fmt: skip
    _insert_if_absent(session, _SHARD, shard)


def next_number(session: Session, name: str) -> int:
    """The next value of a sequence, from 1."""
    return next_numbers(session, name, 1)[0]


def next_numbers(session: Session, name: str, count: int) -> range:
    """The next `count` values of a sequence, by one statement."""
    for _ in range(_TRIES):
        counted = {"counted": name, "wanted": count}
        value: int | None = session.connection().execute(_COUNT, counted).scalar()
        if value is not None:
            return range(value - count + 1, value + 1)
        _insert_if_absent(session, _COUNTER, {"name": name, "value": 0})
    raise Conflict("no number could be had")


def _insert_if_absent(session: Session, table: Table, values: Mapping[str, object]) -> None:
    """Of two that begin a row at once, one does; both then go on with it."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.connection().execute(insert(table).values(**values).on_conflict_do_nothing())


def states_of_list(session: Session, number: int) -> dict[int, Status]:
    """Every index of a list that is not VALID. A burnt reservation reads as void."""
    rows = session.execute(
        select(Licence.status_index, Licence.state).where(
            Licence.status_list == number, Licence.state != LicenceState.ACTIVE
        )
    )
    states = {index: PUBLISHED.get(LicenceState(state), Status.VOID) for index, state in rows}
    burnt = session.scalars(
        select(Reservation.status_index).where(
            Reservation.status_list == number, Reservation.state == ABANDONED
        )
    )
    return {**states, **dict.fromkeys(burnt, Status.VOID)}


def state_at(session: Session, identifier: str, at: datetime) -> LicenceState | None:
    """The state a licence was in at a time; None before it was issued."""
    found = session.scalar(
        select(StateChange.state)
        .where(StateChange.licence == identifier, StateChange.at <= at)
        .order_by(StateChange.at.desc(), StateChange.id.desc())
        .limit(1)
    )
    return LicenceState(found) if found is not None else None


def capacity_of(session: Session, number: int) -> int:
    """How many licences that list has room for; NotFound."""
    found = session.scalar(select(StatusShard.capacity).where(StatusShard.number == number))
    if found is None:
        raise NotFound(f"no status list {number}")
    return found


def list_numbers(session: Session) -> list[int]:
    return list(session.scalars(select(StatusShard.number).order_by(StatusShard.number)))


def licence_of(session: Session, application: Application) -> Licence | None:
    return session.scalar(select(Licence).where(Licence.application == application.id))
