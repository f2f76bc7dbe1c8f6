"""Append-only Merkle logs in the database (RFC 6962 trees, see trust.crypto.merkle).

Appending writes the leaf, the subtrees it completes (one on average) and the head. The head keeps
the frontier, the complete subtrees of the present size, so an append reads one row and the root
needs no read more; proofs read O(log n) rows. Integrating at once rather than at the next
checkpoint costs one short row a leaf and keeps every proof a pure read.

One writer at a time: `lock` holds the head's row until the transaction ends. Whoever appends in a
longer transaction does so last, and takes the audit log after any other, or two transactions wait
for each other.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from sqlalchemy import Table, bindparam, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trust.crypto import merkle
from trust.crypto.algorithms import Algorithm
from trust.crypto.checkpoint import Checkpoint as Checkpoint
from trust.crypto.checkpoint import attach, body
from trust.crypto.checkpoint import verify_checkpoint as verify_checkpoint
from trust.crypto.merkle import HASH_SIZE, Node, Range
from trust.errors import Conflict, Invalid, TrustError
from trust.keys import KeyStore
from trust.log_models import LogCheckpoint as LogCheckpoint
from trust.log_models import LogHead, LogLeaf, LogNode

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
LEAF_MAX: Final = 65_536


class LogDamaged(TrustError):
    """The stored log contradicts itself or what it once signed. Nothing is signed or proved."""

    code = "log_damaged"


# Appending is on the path of every act: rows go in by Core, a third of the ORM's cost.
_HEAD = cast(Table, LogHead.__table__)
_LEAF = cast(Table, LogLeaf.__table__)
_NODE = cast(Table, LogNode.__table__)
# Built once: building a statement costs as much as running it.
_HOLD: Final = (
    select(_HEAD.c.size, _HEAD.c.frontier).where(_HEAD.c.log == bindparam("log")).with_for_update()
)
_MOVE: Final = (
    update(_HEAD)
    .where(_HEAD.c.log == bindparam("of_log"), _HEAD.c.size == bindparam("from_size"))
    .values(size=bindparam("size"), frontier=bindparam("frontier"))
)
_ADD_LEAF: Final = insert(_LEAF)
_ADD_NODE: Final = insert(_NODE)


@dataclass(frozen=True, slots=True)
class Head:
    """A log's head, held by this transaction."""

    log: str
    size: int
    frontier: tuple[bytes, ...]


def append(session: Session, log: str, leaf: bytes, *, at: datetime) -> int:
    """Append a leaf inside the caller's transaction and return its index.

    A crash before the commit leaves nothing behind. Invalid for a leaf above 64 KiB.
    """
    head = lock(session, log)
    extend(session, head, leaf, at=at)
    return head.size


def lock(session: Session, log: str) -> Head:
    """Hold the head of a log until the transaction ends; a new log is begun.

    On PostgreSQL by FOR UPDATE; on SQLite BEGIN IMMEDIATE has the whole database already.
    """
    held = session.connection().execute(_HOLD, {"log": log}).one_or_none()
    if held is None:
        _begin(session, log)
        held = session.connection().execute(_HOLD, {"log": log}).one()
    return Head(log=log, size=held[0], frontier=_split(held[1]))


def extend(session: Session, head: Head, leaf: bytes, *, at: datetime) -> Head:
    """Append to a head that `lock` gave and return the next; Conflict if it has moved on."""
    return extend_all(session, head, [(leaf, at)])


def extend_all(session: Session, head: Head, leaves: Sequence[tuple[bytes, datetime]]) -> Head:
    """`extend` by one leaf after the other, each with its time, in three statements together."""
    rows: list[dict[str, object]] = []
    nodes: list[dict[str, object]] = []
    after = head
    for leaf, at in leaves:
        if len(leaf) > LEAF_MAX:
            raise Invalid(f"a leaf of a log has at most {LEAF_MAX} bytes")
        top = merkle.leaf_hash(leaf)
        rows.append(
            {"log": head.log, "position": after.size, "leaf": leaf, "leaf_hash": top, "at": at}
        )
        after = _grown(after, top, nodes)
    moved = {"of_log": head.log, "from_size": head.size, "size": after.size,
             "frontier": b"".join(after.frontier)}  # fmt: skip
    connection = session.connection()
    if connection.execute(_MOVE, moved).rowcount != 1:
        raise Conflict(f"another writer appended to the log {head.log!r}")
    try:
        connection.execute(_ADD_LEAF, rows)
        if nodes:
            connection.execute(_ADD_NODE, nodes)
    except IntegrityError as error:
        raise LogDamaged(f"the log {head.log!r} has rows beyond its head at {head.size}") from error
    return after


def _grown(head: Head, top: bytes, nodes: list[dict[str, object]]) -> Head:
    """The head with one leaf more; the subtrees that it completes are added to `nodes`."""
    stack, index = list(head.frontier), head.size
    for level in range(1, merkle.trailing_ones(index) + 1):
        top = merkle.node_hash(stack.pop(), top)
        nodes.append({"log": head.log, "level": level, "number": index >> level, "hash": top})
    stack.append(top)
    return Head(log=head.log, size=index + 1, frontier=tuple(stack))


def size(session: Session, log: str) -> int:
    """How many leaves the log has; 0 if it was never begun."""
    return session.scalar(select(_HEAD.c.size).where(_HEAD.c.log == log)) or 0


