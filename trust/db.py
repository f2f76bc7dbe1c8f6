"""The database: one base class, one time type, one way to open a transaction.

A function that takes `session` is part of its caller's transaction; one that takes `sessions`
(a sessionmaker) owns its own.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

Sessions = sessionmaker[Session]


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
        engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    if url.startswith("postgresql://"):
        url = "postgresql+psycopg://" + url.removeprefix("postgresql://")
    return create_engine(url, pool_pre_ping=True)


def _sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come too late
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Any) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def open_sessions(engine: Engine) -> Sessions:
    return sessionmaker(engine, expire_on_commit=False)


def open_reading(engine: Engine) -> Sessions:
    """Sessions that only read: they see one snapshot and never wait for a writer on SQLite."""
    return sessionmaker(engine.execution_options(reading=True), expire_on_commit=False)
