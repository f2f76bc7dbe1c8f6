"""The region's public log of licences: salted digests, nothing personal."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from trust import log
from trust.crypto import hashes, jose

LOG = "licences"


def append_leaf(session: Session, event: str, raw: bytes, *, at: datetime) -> int:
    """A leaf of the region's log of licences: the event and the salted digest, nothing personal."""
    return append_leaves(session, event, [raw], at=at)[0]


def append_leaves(session: Session, event: str, raws: Sequence[bytes], *, at: datetime) -> range:
    """`append_leaf` for many in a few statements together; their places in the log."""
    head = log.lock(session, LOG)
    log.extend_all(session, head, [(_leaf(event, raw, at), at) for raw in raws])
    return range(head.size, head.size + len(raws))


def _leaf(event: str, raw: bytes, at: datetime) -> bytes:
    return jose.canonical_json(
        {"event": event, "sm3": jose.b64url(hashes.sm3(raw)), "at": int(at.timestamp())}
    )
