"""The identity provider beside node-oidc-provider, one run, taken in turns.

    python -m benchmarks.identity [--seconds 2] [--rounds 3] [--only MODE …] [--peer-only]

Each provider is one process on one core, the load is on another: 16 kept-alive connections, each
with a session of its own. A line is the median of the rounds; CPU is the server's, and its ratio
is the steadier of the two on a machine that is shared.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import uvloop

from benchmarks.identity import providers
from benchmarks.identity.load import Measured, measure
from benchmarks.identity.modes import MODES, take_seat
from benchmarks.identity.target import Target

SEATS = 16
Results = dict[tuple[str, str], list[Measured]]


def run(targets: list[Target], modes: list[str], *, seconds: float, rounds: int) -> Results:
    """Every mode at every provider, provider after provider, `rounds` times."""
    results: Results = {}
    for _ in range(rounds):
        for mode in modes:
            for target in targets:
                measured = uvloop.run(_one(target, mode, seconds=seconds))
                results.setdefault((mode, target.name), []).append(measured)
    return results


async def _one(target: Target, mode: str, *, seconds: float) -> Measured:
    seats = [await take_seat(target) for _ in range(SEATS)]
    try:
        return await measure(seats, MODES[mode], seconds=seconds)
    finally:
        for seat in seats:
            seat.connection.close()


def lines(results: Results, names: list[str]) -> Iterator[str]:
    """The table; ratios are ours over each peer's."""
    yield f"{'':22} {'provider':16} {'per s':>8} {'p50':>7} {'p95':>7} {'p99':>7} {'CPU ms':>7}"
    for mode in dict.fromkeys(mode for mode, _ in results):
        for name in names:
            taken = results[mode, name]
            figures = [
                _median(taken, lambda one: one.rate),
                *(_median(taken, lambda one, s=share: one.percentile(s))  # type: ignore[misc]
                  for share in (0.5, 0.95, 0.99)),
                _median(taken, lambda one: one.cost),
            ]  # fmt: skip
            told = f"{figures[0]:8.0f} {figures[1]:7.1f} {figures[2]:7.1f} {figures[3]:7.1f}"
            yield f"{mode:22} {name:16} {told} {figures[4]:7.2f}{_against(results, mode, name)}"


def _against(results: Results, mode: str, name: str) -> str:
    own = results.get((mode, "ours"))
    if own is None or name == "ours":
        return ""
    theirs = results[mode, name]
    rate = _median(own, lambda one: one.rate) / _median(theirs, lambda one: one.rate)
    cost = _median(theirs, lambda one: one.cost) / _median(own, lambda one: one.cost)
    return f"   ours: {rate:.2f} x as many, {cost:.2f} x by CPU"


def _median(taken: list[Measured], figure: Callable[[Measured], float]) -> float:
    return statistics.median(figure(one) for one in taken)


def main() -> None:
    words = argparse.ArgumentParser(prog="benchmarks.identity")
    words.add_argument("--seconds", type=float, default=2.0)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--only", action="append", choices=[*MODES], metavar="MODE")
    words.add_argument("--peer-only", action="store_true")
    given = words.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as made, ExitStack() as running:
        database = Path(made) / "peer.db"
        targets = [
            running.enter_context(providers.peer("peer, memory", database=None)),
            running.enter_context(providers.peer("peer, SQLite", database=database)),
        ]
        if not given.peer_only:
            targets.insert(0, running.enter_context(providers.ours(Path(made) / "home")))
        os.sched_setaffinity(0, {cores[-1]})
        results = run(targets, given.only or [*MODES], seconds=given.seconds, rounds=given.rounds)
    kib, passes = providers.ARGON2["memory"], providers.ARGON2["passes"]
    print("\n".join(lines(results, [target.name for target in targets])))
    print(f"\nwhole sign-in: argon2id, {kib} KiB, {passes} passes, 1 lane, at each")


if __name__ == "__main__":
    main()
