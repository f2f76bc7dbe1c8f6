"""Seals put on a ready page and verified, a second of one core, beside pyHanko.

    python -m benchmarks.seals

Ours makes two seals, SM2 and RSA-2048, without (B-B) and with time-stamps and evidence (B-LT), and
verifies both with chains, revocations and the claim. pyHanko makes and verifies the RSA one alone:
it loads its key from an encrypted PEM file each time, as a service does that keeps it there; a line
says what is left of its time when the key stays loaded.
"""

import logging
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.licence import Bench, cpu_ms

Row = tuple[str, float, str]
ROUNDS, EACH = 5, 8


def measure(bench: Bench) -> dict[str, float]:
    """Median CPU milliseconds of each way, taken in turns."""
    key = bench.rival_key()
    ways: dict[str, Callable[[], object]] = {
        "seal B-B": bench.seal_only, "seal B-LT": bench.seal_lasting,
        "peer seal": lambda: bench.rival_sign(bench.page),
        "peer seal, key kept": lambda: bench.rival_sign(bench.page, key=key),
        "verify B-B": bench.verify_signatures, "verify B-LT": bench.verify_lasting,
        "peer verify": bench.rival_verify,
    }  # fmt: skip
    for act in ways.values():
        act()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, act in ways.items():
            taken[name].append(cpu_ms(act, EACH))
    return {name: statistics.median(values) for name, values in taken.items()}


def rows() -> list[Row]:
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as home:
        ms = measure(Bench(Path(home)))
    rates = [(f"{name}: files/s", 1000 / ms[name], f"{ms[name]:.2f} ms CPU") for name in ms]
    aims = {"seal": 10, "verify": 3}
    return rates + [
        (f"{act} {level} against pyHanko's RSA alone", ms[f"peer {act}"] / ms[f"{act} {level}"],
         f"x faster; aim {aim}")
        for act, aim in aims.items() for level in ("B-B", "B-LT")
    ]  # fmt: skip


if __name__ == "__main__":
    for what, value, remark in rows():
        print(f"  {what:42} {value:10.2f}  {remark}")
