"""SM2: our engines beside gmssl and `openssl speed`, as ratios taken in one interleaved run.

    python -m benchmarks.sm2

Rates on a shared machine move by half between minutes; ratios taken in turns on one core do not.
"""

import os
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import Any

from gmssl.sm2 import CryptSM2

from trust.crypto import sm2, sm2_batch

ROUNDS, SECONDS = 5, 0.5
Row = tuple[str, float, str]


def rate(act: Callable[[], object], *, times: int = 1) -> float:
    """Calls a second over half a second; each call counts for `times`."""
    act()
    began, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < SECONDS:
        act()
        count += times
    return count / spent


def openssl_rates() -> tuple[float, float] | None:
    """Return sign/s and verify/s of `openssl speed sm2`, or None without the program or SM2."""
    if shutil.which("openssl") is None:
        return None
    told = subprocess.run(
        ["openssl", "speed", "-seconds", "1", "sm2"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"SM2\).*?([\d.]+)\s+([\d.]+)\s*$", told, re.MULTILINE)
    return (float(found[1]), float(found[2])) if found else None


def contenders() -> dict[str, Callable[[], float]]:
    """Name each measurement and how to take it once."""
    key, message = sm2.PrivateKey.generate(), b"benchmark message 20"
    signature = key.sign(message)
    foreign: Any = CryptSM2(private_key=key.scalar().hex(), public_key="")  # type: ignore[no-untyped-call]
    foreign.public_key = key.public_key.hex()
    raw = foreign.sign_with_sm3(message)
    many = [os.urandom(32) for _ in range(800)]
    items = [
        (key.public_key, text, made)
        for text, made in zip(many, sm2_batch.sign_many(key, many), strict=True)
    ]
    return {
        "sign": lambda: rate(lambda: key.sign(message)),
        "verify": lambda: rate(lambda: sm2.verify(key.public_key, message, signature)),
        "gmssl sign": lambda: rate(lambda: foreign.sign_with_sm3(message)),
        "gmssl verify": lambda: rate(lambda: foreign.verify_with_sm3(raw, message)),
        "batch sign": lambda: rate(lambda: sm2_batch.sign_many(key, many), times=800),
        "batch verify": lambda: rate(lambda: sm2_batch.verify_many(items), times=800),
    }


def measured() -> dict[str, float]:
    """Take every rate in turns on one core and return the medians."""
    acts = contenders()
    taken: dict[str, list[float]] = {}
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # `openssl speed` inherits it: the same core for all.
    try:
        for _ in range(ROUNDS):
            for name, act in acts.items():
                taken.setdefault(name, []).append(act())
            told = openssl_rates()
            for name, value in zip(("openssl sign", "openssl verify"), told or (), strict=False):
                taken.setdefault(name, []).append(value)
    finally:
        os.sched_setaffinity(0, cores)
    return {name: statistics.median(values) for name, values in taken.items()}


def rows() -> list[Row]:
    """Return (what against what, ratio, remark) of one run; openssl's only where it is there."""
    rates = measured()
    pairs = [("sign", "openssl sign"), ("verify", "openssl verify")]
    pairs += [("sign", "gmssl sign"), ("verify", "gmssl verify")]
    if sm2_batch.available():
        pairs += [("batch sign", "sign"), ("batch verify", "verify")]
    return [
        (f"SM2 {ours} / {other}", rates[ours] / rates[other], f"{rates[ours]:.0f} a second")
        for ours, other in pairs
        if other in rates
    ]


if __name__ == "__main__":
    print(sm2.engine())
    for what, ratio, remark in rows():
        print(f"{what:36} {ratio:8.2f}   {remark}")
