"""QR codes verified over HTTP: what one costs the server, and how long the asker waits.

The server is `trust serve`, a process of its own on one core; the load is on the other. Its cost is
its own processor time (proc(5)), all threads, audit writing and access log included. It limits each
address, and all of the load comes from one: `TRUST_VERIFYING_PER_SECOND` says so, as it would for a
gateway.
"""

import asyncio
import itertools
import json
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvloop

from benchmarks.identity.load import cpu_seconds
from benchmarks.identity.providers import pinned
from benchmarks.identity.wire import Connection
from tests.clients.served import ROOT, TRUST, free_port
from tests.regions import Region

#: More than any load here makes.
_UNLIMITED = 1_000_000
_START = 60.0
_PATH = "/v1/verifications"


@dataclass(frozen=True, slots=True)
class Server:
    """A running `trust serve`."""

    port: int
    pid: int


@dataclass(slots=True)
class Cost:
    """What a number of verifications cost. `latencies` in seconds, in no order."""

    cpu: float = 0.0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def each(self) -> float:
        """Milliseconds of the server's CPU time."""
        return 1000 * self.cpu / len(self.latencies)

    @property
    def rate(self) -> float:
        """Verifications a second by the wall clock."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def serving(region: Region, log: Path) -> Iterator[Server]:
    """`trust serve` of a region that this process has made; ended with the block."""
    port, settings = free_port(), region.platform.settings
    address = f"http://localhost:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRUST_")},
        "TRUST_HOME": str(settings.home),
        "TRUST_KEY_PASSPHRASE": settings.passphrase().get_secret_value(),
        "TRUST_PORT": str(port), "TRUST_BASE_URL": address, "TRUST_DEVELOPMENT": "1",
        "TRUST_VERIFYING_PER_SECOND": str(_UNLIMITED),
    }  # fmt: skip
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [*pinned(0), *TRUST, "serve"], env=environment, cwd=ROOT, stdout=lines, stderr=lines
        )
    try:
        _wait(address, process, log)
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/healthz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"`trust serve` did not come up: {log.read_text()[-2000:]}")


def question(text: str) -> bytes:
    """The bytes of one request, as an office's system sends it."""
    body = json.dumps({"qr": text}).encode()
    head = (
        f"POST {_PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"accept: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


#: The same request with nothing in it: all middleware and the route, refused unread.
BARE = question("")


def rounds(
    server: Server, codes: Sequence[str], *, connections: int, seconds: float, count: int
) -> list[tuple[Cost, Cost]]:
    """So many rounds of verifications, each beside one of requests refused unread; each connection
    asks as soon as it is answered."""
    questions = [question(code) for code in codes]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_rounds(server, questions, connections, seconds, count))


async def _rounds(
    server: Server, questions: list[bytes], connections: int, seconds: float, count: int
) -> list[tuple[Cost, Cost]]:
    opened = [await Connection("127.0.0.1", server.port).open() for _ in range(connections)]
    turn, bare = itertools.cycle(questions), itertools.repeat(BARE)
    for connection in opened:  # warm
        for _ in range(100):
            await _ask(connection, next(turn))
    found = [
        (
            await _round(server, opened, turn, seconds),
            await _round(server, opened, bare, seconds / 4),
        )
        for _ in range(count)
    ]
    for connection in opened:
        connection.close()
    return found


async def _round(
    server: Server, opened: list[Connection], turn: Iterator[bytes], seconds: float
) -> Cost:
    cost = Cost()
    before, began = cpu_seconds(server.pid), time.perf_counter()

    async def sit(connection: Connection) -> None:
        while (start := time.perf_counter()) < began + seconds:
            await _ask(connection, next(turn))
            cost.latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(sit(connection) for connection in opened))
    cost.seconds = time.perf_counter() - began
    cost.cpu = cpu_seconds(server.pid) - before
    return cost


async def _ask(connection: Connection, asked: bytes) -> None:
    answer = await connection.ask(asked)
    refused = answer.status == 422 and asked is BARE
    passed = answer.status == 200 and b'"outcome":"PASSED"' in answer.body[:200]
    if not (passed or refused):
        raise RuntimeError(f"not verified: {answer.status} {answer.body[:500]!r}")


def median(costs: Sequence[Cost]) -> Cost:
    """The round whose cost is in the middle."""
    return sorted(costs, key=lambda cost: cost.each)[len(costs) // 2]


def spread(values: Sequence[float]) -> str:
    """Lowest and highest, as text."""
    return f"{min(values):.2f} - {max(values):.2f}, median {statistics.median(values):.2f}"
