"""The region's public log of licences: salted digests, nothing personal."""

from datetime import datetime

from sqlalchemy.orm import Session

from trust import log
from trust.crypto import hashes, jose

LOG = "licences"


def append_leaf(session: Session, event: str, raw: bytes, *, at: datetime) -> int:
    """A leaf of the region's log of licences: the event and the salted digest, nothing personal."""
    leaf = jose.canonical_json(
        {"event": event, "sm3": jose.b64url(hashes.sm3(raw)), "at": int(at.timestamp())}
    )
    return log.append(session, LOG, leaf, at=at)
