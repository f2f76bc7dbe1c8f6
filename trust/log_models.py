"""The tables of the Merkle logs; only trust.log writes them."""

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, UTCDateTime


class LogHead(Base):
    """Where a log stands: its size and frontier (32 bytes a subtree, left to right)."""

    __tablename__ = "log_head"
    log: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    frontier: Mapped[bytes] = mapped_column(LargeBinary)


class LogLeaf(Base):
    """A leaf; `position` counts from 0 without a gap."""

    __tablename__ = "log_leaf"
    log: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class LogNode(Base):
    """A complete subtree of 2^level leaves; level 0 is LogLeaf.leaf_hash."""

    __tablename__ = "log_node"
    log: Mapped[str] = mapped_column(String(64), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class LogCheckpoint(Base):
    """A checkpoint we signed; it stays for good."""

    __tablename__ = "log_checkpoint"
    __table_args__ = (UniqueConstraint("log", "size", "key_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    log: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    key_id: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(200))
    root: Mapped[bytes] = mapped_column(LargeBinary)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
