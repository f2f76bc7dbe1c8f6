"""Running a parser of hostile input in a process of its own, with limits on time and memory.

Some inputs make a tolerant decoder work for minutes or take gigabytes; no cap on bytes or pixels
foresees them all. The child is this interpreter running one of our modules.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

from trust.errors import Unavailable

_ROOT = Path(__file__).resolve().parents[1]


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
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own module
            [sys.executable, "-m", module], input=data, capture_output=True, timeout=2 * seconds,
            env=environment, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Overrun("reading takes longer than is allowed") from error
    except OSError as error:
        raise Stumbled("the reader cannot be started") from error
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1][:160] if lines else ""
    if done.returncode < 0 or "MemoryError" in last or len(done.stdout) > output_max:
        raise Overrun("reading takes more time or memory than is allowed")
    if done.returncode != 0:
        raise Stumbled(last)
    return done.stdout


def limit(*, seconds: int, memory: int) -> None:
    """For the child: no more CPU seconds and bytes than these."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
