"""Databases for the tests: SQLite files, and a private PostgreSQL started on first use.

`engine` and `sessions` run a test on both. A test whose outcome cannot depend on the database takes
`sqlite_engine` or `sqlite_sessions`. Every test has a database of its own, copied from a template
that holds all tables of the imported modules.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from tests.tools import find_tool
from trust.db import Base, Sessions, open_engine, open_sessions
from trust.keys import SoftKeyStore

#: No TCP, and nothing kept safe: the data lives as long as the run.
OPTIONS = (
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=150",
)


@dataclass
class PostgresServer:
    """A running server, reached through a socket in `directory`."""

    directory: Path
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    template: str | None = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, *, empty: bool = False) -> str:
        """The name of a new database: with all tables, or empty."""
        if not empty and self.template is None:
            self.template = self.create(empty=True)
            engine = open_engine(self.url(self.template))
            Base.metadata.create_all(engine)
            engine.dispose()  # a template must have no connection
        name = f"test_{next(self.counter)}"
        source = "template1" if empty else self.template
        self.run(f"CREATE DATABASE {name} TEMPLATE {source}")
        return name

    def drop(self, database: str) -> None:
        self.run(f"DROP DATABASE {database} WITH (FORCE)")


def _postgres_user() -> str | None:
    """Another user to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _wait_until_ready(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            server.run("SELECT 1")
        except psycopg.OperationalError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return
    log = (server.directory / "log").read_text(errors="replace")
    pytest.fail(f"PostgreSQL did not start:\n{log[-2000:]}", pytrace=False)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    with running_postgresql() as server:
        yield server


@contextmanager
def running_postgresql() -> Iterator[PostgresServer]:
    """A PostgreSQL of this process's own: no password, no TCP, no fsync, gone afterwards."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    initdb, postgres = find_tool("initdb", *installed), find_tool("postgres", *installed)
    # Not under pytest's own directory: a socket's path has at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="trust-pg-"))
    user = _postgres_user()
    if user is not None:
        shutil.chown(directory, user)
    cluster = ["-D", str(directory / "data")]
    making = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    subprocess.run(
        [initdb, *cluster, *making], check=True, capture_output=True, user=user, cwd=directory
    )
    # Should this process be killed, the server goes with it.
    leash = ["setpriv", "--pdeathsig=QUIT"] if shutil.which("setpriv") else []
    options = [*OPTIONS, f"unix_socket_directories={directory}"]
    settings = [part for option in options for part in ("-c", option)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [*leash, postgres, *cluster, *settings], stderr=log, user=user, cwd=directory
        )
    try:
        server = PostgresServer(directory)
        _wait_until_ready(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=30)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = open_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    engine.dispose()  # the last connection folds the write-ahead log into the file
    return path


@pytest.fixture
def sqlite_engine(sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
    shutil.copy(sqlite_template, tmp_path / "test.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'test.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_engine(postgresql: PostgresServer) -> Iterator[Engine]:
    name = postgresql.create()
    engine = open_engine(postgresql.url(name))
    yield engine
    engine.dispose()
    postgresql.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each database in turn."""
    chosen: Engine = request.getfixturevalue(f"{request.param}_engine")
    return chosen


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    return open_sessions(engine)


@pytest.fixture
def sqlite_sessions(sqlite_engine: Engine) -> Sessions:
    return open_sessions(sqlite_engine)


@pytest.fixture(scope="session")
def soft_keys(tmp_path_factory: pytest.TempPathFactory) -> SoftKeyStore:
    """One key store for the whole run; a test names its keys after itself."""
    return SoftKeyStore(tmp_path_factory.mktemp("keys") / "store", SecretStr("test passphrase"))
