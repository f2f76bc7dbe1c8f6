"""Witnessing the logs of other regions (C2SP tlog-witness).

A witness remembers one checkpoint a log and signs a newer one only when it extends that one. Two
regions that ask the same witness therefore see the same log; a log that shows two faces is refused
and both its signed notes are kept, which prove the fault to anybody.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from trust import audit
from trust.access import SYSTEM
from trust.crypto import checkpoint, cosignature, merkle
from trust.crypto.algorithms import Algorithm
from trust.crypto.checkpoint import Checkpoint
from trust.crypto.errors import InvalidSignature, Malformed
from trust.crypto.merkle import ProofFailed
from trust.db import Sessions
from trust.errors import Conflict, Forbidden, Invalid, NotFound
from trust.witness_models import SplitView, WitnessedLog

REQUEST_MAX: Final = 32_768
PROOF_MAX: Final = 65
#: Proofs that are kept of one false log.
SPLITS_MAX: Final = 100


class UnknownLog(NotFound):
    """No trust list names a log of that origin."""

    code = "unknown_log"


class CheckpointNotSigned(Forbidden):
    code = "checkpoint_not_signed"


class StaleCheckpoint(Conflict):
    """The request begins at another size than the one that was seen last; `size` is that one."""

    code = "stale_checkpoint"

    def __init__(self, size: int) -> None:
        super().__init__(f"the checkpoint that was seen last has {size} leaves")
        self.size = size


class InconsistentCheckpoint(Invalid):
    code = "inconsistent_checkpoint"


class SplitViewSeen(Conflict):
    """The log has signed two different trees of one size; both are kept."""

    code = "split_view"


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key that signs for a log: SPKI in DER."""

    spki: bytes
    algorithm: Algorithm


