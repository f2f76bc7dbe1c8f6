"""The same work by `openssl`: one process for each piece, as a script does it, or its own server.

Processor time is that of the children alone; a process of its own costs it 3 to 5 ms each time.
"""

import contextlib
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

START = 10
TICK = os.sysconf("SC_CLK_TCK")


def run(directory: Path, *words: str, says: str = "") -> None:
    """RuntimeError when openssl refuses, or does not say `says`, with what it said."""
    done = subprocess.run(["openssl", *words], cwd=directory, capture_output=True, check=False)
    said = done.stderr.decode(errors="replace")
    if done.returncode or says not in said:
        raise RuntimeError(f"openssl {words[0]}: {said[-300:]}")


def child_seconds(act: Callable[[], object]) -> float:
    """Processor seconds of the children that `act` waits for."""
    before = os.times()
    act()
    after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system


def rate(directory: Path, *words: str, times: int = 60) -> float:
    """Times a second of processor time, a process each."""
    run(directory, *words)

    def often() -> None:
        for _ in range(times):
            run(directory, *words)

    return times / child_seconds(often)


def _spent(pid: int) -> float:
    """Processor seconds of a running process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def served_rate(directory: Path, words: list[str], body: bytes, *, times: int = 400) -> float:
    """Answers a second of processor time of `openssl ocsp` as a server on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["openssl", "ocsp", "-port", str(port), *words]
    process = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _first_answer(port, body)
        before = _spent(process.pid)
        for _ in range(times):
            _ask(port, body)
        return times / (_spent(process.pid) - before)
    finally:
        process.kill()
        process.wait()


def _first_answer(port: int, body: bytes) -> None:
    """Waits until it listens; a connection without a request would keep it for good."""
    ends = time.monotonic() + START
    while time.monotonic() < ends:
        with contextlib.suppress(ConnectionRefusedError):
            _ask(port, body)
            return
        time.sleep(0.05)
    raise RuntimeError("openssl ocsp does not listen")


def _ask(port: int, body: bytes) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=START)
    line.request("POST", "/", body, {"Content-Type": "application/ocsp-request"})
    answer = line.getresponse()
    if answer.status != HTTPStatus.OK or not answer.read():
        raise RuntimeError("openssl ocsp gave no answer")
    line.close()
