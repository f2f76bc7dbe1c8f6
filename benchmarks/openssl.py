"""The same work by `openssl`: one process for each piece, as a script does it, or its own server.

Processor time is that of the children alone; a process of its own costs it 3 to 5 ms each time.
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

START = 10
TICK = os.sysconf("SC_CLK_TCK")


def run(directory: Path, *words: str) -> None:
    """RuntimeError when openssl refuses, with what it said."""
    done = subprocess.run(["openssl", *words], cwd=directory, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.decode(errors='replace')[-300:]}")


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


@contextlib.contextmanager
def _responder(directory: Path, words: list[str]) -> Iterator[tuple[int, int]]:
    """`openssl ocsp` as a server on loopback: its port and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["openssl", "ocsp", "-port", str(port), *words]
    process = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        ends = time.monotonic() + START
        while time.monotonic() < ends:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def served_rate(directory: Path, words: list[str], body: bytes, *, times: int = 400) -> float:
    """Answers a second of the server's processor time; it closes the connection after each."""
    head = (
        f"POST / HTTP/1.0\r\nContent-Type: application/ocsp-request\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with _responder(directory, words) as (port, pid):
        before = _spent(pid)
        for _ in range(times):
            with socket.create_connection(("127.0.0.1", port), START) as line:
                line.sendall(head + body)
                answer = b"".join(iter(lambda: line.recv(65536), b""))
            if b" 200 " not in answer[:20]:
                raise RuntimeError("openssl ocsp gave no answer")
        return times / (_spent(pid) - before)
