"""Running a parser of hostile input in a process of its own, with limits on time and memory.

Some inputs make a tolerant decoder work for minutes or take gigabytes; no cap on bytes or pixels
foresees them all. The child is this interpreter running one of our modules.
"""

import contextlib
import os
import resource
import subprocess
import sys
from pathlib import Path
from threading import Thread, Timer
from typing import IO, Final

from trust.errors import Unavailable

_ROOT = Path(__file__).resolve().parents[1]
_CHUNK: Final = 1 << 16
#: Of what a child complains the last line is told.
_COMPLAINT_MAX: Final = 1 << 20


class Overrun(Unavailable):
    """The child was stopped for its time or memory, or said too much."""

    code = "too_much_work"


class Stumbled(Unavailable):
    """The child ended with an error; the message is the last line of what it said."""

    code = "parser_stumbled"


def run(module: str, data: bytes, *, seconds: int, output_max: int) -> bytes:
    """What `python -m module` answers to `data` on its standard input; Overrun or Stumbled."""
    environment = {"PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, sys.path)]),
                   "PATH": os.environ.get("PATH", "")}  # fmt: skip
    try:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
            [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment,
        )  # fmt: skip
    except OSError as error:
        raise Stumbled("the reader cannot be started") from error
    with child:
        said, complaint = _talk(child, data, seconds=2 * seconds, output_max=output_max)
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1][:160] if lines else ""
    if child.returncode < 0 or "MemoryError" in last or len(said) > output_max:
        raise Overrun("reading takes more time or memory than is allowed")
    if child.returncode != 0:
        raise Stumbled(last)
    return said


def _talk(
    child: "subprocess.Popen[bytes]", data: bytes, *, seconds: int, output_max: int
) -> tuple[bytes, bytes]:
    """What the child answers and complains. It is killed when its time is over or when it says more
    than `output_max`: a small file may unpack to gigabytes, which must not come to stand here."""
    complaint = bytearray()
    helpers = [
        Thread(target=_tell, args=(child, data), daemon=True),
        Thread(target=_listen, args=(child.stderr, complaint, _COMPLAINT_MAX), daemon=True),
        Timer(seconds, child.kill),
    ]
    for each in helpers:
        each.start()
    said = bytearray()
    try:
        _listen(child.stdout, said, output_max + 1)
        if len(said) > output_max:
            child.kill()
        child.wait()
    finally:
        child.kill()
        for each in helpers:
            if isinstance(each, Timer):
                each.cancel()
            each.join()
    return bytes(said), bytes(complaint)


def _tell(child: "subprocess.Popen[bytes]", data: bytes) -> None:
    pipe = child.stdin
    if pipe is None:
        return
    with contextlib.suppress(OSError):  # a child that has read enough closes its end
        pipe.write(data)
    with contextlib.suppress(OSError):
        pipe.close()


def _listen(pipe: IO[bytes] | None, into: bytearray, most: int) -> None:
    while pipe is not None and len(into) < most and (chunk := os.read(pipe.fileno(), _CHUNK)):
        into += chunk


def limit(*, seconds: int, memory: int) -> None:
    """For the child: no more CPU seconds and bytes than these."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
