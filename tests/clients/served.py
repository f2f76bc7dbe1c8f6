"""A `trust serve` of the tests' own: a process, a free port, a region made for it."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.clients.person import Person

ROOT = Path(__file__).resolve().parents[2]
TRUST = (sys.executable, "-m", "server.cli")
_START = 60
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Registered:
    """A client as `trust client add` made it."""

    client_id: str
    client_secret: str
    redirect_uri: str


@dataclass
class Served:
    """A running provider; clients and people are made by its command line."""

    issuer: str
    environment: dict[str, str]
    log: Path
    pid: int = 0
    _serials: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))

    def run(self, *words: str) -> str:
        """What a `trust` command prints; AssertionError with its refusal."""
        done = subprocess.run(
            [*TRUST, *words], env=self.environment, cwd=ROOT, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"trust {' '.join(words)}: {done.stderr}"
        return done.stdout

    def add_client(self, name: str, redirect_uri: str, *options: str) -> Registered:
        """`options` as the command takes them, `--auth private_key_jwt` and the like."""
        words = ["client", "add", "--name", name, "--redirect-uri", redirect_uri, *options]
        said: dict[str, Any] = json.loads(self.run(*words, "--json"))
        return Registered(said["client_id"], said.get("client_secret") or "", redirect_uri)

    def add_person(self, *options: str) -> Person:
        """Somebody new with a password; `--totp`, `--level 2` as the command takes them."""
        serial = next(self._serials)
        name, password = f"person-{serial}", f"correct horse {secrets.token_hex(8)}"
        words = ["user", "add", "--name", name, "--id-number", citizen_id(serial)]
        said = json.loads(self.run(*words, "--password", password, *options, "--json"))
        return Person(said["username"], password, said["sub"], said.get("totp_secret"))


def citizen_id(serial: int) -> str:
    """A number of the form that GB 11643 asks for, made up: `serial` of one day in one place."""
    body = f"54250019900101{serial:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    home: Path, *, before: Sequence[str] = (), options: Sequence[str] = ()
) -> Iterator[Served]:
    """Make a region in `home`, serve it until the block ends. `before` precedes the command."""
    port = free_port()
    issuer = f"http://localhost:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRUST_")},
        "TRUST_HOME": str(home), "TRUST_KEY_PASSPHRASE": "for tests only", "TRUST_PORT": str(port),
        "TRUST_BASE_URL": issuer, "TRUST_ISSUER": issuer, "TRUST_DEVELOPMENT": "1",
    }  # fmt: skip
    served = Served(issuer, environment, home.with_suffix(".log"))
    served.run("init", "--region", "542500", "--name", "阿里地区")
    with served.log.open("wb") as log:
        process = subprocess.Popen(
            [*before, *TRUST, "serve", "--allow-private-callbacks", *options],
            env=environment, cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait(served, process)
        served.pid = process.pid  # taskset and setpriv become what they start
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(served: Served, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            document = httpx.get(
                f"{served.issuer}/.well-known/openid-configuration", trust_env=False
            )
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        assert document.status_code == 200, f"no discovery document: {document.status_code}"
        return
    raise AssertionError(f"`trust serve` did not come up:\n{served.log.read_text()[-4000:]}")
