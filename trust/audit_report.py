"""Walk the audit log and name what is wrong with it. Nothing here writes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from sqlalchemy import func, or_, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from trust import log
from trust.audit_entry import BEGINNING, LOG, AuditEntry, entry_hash
from trust.audit_findings import AuditReport, Fault, Signer
from trust.crypto import checkpoint, merkle
from trust.crypto.errors import InvalidSignature
from trust.errors import Invalid, TrustError
from trust.log_models import LogCheckpoint, LogLeaf

#: Rows held in memory at once.
BATCH: Final = 1000
#: A log with this many faults is not read further.
FAULTS_MAX: Final = 100

_ENTRY_COLUMNS: Final = tuple(AuditEntry.__table__.c)
#: The columns and the hash computed over them.
_Entry = tuple[Mapping[str, Any], bytes]
#: The leaf and its stored hash.
_Leaf = tuple[bytes, bytes]


@dataclass(slots=True)
class _Walk:
    """What the walk knows so far. `last` is the hash the next entry must follow."""

    faults: list[Fault] = field(default_factory=list)
    last: bytes = BEGINNING
    frontier: list[bytes] = field(default_factory=list)
    signed_until: int = 0

    def fault(self, sequence: int | None, what: str, message: str) -> None:
        self.faults.append(Fault(sequence, what, message))

    @property
    def full(self) -> bool:
        return len(self.faults) >= FAULTS_MAX


def verify(
    session: Session, *, signers: Sequence[Signer] = (), published: Sequence[str] = ()
) -> AuditReport:
    """Check the whole audit log, in batches, in one snapshot.

    The transaction is the check's own: nothing may have been read in it before (else Invalid).

    With `signers` every stored checkpoint must be signed by one of them. `published` are checkpoint
    texts kept elsewhere (a witness, paper): whoever rewrites the database can delete the stored
    ones, but not these. They need `signers`.

    1. each entry against its leaf and the entry before; 2. rows beyond the log; 3. the root at each
    checkpoint's size against the signed one; 4. the head.
    """
    if published and not signers:
        raise Invalid("published checkpoints are worth nothing without the key that signed them")
    _take_snapshot(session)
    walk = _Walk()
    stored = session.scalars(
        select(LogCheckpoint).where(LogCheckpoint.log == LOG).order_by(LogCheckpoint.size)
    ).all()
    signed, verified = _read_checkpoints(walk, stored, signers, published)
    size = session.scalar(select(func.count()).where(LogLeaf.log == LOG)) or 0
    _walk_entries(session, walk, size, signed)
    _find_strangers(session, walk, size)
    for sequence in sorted(place for place in signed if place > size):
        walk.fault(size, "truncated", f"a checkpoint signed {sequence} entries, the log has {size}")
    if not walk.full:
        _check_head(session, walk, size)
    return AuditReport(
        entries=session.scalar(select(func.count()).select_from(AuditEntry)) or 0,
        root=merkle.fold(walk.frontier),
        checkpoints=len(stored) + len(published),
        signatures=verified,
        faults=tuple(walk.faults[:FAULTS_MAX]),
    )


def _take_snapshot(session: Session) -> None:
    """Let all queries see one state, as SQLite does: an append meanwhile is no fault."""
    if session.get_bind().dialect.name != "postgresql":
        return
    try:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    except DBAPIError as error:
        raise Invalid("the audit log is verified in a transaction of its own") from error


def _read_checkpoints(
    walk: _Walk,
    stored: Sequence[LogCheckpoint],
    signers: Sequence[Signer],
    published: Sequence[str],
) -> tuple[dict[int, set[bytes]], int]:
    """Size -> roots that were signed at it, and how many signatures were verified."""
    signed: dict[int, set[bytes]] = {}
    verified = 0
    for note in [row.text for row in stored] + list(published):
        try:
            read = _verified(note, signers) if signers else checkpoint.parse(note)[0]
        except TrustError as error:
            walk.fault(None, "checkpoint", f"a checkpoint does not hold: {error}")
            continue
        verified += bool(signers)
        signed.setdefault(read.size, set()).add(read.root)
    for row in stored:
        if row.root not in signed.get(row.size, ()):
            walk.fault(None, "checkpoint", f"the row of the checkpoint at {row.size} was changed")
    return signed, verified


def _verified(note: str, signers: Sequence[Signer]) -> checkpoint.Checkpoint:
    """The checkpoint, signed by one of these keys; the last refusal if by none."""
    refusal: TrustError = InvalidSignature("no key")
    for signer in signers:
        try:
            return checkpoint.verify_checkpoint(
                note, spki=signer.spki, algorithm=signer.algorithm, origin=signer.origin
            )
        except TrustError as error:
            refusal = error
    raise refusal


def _walk_entries(
    session: Session, walk: _Walk, size: int, signed: Mapping[int, set[bytes]]
) -> None:
    for sequence, entry, leaf in _pairs(session, size):
        if walk.full:
            return
        _check_signed(walk, sequence, signed)
        _check_place(session, walk, sequence, entry, leaf)
    _check_signed(walk, size, signed)


def _pairs(session: Session, size: int) -> Iterator[tuple[int, _Entry | None, _Leaf | None]]:
    """Every place below `size` with its entry and its leaf, None where one is missing."""
    for start in range(0, size, BATCH):
        end = min(start + BATCH, size)
        leaves = session.execute(
            select(LogLeaf.position, LogLeaf.leaf, LogLeaf.leaf_hash).where(
                LogLeaf.log == LOG, LogLeaf.position.between(start, end - 1)
            )
        )
        by_position = {position: (leaf, leaf_hash) for position, leaf, leaf_hash in leaves}
        by_sequence = _entries(session, start, end)
        for sequence in range(start, end):
            yield sequence, by_sequence.get(sequence), by_position.get(sequence)


def _entries(session: Session, start: int, end: int) -> dict[int, _Entry]:
    """The entries in a range by sequence, each as its columns and the hash over them.

    SQLite takes anything in any column, so a row can be one that cannot be read back; the range is
    halved until that row stands alone, as an entry without columns.
    """
    try:
        rows = session.execute(
            select(*_ENTRY_COLUMNS).where(AuditEntry.sequence.between(start, end - 1))
        ).mappings()
        entries = (cast(Mapping[str, Any], row) for row in rows)
        return {row["sequence"]: (row, entry_hash(row)) for row in entries}
    except (TypeError, ValueError, AttributeError):
        if end - start == 1:
            return {start: ({}, b"")}
        middle = (start + end) // 2
        return _entries(session, start, middle) | _entries(session, middle, end)


def _check_place(
    session: Session, walk: _Walk, sequence: int, entry: _Entry | None, leaf: _Leaf | None
) -> None:
    """Compare one entry with its leaf, then with the hash before it.

    The walk goes on from what the leaf says, so that one changed entry is one fault.
    """
    if leaf is None:
        walk.fault(sequence, "leaf", f"the Merkle log lacks leaf {sequence}")
        logged = entry[1] if entry is not None else bytes(32)
    else:
        logged = leaf[0]
        if merkle.leaf_hash(logged) != leaf[1]:
            walk.fault(sequence, "leaf", f"leaf {sequence} of the Merkle log was changed")
    if entry is None:
        walk.fault(sequence, "removed", f"entry {sequence} was recorded and is gone")
    else:
        _check_content(session, walk, sequence, entry, logged)
    walk.last = logged
    _push(walk, sequence, logged)


def _check_content(
    session: Session, walk: _Walk, sequence: int, entry: _Entry, logged: bytes
) -> None:
    columns, computed = entry
    stored = columns.get("hash", b"")
    if computed == logged == stored:
        if columns["previous"] != walk.last:
            walk.fault(sequence, "chain", f"entry {sequence} does not follow the one before it")
        return
    if computed == logged:
        walk.fault(sequence, "changed", f"the stored hash of entry {sequence} was changed")
        return
    other = None if stored == logged else _logged_at(session, stored)
    if other is not None:
        message = f"at {sequence} stands what was recorded as entry {other}"
        walk.fault(sequence, "moved", message)
        return
    walk.fault(sequence, "changed", f"entry {sequence} is not what was recorded")


def _logged_at(session: Session, leaf: bytes) -> int | None:
    """Where this hash was logged: a search without an index, for faults only."""
    return session.scalar(
        select(LogLeaf.position).where(LogLeaf.log == LOG, LogLeaf.leaf == leaf).limit(1)
    )


def _push(walk: _Walk, sequence: int, leaf: bytes) -> None:
    top = merkle.leaf_hash(leaf)
    for _ in range(merkle.trailing_ones(sequence)):
        top = merkle.node_hash(walk.frontier.pop(), top)
    walk.frontier.append(top)


def _check_signed(walk: _Walk, size: int, signed: Mapping[int, set[bytes]]) -> None:
    """At a size that was signed the root must be the signed one."""
    if size not in signed:
        return
    if signed[size] == {merkle.fold(walk.frontier)}:
        walk.signed_until = size
        return
    message = f"entries {walk.signed_until} to {size - 1} are not those that were signed"
    walk.fault(walk.signed_until, "rewritten", message)


def _find_strangers(session: Session, walk: _Walk, size: int) -> None:
    """Entries and leaves outside 0 .. size-1."""
    for place in session.scalars(
        select(AuditEntry.sequence)
        .where(or_(AuditEntry.sequence >= size, AuditEntry.sequence < 0))
        .order_by(AuditEntry.sequence)
        .limit(FAULTS_MAX)
    ):
        walk.fault(place, "inserted", f"entry {place} was never logged")
    for place in session.scalars(
        select(LogLeaf.position)
        .where(LogLeaf.log == LOG, or_(LogLeaf.position >= size, LogLeaf.position < 0))
        .limit(FAULTS_MAX)
    ):
        walk.fault(place, "leaf", f"leaf {place} stands outside the Merkle log")


def _check_head(session: Session, walk: _Walk, size: int) -> None:
    """The head is what the next append and the next checkpoint build on."""
    said = log.size(session, LOG)
    if said != size:
        walk.fault(None, "head", f"the head says {said} entries, there are {size} leaves")
        return
    try:
        stored = log.root(session, LOG)
    except log.LogDamaged as error:
        walk.fault(None, "head", str(error))
        return
    if stored != merkle.fold(walk.frontier):
        walk.fault(None, "head", "the stored subtrees do not belong to the leaves")
