"""Requests that come twice: the Idempotency-Key of a business system, and the answer that a repeat
gets again.

`begin` and `keep` stand in the transaction of the act itself, so that there is never a key without
its act nor an act without its key; of two requests at once the second waits for the first. Kept for
a week (`forget`, at upkeep). Answers hold identifiers and states, nothing personal.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from certificates.applications.models import KeptAnswer
from trust.access import Caller
from trust.db import Sessions
from trust.errors import Invalid

KEPT: Final = timedelta(days=7)
KEY_MAX: Final = 255


class BadIdempotencyKey(Invalid):
    """The key is not 1 to KEY_MAX printable ASCII characters."""

    code = "bad_idempotency_key"


class IdempotencyKeyReused(Invalid):
    """The key came before with another request."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked, under which key, what; digests are SHA-256."""

    caller: str
    key_digest: bytes
    request_digest: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, and is answered again."""

    status: int
    body: dict[str, Any]
    location: str = ""


def asked(key: str | None, *, by: Caller, method: str, path: str, body: bytes) -> Asked | None:
    """The request under its key; None without one. BadIdempotencyKey."""
    if key is None:
        return None
    if not (1 <= len(key) <= KEY_MAX and key.isascii() and key.isprintable()):
        raise BadIdempotencyKey(
            f"Idempotency-Key：1 至 {KEY_MAX} 个可打印 ASCII 字符 / "
            f"1 to {KEY_MAX} printable ASCII characters"
        )
    request = b"\0".join((method.encode(), path.encode(), body))
    # Two platforms of one account never meet under a key.
    name = f"{by.client or ''}\0{key}"
    return Asked(by.account, sha256(name.encode()).digest(), sha256(request).digest())


def begin(session: Session, given: Asked | None, *, at: datetime) -> Answer | None:
    """The answer that was given before; None when this is the first time, and the key is taken with
    the caller's transaction. IdempotencyKeyReused."""
    if given is None:
        return None
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    taken = session.execute(
        insert(KeptAnswer)
        .values(
            caller=given.caller, key_digest=given.key_digest,
            request_digest=given.request_digest, made_at=at,
        )
        .on_conflict_do_nothing()
        .returning(KeptAnswer.caller)
    ).first()  # fmt: skip
    return None if taken is not None else find(session, given)


def find(session: Session, given: Asked | None) -> Answer | None:
    """The answer that was kept, without taking the key; IdempotencyKeyReused."""
    if given is None:
        return None
    row = session.execute(
        select(
            KeptAnswer.request_digest, KeptAnswer.status, KeptAnswer.body, KeptAnswer.location
        ).where(
            KeptAnswer.caller == given.caller, KeptAnswer.key_digest == given.key_digest
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    if row.request_digest != given.request_digest:
        raise IdempotencyKeyReused(
            "该 Idempotency-Key 已用于另一请求 / the key came before with another request"
        )
    if row.status is None:
        return None
    return Answer(row.status, json.loads(row.body), row.location or "")


def keep(session: Session, given: Asked | None, answer: Answer) -> Answer:
    """Keep the answer with its key, in the transaction of the act."""
    if given is not None:
        session.execute(
            update(KeptAnswer)
            .where(KeptAnswer.caller == given.caller, KeptAnswer.key_digest == given.key_digest)
            .values(
                status=answer.status, location=answer.location,
                body=json.dumps(answer.body, ensure_ascii=False),
            )
        )  # fmt: skip
    return answer


def forget(sessions: Sessions, *, at: datetime) -> int:
    """Delete what is older than KEPT; how many rows went."""
    with sessions.begin() as session:
        gone = session.execute(
            delete(KeptAnswer).where(KeptAnswer.made_at < at - KEPT).returning(KeptAnswer.caller)
        ).all()
    return len(gone)
