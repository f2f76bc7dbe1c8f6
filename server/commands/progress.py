"""How far a long command is: a bar on a terminal, plain lines otherwise; standard error only."""

import sys
import time
from typing import Final

from certificates.bulk.jobs import Counts

_WIDTH: Final = 30
#: Seconds between two plain lines.
_EVERY: Final = 10.0


class Progress:
    """Told of a count now and then."""

    def __init__(self, what: tuple[str, str], total: int) -> None:
        self._what, self._total = what, total
        self._bar = sys.stderr.isatty()
        self._begun = self._said = time.monotonic()
        self._shown = False

    def rows(self, counts: Counts) -> None:
        """For a job that is worked off: what is issued or refused."""
        self.show(counts.issued + counts.refused)

    def show(self, done: int) -> None:
        now = time.monotonic()
        if self._bar:
            self._draw(done, now)
        elif now - self._said >= _EVERY:
            self._said = now
            print(f"{self._what[0]} {self._what[1]}: {self._of(done)}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the bar's line."""
        if self._shown:
            print(file=sys.stderr, flush=True)

    def _of(self, done: int) -> str:
        return f"{done} / {self._total}" if self._total else str(done)

    def _draw(self, done: int, now: float) -> None:
        rate = done / max(now - self._begun, 0.001)
        bar = ""
        if self._total:
            filled = _WIDTH * done // self._total
            bar = "[" + "█" * filled + "·" * (_WIDTH - filled) + "] "
        line = f"\r{self._what[0]} {self._what[1]} {bar}{self._of(done)}  {rate:.0f}/s "
        print(line, end="", file=sys.stderr, flush=True)
        self._shown = True
