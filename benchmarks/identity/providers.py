"""The providers that are measured, each one process on one core: ours, and the peer twice."""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.identity.target import Client, Target, discover
from tests.clients import node
from tests.clients.person import Person
from tests.clients.served import free_port, serving

HERE = Path(__file__).parent
#: Answered by nobody: the load reads the code from the redirect.
REDIRECT = "http://localhost:9/callback"
#: OWASP's second choice, and what ours hashes with (sso.passwords): KiB of memory, passes.
ARGON2 = {"memory": 19456, "passes": 2}
_NODE = 22
_START = 30


def pinned(core: int) -> Sequence[str]:
    """What precedes a command to keep it on one core; nothing where there is no such tool."""
    cores = sorted(os.sched_getaffinity(0))
    found = shutil.which("taskset")
    return [found, "-c", str(cores[core % len(cores)])] if found is not None else []


@contextmanager
def peer(name: str, *, database: Path | None) -> Iterator[Target]:
    """node-oidc-provider: in memory, or with a durable commit for every write."""
    installed = node.install(HERE, at_least=_NODE)
    installed.place(HERE / "peer.mjs", HERE / "sqlite_adapter.mjs")
    port = free_port()
    client = Client("bench", secrets.token_urlsafe(32), REDIRECT)
    person = Person("bench-person", f"correct horse {secrets.token_hex(8)}")
    environment = {
        "PATH": os.environ["PATH"], "NODE_ENV": "production",
        "BENCH_CLIENT": client.client_id, "BENCH_SECRET": client.secret,
        "BENCH_REDIRECT": REDIRECT, "BENCH_USER": person.username,
        "BENCH_PASSWORD": person.password, "BENCH_ARGON2": json.dumps(ARGON2),
    }  # fmt: skip
    command = [*pinned(0), str(installed.program), "peer.mjs", str(port)]
    if database is not None:
        command.append(str(database))
    process = subprocess.Popen(
        command, cwd=installed.folder, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        issuer = f"http://localhost:{port}"
        paths = _wait(issuer, process)
        yield Target(name, issuer, process.pid, client, person, paths, "openid profile")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(issuer: str, process: subprocess.Popen[bytes]) -> dict[str, str]:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return discover(issuer)
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the peer did not come up")


@contextmanager
def ours(home: Path) -> Iterator[Target]:
    """`trust serve` as it is run, on SQLite with synchronous=FULL."""
    with serving(home, before=pinned(0)) as served:
        made = served.add_client("bench", REDIRECT)
        person = served.add_person()
        client = Client(made.client_id, made.client_secret, REDIRECT)
        yield Target(
            "ours", served.issuer, served.pid, client, person, discover(served.issuer),
            "openid profile offline_access", "consent",
        )  # fmt: skip
