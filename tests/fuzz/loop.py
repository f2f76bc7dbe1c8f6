"""A fuzzer of our own: mutations of a corpus, kept when they reach lines that none reached before.

It needs nothing installed. Where atheris is, `tests.fuzz.run` uses that instead.
"""

import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import corpus
from tests.fuzz.targets import TARGETS

#: Of one input: more is a finding. A loaded machine must not make one, so seconds are of the CPU.
SECONDS_MAX, GROWTH_MAX_KB = 2.0, 256 * 1024
_TRACED_EVERY, _KEPT_MAX = 6, 400
_OURS = tuple(str(Path(__file__).parents[2] / name) for name in ("seal", "trust", "certificates"))


class TooSlow(BaseException):
    """Raised into a parser that takes too long; no `except Exception` may swallow it."""


@dataclass
class Finding:
    target: str
    what: str
    data: bytes


@dataclass
class Run:
    """What a run did: `tried` inputs, `kept` ones that reached something new."""

    tried: int = 0
    kept: list[bytes] = field(default_factory=list)
    lines: set[tuple[str, int]] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def fuzz(target: str, *, seconds: float, seed: int, most: int | None = None) -> Run:
    """Mutate and try for so long, or so many inputs; every finding is kept with its input."""
    chance, run, known = random.Random(seed), Run(), corpus(target)
    for data in known:
        _look(target, data, run)
    known += run.kept
    until = time.monotonic() + seconds
    while time.monotonic() < until and (most is None or run.tried < most):
        data = mutated(target, chance.choice(known), chance.choice(known), chance)
        if run.tried % _TRACED_EVERY == 0:
            if _look(target, data, run) and len(known) < _KEPT_MAX:
                known.append(data)
        else:
            _try(target, data, run)
        if len(run.findings) >= 20:
            break
    return run


def _look(target: str, data: bytes, run: Run) -> bool:
    """Try with the lines watched; whether any was new."""
    before = len(run.lines)
    with _watching(run.lines):
        _try(target, data, run)
    if len(run.lines) > before:
        run.kept.append(data)
    return len(run.lines) > before


def _try(target: str, data: bytes, run: Run) -> None:
    run.tried += 1
    what = trial(TARGETS[target], data)
    if what:
        run.findings.append(Finding(target, what, data))


def trial(parse: Callable[[bytes], None], data: bytes) -> str:
    """What went wrong with an input: an exception, its time, its memory; or nothing."""
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    try:
        with _limited():
            parse(data)
    except TooSlow:
        return f"took more than {SECONDS_MAX} s"
    except Exception as error:  # any at all is the finding
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} at {Path(last.filename).name}:{last.lineno}"
    if time.process_time() - started > SECONDS_MAX:
        return f"took {time.process_time() - started:.1f} s"
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
    return f"took {growth // 1024} MB" if growth > GROWTH_MAX_KB else ""


@contextmanager
def _limited() -> Iterator[None]:
    """CPU time of this process; its alarm works in the main thread alone."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow

    old = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)


@contextmanager
def _watching(lines: set[tuple[str, int]]) -> Iterator[None]:
    """Collects the lines of our own packages that are run."""

    def local(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def entered(frame: FrameType, _event: str, _argument: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(_OURS) else None

    old = sys.gettrace()
    sys.settrace(entered)
    try:
        yield
    finally:
        sys.settrace(old)
