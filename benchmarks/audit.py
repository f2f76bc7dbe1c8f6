"""What an audit entry costs beside a bare INSERT of the same row, one run, one process, SQLite.

python -m benchmarks.audit
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, Table, insert
from sqlalchemy.orm import Session

from trust import audit, log
from trust.access import SYSTEM
from trust.audit_entry import AuditEntry
from trust.db import Base, open_engine, open_sessions

ENTRIES = 2000
ROUNDS = 5
AT = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
DETAILS = {"digest": "ab" * 32, "reason": "审批通过"}


def rows() -> list[tuple[str, float, str]]:
    """Name, value and unit. The best of five interleaved rounds, without the commit."""
    best: dict[str, float] = {}
    with TemporaryDirectory() as directory:
        for round_ in range(ROUNDS):
            for name, act in ACTS.items():
                engine = open_engine(f"sqlite:///{Path(directory) / f'{name}-{round_}.db'}")
                spent = _measure(engine, act)
                best[name] = min(best.get(name, spent), spent)
                engine.dispose()
    bare = best["bare"]
    return [
        ("bare INSERT of the row", bare * 1e6, "us CPU an entry"),
        ("log.append of a leaf", best["append"] * 1e6, "us CPU an entry"),
        ("audit.record", best["record"] * 1e6, "us CPU an entry"),
        ("audit.record / bare INSERT", best["record"] / bare, "times"),
        ("audit.verify", best["verify"] * 1e6, "us CPU an entry"),
    ]


def _measure(engine: Engine, act: Callable[[Session], None]) -> float:
    """Processor seconds an entry."""
    Base.metadata.create_all(engine)
    sessions = open_sessions(engine)
    if act is _verify:
        with sessions.begin() as session:
            _record(session)
    with sessions.begin() as session:
        start = time.process_time()
        act(session)
        return (time.process_time() - start) / ENTRIES


def _bare(session: Session) -> None:
    table = AuditEntry.__table__
    assert isinstance(table, Table)
    for number in range(ENTRIES):
        values = {
            "sequence": number,
            "at": AT,
            "act": "licence.issued",
            "subject": "licence",
            "account": "system",
            "authority": None,
            "details": str(DETAILS),
            "previous": bytes(32),
            "hash": bytes(32),
        }
        session.execute(insert(table), values)


def _append(session: Session) -> None:
    for _ in range(ENTRIES):
        log.append(session, "audit", bytes(32), at=AT)


def _record(session: Session) -> None:
    for _ in range(ENTRIES):
        audit.record(
            session, "licence.issued", subject="licence", by=SYSTEM, at=AT, details=DETAILS
        )


def _verify(session: Session) -> None:
    assert not audit.verify(session).faults


ACTS: dict[str, Callable[[Session], None]] = {
    "bare": _bare,
    "append": _append,
    "record": _record,
    "verify": _verify,
}


if __name__ == "__main__":
    for name, value, unit in rows():
        print(f"{name:30} {value:10.1f} {unit}")