def root(session: Session, log: str, size: int | None = None) -> bytes:
    """The root over the first `size` leaves (default: all), from the stored subtrees.

    Invalid if the log is shorter, LogDamaged if a row is missing.
    """
    last = _check_size(session, log, size)
    return _hashes(session, log, [Range(0, last)])[0]


def inclusion_proof(session: Session, log: str, index: int, size: int | None = None) -> list[bytes]:
    """The audit path of leaf `index` in the tree of the first `size` leaves."""
    last = _check_size(session, log, size)
    return _hashes(session, log, merkle.inclusion_ranges(index, last))


def consistency_proof(session: Session, log: str, first: int, second: int) -> list[bytes]:
    """The proof that the tree of `first` leaves is a prefix of that of `second`."""
    _check_size(session, log, second)
    return _hashes(session, log, merkle.consistency_ranges(first, second))


def checkpoint(
    session: Session,
    log: str,
    *,
    origin: str,
    keys: KeyStore,
    key_id: str,
    algorithm: Algorithm,
    at: datetime,
) -> Checkpoint:
    """Sign the present state of a log and store the checkpoint, in the caller's transaction.

    1. hold the head; 2. the same state signed before is handed out again; 3. the stored tree must
    agree with the head and with the last checkpoint, or LogDamaged: two checkpoints that contradict
    each other must never be signed (tlog-checkpoint); 4. sign; 5. store.
    """
    head = lock(session, log)
    top = merkle.fold(head.frontier)
    last = _latest(session, log)
    _check_agrees(session, head, top, last)
    if last is not None and last.origin != origin:
        raise Conflict(f"the log {log!r} signs as {last.origin!r}")
    if last is not None and (last.size, last.key_id) == (head.size, key_id):
        return _as_checkpoint(last)
    signed = body(origin=origin, size=head.size, root=top)
    text = attach(
        signed,
        keys.sign(key_id, signed, algorithm),
        name=origin,
        spki=keys.public_key(key_id),
        algorithm=algorithm,
    )
    row = LogCheckpoint(
        log=log, size=head.size, key_id=key_id, origin=origin, root=top, text=text, at=at
    )
    session.add(row)
    session.flush()
    return _as_checkpoint(row)


def latest_checkpoint(session: Session, log: str) -> Checkpoint | None:
    """The last checkpoint that was signed, if any."""
    row = _latest(session, log)
    return None if row is None else _as_checkpoint(row)


def _latest(session: Session, log: str) -> LogCheckpoint | None:
    return session.scalar(
        select(LogCheckpoint)
        .where(LogCheckpoint.log == log)
        .order_by(LogCheckpoint.size.desc(), LogCheckpoint.id.desc())
        .limit(1)
    )


def _as_checkpoint(row: LogCheckpoint) -> Checkpoint:
    return Checkpoint(origin=row.origin, size=row.size, root=row.root, text=row.text)


def _check_agrees(session: Session, head: Head, top: bytes, last: LogCheckpoint | None) -> None:
    if root(session, head.log) != top:
        raise LogDamaged(f"the head of the log {head.log!r} is not the root of its tree")
    if last is None:
        return
    if last.size > head.size or root(session, head.log, last.size) != last.root:
        raise LogDamaged(f"the log {head.log!r} contradicts its checkpoint at {last.size}")


def _begin(session: Session, log: str) -> None:
    """Make the head of a new log. Two that begin at once: one inserts, the other finds the row."""
    if not _NAME.fullmatch(log):
        raise Invalid("a log's name is 1 to 64 of a-z 0-9 . - and begins with a letter or digit")
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"log": log, "size": 0, "frontier": b""}
    session.execute(dialect.insert(_HEAD).values(values).on_conflict_do_nothing())


def _check_size(session: Session, log: str, wanted: int | None) -> int:
    """The size to answer for: a tree that has not grown so far has no root yet."""
    present = size(session, log)
    if wanted is None:
        return present
    if not 0 <= wanted <= present:
        raise Invalid(f"the log {log!r} has {present} leaves, not {wanted}")
    return wanted


def _hashes(session: Session, log: str, ranges: list[Range]) -> list[bytes]:
    nodes = _read(session, log, {node for each in ranges for node in merkle.subtrees(each)})
    return [merkle.range_hash(each, nodes) for each in ranges]


def _read(session: Session, log: str, wanted: Iterable[Node]) -> dict[Node, bytes]:
    """The stored hashes of these subtrees, all of them, in at most two queries."""
    upper = [node for node in wanted if node.level > 0]
    leaves = [node.number for node in wanted if node.level == 0]
    found: dict[Node, bytes] = {}
    if upper:
        key = tuple_(_NODE.c.level, _NODE.c.number)
        rows = session.execute(
            select(_NODE.c.level, _NODE.c.number, _NODE.c.hash).where(
                _NODE.c.log == log, key.in_(upper)
            )
        )
        found |= {Node(level, number): value for level, number, value in rows}
    if leaves:
        level0 = session.execute(
            select(_LEAF.c.position, _LEAF.c.leaf_hash).where(
                _LEAF.c.log == log, _LEAF.c.position.in_(leaves)
            )
        )
        found |= {Node(0, position): value for position, value in level0}
    missing = [node for node in wanted if node not in found]
    if missing:
        raise LogDamaged(
            f"the log {log!r} lacks its subtree {missing[0].number} of level {missing[0].level}"
        )
    return found


def _split(frontier: bytes) -> tuple[bytes, ...]:
    return tuple(frontier[at : at + HASH_SIZE] for at in range(0, len(frontier), HASH_SIZE))
