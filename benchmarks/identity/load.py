"""Sixteen connections at work for a few seconds: how many units, how long each, at what cost."""

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.identity.modes import Seat, Unit

#: A unit under way when the time is up is waited for, but a hung server is not.
PATIENCE = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Measured:
    """Latencies in seconds; `cpu` are the server's processor seconds, all its threads."""

    seconds: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Units a second."""
        return len(self.latencies) / self.seconds

    @property
    def cost(self) -> float:
        """Milliseconds of the server's CPU time a unit."""
        return 1000 * self.cpu / len(self.latencies)

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the units was answered."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5), stat: fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def measure(seats: list[Seat], unit: Unit, *, seconds: float) -> Measured:
    """Every seat asks as soon as it is answered. The first unit of each warms up."""
    await asyncio.wait_for(asyncio.gather(*(unit(seat) for seat in seats)), PATIENCE)
    pid, measured = seats[0].target.pid, Measured()
    before, began = cpu_seconds(pid), time.perf_counter()

    async def sit(seat: Seat) -> None:
        while (start := time.perf_counter()) < began + seconds:
            await unit(seat)
            measured.latencies.append(time.perf_counter() - start)

    await asyncio.wait_for(asyncio.gather(*(sit(seat) for seat in seats)), seconds + PATIENCE)
    measured.seconds = time.perf_counter() - began
    measured.cpu = cpu_seconds(pid) - before
    return measured
