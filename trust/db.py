"""The database: one base class, one time type, one way to open a transaction.

A function that takes `session` is part of its caller's transaction; one that takes `sessions`
(a sessionmaker) owns its own.
"""

from _thread import LockType
from collections import deque
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

Sessions = sessionmaker[Session]
#: Seconds that a writer waits for its turn on SQLite.
WAIT = 30
#: More connections than threads that serve requests: an open file costs little, and the pool's own
#: queue is not a fair one.
ROOM: dict[str, Any] = {"pool_size": 20, "max_overflow": 80}
#: One more than the threads that serve requests (40) and work by the clock: each may hold one
#: connection and ask for a second, and with fewer all of them would wait for each other.
ROOM_POSTGRESQL: dict[str, Any] = {"pool_size": 10, "max_overflow": 36}
IN_MEMORY = ("sqlite://", "sqlite:///:memory:")


class Base(DeclarativeBase):
    """Constraint names are spelled out, so that migrations can name what they change."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC. SQLite has no zones, so they are dropped and given back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time has no place in the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def open_engine(url: str) -> Engine:
    """An engine for SQLite or PostgreSQL.

    SQLite drops FOR UPDATE silently, so its transactions take the write lock when they begin
    (BEGIN IMMEDIATE); a reader that must not wait uses a session of its own with `reading`.
    """
    if url.startswith("sqlite"):
        engine = create_engine(
            url, connect_args={"timeout": WAIT, "check_same_thread": False},
            **({} if url in IN_MEMORY else ROOM),
        )  # fmt: skip
        event.listen(engine, "connect", _sqlite_connect)
        turns = _Turns()
        event.listen(engine, "begin", turns.begin)
        event.listen(engine, "commit", turns.commit)
        event.listen(engine, "rollback", turns.rollback)
        return engine
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    return create_engine(url, pool_pre_ping=True, **ROOM_POSTGRESQL)


def _sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class _Turns:
    """SQLite's writers of this process take turns here, and meet its busy handler, which sleeps and
    guesses, only for the sake of other processes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queue: deque[tuple[LockType, Any]] = deque()
        self._writing: Any = None  # the connection whose turn it is

    def begin(self, connection: Any) -> None:
        if connection.get_execution_options().get("reading", False):
            connection.exec_driver_sql("BEGIN")
            return
        self._wait(connection)
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            self._end(connection)
            raise

    def commit(self, connection: Any) -> None:
        """COMMIT is sent here, and the driver's own finds nothing to do: the turn must not end
        before the file is free. When it fails (a full disk, a deferred constraint) no rollback
        event follows, because the transaction counts as over: the turn is ended here too, or every
        writer after this one would wait for it in vain."""
        try:
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            self.rollback(connection)
            raise
        self._end(connection)

    def rollback(self, connection: Any) -> None:
        try:
            if connection.connection.in_transaction:
                connection.exec_driver_sql("ROLLBACK")
        finally:
            self._end(connection)

    def _wait(self, connection: Any) -> None:
        """First come, first served: a plain lock would let the busiest thread in every time."""
        with self._lock:
            if self._writing is None:
                self._writing = connection
                return
            mine = Lock()
            mine.acquire()
            self._queue.append((mine, connection))
        if not mine.acquire(timeout=WAIT):
            with self._lock:
                if self._writing is not connection:  # not called in this very moment
                    self._queue.remove((mine, connection))
                    # SQLite's own busy handler says, after a wait of its own, that it is locked.

    def _end(self, connection: Any) -> None:
        with self._lock:
            if self._writing is not connection:
                return
            self._writing = None
            if self._queue:
                turn, self._writing = self._queue.popleft()
                turn.release()


def open_sessions(engine: Engine) -> Sessions:
    return sessionmaker(engine, expire_on_commit=False)


def open_reading(engine: Engine) -> Sessions:
    """Sessions that only read: they see one snapshot and never wait for a writer on SQLite."""
    return sessionmaker(engine.execution_options(reading=True), expire_on_commit=False)
