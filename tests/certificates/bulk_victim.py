"""A worker that is killed at chosen points, again and again, then left alone to finish.

`python -m tests.certificates.bulk_victim JOB POINT…` with the settings in the environment. Each
worker is a fork of this process, which has imported everything and opened nothing. A point is a
number of statements sent to the database and of files put, after which SIGKILL comes.
"""

import os
import signal
import sys
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import event

from server.bulk_bench import open_bench, work_off
from server.platform import Platform
from trust.settings import Settings


def _deadly(platform: Platform, point: int) -> None:
    """Kill this process when it has done so many things that leave a trace."""
    left = point

    def count(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(platform.engine, "before_cursor_execute", count)
    event.listen(platform.engine, "commit", count)
    sys.addaudithook(lambda name, _: count() if name == "os.link" else None)


def _life(job: UUID, point: int | None) -> None:
    # Files, B-B: what is proved here is the bookkeeping.
    platform = Platform(Settings())
    if point is not None:
        _deadly(platform, point)
    bench = open_bench(platform)
    plain = replace(bench, workshop=lambda *, at: replace(platform.workshop(at=at), long_term=None))
    work_off(plain, job)


def main(words: list[str]) -> int:
    """How many of the workers were killed, as this process's answer."""
    job, killed = UUID(words[0]), 0
    for point in [*map(int, words[1:]), None]:
        child = os.fork()
        if child == 0:
            try:
                _life(job, point)
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            killed += 1
        elif status != 0:
            return 1
    print(killed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
