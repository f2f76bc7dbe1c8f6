"""Attacks on what everybody shares: the writers' turns, the processors, the memory."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.types import Message, Receive, Scope, Send

from server import middleware
from server.connections import Guarded
from sso import sign_in, throttle
from sso.passwords import Hasher, HashingBusy, WrongPassword
from sso.sign_in import SignInFailed
from tests.conftest import PostgresServer
from tests.sso import signing_in
from tests.sso.provider import START
from trust.db import Sessions, open_engine, open_reading, open_sessions
from trust.keys import SoftKeyStore


def test_a_commit_that_fails_does_not_keep_the_writers_turn(tmp_path: Path) -> None:
    """A full disk shows itself at COMMIT; every writer then waited half a minute for ever."""
    engine = open_engine(f"sqlite:///{tmp_path / 'turns.db'}")
    sessions = open_sessions(engine)
    with sessions.begin() as session:
        session.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        session.execute(
            text(
                "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER "
                "REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
            )
        )
    with pytest.raises(IntegrityError), sessions.begin() as session:
        session.execute(text("INSERT INTO child VALUES (1, 99)"))
    began = time.monotonic()
    with sessions.begin() as session:
        session.execute(text("INSERT INTO parent VALUES (1)"))
    assert time.monotonic() - began < 5
    with sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM child")) == 0
    engine.dispose()


def test_a_flood_of_passwords_leaves_threads_for_everything_else() -> None:
    """Forty threads serve requests; a hundred sign-ins at once held them all."""
    hasher = Hasher(memory_kib=19_456, iterations=30, at_once=1)
    done: list[object] = []

    def attempt() -> None:
        try:
            hasher.waste("x" * 20)
        except (HashingBusy, WrongPassword) as error:
            done.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    refused = [each for each in done if isinstance(each, HashingBusy)]
    assert len(refused) >= 20
    assert len(done) == 40
    with pytest.raises(WrongPassword):  # and every place was given back
        hasher.waste("x" * 20)


class _Counting(Hasher):
    """How often a password was compared."""

    hashed = 0

    def verify(self, stored: str, text: str) -> None:
        type(self).hashed += 1
        super().verify(stored, text)


def test_a_network_that_is_locked_as_a_whole_costs_no_hashing(
    sqlite_sessions: Sessions, soft_keys: SoftKeyStore, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    made = signing_in.provider_on(sqlite_sessions, soft_keys, tmp_path)
    provider = replace(made, hasher=_Counting(memory_kib=8, iterations=1))
    monkeypatch.setattr(throttle, "PASSWORD_NETWORK", throttle.Limit(3))
    signing_in.citizen(provider)
    _Counting.hashed = 0
    for number in range(6):
        with pytest.raises(SignInFailed):
            sign_in.by_password(provider, f"nobody{number}", "x" * 20, network="9.9.9.9", at=START)
    assert _Counting.hashed == 3
    # Who comes from elsewhere is let in, and a locked account is compared like any other.
    sign_in.by_password(provider, "zhang.san", signing_in.PASSWORD, network="8.8.8.8", at=START)
    assert _Counting.hashed == 4


@pytest.mark.parametrize(
    ("kind", "size", "status"),
    [
        (b"application/json", 2_000_000, 413),
        (b"", 2_000_000, 413),
        (b"application/x-www-form-urlencoded", 2_000_000, 413),
        (b"application/json", 500_000, 200),
        (b"multipart/form-data; boundary=x", 2_000_000, 200),
    ],
)
@pytest.mark.anyio
async def test_only_a_form_with_a_file_may_be_long(kind: bytes, size: int, status: int) -> None:
    """Twenty megabytes of [] are a gigabyte of lists, made before anybody asked for a token."""
    sent: list[Message] = []

    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    pieces = [b"x" * 100_000] * (size // 100_000)

    async def receive() -> Message:
        body = pieces.pop() if pieces else b""
        return {"type": "http.request", "body": body, "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", kind)] if kind else []
    scope: Scope = {
        "type": "http", "method": "POST", "path": "/v1/applications", "headers": headers,
        "query_string": b"",
    }  # fmt: skip
    await middleware.BodyLimit(application, limit=20_000_000)(scope, receive, send)
    assert sent[0]["status"] == status


class _Hasty(Guarded):
    patience = 0.6
    body_patience = 0.9


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    """A server of two places that answers everything once it has read it."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"there"})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            application, http=_Hasty, limit_concurrency=3, lifespan="off", log_config=None
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()
        server.should_exit = True
        thread.join(20)


def _answer(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, 5) as asking:
        asking.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return asking.recv(1000)


SLOW = {
    "idle": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "half a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
}


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_connections_that_bring_nothing_make_room(address: tuple[str, int], sent: bytes) -> None:
    """Two hundred idle connections kept everybody out for as long as somebody liked."""
    held = [socket.create_connection(address, 5) for _ in range(3)]
    for each in held:
        each.sendall(sent)
    deadline = time.monotonic() + 20
    while b"there" not in _answer(address):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for each in held:
        each.close()


def _send_slowly(asking: socket.socket, piece: bytes, *, times: int) -> None:
    for _ in range(times):
        asking.sendall(piece)
        time.sleep(0.001)


def test_a_head_without_end_is_not_kept(address: tuple[str, int]) -> None:
    """The parser keeps a header's value whole, however many gigabytes come."""
    with socket.create_connection(address, 5) as asking:
        asking.sendall(b"GET / HTTP/1.1\r\nX: ")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            _send_slowly(asking, b"x" * 65_536, times=400)
    assert b"there" in _answer(address)


def test_a_patient_reader_of_a_slow_answer_and_a_second_request_are_served(
    address: tuple[str, int],
) -> None:
    with socket.create_connection(address, 5) as asking:
        for _ in range(3):
            asking.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nx")
            time.sleep(0.4)
            asking.sendall(b"y")
            assert asking.recv(1000).startswith(b"HTTP/1.1 200")
            time.sleep(0.1)


def test_forty_requests_that_read_while_they_write_do_not_wait_for_each_other(
    postgresql: PostgresServer,
) -> None:
    """Each holds a connection and asks for a second; fifteen in all, and everything stood still for
    half a minute."""
    engine = open_engine(postgresql.url(postgresql.create()))
    sessions, reading = open_sessions(engine), open_reading(engine)
    together = threading.Barrier(40)
    outcomes: list[object] = []

    def request() -> None:
        together.wait(20)
        try:
            with sessions.begin() as session:
                session.execute(text("SELECT pg_sleep(0.3)"))
                with reading() as other:
                    outcomes.append(other.scalar(text("SELECT 1")))
        except Exception as error:  # told to the test
            outcomes.append(error)

    threads = [threading.Thread(target=request) for _ in range(40)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    engine.dispose()
    assert outcomes == [1] * 40
    assert time.monotonic() - began < 20
