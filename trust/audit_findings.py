"""What a walk over the audit log needs to know and what it finds."""

from dataclasses import dataclass

from trust.crypto.algorithms import Algorithm


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs the log's checkpoints, known from outside the database."""

    origin: str
    spki: bytes
    algorithm: Algorithm


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where. `what` is a stable word:

    changed     the entry, or its stored hash, is not what was logged
    moved       the entry stands where another was logged
    removed     an entry that was logged is gone
    inserted    an entry that was never logged
    chain       the entry does not follow the one before it
    leaf        the Merkle log's own row is missing, changed or too many
    truncated   a checkpoint signed more entries than there are
    rewritten   a checkpoint signed other entries than there are, up to this one
    checkpoint  a checkpoint is unreadable or not signed by a key we know
    head        the Merkle log's head or its subtrees do not fit the leaves
    """

    sequence: int | None
    what: str
    message: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The log is whole if `faults` is empty. `signatures` counts the verified checkpoints."""

    entries: int
    root: bytes
    checkpoints: int
    signatures: int
    faults: tuple[Fault, ...]