@dataclass(frozen=True, slots=True)
class Request:
    """What a log asks of a witness: the size it believes was seen last, the proof from there to
    the checkpoint, and the checkpoint as signed."""

    old_size: int
    proof: tuple[bytes, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Signing:
    """Whose word a cosignature is."""

    name: str
    spki: bytes
    algorithm: Algorithm
    sign: Callable[[bytes], bytes]


def read_request(body: bytes) -> Request:
    """`old N`, a line of base64 for each hash, an empty line, the note; Malformed."""
    if len(body) > REQUEST_MAX:
        raise Malformed(f"a request to a witness has at most {REQUEST_MAX} bytes")
    try:
        head, _, note = body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        word, _, number = first.partition(" ")
        if word != "old" or not number.isascii() or not number.isdigit() or len(number) > 18:
            raise Malformed("the first line says `old` and a size")
        proof = tuple(base64.b64decode(line, validate=True) for line in lines)
    except (UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise Malformed("not a request to a witness") from error
    if len(proof) > PROOF_MAX or any(len(each) != merkle.HASH_SIZE for each in proof):
        raise Malformed("a proof is at most 65 hashes of 32 bytes")
    return Request(int(number), proof, note)


def write_request(note: str, *, old_size: int, proof: Sequence[bytes]) -> bytes:
    """The body that `read_request` reads."""
    lines = [f"old {old_size}", *(base64.b64encode(each).decode() for each in proof)]
    return ("\n".join(lines) + "\n\n" + note).encode()


def witness(
    sessions: Sessions, asked: Request, *, keys_of: Callable[[str], Sequence[LogKey]],
    signing: Signing, at: datetime,
) -> str:  # fmt: skip
    """The cosignature line for a checkpoint that extends what was seen before.

    1. whose log, and is it signed by its key: UnknownLog, CheckpointNotSigned; 2. against what was
    seen last: StaleCheckpoint, SplitViewSeen (kept and audited first), InconsistentCheckpoint;
    3. remembered, and only then signed: a crash between leaves a checkpoint seen and not signed,
    which the log asks for again.
    """
    seen = _signed_checkpoint(asked.note, keys_of)
    with sessions.begin() as session:
        split = _split_view(session, seen, at=at)
    if split:
        raise SplitViewSeen(f"the log {seen.origin} shows two trees of {seen.size} leaves")
    with sessions.begin() as session:
        _remember(session, seen, asked, at=at)
    return cosignature.cosign(
        seen, name=signing.name, at=at, spki=signing.spki, algorithm=signing.algorithm,
        sign=signing.sign,
    )  # fmt: skip


def seen_size(session: Session, origin: str) -> int:
    """How many leaves of a log were seen last; 0 of one that was never."""
    found = session.scalar(select(WitnessedLog.size).where(WitnessedLog.origin == origin))
    return found or 0


def split_views(session: Session) -> list[SplitView]:
    """Every proof of a false log, newest first, at most 100."""
    return list(session.scalars(select(SplitView).order_by(SplitView.id.desc()).limit(100)))


def _signed_checkpoint(note: str, keys_of: Callable[[str], Sequence[LogKey]]) -> Checkpoint:
    claimed, _ = checkpoint.parse(note)
    known = keys_of(claimed.origin)
    if not known:
        raise UnknownLog("no trust list names that log")
    for key in known:
        try:
            return checkpoint.verify_checkpoint(
                note, spki=key.spki, algorithm=key.algorithm, origin=claimed.origin
            )
        except InvalidSignature:
            continue
    raise CheckpointNotSigned("no key of that log has signed the checkpoint")


def _split_view(session: Session, seen: Checkpoint, *, at: datetime) -> bool:
    """Whether the log contradicts what it signed before at that very size; then it is recorded."""
    known = session.get(WitnessedLog, seen.origin)
    if known is None or known.size != seen.size or known.root == seen.root:
        return False
    if not _is_new_proof(session, seen):
        return True
    session.add(
        SplitView(origin=seen.origin, size=seen.size, first=known.text, second=seen.text, at=at)
    )
    session.flush()
    details: dict[str, audit.JSON] = {
        "size": seen.size,
        "first": known.root.hex(),
        "second": seen.root.hex(),
    }
    audit.record(session, "log.split_view", subject=seen.origin, by=SYSTEM, at=at, details=details)
    return True


def _is_new_proof(session: Session, seen: Checkpoint) -> bool:
    """One proof convicts: the same two notes, which anybody may send again and again, are no second
    one, nor is a third face of that size; and a log that is false at every size fills no disk."""
    same = select(SplitView.id).where(SplitView.origin == seen.origin, SplitView.size == seen.size)
    if session.scalar(same.limit(1)) is not None:
        return False
    kept = select(func.count()).where(SplitView.origin == seen.origin)
    return (session.scalar(kept) or 0) < SPLITS_MAX


def _remember(session: Session, seen: Checkpoint, asked: Request, *, at: datetime) -> None:
    known = session.scalar(
        select(WitnessedLog).where(WitnessedLog.origin == seen.origin).with_for_update()
    )
    size = known.size if known else 0
    if asked.old_size > seen.size:
        raise InconsistentCheckpoint("a log never shrinks")
    if asked.old_size != size:
        raise StaleCheckpoint(size)
    _require_consistent(known, seen, asked.proof)
    if known is None:
        _begin(session, seen, at=at)
        return
    won = session.execute(
        update(WitnessedLog)
        .where(WitnessedLog.origin == seen.origin, WitnessedLog.size == size)
        .values(size=seen.size, root=seen.root, text=seen.text, at=at)
        .returning(WitnessedLog.origin)
    ).one_or_none()
    if won is None:
        raise StaleCheckpoint(size)


def _begin(session: Session, seen: Checkpoint, *, at: datetime) -> None:
    """The first checkpoint of a log is believed: there is nothing that it could contradict."""
    row = WitnessedLog(origin=seen.origin, size=seen.size, root=seen.root, text=seen.text, at=at)
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("another request began that log at the same moment") from error


def _require_consistent(
    known: WitnessedLog | None, seen: Checkpoint, proof: Sequence[bytes]
) -> None:
    if known is None or known.size == 0:
        if proof:
            raise InconsistentCheckpoint("from nothing there is no proof")
        return
    try:
        merkle.verify_consistency(
            first=known.size,
            second=seen.size,
            proof=proof,
            first_root=known.root,
            second_root=seen.root,
        )  # fmt: skip)
    except ProofFailed as error:
        raise InconsistentCheckpoint("the proof does not lead from what was seen") from error
